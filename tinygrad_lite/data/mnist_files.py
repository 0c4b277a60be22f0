"""MNIST and Fashion-MNIST from their four IDX files, found on disk or downloaded on request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tinygrad_lite.data.cache import cache_folder
from tinygrad_lite.data.download import download as download_file
from tinygrad_lite.data.idx import read_idx

Split: TypeAlias = tuple[
    npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]
]

_SIDE = 28
_CLASSES = 10


@dataclass(frozen=True)
class Publication:
    """A set as published: where its gzipped files are mirrored, and the SHA-256 of each."""

    name: str
    mirrors: Sequence[str]
    train_images: str
    train_labels: str
    test_images: str
    test_labels: str

    def files(self) -> dict[str, str]:
        """The SHA-256 of the gzipped form of each file, by its plain name."""
        return {
            "train-images-idx3-ubyte": self.train_images,
            "train-labels-idx1-ubyte": self.train_labels,
            "t10k-images-idx3-ubyte": self.test_images,
            "t10k-labels-idx1-ubyte": self.test_labels,
        }


MNIST = Publication(
    name="mnist",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ),
    train_images="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    train_labels="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    test_images="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    test_labels="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)

FASHION_MNIST = Publication(
    name="fashion_mnist",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    ),
    train_images="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    train_labels="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    test_images="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    test_labels="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)


def mnist(root: str | os.PathLike[str] | None = None, *, download: bool = False) -> Split:
    """The 70,000 handwritten digits of LeCun, Cortes and Burges: 60,000 to train, 10,000 to test.

    Returns `(x_train, y_train, x_test, y_test)`: pixels as float32 in [0, 1] of shape `(n, 784)`,
    which `.reshape(-1, 28, 28)` turns into pictures, and labels 0 to 9 as int64 of shape `(n,)`.

    The four files, plain or gzipped, are looked for in `root`, then in `cache_folder() / "mnist"`.
    With `download=True` the missing ones are fetched first, into `root` if given, else the cache.

    Raises FileNotFoundError for files that are not there, ValueError for damaged ones, ImportError
    or ConnectionError when the download cannot be done; each says what to do.

    >>> x_train, y_train, x_test, y_test = mnist(download=True)  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((60000, 784), (10000,))
    """
    return _load(MNIST, root, download)


def fashion_mnist(root: str | os.PathLike[str] | None = None, *, download: bool = False) -> Split:
    """Zalando's 70,000 pictures of clothes, made as a harder drop-in for MNIST (Xiao et al., 2017).

    The arguments, the arrays and the errors are those of `mnist`; the cache is
    `cache_folder() / "fashion_mnist"`. The files have the same names as MNIST's, so each set needs
    a folder of its own. Classes 0 to 9: T-shirt/top, trouser, pullover, dress, coat, sandal, shirt,
    sneaker, bag, ankle boot.

    >>> x_train, y_train, x_test, y_test = fashion_mnist(download=True)  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((60000, 784), (10000,))
    """
    return _load(FASHION_MNIST, root, download)


def _load(published: Publication, root: str | os.PathLike[str] | None, download: bool) -> Split:
    folders = [cache_folder() / published.name]
    if root is not None:
        folders.insert(0, Path(root).expanduser())
    found = {name: _find(name, folders) for name in published.files()}
    missing = [name for name, path in found.items() if path is None]
    if missing and not download:
        raise FileNotFoundError(
            f"{published.name}: {', '.join(missing)} (or the same with .gz) not found in "
            f"{' or '.join(map(str, folders))}. Call {published.name}(download=True), or put the "
            f"files there by hand from {published.mirrors[0]}"
        )
    train_images, train_labels, test_images, test_labels = (
        found[name] or download_file(f"{name}.gz", folders[0], published.mirrors, sha256)
        for name, sha256 in published.files().items()
    )
    try:
        return (*_read(train_images, train_labels), *_read(test_images, test_labels))
    except ValueError as error:
        raise ValueError(
            f"{error}. Delete the file and call {published.name}(download=True), or "
            f"replace it from {published.mirrors[0]}"
        ) from error


def _find(name: str, folders: Sequence[Path]) -> Path | None:
    candidates = (folder / file for folder in folders for file in (name, f"{name}.gz"))
    return next((path for path in candidates if path.is_file()), None)


def _read(
    images_path: Path, labels_path: Path
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (_SIDE, _SIDE):
        raise ValueError(
            f"{images_path} holds {images.dtype} of shape {images.shape}, "
            f"expected uint8 images of shape (n, {_SIDE}, {_SIDE})"
        )
    if labels.dtype != np.uint8 or labels.ndim != 1 or labels.size == 0:
        raise ValueError(
            f"{labels_path} holds {labels.dtype} of shape {labels.shape}, expected one uint8 label "
            "for each image"
        )
    if len(labels) != len(images):
        raise ValueError(
            f"{images_path} holds {len(images)} images and {labels_path} {len(labels)} labels: one "
            "of the two files is of another set"
        )
    if labels.max() >= _CLASSES:
        raise ValueError(f"{labels_path} holds label {labels.max()}, expected 0 .. {_CLASSES - 1}")
    pixels = images.reshape(len(images), _SIDE * _SIDE)
    return np.divide(pixels, 255, dtype=np.float32), labels.astype(np.int64)
