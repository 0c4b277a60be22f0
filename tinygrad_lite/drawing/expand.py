"""Semantic zoom: small matrix products as the multiplications and additions they stand for."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.drawing.naming import Names
from tinygrad_lite.drawing.units import Which, chooser
from tinygrad_lite.mode import switched
from tinygrad_lite.ops import getitem, reshape
from tinygrad_lite.primitive import primitive
from tinygrad_lite.tensor import Tensor

assemble = primitive(
    lambda *xs, shape: np.stack(xs).reshape(shape),
    lambda slot, g, out, *xs, shape: reshape(g, -1)[slot],
    name="assemble",
    symbol="[…]",
    doc="""An array of ``shape`` put together from its elements.""",
)


class Element(NamedTuple):
    """One number of an array that was taken apart."""

    tensor: Tensor
    whole: Tensor
    place: tuple[int, ...]


def expanded(names: Names, which: Which, budget: int) -> Names:
    """The graph computed again, with matrix products of vectors and matrices taken apart.

    Args:
        names: the graph.
        which: True for every product, or the modules whose products are meant: names, paths or
            classes as in ``collapse``.
        budget: the most shapes to put in for all of them; what is over it stays whole.

    The new graph has the same leaves, values and lines of code, so its gradients are the same.
    Where nothing is taken apart, it is the old one.
    """
    wanted = chooser(names, which)
    replaced: dict[Tensor, Tensor] = {}
    elements: list[Element] = []
    for node in names.nodes:
        operation, inputs, attributes, scope, code, instruction = node.record
        inputs = tuple(replaced.get(x, x) for x in inputs)
        cost = _cost(node)
        chosen = which is True or any(map(wanted, names.scopes(node)))
        if chosen and cost is not None and cost <= budget:
            budget -= cost
            with switched(grad=True, intercept=None, scope=scope):
                twin = _taken_apart(inputs, node.shape, elements)
        elif any(x is not y for x, y in zip(inputs, node.record[1])):
            with switched(grad=True, intercept=None, scope=scope):
                twin = operation(*inputs, **attributes)
        else:
            continue
        twin.name = node.name
        for made in graph.topological(twin, stop=inputs):
            made.record = (*made.record[:4], code, instruction)
        replaced[node] = twin
    if not replaced:
        return names
    outputs = [replaced.get(t, t) for t in names.outputs]
    shown = Names(outputs, names.given)
    for element, whole, index in elements:
        name = (shown if whole in shown.keys else names)[whole]  # constants are cut up
        element.name = f"{name}[{', '.join(map(str, index))}]"
    return Names(outputs, names.given)


def _cost(node: Tensor) -> int | None:
    """How many shapes stand for a product of vectors or matrices; None for anything else."""
    operation, inputs = node.record[:2]
    if operation.name not in ("linear", "matmul") or any(x.ndim > 2 for x in inputs):
        return None
    inner: int = inputs[0].shape[-1]
    computed = int(sum(x.size for x in inputs if x.requires_grad))
    given = int(sum(x.size for x in inputs)) - computed
    return 2 * (2 * inner * node.size + computed + 1) + given  # a circle and a box each


def _taken_apart(inputs: tuple[Any, ...], shape: tuple[int, ...], made: list[Element]) -> Any:
    """``x @ w``, or ``x @ w.T + b``, element by element; the elements that it reads are added."""
    x, w = inputs[:2]
    affine = len(inputs) > 2
    elements: dict[tuple[int, tuple[int, ...]], Tensor] = {}

    def at(argument: int, *index: int) -> Tensor:
        key = (argument, index)
        if key not in elements:
            element = getitem(inputs[argument], index)
            element.name = ""  # not counted as v1, v2 …; the name follows that of the whole
            made.append(Element(element, inputs[argument], index))
            elements[key] = element
        return elements[key]

    rows = range(x.shape[0]) if x.ndim > 1 else [None]
    columns = range(w.shape[0 if affine else 1]) if w.ndim > 1 else [None]
    results = []
    for i, j in product(rows, columns):
        total: Any = None
        for k in range(x.shape[-1]):
            left = at(0, k) if i is None else at(0, i, k)
            right = at(1, k) if j is None else at(1, j, k) if affine else at(1, k, j)
            term = left * right
            total = term if total is None else total + term
        results.append(total + at(2, j or 0) if affine else total)
    return assemble(*results, shape=shape)
