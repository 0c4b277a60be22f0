"""The same elements in another arrangement or of another type: reshape, transpose, flip, cast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygrad_lite.primitive import Primitive, primitive
from tinygrad_lite.tensor import Tensor

Shape = int | Sequence[int]

_reshape: Primitive = primitive(
    lambda x, *, shape: np.reshape(x, shape),
    (lambda g, out, x, shape: _reshape(g, shape=np.shape(x)),),
    name="reshape",
)


def reshape(x: Any, *lengths: Any, shape: Any = None, order: str = "C") -> Any:
    """The elements in another shape, given as a tuple or as numbers; one may be -1.

    Args:
        x: the tensor or array.
        lengths: the shape, as one tuple or as numbers.
        shape: the same, by keyword.
        order: ``C`` to count through the last axis first, ``F`` the first axis first.

    Raises:
        ValueError: if the number of elements does not fit.

    >>> import tinygrad_lite as tg
    >>> tg.reshape(tg.tensor([1.0, 2.0, 3.0, 4.0]), (2, -1))
    tensor([[1., 2.],
            [3., 4.]])
    """
    if shape is None:
        shape = lengths[0] if len(lengths) == 1 else lengths
    if order == "F":
        return transpose(_reshape(transpose(x), shape=tuple(np.atleast_1d(shape)[::-1].tolist())))
    if order != "C":
        raise ValueError(f"reshape: order must be 'C' or 'F', not {order!r}")
    return _reshape(x, shape=shape)


def ravel(x: Any, order: str = "C") -> Any:
    """The elements in one row.

    >>> import tinygrad_lite as tg
    >>> tg.ravel(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 2., 3., 4.])
    """
    return reshape(x, -1, order=order)


_transpose: Primitive = primitive(
    lambda x, *, axes: np.transpose(x, axes),
    (lambda g, out, x, axes: _transpose(g, axes=None if axes is None else inverse(axes)),),
    name="transpose",
    symbol="ᵀ",
)


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes ``axes``."""
    return tuple(int(i) for i in np.argsort([a % len(axes) for a in axes]))


def transpose(x: Any, *order: Any, axes: Any = None) -> Any:
    """The axes in another order, given as a tuple or as numbers; reversed by default.

    >>> import tinygrad_lite as tg
    >>> tg.transpose(tg.zeros((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    if axes is None:
        axes = order[0] if len(order) == 1 and not isinstance(order[0], int) else order or None
    return _transpose(x, axes=None if axes is None else tuple(axes))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes.

    >>> import tinygrad_lite as tg
    >>> tg.swapaxes(tg.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    ndim = np.ndim(x)
    i, j = normalize_axis_index(axis1, ndim), normalize_axis_index(axis2, ndim)
    axes = list(range(ndim))
    axes[i], axes[j] = j, i
    return _transpose(x, axes=tuple(axes))


def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Move one axis, or several, to other places; the rest keep their order.

    >>> import tinygrad_lite as tg
    >>> tg.moveaxis(tg.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    ndim = np.ndim(x)
    sources = normalize_axis_tuple(source, ndim, "source")
    places = normalize_axis_tuple(destination, ndim, "destination")
    if len(sources) != len(places):
        raise ValueError(f"moveaxis: {len(sources)} axes cannot move to {len(places)} places")
    axes = [i for i in range(ndim) if i not in sources]
    for place, axis in sorted(zip(places, sources)):
        axes.insert(place, axis)
    return _transpose(x, axes=tuple(axes))


def named_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes that ``axis`` names, counted from 0: None is all, and 0 or -1 none of a number."""
    if axis is None or (not ndim and isinstance(axis, int) and axis in (0, -1)):
        return tuple(range(ndim))
    return tuple(normalize_axis_tuple(axis, ndim))


def merged(x: Any, axis: int | tuple[int, ...] | None) -> Any:
    """x with the named axes (None: all) joined into the first one."""
    shape = np.shape(x)
    first = named_axes(axis, len(shape))
    rest = tuple(i for i in range(len(shape)) if i not in first)
    if (*first, *rest) != tuple(range(len(shape))):
        x = _transpose(x, axes=(*first, *rest))
    if len(first) == 1:
        return x
    return _reshape(x, shape=(math.prod(shape[i] for i in first), *(shape[i] for i in rest)))


_flip: Primitive = primitive(
    lambda x, *, axis: np.flip(x, axis),
    (lambda g, out, x, axis: _flip(g, axis=axis),),
    name="flip",
)


def flip(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The elements in reverse order along ``axis``; along every axis by default.

    >>> import tinygrad_lite as tg
    >>> tg.flip(tg.tensor([1.0, 2.0, 3.0]))
    tensor([3., 2., 1.])
    """
    return _flip(x, axis=axis)


_roll: Primitive = primitive(
    lambda x, *, shift, axis: np.roll(x, shift, axis),
    (lambda g, out, x, shift, axis: _roll(g, shift=_negated(shift), axis=axis),),
    name="roll",
)


def _negated(shift: Any) -> Any:
    return -shift if isinstance(shift, int) else tuple(-s for s in shift)


def roll(x: Any, shift: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """The elements moved by ``shift`` places along ``axis``; what falls off comes in again.

    >>> import tinygrad_lite as tg
    >>> tg.roll(tg.tensor([1.0, 2.0, 3.0]), 1)
    tensor([3., 1., 2.])
    """
    shift = int(shift) if np.ndim(shift) == 0 else tuple(int(s) for s in shift)
    return _roll(x, shift=shift, axis=axis)


FEW = 4096  # elements that are filled in quicker than NumPy makes a view


def _repeated(x: Any, *, shape: tuple[int, ...]) -> Any:
    known = isinstance(x, (np.ndarray, np.generic)) and x.ndim <= len(shape)
    if not known or math.prod(shape) > FEW:
        return np.broadcast_to(x, shape)
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


_broadcast_to = primitive(
    _repeated,
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
    return _broadcast_to(x, shape=(shape,) if isinstance(shape, int) else tuple(shape))


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
    gone = named_axes(axis, len(shape))
    if axis is None:
        gone = tuple(i for i in gone if shape[i] == 1)
    elif any(shape[i] != 1 for i in gone):
        raise ValueError(f"squeeze: axis {axis} of shape {shape} is not of length 1")
    return reshape(x, tuple(n for i, n in enumerate(shape) if i not in gone))


_cast: Primitive = primitive(
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
    out = (_cast if dtype.kind in "fc" else _round_off)(x, dtype=dtype)
    if isinstance(x, Tensor) and x.name and out.record is None:
        out.name = x.name  # a constant, which pictures show under the name that it was given
    return out
