"""Groups, saved state and errors of the optimisers."""

from __future__ import annotations

import copy
import gc
import re
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.optim.recipes import ONE_EACH, RECIPES, gradients, parameters, run, starts
from tinygrad_lite import optim


def leaf(*shape: int) -> tg.Tensor:
    return tg.tensor(np.ones(shape), requires_grad=True)


# Saving and going on


@pytest.mark.parametrize(("name", "settings"), RECIPES)
def test_resuming_continues_bit_for_bit(
    name: str, settings: dict[str, Any], rng: np.random.Generator, seed: int
) -> None:
    make = getattr(optim, name)
    steps = gradients(seed, 30)
    straight = parameters(starts(rng))
    optimizer = make(straight, **settings)
    run(optimizer, straight, steps[:13])
    saved = optimizer.state_dict()
    resumed = parameters([p.data for p in straight])
    run(optimizer, straight, steps[13:])

    other = make(resumed, lr=0.7)
    other.load_state_dict(saved)
    run(other, resumed, steps[13:])
    for p, q in zip(straight, resumed):
        np.testing.assert_array_equal(p.data, q.data)


def as_numpy(value: Any) -> Any:
    return np.asarray(value.detach()) if hasattr(value, "detach") else value


@pytest.mark.parametrize(("name", "settings"), ONE_EACH)
def test_state_dicts_go_to_pytorch_and_back(
    name: str, settings: dict[str, Any], rng: np.random.Generator, seed: int
) -> None:
    torch = pytest.importorskip("torch")
    values, steps = starts(rng), gradients(seed, 20)
    ours = parameters(values)
    optimizer = getattr(optim, name)(ours, **settings)
    run(optimizer, ours, steps[:10])

    theirs = [torch.tensor(np.array(p.data), requires_grad=True) for p in ours]
    other = getattr(torch.optim, name)(theirs)
    saved = optimizer.state_dict()
    for state in saved["state"].values():
        state.update({k: torch.from_numpy(v) for k, v in state.items()})
    other.load_state_dict(saved)
    for gradient in steps[10:15]:
        for p, g in zip(theirs, gradient):
            p.grad = None if g is None else torch.tensor(g, dtype=torch.float64)
        other.step()

    back = parameters([p.detach().numpy() for p in theirs])
    last = getattr(optim, name)(back)
    last.load_state_dict(other.state_dict())
    run(last, back, steps[15:])
    run(optimizer, ours, steps[10:])
    for p, q in zip(ours, back):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12, atol=1e-12)
    if optimizer.state_dict()["state"]:
        mine, torchs = optimizer.state_dict()["state"], other.state_dict()["state"]
        assert {i: set(s) for i, s in mine.items()} == {i: set(s) for i, s in torchs.items()}


def test_a_state_dict_is_a_snapshot() -> None:
    w = leaf(2)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    w.grad = tg.tensor([1.0, 2.0])
    optimizer.step()
    saved = optimizer.state_dict()
    kept = copy.deepcopy(saved)
    optimizer.step()
    np.testing.assert_array_equal(
        saved["state"][0]["momentum_buffer"], kept["state"][0]["momentum_buffer"]
    )
    optimizer.load_state_dict(saved)
    optimizer.step()
    np.testing.assert_array_equal(
        saved["state"][0]["momentum_buffer"], kept["state"][0]["momentum_buffer"]
    )


def test_state_dict_counts_parameters_through_all_groups() -> None:
    a, b, c = leaf(2), leaf(3), leaf(4)
    optimizer = optim.Adam([{"params": [a]}, {"params": [b, c], "lr": 0.5}])
    c.grad = tg.tensor(np.ones(4))
    optimizer.step()
    saved = optimizer.state_dict()
    assert [g["params"] for g in saved["param_groups"]] == [[0], [1, 2]]
    assert [g["lr"] for g in saved["param_groups"]] == [1e-3, 0.5]
    assert set(saved["state"]) == {2}
    assert {k: v.shape for k, v in saved["state"][2].items()} == {
        "step": (),
        "exp_avg": (4,),
        "exp_avg_sq": (4,),
    }
    assert all(isinstance(v, np.ndarray) for v in saved["state"][2].values())


