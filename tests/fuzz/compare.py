"""Runs a program in both libraries and says how they compare."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

import tinygrad_lite as tg
from tests.fuzz import reference
from tests.fuzz.program import Program, compiled
from tinygrad_lite.testing.oracle import Oracle

Arrays = dict[str, np.ndarray]

TOLERANCE = 1e-10  # relative to the largest element; where it is not met, rounding is measured
SINGLE = 3e-3
JITTER = 1e-11  # how far every intermediate value is moved to measure that
ROUNDING = 1e-13  # what is put down to rounding, where JITTER has the effect that it has
REFUSED_THERE = "modified by an inplace operation"
REFUSED_HERE = "was changed in place after"


class Found(NamedTuple):
    """What one library found: the results, the gradients of the leaves, and the second ones."""

    values: Arrays
    first: Arrays
    second: Arrays | None


class Verdict(NamedTuple):
    """How the two compare.

    Attributes:
        kind: one of the keys of ``KINDS``.
        detail: which value differs and how, or the messages.
    """

    kind: str
    detail: str = ""

    @property
    def bad(self) -> bool:
        return KINDS[self.kind][0]


KINDS = {
    "same": (False, "all values and gradients agree"),
    "rounding": (False, "they agree as far as the program's condition lets them"),
    "in place": (False, "PyTorch refuses after a change in place; its functional form agrees"),
    "in place, proved": (False, "the same, and finite differences agree as well"),
    "both refuse": (False, "both raise in the forward pass"),
    "changed": (False, "a constant was changed in place after it had been read: an error here"),
    "PyTorch has none": (
        False,
        "PyTorch's gradient is not finite or not there; finite differences agree with ours",
    ),
    "undecided": (False, "PyTorch's gradient is not finite, and finite differences cannot say"),
    "differs": (True, "a value or a gradient differs"),
    "we raise": (True, "an error or a warning here, an answer in PyTorch"),
    "PyTorch raises": (True, "an answer here, an error in PyTorch"),
}


def judge(program: Program) -> Verdict:
    """Run the program in both libraries and compare all they find."""
    theirs, problem, functional = _theirs(program)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ours = here(program)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if REFUSED_HERE in text and any(step.in_place for step in program.steps):
            return Verdict("changed")
        if theirs is None:
            return Verdict("both refuse", f"{text} | {problem}")
        if not all(np.isfinite(a).all() for part in theirs if part for a in part.values()):
            return Verdict("both refuse", f"{text} | not finite")
        return Verdict("we raise", text)
    if theirs is None:
        return by_differences(program, ours, "PyTorch raises", problem)
    wrong = difference(program, ours, theirs, None)
    if wrong is None:
        return Verdict("same") if not functional else by_differences(program, ours, "in place")
    if _not_finite(theirs):
        return by_differences(program, ours, "undecided", wrong)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        noise = _noise(program, theirs)
    if difference(program, ours, theirs, noise) is None:
        return Verdict("rounding", wrong)
    return Verdict("differs", wrong)


def _theirs(program: Program) -> tuple[Found | None, str, bool]:
    """What PyTorch finds or why it does not, and whether only the functional form could say."""
    problem = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for functional in (False, True):
            try:
                return there(program, functional), "", functional
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
            if REFUSED_THERE not in problem:
                break
    return None, problem, False


def _not_finite(found: Found) -> bool:
    gradients = [*found.first.values(), *(found.second or {}).values()]
    return not all(np.isfinite(a).all() for a in gradients)


def by_differences(program: Program, ours: Found, otherwise: str, problem: str = "") -> Verdict:
    """A verdict without PyTorch's gradients: the value's slope along a random direction."""
    kinks = program.exact & set(program.leaves)
    if kinks or program.single_precision or any(step.cut for step in program.steps):
        return Verdict(otherwise, problem)
    wrong = against_differences(program, ours)
    if wrong is not None:
        return Verdict("differs", wrong)
    return Verdict("PyTorch has none" if problem else "in place, proved", problem)


def against_differences(program: Program, ours: Found) -> str | None:
    """Where our first gradients do not fit finite differences of the program's value."""
    names = program.variables

    def total(arrays: list[np.ndarray]) -> np.ndarray:
        leaves = {**program.leaves, **dict(zip(names, arrays))}
        with tg.no_grad(), np.errstate(all="ignore"):
            space = _run(program, {n: tg.tensor(a) for n, a in leaves.items()}, "here", _HERE)
            sums = [np.sum(space[n].numpy() * c) for n, c in program.cotangents.items()]
        return np.asarray(np.sum(sums))

    oracle = Oracle(total, [program.leaves[n] for n in names])
    oracle.analytic = False  # a sum of corners looks smooth where their slopes cancel
    rng = np.random.default_rng(0)
    direction = [rng.uniform(-1, 1, program.leaves[n].shape) for n in names]
    estimate = oracle.derivative(direction)
    slope = sum(float(np.sum(ours.first[n] * d)) for n, d in zip(names, direction))
    size = sum(float(np.sum(np.abs(ours.first[n] * d))) for n, d in zip(names, direction))
    slack = 4 * float(estimate.bar[0]) + 1e-7 * (size + 1)
    if float(estimate.low[0]) - slack <= slope <= float(estimate.high[0]) + slack:
        return None
    return f"slope {slope} here, {estimate.low[0]} by finite differences"


# Running

_HERE = {"tg": tg, "np": np, "quiet": reference.quiet}
_THERE = {"torch": torch, "np": np, **{n: getattr(reference, n) for n in reference.__all__}}


