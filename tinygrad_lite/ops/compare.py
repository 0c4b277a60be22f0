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
bitwise_and = _constant(np.bitwise_and, "&")
bitwise_or = _constant(np.bitwise_or, "|")
bitwise_xor = _constant(np.bitwise_xor, "^")
left_shift = _constant(np.left_shift, "<<")
right_shift = _constant(np.right_shift, ">>")


def _question(ufunc: np.ufunc, symbol: str, asks: str) -> Primitive:
    return primitive(
        ufunc,
        symbol=symbol,
        elementwise=True,
        bounded=True,
        doc=f"""{asks}, element by element, as ``numpy.{ufunc.__name__}``; no gradient.""",
    )


logical_not: Primitive = _question(np.logical_not, "not", "Whether x is false or 0")
invert: Primitive = _question(np.invert, "~", "not x for booleans, every bit flipped for integers")
isnan: Primitive = _question(np.isnan, "nan?", "Whether x is not a number")
isinf: Primitive = _question(np.isinf, "inf?", "Whether x is infinite")
isfinite: Primitive = _question(np.isfinite, "finite?", "Whether x is a number and not infinite")
