"""Every layer and loss of the package, by the properties that the package offers for its users'."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_lite import nn
from tinygrad_lite.testing import check_grads, check_module

X = np.array([[0.5, -1.25, 2.0], [-0.3, 0.8, -2.4]])
LABELS = np.array([2, 0])
P = np.array([[0.2, 0.7, 0.4], [0.9, 0.15, 0.6]])

LAYERS: list[nn.Module] = [
    nn.Linear(3, 2, rng=0, dtype=np.float64),
    nn.Linear(3, 2, bias=False, rng=0, dtype=np.float64),
    nn.Dropout(0.4),
    nn.Flatten(0),
    nn.Identity(),
    nn.ReLU(),
    nn.LeakyReLU(),
    nn.ELU(),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.Softmax(),
    nn.LogSoftmax(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.SiLU(),
    nn.Softplus(),
    nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 1, rng=1)),
]

LOSSES: list[tuple[type[nn.Module], dict[str, Any], Any, Any]] = [
    (nn.MSELoss, {}, X, P),
    (nn.L1Loss, {}, X, P),
    (nn.HuberLoss, {"delta": 0.7}, X, P),
    (nn.BCELoss, {}, P, (P > 0.5) * 0.8 + 0.1),
    (nn.BCEWithLogitsLoss, {"pos_weight": np.array([1.0, 2.0, 0.5])}, X, P),
    (nn.CrossEntropyLoss, {}, X, LABELS),
    (nn.CrossEntropyLoss, {"label_smoothing": 0.1}, X, LABELS),
    (nn.CrossEntropyLoss, {}, X, P / P.sum(axis=1, keepdims=True)),
    (nn.NLLLoss, {}, X - 3.0, LABELS),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_layers(layer: nn.Module) -> None:
    check_module(layer, [X])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("loss", "settings", "x", "target"), LOSSES, ids=lambda v: getattr(v, "__name__", None)
)
def test_losses(loss: Any, settings: Any, x: Any, target: Any, reduction: str) -> None:
    criterion = loss(reduction=reduction, **settings)
    check_grads(lambda x: criterion(x, target), [x])


def test_every_layer_and_loss_has_a_line() -> None:
    held = {type(layer) for layer in LAYERS} | {loss for loss, *_ in LOSSES}
    offered = {
        value
        for value in vars(nn).values()
        if isinstance(value, type) and issubclass(value, nn.Module) and value is not nn.Module
    }
    assert offered == held
