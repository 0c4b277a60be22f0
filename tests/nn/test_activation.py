"""Every nonlinearity agrees with PyTorch, as a layer and as a function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F

from .oracle import assert_same

LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("Identity", {}),
    ("ReLU", {}),
    ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.3}),
    ("ELU", {}),
    ("ELU", {"alpha": 0.5}),
    ("GELU", {}),
    ("GELU", {"approximate": "tanh"}),
    ("SiLU", {}),
    ("Softplus", {}),
    ("Softplus", {"beta": 3.0, "threshold": 5.0}),
    ("Sigmoid", {}),
    ("Tanh", {}),
    ("Softmax", {"dim": 0}),
    ("Softmax", {"dim": -1}),
    ("LogSoftmax", {"dim": 1}),
]


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_layers_agree_with_pytorch(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((6, 50)) * 5
    assert_same(getattr(nn, name)(**options), getattr(torch.nn, name)(**options), x)


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_settings_show(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    assert repr(getattr(nn, name)(**options)) == repr(getattr(torch.nn, name)(**options))


@pytest.mark.parametrize("name", [name for name, options in LAYERS if not options])
def test_single_precision_stays(name: str) -> None:
    x = tg.tensor(np.linspace(-3, 3, 7), dtype="float32", requires_grad=True)
    out = getattr(nn, name)()(x)
    assert out.dtype == np.float32
    out.sum().backward()
    assert x.grad.dtype == np.float32
    assert getattr(nn, name)()(np.linspace(-3, 3, 7)).shape == (7,)


@pytest.mark.parametrize(
    "name",
    ["relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh", "logsigmoid"],
)
def test_functions_agree_with_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(1).standard_normal((3, 40)) * 30
    assert_same(getattr(F, name), getattr(torch.nn.functional, name), x)


def test_every_layer_of_pytorchs_name_has_its_function() -> None:
    for layer in ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Sigmoid", "Tanh"):
        assert layer.replace("LeakyR", "leaky_r").lower() in F.__all__
    assert {"softmax", "log_softmax"} <= set(F.__all__)
    assert all(callable(getattr(F, name)) for name in F.__all__)
