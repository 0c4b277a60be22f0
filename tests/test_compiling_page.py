"""What the page on compiling shows is true: its programs run, and print what stands beside them."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "compiling.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SHOWN = re.findall(
    r"\n```\n(.+?)```", re.sub(r"```python\n.*?```", "", PAGE, flags=re.DOTALL), re.DOTALL
)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the programs print, one after the other as on the page."""
    namespace, found = {"__name__": "compiling"}, []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        for program in PROGRAMS:
            lines = []
            namespace["print"] = lambda *words, lines=lines: lines.append(" ".join(map(str, words)))
            exec(compile(program, "compiling.md", "exec"), namespace)
            found.append("\n".join(lines))
    return found


def test_it_learns(printed):
    assert float(printed[0].splitlines()[0]) < 0.01


def test_what_is_shown_is_what_is_printed(printed):
    source, report, error = SHOWN
    assert source.startswith("def train_step(x, y):\n")
    assert printed[0].rstrip().endswith(source.rstrip())
    assert report.rstrip() == printed[1]
    assert error.split() == printed[3].split()


def test_the_saved_program_runs_on_its_own(printed):
    assert float(printed[4]) >= 0


def test_images_and_links_are_there():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(links) == 2
    assert all((DOCS / link).exists() for link in links)
