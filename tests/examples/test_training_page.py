"""The page on training: its Python blocks run as they stand, one after the other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "training.md"


def test_every_block_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in ("safetensors", "matplotlib", "tqdm"):
        pytest.importorskip(library)
    if not shutil.which("dot"):
        pytest.skip("Graphviz is missing")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 6
    names: dict = {"__name__": "page"}
    for i, block in enumerate(blocks):
        source = tmp_path / f"block_{i}.py"
        source.write_text(block)
        exec(compile(block, source, "exec"), names)  # compiled functions are found in the file
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith("block")} == {
        "backward.html",
        "backward.svg",
        "curves.png",
        "digits.safetensors",
        "history.json",
        "read_digits.npz",
        "read_digits.py",
        "run.safetensors",
    }
    assert names["history"].best("val_accuracy")["val_accuracy"] > 0.95
    assert "val_accuracy" in capsys.readouterr().out
