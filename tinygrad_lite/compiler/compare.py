"""Two traces of one function side by side: what differs cannot be part of a program."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import Any

import numpy as np

from tinygrad_lite.compiler.program import Effect, Error, Instruction, Program, Value
from tinygrad_lite.compiler.reach import same


class Varies(Error):
    """The shape of a result hangs on values."""


def settle(before: Program, now: Program) -> None:
    """Compare two traces and make ``now`` final: what is made anew by each call is constant.

    Raises:
        Error: if they differ in an operation, a number or an array, with the line where they do.
        Varies: if arrays of one shape gave an array of two.
    """
    if len(before.steps) != len(now.steps):
        both = enumerate(zip_longest(before.steps, now.steps))
        where = next(i for i, (a, b) in both if _kind(a) != _kind(b))
        longer = max(before, now, key=lambda p: len(p.steps)).steps
        step = (now.steps if where < len(now.steps) else longer)[where]
        raise Error(
            f"{now.name} did {len(before.steps)} operations in one call and {len(now.steps)} in "
            "the next, with arguments of the same shapes; a compiled function must do the same in "
            f"every call. They part at {step.site() if step.site else 'its result'}. Look for "
            "something that Python decides by a value that changes: pass it as an argument, or "
            "choose with tg.where"
        )
    pairs: dict[Value, Value] = {}
    for a, b in zip(before.steps, now.steps):
        if isinstance(a, Instruction) and isinstance(b, Instruction):
            if a.operation is not b.operation and a.operation.forward is not b.operation.forward:
                raise _differs(
                    now, b, f"{a.operation.name} in one call, {b.operation.name} in the next"
                )
            if len(a.inputs) != len(b.inputs):
                raise _differs(now, b, "another number of arguments in the next call")
            for u, v in zip(a.inputs, b.inputs):
                _match(now, pairs, u, v, b)
            _attributes(now, a, b)
            if a.out.shape != b.out.shape:
                raise Varies(
                    f"{b.operation.name} gave an array of shape {a.out.shape} in one call and "
                    f"{b.out.shape} in the next ({b.site() if b.site else 'its result'}). Instead "
                    "of x[mask] write tg.where(mask, x, 0), or sum(where=mask)"
                )
            pairs[a.out] = b.out
        elif isinstance(a, Effect) and isinstance(b, Effect):
            if a.owner is not b.owner:
                raise _differs(now, b, "the optimizer is another one in the next call")
            if len(a.stores) != len(b.stores):
                raise _differs(now, b, "other tensors were changed in place in the next call")
            for u, v in zip(chain(*a.stores.items()), chain(*b.stores.items())):
                _match(now, pairs, u, v, b)
        else:
            raise _differs(now, b, "other operations in the next call")

    for r, q in zip_longest(before.returned, now.returned):
        if r is None or q is None or (r.value is None) != (q.value is None):
            raise _result(now, "another number of things, or things of another kind")
        if r.value is None and not same(r.thing, q.thing):
            raise _result(now, f"{r.thing!r:.60}, then {q.thing!r:.60}")


def _result(program: Program, what: str) -> Error:
    return Error(
        f"{program.name} is not the same in every call: it returned {what} in the next call. It "
        "would return one object for ever. Return tensors, and tuples, lists or dicts of them, and "
        "make other objects of them outside"
    )


def _kind(step: Any) -> Any:
    """What has to be the same of a step and its counterpart in another call."""
    if isinstance(step, Instruction):
        return step.operation.forward, tuple(v.shape for v in step.inputs)
    return step and (id(step.owner), len(step.stores))


def _match(program: Program, pairs: dict[Value, Value], a: Value, b: Value, step: Any) -> None:
    if pairs.get(a) is b:
        return
    if a.kind == "result" or b.kind == "result":
        raise _differs(program, step, "it read the result of another operation in the next call")
    if a.kind != b.kind or a.shape != b.shape or a.dtype != b.dtype:
        raise _differs(
            program, step, f"its argument was a {a.kind} {a.shape}, then {b.kind} {b.shape}"
        )
    if a.kind == "argument":
        if a.source != b.source:
            raise _differs(program, step, "it read another argument in the next call")
    elif a.source is not b.source:
        _constant(program, pairs, a, b, step)


def _constant(program: Program, pairs: dict[Value, Value], a: Value, b: Value, step: Any) -> None:
    """Something that each call makes anew: it has to come out the same."""
    pairs[a] = b
    data = [getattr(v.source, "_data", v.source) for v in (a, b)]
    if not np.array_equal(data[0], data[1], equal_nan=b.dtype.kind in "fc"):
        what = (
            f"the number {data[0]!r} became {data[1]!r}"
            if not b.shape
            else (f"an array of shape {b.shape}, that no argument gave, had other values")
        )
        raise _differs(program, b if b.site is not None else step, f"{what} in the next call")
    b.kind, b.source = "constant", data[1]


def _attributes(program: Program, a: Instruction, b: Instruction) -> None:
    for key, x in a.attributes.items():
        y = b.attributes.get(key)
        if x is y:
            continue
        if isinstance(x, np.random.Generator):
            raise _differs(
                program,
                b,
                "its random generator is made anew by every call. Make it once, outside of the "
                "function: it",
            )
        try:
            equal = bool(x == y) or (x != x and y != y)
        except Exception:
            equal = bool(np.array_equal(np.asarray(x), np.asarray(y)))
        if not equal:
            raise _differs(program, b, f"{key} was {x!r}, then {y!r} in the next call")


def _differs(program: Program, step: Any, what: str) -> Error:
    place = step.site() if step.site is not None else "its result"
    return Error(
        f"{program.name} is not the same in every call: at {place}, {what}. It would keep one "
        "value for ever. Pass what changes as an argument (an array or a tensor), or draw it with "
        "tg.random"
    )
