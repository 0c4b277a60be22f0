"""why_no_grad: say in words what keeps a gradient from arriving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_lite import graph, lost
from tinygrad_lite.backward import Contribution, cotangents
from tinygrad_lite.primitive import Cut
from tinygrad_lite.tensor import Tensor, Watch


def why_no_grad(t: Any, output: Any) -> str:
    """Why ``t.grad`` is None or zero after ``output.backward()``, in words, with the lines of code.

    Args:
        t: the tensor whose gradient is missed.
        output: the tensor that ``backward()`` was, or would be, called on.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([-1.0, -2.0], requires_grad=True, name="x")
    >>> print(tg.why_no_grad(x, tg.relu(x).sum()))  # doctest: +ELLIPSIS
    the gradient of 'x' is zero: it ends at relu, whose input is nowhere above 0 (dead relu)
      at ...
    """
    if not isinstance(t, Tensor) or not isinstance(output, Tensor):
        raise TypeError("why_no_grad takes two tensors: the one that is missed, and the output")
    who = repr(t.name) if t.name else f"the tensor of shape {t.shape}"
    if not t.requires_grad:
        return _needs_none(t, who)
    nodes = graph.topological(output)
    connected = graph.reaching(nodes, [t])
    if output is not t and output not in connected:
        return _unconnected(t, output, nodes, who)
    if not output.requires_grad:
        return _needs_none(output, "the output")
    edges: list[Contribution] = []
    gradient = np.ones(output.shape, output.dtype)[()]
    with _kept(nodes):
        cotangents(output, gradient, observer=edges.append, within=[t])
    total = sum((c.value for c in edges if c.node.record[1][c.slot] is t), np.zeros(t.shape))
    if output is t or np.any(total):
        return _arrives(t, who)
    found = lost.reasons([t], output, gradient, edges)
    if not found:
        for node in nodes:
            if isinstance(node.watch, Watch) and node.watch.hooks:
                return (
                    f"the gradient of {who} is zero: a hook on the result of "
                    f"{node.record[0].name} made it so\n  at {graph.site(node)}"
                )
        return (
            f"the gradient of {who} is zero: its contributions along several paths cancel exactly"
        )
    return f"the gradient of {who} is zero: " + "\nand ".join(sorted(set(found)))


@contextmanager
def _kept(nodes: list[Tensor]) -> Iterator[None]:
    """Leave the gradients that are kept as they are, whatever the body of a ``with`` adds."""
    before = [(node, node._grad) for node in nodes]
    try:
        yield
    finally:
        for node, grad in before:
            node._grad = grad


def _needs_none(t: Tensor, who: str) -> str:
    if isinstance(t.watch, Cut):
        return f"{who} requires no gradient: it was cut off by {_cut(t.watch)}"
    if t.dtype.kind != "f":
        return f"{who} requires no gradient: its dtype is {t.dtype}, and only floating point can"
    return (
        f"{who} requires no gradient: it was made without requires_grad=True, "
        "from nothing that requires one"
    )


def _unconnected(t: Tensor, output: Tensor, nodes: list[Any], who: str) -> str:
    text = f"{who} is not connected to the output"
    cuts = [x.watch for x in [*graph.leaves(nodes), output] if isinstance(x.watch, Cut)]
    between = [cut for cut in cuts if _came_from(cut, t)]
    if between:
        return f"{text}: the path between them was cut by {_listed(between)}"
    gone = [cut for cut in cuts if t.order < cut.order and any(x() is None for x in cut.sources)]
    if gone:
        which = "that" if len(gone) == 1 else "any of that"
        return (
            f"{text}: no path from it is on record. One may have been cut by {_listed(gone)}\n"
            f"(what was cut off there no longer exists: whether {which} was computed from it "
            "cannot be told)"
        )
    text = f"{text}: nothing that the output was computed from was computed from it"
    if cuts:
        return f"{text},\nnot even what was cut off by {_listed(cuts)}"
    return text


def _listed(cuts: Iterable[Cut]) -> str:
    return "\nand by ".join(dict.fromkeys(map(_cut, cuts)))


def _came_from(cut: Cut, t: Tensor) -> bool:
    """Whether something that was cut off had been computed from ``t``."""
    for source in cut.sources:
        x: Any = source()
        while x is not None and x.order > cut.order and x.record and x.record[0].in_place:
            x = x.record[1][0]  # what it was before it was changed
        if x is t or (x is not None and x in graph.reaching(graph.topological(x), [t])):
            return True
    return False


def _cut(cut: Cut) -> str:
    return f"{cut.reason}\n  at {graph.place(cut.code, cut.instruction)}"


def _arrives(t: Tensor, who: str) -> str:
    retained = isinstance(t.watch, Watch) and t.watch.retain
    if t.record is not None and t.grad is None and not retained:
        return (
            f"the gradient of {who} is not zero, but it is the result of {t.record[0].name}, and "
            "only leaves keep theirs: call retain_grad() on it before backward()"
        )
    if t.grad is None:
        return f"the gradient of {who} is not zero: call backward() on the output to have it"
    if not np.any(t.grad._data):
        if isinstance(t.watch, Watch) and t.watch.hooks:
            return f"the gradient of {who} is zero: a hook of its own made it so"
        return f"the gradient of {who} is zero only in the sum of several backward() calls"
    return f"the gradient of {who} has arrived: it is not zero"
