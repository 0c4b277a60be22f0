"""The public face of every layer and loss as a function."""

from tinygrad_lite.hints import teach
from tinygrad_lite.nn.activation import log_softmax, softmax, softplus
from tinygrad_lite.nn.binary_cross_entropy import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)
from tinygrad_lite.nn.cross_entropy import cross_entropy, nll_loss
from tinygrad_lite.nn.dropout import dropout
from tinygrad_lite.nn.flatten import flatten
from tinygrad_lite.nn.linear import linear
from tinygrad_lite.nn.regression import huber_loss, l1_loss, mse_loss
from tinygrad_lite.ops import (
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softsign,
    tanh,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "flatten",
    "gelu",
    "hardtanh",
    "huber_loss",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mish",
    "mse_loss",
    "nll_loss",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]

teach(globals(), __all__)
