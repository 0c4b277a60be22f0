"""Builder: makes the figure of a plan, before any gradient has flowed through it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from tinygrad_lite import graph
from tinygrad_lite.drawing import values
from tinygrad_lite.drawing.figure import Edge, Figure, Shape
from tinygrad_lite.drawing.formula import stated
from tinygrad_lite.drawing.naming import Names, common, is_number
from tinygrad_lite.drawing.units import CROWD, Unit
from tinygrad_lite.mode import Scope
from tinygrad_lite.tensor import Tensor

CROSSING = 3  # results of a folded module that get a box of their own


class Builder:
    """Builds the figure of a plan.

    Attributes:
        figure: what was built.
        boxes: the tensors that are seen, and their boxes.
        slots: by operation and slot, the edge on which an argument is read.
        results: by tensor, the edge that leads to its box from the operation that made it.
    """

    def __init__(
        self, names: Names, units: Sequence[Unit], show_values: bool, max_nodes: int
    ) -> None:
        self.figure = Figure(names)
        self._names = names
        self._units = units
        self._show_values = show_values
        self._of: dict[Tensor, int] = {t: i for i, u in enumerate(units) for t in u.nodes}
        self._readers: dict[Tensor, dict[int, None]] = {}
        for i, unit in enumerate(units):
            for node in unit.nodes:
                for x in node.record[1]:
                    self._readers.setdefault(names.canonical(x), {})[i] = None
        self.boxes: dict[Tensor, Shape] = {}
        self.slots: dict[tuple[Tensor, int], Edge] = {}
        self.results: dict[Tensor, Edge] = {}
        self._crowds: dict[Tensor, str] = {}
        self._choose_boxes()
        if len(self.boxes) + len(units) > max_nodes:
            self._fold_crowds()
        self._add_shapes()
        self._add_edges()
        self.figure.part_far_leaves()

    def _choose_boxes(self) -> None:
        """Which tensors get a box: leaves and results that are not inside of what is folded."""
        names = self._names
        ends = set(names.outputs)
        for x in names.leaves:
            readers = self._readers.get(x, {})
            folded = [i for i in readers if self._units[i].kind != "operation"]
            inner = is_number(x) or names.belongs(x)
            hidden = len(folded) == len(readers) == 1 and (
                inner or self._units[folded[0]].kind != "module"
            )
            if not hidden or x in ends:
                self.boxes[x] = self._box(x, self._leaf_scopes(x))
        for i, unit in enumerate(self._units):
            if unit.kind == "operation":
                seen = unit.nodes
            else:
                seen = [t for t in unit.nodes if set(self._readers.get(t, ())) - {i} or t in ends]
                if unit.kind == "rest" or len(seen) > CROSSING:
                    seen = [t for t in seen if t in ends]
            for t in seen:
                self.boxes[t] = self._box(t, unit.scopes)

    def _fold_crowds(self) -> None:
        """One group for most of the leaves that one operation alone reads, where they are many."""
        names = self._names
        ends = set(names.outputs)
        for unit in self._units:
            if unit.kind != "operation":
                continue
            read = dict.fromkeys(map(names.canonical, unit.nodes[0].record[1]))
            leaves = [x for x in read if x.record is None and x in self.boxes and x not in ends]
            own = [x for x in leaves if len(self._readers[x]) == 1]
            if len(own) > CROWD + 1:
                key = f"group{names.index[unit.nodes[0]]}_leaves"
                title = f"… {len(own) - CROWD:,} leaves"
                self.figure.shapes[key] = Shape(key, "group", title, scopes=unit.scopes)
                for x in own[CROWD:]:
                    del self.boxes[x]
                    self._crowds[x] = key

    def _leaf_scopes(self, x: Tensor) -> tuple[Scope, ...]:
        """Where a leaf is drawn: outside if it is an input, else in the module that reads it."""
        if self._names.kind(x) == "input" or x not in self._readers:
            return ()
        return reduce(common, (self._units[i].scopes for i in self._readers[x]))

    def _box(self, t: Tensor, scopes: tuple[Scope, ...]) -> Shape:
        names = self._names
        plain = is_number(t)
        caption = str(t.dtype)
        if t.ndim:
            caption = f"{values.shape_text(t.shape)} · {caption}"
        hint = f"{names[t]} ({caption})"
        place = graph.site(t)
        if place is not None:
            hint = f"{hint}\n{names[t]} = {stated(names, t)}\n{place}"
        value = values.gist(t.data) if self._show_values and not plain else ""
        return Shape(
            key=names.keys[t],
            kind=names.kind(t),
            title=names[t],
            caption="" if plain else caption,
            value=value,
            hint=hint,
            scopes=scopes,
        )

    def _add_shapes(self) -> None:
        names, shapes = self._names, self.figure.shapes
        for x in names.leaves:
            if x in self.boxes:
                shapes[names.keys[x]] = self.boxes[x]
        for i, unit in enumerate(self._units):
            key = self._anchor(i)
            if unit.kind == "operation":
                node = unit.nodes[0]
                place = graph.site(node)
                hint = f"{node.record[0].name}: {names[node]} = {stated(names, node)}\n{place}"
                shape = Shape(
                    key, "operation", node.record[0].symbol, hint=hint, scopes=unit.scopes
                )
            else:
                shape = Shape(key, "group", unit.title, self._contents(unit), scopes=unit.scopes)
            shapes[key] = shape
            for t in unit.nodes:
                if t in self.boxes:
                    shapes[names.keys[t]] = self.boxes[t]

    def _contents(self, unit: Unit) -> str:
        """What a group holds, in words."""
        names = self._names
        hidden = [
            x
            for x in dict.fromkeys(x for t in unit.nodes for x in t.record[1])
            if x.record is None and names.canonical(x) not in self.boxes and not is_number(x)
        ]
        parameters = sum(x.size for x in hidden if x.requires_grad)
        inputs = sum(not x.requires_grad for x in hidden)
        words = []
        if unit.kind != "rest":
            words.append(_counted(len(unit.nodes), "operation"))
        if inputs and unit.kind == "repeat":
            words.append(_counted(inputs, "input"))
        if parameters:
            words.append(_counted(parameters, "parameter"))
        elif unit.kind == "rest" and hidden:
            words.append("1 leaf" if len(hidden) == 1 else f"{len(hidden):,} leaves")
        return ", ".join(words)

    def _anchor(self, i: int) -> str:
        """The key of the circle or group of a unit."""
        unit = self._units[i]
        first = self._names.index[unit.nodes[0]]
        return f"op{first}" if unit.kind == "operation" else f"group{first}"

    def group(self, x: Tensor, reader: Tensor) -> str | None:
        """The key of the group in which a leaf without a box is read; None if that says nothing.

        What is left out in the middle of a graph has leaves that are read elsewhere as well.
        """
        i = self._of[reader]
        return None if self._units[i].kind == "rest" else self._crowds.get(x) or self._anchor(i)

    def _add_edges(self) -> None:
        names, edges = self._names, self.figure.edges
        for i, unit in enumerate(self._units):
            head = self._anchor(i)
            for node in unit.nodes:
                for slot, x in enumerate(node.record[1]):
                    tail = self._source(x, i)
                    if tail is None:
                        continue
                    single = unit.kind == "operation" and not tail.startswith("group")
                    key = f"{head}.{slot}" if single else f"{head}.from.{tail}"
                    if key in edges:
                        edges[key].slots += 1
                    else:
                        edges[key] = Edge(key, tail, head)
                    self.slots[node, slot] = edges[key]
            for t in unit.nodes:
                if t in self.boxes:
                    box = names.keys[t]
                    key = f"{head}.out" if unit.kind == "operation" else f"{head}.out.{box}"
                    edges[key] = self.results[t] = Edge(key, head, box)

    def _source(self, x: Tensor, reader: int) -> str | None:
        """The shape that ``x`` is read from; None if that is inside of the reader."""
        x = self._names.canonical(x)
        if x in self.boxes:
            inside = x.record is not None and self._of[x] == reader
            return None if inside else self._names.keys[x]
        if x in self._crowds:
            return self._crowds[x]
        if x.record is None or self._of[x] == reader:
            return None
        return self._anchor(self._of[x])


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"
