"""What a function says of itself: its name, and which positional arguments it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_lite.primitive import Primitive

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def describe(f: Callable[..., Any]) -> str:
    """What to call the function in messages."""
    if isinstance(f, Primitive):
        return f.name
    return getattr(f, "__name__", type(f).__name__)


def names(f: Callable[..., Any], arguments: Sequence[Any]) -> list[str]:
    """What ``f`` calls its positional arguments; ``inputs[i]`` where it does not say."""
    rules = f.vjps if isinstance(f, Primitive) and isinstance(f.vjps, tuple) else ()
    rule = next((rule for rule in rules if rule is not None), None)
    # A rule takes the cotangent and the result before what the primitive itself takes.
    own = _positional(f) if rule is None else _positional(rule)[2:]
    return [own[i].name if i < len(own) else f"inputs[{i}]" for i in range(len(arguments))]


def arity(f: Callable[..., Any]) -> int:
    """How many arguments a function needs: those that it may have as well do not count.

    >>> from tinygrad_lite import ops
    >>> arity(ops.multiply), arity(lambda x, axis=None: x)
    (2, 1)
    """
    if isinstance(f, Primitive) and isinstance(f.vjps, tuple):
        return len(f.vjps)
    return sum(parameter.default is parameter.empty for parameter in _positional(f))


def _positional(f: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # written in C, with no signature to read
        return []
    return [parameter for parameter in parameters if parameter.kind in POSITIONAL]
