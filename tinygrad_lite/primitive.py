"""Primitive: an operation declared once, by its forward function and one rule per argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from inspect import CO_VARARGS
from types import CodeType, FrameType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from tinygrad_lite.hints import misnamed
from tinygrad_lite.mode import mode
from tinygrad_lite.tensor import Tensor, constant, new, tick

Rule = Callable[..., Any]

PLAIN = frozenset({np.ndarray, complex, float, int, bool, *np.sctypeDict.values()})
"""The types that are taken as they are; Python's numbers stay weak (NEP 50)."""

NUMERIC = "fiubc"
"""The kinds of dtypes that are numbers."""

getframe = sys._getframe


class _Inside(dict[str, bool]):
    """Whether a source file belongs to this package or to NumPy, looked up once per file."""

    roots = tuple(module.rpartition(os.sep)[0] + os.sep for module in (__file__, np.__file__))

    def __missing__(self, filename: str) -> bool:
        self[filename] = filename.startswith(self.roots)
        return self[filename]


inside = _Inside()


class PerSlot:
    """The rules of an operation of any number of arguments: ``rule(slot, g, out, *inputs)``."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __iter__(self) -> Iterator[Rule]:
        slot = 0
        while True:
            yield self[slot]
            slot += 1

    def __getitem__(self, slot: int) -> Rule:
        return partial(self.rule, slot)


class Primitive:
    """An operation on arrays that leaves a record; made by :func:`primitive`."""

    def __init__(
        self,
        forward: Callable[..., Any],
        vjps: Sequence[Rule | None] | PerSlot | None,
        name: str,
        symbol: str,
        elementwise: bool,
        bounded: bool,
        in_place: bool,
        doc: str | None,
    ) -> None:
        self.forward = forward
        self.vjps = vjps
        self.name = name
        self.symbol = symbol
        self.elementwise = elementwise
        self.bounded = bounded
        self.guarded = elementwise and not bounded
        self.in_place = in_place
        self.__doc__ = doc

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        grad, intercept, scope = mode()
        if intercept is not None:
            return intercept(self, inputs, attributes)
        for x in inputs:
            if type(x) not in PLAIN:
                break
        else:  # a rule at work on arrays, most often
            try:
                out = self.forward(*inputs, **attributes)
            except TypeError as error:
                message = misnamed(self.name, self.forward, attributes)
                if not message:
                    raise
                raise TypeError(message) from error
            return out[()] if type(out) is np.ndarray and not out.ndim else out
        needed = mixed = False
        values = []
        for x in inputs:
            if isinstance(x, Tensor):
                values.append(x._data)
                if x._requires_grad:
                    needed = True
            elif type(x) in PLAIN:
                if type(x) is np.ndarray and x.dtype.kind not in NUMERIC:
                    raise TypeError(
                        f"{self.name} takes arrays of numbers, not of dtype {x.dtype}: convert it "
                        "with astype(float)"
                    )
                values.append(x)
                mixed = True
            elif hasattr(type(x), "__primitive__"):
                return type(x).__primitive__(self, inputs, attributes)
            else:
                return self(*[admit(x, self.name) for x in inputs], **attributes)
        try:
            out = self.forward(*values, **attributes)
        except Exception as error:
            message = misnamed(self.name, self.forward, attributes)
            if message:
                raise TypeError(message) from error
            raise explained(error, self.name, values) from error
        if type(out) is not np.ndarray:
            if not isinstance(out, np.generic):
                if type(self.vjps) is tuple and len(self.vjps) != len(inputs):
                    raise TypeError(
                        f"{self.name} takes {len(self.vjps)} arguments, but {len(inputs)} "
                        f"{'was' if len(inputs) == 1 else 'were'} given"
                    )
                if out is None or isinstance(out, (tuple, list)):
                    raise TypeError(
                        f"{self.name} returned {type(out).__name__}: a primitive returns one array"
                    )
                out = np.asarray(out)[()]
                if out.dtype.kind not in NUMERIC:
                    raise TypeError(
                        f"{self.name} returned {out!r:.60}, which is no array of numbers"
                    )
        elif not out.ndim:
            out = out[()]
        t = new(Tensor)
        t._data = out
        t._grad = t.name = t.watch = None
        if needed and grad and self.vjps is not None:
            if type(self.vjps) is tuple and len(self.vjps) != len(inputs):
                raise TypeError(
                    f"{self.name} has {len(self.vjps)} rules, but {len(inputs)} arguments: give "
                    "one for each, None for an argument that has no derivative"
                )
            t._requires_grad = True
            t.order = tick()
            frame = getframe(1)
            while inside[frame.f_code.co_filename]:
                frame = frame.f_back  # type: ignore[assignment]
            if mixed:
                inputs = tuple([x if isinstance(x, Tensor) else constant(x) for x in inputs])
            t.record = (self, inputs, attributes, scope, frame.f_code, frame.f_lasti)
        else:
            t._requires_grad = False
            t.order = 0
            t.record = None
            t.watch = cut(self.name, UNDIFFERENTIABLE if grad else UNRECORDED, inputs)
        return t


class Cut(NamedTuple):
    """Where paths of gradients end: what kept the result of an operation out of the graph.

    ``sources`` are the inputs that required a gradient, in the state they had at ``order``.
    """

    reason: str
    sources: tuple[ref[Tensor], ...]
    order: int
    code: CodeType
    instruction: int


UNDIFFERENTIABLE = ", which has no derivative"
UNRECORDED = " under no_grad()"


def cut(name: str, why: str, inputs: Sequence[Any]) -> Cut | None:
    """The note on a result that is not recorded although it depends on a gradient; else None."""
    for x in inputs:
        if isinstance(x, Tensor):
            if x._requires_grad:
                sources = [ref(y) for y in inputs if isinstance(y, Tensor) and y._requires_grad]
                frame = caller()
                return Cut(f"{name}{why}", tuple(sources), tick(), frame.f_code, frame.f_lasti)
            if isinstance(x.watch, Cut):
                return x.watch
    return None


def caller() -> FrameType:
    """The innermost frame of the user's code."""
    frame = getframe(1)
    while inside[frame.f_code.co_filename]:
        frame = frame.f_back  # type: ignore[assignment]
    return frame


