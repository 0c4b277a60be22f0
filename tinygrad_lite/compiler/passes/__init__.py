"""The rewriting of a program, one idea per file; each takes a program and changes its steps."""

from __future__ import annotations

from tinygrad_lite.compiler.passes.common import share
from tinygrad_lite.compiler.passes.dead import drop
from tinygrad_lite.compiler.passes.fuse import fuse
from tinygrad_lite.compiler.passes.logistic import unnegated
from tinygrad_lite.compiler.passes.rewrite import Notes
from tinygrad_lite.compiler.passes.simplify import simplify
from tinygrad_lite.compiler.passes.transposed import straighten
from tinygrad_lite.compiler.program import Program

__all__ = ["Notes", "optimise"]


def optimise(program: Program, careful: bool = False) -> Notes:
    """Rewrite ``program`` until it does no more than it has to; what was done is noted.

    What is ``careful`` does not leave labels that are to be ignored to the function as it is.
    """
    notes = Notes()
    simplify(program, notes)
    share(program, notes)
    unnegated(program, notes)
    fuse(program, notes, careful)
    straighten(program, notes)
    simplify(program, notes)
    share(program, notes)
    drop(program, notes)
    return notes
