"""A chart of the ratios: a panel for each problem, with bars to either side of its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.sides import sides_for
from benchmarks.steps import Outcome
from benchmarks.timing import ratios

OURS, THEIRS, BOUND = "#0072b2", "#b8b8b8", "#e0e0e0"
COLUMNS = 3
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def draw(outcomes: Sequence[Outcome], machine: Mapping[str, str], path: Path) -> None:
    """Writes the chart to `path`, in the format of its suffix (.svg, .png).

    Raises ImportError, with what to install, if matplotlib is missing.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the chart needs matplotlib: pip install matplotlib") from error

    columns = min(COLUMNS, len(outcomes))
    heights = [
        3 + max(len(outcome.times) for outcome in outcomes[first : first + columns])
        for first in range(0, len(outcomes), columns)
    ]
    figure = Figure(figsize=(5.2 * columns, 1 + 0.19 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle("Time of a training step, as a ratio (left of 1 is faster)", fontsize=13)
    about = [machine["date"], machine["processor"], f"threads: {machine['threads']}"]
    figure.supxlabel(" · ".join(about), fontsize=8)
    panels = figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights).flat
    for panel, outcome in zip(panels, outcomes):
        _draw_panel(panel, outcome)
    for panel in panels[len(outcomes) :]:
        panel.set_axis_off()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "steps"}):  # words, not their outlines
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_panel(panel: Any, outcome: Outcome) -> None:
    titles = sides_for(outcome.problem)
    shares = ratios(outcome.times, outcome.reference)
    names = sorted(shares, key=lambda name: shares[name], reverse=True)
    bars = panel.barh(
        [titles[name] for name in names],
        [shares[name] - 1 for name in names],
        left=1,
        color=[_colour(name) for name in names],
    )
    panel.bar_label(bars, [f"{shares[name]:.2f}" for name in names], padding=3, fontsize=8)
    panel.axvline(1, color="black", linewidth=0.8)
    panel.set_xscale("log")
    panel.set_xticks(TICKS, map(str, TICKS))
    panel.minorticks_off()
    least, most = min(shares.values()), max(shares.values())
    panel.set_xlim(min(least / 1.8, 0.5), max(most * 1.8, 2))  # the numbers have room
    panel.set_title(outcome.problem.title, fontsize=9, loc="left")
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)


def _colour(name: str) -> str:
    if name.startswith("tinygrad_lite"):
        return OURS
    return BOUND if name == "numpy_products" else THEIRS
