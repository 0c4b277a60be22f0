"""The one place that turns an `rng` argument (seed, generator or None) into a NumPy generator."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

RandomSource: TypeAlias = int | np.random.Generator | None


def as_generator(rng: RandomSource) -> np.random.Generator:
    """The generator itself, one seeded with the given integer, or a fresh one for None.

    >>> as_generator(0).integers(100) == as_generator(0).integers(100)
    np.True_
    """
    return np.random.default_rng(rng)
