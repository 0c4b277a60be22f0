"""What is misused is refused in words that say what was wrong, and what to do."""

from __future__ import annotations

import inspect
import math
import pickle

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.nn import functional as F


def squares(x):
    return (x * x).sum()


def double(*rules):
    return tg.primitive(lambda x: x * 2, list(rules), name="double")


T = tg.tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: tg.grad(squares, argnums="y")(T), TypeError, "argnums is 'y': name positional"),
        (lambda: tg.grad(squares, argnums=1.5)(T), TypeError, "argnums is 1.5"),
        (lambda: tg.jvp(squares, (T,), T), TypeError, "tangents are a tuple, one for each"),
        (lambda: tg.jvp(squares, (T,), None), TypeError, "tangents are a tuple"),
        (lambda: tg.jvp(squares, (T,), (None,)), TypeError, "a tangent is None: give zeros"),
        (
            lambda: tg.grad(lambda p: p["w"])({"w": 1.0, "b": [None]}),
            TypeError,
            r"None, given as argument 0\['b'\]\[0\]",
        ),
        (
            lambda: double(lambda g, out, x: None)(T).sum().backward(),
            TypeError,
            "rule 0 of 'double' returned None",
        ),
        (lambda: double(lambda g, out: g), TypeError, r"double: rule 0 takes \(g, out\)"),
        (lambda: double(3), TypeError, "double: rule 0 must be a function or None, not 3"),
        (lambda: tg.primitive(5, [None]), TypeError, "forward must be a function of arrays, not 5"),
        (lambda: tg.primitive(abs, 3), TypeError, "the rules are a list with one for each"),
        (lambda: tg.primitive(abs, lambda g: g), TypeError, r"rule 0 takes \(g\)"),
        (lambda: tg.primitive(lambda x: "a", [None], name="odd")(T), TypeError, "odd returned"),
        (lambda: tg.where(T > 1), TypeError, "where takes 3 arguments, but 1 was given"),
        (lambda: T * "a", TypeError, "multiply takes tensors, arrays and numbers, not 'a'"),
        (lambda: "a" * T, TypeError, "multiply takes tensors, arrays and numbers, not 'a'"),
        (lambda: T + np.array([1, 2], object), TypeError, "arrays of numbers, not of dtype object"),
        (lambda: np.array([1, 2], object) + T, TypeError, "arrays of numbers, not of dtype object"),
        (lambda: T.sum(dim=0), TypeError, r"sum\(\) has no argument 'dim': NumPy's name is axis$"),
        (
            lambda: tg.sum(T, dim=0),
            TypeError,
            r"sum\(\) has no argument 'dim': NumPy's name is axis",
        ),
        (lambda: T.mean(keepdim=True), TypeError, r"mean\(\) .* NumPy's name is keepdims"),
        (lambda: tg.softmax(T, dim=0), TypeError, r"softmax\(\) .* NumPy's name is axis"),
        (lambda: tg.flip(T, dims=[0]), TypeError, r"flip\(\) .* NumPy's name is axis"),
        (lambda: tg.linalg.norm(T, dim=0), TypeError, r"norm\(\) .* NumPy's name is axis"),
        (lambda: tg.std(T, unbiased=True), TypeError, r"std\(\) .* NumPy's name is ddof"),
        (lambda: tg.exp(input=T), TypeError, r"exp\(\) .* the first argument by its place"),
        (lambda: tg.exp(T, dim=0), TypeError, r"exp\(\) .* NumPy's name is axis"),
        (lambda: tg.exp(np.ones(2), dim=0), TypeError, r"exp\(\) .* NumPy's name is axis"),
        (lambda: tg.multiply(T, other=T), TypeError, r"multiply\(\) .* the second argument by"),
        (lambda: tg.sum(input=T), TypeError, r"sum\(\) .* the first argument by its place"),
        (lambda: F.relu(T, inplace=True), TypeError, r"relu\(\) .* so leave it out"),
        (lambda: F.softplus(T, dim=0), TypeError, r"softplus\(\) .* NumPy's name is axis"),
        (lambda: tg.sum(T, nonsense=0), TypeError, "unexpected keyword argument 'nonsense'"),
        (lambda: tg.random.normal(3, 0, -1), ValueError, "std must not be negative: -1"),
        (lambda: tg.random.bernoulli(3, 1.5), ValueError, "p must be from 0 to 1: 1.5"),
        (lambda: tg.random.bernoulli(3, math.nan), ValueError, "p must be from 0 to 1: nan"),
        (lambda: tg.random.uniform(3, dtype=int), TypeError, "not int64: use tg.random.integers"),
        (lambda: tg.random.normal(3, dtype=int), TypeError, "normal draws floating point"),
        (
            lambda: tg.random.permutation(2.5),
            TypeError,
            "permutation takes an integer, or a tensor",
        ),
        (lambda: tg.random.permutation(tg.tensor(3.0)), TypeError, "permutation takes an integer"),
    ],
)
def test_refused(act, error, words):
    with pytest.raises(error, match=words):
        act()


def test_one_argument_may_stand_alone():
    value, moved = tg.jvp(squares, T.detach(), np.array([1.0, 10.0]))
    assert (value.item(), moved.item()) == (5.0, 42.0)
    assert tg.hvp(squares, np.ones(2), np.array([1.0, 10.0])).tolist() == [2.0, 20.0]
    assert tg.hvp(lambda p: squares(p["w"]), {"w": 1.0}, {"w": 3.0}) == {"w": 6.0}


def test_whole_parts():
    assert math.trunc(tg.tensor(-2.5)) == -2


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_does_not_reach_its_end(dtype):
    draw = tg.random.uniform(100_000, dtype=dtype, rng=0).data
    assert draw.max() < 1 and draw.min() >= 0


def test_xlogy_has_a_symmetric_hessian_at_zero():
    (xx, xy), (yx, yy) = tg.hessian(tg.xlogy, argnums=(0, 1))(0.0, 0.0)
    assert xx.item() == yy.item() == 0.0
    assert xy.item() == yx.item() == math.inf


@pytest.mark.parametrize("leaf", [True, False])
def test_an_anomaly_made_by_a_hook(leaf):
    def broken(g):
        return g * math.nan

    x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    h = x * 2
    (x if leaf else h).register_hook(broken)
    with (
        pytest.raises(tg.AnomalyError, match=r"a hook on .* returned .* 2 NaN(.|\n)*def broken"),
        tg.detect_anomaly(),
    ):
        (h * 3).sum().backward()


def test_public_functions_can_be_pickled_and_keep_their_signatures():
    for function in (tg.sum, tg.linalg.norm, F.softplus, F.gelu):
        assert pickle.loads(pickle.dumps(function)) is function
    assert "axis" in inspect.signature(tg.sum).parameters
