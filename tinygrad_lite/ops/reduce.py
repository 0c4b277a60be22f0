"""Reductions over axes: sums, means, counts, and the logical ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.join import concatenate
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.precision import HALF
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.shape import broadcast_to, cast, reshape
from tinygrad_lite.primitive import primitive

Axis = int | tuple[int, ...] | None

HALF_MAX = 65504  # the largest float16

BLOCK = 1024  # terms that are added up one after the other
LONG = 4 * BLOCK


def kept(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """The shape of a reduction over ``axis`` that keeps the reduced axes with length 1."""
    ndim = len(shape)
    axes = range(ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    gone = {int(a) % ndim for a in axes} if ndim else set()
    return tuple(1 if i in gone else n for i, n in enumerate(shape))


def count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements a reduction over ``axis`` folds into one."""
    return math.prod(n for n, k in zip(shape, kept(shape, axis)) if k == 1)


def aligned(g: Any, x: Any, axis: Axis) -> Any:
    """``g``, of the shape of a reduction of ``x``, in a shape that broadcasts to that of ``x``."""
    shape = np.shape(x)
    return g if np.ndim(g) in (0, len(shape)) else reshape(g, kept(shape, axis))


def spread(g: Any, x: Any, axis: Axis) -> Any:
    """``g``, the gradient of a reduction of ``x``, repeated along the axes that were reduced."""
    return broadcast_to(aligned(g, x, axis), np.shape(x))


def floating(x: Any) -> Any:
    """``x`` itself if it is floating point or complex, else converted as ``numpy.mean`` does."""
    x = x if hasattr(x, "dtype") or isinstance(x, (int, float, complex)) else np.asarray(x)
    return x if np.result_type(getattr(x, "dtype", x)).kind in "fc" else cast(x, np.float64)


def widened(x: Any) -> Any:
    """``x`` with room for sums of squares: float16 as float32, everything else as it is."""
    return cast(x, np.float32) if getattr(x, "dtype", None) == HALF else x


def _add(x: Any, *, axis: Any, keepdims: Any) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


_sum = primitive(
    _add,
    (lambda g, out, x, axis, keepdims: spread(g, x, axis),),
    name="sum",
    symbol="Σ",
)


def only_where(x: Any, mask: Any, fill: Any) -> Any:
    """x where ``mask``, which broadcasts to its shape, is true, and ``fill`` elsewhere."""
    return x if mask is True else where(broadcast_to(mask, np.shape(x)), x, fill)


def sum(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The sum of the elements over ``axis`` (one axis, several, or all).

    Args:
        x: the tensor or array.
        axis: the axis or axes to sum over; all by default.
        dtype: to compute in; by default NumPy's choice, which is that of x for floating point.
        out: None; what is written into an array has no gradient.
        keepdims: keep the summed axes with length 1.
        initial: a number or tensor to start from.
        where: booleans that broadcast to the shape of x; only where they are true is it summed.

    >>> import tinygrad_lite as tg
    >>> tg.sum(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    no_out("sum", out)
    x = only_where(x if dtype is None else cast(x, dtype), where, 0)
    result = _sum(x, axis=axis, keepdims=keepdims)
    return result if initial is None else result + initial


def total(x: Any, axis: tuple[int, ...]) -> Any:
    """The sum of a gradient over ``axis``; of float16 it is float32.

    NumPy adds one term after the other along every axis but the last, and a float32 stands still
    at 16777216 terms of 1 (a float16 at 2048). So a long axis is summed in blocks.
    """
    x = widened(x)
    if x.size <= LONG:
        return (
            np.add.reduce(x, axis) if type(x) is np.ndarray else _sum(x, axis=axis, keepdims=False)
        )
    shape = x.shape
    for i in axis:
        if shape[i] > LONG and i + 1 < len(shape):
            blocks = shape[i] // BLOCK
            before = (slice(None),) * i
            split = (*shape[:i], blocks, BLOCK, *shape[i + 1 :])
            whole = reshape(x[(*before, slice(blocks * BLOCK))], split)
            rest = x[(*before, slice(blocks * BLOCK, None))]
            parts = [_sum(whole, axis=i + 1, keepdims=False), _sum(rest, axis=i, keepdims=True)]
            return total(concatenate(parts, i), axis)
    return _sum(x, axis=axis, keepdims=False)


def _average(x: Any, *, axis: Any, keepdims: Any) -> Any:
    if getattr(x, "dtype", None) == np.float16:
        return np.mean(x, axis=axis, keepdims=keepdims)
    return np.add.reduce(x, axis=axis, keepdims=keepdims) / count(np.shape(x), axis)


def _share(g: Any, n: int) -> Any:
    """``g / n``, where n may be more than float16 can hold."""
    return widened(g) / n if n > HALF_MAX else g / n


_mean = primitive(
    _average,
    (lambda g, out, x, axis, keepdims: spread(_share(g, count(np.shape(x), axis)), x, axis),),
    name="mean",
)


def mean(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """The arithmetic mean over ``axis``; of integers it is float64.

    The arguments are those of :func:`sum`.

    >>> import tinygrad_lite as tg
    >>> tg.mean(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([2., 3.])
    """
    no_out("mean", out)
    x = x if dtype is None else cast(x, dtype)
    if where is True:
        return _mean(x, axis=axis, keepdims=keepdims)
    x = floating(x)
    wide = widened(x)
    n = count_nonzero(broadcast_to(where, np.shape(x)), axis, keepdims=keepdims)
    return like(sum(wide, axis, keepdims=keepdims, where=where) / cast(n, wide.dtype), x)


def like(result: Any, x: Any) -> Any:
    """``result`` in the dtype of ``x``, which it was computed from in more digits."""
    return result if result.dtype == x.dtype else cast(result, x.dtype)


_all = primitive(lambda x, *, axis, keepdims: np.all(x, axis=axis, keepdims=keepdims), name="all")
_any = primitive(lambda x, *, axis, keepdims: np.any(x, axis=axis, keepdims=keepdims), name="any")
_count_nonzero = primitive(
    lambda x, *, axis, keepdims: np.count_nonzero(x, axis=axis, keepdims=keepdims),
    name="count_nonzero",
    symbol="#≠0",
)


def all(
    x: Any, axis: Axis = None, out: None = None, keepdims: bool = False, *, where: Any = True
) -> Any:
    """Whether every element over ``axis`` is true (not zero); no gradient.

    Where ``where`` is false, an element does not count.

    >>> import tinygrad_lite as tg
    >>> tg.all(tg.tensor([[1, 0], [1, 1]]), axis=1)
    tensor([False,  True])
    """
    no_out("all", out)
    return _all(only_where(x, where, True), axis=axis, keepdims=keepdims)


def any(
    x: Any, axis: Axis = None, out: None = None, keepdims: bool = False, *, where: Any = True
) -> Any:
    """Whether some element over ``axis`` is true (not zero); no gradient.

    Where ``where`` is false, an element does not count.

    >>> import tinygrad_lite as tg
    >>> tg.any(tg.tensor([[1, 0], [0, 0]]), axis=1)
    tensor([ True, False])
    """
    no_out("any", out)
    return _any(only_where(x, where, False), axis=axis, keepdims=keepdims)


def count_nonzero(x: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """How many elements over ``axis`` are not zero, of those where ``where`` is true; no gradient.

    >>> import tinygrad_lite as tg
    >>> tg.count_nonzero(tg.tensor([0.0, 2.0, 3.0]))
    tensor(2)
    """
    return _count_nonzero(only_where(x, where, 0), axis=axis, keepdims=keepdims)
