"""The error function and the integral of the normal distribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.ops.exponential import exp
from tinygrad_lite.primitive import primitive

INVERSE_SQRT_PI = 1 / math.sqrt(math.pi)

# erfc(x) exp(x²) for x >= 0 as a quotient of polynomials, highest powers first: W. J. Cody,
# "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969),
# 631-637. Meant for 0.46875 <= x <= 4, it serves single precision from 0 to where erfc is 0.
NUMERATOR = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
DENOMINATOR = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)
END = 10.5  # erfc is 0 in single precision from here
BLOCK = 8192  # elements whose intermediate results fit into the cache


def _polynomial(x: Any, coefficients: Sequence[float], out: Any) -> Any:
    np.multiply(x, coefficients[0], out)
    for c in coefficients[1:-1]:
        out += c
        out *= x
    out += coefficients[-1]
    return out


def erfc_single(x: Any, out: Any, work: Any) -> None:
    """erfc of a vector in single precision: a few dozen passes, much quicker than a call for each.

    Args:
        x: the vector.
        out: where the result goes, which may be ``x`` itself.
        work: memory for four vectors as long as ``x``, or for parts of it of any length.
    """
    for start in range(0, x.size, work.shape[1]):
        z = x[start : start + work.shape[1]]
        y, coarse, tail, rest = work[:, : z.size]
        np.minimum(np.abs(z, y), END, out=y)
        np.multiply(y, 16, coarse)
        np.trunc(coarse, coarse)
        coarse /= 16  # its square is exact, unlike that of y
        np.subtract(coarse, y, tail)
        tail *= np.add(coarse, y, rest)
        np.exp(tail, tail)
        coarse *= coarse
        tail *= np.exp(np.negative(coarse, coarse), coarse)
        tail *= _polynomial(y, NUMERATOR, rest)
        tail /= _polynomial(y, DENOMINATOR, rest)
        np.copysign(1, z, coarse)  # -0 has a sign as well
        tail *= coarse
        np.subtract(1, coarse, coarse)
        np.add(tail, coarse, out[start : start + z.size])


def _erfc_single(x: Any) -> Any:
    flat = np.ravel(x)
    out = np.empty_like(flat)
    erfc_single(flat, out, np.empty((4, min(flat.size, BLOCK) or 1), flat.dtype))
    return out.reshape(np.shape(x))[()]


def _each(function: Callable[[float], float], x: Any) -> Any:
    """A function of the C library, of every element."""
    x = np.asarray(x)
    dtype = x.dtype if x.dtype.kind == "f" else np.float64
    return np.fromiter(map(function, x.ravel().tolist()), dtype, x.size).reshape(x.shape)


def _erfc_forward(x: Any) -> Any:
    dtype = getattr(x, "dtype", None)
    if dtype == np.float32:
        return _erfc_single(x)
    if dtype == np.float16:
        return _erfc_single(x.astype(np.float32)).astype(np.float16)
    return _each(math.erfc, x)


erf = primitive(
    lambda x: _each(math.erf, x),
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


def _halves(x: Any) -> tuple[Any, Any]:
    """Two numbers of half the digits each, whose products are exact, with the sum x."""
    high = np.asarray(x, np.float32).astype(np.float64)
    return high, x - high


def _normal_cdf_forward(x: Any) -> Any:
    z = x * -math.sqrt(0.5)
    out = 0.5 * _erfc_forward(z)
    if np.result_type(z) != np.float64 or not np.any(z > 1):
        return out
    z = np.clip(z, 0, 40)  # in the tail, exp(-z²) magnifies what z was rounded by
    (a, b), (c, d) = _halves(z), _halves(np.clip(x, -56, 0))
    excess = (a * a - 0.5 * c * c) + (2 * a * b - c * d) + (b * b - 0.5 * d * d)
    return np.where((z > 1) & (x > -56), out * (1 + excess), out)


normal_cdf = primitive(
    _normal_cdf_forward,
    (lambda g, out, x: g * (math.sqrt(0.5) * INVERSE_SQRT_PI) * exp(-0.5 * x * x),),
    name="normal_cdf",
    symbol="Φ",
    elementwise=True,
    doc="""The probability that a standard normal variable is below x.

    >>> import tinygrad_lite as tg
    >>> tg.normal_cdf(tg.tensor([0.0, 2.0]))
    tensor([0.5       , 0.97724987])
    """,
)
