"""Arguments that make no sense are refused with a word on what would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim, testing
from tinygrad_lite.testing import audit, check_grads, check_optimizer, compare

X = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: check_grads(tg.tanh, X, 0), "order= is 1"),
        (lambda: compare(tg.tanh, tg.tanh, X, 0), "order= is 1"),
        (lambda: check_grads(tg.tanh, X, tolerance=-1.0), "tolerance= is relative, and positive"),
    ],
    ids=["order", "order of compare", "tolerance"],
)
def test_numbers_out_of_range(call: Callable[[], Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_a_list_for_a_function_of_one_argument() -> None:
    with pytest.raises(TypeError, match=r"with 2 arguments: .* taken as the arguments"):
        check_grads(lambda x: x * 2, [1.0, 2.0])


def test_a_function_that_returns_nothing() -> None:
    with pytest.raises(TypeError, match="lack a return"):
        check_grads(lambda x: None, X)


def sgd(parameters: Any) -> Any:
    return optim.SGD(parameters, lr=0.1)


@pytest.mark.parametrize(
    ("make", "reference", "says"),
    [
        (lambda parameters: object(), lambda p, g, state: p, r"no step\(\)"),
        (sgd, lambda p, g, state: None, "reference returns None"),
    ],
    ids=["no optimiser", "no reference"],
)
def test_what_is_no_optimiser(make: Any, reference: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        check_optimizer(make, reference)


def test_an_audit_of_a_leaf_says_that_there_was_nothing() -> None:
    assert "no operation was checked" in str(audit(tg.tensor(1.0, requires_grad=True)))


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"layout": "foo"}, ValueError, "layout= is one of C, Fortran"),
        ({"domain": (0, np.inf)}, ValueError, "finite interval"),
        ({"domain": "imaginary"}, ValueError, "one of real, positive"),
        ({"dtype": int}, TypeError, "floating point"),
    ],
    ids=["layout", "infinite domain", "unknown domain", "dtype"],
)
def test_arrays_that_cannot_be(options: Any, error: type[Exception], says: str) -> None:
    pytest.importorskip("hypothesis")
    with pytest.raises(error, match=says):
        testing.arrays(**options)
