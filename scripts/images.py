"""Draw the images of the README and of docs/ again, with the pictures as they are now.

The programs of docs/pictures.md draw theirs, the examples their pages, of which frames are taken.

usage: python scripts/images.py    (needs Graphviz, and for the frames Playwright and a Chromium)
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import tinygrad_lite as tg

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"


def draw_pictures(folder: Path) -> None:
    """Run the programs of the page on pictures in a folder, and keep what the page shows."""
    os.chdir(folder)
    page = (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")
    for program in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(program, "pictures.md", "exec"), {"__name__": "pictures"})
    for shown in IMAGES.glob("*.svg"):
        if (folder / shown.name).exists():
            shutil.copy(folder / shown.name, shown)
    picture = tg.draw(example("neuron")["neuron"]())
    (IMAGES / "neuron.svg").write_bytes(picture.pipe(format="svg"))


def save_pages(folder: Path) -> None:
    """The players that frames are taken of: two examples, and a chain of twenty operations."""
    for name in ("neuron", "mlp_backprop"):
        sys.argv = [f"{name}.py", "--output", str(folder)]
        example(name)["main"]()
    weights = [tg.tensor(v, requires_grad=True, name=f"w{i}") for i, v in enumerate(WEIGHTS)]
    y = weights[0]
    for i in range(20):
        y = tg.tanh(y) if i % 3 == 2 else y * weights[i % 5] if i % 3 else y + weights[i % 5]
    tg.trace_backward(y).save(folder / "chain.html")


WEIGHTS = (0.13, -0.13, 0.64, 0.1, -0.54)


def example(name: str) -> dict[str, Any]:
    """The names that an example defines."""
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))


FRAMES = {  # image: page, step, width and height, theme
    "player-neuron": ("neuron", 8, (1200, 760), "light"),
    "player-mlp": ("mlp_backprop", 4, (1200, 760), "dark"),
    "player-rows": ("chain", 35, (1333, 750), "light"),
}


def take_frames(folder: Path) -> None:
    """Open the pages in a browser at a step, and take a picture of each."""
    from playwright.sync_api import sync_playwright

    browsers = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=next(filter(None, browsers), None))
        for image, (page, step, (width, height), theme) in FRAMES.items():
            tab = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=theme,
                reduced_motion="reduce",
            )
            tab.goto(f"{(folder / page).as_uri()}.html#step={step}")
            tab.screenshot(path=IMAGES / f"{image}.png")
            tab.close()
        browser.close()


def main() -> None:
    """All images, by way of a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as name:
        draw_pictures(Path(name))
        save_pages(Path(name))
        take_frames(Path(name))
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
