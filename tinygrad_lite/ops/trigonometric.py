"""Circular and hyperbolic functions and their inverses, and the cardinal sine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.plane import hypot
from tinygrad_lite.primitive import Primitive, primitive

sin = primitive(
    np.sin,
    (lambda g, out, x: g * cos(x),),
    elementwise=True,
    doc="""The sine of an angle in radians.

    >>> import tinygrad_lite as tg
    >>> tg.sin(tg.tensor([0.0, 1.0]))
    tensor([0.        , 0.84147098])
    """,
)

cos: Primitive = primitive(
    np.cos,
    (lambda g, out, x: -g * sin(x),),
    elementwise=True,
    doc="""The cosine of an angle in radians.

    >>> import tinygrad_lite as tg
    >>> tg.cos(tg.tensor([0.0, 1.0]))
    tensor([1.        , 0.54030231])
    """,
)

tan = primitive(
    np.tan,
    (lambda g, out, x: g * (1 + out * out),),
    elementwise=True,
    doc="""The tangent of an angle in radians.

    >>> import tinygrad_lite as tg
    >>> tg.tan(tg.tensor([0.0, 1.0]))
    tensor([0.        , 1.55740772])
    """,
)

_arcsin_slope: Primitive = primitive(
    lambda x: 1 / np.sqrt((1 - x) * (1 + x)),
    (lambda g, out, x: g * x * out * out * out,),  # the factors' own rules would cancel near 0
    name="1/√(1−x²)",
    elementwise=True,
    doc="""1 / √(1 - x²), right to the last digits near ±1.""",
)

arcsin = primitive(
    np.arcsin,
    (lambda g, out, x: g * _arcsin_slope(x),),
    elementwise=True,
    doc="""The angle between -π/2 and π/2 with sine x; its derivative at ±1 is infinite.

    >>> import tinygrad_lite as tg
    >>> tg.arcsin(tg.tensor([0.0, 1.0]))
    tensor([0.        , 1.57079633])
    """,
)

arccos = primitive(
    np.arccos,
    (lambda g, out, x: -g * _arcsin_slope(x),),
    elementwise=True,
    doc="""The angle between 0 and π with cosine x; its derivative at ±1 is -infinity.

    >>> import tinygrad_lite as tg
    >>> tg.arccos(tg.tensor([1.0, -1.0]))
    tensor([0.        , 3.14159265])
    """,
)

arctan = primitive(
    np.arctan,
    (lambda g, out, x: g / hypot(x, 1.0) / hypot(x, 1.0),),  # a square would overflow
    elementwise=True,
    doc="""The angle between -π/2 and π/2 with tangent x.

    >>> import tinygrad_lite as tg
    >>> tg.arctan(tg.tensor([0.0, 1.0]))
    tensor([0.        , 0.78539816])
    """,
)

sinh = primitive(
    np.sinh,
    (lambda g, out, x: g * cosh(x),),
    elementwise=True,
    doc="""The hyperbolic sine, (exp(x) - exp(-x)) / 2.

    >>> import tinygrad_lite as tg
    >>> tg.sinh(tg.tensor([0.0, 1.0]))
    tensor([0.        , 1.17520119])
    """,
)

cosh: Primitive = primitive(
    np.cosh,
    (lambda g, out, x: g * sinh(x),),
    elementwise=True,
    doc="""The hyperbolic cosine, (exp(x) + exp(-x)) / 2.

    >>> import tinygrad_lite as tg
    >>> tg.cosh(tg.tensor([0.0, 1.0]))
    tensor([1.        , 1.54308063])
    """,
)


def _sech2_forward(x: Any) -> Any:
    small = np.exp(-2 * np.abs(x))
    half = 2 / (1 + small)
    return small * half * half


_sech2 = primitive(
    _sech2_forward,
    (lambda g, out, x: -2 * g * out * tanh(x),),
    name="sech²",
    elementwise=True,
    doc="""1 / cosh(x)², without overflow.""",
)

tanh: Primitive = primitive(
    np.tanh,
    (lambda g, out, x: g * _sech2(x),),  # 1 - out² would lose the digits of large x
    elementwise=True,
    doc="""The hyperbolic tangent; its derivative is right to the last digits at both ends.

    >>> import tinygrad_lite as tg
    >>> tg.tanh(tg.tensor([0.0, 1.0]))
    tensor([0.        , 0.76159416])
    """,
)


arcsinh = primitive(
    np.arcsinh,
    (lambda g, out, x: g / hypot(x, 1.0),),  # a square would overflow
    elementwise=True,
    doc="""The number whose hyperbolic sine is x.

    >>> import tinygrad_lite as tg
    >>> tg.arcsinh(tg.tensor([0.0, 1.0]))
    tensor([0.        , 0.88137359])
    """,
)

_arccosh_slope: Primitive = primitive(
    lambda x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    (lambda g, out, x: -0.5 * g * out * (1 / (x - 1) + 1 / (x + 1)),),
    name="1/√(x²−1)",
    elementwise=True,
    doc="""1 / √(x² - 1), without overflow.""",
)

arccosh = primitive(
    np.arccosh,
    (lambda g, out, x: g * _arccosh_slope(x),),
    elementwise=True,
    doc="""The number, not below 0, whose hyperbolic cosine is x; its derivative at 1 is infinite.

    >>> import tinygrad_lite as tg
    >>> tg.arccosh(tg.tensor([1.0, 2.0]))
    tensor([0.        , 1.3169579])
    """,
)

_arctanh_slope: Primitive = primitive(
    lambda x: 1 / (1 - x) / (1 + x),  # a product would overflow
    (lambda g, out, x: 2 * g * x * out * out,),  # the factors' own rules would cancel near 0
    name="1/(1−x²)",
    elementwise=True,
    doc="""1 / (1 - x²), right to the last digits near ±1.""",
)

arctanh = primitive(
    np.arctanh,
    (lambda g, out, x: g * _arctanh_slope(x),),
    elementwise=True,
    doc="""The number whose hyperbolic tangent is x; its derivative at ±1 is infinite.

    >>> import tinygrad_lite as tg
    >>> tg.arctanh(tg.tensor([0.0, 0.5]))
    tensor([0.        , 0.54930614])
    """,
)


def _sinc_forward(x: Any, *, order: int) -> Any:
    """The derivative of that order of sin(πx) / (πx), which is πⁿ ∫₀¹ tⁿ cos(πxt + nπ/2) dt.

    Near 0 by its power series, elsewhere by integrating by parts n times.
    """
    wide = np.asarray(x, np.float64)
    near = np.abs(wide) < (3 + order) / math.pi
    z = np.where(near, math.pi * wide, 0)
    series = np.zeros_like(wide)
    for k in range((order + 1) // 2, 16 + 2 * order):
        power = 2 * k - order
        series = series + (-1) ** k / (math.factorial(power) * (2 * k + 1)) * z**power
    z = np.where(near, 1, wide)
    turn = math.pi * (np.fmod(z, 2) - (rest := np.rint(np.fmod(z, 2))))
    sign = 1 - 2 * np.abs(np.fmod(rest, 2))
    z = math.pi * z
    sine, cosine = sign * np.sin(turn), sign * np.cos(turn)  # of πx, without its rounding
    waves = sine, cosine, -sine, -cosine
    far = waves[0] / z
    for n in range(1, order + 1):
        far = (waves[n % 4] - n * far) / z
    slope: Any = math.pi**order * np.where(near, series, far)
    return slope.astype(np.result_type(np.asarray(x), 1.0))


_sinc: Primitive = primitive(
    _sinc_forward,
    (lambda g, out, x, order: g * _sinc(x, order=order + 1),),
    name="sinc",
    elementwise=True,
)


def sinc(x: Any) -> Any:
    """sin(πx) / (πx), and 1 at 0; its derivatives of every order are right at 0 and near it.

    >>> import tinygrad_lite as tg
    >>> tg.sinc(tg.tensor([0.0, 0.5]))
    tensor([1.        , 0.63661977])
    """
    return _sinc(x, order=0)
