"""Correct functions that a check of gradients may well take for wrong, and inputs for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import tinygrad_lite as tg
from tinygrad_lite.testing import arrays, op_inputs

Strategy = st.SearchStrategy[Any]


class Nasty(NamedTuple):
    """A correct function, a strategy for its inputs, and further arguments of check_grads."""

    name: str
    f: Callable[..., Any]
    inputs: Strategy
    options: dict[str, Any] = {}  # noqa: RUF012 - never written to


def one(**options: Any) -> Strategy:
    """One argument."""
    return st.tuples(arrays(st.sampled_from([(), (1,), (3,), (2, 2)]), **options))


KINKED = one(away_from=(), domain=(-2.0, 2.0))  # readable numbers: zeros and ties are common
TIED = st.tuples(arrays((2, 3), away_from=(), domain=(-1.0, 1.0), ties=True))
PAIRS = op_inputs("(n),(n)", away_from=(), domain=(-1.0, 1.0))
MATRICES = op_inputs("(n,n)->(n,n)", domain="small", distinct=True)


def powers_of_ten(low: int, high: int) -> Strategy:
    """Vectors whose elements differ by many orders of magnitude."""
    number = st.tuples(st.sampled_from([1.0, -1.0]), st.integers(low, high))
    return st.tuples(
        st.lists(number, min_size=3, max_size=3).map(
            lambda xs: np.array([s * 10.0**k for s, k in xs])
        )
    )


def nearly_singular() -> Strategy:
    """Matrices of three rows, the last of which is nearly the sum of the others."""

    def matrix(rows: Any, gap: float) -> tuple[Any]:
        return (np.array([rows[:3], rows[3:], np.add(rows[:3], rows[3:]) + gap]),)

    numbers = st.lists(st.integers(-12, 12).map(lambda k: k / 8 + 0.1), min_size=6, max_size=6)
    return st.builds(matrix, numbers, st.sampled_from([0.0, 1e-13, 1e-9, 1e-6]))


def _hilbert(x: Any) -> Any:
    n = 6
    i = np.arange(n)
    return tg.linalg.inv(1 / (i[:, None] + i + 1.0) + 0.0 * x[0]) * x[1]


def _polynomial(x: Any) -> Any:
    """(x - 1)**7 multiplied out: all digits cancel near 1."""
    terms = [(-1, 0), (7, 1), (-21, 2), (35, 3), (-35, 4), (21, 5), (-7, 6), (1, 7)]
    total: Any = 0.0
    for coefficient, power in terms:
        total = total + coefficient * x**power
    return total


def _long_chain(x: Any) -> Any:
    for _ in range(30):
        x = tg.tanh(x * 1.1)
    return x


def _doubled(x: Any) -> Any:
    for _ in range(20):
        x = x + x
    return x


def _logistic_map(x: Any) -> Any:
    x = tg.sigmoid(x)
    for _ in range(5):
        x = 3.7 * x * (1 - x)
    return x


def _dropped(x: Any) -> Any:
    return x * (tg.random.generator().random(x.shape) > 0.3)


def _noisy(x: Any) -> Any:
    return tg.exp(x) * tg.random.generator().normal(size=x.shape)


def _nested(tree: Any) -> Any:
    return tree["w"][0] * tree["w"][1] + tree["b"]


FUNCTIONS = [
    Nasty("relu", tg.relu, KINKED),
    Nasty("abs", tg.abs, KINKED),
    Nasty("sign", tg.sign, KINKED),
    Nasty("clip at its bounds", lambda x: tg.clip(x, -1.0, 1.0), KINKED),
    Nasty("x·|x|", lambda x: x * tg.abs(x), KINKED),
    Nasty("max of ties", tg.max, TIED),
    Nasty("min of ties over an axis", lambda x: tg.min(x, axis=1), TIED),
    Nasty("maximum of ties", tg.maximum, PAIRS),
    Nasty("minimum of ties", tg.minimum, PAIRS),
    Nasty("where on a comparison", lambda x, y: tg.where(x > y, x * y, y), PAIRS),
    Nasty("standard deviation of equal numbers", lambda x: tg.std(x), TIED),
    Nasty("hinge", lambda x: tg.relu(1 - x).sum(), KINKED),
    Nasty("two kinks in one", lambda x: tg.abs(tg.abs(x) - 1), KINKED),
    Nasty("a kink deep inside", lambda x: tg.tanh(tg.relu(x) ** 2 + tg.abs(x)), KINKED),
    Nasty("logarithm from tiny to huge", lambda x: tg.log(tg.abs(x)), powers_of_ten(-8, 8)),
    Nasty("cube from tiny to huge", lambda x: x**3, powers_of_ten(-6, 6)),
    Nasty("reciprocal from tiny to huge", lambda x: 1 / x, powers_of_ten(-6, 6)),
    Nasty("tanh far out", tg.tanh, one(domain=(-20.0, 20.0))),
    Nasty("sigmoid far out", tg.sigmoid, one(domain=(-40.0, 40.0))),
    Nasty("a large offset", lambda x: 1e8 + tg.exp(x), one(domain="small")),
    Nasty("a tiny factor", lambda x: 1e-12 * tg.exp(x), one(domain="small")),
    Nasty("a fast oscillation", lambda x: tg.tanh(300 * x), one(domain="small")),
    Nasty("cancelling digits", _polynomial, one(domain=(0.5, 1.5), away_from=())),
    Nasty("1 - cos x over x²", lambda x: (1 - tg.cos(x)) / x**2, powers_of_ten(-4, 0)),
    Nasty("exp x - 1 - x over x²", lambda x: (tg.exp(x) - 1 - x) / x**2, powers_of_ten(-4, 0)),
    Nasty("a small difference", lambda x: tg.sqrt(x * x + 1) - x, powers_of_ten(-4, 4)),
    Nasty("a narrow spike", lambda x: tg.exp(-((1e7 * x) ** 2)), powers_of_ten(-9, -6)),
    Nasty("a determinant near zero", tg.linalg.det, nearly_singular()),
    Nasty("inverse of a Hilbert matrix", _hilbert, st.tuples(arrays((2,), domain="small"))),
    Nasty("softmax of far numbers", tg.softmax, st.tuples(arrays((3,), domain=(-60.0, 60.0)))),
    Nasty(
        "logsumexp of far numbers", tg.logsumexp, st.tuples(arrays((3,), domain=(-600.0, 600.0)))
    ),
    Nasty("a chaotic map", _logistic_map, one(domain="small")),
    Nasty("a long chain", _long_chain, one(domain="small")),
    Nasty("twenty doublings", _doubled, one(domain="small")),
    Nasty("an inverse", lambda x: tg.linalg.inv(x + 3 * np.eye(x.shape[0])), MATRICES),
    Nasty("float32", lambda x: tg.softmax(tg.exp(x)), one(dtype=np.float32, domain="small")),
    Nasty("float16", lambda x: tg.tanh(x) * x, one(dtype=np.float16, domain="small")),
    Nasty("dropout", _dropped, one(), {"seed": 3}),
    Nasty("noise", _noisy, one(domain="small"), {"seed": 4}),
    Nasty(
        "nested inputs",
        _nested,
        op_inputs("(n),(n),(n)").map(lambda xs: ({"w": [xs[0], xs[1]], "b": xs[2]},)),
    ),
    Nasty("several results", lambda x: (x * 2, x.sum(), tg.exp(x)), one(domain="small")),
    Nasty("a result that is the input", lambda x: x, one()),
    Nasty("a constant result", lambda x: x * 0 + 3.0, one()),
]
