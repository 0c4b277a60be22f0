"""How the gradients of a trace look in the player: words, colours, and what hooks made of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite.drawing import values
from tinygrad_lite.drawing.formula import stated

if TYPE_CHECKING:
    from tinygrad_lite.drawing.trace import Trace

ROUNDING = 1e-3  # relative; what differs by more was changed by a hook, not by adding


def flow(trace: Trace) -> list[dict[str, Any]]:
    """How every event looks: the strength of its contribution and of the gradient it adds to.

    Keys: ``amount`` and ``total``, the contribution and the gradient after it in few words;
    ``share`` (0 to 1, logarithmic) and ``lean`` (-1 to 1, or null where not finite) of the
    contribution, and whether it is exactly ``zero``; ``total_lean``; ``statement``, the operation
    as an assignment.
    """
    norms = [values.norm(e.contribution) for e in trace.events]
    largest = max(filter(math.isfinite, norms), default=0.0)
    written = {
        f"op{i}": f"{trace.names[t]} = {stated(trace.names, t)}"
        for i, t in enumerate(trace.names.nodes)
    }
    return [
        {
            "amount": values.gist(e.contribution, True),
            "total": values.gist(e.after, True),
            "share": round(values.share(size, largest), 3),
            "lean": _lean(e.contribution),
            "zero": size == 0,
            "total_lean": _lean(e.after),
            "statement": written[e.node],
        }
        for e, size in zip(trace.events, norms)
    ]


def seed(trace: Trace) -> dict[str, Any]:
    """The gradient that the pass starts from: ``array``, ``text`` in few words, and ``lean``."""
    return _looks(trace.seed, values.gist(trace.seed, True))


def hooked(trace: Trace) -> dict[str, dict[str, Any]]:
    """By id, the gradients that a hook replaced when they were complete.

    Keys: ``array``, what went on in the place of the sum; ``text``, both in few words; ``lean``.
    """
    names = trace.names
    summed = {names.keys[trace.output]: trace.seed, **{e.target_key: e.after for e in trace}}
    went = {names.keys[names.tensor(e.node)]: e.upstream for e in trace}
    slack = {}
    for key, held in trace.after.items():
        before = trace.before.get(key, np.zeros_like(held))
        went[key] = held - before
        slack[key] = 4 * np.finfo(held.dtype).eps * np.max(np.abs(before), initial=0)
    found = {}
    for key, total in summed.items():
        value, atol = went.get(key, total), slack.get(key, 0.0)
        if not np.allclose(value, total, rtol=ROUNDING, atol=atol, equal_nan=True):
            text = f"{values.gist(total, True)} → {values.gist(value, True)}"
            found[key] = _looks(value, text)
    return found


def _looks(gradient: Any, text: str) -> dict[str, Any]:
    return {"array": values.described(gradient), "text": text, "lean": _lean(gradient)}


def _lean(gradient: Any) -> float | None:
    """How far the signs of a gradient agree, from -1 to 1; None if it is not finite."""
    lean = values.leaning(gradient)
    return None if math.isnan(lean) else round(lean, 3)
