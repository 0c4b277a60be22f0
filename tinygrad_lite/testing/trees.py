"""Nested inputs: their leaves in order, a name for each, and the way back to the nested form."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tinygrad_lite.primitive import Primitive


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


def names(f: Callable[..., Any], arguments: Sequence[Any]) -> list[str]:
    """What ``f`` calls its positional arguments; ``inputs[i]`` where it does not say."""
    rules = f.vjps if isinstance(f, Primitive) and isinstance(f.vjps, tuple) else ()
    rule = next((rule for rule in rules if rule is not None), None)
    try:
        signature = inspect.signature(f if rule is None else rule)
    except (TypeError, ValueError):  # written in C, with no signature to read
        parameters = []
    else:
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = [name for name, p in signature.parameters.items() if p.kind in kinds]
    if rule is not None:
        parameters = parameters[2:]  # after the cotangent and the result
    return [parameters[i] if i < len(parameters) else f"inputs[{i}]" for i in range(len(arguments))]


def required(f: Callable[..., Any]) -> list[str]:
    """The positional arguments that a function cannot do without.

    >>> required(lambda x, y, axis=None: x)
    ['x', 'y']
    """
    try:
        parameters = inspect.signature(f).parameters.items()
    except (TypeError, ValueError):  # written in C, with no signature to read
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, p in parameters if p.default is p.empty and p.kind in kinds]
