"""Transposed products: (a @ b).T is written as b.T @ a.T, so that it is computed in its place."""

from __future__ import annotations

from collections import Counter

from tinygrad_lite.compiler.passes.rewrite import Notes, axes_of, known_as, makers, replace
from tinygrad_lite.compiler.program import Instruction, Program, Value


def straighten(program: Program, notes: Notes) -> None:
    """Transpose the factors instead of a product that is read in no other way."""
    made = makers(program)
    reads = Counter(v for step in program.instructions for v in step.inputs)
    reads.update(program.wanted())
    reads.update(v for e in program.effects for v in e.gradients.values() if v is not None)
    seen: dict[Value, Instruction] = {}
    for step in program.instructions:
        x = step.inputs[0] if step.inputs else step.out
        product = made.get(x)
        if product is None or known_as(product.operation) != "matmul" or reads[x] > 1:
            continue
        turns = known_as(step.operation) == "transpose" and axes_of(step) == (1, 0)
        if turns and all(len(v.shape) == 2 for v in product.inputs):
            seen[x] = step
    turned = {step.out for step in seen.values()}

    def rule(step: Instruction) -> Value | list[Instruction] | None:
        if step.out in turned:
            return step.out  # where the product was
        if step.out not in seen:
            return None
        turn = seen[step.out]
        notes.fused["a transposed product is a product of transposes"] += 1
        factors = [
            Instruction(
                turn.operation, [v], {"axes": (1, 0)}, Value("result", v.shape[::-1], v.dtype)
            )
            for v in reversed(step.inputs)
        ]
        step.inputs, step.out = [f.out for f in factors], turn.out
        return [*factors, step]

    replace(program, rule)