def explained(error: Exception, name: str, values: Iterable[Any]) -> Exception:
    """The error of a forward function, with the operation and the shapes it was given."""
    kinds = ", ".join(
        f"{v}" if np.ndim(v) == 0 else f"{np.shape(v)} {np.asarray(v).dtype}" for v in values
    )
    kind = type(error) if type(error) in (TypeError, IndexError, ZeroDivisionError) else ValueError
    if isinstance(error, np.linalg.LinAlgError):
        kind = np.linalg.LinAlgError
    return kind(f"{name}({kinds}): {error}")


def admit(x: Any, name: str) -> Any:
    """``x`` as an operation can take it: lists and other array-likes become arrays."""
    if isinstance(x, Tensor) or type(x) in PLAIN or hasattr(type(x), "__primitive__"):
        return x
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} takes no masked array: fill it, or use tg.where")
    array = np.asarray(x)
    if array.dtype.kind not in NUMERIC:
        raise TypeError(
            f"{name} takes tensors, arrays and numbers, not {type(x).__name__} ({x!r:.60})"
        )
    return array if array.ndim else array[()]


def primitive(
    forward: Callable[..., Any],
    vjps: Sequence[Rule | None] | PerSlot | Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    symbol: str | None = None,
    elementwise: bool = False,
    bounded: bool = False,
    in_place: bool = False,
    doc: str | None = None,
) -> Primitive:
    """Declare an operation: how it is computed, and how its derivative is carried back.

    Args:
        forward: takes the arrays as positional and the static attributes as keyword arguments, and
            returns one array.
        vjps: one rule per argument, ``rule(g, out, *inputs, **attributes)``: from ``g``, the
            gradient of the result ``out``, it makes the gradient of that argument. Written with
            operators and the functions of this library, it serves arrays and tensors, so first and
            higher orders, alike; it must not change what it is given. None stands for an argument
            that has no derivative. A gradient that is larger than its argument because the
            argument was broadcast is summed by the engine. For an operation of any number of
            arguments: a function ``rule(slot, g, out, *inputs, **attributes)``. No rules at all:
            the result is a constant to the chain rule.
        name: shown in pictures, messages and records; the name of ``forward`` by default.
        symbol: drawn in the circle of the operation; the name by default.
        elementwise: each element of the result depends on one element (after broadcasting) of
            every argument. A zero upstream gradient then contributes exactly zero, even where the
            local derivative is infinite or not a number.
        bounded: the local derivatives are finite for every input, so that guard is not needed.
        in_place: the first argument is the former state of the result.
        doc: the documentation of the operation.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> cube = tg.primitive(lambda x: x**3, [lambda g, out, x: g * 3 * x**2], name="cube")
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad
    tensor([ 3., 12.])
    """
    name = str(name or getattr(forward, "__name__", "operation"))
    _check_declaration(name, forward, vjps)
    rules = PerSlot(vjps) if callable(vjps) else vjps
    return Primitive(
        forward,
        tuple(rules) if isinstance(rules, Sequence) else rules,
        name,
        symbol or name,
        elementwise,
        bounded,
        in_place,
        doc or forward.__doc__,
    )


