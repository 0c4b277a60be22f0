"""x times a gate that opens from 0 to 1: silu, gelu and mish, and all their derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.mode import mode
from tinygrad_lite.ops import tails
from tinygrad_lite.ops.logistic import sigmoid, softplus
from tinygrad_lite.ops.normal import normal_cdf
from tinygrad_lite.ops.precision import rounded_once
from tinygrad_lite.ops.selection import clip, where
from tinygrad_lite.ops.trigonometric import tanh
from tinygrad_lite.primitive import primitive

LARGE = 1e4  # beyond it every gate is open or shut in any precision, and single has its cube

_gated = primitive(
    lambda x, gate: np.maximum(x, -LARGE) * gate,
    (
        lambda g, out, x, gate: g * gate,
        lambda g, out, x, gate: g * clip(x, -LARGE, LARGE),
    ),
    name="gated",
    symbol="×",
    elementwise=True,
    doc="""x times a gate that closes, as x falls, faster than x grows: 0 at -infinity.""",
)


def _far(x: Any, single: float, double: float) -> bool:
    """Whether a gate, or its slope, may be too small for its digits; traced, never."""
    values = np.asarray(getattr(x, "_data", x))
    if mode().intercept is not None or not values.size:
        return False
    bound = single if values.dtype == np.float32 else double
    return bool(values.item(values.argmin()) < -bound or values.item(values.argmax()) > bound)


@rounded_once
def silu(x: Any) -> Any:
    """x sigmoid(x), also called swish.

    >>> import tinygrad_lite as tg
    >>> tg.silu(tg.tensor([-1.0, 2.0]))
    tensor([-0.26894142,  1.76159416])
    """
    return tails.silu(x, order=0) if _far(x, 80, 700) else _gated(x, sigmoid(x))


@rounded_once
def mish(x: Any) -> Any:
    """x tanh(softplus(x)) (Misra, 2019).

    >>> import tinygrad_lite as tg
    >>> tg.mish(tg.tensor([-1.0, 2.0]))
    tensor([-0.30340146,  1.94395896])
    """
    return tails.mish(x, order=0) if _far(x, 40, 350) else _gated(x, tanh(softplus(x)))


@rounded_once
def gelu(x: Any, approximate: str = "none") -> Any:
    """x Φ(x), with Φ the integral of the normal distribution (Hendrycks and Gimpel, 2016).

    Args:
        x: the tensor or array.
        approximate: "none", or "tanh" for their approximation of Φ.

    Raises:
        ValueError: if ``approximate`` is something else.

    >>> import tinygrad_lite as tg
    >>> tg.gelu(tg.tensor([-1.0, 2.0]))
    tensor([-0.15865525,  1.95449974])
    """
    if approximate == "none":
        return tails.gelu(x, order=0) if _far(x, 12, 36) else _gated(x, normal_cdf(x))
    if approximate != "tanh":
        raise ValueError(f"gelu() takes approximate='none' or 'tanh', not {approximate!r}")
    z = clip(x, -LARGE, LARGE)  # the cube of more would overflow
    steep = math.sqrt(8 / math.pi) * (1 + 0.044715 * z * z)
    if _far(x, 10, 20):
        return where(x >= LARGE, x, silu(z * steep) / steep)
    return _gated(x, sigmoid(z * steep))
