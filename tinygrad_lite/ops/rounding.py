"""Rounding to whole numbers, and what whole division leaves over."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.selection import zero
from tinygrad_lite.primitive import Primitive, primitive


def _step(ufunc: np.ufunc, symbol: str, what: str, results: str) -> Primitive:
    name = ufunc.__name__
    return primitive(
        ufunc,
        (zero,),
        symbol=symbol,
        elementwise=True,
        bounded=True,
        doc=f"""{what}; the derivative is 0, also at the jumps.

    >>> import tinygrad_lite as tg
    >>> tg.{name}(tg.tensor([-1.5, 0.5, 2.0]))
    tensor({results})
    """,
    )


floor = _step(np.floor, "⌊x⌋", "The largest whole number that is not above x", "[-2., 0., 2.]")
ceil = _step(np.ceil, "⌈x⌉", "The smallest whole number that is not below x", "[-1., 1., 2.]")
trunc = _step(np.trunc, "trunc", "x without its fractional part", "[-1., 0., 2.]")

_round = primitive(
    lambda x, *, decimals: np.round(x, decimals),
    (zero,),
    name="round",
    elementwise=True,
    bounded=True,
)


def round(x: Any, decimals: int = 0, out: None = None) -> Any:
    """x to a number of decimals, halves to the even digit; the derivative is 0.

    >>> import tinygrad_lite as tg
    >>> tg.round(tg.tensor([0.5, 1.5, 2.345]), 1)
    tensor([0.5, 1.5, 2.3])
    """
    no_out("round", out)
    return _round(x, decimals=decimals)


floor_divide = primitive(
    np.floor_divide,
    (zero, zero),
    symbol="//",
    elementwise=True,
    bounded=True,
    doc="""⌊x / y⌋, which is ``x // y``; the derivatives are 0.

    >>> import tinygrad_lite as tg
    >>> tg.floor_divide(tg.tensor([7.0, -7.0]), 2.0)
    tensor([ 3., -4.])
    """,
)

remainder = primitive(
    np.remainder,
    (lambda g, out, x, y: g, lambda g, out, x, y: -g * floor_divide(x, y)),
    symbol="%",
    elementwise=True,
    doc="""x - y ⌊x / y⌋, which is ``x % y``: it has the sign of y.

    The derivatives are 1 and -⌊x / y⌋; at a jump, those to the right of it.

    >>> import tinygrad_lite as tg
    >>> tg.remainder(tg.tensor([7.0, -7.0]), 4.0)
    tensor([3., 1.])
    """,
)

fmod = primitive(
    np.fmod,
    (lambda g, out, x, y: g, lambda g, out, x, y: -g * round((x - out) / y)),
    elementwise=True,
    doc="""x - y trunc(x / y): it has the sign of x.

    The derivatives are 1 and -trunc(x / y); at a jump, those farther from 0.

    >>> import tinygrad_lite as tg
    >>> tg.fmod(tg.tensor([7.0, -7.0]), 4.0)
    tensor([ 3., -3.])
    """,
)


def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """``(x // y, x % y)``.

    >>> import tinygrad_lite as tg
    >>> tg.divmod(tg.tensor(7.0), 4.0)
    (tensor(1.), tensor(3.))
    """
    return floor_divide(x, y), remainder(x, y)
