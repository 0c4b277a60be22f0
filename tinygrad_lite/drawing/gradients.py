"""Gradients: watches a backward pass, and writes into a figure what it saw there."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.backward import Contribution
from tinygrad_lite.drawing import values
from tinygrad_lite.drawing.builder import Builder
from tinygrad_lite.drawing.formula import Formulas
from tinygrad_lite.tensor import Tensor

SUMMANDS = 5  # contributions that a sum is written with
LONGEST_SUM = 110  # characters; a longer sum shows its result alone


class Gradients:
    """The gradients that flow through what was built, as they are told one by one."""

    def __init__(self, built: Builder) -> None:
        self._built = built
        self._upstream: dict[Tensor, Any] = {}  # of results, complete
        self._summands: dict[Tensor, list[Any]] = {}  # of what has a box, the first few
        self._totals: dict[Tensor, Any] = {}  # and the sum of all
        self._rules: dict[str, tuple[Tensor, int, Any]] = {}  # by edge, the slot that it stands for
        self._carried: dict[str, dict[Tensor, Any]] = {}  # by edge, what went to each tensor
        self._within: dict[str, dict[Tensor, Any]] = {}  # by group, what went to leaves inside

    def observe(self, event: Contribution) -> None:
        """Take note of a contribution."""
        built, t, x = self._built, event.node, event.node.record[1][event.slot]
        value = event.value
        if t in built.boxes:
            self._upstream.setdefault(t, event.upstream)
        if x in built.boxes:
            self._totals[x] = event.after
            summands = self._summands.setdefault(x, [])
            if len(summands) <= SUMMANDS:
                summands.append(value)
        elif x.record is None and (group := built.group(x, t)):
            _add(self._within.setdefault(group, {}), x, value)
        edge = built.slots.get((t, event.slot))
        if edge is None:
            return
        edge.carries = True
        _add(self._carried.setdefault(edge.key, {}), x, value)
        if edge.slots == 1 and edge.head.startswith("op"):
            self._rules[edge.key] = t, event.slot, event.upstream

    def write(self, formulas: bool) -> None:
        """Write what was seen into the figure, with the rules of the edges if they are wanted."""
        figure = self._built.figure
        for t in self._built.boxes:
            total = self._upstream.get(t, self._totals.get(t))
            if total is not None:
                self._write_box(t, total)
        if formulas:
            written = Formulas(figure.names)
            for key, slot in self._rules.items():
                figure.edges[key].formula = written.of(*slot)
        for key, sums in self._carried.items():
            edge, arrays = figure.edges[key], list(sums.values())
            edge.norm, edge.lean = values.norm(*arrays), values.leaning(*arrays)
            edge.amount = (
                values.gist(arrays[0], True)
                if len(arrays) == 1
                else f"‖{values.number(edge.norm)}‖"
            )
        for key, sums in self._within.items():
            length = values.norm(*sums.values())
            figure.shapes[key].gradient = f"‖{values.number(length)}‖ on its leaves"

    def _write_box(self, t: Tensor, total: Any) -> None:
        """The gradient of a tensor; that of a result is on the edge to its box as well."""
        box = self._built.boxes[t]
        box.gradient, box.lean = self._sum(t, total), values.leaning(total)
        if t.record is not None:
            edge = self._built.results[t]
            edge.carries = True
            edge.norm, edge.lean = values.norm(total), box.lean
        elif t.grad is not None and not np.array_equal(t.grad.data, total, equal_nan=True):
            box.hint += f"\ngrad holds {values.gist(t.grad.data, True)}, of other passes as well"

    def _sum(self, t: Tensor, total: Any) -> str:
        """The gradient of a tensor; where several paths meet, as the sum that it is."""
        text = values.gist(total, True)
        summands = self._summands.get(t, [])
        if len(summands) < 2:
            return text
        many = len(summands) if len(summands) <= SUMMANDS else f"more than {SUMMANDS}"
        if np.size(total) > values.SMALL:
            return f"sum of {many} → {text}"
        words = [values.gist(v, True) for v in summands[:SUMMANDS]]
        words = [words[0], *map(values.summand, words[1:])]
        if len(summands) > SUMMANDS:
            words.append("…")
        written = f"{' + '.join(words)} → {text}"
        return written if len(written) <= LONGEST_SUM else f"sum of {many} → {text}"


def _add(sums: dict[Tensor, Any], x: Tensor, value: Any) -> None:
    """Add a contribution to those that went to the same tensor already."""
    with np.errstate(all="ignore"):
        sums[x] = sums[x] + value if x in sums else value
