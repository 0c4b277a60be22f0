"""Initial values: spreads by PyTorch's formulas, in place, from an explicit rng."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import init

SHAPE = (300, 200)

CASES: list[tuple[Callable[..., Any], dict[str, Any], float]] = [
    (init.uniform_, {"a": -2.0, "b": 1.0}, 3 / math.sqrt(12)),
    (init.normal_, {"std": 0.3}, 0.3),
    (init.xavier_uniform_, {"gain": 2.0}, 2 * math.sqrt(2 / 500)),
    (init.xavier_normal_, {}, math.sqrt(2 / 500)),
    (init.kaiming_uniform_, {"nonlinearity": "relu"}, math.sqrt(2 / 200)),
    (init.kaiming_uniform_, {"a": math.sqrt(5)}, math.sqrt(1 / 600)),
    (init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "linear"}, math.sqrt(1 / 300)),
]


@pytest.mark.parametrize(("fill", "options", "deviation"), CASES)
def test_spread(fill: Callable[..., Any], options: dict[str, Any], deviation: float) -> None:
    weight = nn.Parameter(np.zeros(SHAPE, np.float32))
    assert fill(weight, **options, rng=0) is weight
    assert weight.dtype == np.float32 and weight.shape == SHAPE
    assert abs(weight.data.std() / deviation - 1) < 0.02
    again = fill(nn.Parameter(np.zeros(SHAPE, np.float32)), **options, rng=0)
    np.testing.assert_array_equal(weight.data, again.data)


@pytest.mark.parametrize(("fill", "options", "deviation"), CASES)
def test_spread_is_that_of_pytorch(
    fill: Callable[..., Any], options: dict[str, Any], deviation: float
) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    weight = getattr(torch.nn.init, fill.__name__)(torch.empty(SHAPE), **options)
    assert abs(float(weight.std()) / deviation - 1) < 0.02


def test_constants() -> None:
    p = nn.Parameter(np.full(3, 9.0, np.float32))
    assert init.zeros_(p).tolist() == [0, 0, 0]
    assert init.ones_(p).tolist() == [1, 1, 1]
    assert init.constant_(p, 0.5).tolist() == [0.5] * 3
    assert p.dtype == np.float32 and p.requires_grad


def test_the_default_generator_is_that_of_manual_seed() -> None:
    tg.manual_seed(3)
    first = init.normal_(nn.Parameter(np.zeros(4))).tolist()
    tg.manual_seed(3)
    assert init.normal_(nn.Parameter(np.zeros(4))).tolist() == first
    rng = np.random.default_rng(1)
    assert init.normal_(nn.Parameter(np.zeros(4)), rng=rng).tolist() != (
        init.normal_(nn.Parameter(np.zeros(4)), rng=rng).tolist()
    )


@pytest.mark.parametrize(
    ("name", "param"),
    [("linear", None), ("sigmoid", None), ("tanh", None), ("relu", None), ("leaky_relu", None),
     ("leaky_relu", 0.3), ("selu", None)],
)  # fmt: skip
def test_gains(name: str, param: float | None) -> None:
    torch = pytest.importorskip("torch")
    assert init.calculate_gain(name, param) == torch.nn.init.calculate_gain(name, param)


def test_fans_of_more_axes() -> None:
    assert init.fans(tg.zeros((4, 3, 5, 5))) == (75, 100)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"shape \(out, in, ...\), not \(3,\)"):
        init.xavier_uniform_(nn.Parameter(np.zeros(3)))
    with pytest.raises(ValueError, match="mode is 'fan_in' or 'fan_out', not 'fan'"):
        init.kaiming_normal_(nn.Parameter(np.zeros((2, 2))), mode="fan")
    with pytest.raises(ValueError, match="nonlinearity is one of linear"):
        init.calculate_gain("swish")
    with pytest.raises(TypeError, match="rng must be"):
        init.normal_(nn.Parameter(np.zeros(2)), rng="seed")
