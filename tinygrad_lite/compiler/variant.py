"""What is known of calls of one kind: their program, and the conditions under which it holds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_lite.compiler.binding import Bound
from tinygrad_lite.compiler.compare import settle
from tinygrad_lite.compiler.driver import Driver
from tinygrad_lite.compiler.guards import Conditions
from tinygrad_lite.compiler.passes import Notes
from tinygrad_lite.compiler.program import Error, Program

MANY = 8
"""After so many repeated calls a program is made anew, with fewer of them; then, it is said."""


class Repeats:
    """The function as it is, called again where a compiled call met what is not a number."""

    def __init__(self, function: Callable[..., Any], name: str, last: bool) -> None:
        self.function, self.name, self.last = function, name, last
        self.count = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        if self.last and self.count == MANY:
            warnings.warn(
                f"{self.name}: in {MANY} calls a gradient or a result was not a number, and each "
                "was run again without compilation, which takes more time than not to compile at "
                "all. tg.detect_anomaly() names the operation where the first comes from",
                stacklevel=4,
            )
        return self.function(*args, **kwargs)


class Variant:
    """A program for calls of one kind, or what is known of it after a first trace."""

    repeats: Repeats

    def __init__(
        self, key: Any, program: Program, conditions: Conditions, changed: str = ""
    ) -> None:
        self.key = key
        self.changed = changed
        self.program = program
        self.conditions = conditions
        self.holds: Callable[[], bool] = _evaluated(conditions)
        self.bound: Bound | None = None
        self.driver: Driver | None = None
        self.notes = Notes()
        self.traced = 0

    def fits(self, key: Any, leaves: list[Any]) -> bool:
        """Whether it is for such a call."""
        return bool(self.key == key) and all(
            int(getattr(leaves[i], "_data", leaves[i])) == n for i, n in self.program.exact.items()
        )


def leaf_conditions(conditions: Conditions, program: Program) -> None:
    """The tensors that outlive the call are as they were: dtype, training, hooks."""
    states = {v.source for s in program.instructions for v in s.inputs if v.kind == "state"}
    for t in states:
        conditions.implied.append(f"{conditions.name(t)}.dtype == {conditions.name(t.dtype)}")
    stepped = {t for e in program.effects for t in e.gradients}
    for t in (states | stepped) - program.leaves.keys():
        name = conditions.name(t)
        conditions.add(f"{name}._requires_grad is {t._requires_grad}", t._describe())
        if t in stepped:
            conditions.add(f"{name}._grad is {conditions.name(t._grad)}", t._describe())
    for owner in {id(e.owner): e.owner for e in program.effects}.values():
        if hasattr(owner, "param_groups"):
            conditions.groups(owner)
    for t, before in program.leaves.items():
        name = conditions.name(t)
        words = t._describe()
        if before != "any":
            conditions.add(f"({name}._grad is {'' if before == 'none' else 'not '}None)", words)
        conditions.add(f"{name}._requires_grad", words)
        if t.watch is None:
            conditions.add(f"{name}.watch is None", words)
        else:
            hooks = conditions.name(list(getattr(t.watch, "hooks", {}).values()))
            conditions.add(f"[*{name}.watch.hooks.values()] == {hooks}", words)


def settled(before: Program, now: Program) -> bool:
    """Whether two traces agree, so that the second can be compiled; false if it was no fair trial.

    That is one where gradients were of another kind at the beginning, or NaN came in the way.
    """
    if list(before.leaves.values()) != list(now.leaves.values()) or before.stray != now.stray:
        return False
    try:
        settle(before, now)
    except Error:
        if now.stray:
            return False
        raise
    return True


def _evaluated(conditions: Conditions) -> Callable[[], bool]:
    """The conditions as one function."""
    test = " and ".join([*conditions.implied, *conditions.terms]) or "True"
    lines = ["def holds():", "    try:", f"        return {test}"]
    text = "\n".join([*lines, "    except Exception:", "        return False", ""])
    namespace = dict(conditions.names)
    exec(text, namespace)
    found: Callable[[], bool] = namespace.pop("holds")
    return found
