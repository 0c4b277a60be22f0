"""What a function must not do: change what it is given, keep state, leave switches on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import numpy as np

from tinygrad_lite.mode import Mode, mode, switched
from tinygrad_lite.random import generator
from tinygrad_lite.testing.case import Case, Finding, plain
from tinygrad_lite.testing.findings import contradiction, recorded
from tinygrad_lite.testing.layouts import leaf
from tinygrad_lite.testing.subject import Recorded


def inputs_and_cotangent_are_left_alone(case: Case) -> Iterator[Finding]:
    """They are read-only here; a rule that gets around that is found out by comparing."""
    before = [a.copy() for a in (*case.arrays, case.cotangent)]
    case.pull(case.cotangent)
    labels = [*case.subject.labels, "the cotangent"]
    for label, a, b in zip(labels, (*case.arrays, case.cotangent), before):
        if a.tobytes() != b.tobytes():
            yield contradiction(case, f"{label} was changed by the call", argument=label)


def result_is_left_alone(case: Case) -> Iterator[Finding]:
    """The backward pass does not write to the result it started from."""
    if isinstance(case.subject, Recorded):
        _, out = recorded(case)
        before = np.array(out._data)
        if out._requires_grad:
            copy_context().run(out.backward, case.cotangent)
        if np.asarray(out._data).tobytes() != before.tobytes():
            yield contradiction(case, "the backward pass changed the result of the function")


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
            yield contradiction(
                case, f"the switch {field!r} was {was} before the call and {now} after"
            )
    if errors != errors_after:
        yield contradiction(
            case, f"numpy.errstate was {errors} before the call and {errors_after} after"
        )


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
        before, after, raised = copy_context().run(_interrupted, case, stop)
        if not raised:
            return
        if before != after:
            yield contradiction(
                case, f"the switches were {before} before an exception, {after} after"
            )
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
            shown_by=("{}", "{}"),
        )
        return
    for label, a, b in zip(case.subject.labels, case.gradients, case.pull(case.cotangent)):
        if a.tobytes() != b.tobytes():
            yield contradiction(
                case,
                f"two runs give different gradients for {label}",
                argument=label,
                diagnosis=f"not deterministic: {advice}",
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
                yield contradiction(
                    case,
                    f"{name} shares memory with {other}",
                    argument=case.subject.labels[i],
                    diagnosis="the rule returns what it was given, or one array twice: copy it",
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
            )
