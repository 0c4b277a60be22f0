"""What contradicts a property, and how far apart results may be before it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.layouts import Array, Arrays, leaf
from tinygrad_lite.testing.shown import Shown
from tinygrad_lite.testing.subject import Gradient, HandWritten, Recorded, Subject


@dataclass
class Finding:
    """One property that does not hold.

    Attributes:
        check: the property.
        message: what is wrong, in a sentence.
        order: 1 for the gradient, 2 for the gradient of the gradient.
        argument: the input concerned.
        index: the worst element of its gradient.
        analytic: what the rule gives there.
        numeric: what the oracle gives there: the least and the largest value that is right.
        bar: how far the oracle may be off.
        diagnosis: what the mistake may be.
        layouts: how each input, and then the cotangent, lies in memory; all alike "C" if empty.
        cotangent: the one that was pulled back, if another one than the case's.
        direction: the one through all inputs along which the derivative is wrong, if it takes one.
        shown_by: the lines that show it, if it takes others than a call and a backward pass; see
            :mod:`tinygrad_lite.testing.shown`.
        other: the second function, where two are compared.
    """

    check: str
    message: str
    case: Case
    argument: str | None = None
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: tuple[float, float] | None = None
    bar: float | None = None
    diagnosis: str | None = None
    layouts: tuple[str, ...] = ()
    cotangent: Array | None = None
    direction: Arrays | None = None
    shown_by: tuple[str, ...] = ()
    other: Subject | None = None

    @property
    def subscript(self) -> str:
        """The index as source; empty for a single number."""
        return f"[{', '.join(map(str, self.index))}]" if self.index else ""

    @property
    def foreign(self) -> bool:
        """Whether the second function is one of PyTorch."""
        return self.other is not None and not isinstance(self.other, Recorded)

    @property
    def order(self) -> int:
        """The order of the derivative that is wrong."""
        return self.case.subject.order


Check = Callable[[Case], Iterator[Finding]]
"""A property: yields what contradicts it. Its name, in words, is how reports call it."""


def recorded(case: Case) -> tuple[list[Any], Any]:
    """The leaves and the result of one recorded call."""
    leaves = [leaf(a) for a in case.arrays]
    assert isinstance(case.subject, Recorded)
    with np.errstate(all="ignore"):
        return leaves, copy_context().run(case.subject.record, leaves)


def close(case: Case) -> float:
    """How far results of the same arithmetic in another order may be apart."""
    return max(case.tolerance, 1e-9) if case.bytes >= 8 else case.tolerance


def farthest(
    a: Array, b: Array, size: Array, relative: float, absolute: Any = 0.0
) -> tuple[int, ...] | None:
    """The index where ``a`` and ``b`` are farther apart than rounding explains, or None."""
    if a.shape != b.shape:
        return ()
    if not a.size:
        return None
    with np.errstate(all="ignore"):
        off = np.abs(a.astype(float) - b)
        floor = 1e-6 * relative * np.max(np.where(np.isfinite(size), size, 0), initial=0.0)
        allowed = relative * size + absolute + floor
    off = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.where(np.isnan(off), np.inf, off))
    bad = off > np.where(np.isfinite(allowed), allowed, 0)
    if not bad.any():
        return None
    worst = np.unravel_index(int(np.argmax(np.where(bad, off, -1))), a.shape)
    return tuple(int(i) for i in worst)


def beyond_rounding(
    case: Case, slot: int, cotangent: Array, a: Array, b: Array, size: Array, scale: float = 1.0
) -> tuple[int, ...] | None:
    """The index where two gradients of one input, for one cotangent, are farthest apart, or None.

    How far rounding moves such a gradient is measured where they are apart, and then allowed for;
    what is too small to be seen in the result grows by ``scale``.
    """
    unseen = scale * np.max(case.unseen, initial=0.0)
    index = farthest(a, b, size, close(case), unseen)
    if index is None or a.shape != b.shape:
        return index
    return farthest(a, b, size, close(case), case.sensitivity(cotangent)[slot] + unseen)


def contradiction(
    case: Case, message: str, shown: Shown | None = None, check: str = "", **details: Any
) -> Finding:
    """A finding whose message says at which derived inputs it was made, if at such."""
    variant = f" ({case.variant})" if case.variant else ""
    lines: tuple[str, ...] = ()
    if shown is not None:
        kinds = {Recorded: shown.recorded, HandWritten: shown.by_hand, Gradient: shown.second}
        lines = kinds[type(case.subject)]
    return Finding(check, message + variant, case, shown_by=lines, **details)


def difference(
    case: Case, message: str, a: Array, b: Array, index: tuple[int, ...], **details: Any
) -> Finding:
    """The finding that ``a`` is not ``b``, with the numbers at ``index`` if their shapes agree."""
    if a.shape == b.shape:
        expected = float(b[index])
        details |= {"index": index, "analytic": float(a[index]), "numeric": (expected, expected)}
    return contradiction(case, message, **details)
