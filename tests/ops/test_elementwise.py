"""Elementwise functions beyond the table: high orders, masks, operators, precision."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.backward import cotangents

inf, pi = math.inf, math.pi
PHI = 1 / math.sqrt(2 * pi)  # the density of the normal distribution at 0
E40, E400 = math.exp(-40), math.exp(-400)


def derivatives(f: Callable[[Any], Any], at: Any, orders: int) -> list[float]:
    """The derivatives of ``f``, each the gradient of the one before."""
    x = tg.tensor(at, requires_grad=True)
    y, found = f(x), []
    with np.errstate(all="ignore"):
        for _ in range(orders):
            y = (
                cotangents(y, create_graph=True).get(x, tg.tensor(0.0))
                if y.requires_grad
                else 0 * x
            )
            found.append(float(y.data))
    return found


AT_A_POLE = pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (lambda x: tg.exp(-(x**2)), 0.0, [0, -2, 0, 12]),
        (tg.sinc, 0.0, [0, -(pi**2) / 3, 0, pi**4 / 5]),
        (tg.tanh, 0.0, [1, 0, -2, 0, 16]),
        (tg.tanh, 20.0, [4 * math.exp(-40), -8 * math.exp(-40), 16 * math.exp(-40)]),
        (tg.tanh, -20.0, [4 * math.exp(-40), 8 * math.exp(-40), 16 * math.exp(-40)]),
        (tg.sigmoid, 0.0, [1 / 4, 0, -1 / 8, 0]),
        (tg.sigmoid, 40.0, [E40, -E40, E40]),
        (tg.sigmoid, -40.0, [E40, E40, E40]),
        (tg.sigmoid, 1000.0, [0, 0, 0]),
        (tg.sigmoid, -1000.0, [0, 0, 0]),
        (tg.sigmoid, 400.0, [E400, -E400, E400]),
        (tg.sigmoid, -400.0, [E400, E400, E400]),
        (tg.sigmoid, np.float32(60), [math.exp(-60), -math.exp(-60)]),
        (tg.sigmoid, 708.0, [math.exp(-708), -math.exp(-708)]),
        (tg.softplus, 0.0, [1 / 2, 1 / 4, 0, -1 / 8]),
        (tg.softplus, 40.0, [1, E40, -E40]),
        (tg.softplus, -40.0, [E40, E40, E40]),
        (tg.logsigmoid, 40.0, [E40, -E40, E40]),
        (tg.logsigmoid, -40.0, [1, -E40, -E40]),
        (tg.logsigmoid, -400.0, [1, -E400, -E400]),
        (tg.logsigmoid, 400.0, [E400, -E400, E400]),
        (lambda x: tg.logaddexp(x, 0), 0.0, [1 / 2, 1 / 4, 0, -1 / 8]),
        (lambda x: tg.logaddexp(x, x), 3.0, [1, 0, 0]),
        (tg.erf, 0.0, [2 / math.sqrt(pi), 0, -4 / math.sqrt(pi)]),
        (tg.gelu, 0.0, [0.5, 2 * PHI, 0, -4 * PHI]),
        (tg.silu, 0.0, [0.5, 0.5, 0, -0.5]),
        (tg.silu, -1000.0, [0, 0, 0]),
        (tg.silu, 1000.0, [1, 0, 0]),
        (tg.gelu, -100.0, [0, 0, 0]),
        (tg.gelu, 100.0, [1, 0, 0]),
        (tg.mish, -1000.0, [0, 0, 0]),
        (tg.mish, 1000.0, [1, 0, 0]),
        (tg.elu, 0.0, [1, 0, 0]),
        (tg.softsign, 0.0, [1, 0]),
        (tg.arctan, 0.0, [1, 0, -2, 0]),
        (tg.arctan, 1e100, [1e-200, -2e-300]),
        (tg.arcsin, 0.0, [1, 0, 1, 0, 9]),
        (tg.arcsin, 1e-20, [1, 1e-20, 1]),
        (tg.arcsin, np.float32(1e-4), [1 + 5e-9, 1e-4 + 1.5e-12]),
        (tg.arcsin, 1.0, [inf, inf]),
        (tg.arcsin, -1.0, [inf, -inf]),
        (tg.arccos, 1.0, [-inf, -inf]),
        (tg.arccosh, 1.0, [inf, -inf, inf]),
        (tg.arccosh, 1e200, [1e-200, 0]),
        (tg.arctanh, 0.0, [1, 0, 2, 0, 24]),
        (tg.arctanh, 1e-20, [1, 2e-20, 2]),
        pytest.param(tg.arctanh, 1.0, [inf, inf], marks=AT_A_POLE),
        pytest.param(tg.arctanh, -1.0, [inf, -inf], marks=AT_A_POLE),
        (tg.arcsinh, 0.0, [1, 0, -1, 0]),
        (tg.log1p, 0.0, [1, -1, 2, -6]),
        (tg.expm1, 0.0, [1, 1, 1]),
        (tg.sqrt, 0.0, [inf, -inf]),
        (tg.square, 0.0, [0, 2, 0]),
        (tg.reciprocal, -2.0, [-1 / 4, -1 / 4, -3 / 8]),
        (lambda x: tg.power(x, 0), 0.0, [0, 0, 0]),
        (lambda x: tg.power(x, 1), 0.0, [1, 0, 0]),
        (lambda x: tg.power(x, 2), 0.0, [0, 2, 0]),
        (lambda x: tg.power(x, 3), 0.0, [0, 0, 6, 0]),
        (lambda x: tg.power(x, 2.5), 0.0, [0, 0, inf]),
        (lambda x: tg.power(x, np.float64(3)), -2.0, [12, -12, 6, 0]),
        (lambda x: tg.power(x, -1), -2.0, [-1 / 4, -1 / 4, -3 / 8]),
        (lambda x: tg.power(2.0, x), 0.0, [math.log(2), math.log(2) ** 2, math.log(2) ** 3]),
        (lambda x: tg.power(0.0, x), 2.0, [0, 0, 0]),
        (lambda x: tg.power(2.0, x), -inf, [0, 0]),
        (lambda x: tg.power(0.5, x), inf, [0, 0]),
        (lambda x: tg.power(x, inf), 0.5, [0, 0]),
        (lambda x: tg.power(x, -1.0), inf, [0, 0]),
        (lambda x: tg.xlogy(x, x), 1.0, [1, 1, -1, 2]),
        (lambda x: tg.hypot(x, 1.0), 0.0, [0, 1, 0, -3]),
        (lambda x: tg.hypot(x, 0.0), 2.0, [1, 0, 0]),
        (lambda x: tg.arctan2(x, 1.0), 0.0, [1, 0, -2]),
        (lambda x: tg.arctan2(x, -1.0), 0.0, [-1, 0, 2]),
        (lambda x: x * x * x, 0.0, [0, 0, 6, 0]),
        (lambda x: tg.maximum(x, x), 2.0, [1, 0]),
        (lambda x: tg.maximum(x, -x), 0.0, [0, 0]),
        (lambda x: tg.abs(x) * x, 3.0, [6, 2, 0]),
        (lambda x: tg.remainder(x * x, 3.0), 2.0, [4, 2, 0]),
    ],
)
def test_derivatives(f: Callable[[Any], Any], at: Any, expected: list[float]) -> None:
    found = derivatives(f, at, len(expected))
    rtol = 1e-13 if isinstance(at, float) else 2e-7
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-300)


@pytest.mark.parametrize(
    ("f", "x", "y", "expected"),
    [
        (tg.multiply, 0.0, 0.0, 1),
        (tg.divide, 0.0, 2.0, -1 / 4),
        (tg.power, 2.0, 0.0, 1 / 2),
        (tg.power, 0.0, 3.0, 0),
        (tg.power, 0.0, 1.0, -inf),
        (tg.power, 0.0, 0.5, -inf),
        (tg.power, 1e-200, 2.0, 1e-200 * (1 - 400 * math.log(10))),
        (tg.arctan2, 1e-200, 1e-200, 0),
        (tg.hypot, 5e-200, 12e-200, -60 / 2197 * 1e200),
        (tg.hypot, 5e200, 12e200, -60 / 2197 * 1e-200),
        (tg.xlogy, 0.0, 4.0, 1 / 4),
        (tg.logaddexp, 0.0, 0.0, -1 / 4),
        (tg.hypot, 1.0, 0.0, 0),
        (tg.hypot, 3.0, 4.0, -12 / 125),
    ],
)
@pytest.mark.parametrize("first", [0, 1])
def test_mixed_derivative_in_either_order(
    f: Callable[..., Any], x: float, y: float, expected: float, first: int
) -> None:
    leaves = [tg.tensor(x, requires_grad=True), tg.tensor(y, requires_grad=True)]
    once = cotangents(f(*leaves), create_graph=True)[leaves[first]]
    twice = cotangents(once)[leaves[1 - first]]
    np.testing.assert_allclose(twice, expected, rtol=1e-14, atol=1e-300)


nan = math.nan


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (lambda x: tg.where(x > 0, tg.log(x), 0.0), [-1.0, 0.0, 2.0], [0, 0, 0.5]),
        (lambda x: tg.where(x != 0, tg.sin(x) / x, 1.0), [0.0, inf], [0, nan]),
        (lambda x: tg.where(tg.isnan(x), 0.0, tg.tanh(x)), [nan, 0.0], [0, 1]),
        (lambda x: tg.where(tg.isnan(x), 0.0, tg.sigmoid(x)), [nan, 0.0], [0, 0.25]),
        (lambda x: tg.where(x < 700, tg.exp(x), 0.0), [800.0, 0.0], [0, 1]),
        (lambda x: tg.sqrt(tg.relu(x)), [-1.0, 4.0], [0, 0.25]),
        (lambda x: tg.log(tg.clip(x, 0, 1)), [-1.0, 0.5, 2.0], [0, 2, 0]),
        (lambda x: tg.sqrt(tg.maximum(x, 0.0)), [-1.0, 4.0], [0, 0.25]),
        (lambda x: tg.reciprocal(tg.where(x > 0, x, 0.0)), [-1.0, 2.0], [0, -0.25]),
    ],
)
def test_what_is_not_chosen_gets_exactly_zero(
    f: Callable[[Any], Any], at: list[float], expected: list[float]
) -> None:
    x = tg.tensor(at, requires_grad=True)
    tg.sum(f(x)).backward()
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_what_is_not_chosen_gets_zero_in_every_precision(dtype: Any) -> None:
    chosen = np.arange(5000) % 3 == 0
    x = tg.tensor(np.ones(5000, dtype), requires_grad=True)
    upstream = np.resize(np.array([2, np.nan, -np.inf], dtype), 5000)
    tg.where(chosen, x, 0.0).backward(upstream)
    assert x.grad.dtype == dtype
    np.testing.assert_array_equal(x.grad.numpy(), np.where(chosen, 2, 0))
    assert not np.signbit(x.grad.numpy()).any()


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"])
@pytest.mark.parametrize("other", [2, 2.5, np.float64(2.5), np.array([2.0, 1.5])], ids=repr)
def test_operators_on_both_sides(name: str, other: Any) -> None:
    f = getattr(operator, name)
    values = np.array([1.5, 4.0])
    x = tg.tensor(values, requires_grad=True)
    for out, expected in ((f(x, other), f(values, other)), (f(other, x), f(other, values))):
        assert isinstance(out, tg.Tensor) and out.requires_grad
        np.testing.assert_allclose(out.numpy(), expected, rtol=1e-15)
    changed = tg.tensor(values)
    changed = getattr(operator, f"i{name}")(changed, other)
    np.testing.assert_allclose(changed.numpy(), f(values, other), rtol=1e-15)


def test_python_functions_on_tensors() -> None:
    x = tg.tensor([-7.25, 7.5])
    assert [t.tolist() for t in divmod(x, 2)] == [[-4.0, 3.0], [0.75, 1.5]]
    assert [t.tolist() for t in divmod(10, x)] == [[-2.0, 1.0], [-4.5, 2.5]]
    assert round(x).tolist() == [-7.0, 8.0]
    assert round(x, 1).tolist() == [-7.2, 7.5]
    assert abs(x).tolist() == [7.25, 7.5]
    assert (math.floor(x[0]), math.ceil(x[0]), int(x[0])) == (-8, -7, -7)


UNARY = (  # noqa: SIM905 - a list would take a page
    "abs arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil cos cosh exp exp2 expm1 floor "
    "log log10 log1p log2 negative positive reciprocal round sign sin sinc sinh sqrt square tan "
    "tanh trunc"
).split()
BINARY = (  # noqa: SIM905 - a list would take a page
    "add arctan2 divide floor_divide fmax fmin fmod hypot logaddexp logaddexp2 maximum minimum "
    "multiply power remainder subtract"
).split()


@pytest.mark.parametrize("name", UNARY + BINARY)
def test_numpy_functions_dispatch(name: str) -> None:
    values = np.array([1.25, 2.5]) if name == "arccosh" else np.array([0.25, 0.5])
    x = tg.tensor(values, requires_grad=True)
    arguments = (x, values[::-1]) if name in BINARY else (x,)
    plain = (values, values[::-1]) if name in BINARY else (values,)
    out = getattr(np, name)(*arguments)
    assert isinstance(out, tg.Tensor) and out.requires_grad
    np.testing.assert_allclose(out.numpy(), getattr(np, name)(*plain), rtol=1e-15)


def test_clip_takes_numpy_names_and_bounds_of_every_kind() -> None:
    x = tg.tensor([-2.0, 0.5, 1.0, 3.0, nan], requires_grad=True)
    expected = np.clip(x.numpy(), 0, 1)
    low, high = tg.tensor(0.0, requires_grad=True), np.array(1.0)
    for out in (
        np.clip(x, 0, 1),
        np.clip(x, a_min=0, a_max=1),
        tg.clip(x, min=0, max=1),
        tg.clip(x, low, high),
        x.clip(0, 1),
    ):
        np.testing.assert_array_equal(out.numpy(), expected)
    tg.clip(x[:-1], low, high).sum().backward()
    assert x.grad.tolist() == [0, 1, 0, 0, 0] and low.grad.item() == 1
    with pytest.raises(TypeError, match="a bound once"):
        tg.clip(x, 0, min=1)
    assert tg.clip(np.array([1, 5]), 2, None).dtype == np.int64


@pytest.mark.parametrize(("f", "reference"), [(tg.erf, math.erf), (tg.erfc, math.erfc)])
def test_error_function_is_right_to_the_last_digits(
    f: Callable[[Any], Any], reference: Callable[[float], float]
) -> None:
    x = np.concatenate([np.linspace(-7, 26, 3001), np.logspace(-300, 0, 100), [-0.46875, 4.0]])
    for dtype, units in (("float64", 1), ("float32", 8)):
        points = x[np.abs(x) < 9].astype(dtype) if dtype == "float32" else x
        expected = np.array([reference(float(v)) for v in points]).astype(dtype)
        found = f(points)
        assert found.dtype == dtype
        assert np.max(np.abs(found - expected) / np.spacing(np.abs(expected))) <= units
        many = np.resize(points, (3, 9001))
        np.testing.assert_array_equal(f(many), np.resize(found, many.shape))


def test_gelu_approximations() -> None:
    x = np.linspace(-5, 5, 101)
    np.testing.assert_allclose(tg.gelu(x, "tanh"), tg.gelu(x), atol=1e-3)
    inner = math.sqrt(2 / pi) * (x + 0.044715 * x**3)
    np.testing.assert_allclose(tg.gelu(x, "tanh"), x * (1 + np.tanh(inner)) / 2, atol=1e-15)
    with pytest.raises(ValueError, match="approximate='none' or 'tanh'"):
        tg.gelu(x, "fast")


def test_rules_in_extended_precision() -> None:
    x = tg.tensor(np.array([-1, 2], np.longdouble), requires_grad=True)
    tg.relu(x).sum().backward()
    assert x.grad.tolist() == [0, 1] and x.grad.dtype == np.longdouble


def test_integers_become_floating_where_numpy_makes_them_so() -> None:
    for name in ("sigmoid", "softplus", "logsigmoid", "erf", "erfc", "sinc", "exp", "softmax"):
        for x in (np.array([3, 2, 1], "uint8"), np.array([3, 2, 1])):
            out = getattr(tg, name)(x)
            np.testing.assert_allclose(out, getattr(tg, name)(x.astype(float)), rtol=1e-3)
            if hasattr(np, name):
                assert out.dtype == getattr(np, name)(x).dtype


def test_half_precision_does_not_overflow_inside() -> None:
    x = tg.tensor(np.array([-60000, -20, 20, 60000], "float16"), requires_grad=True)
    for f in (tg.sigmoid, tg.tanh, tg.softplus, tg.silu, tg.gelu, tg.mish, tg.softsign, tg.elu):
        out = f(x)
        assert out.dtype == np.float16 and np.isfinite(out.numpy()).all()
        x.grad = None
        out.sum().backward()
        assert x.grad.dtype == np.float16 and np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("gap", [1.0, 20.0, 40.0, 300.0])
def test_the_smooth_maximum_keeps_its_digits_where_one_element_dominates(gap: float) -> None:
    x = np.array([0.0, -gap, -gap])
    near_zero = math.log1p(2 * math.exp(-gap))
    assert tg.logsumexp(x) == pytest.approx(near_zero, rel=1e-15)
    assert tg.log_softmax(x)[0] == pytest.approx(-near_zero, rel=1e-15)
    assert tg.log_softmax(np.stack([x, np.zeros(3)]))[1] == pytest.approx(-math.log(3), rel=1e-15)


@pytest.mark.parametrize("length", [5000, 70000])
def test_the_smooth_maximum_of_many_halves_is_rounded_once(length: int) -> None:
    x = tg.tensor(np.ones((length, 2), "float16"), requires_grad=True)
    weight = np.full((length, 2), 2, "float16")  # whose sum is beyond the largest half
    weight[0] = 4
    halves = {"softmax": 1 / length, "log_softmax": -math.log(length)}
    for name, expected in {**halves, "logsumexp": 1 + math.log(length)}.items():
        out = getattr(tg, name)(x, 0)
        assert out.dtype == np.float16
        np.testing.assert_array_equal(out.numpy(), np.full(out.shape, expected, "float16"))
    for f, expected in (
        (tg.softmax, (4 - (2 + 2 / length)) / length),
        (tg.log_softmax, 4 - (2 + 2 / length)),
        (lambda v, axis: tg.logsumexp(v, axis, keepdims=True), 4 / length),
    ):
        out = f(x, 0)
        x.grad = None
        out.backward(np.broadcast_to(weight[:1] if len(out) == 1 else weight, out.shape))
        assert x.grad.dtype == np.float16
        np.testing.assert_allclose(x.grad.numpy()[0], expected, rtol=5e-3, atol=1e-7)


@pytest.mark.parametrize("x", [-12, -9, 3, 12])
def test_halves_keep_what_is_left_of_a_saturated_function(x: int) -> None:
    def double(f: Callable[[Any], Any]) -> tuple[float, float]:
        return float(f(np.float64(x))), derivatives(f, float(x), 1)[0]

    for f in (tg.sigmoid, tg.softplus, tg.logsigmoid, tg.silu, tg.gelu, tg.mish):
        found = float(f(np.float16(x))), derivatives(f, np.float16(x), 1)[0]
        # half a unit in the last place of the normal and of the smallest halves, and some slack
        np.testing.assert_allclose(found, double(f), rtol=1e-3, atol=4e-8)


@pytest.mark.parametrize(
    "x", [np.float16(300), np.float16(60000), np.float32(1e20), np.float64(1e110), np.float64(inf)]
)
def test_the_cubic_of_gelu_does_not_overflow(x: Any) -> None:
    for end, slope in ((x, 1), (-x, 0)):
        assert tg.gelu(end, "tanh") == end * slope if slope else tg.gelu(end, "tanh") == 0
        assert derivatives(lambda v: tg.gelu(v, "tanh"), end, 2) == [slope, 0]


def test_what_is_not_a_number_passes_without_a_warning() -> None:
    for f in (tg.sigmoid, tg.softplus, tg.logsigmoid, tg.silu, tg.gelu, tg.mish):
        assert np.isnan(f(tg.tensor([nan])).numpy()).all()


# By mpmath, to 60 digits
FAR: list[tuple[Callable[..., Any], tuple[float, ...], list[float]]] = [
    (tg.sinc, (1.0,), [0.0, -1.0, 2.0]),
    (tg.sinc, (100.2,), [0.001867244079418464, 0.008055386729496244, -0.018589746546401914]),
    (tg.sinc, (1000000.3,), [2.5751803017220375e-07, 5.877848183206448e-07]),
    (tg.gelu, (-20.0,), [-5.507248237212468e-88]),
    (tg.gelu, (-36.5,), [-2.0238248852723182e-290]),
    (tg.hypot, (5e-324, 5e-324), [5e-324, 0.7071067811865476]),
    (tg.hypot, (1e-160, 5e-324), [1e-160, 1.0, 2.441008624005281e-167]),
    (tg.power, (5e-324, 1.0), [5e-324, 1.0, 0.0]),
    (tg.power, (-1e-310, 0.0), [1.0, 0.0]),
]


@pytest.mark.parametrize(("f", "at", "expected"), FAR)
def test_values_and_derivatives_by_the_first_argument(
    f: Callable[..., Any], at: tuple[float, ...], expected: list[float]
) -> None:
    first, *rest = at
    slopes = derivatives(lambda x: f(x, *rest), first, len(expected) - 1)
    found = [float(f(*at)), *slopes]
    np.testing.assert_allclose(found, expected, rtol=64 * np.finfo(float).eps, atol=1e-323)


def test_the_angle_of_a_length_beyond_the_largest_number() -> None:
    x = tg.tensor(1.7e308, requires_grad=True)
    with np.errstate(over="ignore"):
        tg.hypot(x, 1.7e308).backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.data, 0.5**0.5)


@pytest.mark.parametrize("value", [-2.0, -0.0, 0.0, 3.0, np.nan, np.inf, -np.inf])
def test_relu_of_a_single_number(value: float) -> None:
    x = tg.tensor(value, requires_grad=True)
    y = tg.relu(x)
    y.backward()
    np.testing.assert_array_equal(y.data, np.maximum(value, 0.0))
    assert type(y.data) is np.float64
    assert x.grad is not None
    assert x.grad.item() == (value > 0)
