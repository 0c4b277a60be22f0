"""What the player draws of a trace: boxes of tensors, circles of operations, how gradients look."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.drawing import values
from tinygrad_lite.drawing.formula import stated
from tinygrad_lite.drawing.markup import shortened
from tinygrad_lite.drawing.naming import common, is_number
from tinygrad_lite.drawing.player_dot import place
from tinygrad_lite.drawing.player_layout import Box, Placement, Wire, depths
from tinygrad_lite.mode import Scope
from tinygrad_lite.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_lite.drawing.trace import Event, Trace

ROUNDING = 1e-3  # relative; what differs by more was changed by a hook, not by adding
LONGEST = 26  # characters of a name in its box; all of it is shown to whoever points there
FAR = 6  # layers that one box of a leaf serves; farther readers get a copy beside them
STRAIGHT = 8  # the weight of a wire between results: the spine of a graph is a line
CIRCLE = 32  # the height of an operation
LINK = 16  # between an operation and its result
ROW = 17  # the height of a line of text


def scene(trace: Trace) -> dict[str, Any]:
    """The layout of a trace's graph as plain data.

    Keys: ``width``, ``height``; ``boxes`` (``id`` of the tensor, ``name``, ``shape``, ``value``,
    ``x``, ``y``, ``width``, ``height``, and whether it is a ``copy``); ``circles`` (``id`` of the
    operation, ``symbol``, ``x``, ``y``, ``width``); ``wires`` (``id`` of the edge, ``points``, and
    ``label``, the place of its label, or null); ``frames`` of modules.
    """
    return _Scene(trace).data()


def flow(trace: Trace) -> list[dict[str, Any]]:
    """How every event looks: the strength of its contribution and of the gradient it adds to.

    Keys: ``amount`` and ``total``, the contribution and the gradient after it in few words;
    ``share`` (0 to 1, logarithmic) and ``lean`` (-1 to 1, or null where not finite) of the
    contribution, and whether it is exactly ``zero``; ``total_lean``; ``statement``, the operation
    as an assignment.
    """
    norms = [values.norm(e.contribution) for e in trace.events]
    largest = max(filter(math.isfinite, norms), default=0.0)
    written = {
        f"op{i}": f"{trace.names[t]} = {stated(trace.names, t)}"
        for i, t in enumerate(trace.names.nodes)
    }
    return [
        {
            "amount": values.gist(e.contribution, True),
            "total": values.gist(e.after, True),
            "share": round(values.share(size, largest), 3),
            "lean": _lean(e.contribution),
            "zero": size == 0,
            "total_lean": _lean(e.after),
            "statement": written[e.node],
        }
        for e, size in zip(trace.events, norms)
    ]


def hooked(trace: Trace) -> dict[str, dict[str, Any]]:
    """By id, the gradients that a hook replaced when they were complete.

    Keys: ``array``, what went on in the place of the sum; ``total``, both in few words; ``lean``.
    """
    names = trace.names
    went, slack = {}, {}
    for x in names.leaves:
        key = names.keys[x]
        if key in trace.after:
            earlier = trace.before.get(key, np.zeros((), x.dtype))
            went[key] = trace.after[key] - earlier
            slack[key] = 4 * np.finfo(x.dtype).eps * np.max(np.abs(earlier), initial=0)
    went |= {names.keys[names.tensor(e.node)]: e.upstream for e in trace.events}
    found = {}
    totals = {names.keys[trace.output]: trace.seed} if trace.events else {}
    for key, total in (totals | {e.target_key: e.after for e in trace.events}).items():
        value = went.get(key, total)
        if value is total:
            continue
        if np.shape(value) == np.shape(total) and not np.allclose(
            value, total, rtol=ROUNDING, atol=slack.get(key, 0.0), equal_nan=True
        ):
            found[key] = {
                "array": values.described(value),
                "total": f"{values.gist(total, True)} → {values.gist(value, True)}",
                "lean": _lean(value),
            }
    return found


def _lean(value: Any) -> float | None:
    """How far the signs of a gradient agree, from -1 to 1; None if it is not finite."""
    lean = values.leaning(value)
    return None if math.isnan(lean) else round(lean, 3)


class _Scene:
    """Measures what is to be drawn, has it laid out, and writes down where it stands."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.names = trace.names
        self.titles: dict[Hashable, str] = {}
        self.frames: dict[Tensor, tuple[Scope, ...]] = {}
        self.totals: dict[str, str] = {}  # the longest gradient that a box must hold
        self.amounts: dict[str, Event] = {f"{e.node}.{e.slot}": e for e in trace.events}
        for event in trace.events:
            text = values.gist(event.after, True)
            if len(text) > len(self.totals.get(event.target_key, "")):
                self.totals[event.target_key] = text
        self.totals[self.names.keys[trace.output]] = values.gist(trace.seed, True)
        self.totals |= {key: change["total"] for key, change in hooked(trace).items()}
        self._find_frames()

    def data(self) -> dict[str, Any]:
        names = self.names
        wires = [
            self._wire(f"op{i}.{slot}", names.keys[x], f"t{i}")
            for i, t in enumerate(names.nodes)
            for slot, x in enumerate(t.record[1])
        ]
        tensors = {names.keys[t]: t for t in (*names.leaves, *names.nodes)}
        boxes = {key: self._box(key, t) for key, t in tensors.items()}
        wires, copies = self._parted(list(boxes.values()), wires)
        for key, (original, frames) in copies.items():
            boxes[key] = boxes[original]._replace(key=key, frames=frames)
        for key in tensors:
            boxes[key] = boxes.pop(key)  # copies first: they are inputs too
        origin = {key: original for key, (original, _) in copies.items()}
        plan = place(list(boxes.values()), wires, self.titles)
        drawn = [self._drawn(plan, box, origin.get(key, key)) for key, box in boxes.items()]
        return {
            "width": round(plan.width, 1),
            "height": round(plan.height, 1),
            "boxes": [box | {"copy": box["key"] in origin} for box in drawn],
            "circles": [self._circle(plan, i, t) for i, t in enumerate(names.nodes)],
            "wires": [
                {"id": w.key, "points": plan.wires[w.key], "label": plan.labels.get(w.key)}
                for w in wires
            ],
            "frames": [frame._asdict() for frame in plan.frames],
        }

    def _find_frames(self) -> None:
        """The module calls around every tensor; a leaf stands in those its readers share."""
        shared: dict[Tensor, tuple[Scope, ...]] = {}
        for t in self.names.nodes:
            scopes = graph.scopes(t)
            self.frames[t] = scopes
            for scope in scopes:
                self.titles.setdefault(scope, self.names.call(scope).title)
            for x in t.record[1]:
                if x.record is None:
                    shared[x] = common(shared.get(x, scopes), scopes)
        for x in self.names.leaves:
            inside = self.names.kind(x) != "input"
            self.frames[x] = shared.get(x, ()) if inside else ()

    def _wire(self, key: str, tail: str, head: str) -> Wire:
        event = self.amounts.get(key)
        room = breadth(values.gist(event.contribution, True), 11, bold=True) + 16 if event else 0.0
        return Wire(key, tail, head, room, 1 if tail.startswith("leaf") else STRAIGHT)

    def _parted(
        self, boxes: list[Box], wires: list[Wire]
    ) -> tuple[list[Wire], dict[str, tuple[str, tuple[Hashable, ...]]]]:
        """Wires from leaves to far readers, led to copies of the leaf beside the reader instead."""
        depth = depths(boxes, wires)
        nearest: dict[str, tuple[int, str]] = {}
        copies: dict[str, tuple[str, tuple[Hashable, ...]]] = {}
        parted = {}
        for wire in sorted(wires, key=lambda wire: depth[wire.head]):
            key = wire.tail
            if key.startswith("leaf"):
                first, key = nearest.setdefault(wire.tail, (depth[wire.head], key))
                if depth[wire.head] - first > FAR:
                    key = f"{wire.tail}_{wire.head}"
                    nearest[wire.tail] = (depth[wire.head], key)
                    reader = self.names.tensor(wire.head)
                    copies[key] = (wire.tail, self.frames[reader])
            parted[wire.key] = wire._replace(tail=key)
        return [parted[wire.key] for wire in wires], copies

    def _lines(self, key: str, t: Tensor) -> tuple[str, str, str]:
        """Name, shape and value as they are written in the box."""
        name = shortened(self.names[t], LONGEST)
        if is_number(t):
            return name, "", ""
        return name, values.shape_text(t.shape), values.gist(t.data)

    def _box(self, key: str, t: Tensor) -> Box:
        name, shape, value = self._lines(key, t)
        rows = 1 + bool(value) + (key in self.totals)
        width = max(
            breadth(name, 13, bold=True) + (breadth(shape, 10) + 10 if shape else 0),
            breadth(value, 11),
            breadth(f"∇ {self.totals.get(key, '')}", 11, bold=True),
        )
        height = rows * ROW + 14
        if t.record is not None:
            width += _circle_width(t.record[0].symbol) + LINK
        return Box(key, round(width + 24, 1), height, self.frames[t])

    def _drawn(self, plan: Placement, box: Box, key: str) -> dict[str, Any]:
        t = self.names.tensor(key)
        x, y = plan.boxes[box.key]
        before = 0.0 if t.record is None else _circle_width(t.record[0].symbol) + LINK
        name, shape, value = self._lines(key, t)
        return {
            "key": box.key,
            "id": key,
            "name": name,
            "shape": shape,
            "value": value,
            "carries": key in self.totals,
            "x": round(x + before, 1),
            "y": y,
            "width": round(box.width - before, 1),
            "height": box.height,
        }

    def _circle(self, plan: Placement, i: int, t: Tensor) -> dict[str, Any]:
        x, y = plan.boxes[f"t{i}"]
        height = self._box(f"t{i}", t).height
        symbol = t.record[0].symbol
        width = _circle_width(symbol)
        return {
            "id": f"op{i}",
            "symbol": symbol,
            "x": x,
            "y": round(y + height / 2, 1),
            "width": width,
        }


def _circle_width(symbol: str) -> float:
    return CIRCLE if len(symbol) <= 2 else round(breadth(symbol, 12) + 20, 1)


def breadth(words: str, size: float, bold: bool = False) -> float:
    """About how wide a line of text is in a sans-serif font, rather too wide than too narrow.

    >>> breadth("weight", 10) < breadth("WEIGHT", 10) < breadth("重み重み重み", 10)
    True
    """
    ems = 0.0
    for c in words:
        if unicodedata.east_asian_width(c) in "WF":
            ems += 1.05
        elif c in "il.,:;'|!()[] ":
            ems += 0.4
        elif c in "mwMW@%…—−×±+=∇":
            ems += 0.9
        else:
            ems += 0.75 if c.isupper() else 0.64
    return ems * size * (1.1 if bold else 1.0)
