"""Definitions gathered with what they refer to, so that they can stand in a file of their own."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygrad_lite.compiler.program import Error
from tinygrad_lite.primitive import Primitive


class Bundle:
    """Definitions, each with what it refers to, so that they can stand in a file of their own.

    Args:
        taken: names that the file has for other things.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.imports = {
            "import numpy as np",
            "from pathlib import Path",
            "import numpy",
            "import typing",
        }
        self.lines: list[str] = [
            "",
            "def generator_at(bits, state):",
            "    bits.state = state",
            "    return np.random.Generator(bits)",
            "",
        ]
        self.defined: dict[str, Any] = {name: object() for name in taken}
        self.defined |= {"np": np, "Path": Path, "generator_at": None}

    def add(self, thing: Any, wish: str) -> str:
        """The name under which ``thing`` stands in the file."""
        for name, known in self.defined.items():
            if known is thing:
                return name
        if isinstance(thing, Primitive):  # called with arrays, it is no more than its forward
            return self.add(thing.forward, wish)
        if isinstance(thing, np.ufunc):
            return f"np.{thing.__name__}"
        if not isinstance(thing, (FunctionType, type)) and hasattr(thing, "__wrapped__"):
            thing = thing.__wrapped__  # a cache forgets nothing but the time it saves
        name = wish if wish not in self.defined else f"{wish}_{len(self.defined)}"
        self.defined[name] = thing
        origin = getattr(thing, "__module__", None) or ""
        if isinstance(thing, ModuleType):
            self.imports.add(f"import {thing.__name__} as {name}")
        elif origin.partition(".")[0] in sys.stdlib_module_names:
            alias = f" as {name}" if name != thing.__name__ else ""
            self.imports.add(f"from {origin} import {thing.__name__}{alias}")
        elif origin.partition(".")[0] == "numpy":
            place = "np" if getattr(np, thing.__name__, None) is thing else origin
            self.lines.append(f"{name} = {place}.{thing.__name__}")
        elif isinstance(thing, (FunctionType, type)):
            self._define(thing, name)
        else:
            self.lines.append(f"{name} = {self._literal(thing, wish)}")
        return name

    @staticmethod
    def number(number: float) -> str:
        """A number or bool as an expression, infinities included."""
        return repr(number) if np.isfinite(number) else f'float("{float(number)}")'

    def _literal(self, thing: Any, wish: str) -> str:
        text = f"np.dtype({thing.name!r})" if isinstance(thing, np.dtype) else repr(thing)
        try:
            again = eval(text, {"np": np, "numpy": np, "typing": typing})
            if again is thing or bool(again == thing):
                return text
        except Exception:
            pass
        if isinstance(thing, dict):
            items = (f"{self._literal(k, wish)}: {self._item(v, wish)}" for k, v in thing.items())
            return f"{{{', '.join(items)}}}"
        raise Error(
            f"{wish} is {thing!r:.60}, which cannot be written to a file that runs on its own"
        )

    def _item(self, thing: Any, wish: str) -> str:
        if isinstance(thing, type) and thing.__module__ == "numpy":
            return f"np.{thing.__name__}"
        return self._literal(thing, wish)

    def _define(self, thing: Any, name: str) -> None:
        """The source of a function or class under ``name``, after what it refers to."""
        try:
            tree = _syntax(thing)
        except (OSError, TypeError, SyntaxError, LookupError):
            raise Error(
                f"the source of {name} is not at hand, so it cannot be written to a file that runs "
                "on its own: define it in a file, as a function"
            ) from None
        scope = inspect.getmodule(thing).__dict__ if isinstance(thing, type) else thing.__globals__
        if isinstance(thing, FunctionType) and thing.__closure__:
            cells = (c.cell_contents for c in thing.__closure__)
            scope = {**scope, **dict(zip(thing.__code__.co_freevars, cells))}
        if not isinstance(tree, ast.Lambda):
            tree.decorator_list = []  # what a decorator made of a function stands for itself
        renamed = {}
        for used in _free_names(tree):
            if used in scope and scope[used] is not getattr(builtins, used, None):
                renamed[used] = self.add(scope[used], used)
        _Renamed(renamed).visit(tree)
        if isinstance(tree, ast.Lambda):
            self.lines.append(f"{name} = {ast.unparse(tree)}")
        else:
            tree.name = name
            self.lines += ["", ast.unparse(tree), ""]


def _syntax(thing: Any) -> Any:
    """The syntax tree of a function, lambda or class."""
    own = thing.__code__ if isinstance(thing, FunctionType) else thing  # not what it wraps
    lines, _ = inspect.getsourcelines(own)
    if not isinstance(thing, FunctionType) or thing.__name__ != "<lambda>":
        return ast.parse(textwrap.dedent("".join(lines))).body[0]
    whole = ast.parse(Path(inspect.getsourcefile(thing) or "").read_text(encoding="utf-8"))
    wanted = thing.__code__
    for node in ast.walk(whole):
        if isinstance(node, ast.Lambda) and node.lineno <= wanted.co_firstlineno <= (
            node.end_lineno or node.lineno
        ):
            code = compile(ast.Expression(node), "", "eval").co_consts[0]
            if _features(code) == _features(wanted) and _covers(node.body, wanted):
                return node
    raise LookupError


def _features(code: CodeType) -> tuple[Any, ...]:
    """What tells most of the lambdas of one line apart."""
    constants = [c for c in code.co_consts if not isinstance(c, CodeType)]
    return code.co_varnames, code.co_names, constants


def _covers(body: ast.expr, code: CodeType) -> bool:
    """Whether the code is that of the expression, as far as this Python knows."""
    if not hasattr(code, "co_positions"):  # until Python 3.10
        return True
    places = [(line, column) for line, _, column, _ in code.co_positions()]
    return (body.lineno, body.col_offset) in places


def _free_names(tree: ast.AST) -> Iterator[str]:
    """The names that are read in a definition, other than in annotations."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        for part in ("annotation", "returns"):
            if getattr(node, part, None) is not None:
                skipped.update(map(id, ast.walk(getattr(node, part))))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and id(node) not in skipped
        ):
            yield node.id


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node
