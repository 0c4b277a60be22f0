"""About how wide a figure will be, before anything is laid out."""

from __future__ import annotations

from collections import Counter, defaultdict

from tinygrad_lite.drawing.dot import WIDEST
from tinygrad_lite.drawing.figure import Figure, Shape

LETTER, COLUMN = 4.6, 20  # about the width of a letter, and what a column adds around its letters
CIRCLE = 26  # the width of an operation
BESIDE = 16  # between two things side by side
LABEL = 45  # of an edge, where it is not written yet
BENT = 1.7  # how much wider a layout is than its widest row: most things do not stand in a line


def breadth_across(figure: Figure) -> float:
    """About how wide a figure is from left to right, in points."""
    levels = figure.levels()
    columns = [0] * (max(levels.values(), default=0) + 1)
    gaps = [0] * len(columns)
    for key, shape in figure.shapes.items():
        columns[levels[key]] = max(columns[levels[key]], _longest(shape))
    for edge in figure.edges.values():
        before = levels[edge.head] - 1
        gaps[before] = max(gaps[before], len(edge.formula), len(edge.amount))
    return sum(COLUMN + LETTER * n for n in (*columns, *gaps))


def breadth_down(figure: Figure, backward: bool) -> float:
    """About how wide a figure is from top to bottom, in points, once it has its gradients.

    A row holds the shapes of a level, and the edges and labels that pass it.
    """
    levels = figure.latest_levels()
    rows: dict[int, float] = defaultdict(float)
    uses = Counter[str]()
    for edge in figure.edges.values():
        uses[edge.tail] += edge.slots if backward else 0
    for key, shape in figure.shapes.items():
        letters = _longest(shape)
        if uses[key] > 1:
            letters = max(letters, min(WIDEST, (len(shape.value) + 3) * (uses[key] + 1)))
        wide = CIRCLE if shape.kind == "operation" else COLUMN + LETTER * letters
        rows[levels[key]] += BESIDE + wide
    for edge in figure.edges.values():
        first, last = levels[edge.tail] + 1, levels[edge.head]
        for level in range(first, last):
            rows[level] += 2 * BESIDE
        if backward and last > first:
            rows[(first + last) // 2] += LABEL
    return BENT * max(rows.values(), default=0.0)


def _longest(shape: Shape) -> int:
    return max(map(len, (shape.title, shape.caption, shape.value, shape.gradient)))
