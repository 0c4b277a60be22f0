"""Derivatives without rules: a complex step or five-point stencils, each with its own error bar."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.testing.rounding import moved_by_rounding, noise_of

Array = np.ndarray[Any, Any]

CENTRAL = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
"""Weights of f'(0) from values at -2, -1, 1, 2, exact up to degree 4 (Abramowitz & Stegun 25.3)."""

ONE_SIDED = {1: -77 / 12, 2: 107 / 6, 3: -39 / 2, 4: 61 / 6, 5: -25 / 12}
"""Weights of f'(0) from values at 1 to 5. The point itself is left out: f may jump there."""

LIMIT = {1: 5, 2: -10, 3: 10, 4: -5, 5: 1}
"""Weights of f(0) from values at 1 to 5, exact up to degree 4."""

FIRST = (1.0, 2.0**-8)
"""Factors on the step that are tried first."""

FINE = (2.0**-14, None, 2.0**-22)
"""Those of steps so short that a function which jumps now and then does not jump within them."""

ALL = (1.0, 2.0**-14, 2.0**-4, 2.0**-8, 2.0**4, None, 2.0**-22, 2.0**-34)
"""All of them, down to those that fit beside a singularity; None makes it an absolute step, for
functions with a scale of their own."""

FINEST = 16  # the smallest step, in units of what the inputs resolve

NEARBY = 64  # points near a kink, to meet every one of the pieces that come together there

IMAGINARY = 1e-30  # so small that its square is lost beside any number


Triple = tuple[Array, Array, Array]
Found = tuple[Array, Array, Array, Array]


class Estimate(NamedTuple):
    """A derivative along a direction, one number per element of the result.

    Attributes:
        low: the lower of the two one-sided derivatives; both are the same at a smooth point.
        high: the higher one.
        bar: how far each may be off.
        method: how it was found.
        jumps: where the function is not continuous: the derivatives are those of what is beside
            the point.
    """

    low: Array
    high: Array
    bar: Array
    method: str
    jumps: Any = False

    def weighted(self, cotangent: Array) -> tuple[float, float, float]:
        """The least and the largest derivative of ``<cotangent, value>``, and their error bar."""
        weight = cotangent.astype(float).reshape(-1)
        ends = weight * self.low, weight * self.high
        low, high = float(np.sum(np.minimum(*ends))), float(np.sum(np.maximum(*ends)))
        return low, high, float(np.sum(np.abs(weight) * self.bar))


