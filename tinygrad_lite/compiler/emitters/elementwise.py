"""Ufuncs and copies: into a buffer, over an operand that is not needed any more."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.compiler.passes.rewrite import number
from tinygrad_lite.compiler.program import Instruction, Value
from tinygrad_lite.compiler.writer import Writer, emits, widened


@emits("ufunc")
def ufunc(step: Instruction, w: Writer) -> bool:
    """A ufunc, into a buffer: over an input if that is not needed any more."""
    function = step.operation.forward
    if getattr(np, function.__name__, None) is not function or step.attributes:
        return False
    partners = [v.dtype for v in step.inputs if not v.weak]
    dtype = partners[0] if len(set(partners)) == 1 else None
    given = [operand(v, step, w, dtype) for v in step.inputs]
    if not step.out.shape or function.signature:
        w.assign(step, f"{w.np(function.__name__)}({', '.join(given)})")
        return True
    out = w.out(step, range(len(given)))
    w.assign(step, w.into(function.__name__, given, out), out)
    return True


def operand(v: Value, step: Instruction, w: Writer, dtype: np.dtype[Any] | None) -> str:
    """How an input is read: as a number where it is nothing else, or repeated to full shape."""
    same = (
        number(v)
        if v.shape and any(u.shape == step.out.shape for u in step.inputs if u is not v)
        else None
    )
    if same is not None:
        return w.constant(same, v.dtype)
    return widened(v, step, w) or w.read(v, dtype)


@emits("cast")
def cast(step: Instruction, w: Writer) -> bool:
    """A copy in another dtype."""
    if not step.out.shape:
        return False
    out = w.out(step)
    w.line(f"{w.np('copyto')}({out}, {w.read(step.inputs[0])}, 'unsafe')")
    w.assign(step, out, out)
    return True


@emits("concatenate")
def concatenate(step: Instruction, w: Writer) -> bool:
    """Arrays side by side in a buffer."""
    parts = ", ".join(map(w.read, step.inputs))
    out = w.out(step)
    w.assign(step, f"{w.np('concatenate')}([{parts}], {step.attributes['axis']}, {out})", out)
    return True
