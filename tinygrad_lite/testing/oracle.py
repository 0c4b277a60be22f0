"""Derivatives without rules: a complex step or five-point stencils, each with its own error bar."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

CENTRAL = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
"""Weights of f'(0) from values at -2, -1, 1, 2, exact up to degree 4 (Abramowitz & Stegun 25.3)."""

ONE_SIDED = {1: -77 / 12, 2: 107 / 6, 3: -39 / 2, 4: 61 / 6, 5: -25 / 12}
"""Weights of f'(0) from values at 1 to 5. The point itself is left out: f may jump there."""

FIRST = (1.0, 2.0**-8)
"""Factors on the step that are tried first."""

ALL = (1.0, 2.0**-4, 2.0**-8, 2.0**-14, 2.0**4, None)
"""All of them; None makes it an absolute step, for functions with a scale of their own."""

IMAGINARY = 1e-50  # so small that its square is lost beside any number


class Estimate(NamedTuple):
    """A derivative along a direction, one number per element of the result.

    Attributes:
        low: the lower of the two one-sided derivatives; both are the same at a smooth point.
        high: the higher one.
        bar: how far each may be off.
        method: how it was found.
    """

    low: Array
    high: Array
    bar: Array
    method: str


class Oracle:
    """Directional derivatives of ``value`` at ``arrays``.

    The function is evaluated in float64 where it accepts that, whatever the dtype of the arrays.

    Args:
        value: from a list of arrays to one array.
        arrays: the point.
        size: of the numbers that the value is a difference of, if they are larger than it.
        wide: whether float64 can be relied on, where the dtype of the value alone does not tell.
    """

    def __init__(
        self,
        value: Callable[[Sequence[Array]], Array],
        arrays: Sequence[Array],
        size: float = 0.0,
        wide: bool = True,
    ) -> None:
        self._value = value
        self.arrays: list[Array] = [np.array(a, np.float64) for a in arrays]
        self.eps = float(np.finfo(np.float64).eps)
        at = value(self.arrays)
        if at.dtype.itemsize < 8 or not wide:
            self.arrays = [np.array(a) for a in arrays]
            at = value(self.arrays)
            self.eps = float(max(np.finfo(a.dtype).eps for a in (at, *self.arrays)))
        self.at = at.astype(np.float64).reshape(-1)
        self.size = np.maximum(np.abs(self.at), size)
        self.step = _power_of_two(self.eps**0.2)
        self.analytic: bool | None = None

    def scales(self) -> list[Array]:
        """For every element the power of two that steps are proportional to."""
        return [_power_of_two(_scale(a)) for a in self.arrays]

    def along(self, direction: Sequence[Array], t: float | complex) -> Array:
        """The result at ``arrays + t * direction``, as a vector."""
        wide = isinstance(t, complex)
        moved = [
            a + np.multiply(t, v, dtype=complex if wide else a.dtype)
            for a, v in zip(self.arrays, direction)
        ]
        return self._value(moved).reshape(-1)

    def derivative(self, direction: Sequence[Array]) -> Estimate:
        """The derivative along ``direction``; :meth:`between` where there is little sign of one."""
        if self.analytic is None:
            self.analytic = self._is_analytic()
        if self.analytic:
            exact = self.along(direction, 1j * IMAGINARY).imag / IMAGINARY
            return Estimate(exact, exact, 16 * self.eps * np.abs(exact), "complex step")
        central = self._best(direction, self._central, self.eps * self.size, FIRST)
        return central if self._sure(central) else self.between(direction)

    def between(self, direction: Sequence[Array]) -> Estimate:
        """The derivatives on both sides, with the function's own noise measured, not assumed.

        Where the function is not defined on one side, both are that of the other.
        """
        back = [-v for v in direction]
        noises = [np.maximum(self._noise(v), self.eps * self.size) for v in (direction, back)]
        right = self._best(direction, self._one_sided, noises[0])
        left = self._best(back, self._one_sided, noises[1])
        from_left = -left.low
        lone_right, lone_left = np.isnan(left.low), np.isnan(right.low)
        lows = np.where(lone_right, right.low, from_left), np.where(lone_left, from_left, right.low)
        bar = np.fmax(np.where(lone_right, 0, left.bar), np.where(lone_left, 0, right.bar))
        low, high = np.minimum(*lows), np.maximum(*lows)
        smooth = self._best(direction, self._central, np.maximum(*noises))
        doubtful = bar > 1e-4 * np.maximum(np.abs(low), np.abs(high))
        bar = np.where(doubtful, 64 * bar, bar)  # the steps do not converge: a corner, or a root
        sharp = (high - low <= 2 * bar) & (
            smooth.bar < bar
        )  # no kink: the central one knows better
        return Estimate(
            np.where(sharp, smooth.low, low),
            np.where(sharp, smooth.low, high),
            np.where(sharp, np.minimum(smooth.bar * 4, bar), bar),
            "one-sided five-point stencils",
        )

    def grows(self, direction: Sequence[Array]) -> Array:
        """+1 or -1 where the difference quotient grows without limit for small steps, else 0."""
        sides = []
        for sign in (1.0, -1.0):
            steps = [self.step * 2.0**-k for k in (0, 8, 16)]
            slopes = [sign * (self.along(direction, sign * h) - self.at) / h for h in steps]
            growing = [np.abs(b) > 1.5 * np.abs(a) for a, b in pairwise(slopes)]
            alike = np.sign(slopes[0]) == np.sign(slopes[-1])
            sides.append(np.where(growing[0] & growing[1] & alike, np.sign(slopes[-1]), 0))
        return np.where(sides[0] != 0, *sides)

    def _best(
        self,
        direction: Sequence[Array],
        rule: Callable[..., Any],
        noise: Array,
        factors: Sequence[float | None] = ALL,
    ) -> Estimate:
        """The estimate of smallest bar, element by element, over steps of several sizes."""
        typical = max((float(np.max(np.abs(v))) for v in direction if np.size(v)), default=1.0)
        best_value = np.full(self.at.shape, np.nan)
        best_bar = np.full(self.at.shape, np.inf)
        coarsest = np.inf
        for factor in (_power_of_two(1 / (typical or 1.0)) if f is None else f for f in factors):
            value, bar = rule(direction, self.step * factor, noise)
            with np.errstate(invalid="ignore"):  # a coarse step may jump over what a fine one sees
                sharper = (factor < coarsest) & (bar < 1e-3 * np.abs(value))
                contradicted = sharper & (np.abs(value - best_value) > bar + best_bar)
            better = (bar < best_bar) | contradicted
            coarsest = min(coarsest, factor)
            best_value = np.where(better, value, best_value)
            best_bar = np.where(better, bar, best_bar)
            enough = 1e-11 * np.abs(best_value) + 16 * noise / self.step
            if np.all(best_bar <= enough):
                break
        return Estimate(best_value, best_value, best_bar, "five-point stencil")

    def _central(self, direction: Sequence[Array], h: float, noise: Array) -> tuple[Array, Array]:
        values = {k: self.along(direction, k * h) for k in (-2, -1, -0.5, 0.5, 1, 2)}
        return self._two_steps(values, CENTRAL, h, noise)

    def _one_sided(self, direction: Sequence[Array], h: float, noise: Array) -> tuple[Array, Array]:
        points = (0.5, 1, 1.5, 2, 2.5, 3, 4, 5)
        values = {k: self.along(direction, k * h) for k in points}
        return self._two_steps(values, ONE_SIDED, h, noise)

    def _two_steps(
        self, values: dict[float, Array], weights: dict[int, float], h: float, noise: Array
    ) -> tuple[Array, Array]:
        """The derivative by steps of h / 2, and its bar: how far h is from it, and the rounding."""
        with np.errstate(all="ignore"):
            wide = sum(w * values[k] for k, w in weights.items()) / h
            narrow = sum(w * values[k / 2] for k, w in weights.items()) / (h / 2)
            largest = np.max([np.abs(v) for v in values.values()], axis=0)
            weight = 2 * sum(map(abs, weights.values()))
            rounding = weight * np.maximum(noise, self.eps * (largest + np.abs(narrow))) / h
            bar = np.abs(wide - narrow) + rounding
        bar = np.where(np.isfinite(narrow) & np.isfinite(bar), bar, np.inf)
        return np.asarray(narrow, np.float64), bar

    def _sure(self, e: Estimate) -> bool:
        """Whether the bar is small, as it is where the function is smooth."""
        return bool(np.all(e.bar <= 1e-5 * np.abs(e.low) + 1e-8 * self.size))

    def _is_analytic(self) -> bool:
        """Whether complex numbers go through the function, and give what the real ones do.

        Functions such as abs() and maximum() take them and give something else.
        """
        if self.eps > 1e-12:
            return False
        rng = np.random.default_rng(0)
        direction = [rng.choice([-1.0, 1.0], s.shape) * s for s in self.scales()]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                out = self.along(direction, 1j * IMAGINARY)
        except Exception:  # whatever it raises, it does not take complex numbers
            return False
        if out.dtype.kind != "c":
            return False
        central = self._best(direction, self._central, self.eps * self.size, FIRST)
        allowed = 8 * central.bar + 1e-9 * np.abs(central.low)
        agrees = np.abs(out.imag / IMAGINARY - central.low) <= allowed
        return bool(agrees.all()) and self._sure(central)

    def _noise(self, direction: Sequence[Array]) -> Array:
        """The rounding noise of the function, from differences of close values.

        J. J. Moré and S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011).
        """
        levels = []
        for spacing in (2.0**6 * self.eps, self.step**2):  # fine, and for values of few digits
            values = np.array([self.along(direction, k * spacing) for k in range(1, 8)])
            with np.errstate(all="ignore"):
                for k, gamma in ((3, 1 / 20), (4, 1 / 70)):
                    differences = np.diff(values, k, axis=0)
                    levels.append(np.sqrt(gamma * np.mean(differences**2, axis=0)))
        level: Array = np.nan_to_num(np.max(levels, axis=0), nan=0.0, posinf=0.0)
        return level


def _scale(array: Array) -> Array:
    """How large each element is; zeros count as something near the largest."""
    size = np.abs(array)
    largest = float(np.max(size)) if size.size else 0.0
    return np.where(size > 0, size, 0.125 * largest or 1.0)


def _power_of_two(x: Any) -> Any:
    """``x`` rounded down to a power of two, so that points are moved without rounding."""
    return np.ldexp(1.0, np.frexp(x)[1] - 1)
