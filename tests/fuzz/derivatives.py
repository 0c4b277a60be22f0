"""Draws derivatives as parts of a program: transforms, whose results are differentiated again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.world import Pair, World

# f here, f in PyTorch, and its first and second derivative in PyTorch
CURVES = (
    (
        "tg.sin(t) * t",
        "torch.sin({x}) + {x} * torch.cos({x})",
        "2 * torch.cos({x}) - {x} * torch.sin({x})",
    ),
    (
        "tg.tanh(t)",
        "1 - torch.tanh({x}) ** 2",
        "-2 * torch.tanh({x}) * (1 - torch.tanh({x}) ** 2)",
    ),
    ("t * t * t", "3 * {x} * {x}", "6 * {x}"),
    (
        "tg.exp(-t * t)",
        "-2 * {x} * torch.exp(-{x} * {x})",
        "(4 * {x} * {x} - 2) * torch.exp(-{x} * {x})",
    ),
)


def transformed(world: World) -> Pair | None:
    """A gradient, a vector-Jacobian or Jacobian-vector product, a Hessian-vector product."""
    x = world.of_ndim(0, 3)
    if (np.abs(world.value(x)) > 5).any():
        return None
    f, first, second = world.rng.choice(CURVES)
    first, second = (f"({part.format(x=x)})" for part in (first, second))
    kind = world.rng.choice(("grad", "vjp", "jvp", "hvp", "jacobian", "value_and_grad", "two"))
    if kind == "grad":
        return Pair(f"tg.grad(lambda t: tg.sum({f}))({x})", first)
    if kind == "value_and_grad":
        return Pair(f"tg.value_and_grad(lambda t: tg.sum({f}))({x})[1]", first)
    if kind == "jacobian":
        if world.ndim(x) != 1 or not world.value(x).size:
            return None
        return Pair(f"tg.jacobian(lambda t: {f})({x})", f"torch.diag({first})")
    v = world.of_shape(world.shape(x))
    if world.dtype(v) != world.dtype(x):
        return None
    if kind == "two":
        w = world.of_shape(world.shape(x))
        z = world.of_shape(world.shape(x))
        if {world.dtype(w), world.dtype(z)} != {world.dtype(x)}:
            return None
        here = f"tg.jvp(lambda s, t: s * tg.sin(t), ({z}, {x}), ({w}, {v}))[1]"
        return Pair(here, f"{w} * torch.sin({x}) + {z} * torch.cos({x}) * {v}")
    if kind == "vjp":
        return Pair(f"tg.vjp(lambda t: {f}, {x})[1]({v})[0]", f"{first} * {v}")
    if kind == "jvp":
        return Pair(f"tg.jvp(lambda t: {f}, ({x},), ({v},))[1]", f"{first} * {v}")
    return Pair(f"tg.hvp(lambda t: tg.sum({f}), ({x},), ({v},))[0]", f"{second} * {v}")


DRAWS: list[tuple[float, Callable[[World], Pair | None]]] = [(1, transformed)]
