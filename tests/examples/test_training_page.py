"""The page on training: its Python blocks run as they stand, one after the other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
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
    assert len(blocks) == 7
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
    assert guesses_of_the_exported_program(names["x_test"], tmp_path) == (
        names["read_digits"](names["x_test"]).tolist()
    )


def guesses_of_the_exported_program(pixels: np.ndarray, folder: Path) -> list[int]:
    """What read_digits.py says in a process where this library cannot be imported."""
    np.save(folder / "pixels.npy", pixels)
    program = """if True:
        import sys
        sys.modules["tinygrad_lite"] = None
        import numpy, read_digits
        print(read_digits.read_digits(numpy.load("pixels.npy")).tolist())
    """
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)
