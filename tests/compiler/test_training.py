"""A compiled training step does what the step does: numbers, gradients, parameters, state."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from runpy import run_path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler import Error
from tinygrad_lite.compiler.binding import Bound
from tinygrad_lite.nn import functional as F

Array = Any


def network(*sizes: int, dtype: Any = np.float32) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        layers += [nn.Linear(fan_in, fan_out, rng=number, dtype=dtype), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def batches(rng: np.random.Generator, n: int = 6, size: int = 8) -> list[tuple[Array, Array]]:
    return [
        (rng.standard_normal((size, 4)).astype(np.float32), rng.integers(0, 3, size))
        for _ in range(n)
    ]


class Twins:
    """The same training twice: as it is, and compiled."""

    def __init__(self, make: Callable[[], tuple[nn.Module, Any, Callable[..., Any]]]) -> None:
        self.model, self.optimizer, self.step = make()
        self.other, self.other_optimizer, function = make()
        self.compiled = tg.compile(function)

    def run(self, *args: Any) -> None:
        tg.manual_seed(len(args))
        wanted = self.step(*args)
        tg.manual_seed(len(args))
        assert_same(self.compiled(*args), wanted)
        self.compare()

    def compare(self) -> None:
        for p, q in zip(self.model.parameters(), self.other.parameters()):
            assert_same(q, p)
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None:
                assert_same(q.grad, p.grad)
        states = self.optimizer.state_dict(), self.other_optimizer.state_dict()
        assert states[0]["param_groups"] == states[1]["param_groups"]
        for wanted, found in zip(states[0]["state"].values(), states[1]["state"].values()):
            assert wanted.keys() == found.keys()
            for key in wanted:
                assert_same(found[key], wanted[key])
        assert len(states[0]["state"]) == len(states[1]["state"])


def assert_same(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    found, wanted = (np.asarray(getattr(x, "_data", x)) for x in (found, wanted))
    assert found.dtype == wanted.dtype
    tolerance = 1e-5 if wanted.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    "Adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.01),
}


def classifier(optimizer: str = "SGD", *, zero: str = "before", dropout: bool = False) -> Any:
    def make() -> Any:
        model = network(4, 7, 5, 3)
        if dropout:
            model = nn.Sequential(model, nn.Dropout(0.3), nn.Linear(3, 3, rng=9))
        chosen = OPTIMIZERS[optimizer](model.parameters())

        def step(x: Any, labels: Any) -> Any:
            if zero == "before":
                chosen.zero_grad()
            elif zero == "zeros":
                chosen.zero_grad(set_to_none=False)
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            chosen.step()
            if zero == "after":
                chosen.zero_grad()
            return loss

        return model, chosen, step

    return make


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer(optimizer: str, rng: np.random.Generator) -> None:
    twins = Twins(classifier(optimizer))
    for x, labels in batches(rng):
        twins.run(x, labels)
    assert "softmax cross-entropy" in twins.compiled.explain()


@pytest.mark.parametrize("zero", ["before", "zeros", "after", "never"])
def test_gradients_are_forgotten_or_accumulated(zero: str, rng: np.random.Generator) -> None:
    twins = Twins(classifier(zero=zero))
    for x, labels in batches(rng, 8):
        twins.run(x, labels)
    assert twins.compiled.source


def test_settings_may_change_between_calls(rng: np.random.Generator) -> None:
    twins = Twins(classifier("momentum"))
    for number, (x, labels) in enumerate(batches(rng)):
        for o in (twins.optimizer, twins.other_optimizer):
            o.param_groups[0]["lr"] = 0.1 / (number + 1)
            o.param_groups[0]["weight_decay"] = 0.1 * number
        twins.run(x, labels)


def test_parameters_and_state_may_be_replaced_between_calls(rng: np.random.Generator) -> None:
    twins = Twins(classifier("Adam"))
    data = batches(rng, 12)
    for x, labels in data[:4]:
        twins.run(x, labels)
    model, state = twins.model.state_dict(), twins.optimizer.state_dict()
    for x, labels in data[4:6]:
        twins.run(x, labels)
    for m, o in ((twins.model, twins.optimizer), (twins.other, twins.other_optimizer)):
        m.load_state_dict(model)
        o.load_state_dict(state)
    for x, labels in data[6:8]:
        twins.run(x, labels)
    for m in (twins.model, twins.other):
        for p in m.parameters():
            p.data = p.data * 0.5
    for x, labels in data[8:10]:
        twins.run(x, labels)
    for m in (twins.model, twins.other):
        for p in m.parameters():
            p.data[...] = 0.1  # in place, behind everybody's back
    for o in (twins.optimizer, twins.other_optimizer):
        o.state.clear()
    for x, labels in data[10:]:
        twins.run(x, labels)
    order = ("step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    for o in (twins.optimizer, twins.other_optimizer):
        assert {tuple(s) for s in o.state.values()} == {order}


def test_dropout_draws_the_same_numbers(rng: np.random.Generator) -> None:
    twins = Twins(classifier(dropout=True))
    for x, labels in batches(rng):
        twins.run(x, labels)
    for m in (twins.model, twins.other):
        m.eval()
    for x, labels in batches(rng, 3):
        twins.run(x, labels)
    for m in (twins.model, twins.other):
        m.train()
    for x, labels in batches(rng, 3):
        twins.run(x, labels)


def test_other_shapes_and_dtypes_are_traced_anew(rng: np.random.Generator) -> None:
    twins = Twins(classifier())
    for size in (8, 5, 8, 5, 8, 5, 1, 1, 1):
        twins.run(*batches(rng, 1, size)[0])
    for x, labels in batches(rng, 4):
        twins.run(x.astype(np.float64), labels.astype(np.int32))


def test_schedules_run_in_the_step_and_beside_it(rng: np.random.Generator) -> None:
    def make() -> Any:
        model, chosen, step = classifier("SGD")()
        schedule = optim.lr_scheduler.ExponentialLR(chosen, 0.9)

        def scheduled(x: Any, labels: Any) -> Any:
            loss = step(x, labels)
            schedule.step()
            return loss

        return model, chosen, scheduled

    twins = Twins(make)
    for x, labels in batches(rng):
        twins.run(x, labels)


@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_grad_value_])
def test_clipping_of_a_layer_without_bias(clip: Any) -> None:
    def run(compiled: bool) -> list[Any]:
        model = nn.Linear(3, 2, bias=False, rng=0)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            loss = (model(x) ** 2).sum()
            loss.backward()
            clip(model.parameters(), 0.05)
            optimizer.step()
            return loss

        act = tg.compile(step) if compiled else step
        return [act(np.full((4, 3), i, np.float32)).item() for i in range(1, 6)]

    np.testing.assert_allclose(run(True), run(False), rtol=1e-5)


@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_grad_value_])
def test_the_clipped_gradient_of_a_number_is_seen(clip: Any) -> None:
    def run(compiled: bool) -> list[Any]:
        scale = tg.tensor(1.5, requires_grad=True)
        optimizer = optim.SGD([scale], lr=0.1)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            ((scale * x) ** 2).sum().backward()
            clip([scale], 0.5)
            optimizer.step()
            return scale.grad

        act, found = tg.compile(step) if compiled else step, []
        for i in range(5):
            gradient = act(np.arange(3.0) + i)
            assert scale.grad is not None
            found.append((scale.item(), scale.grad.item(), gradient.item()))
        return found

    with patch.object(Bound, "begun", return_value=True):  # errors are not covered up by eager
        assert run(True) == run(False)


def test_the_gradient_of_a_scale_of_one_element() -> None:
    """A sum to a single number, put into shape, is put into the gradient as well."""
    scale = tg.tensor([2.0], requires_grad=True)

    @tg.compile
    def step(x: Any) -> Any:
        scale.grad = None
        loss = (scale * x).sum()
        loss.backward()
        return loss

    for i in range(1, 5):
        step(np.arange(4.0) * i)
        assert scale.grad is not None
        assert scale.grad.tolist() == [6.0 * i]


def test_clipping_is_repeated(rng: np.random.Generator) -> None:
    def make() -> Any:
        model = network(4, 6, 3)
        chosen = optim.SGD(model.parameters(), lr=0.1)

        def step(x: Any, labels: Any) -> Any:
            chosen.zero_grad()
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            norm = optim.clip_grad_norm_(model.parameters(), 0.1)
            optim.clip_grad_value_(model.parameters(), 0.05)
            chosen.step()
            return loss, norm

        return model, chosen, step

    twins = Twins(make)
    for x, labels in batches(rng):
        tg.manual_seed(0)
        wanted, found = twins.step(x, labels), twins.compiled(x, labels)
        assert_same(found[0], wanted[0])
        assert_same(found[1], wanted[1])
        twins.compare()


def test_several_losses_shared_modules_and_several_steps(rng: np.random.Generator) -> None:
    def make() -> Any:
        body, head = nn.Linear(4, 4, rng=0), nn.Linear(4, 3, rng=1)
        model = nn.Sequential(body, head)
        first, second = optim.SGD(body.parameters(), lr=0.1), optim.Adam(head.parameters(), lr=0.1)

        def step(x: Any, labels: Any) -> Any:
            first.zero_grad()
            second.zero_grad()
            hidden = tg.tanh(body(tg.tanh(body(x))))
            one = F.cross_entropy(head(hidden), labels)
            one.backward()
            first.step()
            two = (hidden.detach() ** 2).mean() + F.mse_loss(head(body(x)), x[:, :3])
            two.backward()
            second.step()
            return {"losses": [one, two], "sum": one + two}

        return model, first, step

    twins = Twins(make)
    for x, labels in batches(rng):
        wanted, found = twins.step(x, labels), twins.compiled(x, labels)
        assert_same(found["sum"], wanted["sum"])
        assert_same(found["losses"][1], wanted["losses"][1])
        twins.compare()


def test_groups_with_settings_of_their_own(rng: np.random.Generator) -> None:
    def make() -> Any:
        model = network(4, 6, 3)
        groups = [
            {"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": 0.1},
            {"params": [p for p in model.parameters() if p.ndim == 1], "lr": 0.5},
        ]
        chosen = optim.SGD(groups, lr=0.1, momentum=0.5)

        def step(x: Any, labels: Any) -> Any:
            chosen.zero_grad()
            loss = F.cross_entropy(model(x), labels, label_smoothing=0.1)
            loss.backward()
            chosen.step()
            return loss

        return model, chosen, step

    twins = Twins(make)
    for x, labels in batches(rng):
        twins.run(x, labels)


def test_frozen_and_unfrozen_parameters(rng: np.random.Generator) -> None:
    twins = Twins(classifier())
    for x, labels in batches(rng, 4):
        twins.run(x, labels)
    for m in (twins.model, twins.other):
        next(m.parameters()).requires_grad = False
    for x, labels in batches(rng, 4):
        twins.run(x, labels)


def test_a_scalar_parameter(rng: np.random.Generator) -> None:
    def make() -> Any:
        model = nn.Module()
        model.scale, model.shift = nn.Parameter(2.0), nn.Parameter([1.0, -1.0])
        chosen = optim.SGD(model.parameters(), lr=0.1)

        def step(x: Any) -> Any:
            chosen.zero_grad()
            loss = ((x * model.scale + model.shift) ** 2).mean()
            loss.backward()
            chosen.step()
            return loss

        return model, chosen, step

    twins = Twins(make)
    for _ in range(5):
        twins.run(rng.standard_normal((3, 2)))


def test_updates_by_hand(rng: np.random.Generator) -> None:
    def make() -> Any:
        model = network(4, 5, 3)
        chosen = optim.SGD(model.parameters(), lr=0.1)

        def step(x: Any, labels: Any) -> Any:
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            with tg.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
                    p.grad = None
            return loss

        return model, chosen, step

    twins = Twins(make)
    for x, labels in batches(rng):
        twins.run(x, labels)


def test_a_label_that_is_no_class_and_one_that_is_ignored(rng: np.random.Generator) -> None:
    twins = Twins(classifier())
    for x, labels in batches(rng, 3):
        twins.run(x, labels)
    x, labels = batches(rng, 1)[0]
    labels[2] = -100
    twins.run(x, labels)
    for wrong in (3, -1, 1000):
        labels[1] = wrong
        with pytest.raises(IndexError, match=f"label {wrong}"):
            twins.compiled(x, labels)


def test_gradients_that_are_not_numbers_are_those_of_the_chain_rule() -> None:
    w = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = None
        y = tg.where(x > 0, tg.log(x), 0.0) * w
        y.sum().backward()
        return y

    def root(x: Any) -> Any:
        w.grad = None
        (tg.sqrt(w * x) * tg.where(x > 0, 1.0, 0.0)).sum().backward()
        return w.grad

    compiled = tg.compile(root)
    for x in ([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], [2.0, 1.0, 1.0], [1.0, 0.0, -1.0]):
        with np.errstate(all="ignore"):
            wanted = root(np.array(x))
            assert_same(compiled(np.array(x)), wanted)
    assert step(np.ones(3)).shape == (3,)


def test_gradients_that_somebody_keeps_stay_as_they_are(rng: np.random.Generator) -> None:
    twins = Twins(classifier())
    kept = []
    for x, labels in batches(rng, 8):
        twins.run(x, labels)
        pairs = zip(twins.model.parameters(), twins.other.parameters())
        kept += [(p.grad, q.grad, q.grad.numpy()[:1]) for p, q in pairs]
    for wanted, found, part in kept:
        assert_same(found, wanted)
        np.testing.assert_allclose(part, wanted.numpy()[:1], rtol=1e-5, atol=1e-6)


def test_a_copy_taken_before_a_step_is_not_changed_by_it() -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        before, again, turned = +w.detach(), w.detach() * 1, +w.detach().reshape(2, 1).T
        (w * x).sum().backward()
        optimizer.step()
        return before - w.detach(), again - w.detach(), turned, w.detach() + 0

    compiled = tg.compile(step)
    x = np.array([2.0, 4.0])
    for _ in range(5):
        start = w.numpy().copy()
        moved, as_well, turned, end = compiled(x)
        assert moved.tolist() == as_well.tolist() == [1.0, 2.0]
        assert turned.tolist() == [start.tolist()]
        assert end.tolist() == w.tolist() == (start - [1.0, 2.0]).tolist()


def test_labels_to_be_ignored_do_not_run_every_call_twice() -> None:
    def training() -> Any:
        model = nn.Sequential(nn.Linear(4, 8, rng=0), nn.ReLU(), nn.Linear(8, 3, rng=1))
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x: Any, labels: Any) -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            return loss

        return step

    eager, compiled = training(), tg.compile(training())
    labels = np.array([0, 1, -100, 2, -100])
    for seed in range(24):
        x = np.random.default_rng(seed).standard_normal((5, 4)).astype(np.float32)
        np.testing.assert_allclose(compiled(x, labels).item(), eager(x, labels).item(), rtol=1e-5)
    variant = compiled._compiled()
    assert compiled.traced == 5
    assert variant.repeats.count == 0
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(20):
            compiled(np.full((5, 4), np.nan, np.float32), labels)
    assert len(said) == 1
    assert "in 8 calls a gradient or a result was not a number" in str(said[0].message)
    assert said[0].filename == __file__


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_gradients_from_outside_are_those_of_the_call(optimizer: str) -> None:
    def losses(wrap: Callable[..., Any]) -> Array:
        w = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        chosen = getattr(optim, optimizer)([w], lr=0.1)
        norm = wrap(lambda: tg.sqrt(sum((p.grad**2).sum() for p in [w])))
        update = wrap(lambda: chosen.step())
        found = []
        for k in range(6):
            w.grad = None
            ((k + 1) * w**2).sum().backward()
            found += [norm().item(), (update(), w.numpy().copy())[1].sum()]
        return np.array(found)

    np.testing.assert_allclose(losses(tg.compile), losses(lambda f: f), rtol=1e-12)


def test_gradients_may_be_set_and_do_nothing_else() -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)

    @tg.compile
    def estimate(x: Any) -> None:
        w.grad = tg.tensor([1.0, 2.0]) * x

    @tg.compile
    def forget() -> None:
        w.grad = None

    for k in range(5):
        estimate(np.float64(k))
        assert w.grad is not None
        np.testing.assert_array_equal(w.grad.numpy(), [k, 2 * k])
        forget()
        assert w.grad is None
    assert estimate.source and forget.source


def test_nothing_added_to_a_gradient() -> None:
    w, b = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))

    @tg.compile
    def step(x: Any) -> None:
        ((w * x).sum() + (b * 0).sum()).backward()

    for k in range(7):
        step(np.array([1.0, 3.0]))
        assert_same(w.grad, tg.tensor([k + 1.0, 3 * (k + 1.0)]))
        assert_same(b.grad, tg.tensor([0.0, 0.0]))
    assert step.source


def test_the_earlier_gradient_of_another_parameter_is_an_error() -> None:
    w, mirror = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))

    @tg.compile
    def step() -> None:
        mirror.grad = w.grad * 1  # type: ignore[operator]
        w.sum().backward()

    w.grad, mirror.grad = tg.tensor([1.0, 1.0]), tg.tensor([2.0, 2.0])
    step()
    with pytest.raises(Error, match=r"was given the gradient that a tensor .* had when"):
        step()


def test_tensors_changed_in_place_are_returned_themselves(tmp_path: Path) -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    velocity = tg.tensor([0.0, 0.0])

    @tg.compile
    def step(x: Any) -> Any:
        w.grad = None
        ((w * x) ** 2).sum().backward()
        with tg.no_grad():
            velocity.__iadd__(w.grad)
            w.__isub__(0.1 * velocity)
        return w, velocity

    for _ in range(4):
        found = step(np.array([1.0, 3.0]))
        assert found[0] is w and found[1] is velocity
    saved = run_path(str(step.save_source(tmp_path / "saved.py")))["step"]
    for _ in range(2):
        for array, t in zip(saved(np.array([1.0, 3.0])), step(np.array([1.0, 3.0]))):
            np.testing.assert_allclose(array, t.numpy())
