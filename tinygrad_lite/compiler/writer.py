"""The writer: turns steps into lines of NumPy, keeping track of names and memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_lite.compiler.memory import Buffer, Lifetimes, Pool
from tinygrad_lite.compiler.naming import Names, kind, number_name, result_name
from tinygrad_lite.compiler.passes.rewrite import known_as
from tinygrad_lite.compiler.program import Instruction, Program, Value
from tinygrad_lite.random import generator

DType = np.dtype[Any]

PRIVATE = {"clip": "np._core.umath.clip"}
"""NumPy's functions that are not found under ``np``: clip as a ufunc, without the wrapper."""

BY_KEYWORD = ("maximum", "minimum")
"""Ufuncs that take ``out`` by keyword only; all others take it by position, which is quicker."""

WIDE = 8192
"""Up to so many elements an operand is repeated in memory rather than broadcast."""


@dataclass
class Sections:
    """The parts of the source, each a list of lines."""

    imports: dict[str, str] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)
    memory: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)

    def drop_unread(self) -> None:
        """Leave out the views, constants and arrays that the body came to do without."""
        words = set(re.findall(r"\w+", "\n".join(self.body)))
        for lines in (self.views, self.constants):
            for line in reversed(lines.copy()):
                name, *rest = re.findall(r"\w+", line)
                if name in words:
                    words.update(rest)
                else:
                    lines.remove(line)
        for name, thing in list(self.given.items()):
            if isinstance(thing, np.ndarray) and name not in words:
                del self.given[name]


