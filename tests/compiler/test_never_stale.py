"""What a trace cannot know is an error that names the line, or is handled right."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.compiler import Error

x = np.array([1.0, 2.0, 3.0])
scale = 2.0
table = np.array([1.0, 2.0, 3.0])
settings = {"scale": 2.0, "layers": [1.0, 2.0]}


def repeat(compiled: Any, *args: Any, times: int) -> None:
    for _ in range(times):
        compiled(*args)


def called(function: Any, *args: Any, times: int = 4) -> Any:
    """The compiled function after a few calls."""
    compiled = tg.compile(function)
    repeat(compiled, *args, times=times)
    assert compiled.source
    return compiled


LOOKS = {
    "if": lambda t: 1 if t.sum() > 0 else 2,
    "and": lambda t: (t.sum() > 0) and 2,
    "while": lambda t: [None for _ in range(3) if t[0]],
    "item": lambda t: t.sum().item(),
    "float": lambda t: float(t.sum()),
    "int": lambda t: int(t.sum()),
    "index": lambda t: [1, 2, 3][t.sum().astype(int)],
    "numpy": lambda t: t.numpy(),
    "data": lambda t: t.data,
    "tolist": lambda t: t.tolist(),
    "asarray": lambda t: np.asarray(t.detach()),
    "format": lambda t: f"{t.sum():.2f}",
    "repr": lambda t: repr(t),
    "list": lambda t: tg.tensor([t[0], t[1]]),
    "sorted": lambda t: sorted(t),
    "NumPy without a rule": lambda t: np.lexsort(t),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", ["array", "tensor", "parameter"])
def test_reading_a_value_is_an_error_that_names_the_line(look: str, kind: str) -> None:
    w = nn.Parameter(x)

    def f(t: Any) -> Any:
        t = w * 1 if kind == "parameter" else t
        LOOKS[look](t)
        return t * 2

    given = tg.tensor(x) if kind == "tensor" else x
    with pytest.raises((Error, TypeError)) as caught:
        tg.compile(f)(given)
    if caught.type is Error:
        assert "test_never_stale.py" in str(caught.value)
        assert ("t.detach()" if look == "data" else "tg.where") in str(caught.value)
    assert (w * 2 + 1).sum().item() > 0, "the switches are as they were"


def test_setting_data_inside_is_an_error() -> None:
    w = nn.Parameter(x)

    def f() -> Any:
        w.data = w.detach() * 2
        return w + 1

    with pytest.raises(Error, match=r"t\.data = .*tg\.no_grad"):
        tg.compile(f)()


def test_a_global_number_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = called(lambda t: t * scale, tg.tensor(x))
    assert compiled(tg.tensor(x)).tolist() == [2.0, 4.0, 6.0]
    monkeypatch.setattr(sys.modules[__name__], "scale", 5.0)
    for _ in range(4):
        assert compiled(tg.tensor(x)).tolist() == [5.0, 10.0, 15.0]


def test_a_number_in_a_closure_and_in_an_attribute_that_changes() -> None:
    factor, config = 2.0, SimpleNamespace(inner=SimpleNamespace(shift=1.0))

    def helper(t: Any) -> Any:
        return t * factor + config.inner.shift

    compiled = called(lambda t: helper(t), tg.tensor(x))
    factor = 3.0
    assert compiled(tg.tensor(x)).tolist() == [4.0, 7.0, 10.0]
    config.inner.shift = 0.0
    assert compiled(tg.tensor(x)).tolist() == [3.0, 6.0, 9.0]
    config.inner = SimpleNamespace(shift=-1.0)
    assert compiled(tg.tensor(x)).tolist() == [2.0, 5.0, 8.0]


def test_containers_that_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(t: Any) -> Any:
        for number in settings["layers"]:  # type: ignore[attr-defined]
            t = t + number
        return t * settings["scale"]

    monkeypatch.setitem(settings, "scale", 2.0)
    compiled = called(f, tg.tensor(x))
    monkeypatch.setitem(settings, "scale", 1.0)
    assert compiled(tg.tensor(x)).tolist() == [4.0, 5.0, 6.0]
    monkeypatch.setitem(settings, "layers", [10.0])
    assert compiled(tg.tensor(x)).tolist() == [11.0, 12.0, 13.0]
    layers = [tg.exp]

    def g(t: Any) -> Any:
        for layer in layers:
            t = layer(t)
        return t

    compiled = called(g, tg.tensor(x))
    layers.append(tg.log)
    np.testing.assert_allclose(compiled(tg.tensor(x)).numpy(), x)


def test_a_captured_array_that_changes_in_place_or_is_rebound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "table", np.array([1.0, 2.0, 3.0]))
    compiled = called(lambda t: t * table, tg.tensor(x))
    table[:] = 1.0
    assert compiled(tg.tensor(x)).tolist() == [1.0, 2.0, 3.0]
    monkeypatch.setattr(sys.modules[__name__], "table", np.full(3, 2.0))
    assert compiled(tg.tensor(x)).tolist() == [2.0, 4.0, 6.0]


def test_how_many_a_mask_chooses() -> None:
    noise = np.random.default_rng(0)

    def f(t: Any) -> Any:
        return t[t > 1.0].mean(), tg.random.uniform(2, rng=noise)

    compiled = called(f, x)
    state = noise.bit_generator.state
    found = compiled(x + 1.0)  # three in place of two
    noise.bit_generator.state = state
    for a, b in zip(found, f(x + 1.0)):
        np.testing.assert_array_equal(a, b)

    another = tg.compile(f)
    another(x)
    with pytest.warns(UserWarning, match=r"getitem gave .*\(2,\).*\(3,\).*tg.where"):
        another(x + 1.0)
    assert another(x)[0] == 2.5


def test_a_captured_array_that_was_worked_on_by_numpy() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    compiled = called(lambda t: t * np.sqrt(weights**2), tg.tensor(x))
    weights[:] = 10.0
    assert compiled(tg.tensor(x)).tolist() == [10.0, 20.0, 30.0]


def test_captured_indices_that_change() -> None:
    index, rows = np.array([0, 1]), [0, 0]
    compiled = called(lambda t: t[index] + t[rows], tg.tensor(x))
    index[:] = 2
    assert compiled(tg.tensor(x)).tolist() == [4.0, 4.0]
    rows[0] = 1
    assert compiled(tg.tensor(x)).tolist() == [5.0, 4.0]


def test_tensors_that_change_or_are_replaced() -> None:
    holder = SimpleNamespace(t=tg.tensor([1.0, 1.0, 1.0]))
    compiled = called(lambda t: t + holder.t, x)
    holder.t.data = np.zeros(3)
    assert compiled(x).tolist() == [1.0, 2.0, 3.0]
    holder.t[0] = 5.0
    assert compiled(x).tolist() == [6.0, 2.0, 3.0]
    holder.t = tg.tensor(np.ones(3))
    assert compiled(x).tolist() == [2.0, 3.0, 4.0]


def test_modules_that_change() -> None:
    model = nn.Sequential(nn.Linear(3, 3, rng=0), nn.ReLU())
    compiled = called(lambda t: model(t), x)
    model.append(nn.Tanh())
    np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy())
    linear = next(iter(model))
    linear.weight = nn.Parameter(np.ones((3, 3), np.float32))
    np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy())
    linear.bias = None
    np.testing.assert_allclose(compiled(x).numpy(), model(x).numpy())
    model.double()
    assert compiled(x).dtype == np.float64


def test_hooks_that_come_and_go() -> None:
    w = tg.tensor(x, requires_grad=True)

    def step(t: Any) -> None:
        w.grad = None
        (w * t).sum().backward()

    compiled = called(step, x)
    remove = w.register_hook(lambda g: g * 10)
    for _ in range(4):
        compiled(x)
        assert w.grad is not None and w.grad.tolist() == [10.0, 20.0, 30.0]
    remove()
    compiled(x)
    assert w.grad.tolist() == [1.0, 2.0, 3.0]


def test_the_closures_of_hooks_rules_and_functions_in_containers() -> None:
    def scaling(factor: float) -> Any:
        def scaled(t: Any) -> Any:
            return t * factor

        def change(value: float) -> None:
            nonlocal factor
            factor = value

        return scaled, change

    (forward, change_forward), (other, change_other) = scaling(2.0), scaling(3.0)
    (hook, change_hook), (rule, change_rule) = scaling(4.0), scaling(5.0)
    functions = {"all": [forward, other]}
    scaled = tg.primitive(lambda x: x + 0, [lambda g, out, x: rule(g)], name="scaled")
    w = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    w.register_hook(hook)

    def step() -> tuple[float, Any]:
        w.grad = None
        y = scaled(w)
        for f in functions["all"]:
            y = f(y)
        y.sum().backward()
        return y.sum(), w.grad

    compiled = called(step)
    for change in (change_forward, change_other, change_hook, change_rule):
        change(7.0)
        for found, wanted in zip(compiled(), step()):
            np.testing.assert_allclose(found.numpy(), wanted.numpy())
        repeat(compiled, times=2)


def test_python_numbers_drawn_anew_are_an_error() -> None:
    compiled = tg.compile(lambda t: t * random.random())
    compiled(tg.tensor(x))
    with pytest.raises(Error, match=r"not the same in every call.*test_never_stale"):
        repeat(compiled, tg.tensor(x), times=2)


def test_arrays_drawn_anew_are_an_error() -> None:
    rng = np.random.default_rng(0)
    compiled = tg.compile(lambda t: t * rng.normal(size=3))
    compiled(tg.tensor(x))
    with pytest.raises(Error, match=r"not the same in every call"):
        repeat(compiled, tg.tensor(x), times=2)


def test_a_generator_made_anew_is_an_error() -> None:
    compiled = tg.compile(lambda t: t + tg.random.normal(3, rng=np.random.default_rng(0)))
    compiled(tg.tensor(x))
    with pytest.raises(Error, match="Make it once"):
        repeat(compiled, tg.tensor(x), times=2)


def test_arrays_that_each_call_makes_alike_are_constants() -> None:
    compiled = called(lambda t: t[np.arange(2)] * np.ones(2) + tg.tensor([1.0, 2.0]), tg.tensor(x))
    assert compiled(tg.tensor(x)).tolist() == [2.0, 4.0]


def test_results_of_operations_outside_are_an_error() -> None:
    w = tg.tensor(x, requires_grad=True)
    doubled = w * 2
    with pytest.raises(Error, match="result of 'multiply' outside"):
        tg.compile(lambda t: t + doubled)(x)


def test_gradients_do_not_pass_through_silently() -> None:
    w = tg.tensor(x, requires_grad=True)
    compiled = called(lambda t: (w * t).sum(), x)
    loss = compiled(x)
    assert loss.requires_grad
    with pytest.raises(RuntimeError, match="do not pass through a compiled function"):
        loss.backward()

    def inner(t: Any) -> Any:
        t.sum().backward()
        return t

    with pytest.raises(RuntimeError, match="argument 0"):
        tg.compile(inner)(w * 2)


def test_a_leaf_of_the_call_is_not_returned_without_its_gradient() -> None:
    def f(t: Any) -> Any:
        leaf = (t * 1.0).detach().requires_grad_()
        (leaf**2).sum().backward()
        return leaf

    with pytest.raises(Error, match=r"a leaf that it made itself.*t.detach\(\) and t.grad"):
        repeat(tg.compile(f), tg.tensor(x), times=1)


def test_what_numpy_returned_is_an_error() -> None:
    with pytest.raises(Error, match="computed by NumPy"):
        tg.compile(lambda t: np.arange(3))(x)


def test_side_effects_on_a_list_are_not_lost() -> None:
    history: list[Any] = []

    def f(t: Any) -> Any:
        history.append(1)
        return t * 2

    compiled = tg.compile(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(30):
            compiled(x)
    assert len(history) == 30


def test_too_many_kinds_of_calls_give_a_warning_and_go_on() -> None:
    compiled = tg.compile(lambda t, factor: t * factor)

    def run() -> None:
        for number in range(20):
            assert compiled(x, float(number)).tolist() == (x * number).tolist()

    with pytest.warns(UserWarning, match=r"without compilation.*traced 16 times"):
        run()
    few = tg.compile(lambda t, factor: t * factor)
    for number in range(20):
        assert few(x, np.float64(number)).tolist() == (x * number).tolist()
    assert few.source


def test_an_exception_inside_leaves_everything_as_it_was() -> None:
    def f(t: Any) -> Any:
        if len(t) == 2:
            raise KeyError("two")
        return t * 2

    profile = sys.getprofile()
    compiled = tg.compile(f)
    for _ in range(3):
        compiled(x)
        with pytest.raises(KeyError, match="two"):
            compiled(x[:2])
        assert tg.is_grad_enabled() and sys.getprofile() is profile
        assert (tg.tensor(x) * 2).tolist() == [2.0, 4.0, 6.0]


def test_threads_may_share_a_compiled_function() -> None:
    w = tg.tensor(np.ones((200, 200)))
    compiled = called(lambda t: tg.tanh(t @ w) @ w, np.zeros((200, 200)))
    wrong = []

    def work(number: int) -> None:
        given = np.full((200, 200), number / 10)
        wanted = np.tanh(given @ w.numpy()) @ w.numpy()
        for _ in range(20):
            found = compiled(given).numpy()
            wrong.extend([] if np.allclose(found, wanted) else [number])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (lambda: tg.tensor([1.0, 2.0], requires_grad=True), "Pass the same tensor .* tg.grad"),
        (object, "Pass the same object in every call"),
        (partial(next, count(0.5)), "Pass numbers that change as arrays"),
    ],
)
def test_arguments_that_are_new_in_every_call_get_the_advice_that_helps(
    argument: Any, words: str
) -> None:
    step = tg.compile(lambda x, y: x * y if isinstance(y, (float, tg.Tensor)) else x)
    for _ in range(16):
        step(np.ones(2), argument())
    with pytest.warns(UserWarning, match=f"run without compilation from now on.*{words}"):
        step(np.ones(2), argument())


def test_what_is_no_function_is_an_error() -> None:
    with pytest.raises(TypeError, match="takes a function, not 3"):
        tg.compile(3)  # type: ignore[arg-type]
