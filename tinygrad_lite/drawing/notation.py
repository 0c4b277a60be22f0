"""How operations are written as mathematics: signs, precedence, and few parentheses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.drawing.values import constant, number

LOGIC, COMPARISON, SUM, PRODUCT, POWER, ATOM = range(6)  # what binds tighter is greater


class Expression(NamedTuple):
    """A piece of mathematics.

    Attributes:
        text: as it is written on its own.
        level: how tightly its outermost sign binds.
        value: the number it is, if it is a number that is known, else None.
        inside: what stands for it in a larger expression, if that is something shorter.
    """

    text: str
    level: int = ATOM
    value: Any = None
    inside: Expression | None = None

    def __str__(self) -> str:
        return self.text


def literal(value: Any) -> Expression:
    """The expression of a known number."""
    return Expression(constant(value), ATOM, np.asarray(value)[()])


INFIX: dict[str, tuple[str, int]] = {
    "add": ("+", SUM),
    "subtract": ("−", SUM),
    "multiply": ("×", PRODUCT),
    "divide": ("÷", PRODUCT),
    "floor_divide": ("//", PRODUCT),
    "remainder": ("mod", PRODUCT),
    "matmul": ("@", PRODUCT),
    "outer": ("⊗", PRODUCT),
    "equal": ("=", COMPARISON),
    "not_equal": ("≠", COMPARISON),
    "less": ("<", COMPARISON),
    "less_equal": ("≤", COMPARISON),
    "greater": (">", COMPARISON),
    "greater_equal": ("≥", COMPARISON),
    "bitwise_and": ("and", LOGIC),
    "bitwise_or": ("or", LOGIC),
    "bitwise_xor": ("xor", LOGIC),
    "logical_and": ("and", LOGIC),
    "logical_or": ("or", LOGIC),
    "logical_xor": ("xor", LOGIC),
}

SHORT = {
    "sum": "Σ",
    "sigmoid": "σ",
    "maximum": "max",
    "minimum": "min",
    "prod": "Π",
    "nll_transposed": "−place",
    "normal_cdf": "Φ",
}

GUARDS = {"gated": "clip"}  # by operation, what its rule does to keep infinity times 0 from NaN

_LOGIC = {"bitwise_and": False, "logical_and": False, "bitwise_or": True, "logical_or": True}

_RAISED = str.maketrans("0123456789+−()nxy", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿˣʸ")


def write(name: str, parts: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
    """The expression of an operation, known by its name, applied to expressions."""
    parts = [part.inside or part for part in parts]
    if name in INFIX and len(parts) == 2:
        return _infix(name, parts[0], parts[1])
    if name in ("masked", "gated"):  # products that are 0 where the second factor is
        return _infix("multiply", *parts)
    if name in _FORMS:
        return _FORMS[name](parts, attributes)
    return _call(SHORT.get(name, name), parts, attributes)


def enclosed(part: Expression, level: int, right: bool = False) -> str:
    """The text of an operand, in parentheses where the sign beside it binds as tightly."""
    negative = part.text[:1] == "−" and level >= SUM
    loose = part.level < level or (right and (part.level == level or negative))
    return f"({part.text})" if loose else part.text


def _tight(part: Expression) -> str:
    """The text of an operand of a sign that binds tighter than all others."""
    return part.text if part.level == ATOM and part.text[:1] != "−" else f"({part.text})"


def _infix(name: str, left: Expression, right: Expression) -> Expression:
    sign, level = INFIX[name]
    if name == "multiply":
        if _is(left, 1) or _is(right, 1):
            return right if _is(left, 1) else left
        if left is right:
            return _power(left, literal(2))
        if right.value is not None and right.value.dtype.kind == "b":
            right = literal(int(right.value))
        again = left.level == PRODUCT and left.text.endswith(f" × {right.text}")
        if again and right.level == ATOM and right.value is None:
            before = left.text.removesuffix(right.text)
            return Expression(f"{before}{_power(right, literal(2))}", PRODUCT)
    if name == "divide" and _is(right, 1):
        return left
    if name in _LOGIC:
        absorbing = _LOGIC[name]
        for part, other in ((left, right), (right, left)):
            if part.value is not None and part.value.dtype.kind == "b":
                return part if bool(part.value) is absorbing else other
    chained = name in ("add", "multiply") and right.level == level and f" {sign} " in right.text
    if chained and all(other not in right.text for other in ("−", "÷", "@", "⊗", "mod", "//", "(")):
        return Expression(f"{enclosed(left, level)} {sign} {right.text}", level)
    return Expression(f"{enclosed(left, level)} {sign} {enclosed(right, level, True)}", level)


def _is(part: Expression, value: float) -> bool:
    return part.value is not None and bool(part.value == value)


def _power(base: Expression, exponent: Expression) -> Expression:
    if _is(exponent, 1):
        return base
    if base.text[:1] == "−" or base.level <= POWER:
        base = Expression(f"({base.text})")
    text = exponent.text.replace(" ", "")
    raised = text.translate(_RAISED)
    if any(a == b for a, b in zip(text, raised)):
        raised = f"^{_tight(exponent)}"
    return Expression(base.text + raised, POWER)


def _call(name: str, parts: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
    words = [part.text for part in parts]
    axis = attributes.get("axis")
    if axis is not None:
        axes = axis if isinstance(axis, tuple) else (axis,)
        if axes:
            words.append(f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(number, axes))}")
    return Expression(f"{name}({', '.join(words)})")


def _negative(parts: Sequence[Expression], _: Mapping[str, Any]) -> Expression:
    return Expression(f"−{enclosed(parts[0], PRODUCT)}", PRODUCT)


def _transpose(parts: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
    axes = attributes.get("axes")
    if axes is None or tuple(axes) == (*range(len(axes) - 2), len(axes) - 1, len(axes) - 2):
        return Expression(f"{_tight(parts[0])}ᵀ", ATOM)
    return Expression(f"transpose({parts[0]}, {', '.join(map(number, axes))})")


def _rearranged(name: str) -> Callable[[Sequence[Expression], Mapping[str, Any]], Expression]:
    """A function that changes no number: it is written on its own, and left out inside others."""

    def form(parts: Sequence[Expression], _: Mapping[str, Any]) -> Expression:
        return Expression(f"{name}({parts[0]})", ATOM, None, parts[0])

    return form


def _where(parts: Sequence[Expression], _: Mapping[str, Any]) -> Expression:
    condition = parts[0]
    if condition.value is not None:
        return parts[1] if condition.value else parts[2]
    return _call("where", parts, {})


def _clip(parts: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
    bounds = [attributes.get(bound) for bound in ("low", "high")]
    return Expression(
        f"clip({parts[0]}, {', '.join('none' if b is None else number(b) for b in bounds)})"
    )


def _getitem(parts: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
    return Expression(f"{_tight(parts[0])}[{_index(parts[1:], attributes)}]")


def _index_word(part: Any, arrays: Any) -> str:
    """One part of an index as Python writes it; index arrays are taken from ``arrays``."""
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if part.step is not None else ends[:2])
    if part is None or isinstance(part, (int, np.integer)):
        return str(part)
    return "…" if part is Ellipsis else str(next(arrays, "·"))


def _linear(parts: Sequence[Expression], _: Mapping[str, Any]) -> Expression:
    product = _infix("matmul", parts[0], Expression(f"{_tight(parts[1])}ᵀ"))
    return product if len(parts) < 3 else _infix("add", product, parts[2])


def _index(parts: Sequence[Expression], attributes: Mapping[str, Any]) -> str:
    arrays = iter(parts)
    return ", ".join(_index_word(part, arrays) for part in attributes["pattern"])


def _scatter(parts: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
    return Expression(f"place({parts[0]}, [{_index(parts[1:], attributes)}])")


def _assign(parts: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
    index = _index(parts[2:], attributes)
    return Expression(f"{enclosed(parts[0], LOGIC, True)} with [{index}] = {parts[1]}", LOGIC)


def _einsum(parts: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
    subscripts = Expression(attributes["subscripts"].replace("->", "→"))
    return _call("einsum", [subscripts, *parts], {})


def _with_arguments(text: str) -> Callable[[Sequence[Expression], Mapping[str, Any]], Expression]:
    """A form with ``{0}``, ``{1}`` in the places of its arguments."""

    def form(parts: Sequence[Expression], _: Mapping[str, Any]) -> Expression:
        return Expression(text.format(*map(_tight, parts)))

    return form


def _power_rate(parts: Sequence[Expression], _: Mapping[str, Any]) -> Expression:
    return _infix("multiply", _power(*parts), _call("log", parts[:1], {}))


def _power_slope(parts: Sequence[Expression], _: Mapping[str, Any]) -> Expression:
    base, y = parts
    less = _infix("subtract", y, literal(1)) if y.value is None else literal(y.value - 1)
    return _infix("multiply", y, _power(base, less))


_FORMS: dict[str, Callable[[Sequence[Expression], Mapping[str, Any]], Expression]] = {
    "negative": _negative,
    "power": lambda parts, _: _power(parts[0], parts[1]),
    "y·xʸ⁻¹": _power_slope,
    "xʸ·log x": _power_rate,
    "1/√(1−x²)": _with_arguments("1/√(1 − {0}²)"),
    "1/√(x²−1)": _with_arguments("1/√({0}² − 1)"),
    "1/(1−x²)": _with_arguments("1/(1 − {0}²)"),
    "x/(x²+y²)": _with_arguments("{0}/({0}² + {1}²)"),
    "einsum": _einsum,
    "square": lambda parts, _: _power(parts[0], literal(2)),
    "sqrt": lambda parts, _: Expression(f"√{_tight(parts[0])}", POWER),
    "abs": lambda parts, _: Expression(f"|{parts[0]}|"),
    "absolute": lambda parts, _: Expression(f"|{parts[0]}|"),
    "length": lambda parts, _: Expression(f"‖{parts[0]}‖"),
    "logical_not": lambda parts, _: Expression(f"not {enclosed(parts[0], COMPARISON)}", LOGIC),
    "invert": lambda parts, _: Expression(f"not {enclosed(parts[0], COMPARISON)}", LOGIC),
    "transpose": _transpose,
    "where": _where,
    "clip": _clip,
    "getitem": _getitem,
    "scatter": _scatter,
    "assign": _assign,
    "linear": _linear,
    "positive": lambda parts, _: parts[0],
    "cast": _rearranged("cast"),
    "reshape": _rearranged("reshape"),
    "broadcast_to": _rearranged("broadcast"),
}
