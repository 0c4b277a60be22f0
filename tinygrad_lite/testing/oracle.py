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

ALL = (1.0, 2.0**-14, 2.0**-4, 2.0**-8, 2.0**4, None, 2.0**-22, 2.0**-34)
"""All of them, down to those that fit beside a singularity; None makes it an absolute step, for
functions with a scale of their own."""

FINEST = 16  # the smallest step, in units of what the inputs resolve

IMAGINARY = 1e-30  # so small that its square is lost beside any number


Triple = tuple[Array, Array, Array]


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
        central = self._best(direction, self._central, None, FIRST)
        sure = central.bar <= 1e-5 * np.abs(central.low) + 1e-8 * self.size
        return central if sure.all() else self.between(direction)

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

    def cancels(self) -> bool:
        """Whether the values have far fewer right digits than their dtype has."""
        level = self._noise(self.scales())
        return bool(np.any(level > 256 * self.eps * self.size))

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
        noise: Array | None,
        factors: Sequence[float | None] = ALL,
    ) -> Estimate:
        """The estimate of smallest bar, element by element, over steps of several sizes."""
        finest_step = FINEST * self._resolution(direction)
        best_value = np.full(self.at.shape, np.nan)
        best_bar = np.full(self.at.shape, np.inf)
        finest = np.inf
        enough = np.zeros(self.at.shape, bool)
        for k, factor in enumerate(factors):
            factor = _power_of_two(1 / _typical(direction)) if factor is None else factor
            if self.step * factor < finest_step:
                continue
            value, bar, rounding = rule(direction, self.step * factor, noise)
            with np.errstate(invalid="ignore"):  # a coarse step may jump over what a fine one sees
                sharper = (factor < finest) & (bar < 1e-3 * np.abs(value))
                contradicted = sharper & (np.abs(value - best_value) > bar + best_bar)
            better = (bar < best_bar) | contradicted
            finest = min(finest, factor)
            best_value = np.where(better, value, best_value)
            best_bar = np.where(better, bar, best_bar)
            # Where rounding is all there is, or little of it, other steps know no better.
            enough |= bar <= np.maximum(2 * rounding, 1e-11 * np.abs(value))
            if enough.all() and (k or factors is FIRST):
                break
        return Estimate(best_value, best_value, best_bar, "five-point stencil")

    def _central(self, direction: Sequence[Array], h: float, noise: Array | None) -> Triple:
        values = {k: self.along(direction, k * h) for k in (-2, -1, -0.5, 0.5, 1, 2)}
        return self._two_steps(values, CENTRAL, h, noise)

    def _one_sided(self, direction: Sequence[Array], h: float, noise: Array | None) -> Triple:
        points = (0.5, 1, 1.5, 2, 2.5, 3, 4, 5)
        values = {k: self.along(direction, k * h) for k in points}
        return self._two_steps(values, ONE_SIDED, h, noise)

    def _two_steps(
        self,
        values: dict[float, Array],
        weights: dict[int, float],
        h: float,
        noise: Array | None,
    ) -> Triple:
        """The derivative by steps of h / 2, its bar, and the part of that which is rounding."""
        with np.errstate(all="ignore"):
            wide = sum(w * values[k] for k, w in weights.items()) / h
            narrow = sum(w * values[k / 2] for k, w in weights.items()) / (h / 2)
            largest = np.max([np.abs(v) for v in values.values()], axis=0)
            weight = 2 * sum(map(abs, weights.values()))
            if noise is None:  # not measured: that of the result, and of the inputs
                noise = self.eps * (np.maximum(self.size, largest) + np.abs(narrow))
            rounding = weight * np.maximum(noise, self.eps * largest) / h
            bar = np.abs(wide - narrow) + rounding
        bar = np.where(np.isfinite(narrow) & np.isfinite(bar), bar, np.inf)
        return np.asarray(narrow, np.float64), bar, rounding

    def _is_analytic(self) -> bool:
        """Whether complex numbers go through the function, and give what the real ones do.

        Functions such as abs() and maximum() take them and give something else.
        """
        if self.eps > 1e-12:
            return False
        rng = np.random.default_rng(0)  # uneven, since abs(x) - abs(y) is smooth along (1, 1)
        direction = [
            rng.choice([-1, 1], s.shape) * rng.integers(128, 256, s.shape) / 256 * s
            for s in self.scales()
        ]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                out = self.along(direction, 1j * IMAGINARY)
        except Exception:  # whatever it raises, it does not take complex numbers
            return False
        if out.dtype.kind != "c":
            return False
        exact = out.imag / IMAGINARY

        def confirmed_by(central: Estimate) -> bool:
            allowed = 8 * central.bar + 1e-9 * np.abs(central.low)
            known = central.bar <= 1e-4 * np.abs(central.low) + 1e-8 * self.size
            return bool((known & (np.abs(exact - central.low) <= allowed)).all())

        if confirmed_by(self._best(direction, self._central, None, FIRST)):
            return True
        noise = np.maximum(self._noise(direction), self.eps * self.size)
        return confirmed_by(self._best(direction, self._central, noise))

    def _resolution(self, direction: Sequence[Array]) -> float:
        """The smallest part of ``direction`` that survives being added to the inputs, or to 1."""
        return self.eps / float(np.clip(_typical(direction), self.step**2, 1))

    def _noise(self, direction: Sequence[Array]) -> Array:
        """The rounding noise of the function, close to the point and a little farther off."""
        fine, _ = self._differences(direction, 16 * self._resolution(direction))
        coarse, size = self._differences(direction, self.step**2)
        return np.maximum(fine, np.where(coarse <= 1e-4 * size, coarse, 0))  # else it is variation

    def _differences(self, direction: Sequence[Array], spacing: float) -> tuple[Array, Array]:
        """The noise of values at some distance from each other, and their size."""
        values = np.array([self.along(direction, k * spacing) for k in range(1, 13)])
        return noise_of(values), np.max(np.abs(values), axis=0)


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


def _scale(array: Array) -> Array:
    """How large each element is; zeros count as something near the largest, but as no more than 1.

    Beside huge numbers functions such as tanh would else be looked at from too far away.
    """
    size = np.abs(array)
    largest = float(np.max(size)) if size.size else 0.0
    return np.where(size > 0, size, min(0.125 * largest or 1.0, 1.0))


def _typical(direction: Sequence[Array]) -> float:
    """The largest element of a direction."""
    return max((float(np.max(np.abs(v))) for v in direction if np.size(v)), default=1.0) or 1.0


def _power_of_two(x: Any) -> Any:
    """``x`` rounded down to a power of two, so that points are moved without rounding."""
    return np.ldexp(1.0, np.frexp(x)[1] - 1)
