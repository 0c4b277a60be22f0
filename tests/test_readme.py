"""What the README shows is true: its programs run, and its links lead somewhere."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MEASURED = (ROOT / "docs" / "benchmarks" / "steps.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.strip().splitlines()[-1][:40])
def test_programs_run(program, tmp_path, monkeypatch, capsys):
    if "render" in program and shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert printed
    for value in re.findall(r"# (tensor\(.*\))$", program, re.MULTILINE):
        assert value in printed


def test_the_table_is_the_one_that_is_printed(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(PROGRAMS[0].split("trace.save")[0], {})
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    table = re.search(r"```\n(step .*?)```", README, re.DOTALL)
    assert table is not None
    assert table[1].splitlines() == printed[-5:]


def test_the_report_is_the_one_that_is_printed(capsys):
    (program,) = [program for program in PROGRAMS if "check_grads" in program]
    exec(program, {"__name__": "readme"})
    report = re.search(r"```\n(cube: .*?)```", README, re.DOTALL)
    assert report is not None
    assert report[1] == capsys.readouterr().out


def test_the_ratios_are_those_of_the_run_that_is_kept():
    shown = rows(README.split("## Faster")[1])
    kept = {row["step"].split("(")[1]: row for row in rows(MEASURED)}
    titles = {"compiled": "tinygrad_lite, compiled", "eager": "tinygrad_lite"}
    order = ["2-8-2", "20-64-64-5", "[64]*9-10", "784-512-10", "784-256-128-10", "784-2048-10"]
    assert len(shown) == len(order)
    for row, sizes in zip(shown, order):
        (measured,) = [figures for name, figures in kept.items() if name.startswith(f"{sizes},")]
        for name, figure in list(row.items())[1:]:
            digits = len(figure.partition(".")[2])
            assert figure == f"{float(measured[titles.get(name, name)]):.{digits}f}", (sizes, name)


def rows(text):
    """The first table of a page: a dict for every row."""
    lines = re.search(r"((?:^\|.*\n)+)", text, re.MULTILINE)[1].splitlines()
    names, _, *found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(names, cells)) for cells in found]


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link
