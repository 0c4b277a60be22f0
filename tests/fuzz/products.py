"""Draws products of vectors, matrices and tensors, and functions of square matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.world import Pair, World


def matmul(world: World) -> Pair:
    """A matrix product of any two ranks, with broadcasting in front."""
    x = world.of_ndim(1, 4)
    shape = world.shape(x)
    columns = world.rng.choice((1, 2, 3))
    if world.chance(0.5):  # x on the left
        batch = world.broadcasting(shape[:-2])
        y_shape = (shape[-1],) if world.chance(0.3) else (*batch, shape[-1], columns)
        a, b = x, world.of_shape(y_shape)
    else:
        inner = shape[-2] if len(shape) > 1 else shape[0]
        batch = world.broadcasting(shape[:-2])
        y_shape = (inner,) if world.chance(0.3) else (*batch, columns, inner)
        a, b = world.of_shape(y_shape), x
    p, q = world.alike(a, b)
    here = f"{a} @ {b}" if world.chance(0.6) else f"tg.matmul({a}, {b})"
    return Pair(here, f"torch.matmul({p}, {q})", True)


def named(world: World) -> Pair:
    """Products that have a name of their own."""
    kind = world.rng.choice(("dot", "inner", "outer", "vdot", "tensordot"))
    x = world.of_ndim(1, 3)
    shape = world.shape(x)
    if kind == "outer":
        y = world.of_ndim(0, 2)
        p, q = world.alike(x, y)
        return Pair(f"tg.outer({x}, {y})", f"torch.outer({p}.reshape(-1), {q}.reshape(-1))", True)
    if kind == "vdot":
        y = world.of_shape(shape)
        p, q = world.alike(x, y)
        return Pair(f"tg.vdot({x}, {y})", f"torch.sum({p} * {q})", True)
    if kind == "inner":
        y = world.of_shape((*[world.rng.choice((1, 2))] * world.rng.randint(0, 1), shape[-1]))
        p, q = world.alike(x, y)
        return Pair(f"tg.inner({x}, {y})", f"torch.tensordot({p}, {q}, dims=([-1], [-1]))", True)
    if kind == "dot":
        extra = [world.rng.choice((1, 2, 3)) for _ in range(world.rng.randint(0, 2))]
        y_shape = (*extra[:-1], shape[-1], *extra[-1:])
        y = world.of_shape(y_shape)
        p, q = world.alike(x, y)
        place = -2 if len(y_shape) > 1 else -1
        return Pair(f"tg.dot({x}, {y})", f"torch.tensordot({p}, {q}, dims=([-1], [{place}]))", True)
    count = world.rng.randint(0, min(2, len(shape)))
    mine = world.rng.sample(range(len(shape)), count)
    y_shape = [world.rng.choice((1, 2)) for _ in range(world.rng.randint(0, 1))]
    y_shape = [shape[a] for a in mine] + y_shape
    y = world.of_shape(tuple(y_shape))
    p, q = world.alike(x, y)
    theirs = list(range(count))
    return Pair(
        f"tg.tensordot({x}, {y}, axes=({mine}, {theirs}))",
        f"torch.tensordot({p}, {q}, dims=({mine}, {theirs}))",
        True,
    )


def einsum(world: World) -> Pair | None:
    """A sum of products by labels: repeated, shared, broadcast, summed or kept."""
    x = world.of_ndim(0, 4)
    labels = "abcdefgh"
    sizes: dict[str, int] = {}
    terms, operands = [], []
    for k in range(world.rng.choice((1, 2, 2, 3))):
        operand = x if k == 0 else world.of_ndim(0, 3)
        term = ""
        for n in world.shape(operand):
            fitting = [c for c in sizes if sizes[c] == n or (1 in (sizes[c], n) and c not in term)]
            if fitting and world.chance(0.6):
                label = world.rng.choice(fitting)
            else:
                label = labels[len(sizes)] if len(sizes) < len(labels) else ""
                if not label:
                    return None
            sizes[label] = max(sizes.get(label, n), n) if n else 0
            term += label
        terms.append(term)
        operands.append(operand)
    used = sorted(set("".join(terms)))
    for label in used:  # a label of length 0 does not broadcast
        lengths = {
            n for t, o in zip(terms, operands) for c, n in zip(t, world.shape(o)) if c == label
        }
        if 0 in lengths and len(lengths) > 1:
            return None
        for term, operand in zip(terms, operands):
            own = {n for c, n in zip(term, world.shape(operand)) if c == label}
            if len(own) > 1:
                return None
    kept = world.rng.sample(used, world.rng.randint(0, min(4, len(used))))
    subscripts = ",".join(terms) + "->" + "".join(kept)
    texts = ", ".join(world.alike(*operands))
    here = f"tg.einsum({subscripts!r}, {', '.join(operands)})"
    return Pair(here, f"torch.einsum({subscripts!r}, {texts}).clone()", True)


def square(world: World) -> Pair | None:
    """A function of a well-conditioned square matrix, or of a stack of them."""
    x = world.pick(lambda n: world.ndim(n) >= 2 and 1 <= world.shape(n)[-1] <= 3)
    if x is None or world.dtype(x) != np.float64:
        return None
    n = world.shape(x)[-1]
    if (np.abs(world.value(x)) > 3).any():
        x = f"tg.sin({x})"
    here = f"({x}.swapaxes(-1, -2) @ {x} + 2.0 * np.eye({n}))"
    x = x.replace("tg.", "torch.")
    there = f"({x}.swapaxes(-1, -2) @ {x} + 2.0 * torch.eye({n}, dtype=torch.float64))"
    kind = world.rng.choice(("inv", "det", "cholesky", "slogdet", "solve", "symmetric power"))
    if kind == "slogdet":
        return Pair(f"tg.linalg.slogdet({here})[1]", f"torch.linalg.slogdet({there})[1]")
    if kind == "solve":
        b = world.of_shape((n, 2))
        if world.dtype(b) != np.float64:
            return None
        return Pair(f"tg.linalg.solve({here}, {b})", f"solve({there}, {b})")
    if kind == "symmetric power":
        return Pair(f"{here} @ {here}", f"{there} @ {there}")
    return Pair(f"tg.linalg.{kind}({here})", f"torch.linalg.{kind}({there}).clone()")


DRAWS: list[tuple[float, Callable[[World], Pair | None]]] = [
    (3, matmul),
    (1.5, named),
    (2, einsum),
    (1.5, square),
]
