"""Toy classification problems in the plane, their classes taking turns from point to point."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tinygrad_lite.data.rng import RandomSource, as_generator
from tinygrad_lite.data.whole import whole

Points: TypeAlias = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def moons(n: int = 200, noise: float = 0.1, rng: RandomSource = None) -> Points:
    """Two interleaved half circles: points of shape `(n, 2)`, float32, and labels 0 or 1, int64.

    `noise` is the standard deviation of the Gaussian noise on both coordinates. Raises ValueError
    for `n < 1` or a negative noise, TypeError for an `n` that is no integer.

    >>> x, y = moons(100, rng=0)
    >>> x.shape, x.dtype.name, y[:4].tolist()
    ((100, 2), 'float32', [0, 1, 0, 1])
    """
    _check(n, noise)
    generator = as_generator(rng)
    labels = np.arange(n) % 2
    angle = math.pi * generator.random(n)
    upper = np.cos(angle), np.sin(angle)
    lower = 1 - np.cos(angle), 0.5 - np.sin(angle)
    return _jittered(np.where(labels == 0, upper, lower), noise, generator), labels


def circles(
    n: int = 200, noise: float = 0.1, factor: float = 0.5, rng: RandomSource = None
) -> Points:
    """A circle of radius 1 (label 0) around one of radius `factor` (label 1).

    Points and labels as `moons` returns them. Raises ValueError for a factor that is not strictly
    between 0 and 1.

    >>> x, y = circles(100, noise=0, rng=0)
    >>> bool(np.allclose(np.hypot(*x.T), np.where(y == 0, 1, 0.5)))
    True
    """
    _check(n, noise)
    if not 0 < factor < 1:
        raise ValueError(
            f"factor, the inner radius, must lie strictly between 0 and 1, got {factor}"
        )
    generator = as_generator(rng)
    labels = np.arange(n) % 2
    radius = np.where(labels == 0, 1.0, factor)
    return _jittered(_polar(radius, 2 * math.pi * generator.random(n)), noise, generator), labels


def spirals(
    n: int = 200,
    noise: float = 0.02,
    classes: int = 2,
    turns: float = 1.0,
    rng: RandomSource = None,
) -> Points:
    """Archimedean arms winding `turns` times from the origin to radius 1, one for each class.

    Points and labels as `moons` returns them. Neighbouring arms are `1 / (turns * classes)` apart.
    Raises ValueError for fewer than two classes.

    >>> x, y = spirals(300, classes=3, rng=0)
    >>> x.shape, np.bincount(y).tolist()
    ((300, 2), [100, 100, 100])
    """
    _check(n, noise)
    if classes < 2:
        raise ValueError(f"spirals need at least 2 classes, got {classes}")
    generator = as_generator(rng)
    labels = np.arange(n) % classes
    radius = generator.random(n)
    angle = 2 * math.pi * (turns * radius + labels / classes)
    return _jittered(_polar(radius, angle), noise, generator), labels


def xor(n: int = 200, noise: float = 0.1, rng: RandomSource = None) -> Points:
    """The corners of the unit square in turn, labelled by the exclusive or of their coordinates.

    Points and labels as `moons` returns them; four points without noise are the truth table.

    >>> x, y = xor(4, noise=0)
    >>> [(*map(int, point), int(label)) for point, label in zip(x, y)]
    [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    """
    _check(n, noise)
    corner = np.arange(n) % 4
    first, second = corner >> 1, corner & 1
    return _jittered((first, second), noise, as_generator(rng)), first ^ second


def _check(n: int, noise: float) -> None:
    if whole("n", n) < 1:
        raise ValueError(f"n, the number of points, must be at least 1, got {n}")
    if not (noise >= 0 and math.isfinite(noise)):
        raise ValueError(
            f"noise, a standard deviation, must be finite and not negative, got {noise}"
        )


def _polar(radius: npt.NDArray[Any], angle: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)])


def _jittered(
    coordinates: npt.ArrayLike, noise: float, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    points = np.asarray(coordinates, np.float64).T
    return (points + noise * generator.standard_normal(points.shape)).astype(np.float32)
