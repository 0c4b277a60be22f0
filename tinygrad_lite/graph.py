"""The one walker over records: order, inputs, places and paths; every reader of a graph asks here.

A *node* is anything with the attributes of a Tensor: ``record`` is None for a leaf, else the tuple
``(primitive, inputs, attributes, scope, code, instruction)``; ``order`` is the moment, counted in
operations, at which its present value came to be.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import attrgetter
from types import CodeType
from typing import Any, NamedTuple

Node = Any
by_order = attrgetter("order")


def topological(
    output: Node,
    on_change: Callable[[Node, int], None] | None = None,
    stop: Iterable[Node] = (),
) -> list[Node]:
    """Every recorded node that ``output`` depends on, itself included, in the order of recording.

    The walk does not go past the nodes in ``stop``, and leaves them out. ``on_change(node, slot)``
    is called for an input whose value was overwritten after ``node`` recorded it, and whose
    earlier value is not part of the graph.
    """
    seen = set(stop)
    if output.record is None or output in seen:
        return []
    seen.add(output)
    nodes = [output]
    for node in nodes:  # grows while it is walked
        order = node.order
        for x in node.record[1]:
            if x.order > order:
                settle(node, on_change)
                for x in node.record[1]:
                    if x.record is not None and x not in seen:
                        seen.add(x)
                        nodes.append(x)
                break
            if x.record is not None and x not in seen:
                seen.add(x)
                nodes.append(x)
    nodes.sort(key=by_order)
    return nodes


def settle(node: Node, on_change: Callable[[Node, int], None] | None = None) -> None:
    """Point the record of ``node`` to its inputs as they were when it was recorded.

    ``t[i] = v`` keeps the tensor's former state as the first input of its new record: that is
    followed back. What was overwritten without a record is reported to ``on_change``.
    """
    inputs = list(node.record[1])
    for slot, x in enumerate(inputs):
        while x.order > node.order and x.record is not None and x.record[0].in_place:
            x = x.record[1][0]
        if x.order <= node.order:
            inputs[slot] = x
        elif on_change is not None:
            on_change(node, slot)
    node.record = (node.record[0], tuple(inputs), *node.record[2:])


def reaching(nodes: list[Node], targets: Iterable[Node]) -> set[Node]:
    """The targets, and those of ``nodes``, in the order of recording, that depend on any."""
    found = set(targets)
    for node in nodes:
        if any(x in found for x in node.record[1]):
            found.add(node)
    return found


def leaves(nodes: list[Node]) -> list[Node]:
    """The inputs of ``nodes`` that have no record, each once, in the order they are first used."""
    return list({x: None for node in nodes for x in node.record[1] if x.record is None})


def consumers(nodes: list[Node]) -> dict[Node, list[tuple[Node, int]]]:
    """For every input of ``nodes``: the argument slots that read it, as ``(node, slot)``."""
    table: dict[Node, list[tuple[Node, int]]] = {}
    for node in nodes:
        for slot, x in enumerate(node.record[1]):
            table.setdefault(x, []).append((node, slot))
    return table


class Site(NamedTuple):
    """A place in the user's source: the line that created a record."""

    filename: str
    line: int
    function: str

    @property
    def source(self) -> str:
        """The text of the line, stripped; empty where the source is not at hand."""
        return linecache.getline(self.filename, self.line).strip()

    def __str__(self) -> str:
        text = f"{self.filename}:{self.line}"
        return f"{text}: {self.source}" if self.source else text


def site(node: Node) -> Site | None:
    """The line of the user's code that recorded ``node``; None for a leaf."""
    if node.record is None:
        return None
    return place(*node.record[4:6])


def place(code: CodeType, instruction: int) -> Site:
    """The line of an instruction of compiled code."""
    return Site(code.co_filename, _line(code, instruction), code.co_name)


@lru_cache(4096)
def _line(code: CodeType, instruction: int) -> int:
    for start, stop, line in code.co_lines():
        if start <= instruction < stop and line is not None:
            return line
    return code.co_firstlineno


def scopes(node: Node) -> tuple[Any, ...]:
    """The module calls (:class:`tinygrad_lite.mode.Scope`) of a record, outermost first."""
    chain = []
    scope = node.record[3] if node.record is not None else None
    while scope is not None:
        chain.append(scope)
        scope = scope.outer
    return tuple(reversed(chain))


def path(scope: Any) -> str:
    """The module that ``scope`` is a call of, as the path of nested calls: ``MLP.layers.0``.

    It starts with the class of the outermost module. A module that the one around it does not
    hold goes by its class as well, and one that is gone by a question mark.
    """
    chain = []
    while scope is not None:
        chain.append(scope.module())
        scope = scope.outer
    parts: list[str] = []
    outer: Any = None
    for module in reversed(chain):
        name = None if outer is None or module is None else outer.child_name(module)
        parts.append(name or ("?" if module is None else type(module).__name__))
        outer = module
    return ".".join(parts)
