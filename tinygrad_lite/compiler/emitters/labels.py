"""Scores at the labels, and back: by places in the flat array, after a look at the labels."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.compiler.program import Instruction, Value
from tinygrad_lite.compiler.writer import Writer, emits, real

PLACES = np.dtype(np.intp)


@emits("nll")
def nll(step: Instruction, w: Writer) -> bool:
    """-logp[i, labels[i]], or 0 where the label is to be ignored."""
    logp, labels = step.inputs
    rows = logp.shape[0]
    if not _fits(logp, labels) or not real(logp, step.out) or logp not in w.fixed:
        return False
    if logp not in w.solid:
        return False
    reduction = step.attributes["reduction"]
    ignored, places = _places(step, labels, logp.shape[1], w)
    flat = w.view(logp, "{}.reshape(-1)", "flat")
    chosen = w.out(step) if step.out.shape else w.scratch((rows,), logp.dtype)
    w.line(f"{flat}.take({places}, None, {chosen}, 'clip')")
    w.line(w.into("negative", [chosen], chosen))
    w.line(f"{w.np('copyto')}({chosen}, 0, where={ignored})")
    if step.out.shape:
        w.assign(step, chosen, chosen)
        return True
    total = f"{w.np('add.reduce')}({chosen})"
    if reduction == "mean":
        total += f" / {_counted(step, ignored, w)}"
    w.assign(step, total)
    return True


@emits("nll_transposed")
def nll_transposed(step: Instruction, w: Writer) -> bool:
    """-g at the labels, and 0 elsewhere."""
    g, labels = step.inputs
    if not _fits(step.out, labels) or not real(step.out) or g.dtype != step.out.dtype:
        return False
    if step.out in w.fresh:
        return False
    ignored, places = _places(step, labels, step.out.shape[1], w)
    values = w.scratch(labels.shape, step.out.dtype)
    out = w.out(step)
    w.line(f"{w.np('copyto')}({values}, {w.read(g, step.out.dtype)})")
    w.line(w.into("negative", [values], values))
    if step.attributes["reduction"] == "mean":
        w.line(w.into("divide", [values, _counted(step, ignored, w)], values))
    w.line(f"{w.np('copyto')}({values}, 0, where={ignored})")
    w.line(f"{w.np('copyto')}({out}, 0)")
    flat = w.setup_view(out, "{}.reshape(-1)", f"{out}_flat")
    w.line(f"{flat}.put({places}, {values})")
    w.assign(step, out, out)
    return True


def _fits(scores: Value, labels: Value) -> bool:
    rows = len(scores.shape) == 2 and labels.shape == scores.shape[:1]
    return rows and bool(scores.size) and labels.dtype == PLACES


def _counted(step: Instruction, ignored: str, w: Writer) -> str:
    """How many labels are not ignored; a Python number, so that float32 stays float32."""
    return f"({step.inputs[1].shape[0]} - int({w.np('count_nonzero')}({ignored})))"


def _places(step: Instruction, labels: Value, classes: int, w: Writer) -> tuple[str, str]:
    """Which labels are ignored, and where all are in the flat array; these in the first class."""
    rows = labels.shape[0]
    ignored, places = w.scratch((rows,), np.dtype(bool)), w.scratch((rows,), PLACES)
    ignore = w.constant(step.attributes["ignore_index"], PLACES)
    w.line(w.into("equal", [w.read(labels), ignore], ignored))
    w.line(f"{w.np('copyto')}({places}, {w.read(labels)})")
    w.line(f"{w.np('copyto')}({places}, 0, where={ignored})")
    w.line(f"if {places}.min() < 0 or {places}.max() >= {classes}:")
    w.line(f'    raise IndexError("a label is no class: there are {classes} of them")')
    starts = w.table(
        ("starts", rows, classes),
        f"starts_of_{rows}_rows",
        f"np.arange(0, {rows * classes}, {classes})",
        8 * rows,
    )
    w.line(w.into("add", [places, starts], places))
    return ignored, places
