"""The logistic function, its integral and its logarithm, and logarithms of sums of two powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.compare import isinf
from tinygrad_lite.ops.exponential import LN2
from tinygrad_lite.ops.precision import rounded_once
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.trigonometric import tanh
from tinygrad_lite.primitive import Primitive, primitive

LEAST = -80  # where exp(-x) is still finite in single precision


@rounded_once
def _sigmoid_forward(x: Any) -> Any:
    if np.minimum.reduce(x, axis=None, initial=0) > LEAST:
        return 1 / (1 + np.exp(0.0 - x))  # rather than -x, which wraps unsigned integers
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


@rounded_once
def _sigmoid_slope_forward(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return small / np.square(1 + small)


_sigmoid_slope: Primitive = primitive(
    _sigmoid_slope_forward,
    (lambda g, out, x: -g * out * tanh(0.5 * x),),
    name="σ′",
    elementwise=True,
    doc="""σ(x) σ(-x), the derivative of the logistic function, right to the last digits.""",
)

sigmoid: Primitive = primitive(
    _sigmoid_forward,
    (lambda g, out, x: g * _sigmoid_slope(x),),  # out (1 - out) would lose the digits of large x
    name="sigmoid",
    symbol="σ",
    elementwise=True,
    doc="""1 / (1 + exp(-x)); it and its derivative are right to the last digits at both ends.

    >>> import tinygrad_lite as tg
    >>> tg.sigmoid(tg.tensor([0.0, -800.0]))
    tensor([0.5, 0. ])
    """,
)


def _softplus_forward(x: Any) -> Any:
    with np.errstate(invalid="ignore"):  # NumPy warns of what is not a number
        return np.logaddexp(x, 0.0)


softplus = primitive(
    _softplus_forward,
    (lambda g, out, x: g * sigmoid(x),),
    name="softplus",
    elementwise=True,
    doc="""log(1 + exp(x)), a smooth relu, without overflow; its derivative is the sigmoid.

    >>> import tinygrad_lite as tg
    >>> tg.softplus(tg.tensor([0.0, 1000.0]))
    tensor([6.93147181e-01, 1.00000000e+03])
    """,
)

logsigmoid = primitive(
    lambda x: -_softplus_forward(0.0 - x),
    (lambda g, out, x: g * sigmoid(-x),),
    name="logsigmoid",
    symbol="log σ",
    elementwise=True,
    doc="""log(1 / (1 + exp(-x))), without overflow.

    >>> import tinygrad_lite as tg
    >>> tg.logsigmoid(tg.tensor([0.0, -1000.0]))
    tensor([-6.93147181e-01, -1.00000000e+03])
    """,
)


def _difference(x: Any, y: Any) -> Any:
    """x - y, and 0 where both are the same infinity."""
    return where((x == y) & isinf(x), 0, x - y)


logaddexp = primitive(
    np.logaddexp,
    (
        lambda g, out, x, y: g * sigmoid(_difference(x, y)),
        lambda g, out, x, y: g * sigmoid(_difference(y, x)),
    ),
    elementwise=True,
    doc="""log(exp(x) + exp(y)), without overflow.

    The derivatives are the sigmoids of x - y and y - x: 1/2 where both are the same infinity.

    >>> import tinygrad_lite as tg
    >>> tg.logaddexp(tg.tensor([0.0, 1000.0]), tg.tensor([0.0, 1000.0]))
    tensor([6.93147181e-01, 1.00069315e+03])
    """,
)

logaddexp2 = primitive(
    np.logaddexp2,
    (
        lambda g, out, x, y: g * sigmoid(LN2 * _difference(x, y)),
        lambda g, out, x, y: g * sigmoid(LN2 * _difference(y, x)),
    ),
    elementwise=True,
    doc="""The logarithm to base 2 of 2ˣ + 2ʸ, without overflow.

    The derivatives are the shares of the two powers: 1/2 where both are the same infinity.

    >>> import tinygrad_lite as tg
    >>> tg.logaddexp2(tg.tensor([0.0, 3.0]), tg.tensor([0.0, 3.0]))
    tensor([1., 4.])
    """,
)
