"""The arguments of NumPy's functions, in NumPy's order, are taken as NumPy takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.ops.methods import numpy_table
from tinygrad_lite.testing import check_grads

X = np.random.default_rng(0).standard_normal((3, 4))
MASK = np.array([[True, False, True, True], [False] * 4, [True] * 4])
REDUCTIONS = [
    *("sum", "prod", "mean", "var", "std", "max", "min", "all", "any"),
    *("argmax", "argmin", "median", "cumsum", "cumprod"),
]


def positional(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments after the first that may stand without a name."""
    parameters = list(inspect.signature(function).parameters.values())
    return [p.name for p in parameters[1:] if p.kind is p.POSITIONAL_OR_KEYWORD]


@pytest.mark.parametrize("name", [n for n in REDUCTIONS if n not in ("argmax", "argmin")])
def test_reductions_have_the_order_of_numpy(name: str) -> None:
    assert positional(getattr(tg, name)) == positional(getattr(np, name))


@pytest.mark.parametrize(
    "function",
    [
        f
        for f in numpy_table()
        if not isinstance(f, np.ufunc) and "out" in inspect.signature(f).parameters
    ],
    ids=lambda f: f.__name__,
)
def test_every_function_with_out_takes_none_and_refuses_an_array(function: Any) -> None:
    ours = numpy_table()[function]
    assert positional(ours)[: len(positional(function))].count("out") == positional(function).count(
        "out"
    )
    given: dict[str, tuple[Any, ...]] = {
        "clip": (X, 0.0, 1.0),
        "concatenate": ([X, X],),
        "dot": (X, X.T),
        "einsum": ("ij->i", X),
        "outer": (X, X),
        "percentile": (X, 50),
        "quantile": (X, 0.5),
        "stack": ([X, X],),
        "take": (X, [0]),
    }
    args = given.get(function.__name__, (X,))
    np.testing.assert_allclose(ours(*args, out=None), function(*args, out=None))
    with pytest.raises(TypeError, match=r"\(out=\) cannot be recorded, because its gradient"):
        ours(*args, out=np.zeros(3))


def test_arguments_without_names() -> None:
    t = tg.tensor(X, requires_grad=True)
    for x in (X, t):
        for result, expected in (
            (np.sum(x, 0, None, None), np.sum(X, 0)),
            (tg.sum(x, 0, None, None, True), np.sum(X, 0, keepdims=True)),
            (np.mean(x, 1, None, None, True), np.mean(X, 1, keepdims=True)),
            (np.max(x, 0, None, True), np.max(X, 0, keepdims=True)),
            (np.std(x, 0, None, None, 1), np.std(X, 0, ddof=1)),
            (np.quantile(x, 0.3, 0, None, False, "lower"), np.quantile(X, 0.3, 0, method="lower")),
            (np.take(x, [5], 1, None, "wrap"), np.take(X, [5], 1, mode="wrap")),
            (np.clip(x, 0, 1, None), np.clip(X, 0, 1)),
            (np.linalg.norm(x, 2, 0, True), np.linalg.norm(X, 2, 0, True)),
            (np.size(x, 1), 4),
        ):
            np.testing.assert_allclose(getattr(result, "data", result), expected, rtol=1e-15)
    assert t.sum(0, None, None).shape == (4,)


def test_where_says_which_elements_count() -> None:
    x = np.where(X > 0, X, 0)
    for axis in (None, 0, 1):
        for name in ("all", "any"):
            ours = getattr(tg, name)(tg.tensor(x), axis, where=MASK)
            np.testing.assert_array_equal(ours.data, getattr(np, name)(x, axis, where=MASK))
        counted = tg.count_nonzero(tg.tensor(x), axis, where=MASK)
        np.testing.assert_array_equal(counted.data, np.count_nonzero(np.where(MASK, x, 0), axis))
    some = MASK[[0, 2]]
    np.testing.assert_allclose(
        tg.mean(tg.tensor(X[[0, 2]]), 1, where=some).data, X[[0, 2]].mean(1, where=some)
    )
    check_grads(lambda x: tg.mean(x, 1, where=some), (X[[0, 2]],))


@pytest.mark.parametrize("name", [*REDUCTIONS, "count_nonzero", "logsumexp", "norm"])
def test_reductions_take_lists(name: str) -> None:
    reduce = getattr(tg, name)
    for numbers in ([1.0, 3.0, 2.0], [[1, 2], [3, 4]]):
        result = reduce(numbers)
        assert not isinstance(result, tg.Tensor)
        np.testing.assert_array_equal(result, reduce(np.array(numbers)))


