"""Long layouts cut into rows, like the lines of a text, so that all of them can be seen at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SLENDER = 7  # times as wide as high: a layout that is cut
SHAPE = 1.6  # times as wide as high: what it is cut to
FINER = 1.2  # times as narrow as the rows that were tried before
SLACK = 0.25  # of a row, in which the best place to cut it is looked for


class Column(NamedTuple):
    """One layer of a layout, before it is cut.

    Attributes:
        left, width: where it stands.
        top, bottom: what its boxes reach to.
        crossed: by how many frames and wires a cut before it would be crossed.
    """

    left: float
    width: float
    top: float
    bottom: float
    crossed: int


def shifts(columns: Sequence[Column], gap: float) -> list[tuple[float, float]]:
    """By how much every column moves, right and down, so that the layout becomes rows.

    Args:
        columns: from left to right.
        gap: the free height between rows, where wires lead back to the left.
    """
    start = columns[0].left
    width = columns[-1].left + columns[-1].width - start
    if width <= SLENDER * _height(columns):
        return [(0.0, 0.0)] * len(columns)
    row_width = width
    rows: list[Sequence[Column]] = [columns]
    while row_width > SHAPE * sum(_height(row) + gap for row in rows):
        row_width /= FINER
        rows = _cut(columns, row_width)
    moved: list[tuple[float, float]] = []
    floor = min(c.top for c in columns)
    for row in rows:
        moved += [(start - row[0].left, floor - min(c.top for c in row))] * len(row)
        floor += _height(row) + gap
    return moved


def _height(row: Sequence[Column]) -> float:
    return max(c.bottom for c in row) - min(c.top for c in row)


def _cut(columns: Sequence[Column], width: float) -> list[Sequence[Column]]:
    """Rows of about that width, cut where the fewest frames and wires are crossed."""
    rows = []
    begin = 0
    while begin < len(columns):
        end = begin + 1
        while end < len(columns) and columns[end].left - columns[begin].left <= width:
            end += 1
        if end < len(columns):
            earliest = columns[begin].left + (1 - SLACK) * width
            choices = [i for i in range(begin + 1, end + 1) if columns[i].left >= earliest] or [end]
            end = min(reversed(choices), key=lambda i: columns[i].crossed)
        rows.append(columns[begin:end])
        begin = end
    return rows
