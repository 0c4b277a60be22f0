"""Where a snippet gets functions from: an import, or their own source with all that it uses."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

import tinygrad_lite
from tinygrad_lite.primitive import Primitive
from tinygrad_lite.testing.written import WRITTEN_OUT, written

MOST = 24  # names that one function may need before it is left to the reader

Define = Callable[[str, Any], bool]
"""Adds what makes a name stand for a value; False if that cannot be written down."""


class Sources:
    """The lines of a program that define functions, each with everything that it uses.

    Attributes:
        known: every name that is defined so far, with its value.
        imports: lines.
        definitions: lines.
    """

    def __init__(self) -> None:
        self.known: dict[str, Any] = {"np": np, "tg": tinygrad_lite}
        self.imports: list[str] = []
        self.definitions: list[str] = []

    def define(self, name: str, value: Any) -> None:
        """Make the name stand for the value; if it cannot be, leave a line to be filled in.

        >>> sources = Sources()
        >>> sources.define("f", np.linalg.inv)
        >>> sources.imports
        ['from numpy.linalg import inv as f']
        """
        before = dict(self.known), list(self.imports), list(self.definitions)
        if not self._add(name, value):
            self.known, self.imports, self.definitions = before
            self.known[name] = value
            self.definitions.append(f"{name} = ...  # {whereabouts(value)}")

    def _add(self, name: str, value: Any) -> bool:
        if name in self.known:
            return self.known[name] is value
        if len(self.known) > MOST:
            return False
        self.known[name] = value
        line = imported(name, value)
        if line is not None:
            self.imports.append(line)
            return True
        lines = self._lines(name, value)
        if lines is None:
            return False
        self.definitions += lines
        return True

    def _lines(self, name: str, value: Any) -> list[str] | None:
        if hasattr(type(value), "origin"):
            lines: list[str] | None = value.origin(name, self._add)
            return lines
        if isinstance(value, Primitive):
            return self._primitive(name, value)
        if isinstance(value, FunctionType):
            return self._function(name, value)
        if _is_plain(value):
            return [f"{name} = {written(value)}"]
        return None

    def _function(self, name: str, f: FunctionType) -> list[str] | None:
        found = definition(f)
        if found is None or not self._uses(found[0], f):
            return None
        node, text = found
        if isinstance(node, ast.Lambda):
            return [f"{name} = ({text})" if "\n" in text else f"{name} = {text}"]
        alias = [] if f.__name__ == name else [f"{name} = {f.__name__}"]
        return ["", *text.splitlines(), "", *alias]

    def _uses(self, node: ast.AST, f: FunctionType) -> bool:
        """Define the names that the function reads from outside."""
        cells = zip(f.__code__.co_freevars, f.__closure__ or ())
        try:
            outer = {name: cell.cell_contents for name, cell in cells}
        except ValueError:  # not assigned yet
            return False
        own = _bound_in(node) - set(outer)
        seen = {**f.__globals__, **outer}
        own |= {f.__name__} if seen.get(f.__name__) is f else set()
        names = dict.fromkeys(x.id for x in ast.walk(node) if isinstance(x, ast.Name))
        return all(
            self._add(name, seen[name]) for name in names if name in seen and name not in own
        )

    def _primitive(self, name: str, f: Primitive) -> list[str] | None:
        if not isinstance(f.vjps, tuple) or f.in_place:
            return None
        count = len(f.vjps)
        parts = [self._part(f"{name}_forward", f.forward)]
        for i, rule in enumerate(f.vjps):
            label = f"{name}_rule" if count == 1 else f"{name}_rule_{i}"
            parts.append("None" if rule is None else self._part(label, rule))
        texts = [part for part in parts if part is not None]
        if len(texts) < len(parts):
            return None
        flags = [f"{flag}=True" for flag in ("elementwise", "bounded") if getattr(f, flag)]
        options = ", ".join([f"name={f.name!r}", *flags])
        return [f"{name} = tg.primitive({texts[0]}, [{', '.join(texts[1:])}], {options})"]

    def _part(self, name: str, f: Any) -> str | None:
        """An expression for a function that belongs to a primitive."""
        for library in ("np", "tg"):
            own = getattr(f, "__name__", "")
            if own and getattr(self.known[library], own, None) is f:
                return f"{library}.{own}"
        return name if self._add(name, f) else None


def imported(name: str, value: Any) -> str | None:
    """The line that imports the value under the name, if there is one.

    >>> imported("f", np.tanh)
    'from numpy import tanh as f'
    """
    if isinstance(value, ModuleType):
        return f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")
    for module, attribute in _places(name, value):
        if module != "__main__" and getattr(sys.modules.get(module), attribute, None) is value:
            return f"from {module} import {attribute}" + (f" as {name}" * (name != attribute))
    return None


def _places(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Modules and names by which a value may be found there."""
    if isinstance(value, Primitive):  # which does not know where it was assigned
        for module, holder in list(sys.modules.items()):
            for attribute, found in list(getattr(holder, "__dict__", {}).items()):
                if found is value:
                    yield module, attribute
        return
    home = getattr(value, "__module__", None)
    if isinstance(home, str):
        yield from ((home, n) for n in (getattr(value, "__name__", None), name) if n)


