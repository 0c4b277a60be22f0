"""Runs many programs and counts how they went."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fuzz.compare import KINDS, Verdict, judge
from tests.fuzz.generate import program
from tests.fuzz.program import Program
from tests.fuzz.shrink import shrunk


@dataclass
class Tally:
    """What came of the programs so far.

    Attributes:
        kinds: how many there were of each verdict.
        second_order: how many were compared to second order.
        statements: how many they had together.
        failures: the bad ones, each with its verdict.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    second_order: int = 0
    statements: int = 0
    failures: list[tuple[Program, Verdict]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(self.kinds.values())

    def table(self) -> Iterator[str]:
        yield (
            f"{self.count:>8} programs, {self.second_order} of them to second order, "
            f"{self.statements} statements"
        )
        for kind, (_, meaning) in KINDS.items():
            if self.kinds[kind]:
                yield f"{self.kinds[kind]:>8} {kind}: {meaning}"


def run(
    seed: int,
    numbers: range,
    second_order: float = 0.1,
    minutes: float | None = None,
    failures: int = 10,
) -> Tally:
    """Compare the programs of these numbers, until the time is up or so many have failed."""
    tally = Tally()
    end = None if minutes is None else time.monotonic() + 60 * minutes
    for number in numbers:
        drawn = program(seed, number, second_order)
        verdict = judge(drawn)
        tally.kinds[verdict.kind] += 1
        tally.second_order += drawn.second_order
        tally.statements += len(drawn.steps)
        if verdict.bad:
            tally.failures.append((drawn, verdict))
        if len(tally.failures) >= failures or (end is not None and time.monotonic() > end):
            break
    return tally


def report(drawn: Program) -> str:
    """A failure as a script to paste, made small first."""
    small = shrunk(drawn)
    verdict = judge(small)
    detail = "\n".join(f"# {line}" for line in verdict.detail.splitlines())
    return f"# {verdict.kind}\n{detail}\n{small.source()}"
