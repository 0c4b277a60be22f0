"""The public face of every layer and loss as a function."""

from tinygrad_lite.nn.cross_entropy import cross_entropy, nll_loss
from tinygrad_lite.nn.linear import linear
from tinygrad_lite.nn.regression import huber_loss, l1_loss, mse_loss
from tinygrad_lite.ops import relu, sigmoid, tanh

__all__ = [
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "linear",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "tanh",
]
