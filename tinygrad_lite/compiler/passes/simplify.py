"""Simplification: what the rules of the chain rule write down in general, and is nothing here."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.compiler.passes.rewrite import Notes, axes_of, is_view, known_as, number, replace
from tinygrad_lite.compiler.program import Instruction, Program, Value


def simplify(program: Program, notes: Notes) -> None:
    """Fold constants, and drop copies, casts, reshapes and factors that change nothing."""
    made: dict[Value, Instruction] = {}
    calm = not program.effects

    def rule(step: Instruction) -> Value | None:
        found = folded(step) or unchanged(step, made)
        again = known_as(step.operation) == "transpose"  # the same memory, seen the other way
        if found is not None and (calm or again or _is_own(found, made)):
            notes.dropped[step.operation.name] += 1
            return found
        expanded(step, made)
        made[step.out] = step
        return None

    replace(program, rule)


def _is_own(value: Value, made: dict[Value, Instruction]) -> bool:
    """Whether no effect can change the memory of a value: a copy of it need not be one."""
    while value in made and is_view(made[value]):
        value = made[value].inputs[0]
    return value.kind in ("constant", "argument") or (
        value in made and bool(known_as(made[value].operation))
    )


def folded(step: Instruction) -> Value | None:
    """The constant that an operation on constants is."""
    if not step.inputs or any(v.kind != "constant" for v in step.inputs):
        return None
    if not known_as(step.operation):
        return None
    with np.errstate(all="ignore"):
        data = step.operation.forward(*[v.source for v in step.inputs], **step.attributes)
    data = np.asarray(data)[()]
    out = step.out
    return Value("constant", out.shape, out.dtype, data, gradient_of=out.gradient_of)


def unchanged(step: Instruction, made: dict[Value, Instruction]) -> Value | None:
    """The value that an operation leaves as it is."""
    name, inputs, out = known_as(step.operation), step.inputs, step.out
    x = inputs[0] if inputs else out
    alike = x.shape == out.shape and x.dtype == out.dtype and not x.weak
    if name in ("positive", "cast", "reshape", "broadcast_to") and alike:
        return x
    before = made.get(x)
    if name == "reshape" and before is not None and known_as(before.operation) == name:
        step.inputs = [before.inputs[0]]
        return unchanged(step, made)
    if name == "transpose" and before is not None and known_as(before.operation) == name:
        axes, earlier = (axes_of(s) for s in (step, before))
        if all(earlier[a] == i for i, a in enumerate(axes)):
            return before.inputs[0]
    if name in ("multiply", "divide", "add", "subtract"):
        y = inputs[1]
        unit: Any = 1 if name in ("multiply", "divide") else 0
        if alike and number(y) == unit:
            return x
        like_y = y.shape == out.shape and y.dtype == out.dtype and not y.weak
        if name in ("multiply", "add") and number(x) == unit and like_y:
            return y
    return None


def expanded(step: Instruction, made: dict[Value, Instruction]) -> None:
    """Let a ufunc read what was broadcast for it: it broadcasts by itself."""
    if not isinstance(step.operation.forward, np.ufunc) or step.operation.forward.signature:
        return
    for slot, v in enumerate(step.inputs):
        before = made.get(v)
        if before is None or known_as(before.operation) != "broadcast_to":
            continue
        narrow = before.inputs[0]
        others = [u.shape for i, u in enumerate(step.inputs) if i != slot]
        if not narrow.weak and np.broadcast_shapes(narrow.shape, *others) == step.out.shape:
            step.inputs[slot] = narrow
