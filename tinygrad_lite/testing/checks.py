"""The list of properties that every gradient has, and how a case is held to them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from tinygrad_lite.testing import diagnosis
from tinygrad_lite.testing.arrangement import layouts_agree
from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.conduct import (
    generators_are_left_alone,
    inputs_and_cotangent_are_left_alone,
    no_memory_is_shared,
    nothing_is_kept_on_the_side,
    result_is_left_alone,
    runs_are_bitwise_equal,
    switches_are_restored,
    switches_are_restored_after_an_exception,
)
from tinygrad_lite.testing.findings import Check, Finding, contradiction
from tinygrad_lite.testing.layouts import Array
from tinygrad_lite.testing.subject import Gradient, Subject
from tinygrad_lite.testing.values import (
    arrays_and_tensors_agree,
    gradients_accumulate,
    gradients_agree_with_the_oracle,
    gradients_are_linear_in_the_cotangent,
    gradients_have_shape_and_dtype,
    subsets_of_inputs_agree,
    zero_cotangent_gives_zero,
)

FATAL: tuple[Check, ...] = (
    inputs_and_cotangent_are_left_alone,
    switches_are_restored,
    runs_are_bitwise_equal,
    gradients_have_shape_and_dtype,
)
"""Where one of these fails, the others would only repeat it."""

OTHERS: tuple[Check, ...] = (
    result_is_left_alone,
    generators_are_left_alone,
    switches_are_restored_after_an_exception,
    arrays_and_tensors_agree,
    gradients_agree_with_the_oracle,
    zero_cotangent_gives_zero,
    gradients_are_linear_in_the_cotangent,
    no_memory_is_shared,
    gradients_accumulate,
    nothing_is_kept_on_the_side,
    subsets_of_inputs_agree,
    layouts_agree,
)
"""What else is looked at, where the gradients have right digits at all."""

DERIVED: tuple[Check, ...] = (
    inputs_and_cotangent_are_left_alone,
    gradients_have_shape_and_dtype,
    arrays_and_tensors_agree,
    gradients_agree_with_the_oracle,
    zero_cotangent_gives_zero,
)
"""What is looked at for inputs made from those given."""

MANY = (3, 2, 3, 4)  # more elements, and axes, than most inputs of tests have
PAIRS = 3  # of inputs for which one array is given


def title(check: Check) -> str:
    """The name of a property in words."""
    return check.__name__.replace("_", " ")


def run(case: Case, checks: tuple[Check, ...]) -> list[Finding]:
    """What contradicts ``checks``; an exception from a rule is one such thing."""
    findings: list[Finding] = []
    for check in checks:
        try:
            with np.errstate(all="ignore"):
                found = list(check(case))
        except Exception as error:
            found = [_raised(case, error)]
        for finding in found:
            finding.check = finding.check or title(check)
        findings += found
        if found and check in FATAL:
            break
    return findings


def variants(case: Case) -> Iterator[Case]:
    """Other inputs made from these, as far as the function takes them."""
    if isinstance(case.subject, Gradient) or not case.value.size:
        return
    yield from _tied(case)
    if case.elementwise:
        yield from _reshaped(case)


def _tied(case: Case) -> Iterator[Case]:
    """Where two inputs are of one kind: one array for both."""
    labels = case.subject.labels
    kinds = [(a.shape, a.dtype) for a in case.arrays]
    pairs = [(i, j) for i, j in combinations(range(len(kinds)), 2) if kinds[i] == kinds[j]]
    for i, j in pairs[:PAIRS]:
        subject = case.subject.tied([(i, j)])
        derived = _derived(case, subject, None, f"with one array for {labels[i]} and {labels[j]}")
        if derived is not None and _is_ordinary(derived):
            yield derived


def _is_ordinary(case: Case) -> bool:
    """Whether the gradients have right digits: where inputs meet, functions may be singular."""
    try:
        return all(np.isfinite(g).all() for g in case.gradients) and case.determined
    except Exception:  # which is for a check to report
        return True


def _reshaped(case: Case) -> Iterator[Case]:
    """Of an elementwise function: no elements, one number, many with four axes, one broadcast."""
    shape = case.value.shape
    candidates: list[tuple[str, list[Array]]] = []
    if shape:
        candidates.append(("for inputs without elements", [a[:0] for a in case.arrays]))
        candidates.append(
            ("for inputs of one number", [a.reshape(-1)[0:1].reshape(()) for a in case.arrays])
        )
    few = [(3,)] if case.value.size == 1 else []  # which a message shows in one line
    for wide in (*few, MANY):
        name = f"for inputs repeated to shape {wide}"
        candidates.append((name, [np.resize(a, wide) for a in case.arrays]))
    if len(case.arrays) > 1:
        for i, label in enumerate(case.subject.labels):
            others = [np.resize(a, MANY) for a in case.arrays]
            others[i] = others[i][:, :1, :, :1]
            candidates.append((f"with {label} broadcast to shape {MANY}", others))
    if shape and len(case.arrays) > 1:
        for i, label in enumerate(case.subject.labels):
            others = list(case.arrays)
            others[i] = others[i][:1]
            candidates.append((f"with {label} broadcast", others))
    for name, arrays in candidates:
        derived = _derived(case, case.subject, arrays, name)
        wanted = np.broadcast_shapes(*(a.shape for a in arrays))
        if derived is not None and derived.value.shape == wanted:
            yield derived


def _derived(case: Case, subject: Subject, arrays: list[Array] | None, name: str) -> Case | None:
    """The case of other inputs; None if the function does not take them, which is its right."""
    try:
        derived = Case(subject, arrays, case.given_tolerance, name)
    except Exception:  # whatever it raises to say so
        return None
    return derived if derived.inside_domain else None


def writes_to_its_inputs(subject: Subject, error: Exception) -> Finding:
    """The finding that the function itself, not only its rule, writes to read-only inputs."""
    case = Case.__new__(Case)
    case.subject, case.arrays, case.variant = subject, list(subject.arrays), ""
    case.cotangent = np.zeros(())
    finding = _raised(case, error)
    finding.shown_by = ("{call}",)
    return finding


def _raised(case: Case, error: Exception) -> Finding:
    text = f"{type(error).__name__}: {error}"
    finding = contradiction(case, f"it raises {text}", diagnosis=diagnosis.of_exception(error))
    if "read-only" in str(error) or "WRITEABLE" in str(error):
        finding.check = title(inputs_and_cotangent_are_left_alone)
        finding.layouts = ("C",) * (len(case.arrays) + 1)  # which a snippet makes read-only, too
    else:
        finding.check = "the backward pass raises no exception"
    return finding
