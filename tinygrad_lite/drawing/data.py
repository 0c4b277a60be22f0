"""Traces as plain data: dictionaries, lists, strings and numbers, in the schema of ``to_json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_lite import graph
from tinygrad_lite.drawing.naming import Names
from tinygrad_lite.drawing.values import accumulation, described
from tinygrad_lite.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_lite.drawing.trace import Event, Trace

FORMAT, VERSION = "tinygrad_lite trace", 1


def as_data(trace: Trace) -> dict[str, Any]:
    """The graph, the events and the final gradients of a trace."""
    names = trace.names
    nodes = [_tensor_node(names, x) for x in names.leaves]
    edges: list[dict[str, Any]] = []
    for i, t in enumerate(names.nodes):
        operation, inputs = t.record[:2]
        source = _source(t)
        nodes.append(
            {
                "id": f"op{i}",
                "label": operation.symbol,
                "name": operation.name,
                "kind": "operation",
                "module": names.path(t),
                "source": source,
            }
        )
        nodes.append(_tensor_node(names, t) | {"source": source})
        edges += [
            {"id": f"op{i}.{slot}", "from": names.keys[x], "to": f"op{i}", "slot": slot}
            for slot, x in enumerate(inputs)
        ]
        edges.append({"id": f"op{i}.out", "from": f"op{i}", "to": f"t{i}", "slot": None})
    return {
        "format": FORMAT,
        "version": VERSION,
        "output": names.keys[trace.output],
        "nodes": nodes,
        "edges": edges,
        "events": [_event_data(e) for e in trace.events],
        "gradients": {key: described(g) for key, g in trace.after.items()},
        "earlier": {key: described(g) for key, g in trace.before.items()},
    }


def _source(t: Tensor) -> dict[str, Any] | None:
    place = graph.site(t)
    if place is None:
        return None
    return {"file": place.filename, "line": place.line, "code": place.source}


def _tensor_node(names: Names, t: Tensor) -> dict[str, Any]:
    return {
        "id": names.keys[t],
        "label": names[t],
        "kind": names.kind(t),
        "shape": list(t.shape),
        "dtype": str(t.dtype),
        "requires_grad": t.requires_grad,
        "value": described(t.data),
        "module": names.path(t),
        "source": None,
    }


def _event_data(e: Event) -> dict[str, Any]:
    return {
        "step": e.step,
        "edge": f"{e.node}.{e.slot}",
        "node": e.node,
        "operation": e.operation,
        "symbol": e.symbol,
        "result": e.result,
        "slot": e.slot,
        "target": e.target,
        "target_id": e.target_key,
        "formula": e.formula,
        "upstream": described(e.upstream),
        "local": None if e.local is None else described(e.local),
        "contribution": described(e.contribution),
        "before": None if e.before is None else described(e.before),
        "after": described(e.after),
        "accumulation": accumulation(e.before, e.contribution, e.after),
        "module": e.module,
        "source": {"file": e.file, "line": e.line, "code": e.code},
    }
