"""The colours of pictures: three themes, and a scale for gradients that every eye can read."""

from __future__ import annotations

import math
from typing import NamedTuple


class Tint(NamedTuple):
    """How the box of one kind of tensor looks."""

    fill: str
    border: str
    style: str = "rounded,filled"
    width: float = 1.0


class Theme(NamedTuple):
    """The look of a picture.

    Attributes:
        background: behind everything.
        text: names, values.
        muted: shapes, dtypes, captions.
        forward: the edges of the forward pass.
        cluster: fills of nested modules, alternating.
        frame: the line around modules and groups.
        operation: the circle of an operation.
        tints: the boxes by kind.
        negative, balanced, positive: the scale of gradients, by the sign of their elements.
        strange: gradients that are not finite.
        dashed: whether negative gradients are dashed, for readers without colours.
    """

    background: str
    text: str
    muted: str
    forward: str
    cluster: tuple[str, str]
    frame: str
    operation: Tint
    tints: dict[str, Tint]
    negative: str
    balanced: str
    positive: str
    strange: str
    dashed: bool = False

    def gradient(self, lean: float) -> str:
        """The colour of a gradient whose signs lean this way: -1 all negative, 1 all positive.

        NaN stands for a gradient that is not finite.
        """
        if math.isnan(lean):
            return self.strange
        end = self.positive if lean > 0 else self.negative
        return _mixed(self.balanced, end, min(1.0, abs(lean)))


def _mixed(a: str, b: str, share: float) -> str:
    channels = ((int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in channels)


LIGHT = Theme(
    background="#ffffff",
    text="#1c2128",
    muted="#5f6873",
    forward="#a3abb5",
    cluster=("#f5f7f9", "#eceff3"),
    frame="#b9c1ca",
    operation=Tint("#ffffff", "#4a525c", "filled"),
    tints={
        "parameter": Tint("#fdf0cd", "#a97900", width=1.6),
        "input": Tint("#d9f0ea", "#2b7f70"),
        "constant": Tint("#f1f3f5", "#98a1ab", "rounded,filled,dashed"),
        "intermediate": Tint("#ffffff", "#8b949e"),
        "output": Tint("#f4e1f0", "#94427b", width=1.6),
        "group": Tint("#e4e9ef", "#6b7683"),
    },
    negative="#1f66ad",
    balanced="#8d8795",
    positive="#c04e12",
    strange="#d0007f",
)

DARK = Theme(
    background="#15191f",
    text="#e8ecf1",
    muted="#a3adb8",
    forward="#5d6773",
    cluster=("#1d232b", "#252c36"),
    frame="#465160",
    operation=Tint("#15191f", "#c3ccd6", "filled"),
    tints={
        "parameter": Tint("#40340f", "#e0b23c", width=1.6),
        "input": Tint("#123b35", "#57c2ae"),
        "constant": Tint("#262c34", "#7b8693", "rounded,filled,dashed"),
        "intermediate": Tint("#1b2027", "#8994a1"),
        "output": Tint("#43203a", "#de8cc6", width=1.6),
        "group": Tint("#2d3642", "#93a0af"),
    },
    negative="#62aef2",
    balanced="#a7a1b0",
    positive="#f59055",
    strange="#ff6ac1",
)

PRINT = Theme(
    background="#ffffff",
    text="#000000",
    muted="#444444",
    forward="#999999",
    cluster=("#f7f7f7", "#efefef"),
    frame="#aaaaaa",
    operation=Tint("#ffffff", "#000000", "filled"),
    tints={
        "parameter": Tint("#e2e2e2", "#000000", width=2.0),
        "input": Tint("#ffffff", "#000000", width=1.4),
        "constant": Tint("#ffffff", "#777777", "rounded,filled,dashed"),
        "intermediate": Tint("#ffffff", "#777777"),
        "output": Tint("#c9c9c9", "#000000", width=2.0),
        "group": Tint("#ededed", "#333333"),
    },
    negative="#000000",
    balanced="#777777",
    positive="#000000",
    strange="#000000",
    dashed=True,
)

KINDS = {  # what a legend calls them
    "parameter": "parameter",
    "input": "input",
    "constant": "constant",
    "intermediate": "result",
    "output": "output",
    "operation": "operation",
    "group": "folded",
}

THEMES = {"light": LIGHT, "dark": DARK, "print": PRINT}


def theme_named(name: str) -> Theme:
    """The theme of that name.

    Raises:
        ValueError: if there is none.
    """
    if name not in THEMES:
        raise ValueError(f"theme must be one of {', '.join(THEMES)}, not {name!r}")
    return THEMES[name]
