"""Common subexpressions: what was computed from the same values before is not computed again."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.compiler.passes.rewrite import Notes, known_as, replace
from tinygrad_lite.compiler.program import Instruction, Program, Value


def share(program: Program, notes: Notes) -> None:
    """Let each value be computed once.

    Operations of a user's own are computed as often as they were: they may be random.
    """
    seen: dict[Any, Value] = {}

    def rule(step: Instruction) -> Value | None:
        if not known_as(step.operation) or "rng" in step.attributes:
            return None
        try:
            key = (
                step.operation,
                tuple(same(v) for v in step.inputs),
                tuple(sorted((k, repr(a)) for k, a in step.attributes.items())),
            )
            found = seen.setdefault(key, step.out)
        except TypeError:
            return None
        if found is step.out:
            return None
        notes.shared[step.operation.name] += 1
        return found

    replace(program, rule)


def same(value: Value) -> Any:
    """What two values that are always equal have in common."""
    if value.kind == "constant" and not np.ndim(value.source):
        return value.weak, value.dtype, repr(value.source)
    return value
