"""The properties that every gradient has, each a small function that yields what contradicts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.mode import Mode, mode, switched
from tinygrad_lite.testing import diagnosis
from tinygrad_lite.testing.agreement import disagreement
from tinygrad_lite.testing.case import Case, Finding, frozen, plain
from tinygrad_lite.testing.layouts import LAYOUTS, arrange, leaf
from tinygrad_lite.testing.subject import Array, Gradient, Recorded, Subject
from tinygrad_lite.testing.trees import flatten

Check = Callable[[Case], Iterator[Finding]]


def inputs_and_cotangent_are_left_alone(case: Case) -> Iterator[Finding]:
    """They are read-only here; a rule that gets around that is found out by comparing."""
    before = [a.copy() for a in (*case.arrays, case.cotangent)]
    case.pull(case.cotangent)
    labels = [*case.subject.labels, "the cotangent"]
    for label, a, b in zip(labels, (*case.arrays, case.cotangent), before):
        if a.tobytes() != b.tobytes():
            yield _finding(case, f"{label} was changed by the call", argument=label)


def result_is_left_alone(case: Case) -> Iterator[Finding]:
    """The backward pass does not write to the result it started from."""
    if isinstance(case.subject, Recorded):
        _, out = _recorded(case)
        before = np.array(out._data)
        if out._requires_grad:
            copy_context().run(out.backward, case.cotangent)
        if np.asarray(out._data).tobytes() != before.tobytes():
            yield _finding(case, "the backward pass changed the result of the function")


def switches_are_restored(case: Case) -> Iterator[Finding]:
    """Recording, interception and NumPy's error state are afterwards as they were."""

    def run() -> tuple[Mode, Mode, Any, Any]:
        before, errors = mode(), np.geterr()
        if isinstance(case.subject, Recorded):
            out = case.subject.record([leaf(a) for a in case.arrays])
            if out._requires_grad:
                out.backward(case.cotangent)
        else:
            case.subject.value(case.arrays)
            case.subject.pull(case.arrays, case.cotangent)
        return before, mode(), errors, np.geterr()

    with np.errstate():
        before, after, errors, errors_after = copy_context().run(run)
    for field, was, now in zip(Mode._fields, before, after):
        if was is not now:
            yield _finding(case, f"the switch {field!r} was {was} before the call and {now} after")
    if errors != errors_after:
        yield _finding(
            case, f"numpy.errstate was {errors} before the call and {errors_after} after"
        )


def switches_are_restored_after_an_exception(case: Case) -> Iterator[Finding]:
    """Likewise where one of the operations inside raises."""
    if not isinstance(case.subject, Recorded):
        return
    for stop in (0, 1, 2, 4):
        before, after, raised = copy_context().run(_interrupted, case, stop)
        if not raised:
            return
        if before != after:
            yield _finding(case, f"the switches were {before} before an exception, {after} after")
            return


def _interrupted(case: Case, stop: int) -> tuple[Any, Any, bool]:
    """The switches before and after a call in which operation number ``stop`` raises."""
    reached = 0

    def fail(operation: Any, inputs: Any, attributes: Any) -> Any:
        nonlocal reached
        if reached == stop:
            raise Interrupted
        reached += 1
        with switched(intercept=None):
            return operation(*inputs, **attributes)

    assert isinstance(case.subject, Recorded)
    raised = False
    with np.errstate(), switched(intercept=fail):
        before = mode(), np.geterr()
        try:
            case.subject.record([leaf(a) for a in case.arrays])
        except Interrupted:
            raised = True
        return before, (mode(), np.geterr()), raised


class Interrupted(Exception):
    """Raised on purpose in the middle of a function."""


def runs_are_bitwise_equal(case: Case) -> Iterator[Finding]:
    """The same inputs give the same value and the same gradients, to the last bit."""
    advice = "if it draws random numbers on purpose, pass seed=; else it keeps state between calls"
    if case.subject.value(case.arrays).tobytes() != case.value.tobytes():
        yield _finding(
            case, "two runs give different values", diagnosis=f"not deterministic: {advice}"
        )
        return
    for label, a, b in zip(case.subject.labels, case.gradients, case.pull(case.cotangent)):
        if a.tobytes() != b.tobytes():
            yield _finding(
                case,
                f"two runs give different gradients for {label}",
                argument=label,
                diagnosis=f"not deterministic: {advice}",
            )


