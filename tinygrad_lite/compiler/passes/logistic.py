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


def _log_complement(x: Any) -> Any:
    return -np.logaddexp(x, 0.0)


log_complement: Primitive = primitive(_log_complement, name="log_complement", symbol="log σ(−x)")
WITHOUT = {"sigmoid": complement, "logsigmoid": log_complement}


def unnegated(program: Program, notes: Notes) -> None:
    """Write σ(-x) as 1 / (1 + exp(x)), its logarithm likewise, and -(-x) as x."""
    made = makers(program)

    def rule(step: Instruction) -> Value | None:
        name = known_as(step.operation)
        before = made.get(step.inputs[0]) if name == "negative" or name in WITHOUT else None
        if before is None or known_as(before.operation) != "negative":
            return None
        x = before.inputs[0]
        if x.weak or (x.shape, x.dtype) != (step.out.shape, step.out.dtype):
            return None
        if name == "negative":
            notes.dropped["negative"] += 1
            return x
        if x.dtype.char in "fd" and x.shape:
            step.operation, step.inputs = WITHOUT[name], [x]
            notes.fused["functions of -x are written in x"] += 1
        return None

    replace(program, rule)
