"""Choosing between values: where, maximum, minimum, clip, and the absolute value."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.primitive import primitive

where = primitive(
    np.where,
    (
        None,
        lambda g, out, condition, x, y: where(condition, g, 0),
        lambda g, out, condition, x, y: where(condition, 0, g),
    ),
    elementwise=True,
    bounded=True,
    doc="""x where the condition holds, else y.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([-1.0, 2.0])
    >>> tg.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """,
)


def _share(x: Any, out: Any, other: Any) -> Any:
    """1 where x is the one chosen, 1/2 in a tie, 0 elsewhere, in the dtype of x."""
    return where(x == out, where(other == out, 0.5, 1.0), 0.0)


maximum = primitive(
    np.maximum,
    (
        lambda g, out, x, y: g * _share(x, out, y),
        lambda g, out, x, y: g * _share(y, out, x),
    ),
    symbol="max",
    elementwise=True,
    bounded=True,
    doc="""The larger of x and y; where they tie, each takes half the gradient.

    >>> import tinygrad_lite as tg
    >>> tg.maximum(tg.tensor([1.0, 5.0]), 3.0)
    tensor([3., 5.])
    """,
)

minimum = primitive(
    np.minimum,
    (
        lambda g, out, x, y: g * _share(x, out, y),
        lambda g, out, x, y: g * _share(y, out, x),
    ),
    symbol="min",
    elementwise=True,
    bounded=True,
    doc="""The smaller of x and y; where they tie, each takes half the gradient.

    >>> import tinygrad_lite as tg
    >>> tg.minimum(tg.tensor([1.0, 5.0]), 3.0)
    tensor([1., 3.])
    """,
)

sign = primitive(
    np.sign,
    (lambda g, out, x: g * 0.0,),
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
    bounded=True,
    doc="""The absolute value; its derivative at 0 is taken as 0.

    >>> import tinygrad_lite as tg
    >>> tg.abs(tg.tensor([-3.0, 2.0]))
    tensor([3., 2.])
    """,
)

_clip = primitive(
    lambda x, *, low, high: np.clip(x, low, high),
    (lambda g, out, x, low, high: where(_inside(x, low, high), g, 0),),
    name="clip",
    elementwise=True,
    bounded=True,
)


def _inside(x: Any, low: Any, high: Any) -> Any:
    above = True if low is None else x > low
    below = True if high is None else x < high
    return above & below


def clip(x: Any, low: float | None = None, high: float | None = None) -> Any:
    """Limit x to the interval [low, high]; the derivative at a bound is taken as 0.

    Args:
        x: the tensor or array.
        low: the least value, a number, or None for no limit; tensors and arrays broadcast.
        high: the largest value, likewise.

    >>> import tinygrad_lite as tg
    >>> tg.clip(tg.tensor([-3.0, 0.5, 2.0]), 0.0, 1.0)
    tensor([0. , 0.5, 1. ])
    """
    if np.ndim(low) == np.ndim(high) == 0 and all_numbers(low, high):
        return _clip(x, low=low, high=high)
    if low is not None:
        x = where(x > low, x, low)
    return x if high is None else where(x < high, x, high)


def all_numbers(*bounds: Any) -> bool:
    """Whether every bound is a plain number or missing."""
    return all(b is None or isinstance(b, (int, float, np.number)) for b in bounds)
