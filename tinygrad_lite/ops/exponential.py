"""Exponentials, logarithms and roots."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.primitive import primitive

exp = primitive(
    np.exp,
    (lambda g, out, x: g * out,),
    elementwise=True,
    doc="""e to the power x.

    >>> import tinygrad_lite as tg
    >>> tg.exp(tg.tensor([0.0, 1.0]))
    tensor([1.        , 2.71828183])
    """,
)

log = primitive(
    np.log,
    (lambda g, out, x: g / x,),
    elementwise=True,
    doc="""The natural logarithm.

    >>> import tinygrad_lite as tg
    >>> tg.log(tg.tensor([1.0, 2.0]))
    tensor([0.        , 0.69314718])
    """,
)

sqrt = primitive(
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

tanh = primitive(
    np.tanh,
    (lambda g, out, x: g * (1 - out * out),),
    elementwise=True,
    bounded=True,
    doc="""The hyperbolic tangent.

    >>> import tinygrad_lite as tg
    >>> tg.tanh(tg.tensor([0.0, 1.0]))
    tensor([0.        , 0.76159416])
    """,
)
