"""Exponentials, logarithms and roots."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.primitive import Primitive, primitive

LN2: float = math.log(2)
LN10 = math.log(10)

exp: Primitive = primitive(
    np.exp,
    (lambda g, out, x: g * out,),
    elementwise=True,
    doc="""e to the power x.

    >>> import tinygrad_lite as tg
    >>> tg.exp(tg.tensor([0.0, 1.0]))
    tensor([1.        , 2.71828183])
    """,
)

exp2 = primitive(
    np.exp2,
    (lambda g, out, x: g * out * LN2,),
    symbol="2ˣ",
    elementwise=True,
    doc="""2 to the power x.

    >>> import tinygrad_lite as tg
    >>> tg.exp2(tg.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """,
)

expm1 = primitive(
    np.expm1,
    (lambda g, out, x: g * exp(x),),  # out + 1 would lose the digits of small powers
    symbol="eˣ−1",
    elementwise=True,
    doc="""e to the power x, less 1, right to the last digits for small x.

    >>> import tinygrad_lite as tg
    >>> tg.expm1(tg.tensor([0.0, 1e-20]))
    tensor([0.e+00, 1.e-20])
    """,
)

log = primitive(
    np.log,
    (lambda g, out, x: g / x,),
    elementwise=True,
    doc="""The natural logarithm; its derivative at 0 is infinite.

    >>> import tinygrad_lite as tg
    >>> tg.log(tg.tensor([1.0, 2.0]))
    tensor([0.        , 0.69314718])
    """,
)

log2 = primitive(
    np.log2,
    (lambda g, out, x: g / LN2 / x,),
    elementwise=True,
    doc="""The logarithm to base 2.

    >>> import tinygrad_lite as tg
    >>> tg.log2(tg.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """,
)

log10 = primitive(
    np.log10,
    (lambda g, out, x: g / LN10 / x,),
    elementwise=True,
    doc="""The logarithm to base 10.

    >>> import tinygrad_lite as tg
    >>> tg.log10(tg.tensor([1.0, 1000.0]))
    tensor([0., 3.])
    """,
)

log1p = primitive(
    np.log1p,
    (lambda g, out, x: g / (1 + x),),
    symbol="log(1+x)",
    elementwise=True,
    doc="""The natural logarithm of 1 + x, right to the last digits for small x.

    >>> import tinygrad_lite as tg
    >>> tg.log1p(tg.tensor([0.0, 1e-20]))
    tensor([0.e+00, 1.e-20])
    """,
)

sqrt: Primitive = primitive(
    np.sqrt,
    (lambda g, out, x: g / (2 * out),),
    symbol="√",
    elementwise=True,
    doc="""The square root; its derivative at 0 is infinite.

    >>> import tinygrad_lite as tg
    >>> tg.sqrt(tg.tensor([1.0, 4.0]))
    tensor([1., 2.])
    """,
)

cbrt = primitive(
    np.cbrt,
    (lambda g, out, x: g / (3 * out * out),),
    symbol="∛",
    elementwise=True,
    doc="""The cube root, of negative numbers as well; its derivative at 0 is infinite.

    >>> import tinygrad_lite as tg
    >>> tg.cbrt(tg.tensor([-8.0, 27.0]))
    tensor([-2.,  3.])
    """,
)


def _xlogy_forward(x: Any, y: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        product = x * np.log(y)
    return np.where((np.equal(x, 0)) & ~np.isnan(y), 0, product)


def _ratio_forward(x: Any, y: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(x, 0) & np.equal(y, 0), 0, np.divide(x, y))


_ratio: Primitive = primitive(
    _ratio_forward,
    (
        lambda g, out, x, y: g / y,
        lambda g, out, x, y: -_ratio(_ratio(g * x, y), y),
    ),
    name="ratio",
    symbol="÷",
    elementwise=True,
    doc="x / y, and 0 where both are 0.",
)


def _xlogy_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * _ratio(x, y)


xlogy: Primitive = primitive(
    _xlogy_forward,
    (lambda g, out, x, y: xlogy(g, y), _xlogy_y),
    name="xlogy",
    symbol="x·log y",
    elementwise=True,
    doc="""x log y, and 0 where x is 0 (unless y is not a number).

    The derivatives are log y, infinite at y = 0, and x / y, taken as 0 where both are 0.

    >>> import tinygrad_lite as tg
    >>> tg.xlogy(tg.tensor([0.0, 1.0]), tg.tensor([0.0, 2.0]))
    tensor([0.        , 0.69314718])
    """,
)