class Writer:
    """Knows what every value is called, where it lives, and which memory is free.

    Attributes:
        local: what a value is called in the body.
        fixed: the same in the setup, for values that are in the same memory in every call.
        solid: the values that lie in one piece of memory in C order.
    """

    def __init__(self, program: Program, lifetimes: Lifetimes, names: Names) -> None:
        self.program = program
        self.lifetimes = lifetimes
        self.names = names
        self.text = Sections()
        self.pool = Pool(names)
        self.local: dict[Value, str] = {}
        self.fixed: dict[Value, str] = {}
        self.solid: set[Value] = set()
        self.buffers: dict[Value, Buffer] = {}
        self.own: dict[Value, str] = {}
        self.fresh: set[Value] = set()
        self.allocated: dict[str, int] = {}
        self.constant_nbytes = 0
        self.index = 0
        self.written_over = 0
        self._views: dict[str, str] = {}
        self._constants: dict[Any, str] = {}
        self._scratch: list[Buffer] = []

    # Names

    def np(self, path: str) -> str:
        """A name for a function of NumPy, such as ``add.reduce``."""
        alias = path.replace(".", "_")
        if alias in self.names.taken:
            alias = f"np_{alias}"
        if alias not in self.text.imports:
            self.text.imports[alias] = PRIVATE.get(path, f"np.{path}")
            self.names.reserved.add(alias)
        return alias

    def into(self, function: str, given: Sequence[str], out: str) -> str:
        """A call of a ufunc that writes to ``out``."""
        to = f"out={out}" if function in BY_KEYWORD else out
        return f"{self.np(function)}({', '.join([*given, to])})"

    def give(self, wish: str, thing: Any) -> str:
        """A name for an object that the source gets from outside."""
        for name, known in self.text.given.items():
            if known is thing:
                return name
        name = self.names.new(wish)
        self.text.given[name] = thing
        return name

    def constant(self, number: Any, dtype: DType) -> str:
        """A name for a number as an array without dimensions, which ufuncs take most quickly."""
        with np.errstate(over="ignore"):
            number = dtype.type(number)
        key = (str(number), dtype)
        if key not in self._constants:
            name = self.names.new("number" if dtype.kind == "c" else number_name(number.item()))
            self.text.constants.append(f"{name} = np.array({literal(number)}, {spelled(dtype)})")
            self._constants[key] = name
        return self._constants[key]

    def ones(self, n: int, dtype: DType) -> str:
        """A vector of ones: a product with it is the quickest sum."""
        key = ("ones", n, dtype)
        if key not in self._constants:
            name = self.names.new(f"ones_{n}")
            self.constant_nbytes += n * dtype.itemsize
            self.text.constants.append(f"{name} = np.ones({n}, {spelled(dtype)})")
            self._constants[key] = name
        return self._constants[key]

    def table(self, key: Any, wish: str, expression: str, nbytes: int) -> str:
        """A name for an array of that size that is made once, by ``expression``."""
        if key not in self._constants:
            name = self.names.new(wish)
            self.constant_nbytes += nbytes
            self.text.constants.append(f"{name} = {expression}")
            self._constants[key] = name
        return self._constants[key]

    def read(self, v: Value, dtype: DType | None = None) -> str:
        """What to write for a value; a Python number as one of ``dtype`` where that is the same."""
        if v.kind == "constant":
            return self._read_constant(v, dtype)
        return self.local[v]

    def _read_constant(self, v: Value, dtype: DType | None) -> str:
        data = v.source
        if np.ndim(data):
            if v not in self.local:
                self.local[v] = self.fixed[v] = self._constant_array(np.ascontiguousarray(data))
                self.solid.add(v)
            return self.local[v]
        if v.weak:
            fits = dtype is not None and (
                dtype.kind == "f"
                or (
                    dtype.kind in "iu"
                    and type(data) is int
                    and np.can_cast(np.min_scalar_type(data), dtype)
                )
            )
            if fits and dtype is not None and isinstance(data, (int, float)):
                return self.constant(data, dtype)
            return literal(data)
        return self.constant(data, v.dtype)

    def _constant_array(self, data: Any) -> str:
        """A name for an array of constants; what is one number all over is written so."""
        if data.dtype.kind not in "fiu" or not _even(data):
            return self.give("constant", data)
        first = data.flat[0]
        key = ("full", data.shape, data.dtype, str(first))
        expression = f"np.full({data.shape}, {literal(first)}, {spelled(data.dtype)})"
        return self.table(key, f"all_{number_name(first.item())}", expression, data.nbytes)

    # Lines

    def line(self, text: str, comment: str = "") -> None:
        """A line of the body."""
        self.text.body.append(f"{text}  # {comment}" if comment else text)

    def assign(self, step: Instruction, expression: str, to: str | None = None) -> None:
        """``name = expression``, with the shape of it as a comment."""
        name = self.name(step)
        if to is not None and step.out not in self.fresh:
            self.fixed.setdefault(step.out, to)
        if name == to:  # the call itself puts it in its place
            if expression == to:
                self.text.body[-1] += f"  # {kind(step.out)}"
            else:
                self.line(expression, kind(step.out))
            return
        if step.out in self.own:  # computed elsewhere
            self.fixed[step.out] = name
            self.line(f"{self.np('copyto')}({name}, {expression})", kind(step.out))
            return
        self.line(f"{name} = {expression}", kind(step.out))

    def name(self, step: Instruction) -> str:
        """What the result of a step is called; gradients as the d of what they belong to."""
        out = step.out
        if out in self.own:
            self.local[out] = self.own[out]
        if out not in self.local:
            self.local[out] = self._carried_on(step) or self.names.new(self._wish(step))
        return self.local[out]

    def _carried_on(self, step: Instruction) -> str:
        """The name of a part of the same gradient that is read for the last time."""
        for v in step.inputs if step.out not in self.fresh else ():
            same = v.gradient_of is not None and v.gradient_of is step.out.gradient_of
            ends = self.lifetimes.end(v) == self.index
            name = self.local.get(v, "")
            if same and ends and v.kind == "result" and name != self.fixed.get(v, ""):
                return name  # one of the body, other than the names of memory and its views
        return ""

    def _wish(self, step: Instruction) -> str:
        of = step.out.gradient_of
        if of is not None and of in self.local:
            return f"d_{self.local[of]}"
        numbers = [r.value for r in self.program.returned if r.value and not r.value.shape]
        if self.program.differentiates and numbers == [step.out]:
            return "loss"  # what else would be a single number
        return result_name(step, [self.local.get(v, "") for v in step.inputs])

    # Memory

    def out(self, step: Instruction, over: Sequence[int] = ()) -> str:
        """Memory for the result of a step: its own, or that of an input that dies, or a buffer.

        ``over`` are the inputs that may be overwritten while the step reads them.
        """
        value = step.out
        self.solid.add(value)
        if value in self.own:
            self.fixed[value] = self.own[value]
            return self.own[value]
        if value in self.fresh:
            name = self.name(step)
            self.line(f"{name} = {self.np('empty')}({value.shape}, {spelled(value.dtype)})")
            return name
        buffer = self._inherited(step, over) or self.pool.take(value.shape, value.dtype)
        self.buffers[value] = buffer
        self.fixed[value] = buffer.name
        return buffer.name

    def _inherited(self, step: Instruction, over: Sequence[int]) -> Buffer | None:
        for slot in over:
            v = step.inputs[slot]
            buffer = self.buffers.get(v)
            if buffer is None or self.lifetimes.end(v) != self.index:
                continue
            if (v.shape, v.dtype) == (step.out.shape, step.out.dtype):
                del self.buffers[v]
                self.written_over += 1
                return buffer
        return None

    def scratch(self, shape: tuple[int, ...], dtype: DType) -> str:
        """Memory until the end of the step."""
        buffer = self.pool.take(shape, dtype)
        self._scratch.append(buffer)
        return buffer.name

    def allocates(self, step: Instruction) -> None:
        """Note that the result of a step, at least, is in memory taken anew by every call."""
        name, size = step.operation.name, step.out.size * step.out.dtype.itemsize
        self.allocated[name] = self.allocated.get(name, 0) + size

    def close(self) -> None:
        """The step is written: what nobody reads from here on is free."""
        for buffer in self._scratch:
            self.pool.give(buffer)
        self._scratch.clear()
        for v in [v for v in self.buffers if self.lifetimes.end(v) <= self.index]:
            self.pool.give(self.buffers.pop(v))

    # Views

    def view(self, v: Value, how: str, wish: str) -> str:
        """``v`` seen as ``how`` (such as ``{}.T``): made once if its memory stays where it is."""
        base = self.fixed.get(v)
        if base is None:
            return how.format(self.read(v))
        return self.setup_view(base, how, f"{base}_{wish}")

    def setup_view(self, base: str, how: str, wish: str) -> str:
        """A view of memory that stays where it is."""
        text = how.format(base)
        if text not in self._views:
            name = self.names.new(wish)
            self.text.views.append(f"{name} = {text}")
            self._views[text] = name
        return self._views[text]

    def transposed(self, v: Value) -> str:
        """The transpose of a matrix."""
        return self.view(v, "{}.T", "T")


