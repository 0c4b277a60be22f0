"""Draws reading by NumPy's indices, of every kind and mixed, and taking along axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.world import Pair, World


def a_slice(world: World, n: int) -> str:
    """A slice of an axis of length n, as source."""
    kind = world.rng.random()
    if kind < 0.3:
        return ":"
    if kind < 0.45:
        return "::-1"
    if kind < 0.6:
        return world.rng.choice(("::2", "-2:", ":-1", "1::2", "::-2"))
    start, stop = world.rng.randint(-n, n), world.rng.randint(-n, n)
    return f"{start}:{stop}" if world.chance(0.6) else f"{start}:"


def index(world: World, shape: tuple[int, ...]) -> str:
    """An index of any kind, as source; not always one that selects anything."""
    if world.chance(0.06):
        return mask(world, shape)
    lengths = list(shape)
    parts: list[str] = []
    common = world.rng.choice((1, 2, 3))  # what the index arrays broadcast to
    if lengths and world.chance(0.25):
        lengths = lengths[: world.rng.randint(0, len(lengths))]
    dots = world.chance(0.15)
    boolean = False
    for n in lengths:
        kind = world.rng.random()
        if not n:
            parts.append(":")
        elif kind < 0.35:
            parts.append(a_slice(world, n))
        elif kind < 0.6:
            parts.append(str(world.rng.randrange(-n, n)))
        elif kind < 0.9:
            rows = world.rng.choice((1, 1, 2))
            some = [[world.rng.randrange(-n, n) for _ in range(common)] for _ in range(rows)]
            parts.append(str(some if rows > 1 else some[0]))
        elif not boolean:
            chosen = world.rng.sample(range(n), min(n, common))
            if len(chosen) != common and common != 1:
                parts.append(":")
            else:
                boolean = True
                parts.append(str([i in chosen for i in range(n)]))
        else:
            parts.append(":")
    if world.chance(0.12):
        parts.insert(world.rng.randint(0, len(parts)), "None")
    if dots:
        parts.insert(len(parts) if len(lengths) < len(shape) else 0, "...")
    if not parts:
        return "..."
    return ", ".join(parts) if len(parts) > 1 else parts[0] + ("," if world.chance(0.2) else "")


def mask(world: World, shape: tuple[int, ...]) -> str:
    """A boolean array of this shape, as source."""
    return f"np.array({(world.array(shape) > 0.3).tolist()}, bool).reshape({shape})"


def fits(world: World, shape: tuple[int, ...], source: str) -> tuple[int, ...] | None:
    """The shape of what the index selects, None if NumPy refuses it."""
    try:
        return np.shape(eval(f"x[{source}]", {"x": np.empty(shape), "np": np}))
    except (IndexError, ValueError):
        return None


def read(world: World) -> Pair | None:
    """Elements by an index."""
    x = world.of_ndim(0)
    source = index(world, world.shape(x))
    if fits(world, world.shape(x), source) is None:
        return None
    return Pair(f"{x}[{source}]", f"at({x}, np.s_[{source}])", True)


def by_value(world: World) -> Pair | None:
    """Elements where a comparison holds, or at places that were computed."""
    x = world.of_ndim(1)
    threshold = world.number(lattice=True)
    if not world.away_from(x, float(threshold)):
        return None
    test = f"{x} > {threshold}"
    return Pair(f"{x}[{test}]", f"at({x}, {test})", True)


def take(world: World) -> Pair | None:
    """Slices at indices along an axis, or elements row by row."""
    x = world.of_ndim(1)
    axis = world.axis(x)
    shape = world.shape(x)
    n = shape[axis]
    if not n:
        return None
    if world.chance(0.5):
        some = [world.rng.randrange(-n, n) for _ in range(world.rng.choice((1, 2, 3)))]
        places = world.rng.choice((f"{some}", f"[{some}]", f"{some[0]}"))
        before = ":, " * (axis % len(shape))
        there = f"at({x}, np.s_[{before}{places}])"
        return Pair(f"tg.take({x}, {places}, axis={axis})", there, True)
    wanted = [1 if world.chance(0.2) else m for m in shape]
    wanted[axis] = world.rng.choice((1, 2, 3))
    size = int(np.prod(wanted))
    places = np.array([world.rng.randrange(-n, n) for _ in range(size)], int).reshape(wanted)
    if not size:
        return None
    return Pair(
        f"tg.take_along_axis({x}, np.array({places.tolist()}), axis={axis})",
        f"take_along({x}, {places.tolist()}, {axis})",
        True,
    )


DRAWS: list[tuple[float, Callable[[World], Pair | None]]] = [(4, read), (1, by_value), (2, take)]
