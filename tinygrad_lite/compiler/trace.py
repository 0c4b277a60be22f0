"""The tracer: runs a function once, as it is, and writes down every operation on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.backward import Contribution
from tinygrad_lite.compiler.arguments import overwrite
from tinygrad_lite.compiler.hidden import Hidden
from tinygrad_lite.compiler.program import Effect, Error, Instruction, Program, Returned, Value
from tinygrad_lite.mode import mode, switched
from tinygrad_lite.ops.shape import cast
from tinygrad_lite.primitive import Primitive, admit, caller, primitive
from tinygrad_lite.tensor import Tensor, constant, new, tick
from tinygrad_lite.tree import flatten

NUMBERS = (bool, int, float, complex)


class Tracer:
    """Takes over every operation of one call, carries it out, and keeps a note of it.

    Values are told apart by the identity of their data: whatever wraps an array, it is the same
    value. The notes become a program.

    Args:
        name: of the function.
        known: tensors whose gradients are to be looked at when the call begins.
        hidden: notices what else the function changes, and knows of more such tensors.
    """

    def __init__(self, name: str, known: Iterable[Tensor], hidden: Hidden) -> None:
        self.hidden = hidden
        self.program = Program(name)
        self.values: dict[int, Value] = {}
        self.kept: list[Any] = []  # what is known by its id has to stay alive
        self.arrays: set[int] = set()
        self.given: dict[int, tuple[Tensor, Any, Any]] = {}
        self.entry = {t: t._grad for t in (*known, *hidden.tensors)}
        self.met: dict[Tensor, Tensor | None] = {}
        self.first: dict[Tensor, Any] = {}
        self.data: dict[Tensor, Any] = {}
        self.stepped: dict[Tensor, Any] = {}
        self.former: list[Any] = []
        self.replaced: list[tuple[Tensor, Any, Callable[[], str]]] = []
        self.start = tick()
        self.refused: Error | None = None

    # What goes in

    def argument(self, position: int, x: Any) -> Any:
        """What the function is called with in place of one leaf of its arguments."""
        if isinstance(x, Tensor) and x._requires_grad and x.record is None:
            self._leaf(x, self._note(x._data, "argument", position))
            return x
        if isinstance(x, Tensor):
            t = constant(_twin(x._data))
            if x._requires_grad:
                t = beyond(t, f"its argument {position}")
        elif isinstance(x, np.ndarray) or (isinstance(x, np.generic) and x.dtype.kind in "fiuc"):
            t = constant(_twin(x))
            self.arrays.add(id(t))
        else:
            return x
        self._note(t._data, "argument", position)
        self.given[id(t)] = t, t._data, x
        return t

    def _note(self, data: Any, kind: str, source: Any = None) -> Value:
        """Remember what ``data`` is."""
        value = Value(kind, np.shape(data), data.dtype, source, site=_place())
        if kind == "argument":
            self.program.arguments[source] = value
        self.values[id(data)] = value
        self.kept.append(data)
        return value

    # What happens

    def __call__(
        self, operation: Primitive, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Any:
        inputs = tuple(admit(x, operation.name) for x in inputs)
        attributes = {name: self._plain(x, name) for name, x in attributes.items()}
        if any(hasattr(type(x), "__primitive__") for x in inputs):
            with switched(intercept=None):
                return operation(*inputs, **attributes)
        if operation.name == "assign":
            self._put_back(inputs[0], inputs[1], attributes)
        values = [self.value(x) for x in inputs]
        scope = mode().scope
        with switched(intercept=None):
            if "rng" in attributes:
                out = self.hidden.drawn(attributes["rng"], lambda: operation(**attributes))
            else:
                out = operation(*inputs, **attributes)
        as_array = all(
            id(x) in self.arrays or type(x._data) in NUMBERS
            for x in inputs
            if isinstance(x, Tensor)
        )
        if not isinstance(out, Tensor):
            out = constant(out)
        if as_array and inputs:
            self.arrays.add(id(out))
        if type(out._data) is np.bool_:  # there are only two: their identity says nothing
            out._data = np.array(out._data)
        if id(out._data) not in self.values:
            value = self._note(out._data, "result")
            self.program.steps.append(
                Instruction(operation, values, attributes, value, scope, value.site)
            )
        self.kept.append(out)
        return out

    def value(self, x: Any) -> Value:
        """What an input of an operation is in the program."""
        data = x._data if isinstance(x, Tensor) else x
        if type(data) in NUMBERS:
            return Value("constant", (), np.asarray(data).dtype, data, True, site=_place())
        if any(np.may_share_memory(data, old) for old in self.former):
            raise self.refusal(
                f"{_place()()} reads the values that a tensor had before it was changed in place; "
                "a compiled function keeps no copy of them. Make one: old = t + 0"
            )
        self._alone(x, data)
        if id(data) not in self.values and isinstance(x, Tensor):
            for owner in [t for t, g in self.entry.items() if g is x]:
                self.value(owner)  # with which its gradient is known as such
        found = self.values.get(id(data))
        if found is not None:
            return found
        if not isinstance(x, Tensor) or (x.order == 0 and not x._requires_grad) or self._new(x):
            if isinstance(data, np.generic):
                return Value("constant", (), data.dtype, data, site=_place())
            return self._note(data, "captured", data)
        if x.record is not None:
            raise self.refusal(
                f"{x._describe()} is the result of {x.record[0].name!r} outside of the compiled "
                f"function, so it would never change in it ({_place()()}): pass it as an "
                "argument, or compute it inside"
            )
        value = self._note(data, "state", x)
        self._leaf(x, value)
        return value

    def _leaf(self, t: Tensor, value: Value) -> None:
        """A tensor that outlives the call is seen for the first time."""
        self.data[t] = t._data
        if not t._requires_grad or t in self.met:
            return
        before = self.entry.get(t, t._grad)
        self.met[t] = before
        self.first[t] = None if before is None else before._data
        if t._grad is not None and t._grad is before and id(t._grad._data) not in self.values:
            self._note(t._grad._data, "gradient", t).gradient_of = value

    def carried(self, c: Contribution) -> None:
        """The backward pass adds a contribution to a gradient; the engine calls it."""
        self.program.differentiates = True
        after = self.values.get(id(c.after._data))
        x = self.values.get(id(c.node.record[1][c.slot]._data))
        if after is not None and after.gradient_of is None and after is not x:
            after.gradient_of = x

    def effect(
        self,
        owner: Any,
        call: Callable[[], Any],
        tensors: Iterable[Tensor],
        gradients: bool = False,
    ) -> Any:
        """Carry out ``call()``, which reads gradients and changes tensors, or gradients, in place.

        It is repeated as it is by every call of the compiled function.
        """
        tensors = list(tensors)
        for t in tensors:
            if id(t._data) not in self.values:
                self.value(t)
        before = {t: self._gradient(t) for t in tensors}
        self._store([t for t in tensors if t in self.data], before)
        step = Effect(call, owner, before, [] if gradients else tensors, gradients, None, _place())
        with switched(intercept=None):
            result = self.hidden.explained(call)
        self.program.steps.append(step)
        for t in tensors:
            if not gradients:
                self.stepped[t] = self.data[t] = t._data
                self._note(t._data, "state", t)
            elif t._grad is not None:
                self._note(t._grad._data, "changed", before[t])
        if isinstance(result, Tensor):
            step.out = self._note(result._data, "result")
            self.kept.append(result)
        return result

    def _store(self, tensors: Iterable[Tensor], gradients: dict[Tensor, Value | None]) -> None:
        """Operations changed tensors in place that effects change too: write into their arrays."""
        stores = {}
        for t in tensors:
            if t._data is self.data[t]:
                continue
            value = self._rebound(t)
            if not value.shape:
                raise self.refusal(
                    f"{t._describe()} is changed in place, and also by {_place()()}: a compiled "
                    "function can do both only to arrays. Give it the shape (1,)"
                )
            self.former.append(self.data[t])
            self.data[t] = t._data
            stores[self._note(t._data, "state", t)] = value
        if stores:
            self.program.steps.append(
                Effect(dict, None, gradients, [], site=_place(), stores=stores)
            )

    def _gradient(self, t: Tensor) -> Value | None:
        return None if t._grad is None else self.value(t._grad)

    def look(self, t: Tensor, what: str) -> None:
        """Python is about to read the values of a tensor: a program cannot know them.

        Only an integer among the arguments can be had: the program is for calls that give it.
        """
        if id(t) in self.given and not np.ndim(t._data) and t._data.dtype.kind in "iu":
            self.program.exact[self.values[id(t._data)].source] = int(t._data)
            return
        advice = (
            "Choose with tg.where instead of `if`, compute with tensors instead of numbers and "
        )
        advice += "NumPy arrays, or return the tensor and read it outside"
        if what.startswith("t.data"):
            advice = "Write t.detach(), or `with tg.no_grad(): t -= step` to change the values"
        raise self.refusal(
            f"{what} reads the values of a tensor inside a compiled function ({_place()()}), "
            "which Python does only while the function is traced; later calls would not see it. "
            f"{advice}"
        )

    def copied(self, t: Tensor, dtype: Any) -> Any:
        """The values of ``tg.tensor(t)``, as those of an operation."""
        with switched(grad=False):
            return cast(t, dtype or t.dtype)._data

    def _plain(self, attribute: Any, name: str) -> Any:
        """An attribute of an operation, with numbers in place of tensors."""
        leaves, build = flatten(attribute)
        if not any(isinstance(x, Tensor) for x in leaves):
            return attribute
        for x in leaves:
            if isinstance(x, Tensor):
                self.look(x, f"{name}=")
        return build([int(x._data) if isinstance(x, Tensor) else x for x in leaves])

    def strays(self) -> None:
        """A rule does something that it does only for NaN."""
        self.program.stray = True

    def changes(self, t: Tensor) -> None:
        """A tensor is about to be given other values by an operation."""
        if id(t) in self.arrays and isinstance(t._data, np.ndarray):
            self.replaced.append((t, t._data, _place()))
        value = self.values.get(id(t._data))
        if self._new(t):
            if value is None:
                self.value(t)
        elif value is None and t.record is None:
            value = self._note(t._data, "state", t)
            self._leaf(t, value)
        elif value is not None and value.kind == "captured":
            self.data.setdefault(t, t._data)

    def _alone(self, x: Any, data: Any) -> None:
        """An array is looked at: it must not share memory with one that was changed in place."""
        for t, before, place in self.replaced:
            if t is not x and t._data is not before and np.shares_memory(data, before):
                raise self.refusal(
                    f"{place()} changes an array in place that shares memory with another of shape "
                    f"{np.shape(data)}. NumPy changes both, a compiled function would not: change "
                    "a copy (part = x[1:] + 0), or the whole through an index (x[1:] += 1)"
                )

    def _put_back(self, x: Any, part: Any, attributes: dict[str, Any]) -> None:
        """``x[1:] += 1`` takes a part, changes it and puts it back: x is not left as it was."""
        whole = self.values.get(id(x._data))
        for entry in [e for e in self.replaced if e[0] is part]:
            taken = self.values.get(id(entry[1]))
            if any(
                step.out is taken
                and step.inputs[0] is whole
                and step.operation.name == "getitem"
                and step.attributes == attributes
                for step in self.program.instructions
            ):
                self.replaced = [e for e in self.replaced if e is not entry]

    def is_number(self, t: Tensor) -> bool:
        """Whether ``t`` stands for a number of NumPy's: ``+=`` gives the name another one."""
        given = self.given[id(t)][2] if id(t) in self.given else None
        return id(t) in self.arrays and not np.ndim(t._data) and not isinstance(given, np.ndarray)

    def _new(self, t: Tensor) -> bool:
        """Whether the call itself made the tensor, from nothing: it does not outlive it."""
        return t.order > self.start and t.record is None and not t._requires_grad

    def refusal(self, message: str) -> Error:
        """An error to raise; should the function swallow it, the trace is no good all the same."""
        self.refused = Error(message)
        return self.refused

    # What comes out

    def own(self, x: Any) -> Any:
        """What the caller has, or gets, for an object of the function."""
        if id(x) in self.given:
            return self.given[id(x)][2]
        return x._data if isinstance(x, Tensor) and id(x) in self.arrays else x

    def overwritten(self) -> str:
        """Give the caller's arrays and tensors the values that the function gave them."""
        found = ""
        for t, data, given in self.given.values():
            if t._data is not data:
                found = overwrite(given, t) or found
        return found

    def finish(self, result: Any) -> Program:
        """The program, when the function has returned ``result``."""
        if self.refused is not None:
            raise self.refused
        program = self.program
        leaves, program.structure = flatten(result)
        program.returned = [self._returned(x) for x in leaves]
        for t, data, given in self.given.values():
            if isinstance(given, np.ndarray):
                self._alone(t, data)
        for t in [t for t, before in self.entry.items() if t._grad is not before]:
            self.value(t)
        for t, before in self.met.items():
            entry = self.values.get(id(before._data)) if before is not None else None
            read = entry is not None and entry.kind == "gradient" and entry.source is t
            program.leaves[t] = "none" if before is None else "some" if read else "any"
            if t._grad is not before or (before is not None and before._data is not self.first[t]):
                program.gradients[t] = self._gradient(t)
        self._store([t for t in self.stepped if np.ndim(t._data)], {})
        for t, data in self.data.items():
            if t._data is not data:
                program.writes[t] = self._rebound(t)
        return program

    def _rebound(self, t: Tensor) -> Value:
        value = self.values.get(id(t._data))
        if value is None:
            raise self.refusal(
                f"{t._describe()} was given new data in a compiled function, in a way that cannot "
                "be repeated: write `with tg.no_grad(): t -= ...`, or t[...] = values"
            )
        return value

    def _returned(self, x: Any) -> Returned:
        if not isinstance(x, Tensor):
            if isinstance(x, np.ndarray) and id(x) not in self.values:
                raise self.refusal(
                    f"{self.program.name} returned an array of shape {x.shape} that was computed "
                    "by NumPy, not by operations of this library: it would be the same in every "
                    "call. Compute it with the functions of tg, or outside, from what is returned"
                )
            return Returned(None, x)
        if id(x) in self.given:
            return Returned(self.values[id(x._data)], "given")
        if x in self.data and x.record is None:
            return Returned(None, x)
        if x.record is None and x._grad is not None:
            raise self.refusal(
                f"{self.program.name} returned {x._describe()}, a leaf that it made itself, whose "
                "gradient would be lost: return t.detach() and t.grad instead"
            )
        return Returned(self.value(x), None, id(x) in self.arrays, x._requires_grad)


