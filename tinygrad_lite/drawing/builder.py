"""Builder: makes the figure of a plan, and writes into it what it saw of a backward pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.backward import Contribution
from tinygrad_lite.drawing import values
from tinygrad_lite.drawing.figure import Edge, Figure, Shape
from tinygrad_lite.drawing.formula import Formulas, stated
from tinygrad_lite.drawing.naming import Names, common, is_number
from tinygrad_lite.drawing.units import CROWD, Unit
from tinygrad_lite.mode import Scope
from tinygrad_lite.tensor import Tensor

SUMMANDS = 5  # contributions that a sum is written with
LONGEST_SUM = 110  # characters; a longer sum shows its result alone
CROSSING = 3  # results of a folded module that get a box of their own


class Builder:
    """Builds the figure of a plan, watches a backward pass, and writes down what it saw."""

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
        self._boxes: dict[Tensor, Shape] = {}
        self._slots: dict[tuple[Tensor, int], Edge] = {}
        self._sums: dict[Tensor, list[Any]] = {}
        self._totals: dict[Tensor, Any] = {}
        self._upstream: dict[Tensor, Any] = {}
        self._first: dict[str, tuple[Tensor, int, Any]] = {}
        self._within: dict[str, dict[Tensor, Any]] = {}
        self._carried: dict[str, dict[Tensor, Any]] = {}
        self._crowds: dict[Tensor, str] = {}
        self._choose_boxes()
        if len(self._boxes) + len(units) > max_nodes:
            self._fold_crowds()
        self._add_shapes()
        self._add_edges()
        self.figure.part_far_leaves()

    # What there is to see

    def _choose_boxes(self) -> None:
        """Which tensors get a box: leaves and results that are not inside of what is folded."""
        names = self._names
        ends = set(names.outputs)
        for x in names.leaves:
            readers = self._readers.get(x, {})
            folded = [i for i in readers if self._units[i].kind != "operation"]
            kind = names.kind(x)
            inner = is_number(x) or names.belongs(x)
            hidden = len(folded) == len(readers) == 1 and (
                inner or self._units[folded[0]].kind != "module"
            )
            if not hidden or x in ends:
                self._boxes[x] = self._box(x, self._leaf_scopes(x, kind))
        for i, unit in enumerate(self._units):
            if unit.kind == "operation":
                seen = unit.nodes
            else:
                seen = [t for t in unit.nodes if set(self._readers.get(t, ())) - {i} or t in ends]
                if unit.kind == "rest" or len(seen) > CROSSING:
                    seen = [t for t in seen if t in ends]
            for t in seen:
                self._boxes[t] = self._box(t, unit.scopes)

    def _fold_crowds(self) -> None:
        """One group for most of the leaves that one operation alone reads, where they are many."""
        names = self._names
        ends = set(names.outputs)
        for unit in self._units:
            if unit.kind != "operation":
                continue
            read = dict.fromkeys(map(names.canonical, unit.nodes[0].record[1]))
            own = [x for x in read if x in self._boxes and len(self._readers[x]) == 1]
            own = [x for x in own if x.record is None and x not in ends]
            if len(own) > CROWD + 1:
                key = f"group{names.index[unit.nodes[0]]}_leaves"
                title = f"… {len(own) - CROWD:,} leaves"
                self.figure.shapes[key] = Shape(key, "group", title, scopes=unit.scopes)
                for x in own[CROWD:]:
                    del self._boxes[x]
                    self._crowds[x] = key

    def _leaf_scopes(self, x: Tensor, kind: str) -> tuple[Scope, ...]:
        """Where a leaf is drawn: outside if it is an input, else in the module that reads it."""
        if kind == "input" or x not in self._readers:
            return ()
        chains = [self._units[i].scopes for i in self._readers[x]]
        return reduce(common, chains)

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
            if x in self._boxes:
                shapes[names.keys[x]] = self._boxes[x]
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
                if t in self._boxes:
                    shapes[names.keys[t]] = self._boxes[t]

    def _contents(self, unit: Unit) -> str:
        """What a group holds, in words."""
        names = self._names
        hidden = [
            x
            for x in dict.fromkeys(x for t in unit.nodes for x in t.record[1])
            if x.record is None and names.canonical(x) not in self._boxes and not is_number(x)
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
                        edges[key].exact = False
                    else:
                        edges[key] = Edge(key, tail, head)
                    self._slots[node, slot] = edges[key]
            for t in unit.nodes:
                if t in self._boxes:
                    box = names.keys[t]
                    key = f"{head}.out" if unit.kind == "operation" else f"{head}.out.{box}"
                    edges[key] = Edge(key, head, box, exact=False)

    def _source(self, x: Tensor, reader: int) -> str | None:
        """The shape that ``x`` is read from; None if that is inside of the reader."""
        x = self._names.canonical(x)
        if x in self._boxes:
            inside = x.record is not None and self._of[x] == reader
            return None if inside else self._names.keys[x]
        if x in self._crowds:
            return self._crowds[x]
        if x.record is None or self._of[x] == reader:
            return None
        return self._anchor(self._of[x])

    # What a backward pass shows

    def observe(self, event: Contribution) -> None:
        """Take note of a contribution, if it travels on an edge that is drawn."""
        t, slot, upstream, value, _, after = event
        x = t.record[1][slot]
        edge = self._slots.get((t, slot))
        if edge is None and self._units[self._of[t]].kind == "rest" and x not in self._boxes:
            return
        if t in self._boxes and t not in self._upstream:
            self._upstream[t] = getattr(upstream, "_data", upstream)
        if x in self._boxes:
            self._totals[x] = getattr(after, "_data", after)
            summands = self._sums.setdefault(x, [])
            if len(summands) <= SUMMANDS:
                summands.append(value)
        elif x.record is None:
            group = self._crowds.get(x) or self._anchor(self._of[t])
            _add(self._within.setdefault(group, {}), x, value)
        if edge is None:
            return
        _add(self._carried.setdefault(edge.key, {}), x, value)
        if not edge.carries and edge.exact and edge.key.startswith("op"):
            self._first[edge.key] = (t, slot, getattr(upstream, "_data", upstream))
        edge.carries = True

    def finish(self, formulas: bool) -> Figure:
        """Write the gradients that were seen into the figure."""
        figure, names = self.figure, self._names
        for t, box in self._boxes.items():
            total = self._upstream.get(t, self._totals.get(t))
            if total is None:
                continue
            box.gradient = self._sum(t, total)
            box.lean = values.leaning(total)
            grad = t.grad
            if t.record is None and grad is not None and not _alike(grad.data, total):
                box.hint += f"\ngrad holds {values.gist(grad.data, True)}, of other passes as well"
            if t.record is not None:
                self._mark_output(t, total)
        if formulas:
            written = Formulas(names)
            for key, (t, slot, upstream) in self._first.items():
                figure.edges[key].formula = written.of(t, slot, upstream)
        for key, sums in self._carried.items():
            edge = figure.edges[key]
            edge.norm, edge.balance = _length(sums), _balance(sums)
            edge.amount = f"‖{values.number(edge.norm)}‖"
            if len(sums) == 1:
                (total,) = sums.values()
                edge.amount = values.gist(total, True)
        for key, sums in self._within.items():
            figure.shapes[key].gradient = f"‖{values.number(_length(sums))}‖ on its leaves"
        return figure

    def _mark_output(self, t: Tensor, total: Any) -> None:
        """The gradient of a result, on the edge that leads to the operation it came from."""
        unit = self._units[self._of[t]]
        head = self._anchor(self._of[t])
        end = "out" if unit.kind == "operation" else f"out.{self._names.keys[t]}"
        edge = self.figure.edges[f"{head}.{end}"]
        edge.carries = True
        edge.norm, edge.balance = values.norm(total), values.signs(total)

    def _sum(self, t: Tensor, total: Any) -> str:
        """The gradient of a tensor; where several paths meet, as the sum that it is."""
        text = values.gist(total, True)
        summands = self._sums.get(t, [])
        if len(summands) < 2:
            return text
        many = len(summands) if len(summands) <= SUMMANDS else f"more than {SUMMANDS}"
        if np.size(total) > values.SMALL:
            return f"sum of {many} → {text}"
        words = [values.gist(getattr(v, "_data", v), True) for v in summands[:SUMMANDS]]
        words = [words[0], *(f"({word})" if word[0] == "−" else word for word in words[1:])]
        if len(summands) > SUMMANDS:
            words.append("…")
        written = f"{' + '.join(words)} → {text}"
        return written if len(written) <= LONGEST_SUM else f"sum of {many} → {text}"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"


def _add(sums: dict[Tensor, Any], x: Tensor, value: Any) -> None:
    """Add a contribution to those that went to the same tensor already."""
    value = getattr(value, "_data", value)
    with np.errstate(all="ignore"):
        sums[x] = sums[x] + value if x in sums else value


def _length(sums: dict[Tensor, Any]) -> float:
    """The Euclidean length of several gradients together."""
    return math.hypot(*map(values.norm, sums.values()))


def _balance(sums: dict[Tensor, Any]) -> tuple[float, float]:
    """The sum of all elements of several gradients, and that of their absolute values."""
    totals, absolutes = zip(*map(values.signs, sums.values()))
    return sum(totals), sum(absolutes)


def _alike(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True))
