"""Products, einsum and tg.linalg beside NumPy's, and zero gradients that meet infinity."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.testing import check_grads

inf, nan = math.inf, math.nan
rng = np.random.default_rng(0)


def numbers(*shape: int) -> Any:
    return rng.standard_normal(shape)


def definite(*shape: int) -> Any:
    x = numbers(*shape)
    return x @ np.swapaxes(x, -1, -2) + shape[-1] * np.eye(shape[-1])


PRODUCTS: list[tuple[str, tuple[Any, ...], tuple[tuple[int, ...], ...]]] = [
    *(("dot", (), s) for s in (((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3, 2)))),
    *(("inner", (), s) for s in (((), (3,)), ((3,), (3,)), ((2, 3), (4, 2, 3)))),
    ("vdot", (), ((2, 3), (3, 2))),
    ("outer", (), ((2, 2), (3,))),
    ("tensordot", (0,), ((2, 3), (2,))),
    ("tensordot", (1,), ((2, 3), (3, 2))),
    ("tensordot", (), ((2, 3, 4), (3, 4, 2))),
    ("tensordot", (([0, 2], [2, 0]),), ((2, 3, 4), (4, 5, 2))),
    ("matmul", (), ((3, 2, 4), (4, 2))),
]


@pytest.mark.parametrize(("name", "args", "shapes"), PRODUCTS)
def test_products(name: str, args: tuple[Any, ...], shapes: tuple[tuple[int, ...], ...]) -> None:
    function, reference = getattr(tg, name), getattr(np, name)
    inputs = [numbers(*s) for s in shapes]
    check_grads(lambda *x: function(*x, *args), inputs, reference=lambda *x: reference(*x, *args))


EINSUMS: list[tuple[str, tuple[tuple[int, ...], ...]]] = [
    ("ij,jk", ((2, 3), (3, 4))),
    ("ba", ((2, 3),)),
    ("...ij,...jk->...ik", ((5, 2, 3), (3, 4))),
    ("...ij,...jk", ((1, 2, 3), (5, 3, 2))),
    ("i...->...", ((2, 3),)),
    ("...->...", ((2, 3),)),
    ("i...,i...", ((3, 2), (3, 2))),
    ("ij,jk,kl,lm->im", ((2, 3), (3, 2), (2, 3), (3, 2))),
    ("iijj->ij", ((2, 2, 3, 3),)),
    (" ij , j -> i ", ((2, 3), (3,))),
]


@pytest.mark.parametrize(("subscripts", "shapes"), EINSUMS)
def test_einsum(subscripts: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    inputs = [numbers(*s) for s in shapes]
    check_grads(
        lambda *x: tg.einsum(subscripts, *x),
        inputs,
        reference=lambda *x: np.einsum(subscripts, *x),
    )


def test_einsum_in_numbers() -> None:
    x, y = numbers(2, 3), numbers(3, 4)
    check_grads(
        lambda x, y: tg.einsum(x, [0, 1], y, [1, 2], [2, 0]),
        [x, y],
        reference=lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]),
    )
    out = np.einsum(tg.tensor(x), [..., 0], x.T, [0, ...], optimize=True)
    np.testing.assert_allclose(out.numpy(), np.einsum(x, [..., 0], x.T, [0, ...]))


@pytest.mark.parametrize(
    ("subscripts", "message"),
    [
        ("ij,j", "names 2 operands"),
        ("ijk", "does not fit 2 axes"),
        ("i...->i", "on the left"),
        ("ij->k", "never appeared"),
        ("i->i", "does not fit"),
    ],
)
def test_einsum_refuses(subscripts: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tg.einsum(subscripts, tg.ones((2, 3)))


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("inv", (definite(2, 3, 3),)),
        ("solve", (definite(2, 3, 3), numbers(2, 3, 2))),
        ("solve", (definite(3, 3), numbers(3))),
        ("solve", (definite(2, 3, 3), numbers(3))),
        ("solve", (definite(2, 1, 3, 3), numbers(4, 3, 2))),
        ("det", (numbers(2, 3, 3),)),
    ],
)
def test_matrices(name: str, inputs: tuple[Any, ...]) -> None:
    function, reference = getattr(tg.linalg, name), getattr(np.linalg, name)
    check_grads(function, list(inputs), reference=reference, tolerance=1e-8)
    tensors = [tg.tensor(x, requires_grad=True) for x in inputs]
    assert reference(*tensors).requires_grad


class TestCholesky:
    @pytest.mark.parametrize("name", ["symmetric", "not symmetric"])
    def test_it_reads_the_lower_triangle(self, name: str) -> None:
        x = definite(2, 3, 3)
        if name == "not symmetric":
            x = x + np.triu(numbers(3, 3), 1)
        factor = tg.linalg.cholesky(tg.tensor(x)).numpy()
        np.testing.assert_allclose(factor, np.linalg.cholesky(x), rtol=1e-14)

    def test_gradients(self) -> None:
        def of_the_symmetric_part(x: Any) -> Any:
            return tg.linalg.cholesky((x + tg.swapaxes(x, -1, -2)) / 2)

        check_grads(of_the_symmetric_part, [definite(2, 3, 3)], tolerance=1e-8)
        above = np.triu(np.ones((3, 3)), 1)
        check_grads(tg.linalg.cholesky, [definite(2, 3, 3) + above], tolerance=1e-8)

    def test_the_gradient_of_a_symmetric_matrix_is_symmetric(self) -> None:
        torch = pytest.importorskip("torch")
        x = definite(3, 3)
        t, p = tg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        weights = numbers(3, 3)
        (tg.linalg.cholesky(t) * weights).sum().backward()
        (torch.linalg.cholesky(p) * torch.tensor(weights)).sum().backward()
        assert t.grad is not None
        np.testing.assert_allclose(t.grad.numpy(), p.grad.numpy(), rtol=1e-12)


def test_upper_cholesky() -> None:
    x = definite(3, 3)
    upper = tg.linalg.cholesky(tg.tensor(x), upper=True).numpy()
    np.testing.assert_allclose(upper.T @ upper, x)


@pytest.mark.parametrize(
    "x",
    [
        np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]),
        np.outer([1.0, 2, -1], [0.5, 1, 2]),
        np.zeros((3, 3)),
        np.zeros((1, 1)),
        np.eye(4),
    ],
    ids=["rank 2", "rank 1", "zero", "one zero", "identity"],
)
def test_determinants_of_special_matrices(x: Any) -> None:
    """Against Laplace's expansion, which divides by nothing, to the second order."""

    def expansion(x: Any) -> Any:
        n = x.shape[-1]
        if n == 1:
            return x[0, 0]
        terms = []
        for j in range(n):
            columns = [k for k in range(n) if k != j]
            terms.append((-1) ** j * x[0, j] * expansion(x[1:][:, columns]))
        return sum(terms[1:], terms[0])

    direction = np.random.default_rng(1).standard_normal(x.shape)
    results = []
    for f in (tg.linalg.det, expansion):
        t = tg.tensor(x, requires_grad=True)
        f(t).backward(create_graph=True)
        first, t.grad = t.grad, None
        assert first is not None
        along = tg.sum(first * direction)
        second = np.zeros_like(x)
        if along.requires_grad:
            along.backward()
            second = np.zeros_like(x) if t.grad is None else t.grad.numpy()
        results.append((first.numpy(), second))
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


