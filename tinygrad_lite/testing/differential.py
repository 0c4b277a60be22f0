"""compare: two functions that should be one, value by value and gradient by gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.testing.agreement import LOOKED_AT, disagreement, kinked
from tinygrad_lite.testing.call import Call, generator_kept
from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.check import Report, require_order
from tinygrad_lite.testing.failure import GradientError
from tinygrad_lite.testing.findings import Finding, contradiction, difference, farthest
from tinygrad_lite.testing.layouts import Array
from tinygrad_lite.testing.pytorch import Torch, TorchGradient, from_torch
from tinygrad_lite.testing.shown import SHAPE_OF_GRADIENT, SHAPE_OF_VALUE
from tinygrad_lite.testing.subject import Gradient, Recorded


def compare(
    f: Callable[..., Any],
    other: Callable[..., Any],
    inputs: Any,
    order: int = 2,
    *,
    tolerance: float | None = None,
    attributes: dict[str, Any] | None = None,
    seed: int | None = None,
    torch: bool | None = None,
) -> Report:
    """Check that two functions have the same value and the same gradients at ``inputs``.

    At a kink they may differ, as long as each lies between the one-sided derivatives.

    Args:
        f: a function of tensors.
        other: another one, or a function of PyTorch's tensors.
        inputs: a tuple or list of the arguments, or one argument.
        order: the highest order of derivative; of PyTorch's functions some have the first alone.
        tolerance: relative; see :func:`check_grads`.
        attributes: keyword arguments of both.
        seed: see :func:`check_grads`.
        torch: whether ``other`` takes PyTorch's tensors. By default it does if it comes from there,
            or is a Python function that uses something of that library.

    Raises:
        GradientError: an AssertionError that says where they differ.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.testing import compare
    >>> compare(tg.sigmoid, lambda x: 1 / (1 + tg.exp(-x)), np.array([0.5, -2.0])).passed
    True
    """
    require_order(order)
    foreign = from_torch(other) if torch is None else torch
    ours: Recorded = Recorded(Call(f, inputs, attributes, seed))
    theirs_call = Call(other, inputs, attributes, seed)
    theirs: Any = Torch(theirs_call) if foreign else Recorded(theirs_call)
    report = Report(f"{ours.call.name} and {theirs_call.name}")
    with generator_kept():
        while report.passed and report.order < order:
            case, right = Case(ours, tolerance=tolerance), Case(theirs, tolerance=tolerance)
            report.order = ours.order
            _compare(case, right, report)
            ours = Gradient(ours, case.cotangent)
            theirs = (TorchGradient if foreign else Gradient)(theirs, case.cotangent)
    if report.findings:
        raise GradientError(report)
    return report


def _compare(case: Case, right: Case, report: Report) -> None:
    """Take down how two cases differ: of the value, and if that is the same, of the gradients."""
    if case.subject.order == 1:  # later it is a gradient that was compared
        report.checked["the value is the same"] += 1
        found = _difference(case, right, "the value", None, case.value, right.value)
        if found is not None:
            report.findings.append(found)
            return
    gradients = list(zip(case.gradients, right.pull(case.cotangent)))
    if case.subject.order > 1:  # the last, by the cotangent, says what the order below said
        gradients = gradients[:-1]
    for slot, (a, b) in enumerate(gradients):
        label = case.subject.labels[slot]
        what = f"the gradient of {label}"
        report.checked[f"{what} is the same"] += 1
        found = _difference(case, right, what, label, a, b)
        if found is not None and not _conventions(case, right, slot, a, b):
            report.findings.append(found)


def _conventions(case: Case, right: Case, slot: int, a: Array, b: Array) -> bool:
    """Whether gradients of one shape differ at kinks alone, both as they may."""
    if a.shape != b.shape or disagreement(right) or disagreement(case):
        return False
    off = np.flatnonzero(np.abs(a - b) > case.tolerance * np.abs(b))
    return len(off) <= LOOKED_AT and all(kinked(case, slot, int(j)) for j in off)


def _difference(
    case: Case, right: Case, what: str, label: str | None, a: Array, b: Array
) -> Finding | None:
    details: dict[str, Any] = {
        "check": f"{what} is the same",
        "argument": label,
        "other": right.subject,
    }
    if a.shape != b.shape:
        said = f"{what} has shape {a.shape} and {b.shape}"
        how = SHAPE_OF_VALUE if label is None else SHAPE_OF_GRADIENT
        return contradiction(case, said, shown=how, **details)
    index = farthest(a, b, np.abs(b), case.tolerance, _rounding(case))
    if index is None:
        return None
    return difference(case, f"{what} is not the same", a, b, index, **details)


def _rounding(case: Case) -> float:
    """What gradients of gradients may be apart, whose digits come from larger numbers."""
    return 0.0 if case.subject.order == 1 else float(np.max(case.unseen, initial=0.0))
