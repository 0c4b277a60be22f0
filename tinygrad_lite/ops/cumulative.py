"""Running sums and products, and the product of all elements, right where there are zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_lite.mode import mode
from tinygrad_lite.ops import guard
from tinygrad_lite.ops.join import concatenate
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.reduce import Axis, kept, only_where, widened
from tinygrad_lite.ops.shape import (
    broadcast_to,
    cast,
    flip,
    merged,
    moveaxis,
    ravel,
    reshape,
)
from tinygrad_lite.primitive import Primitive, primitive

_cumsum: Primitive = primitive(
    lambda x, *, axis: np.cumsum(x, axis=axis),
    (lambda g, out, x, axis: flip(_cumsum(flip(widened(g), axis), axis=axis), axis),),
    name="cumsum",
    symbol="Σ…",
)


def cumsum(x: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """The running sum along ``axis``; of the flattened array by default.

    >>> import tinygrad_lite as tg
    >>> tg.cumsum(tg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    """
    no_out("cumsum", out)
    x = x if dtype is None else cast(x, dtype)
    return _cumsum(ravel(x), axis=0) if axis is None else _cumsum(x, axis=axis)


def _recurrence_forward(x: Any, factor: Any) -> Any:
    out = np.array(x)
    for i in range(1, len(out)):
        out[i] += factor[i] * out[i - 1]
    return out


def _backwards(g: Any, factor: Any) -> Any:
    """t[i] = g[i] + factor[i + 1] * t[i + 1]: the transpose of the recurrence."""
    return flip(recurrence(flip(g, 0), _shifted(flip(factor, 0), 0)), 0)


recurrence = primitive(
    _recurrence_forward,
    (
        lambda g, out, x, factor: _backwards(g, factor),
        lambda g, out, x, factor: _backwards(g, factor) * _shifted(out, 0),
    ),
    name="recurrence",
    doc="""out[i] = x[i] + factor[i] * out[i - 1] along the first axis; factor[0] is not used.""",
)


def _shifted(x: Any, first: float) -> Any:
    """x moved by one place along the first axis, with ``first`` in front."""
    n, *rest = np.shape(x)
    return concatenate([np.full((1, *rest), first, x.dtype), x[:-1]]) if n else x


def _cumprod_vjp(g: Any, out: Any, x: Any) -> Any:
    """The product of those before, times what g carries back through those after."""
    carried = _backwards(g, x)
    return guard.elementwise(_shifted(out, 1) * carried, carried)


_cumprod = primitive(
    lambda x: np.cumprod(x, axis=0),
    (_cumprod_vjp,),
    name="cumprod",
    symbol="Π…",
)


def cumprod(x: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """The running product along ``axis``; of the flattened array by default.

    The derivative divides by nothing, so zeros do no harm, at any order.

    >>> import tinygrad_lite as tg
    >>> tg.cumprod(tg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 2., 6.])
    """
    no_out("cumprod", out)
    x = x if dtype is None else cast(x, dtype)
    if axis is None:
        return _cumprod(ravel(x))
    x = x if np.ndim(x) else ravel(x)
    axis = normalize_axis_index(axis, np.ndim(x), "cumprod")
    return moveaxis(_cumprod(moveaxis(x, axis, 0)), 0, axis)


def _others(x: Any) -> Any:
    """For each element along the first axis, the product of all the others."""
    return _shifted(_cumprod(x), 1) * flip(_shifted(_cumprod(flip(x, 0)), 1), 0)


_prod = primitive(
    lambda x: np.multiply.reduce(x, axis=0),
    (lambda g, out, x: guard.elementwise(g * _others(x), broadcast_to(g, np.shape(x))),),
    name="prod",
    symbol="Π",
)


def _leaves_the_range(x: Any) -> bool:
    """Whether a product of some of the elements may be too large or too small; traced, never.

    Not with zeros among them, beside which such a power of 2 alone could be infinite.
    """
    values = np.asarray(getattr(x, "_data", x))
    if mode().intercept is not None or values.dtype.kind != "f" or len(values) < 2:
        return False
    exponents = np.abs(np.frexp(values)[1])
    far = np.add.reduce(exponents, axis=0).max(initial=0) >= np.finfo(values.dtype).maxexp
    return bool(far and values.all() and np.isfinite(values).all())


def _balanced_prod(x: Any) -> Any:
    """The product of elements near 1, whose powers of 2 are multiplied in at the end."""
    exponents = np.frexp(getattr(x, "_data", x))[1]
    return _times_power(_prod(_times_power(x, -exponents)), np.add.reduce(exponents, axis=0))


def _times_power(x: Any, exponent: Any) -> Any:
    """x 2ⁿ, in two steps, as the power alone may be too large."""
    half = exponent // 2
    one = x.dtype.type(1)
    return x * np.ldexp(one, half) * np.ldexp(one, exponent - half)


def prod(
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The product of the elements over ``axis`` (one axis, several, or all).

    The arguments are those of :func:`sum`. The derivative divides by nothing, so zeros do no
    harm, at any order.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> tg.prod(x).backward()
    >>> x.grad
    tensor([0., 6., 0.])
    """
    no_out("prod", out)
    x = only_where(x if dtype is None else cast(x, dtype), where, 1)
    rows = merged(x, axis)
    result = _balanced_prod(rows) if _leaves_the_range(rows) else _prod(rows)
    result = reshape(result, kept(np.shape(x), axis)) if keepdims else result
    return result if initial is None else result * initial