class TestSlogdet:
    def test_value_and_gradient(self) -> None:
        x = numbers(2, 3, 3)
        check_grads(
            lambda x: tg.linalg.slogdet(x).logabsdet,
            [x],
            reference=lambda x: np.linalg.slogdet(x).logabsdet,
        )
        np.testing.assert_array_equal(
            tg.linalg.slogdet(tg.tensor(x))[0].numpy(), np.sign(np.linalg.det(x))
        )

    def test_a_masked_singular_matrix_does_no_harm(self) -> None:
        t = tg.tensor(np.stack([2 * np.eye(2), np.zeros((2, 2))]), requires_grad=True)
        tg.where([True, False], tg.linalg.slogdet(t).logabsdet, 0.0).sum().backward()
        assert t.grad is not None and t.grad.tolist() == [[[0.5, 0], [0, 0.5]], [[0, 0], [0, 0]]]


@pytest.mark.parametrize("name", ["inv", "det", "cholesky"])
def test_nothing(name: str) -> None:
    for shape in ((0, 0), (2, 0, 0), (0, 2, 2)):
        t = tg.tensor(np.zeros(shape), requires_grad=True)
        tg.sum(getattr(tg.linalg, name)(t)).backward()
        assert t.grad is not None and t.grad.shape == shape


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: tg.linalg.inv(tg.zeros((2, 2))), "inv.*Singular"),
        (lambda: tg.linalg.solve(tg.zeros((2, 2)), tg.ones(2)), "solve.*Singular"),
        (lambda: tg.linalg.det(tg.zeros((2, 3))), r"det\(\(2, 3\).*square"),
        (lambda: tg.linalg.cholesky(-tg.eye(2)), "cholesky.*positive definite"),
    ],
)
def test_refuses(act: Any, message: str) -> None:
    with pytest.raises(np.linalg.LinAlgError, match=message):
        act()


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"matmul\(\(2, 3\) float64, \(2, 3\) float64\)"):
        tg.matmul(tg.ones((2, 3)), tg.ones((2, 3)))
    with pytest.raises(ValueError, match="tensordot"):
        tg.tensordot(tg.ones((2, 3)), tg.ones((2, 3)), 1)


