"""Formulas: operations and their rules, written in the names of a graph."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tinygrad_lite.backward import unbroadcast
from tinygrad_lite.drawing.naming import Names, is_number
from tinygrad_lite.drawing.notation import Expression, literal, write
from tinygrad_lite.drawing.symbol import Symbol, local_rule
from tinygrad_lite.mode import switched
from tinygrad_lite.tensor import Tensor

MANY = 16  # inputs; of more, a formula names only the one that the gradient is for
G = re.compile(r"(?<![a-zA-Z0-9_.])g(?![a-zA-Z0-9_.])")
STAND_INS = 0xE000  # the first of the characters that Unicode keeps for private use


def stated(names: Names, t: Tensor) -> str:
    """The right-hand side of a record: the operation in the names of its inputs."""
    operation, inputs, attributes = t.record[:3]
    parts = [literal(x.data) if is_number(x) else Expression(names[x]) for x in inputs]
    return write(operation.name, parts, attributes).text


class Formulas:
    """The rules of a graph's operations, each written by applying it to symbols.

    What differs in counted names alone is derived once, with a character in the place of each such
    name; unless the rule looked at numbers, which may differ as well.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[Any, str] = {}
        self._read: tuple[Any, list[Any]] = (None, [])

    def of(self, t: Tensor, slot: int, upstream: Any) -> str:
        """The rule of an argument slot, given the gradient of the result."""
        operation, inputs, attributes = t.record[:3]
        stand_ins: dict[str, str] = {}
        few = range(len(inputs)) if len(inputs) <= MANY else [slot]
        parts = {i: self._part(inputs[i], stand_ins) for i in few}
        result = self._names[t] if self._names.chosen(t) else "out"
        key = None  # of many inputs, to compare them all costs more than to derive it again
        if len(inputs) <= MANY:
            shapes = [(x.shape, x.dtype) for x in inputs]
            key = (operation, slot, result, repr(attributes), *shapes, *parts.values())
        text = self._known.get(key)
        if text is None:
            seen = Symbol.looks
            text = _derived(t, slot, upstream, self._arrays(t), parts, result)
            if text is None:
                return f"g · ∂{self._names[t]}/∂{self._names[inputs[slot]]}"
            if key is not None and Symbol.looks == seen:
                self._known[key] = text
        return text.translate({ord(sign): name for name, sign in stand_ins.items()})

    def _arrays(self, t: Tensor) -> list[Any]:
        """The arrays of a record's inputs, listed once for all of its slots."""
        if self._read[0] is not t:
            self._read = t, [x._data for x in t.record[1]]
        return self._read[1]

    def _part(self, x: Tensor, stand_ins: dict[str, str]) -> Expression:
        """How an input is written, with a character in the place of a name that was counted."""
        if is_number(x):
            return literal(x.data)
        name = self._names[x]
        if self._names.chosen(x):
            return Expression(name)
        return Expression(stand_ins.setdefault(name, chr(STAND_INS + len(stand_ins))))


def _derived(
    t: Tensor,
    slot: int,
    upstream: Any,
    values: list[Any],
    written: dict[int, Expression],
    result: str,
) -> str | None:
    """The formula of a rule; None where the rule does something that symbols cannot follow."""
    operation, _, attributes = t.record[:3]
    try:
        with switched(intercept=None):
            rule = local_rule(
                operation, slot, upstream, t._data, values, attributes, written, result
            )
            if np.shape(rule.value) != np.shape(values[slot]):
                rule = unbroadcast(rule, np.shape(values[slot]), lambda: operation.name)
        linear = G.search(rule.expression.text) or not np.any(rule.value)  # as rules are in g
    except Exception:  # a user's rule may need more of an array than a symbol offers
        return None
    inside = rule.expression.inside  # of what is put into another shape: g alone, or more?
    text = (rule.expression if inside is None or inside.text == "g" else inside).text
    return text if linear else None