class Oracle:
    """Directional derivatives of ``value`` at ``arrays``.

    The function is evaluated in float64 where it accepts that, whatever the dtype of the arrays.

    Args:
        value: from a list of arrays to one array.
        arrays: the point.
        size: of the numbers that the value is a difference of, if they are larger than it.
        wide: whether float64 can be relied on, where the dtype of the value alone does not tell.
        linear: whether the value is linear in the last of the arrays.
    """

    def __init__(
        self,
        value: Callable[[Sequence[Array]], Array],
        arrays: Sequence[Array],
        size: float = 0.0,
        wide: bool = True,
        linear: bool = False,
    ) -> None:
        self._value = value
        self.linear = linear
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

    @cached_property
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
        if self.linear and not any(np.any(v) for v in direction[:-1]):
            there = [*self.arrays[:-1], np.asarray(direction[-1], self.arrays[-1].dtype)]
            exact = self._value(there).astype(np.float64).reshape(-1)
            return Estimate(exact, exact, 16 * self.eps * np.abs(exact), "linearity")
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
        right = self._best(direction, self._one_sided, self.noise)
        left = self._best([-v for v in direction], self._one_sided, self.noise)
        from_left = -left.low
        lone_right, lone_left = np.isnan(left.low), np.isnan(right.low)
        lows = np.where(lone_right, right.low, from_left), np.where(lone_left, from_left, right.low)
        bar = np.fmax(np.where(lone_right, 0, left.bar), np.where(lone_left, 0, right.bar))
        low, high = np.minimum(*lows), np.maximum(*lows)
        smooth = self._best(direction, self._central, self.noise)
        doubtful = bar > 1e-4 * np.maximum(np.abs(low), np.abs(high))
        bar = np.where(doubtful, 64 * bar, bar)  # the steps do not converge: a corner, or a root
        jumps = right.jumps | left.jumps
        known_better = (smooth.bar < bar) & ~jumps
        sharp = (high - low <= 2 * bar) & known_better  # no kink: the central one it is
        return Estimate(
            np.where(sharp, smooth.low, low),
            np.where(sharp, smooth.low, high),
            np.where(sharp, np.minimum(smooth.bar * 4, bar), bar),
            "one-sided five-point stencils",
            jumps,
        )

    def around(self, direction: Sequence[Array]) -> Estimate:
        """:meth:`between`, widened to the derivatives along ``direction`` at random points nearby.

        Where several pieces come together, as in the middle one of three equal numbers, a line
        through the point may miss those whose mixtures a convention may well give.

        J. V. Burke, A. S. Lewis and M. L. Overton, A robust gradient sampling algorithm for
        nonsmooth, nonconvex optimization, SIAM J. Optim. 15 (2005).
        """
        found = self.between(direction)
        rng = np.random.default_rng(0)
        far = self.step**1.5
        near = far / 4
        h = _power_of_two(near / 16)
        low, high = found.low, found.high
        middle, size = (low + high) / 2, np.fmax(np.abs(low), np.abs(high))
        for _ in range(NEARBY):
            way = [s * rng.uniform(-1, 1, s.shape) for s in self.scales]

            def slope(distance: float, way: Sequence[Array] = way) -> Array:
                ends = (
                    self.along([distance * w + t * v for w, v in zip(way, direction)], 1.0)
                    for t in (h, -h)
                )
                quotient: Array = np.subtract(*ends) / (2 * h)
                return quotient

            with np.errstate(invalid="ignore"):
                met = slope(near)
                apart = np.abs(met - middle)
                reaches = np.abs(slope(far) - met) <= apart / 4  # else it bends, or has jumps
                other = reaches & (apart > 2.0**-6 * size + 8 * self.noise / h)
            low = np.where(other, np.fmin(low, met), low)
            high = np.where(other, np.fmax(high, met), high)
        return found._replace(low=low, high=high)

    def cancels(self) -> bool:
        """Whether the values have far fewer right digits than their dtype has."""
        return bool(np.any(self.noise > 256 * self.eps * self.size))

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
        best_jumps = np.ones(self.at.shape, bool)
        best_factor = np.full(self.at.shape, np.inf)
        finest = np.inf
        enough = np.zeros(self.at.shape, bool)
        for k, factor in enumerate(factors):
            factor = _power_of_two(1 / _typical(direction)) if factor is None else factor
            if self.step * factor < finest_step:
                continue
            value, bar, rounding, jumps = rule(direction, self.step * factor, noise)
            with np.errstate(invalid="ignore"):  # a coarse step may jump over what a fine one sees
                sharper = (factor < finest) & (bar < 1e-3 * np.abs(value))
                apart = np.abs(value - best_value) > bar + best_bar
                leaps = (factor > best_factor) & (best_bar < 1e-3 * np.abs(best_value))
            better = ((bar < best_bar) & ~(apart & leaps)) | (apart & sharper)
            # A spike looks like a jump from afar, and no jump looks like none from anywhere.
            better = np.where(jumps == best_jumps, better, best_jumps & np.isfinite(bar))
            finest = min(finest, factor)
            best_value = np.where(better, value, best_value)
            best_bar = np.where(better, bar, best_bar)
            best_jumps = np.where(better, jumps, best_jumps)
            best_factor = np.where(better, factor, best_factor)
            # Where rounding is all there is, or little of it, other steps know no better.
            enough |= (bar <= np.maximum(2 * rounding, 1e-11 * np.abs(value))) & ~jumps
            if enough.all() and (k or factors is FIRST):
                break
        return Estimate(best_value, best_value, best_bar, "five-point stencil", best_jumps)

    def _central(self, direction: Sequence[Array], h: float, noise: Array | None) -> Found:
        values = {k: self.along(direction, k * h) for k in (-2, -1, -0.5, 0.5, 1, 2)}
        found = self._two_steps(values, CENTRAL, h, noise)
        return *found, np.zeros(self.at.shape, bool)

    def _one_sided(self, direction: Sequence[Array], h: float, noise: Array | None) -> Found:
        points = (0.5, 1, 1.5, 2, 2.5, 3, 4, 5)
        values = {k: self.along(direction, k * h) for k in points}
        value, bar, rounding = self._two_steps(values, ONE_SIDED, h, noise)
        with np.errstate(all="ignore"):
            limit = sum(w * values[k / 2] for k, w in LIMIT.items())
            jumps = np.abs(limit - self.at) > 8 * h * bar
        return value, bar, rounding, jumps

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
        direction = self._uneven()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                out = self.along(direction, 1j * IMAGINARY)
        except Exception:  # whatever it raises, it does not take complex numbers
            return False
        if out.dtype.kind != "c":
            return False
        exact = out.imag / IMAGINARY

        def compared(central: Estimate) -> tuple[Array, Array]:
            allowed = 8 * central.bar + 1e-9 * np.abs(central.low)
            known = central.bar <= 1e-4 * np.abs(central.low) + 1e-8 * self.size
            return known, np.abs(exact - central.low) <= allowed

        known, alike = compared(self._best(direction, self._central, None, FIRST))
        if not known.all():
            known, alike = compared(self._best(direction, self._central, self.noise))
        return bool((known & alike).all()) or self._is_as_found_close_by(direction, exact)

    def _is_as_found_close_by(self, direction: Sequence[Array], exact: Array) -> bool:
        """Whether short steps find this derivative, and longer ones another: they meet jumps."""
        rounding = self.eps * np.abs(self.at)
        for factor in FINE:
            central = self._best(direction, self._central, rounding, (factor,))
            known = central.bar <= 1e-4 * np.abs(exact)
            if np.all(known & (np.abs(exact - central.low) <= 8 * central.bar)):
                return True
        return False

    def _uneven(self) -> list[Array]:
        """A direction through all elements: abs(x) - abs(y) has a kink along it."""
        rng = np.random.default_rng(0)
        return [
            rng.choice([-1, 1], s.shape) * rng.integers(128, 256, s.shape) / 256 * s
            for s in self.scales
        ]

    def _resolution(self, direction: Sequence[Array]) -> float:
        """The smallest part of ``direction`` that survives being added to the inputs, or to 1."""
        return self.eps / float(np.clip(_typical(direction), self.step**2, 1))

    @cached_property
    def noise(self) -> Array:
        """The rounding noise of the function, close to the point and a little farther off.

        What a few ulps in every operation change, and what neighbouring values differ by.
        """
        direction = self._uneven()
        levels = [self.eps * self.size]
        for spacing in (16 * self._resolution(direction), self.step**2):
            values = [self.along(direction, k * spacing) for k in range(1, 13)]
            levels.append(noise_of(np.array(values, np.float64)))
        levels += moved_by_rounding(lambda: [self._value(self.arrays).reshape(-1)], self.eps)
        level: Array = np.max(levels, axis=0)
        return level


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
