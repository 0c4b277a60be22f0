"""The spread of numbers around their mean: variance and standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.arithmetic import square
from tinygrad_lite.ops.length import length
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.reduce import (
    Axis,
    count,
    count_nonzero,
    floating,
    like,
    mean as average,
    only_where,
    sum,
    widened,
)
from tinygrad_lite.ops.selection import maximum
from tinygrad_lite.ops.shape import broadcast_to, cast


def var(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """The variance over ``axis``: the sum of squared distances from the mean, over n - ddof.

    ``correction`` is another name of ddof; where ``where`` is false, an element does not count.
    ``mean`` is the mean, if it is known already, in a shape that broadcasts to that of x.

    >>> import tinygrad_lite as tg
    >>> tg.var(tg.tensor([1.0, 3.0]))
    tensor(1.)
    >>> tg.var(tg.tensor([1.0, 3.0]), ddof=1)
    tensor(2.)
    >>> tg.var(tg.tensor([1.0, 3.0]), correction=1)
    tensor(2.)
    """
    no_out("var", out)
    x = floating(x if dtype is None else cast(x, dtype))
    total = sum(square(_distances(x, axis, where, mean)), axis, keepdims=keepdims)
    return like(total / _freedom(x, axis, keepdims, ddof, correction, where), x)


def _distances(x: Any, axis: Axis, where: Any, center: Any) -> Any:
    """The distances from the mean, and 0 for what does not count."""
    wide = widened(x)
    if center is None:
        center = average(wide, axis, keepdims=True, where=where)
    return only_where(wide - center, where, 0)


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
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """The standard deviation over ``axis``; its derivative where all are equal is taken as 0.

    The arguments are those of :func:`var`.

    >>> import tinygrad_lite as tg
    >>> tg.std(tg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    no_out("std", out)
    x = floating(x if dtype is None else cast(x, dtype))
    distance = length(_distances(x, axis, where, mean), axis=axis, keepdims=keepdims)
    return like(distance / _freedom(x, axis, keepdims, ddof, correction, where) ** 0.5, x)
