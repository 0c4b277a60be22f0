"""Random draws into buffers, from the generators that are used without compilation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.compiler.program import Instruction
from tinygrad_lite.compiler.writer import Writer, emits
from tinygrad_lite.random import generator


@emits("uniform", "normal")
def reals(step: Instruction, w: Writer) -> bool:
    """The numbers of the generator itself, into a buffer."""
    out, rng = step.out, step.attributes["rng"]
    if not _lasting(rng) or out.dtype.char not in "fd" or not out.shape:
        return False
    to = w.out(step)
    method = "random" if step.operation.name == "uniform" else "standard_normal"
    w.line(f"{w.give('rng', generator(rng))}.{method}(None, np.{out.dtype.name}, {to})")
    w.assign(step, to, to)
    return True


@emits("integers", "permutation")
def whole(step: Instruction, w: Writer) -> bool:
    """Integers, which generators make anew."""
    given = dict(step.attributes)
    rng = given.pop("rng")
    if not _lasting(rng) or not step.out.shape:
        return False
    if "dtype" in given:
        given["dtype"] = f"np.{step.out.dtype.name}"
    values = ", ".join(map(str, given.values()))
    w.allocates(step)
    w.assign(step, f"{w.give('rng', generator(rng))}.{step.operation.name}({values})")
    return True


def _lasting(rng: Any) -> bool:
    """Whether it is a generator that goes on from call to call, rather than a seed."""
    return rng is None or isinstance(rng, np.random.Generator)


@emits("dropout_mask")
def dropout_mask(step: Instruction, w: Writer) -> bool:
    """The same draw as ever, into a buffer."""
    p, out, rng = step.attributes["p"], step.out, step.attributes["rng"]
    if p == 1 or not _lasting(rng) or out.dtype.char not in "fd" or not out.shape:
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
