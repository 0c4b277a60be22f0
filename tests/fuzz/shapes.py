"""Draws operations that arrange elements anew: shapes, axes, joining, repeating, diagonals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.world import Pair, World


def reshape(world: World) -> Pair:
    """The same elements in another shape."""
    x = world.of_ndim(0)
    size = world.value(x).size
    if world.chance(0.2):
        return Pair(f"tg.ravel({x})", f"{x}.reshape(-1).clone()", True)
    shape: list[int] = []
    rest = size
    while rest > 1 and len(shape) < 4:
        factor = world.rng.choice([f for f in range(1, rest + 1) if rest % f == 0])
        shape.append(factor)
        rest //= factor
    if rest != 1 or not size:
        shape.append(rest)
    if shape and world.chance(0.3) and size:
        shape[world.rng.randrange(len(shape))] = -1
    if world.chance(0.2):
        shape.insert(world.rng.randint(0, len(shape)), 1)
    method = world.chance(0.5)
    here = f"{x}.reshape({tuple(shape)})" if method else f"tg.reshape({x}, {tuple(shape)})"
    return Pair(here, f"{x}.reshape({tuple(shape)}).clone()", True)


def axes(world: World) -> Pair:
    """The axes in another order, with new ones of length 1, or without them."""
    x = world.of_ndim(1)
    ndim, shape = world.ndim(x), world.shape(x)
    kind = world.rng.choice(("transpose", "T", "swapaxes", "moveaxis", "expand", "squeeze"))
    if kind == "T":
        order = tuple(range(ndim))[::-1]
        return Pair(f"{x}.T", f"{x}.permute({order}).clone()", True)
    if kind == "transpose":
        order = tuple(
            a - ndim if world.chance(0.3) else a for a in world.rng.sample(range(ndim), ndim)
        )
        return Pair(f"tg.transpose({x}, {order})", f"{x}.permute({order}).clone()", True)
    if kind == "swapaxes":
        a, b = world.axis(x), world.axis(x)
        return Pair(f"{x}.swapaxes({a}, {b})", f"{x}.swapaxes({a}, {b}).clone()", True)
    if kind == "moveaxis":
        a, b = world.axis(x), world.axis(x)
        return Pair(f"tg.moveaxis({x}, {a}, {b})", f"{x}.movedim({a}, {b}).clone()", True)
    if kind == "expand":
        many = world.chance(0.3)
        axis = (0, -1) if many else world.rng.randint(-ndim - 1, ndim)
        result = np.expand_dims(np.empty(shape), axis).shape
        return Pair(f"tg.expand_dims({x}, {axis})", f"{x}.reshape({result}).clone()", True)
    result = np.squeeze(np.empty(shape)).shape
    return Pair(f"{x}.squeeze()", f"{x}.reshape({result}).clone()", True)


def repeated(world: World) -> Pair:
    """Elements several times: broadcast, tiled, repeated."""
    x = world.of_ndim(0)
    ndim, shape = world.ndim(x), world.shape(x)
    kind = world.rng.choice(("broadcast", "tile", "repeat", "repeat one by one"))
    if kind == "broadcast":
        target = tuple(world.rng.choice((2, 3)) if n == 1 else n for n in shape)
        if world.chance(0.4):
            target = (2, *target)
        return Pair(f"tg.broadcast_to({x}, {target})", f"{x}.broadcast_to({target}).clone()", True)
    if kind == "tile" or not ndim:
        reps = tuple(world.rng.choice((1, 2)) for _ in range(world.rng.randint(1, ndim + 1)))
        return Pair(f"tg.tile({x}, {reps})", f"torch.tile({x}, {reps}).clone()", True)
    axis = world.axis(x)
    if kind == "repeat":
        return Pair(
            f"tg.repeat({x}, 2, axis={axis})", f"torch.repeat_interleave({x}, 2, {axis})", True
        )
    counts = [world.rng.choice((0, 1, 2)) for _ in range(shape[axis])]
    return Pair(
        f"tg.repeat({x}, {counts}, axis={axis})",
        f"torch.repeat_interleave({x}, torch.tensor({counts}, dtype=torch.int64), {axis})",
        True,
    )


def moved(world: World) -> Pair:
    """Elements in another place: flipped, rolled, padded around."""
    x = world.of_ndim(1)
    kind = world.rng.choice(("flip", "roll", "pad"))
    if kind == "flip":
        axis = world.axes(x)
        return Pair(f"tg.flip({x}, {axis})", f"torch.flip({x}, dims({x}, {axis}))", True)
    if kind == "roll":
        shift = world.rng.choice((-2, -1, 1, 2, 4))
        axis = None if world.chance(0.3) else world.axis(x)
        return Pair(f"tg.roll({x}, {shift}, {axis})", f"torch.roll({x}, {shift}, {axis})", True)
    width = tuple((world.rng.choice((0, 1)), world.rng.choice((0, 1, 2))) for _ in world.shape(x))
    return Pair(
        f"tg.pad({x}, {width}, constant_values=0.5)", f"pad({x}, {width}, 0.5).clone()", True
    )


def diagonals(world: World) -> Pair | None:
    """Parts of matrices."""
    x = world.of_ndim(2)
    ndim = world.ndim(x)
    k = world.rng.choice((-1, 0, 0, 1))
    kind = world.rng.choice(("diagonal", "trace", "tril", "triu", "diag"))
    if kind in ("tril", "triu"):
        return Pair(f"tg.{kind}({x}, {k})", f"torch.{kind}({x}, {k})", True)
    if kind == "diag":
        vector = world.of_ndim(1, 2)
        return Pair(f"tg.diag({vector}, {k})", f"torch.diag({vector}, {k}).clone()", True)
    a, b = world.rng.sample(range(ndim), 2)
    there = f"torch.diagonal({x}, {k}, {a}, {b}).clone()"
    if kind == "trace":
        return Pair(f"tg.trace({x}, {k}, {a}, {b})", f"{there}.sum(-1)", True)
    return Pair(f"tg.diagonal({x}, {k}, {a}, {b})", there, True)


def joined(world: World) -> Pair:
    """Several variables in one."""
    x = world.of_ndim(1, 3)
    shape = world.shape(x)
    axis = world.axis(x)
    kind = world.rng.choice(("concatenate", "concatenate", "stack", "hstack", "vstack", "flat"))
    count = world.rng.choice((1, 2, 2, 3))
    if kind in ("stack", "hstack", "vstack"):
        parts = [x] + [world.of_shape(shape) for _ in range(count)]
        texts = ", ".join(world.alike(*parts))
        if kind == "stack":
            axis = world.rng.randint(-len(shape) - 1, len(shape))
            return Pair(
                f"tg.stack([{', '.join(parts)}], axis={axis})",
                f"torch.stack([{texts}], {axis})",
                True,
            )
        return Pair(f"tg.{kind}([{', '.join(parts)}])", f"torch.{kind}([{texts}])", True)
    if kind == "flat":
        parts = [x, world.of_ndim(0)]
        texts = ", ".join(f"{t}.reshape(-1)" for t in world.alike(*parts))
        return Pair(
            f"tg.concatenate([{', '.join(parts)}], axis=None)", f"torch.cat([{texts}])", True
        )
    parts = [x]
    for _ in range(count):
        other = list(shape)
        other[axis] = world.rng.choice((1, 2)) if world.chance(0.5) else shape[axis]
        parts.append(x if world.chance(0.1) else world.of_shape(tuple(other)))
    world.rng.shuffle(parts)
    texts = ", ".join(world.alike(*parts))
    return Pair(
        f"tg.concatenate([{', '.join(parts)}], axis={axis})", f"torch.cat([{texts}], {axis})", True
    )


def split(world: World) -> Pair:
    """One of the parts that an axis falls into."""
    x = world.of_ndim(1)
    axis = world.axis(x)
    sections = world.rng.choice(("2", "3", "[1]", "[1, 2]"))
    part = world.rng.choice((0, 1, -1))
    there = f"torch.tensor_split({x}, {sections}, dim={axis})[{part}].clone()"
    return Pair(f"tg.array_split({x}, {sections}, axis={axis})[{part}]", there, True)


def rows(world: World) -> Pair | None:
    """The rows of a variable, one by one, put together again."""
    x = world.of_ndim(1)
    if not world.shape(x)[0]:
        return None
    return Pair(
        f"tg.stack([row * 2.0 for row in {x}], axis=-1)",
        f"torch.stack([row * 2.0 for row in {x}], -1)",
        True,
    )


DRAWS: list[tuple[float, Callable[[World], Pair | None]]] = [
    (2, reshape),
    (2.5, axes),
    (2, repeated),
    (1.5, moved),
    (1.2, diagonals),
    (2.5, joined),
    (1, split),
    (0.4, rows),
]
