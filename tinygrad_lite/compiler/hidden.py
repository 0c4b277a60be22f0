"""Hidden effects: what a traced call changed, other than by operations and optimisers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from tinygrad_lite.compiler.reach import Contents, contents, fingerprint, joined, same, walk
from tinygrad_lite.random import generator
from tinygrad_lite.tensor import Tensor

_OUTSIDE = frozenset({"time", "posix", "nt", "_io", "_warnings", "_socket", "select"})
_CALLS = frozenset({("builtins", "print"), ("builtins", "input"), ("datetime", "now")})


class Hidden:
    """Looks at all that a function can get at, before and after it does something.

    Args:
        function: whose closure, globals and defaults are looked through.
        arguments: what it is called with.

    Attributes:
        found: the first thing that was changed, in the user's words; empty for none.
        tensors: those that it can get at.
    """

    def __init__(self, function: Callable[..., Any], arguments: Iterable[Any]) -> None:
        self.found = ""
        self._roots = [("", function), *((f"argument {i}", x) for i, x in enumerate(arguments))]
        self._renew()
        tensors = [(words, x) for words, x, *_ in self._known if isinstance(x, Tensor)]
        self._flags = [(words, t, t._requires_grad) for words, t in tensors]
        self.tensors = [t for _, t in tensors]

    def _renew(self) -> None:
        """Take what there is now for granted."""
        self._known: list[tuple[str, Any, Contents, Any]] = []
        self._generators: dict[int, tuple[str, Any, str]] = {}
        self._note(generator(), "the default random generator")
        for words, x, held in walk(self._roots):
            if isinstance(x, np.random.Generator):
                self._note(x, words)
            else:
                self._known.append((words, x, held, fingerprint(x)))
        self._python = _python_random()

    def _note(self, rng: np.random.Generator, words: str) -> None:
        self._generators[id(rng)] = words, rng, str(rng.bit_generator.state)

    def check(self) -> str:
        """What has changed: ``found``."""
        if not self.found:
            self.found = self._difference()
        return self.found

    def finish(self) -> str:
        """What has changed in the whole call, in which parameters may be frozen for a while."""
        for words, t, flag in self._flags:
            if t._requires_grad != flag:
                self.found = self.found or f"{words}.requires_grad"
        return self.check()

    def _difference(self) -> str:
        for words, x, held, mark in self._known:
            now = contents(x)
            for (how, a), (other, b) in zip(held, now):
                if how != other or not same(a, b):
                    return joined(words, how)
            if len(held) != len(now):
                return joined(words, (now if len(now) > len(held) else held)[-1][0])
            if fingerprint(x) != mark:
                return words
        for words, rng, state in self._generators.values():
            if str(rng.bit_generator.state) != state:
                return words
        if _python_random() != self._python:
            return "the state of random or np.random"
        return ""

    def explained(self, call: Callable[[], Any]) -> Any:
        """Carry out ``call()``: what it changes is known."""
        self.check()
        result = call()
        self._renew()
        return result

    def drawn(self, rng: Any, call: Callable[[], Any]) -> Any:
        """Carry out ``call()``, an operation that draws from a generator."""
        rng = rng if isinstance(rng, np.random.Generator) else generator()
        words, _, state = self._generators.get(id(rng), ("", rng, ""))
        if state and state != str(rng.bit_generator.state):
            self.found = self.found or words
        result = call()
        self._note(rng, words or "a random generator")
        return result


def _python_random() -> Any:
    """The states of the generators that Python and NumPy share among all."""
    legacy: Any = np.random.get_state(legacy=True)  # noqa: NPY002 - the user may call it
    name, key, *rest = legacy
    return random.getstate(), name, key.tobytes(), rest


def outward(called: Any, frame: FrameType) -> str:
    """What a built-in function does to, or asks of, the world outside of Python; empty if nothing.

    Args:
        called: the built-in function.
        frame: who calls it.
    """
    owner = getattr(called, "__self__", None)
    if isinstance(owner, ModuleType):
        where = owner.__name__
    else:
        where = (owner if isinstance(owner, type) else type(owner)).__module__
    name = getattr(called, "__name__", "")
    if where in _OUTSIDE or (where, name) in _CALLS:
        return f"{name}(), called in {frame.f_code.co_filename}:{frame.f_lineno}"
    return ""
