"""Softmax, its logarithm, and the pieces of the cross-entropy that uses them."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.compiler.program import Instruction
from tinygrad_lite.compiler.writer import WIDE, Writer, emits, real, spelled


@emits("fused shifted")
def shifted(step: Instruction, w: Writer) -> bool:
    """x less the largest of its row, so that exponentials do not overflow."""
    x = step.inputs[0]
    rows, columns = x.shape
    top, place = w.scratch((rows, 1), x.dtype), w.scratch((rows,), np.dtype(np.intp))
    out = w.out(step, [0])
    if x in w.fixed and x in w.solid:  # to look where the largest is takes half the time
        starts = w.table(
            ("starts", rows, columns),
            f"starts_of_{rows}_rows",
            f"np.arange(0, {rows * columns}, {columns})",
            8 * rows,
        )
        flat = w.view(x, "{}.reshape(-1)", "flat")
        w.line(f"{w.read(x)}.argmax(1, {place})")
        w.line(f"{w.np('add')}({place}, {starts}, {place})")
        to = w.setup_view(top, "{}.reshape(-1)", f"{top}_flat")
        w.line(f"{flat}.take({place}, None, {to}, 'clip')")
    else:
        w.line(f"{w.np('maximum.reduce')}({w.read(x)}, 1, None, {top}, True)")
    wide = top
    if x.size <= WIDE:
        wide = w.scratch(x.shape, x.dtype)
        w.line(f"{w.np('copyto')}({wide}, {top})")
    w.assign(step, f"{w.np('subtract')}({w.read(x)}, {wide}, {out})", out)
    return True


@emits("fused one_hot")
def one_hot(step: Instruction, w: Writer) -> bool:
    """Rows of a table; a label that is no class finds a row that holds no numbers."""
    labels, out = step.inputs[0], step.out
    classes, dtype = step.attributes["classes"], spelled(out.dtype)
    table = w.table(
        ("one_hot", classes, dtype),
        f"rows_of_{classes}_classes",
        f"np.full(({2 * classes + 128}, {classes}), np.nan, {dtype})",
        (2 * classes + 128) * classes * out.dtype.itemsize,
    )
    fill = f"{table}[:{classes}] = np.eye({classes})"
    if fill not in w.text.constants:
        w.text.constants.append(fill)
    to = w.out(step)
    w.assign(step, f"{table}.take({w.read(labels)}, 0, {to}, 'raise')", to)
    return True


@emits("fused label_loss")
def label_loss(step: Instruction, w: Writer) -> bool:
    """The sum (or mean) over rows of log(sum(exp(z))) less z at the label."""
    logs, z, hot = step.inputs
    share = step.attributes["share"]
    flat = [w.view(v, "{}.reshape(-1)", "flat") for v in (logs, z, hot)]
    ones = w.ones(logs.size, logs.dtype)
    total = f"{w.np('dot')}({flat[0]}, {ones}) - {w.np('dot')}({flat[1]}, {flat[2]})"
    if share != 1:
        total = f"({total}) * {share!r}"
    w.assign(step, total)
    if not w.program.differentiates:  # else it is looked at with the gradients
        loss = w.read(step.out)
        w.line(f"if {loss} != {loss}:")
        w.line('    raise ValueError("a label is no class, or the scores are not numbers")')
    return True


@emits("log_softmax", "softmax")
def softmax(step: Instruction, w: Writer) -> bool:
    """Exponentials of what is shifted below 0, and their sums."""
    x, axis = step.inputs[0], step.attributes["axis"]
    if not isinstance(axis, int) or not real(x, step.out) or not x.size:
        return False
    row = tuple(1 if i == axis % len(x.shape) else n for i, n in enumerate(x.shape))
    edge, powers = w.scratch(row, x.dtype), w.scratch(x.shape, x.dtype)
    log = step.operation.name == "log_softmax"
    out = w.out(step, [0])

    def spread() -> str:
        if x.size > WIDE:
            return edge
        w.line(f"{w.np('copyto')}({powers}, {edge})")
        return powers

    w.line(f"{w.np('maximum.reduce')}({w.read(x)}, {axis}, None, {edge}, True)")
    w.line(w.into("subtract", [w.read(x), spread()], out))
    if log:
        w.line(w.into("exp", [out], powers))
        w.line(f"{w.np('add.reduce')}({powers}, {axis}, None, {edge}, True)")
        w.line(w.into("log", [edge], edge))
    else:
        w.line(w.into("exp", [out], out))
        w.line(f"{w.np('add.reduce')}({out}, {axis}, None, {edge}, True)")
    w.assign(step, w.into("subtract" if log else "divide", [out, spread()], out), out)
    return True
