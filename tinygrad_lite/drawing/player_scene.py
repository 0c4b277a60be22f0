"""What the player draws of a trace, and where: boxes of tensors, circles of operations, wires."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from tinygrad_lite import graph
from tinygrad_lite.drawing import values
from tinygrad_lite.drawing.copies import near_copies
from tinygrad_lite.drawing.markup import shortened
from tinygrad_lite.drawing.naming import Names, common, is_number
from tinygrad_lite.drawing.player_dot import place
from tinygrad_lite.drawing.player_flow import hooked
from tinygrad_lite.drawing.player_layout import Box, Wire, depths
from tinygrad_lite.mode import Scope
from tinygrad_lite.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_lite.drawing.trace import Trace

LONGEST = 26  # characters of a name in its box; all of it is shown to whoever points there
FAR = 6  # layers that one box of a leaf serves; farther readers get a copy beside them
STRAIGHT = 8  # the weight of a wire between results: the spine of a graph is a line
CIRCLE = 32  # the height of an operation
LINK = 16  # between an operation and its result
ROW = 17  # the height of a line of text


def scene(trace: Trace) -> dict[str, Any]:
    """The layout of a trace's graph as plain data.

    Keys: ``width``, ``height``; ``boxes`` (``id`` of the tensor, ``name``, ``shape``, ``value``,
    whether it ``carries`` a gradient, ``width``, ``height``, ``x``, ``y``, and whether it is a
    ``copy``); ``circles`` (``id`` of the operation, ``symbol``, ``x``, ``y``, ``width``); ``wires``
    (``id`` of the edge, ``points``, and ``label``, the place of its label, or null); ``frames`` of
    modules.
    """
    names, frames, totals = trace.names, _frames(trace.names), _totals(trace)
    tensors = [*names.leaves, *names.nodes]
    cards = {names.keys[t]: _card(names, t, totals.get(names.keys[t])) for t in tensors}
    leads = {names.keys[t]: _lead(t) for t in tensors}
    originals = [
        Box(key, round(leads[key] + card["width"], 1), card["height"], frames[t])
        for t, (key, card) in zip(tensors, cards.items())
    ]
    boxes, wires, ids = _with_copies(originals, _wires(trace))
    titles: dict[Hashable, str] = {
        scope: names.call(scope).title for t in names.nodes for scope in frames[t]
    }
    plan = place(boxes, wires, titles)
    drawn = []
    for box in boxes:
        key, (x, y) = ids.get(box.key, box.key), plan.boxes[box.key]
        place_of = {"x": round(x + leads[key], 1), "y": y, "copy": key != box.key}
        drawn.append(cards[key] | place_of)
    circles = []
    for i, t in enumerate(names.nodes):
        (x, y), height = plan.boxes[f"t{i}"], cards[f"t{i}"]["height"]
        look = {"id": f"op{i}", "symbol": t.record[0].symbol, "width": round(_lead(t) - LINK, 1)}
        circles.append(look | {"x": x, "y": round(y + height / 2, 1)})
    return {
        "width": round(plan.width, 1),
        "height": round(plan.height, 1),
        "boxes": drawn,
        "circles": circles,
        "wires": [
            {"id": w.key, "points": plan.wires[w.key], "label": plan.labels.get(w.key)}
            for w in wires
        ],
        "frames": [frame._asdict() for frame in plan.frames],
    }


def _card(names: Names, t: Tensor, total: str | None) -> dict[str, Any]:
    """The box of a tensor that receives a gradient or not, yet without a place."""
    name, shape, value = shortened(names[t], LONGEST), "", ""
    if not is_number(t):
        shape, value = values.shape_text(t.shape), values.gist(t.data)
    width = max(
        breadth(name, 13, bold=True) + (breadth(shape, 10) + 10 if shape else 0),
        breadth(value, 11),
        breadth(f"∇ {total or ''}", 11, bold=True),
    )
    return {
        "id": names.keys[t],
        "name": name,
        "shape": shape,
        "value": value,
        "carries": total is not None,
        "width": round(width + 24, 1),
        "height": (1 + bool(value) + (total is not None)) * ROW + 14,
    }


def _lead(t: Tensor) -> float:
    """The width of the circle before the box of a result, and of the link between them."""
    if t.record is None:
        return 0.0
    symbol = t.record[0].symbol
    return LINK + (CIRCLE if len(symbol) <= 2 else round(breadth(symbol, 12) + 20, 1))


def _wires(trace: Trace) -> list[Wire]:
    """A wire for every argument slot, with room for the amount that it carries."""
    names = trace.names
    rooms = {
        f"{e.node}.{e.slot}": breadth(values.gist(e.contribution, True), 11, bold=True) + 16
        for e in trace
    }
    wires = []
    for i, t in enumerate(names.nodes):
        for slot, x in enumerate(t.record[1]):
            key, tail = f"op{i}.{slot}", names.keys[x]
            weight = 1 if tail.startswith("leaf") else STRAIGHT
            wires.append(Wire(key, tail, f"t{i}", rooms.get(key, 0.0), weight))
    return wires


def _with_copies(
    boxes: list[Box], wires: list[Wire]
) -> tuple[list[Box], list[Wire], dict[str, str]]:
    """The graph with copies of leaves beside far readers; by copy, the leaf that it shows."""
    reads = [(wire.tail, wire.head) for wire in wires]
    copies = near_copies(reads, depths(boxes, wires), FAR)
    box = {box.key: box for box in boxes}
    shown = {}
    for (leaf, reader), key in copies.items():
        if key not in box:
            box[key] = box[leaf]._replace(key=key, frames=box[reader].frames)
            shown[key] = leaf
    wires = [wire._replace(tail=copies.get((wire.tail, wire.head), wire.tail)) for wire in wires]
    return [*(box[key] for key in shown), *boxes], wires, shown  # copies first: inputs, too


def _totals(trace: Trace) -> dict[str, str]:
    """By tensor, the longest gradient that its box must hold."""
    totals: dict[str, str] = {}
    for event in trace:
        text = values.gist(event.after, True)
        totals[event.target_key] = max(totals.get(event.target_key, ""), text, key=len)
    totals[trace.names.keys[trace.output]] = values.gist(trace.seed, True)
    return totals | {key: change["text"] for key, change in hooked(trace).items()}


def _frames(names: Names) -> dict[Tensor, tuple[Scope, ...]]:
    """The module calls around every tensor; a leaf stands in those its readers share."""
    frames = {t: graph.scopes(t) for t in names.nodes}
    for t in names.nodes:
        for x in t.record[1]:
            if x.record is None:
                frames[x] = common(frames.get(x, frames[t]), frames[t])
    inputs = (x for x in names.leaves if names.kind(x) == "input" or x not in frames)
    return frames | dict.fromkeys(inputs, ())


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
