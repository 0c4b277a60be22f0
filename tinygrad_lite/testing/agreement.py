"""Whether gradients agree with the oracle: all of a small Jacobian, uᵀJv of a large one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.layouts import Array
from tinygrad_lite.testing.oracle import Estimate

LOOKED_AT = 256  # elements of a large gradient that are compared one by one to find the worst
CONFIRMED = 16  # of these the worst, which are compared with more care


class Mismatch(NamedTuple):
    """A derivative that lies outside of what the oracle allows.

    Attributes:
        cotangent: the one that was pulled back.
        analytic: the value under test.
        low: the least right value.
        high: the largest one.
        bar: how far the oracle may be off.
        slot: the input, or None if only a direction through all of them tells.
        place: the worst element of its gradient.
        gradient: the whole gradient of that input.
        numeric: the oracle's, unless it is large.
        direction: along which the derivative is wrong, if no element tells.
    """

    cotangent: Array
    analytic: float
    low: float
    high: float
    bar: float
    slot: int | None = None
    place: tuple[int, ...] = ()
    gradient: Array | None = None
    numeric: Array | None = None
    direction: Sequence[Array] | None = None


def disagreement(case: Case) -> Mismatch | None:
    """The worst place where the gradients and the oracle differ, or None."""
    if not case.value.size or not any(a.size for a in case.arrays):
        return None
    if case.small:
        wrong = _jacobian(case)
        if wrong is not None or case.oracle.analytic:  # smooth: directions would show no more
            return wrong
    for u, v, mixed in _directions(case):
        if not _agrees_along(case, u, v, mixed):
            return _located(case, u, v) or _along(case, u, v)
    return _not_finite(case)


def kinked(case: Case, slot: int, j: int) -> bool:
    """Whether the one-sided derivatives in element ``j`` of input ``slot`` differ somewhere."""
    e = Columns(case)(slot, j, "around")
    return bool(np.any(e.high - e.low > 2 * e.bar))


def _directions(case: Case) -> Iterator[tuple[Array, list[Array], bool]]:
    """A cotangent, a direction, and whether its signs are mixed: ties hide from mixed ones."""
    scales = case.oracle.scales
    for u_positive, v_positive in ((False, False), (True, True), (False, True)):
        u = case.weights(case.value, u_positive)
        yield u, [case.weights(s, v_positive) * s for s in scales], not v_positive
    yield case.weights(case.value), scales, False  # leaves ties of elements together


def _agrees_along(case: Case, u: Array, v: Sequence[Array], mixed: bool) -> bool:
    """Whether the derivative along ``v`` is right; errors of random signs do not add up."""
    total = _of_random_signs if mixed else lambda sizes: float(np.sum(sizes))
    gradients = case.pull(u)
    v = [np.where(np.isfinite(g), w, 0) for g, w in zip(gradients, v)]
    parts = [np.where(np.isfinite(g), g, 0).astype(float) * w for g, w in zip(gradients, v)]
    analytic = float(sum(np.sum(p) for p in parts))
    size = total(np.concatenate([np.abs(p).reshape(-1) for p in parts]))
    weight = u.astype(float).reshape(-1)
    rounding = case.tolerance * size + total(np.abs(weight) * case.unseen)

    def allowed(e: Estimate, spread: float) -> bool:
        low, high, bar = e.weighted(u)
        if np.isnan(low):
            return True  # not defined on either side
        off = max(low - analytic, analytic - high, 0.0)
        slack = bar + rounding + spread
        good = bool(off <= slack)  # never for nan
        if good and 0 < slack < np.inf:
            case.worst = max(case.worst, off / slack)
        return good

    first = case.oracle.derivative(v)
    if allowed(first, 0.0):
        case.methods.add(first.method)
        return True
    between = case.oracle.between(v)
    case.methods.add(between.method)
    beside = between.jumps & (weight != 0)
    if beside.any():  # such elements have no derivative along v, whose parts each have their own
        rest = np.where(beside, 0, weight).astype(u.dtype).reshape(u.shape)
        return not rest.any() or _agrees_along(case, rest, v, mixed)
    spread = sum(float(np.sum(s * np.abs(w))) for s, w in zip(case.sensitivity(u), v))
    return allowed(between, spread) or allowed(case.oracle.around(v), spread)


def _of_random_signs(sizes: Array) -> float:
    """What numbers of these sizes add up to, hardly ever more, if their signs are random."""
    return min(float(np.sum(sizes)), 8 * float(np.linalg.norm(sizes)))


Care = Literal["derivative", "between", "around"]
"""The methods of the oracle, each of which knows more than the one before, and takes longer."""


class Columns:
    """The oracle's derivatives by each element of each input, computed once."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.scales = case.oracle.scales
        self.known: dict[tuple[int, int, str], Estimate] = {}

    def direction(self, slot: int, j: int) -> list[Array]:
        units = [np.zeros(s.shape) for s in self.scales]
        units[slot].reshape(-1)[j] = self.scales[slot].reshape(-1)[j]
        return units

    def __call__(self, slot: int, j: int, care: Care) -> Estimate:
        key = slot, j, care
        if key not in self.known:
            e = getattr(self.case.oracle, care)(self.direction(slot, j))
            scale = self.scales[slot].reshape(-1)[j]
            self.known[key] = Estimate(e.low / scale, e.high / scale, e.bar / scale, e.method)
        return self.known[key]

    def unseen(self, slot: int, j: int) -> Array:
        """Derivatives by this element that are too small to be seen, of each of the result."""
        unseen: Array = self.case.unseen / max(self.scales[slot].reshape(-1)[j], 1.0)
        return unseen

    def gradient(self, u: Array, slot: int) -> Array | None:
        """The gradient of one input, the middle of what is right; None if it is large."""
        array = self.case.arrays[slot]
        if array.size > LOOKED_AT:
            return None
        ends = [self(slot, j, "derivative").weighted(u)[:2] for j in range(array.size)]
        return np.array([sum(pair) / 2 for pair in ends]).reshape(array.shape)


