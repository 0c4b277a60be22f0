"""The nonlinearities as layers, each the function of its name in ``nn.functional``."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import ops
from tinygrad_lite.nn.module import Module


def softmax(x: Any, dim: int = -1) -> Any:
    """``tg.softmax`` with its axis by PyTorch's name.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.softmax(tg.tensor([0.0, 0.0]), dim=0)
    tensor([0.5, 0.5])
    """
    return ops.softmax(x, axis=dim)


def log_softmax(x: Any, dim: int = -1) -> Any:
    """``tg.log_softmax`` with its axis by PyTorch's name.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.log_softmax(tg.tensor([0.0, 0.0]), dim=0)
    tensor([-0.69314718, -0.69314718])
    """
    return ops.log_softmax(x, axis=dim)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta x)) / beta, and x itself where beta x exceeds the threshold, as in PyTorch.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.softplus(tg.tensor([0.0, 30.0]))
    tensor([ 0.69314718, 30.        ])
    """
    scaled = beta * x
    return ops.where(scaled > threshold, x, ops.softplus(scaled) / beta)


class Identity(Module):
    """The input as it is: a place to put a layer later."""

    def forward(self, x: Any) -> Any:
        return x


class ReLU(Module):
    """``relu`` as a layer."""

    def forward(self, x: Any) -> Any:
        return ops.relu(x)


class LeakyReLU(Module):
    """``leaky_relu`` as a layer."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """``elu`` as a layer."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return ops.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class GELU(Module):
    """``gelu`` as a layer."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return ops.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """``silu`` as a layer."""

    def forward(self, x: Any) -> Any:
        return ops.silu(x)


class Softplus(Module):
    """``softplus`` as a layer."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = beta
        self.threshold = threshold

    def forward(self, x: Any) -> Any:
        return softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Sigmoid(Module):
    """``sigmoid`` as a layer."""

    def forward(self, x: Any) -> Any:
        return ops.sigmoid(x)


class Tanh(Module):
    """``tanh`` as a layer."""

    def forward(self, x: Any) -> Any:
        return ops.tanh(x)


class Softmax(Module):
    """``softmax`` as a layer, by default over the last axis."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        return softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """``log_softmax`` as a layer, by default over the last axis."""

    def forward(self, x: Any) -> Any:
        return log_softmax(x, self.dim)
