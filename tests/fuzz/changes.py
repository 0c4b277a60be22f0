"""Draws changes in place: assignment by indices, and the augmented operators."""

from __future__ import annotations

import numpy as np

from tests.fuzz.indices import fits, index
from tests.fuzz.program import Step
from tests.fuzz.world import Pair, World


def target(world: World) -> str | None:
    """A variable that may change: a result, or a constant that nothing has read."""

    def may(name: str) -> bool:
        if not name.startswith("y"):
            return False
        return world.space[name].requires_grad or name not in world.read

    return world.pick(may)


def buffer(world: World) -> Pair:
    """An empty place to write results into."""
    shape = world.some_shape()
    fill = world.rng.choice(("zeros", "ones"))
    return Pair(f"tg.{fill}({shape})", f"torch.{fill}({shape}, dtype=torch.float64)", True)


def value_for(world: World, shape: tuple[int, ...]) -> str | None:
    """A variable or a number that broadcasts to the shape."""
    if world.chance(0.15):
        return world.number(lattice=True)

    def goes(n: str) -> bool:
        try:
            return np.broadcast_shapes(world.shape(n), shape) == shape
        except ValueError:
            return False

    if world.chance(0.7):
        found = world.pick(goes)
        if found is not None:
            return found
    lengths = [1 if world.chance(0.25) else n for n in shape]
    dropped = world.rng.randint(0, len(lengths)) if world.chance(0.2) else 0
    return world.leaf(tuple(lengths[dropped:]))


def draw(world: World) -> Step | None:
    """A change in place, or None if nothing is there to be changed."""
    y = target(world)
    if y is None:
        return None
    shape = world.shape(y)
    kind = world.rng.random()
    if kind < 0.45:
        value = value_for(world, shape)
        if value is None:
            return None
        return augmented(world, y, y, value)
    source = index(world, shape)
    selected = fits(world, shape, source)
    if selected is None:
        return None
    value = value_for(world, selected)
    if value is None:
        return None
    exact = world.is_exact(y) and (value[0] not in "xy" or world.is_exact(value))
    if kind < 0.6:
        sign = world.rng.choice("+-*")
        new = f"at({y}, np.s_[{source}]) {sign} {value}"
        here = f"{y}[{source}] {sign}= {value}"
    else:
        new, here = value, f"{y}[{source}] = {value}"
    there = f"set_({y}, np.s_[{source}], {new})"
    return Step(y, here, there, f"{y} = assign({y}, np.s_[{source}], {new})", exact)


def augmented(world: World, y: str, place: str, value: str) -> Step | None:
    """``y += value`` and its siblings."""
    sign = world.rng.choice("++-*/")
    exact = sign != "/" and world.is_exact(y) and (value[0] not in "xy" or world.is_exact(value))
    if sign == "/":
        if value[0] not in "xy":
            value = "2.0"
        elif not (np.abs(world.value(value)) > 0.2).all():
            return None
    if sign == "*" and value[0] in "xy" and (np.abs(world.value(value)) > 30).any():
        return None
    statement = f"{y} {sign}= {value}"
    pure = f"{y} = ({y} {sign} {value}).to({y}.dtype)"
    return Step(y, statement, statement, pure, exact)
