"""The toy problems: shapes, reproducibility, exact curves without noise, and the noise itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_lite.data import circles, moons, spirals, xor

ALL = pytest.mark.parametrize("make", [moons, circles, spirals, xor])


@ALL
@pytest.mark.parametrize("n", [1, 2, 7, 200])
def test_shapes_dtypes_and_balance(make: Callable, n: int) -> None:
    x, y = make(n, rng=0)
    assert x.shape == (n, 2) and x.dtype == np.float32 and np.isfinite(x).all()
    assert y.shape == (n,) and y.dtype == np.int64
    assert abs(np.sum(y == 0) - np.sum(y == 1)) <= 1


@ALL
def test_reproducible_from_a_seed_or_a_generator(make: Callable) -> None:
    x, _ = make(50, rng=3)
    np.testing.assert_array_equal(x, make(50, rng=3)[0])
    np.testing.assert_array_equal(x, make(50, rng=np.random.default_rng(3))[0])
    assert not np.array_equal(x, make(50, rng=4)[0])
    assert not np.array_equal(make(50)[0], make(50)[0])


@ALL
def test_noise_is_the_standard_deviation(make: Callable) -> None:
    # The same draws precede the noise, so the difference is the noise alone.
    jitter = make(20_000, noise=0.3, rng=5)[0] - make(20_000, noise=0, rng=5)[0]
    np.testing.assert_allclose(jitter.std(axis=0), 0.3, rtol=0.03)
    np.testing.assert_allclose(jitter.mean(axis=0), 0, atol=0.01)


@ALL
def test_refusals(make: Callable) -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        make(0)
    for noise in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="noise"):
            make(10, noise=noise)


def test_moons_lie_on_two_half_circles() -> None:
    x, y = moons(500, noise=0, rng=0)
    upper, lower = x[y == 0], x[y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, atol=1e-6)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1, atol=1e-6)
    assert upper[:, 1].min() >= 0 and lower[:, 1].max() <= 0.5
    assert np.ptp(upper[:, 0]) > 1.9 and np.ptp(lower[:, 0]) > 1.9


def test_circles_have_their_radii_and_go_all_around() -> None:
    x, y = circles(500, noise=0, factor=0.3, rng=0)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y == 0, 1, 0.3), atol=1e-6)
    for label in (0, 1):
        assert len(np.unique(np.sign(x[y == label]), axis=0)) == 4  # every quadrant
    for factor in (0, 1, -0.5):
        with pytest.raises(ValueError, match="factor"):
            circles(10, factor=factor)


def test_spiral_arms_are_one_arm_turned() -> None:
    x, y = spirals(900, noise=0, classes=3, turns=2, rng=0)
    assert np.bincount(y).tolist() == [300, 300, 300]
    radius = np.hypot(*x.T.astype(float))
    unwound = np.arctan2(x[:, 1], x[:, 0]) - 2 * np.pi * (2 * radius + y / 3)
    np.testing.assert_allclose(np.cos(unwound), 1, atol=1e-4)
    assert radius.max() <= 1 + 1e-6
    with pytest.raises(ValueError, match="at least 2 classes"):
        spirals(10, classes=1)


def test_xor_is_the_truth_table() -> None:
    x, y = xor(4, noise=0)
    assert x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert y.tolist() == [0, 1, 1, 0]
    x, y = xor(400, noise=0.05, rng=0)
    np.testing.assert_array_equal((x[:, 0] > 0.5) ^ (x[:, 1] > 0.5), y == 1)


@ALL
@pytest.mark.parametrize("n", [10.5, True, "10"])
def test_the_number_of_points_is_whole(make: Callable, n: Any) -> None:
    with pytest.raises(TypeError, match="n must be an integer, got"):
        make(n)
