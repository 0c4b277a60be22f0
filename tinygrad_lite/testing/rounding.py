"""How far rounding moves a result: with every operation an ulp or so off, or with the inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.mode import switched
from tinygrad_lite.tensor import Tensor

Array = np.ndarray[Any, Any]

TRIALS = 3
NEAR, FAR = 1, 64  # ulps that results are moved by


class Perturbed:
    """An interceptor that moves the result of every operation a little.

    Args:
        relative: how far; the signs are random. Results of a narrower dtype stay.
        seed: of these.
    """

    def __init__(self, relative: float, seed: int) -> None:
        self.relative = relative
        self.rng = np.random.default_rng(seed)

    def __call__(self, operation: Any, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        """The result of the operation, recorded as usual, with another value."""
        with switched(intercept=None):
            out = operation(*inputs, **attributes)
        if operation.in_place:
            return out
        if not isinstance(out, Tensor):
            return self.moved(out)
        out._data = self.moved(out._data)
        return out

    def moved(self, x: Any) -> Any:
        """``x`` a little off, if it is floating point."""
        if x.dtype.kind not in "fc":
            return x
        signs = self.rng.choice([-1, 1], x.shape)
        return (x * (1 + signs * self.relative)).astype(x.dtype)[()]


def moved_by_rounding(run: Callable[[], Sequence[Array]], eps: float) -> list[Array]:
    """How far rounding by ``eps`` may move each number that ``run()`` returns.

    Where a choice is made, as at a kink, a number jumps instead of moving in proportion: this does
    not count.

    D. S. Parker, Monte Carlo Arithmetic, UCLA CSD-970002 (1997).

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1e-4, 1.0])
    >>> (moved,) = moved_by_rounding(lambda: [(1 - tg.cos(x)).numpy()], 2.0**-52)
    >>> bool(1e-16 < moved[0] < 1e-14), bool(moved[1] < 1e-14)
    (True, True)
    """
    here = [np.array(a, float) for a in run()]
    spread = [np.zeros(a.shape) for a in here]
    for seed in range(TRIALS):
        near, far = (_changes(run, Perturbed(ulps * eps, seed), here) for ulps in (NEAR, FAR))
        for s, a, b in zip(spread, near, far):
            np.maximum(s, np.where(b >= 4 * a, np.maximum(a, b * NEAR / FAR), 0), out=s)
    return [4 * s for s in spread]


def _changes(
    run: Callable[[], Sequence[Array]], moved: Perturbed, here: Sequence[Array]
) -> list[Array]:
    try:
        with switched(intercept=moved), np.errstate(all="ignore"):
            there = run()
    except Exception:  # a rule for arrays alone: backward passes that are watched run on tensors
        return [np.zeros(h.shape) for h in here]
    changes = [np.abs(np.asarray(t, float) - h) for t, h in zip(there, here)]
    return [np.nan_to_num(c, nan=0.0, posinf=0.0) for c in changes]


def noise_of(values: Array) -> Array:
    """The noise in a dozen values at equal distances: their differences of high order, if these do
    not go on falling with the order, as those of a smooth function do.

    J. J. Moré and S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011).

    >>> x = np.linspace(0.0, 1.0, 12)
    >>> bool(noise_of(np.exp(x)) == 0), bool(noise_of(np.round(np.exp(x), 3)) > 1e-4)
    (True, True)
    """
    with np.errstate(all="ignore"):
        levels = [
            np.sqrt(gamma * np.mean(np.diff(values, k, axis=0) ** 2, axis=0))
            for k, gamma in ((4, 1 / 70), (5, 1 / 252), (6, 1 / 924))
        ]
    level = np.where(4 * levels[2] >= levels[0], 4 * np.min(levels, axis=0), 0)
    return np.nan_to_num(level, nan=0.0, posinf=0.0)
