"""Data for training: bundled and downloadable sets, toy problems, splits and the batch loader."""

from tinygrad_lite.data.cache import cache_folder
from tinygrad_lite.data.encode import one_hot
from tinygrad_lite.data.idx import read_idx
from tinygrad_lite.data.loader import DataLoader
from tinygrad_lite.data.mnist_files import fashion_mnist, mnist
from tinygrad_lite.data.split import kfold, stratified_kfold, train_test_split
from tinygrad_lite.data.synthetic import circles, moons, spirals, xor
from tinygrad_lite.data.uci_digits import digits

__all__ = [
    "DataLoader",
    "cache_folder",
    "circles",
    "digits",
    "fashion_mnist",
    "kfold",
    "mnist",
    "moons",
    "one_hot",
    "read_idx",
    "spirals",
    "stratified_kfold",
    "train_test_split",
    "xor",
]
