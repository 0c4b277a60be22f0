"""The nonlinearities of neural networks, stable at both ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.exponential import exp
from tinygrad_lite.ops.reduce import Axis, sum
from tinygrad_lite.primitive import primitive

relu = primitive(
    lambda x: np.maximum(x, 0),
    (lambda g, out, x: g * (x > 0),),
    name="relu",
    elementwise=True,
    bounded=True,
    doc="""max(x, 0); its derivative at 0 is taken as 0.

    >>> import tinygrad_lite as tg
    >>> tg.relu(tg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """,
)


def _sigmoid(x: Any) -> Any:
    x = np.asarray(x) if isinstance(x, (float, int)) and not isinstance(x, np.generic) else x
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


sigmoid = primitive(
    _sigmoid,
    (lambda g, out, x: g * out * sigmoid(-x),),
    symbol="σ",
    elementwise=True,
    bounded=True,
    name="sigmoid",
    doc="""1 / (1 + exp(-x)), right to the last digits at both ends.

    >>> import tinygrad_lite as tg
    >>> tg.sigmoid(tg.tensor([0.0, -800.0]))
    tensor([0.5, 0. ])
    """,
)


def _shifted(x: Any, axis: Axis) -> Any:
    """x less its maximum over the axis; less 0 where that is infinite."""
    if not np.size(x):
        return x
    top = np.max(x, axis=axis, keepdims=True)
    return x - np.where(np.isfinite(top), top, 0)


def _log_softmax_forward(x: Any, *, axis: Axis) -> Any:
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))


_log_softmax = primitive(
    _log_softmax_forward,
    (lambda g, out, x, axis: g - exp(out) * sum(g, axis, keepdims=True),),
    name="log_softmax",
)


def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """log(exp(x) / sum(exp(x))) over ``axis``, without overflow.

    >>> import tinygrad_lite as tg
    >>> tg.log_softmax(tg.tensor([0.0, 0.0]))
    tensor([-0.69314718, -0.69314718])
    """
    return _log_softmax(x, axis=axis)


def _softmax_forward(x: Any, *, axis: Axis) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


_softmax = primitive(
    _softmax_forward,
    (lambda g, out, x, axis: out * (g - sum(g * out, axis, keepdims=True)),),
    name="softmax",
)


def softmax(x: Any, axis: Axis = -1) -> Any:
    """exp(x) / sum(exp(x)) over ``axis``, without overflow.

    >>> import tinygrad_lite as tg
    >>> tg.softmax(tg.tensor([0.0, 0.0]))
    tensor([0.5, 0.5])
    """
    return _softmax(x, axis=axis)


def _logsumexp_forward(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        out = np.log(np.add.reduce(np.exp(x - top), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis=axis)


def _logsumexp_vjp(g: Any, out: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    from tinygrad_lite.ops.reduce import spread

    return spread(g, x, axis) * softmax(x, axis)


_logsumexp = primitive(_logsumexp_forward, (_logsumexp_vjp,), name="logsumexp")


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over ``axis``, without overflow.

    >>> import tinygrad_lite as tg
    >>> tg.logsumexp(tg.tensor([1000.0, 1000.0]))
    tensor(1000.69314718)
    """
    return _logsumexp(x, axis=axis, keepdims=keepdims)
