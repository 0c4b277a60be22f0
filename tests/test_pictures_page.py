"""What the page on pictures shows is true: its programs run and draw the images beside them."""

import re
import runpy
import shutil
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "pictures.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")


@needs_dot
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.strip().splitlines()[-1][:40])
def test_programs_run_and_draw_what_is_shown(program, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "pictures.md", "exec"), {"__name__": "pictures"})
    assert capsys.readouterr().out
    for drawn in tmp_path.glob("*.svg"):
        shown = DOCS / "images" / drawn.name
        if shown.exists():
            assert texts(shown) == texts(drawn)


def texts(path):
    """The words of an SVG picture; the numbers may differ in their last digit elsewhere."""
    found = re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))
    return sorted(text for text in found if not re.search(r"\d\.\d|e−", text))


def test_what_the_comments_say_is_printed(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = next(p for p in PROGRAMS if "trace_backward" in p)
    exec(program, {})
    assert re.search(r"formula\) +# (.*)", program)[1] in capsys.readouterr().out.splitlines()


def test_images_and_links_are_there():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(links) == 5
    assert all((DOCS / link).exists() for link in links)


def test_every_image_is_shown_and_can_be_drawn_again():
    script = runpy.run_path(str(DOCS.parent / "scripts" / "images.py"))
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    shown = set(re.findall(r"images/([\w-]+\.\w+)", " ".join(p.read_text("utf-8") for p in pages)))
    images = {path.name for path in (DOCS / "images").iterdir()}
    assert images == shown
    assert {path.removesuffix(".png") for path in images if path.endswith(".png")} == set(
        script["FRAMES"]
    )
