"""The same elements in another arrangement: reshape, transpose, broadcast, join, convert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.primitive import primitive

Shape = int | Sequence[int]

_reshape = primitive(
    lambda x, *, shape: np.reshape(x, shape),
    (lambda g, out, x, shape: _reshape(g, shape=np.shape(x)),),
    name="reshape",
)


def reshape(x: Any, *shape: Any) -> Any:
    """The elements in another shape, given as a tuple or as numbers; one may be -1.

    >>> import tinygrad_lite as tg
    >>> tg.reshape(tg.tensor([1.0, 2.0, 3.0, 4.0]), (2, -1))
    tensor([[1., 2.],
            [3., 4.]])
    """
    return _reshape(x, shape=shape[0] if len(shape) == 1 else shape)


_transpose = primitive(
    lambda x, *, axes: np.transpose(x, axes),
    (lambda g, out, x, axes: _transpose(g, axes=None if axes is None else inverse(axes)),),
    name="transpose",
    symbol="ᵀ",
)


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes ``axes``."""
    return tuple(int(i) for i in np.argsort([a % len(axes) for a in axes]))


def transpose(x: Any, *axes: Any) -> Any:
    """The axes in another order; reversed by default.

    >>> import tinygrad_lite as tg
    >>> tg.transpose(tg.zeros((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)):
        axes = axes[0]
    return _transpose(x, axes=tuple(axes) if axes else None)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes.

    >>> import tinygrad_lite as tg
    >>> tg.swapaxes(tg.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    axes = list(range(np.ndim(x)))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return _transpose(x, axes=tuple(axes))


_broadcast_to = primitive(
    lambda x, *, shape: np.broadcast_to(x, shape),
    (lambda g, out, x, shape: g,),
    name="broadcast_to",
    symbol="broadcast",
    elementwise=True,
    bounded=True,
)


def broadcast_to(x: Any, shape: Shape) -> Any:
    """Repeat x along new axes and axes of length 1 until it has ``shape``.

    >>> import tinygrad_lite as tg
    >>> tg.broadcast_to(tg.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    return _broadcast_to(x, shape=shape)


def expand_dims(x: Any, axis: int | tuple[int, ...]) -> Any:
    """Put in axes of length 1, so that they stand at ``axis`` of the result.

    >>> import tinygrad_lite as tg
    >>> tg.expand_dims(tg.tensor([1.0, 2.0]), 1).shape
    (2, 1)
    """
    axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    ndim = np.ndim(x) + len(axes)
    places = {a + ndim if a < 0 else a for a in axes}
    if len(places) != len(axes) or not all(0 <= a < ndim for a in places):
        raise ValueError(f"expand_dims: axis {axis} does not fit a result of {ndim} axes")
    lengths = iter(np.shape(x))
    return reshape(x, tuple(1 if i in places else next(lengths) for i in range(ndim)))


def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """Drop axes of length 1: all of them, or those named, which must have length 1.

    >>> import tinygrad_lite as tg
    >>> tg.squeeze(tg.zeros((1, 3, 1))).shape
    (3,)
    """
    shape = np.shape(x)
    if axis is None:
        gone = {i for i, n in enumerate(shape) if n == 1}
    else:
        axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
        gone = {a % len(shape) for a in axes}
        if any(shape[i] != 1 for i in gone):
            raise ValueError(f"squeeze: axis {axis} of shape {shape} is not of length 1")
    return reshape(x, tuple(n for i, n in enumerate(shape) if i not in gone))


_concatenate = primitive(
    lambda *xs, axis: np.concatenate(xs, axis=axis),
    lambda slot, g, out, *xs, axis: _slice_of(g, slot, xs, axis),
    name="concatenate",
    symbol="join",
)


def _slice_of(g: Any, slot: int, xs: tuple[Any, ...], axis: int) -> Any:
    lengths = [np.shape(x)[axis] for x in xs]
    start = int(np.sum(lengths[:slot], dtype=int))
    index = [slice(None)] * np.ndim(g)
    index[axis] = slice(start, start + lengths[slot])
    return g[tuple(index)]


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Join along an axis that exists; None flattens first.

    >>> import tinygrad_lite as tg
    >>> tg.concatenate([tg.tensor([1.0]), tg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    if axis is None:
        return _concatenate(*(reshape(x, -1) for x in arrays), axis=0)
    return _concatenate(*arrays, axis=axis)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Join along a new axis.

    >>> import tinygrad_lite as tg
    >>> tg.stack([tg.tensor(1.0), tg.tensor(2.0)])
    tensor([1., 2.])
    """
    arrays = list(arrays)
    shapes = {np.shape(x) for x in arrays}
    if len(shapes) != 1:
        raise ValueError(f"stack needs arrays of one shape, at least one; got {sorted(shapes)}")
    return _concatenate(*(expand_dims(x, axis) for x in arrays), axis=axis)


_cast = primitive(
    lambda x, *, dtype: x.astype(dtype) if hasattr(x, "astype") else np.asarray(x, dtype)[()],
    (lambda g, out, x, dtype: _cast(g, dtype=x.dtype),),
    name="cast",
    elementwise=True,
    bounded=True,
)

_round_off = primitive(lambda x, *, dtype: x.astype(dtype), name="cast", elementwise=True)


def cast(x: Any, dtype: Any) -> Any:
    """Convert to another dtype; to integers or booleans no gradient passes.

    >>> import tinygrad_lite as tg
    >>> tg.cast(tg.tensor([1.0, 2.0]), "float32").dtype
    dtype('float32')
    """
    dtype = np.dtype(dtype)
    return (_cast if dtype.kind in "fc" else _round_off)(x, dtype=dtype)
