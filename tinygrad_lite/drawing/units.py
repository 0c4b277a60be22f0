"""What of a graph is drawn singly and what is folded: modules, repeats, the rest of big graphs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from tinygrad_lite.drawing.naming import Call, Names
from tinygrad_lite.mode import Scope
from tinygrad_lite.tensor import Tensor

LONGEST_PATTERN = 8  # modules in one repeated pattern
CROWD = 8  # leaves of one operation that are drawn singly where not all fit


class Unit(NamedTuple):
    """Operations that are drawn as one.

    Attributes:
        kind: ``operation``, ``module``, ``repeat`` (equal modules in a row) or ``rest``.
        nodes: the records that it stands for, in order.
        title: what it is called; empty for an operation.
        scopes: the module calls that it is drawn in, outermost first.
    """

    kind: str
    nodes: list[Tensor]
    title: str
    scopes: tuple[Scope, ...]


def plan(
    names: Names,
    depth: int | None,
    collapse: bool | str | Collection[str] | None,
    max_nodes: int,
) -> list[Unit]:
    """The units of a graph, in recording order.

    Modules deeper than ``depth`` and those that ``collapse`` names are folded. If more than
    ``max_nodes`` would still be drawn, deeper modules are folded first, and at last the middle of
    the graph is left out.
    """
    if collapse is False:
        limits: list[int | None] = [depth]
    else:
        deepest = max((len(names.scopes(node)) for node in names.nodes), default=0)
        top = deepest if depth is None else min(deepest, depth)
        limits = [depth, *range(top - 1, 0, -1)]
    folded = chooser(collapse)
    for limit in limits:
        units = _repeats(names, _units(names, limit, folded))
        if _cost(units) <= max_nodes:
            return units
    return _middle_left_out(units, max_nodes)


def unfolded(names: Names, depth: int | None, collapse: bool | str | Collection[str] | None) -> int:
    """About how many shapes are drawn where nothing is folded but what was asked for."""
    return _cost(_repeats(names, _units(names, depth, chooser(collapse))))


def chooser(collapse: bool | str | Collection[str] | None) -> Callable[[Call], bool]:
    """Whether a module call was asked to be folded, by its path, its name or its class."""
    if collapse is None or collapse is False:
        return lambda call: False
    if collapse is True:
        return lambda call: call.depth > 0
    wanted = {collapse} if isinstance(collapse, str) else set(collapse)
    return lambda call: bool(wanted & _known_by(call))


def _known_by(call: Call) -> set[str]:
    """What a module call may be named by: path, path inside of the model, name, class."""
    return {call.path, call.path.partition(".")[2], call.name, call.kind} - {""}


def check_modules(names: Names, option: str, which: bool | str | Collection[str] | None) -> None:
    """Make sure that every module that an option names is in the graph.

    Raises:
        ValueError: if one is not.
    """
    if which is None or isinstance(which, bool):
        return
    calls = {names.call(scope) for node in names.nodes for scope in names.scopes(node)}
    known = {word for call in calls for word in _known_by(call)}
    unknown = sorted(({which} if isinstance(which, str) else set(which)) - known)
    if unknown:
        paths = sorted(call.path for call in calls)
        there = ", ".join(paths[:8]) + (", …" if len(paths) > 8 else "")
        raise ValueError(
            f"{option}={unknown[0]!r} is no name, path or class of a module in this graph, "
            f"which has {there or 'no modules'}"
        )


def _units(names: Names, depth: int | None, folded: Callable[[Call], bool]) -> list[Unit]:
    units: list[Unit] = []
    modules: dict[Scope, Unit] = {}
    for node in names.nodes:
        scopes = names.scopes(node)
        for i, scope in enumerate(scopes):
            call = names.call(scope)
            if (depth is not None and i >= depth) or folded(call):
                if scope not in modules:
                    modules[scope] = Unit("module", [], call.title, scopes[:i])
                    units.append(modules[scope])
                modules[scope].nodes.append(node)
                break
        else:
            units.append(Unit("operation", [node], "", scopes))
    return units


def _repeats(names: Names, units: list[Unit]) -> list[Unit]:
    """The same with runs of equal modules, or of equal sequences of modules, folded into one."""
    kinds = [_signature(unit) if unit.kind == "module" else None for unit in units]
    result: list[Unit] = []
    i = 0
    while i < len(units):
        period, times = (1, 1) if kinds[i] is None else _run(kinds, units, i)
        if times < 2:
            result.append(units[i])
            i += 1
            continue
        part = units[i : i + period * times]
        words = [unit.title.partition(" · ")[2] or unit.title for unit in part[:period]]
        what = " → ".join(words)
        first, last = (u.title.partition(" · ")[0] for u in (part[0], part[-1]))
        span = f"{first} … {last} · " if " · " in part[0].title else ""
        title = f"{span}{f'({what})' if period > 1 else what} × {times}"
        nodes = [node for unit in part for node in unit.nodes]
        result.append(Unit("repeat", nodes, title, part[0].scopes))
        i += period * times
    return result


def _run(kinds: Sequence[object], units: Sequence[Unit], start: int) -> tuple[int, int]:
    """The pattern that is repeated from ``start`` on: its length, and how often it stands there."""
    best = (1, 1)
    for period in range(1, LONGEST_PATTERN + 1):
        end = start
        while (
            end < len(kinds)
            and kinds[end] is not None
            and (end < start + period or kinds[end] == kinds[end - period])
            and units[end].scopes == units[start].scopes
        ):
            end += 1
        times = (end - start) // period
        if times > 1 and period * times > best[0] * best[1]:
            best = (period, times)
    return best


def _signature(unit: Unit) -> object:
    """What equal modules have in common: their class, operations, shapes and leaves."""
    return (
        unit.title.partition(" · ")[2],
        tuple(
            (node.record[0].name, node.shape, tuple(x.shape for x in node.record[1]))
            for node in unit.nodes
        ),
    )


def _cost(units: Sequence[Unit]) -> int:
    """About how many shapes are drawn: circles, results, groups and leaves."""
    read = [
        {x for x in unit.nodes[0].record[1] if x.record is None}
        for unit in units
        if unit.kind == "operation"
    ]
    readers = Counter(x for leaves in read for x in leaves)
    shared = sum(count > 1 for count in readers.values())
    own = (sum(readers[x] == 1 for x in leaves) for leaves in read)
    return 2 * len(units) + shared + sum(min(count, CROWD + 1) for count in own)


def _middle_left_out(units: list[Unit], max_nodes: int) -> list[Unit]:
    """The first and the last units, and one that stands for all between them."""
    tail = _fitting(units[::-1], max_nodes * 3 // 5)
    head = _fitting(units[: len(units) - tail], max_nodes * 2 // 5)
    middle = units[head : len(units) - tail]
    if len(middle) < 2:
        return units
    nodes = [node for unit in middle for node in unit.nodes]
    scopes = middle[0].scopes
    for unit in middle:
        same = [a is b for a, b in zip(scopes, unit.scopes)]
        scopes = scopes[: same.index(False) if False in same else len(same)]
    rest = Unit("rest", nodes, f"… {len(nodes):,} operations", scopes)
    return [*units[:head], rest, *units[len(units) - tail :]]


def _fitting(units: Sequence[Unit], budget: int) -> int:
    """How many of the units, from the first on, fit the budget."""
    count = spent = 0
    for unit in units:
        node = unit.nodes[0]
        leaves = sum(x.record is None for x in node.record[1]) if unit.kind == "operation" else 0
        spent += 2 + min(leaves, CROWD + 1)
        if spent > budget and count:
            break
        count += 1
    return count
