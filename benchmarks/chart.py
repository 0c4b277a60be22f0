"""A bar chart of the ratios, one panel for each problem (needs matplotlib)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.sides import sides_for
from benchmarks.steps import Outcome
from benchmarks.timing import ratios

OURS, THEIRS, BOUND = "#0072b2", "#b8b8b8", "#e0e0e0"


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Writes the chart to `path`, in the format of its suffix (.svg, .png).

    Raises ImportError, with what to install, if matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the chart needs matplotlib: pip install matplotlib") from error

    outcomes = [outcome for outcome in outcomes if outcome.times]
    heights = [len(outcome.times) + 2 for outcome in outcomes]
    figure = Figure(figsize=(8, 0.27 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(outcomes), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, outcome in zip(panels, outcomes):
        titles = sides_for(outcome.problem)
        shares = ratios(outcome.times, outcome.reference)
        names = sorted(shares, key=lambda name: shares[name], reverse=True)
        values = [shares[name] for name in names]
        bars = panel.barh(
            [titles[name] for name in names], values, color=[_colour(name) for name in names]
        )
        panel.bar_label(bars, [f"{value:.2f}" for value in values], padding=3, fontsize=8)
        panel.axvline(1, color="black", linewidth=0.8)
        panel.set_xscale("log")
        panel.set_xlim(min(values) / 1.5, max(values) * 2)
        panel.set_title(f"{outcome.problem.title}", fontsize=9, loc="left")
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel(
        "time of a step as a ratio to the reference (logarithmic; smaller is better)", fontsize=8
    )
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _colour(name: str) -> str:
    if name.startswith("tinygrad_lite"):
        return OURS
    return BOUND if name == "numpy_products" else THEIRS
