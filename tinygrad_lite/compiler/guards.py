"""Guards: what a traced function read from outside must not change unnoticed."""

from __future__ import annotations

import dis
import gc
import inspect
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from tinygrad_lite.compiler.hidden import outward
from tinygrad_lite.compiler.reach import PLAIN, SEQUENCES, joined, owner, same, trusted
from tinygrad_lite.mode import mode
from tinygrad_lite.tensor import Tensor

CONTAINERS = (dict, *SEQUENCES)
LONGEST = 64  # of longer containers only identity and length are looked at
DEEPEST = 256  # containers and objects that are looked at inside of one
_MISSING: Any = object()


@dataclass(frozen=True)
class Guard:
    """Something that was read, by the object it was reached from and the way from there.

    Attributes:
        root: the object to start from: a namespace, a cell, a module or whatever had attributes.
        steps: how to go on, such as ``["name"]`` or ``.attribute``.
        expected: what was found there.
        state: what the containers and objects inside of it held then.
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

    Attributes:
        outward: a call that had to do with the world outside of Python; empty for none.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.guards: dict[tuple[int, str], Guard] = {}
        self.modules: dict[int, tuple[Any, list[Any]]] = {}
        self.closures: dict[CodeType, FunctionType] = {}
        self._seen: set[Any] = set()
        self.outward = ""
        self._aside: FrameType | None = None
        self._collector = {getattr(f, "__code__", None) for f in gc.callbacks}
        self._register(function)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Watch during the body of a ``with``, in this thread."""
        before: Any = sys.getprofile()
        sys.setprofile(self._event)
        try:
            yield
        finally:
            if hasattr(before, "enable"):  # a profiler of Python's own
                before.enable()
            else:
                sys.setprofile(before)

    def _event(self, frame: FrameType, event: str, called: Any) -> None:
        code = frame.f_code
        if self._aside is not None:  # the collector called, not the function
            if event == "return" and frame is self._aside:
                self._aside = None
            return
        if event == "c_call" and not self.outward and not _inside(frame):
            self.outward = outward(called, frame)
        if event != "call":
            return
        if code.co_name == "__del__" or code in self._collector:
            self._aside = frame
            return
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        if _is_module(first) and code.co_name in ("forward", "__call__"):
            self.modules.setdefault(id(first), (first, list(vars(first).values())))
        if _inside(frame):
            if frame.f_globals.get("__name__") == "logging" and not self.outward:
                self.outward = "logging"
            return
        key = (code, id(first), *(id(frame.f_locals.get(name)) for name in code.co_freevars))
        if key in self._seen:
            return
        self._seen.add(key)
        function = self._function(frame)
        if function is not None:
            self._note(function, ".__defaults__", function.__defaults__)
            self._note(function, ".__kwdefaults__", function.__kwdefaults__)
        for kind, *names in _chains(code):
            self._follow(kind, names, frame, function)

    def _function(self, frame: FrameType) -> FunctionType | None:
        """The function that runs: hooks, rules and items of containers were not met before.

        What runs within one operation is called by every call again, whatever it reads.
        """
        code = frame.f_code
        known = self.closures.get(code)
        within = mode().intercept is None
        if within or not code.co_freevars or (known is not None and _runs(known, frame)):
            return known
        others = (f for f in gc.get_referrers(code) if isinstance(f, FunctionType))
        return next((f for f in others if _runs(f, frame)), known)

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
        if names[:2] in (["os", "environ"], ["os", "getenv"]):
            self._note(os.environ, "._data", vars(os.environ)["_data"], "os.environ")
        if value is _MISSING or trusted(value):
            return
        words = name
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
            if trusted(value):
                return
            steps += f".{attribute}"
            words += f".{attribute}"
        self._register(value)
        if steps and not isinstance(value, ModuleType):
            self._note(root, steps, value, words)

    def _note(self, root: Any, steps: str, value: Any, words: str = "") -> None:
        """Remember what was found at the end of a way."""
        state = inner(value, words) if isinstance(value, CONTAINERS) else None
        guard = Guard(root, steps, value, words or f"{root.__name__}{steps}", state)
        self.guards.setdefault((id(root), steps), guard)

    def _register(self, value: Any) -> None:
        """Remember the closure of a function that may be called."""
        while isinstance(value, partial):
            for bound in (value.args, value.keywords):
                self._note(bound, "", bound, "the arguments of a partial function")
            value = value.func
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


def _inside(frame: FrameType) -> bool:
    """Whether Python's, NumPy's or this library's code runs, rather than the user's."""
    name = str(frame.f_globals.get("__name__", ""))
    return owner(name) or name.startswith("namedtuple_")


