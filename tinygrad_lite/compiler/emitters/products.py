"""Products of matrices by BLAS, and the sums that are products with ones."""

from __future__ import annotations

import math

from tinygrad_lite.compiler.program import Instruction
from tinygrad_lite.compiler.writer import Writer, emits, real, widened

LONGEST_DOT = 4096
"""Sums of more numbers than this are left to NumPy, which adds them pairwise."""


@emits("linear")
def linear(step: Instruction, w: Writer) -> bool:
    """x @ weight.T, and the bias added in place; axes before the last are rows like any other."""
    x, weight, bias = step.inputs
    if not x.shape or not real(x, weight, bias, step.out) or 0 in (*x.shape, *weight.shape):
        return False
    out = w.out(step)
    rows, places = w.read(x), out
    if len(x.shape) > 2:
        flat, wide = (f"{{}}.reshape({(-1, v.shape[-1])})" for v in (x, step.out))
        once = x not in w.fixed or x in w.solid
        rows = w.view(x, flat, "rows") if once else flat.format(rows)
        fixed = step.out not in w.fresh
        places = w.setup_view(out, wide, f"{out}_rows") if fixed else wide.format(out)
    factors = f"{rows}, {w.transposed(weight)}" if len(x.shape) > 1 else f"{w.read(weight)}, {rows}"
    w.line(f"{w.np('dot')}({factors}, {places})")
    added = widened(bias, step, w) or w.read(bias)
    w.assign(step, f"{w.np('add')}({out}, {added}, {out})", out)
    return True


@emits("matmul")
def matmul(step: Instruction, w: Writer) -> bool:
    """A product of matrices goes straight to BLAS."""
    x, y = step.inputs
    if not step.out.shape or x.weak or y.weak:
        return False
    plain = len(x.shape) == len(y.shape) == 2 and real(x, y, step.out) and x.size and y.size
    function = w.np("dot" if plain else "matmul")
    out = w.out(step)
    w.assign(step, f"{function}({w.read(x)}, {w.read(y)}, {out})", out)
    return True


def _axes(step: Instruction) -> tuple[int, ...]:
    """The reduced axes, in order."""
    axis, ndim = step.attributes["axis"], len(step.inputs[0].shape)
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,))))


@emits("sum", "mean")
def add_up(step: Instruction, w: Writer) -> bool:
    """Rows or columns added up by a product with ones; everything else by NumPy."""
    x, out = step.inputs[0], step.out
    mean = step.operation.name == "mean"
    countable = x.dtype.kind in "biu" and not out.shape
    if not x.shape or not (real(x, out) or countable):
        return False
    axes = _axes(step)
    count = math.prod(x.shape[a] for a in axes)
    if mean and not count:
        return False
    if not out.shape:
        _add_all(step, w, f" / {count}" if mean and (count > 1 or countable) else "")
        return True
    if axes == () and not mean:
        return False
    to = w.out(step)
    ones = w.ones(count, x.dtype) if count <= LONGEST_DOT else ""
    flat = (
        (w.setup_view(to, "{}.reshape(-1)", f"{to}_flat") if out not in w.fresh else "")
        if len(out.shape) > 1
        else to
    )
    if len(x.shape) == 2 and len(axes) == 1 and count and ones and flat and out.size:
        given = f"{ones}, {w.read(x)}" if axes == (0,) else f"{w.read(x)}, {ones}"
        w.line(f"{w.np('dot')}({given}, {flat})")
    else:
        axis = axes[0] if len(axes) == 1 else axes
        keepdims = step.attributes["keepdims"]
        w.line(f"{w.np('add.reduce')}({w.read(x)}, {axis}, None, {to}, {keepdims})")
    if mean:
        w.line(f"{w.np('divide')}({to}, {w.constant(count, x.dtype)}, {to})")
    w.assign(step, to, to)
    return True


def _add_all(step: Instruction, w: Writer, divided: str) -> None:
    x = step.inputs[0]
    if real(x) and x in w.fixed and x in w.solid and 0 < x.size <= LONGEST_DOT:
        flat = w.view(x, "{}.reshape(-1)", "flat") if len(x.shape) > 1 else w.read(x)
        total = f"{w.np('dot')}({flat}, {w.ones(x.size, x.dtype)})"
    else:
        total = f"{w.np('add.reduce')}({w.read(x)}, None)"
    w.assign(step, f"{total}{divided}")


@emits("fused row_sum")
def row_sum(step: Instruction, w: Writer) -> bool:
    """The sums of the rows, as a column."""
    x = step.inputs[0]
    out = w.out(step)
    flat = w.setup_view(out, "{}.reshape(-1)", f"{out}_flat")
    w.line(f"{w.np('dot')}({w.read(x)}, {w.ones(x.shape[1], x.dtype)}, {flat})")
    w.assign(step, out, out)
    return True