def change(path: str, value: Any) -> Any:
    def changed(saved: dict[str, Any]) -> dict[str, Any]:
        *way, last = path.split("/")
        place: Any = saved
        for key in way:
            place = place[int(key) if key.isdigit() else key]
        key = int(last) if last.isdigit() else last
        if value is None:
            del place[key]
        else:
            place[key] = value
        return saved

    return changed


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (change("state", None), KeyError, "lacks ['state']"),
        (change("param_groups/1", None), ValueError, "groups of [1, 1] parameters"),
        (change("param_groups/0/params", [0, 7]), ValueError, "of [2, 1]"),
        (change("param_groups/0/lr", -1.0), ValueError, "lr must be finite and not negative"),
        (change("param_groups/1/betas", (0.9, 1.0)), ValueError, "betas[1] must be less than 1"),
        (change("state/9", {}), KeyError, "in no group: [9]"),
        (change("state/1/exp_avg", np.ones(5)), ValueError, "'exp_avg' has shape (5,)"),
        (change("state/1/exp_avg", None), KeyError, "lacks ['exp_avg']"),
        (change("state/1/velocity", np.ones(3)), KeyError, "unknown name 'velocity'"),
    ],
)
def test_a_state_dict_that_does_not_fit_is_refused_and_nothing_is_loaded(
    damage: Any, error: type[Exception], message: str
) -> None:
    a, b = leaf(2), leaf(3)
    optimizer = optim.Adam([{"params": [a]}, {"params": [b], "lr": 0.5}])
    a.grad, b.grad = tg.tensor(np.ones(2)), tg.tensor(np.ones(3))
    optimizer.step()
    damaged = damage(optimizer.state_dict())
    optimizer.step()
    before = optimizer.state_dict()
    with pytest.raises(error, match=re.escape(message)):
        optimizer.load_state_dict(damaged)
    after = optimizer.state_dict()
    assert before["param_groups"] == after["param_groups"]
    for i in (0, 1):
        for name, value in before["state"][i].items():
            np.testing.assert_array_equal(value, after["state"][i][name])


@pytest.mark.parametrize(
    ("kind", "other", "lacking"),
    [
        (optim.Adam, optim.SGD, "'amsgrad', 'betas', 'eps'"),
        (optim.SGD, optim.Adam, "'dampening', 'momentum', 'nesterov'"),
        (optim.RMSprop, optim.Adagrad, "'alpha', 'centered', 'momentum'"),
    ],
)
def test_the_state_of_another_kind_is_refused(kind: Any, other: Any, lacking: str) -> None:
    w = tg.tensor([1.0], requires_grad=True)
    optimizer = kind([w])
    before = optimizer.state_dict()
    with pytest.raises(KeyError, match=f"lacks .{lacking}.: it is of another kind of optimizer"):
        optimizer.load_state_dict(other([w]).state_dict())
    assert optimizer.state_dict() == before


def test_an_optimizer_can_be_copied_with_its_parameters() -> None:
    w = leaf(2)
    w.grad = tg.tensor([1.0, 2.0])
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    optimizer.step()
    twin_w, twin = copy.deepcopy((w, optimizer))
    assert twin.param_groups[0]["params"] == [twin_w] and twin_w is not w
    twin.step()
    optimizer.step()
    np.testing.assert_array_equal(w.data, twin_w.data)


# Groups


def test_groups_have_settings_of_their_own() -> None:
    a, b = leaf(1), leaf(1)
    optimizer = optim.SGD([{"params": a, "lr": 0.5}, {"params": [b]}], lr=0.1)
    a.grad = b.grad = tg.tensor([1.0])
    optimizer.step()
    assert a.data == 0.5 and b.data == 0.9
    optimizer.add_param_group({"params": [c := leaf(1)], "momentum": 0.9})
    assert [g["momentum"] for g in optimizer.param_groups] == [0, 0, 0.9]
    c.grad = tg.tensor([1.0])
    optimizer.step()
    assert list(optimizer.state[c]) == ["momentum_buffer"]


def test_named_parameters_keep_their_names() -> None:
    optimizer = optim.SGD(iter([("w", leaf(2, 3)), ("b", leaf(2))]))
    assert optimizer.param_groups[0]["param_names"] == ["w", "b"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]


def test_zero_grad() -> None:
    a, b = leaf(2), tg.tensor(1.0, requires_grad=True)
    optimizer = optim.SGD([a, b])
    a.grad, b.grad = tg.tensor([1.0, 2.0]), tg.tensor(3.0)
    kept = a.grad
    optimizer.zero_grad(set_to_none=False)
    assert a.grad.tolist() == [0, 0] and b.grad.item() == 0
    assert kept.tolist() == [1, 2]
    optimizer.zero_grad()
    assert a.grad is None and b.grad is None


def test_step_calls_the_closure_with_recording_on() -> None:
    w = tg.tensor(2.0, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.25)

    def closure() -> tg.Tensor:
        optimizer.zero_grad()
        loss = w * w
        loss.backward()
        return loss

    with tg.no_grad():
        assert optimizer.step(closure).item() == 4.0
    assert w.item() == 1.0


