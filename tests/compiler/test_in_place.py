"""Steps that change parameters in place, beside what optimisers do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim
from tinygrad_lite.compiler import Error

x = np.array([1.0, -2.0, 0.5])


def clipping(w: Any, o: Any, t: Any) -> Any:
    """As in a Wasserstein GAN."""
    o.zero_grad()
    ((w * t) ** 2).sum().backward()
    o.step()
    with tg.no_grad():
        w[:] = tg.clip(w, -0.5, 0.5)


def largest_norm(w: Any, o: Any, t: Any) -> Any:
    o.zero_grad()
    ((w * t) ** 2).sum().backward()
    o.step()
    with tg.no_grad():
        w *= 1 / tg.maximum(tg.sqrt((w * w).sum()), 1.0)
    return w.sum()


def decay(w: Any, o: Any, t: Any) -> Any:
    o.zero_grad()
    loss = ((w * t) ** 2).sum()
    loss.backward()
    with tg.no_grad():
        w *= 0.9
    o.step()
    return loss


def sharpness_aware(w: Any, o: Any, t: Any) -> Any:
    o.zero_grad()
    ((w * t) ** 2).sum().backward()
    with tg.no_grad():
        old = w + 0
        w += 0.05 * w.grad
    o.zero_grad()
    loss = ((w * t) ** 2).sum()
    loss.backward()
    with tg.no_grad():
        w[:] = old
    o.step()
    return loss


def again(w: Any, o: Any, t: Any) -> Any:
    o.zero_grad()
    loss = ((w * t) ** 2).sum()
    loss.backward()
    with tg.no_grad():
        w[0] = 0.0
    o.step()
    with tg.no_grad():
        w[1] = w[1] * 0.5
    o.step()
    with tg.no_grad():
        w[2] = 2.0
    return (w * t).sum()


def two(w: Any, o: Any, t: Any) -> Any:
    with tg.no_grad():
        w[0] = 0.0
        w[1] = w[1] + 1.0
    return (w * t).sum()


STEPS = [clipping, largest_norm, decay, sharpness_aware, again, two]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_a_parameter_changed_in_place(step: Callable[..., Any], kind: Any) -> None:
    def run(compiled: bool) -> list[float]:
        w = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        o = kind([w], lr=0.1)
        do = (lambda t: step(w, o, t)) if not compiled else tg.compile(lambda t: step(w, o, t))
        found = []
        for i in range(6):
            out = do(x * (1 + i / 9))
            found += [*w.tolist(), 0.0 if out is None else out.item()]
        if compiled:
            assert do.source and do.traced <= 3
        return found

    assert run(True) == pytest.approx(run(False), rel=1e-12)


def test_averages_of_parameters() -> None:
    w, mean = tg.tensor([1.0, 2.0, 3.0], requires_grad=True), tg.zeros(3)
    o = optim.SGD([w], lr=0.1)

    @tg.compile
    def step(t: Any) -> None:
        nonlocal mean
        o.zero_grad()
        ((w * t) ** 2).sum().backward()
        o.step()
        with tg.no_grad():
            mean *= 0.9
            mean += 0.1 * w

    wanted, values = np.zeros(3), np.array([1.0, 2.0, 3.0])
    for _ in range(6):
        step(x)
        values = values - 0.1 * 2 * values * x * x
        wanted = 0.9 * wanted + 0.1 * values
        np.testing.assert_allclose(mean.numpy(), wanted)


def test_nan_before_a_change_in_place_leaves_it_to_be_done_once() -> None:
    w = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    o = optim.SGD([w], lr=0.1)
    do = tg.compile(lambda t: decay(w, o, t))
    for _ in range(4):
        do(x * 0)
    assert w.numpy() == pytest.approx(np.array([1.0, 2.0, 3.0]) * 0.9**4)
    do(np.array([np.nan, 0.0, 0.0]))
    assert w.numpy()[1:] == pytest.approx(np.array([2.0, 3.0]) * 0.9**5)


def test_values_from_before_the_change_need_a_copy() -> None:
    w = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    o = optim.SGD([w], lr=0.1)

    def step(t: Any) -> Any:
        ((w * t) ** 2).sum().backward()
        old = w.detach()
        with tg.no_grad():
            w[:] = w * 0.9
        o.step()
        return old * 1

    with pytest.raises(Error, match=r"return old \* 1.*old = t \+ 0"):
        tg.compile(step)(x)


@dataclass
class Output:
    """Something that a function might return."""

    loss: Any


def test_errors_name_the_line_and_the_remedy() -> None:
    turns = iter(range(9))
    c = tg.compile(lambda t: tg.exp(t) if next(turns) else t)
    c(x)
    with pytest.raises(Error, match=r"They part at .*test_in_place.*tg.exp\(t\)"):
        c(x)

    @tg.compile
    def made(t: Any) -> Any:
        return np.arange(3)

    with pytest.raises(Error, match=r"made returned an array of shape \(3,\).*functions of tg"):
        made(x)
    d = tg.compile(lambda t: Output(t.sum()))
    d(x)
    with pytest.raises(Error, match="Return tensors, and tuples"):
        d(x)


def test_a_tensor_that_the_call_makes_is_new_in_every_call() -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)

    @tg.compile
    def step(x: Any) -> Any:
        y = tg.ones((2,))
        y -= w * x
        return y

    for i in range(5):
        assert step(np.full(2, float(i))).tolist() == [1.0 - i, 1.0 - 2 * i]


SHARED = {
    "the whole of a part": lambda x, y: (part := x[1:], part.__iadd__(1), x * 2)[-1],
    "a part of the whole": lambda x, y: (part := x[1:], x.__iadd__(1), part * 2)[-1],
    "the caller's": lambda x, y: (part := x.T, part.__setitem__(0, 1.0), part * 1)[-1],
    "one that was returned": lambda x, y: (h := x * 2, part := h[1:], part.__isub__(1), h)[-1],
    "another argument": lambda x, y: (x.__iadd__(1), y * 2)[-1],
}


@pytest.mark.parametrize("change", SHARED)
def test_arrays_that_share_memory_are_not_changed_unnoticed(change: str) -> None:
    whole = np.arange(12.0).reshape(4, 3)
    with pytest.raises(Error, match=r"test_in_place.py:.* changes an array in place that shares"):
        tg.compile(SHARED[change])(whole[:3], whole[1:])


def test_parts_of_an_array_that_do_not_overlap_may_be_changed() -> None:
    @tg.compile
    def columns(x: Any) -> Any:
        left, right = (x * 2)[:, 0], (x * 2)[:, 1]
        left += right
        left[::-1] = left
        return left * right

    x = np.arange(6.0).reshape(3, 2)
    for _ in range(4):
        np.testing.assert_array_equal(columns(x), (2 * x).sum(axis=1)[::-1] * 2 * x[:, 1])
    assert columns.source


def test_parts_are_changed_and_put_back() -> None:
    @tg.compile
    def f(x: Any) -> Any:
        h = x * 2
        h[1:] += x[1:]
        h[1:] *= h[:-1]
        h[0] -= 1
        inner = h[1:]
        inner[1:] += 1
        return inner * 2

    def by_hand(x: Any) -> Any:
        h = x * 2
        h[1:] += x[1:]
        h[1:] *= h[:-1].copy()
        inner = h[1:]
        inner[1:] += 1
        return inner * 2

    for i in range(5):
        x = np.arange(4.0) + i
        np.testing.assert_array_equal(f(x.copy()), by_hand(x.copy()))
    assert f.source


def test_a_part_that_is_put_elsewhere_is_not_put_back() -> None:
    def shifted(x: Any) -> Any:
        h = x * 2
        part = h[1:]
        part += 1
        h[:-1] = part
        return h

    with pytest.raises(Error, match="changes an array in place that shares"):
        tg.compile(shifted)(np.arange(4.0))
