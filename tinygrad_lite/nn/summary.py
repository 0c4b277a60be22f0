"""Summary: the layers of a model with their shapes, parameters and memory, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite.mode import no_grad

if TYPE_CHECKING:
    from tinygrad_lite.nn.module import Module

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One module of the model.

    Attributes:
        name: its path; empty for the model itself.
        label: what the module around it calls it.
        kind: its class.
        depth: how many modules it is inside of.
        outputs: the shapes it returned, one for each call; none if it was not called.
        parameters: how many numbers it trains or holds fixed itself, without the modules in it.
        size: their bytes.
    """

    name: str
    label: str
    kind: str
    depth: int
    outputs: tuple[Shape, ...]
    parameters: int
    size: int


@dataclass(frozen=True)
class Summary:
    """What ``Module.summary`` found; printed, it is a table.

    Attributes:
        rows: one for every module, the model first.
        parameters: how many numbers the model holds as parameters.
        trainable: how many of them are trained.
        parameter_bytes: the memory of the parameters.
        gradient_bytes: that of their gradients.
        output_bytes: that of all outputs of the innermost modules, which the backward pass reads.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    parameter_bytes: int
    gradient_bytes: int
    output_bytes: int | None

    def __repr__(self) -> str:
        lines = [("layer", "output", "parameters")]
        lines += [
            (
                f"{'  ' * row.depth}{row.label}{': ' if row.label else ''}{row.kind}",
                _shapes(row.outputs),
                f"{row.parameters:,}" if row.parameters else "",
            )
            for row in self.rows
        ]
        if self.output_bytes is None:
            lines = [(layer, "", count) for layer, _, count in lines]
        first, second, third = (max(map(len, column)) for column in zip(*lines))
        table = [
            f"{a:{first}}  {f'{b:{second}}  ' if second else ''}{c:>{third}}" for a, b, c in lines
        ]
        rule = "─" * len(table[0])
        fixed = self.parameters - self.trainable
        frozen = f", {fixed:,} of them frozen" if fixed else ""
        memory = f"{_bytes(self.parameter_bytes)} of parameters"
        memory += f" + {_bytes(self.gradient_bytes)} of gradients"
        if self.output_bytes is not None:
            memory += f" + {_bytes(self.output_bytes)} of outputs"
        table = [table[0], rule, *(line.rstrip() for line in table[1:]), rule]
        return "\n".join([*table, f"{self.parameters:,} parameters{frozen}", memory])


def summarised(model: Module, example: Any) -> Summary:
    """The summary of a model, run on an example if there is one; see ``Module.summary``."""
    calls: dict[int, list[Any]] = {}
    if example is not None:
        inputs = example if isinstance(example, tuple) and not _is_shape(example) else (example,)
        if any(x is None for x in inputs):
            raise ValueError(
                f"the shape of a batch has numbers alone, not {example!r}: write how many examples "
                "there are in place of None"
            )
        inputs = tuple(_zeros(model, x) if _is_shape(x) else x for x in inputs)
        with _listening(model, calls), no_grad():
            model(*inputs)
    modules = list(model.named_modules())
    depths = {"": 0}
    rows = tuple(_row(name, m, calls.get(id(m), []), depths) for name, m in modules)
    parameters = list(model.parameters())
    innermost = (m for _, m in modules if not any(m.children()))
    outputs = [out for m in innermost for call in calls.get(id(m), []) for out in call]
    return Summary(
        rows=rows,
        parameters=sum(p.size for p in parameters),
        trainable=sum(p.size for p in parameters if p.requires_grad),
        parameter_bytes=sum(_nbytes(p) for p in parameters),
        gradient_bytes=sum(_nbytes(p) for p in parameters if p.requires_grad),
        output_bytes=None if example is None else sum(_nbytes(out) for out in outputs),
    )


def _row(name: str, module: Module, calls: list[Any], depths: dict[str, int]) -> Row:
    around = max((n for n in depths if f"{name}.".startswith(f"{n}." if n else "")), key=len)
    if name:
        depths[name] = depths[around] + 1
    inner = {id(p) for child in module.children() for p in child.parameters()}
    own = [p for p in module.parameters() if id(p) not in inner]
    return Row(
        name=name,
        label=name[len(around) :].lstrip("."),
        kind=type(module).__name__,
        depth=depths[name],
        outputs=tuple(np.shape(out) for call in calls for out in call),
        parameters=sum(p.size for p in own),
        size=sum(_nbytes(p) for p in own),
    )


@contextmanager
def _listening(model: Module, calls: dict[int, list[Any]]) -> Iterator[None]:
    """In evaluation mode, note what every module returns; afterwards all is as it was."""
    before = [(module, module.training) for module in model.modules()]

    def listening(module: Module) -> Any:
        forward = module.forward

        def noted(*inputs: Any, **options: Any) -> Any:
            out = forward(*inputs, **options)
            several = out if isinstance(out, (tuple, list)) else [out]
            calls.setdefault(id(module), []).append([x for x in several if hasattr(x, "shape")])
            return out

        return noted

    model.eval()
    own = [vars(module).get("forward") for module, _ in before]
    try:
        for module, _ in before:
            vars(module)["forward"] = listening(module)
        yield
    finally:
        for (module, mode), forward in zip(before, own):
            module.training = mode
            vars(module).pop("forward", None)
            if forward is not None:
                vars(module)["forward"] = forward


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(n, (int, np.integer)) for n in x)


def _zeros(model: Module, shape: Shape) -> Any:
    dtypes = [p.dtype for p in model.parameters()]
    return np.zeros(shape, dtypes[0] if dtypes else np.float32)


def _nbytes(x: Any) -> int:
    return int(math.prod(x.shape) * x.dtype.itemsize)


def _shapes(shapes: tuple[Shape, ...]) -> str:
    """One shape as it is, equal ones with their number, different ones side by side."""
    different = list(dict.fromkeys(shapes))
    return ", ".join(
        f"{s}{f' × {shapes.count(s)}' if shapes.count(s) > 1 else ''}" for s in different
    )


def _bytes(n: int) -> str:
    size, unit = float(n), "bytes"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
