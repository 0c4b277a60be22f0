"""Functions of any kind, compiled: inference, transforms, nests, and operations of a user's own."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tinygrad_lite as tg
from tinygrad_lite import nn


class Pair(NamedTuple):
    left: Any
    right: Any


def same(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for f, w in zip(found, wanted):
            same(f, w)
        return
    found, wanted = (getattr(v, "_data", v) for v in (found, wanted))
    if wanted is None or isinstance(wanted, str):
        assert found == wanted
        return
    assert np.asarray(found).dtype == np.asarray(wanted).dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def agree(f: Any, *calls: Any) -> Any:
    compiled = tg.compile(f)
    for args in (*calls, *calls, *calls):
        with np.errstate(all="ignore"):
            same(compiled(*args), f(*args))
    assert compiled.source
    return compiled


def calls(rng: np.random.Generator, *shapes: tuple[int, ...], n: int = 3) -> list[Any]:
    return [tuple(rng.standard_normal(s)[()] for s in shapes) for _ in range(n)]


def test_inference(rng: np.random.Generator) -> None:
    model = nn.Sequential(nn.Linear(4, 8, dtype=float), nn.GELU(), nn.Linear(8, 3, dtype=float))

    @tg.compile
    def predict(x: Any) -> Any:
        """The probabilities."""
        with tg.no_grad():
            return tg.softmax(model(x), axis=-1)

    assert predict.__name__ == "predict" and predict.__doc__ == "The probabilities."
    kept = []
    for (x,) in calls(rng, (5, 4), n=6):
        wanted = tg.softmax(model(x), axis=-1).detach()
        kept.append((predict(x), wanted))
        same(*kept[-1])
    for found, wanted in kept:
        same(found, wanted)


def test_a_method_and_a_module_itself(rng: np.random.Generator) -> None:
    model = nn.Sequential(nn.Linear(4, 2, dtype=float), nn.Tanh())
    agree(model, *calls(rng, (3, 4)))
    agree(model.forward, *calls(rng, (3, 4)))


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: tg.grad(f),
        lambda f: tg.value_and_grad(f),
        lambda f: tg.hessian(f),
        lambda f: tg.jacobian(lambda x: tg.exp(x) * x),
        lambda f: lambda x: tg.jvp(f, (x,), (x + 1,)),
        lambda f: lambda x: tg.hvp(f, (x,), (x * x,)),
    ],
)
def test_transforms(transform: Any, rng: np.random.Generator) -> None:
    def f(x: Any) -> Any:
        return (tg.tanh(x) * tg.exp(-x * x) + x[::-1] ** 3).sum()

    agree(transform(f), *calls(rng, (4,)))
    agree(transform(f), *[(tg.tensor(x),) for (x,) in calls(rng, (4,))])


def test_the_fourth_derivative() -> None:
    f = lambda x: tg.exp(-(x**2))
    fourth = tg.grad(tg.grad(tg.grad(tg.grad(f))))
    agree(fourth, *[(np.float64(x),) for x in (0.1, 0.7, -1.3)])


def test_nested_arguments_and_results(rng: np.random.Generator) -> None:
    def f(p: Any, *rest: Any, flag: bool = True) -> Any:
        total = p["w"] * rest[0] + p["b"][1]
        return {"all": [total, Pair(total.sum(), p)], "flag": flag, "nothing": None, "word": "x"}

    compiled = tg.compile(f)
    for _ in range(5):
        x = rng.standard_normal(3)
        p = {"w": tg.tensor(rng.standard_normal(3)), "b": (1.0, rng.standard_normal(3))}
        for flag in (True, False):
            same(compiled(p, x, flag=flag), f(p, x, flag=flag))
        assert compiled(p, x)["all"][1].right["w"] is p["w"]


def test_functions_of_arrays_give_arrays(rng: np.random.Generator) -> None:
    compiled = agree(lambda x: tg.relu(x) * 2, *calls(rng, (3,)))
    assert isinstance(compiled(np.ones(3)), np.ndarray)
    agree(lambda x, y: tg.stack([x, tg.exp(y)]).sum(axis=0), *calls(rng, (3,), (3,)))
    agree(lambda x: x, *calls(rng, (3,)))
    agree(lambda x: (x, x + 1, x), *calls(rng, (3,)))


def test_one_array_as_two_arguments(rng: np.random.Generator) -> None:
    compiled = tg.compile(lambda x, y: x - y)
    for _ in range(4):
        x = rng.standard_normal(3)
        assert not compiled(x, x).any()
    same(compiled(x, x * 2), -x)


def test_numbers_of_numpy_do_not_change_in_place(rng: np.random.Generator) -> None:
    w = tg.tensor(2.0, requires_grad=True)

    def f(x: Any) -> Any:
        count = (x > 0).sum()
        count += 0.5
        first = total = x.sum()
        total *= 2.0
        last = x[-1]
        last -= w
        return count, first, total, last

    agree(f, *calls(rng, (4,)))


def test_new_leaves_of_arrays_and_tensors(rng: np.random.Generator) -> None:
    w = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def f(x: Any, y: Any) -> Any:
        x = tg.tensor(x, requires_grad=True)
        ((tg.tensor(w) * x + tg.tensor(y > 0, dtype=float)) ** 2).sum().backward(create_graph=True)
        before, w.grad = tg.tensor(x), None
        (x.grad**2).sum().backward()
        with tg.no_grad():
            before += 1.0
        return x.grad, before, tg.tensor(y, dtype=np.float32), w.grad

    agree(f, *calls(rng, (3,), ()))


def test_results_are_the_callers_own(rng: np.random.Generator) -> None:
    w = tg.tensor(np.ones(3), requires_grad=True)

    def f(x: Any) -> Any:
        y = x * w
        y.sum().backward()
        g = w.grad
        w.grad = None
        return y, y.reshape(3, 1), y[:2], g, w, x

    compiled = tg.compile(f)
    results = [(compiled(x), x) for (x,) in calls(rng, (3,), n=6)]
    for (y, column, part, g, same_w, same_x), x in results:
        assert same_w is w and same_x is x
        for value in (y, column, part, g):
            assert not np.shares_memory(value.numpy(), w.numpy())
        same(y.detach().numpy(), x)
        same(g.numpy(), x)
        part.detach().numpy()[:] = (
            0  # the others do not notice, or it is a part of y as it is eagerly
        )
        assert column.shape == (3, 1)


def test_operations_of_a_users_own(rng: np.random.Generator) -> None:
    counted = []

    def forward(x: Any, *, power: int) -> Any:
        counted.append(1)
        return x**power

    cube = tg.primitive(
        forward, [lambda g, out, x, power: g * power * x ** (power - 1)], name="exp"
    )
    agree(tg.value_and_grad(lambda x: cube(x, power=3).sum()), *calls(rng, (4,)))
    assert len(counted) == 18


def test_gradients_of_an_argument(rng: np.random.Generator) -> None:
    def step(x: Any) -> Any:
        x.grad = None
        loss = (x**3).sum()
        loss.backward()
        return loss

    compiled, x = tg.compile(step), tg.tensor(rng.standard_normal(3), requires_grad=True)
    for _ in range(4):
        compiled(x)
        same(x.grad.numpy(), 3 * x.numpy() ** 2)
        x.data = x.data + 1


def test_the_switch_around_the_call(rng: np.random.Generator) -> None:
    w = tg.tensor(2.0, requires_grad=True)
    compiled = tg.compile(lambda x: x * w)
    for _ in range(4):
        assert compiled(1.0).requires_grad
        with tg.no_grad():
            assert not compiled(1.0).requires_grad


def test_one_compiled_function_inside_another(rng: np.random.Generator) -> None:
    inner = tg.compile(lambda x: tg.exp(x) + 1)
    agree(lambda x: inner(x) * 2, *calls(rng, (3,)))


def test_layers_with_memory_and_pictures_of_other_ranks(rng: np.random.Generator) -> None:
    linear = nn.Linear(4, 2, dtype=float)

    def f(x: Any) -> Any:
        return tg.log_softmax(linear(x), axis=-1).swapaxes(0, 1).reshape(-1, 2)[1:, ::-1]

    agree(f, *calls(rng, (2, 3, 4)))
    agree(tg.grad(lambda x: (f(x) * f(x)).mean()), *calls(rng, (2, 3, 4)))


UNARY = [tg.exp, tg.tanh, tg.relu, tg.abs, tg.sigmoid, tg.square, lambda x: -x, lambda x: x.T.T]
BINARY = [
    tg.add,
    tg.multiply,
    tg.subtract,
    tg.maximum,
    lambda x, y: x / (1 + y * y),
    tg.matmul,
    lambda x, y: tg.where(x > y, x, 2.0),
    lambda x, y: tg.concatenate([x, y])[:3],
]
REDUCED = [
    lambda x: x - x.mean(axis=0),
    lambda x: x / (1 + x.max(axis=1, keepdims=True) ** 2),
    lambda x: x * x.sum(),
    lambda x: tg.softmax(x, axis=0),
    lambda x: tg.log_softmax(x),
    lambda x: x[[2, 0, 0]],
    lambda x: x + x[1],
    lambda x: x.reshape(9).reshape(3, 3).T,
]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_programs(data: st.DataObject) -> None:
    plan = data.draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 7), st.integers(0, 99), st.integers(0, 99)),
            min_size=1,
            max_size=10,
        )
    )
    w = tg.tensor(np.random.default_rng(0).standard_normal((3, 3)), requires_grad=True)

    def f(x: Any, y: Any) -> Any:
        w.grad = None
        made = [x, y, w]
        for family, which, a, b in plan:
            u, v = made[a % len(made)], made[b % len(made)]
            made.append(
                UNARY[which](u)
                if family == 0
                else BINARY[which](u, v)
                if family == 1
                else REDUCED[which](u)
            )
        out = tg.tanh(made[-1] + 0 * w)
        out.sum().backward()
        return out.detach(), made[len(made) // 2] + 0, w.grad

    rng = np.random.default_rng(1)
    agree(f, *[tuple(rng.uniform(-1, 1, (2, 3, 3))) for _ in range(2)])


@pytest.mark.parametrize("axes", [None, (1, 0), (-1, -2), (0, 1), (-2, -1)])
def test_a_product_with_its_axes_exchanged_or_left_as_they_are(axes: Any) -> None:
    a, b = (tg.tensor(np.arange(6.0).reshape(s), requires_grad=True) for s in ((2, 3), (3, 2)))

    def f(x: Any) -> Any:
        a.grad = b.grad = None
        total = (tg.transpose((a * x) @ b, axes) * np.array([[1.0, 2.0], [3.0, 4.0]])).sum()
        total.backward()
        return total

    compiled = tg.compile(f)
    for x in (1.0, 2.0, 3.0, 4.0):
        expected = f(np.float64(x)).item()
        gradients = a.grad, b.grad
        assert compiled(np.float64(x)).item() == expected
        for t, g in zip((a, b), gradients, strict=True):
            np.testing.assert_allclose(t.grad, g)


def test_numbers_beside_narrow_integers() -> None:
    pixels = np.array([1, 255, 0], np.uint8)
    small = np.array([-128, 127, 3], np.int8)
    for f in (
        lambda x: x / 256,
        lambda x: tg.where(x != -100, x, 0),
        lambda x: x < 2**40,
        lambda x: tg.maximum(x, 100) / -1000,
    ):
        agree(f, (pixels,), (pixels[::-1],))
        agree(f, (small,), (small[::-1],))


def test_a_number_from_a_buffer_keeps_its_value_when_the_buffer_is_used_again() -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)

    def last(x: Any) -> Any:
        w.grad = None
        y = tg.broadcast_to((w * x).mean(), (2,))[..., -1]
        (5 * y * y).backward()
        return y

    compiled = tg.compile(last)
    for x in (1.0, 2.0, 3.0, 4.0):
        assert compiled(np.float64(x)).item() == 1.5 * x
        np.testing.assert_array_equal(w.grad, [7.5 * x * x] * 2)