def gradients_have_shape_and_dtype(case: Case) -> Iterator[Finding]:
    """Each gradient has those of its input."""
    for label, a, g in zip(case.subject.labels, case.arrays, case.gradients):
        if g.shape != a.shape:
            yield _finding(
                case,
                f"the gradient of {label} has shape {g.shape}, the input {a.shape}",
                argument=label,
                diagnosis=diagnosis.of_shape(case, g, a),
            )
        elif g.dtype != a.dtype:
            yield _finding(
                case,
                f"the gradient of {label} is {g.dtype}, the input {a.dtype}",
                argument=label,
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
    yield _finding(
        case,
        f"{where} is wrong",
        argument=label,
        index=wrong.place,
        analytic=wrong.analytic,
        numeric=(wrong.low, wrong.high),
        bar=wrong.bar,
        diagnosis=diagnosis.of_mismatch(case, wrong),
        cotangent=wrong.cotangent,
    )


def zero_cotangent_gives_zero(case: Case) -> Iterator[Finding]:
    """Exactly, also where the derivative is infinite."""
    zero = frozen(np.zeros_like(case.cotangent))
    for label, g in zip(case.subject.labels, case.pull(zero)):
        if np.any(g != 0):
            index = tuple(int(i) for i in np.argwhere(g != 0)[0])
            yield _finding(
                case,
                f"a zero cotangent gives {float(g[index])!r} in the gradient of {label}",
                argument=label,
                index=index,
                cotangent=zero,
            )


def gradients_are_linear_in_the_cotangent(case: Case) -> Iterator[Finding]:
    """vjp(u + 2w) = vjp(u) + 2 vjp(w)."""
    other = case.weights(case.value)
    both = frozen(case.cotangent + 2 * other)
    parts = zip(case.subject.labels, case.gradients, case.pull(other), case.pull(both))
    for label, a, b, c in parts:
        expected = a + 2 * b
        usable = np.isfinite(expected)
        c, expected = np.where(usable, c, 0), np.where(usable, expected, 0)
        size = np.abs(a) + 2 * np.abs(b)
        index = farthest(c, expected, size, _close(case), 4 * np.max(case.unseen, initial=0.0))
        if index is not None:
            yield _finding(
                case,
                f"the gradient of {label} is not linear in the cotangent: "
                f"vjp(u + 2w) differs from vjp(u) + 2 vjp(w)",
                argument=label,
                index=index,
                analytic=float(c[index]),
                numeric=(float(expected[index]), float(expected[index])),
                cotangent=both,
            )


def no_memory_is_shared(case: Case) -> Iterator[Finding]:
    """Gradients, inputs and cotangent are separate, so that changing one changes no other."""
    cotangent = case.cotangent
    found = case.subject.pull(case.arrays, cotangent)
    gradients = [
        (f"the gradient of {n}", plain(g))
        for n, g in zip(case.subject.labels, found)
        if g is not None
    ]
    others = [*zip(case.subject.labels, case.arrays), ("the cotangent", cotangent)]
    for i, (name, g) in enumerate(gradients):
        for other, array in [*gradients[:i], *others]:
            if np.shares_memory(g, array):
                yield _finding(
                    case,
                    f"{name} shares memory with {other}",
                    argument=case.subject.labels[i],
                    diagnosis="the rule returns what it was given, or one array twice: copy it",
                )


def gradients_accumulate(case: Case) -> Iterator[Finding]:
    """A second backward() doubles ``grad``, and so does f(x) + f(x)."""
    if not isinstance(case.subject, Recorded):
        return
    leaves, out = _recorded(case)
    if not out._requires_grad:
        return

    def twice() -> None:
        out.backward(case.cotangent)
        out.backward(case.cotangent)

    copy_context().run(twice)
    yield from _doubled(case, leaves, "a second backward() does not double", exact=True)

    def added() -> Any:
        leaves = [leaf(a) for a in case.arrays]
        ops.add(subject.record(leaves), subject.record(leaves)).backward(case.cotangent)
        return leaves

    subject = case.subject
    with np.errstate(all="ignore"):
        leaves = copy_context().run(added)
    yield from _doubled(case, leaves, "f(x) + f(x) does not double", exact=False)


def _doubled(case: Case, leaves: list[Any], what: str, exact: bool) -> Iterator[Finding]:
    for label, x, g in zip(case.subject.labels, leaves, case.gradients):
        grad = np.zeros_like(g) if x.grad is None else plain(x.grad)
        unseen = 0.0 if exact else np.max(case.unseen, initial=0.0)
        index = farthest(grad, 2 * g, np.abs(g), 0.0 if exact else _close(case), unseen)
        if index is not None:
            expected = float(2 * g[index])
            yield _finding(
                case,
                f"{what} the gradient of {label}",
                argument=label,
                index=index,
                analytic=float(grad[index]),
                numeric=(expected, expected),
            )


def nothing_is_kept_on_the_side(case: Case) -> Iterator[Finding]:
    """Another call between forward and backward changes nothing."""
    if not isinstance(case.subject, Recorded):
        return
    leaves, out = _recorded(case)
    if not out._requires_grad:
        return
    subject = case.subject
    elsewhere = [a * (1 - 64 * np.finfo(a.dtype).eps).astype(a.dtype) for a in case.arrays]
    subject.value(elsewhere)
    copy_context().run(out.backward, case.cotangent)
    for label, x, g in zip(subject.labels, leaves, case.gradients):
        if x.grad is not None and plain(x.grad).tobytes() != g.tobytes():
            yield _finding(
                case,
                f"the gradient of {label} changes if the function is called once more before "
                "backward()",
                argument=label,
                diagnosis="the rule reads state saved by the forward function, not its inputs",
            )


def subsets_of_inputs_agree(case: Case) -> Iterator[Finding]:
    """A gradient does not depend on which other gradients are asked for."""
    n = len(case.arrays)
    if n < 2:
        return
    sizes = range(1, n) if n <= 4 else (1, n - 1)
    for size in sizes:
        for wrt in combinations(range(n), size):
            found = case.subject.pull(case.arrays, case.cotangent, wrt)
            for i in wrt:
                g = np.zeros_like(case.arrays[i]) if found[i] is None else plain(found[i])
                if g.tobytes() != case.gradients[i].tobytes():
                    chosen = ", ".join(case.subject.labels[j] for j in wrt)
                    yield _finding(
                        case,
                        f"the gradient of {case.subject.labels[i]} is another one when only "
                        f"{chosen} require gradients",
                        argument=case.subject.labels[i],
                    )
                    return


def layouts_agree(case: Case) -> Iterator[Finding]:
    """Fortran order, strides, negative and zero strides give what contiguous arrays give."""
    for layout in LAYOUTS:
        arranged = [arrange(a, layout) for a in case.arrays]
        cotangent = arrange(case.cotangent, layout)
        twin = _contiguous(case, arranged, cotangent) if layout == "zero stride" else case
        if layout == "C" or twin is None:
            continue
        got_value = np.asarray(case.subject.value(arranged))
        if farthest(got_value, twin.value, np.abs(twin.value), _close(case)) is not None:
            yield _finding(case, f"the value is another one for {layout} inputs", layout=layout)
            continue
        got = case.pull(cotangent, arranged)
        yield from _same_gradients(case, twin, got, layout)


def _contiguous(case: Case, arrays: list[Array], cotangent: Array) -> Case | None:
    """The case of the same values in contiguous arrays; None outside of the domain."""
    dense = [a.copy() for a in arrays]
    try:
        twin = Case(case.subject, dense, case.given_tolerance)
    except Exception:  # values that are all alike may be outside of the domain
        return None
    if twin.value.shape != cotangent.shape or not twin.inside_domain:
        return None
    twin.cotangent = frozen(cotangent.copy())
    return twin


def _same_gradients(case: Case, twin: Case, got: list[Array], layout: str) -> Iterator[Finding]:
    spread: list[Array] | None = None
    unseen = np.max(case.unseen, initial=0.0)
    for i, (label, g, h) in enumerate(zip(case.subject.labels, got, twin.gradients)):
        index = farthest(g, h, np.abs(h), _close(case), unseen)
        if index is not None and g.shape == h.shape:
            spread = spread or twin.sensitivity(twin.cotangent)
            index = farthest(g, h, np.abs(h), _close(case), spread[i] + unseen)
        if index is None:
            continue
        alike = g.shape == h.shape
        yield _finding(
            case,
            f"the gradient of {label} is another one for {layout} inputs",
            argument=label,
            index=index if alike else None,
            analytic=float(g[index]) if alike else None,
            numeric=(float(h[index]), float(h[index])) if alike else None,
            layout=layout,
            diagnosis="the rule assumes one layout of memory, such as contiguous arrays",
        )
        return


def arrays_and_tensors_agree(case: Case) -> Iterator[Finding]:
    """The backward pass on arrays and the recorded one (``create_graph=True``) give the same."""
    if not isinstance(case.subject, Gradient):
        return
    _, out = _recorded(case)
    recorded = plain(out)
    index = farthest(recorded, case.value, np.abs(case.value), _close(case))
    if index is not None:
        yield _finding(
            case,
            "the gradient is another one when the backward pass is recorded (create_graph=True)",
            diagnosis="the rule does different things to arrays and to tensors",
        )


FATAL: tuple[Check, ...] = (
    inputs_and_cotangent_are_left_alone,
    switches_are_restored,
    runs_are_bitwise_equal,
    gradients_have_shape_and_dtype,
)
"""Where one of these fails, the others would only repeat it."""

CHECKS: tuple[Check, ...] = (
    *FATAL,
    result_is_left_alone,
    switches_are_restored_after_an_exception,
    arrays_and_tensors_agree,
    gradients_agree_with_the_oracle,
    zero_cotangent_gives_zero,
    gradients_are_linear_in_the_cotangent,
    no_memory_is_shared,
    gradients_accumulate,
    nothing_is_kept_on_the_side,
    subsets_of_inputs_agree,
    layouts_agree,
)

DERIVED: tuple[Check, ...] = (
    inputs_and_cotangent_are_left_alone,
    gradients_have_shape_and_dtype,
    arrays_and_tensors_agree,
    gradients_agree_with_the_oracle,
    zero_cotangent_gives_zero,
)
"""What is looked at for inputs made from those given: none, a single number, a broadcast one."""


def title(check: Check) -> str:
    """The name of a property in words."""
    return check.__name__.replace("_", " ")


def run(case: Case, checks: tuple[Check, ...]) -> list[Finding]:
    """What contradicts ``checks``; an exception from a rule is one such thing."""
    findings: list[Finding] = []
    for check in checks:
        try:
            with np.errstate(all="ignore"):
                found = list(check(case))
        except Exception as error:
            found = [_raised(case, error)]
        for finding in found:
            finding.check = finding.check or title(check)
        findings += found
        if found and check in FATAL:
            break
    return findings


def variants(case: Case) -> Iterator[Case]:
    """Inputs made from those of an elementwise function: none, one number, one broadcast."""
    if not case.value.size or isinstance(case.subject, Gradient) or not case.elementwise:
        return
    shape = case.value.shape
    candidates: list[tuple[str, list[Array]]] = []
    if shape:
        candidates.append(("without elements", [a[:0] for a in case.arrays]))
        candidates.append(("of one number", [a.reshape(-1)[0:1].reshape(()) for a in case.arrays]))
    if shape and len(case.arrays) > 1:
        for i, label in enumerate(case.subject.labels):
            others = list(case.arrays)
            others[i] = others[i][:1]
            candidates.append((f"with {label} broadcast", others))
    for name, arrays in candidates:
        try:
            derived = Case(case.subject, arrays, case.given_tolerance, name)
        except Exception:  # the function takes no such input: that is its right
            continue
        wanted = np.broadcast_shapes(*(a.shape for a in arrays))
        if derived.value.shape == wanted and derived.inside_domain:
            yield derived


def _recorded(case: Case) -> tuple[list[Any], Any]:
    leaves = [leaf(a) for a in case.arrays]
    assert isinstance(case.subject, Recorded)
    with np.errstate(all="ignore"):
        return leaves, copy_context().run(case.subject.record, leaves)


def _close(case: Case) -> float:
    """How far results of the same arithmetic in another order may be apart."""
    return max(case.tolerance, 1e-9) if case.bytes >= 8 else case.tolerance


def farthest(
    a: Array, b: Array, size: Array, relative: float, absolute: Any = 0.0
) -> tuple[int, ...] | None:
    """The index where ``a`` and ``b`` are farther apart than rounding explains, or None."""
    if a.shape != b.shape:
        return ()
    if not a.size:
        return None
    with np.errstate(all="ignore"):
        off = np.abs(a.astype(float) - b)
        floor = 1e-6 * relative * np.max(np.where(np.isfinite(size), size, 0), initial=0.0)
        allowed = relative * size + absolute + floor
    off = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.where(np.isnan(off), np.inf, off))
    bad = off > np.where(np.isfinite(allowed), allowed, 0)
    if not bad.any():
        return None
    worst = np.unravel_index(int(np.argmax(np.where(bad, off, -1))), a.shape)
    return tuple(int(i) for i in worst)


