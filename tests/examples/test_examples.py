"""The worked stories: each runs, draws its picture, and ends in the figure that it promises."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def run(name: str, folder: Path, *arguments: str, fails: bool = False) -> str:
    """The output of an example, warnings being errors as in every test; the picture is there."""
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", "--output", folder, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(EXAMPLES.parent), "PYTHONIOENCODING": "utf-8"},
        cwd=folder,
    )
    assert bool(done.returncode) == fails, done.stderr
    if fails:
        return done.stderr
    assert "/s, " not in done.stderr  # no progress bar: this is no terminal
    if shutil.which("dot"):
        picture = (folder / f"{name}.svg").read_text()
        assert "∇" in picture and picture.count("<title>") > 10
        assert ">x1<" not in picture  # every input has the name that the story gives it
    return done.stdout


def figures(pattern: str, text: str) -> list[float]:
    """The numbers in the last line that matches."""
    found = re.findall(pattern, text)
    assert found, text
    last = found[-1]
    return [float(x) for x in (last if isinstance(last, tuple) else (last,))]


def test_shallow_network(tmp_path: Path) -> None:
    text = run("shallow_network", tmp_path)
    right, largest = figures(r"([\d.]+)% of the points .* more than ([\d.e+-]+)\.", text)
    assert right > 99 and largest < 1e-12


def test_deep_network(tmp_path: Path) -> None:
    text = run("deep_network", tmp_path)
    assert "    3      (3, 5)      (3, 1)    (3, 400)    (3, 400)      (3, 5)" in text
    (difference,) = figures(r"differ by ([\d.e+-]+) at most", text)
    assert difference < 1e-12
    assert text.count("<- chosen") == 5
    # The largest batch is all that two of three folds have to learn from.
    assert re.findall(r"batch size +(\d+)", text) == ["16", "64", "267"]
    (accuracy,) = figures(r"([\d.]+)% of the 100 test examples", text)
    assert accuracy >= 94
    if importlib.util.find_spec("matplotlib"):
        assert (tmp_path / "deep_network_costs.svg").stat().st_size > 10_000


def test_backpropagation_xor(tmp_path: Path) -> None:
    text = run("backpropagation_xor", tmp_path)
    (difference,) = figures(r"differ by ([\d.e+-]+) at most", text)
    assert difference < 1e-12
    small, right, large = (float(e) for e in re.findall(r"\|  E = ([\d.]+)", text))
    assert small > 0.4 and right < 0.01 and large > 0.4
    (linear,) = figures(r"below 0\.5, and is ([\d.]+)\.\s", text)
    assert linear == pytest.approx(0.5)  # 0.5 for every pattern is the best a line can do
    assert text.index("too small") < text.index("right\n") < text.index("too large")
    (worst,) = figures(r"XOR is learned: .* misses by ([\d.]+)\.", text)
    assert worst < 0.05
    assert (tmp_path / "backpropagation_xor.html").stat().st_size > 1000


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("shallow_network", ["--steps", "4"], "; in 4 steps the gradients"),
        ("backpropagation_xor", ["--epochs", "1"], "XOR is not learned yet: the output"),
        ("deep_network", ["--epochs", "1", "--folds", "2"], "by 2-fold cross-validation, 1 epochs"),
    ],
)
def test_sentences_follow_the_options(
    tmp_path: Path, name: str, arguments: list[str], sentence: str
) -> None:
    assert sentence in run(name, tmp_path, *arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("shallow_network", ["--steps", "0"]),
        ("backpropagation_xor", ["--epochs", "0"]),
        ("deep_network", ["--folds", "1"]),
        ("deep_network", ["--epochs", "0"]),
        ("mnist_dense", ["--epochs", "0"]),
        ("digits", ["--epochs", "0"]),
        ("mlp_backprop", ["--epochs", "-1"]),
        ("backpropagation_xor", ["--seed", "-1"]),
        ("mnist_dense", ["--seed", "-1"]),
        ("digits", ["--seed", "-1"]),
        ("mlp_backprop", ["--seed", "-1"]),
    ],
)
def test_options_out_of_range(tmp_path: Path, name: str, arguments: list[str]) -> None:
    message = run(name, tmp_path, *arguments, fails=True)
    assert f"{arguments[0]} is at least" in message
    assert "Traceback" not in message


def test_dropout_and_vanishing(tmp_path: Path) -> None:
    text = run("dropout_and_vanishing", tmp_path)
    assert re.search(r"and +learned", text) and re.search(r"xor +never learned", text)
    (difference,) = figures(r"outputs and gradients differ by ([\d.e+-]+)", text)
    assert difference < 1e-6
    without, dropped = (
        float(loss) for loss in re.findall(r" 0\.[05] +[\d.]+ +([\d.]+) +[\d.]+%", text)
    )
    assert dropped < without
    one, two = (float(x) for x in re.findall(r"y\) +?= ([\d.]+)", text))
    assert one == two
    noises = [float(x) for x in re.findall(r"^ +\d+ +[\d.]+ +([\d.]+)$", text, re.MULTILINE)]
    shares = re.findall(r"tanh +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+)\n", text)
    larger, much_larger = figures(
        r"([\d.]+) times as much .*\n.* gain of 3 it is (\d+) times", text
    )
    assert [larger] == [float(share) for share in shares] and much_larger > 10 * larger
    assert len(noises) == 6 and max(noises) < 1.3 * min(noises)
    measures = [float(x) for x in re.findall(r"(?:accuracy|f1|r2) +([\d.]+)$", text, re.MULTILINE)]
    assert len(measures) == 4 and min(measures) > 0.95
    sigmoid, relu = figures(r"receives ([\d.e+-]+) of .* and ([\d.]+) through relus", text)
    assert sigmoid < 1e-9 and 0.1 < relu < 10


def test_digits(tmp_path: Path) -> None:
    text = run("digits", tmp_path)
    (accuracy,) = figures(r"([\d.]+)% of the held-out digits", text)
    assert accuracy >= 97


@pytest.mark.slow
def test_mnist_dense(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    text = run("mnist_dense", tmp_path, "--root", str(shared_data("mnist")))
    (accuracy,) = figures(r"([\d.]+)% of the test digits read", text)
    assert accuracy >= 98


def test_mnist_dense_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TINYGRAD_LITE_CACHE", str(tmp_path))
    monkeypatch.delenv("MNIST", raising=False)
    message = run("mnist_dense", tmp_path, fails=True)
    assert "not found" in message and "--root" in message and "--download" in message
    assert "Traceback" not in message


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_option_is_explained(path: Path) -> None:
    options = re.findall(r"add_argument\((.*?)\)\n", path.read_text(), re.DOTALL)
    assert options and all("help=" in option for option in options)


def test_mnist_dense_with_damaged_data(tmp_path: Path) -> None:
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / f"{name}-ubyte").write_bytes(b"nonsense")
    message = run("mnist_dense", tmp_path, "--root", str(tmp_path), fails=True)
    assert "train-images-idx3-ubyte is not an IDX file" in message
    assert "Traceback" not in message
