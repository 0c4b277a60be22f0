import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks import chain, imports, memory, sides
from benchmarks.work import MLP

ROOT = Path(benchmarks.__file__).parents[1]
SMALL = MLP("small", (30, 200, 3), 8, "SGD", {"lr": 0.1})


def test_memory_of_plain_numpy_is_at_least_its_arrays():
    footprint = memory.measure("numpy_by_hand", SMALL)
    parameters = sum(weight.nbytes + bias.nbytes for weight, bias in SMALL.weights)
    assert footprint.resting >= parameters
    assert footprint.peak >= footprint.resting + parameters  # the gradients


def test_memory_report():
    outcome = memory.run(SMALL, only=["numpy_expert"])
    assert set(outcome.footprints) == {"numpy_by_hand", "numpy_expert"}
    text = memory.render([outcome])
    assert "NumPy, expert-tuned" in text and "MyGrad skipped: not asked for" in text
    assert memory.data([outcome])[0]["sides"]["numpy_by_hand"]["peak"] > 0


def test_memory_of_a_missing_library(monkeypatch):
    def load(name):
        if name == "numpy_expert":
            raise sides.Unavailable("numpy is not installed")
        return sides.load(name)

    monkeypatch.setattr(memory, "load", load)
    outcome = memory.run(SMALL, only=["numpy_expert"])
    assert outcome.skipped["numpy_expert"] == "numpy is not installed"


def test_imports_are_measured_and_missing_packages_named(monkeypatch):
    monkeypatch.setattr(imports, "PACKAGES", ("numpy", "json", "no_such_package"))
    outcome = imports.run(samples=1)
    assert set(outcome.times) == {"numpy", "json"}
    assert outcome.skipped == {"no_such_package": "no_such_package is not installed"}
    assert "| numpy   |" in imports.render(outcome)


def test_an_import_is_that_of_compiled_files(monkeypatch, tmp_path):
    (tmp_path / "fresh.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert imports._import_time("fresh") > 0
    assert list((tmp_path / "__pycache__").glob("fresh.*.pyc"))


def test_chain_in_this_process():
    pytest.importorskip("micrograd")
    cost = chain.measure("micrograd", 50)
    assert cost.length == 50 and cost.forward > 0 and cost.backward > 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux has this trap")
def test_memory_of_a_chain_is_its_own_not_that_of_who_asks():
    program = "from benchmarks import chain; print(chain._peak_memory())"
    large = np.ones(2**27, np.uint8)  # 128 MiB, of which the child knows nothing
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert 2**20 < int(done.stdout) < large.nbytes


def test_chain_reports_costs_and_failures(monkeypatch):
    def crash(command, **options):
        side, length = command[-2], int(command[-1])
        if length > 10 and side == "slow":
            raise subprocess.TimeoutExpired(command, options["timeout"])
        if length > 10:
            raise subprocess.CalledProcessError(1, command, "", "oh\nRecursionError: too deep\n")
        return subprocess.CompletedProcess(command, 0, "1.0 2.0 0.5 1000\n", "")

    monkeypatch.setattr(chain, "LENGTHS", (10, 100, 1000))
    monkeypatch.setattr(chain, "SIDES", {"one": None, "slow": None})
    monkeypatch.setattr(chain.subprocess, "run", crash)
    outcome = chain.run()
    cost = chain.Cost(10, 1.0, 2.0, 0.5, 1000)
    assert outcome.costs == {"one": [cost], "slow": [cost]}
    assert outcome.failed == {
        "one": "100 operations: RecursionError: too deep",
        "slow": "100 operations: not done after 60 s",
    }
    text = chain.render(outcome)
    assert "100 ms" in text and "one failed at 100 operations" in text


def test_command_line(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--problems", "tiny", "--samples", "1"]
    command += ["--seconds", "0.001", "--sides", "numpy_expert", "--results", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "NumPy, expert-tuned" in done.stdout
    assert (tmp_path / "steps.json").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("--problems huge", "no such problem: huge; there are tiny, small, mnist"),
        ("memory --problems scalars", "no such problem: scalars; there are tiny, small, mnist"),
        ("--sides numpy", "no such side: numpy; there are numpy_by_hand, numpy_expert"),
        ("--skip numpy", "no such side: numpy; there are numpy_by_hand, numpy_expert"),
        ("chain --sides jax", "no such side: jax; there are tinygrad_lite, pytorch"),
        ("--samples 0", "must be at least 1, got 0"),
        ("--seconds nan", "must be a positive number of seconds, got nan"),
        ("--threads 0", "the cores here; got 0"),
        ("--threads 9999", "the cores here; got 9999"),
        (f"--results {__file__}", "File exists"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(command, message, tmp_path):
    options = ["--results", str(tmp_path), *command.split()]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode
    assert message in done.stderr and "Traceback" not in done.stderr
