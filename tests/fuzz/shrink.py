"""Makes a failing program small: drops what it can while the failure stays."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import tinygrad_lite as tg
from tests.fuzz.compare import judge
from tests.fuzz.program import Program, Step, compiled
from tests.fuzz.reference import quiet


def shrunk(program: Program) -> Program:
    """The smallest program found that fails in the same way."""
    kind = judge(program).kind
    smaller = True
    while smaller:
        smaller = False
        for candidate in simpler(program):
            if _cost(candidate) < _cost(program) and _still(candidate, kind):
                program, smaller = candidate, True
                break
    return program


def simpler(program: Program) -> Iterator[Program]:
    """Programs with one thing less."""
    if program.second_order:
        yield replace(program, second_order=False)
    if len(program.cotangents) > 1:
        for name in program.cotangents:
            yield replace(program, cotangents={name: program.cotangents[name]}).pruned()
        for name in program.cotangents:
            rest = {n: c for n, c in program.cotangents.items() if n != name}
            yield replace(program, cotangents=rest).pruned()
    for step in program.steps:
        value = _value(program, step)
        if value is not None and step.target not in program.cotangents:
            yield replace(program, cotangents={step.target: np.ones(value.shape)}).pruned()
    for step in program.steps:
        yield without(program, step)
    for name in program.variables:
        yield replace(program, constant=program.constant | {name})
    for name, c in program.cotangents.items():
        if not (c == 1).all():
            ones = {**program.cotangents, name: np.ones_like(c)}
            yield replace(program, cotangents=ones)


def without(program: Program, gone: Step) -> Program:
    """The program with its result, as it stands then, as a leaf in the place of a statement."""
    steps = [step for step in program.steps if step is not gone]
    if gone.in_place:
        return replace(program, steps=tuple(steps)).pruned()
    value = _value(program, gone)
    if value is None or gone.target in program.cotangents:
        return program
    new = f"x{1 + max((int(n[1:]) for n in program.leaves), default=-1)}"
    if any(step.in_place and step.target == gone.target for step in steps):
        return program  # a leaf cannot be changed
    renamed = tuple(_renamed(step, gone.target, new) for step in steps)
    leaves = {**program.leaves, new: value}
    directions = {**program.directions, new: np.ones(np.shape(value))}
    exact = program.exact | {new} if gone.exact else program.exact
    draft = replace(program, leaves=leaves, directions=directions, steps=renamed, exact=exact)
    return draft.pruned()


def _renamed(step: Step, old: str, new: str) -> Step:
    def change(text: str | None) -> Any:
        return text if text is None else re.sub(rf"\b{old}\b", new, text)

    return replace(step, here=change(step.here), there=change(step.there), pure=change(step.pure))


def _value(program: Program, until: Step) -> np.ndarray | None:
    space: dict[str, Any] = {"tg": tg, "np": np, "quiet": quiet}
    space.update({n: tg.tensor(a) for n, a in program.leaves.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in program.steps:
            try:
                exec(compiled(step.here), space)
            except Exception:
                return None
            if step is until:
                break
    value = space[until.target]
    floating = isinstance(value, tg.Tensor) and value.dtype.kind == "f"
    return np.array(value.numpy()) if floating else None


def _cost(program: Program) -> tuple[int, ...]:
    plain = sum((c == 1).all() for c in program.cotangents.values())
    return (
        len(program.steps),
        len(program.cotangents),
        program.second_order,
        len(program.variables),
        -int(plain),
    )


def _still(program: Program, kind: str) -> bool:
    try:
        return judge(program).kind == kind
    except Exception:  # nothing is left that could be compared
        return False
