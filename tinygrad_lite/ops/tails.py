"""silu, gelu and mish, all their derivatives, also where their gates are too small for digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import Polynomial

from tinygrad_lite.ops.normal import normal_cdf
from tinygrad_lite.primitive import Primitive, primitive

# Each is relu(x) - s h(s) with s = |x|, where h, what its gate lacks on the right and lets through
# on the left, falls to 0. The n-th derivative of s h is s h⁽ⁿ⁾ + n h⁽ⁿ⁻¹⁾, and all of it has an
# exponential as a factor: half of its exponent comes last, so that what is too small is rounded
# once, and not before it meets a large s.

NOTHING = 1e4  # everything is gone here in any precision


def _tailed(name: str, rest: Callable[[Any, Any, int], Any]) -> Primitive:
    """relu(x) - rest, where ``rest(x, s, n)`` is the n-th derivative of s h(s) by s."""

    def forward(x: Any, *, order: int) -> Any:
        out = rest(x, np.minimum(np.abs(x), NOTHING), order)
        if order == 0:
            return np.maximum(x, 0) - out
        if order == 1:
            return np.where(np.less(x, 0), out, 1 - out)
        return -out if order % 2 == 0 else np.where(np.less(x, 0), out, -out)

    operation: Primitive = primitive(
        forward,
        (lambda g, out, x, order: g * operation(x, order=order + 1),),
        name=name,
        elementwise=True,
        doc=f"""The derivative of {name} of an order, where 0 is {name} itself.""",
    )
    return operation


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """With these coefficients, that of the highest power first, by Horner's rule."""
    return reduce(lambda total, c: total * x + c, coefficients[1:], coefficients[0] + 0 * x)


class _Fraction(NamedTuple):
    """tᵖ numerator(t) / denominator(t) of t = exp(-s), the coefficients from the highest down."""

    power: int
    numerator: tuple[float, ...]
    denominator: tuple[float, ...]


@cache
def _slope(h: _Fraction, order: int) -> tuple[float, ...]:
    """The numerator of the derivative of that order by s, which is over denominatorⁿ⁺¹."""
    n, d = Polynomial(h.numerator[::-1]), Polynomial(h.denominator[::-1])
    t = Polynomial([0, 1])
    for k in range(1, order + 1):
        n = (k * n * d.deriv() - n.deriv() * d) * t - h.power * n * d
    return tuple(n.coef[::-1].tolist())


def _fraction_rest(h: _Fraction, s: Any, half: Any, order: int) -> Any:
    """The derivative of s h(s) of that order, given exp(-s / 2)."""
    t = half * half
    d = _polynomial(t, h.denominator)
    top = s * _polynomial(t, _slope(h, order))
    if order:
        top = top + order * _polynomial(t, _slope(h, order - 1)) * d
    share = half if h.power == 1 else t
    return top / d ** (order + 1) * share * share


_LOGISTIC = _Fraction(1, (1,), (1, 1))
_MISH = _Fraction(1, (1, 2), (1, 2, 2)), _Fraction(2, (2,), (2, 2, 1))  # left and right of 0


def _silu_rest(x: Any, s: Any, order: int) -> Any:
    return _fraction_rest(_LOGISTIC, s, np.exp(-0.5 * s), order)


def _mish_rest(x: Any, s: Any, order: int) -> Any:
    half = np.exp(-0.5 * s)
    left, right = (_fraction_rest(h, s, half, order) for h in _MISH)
    return np.where(np.less(x, 0), left, right)


PEAK = 1 / math.sqrt(2 * math.pi)  # of the density of the normal distribution


def _times_density(m: Any, s: Any) -> Any:
    s = np.minimum(s, 40)
    coarse = np.trunc(16 * s) / 16  # its square is exact, unlike that of s
    half = np.exp(-0.25 * coarse * coarse)
    return PEAK * m * np.exp(-0.5 * (s - coarse) * (s + coarse)) * half * half


@cache
def _hermite(order: int) -> tuple[float, ...]:
    """The polynomial which, times the density, is the derivative of the density."""
    p = Polynomial([1])
    for _ in range(order):
        p = p.deriv() - Polynomial([0, 1]) * p
    return tuple(p.coef[::-1].tolist())


_MILLS = (10395.0, -945.0, 105.0, -15.0, 3.0, -1.0, 1.0)  # ±1, 1 · 3, 1 · 3 · 5, ...


def _gelu_rest(x: Any, s: Any, order: int) -> Any:
    """h is Φ(-s): its derivative is the density, but for the sign."""
    if order > 1:
        first, second = (_polynomial(s, _hermite(order - k)) for k in (1, 2))
        return _times_density(-s * first - order * second, s)
    h = normal_cdf.forward(-s)
    near = s * h if order == 0 else h - _times_density(s, s)
    far = np.greater(s, 12 if np.result_type(s) == np.float32 else 30)
    z = np.where(far, s, 1)
    ratio = _polynomial(1 / (z * z), _MILLS)  # s h(s) over the density (Mills), from far on
    return np.where(far, _times_density(ratio if order == 0 else ratio / z - s, s), near)


silu = _tailed("silu", _silu_rest)
mish = _tailed("mish", _mish_rest)
gelu = _tailed("gelu", _gelu_rest)
