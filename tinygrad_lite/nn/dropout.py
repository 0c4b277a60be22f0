"""Dropout: leaving out activations at random while training."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.nn.module import Module
from tinygrad_lite.nn.reduction import as_operand
from tinygrad_lite.primitive import primitive
from tinygrad_lite.random import Rng, generator
from tinygrad_lite.tensor import lift


def _mask_forward(*, rng: Rng, shape: tuple[int, ...], p: float, dtype: np.dtype[Any]) -> Any:
    if p == 1:
        return np.zeros(shape, dtype)
    return (generator(rng).random(shape, dtype=np.float32) >= p) * dtype.type(1 / (1 - p))


# An operation, though it reads no tensor: whoever captures a computation must see the draw.
dropout_mask = primitive(
    _mask_forward,
    name="dropout_mask",
    symbol="mask",
    doc="""Zeros with probability p, elsewhere 1 / (1 - p): drawn anew by every call.""",
)


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: Rng = None) -> Any:
    """Zero each element with probability p and scale the others by 1 / (1 - p).

    Srivastava et al. (2014), with the scaling at training time, so that x passes as it is
    otherwise.

    Args:
        x: a tensor or an array of any shape.
        p: the probability to drop an element, from 0 to 1.
        training: False to return x.
        rng: a NumPy Generator, a seed, or None for the default generator.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.dropout(tg.ones(4), p=0.5, rng=0)
    tensor([2., 2., 2., 0.])
    """
    p = probability(p)
    x = as_operand(x)
    if not training or p == 0:
        return x
    dtype = x.dtype if x.dtype.kind == "f" else np.result_type(x.dtype, np.float32)
    mask = lift(dropout_mask(rng=rng, shape=x.shape, p=p, dtype=dtype))
    mask.name = "mask"
    return x * mask


class Dropout(Module):
    """``dropout`` in training mode, the input as it is in evaluation mode.

    Args:
        p: the probability to drop an element, from 0 to 1.
        rng: a NumPy Generator, a seed for one, or None for the default generator.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> layer = nn.Dropout(0.5, rng=0)
    >>> layer(tg.ones(4))
    tensor([2., 2., 2., 0.])
    >>> layer.eval()(tg.ones(4))
    tensor([1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, *, rng: Rng = None) -> None:
        self.p = probability(p)
        self.rng = None if rng is None else generator(rng)

    def forward(self, x: Any) -> Any:
        return dropout(x, self.p, self.training, self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def probability(p: float) -> float:
    """The probability itself, or an error if it is none."""
    if np.ndim(p) or np.asarray(p).dtype.kind not in "fiu" or not 0 <= p <= 1:
        raise ValueError(f"p is the probability to drop an element, from 0 to 1, not {p!r}")
    return p
