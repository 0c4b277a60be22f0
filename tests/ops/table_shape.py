"""Rows of what rearranges, joins, converts, reads and writes elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.row import Array, Example, Row, spread
from tinygrad_lite.ops import index, join, shape
from tinygrad_lite.ops.index import ARRAY
from tinygrad_lite.ops.pad import _pad_whole

X = spread(-2, 2, (2, 3, 4))
MATRIX = spread(-2, 2, (3, 4))


def _transposed(x: Array, *, axes: Any) -> Array:
    letters = "abcdef"[: x.ndim]
    return np.einsum(
        f"{letters}->{''.join(letters[i] for i in axes) if axes else letters[::-1]}", x
    )


def _flipped(x: Array, *, axis: Any) -> Array:
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis) % x.ndim
    return x[tuple(slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))]


def _rolled(x: Array, *, shift: Any, axis: Any) -> Array:
    if axis is None:
        return _rolled(x.ravel(), shift=shift, axis=0).reshape(x.shape)
    for s, a in zip(np.atleast_1d(shift), np.atleast_1d(axis)):
        x = np.take(x, np.arange(-s, x.shape[a] - s) % x.shape[a], axis=a)
    return x


def _joined(*xs: Array, axis: int, ends: tuple[int, ...]) -> Array:
    return np.moveaxis(np.array([row for x in xs for row in np.moveaxis(x, axis, 0)]), 0, axis)


SHAPE = (
    Row(
        shape._reshape,
        lambda x, *, shape: x.ravel().copy().reshape(shape),
        [Example((X,), {"shape": s}) for s in ((6, 4), (-1,), (1, 2, 12))]
        + [Example((X[0, 0, 0],), {"shape": (1, 1)}), Example((X[:, :0],), {"shape": (0, 5)})],
    ),
    Row(
        shape._transpose,
        _transposed,
        [Example((X,), {"axes": a}) for a in (None, (2, 0, 1), (0, -1, 1))],
    ),
    Row(shape._flip, _flipped, [Example((X,), {"axis": a}) for a in (None, 1, (0, -1))]),
    Row(
        shape._roll,
        _rolled,
        [
            Example((X,), {"shift": s, "axis": a})
            for s, a in ((1, None), (-5, 2), ((1, 2), (0, 1)), ((1, 1), (1, 1)))
        ],
    ),
    Row(
        shape._broadcast_to,
        lambda x, *, shape: x + np.zeros(shape),
        [
            Example((MATRIX,), {"shape": (2, 3, 4)}),
            Example((MATRIX[:, :1],), {"shape": (3, 5)}),
            Example((MATRIX[0, 0],), {"shape": (2,)}),
        ],
    ),
    Row(
        shape._cast,
        lambda x, *, dtype: np.array(x.tolist(), dtype),
        [Example((MATRIX,), {"dtype": np.dtype("float64")})],
        dtypes=(),
    ),
    Row(
        shape._round_off,
        lambda x, *, dtype: np.array([int(v) for v in x], dtype),
        [Example((MATRIX[0],), {"dtype": np.dtype("int32")})],
    ),
    Row(
        join._concatenate,
        _joined,
        [
            Example((X, X[:, :1]), {"axis": 1, "ends": (3, 4)}),
            Example((MATRIX, MATRIX, MATRIX[:, :0]), {"axis": -1, "ends": (4, 8, 8)}),
            Example((MATRIX[0],), {"axis": 0, "ends": (4,)}),
        ],
    ),
)

EACH, ROW, LAST = slice(None), np.array([2, 0, 2, -1]), np.array([[0], [1]])
MASK = MATRIX > 0
ARRAYS_AND_PATTERNS: list[tuple[tuple[Array, ...], tuple[Any, ...]]] = [
    ((), (1,)),
    ((), (slice(None, None, -2), None, -1)),
    ((), (Ellipsis, slice(1, 3))),
    ((ROW,), (ARRAY,)),
    ((ROW,), (EACH, ARRAY)),
    ((LAST, ROW), (ARRAY, ARRAY)),
    ((LAST, ROW), (ARRAY, None, ARRAY)),
    ((MASK,), (ARRAY,)),
    ((MASK[:, 0],), (ARRAY, 0)),
    ((np.array(True),), (ARRAY,)),
    ((np.array(2),), (ARRAY,)),
]


def _index(arrays: tuple[Array, ...], pattern: tuple[Any, ...]) -> tuple[Any, ...]:
    rest = list(arrays)
    return tuple(rest.pop(0) if part is ARRAY else part for part in pattern)


def _places(shape: tuple[int, ...], arrays: tuple[Array, ...], pattern: tuple[Any, ...]) -> Array:
    """The places, counted in order, that an index reads."""
    return np.arange(np.prod(shape)).reshape(shape)[_index(arrays, pattern)]


def _read(x: Array, *arrays: Array, pattern: tuple[Any, ...]) -> Array:
    return x.ravel()[_places(x.shape, arrays, pattern)]


def _add_up(g: Array, *arrays: Array, shape: tuple[int, ...], pattern: tuple[Any, ...]) -> Array:
    places = _places(shape, arrays, pattern)
    out = np.zeros(np.prod(shape))
    for place, value in zip(places.ravel(), g.ravel()):
        out[place] += value
    return out.reshape(shape)


def _write(x: Array, value: Array, *arrays: Array, pattern: tuple[Any, ...]) -> Array:
    places = _places(x.shape, arrays, pattern)
    out = np.array(x.ravel())
    value = value.reshape(value.shape[max(value.ndim - places.ndim, 0) :])
    for place, new in zip(places.ravel(), np.broadcast_to(value, places.shape).ravel()):
        out[place] = new
    return out.reshape(x.shape)


def _last(*arrays: Array, shape: tuple[int, ...], pattern: tuple[Any, ...]) -> Array:
    places = _places(shape, arrays, pattern)
    flat = places.ravel().tolist()
    return np.array([p not in flat[i + 1 :] for i, p in enumerate(flat)]).reshape(places.shape)


def _selected(arrays: tuple[Array, ...], pattern: tuple[Any, ...], seed: int = 3) -> Array:
    return spread(-2, 2, np.shape(MATRIX[_index(arrays, pattern)]), seed)


INDEX = (
    Row(
        index._getitem,
        _read,
        [Example((MATRIX, *a), {"pattern": p}) for a, p in ARRAYS_AND_PATTERNS],
    ),
    Row(
        index.scatter,
        _add_up,
        [
            Example((_selected(a, p), *a), {"shape": shape, "pattern": p})
            for shape in ((3, 4), (50, 4))
            for a, p in ARRAYS_AND_PATTERNS
            if shape == (3, 4) or (p == (ARRAY,) and a[0].ndim == 1 and a[0].dtype.kind == "i")
        ],
    ),
    Row(
        index._assign,
        _write,
        [
            *(
                Example((MATRIX, _selected(a, p), *a), {"pattern": p})
                for a, p in ARRAYS_AND_PATTERNS
            ),
            Example((MATRIX, X[0, 0, 0]), {"pattern": (1,)}),
            Example((MATRIX, X[0, 0, :1], ROW), {"pattern": (ARRAY,)}),
            Example((MATRIX, X[:1, 0]), {"pattern": (0,)}),
        ],
    ),
    Row(
        index.last_writers,
        _last,
        [Example(a, {"shape": (3, 4), "pattern": p}) for a, p in ARRAYS_AND_PATTERNS if a],
    ),
    Row(
        _pad_whole,
        lambda x, *, widths, mode, options: np.array([2, 3, 4, 7, 9, 9, 9]),
        [
            Example(
                (np.array([4, 7, 9]),),
                {"widths": [(2, 2)], "mode": "linear_ramp", "options": {"end_values": [(2, 9)]}},
            )
        ],
    ),
    Row(
        index._wrapped,
        lambda i, *, n: np.array([v - v // n * n for v in i]),
        [Example((np.array([5, -7, 0]),), {"n": 4})],
    ),
    Row(
        index._clipped,
        lambda i, *, n: np.array([min(max(v, 0), n - 1) for v in i]),
        [Example((np.array([5, -7, 2]),), {"n": 4})],
    ),
    Row(index.replaced, lambda old, value: value, [Example((MATRIX, MATRIX + 1))]),
)

ROWS = (*SHAPE, *INDEX)
