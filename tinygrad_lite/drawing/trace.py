"""trace_backward: the backward pass kept as a list of events, one for every contribution."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.backward import Contribution, run_backward
from tinygrad_lite.drawing import player
from tinygrad_lite.drawing.data import as_data
from tinygrad_lite.drawing.formula import Formulas, stated
from tinygrad_lite.drawing.naming import Names
from tinygrad_lite.drawing.text import aligned
from tinygrad_lite.drawing.values import STRIP, accumulation, gist
from tinygrad_lite.mode import switched
from tinygrad_lite.tensor import Tensor


class Event(NamedTuple):
    """What one argument slot of one operation added to the gradient of its input.

    Attributes:
        step: its place in the backward pass, from 0.
        node: the key of the operation, such as ``op3``; stable from run to run.
        operation: the name of the primitive.
        symbol: the sign that is drawn for it.
        result: the name of the operation's result.
        slot: which argument of the operation it is.
        target: the name of that argument.
        target_key: the key of that argument, ``t2`` for a result or ``leaf0`` for a leaf.
        upstream: the gradient of the result, complete when the event happens.
        formula: the rule that was applied, written by the rule itself.
        local: the local derivative, where it is one number per element and has at most 64
            elements; else None.
        contribution: what the rule gave, summed to the shape of the argument.
        before: the gradient of the argument before the event; None where this is the first.
        after: the gradient of the argument after it.
        module: the path of the module that computed the operation; empty outside of modules.
        file: the user's source file that recorded the operation.
        line: the line number there.
        code: the text of the line.
    """

    step: int
    node: str
    operation: str
    symbol: str
    result: str
    slot: int
    target: str
    target_key: str
    upstream: Any
    formula: str
    local: Any
    contribution: Any
    before: Any
    after: Any
    module: str
    file: str
    line: int
    code: str


class Trace(Sequence[Event]):
    """A recorded backward pass: a sequence of :class:`Event`, with its graph.

    Attributes:
        output: the tensor that was differentiated.
        seed: the gradient that the pass started from, before any hook.
        names: the nodes of its graph and what they are called.
        events: the contributions in the order in which they were made: plain data.
        gradients: the gradient that every leaf holds after the pass, by name (the last, of leaves
            that share one).
        earlier: what leaves held in ``grad`` before it already, by name.
        after, before: the same two by key, such as ``leaf0``, of which there is one for each leaf.
    """

    def __init__(
        self,
        names: Names,
        contributions: Sequence[Contribution],
        before: dict[str, Any],
        gradient: Any,
    ) -> None:
        self.names = names
        self.output = names.outputs[0]
        seed = np.ones(self.output.shape) if gradient is None else gradient
        self.seed = _frozen(np.asarray(getattr(seed, "_data", seed), self.output.dtype))
        self.events = tuple(_events(names, contributions))
        self.after, self.before = _held(names), before
        self.gradients, self.earlier = (
            {names[names.tensor(key)]: g for key, g in held.items()}
            for held in (self.after, before)
        )

    def __len__(self) -> int:
        return len(self.events)

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...

    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        return self.events[index]

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __repr__(self) -> str:
        return (
            f"<trace of {self.names[self.output]}: {len(self.events)} contributions "
            f"to {len(self.after)} leaves>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: the player, and the table for those that show no HTML."""
        framed = player.frame(self)
        if framed is None:
            return {"text/plain": repr(self)}
        return {"text/html": framed, "text/plain": self.table()}

    def _repr_html_(self) -> str | None:
        """The player, for notebooks; a trace too long for a cell shows itself as text there."""
        return player.frame(self)

    def table(self, max_rows: int | None = 1_000) -> str:
        """The events as text, one line each: what flows where, by which rule, and adds up to what.

        Args:
            max_rows: of more events, the first and the last are shown, and the others counted;
                None shows all.

        Raises:
            ValueError: if ``max_rows`` is less than 2.

        >>> import tinygrad_lite as tg
        >>> x = tg.tensor(3.0, requires_grad=True, name="x")
        >>> print(tg.trace_backward(x * x).table())
        step  operation   to  rule   upstream  local  contribution  gradient
        0     v1 = x × x  x   g × x  1         3      3             3
        1     v1 = x × x  x   g × x  1         3      3             3 + 3 → 6
        """
        if max_rows is not None and max_rows < 2:
            raise ValueError(f"a table shows at least 2 rows, not max_rows={max_rows}")
        shown = list(self.events)
        if max_rows is not None and len(shown) > max_rows:
            shown = [*shown[: max_rows // 2], *shown[-(max_rows - max_rows // 2) :]]
        lines = aligned([_COLUMNS, *(_cells(self.names, event) for event in shown)])
        if left_out := len(self.events) - len(shown):
            lines.insert(1 + len(shown) // 2, f"… {left_out:,} more")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The trace as plain dictionaries, lists, strings and numbers: see :meth:`to_json`."""
        return as_data(self)

    def to_json(self, indent: int | None = None) -> str:
        """The trace as JSON text, for the player and for other programs.

        One object with these keys:

        - ``format``, ``version``: ``"tinygrad_lite trace"`` and 1.
        - ``output``: the id of the tensor that was differentiated.
        - ``nodes``: leaves in order of first use, then for every operation in recording order the
          operation and its result. Every node has ``id``, ``label``, ``kind`` (``parameter``,
          ``input``, ``constant``, ``operation``, ``intermediate`` or ``output``), ``module`` (a
          path such as ``MLP.layers.0``, or empty) and ``source`` (``file``, ``line``, ``code``;
          null for leaves). Operations have ``name`` too; tensors ``shape``, ``dtype``,
          ``requires_grad`` and ``value``.
        - ``edges``: ``id`` (``op3.1`` for argument 1 of operation 3, ``op3.out`` for its result),
          ``from``, ``to``, and ``slot`` (null for results).
        - ``events``: in order; ``step``, ``edge`` (the id of the edge that it travels), ``node``,
          ``operation``, ``symbol``, ``result``, ``slot``, ``target`` (a name), ``target_id``,
          ``formula``, ``upstream``, ``local`` (or null), ``contribution``, ``before`` (or null),
          ``after``, ``accumulation`` (``"3 + 4 → 7"``), ``module`` and ``source``.
        - ``gradients``: by id, what every leaf holds in ``grad`` after the pass; ``earlier``, what
          it held before already.

        Arrays are objects: ``shape``, ``dtype``, ``text`` (one line), and ``whole`` (nested lists)
        up to 64 elements, above that ``min``, ``max``, ``mean``, ``norm`` and ``strip``, the means
        of 64 equal stretches. Numbers that JSON lacks are the strings ``NaN``, ``∞`` and ``−∞``.
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=indent)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the trace to a file: ``.html`` is a player that steps through it, ``.json`` data.

        Raises:
            ValueError: if the name of the file ends otherwise, or if there are more steps than a
                browser can hold in one page.
        """
        path = Path(path)
        if path.suffix == ".html":
            text = player.page(self)
        elif path.suffix == ".json":
            text = self.to_json()
        else:
            raise ValueError(f"a trace is saved as .html (a player) or .json, not as {path.name!r}")
        path.write_text(text, encoding="utf-8")
        return path


def trace_backward(output: Tensor, gradient: Any = None) -> Trace:
    """Run ``output.backward(gradient)`` and keep every contribution, in order.

    Args:
        output: a tensor that requires a gradient.
        gradient: the cotangent to start from, of the output's shape; 1 by default, which needs an
            output of one element.

    Raises:
        RuntimeError, ValueError: as ``backward()`` does.

    >>> import tinygrad_lite as tg
    >>> a = tg.tensor(2.0, requires_grad=True, name="a")
    >>> b = tg.tensor(-3.0, requires_grad=True, name="b")
    >>> trace = tg.trace_backward(a * b + a)
    >>> [(event.target, event.formula, event.contribution.item()) for event in trace[-2:]]
    [('a', 'g × b', -3.0), ('b', 'g × a', 2.0)]
    >>> a.grad
    tensor(-2.)
    """
    names = Names([output])
    before = _held(names)
    contributions: list[Contribution] = []
    run_backward(output, gradient, observer=contributions.append)
    return Trace(names, contributions, before, gradient)


def _events(names: Names, contributions: Sequence[Contribution]) -> Iterator[Event]:
    copies: dict[int, Any] = {}  # by id, while the contributions keep every array alive
    formulas = Formulas(names)

    def frozen(value: Any) -> Any:
        if value is None:
            return None
        if id(value) not in copies:
            copies[id(value)] = _frozen(getattr(value, "_data", value))
        return copies[id(value)]

    with switched(intercept=None), np.errstate(all="ignore"):
        for step, (t, slot, upstream, value, before, after) in enumerate(contributions):
            operation, inputs = t.record[:2]
            place = graph.site(t)
            g = getattr(upstream, "_data", upstream)
            yield Event(
                step=step,
                node=f"op{names.index[t]}",
                operation=operation.name,
                symbol=operation.symbol,
                result=names[t],
                slot=slot,
                target=names[inputs[slot]],
                target_key=names.keys[inputs[slot]],
                upstream=frozen(upstream),
                formula=formulas.of(t, slot, g),
                local=_local(t, slot),
                contribution=frozen(value),
                before=frozen(before),
                after=frozen(after),
                module=names.path(t),
                file=place.filename if place else "",
                line=place.line if place else 0,
                code=place.source if place else "",
            )


def _held(names: Names) -> dict[str, Any]:
    """What the leaves hold in ``grad``, by key."""
    return {
        names.keys[x]: _frozen(x.grad.data)
        for x in names.leaves
        if x.requires_grad and x.grad is not None
    }


def _frozen(value: Any) -> Any:
    """A copy that nobody can change."""
    array = np.array(value)
    array.flags.writeable = False
    return array[()]


def _local(t: Tensor, slot: int) -> Any:
    """What the rule makes of an upstream gradient of ones, where that is the local derivative."""
    operation, inputs, attributes = t.record[:3]
    if t.size > STRIP or inputs[slot].size > STRIP or not (operation.elementwise or t.size == 1):
        return None
    g = np.ones(t.shape, t.dtype)[()]
    return _frozen(operation.vjps[slot](g, t._data, *(x._data for x in inputs), **attributes))


_COLUMNS = ["step", "operation", "to", "rule", "upstream", "local", "contribution", "gradient"]


def _cells(names: Names, event: Event) -> list[str]:
    """One row of the table, in words."""
    t = names.tensor(event.node)
    return [
        str(event.step),
        f"{names[t]} = {stated(names, t)}",
        event.target,
        event.formula,
        gist(event.upstream, True),
        "" if event.local is None else gist(event.local),
        gist(event.contribution, True),
        accumulation(event.before, event.contribution, event.after),
    ]
