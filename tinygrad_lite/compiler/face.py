"""The function that a saved file shows: arguments and results nested as those of the original."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.compiler.binding import Bound
from tinygrad_lite.compiler.bundle import Bundle
from tinygrad_lite.compiler.program import Error, Returned
from tinygrad_lite.compiler.signature import places
from tinygrad_lite.tensor import Tensor


def face(bound: Bound, nest: Any, bundle: Bundle, arrays: dict[str, Any]) -> tuple[str, list[str]]:
    """The source, and the lines of a function around its own where that is not flat.

    What lasts from call to call, other than arrays that are changed in their place (numbers, and
    gradients that are added to), is kept in the file as well.
    """
    source, program = bound.source, bound.program
    count = len(program.arguments)
    paths = _paths(nest)
    given = [paths[i] for i in sorted(program.arguments)]
    leaves = [_leaf(r, bound, paths) for r in program.returned]
    outcome = _spelled(program.structure([*map(_Text, leaves)]), bundle)
    flat = all(path == f"args[{i}]" for i, path in enumerate(paths))
    plain = [r for r in program.returned if r.value is not None and not r.thing]
    simple = outcome in (leaves[0] if leaves else "", f"({', '.join(leaves)})")
    if flat and simple and len(plain) == len(leaves) and not (source.live or source.entering):
        return source.text, []
    state: list[str] = []
    lines = [""]
    rest = source.parameters[count:]
    for name, t in zip(rest, source.live):
        arrays[name] = np.asarray(t._data)
        lines.append(f"{name} = given[{name!r}][()]")
        state.append(name)
    for name, t in zip(rest[len(source.live) :], source.entering):
        slot = source.last.get(t)
        if slot is None:
            raise Error(
                f"the gradient of {t._describe()} is added to, and cleared later in the same call: "
                "such a function cannot be written to a file that runs on its own"
            )
        arrays[name] = np.asarray(t._grad._data)  # type: ignore[union-attr]
        place = f"{slot.name}[...]" if slot.value.shape else slot.name
        lines.append(f"{place} = given[{name!r}]")
        state.append(slot.name)
    made = [name for name in _results(bound) if name]
    inner = f"{source.function}_of_arrays"
    head = ", ".join(source.parameters[:count]) if flat else "*args, **kwargs"
    if flat:
        given = source.parameters[:count]
    kept = [name for name in made if not name.startswith("result_")]
    lines += ["", "", f"def {source.function}({head}):"]
    if kept:
        lines.append(f"    global {', '.join(kept)}")
    call = f"{inner}({', '.join([*given, *state])})"
    lines.append(f"    {', '.join(made)} = {call}" if made else f"    {call}")
    lines.append(f"    return {outcome}")
    return source.text.replace(f"\ndef {source.function}(", f"\ndef {inner}("), lines


class _Text(str):
    """A leaf, as it is written."""


def _paths(nest: Any) -> list[str]:
    """Where each leaf of the arguments is found."""
    return [
        ("kwargs" if named else "args") + "".join(f"[{key!r}]" for key in keys)
        for named, *keys in places(nest)
    ]


def _results(bound: Bound) -> list[str]:
    """Names for what the program returns, in order: results, then the state that it replaced."""
    program, source = bound.program, bound.source
    own = [r for r in program.returned if r.value is not None and not r.thing]
    names = [f"result_{i}" for i, _ in enumerate(own, 1)]
    live = dict(zip(source.live, source.parameters[len(program.arguments) :]))
    names += [live[t] for t in program.writes]
    return names + [s.name for s in source.last.values() if s is not None and not s.value.shape]


def _leaf(r: Returned, bound: Bound, paths: list[str]) -> str:
    """What stands for one leaf of the result."""
    if r.value is None:
        if isinstance(r.thing, Tensor):
            source = bound.source
            live = zip(source.parameters[len(bound.program.arguments) :], source.live)
            return next(n for n, x in (*source.given.items(), *live) if x is r.thing)
        return repr(r.thing)
    if r.thing:
        place: int = r.value.source
        return paths[place]
    own = [x for x in bound.program.returned if x.value is not None and not x.thing]
    return f"result_{own.index(r) + 1}"


def _spelled(tree: Any, bundle: Bundle) -> str:
    """A nest as an expression."""
    if isinstance(tree, _Text):
        return str(tree)
    if isinstance(tree, dict):
        return f"{{{', '.join(f'{k!r}: {_spelled(v, bundle)}' for k, v in tree.items())}}}"
    parts = [_spelled(item, bundle) for item in tree]
    if type(tree) is list:
        return f"[{', '.join(parts)}]"
    if type(tree) is tuple:
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    name = bundle.add(type(tree), type(tree).__name__)
    return (
        f"{name}({', '.join(parts)})"
        if hasattr(tree, "_fields")
        else f"{name}([{', '.join(parts)}])"
    )
