"""Where the player puts boxes and wires: in layers from left to right, and long graphs in rows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from tinygrad_lite.drawing.player_rows import Column, shifts

MARGIN = 28  # around everything
ROW = 18  # between boxes of a layer
GAP = 64  # between layers
PADDING = 14  # inside of a frame
HEADING = 22  # above a frame's boxes, for its title
BOW = 26  # between wires that join the same two boxes
BEND = 6  # the height that a passing wire takes
BESIDE = 20  # beside a label, on its wire
ROW_GAP = 90  # between rows of a long layout
LANES, LANE = 5, 9  # wires side by side between two rows, and how far apart they are
TURN = 40  # how far a wire swings out where it goes to the next row
FRAME_WEIGHT = 10  # as many wires would rather be cut than a frame
SWEEPS = 7  # over the layers; the last one ends at the leaves, which follow their readers
SPAN = 40  # layers that a wire finds its way between; a longer one goes straight

Neighbours = dict[str, list[tuple[str, int]]]  # what a box is joined to, and by how much weight


class Box(NamedTuple):
    """A rectangle to place, and the frames that it stands in, outermost first."""

    key: str
    width: float
    height: float
    frames: tuple[Hashable, ...] = ()


class Wire(NamedTuple):
    """A line from the right side of one box to the left side of another, with room for a label.

    What has more weight is drawn straighter.
    """

    key: str
    tail: str
    head: str
    label: float = 0.0
    weight: int = 1


class Frame(NamedTuple):
    """A rectangle around the boxes of a module call."""

    title: str
    depth: int
    x: float
    y: float
    width: float
    height: float


class Placement(NamedTuple):
    """Where everything stands, in pixels from the top left.

    Attributes:
        width, height: of the whole.
        boxes: the top left corner of every box.
        wires: every wire as the points of a cubic Bézier curve.
        labels: the middle of the labels; empty where there is no room for all of them.
        frames: outermost first.
    """

    width: float
    height: float
    boxes: dict[str, tuple[float, float]]
    wires: dict[str, list[tuple[float, float]]]
    labels: dict[str, tuple[float, float]]
    frames: list[Frame]


def in_layers(
    boxes: Sequence[Box], wires: Sequence[Wire], titles: Mapping[Hashable, str]
) -> Placement:
    """A layout of our own: every box right of its inputs, and as high as what it is joined to."""
    depth = depths(boxes, wires)
    places, routes = _with_bends(boxes, wires, depth)
    layers: list[list[Box]] = [[] for _ in range(max(depth.values()) + 1)]
    for box in places:
        layers[depth[box.key]].append(box)
    middles = _middles(wires, routes, layers)
    room = _room_between(wires, depth)
    columns: list[Column] = []
    right = float(MARGIN)
    crossed = _crossed(boxes, wires, depth)
    for i, layer in enumerate(layers):
        width = max(box.width for box in layer)
        ends = [(middles[b.key] - b.height / 2, middles[b.key] + b.height / 2) for b in layer]
        top, bottom = min(y for y, _ in ends), max(y for _, y in ends)
        columns.append(Column(right, width, top, bottom, crossed[i]))
        right += width + room[i]
    moved = shifts(columns, ROW_GAP)
    corners = {
        box.key: (round(c.left + dx, 1), round(middles[box.key] - box.height / 2 + dy, 1))
        for c, (dx, dy), layer in zip(columns, moved, layers)
        for box in layer
    }
    bottom = max(corners[box.key][1] + box.height for box in boxes)
    tops: dict[tuple[float, float], float] = {}
    for column, move in zip(columns, moved):
        tops[move] = min(tops.get(move, math.inf), column.top + move[1])
    lanes = {box.key: tops[moved[depth[box.key]]] - ROW_GAP / 2 for box in places}
    rights = [c.left + c.width + dx for c, (dx, _) in zip(columns, moved)]
    turns = {box.key: rights[depth[box.key]] for box in places}
    curves = _curves(places, wires, routes, corners, lanes, turns)
    frames = _around(boxes, corners, titles)
    right = max(rights) + TURN + MARGIN
    return Placement(right, bottom + 2 * MARGIN, corners, curves, {}, frames)


def _room_between(wires: Sequence[Wire], depth: Mapping[str, int]) -> list[float]:
    """The width between each layer and the next: a label may stand in the middle of a wire."""
    room = [float(GAP)] * (max(depth.values()) + 1)
    for wire in wires:
        before = depth[wire.tail]
        room[before] = max(room[before], wire.label + BESIDE)
    return room


def _crossed(boxes: Sequence[Box], wires: Sequence[Wire], depth: Mapping[str, int]) -> list[int]:
    """How many frames and wires a cut before each layer crosses; frames weigh more."""
    spans: dict[Hashable, tuple[int, int, int]] = {}
    for box in boxes:
        at = depth[box.key]
        for frame in box.frames:
            first, last, _ = spans.get(frame, (at, at, 0))
            spans[frame] = min(first, at), max(last, at), FRAME_WEIGHT
    spans |= {wire.key: (depth[wire.tail], depth[wire.head], 1) for wire in wires}
    change = [0] * (max(depth.values()) + 2)
    for first, last, weight in spans.values():
        change[first + 1] += weight
        change[last + 1] -= weight
    return list(accumulate(change))


def _with_bends(
    boxes: Sequence[Box], wires: Sequence[Wire], depth: dict[str, int]
) -> tuple[list[Box], dict[str, list[str]]]:
    """The boxes, with an empty one in every layer that a wire passes; the boxes along each wire.

    The empty ones are put into ``depth`` as well.
    """
    places, routes = list(boxes), {}
    for wire in wires:
        between = range(depth[wire.tail] + 1, depth[wire.head])
        bends = [f"{wire.key}@{i}" for i in between] if len(between) < SPAN else []
        places += [Box(bend, 0.0, BEND) for bend in bends]
        depth.update(zip(bends, between))
        routes[wire.key] = [wire.tail, *bends, wire.head]
    return places, routes


def depths(boxes: Sequence[Box], wires: Sequence[Wire]) -> dict[str, int]:
    """How many wires lie at most between a box and the left end.

    To keep wires short, leaves and whatever more wires leave than enter stand as far right as
    their readers let them.
    """
    depth = {box.key: 0 for box in boxes}
    readers, inputs = defaultdict(list), defaultdict(list)
    for wire in wires:  # inputs are complete before their readers come
        depth[wire.head] = max(depth[wire.head], depth[wire.tail] + 1)
        readers[wire.tail].append(wire.head)
        inputs[wire.head].append(wire.tail)
    for box in reversed(boxes):
        entering = sum(bool(inputs[tail]) for tail in inputs[box.key])  # leaves move along
        if len(readers[box.key]) > entering:
            depth[box.key] = min(depth[head] for head in readers[box.key]) - 1
    return depth


def _middles(
    wires: Sequence[Wire], routes: Mapping[str, list[str]], layers: list[list[Box]]
) -> dict[str, float]:
    """The height of every box: near what is right of it in one sweep, what is left in the next."""
    beside: tuple[Neighbours, Neighbours] = defaultdict(list), defaultdict(list)
    for wire in wires:
        route = routes[wire.key]
        for tail, head in pairwise(route):
            beside[0][tail].append((head, wire.weight))
            beside[1][head].append((tail, wire.weight))
    boxes = [box for layer in layers for box in layer]
    middle = {box.key: 0.0 for box in boxes}
    for sweep in range(SWEEPS):
        near = beside[sweep % 2]
        for layer in layers if sweep % 2 else reversed(layers):
            wishes = []
            for box in layer:
                weight = sum(w for _, w in near[box.key])
                pull = sum(w * middle[other] for other, w in near[box.key])
                wishes.append((pull / weight if weight else middle[box.key], weight or 0.1, box))
            _stack(sorted(wishes, key=lambda wish: wish[0]), middle)
    top = min(middle[box.key] - box.height / 2 for box in boxes)
    return {key: y - top + MARGIN + 2 * HEADING for key, y in middle.items()}


def _stack(wishes: list[tuple[float, float, Box]], middle: dict[str, float]) -> None:
    """Put boxes as near as can be to where they want to be, in their order, without overlap.

    This is isotonic regression, solved by pooling adjacent violators (Barlow et al., 1972): boxes
    that push each other form a block, and a block stands at the weighted mean of its wishes.
    """
    offsets: list[float] = []
    bottom = 0.0
    for _, _, box in wishes:
        offsets.append(bottom + box.height / 2)
        bottom += box.height + ROW
    blocks: list[tuple[float, float, int]] = []  # place, weight, number of boxes
    for (wish, weight, _), offset in zip(wishes, offsets):
        place, count = wish - offset, 1
        while blocks and blocks[-1][0] > place:
            above, more, boxes = blocks.pop()
            place = (place * weight + above * more) / (weight + more)
            weight, count = weight + more, count + boxes
        blocks.append((place, weight, count))
    places = [place for place, _, count in blocks for _ in range(count)]
    for (_, _, box), place, offset in zip(wishes, places, offsets):
        middle[box.key] = place + offset


def _curves(
    places: Sequence[Box],
    wires: Sequence[Wire],
    routes: Mapping[str, list[str]],
    corners: Mapping[str, tuple[float, float]],
    lanes: Mapping[str, float],
    rights: Mapping[str, float],
) -> dict[str, list[tuple[float, float]]]:
    """Béziers from box to box along every route, level where they touch one.

    Where a route goes on in the next row, it turns right of its column, and leads back in the free
    lane above that row.
    """
    size = {box.key: box for box in places}
    parallel: dict[tuple[str, str], list[str]] = defaultdict(list)
    for wire in wires:
        parallel[wire.tail, wire.head].append(wire.key)
    curves = {}
    used: Counter[float] = Counter()
    for wire in wires:
        group = parallel[wire.tail, wire.head]
        bow = BOW * (group.index(wire.key) - (len(group) - 1) / 2)
        route = [size[key] for key in routes[wire.key]]
        points: list[tuple[float, float]] = []
        for tail, head in pairwise(route):
            x0, y0 = corners[tail.key][0] + tail.width, corners[tail.key][1] + tail.height / 2
            x1, y1 = corners[head.key][0], corners[head.key][1] + head.height / 2
            points = points or [(x0, y0)]
            if x1 < x0:
                y = lanes[head.key] + LANE * (used[lanes[head.key]] % LANES - LANES // 2)
                used[lanes[head.key]] += 1
                right = rights[tail.key]
                points += [(x0, y0), (right, y0), (right, y0)]
                points += [(right + TURN, y0), (right + TURN, y), (right, y)]
                points += [(right, y), (x1, y), (x1, y)]
                points += [(x1 - TURN, y), (x1 - TURN, y1), (x1, y1)]
            else:
                bend = (x1 - x0) / 2
                points += [(x0 + bend, y0 + bow), (x1 - bend, y1 + bow), (x1, y1)]
        curves[wire.key] = [(round(x, 1), round(y, 1)) for x, y in points]
    return curves


def _around(
    boxes: Sequence[Box],
    corners: Mapping[str, tuple[float, float]],
    titles: Mapping[Hashable, str],
) -> list[Frame]:
    """A frame around the boxes of each module call, where no foreign box stands among them."""
    members: dict[Hashable, list[Box]] = defaultdict(list)
    nested: dict[Hashable, int] = {}
    deepest = max(len(box.frames) for box in boxes)
    for box in boxes:
        for i, frame in enumerate(box.frames):
            members[frame].append(box)
            nested[frame] = i
    frames = []
    for key, inside in members.items():
        inner = deepest - nested[key]  # frames around frames are larger
        x0 = min(corners[b.key][0] for b in inside) - PADDING * inner / 2 - 2
        y0 = min(corners[b.key][1] for b in inside) - HEADING * inner
        x1 = max(corners[b.key][0] + b.width for b in inside) + PADDING * inner / 2 + 2
        y1 = max(corners[b.key][1] + b.height for b in inside) + PADDING * inner / 2
        keys = {b.key for b in inside}
        alone = all(
            b.key in keys
            or corners[b.key][0] > x1
            or corners[b.key][0] + b.width < x0
            or corners[b.key][1] > y1
            or corners[b.key][1] + b.height < y0
            for b in boxes
        )
        if alone:
            frames.append(Frame(titles[key], nested[key], x0, y0, x1 - x0, y1 - y0))
    return sorted(frames, key=lambda frame: frame.depth)
