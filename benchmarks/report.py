"""Results as a table, and as files: JSON with everything, Markdown for reading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.sides import sides_for
from benchmarks.steps import Outcome
from benchmarks.timing import ratios
from benchmarks.work import ScalarNetwork

Row = Sequence[str]


def table(header: Row, rows: Sequence[Row]) -> str:
    """A Markdown table, padded so that it also reads well as plain text."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Row) -> str:
        first, *rest = cells
        aligned = [first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:]))]
        return "| " + " | ".join(aligned) + " |"

    rule = "|" + "|".join(
        "-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)
    )
    return "\n".join([line(header), rule + "|", *map(line, rows)])


def duration(seconds: float) -> str:
    """A time with three digits and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 * size else f"{seconds:.0f} s"
    return f"{seconds / 1e-9:.3g} ns"


def outcome_table(outcome: Outcome) -> str:
    """One problem: median, minimum and ratio of each side, the reference first."""
    titles = sides_for(outcome.problem)
    scalars = isinstance(outcome.problem, ScalarNetwork)
    of_medians, of_minima = (
        ratios(outcome.times, outcome.reference, statistic) if outcome.times else {}
        for statistic in (median, min)
    )
    rows = []
    for name, samples in outcome.times.items():
        row = [
            titles[name],
            duration(median(samples)),
            duration(min(samples)),
            f"{of_medians[name]:.2f}",
            f"{of_minima[name]:.2f}",
        ]
        if isinstance(outcome.problem, ScalarNetwork):
            row += [f"{outcome.problem.operations / median(samples):,.0f}"]
        rows.append(row)
    header = ["side", "median", "minimum", "ratio", "of minima"] + ["operations/s"] * scalars
    lines = [f"### {outcome.problem.title}", "", table(header, rows)]
    remarks = [f"- {titles[n]} is wrong: {why}" for n, why in outcome.wrong.items()]
    remarks += [f"- {titles[n]} skipped: {why}" for n, why in outcome.skipped.items()]
    return "\n".join(lines + [""] * bool(remarks) + remarks)


def summary_table(outcomes: Sequence[Outcome]) -> str:
    """Ratios of the medians: a row for each training problem and a column for each side."""
    outcomes = [o for o in outcomes if o.times and not isinstance(o.problem, ScalarNetwork)]
    if not outcomes:
        return ""
    titles = sides_for(outcomes[0].problem)
    present = [name for name in titles if any(name in o.times for o in outcomes)]
    rows = []
    for outcome in outcomes:
        shares = ratios(outcome.times, outcome.reference)
        cells = [f"{shares[name]:.2f}" if name in shares else "-" for name in present]
        rows.append([outcome.problem.title, *cells])
    return table(["step", *(titles[name] for name in present)], rows)


def steps_report(
    outcomes: Sequence[Outcome], machine: Mapping[str, str], versions: Mapping[str, str]
) -> str:
    """The Markdown file of the main benchmark."""
    return "\n\n".join(
        part
        for part in (
            "# Whole training steps",
            "Forward, loss, backward and update, float32. Samples of all sides are taken in turn, "
            "in one process. Ratios are to the first side of each table; smaller is better.",
            summary_table(outcomes),
            *map(outcome_table, outcomes),
            surroundings(machine, versions),
        )
        if part
    )


def surroundings(machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """The machine and the versions, as the last section of a Markdown file."""
    lines = [f"- {name}: {value}" for name, value in machine.items()]
    libraries = ", ".join(f"{name} {number}" for name, number in versions.items())
    return "\n".join(["## Measured on", "", *lines, f"- libraries: {libraries}"])


def steps_data(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The outcomes as plain data, samples and all."""
    return [
        {
            "problem": outcome.problem.name,
            "title": outcome.problem.title,
            "reference": outcome.reference,
            "sides": {
                name: {
                    "median": median(samples),
                    "minimum": min(samples),
                    "ratio": ratios(outcome.times, outcome.reference)[name],
                    "seconds": samples,
                }
                for name, samples in outcome.times.items()
            },
            "operations": getattr(outcome.problem, "operations", None),
            "wrong": outcome.wrong,
            "skipped": outcome.skipped,
        }
        for outcome in outcomes
    ]


def write(
    folder: Path,
    name: str,
    markdown: str,
    data: Any,
    machine: Mapping[str, str],
    versions: Mapping[str, str],
) -> list[Path]:
    """Writes `name`.md and `name`.json into the folder, which exists, and returns their paths."""
    text, plain = folder / f"{name}.md", folder / f"{name}.json"
    text.write_text(markdown + "\n", encoding="utf-8")
    everything = {"machine": machine, "libraries": versions, "results": data}
    plain.write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [text, plain]