def _check_declaration(name: str, forward: Any, vjps: Any) -> None:
    """TypeError for what cannot be a forward function or a rule."""
    if not callable(forward):
        raise TypeError(f"{name}: forward must be a function of arrays, not {forward!r:.60}")
    if vjps is None or isinstance(vjps, PerSlot):
        return
    if callable(vjps):
        rules, given, form = [vjps], 3, "slot, g, out, *inputs"
    elif isinstance(vjps, Sequence) and not isinstance(vjps, str):
        rules, given, form = list(vjps), 2 + len(vjps), "g, out, *inputs"
    else:
        raise TypeError(
            f"{name}: the rules are a list with one for each argument, a function for operations "
            f"of any number of arguments, or None, not {vjps!r:.60}"
        )
    for slot, rule in enumerate(rules):
        if rule is None:
            continue
        if not callable(rule):
            raise TypeError(f"{name}: rule {slot} must be a function or None, not {rule!r:.60}")
        code = getattr(rule, "__code__", None)
        if code and not code.co_flags & CO_VARARGS and code.co_argcount < given:
            takes = ", ".join(code.co_varnames[: code.co_argcount])
            raise TypeError(
                f"{name}: rule {slot} takes ({takes}), but it is called with ({form}): that is "
                f"{given} arguments at least"
            )


def unary_operator(operation: Primitive) -> Callable[[Tensor], Any]:
    """The method of Tensor that applies a primitive of one argument."""

    def operate(x: Tensor) -> Any:
        return operation(x)

    return operate


def binary_operator(operation: Primitive, compute: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The method of Tensor that applies a primitive of two arguments.

    It does what calling the primitive does, on the short way that graphs of single numbers need:
    ``compute``, Python's own operator, is quicker than a ufunc where there is one number.
    """

    differentiable = operation.vjps is not None

    def operate(x: Tensor, y: Any) -> Any:
        grad, intercept, scope = mode()
        if isinstance(y, Tensor):
            a = x._data
            b = y._data
        elif type(y) is float or type(y) is int:
            a = x._data
            b = y
            y = constant(y)
        elif operand(y):
            return operation(x, y)
        elif isinstance(y, (str, bytes)) and differentiable:  # else it tries to repeat itself
            raise TypeError(f"{operation.name} takes tensors, arrays and numbers, not {y!r:.60}")
        else:
            return NotImplemented
        if intercept is not None:
            return intercept(operation, (x, y), {})
        try:
            out = compute(a, b)
        except Exception as error:
            raise explained(error, operation.name, (a, b)) from error
        t = new(Tensor)
        t._data = out
        t._grad = t.name = t.watch = None
        if grad and (x._requires_grad or y._requires_grad) and differentiable:
            t._requires_grad = True
            t.order = tick()
            frame = getframe(1)
            while inside[frame.f_code.co_filename]:
                frame = frame.f_back  # type: ignore[assignment]
            t.record = (operation, (x, y), NONE, scope, frame.f_code, frame.f_lasti)
        else:
            t._requires_grad = False
            t.order = 0
            t.record = None
            t.watch = cut(operation.name, UNDIFFERENTIABLE if grad else UNRECORDED, (x, y))
        return t

    return operate


def reflected_operator(operation: Primitive) -> Callable[..., Any]:
    """The method of Tensor for an operand on the left that is no tensor."""

    def operate(y: Tensor, x: Any) -> Any:
        if isinstance(x, (str, bytes)):
            raise TypeError(f"{operation.name} takes tensors, arrays and numbers, not {x!r:.60}")
        return operation(x, y) if operand(x) else NotImplemented

    return operate


def operand(x: Any) -> bool:
    """Whether ``x`` can stand beside a tensor in an expression."""
    return (
        type(x) in PLAIN
        or isinstance(x, (list, tuple, np.ndarray))
        or hasattr(type(x), "__primitive__")
    )


NONE: dict[str, Any] = {}
