"""Audits name the wrong operation of a graph, and it alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.testing import audit

swish = tg.primitive(
    lambda x: x / (1 + np.exp(-x)),
    [lambda g, out, x: g * (tg.sigmoid(x) + x * tg.sigmoid(x))],
    name="swish",
)


def graph() -> tg.Tensor:
    x = tg.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True)
    hidden = tg.tanh(x @ x)
    bent = swish(hidden)
    return (bent * bent).sum()


def test_the_wrong_operation_is_named_with_its_line() -> None:
    report = audit(graph())
    assert not report.passed
    (wrong,) = report.wrong
    assert wrong.operation == "swish"
    assert wrong.findings[0].argument == "x"
    assert wrong.site is not None
    assert wrong.site.source == "bent = swish(hidden)"
    assert "swish(hidden)" in str(report)
    assert report.checked == 5


def test_operations_are_audited_as_their_inputs_lie_in_memory() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        return g * (-1.0 if np.asarray(x).strides[0] < 0 else 1.0)

    careless = tg.primitive(np.positive, [rule], name="careless")
    x = tg.tensor([0.5, 2.0, 3.0], requires_grad=True)
    assert audit(careless(x).sum()).passed
    report = audit(careless(x[::-1]).sum())
    assert [wrong.operation for wrong in report.wrong] == ["careless"]
    assert "'negative stride')" in report.snippet()


def test_an_operation_that_was_given_one_tensor_twice_is_audited_like_that() -> None:
    def rule(g: Any, out: Any, x: Any, y: Any) -> Any:
        return g * y * (2.0 if x is y else 1.0)

    product = tg.primitive(np.multiply, [rule, lambda g, out, x, y: g * x], name="product")
    x = tg.tensor([0.5, 2.0], requires_grad=True)
    assert audit(product(x, x * 1).sum()).passed
    assert [wrong.operation for wrong in audit(product(x, x).sum()).wrong] == ["product"]


def test_a_single_number_is_wrong_at_no_index() -> None:
    report = audit(swish(tg.tensor(0.5, requires_grad=True)))
    assert "  worst at   the number: " in str(report)


def test_it_raises_where_asked_to() -> None:
    with pytest.raises(AssertionError, match="swish: the gradient of x is wrong"):
        audit(graph(), raises=True)


def test_a_correct_network_passes_and_keeps_its_gradients() -> None:
    model = nn.Sequential(
        nn.Linear(3, 4, rng=0), nn.ReLU(), nn.Dropout(0.5, rng=0), nn.Linear(4, 2, rng=0)
    )
    loss = nn.functional.cross_entropy(model(np.ones((2, 3), np.float32)), np.array([0, 1]))
    loss.backward()
    before = [p.grad.tolist() for p in model.parameters()]
    report = audit(loss)
    assert report.passed, str(report)
    assert report.checked >= 5
    assert [p.grad.tolist() for p in model.parameters()] == before


def test_what_is_not_finite_is_left_out_and_said_so() -> None:
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        y = tg.exp(tg.log(x)).sum()
    report = audit(y)
    assert report.passed
    assert "not checked, the first log" in str(report)


def test_values_in_place_are_those_at_the_time() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    z = swish(y)
    y += 100
    report = audit((y * z).sum())
    assert [wrong.operation for wrong in report.wrong] == ["swish"]
    assert [why for _, why in report.skipped] == [
        "it changes its first input in place, whose former values are gone"
    ]


def test_an_operation_that_draws_draws_the_same_in_every_evaluation() -> None:
    dropped = tg.primitive(
        lambda x, rng: x * (rng.random(x.shape) > 0.5),
        [lambda g, out, x, rng: g * (out / x)],
        name="dropped",
    )
    x = tg.tensor(np.arange(1.0, 9.0), requires_grad=True)
    report = audit(dropped(x, rng=np.random.default_rng(1)).sum())
    assert report.passed, str(report)
    assert report.checked == 2


def test_the_picture_marks_it() -> None:
    pytest.importorskip("graphviz")
    picture = audit(graph()).draw()
    assert "✗" in picture.source
    assert "✗" in str(picture)