def _cell(function: FunctionType | None, name: str) -> Any:
    if function is None or name not in function.__code__.co_freevars or not function.__closure__:
        return None
    return function.__closure__[function.__code__.co_freevars.index(name)]


def _runs(function: FunctionType, frame: FrameType) -> bool:
    """Whether the closure of a function holds what a frame sees."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or ())
    return all(_contents(cell) is frame.f_locals.get(name, _MISSING) for name, cell in cells)


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _chains(code: CodeType) -> Iterator[tuple[str, ...]]:
    """``name.attribute.attribute`` as it stands in the code, after the kind of the name."""
    chain: tuple[str, ...] = ()
    aliases: dict[str, tuple[str, ...]] = {}  # variables that are another name for the end of one
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
        if name.startswith("STORE_FAST"):
            aliases[said if isinstance(said, str) else said[0]] = chain
        chain = ()
        if isinstance(said, tuple) and said:
            said = said[-1]
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            chain = ("global", said)
        elif name in ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"):
            chain = ("cell", said)
        elif "LOAD_FAST" in name and said in aliases:
            chain = aliases[said]
        elif name.startswith("LOAD_FAST") and said in arguments:
            chain = ("local", said)
    if chain:
        yield chain
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            for found in _chains(inner):
                if found[0] == "global" or (found[0] == "cell" and found[1] in code.co_freevars):
                    yield found


def inner(value: Any, words: str) -> list[tuple[str, Any, Any]]:
    """The containers and arrays in a container, however deep: words, itself, what it holds.

    Of an object of the user's those are its attributes; modules are looked at when they run.
    """
    found: list[tuple[str, Any, Any]] = []
    queue, seen = deque([(words, value)]), set()
    while queue and len(found) < DEEPEST:
        words, x = queue.popleft()
        if id(x) in seen or _is_module(x) or isinstance(x, (*PLAIN, Tensor)):
            continue
        seen.add(id(x))
        if isinstance(x, np.ndarray):
            found.append((words, x, x.copy()))
            continue
        here = x if isinstance(x, CONTAINERS) else _attributes(x)
        if here is None:
            continue
        found.append((words, here, snapshot(here)))
        if len(here) <= LONGEST:
            pairs = here.items() if isinstance(here, dict) else enumerate(here)
            step = ".{}" if here is not x else "[{!r}]"
            queue.extend((joined(words, step.format(key)), v) for key, v in pairs)
    return found


def _attributes(x: Any) -> dict[str, Any] | None:
    """Those of an object that is the user's own."""
    kind = type(x)
    if isinstance(x, (type, FunctionType, MethodType, ModuleType)):
        return None
    if owner(kind.__module__) and kind is not SimpleNamespace:
        return None
    return getattr(x, "__dict__", None)


def snapshot(value: Any) -> Any:
    """The state of a container, without going into what it holds."""
    if len(value) > LONGEST:
        return id(value), len(value)
    if isinstance(value, dict):
        return tuple((_mark(k), _mark(v)) for k, v in value.items())
    return type(value), tuple(map(_mark, value))


def _mark(item: Any) -> Any:
    if not isinstance(item, PLAIN) or item != item:
        return id(item)
    return type(item), item, str(item) if item == 0 else None  # zeros have signs


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
            for words, x, held in guard.state:
                what = self.name(x)
                if not isinstance(x, np.ndarray):
                    self.name([*(x.values() if isinstance(x, dict) else x)])  # keeps the ids
                    self.add(f"snapshot({what}) == {self.name(held)}", words)
                elif id(x) not in operands:
                    self.add(f"unchanged({what}, {self.name(held)})", words)
        elif isinstance(expected, np.ndarray) and id(expected) not in operands:
            self.add(f"unchanged({path}, {self.name(expected.copy())})", guard.words)

    def groups(self, optimizer: Any) -> None:
        """The parameters of an optimiser, group by group."""
        name, groups = self.name(optimizer), optimizer.param_groups
        words = f"the groups of {type(optimizer).__name__}"
        self.add(f"len({name}.param_groups) == {len(groups)}", words)
        for i, group in enumerate(groups):
            self.name([*group["params"]])  # which keeps them alive, and their ids
            known = self.name([*map(id, group["params"])])
            self.add(f'[*map(id, {name}.param_groups[{i}]["params"])] == {known}', words)

    def first_broken(self) -> str:
        """What has changed, in the user's words."""
        broken = (w for t, w in zip(self.terms, self.words) if not self._true(t))
        return next(broken, "")

    def _true(self, term: str) -> bool:
        try:
            return bool(eval(term, dict(self.names)))
        except Exception:  # whatever the attribute raises, it has changed
            return False
