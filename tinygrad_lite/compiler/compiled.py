"""tg.compile: a function that writes itself down as straight-line NumPy, and runs that instead."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from threading import RLock
from types import MethodType
from typing import Any

import numpy as np

from tinygrad_lite.compiler.arguments import Copies
from tinygrad_lite.compiler.binding import REPEAT, Bound
from tinygrad_lite.compiler.compare import Varies
from tinygrad_lite.compiler.driver import MISS, Driver
from tinygrad_lite.compiler.emit import Emission
from tinygrad_lite.compiler.explain import report
from tinygrad_lite.compiler.guards import Conditions, Watch
from tinygrad_lite.compiler.hidden import Hidden
from tinygrad_lite.compiler.passes import Notes, optimise
from tinygrad_lite.compiler.program import Error, Program
from tinygrad_lite.compiler.signature import describe, in_words, places, remedy, structure
from tinygrad_lite.compiler.standalone import save
from tinygrad_lite.compiler.trace import Tracer
from tinygrad_lite.compiler.variant import MANY, Repeats, Variant, leaf_conditions, settled
from tinygrad_lite.mode import mode, switched
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.tree import flatten

BOUND = 16
"""How many programs a function may have before it is run as it is."""


class Compiled:
    """A function that is compiled as it is called; made by :func:`compile`.

    Attributes:
        function: the function itself.
        traced: how many of its calls ran as they are, to be compiled.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.traced = 0
        update_wrapper(self, function)
        self._name = getattr(function, "__name__", type(function).__name__)
        self._variants: list[Variant] = []
        self._known: dict[Tensor, None] = {}
        self._kept: list[Any] = []
        self._traces = 0
        self._given_up = ""
        self._attribute: str | None = None
        self._lock = RLock()
        self._drive: Callable[[tuple[Any, ...]], Any] = _miss

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            out = self._drive(args)
            if out is not MISS:
                return out
        grad, intercept, _ = mode()
        if intercept is not None or self._given_up:
            return self.function(*args, **kwargs)
        leaves, build = flatten((args, kwargs))
        key = (grad, structure((args, kwargs)), tuple(map(describe, leaves)))
        with self._lock:
            variant = next((v for v in self._variants if v.fits(key, leaves) and v.holds()), None)
            if variant is None or variant.bound is None:
                return self._trace(key, leaves, build, variant, args, kwargs)
            out = self._run(variant, variant.bound, leaves, args, kwargs)
            if variant.driver is not None:
                if variant.driver.data is not variant.bound.data:
                    variant.driver.bind()
                self._drive = variant.driver.drive
            return out

    def _run(
        self, variant: Variant, bound: Bound, leaves: list[Any], args: Any, kwargs: Any
    ) -> Any:
        if not bound.intact():
            bound.bind()
        given = [
            x._data if isinstance(x, Tensor) else x
            for x in (leaves[i] for i in sorted(variant.program.arguments))
        ]
        results = bound(given)
        if results is REPEAT:
            return variant.repeats(*args, **kwargs)
        return variant.program.structure(bound.leaves(results, leaves))

    def _trace(
        self,
        key: Any,
        leaves: list[Any],
        build: Any,
        first: Variant | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Run the function as it is and note what it does; the second time, compile it."""
        if first is None and not self._room(key, leaves):
            return self.function(*args, **kwargs)
        self.traced += 1
        others = [x for x in leaves if not isinstance(x, (np.ndarray, Tensor, np.generic))]
        watch, hidden = Watch(self.function), Hidden(self.function, others)
        tracer = Tracer(self._name, self._known, hidden)
        used = build([tracer.argument(i, x) for i, x in enumerate(leaves)])
        copies = Copies((args, kwargs), used)
        try:
            with switched(intercept=tracer), watch():
                result = self.function(*used[0], **used[1])
        finally:
            changed = [hidden.finish(), watch.outward, copies.carry_over(tracer.own)]
            changed.append(tracer.overwritten())
        program = tracer.finish(result)
        returned = self._restored(program, tracer, result, leaves)
        self._known.update(dict.fromkeys(program.leaves))
        self._kept += others
        tracer = hidden = used = copies = result = None  # type: ignore[assignment]
        self._note(key, program, watch, first, leaves, next(filter(None, changed), ""))
        return returned

    def _note(
        self,
        key: Any,
        program: Program,
        watch: Watch,
        first: Variant | None,
        leaves: list[Any],
        changed: str,
    ) -> None:
        earlier = first or next((v for v in self._variants if v.key == key and v.changed), None)
        if earlier is not None:
            self._variants.remove(earlier)
        if first is not None and program.stray and not first.program.stray:
            self._variants.insert(0, first)  # to be compared with a call without NaN
            return
        try:
            if first is not None and not settled(first.program, program):
                first = None
        except Varies as varies:
            self._give_up(str(varies))
            return
        if changed and earlier is not None and earlier.changed:
            self._give_up(
                f"every call changes or uses {changed}, of which a compiled call would know "
                "nothing. Do that outside of the function: let it return what is needed for it"
            )
            return
        paths = watch.paths()
        careful = any(v.key == key and v.repeats.count >= MANY for v in self._variants)
        notes, traced = Notes(), len(program.instructions)
        bound = None
        if first is not None and not changed:
            notes = optimise(program, careful)
            bound = Bound(
                program, Emission(program, self._parameters(program, key[1]), paths).write()
            )
        operands = {
            id(v.source) for s in program.instructions for v in s.inputs if v.kind == "captured"
        }
        conditions = Conditions()
        conditions.watch(watch, operands)
        leaf_conditions(conditions, program)
        repeats = Repeats(self.function, self._name, last=careful)
        if bound is not None and not careful:
            conditions.names["repeats"] = repeats
            conditions.add(f"repeats.count < {MANY}", "how often it met what is not a number")
        variant = Variant(key, program, conditions, changed)
        variant.repeats = repeats
        variant.bound, variant.notes, variant.traced = bound, notes, traced
        if bound is not None and key[1] == structure((tuple(leaves), {})):
            variant.driver = Driver(repeats, key[0], leaves, bound, conditions, self._lock)
            self._drive = variant.driver.drive
        self._variants.insert(0, variant)

    def _room(self, key: Any, leaves: list[Any]) -> bool:
        """Whether another program may be made; says so when there are too many."""
        self._traces += 1
        if self._traces <= BOUND:
            return True
        stale = [v for v in self._variants if v.key == key]
        what = stale[0].conditions.first_broken() if stale else ""
        why = (
            f"{what} changes from call to call"
            if what
            else f"its arguments were new again: {in_words(leaves)}"
        )
        advice = remedy([] if what else leaves)
        self._give_up(f"it was traced {BOUND} times and {why}. {advice}")
        return False

    def _give_up(self, why: str) -> None:
        """From now on, do no more than call the function."""
        self._given_up = why
        warnings.warn(f"{self._name} is run without compilation from now on: {why}", stacklevel=5)

    def _parameters(self, program: Program, nest: Any) -> list[str]:
        """Names for the arguments: those of the function's own parameters, and keys in them."""
        try:
            own = [
                p.name
                for p in inspect.signature(self.function).parameters.values()
                if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            ]
        except (TypeError, ValueError):
            own = []
        found = []
        for named, first, *keys in places(nest):
            name = first if named else own[first] if first < len(own) else f"x{first}"
            found.append("_".join(map(str, [name, *keys])))
        return [found[i] for i in sorted(program.arguments)]

    def _restored(self, program: Program, tracer: Tracer, result: Any, leaves: list[Any]) -> Any:
        """What the traced call returns: with the arguments in place of what stood for them."""
        found, _ = flatten(result)
        out = []
        for r, x in zip(program.returned, found):
            if r.value is not None and r.thing:
                x = leaves[r.value.source]
            elif isinstance(x, Tensor) and isinstance(x._data, np.ndarray) and not x._data.ndim:
                x._data = x._data[()]
            if r.as_array and isinstance(x, Tensor):
                x = x._data
            out.append(x)
        return program.structure(out)

    # What it has become

    @property
    def source(self) -> str:
        """The NumPy source of the program that ran last.

        Raises:
            RuntimeError: if there is none yet: it takes two calls that do the same.
        """
        return str(self._compiled().bound.source.text)

    def save_source(self, path: str | Path) -> Path:
        """Write the source to a file that runs on its own, with NumPy alone.

        The parameters, buffers and optimiser states are written beside it, as ``.npz``; the file
        loads them. The function in it works on arrays, and updates them as the original would.

        Raises:
            Error: if it calls something whose source is not at hand.
        """
        with self._lock:
            variant = self._compiled()
            return save(variant.bound, variant.key[1], path)

    def explain(self) -> str:
        """What was fused, dropped and used again, and how large the buffers are."""
        variant = self._compiled()
        return report(variant.program, variant.bound.source, variant.notes, variant.traced)

    def _compiled(self) -> Any:
        for variant in self._variants:
            if variant.bound is not None:
                return variant
        if self._given_up:
            raise RuntimeError(f"{self._name} is run without compilation: {self._given_up}")
        raise RuntimeError(
            f"{self._name} has not been compiled yet: call it twice with arguments of the same "
            "shapes; both calls run as they are, and what they have in common is compiled"
        )

    # What Python does with functions

    def __set_name__(self, _: type, name: str) -> None:
        self._attribute = name

    def __get__(self, instance: Any, kind: type | None = None) -> Any:
        """As a method: compiled for each object by itself, which keeps it under the same name."""
        if instance is None or not hasattr(self.function, "__get__"):
            return self
        method = self.function.__get__(instance, kind)
        if method is self.function:
            return self
        attributes = getattr(instance, "__dict__", None)
        if self._attribute is None or not isinstance(attributes, dict):
            return MethodType(self, instance)
        return attributes.setdefault(self._attribute, Compiled(method))

    def __reduce__(self) -> Any:
        """A copy is the function, copied as Python does it, to be compiled anew."""
        name = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(self.__module__)
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (compile, (self.function,))

    def __repr__(self) -> str:
        return f"<compiled {self._name}>"


def compile(function: Callable[..., Any]) -> Compiled:
    """Write a function down as straight-line NumPy, and run that instead of it.

    The function may compute, run backward passes and optimiser steps, and return any nest of
    tensors and arrays. Its first two calls with arguments of a kind (structure, shapes, dtypes,
    plain values) run as they are; what both did is then compiled, and later calls run that: the
    same numbers to rounding, the same random draws, the same effects on parameters, gradients and
    optimisers. The memory it works in is allocated once; what it returns is the caller's own.

    Parameters and settings of optimisers are read anew by every call. When something else changes
    that the function read from outside (a global, an attribute, an item of a dict, a module's
    mode), it is traced again. What Python does with the values of tensors cannot be followed and
    is an error. A function that does more in every call than operations and optimisers (it prints,
    counts in an attribute, appends to a list, changes an array that it was given, draws with
    ``random``) is run without compilation, with a warning that says what it changes; so is one
    in which the shape of an array hangs on values (``x[mask]``), where it does not stay the same.

    While a call is traced, arrays among the arguments are tensors: ``x.copy()`` or
    ``isinstance(x, np.ndarray)`` see the difference. A compiled call warns of no overflow or
    division by zero, whatever ``np.errstate`` says.

    Args:
        function: a function, a method or a module; with the ``@`` sign, what is defined below.

    Returns:
        A :class:`Compiled`: it is called as the function is; ``source``, ``explain()`` and
        ``save_source(path)`` show what it has become.

    Raises:
        tinygrad_lite.compiler.Error: when it is called, if it reads values in the middle, or does
            something else in one call than in the next; with the line and what to do.
        TypeError: if ``function`` is none.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> w = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> optimizer = tg.optim.SGD([w], lr=0.1)
    >>> @tg.compile
    ... def step(x):
    ...     optimizer.zero_grad()
    ...     loss = ((w * x) ** 2).mean()
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> for _ in range(3):
    ...     loss = step(np.array([1.0, 1.0]))
    >>> loss.item()
    1.640...
    >>> print(step.source)
    \"""step, as NumPy source; written by tinygrad_lite.compile.\"""
    ...
    def step(x):
        product = multiply(w, x, b0)  # float64 (2,)
    ...
    """
    if not callable(function):
        raise TypeError(f"tg.compile takes a function, not {function!r}; call what it returns")
    return function if isinstance(function, Compiled) else Compiled(function)


def _miss(_: tuple[Any, ...]) -> Any:
    return MISS


__all__ = ["Compiled", "Error", "compile"]
