"""What the nodes of a recorded graph are called, and where in the model they belong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.drawing.values import constant
from tinygrad_lite.mode import Scope
from tinygrad_lite.tensor import Tensor

GONE = "module"  # the kind of one that was called but no longer exists


class Call(NamedTuple):
    """One call of a module, as it is shown.

    Attributes:
        name: what its parent calls the module (``0``, ``layers.2``); empty for the outermost.
        kind: the class of the module.
        path: the names from the outermost module on, such as ``MLP.layers.2``.
        depth: how many module calls it stands in.
    """

    name: str
    kind: str
    path: str
    depth: int

    @property
    def title(self) -> str:
        """``0 · Linear``, or ``MLP`` for the outermost module."""
        return f"{self.name} · {self.kind}" if self.name else self.kind


class Names:
    """The nodes of a graph in recording order, each with a key, a name and a place.

    Parameters have the name that the outermost module knows them by (``0.weight``), other tensors
    their own ``name``, plain numbers their value, and what is left is numbered: leaves ``x1, x2``
    in the order of their first use, results ``v1, v2`` in the order of recording. Keys (``leaf0``,
    ``op0``, ``t0``) follow the same orders, so that they are alike from run to run.

    Args:
        outputs: the tensors whose graph it is.
        given: names that go before all others.
    """

    def __init__(
        self, outputs: Sequence[Tensor], given: Mapping[Tensor, str] | None = None
    ) -> None:
        self.outputs = list(dict.fromkeys(outputs))
        found = dict.fromkeys(t for output in self.outputs for t in graph.topological(output))
        self.nodes: list[Tensor] = sorted(found, key=graph.by_order)
        lonely = [t for t in self.outputs if t.record is None]
        self.leaves: list[Tensor] = list(dict.fromkeys([*graph.leaves(self.nodes), *lonely]))
        self._same = self._wrapped_again()
        self.leaves = [t for t in self.leaves if t not in self._same]
        self.index = {t: i for i, t in enumerate(self.nodes)}
        self.keys = {t: f"t{i}" for i, t in enumerate(self.nodes)}
        self.keys |= {t: f"leaf{i}" for i, t in enumerate(self.leaves)}
        self._calls: dict[Scope, Call] = {}
        self._contents: WeakKeyDictionary[Any, dict[Any, str]] = WeakKeyDictionary()
        self.given = dict(given or {})
        self._parameters = self._parameter_names()
        self._labels = {**self._parameters, **self.given}
        self._names: dict[Tensor, str] = {}
        for letter, tensors in (("x", self.leaves), ("v", self.nodes)):
            unnamed = 0
            for t in tensors:
                name = self._labels.get(t) or t.name
                if name is None and is_number(t):
                    continue  # is named when it is asked for: there may be a great many
                if name is None:
                    unnamed += 1
                    name = f"{letter}{unnamed}"
                self._names[t] = name
        for twin, t in self._same.items():
            self.keys[twin], self._names[twin] = self.keys[t], self[t]
        self._ends = set(self.outputs)

    def __getitem__(self, t: Tensor) -> str:
        return self._names[t] if t in self._names else constant(t.data)

    def tensor(self, key: str) -> Tensor:
        """The tensor of a key; of the key of an operation, its result."""
        if key.startswith("leaf"):
            return self.leaves[int(key.removeprefix("leaf"))]
        return self.nodes[int(key.lstrip("opt"))]

    def canonical(self, t: Tensor) -> Tensor:
        """The node that stands for ``t``: another one if both wrap one and the same array."""
        return self._same.get(t, t)

    def chosen(self, t: Tensor) -> bool:
        """Whether the name was given by somebody, rather than counted."""
        return t in self._labels or t.name is not None

    def belongs(self, t: Tensor) -> bool:
        """Whether a leaf is a parameter of a module, rather than something it was called with."""
        return t in self._parameters

    def kind(self, t: Tensor) -> str:
        """``parameter``, ``input``, ``constant``, ``intermediate`` or ``output``."""
        if t in self._ends:
            return "output"
        if t.record is not None:
            return "intermediate"
        if t in self.given:
            return "input"
        if t.requires_grad:
            return "parameter"
        return "constant" if is_number(t) else "input"

    def scopes(self, node: Tensor) -> tuple[Scope, ...]:
        """The module calls that recorded ``node``, outermost first, of modules that still exist."""
        if node.record is None or node.record[3] is None:
            return ()
        return tuple([s for s in graph.scopes(node) if self.call(s).kind != GONE])

    def path(self, node: Tensor) -> str:
        """The path of the innermost module that recorded ``node``; empty outside of modules."""
        scopes = self.scopes(node)
        return self.call(scopes[-1]).path if scopes else ""

    def call(self, scope: Scope) -> Call:
        """How the call of a module is shown."""
        chain: list[Scope] = []
        inner: Scope | None = scope
        while inner is not None and inner not in self._calls:
            chain.append(inner)
            inner = inner.outer
        for entered in reversed(chain):
            self._calls[entered] = self._entered(entered)
        return self._calls[scope]

    def _entered(self, scope: Scope) -> Call:
        module = scope.module()
        outer = None if scope.outer is None else self._calls[scope.outer]
        if module is None:
            return outer._replace(kind=GONE) if outer else Call("", GONE, "", -1)
        kind = type(module).__name__
        if scope.outer is None or outer is None or not outer.path:
            return Call("", kind, kind, 0)
        name = self._inside(scope.outer.module()).get(module)
        return Call(name or "", kind, f"{outer.path}.{name or kind}", outer.depth + 1)

    def _inside(self, module: Any) -> dict[Any, str]:
        """The modules in a module by name, listed once: to look for each singly is quadratic."""
        if not hasattr(module, "named_modules"):
            return {}
        if module not in self._contents:
            self._contents[module] = {m: name for name, m in module.named_modules()}
        return self._contents[module]

    def _wrapped_again(self) -> dict[Tensor, Tensor]:
        """Leaves around an array that an earlier leaf holds already, and that earlier leaf."""
        first: dict[int, Tensor] = {}  # by id, while the leaves keep the arrays alive
        same = {}
        for t in self.leaves:
            if t.order == 0 and isinstance(t._data, np.ndarray) and t.name is None:
                earlier = first.setdefault(id(t._data), t)
                if earlier is not t:
                    same[t] = earlier
        return same

    def _parameter_names(self) -> dict[Tensor, str]:
        """The names by which the outermost modules know the leaves."""
        roots: dict[Any, None] = {}
        seen: set[Scope] = set()
        for node in self.nodes:
            scope = node.record[3]
            while scope is not None and scope not in seen:
                seen.add(scope)
                if scope.outer is None:
                    roots[scope.module()] = None
                scope = scope.outer
        models = [m for m in roots if hasattr(m, "named_parameters")]
        tables = [(type(m).__name__, dict(m.named_parameters())) for m in models]
        tables = [(kind, table) for kind, table in tables if table]
        prefixed = len(tables) > 1
        alike = Counter(kind for kind, _ in tables)
        count = Counter[str]()
        for i, (kind, table) in enumerate(tables):
            count[kind] += 1
            tables[i] = (f"{kind}{count[kind]}" if alike[kind] > 1 else kind, table)
        return {
            t: f"{kind}.{name}" if prefixed else name
            for kind, table in reversed(tables)
            for name, t in table.items()
        }


def common(a: Sequence[Scope], b: Sequence[Scope]) -> tuple[Scope, ...]:
    """The module calls that two chains share, from the outermost on."""
    length = 0
    while length < min(len(a), len(b)) and a[length] is b[length]:
        length += 1
    return tuple(a[:length])


def is_number(t: Tensor) -> bool:
    """Whether a leaf is a plain number in a formula, such as the 2 of ``2 * x``."""
    if t.record is not None or t._requires_grad or t.name is not None:
        return False
    return type(t._data) in (float, int) or np.ndim(t._data) == 0
