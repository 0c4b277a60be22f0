"""Choosing between values: relu and its mask, masks in general, and where."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_lite.compiler.passes.fuse import INTEGERS
from tinygrad_lite.compiler.program import Instruction
from tinygrad_lite.compiler.writer import Writer, emits, real, spelled


@emits("relu")
def relu(step: Instruction, w: Writer) -> bool:
    """Clipping at 0: unlike maximum it does not reset the floating-point status."""
    x = step.inputs[0]
    if not step.out.shape or not real(x, step.out):
        return False
    zero, infinity = w.constant(0.0, x.dtype), w.constant(math.inf, x.dtype)
    out = w.out(step, [0])
    w.assign(step, f"{w.np('clip')}({w.read(x)}, {zero}, {infinity}, {out})", out)
    return True


@emits("argmax", "argmin")
def place_of(step: Instruction, w: Writer) -> bool:
    """The index of the largest or smallest element."""
    x, axis = step.inputs[0], step.attributes["axis"]
    if not x.shape or step.attributes["keepdims"]:
        return False
    find = f"{w.read(x)}.{step.operation.name}"
    if not step.out.shape:
        w.assign(step, f"{find}({'' if axis is None else axis})")
        return True
    out = w.out(step)
    w.line(f"{find}({axis}, {out})")
    w.assign(step, out, out)
    return True


@emits("fused where_positive")
def where_positive(step: Instruction, w: Writer) -> bool:
    """g where y > 0, else 0: as an integer y is then above 0 as well, and bits times 1 are kept."""
    g, y = step.inputs
    integer = np.dtype(INTEGERS[y.dtype.itemsize])
    mask = w.scratch(y.shape, integer)
    as_bits = f"{{}}.view({spelled(integer)})"
    source = w.view(g, as_bits, "bits")
    out = w.out(step, [0])
    target = (
        w.setup_view(out, as_bits, f"{out}_bits")
        if step.out not in w.fresh
        else (as_bits.format(out))
    )
    zero, one = w.constant(0, integer), w.constant(1, integer)
    w.line(f"{w.np('clip')}({w.view(y, as_bits, 'bits')}, {zero}, {one}, {mask})")
    w.line(f"{w.np('multiply')}({source}, {mask}, {target})")
    w.assign(step, out, out)
    return True


@emits("masked")
def masked(step: Instruction, w: Writer) -> bool:
    """x where the condition holds, else 0: its bits, as an integer, times 1 or 0."""
    x, condition = step.inputs
    bits = INTEGERS.get(x.dtype.itemsize)
    if bits is None or x.dtype != step.out.dtype or condition.dtype != bool or x.dtype.kind != "f":
        return False
    if not step.out.shape or not x.shape or not condition.shape:
        return False
    integer = np.dtype(bits)
    mask = w.scratch(condition.shape, integer)
    as_bits = f"{{}}.view({spelled(integer)})"
    source = w.view(x, as_bits, "bits")
    out = w.out(step, [0])
    target = (
        w.setup_view(out, as_bits, f"{out}_bits")
        if step.out not in w.fresh
        else (as_bits.format(out))
    )
    w.line(f"{w.np('copyto')}({mask}, {w.read(condition)})")
    w.line(f"{w.np('multiply')}({source}, {mask}, {target})")
    w.assign(step, out, out)
    return True


@emits("where")
def where(step: Instruction, w: Writer) -> bool:
    """One of the two copied, and the other over it where the condition holds."""
    if len(step.inputs) != 3:
        return False
    condition, x, y = step.inputs
    if not step.out.shape or condition.dtype != bool or not condition.shape:
        return False
    out = w.out(step)
    w.line(f"{w.np('copyto')}({out}, {w.read(y, step.out.dtype)})")
    given = w.read(x, step.out.dtype)
    w.line(f"{w.np('copyto')}({out}, {given}, where={w.read(condition)})")
    w.assign(step, out, out)
    return True
