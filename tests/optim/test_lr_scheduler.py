"""Learning rate schedules, held against PyTorch."""

from __future__ import annotations

import copy
import json
import math
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim
from tinygrad_lite.optim import lr_scheduler

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 30, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 50, 50, 120], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [0, 21, 25]}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("CosineAnnealingLR", {"T_max": 200}),
    ("CosineAnnealingLR", {"T_max": 50, "eta_min": 0.001}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.01, "end_factor": 0.8, "total_iters": 120}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 90}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 200}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 20, "steps_per_epoch": 10, "pct_start": 0.4}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 200, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 200, "three_phase": True, "div_factor": 10.0}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 200, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 200, "pct_start": 0.0}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 1 / (1 + epoch), lambda epoch: 0.9**epoch]}),
]

IDS = [f"{name}-{i}" for i, (name, _) in enumerate(SCHEDULES)]


def ours(name: str = "SGD", **settings: Any) -> Any:
    groups = [
        {"params": [tg.tensor([1.0], requires_grad=True)]},
        {"params": [tg.tensor([1.0], requires_grad=True)], "lr": 0.02},
    ]
    return getattr(optim, name)(groups, **{"lr": 0.3, **settings})


def theirs(name: str = "SGD", **settings: Any) -> Any:
    torch = pytest.importorskip("torch")
    groups = [
        {"params": [torch.ones(1, requires_grad=True)]},
        {"params": [torch.ones(1, requires_grad=True)], "lr": 0.02},
    ]
    return getattr(torch.optim, name)(groups, **{"lr": 0.3, **settings})


def torch_schedule(name: str, optimizer: Any, **settings: Any) -> Any:
    from torch.optim import lr_scheduler as torchs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(torchs, name)(optimizer, **settings)


