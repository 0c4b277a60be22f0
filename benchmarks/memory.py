"""Peak memory of a training step, for the sides whose arrays are NumPy's."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.report import table
from benchmarks.sides import TRAINING, Unavailable, describe, load
from benchmarks.work import MLP

SIDES = (
    "numpy_by_hand",
    "numpy_expert",
    "tinygrad_lite_eager",
    "tinygrad_lite_compiled",
    "mygrad_tensors",
    "autograd_numpy",
)
WARM_UP_STEPS = 3


@dataclass(frozen=True)
class Footprint:
    """Bytes held between steps (parameters, state, buffers), and at the peak of a step."""

    resting: int
    peak: int


@dataclass
class Outcome:
    """One problem's footprints, and why sides are missing."""

    problem: MLP
    footprints: dict[str, Footprint] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def run(problem: MLP, only: Collection[str] = (), skip: Collection[str] = ()) -> Outcome:
    """The footprints of a problem's training step; the reference always takes part."""
    outcome = Outcome(problem)
    for name in SIDES:
        if name != SIDES[0] and (name in skip or (only and name not in only)):
            outcome.skipped[name] = "not asked for"
            continue
        try:
            outcome.footprints[name] = measure(name, problem)
        except Unavailable as reason:
            outcome.skipped[name] = str(reason)
    return outcome


def measure(name: str, problem: MLP) -> Footprint:
    """All that the side allocates for the problem, data apart: Python's objects and arrays.

    A first model is built and dropped unmeasured, so that imports and caches do not count.
    Raises `Unavailable` if the side's library is missing or cannot do it.
    """
    side = load(name)
    try:
        # Also makes the problem's data, which is kept: no side is charged for it.
        _train(side.make(problem))
        gc.collect()
        tracemalloc.start()
        try:
            step = side.make(problem)
            _train(step)
            gc.collect()
            tracemalloc.reset_peak()
            resting, _ = tracemalloc.get_traced_memory()
            step()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    except Exception as error:
        raise Unavailable(describe(error)) from error
    return Footprint(resting, peak)


def render(outcomes: Sequence[Outcome]) -> str:
    """The Markdown of the results, one table for each problem."""
    parts = [
        "# Peak memory of a training step",
        "All that Python and NumPy allocate: parameters, optimiser state, activations, gradients, "
        "temporaries and bookkeeping. Ratios are to NumPy by hand; smaller is better.",
    ]
    for outcome in outcomes:
        base = outcome.footprints[SIDES[0]]
        rows = [
            [TRAINING[name], _kib(f.resting), _kib(f.peak), f"{f.peak / base.peak:.2f}"]
            for name, f in outcome.footprints.items()
        ]
        parts += [
            f"## {outcome.problem.title}",
            table(["side", "between steps", "peak", "ratio of peaks"], rows),
        ]
        if outcome.skipped:
            parts.append(
                "\n".join(f"- {TRAINING[n]} skipped: {why}" for n, why in outcome.skipped.items())
            )
    return "\n\n".join(parts)


def data(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The results as plain data, in bytes."""
    return [
        {
            "problem": outcome.problem.name,
            "title": outcome.problem.title,
            "sides": {name: vars(f) for name, f in outcome.footprints.items()},
            "skipped": outcome.skipped,
        }
        for outcome in outcomes
    ]


def _train(step: Any) -> None:
    for _ in range(WARM_UP_STEPS):
        step()


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"
