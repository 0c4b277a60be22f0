"""Interleaved measurement: everybody's samples are taken in turn, so that drift hits all alike."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

Step = Callable[[], Any]

ALLOCATOR_THRESHOLD = 31 * 2**20


@dataclass(frozen=True)
class Plan:
    """How long to measure: `samples` rounds, each sample of about `seconds`, and the warm-up.

    Before its sample a side runs untimed for `lead_in` seconds, since the threads of the side
    before may still be spinning in wait for more work, and the caches hold another's arrays.
    """

    samples: int = 15
    seconds: float = 0.05
    warm_up: float = 0.3
    lead_in: float = 0.02


def interleave(steps: Mapping[str, Step], plan: Plan) -> dict[str, list[float]]:
    """Seconds per call of each step, one number per sample.

    Each round takes one sample of every step, in an order drawn anew, so that none always follows
    the same other. The garbage collector runs as it does for users; what was loaded before is
    kept out of its sight, so that no side pays for the size of another's library.
    """
    settle_allocator()
    rates = {name: _calls_per_second(step, plan.warm_up) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    order, shuffle = list(steps), random.Random(0).shuffle
    gc.collect()
    gc.freeze()
    try:
        for _ in range(plan.samples):
            shuffle(order)
            for name in order:
                _run(steps[name], max(1, round(rates[name] * plan.lead_in)))
                calls = max(1, round(rates[name] * plan.seconds))
                times[name].append(_run(steps[name], calls) / calls)
    finally:
        gc.unfreeze()
    return times


def settle_allocator() -> None:
    """Makes glibc keep memory that was freed, as it does in a process that has run for a while.

    A young process gives each large temporary array back to the system and gets it, page by
    page, anew: this doubles the time of plain NumPy's larger steps, until some other library in
    the process happens to free a large block, which raises the threshold for all.
    """
    block = np.empty(ALLOCATOR_THRESHOLD, np.uint8)
    del block


def ratios(
    times: Mapping[str, list[float]],
    reference: str,
    statistic: Callable[[list[float]], float] = median,
) -> dict[str, float]:
    """The statistic of each one's samples over that of the reference's."""
    base = statistic(times[reference])
    return {name: statistic(samples) / base for name, samples in times.items()}


def _calls_per_second(step: Step, seconds: float) -> float:
    """Warms up for at least `seconds` and two rounds, and says how fast the last round went."""
    calls, spent = 1, 0.0
    while True:
        elapsed = _run(step, calls)
        spent += elapsed
        if spent >= seconds and calls > 1:
            return calls / elapsed
        calls = calls * 2 if elapsed < seconds else max(2, calls)


def _run(step: Step, calls: int) -> float:
    """The time of `calls` calls, up to the moment the last loss is known."""
    start = time.perf_counter()
    for _ in range(calls):
        loss = step()
    float(loss)
    return time.perf_counter() - start
