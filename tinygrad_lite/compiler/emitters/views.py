"""How the operations that rearrange memory are written: as views, made once where they can be."""

from __future__ import annotations

from tinygrad_lite.compiler.program import Instruction
from tinygrad_lite.compiler.writer import Writer, emits, real
from tinygrad_lite.ops.index import ARRAY


@emits("transpose")
def transpose(step: Instruction, w: Writer) -> bool:
    """A view."""
    axes = step.attributes["axes"]
    if not step.inputs[0].shape:
        return False
    turned = axes is None or tuple(a % len(axes) for a in axes) == (*range(len(axes))[::-1],)
    _as_view(step, w, "{}.T" if turned else f"{{}}.transpose({axes})", "T")
    return True


@emits("getitem")
def getitem(step: Instruction, w: Writer) -> bool:
    """A view, where there are only slices and numbers; what arrays of numbers choose is new."""
    x, *arrays = step.inputs
    if not x.shape or any(v.dtype.kind not in "iu" for v in arrays):
        return False
    rest = iter(arrays)
    parts = [w.read(next(rest)) if p is ARRAY else _part(p) for p in step.attributes["pattern"]]
    index = ", ".join(parts) or "..."
    if step.out.shape and not arrays:
        _as_view(step, w, f"{{}}[{index}]", "part")
        return True
    if step.out.shape:
        w.allocates(step)
    number = "" if step.out.shape or Ellipsis not in step.attributes["pattern"] else "[()]"
    w.assign(step, f"{w.read(x)}[{index}]{number}")  # else it would be a view
    return True


@emits("scatter")
def scatter(step: Instruction, w: Writer) -> bool:
    """Zeros, and in them what a slice was read for."""
    g, *arrays = step.inputs
    if arrays or not step.out.shape or not real(g, step.out):
        return False
    out = w.out(step)
    index = ", ".join(map(_part, step.attributes["pattern"])) or "..."
    w.line(f"{out}.fill(0)")
    w.line(f"{out}[{index}] = {w.read(g)}")
    w.assign(step, out, out)
    return True


def _part(part: object) -> str:
    if isinstance(part, slice):
        ends = [("" if e is None else repr(e)) for e in (part.start, part.stop, part.step)]
        return ":".join(ends if part.step is not None else ends[:2])
    return "..." if part is Ellipsis else repr(part)


@emits("broadcast_to")
def broadcast_to(step: Instruction, w: Writer) -> bool:
    """A view made once, or a copy, which is quicker than a view made anew."""
    x = step.inputs[0]
    if not step.out.shape:
        return False
    if x.shape and x in w.fixed:
        _as_view(step, w, f"np.broadcast_to({{}}, {step.out.shape})", "wide")
        return True
    out = w.out(step)
    w.line(f"{w.np('copyto')}({out}, {w.read(x, step.out.dtype)})")
    w.assign(step, out, out)
    return True


@emits("reshape")
def reshape(step: Instruction, w: Writer) -> bool:
    """A view of memory in one piece; else a copy."""
    x, out = step.inputs[0], step.out
    if x.shape and out.shape and x not in w.fixed:
        w.assign(step, f"{w.read(x)}.reshape({out.shape})")
        return True
    if x.shape and x in w.fixed and x in w.solid:
        _as_view(step, w, f"{{}}.reshape({out.shape})", "reshaped")
        w.solid.add(out)
        return True
    if not out.shape or not x.shape:
        return False
    to = w.out(step)
    target = (
        f"{to}.reshape({x.shape})"
        if out in w.fresh
        else w.setup_view(to, f"{{}}.reshape({x.shape})", f"{to}_reshaped")
    )
    w.line(f"{w.np('copyto')}({target}, {w.read(x)})")
    w.assign(step, to, to)
    return True


def _as_view(step: Instruction, w: Writer, how: str, wish: str) -> None:
    x = step.inputs[0]
    w.read(x)
    if x in w.fixed:
        w.local[step.out] = w.fixed[step.out] = w.view(x, how, wish)
    else:
        w.assign(step, how.format(w.read(x)))
