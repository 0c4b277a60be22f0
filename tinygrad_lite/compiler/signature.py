"""What calls that share a program have in common: structure, shapes, dtypes, plain values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor

PLAIN = (bool, int, float, complex, str, bytes, type(None))


def describe(leaf: Any) -> Any:
    """What must be equal of one leaf of the arguments."""
    if isinstance(leaf, np.ndarray):
        return leaf.shape, leaf.dtype
    if isinstance(leaf, Tensor):
        own = id(leaf) if leaf._requires_grad and leaf.record is None else None
        return type(leaf), np.shape(leaf._data), leaf.dtype, leaf._requires_grad, own
    if isinstance(leaf, np.generic) and leaf.dtype.kind in "fiuc":
        return type(leaf)
    if isinstance(leaf, PLAIN) and leaf == leaf:
        return type(leaf), leaf, str(leaf)
    return "object", id(leaf)


def structure(tree: Any) -> Any:
    """The nest around the leaves, in a form that can be compared."""
    if isinstance(tree, dict):
        return dict, tuple((key, structure(item)) for key, item in tree.items())
    if isinstance(tree, (list, tuple)):
        return type(tree), tuple(structure(item) for item in tree)
    return None


def places(nest: Any) -> list[tuple[Any, ...]]:
    """The keys that lead to each leaf of such a structure, in order."""
    if nest is None:
        return [()]
    kind, items = nest
    return [
        (key, *rest)
        for key, item in (items if kind is dict else enumerate(items))
        for rest in places(item)
    ]


def remedy(leaves: list[Any]) -> str:
    """What to do about arguments that are new in every call, or other things that change."""
    if any(isinstance(x, Tensor) and x._requires_grad and x.record is None for x in leaves):
        return (
            "Pass the same tensor whenever it is one that requires a gradient, or pass an array "
            "and differentiate with tg.grad"
        )
    if any(describe(x)[:1] == ("object",) for x in leaves if not isinstance(x, np.generic)):
        return "Pass the same object in every call, or the arrays in it"
    return "Pass numbers that change as arrays (np.float32(lr)), and batches of one size"


def in_words(leaves: list[Any]) -> str:
    """The arguments, for a warning."""
    return ", ".join(
        f"{leaf.dtype} {np.shape(leaf)}"
        if isinstance(leaf, (np.ndarray, Tensor))
        else repr(leaf)[:30]
        for leaf in leaves
    )