def test_repr_says_what_is_optimised_and_how() -> None:
    text = repr(optim.SGD([{"params": [leaf(20, 60), leaf(20)]}, {"params": leaf(3), "lr": 0.5}]))
    assert text.startswith("SGD(\n  group 0: 2 tensors, 1,220 numbers, lr=0.001, momentum=0,")
    assert "group 1: 1 tensors, 3 numbers, lr=0.5" in text


def test_optimizers_are_freed_without_the_collector() -> None:
    gc.disable()
    try:
        w = leaf(2)
        optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
        schedule = optim.StepLR(optimizer, 1)
        (w * w).sum().backward()
        optimizer.step()
        schedule.step()
        gone = weakref.ref(optimizer), weakref.ref(w)
        del w, optimizer, schedule
        assert gone[0]() is None and gone[1]() is None
    finally:
        gc.enable()


# Errors


def result() -> tg.Tensor:
    return leaf(2) * 2


SAME = leaf(2)

WRONG = [
    ("SGD", [], {}, ValueError, "no parameters"),
    ("SGD", [{"params": []}], {}, ValueError, "group 0: no parameters"),
    ("SGD", leaf(2), {}, TypeError, "not a single tensor"),
    ("SGD", [np.ones(2)], {}, TypeError, "expected a Tensor, got ndarray"),
    ("SGD", [tg.tensor([1, 2])], {}, TypeError, "int64; only floating point"),
    ("SGD", [result()], {}, ValueError, "result of 'multiply'"),
    (
        "SGD",
        [SAME, SAME],
        {},
        ValueError,
        "parameter 1: a tensor of shape (2,), float64 is already",
    ),
    ("SGD", [{"params": SAME}, {"params": SAME}], {}, ValueError, "group 1, parameter 0"),
    ("SGD", [("a", SAME), ("b", SAME)], {}, ValueError, "parameter b"),
    ("SGD", [("a", leaf(1)), leaf(1)], {}, ValueError, "some have none"),
    ("SGD", [{"params": [leaf(1)], "rate": 1}], {}, TypeError, "unknown settings ['rate']"),
    ("SGD", [{"params": [leaf(1)], "lr": -2}], {}, ValueError, "-2"),
    ("SGD", [{"lr": 1}], {}, TypeError, "a dict with 'params'"),
    (
        "SGD",
        [leaf(1)],
        {"lr": -0.1},
        ValueError,
        "SGD: lr must be finite and not negative, got -0.1",
    ),
    ("SGD", [leaf(1)], {"lr": float("nan")}, ValueError, "got nan"),
    ("SGD", [leaf(1)], {"lr": "0.1"}, TypeError, "lr must be a number, got '0.1'"),
    ("SGD", [leaf(1)], {"momentum": -1}, ValueError, "momentum must be finite and not negative"),
    ("SGD", [leaf(1)], {"weight_decay": -1}, ValueError, "weight_decay"),
    ("SGD", [leaf(1)], {"nesterov": True}, ValueError, "momentum=0 and dampening=0"),
    (
        "SGD",
        [leaf(1)],
        {"nesterov": True, "momentum": 0.9, "dampening": 0.5},
        ValueError,
        "momentum=0.9 and dampening=0.5",
    ),
    ("RMSprop", [leaf(1)], {"alpha": -0.5}, ValueError, "alpha must be finite"),
    ("RMSprop", [leaf(1)], {"eps": -1e-8}, ValueError, "eps"),
    ("Adam", [leaf(1)], {"betas": (1.0, 0.9)}, ValueError, "betas[0] must be less than 1"),
    ("Adam", [leaf(1)], {"betas": (0.9, -1)}, ValueError, "betas[1]"),
    ("Adam", [leaf(1)], {"betas": 0.9}, TypeError, "two numbers, got 0.9"),
    ("AdamW", [leaf(1)], {"eps": -1}, ValueError, "AdamW: eps"),
    (
        "AdamW",
        [{"params": [leaf(1)], "decoupled_weight_decay": False}],
        {},
        ValueError,
        "decoupled_weight_decay must be True",
    ),
    ("Adagrad", [leaf(1)], {"lr_decay": -1}, ValueError, "lr_decay"),
]


@pytest.mark.parametrize(("name", "params", "settings", "error", "message"), WRONG)
def test_wrong_parameters_and_settings_are_refused(
    name: str, params: Any, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        getattr(optim, name)(params, **settings)


def test_a_negative_number_of_updates_is_refused() -> None:
    w = tg.tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([w])
    (w * w).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0]["step"] = -5
    with pytest.raises(ValueError, match="'step' is a number of updates, not -5"):
        optimizer.load_state_dict(state)
