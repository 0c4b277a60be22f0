"""Reductions over axes: sums, means, extremes and spreads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.arithmetic import square
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.shape import broadcast_to, cast, reshape
from tinygrad_lite.primitive import primitive

Axis = int | tuple[int, ...] | None


def kept(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """The shape of a reduction over ``axis`` that keeps the reduced axes with length 1."""
    ndim = len(shape)
    axes = range(ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    gone = {int(a) % ndim for a in axes} if ndim else set()  # type: ignore[call-overload]
    return tuple(1 if i in gone else n for i, n in enumerate(shape))


def count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements a reduction over ``axis`` folds into one."""
    return math.prod(n for n, k in zip(shape, kept(shape, axis)) if k == 1)


def spread(g: Any, x: Any, axis: Axis) -> Any:
    """``g``, the gradient of a reduction of ``x``, repeated along the axes that were reduced."""
    shape = np.shape(x)
    return broadcast_to(reshape(g, kept(shape, axis)), shape)


_sum = primitive(
    lambda x, *, axis, keepdims: np.add.reduce(x, axis=axis, keepdims=keepdims),
    (lambda g, out, x, axis, keepdims: spread(g, x, axis),),
    name="sum",
    symbol="Σ",
)


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum of the elements over ``axis`` (one axis, several, or all).

    >>> import tinygrad_lite as tg
    >>> tg.sum(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    return _sum(x, axis=axis, keepdims=keepdims)


_mean = primitive(
    lambda x, *, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims),
    (lambda g, out, x, axis, keepdims: spread(g / count(np.shape(x), axis), x, axis),),
    name="mean",
)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The arithmetic mean over ``axis``.

    >>> import tinygrad_lite as tg
    >>> tg.mean(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([2., 3.])
    """
    return _mean(x, axis=axis, keepdims=keepdims)


def _extreme(g: Any, out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    chosen = x == reshape(out, kept(np.shape(x), axis))
    share = cast(chosen / sum(chosen, axis, keepdims=True), x.dtype)
    return where(chosen, spread(g, x, axis) * share, 0)


_max = primitive(
    lambda x, *, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims),
    (_extreme,),
    name="max",
)

_min = primitive(
    lambda x, *, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims),
    (_extreme,),
    name="min",
)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element over ``axis``; ties share the gradient evenly.

    >>> import tinygrad_lite as tg
    >>> tg.max(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([2., 4.])
    """
    return _max(x, axis=axis, keepdims=keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element over ``axis``; ties share the gradient evenly.

    >>> import tinygrad_lite as tg
    >>> tg.min(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([1., 3.])
    """
    return _min(x, axis=axis, keepdims=keepdims)


def var(x: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """The variance over ``axis``: the mean square distance from the mean, over n - ddof.

    >>> import tinygrad_lite as tg
    >>> tg.var(tg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    centred = x - mean(x, axis, keepdims=True)
    return sum(square(centred), axis, keepdims) / (count(np.shape(x), axis) - ddof)


_length = primitive(
    lambda x, *, axis, keepdims: np.sqrt(
        np.add.reduce(np.square(x), axis=axis, keepdims=keepdims)
    ),
    (
        lambda g, out, x, axis, keepdims: (
            spread(where(out == 0, 0, g / where(out == 0, 1, out)), x, axis) * x
        ),
    ),
    name="length",
    symbol="‖x‖",
)


def std(x: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """The standard deviation over ``axis``; its derivative where all are equal is taken as 0.

    >>> import tinygrad_lite as tg
    >>> tg.std(tg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    centred = x - mean(x, axis, keepdims=True)
    length = _length(centred, axis=axis, keepdims=keepdims)
    return length / math.sqrt(count(np.shape(x), axis) - ddof)
