"""A snippet is a whole program: pasted into a fresh process it shows what the report says."""

from __future__ import annotations

import builtins
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from benchmarks.planted_bugs import BUGS, Bug
from tests.testing.planted import error
from tinygrad_lite.testing import GradientError, check_grads, compare
from tinygrad_lite.testing.snippet import snippet, told
from tinygrad_lite.testing.sources import Sources
from tinygrad_lite.testing.written import packed, unpacked

X = np.random.default_rng(0).normal(size=(2, 3))
FACTOR = 2.0


def failure(check: Callable[[], Any]) -> Any:
    with pytest.raises(GradientError) as caught:
        check()
    return caught.value.report.findings[0]


def pasted(text: str) -> list[str]:
    """What the program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-"], input=text, capture_output=True, text=True, check=False
    )
    assert not done.returncode, f"{done.stderr}\n{text}"
    return done.stdout.splitlines()


def scaled(x: Any) -> Any:
    return x.detach() + FACTOR * (x - x.detach())


def test_functions_that_exist_in_a_test_alone_are_written_out() -> None:
    constants = {"power": 2, "weights": np.array([1.0, 0.5, 0.25])}

    def inner(x: Any) -> Any:
        return x ** constants["power"] * constants["weights"]

    half = tg.primitive(np.square, [lambda g, out, x: g * x], name="half")
    programs: list[Callable[..., Any]] = [
        lambda x: inner(scaled(x)),
        half,
        lambda x: half(x) + inner(x),
    ]
    for f in programs:
        finding = failure(lambda f=f: check_grads(f, X, order=1))
        text = snippet(finding)
        assert " = ...  # " not in text
        assert float(pasted(text)[-1]) == pytest.approx(finding.analytic, rel=1e-12)


def test_what_cannot_be_written_out_is_left_to_the_reader() -> None:
    own = np.random.default_rng(0)
    sources = Sources()
    sources.define("f", lambda x: x * own.random())
    (line,) = sources.definitions
    assert line.startswith("f = ...  # ")
    assert "test_snippets.py:" in line
    assert not sources.imports


def test_names_that_stand_for_two_things_are_left_to_the_reader() -> None:
    np = 3.0
    sources = Sources()
    sources.define("f", lambda x: x * np)
    assert sources.definitions[0].startswith("f = ...  # ")


def test_a_program_is_written_out() -> None:
    from tinygrad_lite.testing.program import Program

    half = tg.primitive(np.square, [lambda g, out, x: g * x], name="half")
    program = Program(1, ((tg.tanh, (0,)), (half, (1,))))
    finding = failure(lambda: check_grads(program, X, order=1))
    assert float(pasted(snippet(finding))[-1]) == pytest.approx(finding.analytic, rel=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_both_functions_of_a_comparison_are_there(order: int) -> None:
    torch = pytest.importorskip("torch")
    detached = lambda x: tg.exp(x.detach()) * (1 + x - x.detach()) ** 2
    first = {
        tg.exp: lambda: compare(tg.exp, detached, X),
        tg.tanh: lambda: compare(tg.tanh, lambda x: torch.tanh(2 * x), X),
    }
    bent = lambda x: x.exp().detach() + x.exp().detach() * (x - x.detach())
    second = {tg.sinh: lambda: compare(tg.exp, bent, X, torch=True)}
    for check in (first if order == 1 else second).values():
        finding = failure(check)
        assert finding.order == order
        program, shown = snippet(finding), list[Any]()
        assert " = ...  # " not in program
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of PyTorch, at create_graph=True
            exec(program, {"print": shown.append})
        numbers = [0.0 if x is None else x for x in shown]
        assert numbers == pytest.approx([finding.analytic, finding.numeric[0]], rel=1e-12)


def test_large_arrays_take_one_line_at_the_top() -> None:
    wrong = tg.primitive(np.tanh, [lambda g, out, x: 2 * g * (1 - out * out)], name="wrong")
    finding = failure(lambda: check_grads(wrong, np.linspace(-1, 1, 1200).reshape(40, 30)))
    text = snippet(finding)
    long = [line for line in text.splitlines() if len(line) > 110]
    assert [line.split(" = ")[0] for line in long] == ["x_values", "u_values"]
    assert "x = tg.tensor(x_values, requires_grad=True)" in text
    assert float(pasted(text)[-1]) == finding.analytic


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_packed_arrays_are_exact(dtype: str) -> None:
    a = (np.random.default_rng(1).normal(size=(7, 20)) * 100).astype(dtype)
    b = eval(packed(a), {"unpacked": unpacked})
    assert b.dtype == a.dtype and b.shape == a.shape and b.tobytes() == a.tobytes()


def test_numbers_have_the_digits_that_are_known() -> None:
    finding = failure(lambda: check_grads(lambda x: x.detach(), X))
    finding.numeric, finding.bar = (-1.0 - 1.7e-12, 1.7e-12), 1e-10
    assert told(finding) == "between -1 and 0"
    finding.numeric, finding.bar = (0.123456789, 0.123456789), 1e-4
    assert told(finding) == "0.12346"


def run_planted(bug: Bug, finding: Any) -> list[Any]:
    """What the snippet of a planted bug prints, with the function filled in."""
    call = finding.case.subject.call
    known = {"f": call.f, "vjp": getattr(finding.case.subject, "vjp", None), "shown": []}
    lines = [line for line in snippet(finding).splitlines() if " = ...  # " not in line]
    program = "\n".join(lines).replace("print(", "shown.append(")
    copy_context().run(exec, program, known)  # it may leave switches on
    return list(known["shown"])


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_snippet_of_a_planted_bug_fails_in_the_same_way(bug: Bug) -> None:
    finding = error(bug.name).report.findings[0]
    if finding.message.startswith("it raises"):
        kind = finding.message.removeprefix("it raises ").split(":")[0]
        with pytest.raises(getattr(builtins, kind)):
            run_planted(bug, finding)
        return
    shown = run_planted(bug, finding)
    last = snippet(finding).splitlines()[-1]
    if last.endswith(("# True", "# False")):
        assert shown == [last.endswith("# True")]
    elif finding.analytic is not None:
        if shown[-1] is None or isinstance(shown[-1], tg.Tensor):  # no gradient, or zeros
            assert not finding.analytic
        else:
            assert shown[-1] == pytest.approx(finding.analytic, rel=1e-12, nan_ok=True)
    elif len(shown) == 2:
        assert shown[0] != shown[1]
    else:
        assert str(shown[-1]) in finding.message
