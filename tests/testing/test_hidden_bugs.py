"""Wrong derivatives that hide: in one place, at one point, after one call; and reports of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.testing import (
    GradientError,
    audit,
    check_grads,
    check_module,
    check_optimizer,
    gradient_test,
)
from tinygrad_lite.testing.written import packed, unpacked

X = np.random.default_rng(0).normal(size=(4, 3))


def raw(x: Any) -> Any:
    return x.numpy() if isinstance(x, tg.Tensor) else x


def reported(check: Callable[[], Any]) -> str:
    with pytest.raises(GradientError) as caught:
        check()
    return str(caught.value)


@pytest.mark.parametrize("error", [1e-6, 1e-3])
def test_a_rule_that_is_wrong_at_whole_numbers_alone(error: float) -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        return g * 3 * x**2 * np.where(raw(x) == np.round(raw(x)), 1 + error, 1.0)

    cube = tg.primitive(lambda x: x**3, [rule], name="cube")
    with pytest.raises(GradientError, match="gradient of x is wrong"):
        check_grads(cube, np.array([1.0, 2.5]))


def test_a_rule_that_forgets_an_inner_broadcast_axis() -> None:
    def rule(g: Any, out: Any, x: Any, y: Any) -> Any:
        inner = x.ndim == g.ndim > 2 and x.shape[-1] == 1 != g.shape[-1]
        return g * y * (0.5 if inner else 1.0)

    product = tg.primitive(np.multiply, [rule, lambda g, out, x, y: g * x], name="product")
    with pytest.raises(GradientError, match="with x broadcast to shape"):
        check_grads(product, [X, X + 1])


def test_a_rule_that_treats_negative_cotangents_otherwise() -> None:
    square = tg.primitive(
        np.square, [lambda g, out, x: g * 2 * x * np.where(raw(g) < 0, 0.5, 1.0)], name="square"
    )
    with pytest.raises(GradientError, match="s = -1"):
        check_grads(square, np.array(1.0))


def test_failures_of_large_points_shrink_to_small_ones() -> None:
    sort = tg.primitive(
        np.sort,
        [lambda g, out, x: tg.take_along_axis(g, np.argsort(raw(x)), -1)],
        name="sort",
    )
    with pytest.raises(GradientError) as caught:
        gradient_test(sort, "(n)", order=1)()
    assert caught.value.report.findings[0].case.arrays[0].size <= 7
    assert "unpacked" not in str(caught.value)


def test_large_arrays_of_few_numbers_are_written_with_these() -> None:
    for a in (np.resize([1.0, 2.0], (9, 9)), np.resize(np.float32([0.1, 2, 3]), 60), X):
        text = packed(a)
        assert ("np.resize" in text) == (a is not X)
        again = eval(text, {"np": np, "unpacked": unpacked})
        assert again.dtype == a.dtype
        assert np.array_equal(again, a)


def test_zero_here_is_not_said_to_be_detached() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        return g * np.where(np.abs(raw(x)) < 1e-4, 0.0, 1 - out * out)

    guarded = tg.primitive(np.tanh, [rule], name="guarded")
    assert "zero here and not elsewhere" in reported(lambda: check_grads(guarded, np.zeros(2)))
    assert "was detached" in reported(lambda: check_grads(lambda x: x.detach() * 2, np.ones(2)))


def test_a_coincidence_at_second_order_is_no_swap() -> None:
    def constant(y: Any) -> Any:
        return y.detach() if isinstance(y, tg.Tensor) else y

    f = tg.primitive(
        lambda x, y: x * y * y,
        [lambda g, out, x, y: g * constant(y) ** 2, lambda g, out, x, y: g * 2 * x * y],
        name="f",
    )
    text = reported(lambda: check_grads(f, [np.array(1.0), np.array(1.0)], variants=False))
    assert "swapped" not in text


def test_float32_in_a_rule_is_told_from_its_digits() -> None:
    rounded = tg.primitive(
        np.square, [lambda g, out, x: (2 * g * x).astype(np.float32).astype(x.dtype)]
    )
    assert "computed in float32" in reported(lambda: check_grads(rounded, np.array([5e-4])))


def test_a_second_array_is_no_place_for_the_result() -> None:
    with pytest.raises(TypeError, match="tanh takes 1, not 2, arguments"):
        check_grads(tg.tanh, [X, X])
    with pytest.raises(TypeError, match=r"keyword argument 'axes'\. $"):
        check_grads(tg.sum, X, attributes={"axes": 0})


class Scaled(nn.Module):
    """x times a parameter."""

    def __init__(self) -> None:
        self.scale = nn.Parameter(np.array([1.0, 2.0, 3.0]))

    def forward(self, x: Any) -> Any:
        return x * self.scale


def test_the_snippet_of_a_module_is_in_the_mode_of_the_failure() -> None:
    class Detached(Scaled):
        def forward(self, x: Any) -> Any:
            return x * (self.scale if self.training else self.scale.detach())

    text = reported(lambda: check_module(Detached(), X))
    assert "in evaluation" in text
    assert "Called(module.eval())" in text


def test_a_module_that_writes_to_its_parameters() -> None:
    class Writing(Scaled):
        def forward(self, x: Any) -> Any:
            self.scale.data[...] *= 1.0
            return x * self.scale

    text = reported(lambda: check_module(Writing(), X))
    assert "inputs and cotangent are left alone" in text


def test_a_module_that_keeps_what_its_first_call_saw() -> None:
    class Cached(Scaled):
        def forward(self, x: Any) -> Any:
            if not hasattr(self, "mean"):
                self.mean = x.mean(axis=0)
            return (x - self.mean) * self.scale

    text = reported(lambda: check_module(Cached(), X))
    assert "after one in training with other inputs" in text


def test_statistics_that_are_no_buffer() -> None:
    class Centred(Scaled):
        mean: Any = 0.0

        def forward(self, x: Any) -> Any:
            if self.training:
                self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0).numpy()
                return (x - x.mean(axis=0)) * self.scale
            return (x - self.mean) * self.scale

    text = reported(lambda: check_module(Centred(), X))
    assert "Centred in evaluation" in text
    assert "make it an nn.Buffer" in text


def test_random_numbers_in_evaluation_are_noted() -> None:
    class Dropping(Scaled):
        def forward(self, x: Any) -> Any:
            return nn.functional.dropout(x * self.scale, 0.5, training=True)

    tg.manual_seed(3)
    (note,) = check_module(Dropping(), X).notes
    assert "in evaluation" in note
    drawn = tg.random.generator().random()
    tg.manual_seed(3)
    assert drawn == tg.random.generator().random()  # which is left as it was


def test_an_optimizer_that_divides_zero_by_zero() -> None:
    class Adagrad:
        def __init__(self, parameters: list[tg.Tensor]) -> None:
            self.parameters = parameters
            self.squares: list[Any] = [0.0] * len(parameters)

        def step(self) -> None:
            for i, p in enumerate(self.parameters):
                if p.grad is not None:
                    g = p.grad.numpy()
                    self.squares[i] = self.squares[i] + g * g
                    with np.errstate(invalid="ignore"):
                        p.data = p.data - (0.1 * g / np.sqrt(self.squares[i])).astype(p.dtype)

        def state_dict(self) -> dict[str, Any]:
            return {"squares": list(self.squares)}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.squares = list(state["squares"])

    def right(p: Any, g: Any, state: dict[str, Any]) -> Any:
        state["square"] = state.get("square", 0.0) + g * g
        return p - 0.1 * g / np.sqrt(np.where(g == 0, 1.0, state["square"]))

    with pytest.raises(AssertionError, match=r"step 0.*: nan, not"):
        check_optimizer(Adagrad, right)


def test_what_is_no_module_and_no_tensor() -> None:
    with pytest.raises(TypeError, match="Module, not function"):
        check_module(lambda x: x, X)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a recorded tensor, not ndarray"):
        audit(X)  # type: ignore[arg-type]


def test_a_flat_function_is_not_taken_for_an_elementwise_one() -> None:
    def softmax(x: Any) -> Any:
        e = tg.exp(20 * (x - x.max(axis=-1, keepdims=True)))
        return e / e.sum(axis=-1, keepdims=True)

    assert check_grads(softmax, np.array([[0.0, 0.0, 1e6]])).passed
