"""The list of properties that every gradient has, and how a case is held to them."""

from __future__ import annotations

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
from tinygrad_lite.testing.subject import Subject
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

ESSENTIAL: tuple[Check, ...] = (
    inputs_and_cotangent_are_left_alone,
    gradients_have_shape_and_dtype,
    gradients_agree_with_the_oracle,
    zero_cotangent_gives_zero,
)
"""What is looked at for inputs made from those given, and of each operation in an audit."""


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
