"""Every wrong derivative of the table is caught, and the report says what is wrong with it."""

from __future__ import annotations

import pytest

from benchmarks.planted_bugs import BUGS, CORRECT, Bug
from tests.testing.planted import error


def test_the_table_is_long_and_its_names_differ() -> None:
    names = [bug.name for bug in BUGS]
    assert len(names) >= 40
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_planted_bug_is_caught_and_named(bug: Bug) -> None:
    report = str(error(bug.name))
    assert any(words in report for words in bug.says), report


@pytest.mark.parametrize("function", CORRECT, ids=lambda function: function.name)
def test_any_valid_convention_at_a_kink_is_accepted(function: Bug) -> None:
    function.check()
