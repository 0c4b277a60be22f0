"""The library's graphs against the reference engine, under random steps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.testing import GraphMachine

pytest.importorskip("hypothesis")

from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

TestGraphMachine = GraphMachine.TestCase
TestGraphMachine.settings = settings(
    TestGraphMachine.settings, max_examples=20, stateful_step_count=30, deadline=None
)

SEARCH = settings(
    max_examples=300, database=None, deadline=None, phases=[Phase.generate], derandomize=True
)


def test_failures_are_not_explained_at_length() -> None:
    class Own(GraphMachine):
        pass

    for machine in (GraphMachine, Own):
        assert Phase.explain not in machine.TestCase.settings.phases
        assert Phase.shrink in machine.TestCase.settings.phases


def test_an_operation_of_ones_own_with_a_wrong_rule_is_found() -> None:
    wrong = tg.primitive(np.square, [lambda g, out, x: g * x], name="half_square")

    class Extended(GraphMachine):
        operations: ClassVar[Any] = {**GraphMachine.operations, "square": (wrong, np.square, 1)}

    with pytest.raises(AssertionError, match=r"that came through .*square"):
        run_state_machine_as_test(Extended, settings=SEARCH)


def test_an_engine_that_forgets_a_leaf_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_lite import backward

    def propagate(*args: Any) -> Any:
        gradients = original(*args)
        return dict(list(gradients.items())[:1])

    original = backward._propagate
    monkeypatch.setattr(backward, "_propagate", propagate)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(GraphMachine, settings=SEARCH)
