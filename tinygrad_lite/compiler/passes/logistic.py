"""Logistic functions of negated values: what is negated twice, or in vain, is not negated."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.compiler.passes.rewrite import Notes, known_as, makers, replace
from tinygrad_lite.compiler.program import Instruction, Program, Value
from tinygrad_lite.primitive import Primitive, primitive


def _complement(x: Any) -> Any:
    return 1 / (1 + np.exp(x))


complement: Primitive = primitive(_complement, name="complement", symbol="σ(−x)")


def unnegated(program: Program, notes: Notes) -> None:
    """Write σ(-x) as 1 / (1 + exp(x)), and -(-x) as x."""
    made = makers(program)

    def rule(step: Instruction) -> Value | None:
        name = known_as(step.operation)
        before = made.get(step.inputs[0]) if name in ("negative", "sigmoid") else None
        if before is None or known_as(before.operation) != "negative":
            return None
        x = before.inputs[0]
        if x.weak or (x.shape, x.dtype) != (step.out.shape, step.out.dtype):
            return None
        if name == "negative":
            notes.dropped["negative"] += 1
            return x
        if x.dtype.char in "fd" and x.shape:
            step.operation, step.inputs = complement, [x]
            notes.fused["σ(-x) is 1 / (1 + exp(x))"] += 1
        return None

    replace(program, rule)