def _jacobian(case: Case) -> Mismatch | None:
    """Compare every element of the Jacobian; a row is what pulls back one element's cotangent."""
    columns = Columns(case)
    units = np.eye(case.value.size, dtype=case.value.dtype).reshape(-1, *case.value.shape)
    rows = [case.pull(unit) for unit in units]
    suspects: dict[tuple[int, int], Array] = {}
    for slot, array in enumerate(case.arrays):
        analytic = np.array([row[slot].reshape(-1) for row in rows]).astype(float)
        row_size = np.abs(np.where(np.isfinite(analytic), analytic, 0)).max(1, initial=0.0)
        for j in range(array.size):
            e = columns(slot, j, "derivative")
            a = analytic[:, j]
            column_size = np.max(np.abs(np.nan_to_num(a, posinf=0, neginf=0)))
            floor = 64 * case.eps * np.minimum(row_size, column_size) + columns.unseen(slot, j)
            slack = e.bar + case.tolerance * np.abs(e.low) + floor
            off = np.abs(a - e.low)
            good = off <= slack
            if good.all():
                case.methods.add(e.method)
                case.worst = max(case.worst, float(np.max(off / np.maximum(slack, 1e-300))))
                continue
            e = columns(slot, j, "between")
            case.methods.add(e.method)
            slack = e.bar + case.tolerance * np.maximum(np.abs(e.low), np.abs(e.high)) + floor
            good = ((a >= e.low - slack) & (a <= e.high + slack)) | np.isnan(e.low)
            good |= (a == e.low) | (a == e.high)  # overflow on both sides
            if not good.all():
                good |= np.isinf(a) & (np.sign(a) == case.oracle.grows(columns.direction(slot, j)))
            if not good.all():
                suspects[slot, j] = ~good
    for (slot, j), bad in suspects.items():
        for i in np.flatnonzero(bad):
            spread = case.sensitivity(units[i])[slot].reshape(-1)[j]
            wrong = _element(case, units[i], rows[i], slot, j, columns, spread)
            if wrong is not None:
                # A cotangent with a single element leaves too many zeros to diagnose anything by.
                alone = wrong._replace(numeric=None)
                return _located(case, case.cotangent, None, columns) or alone
    return None


