"""What a function must not do: change what it is given, keep state, leave switches on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lite.mode import Mode, mode, switched
from tinygrad_lite.random import generator
from tinygrad_lite.testing import shown
from tinygrad_lite.testing.case import Case, plain
from tinygrad_lite.testing.findings import Finding, contradiction, recorded
from tinygrad_lite.testing.layouts import leaf
from tinygrad_lite.testing.subject import HandWritten, Recorded

LEFT = {
    "grad": "recording off, as if no_grad() had not ended",
    "intercept": "an interceptor of operations in place",
    "scope": "the call of a module unfinished",
}
"""What it means if a switch is another one after a call."""


def inputs_and_cotangent_are_left_alone(case: Case) -> Iterator[Finding]:
    """They are read-only here; a rule that gets around that is found out by comparing."""
    before = [a.copy() for a in (*case.arrays, case.cotangent)]
    case.pull(case.cotangent)
    labels = [*case.subject.labels, "the cotangent"]
    for label, a, b in zip(labels, (*case.arrays, case.cotangent), before):
        if a.tobytes() != b.tobytes():
            yield contradiction(
                case,
                f"{label} was changed by the call",
                diagnosis="something writes to an array it was given, past its being read-only",
            )


def result_is_left_alone(case: Case) -> Iterator[Finding]:
    """The backward pass does not write to the result it started from."""
    if isinstance(case.subject, Recorded):
        _, out = recorded(case)
        before = np.array(out._data)
        if out._requires_grad:
            copy_context().run(out.backward, case.cotangent)
        if np.asarray(out._data).tobytes() != before.tobytes():
            yield contradiction(
                case,
                "the backward pass changed the result of the function",
                diagnosis="a rule writes to its second argument, which is the result itself",
                shown=shown.RESULT_CHANGED,
            )


def switches_are_restored(case: Case) -> Iterator[Finding]:
    """Recording, interception and NumPy's error state are afterwards as they were."""

    def run() -> tuple[Mode, Mode, Any, Any]:
        before, errors = mode(), np.geterr()
        if isinstance(case.subject, Recorded):
            out = case.subject.record([leaf(a) for a in case.arrays])
            if out._requires_grad:
                out.backward(case.cotangent)
        elif isinstance(case.subject, HandWritten):
            case.subject.call([a[()] for a in case.arrays])
            case.subject.vjp_at(case.arrays, case.cotangent)
        return before, mode(), errors, np.geterr()

    with np.errstate(all="call", call=_ignored):  # what nobody sets: any change shows
        before, after, errors, errors_after = copy_context().run(run)
    for field in _changed(before, after):
        yield contradiction(
            case,
            f"the call leaves {LEFT[field]}",
            diagnosis="a switch is set and not set back: use `with tg.no_grad():` or its like",
            shown=shown.RECORDING_OFF if field == "grad" else None,
        )
    changed = [f"{k}={now!r}" for k, now in errors_after.items() if now != errors[k]]
    if changed:
        yield contradiction(
            case,
            f"the call leaves NumPy's handling of errors changed: {', '.join(changed)}",
            diagnosis="it calls np.seterr: use `with np.errstate(...):`, which restores it",
            shown=shown.ERRORS_HANDLED,
        )


def _changed(before: Mode, after: Mode) -> list[str]:
    return [field for field, a, b in zip(Mode._fields, before, after) if a is not b]


def _ignored(error: str, flag: int) -> None:
    """What NumPy calls at a floating-point error here."""


def generators_are_left_alone(case: Case) -> Iterator[Finding]:
    """The backward pass neither draws from generators that others use nor seeds them."""
    if isinstance(case.subject, Recorded):
        _, out = recorded(case)
        if not out._requires_grad:
            return
        changed = _changed_generators(lambda: copy_context().run(out.backward, case.cotangent))
    elif case.subject.call.seed is None:
        changed = _changed_generators(lambda: case.subject.pull(case.arrays, case.cotangent))
    else:  # the function itself is evaluated there, with its seed
        return
    for name in changed:
        yield contradiction(
            case,
            f"the backward pass changed the state of {name}",
            diagnosis="a rule draws random numbers or sets a seed: draw them in the function, and "
            "give them to the rule as an input",
            shown=shown.generator_changed(name),
        )


def _changed_generators(run: Callable[[], Any]) -> list[str]:
    """Those of the generators that a whole program shares whose next number ``run`` changes."""
    own = generator()
    drawn: dict[str, Callable[[], float]] = {
        "numpy.random": np.random.random,
        "random": random.random,
        "tinygrad_lite.random": own.random,
    }
    saved = np.random.get_state(), random.getstate(), own.bit_generator.state  # noqa: NPY002
    try:
        ahead = {name: (draw(), draw(), draw())[1:] for name, draw in drawn.items()}
        _restore(saved)
        for draw in drawn.values():
            draw()  # or a seed that was set before, and is set again, would change nothing
        run()
        return [name for name, draw in drawn.items() if (draw(), draw()) != ahead[name]]
    finally:
        _restore(saved)