class TestZeroGradientsMeetInfinity:
    """What is not used adds nothing, whatever it holds, in recorded backward passes as well."""

    @pytest.mark.parametrize("bad", [inf, -inf, nan])
    @pytest.mark.parametrize("create_graph", [False, True])
    @pytest.mark.parametrize(
        "product",
        [
            lambda x, w: x @ w,
            lambda x, w: tg.affine(x, w.T, np.zeros(2)),
            lambda x, w: tg.einsum("ij,jk->ik", x, w),
            lambda x, w: tg.tensordot(x, w, 1),
            lambda x, w: (x[None] @ w)[0],
            lambda x, w: tg.stack([x @ w[:, 0], x @ w[:, 1]], 1),
        ],
        ids=["matmul", "affine", "einsum", "tensordot", "batch", "vectors"],
    )
    def test_a_masked_row(self, product: Any, create_graph: bool, bad: float) -> None:
        x = tg.tensor([[1.0, 2.0], [bad, 1.0]], requires_grad=True)
        w = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        with np.errstate(all="ignore"):
            out = tg.where([[True], [False]], product(x, w), 0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            out.sum().backward(create_graph=create_graph)
        assert x.grad is not None and x.grad.tolist() == [[3, 7], [0, 0]]
        assert w.grad is not None and w.grad.tolist() == [[1, 1], [2, 2]]

    def test_what_is_used_still_shows(self) -> None:
        x = tg.tensor([[1.0, inf], [1.0, 2.0]])
        w = tg.tensor([[1.0], [0.0]], requires_grad=True)
        with np.errstate(all="ignore"):
            (x @ w).backward([[1.0], [0.0]])
        assert w.grad is not None and w.grad.tolist() == [[1], [inf]]


@pytest.mark.parametrize(
    ("shape", "order"),
    [((2, 0), 1), ((2, 0), 2), ((0, 2), inf), ((0,), inf), ((0, 2), "nuc"), ((3, 2, 0), None)],
)
def test_norms_of_nothing_are_zero(shape: tuple[int, ...], order: Any) -> None:
    x = tg.tensor(np.zeros(shape), requires_grad=True)
    out = tg.norm(x, order)
    assert out.item() == 0
    out.backward()
    assert x.grad is not None and x.grad.shape == shape


def test_nuclear_norm_at_equal_singular_values() -> None:
    hessian = tg.hessian(lambda x: tg.norm(x, "nuc"))(tg.tensor(np.eye(2)))
    expected = [[0, 0, 0, 0], [0, 0.5, -0.5, 0], [0, -0.5, 0.5, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(np.reshape(hessian.numpy(), (4, 4)), expected, atol=1e-15)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (2, 3, 2)])
def test_nuclear_norm(shape: tuple[int, ...]) -> None:
    check_grads(lambda x: tg.norm(x, "nuc", axis=(-2, -1)), [numbers(*shape)], order=2)


def test_nuclear_norm_of_deficient_rank() -> None:
    u, v = numbers(4), numbers(3)
    x = tg.tensor(np.outer(u, v), requires_grad=True)  # the other singular values are rounding
    tg.norm(x, "nuc").backward()
    assert x.grad is not None
    least = np.outer(u, v) / np.linalg.norm(u) / np.linalg.norm(v)
    np.testing.assert_allclose(x.grad.numpy(), least, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "slope", "bend"),
    [
        ([5e-324, 0.0], [1, 0], [[0, 0], [0, math.inf]]),
        ([0.0, 0.0], [0, 0], [[0, 0], [0, 0]]),
        ([5e-324, 5e-324], [0.5**0.5, 0.5**0.5], [[math.inf, -math.inf], [-math.inf, math.inf]]),
        ([1e308, -1e308], [0.5**0.5, -(0.5**0.5)], [[3.5355339059327376e-309] * 2] * 2),
        ([1.5e308, 1.5e308], [0.5**0.5, 0.5**0.5], None),  # the length itself is too large
        ([3e-310, 4e-310], [0.6, 0.8], None),
    ],
)
def test_lengths_at_either_end_of_the_range(x: Any, slope: Any, bend: Any) -> None:
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(tg.grad(tg.norm)(np.array(x)), slope, rtol=1e-12)
        if bend is not None:
            np.testing.assert_allclose(tg.hessian(tg.norm)(np.array(x)), bend, rtol=1e-12)
