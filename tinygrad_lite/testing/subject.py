"""The function under test, reduced to arrays in, one array out, and a pullback of cotangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from copy import copy
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.backward import cotangents
from tinygrad_lite.mode import no_grad
from tinygrad_lite.random import manual_seed
from tinygrad_lite.tensor import Tensor, constant
from tinygrad_lite.testing.call import Call
from tinygrad_lite.testing.layouts import Array, Arrays, leaf
from tinygrad_lite.testing.trees import flatten


class Subject:
    """What is checked: a value at arrays, and the gradients that a cotangent is pulled back to."""

    call: Call
    order = 1

    def value(self, arrays: Arrays) -> Array:
        """The result at ``arrays``; several results are joined into one vector."""
        raise NotImplementedError

    def pull(self, arrays: Arrays, cotangent: Array, wrt: Sequence[int] | None = None) -> list[Any]:
        """The gradient of ``<cotangent, value>`` in each input of ``wrt``; None for the others."""
        raise NotImplementedError

    def tied(self, groups: Sequence[Sequence[int]]) -> Subject:
        """The same with one array in place of each group of inputs."""
        twin = copy(self)
        twin.call = self.call.tied(groups)
        return twin

    def is_double(self, arrays: Arrays) -> bool:
        """Whether the value has the digits of float64 where all inputs have."""
        return bool(self.value([np.array(a, np.float64) for a in arrays]).dtype.itemsize >= 8)

    @property
    def labels(self) -> list[str]:
        """What each input is called."""
        return self.call.labels

    @property
    def arrays(self) -> list[Array]:
        """The inputs to check at."""
        return self.call.arrays


class Recorded(Subject):
    """A function of tensors; the gradients are those of the library's backward pass."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def record(self, tensors: Sequence[Tensor]) -> Tensor:
        """The result as a tensor, recorded."""
        return joined(self.call(tensors), self.call.name)

    def value(self, arrays: Arrays) -> Array:
        def evaluate() -> Array:
            with no_grad(), np.errstate(all="ignore"):
                return np.asarray(self.record([leaf(a, False) for a in arrays])._data)

        return copy_context().run(evaluate)

    def pull(self, arrays: Arrays, cotangent: Array, wrt: Sequence[int] | None = None) -> list[Any]:
        def evaluate() -> list[Any]:
            leaves = [leaf(a, wrt is None or i in wrt) for i, a in enumerate(arrays)]
            with np.errstate(all="ignore"):
                out = self.record(leaves)
            if not out._requires_grad:
                return [None] * len(leaves)
            found = cotangents(out, cotangent)
            gradients = [found.get(x) for x in leaves]  # tensors, if an interceptor looks on
            return [g._data if isinstance(g, Tensor) else g for g in gradients]

        return copy_context().run(evaluate)


class Differentiated(Subject):
    """The gradients of another subject, as a function of its inputs and of the cotangent."""

    inner: Subject

    def __init__(self, inner: Subject, cotangent: Array) -> None:
        self.call = inner.call
        self.inner = inner
        self.order = inner.order + 1
        self.cotangent = cotangent

    @property
    def labels(self) -> list[str]:
        return [*self.inner.labels, "the cotangent"]

    @property
    def arrays(self) -> list[Array]:
        return [*self.inner.arrays, self.cotangent]


class Gradient(Differentiated, Recorded):
    """The gradients of a recorded function, recorded themselves."""

    inner: Recorded

    def is_double(self, arrays: Arrays) -> bool:
        return self.inner.is_double(arrays[:-1])

    def record(self, tensors: Sequence[Tensor]) -> Tensor:
        *leaves, cotangent = tensors
        leaves = [x if x._requires_grad else leaf(x._data) for x in leaves]
        out = self.inner.record(leaves)
        found = cotangents(out, cotangent, create_graph=True) if out._requires_grad else {}
        gradients = [found.get(x, constant(np.zeros_like(x._data))) for x in leaves]
        return joined(tuple(gradients) if len(gradients) > 1 else gradients[0], self.call.name)

    def value(self, arrays: Arrays) -> Array:
        *inputs, cotangent = arrays
        gradients = self.inner.pull(inputs, cotangent)
        parts = [np.zeros_like(x) if g is None else g for g, x in zip(gradients, inputs)]
        return np.asarray(parts[0]) if len(parts) == 1 else np.concatenate([*map(np.ravel, parts)])


class HandWritten(Subject):
    """A NumPy function and its derivative, written by hand, both outside of this library."""

    def __init__(self, call: Call, vjp: Callable[..., Any]) -> None:
        self.call = call
        self.vjp = vjp

    def value(self, arrays: Arrays) -> Array:
        with np.errstate(all="ignore"):
            out = self.call([a[()] for a in arrays])
        if isinstance(out, (tuple, list, dict)):
            return np.concatenate([np.ravel(x) for _, x in flatten(out)])
        return np.asarray(out)

    def vjp_at(self, arrays: Arrays, cotangent: Array) -> Any:
        """What the derivative returns."""
        call = self.call
        if call.seed is not None:
            manual_seed(call.seed)
        arguments = call.arguments([a[()] for a in arrays])
        return self.vjp(cotangent[()], *arguments, **call.attributes)

    def pull(self, arrays: Arrays, cotangent: Array, wrt: Sequence[int] | None = None) -> list[Any]:
        call = self.call
        with np.errstate(all="ignore"):
            given = self.vjp_at(arrays, cotangent)
        gradients = [g for _, g in flatten(given)]
        places = sorted(i for group in call.slots for i in group)
        if len(gradients) == len(call.leaves):
            gradients = [gradients[i] for i in places]
        if len(gradients) != len(places):
            raise TypeError(
                f"the vjp of {call.name} returned {len(gradients)} gradients for "
                f"{len(places)} floating-point inputs ({', '.join(call.labels)})"
            )
        by_place = dict(zip(places, gradients))
        totals = [reduce(add, [by_place[i] for i in group]) for group in call.slots]
        return [g if wrt is None or i in wrt else None for i, g in enumerate(totals)]


def joined(out: Any, name: str) -> Tensor:
    """The result as one tensor: several are joined into a vector."""
    if out is None:
        raise TypeError(f"{name} returns None: does it lack a return statement?")
    if isinstance(out, (tuple, list, dict)):
        parts = [ops.reshape(joined(x, name), (-1,)) for _, x in flatten(out)]
        out = ops.concatenate(parts)
    t = out if isinstance(out, Tensor) else constant(np.asarray(out)[()])
    if t.dtype.kind not in "fc":
        raise TypeError(
            f"{name} returns {t.dtype}, which has no derivative: only floating point does"
        )
    return t
