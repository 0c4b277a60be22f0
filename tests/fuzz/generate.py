"""Writes a random program, statement by statement, from a seed."""

from __future__ import annotations

import warnings
from random import Random

from tests.fuzz import changes, derivatives, elementwise, indices, products, reductions, shapes
from tests.fuzz.program import Program, Step
from tests.fuzz.world import Pair, World

FAMILIES = (
    (40, elementwise.DRAWS),
    (16, reductions.DRAWS),
    (16, shapes.DRAWS),
    (12, products.DRAWS),
    (14, indices.DRAWS),
    (2, derivatives.DRAWS),
)
DRAWS = [
    (share * weight / sum(w for w, _ in draws), draw)
    for share, draws in FAMILIES
    for weight, draw in draws
]
WEIGHTS = [weight for weight, _ in DRAWS]
IN_PLACE = 0.11
BUFFER = 0.02


def program(seed: int, number: int, second_order: float) -> Program:
    """The program of this number in the sequence of a seed."""
    rng = Random(seed * 1_000_003 + number)
    world = World(rng)
    world.leaf(world.some_shape())
    refused = False
    wanted = rng.choice((2, 3, 4, 5, 6, 8, 10, 14))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4 * wanted):
            if len(world.steps) >= wanted:
                break
            refused = not one(world)
            if refused:
                break
    return finished(world, f"{seed}:{number}", rng.random() < second_order, refused)


def one(world: World) -> bool:
    """Try one more statement; False if this library refuses it, which ends the program."""
    kind = world.rng.random()
    if kind < IN_PLACE:
        step = changes.draw(world)
        if step is None:
            return True
        try:
            world.change(step)
        except Exception:
            return False  # it is the last step already
        return True
    if kind < IN_PLACE + BUFFER:
        drawn: Pair | None = changes.buffer(world)
    else:
        drawn = world.rng.choices(DRAWS, WEIGHTS)[0][1](world)
    if drawn is None:
        return True
    try:
        world.assign(drawn)
    except Exception:
        name = f"y{world.made}"
        world.steps.append(Step(name, f"{name} = {drawn.here}", f"{name} = {drawn.there}"))
        return False
    return True


def finished(world: World, seed: str, second_order: bool, refused: bool) -> Program:
    """The program with cotangents for what nothing reads, and for some of what is read."""
    results = {
        n for n in world.names() if n.startswith("y") and (n not in world.read or world.chance(0.1))
    }
    cotangents = {n: world.array(world.shape(n)) for n in sorted(results)}
    if refused:  # nothing is differentiated: PyTorch is asked whether it refuses as well
        cotangents = {world.steps[-1].target: world.array(())}
    draft = Program(
        seed=seed,
        leaves=world.leaves,
        constant=frozenset(world.constant),
        exact=frozenset(world.exact & set(world.leaves)),
        steps=tuple(world.steps),
        cotangents=cotangents,
        directions={n: world.array(a.shape) for n, a in world.leaves.items()},
        second_order=second_order,
        piecewise=world.chance(0.3),
    )
    return draft.pruned()
