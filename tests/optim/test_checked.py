"""Every optimiser of the package, by the properties that the package offers for its users'."""

from __future__ import annotations

from typing import Any

import pytest

from tinygrad_lite import optim
from tinygrad_lite.testing import check_optimizer

torch = pytest.importorskip("torch")

MODES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5}),
    ("Adam", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01}),
    ("Adagrad", {"lr": 0.1}),
]


@pytest.mark.parametrize(("name", "settings"), MODES)
def test_optimizers(name: str, settings: dict[str, Any]) -> None:
    check_optimizer(
        lambda params: getattr(optim, name)(params, **settings),
        lambda params: getattr(torch.optim, name)(params, **settings),
    )


def test_every_optimiser_has_a_line() -> None:
    offered = {
        name
        for name, value in vars(optim).items()
        if isinstance(value, type)
        and issubclass(value, optim.Optimizer)
        and value is not optim.Optimizer
    }
    assert offered == {name for name, _ in MODES}