def test_quantiles_of_lists() -> None:
    assert tg.quantile([1.0, 2.0, 4.0], 0.75) == 3.0
    assert tg.quantile([1, 2, 4], [0.5, 0.75]).tolist() == [2.0, 3.0]


def test_quantiles_have_no_weights() -> None:
    with pytest.raises(TypeError, match=r"no weights here.*tg\.repeat"):
        np.quantile(tg.tensor(X), 0.5, weights=np.ones(12), method="inverted_cdf")


def test_a_mean_that_is_known() -> None:
    center = X.mean(0, keepdims=True)
    for name in ("var", "std"):
        ours, numpys = getattr(tg, name), getattr(np, name)
        np.testing.assert_allclose(
            ours(tg.tensor(X), 0, mean=center).data, numpys(X, 0, mean=center)
        )
        check_grads(lambda x, m, f=ours: f(x, 0, mean=m), (X, center + 0.1))


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("edge", {}),
        ("reflect", {}),
        ("symmetric", {}),
        ("reflect", {"reflect_type": "odd"}),
        ("symmetric", {"reflect_type": "odd"}),
        ("wrap", {}),
        ("linear_ramp", {}),
        ("linear_ramp", {"end_values": 2.5}),
        ("linear_ramp", {"end_values": ((1, 2), (3, 4))}),
        ("maximum", {}),
        ("maximum", {"stat_length": 2}),
        ("mean", {"stat_length": ((1, 2), (3, 9))}),
        ("median", {}),
        ("minimum", {"stat_length": (1, 2)}),
    ],
)
@pytest.mark.parametrize("width", [2, (1, 2), ((0, 1), (3, 0)), {1: (2, 1)}, {-2: 2}])
def test_pad(mode: str, options: dict[str, Any], width: Any) -> None:
    pairs = np.zeros((2, 2), int)
    for axis, pair in width.items() if isinstance(width, dict) else ():
        pairs[axis] = pair
    expected = np.pad(X, pairs if isinstance(width, dict) else width, mode, **options)
    np.testing.assert_allclose(
        np.pad(tg.tensor(X), width, mode, **options).data, expected, rtol=1e-14
    )
    check_grads(lambda x: tg.pad(x, width, mode, **options), (X,))


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("width", [(1, 0), (3, 9), (11, 4)])
def test_odd_reflections_go_on_beyond_the_length_of_the_array(
    mode: str, n: int, width: tuple[int, int]
) -> None:
    x = np.arange(n) ** 2 + 1
    padded = tg.pad(tg.tensor(x), width, mode, reflect_type="odd")
    assert padded.dtype == x.dtype
    np.testing.assert_array_equal(padded.data, np.pad(x, width, mode, reflect_type="odd"))


@pytest.mark.parametrize("mode", ["linear_ramp", "maximum", "mean", "median", "edge"])
def test_pad_whole_and_single_numbers(mode: str) -> None:
    whole = np.arange(6).reshape(2, 3) * 7
    padded = tg.pad(tg.tensor(whole), 3, mode)
    assert padded.dtype == whole.dtype
    np.testing.assert_array_equal(padded.data, np.pad(whole, 3, mode))
    assert tg.pad(tg.tensor(X.astype("f4")), 2, mode).dtype == np.float32


def test_a_ramp_has_a_gradient_in_its_ends() -> None:
    check_grads(lambda x, end: tg.pad(x, 2, "linear_ramp", end_values=end), (X, np.array(3.0)))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: tg.pad(tg.tensor(X), 1, "empty"), "not one of edge, .*linear_ramp.*minimum"),
        (lambda: tg.pad(tg.tensor(X), -1, "mean"), "must not be negative"),
        (lambda: tg.pad(tg.tensor(X), 1, "mean", stat_length=0), "at least 1, not 0"),
        (lambda: tg.pad(tg.zeros((0, 2)), 1, "maximum"), "no elements to go on from"),
    ],
)
def test_pad_refuses(act: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        act()


def test_filling_an_array_with_a_tensor_is_refused_with_advice() -> None:
    t = tg.tensor(2.0, requires_grad=True)
    for act in (lambda: np.full(3, t), lambda: np.full(3, t, dtype=float)):
        with pytest.raises(TypeError, match=r"tg\.full"):
            act()
    with pytest.raises(TypeError, match=r"tg\.stack"):
        np.array([t, t])
