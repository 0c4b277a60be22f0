"""What all passes share: which operation it is, replacing values, and notes of what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.compiler.program import Effect, Instruction, Program, Value
from tinygrad_lite.ops.index import ARRAY
from tinygrad_lite.primitive import Primitive

Replacement = Callable[[Instruction], "Value | list[Instruction] | None"]


class Notes:
    """What the passes did, in words and how often; ``explain()`` tells it."""

    def __init__(self) -> None:
        self.fused: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.shared: Counter[str] = Counter()


def known_as(operation: Primitive) -> str:
    """The name of one of NumPy's or the library's own operations; empty for a user's own.

    It goes by where the forward function is from, since a user's operation may have any name.
    """
    forward = operation.forward
    if isinstance(forward, np.ufunc):
        return forward.__name__ if getattr(np, forward.__name__, None) is forward else ""
    if forward is np.where:
        return "where"
    module: str = getattr(forward, "__module__", None) or ""
    if not module.startswith("tinygrad_lite."):
        return ""
    return f"fused {operation.name}" if ".compiler." in module else operation.name


def is_view(step: Instruction) -> bool:
    """Whether the result is the memory of the first input in another arrangement."""
    name = known_as(step.operation)
    if name == "getitem":
        pattern = step.attributes["pattern"]
        return bool(step.out.shape) and not any(part is ARRAY for part in pattern)
    return name in ("reshape", "transpose", "broadcast_to") and bool(step.inputs[0].shape)


def replace(program: Program, rule: Replacement) -> None:
    """Walk the steps in order; ``rule`` may put a value or other instructions in one's place.

    The last of the instructions must have the ``out`` of the one that they replace.
    """
    instead: dict[Value, Value] = {}
    steps: list[Instruction | Effect] = []

    def now(v: Value) -> Value:
        if v.kind == "changed":  # by an effect, in the place where the gradient was
            v.source = now(v.source)
        return instead.get(v, v)

    for step in program.steps:
        if isinstance(step, Effect):
            step.gradients = {t: v and now(v) for t, v in step.gradients.items()}
            step.stores = {state: now(v) for state, v in step.stores.items()}
            steps.append(step)
            continue
        step.inputs = [now(v) for v in step.inputs]
        found = rule(step)
        if found is None:
            steps.append(step)
        elif isinstance(found, Value):
            instead[step.out] = found
            if found.gradient_of is None and found.kind == "result":
                found.gradient_of = step.out.gradient_of
        else:
            steps.extend(found)
    program.steps = steps
    for r in program.returned:
        r.value = r.value and now(r.value)
    program.gradients = {t: v and now(v) for t, v in program.gradients.items()}
    program.writes = {t: now(v) for t, v in program.writes.items()}


def makers(program: Program) -> dict[Value, Instruction]:
    """The instruction that computes each result."""
    return {step.out: step for step in program.instructions}


def number(value: Value) -> Any:
    """The number that a constant is, or None: of an array all elements must be that number."""
    if value.kind != "constant":
        return None
    data = np.asarray(value.source)
    if not data.size:
        return None
    first = data.flat[0]
    return first if data.ndim == 0 or bool(np.all(data == first)) else None


def axes_of(step: Instruction) -> tuple[int, ...]:
    """Where a transpose takes its axes from, counted from 0."""
    axes = step.attributes["axes"]
    ndim = len(step.out.shape)
    return tuple(range(ndim))[::-1] if axes is None else tuple(a % ndim for a in axes)
