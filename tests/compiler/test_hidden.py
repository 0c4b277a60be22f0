"""What a function does on the side every call does, and what it looked at is looked at again."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import random
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler import Error
from tinygrad_lite.nn import functional as F

x = np.ones(1)


def weight(value: float = 1.0) -> tg.Tensor:
    return tg.tensor([value], requires_grad=True)


@pytest.fixture
def given_up() -> Iterator[None]:
    """The function warns that it is not compiled."""
    with pytest.warns(UserWarning, match="is run without compilation from now on: every call"):
        yield


# What a step of an optimiser reads


def test_parameters_that_are_frozen_and_thawed() -> None:
    w, v = weight(), weight()
    optimizer = optim.SGD([w, v], lr=0.1)

    @tg.compile
    def step(t: Any) -> None:
        optimizer.zero_grad()
        (w * t + v).sum().backward()
        optimizer.step()

    for i in range(9):
        w.requires_grad = not 3 <= i < 6
        step(x)
    assert w.item() == pytest.approx(0.4)
    assert v.item() == pytest.approx(0.1)


def test_groups_that_change() -> None:
    w, v = weight(), weight()
    optimizer = optim.SGD([w], lr=0.1)

    @tg.compile
    def step(t: Any) -> None:
        optimizer.zero_grad()
        (w * t + v * t).sum().backward()
        optimizer.step()

    members = optimizer.param_groups[0]["params"]
    for i in range(12):
        if i == 3:
            optimizer.add_param_group({"params": [v]})
        if i == 6:
            members.pop()
        if i == 9:
            members.append(w)
        v.grad = None if i < 3 else v.grad
        w.grad = None if 6 <= i < 9 else w.grad
        step(x)
    assert w.item() == pytest.approx(1 - 0.9)
    assert v.item() == pytest.approx(1 - 0.9)


@pytest.mark.usefixtures("given_up")
def test_settings_written_by_the_step_itself() -> None:
    w = weight()
    optimizer = optim.SGD([w], lr=0.1)

    @tg.compile
    def step(t: Any) -> None:
        optimizer.zero_grad()
        (w * t).sum().backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.5

    for _ in range(8):
        step(x)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 2**8)


def test_schedules_inside_are_compiled() -> None:
    w = weight()
    optimizer = optim.SGD([w], lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    @tg.compile
    def step(t: Any) -> None:
        optimizer.zero_grad()
        (w * t).sum().backward()
        optimizer.step()
        schedule.step()

    for _ in range(8):
        step(x)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 2**8)
    assert step.source


# What it reads from outside


def nested(kind: str) -> tuple[Callable[[Any], Any], Callable[[], None]]:
    """A function that doubles after the change, and the change."""
    if kind == "dict in dict":
        config = {"loss": {"scale": 1.0}}
        return lambda t: t * config["loss"]["scale"], lambda: config["loss"].update(scale=2.0)
    if kind == "list in list":
        rows = [[1.0], [1.0]]
        return lambda t: t * rows[0][0], lambda: rows[0].__setitem__(0, 2.0)
    if kind == "object in dict":
        objects = {"a": SimpleNamespace(k=1.0)}
        return lambda t: t * objects["a"].k, lambda: setattr(objects["a"], "k", 2.0)
    if kind == "local name":
        holder = SimpleNamespace(inner=SimpleNamespace(k=1.0))

        def named(t: Any) -> Any:
            inner = holder.inner
            return t * inner.k

        return named, lambda: setattr(holder.inner, "k", 2.0)
    if kind == "partial":
        bound = {"scale": 1.0}
        return partial(lambda c, t: t * c["scale"], bound), lambda: bound.update(scale=2.0)
    if kind == "module in nested dict":
        modules: dict[str, Any] = {"t": {"d": nn.Identity()}}
        return lambda t: modules["t"]["d"](t), lambda: modules["t"].update(d=lambda t: t * 2)
    if kind == "array in dict":
        arrays = {"a": {"b": np.ones(1)}}
        return lambda t: t * float(arrays["a"]["b"][0]), lambda: arrays["a"]["b"].fill(2.0)
    if kind == "deque":
        recent = deque([1.0], maxlen=1)
        return lambda t: t * recent[0], lambda: recent.append(2.0)
    if kind == "environment":
        os.environ["TINYGRAD_LITE_SCALE"] = "1.0"
        return (
            lambda t: t * float(os.environ["TINYGRAD_LITE_SCALE"]),
            lambda: os.environ.update(TINYGRAD_LITE_SCALE="2.0"),
        )

    def defaults(t: Any, scale: float = 1.0, *, shift: float = 0.0) -> Any:
        return t * scale + shift

    if kind == "defaults":
        return defaults, lambda: setattr(defaults, "__defaults__", (2.0,))
    return defaults, lambda: setattr(defaults, "__kwdefaults__", {"shift": 1.0})


@pytest.mark.parametrize(
    "kind",
    [
        "dict in dict",
        "list in list",
        "object in dict",
        "local name",
        "partial",
        "module in nested dict",
        "array in dict",
        "deque",
        "environment",
        "defaults",
        "keyword defaults",
    ],
)
def test_changes_deep_inside(kind: str) -> None:
    function, change = nested(kind)
    compiled = tg.compile(function)
    assert [compiled(x).item() for _ in range(3)] == [1.0, 1.0, 1.0]
    assert compiled.source
    change()
    assert [compiled(x).item() for _ in range(3)] == [2.0, 2.0, 2.0]


def test_an_error_that_the_function_swallows_is_raised_all_the_same() -> None:
    w = weight()

    def f(t: Any) -> Any:
        try:
            shift = float((w * t).sum())
        except Exception:
            shift = 0.0
        return w * t + shift

    with pytest.raises(Error, match=r"float\(\(w \* t\)"):
        tg.compile(f)(x)


def test_integers_that_python_uses_are_looked_at() -> None:
    c = tg.compile(lambda t, k: t.reshape(k, -1))
    shapes = [c(np.arange(6.0), np.int64(k)).shape for k in (2, 2, 2, 3, 3, 3, 2)]
    assert shapes == [(2, 3)] * 3 + [(3, 2)] * 3 + [(2, 3)]
    assert c.source
    c = tg.compile(lambda k: tg.random.normal(k))
    assert [c(np.array(k)).shape for k in (2, 2, 2, 3)] == [(2,), (2,), (2,), (3,)]
    c = tg.compile(lambda t, k: t * len(range(k)))
    assert [c(x, tg.tensor(k)).item() for k in (2, 2, 2, 3)] == [2.0, 2.0, 2.0, 3.0]


def test_zeros_have_signs() -> None:
    c = tg.compile(lambda t, k: t / k)
    holder = {"k": 0.0}
    d = tg.compile(lambda t: t / holder["k"])
    with np.errstate(divide="ignore"):
        assert [c(x, k).item() for k in (0.0, 0.0, 0.0, -0.0)] == [np.inf] * 3 + [-np.inf]
        found = [d(x).item() for _ in range(3)]
        holder["k"] = -0.0
        assert [*found, d(x).item()] == [np.inf] * 3 + [-np.inf]


def test_a_label_that_does_not_count_may_be_a_class() -> None:
    c = tg.compile(lambda z, y: F.cross_entropy(z, y, ignore_index=1))
    z, y = np.eye(3) * [1, 2, 3], np.array([0, 1, 2])
    found = [c(z, y).item() for _ in range(4)]
    assert found == pytest.approx([F.cross_entropy(z, y, ignore_index=1).item()] * 4)


# What it changes


class Counter:
    """An object with slots, and attributes of its class."""

    __slots__ = ("last", "n")
    total = 0

    def __init__(self) -> None:
        self.n = 0
        self.last: Any = None


count = 0


@pytest.mark.usefixtures("given_up")
@pytest.mark.parametrize(
    "kind", ["attribute", "class", "global", "cell", "array", "deque", "list", "nested", "last"]
)
def test_effects_on_what_was_captured(kind: str) -> None:
    global count
    count = 0
    number = 0
    counter, Kind = Counter(), type("Kind", (Counter,), {})
    array, many, items, deep = np.zeros(1), deque(), [], {"a": {"n": 0}}  # type: ignore[var-annotated]

    def change() -> None:
        global count
        nonlocal number
        if kind == "attribute":
            counter.n += 1
        elif kind == "class":
            Kind.total += 1
        elif kind == "global":
            count += 1
        elif kind == "cell":
            number += 1
        elif kind == "array":
            array[0] += 1
        elif kind == "deque":
            many.append(1)
        elif kind == "list":
            items.append(1)
        elif kind == "nested":
            deep["a"]["n"] += 1

    @tg.compile
    def f(t: Any) -> Any:
        change()
        counter.last = t * 2 if kind == "last" else None
        return t * 2

    for i in range(6):
        f(x * i)
        if kind == "last":
            assert counter.last.item() == 2 * i
    if kind != "last":
        n = counter.n + Kind.total + count + number + int(array[0]) + len(many) + len(items)
        assert n + deep["a"]["n"] == 6


@pytest.mark.usefixtures("given_up")
def test_arguments_that_are_changed_in_place() -> None:
    h, array = tg.zeros(1), np.zeros(1)

    @tg.compile
    def f(t: Any, h: Any, array: Any) -> Any:
        h += t
        array[0] = array[0] + t[0]
        return h.sum()

    assert [f(x, h, array).item() for _ in range(4)] == [1.0, 2.0, 3.0, 4.0]
    assert h.tolist() == [4.0] and array.tolist() == [4.0]


def test_effects_on_lists_and_dicts_among_the_arguments() -> None:
    h, array, row, results = tg.zeros(1), np.zeros(1), [0.0], {}

    @tg.compile
    def f(t: Any, nest: Any, *, results: Any) -> Any:
        h, array, (row,) = nest
        h += t
        array[:] = array + t
        row.append(1.0)
        results["y"] = t * 2
        results["same"] = t
        return h.sum()

    for i in range(4):
        given = x * (i + 1)
        f(given, (h, array, [row]), results=results)
        assert results["y"].tolist() == [2 * (i + 1)] and results["same"] is given
    assert h.tolist() == [10.0] and array.tolist() == [10.0]
    assert row == [0.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.usefixtures("given_up")
def test_effects_on_the_world_outside(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    @tg.compile
    def f(t: Any) -> Any:
        print("here")
        return t * 2

    @tg.compile
    def g(t: Any) -> Any:
        logging.getLogger("tinygrad_lite test").warning("there")
        return t * 2

    for _ in range(4):
        f(x)
        g(x)
    assert capsys.readouterr().out == "here\n" * 4
    assert [r.message for r in caplog.records] == ["there"] * 4


@pytest.mark.usefixtures("given_up")
@pytest.mark.parametrize("kind", ["seed", "iterator", "generator", "random", "numpy", "own"])
def test_hidden_state(kind: str) -> None:
    numbers = [1.0, 1.0, 1.0, 2.0, 3.0]
    iterator = iter(numbers) if kind == "iterator" else (n for n in numbers)
    rng = np.random.default_rng(0)

    def number() -> Any:
        if kind == "seed":
            tg.manual_seed(3)
            return tg.random.normal(1)
        if kind == "random":
            return 1.0 if random.random() < 2 else 2.0
        if kind == "numpy":
            return 1.0 if np.random.rand() < 2 else 2.0  # noqa: NPY002 - what users do
        if kind == "own":
            return 1.0 if rng.random() < 2 else 2.0
        return next(iterator)

    c = tg.compile(lambda t: (t * number()).sum())
    found = [c(x).item() for _ in range(5)]
    if kind == "seed":
        assert len(set(found)) == 1
    elif kind in ("iterator", "generator"):
        assert found == numbers
    else:
        assert found == [1.0] * 5


def test_what_happens_once_is_no_hindrance() -> None:
    cache: dict[str, Any] = {}

    def f(t: Any) -> Any:
        if "table" not in cache:
            cache["table"] = np.full(1, 3.0)
        return t * cache["table"]

    c = tg.compile(f)
    assert [c(x).item() for _ in range(5)] == [3.0] * 5
    assert c.source


def test_parameters_frozen_for_a_while_in_the_step() -> None:
    d, g = weight(), weight()
    optimizer = optim.SGD([g], lr=0.1)

    @tg.compile
    def step(t: Any) -> None:
        optimizer.zero_grad()
        d.requires_grad_(False)
        (d * g * t).sum().backward()
        optimizer.step()
        d.requires_grad_(True)

    for _ in range(5):
        step(x)
    assert step.source and d.grad is None and g.item() == pytest.approx(0.5)


class Plain:
    """What counts its own calls."""

    def __init__(self) -> None:
        self.calls = 0

    def step(self, t: Any) -> Any:
        """Count."""
        self.calls += 1
        return t * 2


@pytest.mark.usefixtures("given_up")
def test_a_method_that_counts() -> None:
    plain = Plain()
    compiled = tg.compile(plain.step)
    for _ in range(5):
        compiled(x)
    assert plain.calls == 5


def test_draws_of_the_library_are_compiled() -> None:
    rng = np.random.default_rng(0)
    c = tg.compile(lambda t: t + tg.random.normal(1, rng=rng) + tg.random.normal(1))
    tg.manual_seed(0)
    found = [c(x).item() for _ in range(5)]
    assert c.source
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    wanted = [(x + tg.random.normal(1, rng=rng) + tg.random.normal(1)).item() for _ in range(5)]
    assert found == pytest.approx(wanted)


# NaN


@pytest.mark.parametrize("nan", [0, 1, 2, 3, (0, 1), (1, 3), (0, 1, 2, 3)])
@pytest.mark.parametrize("square", [False, True])
def test_nan_in_the_first_calls(nan: Any, square: bool) -> None:
    def run(compiled: bool) -> list[float]:
        model = nn.Linear(1, 1, rng=0)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(t: Any) -> Any:
            optimizer.zero_grad()
            out = tg.where(t == t, model(t), 0)
            loss = (out**2).mean() if square else out.sum()
            loss.backward()
            optimizer.step()
            return loss

        do = tg.compile(step) if compiled else step
        where = np.atleast_1d(nan)
        calls = [np.full((1, 1), np.nan if i in where else 1, np.float32) for i in range(8)]
        return [do(t).item() for t in calls]

    np.testing.assert_allclose(run(True), run(False), rtol=1e-6)


# What Python does with functions


class Trainer:
    """Has a compiled method."""

    def __init__(self, factor: float) -> None:
        self.w = weight(factor)

    @tg.compile
    def step(self, t: Any) -> Any:
        """Multiply."""
        return self.w * t


@tg.compile
def double(t: Any) -> Any:
    return t * 2


def test_a_method_is_compiled_for_each_object() -> None:
    one, two = Trainer(1.0), Trainer(2.0)
    for _ in range(4):
        assert one.step(x).item() == 1.0
        assert two.step(x).item() == 2.0
    assert one.step.source and one.step is not two.step and Trainer.step.__doc__ == "Multiply."

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(1, 1, rng=0)

        @tg.compile
        def forward(self, t: Any) -> Any:
            return self.linear(t)

    net = Net()
    found = [net(x.astype(np.float32)).item() for _ in range(4)]
    assert len(set(found)) == 1 and net.forward.source and len(net.state_dict()) == 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_are_compiled_anew(copied: Callable[[Any], Any]) -> None:
    assert copied(double) is double
    one = Trainer(1.0)
    for _ in range(4):
        one.step(x)
    two = copied(one)
    two.w.data = np.full(1, 5.0)
    for _ in range(4):
        assert two.step(x).item() == 5.0 and one.step(x).item() == 1.0
    assert copied(one.step) is not one.step
    model = tg.compile(nn.Linear(1, 1, rng=0))
    twin = copied(model)
    twin.function.weight.data = np.full((1, 1), 7.0, np.float32)
    t = np.ones(1, np.float32)
    for _ in range(4):
        assert twin(t).item() != model(t).item()


def test_a_function_that_was_given_up_says_why() -> None:
    seen: list[int] = []

    @tg.compile
    def f(t: Any) -> Any:
        seen.append(1)
        return t

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            f(x)
    with pytest.raises(RuntimeError, match=r"without compilation: every call changes .*seen"):
        _ = f.source
