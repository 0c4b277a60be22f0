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


def two_arguments():
    x, y = tg.tensor([2.0, 3.0]), tg.tensor([5.0, 7.0])
    v = tg.tensor([1.0, 2.0], requires_grad=True)
    return tg.jvp(lambda a, b: a * b, (x, y), (v, np.ones(2)))[1], v


def test_jvp_of_two_arguments_is_differentiable_by_the_tangents():
    moved, v = two_arguments()
    moved.sum().backward()
    np.testing.assert_array_equal(v.grad, [5.0, 7.0])


@pytest.mark.parametrize("requires_grad", [False, True])
def test_jvp_and_hvp_leave_no_record_under_no_grad(requires_grad: bool):
    x = tg.tensor([2.0, 3.0], requires_grad=requires_grad)
    v = tg.tensor([1.0, 2.0], requires_grad=True)
    with tg.no_grad():
        value, moved = tg.jvp(lambda t: t * t, (x,), (v,))
        (bent,) = tg.hvp(lambda t: (t**3).sum(), (x,), (v,))
        several, _ = two_arguments()
    assert not any(t.requires_grad for t in (value, moved, bent, several))
    np.testing.assert_array_equal(moved, [4.0, 12.0])
    np.testing.assert_array_equal(bent, [12.0, 36.0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_error_function_and_gelu_at_either_zero(dtype: type, zero: float):
    x = tg.tensor(np.array([zero], dtype), requires_grad=True)
    assert tg.erfc(x).item() == 1
    assert tg.normal_cdf(x).item() == 0.5
    tg.gelu(x).sum().backward()
    assert x.grad.item() == 0.5
