"""Nested tuples, lists and dicts taken apart into their leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Structure = Callable[[list[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of ``tree`` in order, and the function that builds the same nest around others.

    >>> leaves, rebuild = flatten({"a": [1, 2], "b": (3,)})
    >>> leaves
    [1, 2, 3]
    >>> rebuild([10, 20, 30])
    {'a': [10, 20], 'b': (30,)}
    """
    leaves: list[Any] = []
    build = _flatten(tree, leaves)
    return leaves, lambda values: build(values)


def _flatten(tree: Any, leaves: list[Any]) -> Structure:
    if isinstance(tree, dict):
        keys = list(tree)
        parts = [_flatten(tree[key], leaves) for key in keys]
        return lambda values: dict(zip(keys, [part(values) for part in parts]))
    if isinstance(tree, (list, tuple)):
        parts = [_flatten(item, leaves) for item in tree]
        kind = type(tree)
        if hasattr(kind, "_fields"):  # a named tuple takes its items one by one
            return lambda values: kind(*[part(values) for part in parts])
        return lambda values: kind([part(values) for part in parts])
    place = len(leaves)
    leaves.append(tree)
    return lambda values: values[place]


def paths(tree: Any, start: str = "") -> list[str]:
    """Where the leaves of ``tree`` stand, as one writes it, in order.

    >>> paths({"a": [1, 2], "b": 3}, "p")
    ["p['a'][0]", "p['a'][1]", "p['b']"]
    """
    if isinstance(tree, dict):
        return [path for key in tree for path in paths(tree[key], f"{start}[{key!r}]")]
    if isinstance(tree, (list, tuple)):
        return [path for i, item in enumerate(tree) for path in paths(item, f"{start}[{i}]")]
    return [start]


def aligned(tree: Any, pattern: Any, what: str) -> list[Any]:
    """The parts of ``tree`` that stand where ``pattern`` has its leaves, in the pattern's order.

    >>> aligned({"b": 2, "a": 1}, {"a": 0.0, "b": 0.0}, "cotangent")
    [1, 2]
    """
    if isinstance(pattern, dict):
        if not isinstance(tree, dict) or tree.keys() != pattern.keys():
            has = list(tree) if isinstance(tree, dict) else type(tree).__name__
            raise ValueError(f"the {what} needs the keys {list(pattern)}, but it has {has}")
        return [part for key in pattern for part in aligned(tree[key], pattern[key], what)]
    if isinstance(pattern, (list, tuple)):
        if not isinstance(tree, (list, tuple)) or len(tree) != len(pattern):
            has = f"{len(tree)}" if isinstance(tree, (list, tuple)) else type(tree).__name__
            raise ValueError(f"the {what} needs {len(pattern)} parts in a row, but it has {has}")
        return [part for t, p in zip(tree, pattern) for part in aligned(t, p, what)]
    return [tree]
