"""The function under test, reduced to arrays in, one array out, and a pullback of cotangents."""

from __future__ import annotations

import inspect
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
from tinygrad_lite.primitive import Primitive
from tinygrad_lite.random import manual_seed
from tinygrad_lite.tensor import Tensor, constant
from tinygrad_lite.testing.layouts import arrange, leaf
from tinygrad_lite.testing.trees import flatten, names, rebuild

Array = np.ndarray[Any, Any]
Arrays = Sequence[Array]


class Call:
    """A function with its arguments taken apart: the floating-point ones, and all the rest.

    Attributes:
        arrays: the floating-point arguments, the ones to differentiate by, read-only.
        labels: what each of them is called.
        slots: for each of them, where it is among all of the leaves: in several places, if one
            array was given for several arguments and the call is :meth:`tied`.
        shared: the groups of them, by number, that were given as one and the same object.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        inputs: Any,
        attributes: dict[str, Any] | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        self.f = f
        self.attributes = attributes or {}
        self.seed = seed
        self.name = name or describe(f)
        self.tree = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
        self._require_fit()
        labelled = [
            (label + path, x)
            for label, branch in zip(names(f, self.tree), self.tree)
            for path, x in flatten(branch)
        ]
        self.leaves = [x.numpy() if isinstance(x, Tensor) else x for _, x in labelled]
        widths = [x.dtype for x in self.leaves if is_float(x)]
        weak = np.result_type(*widths) if widths else np.dtype(float)
        floats = [i for i, x in enumerate(self.leaves) if type(x) is float or is_float(x)]
        self.slots: list[tuple[int, ...]] = [(i,) for i in floats]
        self.labels = [labelled[i][0] for i in floats]
        self.shared = grouped([labelled[i][1] for i in floats])
        self.arrays: list[Array] = []
        for label, i in zip(self.labels, floats):
            x = self.leaves[i]
            array = arrange(np.asarray(x, weak) if type(x) is float else x, "C")
            if not np.isfinite(array).all():
                raise ValueError(
                    f"{self.name}: {label} is not finite everywhere; derivatives are checked at "
                    "finite points: to hold an argument fixed, close over it"
                )
            self.arrays.append(array)
        if not self.slots:
            kinds = [getattr(x, "dtype", type(x).__name__) for x in self.leaves]
            raise TypeError(
                f"{self.name} has no floating-point input to differentiate by: got {kinds}"
            )

    def _require_fit(self) -> None:
        """Raise a TypeError if the function cannot be called with so many arguments."""
        hint = "A tuple or list is taken as the arguments, one by one: pass an array, or [x]"
        count = len(self.tree)
        rules = getattr(self.f, "vjps", None)
        if isinstance(rules, tuple) and len(rules) != count:
            raise TypeError(f"{self.name} takes {len(rules)}, not {count}, arguments. {hint}")
        try:
            signature = inspect.signature(self.f)
        except (TypeError, ValueError):  # written in C, with no signature to read
            return
        try:
            signature.bind(*self.tree, **self.attributes)
        except TypeError as error:
            raise TypeError(
                f"{self.name} cannot be called with {count} argument{'s' * (count != 1)}: {error}. "
                + hint * ("keyword" not in str(error))
            ) from None

    def arguments(self, values: Sequence[Any]) -> Any:
        """The arguments in their nested form, with ``values`` for the floating-point ones."""
        leaves = list(self.leaves)
        for places, value in zip(self.slots, values):
            for i in places:
                leaves[i] = value
        return rebuild(self.tree, iter(leaves))

    def tied(self, groups: Sequence[Sequence[int]]) -> Call:
        """The call with one array in place of each group of them: the first of the group."""
        twin = copy(self)
        dropped = {k for group in groups for k in group[1:]}
        kept = [k for k in range(len(self.slots)) if k not in dropped]
        places = {group[0]: [i for k in group for i in self.slots[k]] for group in groups}
        twin.slots = [tuple(places.get(k, self.slots[k])) for k in kept]
        twin.labels = [self.labels[k] for k in kept]
        twin.arrays = [self.arrays[k] for k in kept]
        twin.shared = []
        return twin

    def __call__(self, values: Sequence[Any]) -> Any:
        """The result of ``f``, its random numbers drawn anew from the seed."""
        if self.seed is not None:
            manual_seed(self.seed)
        return self.f(*self.arguments(values), **self.attributes)


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

    def digits(self, arrays: Arrays) -> int:
        """The bytes of the value's dtype where all inputs are float64."""
        return int(self.value([np.array(a, np.float64) for a in arrays]).dtype.itemsize)

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


class Gradient(Recorded):
    """The gradients of a recorded function, as a function of its inputs and of the cotangent."""

    def __init__(self, inner: Recorded, cotangent: Array) -> None:
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

    def digits(self, arrays: Arrays) -> int:
        return self.inner.digits(arrays[:-1])

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


def grouped(given: Sequence[Any]) -> list[list[int]]:
    """The places at which one and the same array or tensor stands, for each that is there again.

    >>> x, y = np.zeros(2), np.zeros(2)
    >>> grouped([x, y, x])
    [[0, 2]]
    """
    places: dict[int, list[int]] = {}
    for k, x in enumerate(given):
        if isinstance(x, (Tensor, np.ndarray)):
            places.setdefault(id(x), []).append(k)
    return [group for group in places.values() if len(group) > 1]


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


def is_float(x: Any) -> bool:
    """Whether ``x`` is an array, or NumPy scalar, of floating-point numbers."""
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"


def describe(f: Callable[..., Any]) -> str:
    """What to call the function in messages."""
    if isinstance(f, Primitive):
        return f.name
    return getattr(f, "__name__", type(f).__name__)
