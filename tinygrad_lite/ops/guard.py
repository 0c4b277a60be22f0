"""A zero upstream gradient contributes exactly zero, also where a rule mixes it with infinities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.mode import mode
from tinygrad_lite.ops.compare import invert, isfinite
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.shape import cast


def linear(product: Callable[..., Any], g: Any, *others: Any) -> Any:
    """``product(g, *others)``, which is linear in every argument, without 0 · ∞ from a zero in g.

    What is not a number in the product stays so only where a nonzero element of g met something
    that is not finite. The plain product is all the work there is as long as no NaN comes out.
    """
    c = product(g, *others)
    if not has_nan(c):
        return c
    used = cast(g != 0, g.dtype)
    finite = [isfinite(x) for x in others]
    met: Any = 0
    for slot, known in enumerate(finite):
        flags = [
            cast(invert(known), g.dtype) if i == slot else ones(x) for i, x in enumerate(others)
        ]
        met = product(used, *flags) + met
    return where(met > 0, c, product(g, *(where(f, x, 0) for f, x in zip(finite, others))))


def elementwise(c: Any, g: Any) -> Any:
    """``c``, a multiple of ``g`` element by element, without 0 · ∞ where g is zero."""
    return where((g == 0) & (c != c), 0, c) if has_nan(c) else c


def ones(x: Any) -> Any:
    """Ones of the shape and dtype of ``x``."""
    return np.ones(np.shape(x), x.dtype)


def has_nan(c: Any) -> bool:
    """Whether an array or tensor holds something that is not a number; of a symbol, no."""
    values = getattr(c, "_data", c)
    if type(values) is np.ndarray:
        # The dot product reads each element once; squares may overflow, but only NaN gives NaN.
        values = values.ravel("K")
        values = values.dot(values)
    found = isinstance(values, np.generic) and bool(values != values)
    if found:
        strays = getattr(mode().intercept, "strays", None)
        if strays is not None:
            strays()
    return found