def _even(data: Any) -> bool:
    """Whether an array is one number all over, to the bit."""
    return bool(data.size) and data.tobytes() == data.size * data.flat[:1].tobytes()


def literal(number: Any) -> str:
    """A number in source."""
    text = str(number)
    return f'float("{text}")' if text in ("inf", "-inf", "nan") else text


def spelled(dtype: DType) -> str:
    """A dtype in source."""
    return (
        f"np.{dtype.name}" if hasattr(np, dtype.name) and dtype.name != "bool" else repr(dtype.str)
    )


def real(*values: Value) -> bool:
    """Whether all are float32, or all are float64: what BLAS computes."""
    return len({v.dtype for v in values}) == 1 and values[0].dtype.char in "fd"


def widened(v: Value, step: Instruction, w: Writer) -> str:
    """A small operand repeated to the shape of the result; empty where that does not pay.

    Copying it there and adding two arrays of one shape takes less time than NumPy's broadcasting.
    """
    out = step.out
    if not v.shape or v.shape == out.shape or v.dtype != out.dtype or out.size > WIDE:
        return ""
    to = w.scratch(out.shape, out.dtype)
    w.line(f"{w.np('copyto')}({to}, {w.read(v)})")
    return to


Emitter = Callable[[Instruction, Writer], bool]

EMITTERS: dict[str, Emitter] = {}
"""How the operations of the library are written, by the name that ``known_as`` gives them.

An emitter returns False where it has no special way; every other operation calls its forward.
"""


def emits(*names: str) -> Callable[[Emitter], Emitter]:
    """Enter a function into the table."""

    def enter(emitter: Emitter) -> Emitter:
        EMITTERS.update(dict.fromkeys(names, emitter))
        return emitter

    return enter


def emit(step: Instruction, w: Writer) -> None:
    """Write one step."""
    emitter = EMITTERS.get(known_as(step.operation))
    if emitter is None and isinstance(step.operation.forward, np.ufunc):
        emitter = EMITTERS["ufunc"]
    if emitter is None or not emitter(step, w):
        _call(step, w)


def has_own_way(step: Instruction) -> bool:
    """Whether a step is written in a special way, rather than by calling its forward."""
    return known_as(step.operation) in EMITTERS or isinstance(step.operation.forward, np.ufunc)


def _call(step: Instruction, w: Writer) -> None:
    """Any operation: call what computes it."""
    forward = step.operation.forward
    if step.out.shape:
        w.allocates(step)
    if isinstance(forward, np.ufunc) and getattr(np, forward.__name__, None) is forward:
        function = w.np(forward.__name__)
    else:
        function = w.give(step.operation.name, forward)
    given = [w.read(v) for v in step.inputs]
    given += [f"{key}={_attribute(key, value, w)}" for key, value in step.attributes.items()]
    scalar = "" if step.out.shape or isinstance(forward, np.ufunc) else "[()]"
    w.assign(step, f"{function}({', '.join(given)}){scalar}")
    if may_vary(step):
        w.line(f"if {w.read(step.out)}.shape != {step.out.shape}:")
        w.line(f'    raise ValueError("{step.operation.name} gave an array of another shape")')


def may_vary(step: Instruction) -> bool:
    """Whether the shape of a result hangs on values: that of ``x[mask]``, or a user's own."""
    masks = any(v.dtype.kind == "b" and v.kind != "constant" for v in step.inputs[1:])
    name = known_as(step.operation)
    return masks if name == "getitem" else not name and not step.operation.elementwise


def _attribute(key: str, value: Any, w: Writer) -> str:
    if key == "rng" and value is None:
        value = generator()
    if _plain(value):
        return repr(value)
    if isinstance(value, np.dtype):
        return f"np.dtype({value.str!r})"
    return w.give(key, value)


def _plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_plain(item) for item in value)
    if isinstance(value, float):
        return bool(np.isfinite(value)) and type(value) is float
    return value is None or value is Ellipsis or type(value) in (bool, int, str, slice)
