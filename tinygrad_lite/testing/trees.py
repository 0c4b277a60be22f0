"""Nested values: their leaves in order, the path to each, and the way back to the nested form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def flatten(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested tuples, lists and dicts, with its path: ``("['w'][0]", leaf)``.

    >>> list(flatten({"w": [1, 2], "b": 3}))
    [("['w'][0]", 1), ("['w'][1]", 2), ("['b']", 3)]
    """
    if isinstance(tree, dict):
        for key, branch in tree.items():
            yield from flatten(branch, f"{path}[{key!r}]")
    elif isinstance(tree, (tuple, list)):
        for i, branch in enumerate(tree):
            yield from flatten(branch, f"{path}[{i}]")
    else:
        yield path, tree


def rebuild(tree: Any, leaves: Iterator[Any]) -> Any:
    """The same nesting as ``tree`` with other leaves.

    >>> rebuild({"w": [1, 2]}, iter("ab"))
    {'w': ['a', 'b']}
    """
    if isinstance(tree, dict):
        return {key: rebuild(branch, leaves) for key, branch in tree.items()}
    if isinstance(tree, (tuple, list)):
        branches = [rebuild(branch, leaves) for branch in tree]
        if hasattr(tree, "_fields"):
            return type(tree)(*branches)
        return type(tree)(branches)
    return next(leaves)
