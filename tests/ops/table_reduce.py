"""Rows of reductions, running sums and products, order statistics and vector norms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.ops.row import Array, Example, Kink, Row, broadcast_row, pair, spread
from tinygrad_lite.ops import cumulative, order, reduce
from tinygrad_lite.ops.length import _unit, direction, length, power_norm
from tinygrad_lite.primitive import Primitive

inf = math.inf


def folded(function: Callable[[list[Any]], Any]) -> Callable[..., Array]:
    """The reduction that applies a function of a list to the elements of every fold."""

    def reference(x: Array, *, axis: Any, keepdims: bool = False, **attributes: Any) -> Array:
        axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
        gone = {int(a) % x.ndim for a in axes} if x.ndim else set()
        shape = [1 if i in gone else n for i, n in enumerate(x.shape)]
        out = np.empty(shape, object)
        for place in np.ndindex(*shape):
            fold = tuple(slice(None) if i in gone else j for i, j in enumerate(place))
            out[place] = function(x[fold].ravel().tolist(), **attributes)
        kept = shape if keepdims else [n for i, n in enumerate(shape) if i not in gone]
        return np.array(out.tolist()).reshape(kept)

    return reference


def over(axis: Any, keepdims: bool = False, **attributes: Any) -> dict[str, Any]:
    return {"axis": axis, "keepdims": keepdims, **attributes}


SMOOTH = spread(0.5, 2.5, (2, 3, 2)) * np.where(spread(0, 1, (2, 3, 2), 1) < 0.5, -1, 1)
REDUCED = [
    Example((SMOOTH,), over(None)),
    Example((SMOOTH,), over((0, -1))),
    Example((SMOOTH[0],), over(1, True)),
    Example((SMOOTH[0, 0],), over(-1)),
    Example((SMOOTH[0, 0, 0],), over(None)),
    Example((SMOOTH[:, :0],), over(0)),
]
EMPTY = Example((SMOOTH[:, :0],), over(1))
ALONG = [Example((SMOOTH,), {"axis": a}) for a in (0, 1, -1)]


def reduction(
    primitive: Primitive,
    function: Callable[[list[Any]], Any],
    kinks: Sequence[Kink] = (),
    more: Sequence[Example] = (),
    **attributes: Any,
) -> Row:
    examples = [Example(e.inputs, {**e.attributes, **attributes}) for e in (*REDUCED, *more)]
    return Row(primitive, folded(function), examples, kinks)


def corner(x: Sequence[float], slopes: Sequence[float], **attributes: Any) -> Kink:
    """A vector, reduced to one number, with the gradient that was agreed on."""
    attributes = {"axis": -1, "keepdims": False, **attributes}
    return Kink((np.array(x),), (np.array(slopes),), attributes)


def _along(function: Callable[[list[float]], list[float]]) -> Callable[..., Array]:
    return lambda x, *, axis: np.apply_along_axis(lambda row: function(row.tolist()), axis, x)


def _running(step: Callable[[float, float], float]) -> Callable[[list[float]], list[float]]:
    def run(row: list[float]) -> list[float]:
        out = row[:1]
        for x in row[1:]:
            out.append(step(out[-1], x))
        return out

    return run


def _recurrence(x: Array, factor: Array) -> Array:
    rows = [x[0]]
    for a, f in zip(x[1:], factor[1:]):
        rows.append(a + f * rows[-1])
    return np.stack(rows)


def _root_of_powers(row: list[float], p: float) -> float:
    return float(sum(abs(x) ** p for x in row) ** (1 / p))


WITH_ZEROS = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 0.5], [1.5, -2.0, -1.0]])

REDUCTIONS = (
    reduction(reduce._sum, math.fsum, more=[EMPTY]),
    reduction(reduce._mean, lambda row: math.fsum(row) / len(row)),
    reduction(
        length,
        lambda row: math.hypot(*row),
        kinks=[
            corner([0, 0], [0, 0]),
            corner([0, 2], [0, 1]),
            corner([3e-200, -4e-200], [0.6, -0.8]),
            corner([3e200, 4e200], [0.6, 0.8]),
            corner([math.inf, 1], [1, 0]),
        ],
    ),
    Row(
        _unit,
        lambda x, axis: x / np.sqrt(np.sum(x * x, axis, keepdims=True)),
        [Example((SMOOTH,), {"axis": axis}) for axis in (0, -1, (0, 2), None)],
        kinks=[Kink((x,), (0,), {"axis": None}) for x in (0.0, 5e-324, math.inf)],
    ),
    broadcast_row(
        direction,
        lambda x, length: x / length,
        (-1, 1),
        (2, 3),
        kinks=[pair(0, 0, 0, 0), pair(1, math.inf, 0, 0), pair(math.inf, math.inf, 0, 0)],
    ),
    reduction(
        power_norm,
        _root_of_powers,
        p=3.0,
        kinks=[
            corner([0, 0], [0, 0], p=3.0),
            corner([0, -2], [0, -1], p=1.5),
            corner([0, -2, 2], [0, -2, 2], p=0.5),
            corner([0, 0], [0, 0], p=0.5),
            corner([0, 3], [0, 0], p=-1.0),
            corner([3e200, -4e200], [(3 / 91 ** (1 / 3)) ** 2, -((4 / 91 ** (1 / 3)) ** 2)], p=3.0),
            corner([3e-200, 4e-200], [(4 / 7) ** 2, (3 / 7) ** 2], p=-1.0),
            corner([math.inf, 1], [1, 0], p=3.0),
        ],
    ),
    Row(reduce._all, folded(all), [*REDUCED, EMPTY, Example((SMOOTH > 0,), over(1))]),
    Row(reduce._any, folded(any), [*REDUCED, EMPTY, Example((SMOOTH > 0,), over(1))]),
    Row(
        reduce._count_nonzero,
        folded(lambda row: len([x for x in row if x])),
        [*REDUCED, EMPTY, Example((WITH_ZEROS,), over(0))],
    ),
)

CUMULATIVE = (
    Row(cumulative._cumsum, _along(_running(lambda a, b: a + b)), ALONG),
    Row(
        cumulative._cumprod,
        lambda x: _along(_running(lambda a, b: a * b))(x, axis=0),
        [Example((SMOOTH,)), Example((WITH_ZEROS,)), Example((SMOOTH[0, 0],))],
    ),
    Row(
        cumulative._prod,
        lambda x: folded(math.prod)(x, axis=0),
        [Example((SMOOTH,)), Example((WITH_ZEROS,)), Example((SMOOTH[0, 0],))],
    ),
    Row(
        cumulative.recurrence,
        _recurrence,
        [Example((SMOOTH[0], SMOOTH[1])), Example((SMOOTH[0, :, 0], SMOOTH[1, :, 1]))],
    ),
)

ORDER = (
    Row(
        order._picked,
        np.vectorize(lambda x, out: x == out or math.isnan(x)),
        [Example((np.array([[1.0, 3.0], [math.nan, 2.0]]), np.array([[3.0], [math.nan]])))],
    ),
    reduction(
        order._max,
        max,
        kinks=[
            corner([1, 3, 3], [0, 0.5, 0.5]),
            corner([2, inf], [0, 1]),
            corner([2, math.nan, math.nan], [0, 0.5, 0.5]),
        ],
    ),
    reduction(order._min, min, kinks=[corner([1, 1, 3], [0.5, 0.5, 0]), corner([2, -inf], [0, 1])]),
    Row(order._argmax, folded(lambda row: row.index(max(row))), REDUCED[2:-1]),
    Row(order._argmin, folded(lambda row: row.index(min(row))), REDUCED[2:-1]),
    Row(
        order._ranked,
        lambda x, *, rank: folded(lambda row: sorted(row)[rank])(x, axis=0),
        [Example((SMOOTH,), {"rank": 1}), Example((SMOOTH[0, :, 0],), {"rank": 2})],
        kinks=[Kink((np.array([3.0, 1.0, 3.0, 5.0]),), (np.array([0.5, 0, 0.5, 0]),), {"rank": 2})],
    ),
    Row(
        order._argsort,
        _along(lambda row: sorted(range(len(row)), key=row.__getitem__)),
        ALONG,
    ),
    Row(order._sort, _along(sorted), ALONG),
)

ROWS = (*REDUCTIONS, *CUMULATIVE, *ORDER)
