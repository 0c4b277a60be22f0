"""Larger arrays out of smaller ones, and back: join, split, repeat, pad."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_lite.ops.arithmetic import positive
from tinygrad_lite.ops.index import assign, getitem, take
from tinygrad_lite.ops.shape import broadcast_to, cast, expand_dims, ravel, reshape
from tinygrad_lite.primitive import primitive

_concatenate = primitive(
    lambda *xs, axis, ends: np.concatenate(xs, axis=axis),
    lambda slot, g, out, *xs, axis, ends: _part(g, axis, ends[slot - 1] if slot else 0, ends[slot]),
    name="concatenate",
    symbol="join",
)


def _part(g: Any, axis: int, start: int, stop: int) -> Any:
    index = [slice(None)] * np.ndim(g)
    index[axis] = slice(start, stop)
    return g[tuple(index)]


def _joined(arrays: Sequence[Any], axis: int) -> Any:
    """Side by side; where each ends is counted once, not again by every part's rule."""
    lengths = (sum(np.shape(x)[axis:][:1]) for x in arrays)  # a number has none
    return _concatenate(*arrays, axis=axis, ends=tuple(accumulate(lengths)))


def concatenate(arrays: Sequence[Any], axis: int | None = 0, *, dtype: Any = None) -> Any:
    """Join along an axis that exists; None flattens first. With a dtype, convert to it.

    >>> import tinygrad_lite as tg
    >>> tg.concatenate([tg.tensor([1.0]), tg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    if dtype is not None:
        arrays = [cast(x, dtype) for x in arrays]
    if axis is None:
        return _joined([reshape(x, -1) for x in arrays], 0)
    return _joined(list(arrays), axis)


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
    return _joined([expand_dims(x, axis) for x in arrays], axis)


def hstack(arrays: Sequence[Any]) -> Any:
    """Join along the second axis, or along the only one.

    >>> import tinygrad_lite as tg
    >>> tg.hstack([tg.tensor([1.0]), tg.tensor([2.0])])
    tensor([1., 2.])
    """
    arrays = [x if np.ndim(x) else reshape(x, 1) for x in arrays]
    return concatenate(arrays, axis=0 if arrays and np.ndim(arrays[0]) == 1 else 1)


def vstack(arrays: Sequence[Any]) -> Any:
    """Join along the first axis; what has fewer than two axes stands as a row.

    >>> import tinygrad_lite as tg
    >>> tg.vstack([tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0])])
    tensor([[1., 2.],
            [3., 4.]])
    """
    return concatenate([x if np.ndim(x) > 1 else reshape(x, (1, -1)) for x in arrays])


def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut along ``axis`` into so many parts, as even as can be, or at the given places.

    >>> import tinygrad_lite as tg
    >>> [part.tolist() for part in tg.array_split(tg.tensor([1.0, 2.0, 3.0]), 2)]
    [[1.0, 2.0], [3.0]]
    """
    axis = normalize_axis_index(axis, np.ndim(x))
    n = np.shape(x)[axis]
    if np.ndim(indices_or_sections) == 0:
        parts = int(indices_or_sections)
        if parts <= 0:
            raise ValueError(f"an array is cut into at least one part, not {parts}")
        size, larger = divmod(n, parts)
        places = [i * size + min(i, larger) for i in range(1, parts)]
    else:
        places = [int(i) for i in indices_or_sections]
    before = (slice(None),) * axis
    bounds = zip([0, *places], [*places, None])
    return [getitem(x, (*before, slice(start, stop))) for start, stop in bounds]


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut along ``axis`` into so many equal parts, or at the given places.

    Raises:
        ValueError: if equal parts were asked for that cannot be.

    >>> import tinygrad_lite as tg
    >>> [part.tolist() for part in tg.split(tg.tensor([1.0, 2.0, 3.0]), [1])]
    [[1.0], [2.0, 3.0]]
    """
    n = np.shape(x)[normalize_axis_index(axis, np.ndim(x))]
    if np.ndim(indices_or_sections) == 0 and indices_or_sections > 0 and n % indices_or_sections:
        raise ValueError(
            f"split: axis {axis} of shape {np.shape(x)} cannot be cut into {indices_or_sections} "
            "equal parts; array_split makes them as even as can be"
        )
    return array_split(x, indices_or_sections, axis)


def tile(x: Any, reps: Any) -> Any:
    """x put side by side ``reps`` times along each axis.

    >>> import tinygrad_lite as tg
    >>> tg.tile(tg.tensor([1.0, 2.0]), 2)
    tensor([1., 2., 1., 2.])
    """
    reps = (int(reps),) if np.ndim(reps) == 0 else tuple(int(r) for r in reps)
    ndim = max(np.ndim(x), len(reps))
    shape = (1,) * (ndim - np.ndim(x)) + np.shape(x)
    reps = (1,) * (ndim - len(reps)) + reps
    if any(r < 0 for r in reps):
        raise ValueError(f"tile: an array cannot be repeated {reps} times")
    rows = broadcast_to(
        reshape(x, tuple(k for n in shape for k in (1, n))),
        tuple(k for r, n in zip(reps, shape) for k in (r, n)),
    )
    return reshape(rows, tuple(r * n for r, n in zip(reps, shape)))


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Every element along ``axis`` so many times in a row: one number, or one for each.

    >>> import tinygrad_lite as tg
    >>> tg.repeat(tg.tensor([1.0, 2.0]), 2)
    tensor([1., 1., 2., 2.])
    >>> tg.repeat(tg.tensor([1.0, 2.0]), [0, 3])
    tensor([2., 2., 2.])
    """
    if axis is None:
        x, axis = ravel(x), 0
    shape = np.shape(x)
    axis = normalize_axis_index(axis, len(shape))
    before, n, after = shape[:axis], shape[axis], shape[axis + 1 :]
    if np.ndim(repeats) or repeats < 0:
        return take(x, np.repeat(np.arange(n), repeats), axis)
    rows = broadcast_to(expand_dims(x, axis + 1), (*before, n, int(repeats), *after))
    return reshape(rows, (*before, n * int(repeats), *after))


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """x with elements added before and after along its axes.

    Args:
        x: the tensor or array.
        pad_width: how many: one number, one pair (before, after), or a pair for every axis.
        mode: ``constant``, or ``edge``, ``reflect``, ``symmetric``, ``wrap``, as ``numpy.pad``.
        constant_values: what to fill in: one number or tensor, a pair, or a pair for every axis.

    Raises:
        ValueError: if the mode is none of these, or the widths are negative or do not fit.

    >>> import tinygrad_lite as tg
    >>> tg.pad(tg.tensor([1.0, 2.0, 3.0]), (1, 2))
    tensor([0., 1., 2., 3., 0., 0.])
    >>> tg.pad(tg.tensor([1.0, 2.0, 3.0]), 2, mode="reflect")
    tensor([3., 2., 1., 2., 3., 2., 1.])
    """
    shape = np.shape(x)
    widths = np.broadcast_to(np.asarray(pad_width, dtype=int), (len(shape), 2))
    if (widths < 0).any():
        raise ValueError(f"pad: widths must not be negative: {pad_width}")
    if not widths.any():
        return positive(x)
    if mode in ("edge", "reflect", "symmetric", "wrap"):
        for axis, (n, width) in enumerate(zip(shape, widths)):
            if width.any():
                x = take(x, np.pad(np.arange(n), width, mode), axis)  # type: ignore[call-overload]
        return x
    if mode != "constant":
        raise ValueError(
            f"pad: mode {mode!r} is not one of constant, edge, reflect, symmetric, wrap"
        )
    if np.ndim(constant_values):
        values = np.broadcast_to(constant_values, (len(shape), 2))
        for place in np.argwhere(widths):
            side = np.zeros_like(widths)
            side[tuple(place)] = widths[tuple(place)]
            x = pad(x, side, constant_values=values[tuple(place)])
        return x
    frame = tuple(n + before + after for n, (before, after) in zip(shape, widths.tolist()))
    inner = tuple(slice(before, before + n) for n, (before, _) in zip(shape, widths.tolist()))
    return assign(broadcast_to(cast(constant_values, x.dtype), frame), inner, x)
