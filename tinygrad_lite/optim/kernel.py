"""What every update rule runs on: pieces of arrays that fit the cache, scratch, typed numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

PIECE = 16384  # elements: five arrays of float32 that long fill two thirds of a 512 KiB cache


class Scratch(dict[tuple[tuple[int, ...], np.dtype[Any]], tuple[Array, Array]]):
    """Two arrays to work in for any piece: ``t, u = scratch[shape, dtype]``, allocated once.

    All pieces of a dtype share their memory.
    """

    def __init__(self) -> None:
        self._memory: dict[np.dtype[Any], Array] = {}

    def __missing__(self, key: tuple[tuple[int, ...], np.dtype[Any]]) -> tuple[Array, Array]:
        shape, dtype = key
        memory = self._memory.setdefault(dtype, np.empty((2, PIECE), dtype))
        t, u = (buffer[: int(np.prod(shape))].reshape(shape) for buffer in memory)
        self[key] = t, u
        return t, u


@lru_cache(maxsize=256)
def typed(dtype: np.dtype[Any], *numbers: float) -> tuple[Array, ...]:
    """The numbers as arrays without dimensions of the parameter's dtype.

    They round as weak Python numbers would, whatever type they have, and a ufunc takes them in
    half the time that it needs for a Python number.
    """
    return tuple(np.array(number, dtype) for number in numbers)


def in_pieces(
    rule: Callable[..., None], scratch: Scratch, settings: tuple[Any, ...], *arrays: Array
) -> None:
    """Call ``rule(*pieces, t, u, *settings)`` on the arrays, piece by piece, all cut alike.

    The arrays have one shape and any layout: pieces are views, of at most ``PIECE`` elements.
    """
    p = arrays[0]
    if p.size <= PIECE:
        t, u = scratch[p.shape, p.dtype]
        rule(*arrays, t, u, *settings)
        return
    rows = PIECE * len(p) // p.size
    if not rows:
        for part in zip(*arrays):
            in_pieces(rule, scratch, settings, *part)
        return
    for start in range(0, len(p), rows):
        in_pieces(rule, scratch, settings, *[a[start : start + rows] for a in arrays])


def descent(p: Array, g: Array, t: Array, weight_decay: Array, maximize: bool) -> Array:
    """What a rule goes down, ``±g + weight_decay * p``: in ``t``, unless it is ``g`` itself."""
    if weight_decay:
        np.multiply(p, weight_decay, t)
        return np.subtract(t, g, t) if maximize else np.add(t, g, t)
    return np.negative(g, t) if maximize else g


def slot(state: dict[str, Any], name: str, p: Array, value: float = 0.0) -> Array:
    """The array of that name in a parameter's state: full of ``value`` when it is new."""
    array: Array | None = state.get(name)
    if array is None:
        array = state[name] = np.full_like(p, value)
    return array
