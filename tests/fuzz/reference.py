"""PyTorch by NumPy's meaning of indices and axes, and by this library's conventions at kinks.

Where the two libraries differ on purpose, the function here is PyTorch made to follow the
documented choice of this one: `CONVENTIONS` lists them. test_reference.py holds each to being
needed, and to changing nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

__all__ = [
    "assign",
    "at",
    "cbrt",
    "clip",
    "dims",
    "fmax",
    "fmin",
    "pad",
    "power",
    "prod",
    "quiet",
    "safe",
    "selu",
    "set_",
    "solve",
    "std",
    "take_along",
    "vector_norm",
]


def dims(x: torch.Tensor, axis: Any) -> tuple[int, ...]:
    """The axes of a reduction, all counted from the front."""
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis))


def plain(index: Any) -> Any:
    """An index with arrays in the place of tensors."""
    if isinstance(index, tuple):
        return tuple(plain(part) for part in index)
    return index.detach().numpy() if isinstance(index, torch.Tensor) else index


def at(x: torch.Tensor, index: Any) -> torch.Tensor:
    """``x[index]`` with NumPy saying which elements that is."""
    places = np.array(np.arange(x.numel()).reshape(tuple(x.shape))[plain(index)], np.int64)
    return x.reshape(-1)[torch.from_numpy(places.reshape(-1))].reshape(places.shape)


def set_(x: torch.Tensor, index: Any, value: Any) -> None:
    """``x[index] = value`` with NumPy saying where that is, and that the last of several stays."""
    shape = tuple(x.shape)
    places = np.asarray(np.arange(x.numel()).reshape(shape)[plain(index)])
    value = torch.as_tensor(value, dtype=x.dtype)
    while value.ndim > places.ndim and value.shape[0] == 1:
        value = value[0]
    flat = value.expand(places.shape).reshape(-1)
    last = {int(p): turn for turn, p in enumerate(places.reshape(-1))}
    if not last:
        return
    where = np.unravel_index(np.array(list(last), int), shape) if shape else ()
    index_there = tuple(torch.tensor(w) for w in where)
    chosen = flat[torch.tensor(list(last.values()))]
    if shape:
        x.index_put_(index_there, chosen)
    else:
        x.copy_(chosen.reshape(()))


def assign(x: torch.Tensor, index: Any, value: Any) -> torch.Tensor:
    """A copy of x with the values put in."""
    out = x.clone()
    set_(out, index, value)
    return out


def take_along(x: torch.Tensor, indices: Any, axis: int) -> torch.Tensor:
    """``numpy.take_along_axis``."""
    indices = indices if isinstance(indices, torch.Tensor) else torch.tensor(indices)
    return torch.take_along_dim(x, indices % x.shape[axis], axis)


def prod(x: torch.Tensor, axis: Any, keepdim: bool) -> torch.Tensor:
    """The product over several axes, which PyTorch takes one at a time."""
    for a in sorted(dims(x, axis), reverse=True):
        x = torch.prod(x, a, keepdim=keepdim)
    return x.clone()


def pad(x: torch.Tensor, width: Any, value: float) -> torch.Tensor:
    """``numpy.pad`` with a constant; ``width`` has a pair for each axis."""
    return torch.nn.functional.pad(x, [n for pair in reversed(width) for n in pair], value=value)


def cbrt(x: torch.Tensor) -> torch.Tensor:
    """The cube root, which PyTorch does not have, away from 0."""
    return torch.sign(x) * torch.abs(x) ** (1 / 3)


def clip(x: torch.Tensor, low: Any, high: Any) -> torch.Tensor:
    """At a bound the derivative by x is 0 here, and 1 in PyTorch; a tensor bound takes it all."""
    if low is not None:
        x = torch.where(x > low, x, torch.as_tensor(low, dtype=x.dtype))
    return x if high is None else torch.where(x < high, x, torch.as_tensor(high, dtype=x.dtype))


def quiet(expression: Any) -> Any:
    """The value of an expression that leaves the domain of a function where nobody looks."""
    with np.errstate(all="ignore"):
        return expression()


def fmax(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """In a tie each takes half here; in PyTorch the first takes all."""
    return torch.maximum(x, y)


def fmin(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """In a tie each takes half here; in PyTorch the first takes all."""
    return torch.minimum(x, y)


def power(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x ** y for positive x; at y = 0 PyTorch's mixed second derivative is 0 instead of 1 / x."""
    return torch.exp(y * torch.log(x))


def selu(x: torch.Tensor) -> torch.Tensor:
    """At 0 the derivative is the smaller one, from the right, here; PyTorch takes the left."""
    return torch.where(x == 0, 1.0507009873554805 * x, torch.nn.functional.selu(x))


def safe(
    function: Any, condition: Any, x: torch.Tensor, inside: float, other: float
) -> torch.Tensor:
    """``where(condition, function(x), other)``; the branch not taken adds nothing, not even NaN."""
    return torch.where(condition, function(torch.where(condition, x, inside)), other)


def solve(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The solution for a matrix b, which PyTorch may take for a stack of vectors."""
    return torch.linalg.solve(a, b.expand(*a.shape[:-2], *b.shape))


def std(x: torch.Tensor, axis: Any, ddof: int, keepdim: bool) -> torch.Tensor:
    """Where all are equal the derivative is 0 here; in PyTorch it is made of rounding errors."""
    var = torch.var(x, dim=dims(x, axis), correction=ddof, keepdim=keepdim) if x.ndim else x * 0
    flat = var < 1e-28
    return torch.where(flat, 0, torch.sqrt(torch.where(flat, 1, var)))


def vector_norm(x: torch.Tensor, order: Any, axis: Any, keepdim: bool) -> torch.Tensor:
    """At 0 the derivative of every order is 0 here; PyTorch's second one is not a number."""
    if order != 2:
        return torch.linalg.vector_norm(x, order, dim=dims(x, axis), keepdim=keepdim)
    total = torch.sum(x * x, dim=dims(x, axis), keepdim=keepdim) if x.ndim else x * x
    return torch.where(total == 0, 0, torch.sqrt(torch.where(total == 0, 1, total)))


CONVENTIONS = ("clip", "fmax", "fmin", "power", "safe", "selu", "std", "vector_norm")
"""The functions above that differ from PyTorch's own in a derivative."""
