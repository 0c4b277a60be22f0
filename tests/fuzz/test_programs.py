"""Random programs agree with PyTorch; a wrong rule is found, and shown in a line or two."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import tinygrad_lite as tg
from tests.fuzz.campaign import report, run
from tests.fuzz.compare import Found, difference, judge
from tests.fuzz.generate import program
from tests.fuzz.program import Program, Step
from tests.fuzz.shrink import shrunk
from tinygrad_lite.ops import trigonometric

ROOT = Path(__file__).resolve().parents[2]


def agree(seed: int, numbers: range, second_order: float) -> None:
    tally = run(seed, numbers, second_order, failures=1)
    print(*tally.table(), sep="\n")
    assert not tally.failures, report(tally.failures[0][0])


@pytest.mark.parametrize("start", [0, 100, 200])
def test_random_programs_agree_with_pytorch(start: int):
    agree(0, range(start, start + 100), 0.1)


def test_random_programs_agree_to_second_order():
    agree(1, range(60), 1.0)


@pytest.mark.fuzz
def test_many_random_programs_agree_with_pytorch(seed: int):
    agree(seed, range(20_000), 0.1)


def test_a_seed_and_a_number_are_a_program():
    first, again, other = (program(7, n, 0.5) for n in (3, 3, 4))
    assert first.source() == again.source() != other.source()


def test_a_program_prints_as_a_script_that_runs_in_both():
    drawn = next(p for p in (program(7, n, 1.0) for n in range(99)) if judge(p).kind == "same")
    done = subprocess.run(
        [sys.executable, "-c", drawn.source()], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "second" in done.stdout


@pytest.fixture
def wrong_sine(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = trigonometric.sin.vjps[0]
    monkeypatch.setattr(trigonometric.sin, "vjps", (lambda g, out, x: 1.001 * rule(g, out, x),))


@pytest.mark.usefixtures("wrong_sine")
def test_a_wrong_rule_is_found_and_made_small():
    tally = run(0, range(300), failures=1)
    assert [verdict.kind for _, verdict in tally.failures] == ["differs"]
    small = shrunk(tally.failures[0][0])
    assert len(small.steps) == 1 and "sin(" in small.steps[0].here
    assert "first of x" in report(small)


def one_step(here: str, there: str, **leaves: np.ndarray) -> Program:
    return Program(
        seed="by hand",
        leaves=leaves,
        constant=frozenset(),
        exact=frozenset(),
        steps=(Step("y0", f"y0 = {here}", f"y0 = {there}"),),
        cotangents={"y0": np.ones(3)},
        directions={n: np.ones(np.shape(a)) for n, a in leaves.items()},
        second_order=True,
        piecewise=False,
    )


X = np.array([0.3, -1.2, 0.7])


@pytest.mark.parametrize(
    ("here", "there", "kind"),
    [
        ("tg.exp(x0)", "torch.exp(x0)", "same"),
        ("tg.exp(x0) * (1 + 1e-9)", "torch.exp(x0)", "differs"),
        ("tg.exp(x0).detach()", "torch.exp(x0)", "differs"),
        ("tg.exp(x0) * x0.detach()", "torch.exp(x0) * x0", "differs"),
        ("tg.exp(x0)[None]", "torch.exp(x0)", "differs"),
        ("tg.exp(x0)[7]", "torch.exp(x0)", "we raise"),
        ("tg.log(x0)", "torch.log(x0)", "both refuse"),
        ("tg.exp(x0)", "torch.exp(x0, x0, x0)", "PyTorch has none"),
        ("tg.exp(x0)[7]", "torch.exp(x0)[7]", "both refuse"),
    ],
)
def test_verdicts(here: str, there: str, kind: str):
    assert judge(one_step(here, there, x0=X)).kind == kind


def test_only_the_second_derivative_may_differ():
    curved = "torch.exp(x0.detach()) * (1 + x0 - x0.detach())"
    verdict = judge(one_step("tg.exp(x0)", curved, x0=X))
    assert verdict.kind == "differs" and "second of x0" in verdict.detail


def test_a_gradient_of_another_dtype_is_a_difference():
    drawn = one_step("tg.exp(x0)", "torch.exp(x0)", x0=X)
    wide, narrow = ({"x0": X.astype(dtype)} for dtype in (np.float64, np.float32))
    words = difference(drawn, Found({}, wide, None), Found({}, narrow, None), None)
    assert words is not None and "float32" in words


def test_finite_differences_judge_where_pytorch_cannot():
    wrong = tg.primitive(np.exp, [lambda g, out, x: 2 * g * out], name="wrong")
    drawn = one_step("tg.wrong(x0)", "torch.nonsense(x0)", x0=X)
    tg.wrong = wrong
    try:
        assert judge(drawn).kind == "differs"
    finally:
        del tg.wrong


def test_the_script_repeats_a_program():
    command = [sys.executable, ROOT / "scripts" / "fuzz_programs.py", "--seed", "7"]
    done = subprocess.run(
        [*command, "--start", "3", "--count", "5"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 programs" in done.stdout and "seed 7" in done.stdout
