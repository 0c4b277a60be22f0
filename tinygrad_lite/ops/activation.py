"""The nonlinearities of neural networks, stable at both ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.exponential import exp
from tinygrad_lite.ops.logistic import sigmoid, softplus
from tinygrad_lite.ops.normal import normal_cdf
from tinygrad_lite.ops.precision import rounded_once
from tinygrad_lite.ops.selection import abs, clip, masked, where
from tinygrad_lite.ops.trigonometric import tanh
from tinygrad_lite.primitive import primitive


def _relu_forward(x: Any) -> Any:
    if type(x) is np.float64:  # one number needs no ufunc
        return np.float64(0) if x <= 0 else x
    return np.maximum(x, 0)


relu = primitive(
    _relu_forward,
    (lambda g, out, x: masked(g, x > 0),),
    name="relu",
    elementwise=True,
    bounded=True,
    doc="""max(x, 0); its derivative at 0 is taken as 0.

    >>> import tinygrad_lite as tg
    >>> tg.relu(tg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """,
)


def relu6(x: Any) -> Any:
    """min(max(x, 0), 6); its derivative at 0 and 6 is taken as 0.

    >>> import tinygrad_lite as tg
    >>> tg.relu6(tg.tensor([-1.0, 2.0, 7.0]))
    tensor([0., 2., 6.])
    """
    return clip(x, 0, 6)


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """min(max(x, min_val), max_val); its derivative at the bounds is taken as 0.

    >>> import tinygrad_lite as tg
    >>> tg.hardtanh(tg.tensor([-3.0, 0.5, 2.0]))
    tensor([-1. ,  0.5,  1. ])
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    return clip(x, min_val, max_val)


def _hinged(g: Any, x: Any, left: Any, slope: float) -> Any:
    """``g`` right of 0, ``left`` left of it, where it starts from ``slope``; least norm in 0."""
    if slope < 0:
        return where(x == 0, 0, where(x > 0, g, left))
    return where(x > 0 if slope < 1 else x >= 0, g, left)


_leaky_relu = primitive(
    lambda x, *, slope: np.where(np.greater(x, 0), x, x * slope),
    (lambda g, out, x, slope: _hinged(g, x, slope * g, slope),),
    name="leaky_relu",
    elementwise=True,
    bounded=True,
)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where it is positive, else ``negative_slope`` x.

    The derivative at 0 is the subgradient of least norm: the slope if it is between 0 and 1.

    >>> import tinygrad_lite as tg
    >>> tg.leaky_relu(tg.tensor([-1.0, 2.0]))
    tensor([-0.01,  2.  ])
    """
    return _leaky_relu(x, slope=negative_slope)


_elu = primitive(
    lambda x, *, alpha: np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0))),
    (lambda g, out, x, alpha: _hinged(g, x, g * (alpha * exp(x)), alpha),),
    name="elu",
    elementwise=True,
)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where it is positive, else alpha (exp(x) - 1).

    The derivative at 0 is 1 for alpha = 1, else the subgradient of least norm.

    >>> import tinygrad_lite as tg
    >>> tg.elu(tg.tensor([-1.0, 2.0]))
    tensor([-0.63212056,  2.        ])
    """
    return _elu(x, alpha=alpha)


def selu(x: Any) -> Any:
    """A scaled elu that keeps mean 0 and variance 1 from layer to layer.

    Constants: G. Klambauer and others, "Self-normalizing neural networks" (2017).

    >>> import tinygrad_lite as tg
    >>> tg.selu(tg.tensor([-1.0, 2.0]))
    tensor([-1.11133074,  2.10140197])
    """
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


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


@rounded_once
def silu(x: Any) -> Any:
    """x sigmoid(x), also called swish.

    >>> import tinygrad_lite as tg
    >>> tg.silu(tg.tensor([-1.0, 2.0]))
    tensor([-0.26894142,  1.76159416])
    """
    return _gated(x, sigmoid(x))


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
        return _gated(x, normal_cdf(x))
    if approximate != "tanh":
        raise ValueError(f"gelu() takes approximate='none' or 'tanh', not {approximate!r}")
    z = clip(x, -LARGE, LARGE)  # the cube of more would overflow
    return _gated(x, sigmoid(math.sqrt(8 / math.pi) * (z + 0.044715 * z * z * z)))


@rounded_once
def mish(x: Any) -> Any:
    """x tanh(softplus(x)) (Misra, 2019).

    >>> import tinygrad_lite as tg
    >>> tg.mish(tg.tensor([-1.0, 2.0]))
    tensor([-0.30340146,  1.94395896])
    """
    return _gated(x, tanh(softplus(x)))


def _softsign_forward(x: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x)))


def _softsign_vjp(g: Any, out: Any, x: Any) -> Any:
    size = 1 + abs(x)
    return g / size / size


softsign = primitive(
    _softsign_forward,
    (_softsign_vjp,),
    name="softsign",
    elementwise=True,
    doc="""x / (1 + |x|).

    >>> import tinygrad_lite as tg
    >>> tg.softsign(tg.tensor([-1.0, 3.0]))
    tensor([-0.5 ,  0.75])
    """,
)
