"""Random programs, compiled: what they return and the gradients they leave are those of eager."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

pytest.importorskip("torch")  # the programs are written for both libraries

import tinygrad_lite as tg
from tests.fuzz import reference
from tests.fuzz.generate import program
from tests.fuzz.program import Program
from tinygrad_lite.compiler.binding import Bound

FACTORS = (1.0, 1.0, 1.0, 0.9, 1.1)  # two calls are traced; then other values come


def agree(seed: int, numbers: range) -> int:
    """How many of the programs could be compared; where one differs, that is an error."""
    return sum(agrees(program(seed, number, 0.0).pruned()) for number in numbers)


def agrees(drawn: Program) -> bool:
    """Whether both ran, in the end; False for a program that eager mode refuses as well."""
    if not drawn.variables:
        return False
    eager, expected = function_of(drawn)
    step, found = function_of(drawn)
    compiled = tg.compile(step)
    for call, factor in enumerate(FACTORS):
        given = {n: a * a.dtype.type(factor) for n, a in drawn.leaves.items()}
        for name in drawn.variables:
            expected[name].data = given[name]
            found[name].data = given[name].copy()
        arguments = [given[n] for n in drawn.leaves if n in drawn.constant]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                results = eager(*[a.copy() for a in arguments])
            except Exception:
                return False  # such as a change of what is still to be read
            with patch.object(Bound, "begun", wrong):
                others = compiled(*[a.copy() for a in arguments])
        where = f"program {drawn.seed}, call {call}"
        for a, b in zip(results, others, strict=True):
            close(a.data, b.data, drawn.single_precision, f"{where}: a result")
        for name in drawn.variables:
            g, h = expected[name].grad, found[name].grad
            assert (g is None) == (h is None), f"{where}: the gradient of {name}"
            if g is not None and h is not None:
                close(g.data, h.data, drawn.single_precision, f"{where}: the gradient of {name}")
    return True


def wrong(_: Bound, error: Exception) -> bool:
    """Whether an error is one of the program itself, which a repetition would cover up."""
    return "of another shape" not in str(error)


def close(a: Any, b: Any, single: bool, what: str) -> None:
    assert (np.shape(a), a.dtype) == (np.shape(b), b.dtype), what
    tolerance = 2e-3 if single else 1e-8
    finite = np.abs(a[np.isfinite(a)]) if np.ndim(a) else np.abs(np.nan_to_num(a))
    scale = max(1.0, float(np.max(finite, initial=0)))
    np.testing.assert_allclose(b, a, tolerance, tolerance * scale, err_msg=what)


def function_of(drawn: Program) -> tuple[Callable[..., Any], dict[str, tg.Tensor]]:
    """The program as a function of its constants, and the parameters that it works on."""
    variables = {n: tg.tensor(drawn.leaves[n], requires_grad=True) for n in drawn.variables}
    lines = [f"def step({', '.join(n for n in drawn.leaves if n in drawn.constant)}):"]
    for name in variables:
        lines += [f"    {name} = variables[{name!r}]", f"    {name}.grad = None"]
    lines += [f"    {statement.here}" for statement in drawn.steps]
    lines += [
        f"    results = [{', '.join(drawn.cotangents)}]",
        "    parts = [(y * c).sum() for y, c in zip(results, cotangents) if y.requires_grad]",
        "    if parts:",
        "        sum(parts).backward()",
        "    return results",
    ]
    source = "\n".join(lines)
    name = f"<program {drawn.seed}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space = {
        "tg": tg,
        "np": np,
        "quiet": reference.quiet,
        "variables": variables,
        "cotangents": list(drawn.cotangents.values()),
    }
    exec(compile(source, name, "exec"), space)
    return space["step"], variables


def test_random_programs_agree_with_eager() -> None:
    assert agree(5, range(20, 60)) > 20  # 26, 40 and 41 did not once


@pytest.mark.fuzz
def test_many_random_programs_agree_with_eager(seed: int) -> None:
    agree(seed, range(2_000))
