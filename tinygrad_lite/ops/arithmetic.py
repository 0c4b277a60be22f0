"""Sums, products, quotients and powers, element by element with broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.compare import isinf
from tinygrad_lite.ops.exponential import log, xlogy
from tinygrad_lite.ops.selection import where
from tinygrad_lite.primitive import Primitive, primitive

add = primitive(
    np.add,
    (lambda g, out, x, y: g, lambda g, out, x, y: g),
    symbol="+",
    elementwise=True,
    bounded=True,
    doc="""x + y.

    >>> import tinygrad_lite as tg
    >>> tg.add(tg.tensor([1.0, 2.0]), 10.0)
    tensor([11., 12.])
    """,
)

subtract = primitive(
    np.subtract,
    (lambda g, out, x, y: g, lambda g, out, x, y: -g),
    symbol="−",
    elementwise=True,
    bounded=True,
    doc="""x - y.

    >>> import tinygrad_lite as tg
    >>> tg.subtract(tg.tensor([1.0, 2.0]), 10.0)
    tensor([-9., -8.])
    """,
)

multiply = primitive(
    np.multiply,
    (lambda g, out, x, y: g * y, lambda g, out, x, y: g * x),
    symbol="×",
    elementwise=True,
    doc="""x * y.

    >>> import tinygrad_lite as tg
    >>> tg.multiply(tg.tensor([1.0, 2.0]), 10.0)
    tensor([10., 20.])
    """,
)

divide = primitive(
    np.divide,
    (lambda g, out, x, y: g / y, lambda g, out, x, y: -g * out / y),
    symbol="÷",
    elementwise=True,
    doc="""x / y.

    >>> import tinygrad_lite as tg
    >>> tg.divide(tg.tensor([1.0, 2.0]), 10.0)
    tensor([0.1, 0.2])
    """,
)

negative = primitive(
    np.negative,
    (lambda g, out, x: -g,),
    symbol="neg",
    elementwise=True,
    bounded=True,
    doc="""-x.

    >>> import tinygrad_lite as tg
    >>> tg.negative(tg.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """,
)

positive = primitive(
    np.positive,
    (lambda g, out, x: g,),
    symbol="copy",
    elementwise=True,
    bounded=True,
    doc="""+x: a copy.

    >>> import tinygrad_lite as tg
    >>> tg.positive(tg.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """,
)

reciprocal = primitive(
    np.reciprocal,
    (lambda g, out, x: -g * out * out,),
    symbol="1/x",
    elementwise=True,
    doc="""1 / x, which NumPy rounds towards 0 for integers; its derivative at 0 is -infinity.

    >>> import tinygrad_lite as tg
    >>> tg.reciprocal(tg.tensor([1.0, -2.0]))
    tensor([ 1. , -0.5])
    """,
)

square = primitive(
    np.square,
    (lambda g, out, x: 2 * g * x,),
    symbol="x²",
    elementwise=True,
    doc="""x², which is what ``x ** 2`` becomes.

    >>> import tinygrad_lite as tg
    >>> tg.square(tg.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """,
)


def _slope_forward(x: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        steep = np.power(x, y - 1)
        flat = np.equal(y, 0) | (steep == 0) & np.isinf(y)
        return np.where(flat, 0, y * steep)


def _rate_forward(x: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        out = np.power(x, y)
        nothing = (x == 0) & (y >= 0) | (x == math.inf) & (y < 0)
        return np.where(nothing, 0, out * np.log(x, dtype=out.dtype))


def _mixed(x: Any, y: Any) -> Any:
    """The derivative of x^y by both: x^(y-1) (1 + y log x), 0 at x = 0 for y = 0 and y > 1."""
    flat = (x == 0) & ((y == 0) | (y > 1))
    return where(flat, 0, x ** (y - 1) * (1 + xlogy(y, x)))


def _bend(x: Any, y: Any) -> Any:
    """The second derivative of x^y by x: y (y - 1) x^(y-2), 0 where y, or x^(y-2), is 0."""
    rest = _power_slope(x, y - 1)
    return where((y == 0) | (rest == 0) & isinf(y), 0, y * rest)


_power_slope: Primitive = primitive(
    _slope_forward,
    (
        lambda g, out, x, y: g * _bend(x, y),
        lambda g, out, x, y: g * _mixed(x, y),
    ),
    name="y·xʸ⁻¹",
    elementwise=True,
    doc="""y x^(y-1), the derivative of x^y by x; 0 where y is 0.""",
)

_power_rate: Primitive = primitive(
    _rate_forward,
    (
        lambda g, out, x, y: g * _mixed(x, y),
        lambda g, out, x, y: g * where(out == 0, 0, out * log(x)),
    ),
    name="xʸ·log x",
    elementwise=True,
    doc="""x^y log x, the derivative of x^y by y; 0 where x^y is 0.""",
)


def _power_base(g: Any, out: Any, x: Any, y: Any) -> Any:
    if type(y) in (int, float) and 0 < abs(y) < math.inf:
        return g * (y * x ** (y - 1))
    return g * _power_slope(x, y)


power = primitive(
    np.power,
    (_power_base, lambda g, out, x, y: g * _power_rate(x, y)),
    symbol="xʸ",
    elementwise=True,
    doc="""x ** y.

    The derivatives are y x^(y-1) and x^y log x. At x = 0 the first is 0 for y = 0 and y > 1, 1 for
    y = 1 and infinite for other y; the second is 0 for y >= 0. At infinities they are their limits,
    0 wherever x ** y falls to 0. The second is not a number for x < 0, where x ** y is a number for
    whole y only.

    >>> import tinygrad_lite as tg
    >>> tg.power(tg.tensor([1.0, 2.0]), 3.0)
    tensor([1., 8.])
    """,
)
