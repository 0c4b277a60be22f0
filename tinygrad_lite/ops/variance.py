"""The spread of numbers around their mean: variance and standard deviation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.arithmetic import square
from tinygrad_lite.ops.length import length
from tinygrad_lite.ops.reduce import Axis, count, floating, like, mean, sum, widened
from tinygrad_lite.ops.shape import cast


def var(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Any:
    """The variance over ``axis``: the sum of squared distances from the mean, over n - ddof.

    ``correction`` is another name of ddof.

    >>> import tinygrad_lite as tg
    >>> tg.var(tg.tensor([1.0, 3.0]))
    tensor(1.)
    >>> tg.var(tg.tensor([1.0, 3.0]), ddof=1)
    tensor(2.)
    >>> tg.var(tg.tensor([1.0, 3.0]), correction=1)
    tensor(2.)
    """
    x = floating(x if dtype is None else cast(x, dtype))
    wide = widened(x)
    total = sum(square(wide - mean(wide, axis, keepdims=True)), axis, keepdims=keepdims)
    return like(total / _freedom(x, axis, ddof, correction), x)


def _freedom(x: Any, axis: Axis, ddof: float, correction: float | None) -> float:
    if ddof and correction is not None:
        raise ValueError("ddof and correction are two names of one number: give one of them")
    n = count(np.shape(x), axis) - (correction or ddof)
    return n if n > 0 else 0


def std(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Any:
    """The standard deviation over ``axis``; its derivative where all are equal is taken as 0.

    The arguments are those of :func:`var`.

    >>> import tinygrad_lite as tg
    >>> tg.std(tg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    x = floating(x if dtype is None else cast(x, dtype))
    wide = widened(x)
    distance = length(wide - mean(wide, axis, keepdims=True), axis=axis, keepdims=keepdims)
    return like(distance / math.sqrt(_freedom(x, axis, ddof, correction)), x)
