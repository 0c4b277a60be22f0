"""Random draws into buffers, from the generators that are used without compilation."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.compiler.program import Instruction
from tinygrad_lite.compiler.writer import Writer, emits
from tinygrad_lite.random import generator


@emits("dropout_mask")
def dropout_mask(step: Instruction, w: Writer) -> bool:
    """The same draw as ever, into a buffer."""
    p, out, rng = step.attributes["p"], step.out, step.attributes["rng"]
    if (
        p == 1
        or not (rng is None or isinstance(rng, np.random.Generator))
        or out.dtype.char not in "fd"
        or not out.shape
    ):
        return False
    single = np.dtype(np.float32)
    to = w.out(step)
    draw = to if out.dtype == single and out not in w.fresh else w.scratch(out.shape, single)
    chosen = w.scratch(out.shape, np.dtype(bool))
    w.line(f"{w.give('rng', generator(rng))}.random(None, np.float32, {draw})")
    w.line(f"{w.np('greater_equal')}({draw}, {w.constant(p, single)}, {chosen})")
    scale = w.constant(out.dtype.type(1 / (1 - p)), out.dtype)
    w.assign(step, f"{w.np('multiply')}({chosen}, {scale}, {to})", to)
    return True
