"""Larger arrays out of smaller ones, and back: join, split, repeat."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_lite.ops.index import getitem, take
from tinygrad_lite.ops.out import no_out
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


BUNDLE = 512


def _joined(arrays: Sequence[Any], axis: int) -> Any:
    """Side by side; where each ends is counted once, not again by every part's rule.

    Very many are joined in bundles, since every part's rule is called with all that were joined.
    """
    if len(arrays) > BUNDLE and len({getattr(x, "dtype", None) for x in arrays}) == 1:
        bundles = [arrays[i : i + BUNDLE] for i in range(0, len(arrays), BUNDLE)]
        return _joined([_joined(bundle, axis) for bundle in bundles], axis)
    lengths = (sum(np.shape(x)[axis:][:1]) for x in arrays)  # a number has none
    return _concatenate(*arrays, axis=axis, ends=tuple(accumulate(lengths)))


def concatenate(
    arrays: Sequence[Any], axis: int | None = 0, out: None = None, *, dtype: Any = None
) -> Any:
    """Join along an axis that exists; None flattens first. With a dtype, convert to it.

    >>> import tinygrad_lite as tg
    >>> tg.concatenate([tg.tensor([1.0]), tg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    no_out("concatenate", out)
    if dtype is not None:
        arrays = [cast(x, dtype) for x in arrays]
    if axis is None:
        return _joined([reshape(x, -1) for x in arrays], 0)
    return _joined(list(arrays), axis)


def stack(arrays: Sequence[Any], axis: int = 0, out: None = None) -> Any:
    """Join along a new axis.

    >>> import tinygrad_lite as tg
    >>> tg.stack([tg.tensor(1.0), tg.tensor(2.0)])
    tensor([1., 2.])
    """
    no_out("stack", out)
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
    if np.size(repeats) not in (1, n):
        raise ValueError(
            f"repeat: {np.size(repeats)} repeats for the {n} elements along axis {axis} of shape "
            f"{shape}: give one number, or one for each"
        )
    if np.ndim(repeats) or repeats < 0:
        return take(x, np.repeat(np.arange(n), repeats), axis)
    rows = broadcast_to(expand_dims(x, axis + 1), (*before, n, int(repeats), *after))
    return reshape(rows, (*before, n * int(repeats), *after))
