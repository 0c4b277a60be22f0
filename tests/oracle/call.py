"""A call of an operation as data: what is called, with what; run here, and kept in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinygrad_lite as tg

Array = Any


class Call(NamedTuple):
    """An operation of ``tg`` by its name, and its arguments: arrays, numbers, text, nested."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = {}  # noqa: RUF012 - never written to


class Case(NamedTuple):
    """A call with what must come of it.

    Attributes:
        source: the operation of PyTorch, and the number of its sample.
        call: what is called here.
        leaves: the arrays among the arguments that take a gradient.
        outputs: the values; None if it must raise.
        cotangents: one for each output; None for an output without a gradient.
        gradients: one for each leaf; None where PyTorch found no dependence.
    """

    source: str
    call: Call
    leaves: list[Array]
    outputs: list[Array] | None
    cotangents: list[Array | None]
    gradients: list[Array | None]


def mapped(value: Any, change: Callable[[Array], Any]) -> Any:
    """The same nested arguments with every array changed."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(v, change) for v in value)
    if isinstance(value, dict):
        return {k: mapped(v, change) for k, v in value.items()}
    return value


def operation(name: str) -> Callable[..., Any]:
    found: Any = tg
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def outputs_of(result: Any) -> list[Any]:
    """The tensors of a result that may be a list or a named tuple of them."""
    return list(result) if isinstance(result, (list, tuple)) else [result]


def run(case: Case) -> tuple[list[Array], list[Array | None]]:
    """The values of the call, and the gradients of its leaves for the given cotangents."""
    tensors = {id(x): tg.tensor(x, requires_grad=True) for x in case.leaves}

    def placed(x: Array) -> Any:
        return tensors.get(id(x), x)

    with np.errstate(all="ignore"):
        result = operation(case.call.name)(
            *mapped(case.call.args, placed), **mapped(case.call.kwargs, placed)
        )
    outputs = outputs_of(result)
    for out, g in zip(outputs, case.cotangents):
        if g is not None and isinstance(out, tg.Tensor) and out.requires_grad:
            out.backward(g)
    gradients = [tensors[id(x)].grad for x in case.leaves]
    return [
        np.asarray(getattr(y, "data", y)) if not isinstance(y, np.ndarray) else y for y in outputs
    ], [None if g is None else np.asarray(g.data) for g in gradients]


def difference(case: Case, relative: float = 1e-8, better: bool = False) -> str | None:
    """What is not as it must be, in words; None if all is.

    ``better`` lets pass that something is a number where the expected one is not.
    """
    assert case.outputs is not None
    values, gradients = run(case)
    if len(values) != len(case.outputs):
        return f"{len(values)} outputs, not {len(case.outputs)}"
    for i, (found, expected) in enumerate(zip(values, case.outputs)):
        if better and np.shape(found) == np.shape(expected):
            expected = np.where(np.isnan(expected), found, expected)
        if wrong := _differs(found, expected, relative):
            return f"output {i}: {wrong}"
    for i, (found_g, expected_g) in enumerate(zip(gradients, case.gradients)):
        leaf = case.leaves[i]
        expected_g = np.zeros(np.shape(leaf)) if expected_g is None else expected_g
        found_g = np.zeros(np.shape(leaf)) if found_g is None else found_g
        if better and np.shape(found_g) == np.shape(expected_g):
            expected_g = np.where(np.isnan(expected_g), found_g, expected_g)
        if wrong := _differs(found_g, expected_g, relative):
            return f"gradient {i}: {wrong}"
    return None


def _differs(found: Array, expected: Array, relative: float) -> str | None:
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return f"shape {found.shape}, not {expected.shape}"
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(np.max(finite, initial=0)) if expected.dtype.kind == "f" else 0.0
    tolerance = relative * min(max(scale, 1e-22), 1.0)
    if np.allclose(found, expected, rtol=relative, atol=tolerance, equal_nan=True):
        return None
    at = np.unravel_index(
        np.argmax(~np.isclose(found, expected, rtol=relative, atol=tolerance, equal_nan=True)),
        found.shape,
    )
    return f"{found[at]} instead of {expected[at]} at {tuple(map(int, at))}"


# Files


def save(cases: list[Case], path: Path) -> None:
    """Write cases to one compressed file, with every array once."""
    arrays: list[Array] = []
    known: dict[Any, int] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            key = id(value)
            if key not in known:
                known[key] = len(arrays)
                arrays.append(value)
            return {"array": known[key]}
        if isinstance(value, tuple):
            return {"tuple": [plain(v) for v in value]}
        if isinstance(value, list):
            return [plain(v) for v in value]
        if isinstance(value, dict):
            return {"dict": {k: plain(v) for k, v in value.items()}}
        if isinstance(value, slice):
            return {"slice": [value.start, value.stop, value.step]}
        if value is Ellipsis:
            return {"ellipsis": True}
        return value

    text = json.dumps([plain(tuple(case)) for case in cases])
    np.savez_compressed(path, cases=np.array(text), **{f"a{i}": a for i, a in enumerate(arrays)})


def load(path: Path) -> list[Case]:
    """The cases of a file; an array that was shared is shared again."""
    with np.load(path) as file:
        arrays = [file[f"a{i}"] for i in range(len(file.files) - 1)]
        text = str(file["cases"])

    def full(value: Any) -> Any:
        if isinstance(value, list):
            return [full(v) for v in value]
        if not isinstance(value, dict):
            return value
        ((kind, inner),) = value.items()
        match kind:
            case "array":
                return arrays[inner]
            case "tuple":
                return tuple(full(v) for v in inner)
            case "dict":
                return {k: full(v) for k, v in inner.items()}
            case "slice":
                return slice(*inner)
            case _:
                return Ellipsis

    cases = []
    for source, call, *rest in (full(entry) for entry in json.loads(text)):
        cases.append(Case(source, Call(*call), *rest))
    return cases
