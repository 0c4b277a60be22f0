"""Reductions over axes: sums, means, spreads, and the logical ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.arithmetic import square
from tinygrad_lite.ops.join import concatenate
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


def spread(g: Any, x: Any, axis: Axis) -> Any:
    """``g``, the gradient of a reduction of ``x``, repeated along the axes that were reduced."""
    shape = np.shape(x)
    if np.ndim(g) not in (0, len(shape)):
        g = reshape(g, kept(shape, axis))
    return broadcast_to(g, shape)


def floating(x: Any) -> Any:
    """``x`` itself if it is floating point or complex, else converted as ``numpy.mean`` does."""
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


def masked(x: Any, mask: Any, fill: Any) -> Any:
    """x where ``mask``, which broadcasts to its shape, is true, and ``fill`` elsewhere."""
    return x if mask is True else where(broadcast_to(mask, np.shape(x)), x, fill)


def sum(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The sum of the elements over ``axis`` (one axis, several, or all).

    Args:
        x: the tensor or array.
        axis: the axis or axes to sum over; all by default.
        dtype: to compute in; by default NumPy's choice, which is that of x for floating point.
        keepdims: keep the summed axes with length 1.
        initial: a number or tensor to start from.
        where: booleans that broadcast to the shape of x; only where they are true is it summed.

    >>> import tinygrad_lite as tg
    >>> tg.sum(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    x = masked(x if dtype is None else cast(x, dtype), where, 0)
    out = _sum(x, axis=axis, keepdims=keepdims)
    return out if initial is None else out + initial


def total(x: Any, axis: tuple[int, ...]) -> Any:
    """The sum of a gradient over ``axis``; of float16 it is float32.

    NumPy adds one term after the other along every axis but the last, and a float32 stands still
    at 16777216 terms of 1 (a float16 at 2048). So a long axis is summed in blocks.
    """
    x = widened(x)
    shape = x.shape
    for i in axis if x.size > LONG else ():
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
    x: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    """The arithmetic mean over ``axis``; of integers it is float64.

    The arguments are those of :func:`sum`.

    >>> import tinygrad_lite as tg
    >>> tg.mean(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([2., 3.])
    """
    x = x if dtype is None else cast(x, dtype)
    if where is True:
        return _mean(x, axis=axis, keepdims=keepdims)
    x = floating(x)
    wide = widened(x)
    n = count_nonzero(broadcast_to(where, np.shape(x)), axis, keepdims=keepdims)
    return _like(sum(wide, axis, keepdims=keepdims, where=where) / cast(n, wide.dtype), x)


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
    return _like(total / _freedom(x, axis, ddof, correction), x)


def _freedom(x: Any, axis: Axis, ddof: float, correction: float | None) -> float:
    if ddof and correction is not None:
        raise ValueError("ddof and correction are two names of one number: give one of them")
    n = count(np.shape(x), axis) - (correction or ddof)
    return n if n > 0 else 0


def _like(result: Any, x: Any) -> Any:
    return result if result.dtype == x.dtype else cast(result, x.dtype)


def _length_forward(x: Any, *, axis: Any, keepdims: Any) -> Any:
    return np.sqrt(np.add.reduce(np.square(x), axis=axis, keepdims=keepdims))


def _length_vjp(g: Any, out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    return spread(where(out == 0, 0, g / where(out == 0, 1, out)), x, axis) * x


length = primitive(
    _length_forward,
    (_length_vjp,),
    name="length",
    symbol="‖x‖",
    doc="""The Euclidean length over ``axis``; its derivative at 0 is taken as 0.""",
)


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
    return _like(distance / math.sqrt(_freedom(x, axis, ddof, correction)), x)


_all = primitive(lambda x, *, axis, keepdims: np.all(x, axis=axis, keepdims=keepdims), name="all")
_any = primitive(lambda x, *, axis, keepdims: np.any(x, axis=axis, keepdims=keepdims), name="any")
_count_nonzero = primitive(
    lambda x, *, axis, keepdims: np.count_nonzero(x, axis=axis, keepdims=keepdims),
    name="count_nonzero",
    symbol="#≠0",
)


def all(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Whether every element over ``axis`` is true (not zero); no gradient.

    >>> import tinygrad_lite as tg
    >>> tg.all(tg.tensor([[1, 0], [1, 1]]), axis=1)
    tensor([False,  True])
    """
    return _all(x, axis=axis, keepdims=keepdims)


def any(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Whether some element over ``axis`` is true (not zero); no gradient.

    >>> import tinygrad_lite as tg
    >>> tg.any(tg.tensor([[1, 0], [0, 0]]), axis=1)
    tensor([ True, False])
    """
    return _any(x, axis=axis, keepdims=keepdims)


def count_nonzero(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """How many elements over ``axis`` are not zero; no gradient.

    >>> import tinygrad_lite as tg
    >>> tg.count_nonzero(tg.tensor([0.0, 2.0, 3.0]))
    tensor(2)
    """
    return _count_nonzero(x, axis=axis, keepdims=keepdims)
