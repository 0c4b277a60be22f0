"""tg.random draws through operations, from the generator that is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.mode import switched

DRAWS: list[Any] = [
    lambda rng: tg.random.uniform((2, 3), -1.0, 1.0, rng=rng),
    lambda rng: tg.random.normal((2, 3), 5.0, 2.0, rng=rng),
    lambda rng: tg.random.integers(3, 9, (4,), rng=rng),
    lambda rng: tg.random.permutation(6, rng=rng),
    lambda rng: tg.random.permutation(np.arange(12.0).reshape(6, 2), rng=rng),
    lambda rng: tg.random.bernoulli((3, 3), 0.3, rng=rng),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_generators(draw: Any) -> None:
    """A seed gives the same each time, a Generator goes on, None is what manual_seed sets."""
    first = draw(7)
    assert isinstance(first, tg.Tensor) and first.is_leaf
    np.testing.assert_array_equal(first.numpy(), draw(7).numpy())
    np.testing.assert_array_equal(first.numpy(), draw(np.random.default_rng(7)).numpy())
    rng = np.random.default_rng(7)
    assert any(draw(rng).tolist() != first.tolist() for _ in range(3))
    tg.manual_seed(7)
    np.testing.assert_array_equal(first.numpy(), draw(None).numpy())
    with pytest.raises(TypeError, match="rng must be"):
        draw("seven")


@pytest.mark.parametrize("draw", [tg.random.uniform, tg.random.normal, tg.random.bernoulli])
@pytest.mark.parametrize("shape", [0.5, -1, (2, -1), (2, 0.5), "three", tg.tensor(0.5)])
def test_a_shape_out_of_place_is_said_so(draw: Any, shape: Any) -> None:
    with pytest.raises(ValueError, match=f"{draw.__name__}: the shape must be .* comes before"):
        draw(shape, 0.25)
    assert draw(np.array([2, 3])).shape == draw([2, 3]).shape == (2, 3)


@pytest.mark.parametrize("draw", DRAWS)
def test_draws_are_operations(draw: Any) -> None:
    """Who takes operations over sees each draw, without inputs and with its generator."""
    seen: list[Any] = []

    def watch(primitive: Any, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        seen.append((inputs, attributes))
        with switched(intercept=None):
            return primitive(*inputs, **attributes)

    with switched(intercept=watch):
        draw(7)
    assert [a["rng"] for inputs, a in seen if not inputs] == [7]


def test_distributions() -> None:
    u = tg.random.uniform(20_000, 2.0, 6.0, rng=0).numpy()
    assert u.min() >= 2 and u.max() < 6 and abs(u.mean() - 4) < 0.05
    n = tg.random.normal(20_000, 3.0, 2.0, rng=0).numpy()
    assert abs(n.mean() - 3) < 0.1 and abs(n.std() - 2) < 0.05
    i = tg.random.integers(2, 5, 1_000, rng=0)
    assert set(i.tolist()) == {2, 3, 4} and i.dtype == np.int64
    assert sorted(tg.random.permutation(50, rng=0).tolist()) == list(range(50))
    b = tg.random.bernoulli(20_000, 0.25, rng=0)
    assert b.dtype == np.bool_ and abs(b.mean().item() - 0.25) < 0.02


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes(dtype: str) -> None:
    for t in (
        tg.random.uniform(3, -1.0, 1.0, dtype=dtype),
        tg.random.normal((), dtype=dtype, requires_grad=True),
        tg.random.bernoulli(3, dtype=dtype),
    ):
        assert t.dtype == dtype
    assert tg.random.normal(2, dtype=dtype, requires_grad=True).requires_grad


def test_gradients_reach_the_parameters() -> None:
    mean, std = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor(0.5, requires_grad=True)
    out = tg.random.normal((3, 2), mean, std, rng=0)
    out.sum().backward()
    noise = np.random.default_rng(0).standard_normal((3, 2))
    assert mean.grad is not None and mean.grad.tolist() == [3, 3]
    assert std.grad is not None and std.grad.item() == pytest.approx(noise.sum())
    rows = tg.tensor(np.eye(3), requires_grad=True)
    (tg.random.permutation(rows, rng=0)[0] * 2).sum().backward()
    assert rows.grad is not None and rows.grad.numpy().sum() == 6
