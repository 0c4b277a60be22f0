"""The table of examples: one row per elementwise primitive, which drives every check of it.

Other families keep their rows in a table_<family>.py of their own, likewise in ``ROWS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.row import Array, Example, Kink, Row, at, broadcast_row, each, pair, spread
from tinygrad_lite.ops import (
    activation,
    arithmetic as a,
    compare,
    exponential as e,
    logistic,
    normal,
    plane,
    rounding,
    selection,
    smooth_maximum,
    trigonometric as t,
)
from tinygrad_lite.primitive import Primitive

inf, nan, pi = math.inf, math.nan, math.pi


def _sigmoid(x: float) -> float:
    return math.exp(min(x, 0)) / (1 + math.exp(-abs(x)))


def _round_example(low: float = -3) -> list[Example]:
    return [Example((low + 0.3 + 1.36 * np.arange(6.0).reshape(2, 3),)), Example((np.array(0.7),))]


def _quotient_examples() -> list[Example]:
    x = np.array([[7.3, -7.3, 2.2], [5.1, -0.4, 3.7]])
    y = np.array([2.0, 2.0, -1.3])
    return [Example((x, y)), Example((x[:, :1], y)), Example((x[0, 0], y[2])), Example((x[:0], y))]


def _jumping(primitive: Primitive, reference: Callable[[float], float]) -> Row:
    return Row(primitive, each(reference), _round_example(), [at(0.0, 0), at(1.0, 0), at(2.5, 0)])


TRUTH = np.array([[True, False, True], [False, False, True]])


def _compared(primitive: Primitive) -> Row:
    x, y = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0], [3.0]])
    name = primitive.name
    examples = [Example((TRUTH, TRUTH[:1]))]
    if not name.startswith("bitwise"):
        examples += [Example((x, y)), Example((x[0, 0], y[1, 0]))]
    return Row(primitive, getattr(np, name), examples)


def _asked(primitive: Primitive) -> Row:
    inputs: list[Array] = [TRUTH]
    if primitive.name != "invert":
        inputs.append(np.array([0.0, 1.0, inf, nan]))
    return Row(primitive, getattr(np, primitive.name), [Example((x,)) for x in inputs])


SIGNED, POSITIVE, UNIT = (-2.5, 2.5), (0.2, 3.0), (-0.9, 0.9)
APART = (3.0, 4.0)  # from the interval SIGNED: no ties

ARITHMETIC = (
    broadcast_row(a.add, lambda x, y: x - -y, SIGNED, SIGNED),
    broadcast_row(a.subtract, lambda x, y: x + -y, SIGNED, SIGNED),
    broadcast_row(a.multiply, lambda x, y: x / (1 / y), SIGNED, POSITIVE, kinks=[pair(0, 0, 0, 0)]),
    broadcast_row(
        a.divide,
        lambda x, y: x * y**-1.0,
        SIGNED,
        POSITIVE,
        kinks=[pair(0, 2, 0.5, 0), pair(1, inf, 0, 0), pair(1, 0, inf, -inf)],
    ),
    broadcast_row(a.negative, lambda x: 0 - x, SIGNED),
    broadcast_row(a.positive, lambda x: 0 + x, SIGNED),
    broadcast_row(
        a.reciprocal, lambda x: 1 / x, POSITIVE, kinks=[at(0.0, -inf), at(inf, 0), at(-inf, 0)]
    ),
    broadcast_row(a.square, lambda x: x * x, SIGNED, kinks=[at(0.0, 0)]),
    Row(
        a.power,
        np.float_power,
        [
            *broadcast_row(a.power, np.float_power, POSITIVE, SIGNED).examples,
            Example((spread(*SIGNED, (2, 3)), np.array([[0, 1, 2], [3, -1, -2]], "int8"))),
            Example((spread(*POSITIVE, (3,)), np.array([0.0, 1.0, 2.0]))),
        ],
        kinks=[
            pair(0, 0, 0, 0),
            pair(0, 0.5, inf, 0),
            pair(0, 1, 1, 0),
            pair(0, 1.5, 0, 0),
            pair(0, 2, 0, 0),
            pair(0, -1, -inf, -inf),
            pair(2, 0, 0, math.log(2)),
            pair(-2, 3, 12, nan),
            pair(nan, 0, 0, nan),
            pair(inf, 0, 0, inf),
            pair(inf, -1, 0, 0),
            pair(inf, -inf, 0, 0),
            pair(2, -inf, 0, 0),
            pair(0.5, inf, 0, 0),
            pair(0, inf, 0, 0),
        ],
    ),
)

POWERS = (
    Row(
        a._power_slope,
        lambda x, y: y * np.float_power(x, y) / x,
        broadcast_row(a.power, np.float_power, POSITIVE, (0.2, 2.5)).examples,
        kinks=[
            pair(0, 0.5, -inf, -inf),
            pair(0, 1, 0, -inf),
            pair(0, 2, 2, 0),
            pair(0, 0, 0, 0),
            pair(1e-200, 2, 2, 1e-200 * (1 - 400 * math.log(10))),
        ],
    ),
    Row(
        a._power_rate,
        lambda x, y: np.float_power(x, y) * np.log(x),
        broadcast_row(a.power, np.float_power, POSITIVE, SIGNED).examples,
        kinks=[
            pair(0, 0.5, -inf, 0),
            pair(0, 1, -inf, 0),
            pair(0, 2, 0, 0),
            pair(1, 3, 1, 0),
            pair(1e-200, 2, 1e-200 * (1 - 400 * math.log(10)), 0),
        ],
    ),
)

EXPONENTIAL = (
    broadcast_row(e.exp, each(math.exp), SIGNED, kinks=[at(-inf, 0)]),
    broadcast_row(e.exp2, lambda x: 2.0**x, SIGNED, kinks=[at(-inf, 0)]),
    broadcast_row(e.expm1, each(math.expm1), SIGNED, kinks=[at(-40.0, math.exp(-40)), at(-inf, 0)]),
    broadcast_row(e.log, each(math.log), POSITIVE, kinks=[at(0.0, inf), at(inf, 0)]),
    broadcast_row(e.log2, each(math.log2), POSITIVE, kinks=[at(0.0, inf), at(inf, 0)]),
    broadcast_row(e.log10, each(math.log10), POSITIVE, kinks=[at(0.0, inf), at(inf, 0)]),
    broadcast_row(e.log1p, each(math.log1p), UNIT, kinks=[at(-1.0, inf), at(1e-20, 1), at(inf, 0)]),
    broadcast_row(e.sqrt, each(math.sqrt), POSITIVE, kinks=[at(0.0, inf), at(inf, 0)]),
    Row(
        e.cbrt,
        lambda x: np.sign(x) * np.abs(x) ** (1 / 3),
        [Example((np.array([0.5, 2.0, -0.7, -3.0]),)), Example((np.array(-1.5),))],
        kinks=[at(0.0, inf), at(inf, 0)],
    ),
    broadcast_row(
        e._ratio,
        np.divide,
        SIGNED,
        POSITIVE,
        kinks=[pair(0, 0, inf, 0), pair(0, 2, 0.5, 0)],
    ),
    broadcast_row(
        e.xlogy,
        each(lambda x, y: x * math.log(y)),
        SIGNED,
        POSITIVE,
        kinks=[
            pair(0, 2, math.log(2), 0),
            pair(0, 0, -inf, 0),
            pair(1, 0, -inf, inf),
            pair(0, inf, inf, 0),
        ],
    ),
)


def _sigmoid_slope(x: float) -> float:
    return math.exp(-abs(x)) / (1 + math.exp(-abs(x))) ** 2


LOGISTIC = (
    broadcast_row(
        logistic._sigmoid_slope,
        each(_sigmoid_slope),
        SIGNED,
        kinks=[
            at(0.0, 0),
            *(at(x, math.copysign(math.exp(-abs(x)), -x)) for x in (40.0, -40.0, 700.0, -700.0)),
            at(inf, 0),
            at(-inf, 0),
        ],
    ),
    broadcast_row(
        logistic.sigmoid,
        each(_sigmoid),
        SIGNED,
        kinks=[at(x, _sigmoid_slope(x)) for x in (0.0, 40.0, -40.0, 700.0, -700.0, inf, -inf)],
    ),
    broadcast_row(
        logistic.softplus,
        each(lambda x: max(x, 0) + math.log1p(math.exp(-abs(x)))),
        SIGNED,
        kinks=[at(x, _sigmoid(x)) for x in (40.0, -40.0, 700.0, -700.0, inf, -inf)],
    ),
    broadcast_row(
        logistic.logsigmoid,
        each(lambda x: min(x, 0) - math.log1p(math.exp(-abs(x)))),
        SIGNED,
        kinks=[at(x, _sigmoid(-x)) for x in (40.0, -40.0, 700.0, -700.0, inf, -inf)],
    ),
    broadcast_row(
        logistic.logaddexp,
        lambda x, y: np.log(np.exp(x) + np.exp(y)),
        SIGNED,
        SIGNED,
        kinks=[
            pair(1000, 1000, 0.5, 0.5),
            pair(1000, 0, 1, 0),
            pair(40, 0, 1, _sigmoid(-40)),
            pair(inf, inf, 0.5, 0.5),
            pair(-inf, -inf, 0.5, 0.5),
            pair(inf, -inf, 1, 0),
            pair(-inf, 3, 0, 1),
        ],
    ),
    broadcast_row(
        logistic.logaddexp2,
        lambda x, y: np.log2(2**x + 2**y),
        SIGNED,
        SIGNED,
        kinks=[pair(2000, 2000, 0.5, 0.5), pair(inf, inf, 0.5, 0.5), pair(-inf, -inf, 0.5, 0.5)],
    ),
)


def _sech2(x: float) -> float:
    return 4 * math.exp(-2 * abs(x)) / (1 + math.exp(-2 * abs(x))) ** 2


def _sinc_derivative(x: float, order: int) -> float:
    """πⁿ ∫₀¹ tⁿ cos(πxt + nπ/2) dt by the trapezoidal rule in steps that crowd at both ends."""
    u = np.linspace(-4, 4, 801)
    s = np.exp(pi / 2 * np.sinh(u))
    time = s / (1 + s)
    weight = pi / 2 * np.cosh(u) * time / (1 + s)
    turned = (np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v), np.sin)[order % 4]
    return float(np.sum(weight * time**order * turned(pi * x * time)) * 0.01) * pi**order


R = math.sqrt(0.5)

TRIGONOMETRIC = (
    broadcast_row(t.sin, each(math.sin), SIGNED),
    broadcast_row(t.cos, each(math.cos), SIGNED),
    broadcast_row(t.tan, each(math.tan), (-1.2, 1.2)),
    broadcast_row(
        t._arcsin_slope,
        each(lambda x: 1 / math.sqrt(1 - x * x)),
        UNIT,
        kinks=[at(1.0, inf), at(-1.0, -inf), at(1e-20, 1e-20)],
    ),
    broadcast_row(t.arcsin, each(math.asin), UNIT, kinks=[at(1.0, inf), at(-1.0, inf)]),
    broadcast_row(t.arccos, each(math.acos), UNIT, kinks=[at(1.0, -inf), at(-1.0, -inf)]),
    broadcast_row(
        t.arctan, each(math.atan), SIGNED, kinks=[at(inf, 0), at(-inf, 0), at(1e155, 1e-310)]
    ),
    broadcast_row(t.sinh, each(math.sinh), SIGNED),
    broadcast_row(t.cosh, each(math.cosh), SIGNED),
    broadcast_row(
        t.tanh,
        each(math.tanh),
        SIGNED,
        kinks=[at(x, _sech2(x)) for x in (0.0, 20.0, -20.0, 350.0, -350.0, inf, -inf)],
    ),
    broadcast_row(t._sech2, each(_sech2), SIGNED, kinks=[at(0.0, 0), at(800.0, 0), at(-inf, 0)]),
    broadcast_row(t.arcsinh, each(math.asinh), SIGNED, kinks=[at(inf, 0), at(1e200, 1e-200)]),
    broadcast_row(
        t._arccosh_slope,
        each(lambda x: 1 / math.sqrt(x * x - 1)),
        (1.2, 3),
        kinks=[at(1.0, -inf), at(inf, 0), at(1e100, -1e-200)],
    ),
    broadcast_row(
        t.arccosh, each(math.acosh), (1.2, 3), kinks=[at(1.0, inf), at(inf, 0), at(1e200, 1e-200)]
    ),
    broadcast_row(
        t._arctanh_slope,
        each(lambda x: 1 / (1 - x * x)),
        UNIT,
        kinks=[at(1.0, inf), at(-1.0, -inf), at(1e-20, 2e-20)],
    ),
    broadcast_row(t.arctanh, each(math.atanh), UNIT, kinks=[at(1.0, inf), at(-1.0, inf)]),
    broadcast_row(
        plane._cosine,
        each(lambda x, y: x / math.hypot(x, y)),
        SIGNED,
        SIGNED,
        kinks=[
            pair(0, 0, 0, 0),
            pair(3e-200, 4e-200, 1.28e199, -9.6e198),
            pair(3e200, 4e200, 1.28e-201, -9.6e-202),
            pair(1, 1e-10, 1e-20, -1e-10),
            pair(inf, 1, 0, 0),
        ],
    ),
    broadcast_row(
        plane._turn,
        each(lambda x, y: x / (x * x + y * y)),
        SIGNED,
        SIGNED,
        kinks=[
            pair(0, 0, 0, 0),
            pair(1e-200, 1e-200, 0, -inf),
            pair(3e100, 4e100, 1.12e-202, -3.84e-202),
            pair(1, inf, 0, 0),
        ],
    ),
    broadcast_row(
        plane.hypot,
        each(math.hypot),
        SIGNED,
        SIGNED,
        kinks=[
            pair(0, 0, 0, 0),
            pair(0, -2, 0, -1),
            pair(3e200, -4e200, 0.6, -0.8),
            pair(3e-200, 4e-200, 0.6, 0.8),
            pair(inf, 1, 1, 0),
            pair(1, -inf, 0, -1),
        ],
    ),
    broadcast_row(
        plane.arctan2,
        each(math.atan2),
        SIGNED,
        SIGNED,
        kinks=[
            pair(0, 0, 0, 0),
            pair(0, 2, 0.5, 0),
            pair(0, -2, -0.5, 0),
            pair(2, 0, 0, -0.5),
            pair(1e200, 1e200, 5e-201, -5e-201),
            pair(1e-200, 1e-200, 5e199, -5e199),
            pair(1, inf, 0, 0),
            pair(-inf, 1, 0, 0),
        ],
    ),
    broadcast_row(
        t._sinc,
        each(_sinc_derivative),
        (-3, 3),
        kinks=[
            *(Kink((x,), (_sinc_derivative(x, 1),), {"order": 0}) for x in (0.0, 1e-9, 1e-4, 9.3)),
            at(0.0, -(pi**2) / 3, order=1),
            at(0.0, 0, order=2),
            at(0.0, pi**4 / 5, order=3),
        ],
        attributes=[{"order": n} for n in range(4)],
    ),
)

ROUNDING = (
    _jumping(rounding.floor, math.floor),
    _jumping(rounding.ceil, math.ceil),
    _jumping(rounding.trunc, math.trunc),
    Row(
        rounding._round,
        lambda x, decimals: each(lambda v: round(v, decimals))(x),
        [Example(x.inputs, {"decimals": d}) for x in _round_example() for d in (0, 1, -1)],
        [at(0.5, 0, decimals=0), at(25.0, 0, decimals=-1)],
        dtypes=("float32", "float64"),  # a half has too few digits to agree on the last decimal
    ),
    Row(
        rounding.floor_divide,
        each(lambda x, y: x // y),
        _quotient_examples(),
        [pair(4, 2, 0, 0)],
    ),
    Row(
        rounding.remainder,
        each(lambda x, y: x % y),
        _quotient_examples(),
        [pair(4, 2, 1, -2), pair(-7, 2, 1, 4), pair(1, inf, 1, 0)],
    ),
    Row(
        rounding.fmod,
        each(math.fmod),
        _quotient_examples(),
        [pair(4, 2, 1, -2), pair(-7, 2, 1, 3), pair(1, inf, 1, 0)],
    ),
)


def _chosen(primitive: Primitive, choose: Callable[..., float], dropped: bool, top: bool) -> Row:
    """The row of a larger or smaller of two, that drops what is not a number or keeps it."""
    row = broadcast_row(primitive, each(choose), SIGNED, APART)
    more = broadcast_row(primitive, each(choose), APART, SIGNED)
    high, low = (1, 0) if top else (0, 1)
    kinks = [
        pair(1, 1, 0.5, 0.5),
        pair(0.0, -0.0, 0.5, 0.5),
        pair(inf, inf, 0.5, 0.5),
        pair(2, 1, high, low),
        pair(inf, 1, high, low),
        pair(-inf, 1, low, high),
        pair(nan, 1, 0 if dropped else 1, 1),
        pair(1, nan, 1, 0 if dropped else 1),
        pair(nan, nan, 1, 1),
    ]
    return Row(primitive, each(choose), [*row.examples, *more.examples], kinks)


def _clip_kinks() -> list[Kink]:
    return [
        at(x, slope, low=-1.0, high=1.0)
        for x, slope in ((-1.0, 0), (1.0, 0), (-inf, 0), (inf, 0), (0.0, 1), (2.0, 0), (nan, 0))
    ] + [at(5.0, 1, low=None, high=None), at(1.0, 0, low=1.0, high=None), at(0.0, 0, low=2, high=1)]


SELECTION = (
    Row(
        selection.masked,
        lambda x, condition: x * condition,
        [Example((spread(*SIGNED, (2, 3)), TRUTH)), Example((np.array(2.0), TRUTH[0]))],
        [Kink((inf, False), (0, None)), Kink((nan, True), (1, None))],
    ),
    Row(
        selection.where,
        lambda c, x, y: (c != 0) * x + (c == 0) * y,
        [
            Example((TRUTH, spread(*SIGNED, (2, 3)), spread(*SIGNED, (2, 3), 1))),
            Example((TRUTH, spread(*SIGNED, ()), spread(*SIGNED, (1, 3), 1))),
            Example((TRUTH[:, :1], spread(*SIGNED, (3,)), spread(*SIGNED, (2, 1), 1))),
            Example((np.array(False), np.array(1.0), np.array(2.0))),
            Example((np.array([2, 0, 0]), spread(*SIGNED, (3,)), spread(*SIGNED, (3,), 1))),
        ],
        [Kink((True, inf, nan), (None, 1, 0)), Kink((False, nan, -inf), (None, 0, 1))],
    ),
    _chosen(selection.maximum, max, dropped=False, top=True),
    _chosen(selection.minimum, min, dropped=False, top=False),
    _chosen(selection.fmax, max, dropped=True, top=True),
    _chosen(selection.fmin, min, dropped=True, top=False),
    broadcast_row(
        selection.sign, each(lambda x: (x > 0) - (x < 0)), POSITIVE, kinks=[at(0.0, 0), at(-2.0, 0)]
    ),
    Row(
        selection.abs,
        each(abs),
        [Example((np.array([[-1.5, 2.0], [0.3, -0.2]]),)), Example((np.array(-2.0),))],
        [at(0.0, 0), at(-0.0, 0), at(inf, 1), at(-inf, -1)],
    ),
    Row(
        selection._clip,
        lambda x, low, high: np.clip(x, low, high),
        [
            Example((np.array([[-2.0, 0.3], [0.8, 3.0]]),), bounds)
            for bounds in (
                {"low": -1.0, "high": 1.0},
                {"low": 0.5, "high": None},
                {"low": None, "high": 0.5},
                {"low": None, "high": None},
                {"low": 1, "high": -1},
            )
        ],
        _clip_kinks(),
    ),
    Row(
        selection._at_least,
        each(max),
        broadcast_row(selection._at_least, each(max), SIGNED, APART).examples,
        [pair(1, 1, 0, 1), pair(2, 1, 1, 0), pair(nan, 1, 0, 0)],
    ),
    Row(
        selection._at_most,
        each(min),
        broadcast_row(selection._at_most, each(min), APART, SIGNED).examples,
        [pair(1, 1, 0, 1), pair(0, 1, 1, 0), pair(nan, 1, 0, 0)],
    ),
)

BOTH_SIDES = [Example((np.array([[-1.5, 2.0], [0.3, -0.2]]),)), Example((np.array(-2.0),))]


def _both_sides(**attributes: Any) -> list[Example]:
    return [Example(example.inputs, attributes) for example in BOTH_SIDES]


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * pi)


EVERY_PIECE = np.array([-5.0, -2.0, -0.6, -0.3, 0.0, 0.4, 0.5, 3.0, 4.5])

NORMAL = (
    Row(
        normal.erf,
        each(math.erf),
        [Example((EVERY_PIECE,)), *broadcast_row(normal.erf, each(math.erf), SIGNED).examples],
        [at(0.0, 2 / math.sqrt(pi)), at(inf, 0), at(-inf, 0)],
    ),
    Row(
        normal.erfc,
        each(math.erfc),
        [Example((EVERY_PIECE,)), *broadcast_row(normal.erfc, each(math.erfc), SIGNED).examples],
        [at(0.0, -2 / math.sqrt(pi)), at(inf, 0), at(-inf, 0)],
    ),
    broadcast_row(
        normal.normal_cdf,
        each(lambda x: math.erfc(-x * R) / 2),
        SIGNED,
        kinks=[at(x, _density(x)) for x in (0.0, 8.0, -8.0, inf, -inf)],
    ),
)

ACTIVATION = (
    Row(
        activation.relu,
        each(lambda x: max(x, 0)),
        BOTH_SIDES,
        [at(0.0, 0), at(-0.0, 0), at(inf, 1), at(-inf, 0)],
    ),
    Row(
        activation._leaky_relu,
        lambda x, slope: each(lambda v: v if v > 0 else slope * v)(x),
        [*_both_sides(slope=0.01), *_both_sides(slope=3.0), *_both_sides(slope=-1.0)],
        [at(0.0, s, slope=slope) for slope, s in ((0.01, 0.01), (3.0, 1), (-1.0, 0), (1.0, 1))],
    ),
    Row(
        activation._elu,
        lambda x, alpha: each(lambda v: v if v > 0 else alpha * math.expm1(v))(x),
        [*_both_sides(alpha=1.0), *_both_sides(alpha=1.7), *_both_sides(alpha=-0.5)],
        [at(0.0, s, alpha=alpha) for alpha, s in ((0.5, 0.5), (3.0, 1), (-1.0, 0), (1.0, 1))]
        + [at(-inf, 0, alpha=1.0), at(inf, 1, alpha=1.0), at(1000.0, 1, alpha=1.0)],
    ),
    broadcast_row(
        activation._gated,
        lambda x, gate: x / (1 / gate),
        SIGNED,
        (0.1, 0.9),
        kinks=[Kink((-inf, 0), (0, -1e4)), Kink((inf, 1), (1, 1e4))],
    ),
    Row(
        activation.softsign,
        each(lambda x: x / (1 + abs(x))),
        BOTH_SIDES,
        [at(0.0, 1), at(inf, 0), at(-inf, 0), at(1e200, 0)],
    ),
)


def _sum_of_powers(x: Array, axis: Any, keepdims: bool = True) -> Array:
    return np.sum(np.exp(x), axis=axis, keepdims=keepdims)


AXES: list[dict[str, Any]] = [{"axis": axis} for axis in (0, -1, (0, 1), None)]

SOFTMAX = (
    Row(
        smooth_maximum._softmax,
        lambda x, axis: np.exp(x) / _sum_of_powers(x, axis),
        [Example((spread(*SIGNED, (2, 3)),), given) for given in AXES],
        [
            Kink(([inf, 0.0],), ([0, 0],), {"axis": 0}),
            Kink(([-inf, -inf],), ([0, 0],), {"axis": 0}),
        ],
    ),
    Row(
        smooth_maximum._log_softmax,
        lambda x, axis: x - np.log(_sum_of_powers(x, axis)),
        [Example((spread(*SIGNED, (2, 3)),), given) for given in AXES],
        [Kink((x,), ([-1, 1],), {"axis": 0}) for x in ([1000.0, 0.0], [inf, 0.0])]
        + [Kink(([-inf, -inf],), ([0, 0],), {"axis": 0})],
    ),
    Row(
        smooth_maximum._logsumexp,
        lambda x, axis, keepdims: np.log(_sum_of_powers(x, axis, keepdims)),
        [
            Example((spread(*SIGNED, (2, 3)),), {**given, "keepdims": keepdims})
            for given in AXES
            for keepdims in (False, True)
        ],
        [
            Kink((values,), (shares,), {"axis": 0, "keepdims": False})
            for values, shares in (
                ([-inf, -inf], [0.5, 0.5]),
                ([-inf, 0.0], [0, 1]),
                ([inf, 0.0], [1, 0]),
                ([inf, inf], [0.5, 0.5]),
                ([1000.0, 1000.0], [0.5, 0.5]),
            )
        ],
    ),
)

COMPARE = (
    *(
        _compared(getattr(compare, name))
        for name in (
            *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
            *("logical_and", "logical_or", "logical_xor"),
            *("bitwise_and", "bitwise_or", "bitwise_xor"),
        )
    ),
    *(
        Row(shift, getattr(np, shift.name), [Example((np.array([[4], [9]]), np.array([0, 1, 3])))])
        for shift in (compare.left_shift, compare.right_shift)
    ),
    *(
        _asked(getattr(compare, name))
        for name in ("logical_not", "invert", "isnan", "isinf", "isfinite")
    ),
)

ROWS = (
    *ARITHMETIC,
    *POWERS,
    *EXPONENTIAL,
    *LOGISTIC,
    *TRIGONOMETRIC,
    *ROUNDING,
    *SELECTION,
    *NORMAL,
    *ACTIVATION,
    *SOFTMAX,
    *COMPARE,
)
