"""Sums, products, quotients and powers, element by element with broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.compare import isinf, isnan
from tinygrad_lite.ops.exponential import log
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.shape import cast
from tinygrad_lite.primitive import primitive

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


def _power_base(g: Any, out: Any, x: Any, y: Any) -> Any:
    steep = x ** (y - 1)
    if type(y) in (int, float) and 0 < abs(y) < math.inf:
        return g * (y * steep)
    flat = (y == 0) & ((x == 0) | isnan(x)) | (steep == 0) & isinf(y)
    return g * where(flat, 0, y * steep)


def _power_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    nothing = (x == 0) & (y >= 0) | (x == math.inf) & (y < 0)
    base = cast(where(nothing, 1, x), out.dtype)
    return g * where(nothing, 0, out * log(base))


power = primitive(
    np.power,
    (_power_base, _power_exponent),
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
