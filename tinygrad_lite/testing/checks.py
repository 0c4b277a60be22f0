"""The list of properties that every gradient has, and how a case is held to them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_lite.testing import diagnosis
from tinygrad_lite.testing.arrangement import layouts_agree
from tinygrad_lite.testing.case import Case, Finding
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
from tinygrad_lite.testing.findings import Check, contradiction
from tinygrad_lite.testing.subject import Array, Gradient, Subject
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

CHECKS: tuple[Check, ...] = (
    *FATAL,
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

DERIVED: tuple[Check, ...] = (
    inputs_and_cotangent_are_left_alone,
    gradients_have_shape_and_dtype,
    arrays_and_tensors_agree,
    gradients_agree_with_the_oracle,
    zero_cotangent_gives_zero,
)
"""What is looked at for inputs made from those given: none, a single number, a broadcast one."""


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
    """Inputs made from those of an elementwise function: none, one number, one broadcast."""
    if not case.value.size or isinstance(case.subject, Gradient) or not case.elementwise:
        return
    shape = case.value.shape
    candidates: list[tuple[str, list[Array]]] = []
    if shape:
        candidates.append(("without elements", [a[:0] for a in case.arrays]))
        candidates.append(("of one number", [a.reshape(-1)[0:1].reshape(()) for a in case.arrays]))
    if shape and len(case.arrays) > 1:
        for i, label in enumerate(case.subject.labels):
            others = list(case.arrays)
            others[i] = others[i][:1]
            candidates.append((f"with {label} broadcast", others))
    for name, arrays in candidates:
        try:
            derived = Case(case.subject, arrays, case.given_tolerance, name)
        except Exception:  # the function takes no such input: that is its right
            continue
        wanted = np.broadcast_shapes(*(a.shape for a in arrays))
        if derived.value.shape == wanted and derived.inside_domain:
            yield derived


def writes_to_its_inputs(subject: Subject, error: Exception) -> Finding:
    """The finding that the function itself, not only its rule, writes to read-only inputs."""
    case = Case.__new__(Case)
    case.subject, case.arrays, case.variant = subject, list(subject.arrays), ""
    case.cotangent = np.zeros(())
    return _raised(case, error)


def _raised(case: Case, error: Exception) -> Finding:
    text = f"{type(error).__name__}: {error}"
    finding = contradiction(case, f"it raises {text}", diagnosis=diagnosis.of_exception(error))
    if "read-only" in str(error) or "WRITEABLE" in str(error):
        finding.check = title(inputs_and_cotangent_are_left_alone)
    else:
        finding.check = "the backward pass raises no exception"
    return finding
