"""Dead work: what nobody reads is not computed, unless it draws random numbers."""

from __future__ import annotations

from tinygrad_lite.compiler.passes.rewrite import Notes
from tinygrad_lite.compiler.program import Effect, Instruction, Program


def drop(program: Program, notes: Notes) -> None:
    """Drop the instructions that lead to nothing."""
    wanted = set(program.wanted())
    kept: list[Instruction | Effect] = []
    for step in reversed(program.steps):
        if isinstance(step, Effect):
            wanted.update(v for v in step.gradients.values() if v is not None)
        elif step.out in wanted or "rng" in step.attributes:
            wanted.update(step.inputs)
        else:
            notes.dropped[step.operation.name] += 1
            continue
        kept.append(step)
    program.steps = kept[::-1]
