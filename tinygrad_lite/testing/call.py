"""A function with its arguments taken apart: the floating-point ones, and all the rest."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np

from tinygrad_lite.random import generator, manual_seed
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.testing.layouts import Array, arrange
from tinygrad_lite.testing.signatures import describe, names
from tinygrad_lite.testing.trees import flatten, rebuild


class Call:
    """A function and its arguments, of which those of floating point can be replaced.

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


@contextmanager
def generator_kept() -> Iterator[None]:
    """The library's default generator, which a seed starts anew, goes on afterwards as before."""
    default = generator()
    state = default.bit_generator.state
    try:
        yield
    finally:
        default.bit_generator.state = state


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


def is_float(x: Any) -> bool:
    """Whether ``x`` is an array, or NumPy scalar, of floating-point numbers."""
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"
