"""Every optimiser in every mode, for the tests of this folder."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg


def _combined(**choices: list[Any]) -> list[dict[str, Any]]:
    return [
        {k: v for k, v in zip(choices, values) if v is not None}
        for values in product(*choices.values())
    ]


_COMMON = {"weight_decay": [None, 0.03], "maximize": [None, True]}

MODES: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        *_combined(lr=[0.05], **_COMMON),
        *_combined(lr=[0.02], momentum=[0.9], dampening=[None, 0.3], **_COMMON),
        *_combined(lr=[0.02], momentum=[0.9], nesterov=[True], **_COMMON),
    ],
    "RMSprop": _combined(
        lr=[0.003], alpha=[None, 0.9], momentum=[None, 0.8], centered=[None, True], **_COMMON
    ),
    "Adam": _combined(lr=[0.01], betas=[None, (0.8, 0.95)], amsgrad=[None, True], **_COMMON),
    "AdamW": _combined(lr=[0.01], amsgrad=[None, True], **_COMMON),
    "Adagrad": _combined(
        lr=[0.05], lr_decay=[None, 0.01], initial_accumulator_value=[None, 0.1], **_COMMON
    ),
}

RECIPES = [
    pytest.param(name, settings, id=f"{name}-{'-'.join(f'{k}={v}' for k, v in settings.items())}")
    for name, modes in MODES.items()
    for settings in modes
]

ONE_EACH = [
    pytest.param("SGD", {"lr": 0.02}, id="SGD"),
    pytest.param("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}, id="SGD-momentum"),
    pytest.param("RMSprop", {"momentum": 0.9, "centered": True}, id="RMSprop"),
    pytest.param("Adam", {"amsgrad": True}, id="Adam"),
    pytest.param("AdamW", {}, id="AdamW"),
    pytest.param("Adagrad", {}, id="Adagrad"),
]

SHAPES = [(3, 4), (4,), (), (2, 1, 3)]


def starts(rng: np.random.Generator) -> list[Any]:
    return [rng.standard_normal(shape) for shape in SHAPES]


def gradients(seed: int, steps: int) -> list[list[Any]]:
    """A gradient for every parameter at every step; each is missing now and then."""
    rng = np.random.default_rng(seed)
    return [
        [rng.standard_normal(shape) if rng.random() > 0.1 else None for shape in SHAPES]
        for _ in range(steps)
    ]


def parameters(values: list[Any], dtype: str = "float64") -> list[tg.Tensor]:
    return [tg.tensor(value, dtype=dtype, requires_grad=True) for value in values]


def run(optimizer: Any, tensors: list[tg.Tensor], steps: list[list[Any]]) -> None:
    for values in steps:
        for p, g in zip(tensors, values):
            p.grad = None if g is None else tg.tensor(g, dtype=p.dtype)
        optimizer.step()
