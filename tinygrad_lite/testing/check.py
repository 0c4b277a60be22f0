"""check_grads: one call that puts a function's gradients through every property there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_lite.testing import checks, values
from tinygrad_lite.testing.call import Call, generator_kept
from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.failure import GradientError
from tinygrad_lite.testing.findings import Check, Finding
from tinygrad_lite.testing.subject import Gradient, HandWritten, Recorded, Subject
from tinygrad_lite.testing.variants import variants as variants_of


@dataclass
class Report:
    """What was checked, and what was found.

    Attributes:
        name: the function.
        checked: the properties, with the number of times each was looked at.
        findings: what contradicts them; empty when all is well.
        order: the highest order of derivative that was checked.
        worst: the largest disagreement with the oracle, as a part of what was allowed.
        methods: how the oracle found its derivatives.
        notes: what was left out, and why.
    """

    name: str
    checked: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    order: int = 0
    worst: float = 0.0
    methods: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        verdict = "holds" if self.passed else f"{len(self.findings)} findings"
        how = ", ".join(sorted(self.methods)) or "nothing to differentiate"
        lines = [
            f"{self.name}: {verdict}; {len(self.checked)} properties, up to order {self.order}",
            f"  oracle: {how}; the largest error is {self.worst:.0%} of what is allowed",
            *(f"  {note}" for note in self.notes),
        ]
        return "\n".join(lines)

    def merge(self, other: Report) -> None:
        """Take in what another report says."""
        self.checked.update(other.checked)
        self.findings += other.findings
        self.order = max(self.order, other.order)
        self.worst = max(self.worst, other.worst)
        self.methods |= other.methods
        self.notes += other.notes

    def add(self, case: Case, properties: tuple[Check, ...]) -> bool:
        """Check a case and take down the result; False if something was found."""
        found = checks.run(case, properties)
        self.checked.update(map(checks.title, properties))
        self.findings += found
        self.order = max(self.order, case.subject.order)
        self.worst = max(self.worst, case.worst)
        self.methods |= case.methods
        return not found


def check_grads(
    f: Callable[..., Any],
    inputs: Any,
    order: int = 2,
    *,
    reference: Any = None,
    tolerance: float | None = None,
    vjp: Callable[..., Any] | None = None,
    attributes: dict[str, Any] | None = None,
    seed: int | None = None,
    variants: bool = True,
    name: str | None = None,
) -> Report:
    """Check the gradients of ``f`` at ``inputs``: every property, up to the given order.

    The value is compared with a reference; the gradients with a complex step or a five-point
    stencil, whichever knows better, the whole Jacobian where it is small and uᵀJv with random signs
    where it is not; at a kink they must lie between the one-sided derivatives. Gradients must have
    the shape and dtype of their inputs, be linear in the cotangent and exactly zero for a zero one,
    share no memory, accumulate, not depend on the layout of the inputs, on which others are asked
    for, or on anything but the inputs; nothing given may be changed, no switch left on, and no
    shared random generator touched by the backward pass.

    Args:
        f: a function of tensors, a primitive, or with ``vjp`` any function of NumPy arrays; it
            returns one array or several.
        inputs: a tuple or list of the arguments, or one argument: arrays, tensors, numbers, and
            nested tuples, lists and dicts of them. Floating-point ones are differentiated by, the
            others held fixed. What is one array in several places is checked as one, too.
        order: 1 for gradients, 2 for the gradients of gradients as well, and so on.
        reference: the right value, or a function of the same arguments as arrays that gives it.
        tolerance: relative; by default 1e-9 in float64, 3e-5 in float32, 2e-2 in float16. The
            oracle's own error bar is added.
        vjp: the derivative of a function that is not made of tensors, ``vjp(cotangent, *inputs,
            **attributes)``: the gradient of the one input, or a tuple, one for each. Checked to
            first order.
        attributes: keyword arguments of ``f``.
        seed: for functions that draw random numbers from the library's default generator: it is
            started from this seed before every evaluation.
        variants: also check one array for two inputs of one shape and, of elementwise functions,
            inputs without elements, of one number, of four axes, and broadcast.
        name: what to call the function in messages.

    Returns:
        A report of what was checked.

    Raises:
        GradientError: an AssertionError that says what is wrong, where, by how much and probably
            why, with a snippet to see it again.
        ValueError: if the inputs or the value are not finite: the point is outside of the domain;
            for an order below 1, or a tolerance that is not positive.
        TypeError: if there is nothing to differentiate, or by, or the function takes another number
            of arguments.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.testing import check_grads
    >>> print(check_grads(tg.tanh, [np.array([0.5, -1.0])], reference=np.tanh))
    tanh: holds; 17 properties, up to order 2
      oracle: complex step, five-point stencil, linearity; the largest error is ...

    A derivative written by hand, for a function that knows nothing of tensors:

    >>> def norm(x):
    ...     return np.sqrt(np.sum(x * x))
    >>> def norm_vjp(g, x):
    ...     return g * x / norm(x)
    >>> check_grads(norm, [np.array([3.0, 4.0])], vjp=norm_vjp).passed
    True
    """
    __tracebackhide__ = True  # pytest shows the message, not this function
    require_order(order)
    with generator_kept():
        call = Call(f, inputs, attributes, seed, name)
        subject = Recorded(call) if vjp is None else HandWritten(call, vjp)
        report = _examined(subject, order, reference, tolerance, variants)
        if report.passed and call.shared:
            tied = subject.tied(call.shared)
            report.merge(_examined(tied, order, reference, tolerance, variants=False))
    if not report.passed:
        raise GradientError(report)
    return report


def require_order(order: int) -> None:
    """Raise a ValueError unless there is a derivative of that order."""
    if order < 1:
        raise ValueError(f"order= is 1 for gradients, 2 for theirs as well, ...; got {order!r}")


def _examined(
    subject: Subject, order: int, reference: Any, tolerance: float | None, variants: bool
) -> Report:
    call = subject.call
    report = Report(call.name)
    try:
        case = Case(subject, tolerance=tolerance)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        report.findings.append(checks.writes_to_its_inputs(subject, error))
        return report
    if not case.inside_domain:
        places = [tuple(int(i) for i in p) for p in np.argwhere(~np.isfinite(case.value))[:3]]
        raise ValueError(
            f"{call.name} is not finite at these inputs (at {places} of the result): they are "
            "outside of its domain, where it has no derivative; choose others"
        )
    if reference is not None and not report.add(case, (values.equals(reference),)):
        return report
    sound = _checked(case, report)
    if variants and sound:
        for derived in variants_of(case):
            sound = report.add(derived, checks.ESSENTIAL) and sound
    while sound and isinstance(subject, Recorded) and case.subject.order < order:
        subject = Gradient(subject, case.cotangent)
        case = Case(subject, tolerance=tolerance)
        if not case.inside_domain:
            report.notes.append(f"order {subject.order} left out: the gradient is infinite here")
            break
        sound = _checked(case, report)
    return report


def _checked(case: Case, report: Report) -> bool:
    """Check all properties, or those alone that need no digits; whether it makes sense to go on."""
    if not report.add(case, checks.FATAL):
        return False
    if case.determined:
        return report.add(case, checks.OTHERS)
    report.notes.append(
        f"order {case.subject.order} not compared: so close to a singularity, rounding of the "
        "inputs alone changes the gradient altogether"
    )
    return False
