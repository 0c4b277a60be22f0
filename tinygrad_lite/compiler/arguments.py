"""What a traced function did to its arguments, done to those that the caller gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor, tick


class Copies:
    """The lists and dicts among the arguments, and the copies that the function is called with.

    Args:
        given: the nest of arguments.
        used: the same nest around what stands for its leaves.
    """

    def __init__(self, given: Any, used: Any) -> None:
        self.pairs = [(g, u, _items(u)) for g, u in _containers(given, used)]

    def carry_over(self, own: Callable[[Any], Any]) -> str:
        """Change what was given as the copies were changed; in words what that was, or nothing.

        Args:
            own: gives the caller's for what stood for it.
        """
        originals = {id(u): g for g, u, _ in self.pairs}
        found = ""
        for given, used, before in self.pairs:
            now = _items(used)
            if len(now) == len(before) and all(
                j == i and a is b for (i, a), (j, b) in zip(before, now)
            ):
                continue
            found = f"a {type(given).__name__} among its arguments"
            items = [(key, originals[id(x)] if id(x) in originals else own(x)) for key, x in now]
            if isinstance(given, dict):
                given.clear()
                given.update(items)
            else:
                given[:] = [x for _, x in items]
        return found


def overwrite(given: Any, by: Tensor) -> str:
    """Give an array or tensor the values of a tensor; in words what was changed, or nothing."""
    if isinstance(given, Tensor):
        given._data, given._requires_grad, given.record = by._data, by._requires_grad, by.record
        given.order = tick()
        return f"{given._describe()} among its arguments"
    if isinstance(given, np.ndarray):
        given[...] = by._data
        return f"an array of shape {given.shape} among its arguments"
    return ""  # a NumPy number does not change; the name got another one


def _items(container: Any) -> list[tuple[Any, Any]]:
    return list(container.items() if isinstance(container, dict) else enumerate(container))


def _containers(given: Any, used: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(given, (list, dict)):
        yield given, used
    if isinstance(given, (list, tuple, dict)):
        for (_, g), (_, u) in zip(_items(given), _items(used)):
            yield from _containers(g, u)
