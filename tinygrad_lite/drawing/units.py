"""What of a graph is drawn singly and what is folded: modules, repeats, the rest of big graphs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, reduce
from typing import NamedTuple

from tinygrad_lite.drawing.naming import Call, Names, common
from tinygrad_lite.mode import Scope
from tinygrad_lite.tensor import Tensor

LONGEST_PATTERN = 12  # modules and operations in one repeated pattern
SCREEN = 50  # shapes that can be taken in; in what is larger, repeats are folded
REPEATS = 3  # equal modules in a row that make a repeat
CROWD = 8  # leaves of one operation that are drawn singly where not all fit

Which = bool | str | Collection[str] | None  # modules: all, none, or those of these names


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


class Plan:
    """What to fold of a graph, as far as there is no room for it.

    Modules deeper than ``depth`` and those that ``collapse`` names are folded. Where nothing was
    asked for and the graph does not fit a screen, modules that follow on an equal one are folded
    as well.
    """

    def __init__(self, names: Names, depth: int | None, collapse: Which) -> None:
        deepest = max((len(names.scopes(node)) for node in names.nodes), default=0)
        self._limits: list[int | None] = [depth]
        if collapse is not False:
            top = deepest if depth is None else min(deepest, depth)
            self._limits += range(top - 1, 0, -1)
        asked = chooser(names, collapse)
        if depth is None and collapse is None and unfolded(names, depth, collapse) > SCREEN:
            asked = _copies(names, deepest).__contains__

        @cache
        def folded(limit: int | None) -> tuple[list[Unit], int]:
            units = _repeats(_units(names, limit, asked))
            return units, _cost(units)

        self._folded = folded

    def units(self, max_nodes: int) -> list[Unit]:
        """The units of the graph, in recording order, for about so many shapes.

        Deeper modules are folded first, and at last the middle of the graph is left out.
        """
        for limit in self._limits:
            units, cost = self._folded(limit)
            if cost <= max_nodes:
                return units
        return _middle_left_out(units, max_nodes)


def unfolded(names: Names, depth: int | None, collapse: Which) -> int:
    """About how many shapes are drawn where nothing is folded but what was asked for."""
    return _cost(_repeats(_units(names, depth, chooser(names, collapse))))


def chooser(names: Names, which: Which) -> Callable[[Scope], bool]:
    """Whether a module call is one of those asked for, by its path, its name or its class."""
    if which is None or which is False:
        return lambda scope: False
    if which is True:
        return lambda scope: names.call(scope).depth > 0
    wanted = {which} if isinstance(which, str) else set(which)
    return lambda scope: bool(wanted & _known_by(names.call(scope)))


def _known_by(call: Call) -> set[str]:
    """What a module call may be named by: path, path inside of the model, name, class."""
    return {call.path, call.path.partition(".")[2], call.name, call.kind} - {""}


def check_modules(names: Names, option: str, which: Which) -> None:
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


def _units(names: Names, depth: int | None, folded: Callable[[Scope], bool]) -> list[Unit]:
    units: list[Unit] = []
    modules: dict[Scope, Unit] = {}
    for node in names.nodes:
        scopes = names.scopes(node)
        for i, scope in enumerate(scopes):
            if (depth is not None and i >= depth) or folded(scope):
                if scope not in modules:
                    modules[scope] = Unit("module", [], names.call(scope).title, scopes[:i])
                    units.append(modules[scope])
                modules[scope].nodes.append(node)
                break
        else:
            units.append(Unit("operation", [node], "", scopes))
    return units


def _copies(names: Names, deepest: int) -> set[Scope]:
    """The module calls in a row that are equal to one before them; the first one is not a copy."""
    copies: set[Scope] = set()
    for level in range(1, deepest + 1):
        for part, period in _rows(_units(names, level, copies.__contains__)):
            if len(part) >= REPEATS * period:
                modules = [unit for unit in part[period:] if unit.kind == "module"]
                copies |= {names.scopes(u.nodes[0])[len(u.scopes)] for u in modules}
    return copies


def _repeats(units: list[Unit]) -> list[Unit]:
    """The same with equal modules, or equal sequences with modules in them, folded into one."""
    result: list[Unit] = []
    for part, period in _rows(units):
        if len(part) == period:
            result += part
        else:
            nodes = [node for unit in part for node in unit.nodes]
            result.append(Unit("repeat", nodes, _repeated(part, period), part[0].scopes))
    return result


def _repeated(part: Sequence[Unit], period: int) -> str:
    """What a repeat is called: ``0 … 5 · Block × 6``, or ``(inp → hid → tanh) × 9``."""
    calls = [unit.title.rpartition(" · ") for unit in part]
    modules = [call for call, unit in zip(calls, part) if unit.kind == "module"]
    first, last = modules[0][0], modules[-1][0]
    same = all(a[0] == b[0] for a, b in zip(calls, calls[period:]))  # modules called again
    words = [
        unit.nodes[0].record[0].symbol if unit.kind == "operation" else (same and name) or kind
        for unit, (name, _, kind) in zip(part[:period], calls)
    ]
    what = words[0] if period == 1 else f"({' → '.join(words)})"
    if first.rpartition(".")[0] == last.rpartition(".")[0]:
        last = last.rpartition(".")[2]
    span = f"{first} … {last} · " if first and not same else ""
    return f"{span}{what} × {len(part) // period}"


def _rows(units: Sequence[Unit]) -> Iterator[tuple[Sequence[Unit], int]]:
    """The units, cut into repeats with the length of their pattern; what does not repeat singly."""
    if all(unit.kind == "operation" for unit in units):
        yield from (([unit], 1) for unit in units)
        return
    kinds = [_signature(unit) for unit in units]
    owner = {node: i for i, unit in enumerate(units) for node in unit.nodes}
    reads = [
        {owner.get(x, -1) for node in unit.nodes for x in node.record[1]}
        if unit.kind == "module"
        else set[int]()
        for unit in units
    ]

    def follows(start: int, period: int) -> bool:
        """Whether a pattern stands there again, with a module that reads what the last one made."""
        last, this = slice(start - period, start), slice(start, start + period)
        return (
            kinds[this] == kinds[last]
            and units[start].scopes == units[last.start].scopes
            and any(last.start <= i < start for found in reads[this] for i in found)
        )

    i = 0
    while i < len(units):
        count, period = 1, 1
        for length in range(1, LONGEST_PATTERN + 1):
            end = i + length
            while follows(end, length):
                end += length
            if (end - i) // length > 1 and end - i > count * period:
                count, period = (end - i) // length, length
        yield units[i : i + period * count], period
        i += period * count


def _signature(unit: Unit) -> object:
    """What equal units have in common: their class, operations, shapes and scopes."""
    operations = [(t.record[0].name, t.shape, *(x.shape for x in t.record[1])) for t in unit.nodes]
    return unit.kind, unit.title.rpartition(" · ")[2], operations


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
    scopes = reduce(common, (unit.scopes for unit in middle))
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
