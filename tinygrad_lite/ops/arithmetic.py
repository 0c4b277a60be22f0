"""Sums, products, quotients and powers, element by element with broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.selection import where
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
    symbol="−",  # noqa: RUF001 - the sign that is drawn
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
    symbol="×",  # noqa: RUF001 - the sign that is drawn
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

square = primitive(
    np.square,
    (lambda g, out, x: g * 2 * x,),
    symbol="x²",
    elementwise=True,
    doc="""x², which is what ``x ** 2`` becomes.

    >>> import tinygrad_lite as tg
    >>> tg.square(tg.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """,
)


def _power_base(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * where(y == 0, 0.0, y * power(x, y - 1))


def _power_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    from tinygrad_lite.ops.exponential import log

    return g * where((x == 0) & (y >= 0), 0.0, out * log(where(x == 0, 1.0, x)))


power = primitive(
    np.power,
    (_power_base, _power_exponent),
    symbol="xʸ",
    elementwise=True,
    doc="""x ** y.

    At x = 0 the derivative in x is 0 for y = 0 and y > 1, 1 for y = 1; in y it is 0 for y >= 0.

    >>> import tinygrad_lite as tg
    >>> tg.power(tg.tensor([1.0, 2.0]), 3.0)
    tensor([1., 8.])
    """,
)
