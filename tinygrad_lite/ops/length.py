"""Lengths of vectors, also of those whose squares are beyond the largest or the smallest number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.ops.reduce import Axis, aligned, sum
from tinygrad_lite.ops.selection import abs, sign, where
from tinygrad_lite.primitive import Primitive, primitive


def _least(dtype: np.dtype[Any]) -> float:
    """Below it a sum of powers may lack what was too small for the dtype."""
    info = np.finfo(dtype)
    return float(info.tiny) / float(info.eps)


def _root_of_powers(
    x: Any,
    power: Callable[..., Any],
    root: Callable[[Any], Any],
    largest: Callable[..., Any],
    axis: Any,
    keepdims: Any,
) -> Any:
    """root(Σ power(x)); where the sum leaves the range, of x divided by a power of 2."""
    with np.errstate(over="ignore", divide="ignore"):  # 0 to a negative power, and the norm is 0
        total = np.add.reduce(power(x), axis=axis, keepdims=keepdims)
        if ((total > _least(total.dtype)) & (total < math.inf)).all():
            return root(total)
        exponent = np.frexp(largest(np.abs(x), axis=axis, keepdims=True))[1]
        scaled = np.add.reduce(power(np.ldexp(x, -exponent)), axis=axis, keepdims=keepdims)
        return np.ldexp(root(scaled), np.reshape(exponent, np.shape(scaled)))


def _largest(x: Any, **over: Any) -> Any:
    return np.max(x, initial=0, **over)


def _smallest(x: Any, **over: Any) -> Any:
    return np.min(x, initial=math.inf, **over)


def _direction_forward(x: Any, length: Any) -> Any:
    with np.errstate(invalid="ignore"):
        ratio = np.divide(x, length)
        alone = np.isnan(ratio) & (np.abs(x) == length)
    return np.where(alone, np.sign(x), ratio) if alone.any() else ratio


direction: Primitive = primitive(
    _direction_forward,
    (
        lambda g, out, x, length: where(length == 0, 0, g / length),
        lambda g, out, x, length: where(length == 0, 0, -g * out / length),
    ),
    name="direction",
    elementwise=True,
    doc="""x / length of a vector's elements: 0 where both are 0, the sign of x where both are
    infinite.""",
)


def _length_forward(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    return _root_of_powers(x, np.square, np.sqrt, _largest, axis, keepdims)


def _unit_forward(x: Any, *, axis: Axis) -> Any:
    whole = _length_forward(x, axis=axis, keepdims=True)
    info = np.finfo(whole.dtype)
    usual = (whole >= info.tiny) & (whole <= info.max)
    if not usual.all():  # a length may lack digits, or be too large, though its parts are not
        largest = _largest(np.abs(x), axis=axis, keepdims=True)
        x = np.ldexp(x, -np.where(usual, 0, np.frexp(largest)[1]))
        whole = _length_forward(x, axis=axis, keepdims=True)
    return _direction_forward(x, whole)


def _unit_vjp(g: Any, out: Any, x: Any, axis: Axis) -> Any:
    """What of g is across x, over the length: of a tiny one, each part alone would overflow."""
    across = g - out * sum(g * out, axis, keepdims=True)
    whole = length(x, axis=axis, keepdims=True)
    return where(whole == 0, 0, across / whole)


_unit = primitive(
    _unit_forward, (_unit_vjp,), name="unit", doc="""x / ‖x‖ over ``axis``, 0 at the zero vector."""
)

length: Primitive = primitive(
    _length_forward,
    (lambda g, out, x, axis, keepdims: aligned(g, x, axis) * _unit(x, axis=axis),),
    name="length",
    symbol="‖x‖",
    doc="""The Euclidean length over ``axis``; its derivative at 0 is taken as 0.""",
)


def _power_norm_forward(x: Any, *, p: float, axis: Any, keepdims: Any) -> Any:
    return _root_of_powers(
        x,
        lambda x: np.abs(x) ** p,
        lambda total: total ** (1 / p),
        _largest if p > 0 else _smallest,
        axis,
        keepdims,
    )


def _power_norm_vjp(g: Any, out: Any, x: Any, p: float, axis: Axis, keepdims: bool) -> Any:
    """sign(x) (|x| / ‖x‖)^(p - 1), and 0 where x is 0."""
    whole = aligned(out, x, axis)
    flat = (x == 0) | (whole == 0)
    share = where(flat, 1, abs(direction(x, whole)))
    return where(flat, 0, aligned(g, x, axis) * sign(x) * share ** (p - 1))


power_norm = primitive(
    _power_norm_forward,
    (_power_norm_vjp,),
    name="power_norm",
    symbol="‖x‖ₚ",
    doc="""(Σ|x|ᵖ)^(1/p) over ``axis``; its derivative at 0 is taken as 0.""",
)
