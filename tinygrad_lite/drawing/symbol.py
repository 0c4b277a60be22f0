"""Symbol: a value that remembers how it was written, so that a rule writes its own formula."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.drawing.notation import GUARDS, Expression, literal, write
from tinygrad_lite.drawing.values import SMALL, shape_text, whole
from tinygrad_lite.ops.methods import METHODS
from tinygrad_lite.primitive import Primitive


class Symbol:
    """A value together with the expression that gives it.

    Operators, primitives and NumPy functions compute the value as they would without symbols, and
    write the expression as mathematics. ``Symbol.looks`` counts how often a value was looked at:
    an expression that was written without a look is the same for all values of these shapes.
    ``Symbol.guard`` is the operation that is computed but not written, while it is.

    >>> g, w = Symbol("g", np.array([1.0, 2.0])), Symbol("w", np.array([3.0, 4.0]))
    >>> Symbol.__str__(g * (1 - w * w))
    'g × (1 − w²)'
    >>> (g * w).value
    array([3., 8.])
    """

    __slots__ = ("expression", "value")
    looks: ClassVar[int] = 0
    guard: ClassVar[ContextVar[str]] = ContextVar("guard", default="")
    __hash__ = object.__hash__

    def __init__(self, expression: Expression | str, value: Any) -> None:
        if isinstance(expression, str):
            expression = Expression(expression)
        self.expression = expression
        self.value = value

    @staticmethod
    def __primitive__(
        operation: Primitive, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Symbol:
        value = operation(*(raw(x) for x in inputs), **attributes)
        return _applied(operation.name, inputs, attributes, value)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        value = getattr(ufunc, method)(*map(raw, inputs), **{k: raw(v) for k, v in kwargs.items()})
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        return _applied(name, inputs, kwargs, value)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        value = function(*map(_deep, args), **{k: _deep(v) for k, v in kwargs.items()})
        if function in (np.shape, np.ndim, np.size):
            return value
        if not isinstance(value, (np.ndarray, np.generic)):
            Symbol.looks += 1
            return value
        parts = [x for arg in args for x in (arg if isinstance(arg, (list, tuple)) else [arg])]
        arrays = [x for x in parts if isinstance(x, (Symbol, np.ndarray, np.generic))]
        return _applied(function.__name__, arrays, kwargs, value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(_seen(self), dtype=dtype, copy=copy)

    def __getattr__(self, name: str) -> Any:
        if name in METHODS and not name.startswith("__"):
            return METHODS[name].__get__(self)
        if name in ("shape", "dtype", "ndim", "size"):
            return getattr(np.asarray(self.value), name)
        if name in ("item", "tolist"):
            return getattr(np.asarray(_seen(self)), name)
        raise AttributeError(f"a symbol has no attribute {name!r}")

    def __getitem__(self, index: Any) -> Any:
        return METHODS["__getitem__"](self, index)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(_seen(self))

    def __float__(self) -> float:
        return float(_seen(self))

    def __int__(self) -> int:
        return int(_seen(self))

    def __index__(self) -> int:
        return operator.index(_seen(self))

    def __str__(self) -> str:
        return self.expression.text

    def __repr__(self) -> str:
        return f"Symbol({self.expression.text!r}, {self.value!r})"


_OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "neg": "negative",
    "pos": "positive",
    "abs": "abs",
    "invert": "invert",
}


def _operator(name: str, compute: Callable[..., Any], reflected: bool) -> Callable[..., Any]:
    def operate(*operands: Any) -> Symbol:
        if reflected:
            operands = operands[::-1]
        return _applied(name, operands, {}, compute(*map(raw, operands)))

    return operate


for _name, _operation in _OPERATORS.items():
    _compute = getattr(operator, f"__{_name}__")
    setattr(Symbol, f"__{_name}__", _operator(_operation, _compute, reflected=False))
    if _operation not in ("negative", "positive", "abs", "invert"):
        setattr(Symbol, f"__r{_name}__", _operator(_operation, _compute, reflected=True))


def raw(x: Any) -> Any:
    """The value of a symbol; anything else is itself."""
    return x.value if isinstance(x, Symbol) else x


def _seen(x: Symbol) -> Any:
    """The value of a symbol, for somebody who does something with it that is not written down."""
    Symbol.looks += 1
    return x.value


def _deep(x: Any) -> Any:
    return type(x)(map(raw, x)) if isinstance(x, (list, tuple)) else raw(x)


def expression(x: Any) -> Expression:
    """How an operand is written: a symbol by its expression, a number or small array in full."""
    if isinstance(x, Symbol):
        return x.expression
    if np.ndim(x) == 0:
        return literal(x)
    return Expression(whole(x) if np.size(x) <= SMALL else f"⟨{shape_text(np.shape(x))}⟩")


def _applied(name: str, inputs: Sequence[Any], attributes: Mapping[str, Any], value: Any) -> Symbol:
    """The symbol of an operation's value; of known numbers only, it is a known number itself."""
    parts = [expression(x) for x in inputs]
    if np.ndim(value) == 0 and all(part.value is not None for part in parts):
        return Symbol(literal(value), value)
    if name == Symbol.guard.get():
        return Symbol(parts[0], value)
    if name == "multiply":
        name, parts = _product(parts, [np.shape(raw(x)) for x in inputs])
    return Symbol(write(name, parts, attributes), value)


def _product(
    parts: list[Expression], shapes: Sequence[tuple[int, ...]]
) -> tuple[str, list[Expression]]:
    """What a product is: of a column, made of a vector, and a row it is the outer product."""
    for column, row in ((0, 1), (1, 0)):
        upright = parts[column].inside is not None and len(shapes[column]) > 1
        lying = len(shapes[row]) == 1 or (
            parts[row].inside is not None and shapes[row][-2:-1] == (1,)
        )
        if upright and shapes[column][-1] == 1 and lying:
            return "outer", [parts[column], parts[row]]
    return "multiply", parts


def local_rule(
    operation: Primitive,
    slot: int,
    g: Any,
    out: Any,
    inputs: Sequence[Any],
    attributes: Mapping[str, Any],
    names: Mapping[int, Expression | str],
    result: str = "out",
) -> Symbol:
    """The rule of one argument slot applied to symbols: its formula, and what it contributes.

    Args:
        operation: the primitive.
        slot: which argument the gradient is for.
        g: the upstream gradient, a raw array.
        out: the result of the operation.
        inputs: its inputs, raw arrays.
        attributes: its static attributes.
        names: how the inputs are written, by slot; those without a name stay plain arrays.
        result: how the result is written.

    The value is that of the rule, before a gradient of broadcast inputs is summed to their shape.
    What only guards against NaN (``GUARDS``) is computed, but not written.

    >>> import tinygrad_lite as tg
    >>> rule = local_rule(tg.multiply, 0, 1.0, 6.0, [2.0, 3.0], {}, names={0: "x", 1: "w"})
    >>> str(rule), rule.value
    ('g × w', 3.0)
    """
    assert operation.vjps is not None
    rule = operation.vjps[slot]
    assert rule is not None, f"{operation.name!r} has no derivative in argument {slot}"
    symbols = list(inputs)
    for i, name in names.items():
        symbols[i] = Symbol(name, inputs[i])
    token = Symbol.guard.set(GUARDS.get(operation.name, ""))
    try:
        with np.errstate(all="ignore"):
            value = rule(Symbol("g", g), Symbol(result, out), *symbols, **attributes)
    finally:
        Symbol.guard.reset(token)
    return value if isinstance(value, Symbol) else Symbol(expression(value), value)
