"""The same figure as text, one layer of the graph after the other: for terminals, without dot."""

from __future__ import annotations

from tinygrad_lite.drawing.figure import Edge, Figure, Shape


def layered(figure: Figure, backward: bool) -> str:
    """A drawing of a figure in lines of text.

    Operations that need nothing of each other stand in one layer; below each result are the
    gradients that it passes on to its inputs.
    """
    levels = figure.levels()
    into: dict[str, list[Edge]] = {}
    out_of: dict[str, list[Edge]] = {}
    for edge in figure.edges.values():
        into.setdefault(edge.head, []).append(edge)
        out_of.setdefault(edge.tail, []).append(edge)
    lines: list[str] = []
    layer, level = 0, -1
    order = sorted(figure.shapes.values(), key=lambda shape: levels[shape.key])
    for shape in order:
        if shape.kind in ("operation", "group"):
            if levels[shape.key] != level:
                layer, level = layer + 1, levels[shape.key]
                lines.append(f"── layer {layer} " + "─" * 24)
            lines += _operation(figure, shape, into.get(shape.key, []), out_of.get(shape.key, []))
        elif shape.key not in into:
            lines.append(_tensor(shape, backward))
        if backward and shape.kind in ("operation", "group"):
            lines += _gradients(figure, into.get(shape.key, []))
    return "\n".join([*lines, *figure.notes])


def _tensor(shape: Shape, backward: bool) -> str:
    words = [shape.title]
    if shape.caption:
        words.append(f"({shape.caption})")
    if shape.value:
        words.append(f"= {shape.value}")
    if backward and shape.gradient:
        words.append(f"  ∇ {shape.gradient}")
    kind = f"{shape.kind} " if shape.kind not in ("intermediate",) else ""
    return f"[{kind}{' '.join(words)}]"


def _operation(figure: Figure, shape: Shape, sources: list[Edge], results: list[Edge]) -> list[str]:
    names = ", ".join(figure.shapes[edge.tail].title for edge in sources)
    head = f"({shape.title}) {names}" if shape.kind == "operation" else f"[[{shape.title}]] {names}"
    if shape.caption:
        head += f"  ({shape.caption})"
    boxes = [figure.shapes[edge.head] for edge in results if edge.head.startswith("t")]
    if not boxes:
        return [head]
    return [f"{head} → {_tensor(box, True)}" for box in boxes]


def _gradients(figure: Figure, sources: list[Edge]) -> list[str]:
    return [
        f"      ↳ ∇ {figure.shapes[edge.tail].title}: "
        + (f"{edge.formula} = {edge.amount}" if edge.formula else edge.amount)
        for edge in sources
        if edge.carries
    ]
