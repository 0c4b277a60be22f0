"""Choosing between values: where, maximum, minimum, clip, and the absolute value."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.compare import isnan, logical_not
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.primitive import Primitive, primitive

_BITS = {2: np.int16, 4: np.int32, 8: np.int64}


def _masked_forward(x: Any, condition: Any) -> Any:
    if isinstance(x, np.generic) and isinstance(condition, (bool, np.bool_)):
        return x if condition else x.dtype.type(0)
    x = np.asarray(x)
    bits = _BITS.get(x.itemsize)
    if bits is None:
        return np.where(condition, x, 0)
    return np.multiply(x.view(bits), np.asarray(condition, np.bool_)).view(x.dtype)


masked: Primitive = primitive(
    _masked_forward,
    (lambda g, out, x, condition: masked(g, condition), None),
    name="masked",
    elementwise=True,
    bounded=True,
    doc="""x where the condition holds, elsewhere 0, even if x is infinite or not a number there.

    The same as ``where(condition, x, 0)`` for real x, without its branch for every element.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.ops.selection import masked
    >>> masked(tg.tensor([1.0, np.inf]), [True, False])
    tensor([1., 0.])
    """,
)

where = primitive(
    np.where,
    (
        None,
        lambda g, out, condition, x, y: masked(g, condition),
        lambda g, out, condition, x, y: masked(g, logical_not(condition)),
    ),
    name="where",
    elementwise=True,
    bounded=True,
    doc="""x where the condition holds, else y.

    The gradient goes to the one chosen; the other gets exactly 0, whatever its own derivatives.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([-1.0, 2.0])
    >>> tg.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """,
)


def zero(g: Any, *_: Any, **__: Any) -> Any:
    """The rule of a function that is constant between its jumps."""
    return masked(g, False)


def _share(g: Any, tie: Any, chosen: Any) -> Any:
    """The part of ``g`` that goes to an argument: all if chosen, half in a tie."""
    return where(tie, 0.5 * g, masked(g, chosen))


maximum = primitive(
    np.maximum,
    (
        lambda g, out, x, y: _share(g, x == y, logical_not(x < y)),
        lambda g, out, x, y: _share(g, x == y, logical_not(y < x)),
    ),
    symbol="max",
    elementwise=True,
    bounded=True,
    doc="""The larger of x and y, not a number if one of them is not; in a tie each takes half the
    gradient.

    >>> import tinygrad_lite as tg
    >>> tg.maximum(tg.tensor([1.0, 5.0]), 3.0)
    tensor([3., 5.])
    """,
)

minimum = primitive(
    np.minimum,
    (
        lambda g, out, x, y: _share(g, x == y, logical_not(x > y)),
        lambda g, out, x, y: _share(g, x == y, logical_not(y > x)),
    ),
    symbol="min",
    elementwise=True,
    bounded=True,
    doc="""The smaller of x and y, not a number if one of them is not; in a tie each takes half the
    gradient.

    >>> import tinygrad_lite as tg
    >>> tg.minimum(tg.tensor([1.0, 5.0]), 3.0)
    tensor([1., 3.])
    """,
)

fmax = primitive(
    np.fmax,
    (
        lambda g, out, x, y: _share(g, x == y, (x > y) | isnan(y)),
        lambda g, out, x, y: _share(g, x == y, (y > x) | isnan(x)),
    ),
    elementwise=True,
    bounded=True,
    doc="""The larger of x and y, the other one where one of them is not a number; in a tie each
    takes half the gradient.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> tg.fmax(tg.tensor([1.0, np.nan]), 0.0)
    tensor([1., 0.])
    """,
)

fmin = primitive(
    np.fmin,
    (
        lambda g, out, x, y: _share(g, x == y, (x < y) | isnan(y)),
        lambda g, out, x, y: _share(g, x == y, (y < x) | isnan(x)),
    ),
    elementwise=True,
    bounded=True,
    doc="""The smaller of x and y, the other one where one of them is not a number; in a tie each
    takes half the gradient.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> tg.fmin(tg.tensor([1.0, np.nan]), 2.0)
    tensor([1., 2.])
    """,
)

sign = primitive(
    np.sign,
    (zero,),
    elementwise=True,
    bounded=True,
    doc="""-1, 0 or 1; its derivative is 0.

    >>> import tinygrad_lite as tg
    >>> tg.sign(tg.tensor([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """,
)

abs = primitive(
    np.abs,
    (lambda g, out, x: g * sign(x),),
    name="abs",
    symbol="|x|",
    elementwise=True,
    doc="""The absolute value; its derivative at 0 is taken as 0.

    >>> import tinygrad_lite as tg
    >>> tg.abs(tg.tensor([-3.0, 2.0]))
    tensor([3., 2.])
    """,
)


def _clip_forward(x: Any, *, low: Any, high: Any) -> Any:
    x = np.positive(x) if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


_clip = primitive(
    _clip_forward,
    (lambda g, out, x, low, high: masked(g, _inside(x, low, high)),),
    name="clip",
    elementwise=True,
    bounded=True,
)


def _inside(x: Any, low: Any, high: Any) -> Any:
    above = True if low is None else x > low
    below = True if high is None else x < high
    return above & below


_at_least = primitive(
    np.maximum,
    (lambda g, out, x, low: masked(g, x > low), lambda g, out, x, low: masked(g, x <= low)),
    name="at_least",
    symbol="≥",
    elementwise=True,
    bounded=True,
)

_at_most = primitive(
    np.minimum,
    (lambda g, out, x, high: masked(g, x < high), lambda g, out, x, high: masked(g, x >= high)),
    name="at_most",
    symbol="≤",
    elementwise=True,
    bounded=True,
)


def clip(
    x: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: None = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    """Limit x to the interval from ``a_min`` to ``a_max``; its derivative at a bound is taken as 0.

    Args:
        x: the tensor or array.
        a_min: the least value, a number, array or tensor that broadcasts, or None for no limit.
        a_max: the largest value, likewise; it wins where it is below ``a_min``.
        out: None; what is written into an array has no gradient.
        min: another name of ``a_min``.
        max: another name of ``a_max``.

    A tensor as a bound takes the gradient wherever x is at the bound or beyond it.

    Raises:
        TypeError: if a bound is given twice.

    >>> import tinygrad_lite as tg
    >>> tg.clip(tg.tensor([-3.0, 0.5, 2.0]), 0.0, 1.0)
    tensor([0. , 0.5, 1. ])
    """
    no_out("clip", out)
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise TypeError("clip() takes a bound once: as a_min or min, as a_max or max")
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    if _number(low) and _number(high):
        return _clip(x, low=low, high=high)
    if low is not None:
        x = _at_least(x, low)
    return x if high is None else _at_most(x, high)


def _number(bound: Any) -> bool:
    return bound is None or isinstance(bound, (int, float, np.generic))
