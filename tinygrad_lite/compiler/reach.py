"""Reach: the objects that a function can get at, and what each of them holds."""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from operator import length_hint
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any
from zlib import crc32

import numpy as np

from tinygrad_lite.primitive import Primitive
from tinygrad_lite.tensor import Tensor

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)
SEQUENCES = (list, tuple, set, frozenset, deque)
MANY = 5_000  # objects that are looked through, and items of one of them
TRUSTED = frozenset({"tinygrad_lite", "numpy", "builtins", *sys.stdlib_module_names})

Contents = list[tuple[str, Any]]


def same(a: Any, b: Any) -> bool:
    """Whether two values are one object, or plain and alike to the sign of a zero."""
    if a is b:
        return True
    return type(a) is type(b) and isinstance(a, PLAIN) and bool(a == b) and str(a) == str(b)


def trusted(value: Any) -> bool:
    """Whether it belongs to Python, NumPy or this library, and so does not change."""
    if isinstance(value, ModuleType):
        return owner(value.__name__)
    if isinstance(value, (FunctionType, BuiltinFunctionType, type, np.ufunc)):
        return owner(getattr(value, "__module__", "numpy") or "")
    return isinstance(value, Primitive)


def owner(module: Any) -> bool:
    """Whether a module of that name is Python's, NumPy's or this library's."""
    return str(module).partition(".")[0] in TRUSTED


def contents(x: Any) -> Contents:
    """What an object holds, each with what to write behind the object to get there."""
    if isinstance(x, (*PLAIN, Tensor, np.ndarray, ModuleType, np.random.Generator)) or trusted(x):
        return []
    if isinstance(x, dict):
        return [(f"[{k!r}]", v) for k, v in x.items()] if len(x) <= MANY else [("", len(x))]
    if isinstance(x, SEQUENCES):
        return [(f"[{i}]", v) for i, v in enumerate(x)] if len(x) <= MANY else [("", len(x))]
    if isinstance(x, FunctionType):
        return _of_function(x)
    if isinstance(x, MethodType):
        return [("self", x.__self__), ("", x.__func__)]
    if isinstance(x, partial):
        return [("", x.func), (".args", x.args), (".keywords", x.keywords)]
    if isinstance(x, GeneratorType):
        frame = x.gi_frame
        return [("", frame and frame.f_lasti), *(frame.f_locals.items() if frame else ())]
    if hasattr(type(x), "__next__"):
        return [("", length_hint(x, -1)), *(("", v) for v in gc.get_referents(x))]
    if str(type(x).__module__).startswith("tinygrad_lite.compiler"):
        return [("", getattr(x, "function", None))]
    if "param_groups" in getattr(x, "__dict__", ()):
        return [(".param_groups", x.param_groups)]
    return _of_object(x)


def _of_object(x: Any) -> Contents:
    kind = x if isinstance(x, type) else type(x)
    foreign = owner(kind.__module__) and not str(kind.__module__).startswith("tinygrad_lite.")
    if foreign and kind is not SimpleNamespace:
        return []
    found = [(f".{name}", v) for name, v in list(getattr(x, "__dict__", {}).items())]
    slots = [s for k in kind.__mro__ for s in _slots(k)]
    found += [(f".{s}", getattr(x, s)) for s in slots if hasattr(x, s)]
    return found if isinstance(x, type) or foreign else [*found, ("", kind)]


def _slots(kind: type) -> tuple[str, ...]:
    slots: Any = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(s for s in names if not s.startswith("__"))


def _of_function(f: FunctionType) -> Contents:
    """The variables from outside that its code names, and its defaults."""
    found: Contents = []
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
        found += [(name, v) for v in gc.get_referents(cell)]  # none before it is assigned
    names = set(_names(f.__code__))
    for name in sorted(names & f.__globals__.keys()):
        value = f.__globals__[name]
        found.append((name, value))
        if isinstance(value, ModuleType) and not trusted(value):
            members = vars(value)
            found += [(f"{name}.{n}", members[n]) for n in sorted(names & members.keys())]
    defaults = [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
    return [*found, *(("a default", v) for v in defaults)]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def walk(roots: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any, Contents]]:
    """Every object that can be got at, nearest first: how it is written, itself, what it holds."""
    queue = deque(roots)
    seen: set[int] = set()
    while queue and len(seen) < MANY:
        words, x = queue.popleft()
        if isinstance(x, PLAIN) or id(x) in seen:
            continue
        seen.add(id(x))
        held = contents(x)
        yield words, x, held
        queue.extend((joined(words, how), v) for how, v in held if not isinstance(v, PLAIN))


def joined(words: str, how: str) -> str:
    """The way to an object and the step from there, as the user would write it."""
    return f"{words}{how}" if how[:1] in ("", ".", "[") else how


def fingerprint(x: Any) -> Any:
    """What tells of a change inside an array."""
    if isinstance(x, np.ndarray) and x.dtype != object:
        step = 1 + x.size // (1 << 22)  # of an array of many millions of elements, every so many
        return crc32(x.reshape(-1)[::step].tobytes())
    return None
