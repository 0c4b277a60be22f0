"""What a snippet runs and prints where the value of one gradient does not show what is wrong.

``{call}`` stands for the call, ``{nearby}`` for one with other inputs, ``{names}`` for the inputs,
``{u}`` for the cotangent, ``{y}`` for the result and ``{x}`` for the input concerned; of a
derivative written by hand ``{vjp}`` is the line that calls it, ``{gradients}`` all that it returns,
and ``{x}`` the gradient concerned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Shown(NamedTuple):
    """The lines for functions of tensors, derivatives written by hand, and second derivatives."""

    recorded: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    second: tuple[str, ...] = ()


RUN = ("{y} = {call}", "if {y}.requires_grad:", "    {y}.backward({u})")

PLAIN_RUN = ("{call}", "{vjp}")

VALUE_TWICE = Shown(("print({call})", "print({call})"), ("print({call})", "print({call})"))

SHAPE_OF_VALUE = Shown(("print(np.shape({call}))",), ("print(np.shape({call}))",))

SHAPE_OF_GRADIENT = Shown(
    ("{y} = {call}", "{y}.backward({u})", "print(np.shape({x}.grad))"),
    ("{vjp}", "print(np.shape({x}))"),
)

DTYPE_OF_GRADIENT = Shown(
    ("{y} = {call}", "{y}.backward({u})", "print({x}.grad.dtype)"), ("{vjp}", "print({x}.dtype)")
)

GRADIENT_TWICE = Shown(
    (
        "for _ in range(2):",
        "    {x}.grad = None",
        "    {call}.backward({u})",
        "    print({x}.grad.tolist())",
    ),
    ("{vjp}", "print(np.array({x}).tolist())", "{vjp}", "print(np.array({x}).tolist())"),
)

RESULT_CHANGED = Shown(
    (
        "{y} = {call}",
        "before = {y}.numpy().copy()",
        "{y}.backward({u})",
        "print(np.array_equal({y}.numpy(), before))  # False",
    )
)

RECORDING_OFF = Shown((*RUN, "print(tg.is_grad_enabled())  # False"))

ERRORS_HANDLED = Shown(
    ("before = np.geterr()", *RUN, "print(np.geterr() == before)  # False"),
    ("before = np.geterr()", *PLAIN_RUN, "print(np.geterr() == before)  # False"),
)

BACKWARD_TWICE = Shown(("{y} = {call}", "{y}.backward({u})", "{y}.backward({u})"))

ADDED = Shown(("({call} + {call}).backward({u})",))

CALLED_BETWEEN = Shown(
    (
        "for between in (False, True):",
        "    {x}.grad = None",
        "    {y} = {call}",
        "    if between:",
        "        {nearby}",
        "    {y}.backward({u})",
        "    print({x}.grad.tolist())",
    )
)

RECORDED_BACKWARD = Shown(
    second=(
        "for recorded in (False, True):",
        "    {names[0]}.grad = None",
        "    {call}.backward({u}, create_graph=recorded)",
        "    print({names[0]}.grad.tolist())",
    )
)

DRAWS = {
    "numpy.random": ("np.random.seed(1)", "np.random.random()"),
    "random": ("random.seed(1)", "random.random()"),
    "tinygrad_lite.random": ("tg.manual_seed(1)", "tg.random.generator().random()"),
}
"""How each of the generators that a whole program shares is started, and drawn from."""


def generator_changed(name: str) -> Shown:
    """That the backward pass changes what one of these draws next."""
    start, draw = DRAWS[name]
    first = ["import random"] if name == "random" else []
    last = [start, "{y}.backward({u})", f"print({draw} == expected)  # False"]
    return Shown((*first, start, f"expected = {draw}", "{y} = {call}", *last))


def memory_shared(other: str) -> Shown:
    """That a gradient shares memory with another array."""
    return Shown((), ("{vjp}", f"print(np.shares_memory({{x}}, {other}))  # True"))


def interrupted(stop: int) -> Shown:
    """That an exception in the operation of this number leaves a switch on."""
    return Shown(
        (
            "from tinygrad_lite.testing.conduct import interrupted",
            f"before, after, _ = interrupted(lambda: {{call}}, {stop})",
            "print(after == before)  # False",
        )
    )


def others_frozen(slots: Sequence[int]) -> Shown:
    """What the gradient is before and after the inputs with these numbers stop to require one."""
    held = "".join(f"{{names[{i}]}}.requires_grad = " for i in slots)
    step = ("    {x}.grad = None", "    {call}.backward({u})", "    print({x}.grad.tolist())")
    return Shown(("for _ in range(2):", *step, f"    {held}False"))
