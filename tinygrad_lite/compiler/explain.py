"""What compilation did to a function, in words."""

from __future__ import annotations

import re
from collections import Counter

from tinygrad_lite.compiler.emit import Source, size_in_words
from tinygrad_lite.compiler.passes import Notes
from tinygrad_lite.compiler.program import Program

NOT_NUMPY = ("repeat", "IndexError", "ValueError", "float")


def report(program: Program, source: Source, notes: Notes, traced: int) -> str:
    """The account that ``explain()`` gives."""
    w = source.writer
    called = re.findall(r"([\w.]+)\(", "\n".join(w.text.body))
    calls = [name for name in called if name not in w.text.given and name not in NOT_NUMPY]
    lines = [
        f"{program.name}: {traced} operations traced, {len(program.instructions)} left, "
        f"{len(calls)} calls of NumPy",
        _counted("fused", notes.fused, len(notes.fused)),
        _counted("dropped", notes.dropped, notes.dropped.total()),
        _counted("computed once instead of again", notes.shared, notes.shared.total()),
        f"buffers: {len(w.pool.buffers)}, {size_in_words(w.pool.nbytes)}; "
        f"{w.written_over} results written over an operand, "
        f"{w.pool.reused} into memory used before",
    ]
    if w.allocated:
        lines.append(
            "in memory taken anew by every call: "
            + ", ".join(f"{name} ({size_in_words(n)})" for name, n in w.allocated.items())
        )
    fresh = sum(v.size * v.dtype.itemsize for v in w.fresh)
    if fresh:
        lines.append(f"returned in memory of the caller's own: {size_in_words(fresh)}")
    if w.constant_nbytes:
        lines.append(f"arrays of constants: {size_in_words(w.constant_nbytes)}")
    gradients = sum(size * dtype.itemsize for size, dtype in source.flats.values())
    names = {slot.name for slot in source.slots.values()}
    if names:
        lines.append(
            f"gradients: {len(names)}, in {_number_of(len(source.flats), 'array')}, "
            f"{size_in_words(gradients)}"
        )
    lines += [
        f"called as it is: {_owner(effect.owner)}, for "
        + _number_of(sum(v is not None for v in effect.gradients.values()), "gradient")
        for effect in program.effects
        if effect.owner is not None
    ]
    if program.differentiates:
        lines.append(
            "a call in which a gradient or a result is not a number is repeated without "
            "compilation, before anything is updated"
        )
    return "\n".join(lines)


def _counted(title: str, counter: Counter[str], total: int) -> str:
    if not counter:
        return f"{title}: nothing"
    names = [name if n == 1 else f"{name} ×{n}" for name, n in counter.most_common()]
    return f"{title}: {total} ({'; '.join(names)})"


def _number_of(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def _owner(owner: object) -> str:
    return getattr(owner, "__name__", type(owner).__name__)
