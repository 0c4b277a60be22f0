"""NumPy's functions made of operations: values beside NumPy's own, gradients by differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.testing import check_grads

X = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.25]])
Y = np.array([[1.0, 2.0, -3.0], [0.5, 0.25, 4.0]])
S = np.arange(18.0).reshape(2, 3, 3) ** 0.5


@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (lambda x, y: np.append(x, y), (X, Y)),
        (lambda x, y: np.append(x, y, axis=1), (X, Y)),
        (np.atleast_1d, (np.array(2.0),)),
        (np.atleast_2d, (X[0],)),
        (np.atleast_3d, (X[0],)),
        (np.atleast_3d, (X,)),
        (lambda x, y: np.atleast_2d(x, y)[1], (X, Y[0])),
        (lambda x, y: np.broadcast_arrays(x, y)[1], (X, Y[0])),
        (lambda x, y: np.column_stack([x, y]), (X[0], Y[0])),
        (np.diff, (X,)),
        (lambda x: np.diff(x, 2, axis=1), (X,)),
        (lambda x: np.diff(x, axis=0), (X,)),
        (np.fabs, (X,)),
        (np.fliplr, (X,)),
        (np.flipud, (X,)),
        (np.deg2rad, (X,)),
        (np.degrees, (X,)),
        (np.ptp, (X,)),
        (lambda x: np.ptp(x, 1, keepdims=True), (X,)),
        (lambda x: np.percentile(x, 30, axis=1), (X,)),
        (lambda x: np.nansum(x * np.array([1.0, np.nan, 1.0]), axis=0), (X,)),
        (np.vecdot, (X, Y)),
        (lambda x, y: np.vecdot(x, y, axis=0), (X, Y)),
        (lambda x: np.astype(x, "float64"), (X,)),
        (np.matrix_transpose, (S,)),
        (np.linalg.matmul, (S, S)),
        (np.linalg.outer, (X[0], Y[0])),
        (lambda x, y: np.linalg.tensordot(x, y, axes=((0, 1), (0, 1))), (X, Y)),
        (lambda x: np.linalg.trace(x, offset=1), (S,)),
        (lambda x: np.linalg.diagonal(x, offset=-1), (S,)),
        (np.linalg.matrix_transpose, (S,)),
        (np.linalg.matrix_norm, (S,)),
        (np.linalg.vector_norm, (S,)),
        (lambda x: np.linalg.vector_norm(x, axis=1, ord=3, keepdims=True), (S,)),
        (np.linalg.vecdot, (X, Y)),
        (np.add.reduce, (X,)),
        (lambda x: np.multiply.reduce(x, axis=1, keepdims=True), (X,)),
        (np.maximum.reduce, (X,)),
        (np.minimum.reduce, (X,)),
        (np.add.accumulate, (X,)),
        (lambda x: np.multiply.accumulate(x, axis=1), (X,)),
        (np.multiply.outer, (X, Y)),
        (np.subtract.outer, (X, Y)),
    ],
)
def test_value_and_gradient(f: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
    tensors = [tg.tensor(x, requires_grad=True) for x in inputs]
    assert f(*tensors).requires_grad
    check_grads(f, list(inputs), reference=f, tolerance=1e-7)


@pytest.mark.parametrize("requires_grad", [False, True])
def test_questions_are_answered_for_any_tensor(requires_grad: bool) -> None:
    t = tg.tensor(X, requires_grad=requires_grad)
    assert np.allclose(t, X) is True
    assert np.array_equal(X, t) is True
    assert np.array_equal(t, t + 1) is False
    np.testing.assert_array_equal(np.isclose(t, [0.5, 2.0, 2.0]), np.isclose(X, [0.5, 2.0, 2.0]))
    assert [i.tolist() for i in np.nonzero(t > 1)] == [[0, 1], [2, 0]]


def test_unique() -> None:
    assert np.unique(tg.tensor([2, 1, 2])).tolist() == [1, 2]
    values, counts = np.unique(tg.tensor([2.0, 1.0, 2.0]), return_counts=True)
    assert values.tolist() == [1.0, 2.0] and counts.tolist() == [1, 2]
    with pytest.raises(TypeError, match=r"numpy\.unique has no gradient rule"):
        np.unique(tg.tensor([2.0], requires_grad=True))


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (np.fft.fft, "numpy.fft.fft"),
        (np.linalg.eigh, "numpy.linalg.eigh"),
        (np.kron, "numpy.kron"),
        (np.add.reduceat, "numpy.add.reduceat"),
        (np.nextafter, "numpy.nextafter"),
    ],
)
def test_what_has_no_rule_is_named_in_full(f: Callable[..., Any], name: str) -> None:
    t = tg.tensor(X, requires_grad=True)
    with pytest.raises(TypeError, match=rf"^{name} has no gradient rule.*detach.*tg.primitive"):
        f(t, [0]) if "reduceat" in name else f(t) if f.__name__ in ("fft", "eigh") else f(t, t)
