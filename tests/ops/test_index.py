"""Indexing and assignment by every kind of NumPy index, with duplicates and negatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.testing import check_grads

X = np.random.default_rng(0).standard_normal((3, 4))
MASK = X > 0

INDICES: list[Any] = [
    1,
    -1,
    slice(None, None, -2),
    (slice(None), -1),
    (..., 0),
    None,
    (0, None, 1),
    (),
    [0, 0, 2],
    ([0, 1, -1], [2, 2, 2]),
    ([0, 1, 0], slice(1, 3)),
    (slice(None), [2, 0, 2]),
    ([[0], [1]], [1, -1]),
    ([0], None, [1]),
    (np.array(1), slice(None)),
    MASK,
    (MASK[:, 0], slice(None, 2)),
    (0, [True, False, True, True]),
    True,
    [],
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_reading(index: Any) -> None:
    check_grads(lambda x: x[index], [X], reference=lambda x: x[index])


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_writing(index: Any) -> None:
    def write(x: Any, value: Any) -> Any:
        y = x + 0
        y[index] = value
        return y

    shape = np.shape(X[index])
    for value in (np.full(shape, 0.5) + np.arange(np.prod(shape)).reshape(shape), np.array(2.0)):
        check_grads(write, [X, value], reference=write)


def test_index_tensors() -> None:
    index = tg.tensor([2, 0, 2])
    check_grads(lambda x: x[index, tg.tensor(1)], [X], reference=lambda x: x[[2, 0, 2], 1])
    t = tg.tensor(X)
    np.testing.assert_array_equal(t[t > 0].numpy(), X[X > 0])


def test_a_later_change_of_the_index_does_not_matter() -> None:
    index = np.array([0, 1])
    t = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    out = t[index]
    index[:] = 2
    out.sum().backward()
    assert t.grad is not None and t.grad.tolist() == [1, 1, 0]


@pytest.mark.parametrize("rows", [3, 1000])
def test_duplicates_add_up(rows: int) -> None:
    """In a small table and in a large one, which take different ways."""
    rng = np.random.default_rng(0)
    index, g = rng.integers(-rows, rows, 50), rng.standard_normal((50, 2))
    t = tg.tensor(np.zeros((rows, 2)), requires_grad=True)
    t[index].backward(g)
    expected = np.zeros((rows, 2))
    for i, row in zip(index, g):
        expected[i] += row
    assert t.grad is not None
    np.testing.assert_allclose(t.grad.numpy(), expected, rtol=1e-12, atol=1e-15)


def test_the_last_of_several_writers_stays() -> None:
    value = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    out = tg.assign(tg.zeros(3), [0, 1, 0], value)
    out.sum().backward()
    assert out.tolist() == [3, 2, 0] and value.grad is not None and value.grad.tolist() == [0, 1, 1]


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_take(mode: str) -> None:
    indices = np.array([[0, 3], [2, 2]]) if mode == "raise" else np.array([7, -9, 1])
    for axis in (None, 0, -1):
        if mode == "raise" and axis == 0:
            continue
        check_grads(
            lambda x, axis=axis: tg.take(x, indices, axis, mode=mode),
            [X],
            reference=lambda x, axis=axis: np.take(np.asarray(x), indices, axis, mode=mode),
        )


def test_take_along_axis() -> None:
    for indices, axis in (
        (np.array([[0, 0, 3], [1, 1, 0], [2, 0, 2]]), 1),
        (np.array([[2, 0, 1, 1]]), 0),
    ):
        check_grads(
            lambda x, i=indices, a=axis: tg.take_along_axis(x, i, a),
            [X],
            reference=lambda x, i=indices, a=axis: np.take_along_axis(x, i, a),
        )
    order = tg.argsort(X, 0)
    np.testing.assert_array_equal(tg.take_along_axis(X, order, 0), np.sort(X, 0))


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda t: t[5], IndexError, "out of bounds"),
        (lambda t: t[0, 0, 0], IndexError, "too many indices"),
        (lambda t: t[[0.5]], IndexError, "an index must be integers"),
        (lambda t: t["a"], IndexError, "an index must be integers"),
        (lambda t: t[[True, False]], IndexError, "boolean"),
        (lambda t: tg.take(t, [9], 0), IndexError, "out of bounds"),
        (lambda t: tg.take(t, [0], 0, mode="bounce"), ValueError, "mode must be"),
        (lambda t: tg.take_along_axis(t, [0]), ValueError, "indices of 2 axes"),
        (lambda t: tg.assign(t, 0, [1.0, 2.0]), ValueError, "could not broadcast"),
    ],
)
def test_refuses(act: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act(tg.tensor(X))


def test_a_gradient_is_not_cut_to_integers() -> None:
    t = tg.tensor([1, 2, 3])
    with pytest.raises(TypeError, match="do not fit into int64"):
        t[0] = tg.tensor(1.5, requires_grad=True)
