"""What random programs have found: each stays right."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg


@pytest.mark.parametrize("shape", [(0,), (2, 3, 0), (0, 2)])
def test_log_softmax_over_nothing_is_nothing(shape: tuple[int, ...]):
    x = tg.tensor(np.zeros(shape), requires_grad=True)
    out = tg.log_softmax(x)
    assert out.shape == shape
    out.sum().backward()
    assert x.grad.shape == shape


@pytest.mark.parametrize(
    ("f", "slope"), [(tg.elu, 1.0), (tg.selu, 1.0507009873554805), (tg.leaky_relu, 0.01)]
)
def test_the_second_derivative_at_the_kink_of_elu_is_of_least_norm(f, slope: float):
    first = tg.grad(f)
    assert first(tg.tensor(0.0)).item() == pytest.approx(slope, rel=1e-15)
    assert tg.grad(first)(tg.tensor(0.0)).item() == 0


def test_the_mixed_second_derivative_of_a_power_at_exponent_zero():
    by_base = tg.grad(tg.power, argnums=0)
    found = tg.grad(by_base, argnums=1)(tg.tensor(1.7), tg.tensor(0.0))
    assert found.item() == pytest.approx(1 / 1.7, rel=1e-15)
