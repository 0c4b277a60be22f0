"""The spread of numbers around their mean: variance and standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.arithmetic import square
from tinygrad_lite.ops.length import length
from tinygrad_lite.ops.reduce import (
    Axis,
    count,
    count_nonzero,
    floating,
    like,
    masked,
    mean,
    sum,
    widened,
)
from tinygrad_lite.ops.selection import maximum
from tinygrad_lite.ops.shape import broadcast_to, cast


def var(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
    where: Any = True,
) -> Any:
    """The variance over ``axis``: the sum of squared distances from the mean, over n - ddof.

    ``correction`` is another name of ddof; where ``where`` is false, an element does not count.

    >>> import tinygrad_lite as tg
    >>> tg.var(tg.tensor([1.0, 3.0]))
    tensor(1.)
    >>> tg.var(tg.tensor([1.0, 3.0]), ddof=1)
    tensor(2.)
    >>> tg.var(tg.tensor([1.0, 3.0]), correction=1)
    tensor(2.)
    """
    x = floating(x if dtype is None else cast(x, dtype))
    total = sum(square(_distances(x, axis, where)), axis, keepdims=keepdims)
    return like(total / _freedom(x, axis, keepdims, ddof, correction, where), x)


def _distances(x: Any, axis: Axis, where: Any) -> Any:
    """The distances from the mean, and 0 for what does not count."""
    wide = widened(x)
    return masked(wide - mean(wide, axis, keepdims=True, where=where), where, 0)


def _freedom(
    x: Any, axis: Axis, keepdims: bool, ddof: float, correction: float | None, where: Any
) -> Any:
    if ddof and correction is not None:
        raise ValueError("ddof and correction are two names of one number: give one of them")
    less = correction or ddof
    if where is True:
        n = count(np.shape(x), axis) - less
        return n if n > 0 else 0
    counted = count_nonzero(broadcast_to(where, np.shape(x)), axis, keepdims=keepdims)
    return cast(maximum(counted - less, 0), widened(x).dtype)


def std(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
    where: Any = True,
) -> Any:
    """The standard deviation over ``axis``; its derivative where all are equal is taken as 0.

    The arguments are those of :func:`var`.

    >>> import tinygrad_lite as tg
    >>> tg.std(tg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    x = floating(x if dtype is None else cast(x, dtype))
    distance = length(_distances(x, axis, where), axis=axis, keepdims=keepdims)
    return like(distance / _freedom(x, axis, keepdims, ddof, correction, where) ** 0.5, x)