def torch_step(schedule: Any, *metrics: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schedule.step(*metrics)


def turning(optimizer: Any) -> list[float]:
    """What schedules write: the rates, and the momenta or first betas."""
    return [
        x
        for g in optimizer.param_groups
        for x in (g["lr"], g["momentum"] if "momentum" in g else g["betas"][0])
    ]


@pytest.mark.parametrize(("name", "settings"), SCHEDULES, ids=IDS)
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_200_steps_are_pytorchs(name: str, settings: dict[str, Any], kind: str) -> None:
    extra = {"momentum": 0.9} if kind == "SGD" else {}
    a, b = ours(kind, **extra), theirs(kind, **extra)
    mine, reference = getattr(optim, name)(a, **settings), torch_schedule(name, b, **settings)
    for step in range(200):
        assert mine.last_epoch == reference.last_epoch == step
        np.testing.assert_allclose(turning(a), turning(b), rtol=0, atol=1e-12)
        np.testing.assert_allclose(mine.get_last_lr(), reference.get_last_lr(), rtol=0, atol=1e-12)
        mine.step()
        torch_step(reference)


PLATEAUS = [
    {},
    {"patience": 3, "factor": 0.5},
    {"mode": "max", "patience": 2, "cooldown": 4},
    {"threshold_mode": "abs", "threshold": 0.05, "patience": 1, "min_lr": 0.01},
    {"mode": "max", "threshold_mode": "abs", "threshold": 0.05, "patience": 1},
    {"patience": 0, "min_lr": [0.1, 0.001], "eps": 1e-3},
]


@pytest.mark.parametrize("settings", PLATEAUS)
def test_plateaus_are_pytorchs(settings: dict[str, Any], rng: np.random.Generator) -> None:
    a, b = ours(), theirs()
    mine = optim.ReduceLROnPlateau(a, **settings)
    reference = torch_schedule("ReduceLROnPlateau", b, **settings)
    for metric in [*(1 + 0.1 * rng.standard_normal(190)), math.nan, math.inf, *[0.5] * 8]:
        mine.step(metric)
        torch_step(reference, metric)
        np.testing.assert_allclose(turning(a), turning(b), rtol=0, atol=1e-12)
        assert mine.num_bad_epochs == reference.num_bad_epochs
        assert mine.best == reference.best and mine.last_epoch == reference.last_epoch


def test_a_plateau_takes_a_tensor() -> None:
    schedule = optim.ReduceLROnPlateau(ours())
    schedule.step(tg.tensor(2.5))
    assert schedule.best == 2.5


ALL = [*SCHEDULES, ("ReduceLROnPlateau", {"patience": 2})]


@pytest.mark.parametrize(("name", "settings"), ALL, ids=[*IDS, "plateau"])
def test_resuming_continues_bit_for_bit(name: str, settings: dict[str, Any]) -> None:
    metrics = ([1.0] if name == "ReduceLROnPlateau" else [])[:1]
    a = ours(momentum=0.9)
    straight = getattr(optim, name)(a, **settings)
    for _ in range(37):
        straight.step(*metrics)
    saved = json.loads(json.dumps([a.state_dict(), straight.state_dict()]))

    b = ours(momentum=0.9)
    resumed = getattr(optim, name)(b, **settings)
    b.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    assert resumed.get_last_lr() == straight.get_last_lr()
    for _ in range(100):
        straight.step(*metrics)
        resumed.step(*metrics)
        assert turning(a) == turning(b)


@pytest.mark.parametrize(("name", "settings"), SCHEDULES, ids=IDS)
def test_pytorchs_state_dicts_can_be_loaded(name: str, settings: dict[str, Any]) -> None:
    b = theirs(momentum=0.9)
    reference = torch_schedule(name, b, **settings)
    for _ in range(60):
        torch_step(reference)
    a = ours(momentum=0.9)
    mine = getattr(optim, name)(a, **settings)
    a.load_state_dict(b.state_dict())
    mine.load_state_dict(reference.state_dict())
    for _ in range(60):
        mine.step()
        torch_step(reference)
        np.testing.assert_allclose(turning(a), turning(b), rtol=0, atol=1e-12)


def test_a_plateaus_state_goes_to_pytorch_and_back() -> None:
    name = "ReduceLROnPlateau"
    values = [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0]
    settings = {"factor": 0.5, "patience": 1, "cooldown": 1}
    for split in range(len(values)):
        a, b, c, d = ours(), theirs(), ours(), theirs()
        mine, reference = (
            optim.ReduceLROnPlateau(a, **settings),
            torch_schedule(name, b, **settings),
        )
        for value in values[:split]:
            mine.step(value)
            torch_step(reference, value)
        back, forth = optim.ReduceLROnPlateau(c), torch_schedule(name, d)
        c.load_state_dict(b.state_dict())
        back.load_state_dict(reference.state_dict())
        for group, source in zip(d.param_groups, a.param_groups):
            group["lr"] = source["lr"]
        forth.load_state_dict(mine.state_dict())
        for value in values[split:]:
            for schedule in (mine, reference, back, forth):
                torch_step(schedule, value)
            rates = [[group["lr"] for group in o.param_groups] for o in (a, b, c, d)]
            np.testing.assert_allclose(rates, [rates[1]] * 4, rtol=1e-12)


def test_a_lambdas_state_goes_to_pytorch() -> None:
    a, b = ours(), theirs()
    mine = optim.LambdaLR(a, lambda epoch: 1 / (1 + epoch))
    reference = torch_schedule("LambdaLR", b, lr_lambda=lambda epoch: 1 / (1 + epoch))
    for _ in range(3):
        mine.step()
    reference.load_state_dict(mine.state_dict())
    mine.step()
    torch_step(reference)
    np.testing.assert_allclose(turning(a), turning(b), rtol=1e-12)


@pytest.mark.parametrize(("name", "settings"), SCHEDULES, ids=IDS)
def test_last_epoch_goes_on_as_pytorch_does(name: str, settings: dict[str, Any]) -> None:
    a, b = ours(momentum=0.9), theirs(momentum=0.9)
    first, other = getattr(optim, name)(a, **settings), torch_schedule(name, b, **settings)
    for _ in range(20):
        first.step()
        torch_step(other)
    mine = getattr(optim, name)(a, **settings, last_epoch=20)
    reference = torch_schedule(name, b, **settings, last_epoch=20)
    for _ in range(20):
        np.testing.assert_allclose(turning(a), turning(b), rtol=0, atol=1e-12)
        mine.step()
        torch_step(reference)


def test_several_schedules_act_on_one_optimizer() -> None:
    a, b = ours(), theirs()
    pairs = [
        ("ExponentialLR", {"gamma": 0.9}),
        ("MultiStepLR", {"milestones": [5, 10]}),
        ("LinearLR", {"total_iters": 8}),
    ]
    mine = [getattr(optim, name)(a, **settings) for name, settings in pairs]
    reference = [torch_schedule(name, b, **settings) for name, settings in pairs]
    for _ in range(30):
        np.testing.assert_allclose(turning(a), turning(b), rtol=0, atol=1e-12)
        for one, other in zip(mine, reference):
            one.step()
            torch_step(other)


def test_a_state_dict_is_a_snapshot_without_the_optimizer() -> None:
    schedule = optim.StepLR(ours(), 2)
    saved = schedule.state_dict()
    kept = copy.deepcopy(saved)
    schedule.step()
    assert saved == kept
    assert set(saved) == {"step_size", "gamma", "base_lrs", "last_epoch", "_last_lr"}
    assert repr(schedule) == "StepLR(step_size=2, gamma=0.1, base_lrs=[0.3, 0.02], last_epoch=1)"


def test_names_are_those_of_the_module_too() -> None:
    for name in lr_scheduler.__all__:
        assert getattr(optim, name) is getattr(lr_scheduler, name)


def without_betas() -> Any:
    return optim.Adagrad([tg.tensor([1.0], requires_grad=True)])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optim.StepLR([1.0], 2), TypeError, "takes an optimizer, got list"),
        (lambda: optim.LambdaLR(None, abs), TypeError, "takes an optimizer, got NoneType"),
        (lambda: optim.OneCycleLR(None, 1.0, 5), TypeError, "takes an optimizer"),
        (lambda: optim.StepLR(ours(), 0), ValueError, "got 0"),
        (lambda: optim.StepLR(ours(), 2, last_epoch=3), KeyError, "no 'initial_lr'"),
        (lambda: optim.LambdaLR(ours(), [abs]), ValueError, "1 functions for 2"),
        (lambda: optim.LambdaLR(ours(), 0.5), TypeError, "takes a function of the step"),
        (lambda: optim.LinearLR(ours(), 0), ValueError, "start_factor must be"),
        (lambda: optim.LinearLR(ours(), 1, 2), ValueError, "end_factor must be"),
        (lambda: optim.CosineAnnealingLR(ours(), 0), ValueError, "T_max"),
        (lambda: optim.OneCycleLR(ours(), 1.0), ValueError, "needs total_steps"),
        (lambda: optim.OneCycleLR(ours(), 1.0, -5), ValueError, "not -5"),
        (lambda: optim.OneCycleLR(ours(), 1.0, 5, pct_start=2), ValueError, "pct_start"),
        (lambda: optim.OneCycleLR(ours(), 1.0, 5, anneal_strategy="x"), ValueError, "'x'"),
        (lambda: optim.OneCycleLR(ours(), [1.0], 5), ValueError, "1 of max_lr for 2 groups"),
        (lambda: optim.OneCycleLR(without_betas(), 1.0, 5), ValueError, "Adagrad has no momentum"),
        (lambda: optim.ReduceLROnPlateau(ours(), factor=1.0), ValueError, "factor must be below 1"),
        (lambda: optim.ReduceLROnPlateau(ours(), "least"), ValueError, "'least'"),
        (lambda: optim.ReduceLROnPlateau(ours(), threshold_mode="x"), ValueError, "'x'"),
        (lambda: optim.ReduceLROnPlateau(ours(), min_lr=[0.1]), ValueError, "1 of min_lr for 2"),
        (
            lambda: optim.StepLR(ours(), 2).load_state_dict({"gamma": 1}),
            KeyError,
            "lacks ['_last_lr', 'base_lrs', 'last_epoch', 'step_size']",
        ),
    ],
)
def test_wrong_arguments_are_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


def test_one_cycle_ends() -> None:
    schedule = optim.OneCycleLR(ours(), max_lr=1.0, total_steps=3)
    for _ in range(3):
        schedule.step()
    with pytest.raises(ValueError, match="step 4 of a run of 3 steps"):
        schedule.step()
