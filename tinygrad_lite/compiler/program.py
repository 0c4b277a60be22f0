"""What a trace leaves: values, the instructions that compute them, and their effects, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_lite.primitive import Primitive
from tinygrad_lite.tensor import Tensor


class Error(RuntimeError):
    """A function that cannot be compiled as it is; the message names the line and the remedy."""


@dataclass(eq=False)
class Value:
    """An array or number of the program.

    Attributes:
        kind: ``argument`` of the call, ``state`` of a tensor that outlives it, ``gradient`` that
            such a tensor has when the call begins, ``changed`` gradient after an effect,
            ``captured`` array, ``constant``, ``result``.
        source: the position of the argument, the tensor, the array or number; None for a result.
        weak: whether it is a Python number, whose dtype gives way to that of its partner.
        gradient_of: the value that it is the gradient of.
        site: where it was first used, for messages: a function that says so.
    """

    kind: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    source: Any = None
    weak: bool = False
    gradient_of: Value | None = None
    site: Callable[[], str] | None = None

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=int))

    def __repr__(self) -> str:
        return f"<{self.kind} {self.shape} {self.dtype}>"


@dataclass(eq=False)
class Instruction:
    """``out = operation(*inputs, **attributes)``."""

    operation: Primitive
    inputs: list[Value]
    attributes: dict[str, Any]
    out: Value
    scope: Any = None
    site: Callable[[], str] | None = None


@dataclass(eq=False)
class Effect:
    """A call that is repeated as it is: ``call()``, which reads gradients and changes tensors.

    Attributes:
        call: what is called.
        owner: the optimiser, schedule or function that it belongs to; None if there is only
            something to store.
        gradients: what ``grad`` of the tensors is when it is called.
        changed: the tensors whose data it may change.
        clips: whether it changes the gradients instead.
        out: the tensor that it returns, if it does.
        stores: the values that the arrays of tensors are given, by the state that this makes.
    """

    call: Callable[[], Any]
    owner: Any
    gradients: dict[Tensor, Value | None]
    changed: list[Tensor]
    clips: bool = False
    out: Value | None = None
    site: Callable[[], str] | None = None
    stores: dict[Value, Value] = field(default_factory=dict)


@dataclass(eq=False)
class Returned:
    """One leaf of what the function returned.

    Attributes:
        value: what it is in the program, or None for an object that is returned as it is.
        thing: that object.
        as_array: whether an array rather than a tensor.
        requires_grad: whether the tensor hangs on a graph, which ends at the compiled function.
    """

    value: Value | None
    thing: Any = None
    as_array: bool = False
    requires_grad: bool = False


@dataclass(eq=False)
class Program:
    """All that one run of a function did.

    Attributes:
        name: of the function.
        arguments: the arrays and tensors among the arguments, by position among the leaves.
        steps: instructions and effects in the order of execution.
        returned: the leaves of the result; ``structure`` puts them into their nest.
        leaves: the tensors that outlive the call and require a gradient, with what ``grad`` was
            when the call began: ``"none"``, ``"some"``, or ``"any"`` if it makes no difference.
        gradients: what ``grad`` of each of them is at the end, where that has changed.
        writes: the values that tensors hold at the end, where those were replaced.
        differentiates: whether it runs a backward pass.
        exact: the integers among the arguments that Python itself has used, by position.
        stray: whether a rule met NaN, and did what it does not do otherwise.
    """

    name: str
    arguments: dict[int, Value] = field(default_factory=dict)
    steps: list[Instruction | Effect] = field(default_factory=list)
    returned: list[Returned] = field(default_factory=list)
    structure: Any = None
    leaves: dict[Tensor, str] = field(default_factory=dict)
    gradients: dict[Tensor, Value | None] = field(default_factory=dict)
    writes: dict[Tensor, Value] = field(default_factory=dict)
    differentiates: bool = False
    exact: dict[int, int] = field(default_factory=dict)
    stray: bool = False

    @property
    def instructions(self) -> list[Instruction]:
        """The steps that compute."""
        return [step for step in self.steps if isinstance(step, Instruction)]

    @property
    def effects(self) -> list[Effect]:
        """The steps that call out."""
        return [step for step in self.steps if isinstance(step, Effect)]

    def wanted(self) -> list[Value]:
        """The values that leave the program, other than as gradients for effects."""
        found = [r.value for r in self.returned if r.value is not None]
        found += [v for v in self.gradients.values() if v is not None]
        found += [v for effect in self.effects for v in effect.stores.values()]
        return found + list(self.writes.values())
