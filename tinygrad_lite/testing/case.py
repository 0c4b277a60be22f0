"""One point at which one function is checked: inputs, cotangent, gradients and tolerance."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor
from tinygrad_lite.testing.layouts import Array, Arrays
from tinygrad_lite.testing.oracle import Oracle
from tinygrad_lite.testing.rounding import moved_by_rounding, noise_of
from tinygrad_lite.testing.subject import Gradient, Subject

TOLERANCE = {2: 2e-2, 4: 3e-5}
"""How far a gradient may be off, relatively, by the bytes of its dtype; 1e-9 for eight and more."""

LOST = 1e-3  # of the value, moved by an ulp in the inputs: only then gradients may be undetermined
CHANGED = 0.05  # of the gradients, over a few ulps: then they are

SMALL = {1: 48, 2: 24}  # elements of inputs and of the result, by order: the Jacobian is compared


class Case:
    """A subject at certain arrays.

    Args:
        subject: the function.
        arrays: where; what the subject was given by default.
        tolerance: relative, in place of the one that goes with the dtype.
        variant: how the arrays were derived from those given, for messages.
    """

    def __init__(
        self,
        subject: Subject,
        arrays: Arrays | None = None,
        tolerance: float | None = None,
        variant: str = "",
    ) -> None:
        if tolerance is not None and not tolerance > 0:
            raise ValueError(f"tolerance= is relative, and positive; got {tolerance!r}")
        self.subject = subject
        self.arrays = [frozen(a) for a in (subject.arrays if arrays is None else arrays)]
        self.variant = variant
        self.rng = np.random.default_rng(len(self.arrays))
        self.value = np.asarray(subject.value(self.arrays))
        self.bytes = min(a.dtype.itemsize for a in (*self.arrays, self.value))
        self.tolerance = tolerance or TOLERANCE.get(self.bytes, 1e-9)
        self.given_tolerance = tolerance
        self.cotangent = self.weights(self.value)
        self.worst = 0.0
        self.methods: set[str] = set()

    @property
    def inside_domain(self) -> bool:
        """Whether the value is finite."""
        return bool(np.isfinite(self.value).all())

    @property
    def small(self) -> bool:
        """Whether the whole Jacobian is cheap enough to compare."""
        most = SMALL.get(self.subject.order, 12)
        return sum(a.size for a in self.arrays) <= most and self.value.size <= most

    @property
    def eps(self) -> float:
        """The precision of the narrowest dtype involved; that of float64 if all are wider."""
        return float(np.finfo(f"f{min(self.bytes, 8)}").eps)

    @cached_property
    def oracle(self) -> Oracle:
        """Derivatives that ask no rule."""
        wide = self.subject.is_double(self.arrays)
        second = isinstance(self.subject, Gradient)
        return Oracle(self.subject.value, self.arrays, self.below, wide, linear=second)

    @cached_property
    def unseen(self) -> Array:
        """For each element of the result, a derivative too small to move its last few digits."""
        size: Array = np.maximum(np.abs(self.value.astype(float).reshape(-1)), self.below)
        return 64 * self.eps * np.maximum(size, self.eps)

    @cached_property
    def below(self) -> float:
        """For a gradient the size of the value that it is of: its digits may come from there."""
        if not isinstance(self.subject, Gradient):
            return 0.0
        value = self.subject.inner.value(self.arrays[:-1])
        sizes = [float(np.max(np.abs(x), initial=0.0)) for x in (value, self.arrays[-1])]
        return sizes[0] * sizes[1]

    @property
    def determined(self) -> bool:
        """Whether the digits of the inputs suffice for the gradients.

        Close to a singularity they do not: moving the inputs by an ulp, which should move the value
        by no more than that, changes the gradients altogether. At a jump it may, too, but then not
        from one ulp to the next.
        """
        with np.errstate(all="ignore"):
            reach = sum(float(np.sum(np.abs(g * a))) for g, a in zip(self.gradients, self.arrays))
            size = float(np.max(np.abs(self.value.astype(float)), initial=0.0))
            if not reach * self.eps > LOST * size:
                return True
        return not any(self._changes_along_a_ray() for _ in range(3))

    def _changes_along_a_ray(self) -> bool:
        """Whether gradients differ from one ulp to the next, in a random direction."""
        ways = self._random_ways()
        try:
            seen = [self.pull(self.cotangent, self._moved(ways, times)) for times in range(1, 9)]
        except Exception:  # no value so close to one: a matrix that is singular, say
            return True
        return any(
            bool(np.any(np.ptp(g, axis=0) > CHANGED * np.max(np.abs(g))))
            for g in (np.array(gradients, float) for gradients in zip(*seen))
            if g.size and np.isfinite(g).all()
        )

    def _random_ways(self) -> list[Array]:
        """For each element of the inputs a few ulps up or down."""
        return [self.rng.choice([-3, -2, -1, 1, 2, 3], a.shape) for a in self.arrays]

    def _moved(self, ways: list[Array], times: int) -> list[Array]:
        """The inputs, moved that many times as far."""
        return [
            (a * (1 + times * way * np.finfo(a.dtype).eps)).astype(a.dtype)
            for a, way in zip(self.arrays, ways)
        ]

    @cached_property
    def gradients(self) -> list[Array]:
        """The gradients under test, for :attr:`cotangent`."""
        return self.pull(self.cotangent)

    def pull(self, cotangent: Array, arrays: Arrays | None = None) -> list[Array]:
        """The gradients as arrays, zeros where the graph has no way to an input."""
        arrays = self.arrays if arrays is None else arrays
        found = self.subject.pull(arrays, frozen(cotangent))
        return [np.zeros_like(a) if g is None else plain(g) for g, a in zip(found, arrays)]

    def weights(self, like: Array, positive: bool = False) -> Array:
        """Random numbers of few digits, of both signs, in the shape and dtype of ``like``."""
        sizes = self.rng.integers(4, 13, like.shape) / 8
        signs = 1 if positive else self.rng.choice([-1, 1], like.shape)
        return frozen(np.asarray(sizes * signs, like.dtype))

    def sensitivity(self, cotangent: Array) -> list[Array]:
        """How much rounding moves the gradients; jumps, as at kinks, do not count."""
        here = self.pull(cotangent)
        beside = [self.pull(cotangent, self._moved(self._random_ways(), 1)) for _ in range(6)]
        spread = []
        for h, near in zip(here, map(np.array, zip(*beside))):
            # Of each other: what differs from all that is beside it alone is no rounding.
            change = np.nan_to_num(np.ptp(near, axis=0), nan=0.0, posinf=0.0)
            size = np.maximum(1e-2 * np.abs(h), 1e4 * np.finfo(h.dtype).eps)
            spread.append(np.where(change < size, 4 * change, 0))
        by_rounding = moved_by_rounding(lambda: self.pull(cotangent), self.eps)
        spread = [*map(np.maximum, spread, by_rounding)]
        if not self.oracle.cancels():  # gradients of exact functions have no noise to excuse
            return spread
        step = self.oracle.step**2
        line = [[(a * (1 + k * step)).astype(a.dtype) for a in self.arrays] for k in range(1, 13)]
        noises = map(noise_of, map(np.array, zip(*(self.pull(cotangent, a) for a in line))))
        return [np.maximum(s, 8 * noise) for s, noise in zip(spread, noises)]


def frozen(array: Any) -> Array:
    """The array, or a copy, that nothing can be written to."""
    own: Array = np.asarray(array)
    if own.flags.writeable:
        own = own.copy()
        own.flags.writeable = False
    return own


def plain(gradient: Any) -> Array:
    """A gradient, array or tensor, as an array."""
    array: Array = np.asarray(gradient._data if isinstance(gradient, Tensor) else gradient)
    return array
