"""Values and gradients at special points against PyTorch, each deliberate difference named."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_lite as tg

torch = pytest.importorskip("torch")

Array = Any
inf, nan = math.inf, math.nan
LINE = np.array(
    [
        *(0.0, -0.0, 1, -1, 0.5, 2, 3, -3, 1e-200, -1e-200, 1e200, -1e200),
        *(20, -20, 40, -40, 800, -800, inf, -inf, nan),
    ]
)
SIDE = np.array([0.0, -0.0, 1, -1, 0.5, 2, -3, 1e-200, 1e200, inf, -inf, nan])
PLANE = np.array(list(itertools.product(SIDE, SIDE))).T

VALUE = -1  # the part of a comparison that is not the gradient of an argument


class Difference(NamedTuple):
    """Points at which we mean to differ, in some functions and some parts, and why."""

    names: str
    parts: tuple[int, ...]
    where: Callable[..., Array]
    why: str


def far(x: Array) -> Array:
    return np.abs(x) >= 20


DIFFERENCES = (
    Difference("clip", (0,), lambda x: np.abs(x) == 1, "a kink: the least subgradient is 0"),
    Difference("selu", (0,), lambda x: x == 0, "a kink: the right slope is less"),
    Difference("fmax fmin", (0, 1), lambda x, y: x == y, "ties share evenly"),
    Difference("fmax fmin", (1,), lambda x, y: np.isnan(x) & np.isnan(y), "neither is preferred"),
    Difference("abs elu selu", (0,), np.isnan, "not a number has no slope"),
    Difference("relu relu6 hardtanh", (0,), np.isnan, "not a number is not between the bounds"),
    Difference("sign", (VALUE,), np.isnan, "NumPy's sign of nan is nan"),
    Difference("arccosh", (0,), lambda x: x < 1, "no slope where there is no value"),
    Difference("tanh", (0,), far, "1 - tanh² loses the digits"),
    Difference("sigmoid", (0,), lambda x: x >= 20, "1 - sigmoid loses the digits"),
    Difference("expm1", (0,), lambda x: x <= -20, "expm1 + 1 loses the digits"),
    Difference("gelu", (VALUE, 0), lambda x: x <= -20, "1 + erf loses the digits"),
    Difference("sinc", (0,), lambda x: x != 0, "cos - sinc loses the digits"),
    Difference("sinc", (VALUE,), lambda x: np.abs(x) >= 1, "the rounding of πx: whole x give 0"),
    Difference("arcsinh arccosh", (0,), lambda x: np.abs(x) == 1e200, "the square overflows"),
    Difference(
        "gelu silu mish softsign", (VALUE, 0), np.isinf, "the limit is finite: 0 · ∞ is not taken"
    ),
    Difference("hypot", (0, 1), lambda x, y: (x == 0) & (y == 0), "a kink: least subgradient"),
    Difference("hypot arctan2", (0, 1), lambda x, y: np.isinf(x) | np.isinf(y), "the limit"),
    Difference(
        "arctan2",
        (0, 1),
        lambda y, x: np.maximum(np.abs(x), np.abs(y)) >= 1e200,
        "the square overflows",
    ),
    Difference(
        "arctan2",
        (0, 1),
        lambda y, x: np.maximum(np.abs(x), np.abs(y)) <= 1e-200,
        "the square underflows",
    ),
    Difference(
        "logaddexp logaddexp2", (0, 1), lambda x, y: np.isinf(x) & (x == y), "ties share evenly"
    ),
    Difference("logaddexp2", (VALUE,), lambda x, y: (x == -1) & (y == -1), "exactly 0"),
    Difference(
        "power",
        (0, 1),
        lambda x, y: (np.isinf(x) | np.isinf(y)) & (x**y == 0),
        "the limit is 0: 0 · ∞ is not taken",
    ),
    Difference(
        "xlogy", (0,), lambda x, y: (x == 0) & (y <= 0), "the slope in x is log y, also at x = 0"
    ),
    Difference("xlogy", (1,), lambda x, y: (x == 0) & (y == 0), "x log y is 0 for all y at x = 0"),
    Difference(
        "fmod", (1,), lambda x, y: (y == 0) | np.isinf(x), "no slope where there is no value"
    ),
    Difference(
        "fmod remainder", (VALUE,), lambda x, y: np.abs(x / y) >= 1e300, "the quotient overflows"
    ),
)

UNARY = (  # noqa: SIM905 - a list would take a page
    "abs arccos arccosh arcsin arcsinh arctan arctanh ceil cos cosh erf erfc exp exp2 expm1 "
    "floor log log10 log1p log2 negative positive reciprocal round sigmoid sign sin sinc sinh "
    "sqrt square tan tanh trunc"
).split()
NONLINEARITIES = (  # noqa: SIM905 - a list would take a page
    "elu gelu hardtanh leaky_relu logsigmoid mish relu relu6 selu silu softplus softsign"
).split()
BINARY = (  # noqa: SIM905 - a list would take a page
    "add arctan2 divide fmax fmin fmod hypot logaddexp logaddexp2 maximum minimum multiply "
    "power remainder subtract xlogy"
).split()
PAIRS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    **{n: (getattr(tg, n), getattr(torch, n)) for n in UNARY},
    **{n: (getattr(tg, n), getattr(torch.nn.functional, n)) for n in NONLINEARITIES},
    **{n: (getattr(tg, n), getattr(torch, "pow" if n == "power" else n)) for n in BINARY},
    "clip": (lambda x: tg.clip(x, -1, 1), lambda x: torch.clip(x, -1, 1)),
}


def ours(f: Callable[..., Any], inputs: tuple[Array, ...]) -> list[Array]:
    leaves = [tg.tensor(x, requires_grad=True) for x in inputs]
    with np.errstate(all="ignore"):
        out = f(*leaves)
    out.backward(np.ones(out.shape))
    return [out.numpy(), *(t.grad.numpy() for t in leaves)]


def theirs(f: Callable[..., Any], inputs: tuple[Array, ...]) -> list[Array]:
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    out = f(*leaves)
    out.backward(torch.ones_like(out))
    return [out.detach().numpy(), *(t.grad.numpy() for t in leaves)]


def differing(a: Array, b: Array) -> Array:
    with np.errstate(invalid="ignore"):
        equal = (a == b) | (np.isnan(a) & np.isnan(b))
        return ~equal & ~(np.abs(a - b) <= 1e-11 * np.abs(b))


@pytest.mark.parametrize("name", PAIRS)
def test_special_points(name: str) -> None:
    inputs = tuple(PLANE) if name in BINARY else (LINE,)
    mine, other = PAIRS[name]
    for part, a, b in zip((VALUE, 0, 1), ours(mine, inputs), theirs(other, inputs)):
        wrong = differing(a, b)
        with np.errstate(all="ignore"):
            meant = [
                d.where(*inputs) for d in DIFFERENCES if name in d.names.split() and part in d.parts
            ]
        for points in meant:
            assert (wrong & points).any(), f"{name}: a difference is listed that is none"
        wrong &= ~np.logical_or.reduce([np.zeros(wrong.shape, bool), *meant])
        at = [tuple(float(x[i]) for x in inputs) for i in np.flatnonzero(wrong)]
        assert not at, f"{name}, part {part}: {a[wrong]} here, {b[wrong]} in PyTorch, at {at}"
