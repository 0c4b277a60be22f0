"""Reductions as NumPy names them: values, gradients, and the edges where they are agreed on."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.ops import order
from tinygrad_lite.ops.reduce import total
from tinygrad_lite.testing import check_grads

inf, nan = math.inf, math.nan
X = np.random.default_rng(0).standard_normal((2, 3, 4))
AXES = [None, 0, -1, (0, 2), (-2,)]


def gradient(f: Any, x: Any, dtype: str = "float64") -> list[Any]:
    """The gradient of the sum of f, by a backward pass on arrays; on tensors it is the same."""
    found = []
    for create_graph in (False, True):
        t = tg.tensor(x, requires_grad=True, dtype=dtype)
        tg.sum(f(t)).backward(create_graph=create_graph)
        assert t.grad is not None and t.grad.dtype == t.dtype and t.grad.shape == t.shape
        found.append(t.grad.numpy())
    np.testing.assert_array_equal(found[0], found[1])
    return found[0].tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "max", "min", "prod", "median"])
def test_as_numpy(name: str, axis: Any, keepdims: bool) -> None:
    function, reference = getattr(tg, name), getattr(np, name)
    check_grads(
        lambda x: function(x, axis=axis, keepdims=keepdims),
        [X],
        reference=lambda x: reference(x, axis=axis, keepdims=keepdims),
        tolerance=1e-8,
    )
    t = tg.tensor(X)
    np.testing.assert_array_equal(
        reference(t, axis=axis, keepdims=keepdims).numpy(),
        getattr(t, name)(axis=axis, keepdims=keepdims).numpy(),
    )


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["all", "any", "count_nonzero"])
def test_logical(name: str, axis: Any) -> None:
    for x in (X > 0, np.floor(X)):
        out = getattr(tg, name)(tg.tensor(x), axis=axis, keepdims=True)
        np.testing.assert_array_equal(out.numpy(), getattr(np, name)(x, axis=axis, keepdims=True))


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("ddof", [0, 1, 0.5, 2])
def test_degrees_of_freedom(name: str, ddof: float) -> None:
    function, reference = getattr(tg, name), getattr(np, name)
    check_grads(
        lambda x: function(x, axis=1, ddof=ddof),
        [X],
        reference=lambda x: reference(x, axis=1, ddof=ddof),
    )


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantile(method: str) -> None:
    for q in (0.5, 0.0, [[0.1, 0.77]], [1.0]):
        for axis in (None, 1, (0, 2)):
            check_grads(
                lambda x, q=q, axis=axis: tg.quantile(x, q, axis=axis, method=method),
                [X],
                order=1,
                reference=lambda x, q=q, axis=axis: np.quantile(x, q, axis=axis, method=method),
            )


@pytest.mark.parametrize("method", [*order._CONTINUOUS, *order._DISCRETE])
@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_quantile_methods_are_those_of_numpy(method: str, n: int) -> None:
    x = np.sin(np.arange(n) * 5.0)
    for q in np.linspace(0, 1, 21):
        expected = np.quantile(x, q, method=method)
        assert tg.quantile(x, q, method=method) == pytest.approx(expected)
        assert tg.quantile(x, tg.tensor(q), method=method).item() == pytest.approx(expected)


@pytest.mark.parametrize(("q", "slope"), [(0, 2), (0.25, 2), (0.5, 2), (0.75, 4), (1, 4)], ids=str)
def test_the_slope_of_a_quantile_at_a_kink_is_the_lesser_one(q: float, slope: float) -> None:
    found = tg.grad(lambda q: tg.quantile(np.array([1.0, 2.0, 4.0]), q))(float(q))
    assert found.item() == slope


def test_quantile_in_its_place() -> None:
    check_grads(lambda x, q: tg.quantile(x, q, axis=0), [X[0], np.array([0.2, 0.9])])


@pytest.mark.parametrize("q", [-0.1, 1.5, nan])
def test_quantile_refuses(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        tg.quantile(tg.tensor([1.0]), q)
    with pytest.raises(ValueError, match="method must be one of"):
        tg.quantile(tg.tensor([1.0]), 0.5, method="cubic")


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running(name: str, axis: int | None) -> None:
    function, reference = getattr(tg, name), getattr(np, name)
    x = X[0].copy()
    x[1, 2] = x[0, 1] = x[2, 1] = 0
    check_grads(lambda x: function(x, axis), [x], order=3, reference=lambda x: reference(x, axis))


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running_over_a_number(name: str, axis: int | None) -> None:
    function, reference = getattr(tg, name), getattr(np, name)
    x = np.array(2.0)
    check_grads(lambda x: function(x, axis), [x], reference=lambda x: reference(x, axis))
    with pytest.raises(ValueError, match=f"{name}.*axis 1 is out of bounds"):
        function(tg.tensor(2.0), 1)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3, 4])
def test_product_with_zeros(zeros: int) -> None:
    x = np.array([2.0, -3.0, 0.5, 1.5])
    x[:zeros] = 0
    check_grads(tg.prod, [x], order=3, reference=np.prod)


class TestTies:
    def test_extremes_share(self) -> None:
        assert gradient(tg.max, [1.0, 3.0, 3.0]) == [0, 0.5, 0.5]
        assert gradient(tg.min, [[1.0, 1.0], [1.0, 2.0]]) == [[1 / 3, 1 / 3], [1 / 3, 0]]
        assert gradient(lambda x: tg.max(x, axis=0), [[1.0, 2.0], [1.0, 0.0]]) == [
            [0.5, 1],
            [0.5, 0],
        ]

    def test_medians_share(self) -> None:
        assert gradient(tg.median, [1.0, 3.0, 3.0, 3.0, 5.0]) == [0, 1 / 3, 1 / 3, 1 / 3, 0]
        assert gradient(tg.median, [1.0, 3.0, 3.0, 5.0]) == [0, 0.5, 0.5, 0]
        assert gradient(tg.median, [4.0, 1.0, 2.0, 2.0, 9.0, 4.0]) == [0.25, 0, 0.25, 0.25, 0, 0.25]

    def test_sorting_is_stable(self) -> None:
        weights = np.array([1.0, 10.0, 100.0])
        assert gradient(lambda x: tg.sort(x) * weights, [2.0, 1.0, 1.0]) == [100, 1, 10]


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, 1.5, inf, -inf, -1, -2])
def test_vector_norms(ord: Any) -> None:
    check_grads(
        lambda x: tg.norm(x, ord, axis=1),
        [X],
        reference=lambda x: np.linalg.norm(x, ord, axis=1),
    )


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, inf, -inf])
def test_matrix_norms(ord: Any) -> None:
    check_grads(lambda x: tg.norm(x, ord), [X[0]], reference=lambda x: np.linalg.norm(x, ord))
    check_grads(
        lambda x: tg.linalg.norm(x, ord, axis=(2, 0), keepdims=True),
        [X],
        order=1,
        reference=lambda x: np.linalg.norm(x, ord, axis=(2, 0), keepdims=True),
    )


class TestNormsAtCorners:
    @pytest.mark.parametrize("ord", [None, 0, 1, 2, 3, 0.5, 1.5, inf, -inf, -1])
    def test_at_zero(self, ord: Any) -> None:
        assert gradient(lambda x: tg.norm(x, ord, axis=0), [0.0, 0.0]) == [0, 0]

    @pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, inf, -inf])
    def test_at_the_zero_matrix(self, ord: Any) -> None:
        assert gradient(lambda x: tg.norm(x, ord), np.zeros((2, 2))) == [[0, 0], [0, 0]]

    def test_ties(self) -> None:
        assert gradient(lambda x: tg.norm(x, inf), [2.0, -2.0, 1.0]) == [0.5, -0.5, 0]
        assert gradient(lambda x: tg.norm(x, 1), [2.0, 0.0, -1.0]) == [1, 0, -1]
        assert gradient(lambda x: tg.norm(x, 2), np.eye(2)) == [[0.5, 0], [0, 0.5]]

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="for matrices"):
            tg.norm(tg.tensor([1.0]), "nuc")
        with pytest.raises(ValueError, match="no norm of matrices"):
            tg.norm(tg.ones((2, 2)), 3)
        with pytest.raises(ValueError, match="one axis or two"):
            tg.norm(tg.ones((2, 2, 2)), 1)


def test_standard_deviation_of_equal_numbers() -> None:
    t = tg.tensor([2.0, 2.0, 2.0], requires_grad=True)
    t.std().backward(create_graph=True)
    assert t.grad is not None and t.grad.tolist() == [0, 0, 0]
    tg.sum(t.grad).backward()
    assert np.isfinite(t.grad.numpy()).all()


class TestEdges:
    @pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
    def test_nothing_to_add_or_multiply(self, shape: tuple[int, ...]) -> None:
        for name, value in (("sum", 0), ("prod", 1), ("norm", 0), ("logsumexp", -inf)):
            t = tg.tensor(np.zeros(shape), requires_grad=True)
            out = getattr(tg, name)(t)
            out.backward()
            assert out.item() == value and t.grad is not None and t.grad.shape == shape

    @pytest.mark.parametrize("name", ["max", "min", "median", "argmax"])
    def test_nothing_to_choose_from(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"empty|has no"):
            getattr(tg, name)(tg.zeros((0, 3)))
        if name in ("max", "min"):
            with pytest.raises(ValueError, match=r"shape \(0, 3\)"):
                getattr(tg, name)(tg.zeros((0, 3)), axis=0)
            assert getattr(tg, name)(tg.zeros((0, 3)), axis=1).shape == (0,)

    @pytest.mark.parametrize(
        "name",
        ["sum", "prod", "mean", "max", "min", "median", "var", "std", "norm", "logsumexp"],
    )
    def test_a_single_number(self, name: str) -> None:
        expected = 0.0 if name in ("var", "std") else 1.0
        assert gradient(getattr(tg, name), 3.0) == expected

    def test_axes_of_a_single_number(self) -> None:
        t = tg.tensor(3.0)
        assert t.sum(axis=0).item() == t.prod(axis=-1).item() == t.max(axis=0).item() == 3

    @pytest.mark.parametrize("name", ["sum", "mean", "max", "prod", "median", "cumsum", "sort"])
    def test_an_axis_that_is_not_there(self, name: str) -> None:
        with pytest.raises(ValueError, match="axis 2 is out of bounds"):
            getattr(tg, name)(tg.ones((2, 2)), axis=2)

    @pytest.mark.parametrize("dtype", ["float16", "float32"])
    @pytest.mark.parametrize(
        "name",
        ["sum", "mean", "var", "std", "max", "prod", "median", "cumsum", "cumprod", "sort", "norm"],
    )
    def test_small_floats_stay_small(self, name: str, dtype: str) -> None:
        t = tg.tensor(np.arange(1, 7).reshape(2, 3), dtype=dtype, requires_grad=True)
        out = getattr(tg, name)(t)
        assert out.dtype == dtype
        tg.sum(out).backward(create_graph=True)
        assert t.grad is not None and t.grad.dtype == dtype

    def test_more_elements_than_float16_counts(self) -> None:
        n = 100_000
        assert gradient(tg.mean, np.ones(n), "float16")[0] == np.float16(1 / n)
        assert gradient(tg.max, np.ones(n), "float16")[0] == np.float16(1 / n)
        assert tg.mean(tg.ones(n, dtype="float16")).item() == 1

    def test_squares_beyond_float16(self) -> None:
        t = tg.tensor([300.0, 500.0, 700.0], dtype="float16")
        assert tg.var(t).item() == np.float16(160_000 / 6) or math.isclose(tg.var(t).item(), 26656)
        assert tg.std(t).item() == pytest.approx(163.3, rel=1e-3)

    def test_integers(self) -> None:
        t = tg.tensor([1, 2, 4])
        assert t.sum().dtype == np.int64 and t.mean().item() == pytest.approx(7 / 3)
        assert t.median().item() == 2.0 and t.var().dtype == np.float64
        assert tg.norm(tg.tensor([3, 4])).item() == 5

    def test_infinities(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert tg.median(tg.tensor([inf, 1.0, inf, inf])).item() == inf
            assert gradient(tg.max, [1.0, inf, inf]) == [0, 0.5, 0.5]
            assert gradient(
                lambda x: tg.where([True, False], tg.prod(x, 1), 0.0), [[1.0, 2.0], [inf, inf]]
            ) == [[2, 1], [0, 0]]

    def test_not_a_number_is_seen(self) -> None:
        for name in ("sum", "max", "min", "median", "mean"):
            assert math.isnan(getattr(tg, name)(tg.tensor([1.0, nan, 3.0])).item())


def test_numpy_arguments() -> None:
    t = tg.tensor([1.0, 2.0], requires_grad=True)
    assert np.sum(t, dtype="float32").dtype == np.float32
    assert np.mean(t, 0, np.float32).dtype == np.float32
    assert np.sum(t, out=None).item() == 3
    with pytest.raises(TypeError, match="out="):
        np.sum(t, out=np.zeros(()))
    assert np.max(t, initial=3.0).item() == 3


def _many(h: Any) -> Any:
    return np.ones((5000, 3), h)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("shape", "f"),
    [
        ((3,), lambda b: b + _many(b.dtype)),
        ((1, 3), lambda b: b + _many(b.dtype)),
        ((3,), lambda b: b * _many(b.dtype)),
        ((3,), lambda b: tg.affine(_many(b.dtype)[:, :1], np.ones((3, 1), b.dtype), b)),
        ((3,), lambda b: tg.broadcast_to(b, (5000, 3))),
        ((3,), lambda b: tg.tile(b, 5000)),
        ((3,), lambda b: tg.repeat(b, 5000)),
        ((3,), lambda b: tg.repeat(b, [5000, 5000, 5000])),
        ((1, 3), lambda b: b[[0] * 5000]),
    ],
)
def test_half_precision_gradients_count_beyond_2048(
    shape: tuple[int, ...], f: Any, create_graph: bool
) -> None:
    b = tg.tensor(np.ones(shape, np.float16), requires_grad=True)
    f(b).astype("f4").sum().backward(create_graph=create_graph)
    assert b.grad is not None and b.grad.dtype == np.float16
    np.testing.assert_array_equal(b.grad.numpy(), np.full(shape, 5000))


def test_half_precision_running_sum() -> None:
    x = tg.tensor(np.zeros(4096, np.float16), requires_grad=True)
    tg.cumsum(x).astype("f4").sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), np.arange(4096, 0, -1).astype(np.float16))


def test_single_precision_gradients_count_beyond_16777216() -> None:
    b = tg.tensor(np.ones(2, np.float32), requires_grad=True)
    tg.broadcast_to(b, (20_000_000, 2)).sum().backward()
    assert b.grad is not None and b.grad.tolist() == [2e7, 2e7]


@pytest.mark.parametrize("n", [4096, 4097, 5120, 4_200_000])
def test_long_axes_are_summed_whole(n: int) -> None:
    x = np.broadcast_to(np.arange(n, dtype=float)[:, None], (2, n, 1))
    np.testing.assert_array_equal(total(x, (0, 1)), [n * (n - 1)])
    np.testing.assert_array_equal(total(x, (1,)), [[n * (n - 1) / 2]] * 2)


@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean"])
def test_where_and_initial(name: str, axis: Any) -> None:
    function, reference = getattr(tg, name), getattr(np, name)
    mask = np.arange(X.size).reshape(X.shape) % 5 > 0
    given: dict[str, Any] = {"where": mask, "axis": axis}
    if name != "mean":
        given["initial"] = 2
    check_grads(lambda x: function(x, **given), [X], reference=lambda x: reference(x, **given))
    for dtype in ("f2", "f4", "i8"):
        x = (4 * X if name != "prod" else X / 2).astype(dtype)
        out, expected = reference(tg.tensor(x), **given), reference(x, **given)
        assert out.dtype == expected.dtype or name in ("max", "min")
        np.testing.assert_allclose(out.numpy(), expected, rtol=1e-2 if dtype == "f2" else 1e-5)


def test_initial_where_there_is_nothing() -> None:
    assert tg.max(tg.zeros((0, 2)), 0, initial=-1.0).tolist() == [-1, -1]
    assert tg.min(tg.zeros(0), initial=1.0).item() == 1
    with pytest.raises(ValueError, match="initial="):
        tg.max(tg.ones(2), where=np.array([True, False]))


@pytest.mark.parametrize("name", ["var", "std"])
def test_correction_is_ddof(name: str) -> None:
    t = tg.tensor(X)
    assert getattr(np, name)(t, correction=1).item() == getattr(tg, name)(t, ddof=1).item()
    with pytest.raises(ValueError, match="correction"):
        getattr(tg, name)(t, ddof=1, correction=1)


def test_arguments_that_numpy_has() -> None:
    t = tg.tensor([2.25, 1.5])
    assert np.sort(t, kind="stable").tolist() == t.sort(stable=True).tolist() == [1.5, 2.25]
    assert np.argsort(t, kind="quicksort").tolist() == tg.argsort(t, stable=True).tolist() == [1, 0]
    assert np.around(t, 1).tolist() == [2.2, 1.5]
    assert t.sum(out=None).item() == t.max(out=None).item() + 1.5
    with pytest.raises(TypeError, match="out="):
        t.sum(out=np.zeros(()))


@pytest.mark.parametrize("f", [tg.sum, np.max, np.mean, tg.prod])
def test_a_list_of_tensors_is_stacked_first(f: Any) -> None:
    t = tg.tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"tg\.stack"):
        f([t, t])


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("axis", [None, (0, 2), (1, -1)])
def test_spread_of_some_elements(name: str, axis: Any) -> None:
    some = np.arange(X.size).reshape(X.shape) % 3 > 0
    for options in ({}, {"ddof": 1}, {"keepdims": True}):
        check_grads(
            lambda x, o=options: getattr(tg, name)(x, axis, where=some, **o),
            [X],
            order=1,
            reference=lambda x, o=options: getattr(np, name)(x, axis, where=some, **o),
        )


@pytest.mark.parametrize(
    ("x", "dtype", "slope"),
    [
        ([1e200, 1e200, 1e-200, 1e-200], "float64", [1e-200, 1e-200, 1e200, 1e200]),
        ([1e-200, 1e-200, 1e200, 1e200], "float64", [1e200, 1e200, 1e-200, 1e-200]),
        ([1e30, 1e-30, 1e30, 1e-30], "float32", [1e-30, 1e30, 1e-30, 1e30]),
        ([4000.0, 4000.0, 1 / 4096, 1 / 4096], "float16", None),
    ],
)
def test_a_product_that_leaves_the_range_on_the_way(x: Any, dtype: str, slope: Any) -> None:
    values = np.array(x, dtype)
    exact = math.prod(map(Fraction, values.tolist()))
    slope = slope or [float(exact / Fraction(v)) for v in values.tolist()]
    close = 20 * float(np.finfo(dtype).eps)
    product = tg.prod(values)
    assert product.dtype == dtype
    assert float(product) == pytest.approx(float(exact), rel=close)
    np.testing.assert_allclose(tg.grad(tg.prod)(values), slope, rtol=close)
    np.testing.assert_allclose(
        tg.prod(np.stack([values, values]), axis=1), [float(exact)] * 2, rtol=close
    )
