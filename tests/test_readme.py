"""What the README shows is true: its programs run, and its links lead somewhere."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
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


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link
