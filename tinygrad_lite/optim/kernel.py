"""What every update rule runs on: pieces of arrays that fit the cache, scratch, typed numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

PIECE = 65536  # elements: smaller pieces cost more in calls than they save in traffic (measured)


class Scratch(dict[tuple[tuple[int, ...], np.dtype[Any]], tuple[Array, Array]]):
    """Two arrays to work in for any piece: ``t, u = scratch[shape, dtype]``.

    All pieces of a dtype share their memory, which is as large as the largest of them.
    """

    def __init__(self) -> None:
        self._memory: dict[np.dtype[Any], Array] = {}

    def __missing__(self, key: tuple[tuple[int, ...], np.dtype[Any]]) -> tuple[Array, Array]:
        shape, dtype = key
        size = prod(shape)
        if dtype not in self._memory or self._memory[dtype].shape[1] < size:
            self.clear()  # what is in here keeps the smaller memory alive
            self._memory[dtype] = np.empty((2, size), dtype)
        t, u = (buffer[:size].reshape(shape) for buffer in self._memory[dtype])
        self[key] = t, u
        return t, u


def typed(dtype: np.dtype[Any], *numbers: float) -> list[Array]:
    """The numbers as arrays without dimensions of a parameter's dtype.

    They round as weak Python numbers would, whatever type they have, and a ufunc takes them in
    half the time that it needs for a Python number.
    """
    return [np.array(number, dtype) for number in numbers]


def in_pieces(
    rule: Callable[..., None],
    scratch: Scratch,
    arrays: Sequence[Array | None],
    settings: tuple[Any, ...],
) -> None:
    """Call ``rule(*pieces, t, u, *settings)`` on the arrays, piece by piece, all cut alike.

    The arrays have one shape and any layout: pieces are views, of at most ``PIECE`` elements. None
    stands for an array that the rule does without; the first is always there.
    """
    p = arrays[0]
    assert p is not None
    if p.size <= PIECE:
        rule(*arrays, *scratch[p.shape, p.dtype], *settings)
        return
    rows = PIECE * len(p) // p.size
    for row in range(0, len(p), max(rows, 1)):
        cut = slice(row, row + rows) if rows else row
        in_pieces(rule, scratch, [None if a is None else a[cut] for a in arrays], settings)


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
