"""A program brought to life: its source executed, and bound to tensors and optimisers."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from contextvars import copy_context
from itertools import count, pairwise
from types import CodeType
from typing import Any
from weakref import finalize

import numpy as np

from tinygrad_lite.compiler.arena import Joint, Update, joined
from tinygrad_lite.compiler.emit import Slot, Source
from tinygrad_lite.compiler.program import Effect, Program
from tinygrad_lite.compiler.trace import anchor, beyond, boundary
from tinygrad_lite.compiler.writer import may_vary
from tinygrad_lite.random import generator
from tinygrad_lite.tensor import Tensor, constant, new, tick

REPEAT: Any = object()
"""What a program returns when a gradient is not a number: the call is to be repeated eagerly."""

_number = count(1).__next__


class Bound:
    """A program that can be called with the arrays of its arguments.

    Args:
        program: what it does.
        source: how it is written.
    """

    getrefcount = staticmethod(sys.getrefcount)

    def __init__(self, program: Program, source: Source) -> None:
        self.program = program
        self.source = source
        self.filename = f"<compiled {program.name} {_number()}>"
        self.code: CodeType = compile(source.text, self.filename, "exec")
        lines = source.text.splitlines(keepends=True)
        linecache.cache[self.filename] = (len(source.text), None, lines, self.filename)
        finalize(self, linecache.cache.pop, self.filename, None)
        self.context = copy_context()
        self.context.run(np.seterr, all="ignore")
        self.residents = [t for t in source.given.values() if isinstance(t, Tensor)]
        self.generators = _generators(program)
        self.first_effect = _first_effect(source)
        self.record: Any = (boundary("its result"), (anchor,), {}, None, beyond.__code__, 0)
        outlets = [r for r in program.returned if r.value is not None and not r.thing]
        numbers = [s for s in source.last.values() if s is not None and not s.value.shape]
        self.several = len(outlets) + len(program.writes) + len(numbers) != 1
        self.bind()

    def bind(self) -> None:
        """Execute the setup: allocate the buffers and take the tensors' arrays as they are now."""
        source = self.source
        given: dict[str, Any] = {"repeat": _repeater(self.program.name)}
        updates: list[Update] = []
        namespace: dict[str, Any] = {"given": given}
        for effect in source.effects.values():
            if not _is_plain_step(effect, source):
                continue
            for slots in self._lots(effect).values():
                if _consecutive(slots):
                    _gather(effect, [s.tensor for s in slots])
        for name, thing in source.given.items():
            given[name] = thing._data if isinstance(thing, Tensor) else thing
        for name in source.effects:
            given[name] = None  # bound below, when the gradients have their places
        exec(self.code, namespace)
        self.namespace = namespace
        for name, effect in source.effects.items():
            if _is_plain_step(effect, source):
                update = Update(effect.owner, self._update_lots(effect))
                update.prepare()
                updates.append(update)
                namespace[name] = update
            else:
                namespace[name] = self._opaque(effect)
        self.data = [t._data for t in self.residents]
        # Taken out, so that the function and its own globals are no cycle.
        self.function: Callable[..., Any] = namespace.pop(source.function)
        self.gradients = {
            t: None if slot is None else self._gradient(slot) for t, slot in source.last.items()
        }
        self.steady = [(t, g) for t, g in self.gradients.items() if g is None or g.shape]
        self.held = [g for g in self.gradients.values() if g is not None and g.shape]
        self.watched = [*self.held, *(g._data for g in self.held)]
        self.watched += [namespace[flat] for flat in source.flats if flat in namespace]
        self.recount()

    def _gradient(self, slot: Slot) -> Tensor:
        return constant(self.namespace[slot.name] if slot.value.shape else np.zeros(())[()])

    def _lots(self, effect: Effect) -> dict[tuple[int, str], list[Slot]]:
        """What an optimiser's step reads, by group and by where the gradients are."""
        groups = effect.owner.param_groups
        lots: dict[tuple[int, str], list[Slot]] = {}
        place = {id(t): i for i, g in enumerate(groups) for t in g["params"]}
        for (t, v), slot in self.source.slots.items():
            if effect.gradients.get(t) is v:
                lots.setdefault((place[id(t)], slot.flat), []).append(slot)
        return {key: _in_order(slots) for key, slots in lots.items()}

    def _update_lots(self, effect: Effect) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for (number, flat), slots in self._lots(effect).items():
            each = [self.namespace[s.name] for s in slots]
            vector = None
            if flat and flat != slots[0].name and _consecutive(slots):
                stop = slots[-1].start + slots[-1].value.size
                vector = self.namespace[flat][slots[0].start : stop]
            found.setdefault(number, []).append(([s.tensor for s in slots], vector, each))
        return found

    def _opaque(self, effect: Effect) -> Callable[..., Any]:
        """Any other call: the gradients are put where it looks for them."""
        slots = {t: v and self.source.slots.get((t, v)) for t, v in effect.gradients.items()}
        places = {t: self.namespace[s.name] for t, s in slots.items() if s and s.value.shape}
        gone = [t for t, v in effect.gradients.items() if v is None]
        numbers = [t for t, s in slots.items() if s and not s.value.shape]
        live = [t for t in effect.changed if t in self.source.live]
        clipped = numbers if effect.clips else []

        def call(*given: Any) -> Any:
            for t, place in places.items():
                t._grad = constant(place)
            for t, number in zip(numbers, given):
                t._grad = constant(number)
            for t in gone:
                t._grad = None
            result = effect.call()
            found = [t._data for t in live]
            found += [t._grad._data for t in clipped]  # type: ignore[union-attr]
            return found if effect.out is None else [*found, result._data]

        return call

    def intact(self) -> bool:
        """Whether the tensors still have the arrays that it was bound to."""
        return all(t._data is a for t, a in zip(self.residents, self.data))

    def __call__(self, given: list[Any]) -> Any:
        """Run it on the data of the arguments; the leaves of the result, or ``REPEAT``."""
        source = self.source
        if self.held and not self.free():
            self.bind()  # somebody keeps a gradient of an earlier call: it stays as it is
        if source.live:
            given = [*given, *[t._data for t in source.live]]
        if source.entering:
            given = [*given, *[t._grad._data for t in source.entering]]  # type: ignore[union-attr]
        saved = [(rng, rng.bit_generator.state) for rng in self.generators]
        try:
            results = self.context.run(self.function, *given)
        except Exception as error:
            if self.begun(error):
                raise
            results = REPEAT
        if results is REPEAT:
            for rng, state in saved:
                rng.bit_generator.state = state
            return REPEAT
        for t, g in self.steady:
            t._grad = g
        return results if results is not None else ()

    def begun(self, error: Exception) -> bool:
        """Whether an error came when something had been updated already."""
        place = error.__traceback__
        while place is not None and place.tb_frame.f_code.co_filename != self.filename:
            place = place.tb_next
        return place is None or place.tb_lineno >= self.first_effect

    def recount(self) -> None:
        """Note how often the memory of the gradients is held by nobody but the program."""
        self.counts = self._count()

    def _count(self) -> list[int]:
        """How often each is held, as if every gradient were shown by its tensor."""
        hidden = [t._grad is not g for t, g in self.steady if g is not None]
        counts = [*map(self.getrefcount, self.watched)]
        for place, one in enumerate(hidden):
            counts[place] += one
        return counts

    def free(self) -> bool:
        """Whether nobody else holds the memory that gradients are written to."""
        return self._count() == self.counts

    def leaves(self, results: Any, arguments: list[Any]) -> list[Any]:
        """The leaves of what the function returns, from what the program returned."""
        rest = iter(results if self.several else (results,))
        found = [
            r.thing
            if r.value is None
            else arguments[r.value.source]
            if r.thing
            else next(rest)
            if r.as_array
            else self.tensor(next(rest), r.requires_grad)
            for r in self.program.returned
        ]
        for t in self.program.writes:
            t._data = next(rest)
            t.order = tick()
        for t, slot in self.source.last.items():
            if slot is not None and not slot.value.shape:
                t._grad = constant(next(rest))
        return found

    def tensor(self, data: Any, requires_grad: bool) -> Tensor:
        """A tensor of a result; its graph ends here."""
        t = new(Tensor)
        t._data = data
        t._grad = t.name = t.watch = None
        t._requires_grad = requires_grad
        t.order = 1 if requires_grad else 0
        t.record = self.record if requires_grad else None
        return t


