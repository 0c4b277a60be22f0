"""Figure: what a picture shows of a graph, as plain shapes and edges that are yet to be drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinygrad_lite.drawing.copies import near_copies
from tinygrad_lite.drawing.naming import Names
from tinygrad_lite.mode import Scope

FAR = 16  # levels between the readers of a leaf that one box can serve


@dataclass
class Shape:
    """A box, a circle or a group.

    Attributes:
        key: stable from run to run, and safe as an identifier.
        kind: of tensors as in :meth:`Names.kind`; ``operation`` or ``group``.
        title: the name, or the sign of an operation.
        caption: shape and dtype, or what is in a group.
        value: the value or its summary; empty where it is not wanted.
        gradient: the gradient, or the sum that makes it; empty where there is none.
        lean: how far the signs of the gradient agree, from -1 to 1; NaN if it is not finite.
        hint: more, for whoever points at it.
        scopes: the module calls that it is drawn in, outermost first.
    """

    key: str
    kind: str
    title: str
    caption: str = ""
    value: str = ""
    gradient: str = ""
    lean: float = 0.0
    hint: str = ""
    scopes: tuple[Scope, ...] = ()


@dataclass
class Edge:
    """What flows between two shapes, forward, and back if a gradient does.

    Attributes:
        key: ``op3.1`` for argument 1 of operation 3; ``op3.out`` for its result.
        tail, head: the keys of the shapes, in forward direction.
        slots: how many argument slots it stands for.
        carries: whether a gradient was seen on it.
        formula: the rule that made the gradient; empty where it is not wanted.
        amount: the gradient, written short.
        norm: its Euclidean length.
        lean: how far the signs of its elements agree, from -1 to 1; NaN if it is not finite.
    """

    key: str
    tail: str
    head: str
    slots: int = 1
    carries: bool = False
    formula: str = ""
    amount: str = ""
    norm: float = 0.0
    lean: float = 0.0


@dataclass
class Figure:
    """Everything that is to be drawn, in an order that does not change from run to run."""

    names: Names
    shapes: dict[str, Shape] = field(default_factory=dict)
    edges: dict[str, Edge] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def part_far_leaves(self) -> None:
        """Repeat the box of a leaf where it is read far from its first use: long edges hide much.

        The first box keeps the value and the whole gradient; the others are references to it.
        """
        reads = [(edge.tail, edge.head) for edge in self.edges.values()]
        copies = near_copies(reads, self.latest_levels(), FAR)
        for (leaf, reader), key in copies.items():
            if key not in self.shapes:
                first, scopes = self.shapes[leaf], self.shapes[reader].scopes
                hint = f"{first.hint}\nthe same tensor as the first {first.title}"
                self.shapes[key] = Shape(
                    key, first.kind, f"{first.title} ↑", hint=hint, scopes=scopes
                )
        for edge in self.edges.values():
            edge.tail = copies.get((edge.tail, edge.head), edge.tail)

    def latest_levels(self) -> dict[str, int]:
        """Levels counted from the outputs back, so that a side branch stands where it joins in."""
        level = dict.fromkeys(self.shapes, 0)
        for edge in reversed(self.edges.values()):
            level[edge.tail] = min(level[edge.tail], level[edge.head] - 1)
        return level

    def levels(self) -> dict[str, int]:
        """How many edges lie at most between the leaves and each shape."""
        level = dict.fromkeys(self.shapes, 0)
        for edge in self.edges.values():  # tails are complete before their heads are read
            level[edge.head] = max(level[edge.head], level[edge.tail] + 1)
        return level
