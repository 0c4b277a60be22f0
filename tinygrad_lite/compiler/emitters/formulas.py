"""Functions of single elements as the lines of NumPy that compute them in place."""

from __future__ import annotations

import ast
import math
import textwrap
from functools import cache

import numpy as np

from tinygrad_lite.compiler.program import Instruction
from tinygrad_lite.compiler.writer import Writer, emits, real
from tinygrad_lite.ops.activation import LARGE

FORMULAS = {
    "sigmoid": """
        out = negative(x)
        out = exp(out)
        out = add(out, 1)
        out = divide(1, out)
    """,
    "σ(-x)": """
        out = exp(x)
        out = add(out, 1)
        out = divide(1, out)
    """,
    "σ′": """
        small = absolute(x)
        small = negative(small)
        small = exp(small)
        out = add(small, 1)
        out = square(out)
        out = divide(small, out)
    """,
    "sech²": """
        small = absolute(x)
        small = multiply(small, -2)
        small = exp(small)
        out = add(small, 1)
        out = divide(2, out)
        small = multiply(small, out)
        out = multiply(small, out)
    """,
    "softplus": """
        out = logaddexp(x, 0)
    """,
    "logsigmoid": """
        out = negative(x)
        out = logaddexp(out, 0)
        out = negative(out)
    """,
    "log σ(-x)": """
        out = logaddexp(x, 0)
        out = negative(out)
    """,
    "softsign": """
        size = absolute(x)
        size = minimum(size, greatest)
        out = copysign(size, x)
        size = add(size, 1)
        out = divide(out, size)
    """,
    "gated": """
        out = maximum(x, least)
        out = multiply(out, y)
    """,
    "elu": """
        out = minimum(x, 0)
        out = expm1(out)
        out = multiply(out, alpha)
        above = greater(x, 0)
        copyto(out, x, where=above)
    """,
    "elu of alpha 1": """
        out = minimum(x, 0)
        out = expm1(out)
        above = greater(x, 0)
        copyto(out, x, where=above)
    """,
    "leaky_relu": """
        out = multiply(x, slope)
        out = maximum(out, x)
    """,
    "leaky_relu of any slope": """
        out = multiply(x, slope)
        above = greater(x, 0)
        copyto(out, x, where=above)
    """,
    "clip": """
        out = clip(x, low, high)
    """,
    "clip from below": """
        out = maximum(x, low)
    """,
    "clip from above": """
        out = minimum(x, high)
    """,
    "bernoulli_nll": """
        yes = log(x)
        yes = maximum(yes, -100)
        no = negative(x)
        no = log1p(no)
        no = maximum(no, -100)
        out = subtract(y, 1)
        out = multiply(out, no)
        yes = multiply(yes, y)
        out = subtract(out, yes)
    """,
}
"""x and y are the operands, other names memory for a while or numbers, such as attributes."""


@emits("sigmoid", "σ′", "sech²", "softplus", "logsigmoid", "softsign")
def plain(step: Instruction, w: Writer) -> bool:
    """A formula without a choice."""
    greatest = float(np.finfo(step.out.dtype).max) if step.out.dtype.kind == "f" else 0.0
    return written(step.operation.name, step, w, greatest=greatest)


@emits("fused complement")
def complement(step: Instruction, w: Writer) -> bool:
    """1 / (1 + exp(x))."""
    return written("σ(-x)", step, w)


@emits("fused log_complement")
def log_complement(step: Instruction, w: Writer) -> bool:
    """-log(1 + exp(x))."""
    return written("log σ(-x)", step, w)


@emits("elu")
def elu(step: Instruction, w: Writer) -> bool:
    """alpha (exp(x) - 1) below 0, and x above."""
    alpha = step.attributes["alpha"]
    return written("elu of alpha 1" if alpha == 1 else "elu", step, w, alpha=alpha)


@emits("gated")
def gated(step: Instruction, w: Writer) -> bool:
    """x times a gate; x is limited, so that 0 times infinity does not come up."""
    return written("gated", step, w, least=-LARGE)


@emits("leaky_relu")
def leaky_relu(step: Instruction, w: Writer) -> bool:
    """The larger of x and slope x, where that is what it is."""
    slope = step.attributes["slope"]
    usual = 0 < slope <= 1
    return written("leaky_relu" if usual else "leaky_relu of any slope", step, w, slope=slope)


@emits("clip")
def clip(step: Instruction, w: Writer) -> bool:
    """A bound on one side or on both."""
    bounds = {k: v for k, v in step.attributes.items() if v is not None}
    if not bounds or any(math.isnan(v) for v in bounds.values()):
        return False
    side = "" if len(bounds) == 2 else " from below" if "low" in bounds else " from above"
    return written(f"clip{side}", step, w, **bounds)


@emits("bernoulli_nll")
def bernoulli_nll(step: Instruction, w: Writer) -> bool:
    """The loss of probabilities, after a look whether that is what they are."""
    x = step.inputs[0]
    if not _fits(step) or not x.size:
        return False
    w.read(x)
    least, most = (f"{w.np(f'{f}.reduce')}({w.read(x)}, None)" for f in ("minimum", "maximum"))
    w.line(f"if not 0 <= {least} <= {most} <= 1:")
    w.line('    raise ValueError("the input holds probabilities, from 0 to 1")')
    return written("bernoulli_nll", step, w)


def _fits(step: Instruction) -> bool:
    values = [*step.inputs, step.out]
    return bool(step.out.shape) and real(*values) and len({v.shape for v in values}) == 1


def written(formula: str, step: Instruction, w: Writer, **numbers: float) -> bool:
    """Write a formula down; over an operand that dies, if nothing reads it once out is written."""
    if not _fits(step):
        return False
    lines = _lines(formula)
    names = {x: w.read(v) for x, v in zip("xy", step.inputs)}
    first = next(i for i, line in enumerate(lines) if line[0] == "out")
    late = {x for line in lines[first + 1 :] for x in line[2]}
    roots = [w.lifetimes.root(v) for v in step.inputs]
    over = [
        slot
        for slot, x in enumerate("xy"[: len(roots)])
        if x not in late and roots.count(roots[slot]) == 1
    ]
    names["out"] = w.out(step, over)
    for to, function, given in lines:
        if to and to not in names:
            kind = np.dtype(bool) if function == "greater" else step.out.dtype
            names[to] = w.scratch(step.out.shape, kind)
        read = [
            names[g] if g in names else w.constant(numbers.get(g, g), step.out.dtype) for g in given
        ]
        if to:
            w.line(w.into(function, read, names[to]))
        else:
            w.line(f"{w.np(function)}({read[0]}, {read[1]}, where={read[2]})")
    last = w.text.body.pop() if lines[-1][0] else names["out"]
    w.assign(step, last, names["out"])
    return True


@cache
def _lines(formula: str) -> list[tuple[str, str, list[str]]]:
    """The lines of a formula: where the result goes, the function, and its operands."""
    found = []
    for line in ast.parse(textwrap.dedent(FORMULAS[formula])).body:
        assert isinstance(line, (ast.Assign, ast.Expr)) and isinstance(line.value, ast.Call)
        to = ast.unparse(line.targets[0]) if isinstance(line, ast.Assign) else ""
        operands = [*line.value.args, *[k.value for k in line.value.keywords]]
        found.append((to, ast.unparse(line.value.func), [ast.unparse(x) for x in operands]))
    return found
