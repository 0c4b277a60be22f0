"""Where on its way back a gradient becomes zero, and why: the words of ``why_no_grad``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite import graph, ops
from tinygrad_lite.backward import Contribution, cotangents
from tinygrad_lite.mode import switched
from tinygrad_lite.ops import guard
from tinygrad_lite.primitive import Primitive
from tinygrad_lite.tensor import Tensor, constant

SATURATING = {
    *("arctan", "elu", "erf", "logsigmoid", "log_softmax", "selu", "sigmoid"),
    *("softmax", "softplus", "softsign", "tanh"),
    *("gated", "normal_cdf"),  # what silu, gelu and mish are made of
}


def reasons(
    targets: Sequence[Tensor], output: Tensor, seed: Any, edges: list[Contribution]
) -> list[str]:
    """Why nothing of ``seed``, the gradient of ``output``, arrives at the targets.

    Args:
        targets: the tensors whose gradient is zero.
        output: a result that depends on them.
        seed: the gradient at the output.
        edges: what the backward pass from there carried along, in order.

    Returns:
        a text for each of the places where the gradient ends.
    """
    whole = graph.topological(output, stop=targets)
    connected = graph.reaching(whole, targets)
    nodes = [n for n in whole if n in connected]
    arrived = {output: seed, **{c.node.record[1][c.slot]: c.after for c in edges}}
    found: list[str] = []
    for c in edges:
        if np.any(c.upstream) and not np.any(c.value):
            found += _causes(c, targets, nodes, arrived)
    for node in nodes:
        operation, inputs = node.record[:2]
        if not operation.in_place and np.any(arrived.get(node, 0)):
            found += [
                _text(node, f"which has no rule for its argument {slot}")
                for slot, x in enumerate(inputs)
                if x in connected and operation.vjps[slot] is None
            ]
    return found


def _causes(
    c: Contribution, targets: Sequence[Tensor], nodes: list[Tensor], arrived: dict[Tensor, Any]
) -> list[str]:
    """What made one contribution zero: the operation, or what follows it."""
    operation = c.node.record[0]
    inner = _inside(c) if operation.name == "checkpoint" else []
    if inner:
        return inner
    noise = np.asarray(np.random.default_rng(0).standard_normal(c.node.shape), c.node.dtype)
    if np.any(_pulled(c, noise * (c.upstream != 0))):
        if operation.elementwise and c.node.record[1][c.slot].shape == c.node.shape:
            return [_text(c.node, f"where what is left is too small for {c.node.dtype}")]
        return [_text(c.node, "to whose results what follows adds up contributions that cancel")]
    if operation.elementwise or not np.any(_pulled(c, noise)):
        return [_text(c.node, _cause(c))]
    later = _stops(targets, nodes, arrived)
    return later or [_text(c.node, "whose results have no influence where they depend on it")]


def _pulled(c: Contribution, g: Any) -> Any:
    """What the rule makes of another upstream gradient."""
    operation, inputs, attributes = c.node.record[:3]
    with np.errstate(all="ignore"):
        value = operation.vjps[c.slot](
            g[()], c.node._data, *[x._data for x in inputs], **attributes
        )
        return guard.elementwise(value, g) if operation.guarded else value


def _stops(targets: Sequence[Tensor], nodes: list[Tensor], arrived: dict[Tensor, Any]) -> list[str]:
    """Where a change of the targets, carried forward, comes to nothing."""
    rng = np.random.default_rng(0)
    changes: dict[Tensor, Any] = {
        t: np.asarray(rng.standard_normal(t.shape), t.dtype) for t in targets
    }
    found = []
    for node in nodes:
        operation, inputs = node.record[:2]
        total = np.zeros(node.shape, node.dtype)
        for slot, x in enumerate(inputs):
            if not np.any(changes.get(x, 0)) or operation.vjps[slot] is None:
                continue
            moved = _pushed(node, slot, changes[x])
            total = total + moved
            g = arrived.get(node)
            if np.any(g) and not np.any(moved):
                live = np.broadcast_to(changes[x], node.shape) if operation.elementwise else g
                found.append(_text(node, _cause(Contribution(node, slot, live, 0, None, None))))
        changes[node] = total
    return found


@np.errstate(all="ignore")
def _pushed(node: Tensor, slot: int, change: Any) -> Any:
    """How much the result changes with one argument.

    A rule is linear in its cotangent; differentiated by that, it is carried forward.
    """
    operation, inputs, attributes = node.record[:3]
    g = constant(np.ones(node.shape, node.dtype)[()])
    g._requires_grad = True
    with switched(grad=True):
        values = [constant(x._data) for x in inputs]
        value = operation.vjps[slot](g, constant(node._data), *values, **attributes)
        product = ops.sum(value * change)
    if not getattr(product, "_requires_grad", False):
        return np.zeros(node.shape, node.dtype)
    return cotangents(product, within=[g]).get(g, np.zeros(node.shape, node.dtype))


class _Looking:
    """Notes what a backward pass inside a rule carries along."""

    def __init__(self) -> None:
        self.edges: list[Contribution] = []

    def __call__(self, operation: Primitive, inputs: tuple[Any, ...], attributes: Any) -> Any:
        with switched(intercept=None):
            return operation(*inputs, **attributes)

    def contribution(self, c: Contribution) -> None:
        self.edges.append(c)


def _inside(c: Contribution) -> list[str]:
    """The reasons inside an operation that runs a backward pass of its own."""
    operation, inputs, attributes = c.node.record[:3]
    looking = _Looking()
    data = [x._data for x in inputs]
    with switched(intercept=looking):
        operation.vjps[c.slot](np.array(c.upstream)[()], c.node._data, *data, **attributes)
    used = {x: None for e in looking.edges for x in e.node.record[1]}
    targets = [x for x in used if x._data is data[c.slot]]
    if not targets:
        return []
    return reasons(targets, looking.edges[0].node, c.upstream, looking.edges)


def _text(node: Tensor, cause: str) -> str:
    path = graph.path(node.record[3])
    where = (f"\n  in module {path}" if path else "") + f"\n  at {graph.site(node)}"
    return f"it ends at {node.record[0].name}, {cause}{where}"


def _cause(c: Contribution) -> str:
    """Why an operation lets nothing through to one of its arguments."""
    operation, inputs = c.node.record[:2]
    name = operation.name
    x, out = np.asarray(inputs[c.slot]._data), np.asarray(c.node._data)
    others = [np.asarray(y._data) for slot, y in enumerate(inputs) if slot != c.slot]
    if not x.size:
        return "whose input is empty"
    if operation.elementwise and x.shape == out.shape:
        live = np.asarray(c.upstream != 0)  # only where a gradient arrives does it matter
        others = [np.broadcast_to(y, x.shape)[live] for y in others]
        x, out = x[live], out[live]
    if name in ("relu", "leaky_relu", "relu6") and np.all(x <= 0):
        return "whose input is nowhere above 0 (dead relu)"
    if name in SATURATING:
        return f"which is saturated: its results are {out.min():.4g} to {out.max():.4g}"
    if name in ("where", "maximum", "minimum", "fmax", "fmin", "max", "min", "at_least", "at_most"):
        return "which chose other values everywhere a gradient arrives (a mask)"
    if name == "ranked":
        return "which picked the elements of another rank"
    if name in ("clip", "hardtanh"):
        return "whose input is outside its bounds"
    if name in ("getitem", "scatter", "take", "assign"):
        return "which uses none of the elements"
    if name in ("multiply", "matmul", "divide", "linear", "einsum") and any(
        not np.any(y) for y in others
    ):
        return "which multiplies it by zero"
    if name in ("prod", "cumprod", "recurrence") and not all(map(np.all, (x, *others))):
        return "which multiplies it by zero"
    if name in ("sign", "floor", "ceil", "round", "trunc", "floor_divide"):
        return "whose derivative is zero everywhere (a step)"
    if name in ("length", "power_norm", "hypot", "arctan2"):
        return "at the zero vector, a corner, where the subgradient of least norm, 0, is taken"
    if name == "det":
        rank = np.min(np.linalg.matrix_rank(x))
        return f"of a singular matrix of rank {rank} in {x.shape[-1]}: all its cofactors are 0"
    if name == "power":
        return _flat_power(c.slot, x, *others)
    if name == "abs":
        return "whose input is 0, a corner, where the subgradient of least norm, 0, is taken"
    if name in ("square", "cosh", "cos") and not np.any(x):
        return "whose input is 0, where it is flat"
    if name in ("exp", "exp2", "expm1", "erfc") or not np.all(np.isfinite(x)):
        return f"which is flat there: its input is {x.min():.4g} to {x.max():.4g}"
    return "whose derivative is zero here"


def _flat_power(slot: int, x: Any, other: Any) -> str:
    """Why x^y does not change with its base, or with its exponent."""
    base, exponent = (x, other) if slot == 0 else (other, x)
    if slot == 0 and not np.any(exponent):
        return "whose exponent is 0"
    if slot == 1 and not np.any(base - 1):
        return "whose base is 1, whatever the exponent"
    return f"whose base is {base.min():.4g} to {base.max():.4g}, where it is flat"