def _restore(states: tuple[Any, Any, Any]) -> None:
    np.random.set_state(states[0])  # noqa: NPY002
    random.setstate(states[1])
    generator().bit_generator.state = states[2]


def switches_are_restored_after_an_exception(case: Case) -> Iterator[Finding]:
    """Likewise where one of the operations inside raises."""
    if not isinstance(case.subject, Recorded):
        return
    for stop in (0, 1, 2, 4):
        leaves = [leaf(a) for a in case.arrays]
        before, after, raised = interrupted(partial(case.subject.record, leaves), stop)
        if not raised:
            return
        if before != after:
            changed = [LEFT[field] for field in _changed(before[0], after[0])]
            yield contradiction(
                case,
                "an exception inside the function leaves "
                + (changed[0] if changed else "NumPy's handling of errors changed"),
                diagnosis="a line sets a switch back that an exception jumps over: use `with`",
                shown=shown.interrupted(stop),
            )
            return


def interrupted(run: Callable[[], Any], stop: int) -> tuple[Any, Any, bool]:
    """The switches before and after a call in which operation number ``stop`` raises.

    >>> import tinygrad_lite as tg
    >>> before, after, raised = interrupted(lambda: tg.exp(tg.tensor(1.0)), 0)
    >>> before == after, raised
    (True, True)
    """
    reached = 0

    def fail(operation: Any, inputs: Any, attributes: Any) -> Any:
        nonlocal reached
        if reached == stop:
            raise Interrupted
        reached += 1
        with switched(intercept=None):
            return operation(*inputs, **attributes)

    def call() -> tuple[Any, Any, bool]:
        raised = False
        with np.errstate(all="call", call=_ignored), switched(intercept=fail):
            before = mode(), np.geterr()
            try:
                run()
            except Interrupted:
                raised = True
            return before, (mode(), np.geterr()), raised

    return copy_context().run(call)


class Interrupted(Exception):
    """Raised on purpose in the middle of a function."""


def runs_are_bitwise_equal(case: Case) -> Iterator[Finding]:
    """The same inputs give the same value and the same gradients, to the last bit."""
    advice = (
        "if it draws random numbers on purpose, pass seed=, which starts the library's generator; "
        "another one, such as NumPy's, the function must start itself; else it keeps state between "
        "calls"
    )
    if case.subject.value(case.arrays).tobytes() != case.value.tobytes():
        yield contradiction(
            case,
            "two runs give different values",
            diagnosis=f"not deterministic: {advice}",
            shown=shown.VALUE_TWICE,
        )
        return
    for label, a, b in zip(case.subject.labels, case.gradients, case.pull(case.cotangent)):
        if a.tobytes() != b.tobytes():
            yield contradiction(
                case,
                f"two runs give different gradients for {label}",
                argument=label,
                diagnosis=f"not deterministic: {advice}",
                shown=shown.GRADIENT_TWICE,
            )


def no_memory_is_shared(case: Case) -> Iterator[Finding]:
    """Gradients, inputs and cotangent are separate, so that changing one changes no other."""
    cotangent = case.cotangent
    found = case.subject.pull(case.arrays, cotangent)
    labels = case.subject.labels
    gradients = {i: plain(g) for i, g in enumerate(found) if g is not None}
    words = {i: f"the gradient of {label}" for i, label in enumerate(labels)}
    given = [(n, a, f"{{names[{k}]}}") for k, (n, a) in enumerate(zip(labels, case.arrays))]
    given.append(("the cotangent", cotangent, "{u}"))
    for i, g in gradients.items():
        earlier = [(words[k], gradients[k], f"{{gradients}}[{k}]") for k in gradients if k < i]
        for other, array, source in (*earlier, *given):
            if np.shares_memory(g, array):
                yield contradiction(
                    case,
                    f"{words[i]} shares memory with {other}",
                    argument=labels[i],
                    diagnosis="the rule returns what it was given, or one array twice: copy it",
                    shown=shown.memory_shared(source),
                )


def nothing_is_kept_on_the_side(case: Case) -> Iterator[Finding]:
    """Another call between forward and backward changes nothing."""
    if not isinstance(case.subject, Recorded):
        return
    leaves, out = recorded(case)
    if not out._requires_grad:
        return
    subject = case.subject
    elsewhere = [a * (1 - 64 * np.finfo(a.dtype).eps).astype(a.dtype) for a in case.arrays]
    subject.value(elsewhere)
    copy_context().run(out.backward, case.cotangent)
    for label, x, g in zip(subject.labels, leaves, case.gradients):
        if x.grad is not None and plain(x.grad).tobytes() != g.tobytes():
            yield contradiction(
                case,
                f"the gradient of {label} changes if the function is called once more before "
                "backward()",
                argument=label,
                diagnosis="the rule reads state saved by the forward function, not its inputs",
                shown=shown.CALLED_BETWEEN,
            )