def _repeater(name: str) -> Callable[[bool], Any]:
    """What a program calls when a gradient is not a number."""

    def repeat(first: bool) -> Any:
        if first:
            return REPEAT
        raise FloatingPointError(
            f"{name}: a gradient is not a number, after an optimizer step in the same call, so "
            "that the call cannot be repeated step by step; run it without tg.compile"
        )

    return repeat


def _generators(program: Program) -> list[Any]:
    """The random generators to set back when a call is repeated."""
    if not program.differentiates and not any(map(may_vary, program.instructions)):
        return []
    sources = [s.attributes["rng"] for s in program.instructions if "rng" in s.attributes]
    found = {id(g): g for g in map(generator, sources)}
    return list(found.values())


def _is_plain_step(effect: Effect, source: Source) -> bool:
    """Whether an effect is the step of an optimiser of this library, on arrays in their slots."""
    step = getattr(type(effect.owner), "step", None)
    if getattr(step, "__module__", "") != "tinygrad_lite.optim.optimizer":
        return False
    if effect.call != effect.owner.step:
        return False
    return all(
        v is None or ((t, v) in source.slots and bool(v.shape) and t._data.flags.c_contiguous)
        for t, v in effect.gradients.items()
    )


def _first_effect(source: Source) -> int:
    """The number of the first line that updates something."""
    lines = source.text.splitlines()
    calls = [
        i
        for i, line in enumerate(lines, 1)
        if line.startswith("    ") and any(f"{name}(" in line for name in source.effects)
    ]
    return calls[0] if calls else len(lines) + 1


def _in_order(slots: list[Slot]) -> list[Slot]:
    return sorted(slots, key=lambda slot: slot.start)


def _consecutive(slots: list[Slot]) -> bool:
    """Whether the slots fill a stretch of their vector."""
    return all(a.start + a.value.size == b.start for a, b in pairwise(slots))


def _gather(effect: Effect, tensors: list[Tensor]) -> None:
    """Move parameters that are updated together side by side, if nobody can notice."""
    if len(tensors) > 1 and Joint.fits(tensors, effect.owner.state):
        joined(tensors)