def definition(f: FunctionType) -> tuple[ast.AST, str] | None:
    """The function in the syntax tree of its file, and its text there.

    None where there is no file, where a decorator made it another one, and where it is one of
    several lambdas of a line that look alike.
    """
    try:
        source = "".join(inspect.findsource(f)[0])
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return None
    kind = ast.Lambda if f.__name__ == "<lambda>" else ast.FunctionDef
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, kind) and node.lineno == f.__code__.co_firstlineno:
            text = ast.get_source_segment(source, node)
            if text is not None and _vocabulary(f.__code__) == _compiled(node):
                found[textwrap.dedent(" " * node.col_offset + text)] = node
    if len(found) != 1:
        return None
    ((text, node),) = found.items()
    return node, text


def _compiled(node: Any) -> Any:
    """The vocabulary of a function by itself, whose outer names are global there."""
    lone = ast.Expression(node) if isinstance(node, ast.Lambda) else ast.Module([node], [])
    code = compile(lone, "", "eval" if isinstance(node, ast.Lambda) else "exec")
    return next((_vocabulary(c) for c in code.co_consts if isinstance(c, CodeType)), None)


def _vocabulary(code: CodeType) -> Any:
    """The names and constants of a function, whether outer names are global or not."""
    names = {*code.co_names, *code.co_freevars, *code.co_cellvars, *code.co_varnames}
    constants = {repr(c) for c in code.co_consts if not isinstance(c, (CodeType, str))}
    return names, constants, code.co_argcount


def _bound_in(node: ast.AST) -> set[str]:
    """Arguments and variables of a function, and of those inside it."""
    names = {x.arg for x in ast.walk(node) if isinstance(x, ast.arg)}
    names |= {
        x.id for x in ast.walk(node) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)
    }
    return names


def _is_plain(value: Any) -> bool:
    """Whether its source is short and makes the same value again."""
    if isinstance(value, np.ndarray):
        return value.size <= WRITTEN_OUT and value.dtype.kind in "fiub"
    if isinstance(value, (tuple, list, dict)):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return type(value) in (tuple, list, dict) and all(map(_is_plain, parts))
    return type(value) in (int, float, bool, str, type(None)) or isinstance(value, np.dtype)


def whereabouts(f: Any) -> str:
    """What a reader has to fill in: its name, and where it was defined."""
    if isinstance(f, Primitive):
        return f"the primitive {f.name!r}"
    title = getattr(f, "__qualname__", None) or type(f).__name__
    try:
        return f"{title}, defined at {inspect.getsourcefile(f)}:{inspect.getsourcelines(f)[1]}"
    except (TypeError, OSError):
        return str(title)
