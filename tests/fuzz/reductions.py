"""Draws operations along axes: reductions, running ones, sorting, and the softmax family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.world import GAP, Pair, World


def folded(world: World, x: str, axis: Any) -> np.ndarray:
    """The elements that a reduction takes together, as rows."""
    value = world.value(x)
    axes = range(value.ndim) if axis is None else np.atleast_1d(axis) % value.ndim
    rest = [i for i in range(value.ndim) if i not in set(axes)]
    count = int(np.prod([value.shape[i] for i in axes]))
    if not value.size:
        return np.zeros((0, count))
    return value.transpose(*rest, *axes).reshape(-1, count)


def spaced(world: World, x: str, axis: Any) -> bool:
    """Whether the order within each row is beyond doubt, and there are no ties."""
    rows = np.sort(folded(world, x, axis), axis=1)
    return not (np.diff(rows, axis=1) < GAP).any()


def spelled(world: World, name: str, x: str, axis: Any, keepdims: bool, more: str = "") -> str:
    """A reduction as a function or as a method, with its arguments in some order."""
    arguments = [f"axis={axis}"] if axis is not None or world.chance(0.3) else []
    if keepdims or world.chance(0.2):
        arguments.append(f"keepdims={keepdims}")
    if more:
        arguments.append(more)
    if world.chance(0.5) and name not in ("logsumexp",):
        return f"{x}.{name}({', '.join(arguments)})"
    return f"tg.{name}({', '.join([x, *arguments])})"


def reduction(world: World) -> Pair | None:
    """Elements over axes folded into one."""
    x = world.of_ndim(0)
    axis, keep = world.axes(x), world.chance(0.35)
    name = world.rng.choice(
        ("sum", "sum", "mean", "var", "std", "max", "min", "prod", "norm", "logsumexp")
    )
    over = f"dim=dims({x}, {axis}), keepdim={keep}"
    here = spelled(world, name, x, axis, keep)
    if name in ("sum", "mean", "logsumexp"):
        exact = name == "sum"
        return Pair(here, f"torch.{name}({x}, {over})" if world.ndim(x) else f"{x}.clone()", exact)
    if name in ("max", "min"):
        if not world.distinct(x):
            return None
        return Pair(here, f"torch.a{name}({x}, {over})" if world.ndim(x) else f"{x}.clone()", True)
    if name == "prod":
        return Pair(here, f"prod({x}, {axis}, {keep})")
    if name == "norm":
        return norm(world)
    rows = folded(world, x, axis)
    ddof = world.rng.choice((0, 0, 1))
    if rows.shape[1] <= ddof or not rows.size:
        return None
    spread = np.ptp(rows, axis=1)
    if name == "std" and ((spread < 1e-2) & (spread > 0)).any():
        return None
    here = spelled(world, name, x, axis, keep, f"ddof={ddof}" if ddof else "")
    if name == "std":
        return Pair(here, f"std({x}, {axis}, {ddof}, {keep})")
    if not world.ndim(x):
        return Pair(here, f"({x} - {x}) ** 2")
    return Pair(here, f"torch.var({x}, correction={ddof}, {over})")


def norm(world: World) -> Pair | None:
    """A vector norm of some order."""
    x = world.of_ndim(1)
    axis, keep = world.axis(x), world.chance(0.35)
    order = world.rng.choice((None, 1, 2, 3, np.inf, -np.inf, 1.5))
    if order is None and world.chance(0.5):
        axis = None
    value = world.value(x)
    if order in (np.inf, -np.inf):
        rows = np.sort(np.abs(folded(world, x, axis)), axis=1)
        if (np.diff(rows, axis=1) < GAP).any() or (rows < GAP).any() or not rows.size:
            return None
    elif not world.away_from(x, 0) or (order in (3, 1.5) and (np.abs(value) < 0.02).any()):
        return None
    name = repr(order).replace("inf", "np.inf")
    here = f"tg.norm({x}, ord={name}, axis={axis}, keepdims={keep})"
    there = f"vector_norm({x}, {name if order is not None else 2}, {axis}, {keep})"
    return Pair(here, there)


def matrix_norm(world: World) -> Pair | None:
    """A norm of matrices, over two axes."""
    x = world.of_ndim(2)
    axes = tuple(world.rng.sample(range(world.ndim(x)), 2))
    keep = world.chance(0.3)
    order = world.rng.choice(("'fro'", "'nuc'", "2", "-2", "1", "np.inf"))
    matrices = np.moveaxis(world.value(x), axes, (-2, -1))
    if not matrices.size or world.dtype(x) != np.float64 or not spaced(world, x, axes):
        return None
    gaps = np.diff(np.linalg.svd(matrices, compute_uv=False), axis=-1, append=0)
    sums = np.sort(np.abs(matrices).sum(-2 if order == "1" else -1), axis=-1)
    if (np.abs(gaps) < 0.05).any() or (np.diff(sums, axis=-1) < GAP).any():
        return None
    if order in ("1", "np.inf") and not world.away_from(x, 0):
        return None
    return Pair(
        f"tg.norm({x}, ord={order}, axis={axes}, keepdims={keep})",
        f"torch.linalg.matrix_norm({x}, {order}, dim={axes}, keepdim={keep})",
    )


def counted(world: World) -> Pair | None:
    """A variable times what has no derivative: how many, whether all or any, which is largest."""
    x = world.of_ndim(1)
    axis = world.axis(x)
    if not world.away_from(x, 0) or world.dtype(x) != np.float64:
        return None
    name = world.rng.choice(("count_nonzero", "any", "all"))
    there = f"torch.{name}({x} > 0, dim={axis}).unsqueeze({axis})"
    return Pair(f"{x} * tg.{name}({x} > 0, axis={axis}, keepdims=True)", f"{x} * {there}", True)


def quantile(world: World) -> Pair | None:
    """The median, or quantiles."""
    x = world.of_ndim(1)
    axis, keep = world.axis(x), world.chance(0.3)
    if not spaced(world, x, axis) or not world.value(x).size:
        return None
    if world.chance(0.4):
        return Pair(
            f"tg.median({x}, axis={axis}, keepdims={keep})",
            f"torch.quantile({x}, 0.5, dim={axis}, keepdim={keep})",
        )
    q = world.rng.choice(("0.3", "0.75", "[0.25, 0.6]", "0.0", "1.0"))
    return Pair(
        f"tg.quantile({x}, {q}, axis={axis}, keepdims={keep})",
        f"torch.quantile({x}, torch.tensor({q}, dtype={x}.dtype), dim={axis}, keepdim={keep})",
    )


def running(world: World) -> Pair:
    """A running sum or product."""
    x = world.of_ndim(1)
    name = world.rng.choice(("cumsum", "cumprod"))
    if world.chance(0.2):
        return Pair(f"{x}.{name}()", f"torch.{name}({x}.reshape(-1), 0)", name == "cumsum")
    axis = world.axis(x)
    there = f"torch.{name}({x}, {axis})"
    return Pair(f"tg.{name}({x}, axis={axis})", there, name == "cumsum")


def ordering(world: World) -> Pair | None:
    """Elements sorted, or picked by indices that were computed from values."""
    x = world.of_ndim(1)
    axis = world.axis(x)
    if not world.distinct(x) or not world.value(x).size:
        return None
    kind = world.rng.random()
    if kind < 0.4:
        there = f"torch.sort({x}, dim={axis}, stable=True).values"
        return Pair(f"tg.sort({x}, axis={axis})", there, True)
    if kind < 0.5:
        there = f"torch.sort({x}.reshape(-1), stable=True).values"
        return Pair(f"tg.sort({x}, axis=None)", there, True)
    if kind < 0.75:
        return Pair(
            f"tg.take_along_axis({x}, tg.argsort({x}, axis={axis}), axis={axis})",
            f"take_along({x}, torch.argsort({x}, dim={axis}, stable=True), {axis})",
            True,
        )
    name = world.rng.choice(("argmax", "argmin"))
    if world.is_exact(x) and not spaced(world, x, axis):
        return None  # which of several equal ones is chosen is not promised by PyTorch
    return Pair(
        f"tg.take_along_axis({x}, tg.{name}({x}, axis={axis}, keepdims=True), axis={axis})",
        f"take_along({x}, torch.{name}({x}, dim={axis}, keepdim=True), {axis})",
        True,
    )


def softmax(world: World) -> Pair | None:
    """A softmax or its logarithm, not so saturated that few digits are left to compare."""
    x = world.of_ndim(1)
    if (np.abs(world.value(x)) > 5).any():
        return None
    name = world.rng.choice(("softmax", "log_softmax"))
    axis = world.axis(x)
    return Pair(f"tg.{name}({x}, axis={axis})", f"torch.{name}({x}, dim={axis})")


DRAWS: list[tuple[float, Callable[[World], Pair | None]]] = [
    (6, reduction),
    (1, norm),
    (0.5, matrix_norm),
    (0.4, counted),
    (1, quantile),
    (1.5, running),
    (1.5, ordering),
    (1.5, softmax),
]
