"""The page on testing says what happens: its files are run and its reports are compared."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinygrad_lite.testing import GradientError, checks

pytest.importorskip("hypothesis")

from hypothesis import Phase, settings

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def block(label: str) -> str:
    """The text of the code block after a comment."""
    found = re.search(
        rf"<!-- {label} -->\n```\w*\n(.*?)```\n", PAGE.read_text(encoding="utf-8"), re.S
    )
    assert found is not None, label
    return found.group(1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("gelu.py", "test_gelu.py", "model.py"):
        (tmp_path / name).write_text(block(f"file: {name}"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("gelu", None)


def test_the_report_is_the_one_it_prints(folder: Path) -> None:
    test = runpy.run_path("test_gelu.py")["test_gelu"]
    with pytest.raises(GradientError) as caught:
        settings(database=None, deadline=None, phases=[Phase.generate, Phase.shrink])(test)()
    assert str(caught.value).strip() == block("report").strip()


def test_the_correction_helps(folder: Path) -> None:
    source = (folder / "gelu.py").read_text(encoding="utf-8")
    wrong, right = "C * (1 + 0.044715 * x**2)", "C * (1 + 3 * 0.044715 * x**2)"
    assert source.count(wrong) == 1
    assert f"`inner = {right}`" in PAGE.read_text(encoding="utf-8").replace("\n", " ")
    (folder / "gelu.py").write_text(source.replace(wrong, right), encoding="utf-8")
    runpy.run_path("test_gelu.py")["test_gelu"]()


def test_the_audit_is_the_one_it_prints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path("model.py")
    assert capsys.readouterr().out.strip() == block("audit").strip()


def test_the_list_of_properties_is_the_one_that_is_looked_at() -> None:
    listed = re.findall(r"^\d+\. \*\*(.+?)\*\*", PAGE.read_text(encoding="utf-8"), re.M)
    assert listed == [checks.title(check) for check in (*checks.FATAL, *checks.OTHERS)]
