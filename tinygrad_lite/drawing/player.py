"""The player: a trace as one offline page that steps through its backward pass."""

from __future__ import annotations

import html
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_lite.drawing.player_flow import flow, hooked, seed
from tinygrad_lite.drawing.player_scene import scene
from tinygrad_lite.drawing.theme import DARK, KINDS, LIGHT, Theme

if TYPE_CHECKING:
    from tinygrad_lite.drawing.trace import Trace

SCRIPTS = ("model", "numbers", "tiles", "graph", "view", "panel", "details", "player")
INLINE = 3_000  # events that a notebook can hold in a cell
HEIGHT = 680  # pixels of a cell
LONGEST = 100_000  # events that a browser can hold in a page


def page(trace: Trace) -> str:
    """The player of a trace as the text of an HTML file that needs nothing else.

    Raises:
        ValueError: if there are more steps than a browser can hold.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor(3.0, requires_grad=True, name="x")
    >>> page(tg.trace_backward(x * x)).splitlines()[0]
    '<!doctype html>'
    """
    if len(trace) > LONGEST:
        raise ValueError(
            f"a page holds at most {LONGEST:,} steps, and this trace has {len(trace):,}: save it "
            "as .json, trace a part of the computation, or draw a summary with tg.draw(trace)"
        )
    parts = {
        "title": html.escape(f"Backpropagation of {trace.names[trace.output]}"),
        "style": _themed() + _asset("player.css"),
        "data": _embedded(
            {
                "trace": _portable(trace),
                "scene": scene(trace),
                "flow": flow(trace),
                "seed": seed(trace),
                "hooked": hooked(trace),
                "kinds": KINDS,
            }
        ),
        "script": "\n".join(_asset(f"{name}.js") for name in SCRIPTS),
    }
    text = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _asset("player.html"))
    return text.encode("utf-8", "replace").decode("utf-8")  # a name may hold half a character


def frame(trace: Trace) -> str | None:
    """The player in an ``<iframe>``, for notebooks; None where the trace is too long for a cell."""
    if len(trace) > INLINE:
        return None
    title = html.escape(f"Backpropagation of {trace.names[trace.output]}")
    return (
        f'<iframe title="{title}" srcdoc="{html.escape(page(trace))}" '
        f'style="width: 100%; height: {HEIGHT}px; border: 0" loading="lazy"></iframe>'
    )


def _asset(name: str) -> str:
    return files("tinygrad_lite.drawing").joinpath("player_assets", name).read_text("utf-8")


def _portable(trace: Trace) -> dict[str, Any]:
    """The trace as data; a page that is passed on does not tell the folders of whoever made it."""
    data = trace.to_dict()
    for item in (*data["nodes"], *data["events"]):
        if item["source"]:
            item["source"]["file"] = Path(item["source"]["file"]).name
    return data


def _embedded(data: object) -> str:
    """JSON that no name can end early: in a script element only ``<`` could."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _themed() -> str:
    """The colours of pictures as CSS variables; the reader's choice goes before the system's."""
    return (
        f":root {{ color-scheme: light; {_variables(LIGHT)} }}\n"
        "@media (prefers-color-scheme: dark) "
        f"{{ :root {{ color-scheme: dark; {_variables(DARK)} }} }}\n"
        f':root[data-theme="light"] {{ color-scheme: light; {_variables(LIGHT)} }}\n'
        f':root[data-theme="dark"] {{ color-scheme: dark; {_variables(DARK)} }}\n'
    )


def _variables(theme: Theme) -> str:
    plain = {
        "background": theme.background,
        "text": theme.text,
        "muted": theme.muted,
        "forward": theme.forward,
        "frame": theme.frame,
        "surface": theme.cluster[0],
        "raised": theme.cluster[1],
        "operation": theme.operation.border,
        "negative": theme.negative,
        "balanced": theme.balanced,
        "positive": theme.positive,
        "strange": theme.strange,
    }
    for kind, tint in theme.tints.items():
        plain |= {f"{kind}-fill": tint.fill, f"{kind}-border": tint.border}
    return " ".join(f"--{name}: {colour};" for name, colour in plain.items())
