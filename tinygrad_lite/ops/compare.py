"""Comparisons and logic: their results are booleans, constant to the chain rule."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.primitive import Primitive, primitive


def _constant(ufunc: np.ufunc, symbol: str) -> Primitive:
    return primitive(
        ufunc,
        symbol=symbol,
        elementwise=True,
        bounded=True,
        doc=f"""x {symbol} y, element by element, as ``numpy.{ufunc.__name__}``; no gradient.""",
    )


equal = _constant(np.equal, "=")
not_equal = _constant(np.not_equal, "≠")
less = _constant(np.less, "<")
less_equal = _constant(np.less_equal, "≤")
greater = _constant(np.greater, ">")
greater_equal = _constant(np.greater_equal, "≥")
logical_and = _constant(np.logical_and, "and")
logical_or = _constant(np.logical_or, "or")
logical_xor = _constant(np.logical_xor, "xor")
logical_not: Primitive = primitive(np.logical_not, symbol="not", elementwise=True, bounded=True)
bitwise_and = _constant(np.bitwise_and, "&")
bitwise_or = _constant(np.bitwise_or, "|")
bitwise_xor = _constant(np.bitwise_xor, "^")
invert = primitive(np.invert, symbol="~", elementwise=True, bounded=True)
isnan: Primitive = primitive(np.isnan, symbol="nan?", elementwise=True, bounded=True)
isinf = primitive(np.isinf, symbol="inf?", elementwise=True, bounded=True)
isfinite = primitive(np.isfinite, symbol="finite?", elementwise=True, bounded=True)
