"""The player's layout by Graphviz, where it is installed and finds one that fits a screen."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from tinygrad_lite.drawing.player_layout import (
    HEADING,
    MARGIN,
    PADDING,
    Box,
    Frame,
    Placement,
    Wire,
    in_layers,
)
from tinygrad_lite.drawing.player_rows import SLENDER

DOT_LIMIT = 120  # wires; beyond, Graphviz takes longer than a reader waits


def place(boxes: Sequence[Box], wires: Sequence[Wire], titles: Mapping[Hashable, str]) -> Placement:
    """Lay a graph out from left to right.

    Args:
        boxes: inputs before their readers.
        wires: what joins them.
        titles: what is written on the frames.
    """
    if shutil.which("dot") and len(wires) <= DOT_LIMIT:
        placed = _by_dot(boxes, wires, titles)
        if placed.width <= SLENDER * placed.height:
            return placed
    return in_layers(boxes, wires, titles)


def _by_dot(
    boxes: Sequence[Box], wires: Sequence[Wire], titles: Mapping[Hashable, str]
) -> Placement:
    """The layout that Graphviz's ``dot`` finds; names and titles are not told to it."""
    number = {frame: i for i, frame in enumerate(titles)}
    lines = [
        "digraph {",
        "graph [rankdir=LR nslimit=2 nslimit1=2 nodesep=0.25 ranksep=0.42]",
        'node [shape=box fixedsize=true label=""] edge [arrowhead=none headport=w tailport=e]',
        *_clustered(boxes, number),
        *(f'{w.tail} -> {w.head} [id="{w.key}" weight={w.weight}{_room(w.label)}]' for w in wires),
        "}",
    ]
    done = subprocess.run(
        ["dot", "-Tjson0"], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    return _read(json.loads(done.stdout), boxes, list(titles.items()))


def _room(width: float) -> str:
    if not width:
        return ""
    return (
        f' label=<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{width:.0f}" HEIGHT="20">'
        "<TR><TD></TD></TR></TABLE>>"
    )


def _clustered(boxes: Sequence[Box], number: Mapping[Hashable, int]) -> Iterator[str]:
    """The boxes, those of a frame inside of its cluster."""
    for box in boxes:
        for frame in box.frames:
            yield (
                f"subgraph cluster_{number[frame]} {{ graph [margin={PADDING} labelloc=t label=<"
                f'<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="80" HEIGHT="{HEADING - 8}">'
                "<TR><TD></TD></TR></TABLE>>]"
            )
        yield f"{box.key} [width={box.width / 72:.4f} height={box.height / 72:.4f}]"
        yield "}" * len(box.frames)


def _read(
    data: dict[str, Any], boxes: Sequence[Box], titles: Sequence[tuple[Hashable, str]]
) -> Placement:
    """What ``dot -Tjson0`` says, with the y axis turned downwards."""
    left, bottom, right, top = _numbers(data["bb"])

    def point(x: float, y: float) -> tuple[float, float]:
        return round(x - left + MARGIN, 1), round(top - y + MARGIN, 1)

    objects = {o["name"]: o for o in data["objects"]}
    corners = {}
    for box in boxes:
        x, y = point(*_numbers(objects[box.key]["pos"]))
        corners[box.key] = round(x - box.width / 2, 1), round(y - box.height / 2, 1)
    curves, labels = {}, {}
    for edge in data.get("edges", ()):
        curves[edge["id"]] = [point(*_numbers(pair)) for pair in edge["pos"].split()]
        if "lp" in edge:
            labels[edge["id"]] = point(*_numbers(edge["lp"]))
    depths = {frame: i for box in boxes for i, frame in enumerate(box.frames)}
    frames = []
    for i, (frame, title) in enumerate(titles):
        x0, y1, x1, y0 = _numbers(objects[f"cluster_{i}"]["bb"])
        frames.append(Frame(title, depths[frame], *point(x0, y0), x1 - x0, y0 - y1))
    frames.sort(key=lambda frame: frame.depth)
    width, height = right - left + 2 * MARGIN, top - bottom + 2 * MARGIN
    return Placement(width, height, corners, curves, labels, frames)


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.split(",")]
