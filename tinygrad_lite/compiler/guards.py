"""Guards: what a traced function read from outside must not change unnoticed."""

from __future__ import annotations

import dis
import gc
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)
CONTAINERS = (list, tuple, dict, set, frozenset)
LONGEST = 64  # of longer containers only identity and length are looked at
_MISSING: Any = object()
_TRUSTED = frozenset({"tinygrad_lite", "numpy", "builtins", *sys.stdlib_module_names})


@dataclass(frozen=True)
class Guard:
    """Something that was read, by the object it was reached from and the way from there.

    Attributes:
        root: the object to start from: a namespace, a cell, a module or whatever had attributes.
        steps: how to go on, such as ``["name"]`` or ``.attribute``.
        expected: what was found there.
        state: what a container held then.
        words: how the user wrote it.
    """

    root: Any
    steps: str
    expected: Any
    words: str
    state: Any = None


class Watch:
    """Notes what the functions that run read from outside, while it is switched on.

    It sees each function being called, and follows the names and attributes in its code.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.guards: dict[tuple[int, str], Guard] = {}
        self.modules: dict[int, tuple[Any, list[Any]]] = {}
        self.closures: dict[CodeType, FunctionType] = {}
        self._seen: set[Any] = set()
        self._aside: FrameType | None = None
        self._collector = {getattr(f, "__code__", None) for f in gc.callbacks}
        self._register(function)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Watch during the body of a ``with``, in this thread."""
        before = sys.getprofile()
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _event(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if self._aside is not None:  # the collector called, not the function
            if event == "return" and frame is self._aside:
                self._aside = None
            return
        if event != "call":
            return
        if code.co_name == "__del__" or code in self._collector:
            self._aside = frame
            return
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        if _is_module(first) and code.co_name in ("forward", "__call__"):
            self.modules.setdefault(id(first), (first, list(vars(first).values())))
        owner = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if owner in _TRUSTED or owner.startswith("namedtuple_"):
            return
        key = (code, id(first))
        if key in self._seen:
            return
        self._seen.add(key)
        function = self.closures.get(code)
        for kind, *names in _chains(code):
            self._follow(kind, names, frame, function)

    def _follow(
        self, kind: str, names: list[str], frame: FrameType, function: FunctionType | None
    ) -> None:
        """Walk from a global, a cell or an argument along attributes, and note where it ends."""
        name = names[0]
        if kind == "global":
            value = frame.f_globals.get(name, _MISSING)
            root, steps = frame.f_globals, f"[{name!r}]"
        elif kind == "cell":
            cell = _cell(function, name)
            value = _MISSING if cell is None else _contents(cell)
            root, steps = cell, ".cell_contents"
        else:
            value = frame.f_locals.get(name, _MISSING)
            if isinstance(value, (*PLAIN, Tensor, np.ndarray, list, tuple, dict, set)):
                return
            root, steps = value, ""
        if value is _MISSING or _trusted(value):
            return
        for attribute in names[1:]:
            if isinstance(value, (Tensor, np.ndarray, *PLAIN)):
                break
            found = inspect.getattr_static(value, attribute, _MISSING)
            if found is _MISSING or isinstance(found, property):
                break
            method = hasattr(found, "__get__") and not hasattr(found, "__set__")
            if method and not isinstance(value, (ModuleType, type)):
                self._register(getattr(value, attribute))
                break
            value = getattr(value, attribute)
            if _trusted(value):
                return
            steps += f".{attribute}"
        self._register(value)
        if steps and not isinstance(value, ModuleType):
            state = snapshot(value) if isinstance(value, CONTAINERS) else None
            guard = Guard(root, steps, value, ".".join(names), state)
            self.guards.setdefault((id(root), steps), guard)

    def _register(self, value: Any) -> None:
        """Remember the closure of a function that may be called."""
        if isinstance(value, MethodType):
            value = value.__func__
        value = inspect.unwrap(value) if isinstance(value, FunctionType) else value
        if isinstance(value, FunctionType):
            self.closures[value.__code__] = value

    def paths(self) -> dict[int, str]:
        """How the user calls the objects that were found, by their identity."""
        return {id(g.expected): g.words for g in self.guards.values()}


def _is_module(x: Any) -> bool:
    return hasattr(type(x), "named_parameters") and hasattr(type(x), "forward")


def _trusted(value: Any) -> bool:
    """Whether it belongs to Python, NumPy or this library, and so does not change."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] in _TRUSTED
    if isinstance(value, (FunctionType, BuiltinFunctionType, type, np.ufunc)):
        return (getattr(value, "__module__", "numpy") or "").partition(".")[0] in _TRUSTED
    return False


def _cell(function: FunctionType | None, name: str) -> Any:
    if function is None or name not in function.__code__.co_freevars or not function.__closure__:
        return None
    return function.__closure__[function.__code__.co_freevars.index(name)]


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _chains(code: CodeType) -> Iterator[tuple[str, ...]]:
    """``name.attribute.attribute`` as it stands in the code, after the kind of the name."""
    chain: tuple[str, ...] = ()
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for instruction in dis.get_instructions(code):
        name, said = instruction.opname, instruction.argval
        if name in ("LOAD_ATTR", "LOAD_METHOD") and chain:
            chain += (str(said),)
            continue
        if name in ("PUSH_NULL", "CACHE", "NOP"):
            continue
        if chain:
            yield chain
        chain = ()
        if isinstance(said, tuple) and said:
            said = said[-1]
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            chain = ("global", said)
        elif name in ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"):
            chain = ("cell", said)
        elif name.startswith("LOAD_FAST") and said in arguments:
            chain = ("local", said)
    if chain:
        yield chain
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            for found in _chains(inner):
                if found[0] == "global" or (found[0] == "cell" and found[1] in code.co_freevars):
                    yield found


def snapshot(value: Any) -> Any:
    """The state of a container, without going into what it holds."""
    if len(value) > LONGEST:
        return id(value), len(value)
    if isinstance(value, dict):
        return tuple((_mark(k), _mark(v)) for k, v in value.items())
    return type(value), tuple(map(_mark, value))


def _mark(item: Any) -> Any:
    return (type(item), item) if isinstance(item, PLAIN) and item == item else id(item)


def same(a: Any, b: Any) -> bool:
    """Whether two plain values are."""
    return a is b or (type(a) is type(b) and bool(a == b))


class Conditions:
    """Guards as one Python expression, which is quick to evaluate.

    Attributes:
        terms: expressions that have to be true.
        implied: more of them, which need no look while the tensors hold the same arrays.
        names: what they refer to.
        words: what each term is about.
    """

    def __init__(self) -> None:
        self.terms: list[str] = []
        self.words: list[str] = []
        self.implied: list[str] = []
        self.names: dict[str, Any] = {
            "same": same,
            "snapshot": snapshot,
            "unchanged": np.array_equal,
        }

    def name(self, thing: Any) -> str:
        """A name for an object; the conditions keep it alive."""
        name = f"o{len(self.names)}"
        self.names[name] = thing
        return name

    def add(self, term: str, words: str) -> None:
        """One more condition."""
        self.terms.append(term)
        self.words.append(words)

    def watch(self, watch: Watch, operands: set[int]) -> None:
        """All that was noted; ``operands`` are the arrays that the program reads itself."""
        for module, values in watch.modules.values():
            self.name(values)  # which keeps them alive, so that nothing else can have their ids
            known = self.name([id(v) for v in values])
            self.add(
                f"[*map(id, {self.name(vars(module))}.values())] == {known}",
                f"{type(module).__name__}'s attributes",
            )
        for guard in watch.guards.values():
            self.guard(guard, operands)

    def guard(self, guard: Guard, operands: set[int]) -> None:
        """One thing that was read."""
        path, expected = f"{self.name(guard.root)}{guard.steps}", guard.expected
        found = self.name(expected)
        if isinstance(expected, PLAIN):
            self.add(f"({path} is {found} or same({path}, {found}))", guard.words)
            return
        self.add(f"{path} is {found}", guard.words)
        if isinstance(expected, CONTAINERS):
            self.add(f"snapshot({path}) == {self.name(guard.state)}", guard.words)
        elif isinstance(expected, np.ndarray) and id(expected) not in operands:
            self.add(f"unchanged({path}, {self.name(expected.copy())})", guard.words)

    def first_broken(self) -> str:
        """What has changed, in the user's words."""
        broken = (w for t, w in zip(self.terms, self.words) if not self._true(t))
        return next(broken, "")

    def _true(self, term: str) -> bool:
        try:
            return bool(eval(term, dict(self.names)))
        except Exception:  # whatever the attribute raises, it has changed
            return False
