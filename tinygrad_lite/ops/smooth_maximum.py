"""The smooth maximum log-sum-exp, its gradient softmax, and the logarithm of that."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.mode import mode
from tinygrad_lite.ops.exponential import exp, expm1
from tinygrad_lite.ops.precision import rounded_once
from tinygrad_lite.ops.reduce import Axis, spread, sum, widened
from tinygrad_lite.ops.selection import masked, where
from tinygrad_lite.primitive import primitive


def _top(x: Any, axis: Axis) -> tuple[Any, Any]:
    """x in a floating dtype, and its maximum over the axis."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    return x, np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)


def _below_top(x: Any, axis: Axis) -> Any:
    """x less its maximum over the axis, and 0 where x is the maximum, though it be infinite."""
    x, top = _top(x, axis)
    if np.vdot(top, top) < np.inf:  # one call to see that all are finite
        return x - top
    with np.errstate(invalid="ignore"):
        return np.where(x == top, x.dtype.type(0), x - top)


def _log_of_sum(below: Any, axis: Axis) -> Any:
    """log(sum(exp(below))) for exponents of which the largest is 0, to the last digits near 0."""
    e = np.exp(below)
    total = np.add.reduce(e, axis=axis, keepdims=True)
    least = total.item(total.argmin()) if total.size else 0.0
    if least > 1.1:
        return np.log(total)
    others = np.add.reduce(e - (below == 0), axis=axis, keepdims=True)  # beside the largest
    logs = np.log1p(np.where(total < 1.5, others, total - 1))
    if least >= 1:
        return logs
    with np.errstate(divide="ignore"):  # of nothing, of -infinities, or not a number
        return np.where(total >= 1, logs, np.log(total))


def _reaches(out: Any, bound: float) -> bool:
    """Whether the largest element is above ``bound``; who takes over operations wants one way."""
    values = getattr(out, "_data", out)
    if mode().intercept is not None or not values.size:
        return False
    return bool(values.item(values.argmax()) > bound)


@rounded_once
def _softmax_forward(x: Any, *, axis: Axis) -> Any:
    e = np.exp(_below_top(x, axis))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


def _softmax_rule(g: Any, out: Any, x: Any, axis: Axis) -> Any:
    if _reaches(out, 0.9):  # shares add up to 1: g may be counted from that of a share near it
        g = g - sum(masked(widened(g), out > 0.5), axis, keepdims=True)
    return out * (g - sum(widened(g) * out, axis, keepdims=True))


_softmax = primitive(_softmax_forward, (_softmax_rule,), name="softmax")


def softmax(x: Any, axis: Axis = -1) -> Any:
    """exp(x) / sum(exp(x)) over ``axis``; infinities that are the largest share 1 evenly.

    >>> import tinygrad_lite as tg
    >>> tg.softmax(tg.tensor([1000.0, 1000.0]))
    tensor([0.5, 0.5])
    """
    return _softmax(x, axis=axis)


@rounded_once
def _log_softmax_forward(x: Any, *, axis: Axis) -> Any:
    below = _below_top(x, axis)
    if not below.size:  # the logarithm of a sum of nothing
        return below
    return below - _log_of_sum(below, axis)


def _log_softmax_rule(g: Any, out: Any, x: Any, axis: Axis) -> Any:
    if type(g) is np.ndarray is type(out) and out.dtype.itemsize > 2:
        return _less_its_share(g, out, axis)
    out = widened(out)
    total = sum(widened(g), axis, keepdims=True)
    if not _reaches(out, -0.1):
        return g - exp(out) * total
    near = out > -0.5  # 1 less such a share is what counts, and expm1 has its digits
    return where(near, g - total, g) - where(near, expm1(out), exp(out)) * total


def _less_its_share(g: Any, out: Any, axis: Axis) -> Any:
    """The same for arrays in fewer passes: every classifier spends a part of its time here."""
    share = np.exp(out)
    total = np.add.reduce(g, axis, keepdims=True)
    if out.size and out.item(out.argmax()) > -0.1:
        near = out > -0.5
        np.expm1(out, share, where=near)
        g = np.subtract(g, total, g.copy(), where=near)
    np.multiply(share, total, share)
    return np.subtract(g, share, share)


_log_softmax = primitive(_log_softmax_forward, (_log_softmax_rule,), name="log_softmax")


def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """log(exp(x) / sum(exp(x))) over ``axis``, right to the last digits for small shares.

    >>> import tinygrad_lite as tg
    >>> tg.log_softmax(tg.tensor([0.0, -1000.0]))
    tensor([    0., -1000.])
    """
    return _log_softmax(x, axis=axis)


@rounded_once
def _logsumexp_forward(x: Any, *, axis: Axis, keepdims: bool) -> Any:
    x, top = _top(x, axis)
    top = np.where(np.isfinite(top), top, top.dtype.type(0))
    out = _log_of_sum(x - top, axis) + top
    return out if keepdims else np.squeeze(out, axis=axis)


_logsumexp = primitive(
    _logsumexp_forward,
    (lambda g, out, x, axis, keepdims: spread(g, x, axis) * softmax(x, axis),),
    name="logsumexp",
)


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over ``axis``, -infinity for nothing; its derivative is the softmax.

    >>> import tinygrad_lite as tg
    >>> tg.logsumexp(tg.tensor([1000.0, 1000.0]))
    tensor(1000.69314718)
    """
    return _logsumexp(x, axis=axis, keepdims=keepdims)
