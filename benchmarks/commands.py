"""What the command line can ask for: each command measures, prints a table and writes files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from benchmarks import chain, chart, imports, memory, report, steps
from benchmarks.machine import describe_machine, library_versions
from benchmarks.sides import SCALARS, SLOW_TO_START, TRAINING
from benchmarks.timing import Plan
from benchmarks.work import MLP, PROBLEMS, Problem

P = TypeVar("P", bound=Problem)


def measure_steps(options: argparse.Namespace) -> int:
    """Whole training steps."""
    _check_sides(options, [*TRAINING, *SCALARS])
    machine, versions = describe_machine(), library_versions()
    plan = Plan(samples=options.samples, seconds=options.seconds)
    skip = {*options.skip, *(SLOW_TO_START if options.fast_start else ())}
    outcomes = []
    for problem in _chosen(options.problems, PROBLEMS):
        _say(problem.title)
        outcomes.append(steps.run(problem, plan, options.sides, skip, _say))
        print(report.outcome_table(outcomes[-1]), end="\n\n", flush=True)
    print(report.summary_table(outcomes))
    text = report.steps_report(outcomes, machine, versions)
    data = report.steps_data(outcomes)
    for path in report.write(options.results, "steps", text, data, machine, versions):
        _say(f"written: {path}")
    try:
        measured = [outcome for outcome in outcomes if outcome.times]
        if measured:
            chart.draw(measured, machine, options.results / "steps.svg")
    except ImportError as error:
        _say(str(error))
    return int(any(outcome.wrong for outcome in outcomes))


def measure_memory(options: argparse.Namespace) -> int:
    """Peak memory of a training step."""
    _check_sides(options, memory.SIDES)
    problems = _chosen(options.problems, [p for p in PROBLEMS if isinstance(p, MLP)])
    found = [memory.run(problem, options.sides, options.skip) for problem in problems]
    _finish(options, "memory", memory.render(found), memory.data(found))
    return 0


def measure_imports(options: argparse.Namespace) -> int:
    """Time of imports."""
    found = imports.run(options.samples)
    _finish(options, "imports", imports.render(found), imports.data(found))
    return 0


def measure_chain(options: argparse.Namespace) -> int:
    """Time and memory of a long chain of operations."""
    _check_sides(options, chain.SIDES)
    found = chain.run(options.sides, options.skip)
    _finish(options, "chain", chain.render(found), chain.data(found))
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "steps": measure_steps,
    "memory": measure_memory,
    "imports": measure_imports,
    "chain": measure_chain,
}


def _chosen(names: Collection[str], problems: Sequence[P]) -> list[P]:
    _check_names("problem", names, [problem.name for problem in problems])
    return [problem for problem in problems if not names or problem.name in names]


def _check_sides(options: argparse.Namespace, known: Collection[str]) -> None:
    _check_names("side", [*options.sides, *options.skip], known)


def _check_names(kind: str, names: Collection[str], known: Collection[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no such {kind}: {', '.join(unknown)}; there are {', '.join(known)}")


def _finish(options: argparse.Namespace, name: str, markdown: str, data: object) -> None:
    machine, versions = describe_machine(), library_versions()
    print(markdown)
    text = f"{markdown}\n\n{report.surroundings(machine, versions)}"
    for path in report.write(options.results, name, text, data, machine, versions):
        _say(f"written: {path}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