def _twin(data: Any) -> Any:
    """The same values under an identity of their own."""
    return data.view(np.ndarray) if isinstance(data, np.ndarray) else np.array(data)[()]


def _place() -> Callable[[], str]:
    """The line of the user's code that runs now, to be put in words if it comes to that."""
    frame = caller()
    code, line = frame.f_code, frame.f_lineno
    return lambda: str(graph.Site(code.co_filename, line, code.co_name))


def _ends_here(what: str) -> Callable[..., Any]:
    def rule(*_: Any, **__: Any) -> Any:
        raise RuntimeError(
            f"the backward pass came to {what}: gradients do not pass through a compiled function. "
            "Call backward() inside of it, or take gradients there with tg.grad"
        )

    return rule


def beyond(t: Tensor, what: str) -> Tensor:
    """``t`` as one that requires a gradient which leads out of the compiled function: an error."""
    end = new(Tensor)
    end._data = t._data
    end._requires_grad = True
    end.order = 1
    end._grad = end.name = end.watch = None
    end.record = (boundary(what), (anchor,), {}, None, beyond.__code__, 0)
    return end


def boundary(what: str) -> Primitive:
    """The operation that stands where a graph is cut by a compiled function."""
    return primitive(lambda x: x, (_ends_here(what),), name="compiled")


anchor = constant(np.float64(0))
anchor._requires_grad = True