def _located(
    case: Case, u: Array, v: Sequence[Array] | None, columns: Columns | None = None
) -> Mismatch | None:
    """The element of the gradients for ``u`` that is most wrong; one that is, if there are many.

    Of many elements it is found by halving the direction ``v`` along which they are wrong.
    """
    columns = columns or Columns(case)
    gradients = case.pull(u)
    spread = case.sensitivity(u)
    suspects: list[tuple[float, int, int]] = []
    if v is not None and sum(g.size for g in gradients) > LOOKED_AT:
        slot, j = _halved(case, u, v, gradients)
        size = float(spread[slot].reshape(-1)[j])
        return _element(case, u, gradients, slot, j, columns, size)
    for slot, g in enumerate(gradients):
        for j in range(g.size):
            off = _distance(u, columns(slot, j, "derivative"), float(g.reshape(-1)[j]))
            suspects.append((off, slot, j))
    suspects.sort(key=lambda suspect: -round(suspect[0], 6))  # stable: of equals the first
    for _, slot, j in suspects[:CONFIRMED]:
        size = float(spread[slot].reshape(-1)[j])
        wrong = _element(case, u, gradients, slot, j, columns, size)
        if wrong is not None:
            return wrong
    return None


def _halved(
    case: Case, u: Array, v: Sequence[Array], gradients: Sequence[Array]
) -> tuple[int, int]:
    """The input and the element in it that is left of a direction halved again and again.

    Of two halves the one is kept along which the gradients are farther off.
    """
    ends = np.cumsum([a.size for a in v])
    whole = np.concatenate([np.ravel(a) for a in v])
    flat = np.concatenate([np.nan_to_num(g.astype(float)).reshape(-1) for g in gradients])

    def off(low: int, high: int) -> float:
        part = np.zeros(whole.size)
        part[low:high] = whole[low:high]
        direction = [p.reshape(a.shape) for p, a in zip(np.split(part, ends[:-1]), v)]
        least, most, _ = case.oracle.derivative(direction).weighted(u)
        analytic = float(flat @ part)
        return max(least - analytic, analytic - most, 0.0)

    low, high = 0, whole.size
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if off(low, middle) >= off(middle, high) else (middle, high)
    slot = int(np.searchsorted(ends, low, side="right"))
    return slot, low - int(ends[slot]) + v[slot].size


def _distance(u: Array, e: Estimate, analytic: float) -> float:
    """How far a gradient is from an estimate, between 0 and 1; 2 if it is not a number."""
    low, high, _ = e.weighted(u)
    numeric = (low + high) / 2
    off = abs(analytic - numeric)
    if not np.isfinite(off):
        return 2.0
    return off / (abs(analytic) + abs(numeric)) if off else 0.0


def _element(
    case: Case,
    u: Array,
    gradients: Sequence[Array],
    slot: int,
    j: int,
    columns: Columns,
    spread: float,
) -> Mismatch | None:
    """What is wrong with element ``j`` of the gradient of input ``slot``; None if nothing is."""
    g = gradients[slot]
    analytic = float(g.reshape(-1)[j])
    weight = u.astype(float).reshape(-1)
    unseen = float(np.sum(np.abs(weight) * columns.unseen(slot, j)))
    for care in get_args(Care):
        e = columns(slot, j, care)
        low, high, bar = e.weighted(u)
        size = float(np.sum(np.abs(weight) * np.maximum(np.abs(e.low), np.abs(e.high))))
        slack = bar + unseen + case.tolerance * size + (0.0 if care == "derivative" else spread)
        if low - slack <= analytic <= high + slack or np.isnan(low) or analytic in (low, high):
            return None
    if np.isinf(analytic):
        signs = weight * case.oracle.grows(columns.direction(slot, j))
        if np.sign(analytic) in np.sign(signs):
            return None
    index = tuple(int(i) for i in np.unravel_index(j, g.shape))
    return Mismatch(u, analytic, low, high, bar, slot, index, g, columns.gradient(u, slot))


def _along(case: Case, u: Array, v: Sequence[Array]) -> Mismatch:
    """The mismatch that only a direction through several elements shows, as in a tie."""
    analytic = float(sum(np.sum(g * w) for g, w in zip(case.pull(u), v)))
    return Mismatch(u, analytic, *case.oracle.between(v).weighted(u), direction=v)


def _not_finite(case: Case) -> Mismatch | None:
    """The first element of a large gradient that is infinite or nan without reason."""
    if case.small:
        return None
    columns = Columns(case)
    for slot, g in enumerate(case.gradients):
        for j in np.flatnonzero(~np.isfinite(g))[:16]:
            wrong = _element(case, case.cotangent, case.gradients, slot, int(j), columns, 0.0)
            if wrong is not None:
                return wrong
    return None
