"""The integral of the normal distribution, by a function that works in buffers."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_lite.compiler.program import Instruction
from tinygrad_lite.compiler.writer import Writer, emits
from tinygrad_lite.ops.normal import BLOCK, erfc_single


@emits("normal_cdf")
def normal_cdf(step: Instruction, w: Writer) -> bool:
    """erfc(-x / √2) / 2 in single precision; in double, the C library is asked for each element."""
    x = step.inputs[0]
    single = np.dtype(np.float32)
    if not step.out.size or not step.out.shape or {x.dtype, step.out.dtype} != {single}:
        return False
    work = w.scratch((4, min(x.size, BLOCK)), single)
    out = w.out(step, [0])
    flat = (
        f"{out}.reshape(-1)"
        if step.out in w.fresh
        else w.setup_view(out, "{}.reshape(-1)", f"{out}_flat")
    )
    w.line(w.into("multiply", [w.read(x), w.constant(-math.sqrt(0.5), single)], out))
    w.line(f"{w.give('erfc', erfc_single)}({flat}, {flat}, {work})")
    w.assign(step, w.into("multiply", [out, w.constant(0.5, single)], out), out)
    return True
