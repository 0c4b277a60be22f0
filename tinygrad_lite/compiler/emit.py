"""The source of a program: one straight-line function, and the setup of the memory it works in."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_lite.compiler import emitters  # noqa: F401 - it fills the table
from tinygrad_lite.compiler.memory import Lifetimes
from tinygrad_lite.compiler.naming import Names, tensor_names
from tinygrad_lite.compiler.passes.rewrite import is_view
from tinygrad_lite.compiler.program import Effect, Error, Program, Value
from tinygrad_lite.compiler.writer import Writer, emit, has_own_way, spelled
from tinygrad_lite.tensor import Tensor

SMALL = 1 << 15  # elements: larger gradients get memory of their own, smaller ones share it


@dataclass(eq=False)
class Slot:
    """The place for a gradient: what ``t.grad`` holds for an effect, or when the call is over.

    ``flat`` names the array that it is a part of, from element ``start`` on; without dimensions
    it has no place, and its number is handed over instead.
    """

    tensor: Tensor
    value: Value
    name: str
    flat: str = ""
    start: int = 0
    direct: bool = False


@dataclass(eq=False)
class Source:
    """A program as text, and what it needs from outside.

    Attributes:
        text: the source; it defines ``function`` and expects a dict ``given``.
        given: what that dict has to hold: tensors (for their arrays), arrays, functions.
        slots: the places of gradients; ``last`` are those that hold when the call is over.
        live: the tensors whose values are handed over anew by every call.
        entering: the tensors whose gradients are.
        writer: who wrote it, for the report.
    """

    function: str
    text: str = ""
    given: dict[str, Any] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    slots: dict[tuple[Tensor, Value], Slot] = field(default_factory=dict)
    last: dict[Tensor, Slot | None] = field(default_factory=dict)
    live: dict[Tensor, None] = field(default_factory=dict)
    entering: list[Tensor] = field(default_factory=list)
    flats: dict[str, tuple[int, np.dtype[Any]]] = field(default_factory=dict)
    effects: dict[str, Effect] = field(default_factory=dict)
    writer: Any = None


class Emission:
    """Writes one program down."""

    def __init__(self, program: Program, parameters: list[str], paths: dict[int, str]) -> None:
        self.program = program
        self.names = Names(["np", "given", "repeat"])
        self.source = Source(self.names.new(program.name))
        parameters = [self.names.new(p) for p in parameters]
        self.names.reserve([*dir(np), *dir(builtins)])
        lifetimes = Lifetimes(program, lambda step: not has_own_way(step) and not is_view(step))
        self.w = Writer(program, lifetimes, self.names)
        self.source.writer = self.w
        self.checked: set[str] = set()
        self.shared: dict[Any, str] = {}
        self.settled: set[str] = set()
        self._states(paths)
        self._arguments(parameters)
        self._gradients()
        self._claims()

    def write(self) -> Source:
        """The source."""
        w, checked = self.w, False
        for index, step in enumerate(self.program.steps):
            w.index = index
            if isinstance(step, Effect):
                self._check(list(step.gradients.items()), not checked, results=not checked)
                checked = True
                self._effect(step)
            else:
                for v in step.inputs:
                    if v.kind == "constant" and v.shape:
                        w.read(v)
                emit(step, w)
                w.close()
        final = [(t, v) for t, v in self.program.gradients.items()]
        self._check(final, not checked, results=not checked)
        self._settle(final)
        self._return()
        self._assemble()
        return self.source

    # What there is at the beginning

    def _states(self, paths: dict[int, str]) -> None:
        named = tensor_names(self.program, paths)
        for effect in self.program.effects:
            for t in effect.changed:
                named.setdefault(t, t.name or "tensor")
        values: dict[Tensor, list[Value]] = {}
        for v in self._everything():
            if v.kind == "state":
                values.setdefault(v.source, []).append(v)
        for t, group in values.items():
            live = not np.ndim(t._data) or t in self.program.writes
            wish = named.get(t, t.name or "tensor")
            if live:
                name = self.names.new(wish)
                self.source.live[t] = None
                self.source.parameters.append(name)
            else:
                name = self.w.give(wish, t)
            for v in group:
                self.w.local[v] = name
                if not live:
                    self.w.fixed[v] = name
                    if t._data.flags.c_contiguous:
                        self.w.solid.add(v)
        for v in self._everything():
            if v.kind == "captured" and v not in self.w.local:
                self.w.local[v] = self.w.fixed[v] = self.w.give(
                    paths.get(id(v.source), "array"), v.source
                )
                if v.source.flags.c_contiguous:
                    self.w.solid.add(v)

    def _everything(self) -> list[Value]:
        found = dict.fromkeys(v for s in self.program.instructions for v in s.inputs)
        found.update(dict.fromkeys(self.program.wanted()))
        for effect in self.program.effects:
            found.update(dict.fromkeys(v for v in effect.gradients.values() if v is not None))
            found.update(dict.fromkeys(effect.stores))
        return list(found)

    def _arguments(self, parameters: list[str]) -> None:
        used = set(self._everything())
        for (_, v), name in zip(sorted(self.program.arguments.items()), parameters):
            if v.kind == "argument" or v in used:
                self.w.local[v] = name
        self.source.parameters = parameters + self.source.parameters
        for v in self._everything():
            if v.kind == "gradient" and v not in self.w.local:
                t = v.source
                name = self.names.new(f"earlier_d_{self.w.local.get(v.gradient_of or v, 'tensor')}")
                self.w.local[v] = name
                self.source.entering.append(t)
                self.source.parameters.append(name)

    def _gradients(self) -> None:
        """A slot for every gradient that is seen from outside."""
        asked: list[tuple[Tensor, Value, Any]] = []
        for number, effect in enumerate(self.program.effects):
            asked += [
                (t, v, (number, group_of(effect, t)))
                for t, v in effect.gradients.items()
                if v is not None and (v.kind != "gradient" or effect.clips)
            ]
        for t, v in self.program.gradients.items():
            if v is not None and v.kind == "gradient" and v.source is not t:
                raise Error(
                    f"{t._describe()} was given the gradient that {v.source._describe()} had when "
                    "the compiled function was called: give it to both outside of the function"
                )
            if v is not None:
                asked.append((t, v, None))
        for t, v, group in asked:
            if v.kind == "changed":  # it stays in its place
                self.source.slots[t, v] = slot = self.source.slots[t, v.source]
                self.w.local[v] = slot.name
                if v.shape:
                    self.w.fixed[v] = slot.name
            elif (t, v) not in self.source.slots:
                self.source.slots[t, v] = self._slot(t, v, group)
        self.source.last = {
            t: None if v is None else self.source.slots.get((t, v))
            for t, v in self.program.gradients.items()
        }

    def _slot(self, t: Tensor, v: Value, group: Any) -> Slot:
        state = next((n for x, n in self.w.local.items() if x.source is t), "tensor")
        slot = Slot(t, v, self.names.new(f"d_{state}"))
        if v.shape:
            self._place(slot, group)
        return slot

    def _place(self, slot: Slot, group: Any) -> None:
        size, dtype = slot.value.size, slot.value.dtype
        flats = self.source.flats
        if size > SMALL:
            slot.flat = slot.name
        elif (dtype, group) in self.shared:
            slot.flat = self.shared[dtype, group]
        else:
            slot.flat = self.shared[dtype, group] = self.names.new("gradients")
        slot.start = flats.get(slot.flat, (0, dtype))[0]
        flats[slot.flat] = (slot.start + size, dtype)

    def _claims(self) -> None:
        """Which results are computed straight into their slot, or into fresh memory."""
        returned = [r.value for r in self.program.returned if r.value is not None]
        returned += list(self.program.writes.values())
        made = {s.out: s for s in self.program.instructions}
        kept = {v for t, v in self.program.gradients.items() if v is not None}
        reading = set(self.source.entering)
        for (t, v), slot in self.source.slots.items():
            step = made.get(v)
            if step is None or v in returned or v in self.w.own or not v.shape or t in reading:
                continue
            if has_own_way(step) and not is_view(step):
                self.w.own[v] = slot.name
                slot.direct = True
        for v in returned:
            step = made.get(v)
            alone = returned.count(v) == 1 and v not in kept
            if step is not None and v.shape and alone and has_own_way(step) and not is_view(step):
                self.w.fresh.add(v)

    # What there is at the end

    def _check(self, gradients: Any, first: bool, results: bool) -> None:
        """Leave if a gradient is not a number: rules may have more to say about it."""
        if not self.program.differentiates:
            return
        names: list[str] = []
        for t, v in gradients:
            slot = self.source.slots.get((t, v)) if v is not None else None
            if slot is not None:
                names.append(slot.flat if slot.direct and slot.flat else self.w.read(v))
        if results:
            names += [
                self.w.local[r.value]
                for r in self.program.returned
                if r.value in self.w.local and r.value.dtype.kind == "f" and not r.thing
                if r.value.kind != "changed"  # the effect that changes it is still to come
            ]
        own = {slot.name for slot in self.source.slots.values() if slot.flat == slot.name}
        shapes = {self.w.local.get(v): v.shape for v in self.w.local}
        for name in dict.fromkeys(names):
            if name in self.checked:
                continue
            self.checked.add(name)
            if shapes.get(name) == ():
                test = f"{name} != {name}"
            else:
                flat = name
                if name in own:
                    flat = self.w.setup_view(name, "{}.reshape(-1)", f"{name}_flat")
                product = self.w.np("dot" if name in self.source.flats else "vdot")
                total = self.names.new(f"sum_of_{name}_squared")
                self.w.line(f"{total} = {product}({flat}, {flat})")
                test = f"{total} != {total}"
            self.w.line(f"if {test}:")
            self.w.line(f"    return repeat({first})")

    def _settle(self, gradients: Any) -> None:
        """Copy the gradients that were not computed in their place."""
        for t, v in gradients:
            slot = self.source.slots.get((t, v)) if v is not None else None
            if slot is not None and v.shape and not slot.direct and slot.name not in self.settled:
                self.settled.add(slot.name)
                self.w.line(f"{self.w.np('copyto')}({slot.name}, {self.w.read(v)})")

    def _effect(self, effect: Effect) -> None:
        self._settle(effect.gradients.items())
        for state, v in effect.stores.items():
            self.w.line(f"{self.w.np('copyto')}({self.w.read(state)}, {self.w.read(v)})")
        if effect.owner is None:
            return
        name = self.names.new(f"{_call_name(effect)}")
        self.source.effects[name] = effect
        self.w.text.given[name] = effect
        numbers = [
            self.w.read(v) for v in effect.gradients.values() if v is not None and not v.shape
        ]
        changed = [self.w.local[v] for v in self._changed_live(effect)]
        if effect.clips:
            changed += [
                self.source.slots[t, v].name
                for t, v in effect.gradients.items()
                if v is not None and not v.shape
            ]
        if effect.out is not None:
            self.w.local[effect.out] = self.names.new("norm")
            changed.append(self.w.local[effect.out])
        left = f"[{', '.join(changed)}] = " if changed else ""
        self.w.line(f"{left}{name}({', '.join(numbers)})")

    def _changed_live(self, effect: Effect) -> list[Value]:
        return [
            next(v for v in self.w.local if v.kind == "state" and v.source is t)
            for t in effect.changed
            if t in self.source.live
        ]

    def _return(self) -> None:
        results = [
            self._escaping(r.value)
            for r in self.program.returned
            if r.value is not None and r.thing is None
        ]
        results += [self._escaping(v) for v in self.program.writes.values()]
        results += [
            self.w.read(v)
            for t, v in self.program.gradients.items()
            if v is not None and self.source.last[t] is not None and not v.shape
        ]
        if len(results) == 1:
            self.w.line(f"return {results[0]}")
        elif results:
            self.w.line(f"return {', '.join(results)}")

    def _escaping(self, v: Value) -> str:
        name = self.w.read(v)
        return name if v in self.w.fresh or not v.shape else f"{name}.copy()"

    # All together

    def _assemble(self) -> None:
        w, source, text = self.w, self.source, self.w.text
        text.drop_unread()
        lines = [f'"""{self.program.name}, as NumPy source; written by tinygrad_lite.compile."""']
        lines += ["", "import numpy as np", ""]
        lines += [f"{alias} = {path}" for alias, path in sorted(text.imports.items())]
        arrays = [n for n, x in text.given.items() if isinstance(x, (Tensor, np.ndarray))]
        if text.given or self.program.differentiates:
            lines += ["", "# What outlives a call" if arrays else "# What it calls"]
        for name in arrays:
            x = text.given[name]
            data = x._data if isinstance(x, Tensor) else x
            lines.append(f'{name} = given["{name}"]  # {data.dtype} {data.shape}')
        others = [n for n in text.given if n not in arrays]
        lines += [f'{name} = given["{name}"]' for name in others]
        if self.program.differentiates:
            lines.append('repeat = given["repeat"]  # what to do when something is not a number')
        if text.constants:
            lines += ["", "# Constants", *text.constants]
        if source.flats:
            lines += ["", "# Gradients"]
        for flat, (size, dtype) in source.flats.items():
            if flat not in {s.name for s in source.slots.values()}:
                lines.append(f"{flat} = np.zeros({size}, {spelled(dtype)})")
        for slot in dict.fromkeys(source.slots.values()):
            if not slot.flat:
                continue
            shape, stop = slot.value.shape, slot.start + slot.value.size
            if slot.flat == slot.name:
                lines.append(f"{slot.name} = np.zeros({shape}, {spelled(slot.value.dtype)})")
            else:
                part = f"{slot.flat}[{slot.start}:{stop}].reshape({shape})"
                lines.append(f"{slot.name} = {part}")
        if w.pool.buffers:
            lines += ["", f"# Buffers, {size_in_words(w.pool.nbytes)}: every call writes them anew"]
        lines += [f"{b.name} = np.empty({b.shape}, {spelled(b.dtype)})" for b in w.pool.buffers]
        if text.views:
            lines += ["", "# Other views of the same memory", *text.views]
        lines += ["", "", f"def {source.function}({', '.join(source.parameters)}):"]
        lines += [f"    {line}" for line in text.body or ["pass"]]
        source.text = "\n".join(lines) + "\n"
        source.given = dict(text.given)


def group_of(effect: Effect, t: Tensor) -> int:
    """The number of the optimiser's group that a tensor is in."""
    groups = getattr(effect.owner, "param_groups", [])
    return next((i for i, g in enumerate(groups) if any(p is t for p in g["params"])), 0)


def _call_name(effect: Effect) -> str:
    name = getattr(effect.owner, "__name__", type(effect.owner).__name__)
    return f"{name.lower()}_step" if hasattr(effect.owner, "param_groups") else name


def size_in_words(nbytes: int) -> str:
    """A size for people."""
    size = float(nbytes)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
