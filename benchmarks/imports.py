"""Time of `import tinygrad_lite`, and of the other libraries, as a ratio to `import numpy`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import duration, table
from benchmarks.timing import ratios

REFERENCE = "numpy"
PACKAGES = (
    REFERENCE,
    "tinygrad_lite",
    "micrograd",
    "autograd",
    "mygrad",
    "tinygrad",
    "jax",
    "torch",
)
PROGRAM = """
from time import perf_counter
start = perf_counter()
import {package}
print(perf_counter() - start)
"""


@dataclass
class Outcome:
    """Seconds of each import, one number per sample, and why packages are missing."""

    times: dict[str, list[float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def run(samples: int) -> Outcome:
    """Imports each package in a fresh interpreter, in turn, after one uncounted round."""
    outcome = Outcome()
    for package in PACKAGES:
        if find_spec(package) is None:
            outcome.skipped[package] = f"{package} is not installed"
            continue
        try:
            _import_time(package)
        except subprocess.CalledProcessError as error:
            outcome.skipped[package] = error.stderr.strip().splitlines()[-1]
        else:
            outcome.times[package] = []
    for _ in range(samples):
        for package, times in outcome.times.items():
            times.append(_import_time(package))
    return outcome


def render(outcome: Outcome) -> str:
    """The Markdown of the results."""
    shares: Mapping[str, float] = ratios(outcome.times, REFERENCE)
    rows = [
        [package, duration(median(times)), duration(min(times)), f"{shares[package]:.2f}"]
        for package, times in outcome.times.items()
    ]
    parts = [
        "# Time of an import",
        "In fresh interpreters, in turn. Ratios are of medians, to `import numpy`.",
        table(["package", "median", "minimum", "ratio"], rows),
    ]
    if outcome.skipped:
        parts.append("\n".join(f"- {name} skipped: {why}" for name, why in outcome.skipped.items()))
    return "\n\n".join(parts)


def data(outcome: Outcome) -> dict[str, Any]:
    """The results as plain data, in seconds."""
    return {"seconds": outcome.times, "skipped": outcome.skipped}


def _import_time(package: str) -> float:
    program = PROGRAM.format(package=package)
    # A package that is installed was compiled then; a checkout is compiled when first imported.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=Path(__file__).parents[1],
    )
    return float(done.stdout)
