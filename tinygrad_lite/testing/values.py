"""What gradients must be: right, linear, exact at zero, additive, and of the right kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.testing import diagnosis, shown
from tinygrad_lite.testing.agreement import disagreement
from tinygrad_lite.testing.case import Case, frozen, plain
from tinygrad_lite.testing.findings import (
    Check,
    Finding,
    beyond_rounding,
    close,
    contradiction,
    difference,
    farthest,
    recorded,
)
from tinygrad_lite.testing.layouts import Array, leaf
from tinygrad_lite.testing.subject import Gradient, Recorded
from tinygrad_lite.testing.trees import flatten

SCALE = {2: 4}
"""By which power of 2 cotangents are scaled, by the bytes of the dtype; 40 for four and more."""


def gradients_have_shape_and_dtype(case: Case) -> Iterator[Finding]:
    """Each gradient has those of its input."""
    for label, a, g in zip(case.subject.labels, case.arrays, case.gradients):
        if g.shape != a.shape:
            yield contradiction(
                case,
                f"the gradient of {label} has shape {g.shape}, the input {a.shape}",
                argument=label,
                diagnosis=diagnosis.of_shape(g, a),
                shown=shown.SHAPE_OF_GRADIENT,
            )
        elif g.dtype != a.dtype:
            yield contradiction(
                case,
                f"the gradient of {label} is {g.dtype}, the input {a.dtype}",
                argument=label,
                shown=shown.DTYPE_OF_GRADIENT,
            )


def gradients_agree_with_the_oracle(case: Case) -> Iterator[Finding]:
    """They lie within its error bar; at a kink, between the one-sided directional derivatives."""
    wrong = disagreement(case)
    if wrong is None:
        return
    label = None if wrong.slot is None else case.subject.labels[wrong.slot]
    where = (
        f"the gradient of {label}"
        if label
        else "the derivative along a direction through all inputs"
    )
    yield contradiction(
        case,
        f"{where} is wrong",
        argument=label,
        index=None if label is None else wrong.place,
        analytic=wrong.analytic,
        numeric=(wrong.low, wrong.high),
        bar=wrong.bar,
        diagnosis=diagnosis.of_mismatch(case, wrong),
        cotangent=wrong.cotangent,
        direction=wrong.direction,
    )


def zero_cotangent_gives_zero(case: Case) -> Iterator[Finding]:
    """Exactly, also where the derivative is infinite."""
    zero = frozen(np.zeros_like(case.cotangent))
    for label, g in zip(case.subject.labels, case.pull(zero)):
        if np.any(g != 0):
            index = tuple(int(i) for i in np.argwhere(g != 0)[0])
            said = f"a zero cotangent gives {float(g[index])!r} in the gradient of {label}"
            right = np.zeros_like(g)
            yield difference(case, said, g, right, index, argument=label, cotangent=zero)


def gradients_are_linear_in_the_cotangent(case: Case) -> Iterator[Finding]:
    """vjp(u + 2w) = vjp(u) + 2 vjp(w), and vjp(s u) = s vjp(u) for large, small and negative s."""
    u, other = case.cotangent, case.weights(case.value)
    parts = zip(case.gradients, case.pull(other))
    expected = [(a + 2 * b, np.abs(a) + 2 * np.abs(b)) for a, b in parts]
    yield from _linear(case, u + 2 * other, expected, "vjp(u + 2w) differs from vjp(u) + 2 vjp(w)")
    exponent = SCALE.get(case.bytes, 40)
    for scale, name in (
        (2.0**exponent, f"2**{exponent}"),
        (2.0**-exponent, f"2**-{exponent}"),
        (-1.0, "-1"),
    ):
        expected = [(scale * a, np.abs(scale * a)) for a in case.gradients]
        said = f"vjp(s u) differs from s vjp(u) for s = {name}"
        yield from _linear(case, np.asarray(scale * u, u.dtype), expected, said, abs(scale))


def _linear(
    case: Case,
    cotangent: Array,
    expected: list[tuple[Array, Array]],
    said: str,
    scale: float = 1.0,
) -> Iterator[Finding]:
    """Whether the cotangent is pulled back to what is expected, each with the size of its terms."""
    cotangent = frozen(cotangent)
    found = zip(case.subject.labels, expected, case.pull(cotangent))
    for slot, (label, (e, size), c) in enumerate(found):
        usable = np.isfinite(e)
        c, e = np.where(usable, c, 0), np.where(usable, e, 0)
        index = beyond_rounding(case, slot, cotangent, c, e, size, 4 * scale)
        if index is not None:
            text = f"the gradient of {label} is not linear in the cotangent: {said}"
            yield difference(case, text, c, e, index, argument=label, cotangent=cotangent)


def gradients_accumulate(case: Case) -> Iterator[Finding]:
    """A second backward() doubles ``grad``, and so does f(x) + f(x)."""
    if not isinstance(case.subject, Recorded):
        return
    leaves, out = recorded(case)
    if not out._requires_grad:
        return

    def twice() -> None:
        out.backward(case.cotangent)
        out.backward(case.cotangent)

    copy_context().run(twice)
    said = "a second backward() does not double"
    yield from _doubled(case, leaves, said, True, shown.BACKWARD_TWICE)

    def added() -> Any:
        leaves = [leaf(a) for a in case.arrays]
        ops.add(subject.record(leaves), subject.record(leaves)).backward(case.cotangent)
        return leaves

    subject = case.subject
    with np.errstate(all="ignore"):
        leaves = copy_context().run(added)
    yield from _doubled(case, leaves, "f(x) + f(x) does not double", False, shown.ADDED)


def _doubled(
    case: Case, leaves: list[Any], what: str, exact: bool, how: shown.Shown
) -> Iterator[Finding]:
    for slot, (label, x, g) in enumerate(zip(case.subject.labels, leaves, case.gradients)):
        grad = np.zeros_like(g) if x.grad is None else plain(x.grad)
        if exact:
            index = farthest(grad, 2 * g, np.abs(g), 0.0)
        else:
            index = beyond_rounding(case, slot, 2 * case.cotangent, grad, 2 * g, np.abs(g))
        if index is not None:
            said = f"{what} the gradient of {label}"
            yield difference(case, said, grad, 2 * g, index, argument=label, shown=how)


def subsets_of_inputs_agree(case: Case) -> Iterator[Finding]:
    """A gradient does not depend on which other gradients are asked for."""
    n = len(case.arrays)
    if n < 2:
        return
    sizes = range(1, n) if n <= 3 else (1, n - 1)
    for size in sizes:
        for wrt in combinations(range(n), size):
            found = case.subject.pull(case.arrays, case.cotangent, wrt)
            for i in wrt:
                g = np.zeros_like(case.arrays[i]) if found[i] is None else plain(found[i])
                if g.tobytes() != case.gradients[i].tobytes():
                    chosen = ", ".join(case.subject.labels[j] for j in wrt)
                    yield contradiction(
                        case,
                        f"the gradient of {case.subject.labels[i]} is another one when only "
                        f"{chosen} require gradients",
                        argument=case.subject.labels[i],
                        shown=shown.others_frozen([j for j in range(n) if j not in wrt]),
                    )
                    return


def arrays_and_tensors_agree(case: Case) -> Iterator[Finding]:
    """The backward pass on arrays and the recorded one (``create_graph=True``) give the same."""
    if not isinstance(case.subject, Gradient):
        return
    _, out = recorded(case)
    index = farthest(plain(out), case.value, np.abs(case.value), close(case))
    if index is not None:
        yield contradiction(
            case,
            "the gradient is another one when the backward pass is recorded (create_graph=True)",
            diagnosis="the rule does different things to arrays and to tensors",
            shown=shown.RECORDED_BACKWARD,
        )


def equals(reference: Any) -> Check:
    """The property that the value is ``reference``, or what that function gives."""

    def value_equals_the_reference(case: Case) -> Iterator[Finding]:
        right = reference
        if callable(reference):
            call = case.subject.call
            right = reference(*call.arguments([a[()] for a in case.arrays]), **call.attributes)
        if isinstance(right, (tuple, list, dict)) and case.value.ndim == 1:
            right = np.concatenate([np.ravel(plain(x)) for _, x in flatten(right)])
        right = plain(right)
        if right.shape != case.value.shape:
            yield contradiction(
                case,
                f"the value has shape {case.value.shape}, the reference {right.shape}",
                shown=shown.SHAPE_OF_VALUE,
            )
            return
        index = farthest(case.value, right, np.abs(right), close(case))
        if index is not None:
            said = f"the value differs from the reference at {list(index)}"
            yield difference(case, said, case.value, right, index)

    return value_equals_the_reference
