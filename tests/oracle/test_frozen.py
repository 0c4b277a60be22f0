"""A small selection of PyTorch's samples, frozen: values, gradients, and what must be refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.oracle import call
from tests.oracle.call import Case

CASES = call.load(Path(__file__).with_name("frozen.npz"))
RUN = [case for case in CASES if case.outputs is not None]
REFUSED = [case for case in CASES if case.outputs is None]


@pytest.mark.parametrize("case", RUN, ids=lambda case: case.source)
def test_value_and_gradients(case: Case) -> None:
    wrong = call.difference(case)
    assert wrong is None, f"{case.source}: {wrong}; {case.call}"


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.source)
def test_what_makes_no_sense_is_refused(case: Case) -> None:
    with (
        np.errstate(all="ignore"),
        pytest.raises((ValueError, TypeError, IndexError, ArithmeticError)),
    ):
        call.operation(case.call.name)(*case.call.args, **case.call.kwargs)


def test_the_selection_is_not_thin() -> None:
    """Most operations have several cases, with gradients among them."""
    names = {case.call.name for case in RUN}
    with_gradients = {case.call.name for case in RUN if any(g is not None for g in case.gradients)}
    assert len(names) > 100 and len(with_gradients) > 80 and len(REFUSED) > 40


def test_a_wrong_gradient_is_found() -> None:
    case = next(c for c in RUN if c.call.name == "tanh" and c.leaves and c.leaves[0].size)
    g = case.gradients[0]
    assert g is not None
    assert call.difference(case._replace(gradients=[g * (1 + 1e-6)])) is not None


def test_saved_and_loaded_again(tmp_path: Path) -> None:
    """Shared arrays stay shared, and every kind of argument comes back."""
    x = np.arange(6.0).reshape(2, 3)
    index = (slice(None, None, -1), ..., None, np.array([0, 2]))
    made = call.Call("getitem", (x, index), {"note": [1, "a", None]})
    call.save([Case("here", made, [x], None, [], [])], tmp_path / "cases.npz")
    (found,) = call.load(tmp_path / "cases.npz")
    assert found.call.args[0] is found.leaves[0]
    assert found.call.args[1][:3] == index[:3] and found.call.kwargs == {"note": [1, "a", None]}
    np.testing.assert_array_equal(found.call.args[1][3], [0, 2])