def _finding(case: Case, message: str, **details: Any) -> Finding:
    variant = f" (inputs {case.variant})" if case.variant else ""
    return Finding("", message + variant, case, **details)


def _raised(case: Case, error: Exception) -> Finding:
    text = f"{type(error).__name__}: {error}"
    finding = _finding(case, f"it raises {text}", diagnosis=diagnosis.of_exception(error))
    if "read-only" in str(error) or "WRITEABLE" in str(error):
        finding.check = title(inputs_and_cotangent_are_left_alone)
    return finding


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
            yield _finding(
                case, f"the value has shape {case.value.shape}, the reference {right.shape}"
            )
            return
        index = farthest(case.value, right, np.abs(right), _close(case))
        if index is not None:
            yield _finding(
                case,
                f"the value differs from the reference at {list(index)}",
                index=index,
                analytic=float(case.value[index]),
                numeric=(float(right[index]), float(right[index])),
            )

    return value_equals_the_reference


def writes_to_its_inputs(subject: Subject, error: Exception) -> Finding:
    """The finding that the function itself, not only its rule, writes to read-only inputs."""
    case = Case.__new__(Case)
    case.subject, case.arrays, case.variant = subject, list(subject.arrays), ""
    case.cotangent = np.zeros(())
    return _raised(case, error)
