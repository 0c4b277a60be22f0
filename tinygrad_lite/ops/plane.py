"""Lengths and angles in the plane, without overflow on the way: hypot and arctan2."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.selection import where
from tinygrad_lite.primitive import Primitive, primitive


def _cosine_forward(x: Any, y: Any) -> Any:
    with np.errstate(over="ignore"):
        length = np.hypot(x, y)
    info = np.finfo(length.dtype)
    usual = (length >= info.tiny) & (length <= info.max)
    if not usual.all():  # a length may lack digits, or be too large, though its sides are not
        exponent = np.where(usual, 0, np.frexp(np.maximum(np.abs(x), np.abs(y)))[1])
        x, y = np.ldexp(x, -exponent), np.ldexp(y, -exponent)
        length = np.hypot(x, y)
    with np.errstate(invalid="ignore"):
        return np.where((length == 0) | np.isinf(x), np.sign(x), x / length)


def _cosine_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    return _over_length(g * _cosine(y, x), x, y) * _cosine(y, x)  # a square would underflow


def _cosine_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return -_over_length(g * out * _cosine(y, x), x, y)


def _over_length(g: Any, x: Any, y: Any) -> Any:
    """g / √(x² + y²), and 0 at the origin."""
    length = hypot(x, y)
    return where(length == 0, 0, g / length)


_cosine: Primitive = primitive(
    _cosine_forward,
    (_cosine_x, _cosine_y),
    name="cosine",
    elementwise=True,
    doc="""x / √(x² + y²) without overflow, 0 at the origin and ±1 where x is infinite.""",
)

hypot: Primitive = primitive(
    np.hypot,
    (
        lambda g, out, x, y: g * _cosine(x, y),
        lambda g, out, x, y: g * _cosine(y, x),
    ),
    elementwise=True,
    doc="""√(x² + y²), without overflow; its derivatives at the origin are taken as 0.

    >>> import tinygrad_lite as tg
    >>> tg.hypot(tg.tensor([3.0, 0.0]), tg.tensor([4.0, 0.0]))
    tensor([5., 0.])
    """,
)


def _turn_forward(x: Any, y: Any) -> Any:
    length = np.hypot(x, y)
    with np.errstate(over="ignore"):
        return _cosine_forward(x, y) / np.where(length == 0, 1, length)


def _turn_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    c, s = _cosine(x, y), _cosine(y, x)
    return _over_length(_over_length(g * ((s - c) * (s + c)), x, y), x, y)


def _turn_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    return _over_length(_over_length(-2 * g * _cosine(x, y) * _cosine(y, x), x, y), x, y)


_turn: Primitive = primitive(
    _turn_forward,
    (_turn_x, _turn_y),
    name="x/(x²+y²)",
    elementwise=True,
    doc="""x / (x² + y²), how an angle turns with y, without overflow; 0 at the origin.""",
)

arctan2 = primitive(
    np.arctan2,
    (
        lambda g, out, y, x: g * _turn(x, y),
        lambda g, out, y, x: -g * _turn(y, x),
    ),
    elementwise=True,
    doc="""The angle from the first axis to the point (x, y); y is the first argument.

    The derivatives are x / (x² + y²) and -y / (x² + y²), taken as 0 at the origin.

    >>> import tinygrad_lite as tg
    >>> tg.arctan2(tg.tensor([1.0, 0.0]), tg.tensor([0.0, -1.0]))
    tensor([1.57079633, 3.14159265])
    """,
)
