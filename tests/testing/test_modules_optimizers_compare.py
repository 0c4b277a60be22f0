"""Whole networks, optimisers, and two functions side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.testing import GradientError, check_module, check_optimizer, compare

X = np.random.default_rng(0).normal(size=(3, 4))


class Net(nn.Module):
    """Shared weights in a list, dropout with its own generator, and a buffer that moves."""

    def __init__(self) -> None:
        shared = nn.Linear(4, 4, rng=0)
        self.layers = [shared, nn.Dropout(0.3, rng=1), shared]
        self.steps = nn.Buffer(0.0)
        self.scale = nn.Parameter(1.5, dtype=np.float32)

    def forward(self, x: Any) -> Any:
        self.steps.data = self.steps.data + 1
        for layer in self.layers:
            x = tg.tanh(layer(x))
        return x * self.scale


def test_a_network_passes_and_is_left_as_it_was() -> None:
    model = Net()
    model.layers[1].eval()
    before = model.state_dict()
    drawn = model.layers[1].rng.bit_generator.state
    report = check_module(model, X.astype(np.float32), loss=lambda y: (y * y).mean())
    assert report.passed
    assert model.state_dict().keys() == before.keys()
    assert all(np.array_equal(v, before[k]) for k, v in model.state_dict().items())
    assert model.layers[1].rng.bit_generator.state == drawn
    assert model.training and not model.layers[1].training
    assert isinstance(model.scale, nn.Parameter) and model.scale.grad is None


def test_a_layer_with_a_detached_parameter_is_found() -> None:
    class Forgetful(Net):
        def forward(self, x: Any) -> Any:
            return self.layers[0](x) * self.scale.detach()

    with pytest.raises(GradientError, match=r"parameters\['scale'\]") as caught:
        check_module(Forgetful(), X)
    assert "Forgetful in training" in str(caught.value)


def test_a_mistake_in_evaluation_mode_is_found() -> None:
    class Odd(Net):
        def forward(self, x: Any) -> Any:
            return x * self.scale if self.training else x * self.scale.detach()

    with pytest.raises(GradientError, match="Odd in evaluation"):
        check_module(Odd(), X)


def test_a_module_that_counts_its_calls_is_found() -> None:
    class Counting(Net):
        def forward(self, x: Any) -> Any:
            self.calls = getattr(self, "calls", 0) + 1
            return x * self.scale * self.calls

    model = Counting()
    with pytest.raises(GradientError, match="a second call of the module gives another result"):
        check_module(model, X)
    assert not hasattr(model, "calls")


def test_a_tensor_that_is_trained_by_nobody_is_noted() -> None:
    model = Net()
    assert not check_module(model, X, order=1).notes
    model.extra = [tg.tensor(1.0, requires_grad=True), tg.tensor(1.0)]
    (note,) = check_module(model, X, order=1).notes
    assert note.startswith("Net.extra[0] requires a gradient and is no Parameter")


def sgd_with_weight_decay(p: Any, g: Any, state: dict[str, Any]) -> Any:
    g = g + 0.01 * p
    return p - 0.1 * g


def test_an_optimizer_against_its_formula() -> None:
    check_optimizer(lambda ps: optim.SGD(ps, lr=0.1, weight_decay=0.01), sgd_with_weight_decay)
    with pytest.raises(AssertionError, match="differs from the reference"):
        check_optimizer(lambda ps: optim.SGD(ps, lr=0.1), sgd_with_weight_decay)


def test_an_optimizer_against_pytorch() -> None:
    torch = pytest.importorskip("torch")
    check_optimizer(lambda ps: optim.Adam(ps, lr=0.01), lambda ps: torch.optim.Adam(ps, lr=0.01))


def test_an_optimizer_that_forgets_its_state_when_saved() -> None:
    class Forgetful(optim.SGD):
        def state_dict(self) -> dict[str, Any]:
            return {**super().state_dict(), "state": {}}

    def momentum(p: Any, g: Any, state: dict[str, Any]) -> Any:
        state["v"] = 0.9 * state["v"] + g if state else g
        return p - 0.1 * state["v"]

    check_optimizer(lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9), momentum)
    with pytest.raises(AssertionError, match="after state_dict"):
        check_optimizer(lambda ps: Forgetful(ps, lr=0.1, momentum=0.9), momentum)


def test_an_optimizer_that_goes_wrong_after_many_steps() -> None:
    class Tiring(optim.SGD):
        steps = 0

        def step(self, *args: Any) -> Any:
            self.steps += 1
            if self.steps == 30:
                self.param_groups[0]["lr"] *= 0.5
            return super().step(*args)

    with pytest.raises(AssertionError, match="step 29, parameter 0"):
        check_optimizer(lambda ps: Tiring(ps, lr=0.1), lambda p, g, state: p - 0.1 * g)


def test_an_optimizer_that_changes_gradients() -> None:
    class Greedy(optim.SGD):
        def update(self, group: Any, parameters: Any, gradients: Any, states: Any) -> None:
            super().update(group, parameters, gradients, states)
            for g in gradients:
                g *= 0.5

    with pytest.raises(AssertionError, match="changed its gradient"):
        check_optimizer(lambda ps: Greedy(ps, lr=0.1), lambda p, g, state: p - 0.1 * g)


def test_two_functions_side_by_side() -> None:
    assert compare(tg.softmax, lambda x: tg.exp(tg.log_softmax(x)), X).passed
    with pytest.raises(GradientError, match="the value is not the same"):
        compare(tg.exp, tg.tanh, X)
    with pytest.raises(GradientError, match="the gradient of x is not the same"):
        compare(tg.exp, lambda x: tg.exp(x.detach()) * (1 + x - x.detach()) ** 2, X)


def test_the_generator_goes_on_after_a_seed_as_before() -> None:
    def drawn(x: Any) -> Any:
        return x * tg.random.generator().random(x.shape)

    tg.manual_seed(3)
    expected = tg.random.generator().random()
    tg.manual_seed(3)
    compare(drawn, drawn, X, seed=0)
    assert tg.random.generator().random() == expected


def test_functions_that_use_something_of_pytorch_are_told_from_others() -> None:
    torch = pytest.importorskip("torch")
    from tinygrad_lite.testing.pytorch import from_torch

    tanh, layer = torch.tanh, torch.nn.Tanh()
    uses = [
        tanh,
        layer,
        layer.forward,
        lambda x: torch.tanh(x),
        lambda x: tanh(x),
        lambda x: layer(x),
    ]
    assert all(map(from_torch, uses))
    assert not any(map(from_torch, [tg.tanh, np.tanh, len, lambda x: tg.tanh(x), Net().forward]))


def raw(x: Any) -> Any:
    return x.numpy() if isinstance(x, tg.Tensor) else x


def test_both_conventions_at_a_kink_are_accepted() -> None:
    def to_the_first(g: Any, out: Any, x: Any) -> Any:
        return g * np.eye(3)[np.argmax(raw(x))]

    kinked, tied = np.array([-1.0, 0.0, 2.0]), np.array([1.0, 3.0, 3.0])
    first = tg.primitive(np.max, [to_the_first], name="first")
    twice = tg.primitive(np.max, [lambda g, out, x: g * (1.0 * (x == out))], name="twice")
    right = tg.primitive(np.abs, [lambda g, out, x: g * tg.where(x < 0, -1.0, 1.0)], name="right")
    beyond = tg.primitive(np.abs, [lambda g, out, x: g * tg.sign(x + 0.5) * 1.5], name="beyond")
    assert compare(tg.abs, right, kinked).passed
    assert compare(tg.max, first, tied).passed
    for f, other, x in ((tg.max, twice, tied), (tg.abs, beyond, kinked)):
        with pytest.raises(GradientError, match="is not the same"):
            compare(f, other, x)


def test_second_derivatives_are_compared() -> None:
    detached = tg.primitive(np.tanh, [lambda g, out, x: g * (1 - raw(out) ** 2)], name="detached")
    assert compare(tg.tanh, detached, X, order=1).passed
    with pytest.raises(GradientError, match="of order 2"):
        compare(tg.tanh, detached, X)


def test_beside_pytorch() -> None:
    torch = pytest.importorskip("torch")
    assert compare(tg.softmax, lambda x: torch.softmax(x, -1), X).passed
    assert compare(tg.tanh, torch.tanh, X).passed
    assert compare(tg.matmul, torch.matmul, (X, X.T), torch=True).passed
    index = np.array([0, 0, 2])
    assert compare(lambda x, i: x[i] * 2, lambda x, i: torch.mul(x[i], 2), (X, index)).passed
    assert compare(tg.relu, torch.relu, np.array([0.0, 1.0])).passed
    with pytest.raises(GradientError, match="the value is not the same"):
        compare(tg.tanh, torch.sigmoid, X)
    with pytest.raises(GradientError, match="of order 2"):
        compare(
            tg.tanh,
            lambda x: (
                x.tanh().detach()
                + x * (1 - x.tanh() ** 2).detach()
                - (x * (1 - x.tanh() ** 2)).detach()
            ),
            X,
            torch=True,
        )