def _run(
    program: Program,
    leaves: dict[str, Any],
    language: str,
    names: dict[str, Any],
    after: Callable[[Any, dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    space = {**names, **leaves}
    for step in program.steps:
        exec(compiled(getattr(step, language)), space)
        if after is not None:
            after(step, space)
    return space


def here(program: Program) -> Found:
    """What this library finds."""
    leaves = {
        n: tg.tensor(a, requires_grad=n not in program.constant) for n, a in program.leaves.items()
    }
    space = _run(program, leaves, "here", _HERE)
    results = {n: space[n] for n in program.cotangents}
    again = program.second_order
    parts = [(results[n], c) for n, c in program.cotangents.items() if results[n].requires_grad]
    if program.piecewise and not again:
        for y, c in parts:
            y.backward(c)
    elif parts:
        total = sum((y * c).sum() for y, c in parts)
        total.backward(create_graph=again)
    wanted = program.variables
    first = {n: leaves[n].grad for n in wanted}
    for n in wanted:
        assert (leaves[n].numpy() == program.leaves[n]).all(), f"the leaf {n} was changed"
        g = first[n]
        assert g is None or g.shape == leaves[n].shape, f"{n}.grad has shape {g.shape}"
        assert g is None or g.dtype == leaves[n].dtype, f"{n}.grad has dtype {g.dtype}"
    second = None
    if again:
        for n in wanted:
            leaves[n].grad = None
        slopes = [(g * program.directions[n]).sum() for n, g in first.items() if g is not None]
        slope = sum(slopes)
        if slopes and slope.requires_grad:
            slope.backward()
        second = {n: _array(leaves[n].grad, program.leaves[n]) for n in wanted}
    return Found(
        {n: np.asarray(y.numpy()) for n, y in results.items()},
        {n: _array(first[n], program.leaves[n]) for n in wanted},
        second,
    )


def there(
    program: Program, functional: bool = False, jitter: np.random.Generator | None = None
) -> Found:
    """What PyTorch finds."""
    moved = None if jitter is None else _jittering(jitter)
    leaves = {}
    for n, a in program.leaves.items():
        if jitter is not None and n not in program.exact:
            a = (a * (1 + JITTER * jitter.standard_normal(a.shape))).astype(a.dtype)
        leaves[n] = torch.tensor(a, requires_grad=n not in program.constant)
    space = _run(program, leaves, "functional" if functional else "there", _THERE, moved)
    results = {n: space[n] for n in program.cotangents}
    again = program.second_order
    wanted = program.variables
    inputs = [leaves[n] for n in wanted]
    connected = [(results[n], torch.tensor(c)) for n, c in program.cotangents.items()]
    total = sum((y * c).sum() for y, c in connected if y.requires_grad)
    first: list[Any] = [None] * len(inputs)
    if inputs and isinstance(total, torch.Tensor):
        first = list(torch.autograd.grad(total, inputs, create_graph=again, allow_unused=True))
    second = None
    if again:
        slope = sum(
            (g * torch.tensor(program.directions[n])).sum()
            for n, g in zip(wanted, first)
            if g is not None
        )
        grads: list[Any] = [None] * len(inputs)
        if isinstance(slope, torch.Tensor) and slope.requires_grad:
            grads = list(torch.autograd.grad(slope, inputs, allow_unused=True))
        second = {n: _array(g, program.leaves[n]) for n, g in zip(wanted, grads)}
    return Found(
        {n: y.detach().numpy() for n, y in results.items()},
        {n: _array(g, program.leaves[n]) for n, g in zip(wanted, first)},
        second,
    )


def _jittering(rng: np.random.Generator) -> Callable[[Any, dict[str, Any]], None]:
    def move(step: Any, space: dict[str, Any]) -> None:
        y = space[step.target]
        if not step.exact and not step.in_place:
            factor = torch.tensor(1 + JITTER * rng.standard_normal(tuple(y.shape)), dtype=y.dtype)
            space[step.target] = y * factor

    return move


def _array(gradient: Any, like: np.ndarray) -> np.ndarray:
    if gradient is None:
        return np.zeros_like(like)
    if isinstance(gradient, torch.Tensor):
        if gradient._is_zerotensor():  # PyTorch may crash in giving its values out
            return np.zeros(tuple(gradient.shape), like.dtype)
        gradient = gradient.detach()
    return np.asarray(gradient.numpy())


# Comparing


def difference(program: Program, ours: Found, theirs: Found, noise: Found | None) -> str | None:
    """The first value or gradient that differs by more than is allowed, in words; else None."""
    tolerance = SINGLE if program.single_precision else TOLERANCE
    for part in Found._fields:
        mine, other = getattr(ours, part), getattr(theirs, part)
        if mine is None:
            continue
        allowance = getattr(noise, part) if noise is not None else None
        for n, a in mine.items():
            b = other[n]
            if a.shape != b.shape or a.dtype != b.dtype:
                return f"{part} of {n}: {a.shape} {a.dtype} here, {b.shape} {b.dtype} in PyTorch"
            if not a.size:
                continue
            allowed = tolerance * (np.abs(b) + np.max(np.abs(b)) + 0.1)
            if allowance is not None:
                allowed = allowed + allowance[n]
            if not (np.abs(a - b) <= allowed).all():
                return f"{part} of {n}:\n{a} here,\n{b} in PyTorch"
    return None


def _noise(program: Program, theirs: Found) -> Found:
    """How much of each value rounding may be: the effect of moving every step by JITTER."""
    effect = [
        {n: np.zeros(a.shape) for n, a in part.items()} if part is not None else None
        for part in theirs
    ]
    for seed in range(3):
        moved = there(program, functional=True, jitter=np.random.default_rng(seed))
        for total, part, base in zip(effect, moved, theirs):
            for n in total or ():
                change = np.abs(part[n] - base[n])
                total[n] = np.maximum(total[n], np.max(change, initial=0) * ROUNDING / JITTER)
    return Found(*effect)
