"""What the mistake may be, told from how the wrong gradient differs from the right one."""

from __future__ import annotations

import traceback
from fractions import Fraction

import numpy as np

from tinygrad_lite.primitive import inside
from tinygrad_lite.testing.agreement import Columns, Mismatch
from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.layouts import Array
from tinygrad_lite.testing.subject import Gradient


def of_mismatch(case: Case, wrong: Mismatch) -> str | None:
    """The diagnosis of a gradient that disagrees with the oracle, if one fits."""
    second = isinstance(case.subject, Gradient)
    if wrong.high - wrong.low > 4 * wrong.bar:
        return _of_kink(wrong)
    a, n = wrong.gradient, wrong.numeric
    if np.isnan(wrong.analytic):
        return "not a number: 0/0 or 0·∞ in the rule, often in the branch of a where not taken"
    if np.isinf(wrong.analytic):
        return "infinite where the derivative is finite: a division by zero in the rule"
    if a is None or n is None:
        return None
    a = a.astype(float)
    if not np.any(a):
        if second:
            return (
                "a detached second derivative: the first one was computed from raw data "
                "(.data, .numpy(), np.asarray), so it is a constant when differentiated again"
            )
        if wrong.slot is not None and _somewhere(case, wrong.slot):
            return (
                "the gradient is zero here and not elsewhere: a guard, or a threshold, in the rule"
            )
        return (
            "the gradient is zero: the argument was detached from the graph, or its rule is missing"
        )
    for guess in (_part, _ratio, _sign, _transpose, _precision):
        text = guess(case, a, n)
        if text:
            return text
    if not second:
        return _swapped(case, wrong, a) or _few(case, a, n)
    if _alike(a, n, 1.0):
        return (
            "part of a second derivative is missing: something in the first rule was computed from "
            "raw data, or a switch such as no_grad() was on"
        )
    return None


def _somewhere(case: Case, slot: int) -> bool:
    """Whether the gradient of an input is not zero at ordinary values of all inputs."""
    numbers = [np.resize([0.75, -1.25, 1.5], a.shape).astype(a.dtype) for a in case.arrays]
    for moved in (numbers, [np.abs(a) for a in numbers]):
        try:
            with np.errstate(all="ignore"):
                gradient = case.pull(case.cotangent, moved)[slot]
        except Exception:  # which is not defined there
            continue
        if np.any(gradient):
            return True
    return False


def _of_kink(wrong: Mismatch) -> str:
    if wrong.slot is None:
        largest = max(abs(wrong.low), abs(wrong.high))
        said = "is counted twice" if abs(wrong.analytic) > largest else "loses its share"
        return (
            "a kink: the one-sided derivatives along this direction differ, and the answer lies "
            f"outside of them, as where a tie {said}: its weights have to add up to 1"
        )
    return (
        "a kink: the one-sided derivatives differ; any value between them is a valid convention, "
        "this one is not"
    )


def _ratio(case: Case, a: Array, n: Array) -> str | None:
    near = _near(case)
    ratio = float(np.vdot(a, n)) / (float(np.vdot(n, n)) or 1.0)
    if not ratio or not _alike(a, ratio * n, near) or _alike(a, n, near):
        return None
    if abs(ratio + 1) < 10 * near:
        return "the sign is wrong"
    simple = Fraction(ratio).limit_denominator(4)
    if simple not in (0, 1) and abs(simple) <= 4 and abs(ratio / simple - 1) < 10 * near:
        return f"off by a factor {simple}"
    sizes = {x.size for x in (*case.arrays, case.value)} | {
        k for x in (*case.arrays, case.value) for k in x.shape
    }
    for size in sorted(sizes - {0, 1}):
        if abs(ratio * size - 1) < 10 * near:
            return f"off by a factor 1/{size}: a mean where a sum belongs?"
        if abs(ratio / size - 1) < 10 * near:
            return f"off by a factor {size}: a sum where a mean belongs?"
    if a.size == 1:
        return None  # every wrong number is off by some factor
    return f"off by a constant factor, {ratio:.{9 if near < 1e-6 else 5}g}"


def _sign(case: Case, a: Array, n: Array) -> str | None:
    if a.size > 1 and _alike(np.abs(a), np.abs(n), _near(case)):
        count = int(np.sum(a * n < 0))
        return f"the sign is wrong at {count} of {a.size} elements" if count else None
    return None


