"""What is drawn as text, for terminals and without dot: a figure in layers, rows in columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tinygrad_lite.drawing.figure import Edge, Figure, Shape


def layered(figure: Figure) -> str:
    """A drawing of a figure in lines of text.

    Operations that need nothing of each other stand in one layer; below each result are the
    gradients that it passes on to its inputs.
    """
    levels = figure.levels()
    into, out_of = defaultdict[str, list[Edge]](list), defaultdict[str, list[Edge]](list)
    for edge in figure.edges.values():
        into[edge.head].append(edge)
        out_of[edge.tail].append(edge)
    lines: list[str] = []
    layer, level = 0, -1
    for shape in sorted(figure.shapes.values(), key=lambda shape: levels[shape.key]):
        if shape.kind in ("operation", "group"):
            if levels[shape.key] != level:
                layer, level = layer + 1, levels[shape.key]
                lines.append(f"── layer {layer} " + "─" * 24)
            lines += _operation(figure, shape, into[shape.key], out_of[shape.key])
            lines += _gradients(figure, into[shape.key])
        elif not into[shape.key]:
            lines.append(_tensor(shape))
    return "\n".join([*lines, *figure.notes])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines, each column as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows)
    return [line.rstrip() for line in lines]


def _tensor(shape: Shape) -> str:
    words = [shape.title]
    if shape.caption:
        words.append(f"({shape.caption})")
    if shape.value:
        words.append(f"= {shape.value}")
    if shape.gradient:
        words.append(f"  ∇ {shape.gradient}")
    kind = "" if shape.kind == "intermediate" else f"{shape.kind} "
    return f"[{kind}{' '.join(words)}]"


def _operation(figure: Figure, shape: Shape, sources: list[Edge], results: list[Edge]) -> list[str]:
    names = ", ".join(figure.shapes[edge.tail].title for edge in sources)
    head = f"({shape.title}) {names}" if shape.kind == "operation" else f"[[{shape.title}]] {names}"
    if shape.caption:
        head += f"  ({shape.caption})"
    boxes = [figure.shapes[edge.head] for edge in results if edge.head.startswith("t")]
    if not boxes:
        return [head]
    return [f"{head} → {_tensor(box)}" for box in boxes]


def _gradients(figure: Figure, sources: list[Edge]) -> list[str]:
    return [
        f"      ↳ ∇ {figure.shapes[edge.tail].title}: "
        + (f"{edge.formula} = {edge.amount}" if edge.formula else edge.amount)
        for edge in sources
        if edge.carries
    ]
