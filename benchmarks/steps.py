"""The main benchmark: whole training steps, checked against each other and then measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.sides import Unavailable, describe, load, sides_for
from benchmarks.timing import Plan, Step, interleave
from benchmarks.work import Problem

CHECKED_STEPS = 8
TOLERANCE = 3e-5
"""Ten times what float32 makes of any side, and half of what a forgotten bias makes."""


@dataclass
class Outcome:
    """One problem's result: samples in seconds per step, and why sides are missing."""

    problem: Problem
    times: dict[str, list[float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """The side that the others are divided by: the first one that is there."""
        return next(iter(self.times), "")


def run(
    problem: Problem,
    plan: Plan,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    say: Callable[[str], None] = print,
) -> Outcome:
    """Prepares, checks and measures all sides of a problem.

    With `only`, the first side and those named there; without those named in `skip`. A side that
    fails or whose losses are not the first one's is left out of the measurement and reported.
    """
    outcome = Outcome(problem)
    first = next(iter(sides_for(problem)))
    steps: dict[str, Step] = {}
    expected: list[float] = []
    for name in sides_for(problem):
        if name != first and (name in skip or (only and name not in only)):
            outcome.skipped[name] = "not asked for"
            continue
        say(f"  preparing {name}")
        try:
            step, losses = prepare(name, problem)
        except Unavailable as reason:
            outcome.skipped[name] = str(reason)
            continue
        expected = expected or losses
        if losses and (difference := disagreement(losses, expected)):
            outcome.wrong[name] = difference
            continue
        steps[name] = step
    say("  measuring")
    outcome.times = interleave(steps, plan)
    return outcome


def prepare(name: str, problem: Problem) -> tuple[Step, list[float]]:
    """The side's step, and its first losses (none if it does not compute any).

    Raises `Unavailable` if its library is missing or cannot do it.
    """
    side = load(name)
    try:
        step: Step = side.make(problem)
        losses = [float(step()) for _ in range(CHECKED_STEPS)]
    except Exception as error:
        raise Unavailable(describe(error)) from error
    return step, losses if _computes_loss(side) else []


def disagreement(losses: Sequence[float], expected: Sequence[float]) -> str:
    """The first loss that is off by more than float32 accounts for, or an empty string."""
    for number, (loss, wanted) in enumerate(zip(losses, expected, strict=True), 1):
        if not math.isclose(loss, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            return f"loss {loss:.6g} instead of {wanted:.6g} at step {number}"
    return ""


def _computes_loss(side: Any) -> bool:
    return bool(getattr(side, "COMPUTES_LOSS", True))
