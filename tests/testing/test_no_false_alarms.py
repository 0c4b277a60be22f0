"""What is correct passes: every primitive of the library, and functions chosen for being nasty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.ops.row import Example, Kink, Row
from tests.ops.test_primitives import ROWS
from tests.testing.nasty import FUNCTIONS, Nasty
from tinygrad_lite.testing import GradientError, check_grads

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, Phase, given, settings, strategies as st

DIFFERENTIABLE = [row for row in ROWS if row.primitive.vjps is not None]
SPARING = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],
}


def search(function: Nasty, examples: int) -> None:
    """Check the function at that many points."""

    @settings(max_examples=examples, database=None, **SPARING)
    @given(point=function.inputs)
    def check(point: Any) -> None:
        check_grads(function.f, point, name=function.name, **function.options)

    check()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_nasty_function_passes(function: Nasty) -> None:
    search(function, 4)


@pytest.mark.fuzz
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_nasty_function_passes_at_a_thousand_points(function: Nasty) -> None:
    search(function, 1000)


def floats(arguments: Any) -> tuple[Any, ...]:
    """The arguments with numbers as floating-point arrays; truth values stay."""
    return tuple(
        x if isinstance(x, bool) or np.asarray(x).dtype == bool else np.asarray(x, float)
        for x in arguments
    )


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=lambda row: row.primitive.name)
def test_primitive_passes_at_its_examples(row: Row) -> None:
    for example in row.examples:
        check_grads(row.primitive, example.inputs, attributes=example.attributes)


def usable(kink: Kink) -> bool:
    """Whether the kink is at a finite point with finite gradients."""
    numbers = [x for x in (*kink.inputs, *kink.gradients) if x is not None]
    return all(np.isfinite(x).all() for x in numbers)


@pytest.mark.parametrize(
    "row", [row for row in DIFFERENTIABLE if row.kinks], ids=lambda row: row.primitive.name
)
def test_primitive_passes_at_its_kinks(row: Row) -> None:
    for kink in filter(usable, row.kinks):
        check_grads(row.primitive, floats(kink.inputs), 1, attributes=kink.attributes)


@st.composite
def moved(draw: st.DrawFn, example: Example) -> tuple[Any, ...]:
    """The arguments of an example with every floating-point element scaled by up to an eighth."""
    factors = st.integers(-16, 16).map(lambda k: 1 + k / 128)
    return tuple(
        x * np.array(draw(st.lists(factors, min_size=x.size, max_size=x.size))).reshape(x.shape)
        if isinstance(x, np.ndarray) and x.dtype.kind == "f"
        else x
        for x in example.inputs
    )


@pytest.mark.fuzz
@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=lambda row: row.primitive.name)
def test_primitive_passes_at_a_thousand_points(row: Row) -> None:
    @settings(max_examples=1000, database=None, **SPARING)
    @given(data=st.data())
    def check(data: Any) -> None:
        example = data.draw(st.sampled_from(row.examples))
        point = data.draw(moved(example))
        check_grads(row.primitive, point, attributes=example.attributes)

    check()


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (tg.sort, np.ones(3)),
        (tg.median, np.full(3, 2.0)),
        (tg.median, np.zeros(8)),
        (lambda x: tg.minimum(tg.maximum(x, x[::-1]), 2.0), np.full(2, 2.0)),
        (lambda x: x % 1.0, np.array(1000.0)),
        (lambda x: x - tg.floor(x), np.array(1000.0)),
    ],
    ids=["sort", "median of three", "median of eight", "clipped", "remainder", "fraction"],
)
def test_pieces_that_no_axis_meets_and_jumps_that_no_step_sees_pass(f: Any, point: Any) -> None:
    check_grads(f, point)


@pytest.mark.parametrize("factor", [0.75, 2.0, -1.0])
@pytest.mark.parametrize("point", [np.ones(3), np.array([1.0, 1.0, 2.0]), np.array([0.5])], ids=str)
def test_a_wrong_rule_is_refused_where_many_pieces_meet(point: Any, factor: float) -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        place = np.argsort(np.argsort(np.asarray(x), kind="stable"))
        return factor * g[place]

    sort = tg.primitive(np.sort, [rule], name="wrong_sort")
    with pytest.raises(GradientError):
        check_grads(sort, point, 1)
