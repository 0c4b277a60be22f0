"""The error function and the integral of the normal distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.ops.exponential import exp
from tinygrad_lite.primitive import primitive

# The rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error
# function", Mathematics of Computation 23 (1969), 631-637; highest powers first. Of erf(x) / x in
# x² up to 0.46875, of erfc(x) exp(x²) in x up to 4, and beyond it of its tail in 1 / x².
NEAR = 0.46875
MIDDLE = 4.0
FAR = 30.0  # from where erfc is 0 in double precision
ERF_NEAR = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (
        1.0,
        2.36012909523441209e1,
        2.44024637934444173e2,
        1.28261652607737228e3,
        2.84423683343917062e3,
    ),
)
ERFC_MIDDLE = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
ERFC_FAR = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242e0,
        1.87295284992346725e0,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)
INVERSE_SQRT_PI = 1 / math.sqrt(math.pi)


def _ratio(x: Any, coefficients: tuple[Sequence[float], Sequence[float]]) -> Any:
    numerator, denominator = (_polynomial(x, c) for c in coefficients)
    return numerator / denominator


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    value = coefficients[0] * x
    for c in coefficients[1:-1]:
        value += c
        value *= x
    value += coefficients[-1]
    return value


def _near(x: Any) -> Any:
    """erf(x) for |x| up to NEAR."""
    return x * _ratio(x * x, ERF_NEAR)


def _scaled_middle(x: Any) -> Any:
    return _ratio(x, ERFC_MIDDLE)


def _scaled_far(x: Any) -> Any:
    z = 1 / (x * x)
    return (INVERSE_SQRT_PI - z * _ratio(z, ERFC_FAR)) / x


def _tail(x: Any) -> Any:
    """erfc(x) for x above NEAR; exp(-x²) in two factors, since x² as such is rounded too much."""
    x = np.minimum(x, FAR)
    coarse = np.trunc(x * 16) / 16
    decay = np.exp(-coarse * coarse) * np.exp((coarse - x) * (coarse + x))
    return decay * np.piecewise(x, [x <= MIDDLE], [_scaled_middle, _scaled_far])


def _floating(x: Any) -> Any:
    """x in single or double precision."""
    x = np.asarray(x)
    return x.astype(np.promote_types(x.dtype, np.float32), copy=False)


def _like(out: Any, x: Any) -> Any:
    """``out`` in the half precision that x came in, if it did."""
    return out.astype(np.float16) if getattr(x, "dtype", None) == np.float16 else out


def _erf_forward(x: Any) -> Any:
    y = _floating(x)
    beyond = lambda y: np.copysign(1 - _tail(np.abs(y)), y)
    return _like(np.piecewise(y, [np.abs(y) <= NEAR], [_near, beyond]), x)


def _erfc_forward(x: Any) -> Any:
    y = _floating(x)
    pieces = [lambda y: 1 - _near(y), _tail, lambda y: 2 - _tail(-y)]
    return _like(np.piecewise(y, [np.abs(y) <= NEAR, y > NEAR], pieces), x)


erf = primitive(
    _erf_forward,
    (lambda g, out, x: g * (2 * INVERSE_SQRT_PI) * exp(-x * x),),
    name="erf",
    elementwise=True,
    doc="""The error function, 2/√π ∫₀ˣ exp(-t²) dt.

    >>> import tinygrad_lite as tg
    >>> tg.erf(tg.tensor([0.0, 1.0]))
    tensor([0.        , 0.84270079])
    """,
)

erfc = primitive(
    _erfc_forward,
    (lambda g, out, x: g * (-2 * INVERSE_SQRT_PI) * exp(-x * x),),
    name="erfc",
    elementwise=True,
    doc="""1 - erf(x), right to the last digits where erf is nearly 1.

    >>> import tinygrad_lite as tg
    >>> tg.erfc(tg.tensor([0.0, 10.0]))
    tensor([1.00000000e+00, 2.08848758e-45])
    """,
)

normal_cdf = primitive(
    lambda x: 0.5 * _erfc_forward(x * -math.sqrt(0.5)),
    (lambda g, out, x: g * math.sqrt(0.5) * INVERSE_SQRT_PI * exp(-0.5 * x * x),),
    name="normal_cdf",
    symbol="Φ",
    elementwise=True,
    doc="""The probability that a standard normal variable is below x.

    >>> import tinygrad_lite as tg
    >>> tg.normal_cdf(tg.tensor([0.0, 2.0]))
    tensor([0.5       , 0.97724987])
    """,
)
