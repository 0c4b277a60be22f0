"""Time and memory per operation of a very long chain: linear, or not?"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

LENGTHS = (10_000, 100_000, 1_000_000)
FACTOR = 1.0000001
TIME_LIMIT = 60


def tinygrad_lite_chain() -> tuple[Any, Callable[[Any], None]]:
    """This library: the start of the chain, and what runs backward from its end."""
    import tinygrad_lite as tg

    return tg.tensor(1.0, requires_grad=True), lambda end: end.backward()


def pytorch_chain() -> tuple[Any, Callable[[Any], None]]:
    """PyTorch."""
    import torch

    return torch.tensor(1.0, requires_grad=True), lambda end: end.backward()


def micrograd_chain() -> tuple[Any, Callable[[Any], None]]:
    """micrograd."""
    from micrograd.engine import Value

    return Value(1.0), lambda end: end.backward()


def mygrad_chain() -> tuple[Any, Callable[[Any], None]]:
    """MyGrad."""
    import mygrad as mg

    return mg.tensor(1.0), lambda end: end.backward()


SIDES = {
    "tinygrad_lite": tinygrad_lite_chain,
    "pytorch": pytorch_chain,
    "micrograd": micrograd_chain,
    "mygrad": mygrad_chain,
}


@dataclass(frozen=True)
class Cost:
    """Seconds to build, to run backward and to release a chain, and the bytes it took."""

    length: int
    forward: float
    backward: float
    release: float
    memory: int


@dataclass
class Outcome:
    """The costs of each side by length, and why some are missing."""

    costs: dict[str, list[Cost]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def run(only: Collection[str] = (), skip: Collection[str] = ()) -> Outcome:
    """Measures each side and length in an interpreter of its own, which may crash.

    A side that fails at one length, or takes more than `TIME_LIMIT` seconds, is not asked for
    longer ones.
    """
    outcome = Outcome()
    for side in SIDES:
        if side in skip or (only and side not in only):
            continue
        for length in LENGTHS:
            try:
                cost = _measure_apart(side, length)
            except subprocess.TimeoutExpired:
                outcome.failed[side] = f"{length:,} operations: not done after {TIME_LIMIT} s"
                break
            except subprocess.CalledProcessError as error:
                message = error.stderr.strip().splitlines() or [f"exit status {error.returncode}"]
                outcome.failed[side] = f"{length:,} operations: {message[-1]}"
                break
            outcome.costs.setdefault(side, []).append(cost)
    return outcome


def measure(side: str, length: int) -> Cost:
    """Builds the chain `x * FACTOR * FACTOR * ...`, runs backward and releases it, here and now."""
    start, run_backward = SIDES[side]()
    run_backward(start * FACTOR)
    before, start_time = _peak_memory(), perf_counter()
    end = start
    for _ in range(length):
        end = end * FACTOR
    built = perf_counter()
    run_backward(end)
    done = perf_counter()
    memory = _peak_memory() - before
    held = perf_counter()
    del end
    return Cost(length, built - start_time, done - built, perf_counter() - held, memory)


def render(outcome: Outcome) -> str:
    """The Markdown of the results."""
    from benchmarks.report import duration, table

    rows = [
        [
            side,
            f"{cost.length:,}",
            duration(cost.forward / cost.length),
            duration(cost.backward / cost.length),
            duration(cost.release / cost.length),
            f"{cost.memory / cost.length:,.0f}",
        ]
        for side, costs in outcome.costs.items()
        for cost in costs
    ]
    header = ["side", "operations", "forward", "backward", "release", "bytes"]
    parts = ["# A long chain of operations", "Per operation.", table(header, rows)]
    if outcome.failed:
        parts.append("\n".join(f"- {side} failed at {why}" for side, why in outcome.failed.items()))
    return "\n\n".join(parts)


def data(outcome: Outcome) -> dict[str, Any]:
    """The results as plain data, in seconds and bytes for the whole chain."""
    costs = {side: [vars(cost) for cost in costs] for side, costs in outcome.costs.items()}
    return {"costs": costs, "failed": outcome.failed}


def _measure_apart(side: str, length: int) -> Cost:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chain", side, str(length)],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIME_LIMIT,
        cwd=Path(__file__).parents[1],
    )
    forward, backward, release, memory = map(float, done.stdout.split())
    return Cost(length, forward, backward, release, int(memory))


def _peak_memory() -> int:
    """The largest memory this process has had, in bytes.

    Linux counts it in `ru_maxrss` together with that of the process which started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (size,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(size) * 1024

    from resource import RUSAGE_SELF, getrusage

    unit = 1 if sys.platform == "darwin" else 1024
    return getrusage(RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    cost = measure(sys.argv[1], int(sys.argv[2]))
    print(cost.forward, cost.backward, cost.release, cost.memory)