def _transpose(case: Case, a: Array, n: Array) -> str | None:
    if a.ndim < 2:
        return None
    if _alike(a, np.swapaxes(n, -1, -2).reshape(a.shape), _near(case)):
        return "transposed: the last two axes are swapped"
    return None


def _precision(case: Case, a: Array, n: Array) -> str | None:
    narrow = np.array_equal(a, n.astype(np.float32).astype(float))
    if case.bytes >= 8 and (narrow or _alike(a, n, 5e-7)):
        return "correct to seven digits only: computed in float32"
    if case.bytes >= 8 and _alike(a, n, 2e-3):
        relative = float(np.max(np.abs(a - n)) / np.max(np.abs(n)))
        return f"nearly right, off by {relative:.0e}: a rough constant, or an epsilon in the rule"
    return None


def _part(case: Case, a: Array, n: Array) -> str | None:
    """Right but for a sum over a broadcast axis, of which the mean was taken."""
    value = case.value
    for axis, length in enumerate(value.shape):
        if length > 1 and a.size * length == value.size and _alike(a * length, n, _near(case)):
            return f"a missing sum over the broadcast axis {axis}: a mean was taken"
    return None


def _swapped(case: Case, wrong: Mismatch, a: Array) -> str | None:
    columns = Columns(case)
    for slot, other in enumerate(case.arrays):
        if slot != wrong.slot and other.shape == a.shape:
            right = columns.gradient(wrong.cotangent, slot)
            if right is not None and _alike(a, right):
                return f"this is the gradient of {case.subject.labels[slot]}: two rules are swapped"
    return None


def _few(case: Case, a: Array, n: Array) -> str | None:
    off = np.abs(a - n) > 1e-6 * np.maximum(np.abs(n), 1e-6 * np.max(np.abs(n)))
    count = int(np.sum(off))
    if 0 < count < a.size and a.size > 2:
        places = [tuple(int(i) for i in p) for p in np.argwhere(off)[:4]]
        more = "" if count <= 4 else ", ..."
        broadcast = 0 < a.size < case.value.size and _stretched(case, a)
        hint = "; a missing sum over a broadcast axis?" if broadcast else ""
        text = ", ".join(str(p if len(p) > 1 else p[0]) for p in places)
        return f"wrong at {count} of {a.size} elements: {text}{more}{hint}"
    if a.size < case.value.size and _stretched(case, a):
        return "possibly a missing sum over a broadcast axis"
    return None


def _stretched(case: Case, a: Array) -> bool:
    """Whether the result has a shape that the input is broadcast to."""
    try:
        return np.broadcast_shapes(a.shape, case.value.shape) == case.value.shape
    except ValueError:
        return False


def of_shape(gradient: Array, array: Array) -> str | None:
    """The diagnosis of a gradient of the wrong shape."""
    if gradient.shape == array.shape[::-1]:
        return "transposed"
    if gradient.size > array.size:
        return "a missing sum over a broadcast axis: the gradient has the shape of the result"
    if gradient.size == array.size and gradient.ndim < array.ndim:
        return "an axis of length 1 was dropped (keepdims)"
    if gradient.size == array.size:
        return "the axes are there in another arrangement: reshape it to the shape of the input"
    return "summed over too many axes, or an axis was dropped (keepdims)"


def of_exception(error: Exception) -> str | None:
    """The diagnosis of an exception that a rule raised."""
    text = str(error)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not inside[f.filename]]
    place = f" ({frames[-1].line})" if frames and frames[-1].line else ""
    if "read-only" in text or "WRITEABLE" in text:
        return f"a mutated cotangent or input: something writes to an array it was given{place}"
    if "returned a gradient of shape" in text:
        return "a missing sum over a broadcast axis, a transpose, or an axis that was dropped"
    return f"raised at: {frames[-1].line}" if place else None


def _near(case: Case) -> float:
    """How close gradients come that are the same but for rounding."""
    return max(1e-7, case.tolerance)


def _alike(a: Array, b: Array, relative: float = 1e-7) -> bool:
    """Whether two gradients are the same up to rounding, measured by the largest element."""
    if a.shape != b.shape:
        return False
    size = float(np.max(np.abs(b), initial=0.0))
    return bool(np.all(np.abs(a - b) <= relative * (np.abs(b) + 1e-3 * size)))
