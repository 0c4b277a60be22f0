"""Points for gradients: inside the domain, away from kinks, readable when shrunk, none rejected."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import testing
from tinygrad_lite.testing import GradientError

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, Phase, find, given, settings, strategies as st
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.internal.conjecture.data import Status

QUIET = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


@given(testing.arrays(domain=(-2.0, 2.0), away_from=(0, 1)))
def test_arrays_stay_inside_and_keep_away(x: Any) -> None:
    assert x.ndim <= 3
    assert np.all(np.abs(x) <= 2)
    assert np.all(np.abs(x) >= 2 / 32) and np.all(np.abs(x - 1) >= 2 / 32)
    assert not x.flags.writeable


@given(testing.arrays((4, 5), domain="small", distinct=True))
def test_distinct_elements_are_apart(x: Any) -> None:
    values = np.sort(x.reshape(-1))
    assert np.all(np.diff(values) > 1e-3)


@given(testing.arrays((3,), ties=True))
def test_ties_are_there(x: Any) -> None:
    assert len(set(x.tolist())) < 3


@given(testing.broadcastable(3))
def test_broadcastable_arrays_broadcast(xs: Any) -> None:
    np.broadcast_shapes(*(x.shape for x in xs))


@given(testing.matmul_operands())
def test_matmul_takes_its_operands(xs: Any) -> None:
    np.matmul(*xs)


@given(testing.op_inputs("(m,k),(k,n)->(m,n)", distinct=True))
def test_signatures_are_kept_and_elements_distinct_across(xs: Any) -> None:
    a, b = xs
    assert a.shape[1] == b.shape[0]
    values = np.concatenate([a.reshape(-1), b.reshape(-1)])
    assert len(np.unique(values)) == values.size


@given(testing.programs())
def test_programs_run_on_arrays_and_tensors_alike(drawn: Any) -> None:
    program, inputs = drawn
    x = program(*map(tg.tensor, inputs))
    np.testing.assert_array_equal(np.asarray(x.numpy()), program(*inputs))
    assert str(program).count("\n") == len(program.steps)


@pytest.mark.parametrize(
    "strategy",
    [
        testing.arrays(),
        testing.arrays(ties=True, away_from=(0, 1, -1)),
        testing.arrays(distinct=True),
        testing.broadcastable(2, distinct=True),
        testing.matmul_operands(),
        testing.programs(),
    ],
    ids=["arrays", "ties", "distinct", "broadcastable", "matmul", "programs"],
)
def test_hardly_any_example_is_rejected(strategy: Any) -> None:
    begun, rejected = 0, 0

    @settings(QUIET, max_examples=200, phases=[Phase.generate])
    @given(st.data())
    def count(data: Any) -> None:
        nonlocal begun, rejected
        begun += 1
        try:
            data.draw(strategy)
        finally:
            rejected += data.conjecture_data.status == Status.INVALID

    count()
    assert begun >= 200
    assert rejected < 0.05 * begun


def test_failures_shrink_to_small_readable_numbers() -> None:
    x = find(testing.arrays((3,), layout="C"), lambda x: x.sum() > 2, settings=QUIET)
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_a_program_shrinks_to_the_operation_at_fault() -> None:
    wrong = tg.primitive(np.square, [lambda g, out, x: g * x], name="half_square")

    def fails(drawn: Any) -> bool:
        program, inputs = drawn
        try:
            testing.check_grads(program, inputs, order=1, variants=False)
        except GradientError:
            return True
        return False

    program, _ = find(testing.programs([tg.tanh, tg.add, wrong], depth=4), fails, settings=QUIET)
    assert str(program) == "def program(x0):\n    return half_square(x0)"


@pytest.mark.parametrize("domain", [(1e-3, 2e-3), (1e6, 2e6), (-1e9, 1e9)])
@pytest.mark.parametrize("distinct", [False, True])
def test_the_grid_has_the_scale_of_the_domain(domain: Any, distinct: bool) -> None:
    @settings(QUIET, max_examples=5, phases=[Phase.generate])
    @given(testing.arrays((5,), domain=domain, distinct=distinct))
    def inside(x: Any) -> None:
        assert np.all((domain[0] <= x) & (x <= domain[1]))

    inside()


def test_no_room_is_an_error() -> None:
    with pytest.raises(ValueError, match="away from"):
        find(testing.arrays((1,), domain=(1.0, 1.0), away_from=(1,)), lambda x: True)
    with pytest.raises(ValueError, match="distinct and have ties"):
        testing.arrays(distinct=True, ties=True)


few = settings(settings.default, max_examples=settings.default.max_examples // 3)
test_multiply = few(testing.gradient_test(tg.multiply))
test_matmul = few(testing.gradient_test(tg.matmul, "(m,k),(k,n)", order=1))
test_log = few(testing.gradient_test(tg.log, testing.arrays(domain="positive"), order=1))


def test_a_gradient_test_finds_a_bug_shrinks_and_explains_it() -> None:
    wrong = tg.primitive(np.tanh, [lambda g, out, x: -g * (1 - out * out)], name="wrong")
    test = settings(QUIET, phases=[Phase.generate, Phase.shrink])(testing.gradient_test(wrong))
    with pytest.raises(GradientError, match="the sign is wrong") as caught:
        test()
    assert "x = tg.tensor(1.0, requires_grad=True)" in str(caught.value)


@pytest.mark.parametrize(
    "kept",
    [
        testing.gradient_test(tg.tanh)._hypothesis_internal_use_settings,  # type: ignore[attr-defined]
        testing.GraphMachine.TestCase.settings,
    ],
    ids=["gradient_test", "GraphMachine"],
)
def test_failures_are_shrunk_and_reported_once_and_no_test_is_too_slow(kept: Any) -> None:
    assert Phase.explain not in kept.phases
    assert Phase.shrink in kept.phases
    assert kept.deadline is None
    assert not kept.report_multiple_bugs


def rule_of_square(wrong_where: Any) -> Any:
    """A primitive whose rule is off where a condition on its input holds."""
    return tg.primitive(
        np.square,
        [lambda g, out, x: g * x * np.where(wrong_where(np.asarray(x)), 3.0, 2.0).astype(x.dtype)],
        name="square",
    )


@pytest.mark.parametrize("signature", [None, "(m)", "(m,k)"])
@pytest.mark.parametrize(
    "wrong_where",
    [
        lambda x: x.dtype == np.float32,
        lambda x: np.abs(x) > 10,
        lambda x: np.arange(x.size).reshape(x.shape) >= 5,
        lambda x: x.size > 64,
    ],
    ids=["float32", "far out", "late elements", "many elements"],
)
def test_a_rule_that_is_wrong_at_unusual_points_alone_is_found(
    wrong_where: Any, signature: str | None
) -> None:
    test = testing.gradient_test(rule_of_square(wrong_where), signature, order=1)
    with pytest.raises(GradientError):
        settings(QUIET, max_examples=200, phases=[Phase.generate])(test)()


def scaled(x: Any, factor: float = 1.0) -> Any:
    return factor * (x if factor == 1 else x.detach() + 2 * (x - x.detach()))


def test_attributes_are_drawn() -> None:
    search = settings(QUIET, phases=[Phase.generate], max_examples=20)
    search(testing.gradient_test(scaled, order=1, attributes={"factor": 1.0}))()
    choices = [{"factor": 1.0}, {"factor": 2.0}]
    for attributes in (choices, st.sampled_from(choices)):
        with pytest.raises(GradientError, match=r"(?s)off by a factor 2.*f\(x, factor=2.0\)"):
            search(testing.gradient_test(scaled, order=1, attributes=attributes))()


def test_attributes_that_do_not_go_with_an_input_are_left_out() -> None:
    axes = [{"axis": axis} for axis in (0, 1, None)]
    settings(QUIET, max_examples=20)(testing.gradient_test(tg.cumsum, order=1, attributes=axes))()


def test_gradient_tests_keep_their_failures_apart() -> None:
    wrong = [tg.primitive(np.tanh, [lambda g, out, x: g * 2.0], name=f"wrong{i}") for i in range(2)]
    database = InMemoryExampleDatabase()
    keep = settings(QUIET, database=database, max_examples=5, phases=[Phase.generate])
    for f in wrong:
        with pytest.raises(GradientError):
            keep(testing.gradient_test(f, order=1))()
    assert len({key.split(b".")[0] for key in database.data if database.data[key]}) >= 2


def test_inputs_of_another_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="strategy or a signature"):
        testing.gradient_test(tg.tanh, np.ones(3))


def test_without_hypothesis_the_rest_works_and_the_error_names_the_extra() -> None:
    program = """
import sys
sys.modules["hypothesis"] = None
import tinygrad_lite as tg
from tinygrad_lite.testing import *
assert check_grads is tg.testing.check_grads
assert tg.testing.check_grads(tg.tanh, 0.5).passed
assert tg.testing.audit(tg.tensor(1.0, requires_grad=True) * 2).passed
try:
    tg.testing.arrays
except ModuleNotFoundError as error:
    assert "pip install 'tinygrad_lite[testing]'" in str(error)
else:
    raise AssertionError("no error")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_is_there() -> None:
    assert all(getattr(testing, name) is not None for name in testing.__all__)
