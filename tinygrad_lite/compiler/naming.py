"""Names for what a program handles: from parameters, modules and arguments, as a person would."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from typing import Any

from tinygrad_lite import graph
from tinygrad_lite.compiler.program import Instruction, Program, Value
from tinygrad_lite.tensor import Tensor

SHORT = {
    "linear": "z",
    "relu": "h",
    "matmul": "z",
    "getitem": "part",
    "nll": "loss",
    "label_loss": "loss",
    "cross_entropy": "loss",
    "dropout_mask": "mask",
    "gated": "g",
    "shifted": "shifted",
    "row_sum": "row_sum",
    "one_hot": "one_hot",
}
"""What results of an operation are called; those of others go by the operation."""


class Names:
    """Hands out identifiers, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)
        self.reserved: set[str] = set()

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names for what they mean to everybody, unless they are taken already."""
        self.reserved = set(names) - self.taken

    def new(self, wish: str) -> str:
        """An identifier like ``wish`` that nothing else has."""
        wish = re.sub(r"\W+", "_", wish, flags=re.ASCII).strip("_") or "value"
        if wish[0].isdigit():
            wish = f"layer_{wish}"
        if keyword.iskeyword(wish):
            wish += "_"
        name, number = wish, 0
        while name in self.taken or name in self.reserved:
            number += 1
            name = f"{wish}_{number}"
        self.taken.add(name)
        return name


def tensor_names(program: Program, paths: dict[int, str]) -> dict[Tensor, str]:
    """What the tensors that outlive the call are called: by their module, their name, or by
    where the function found them (``paths``, by identity).
    """
    wishes: dict[Tensor, str] = {}
    for step in program.instructions:
        for v in step.inputs:
            if v.kind == "state" and v.source not in wishes:
                wishes[v.source] = _wish(v.source, step, paths)
    return wishes


def _wish(t: Tensor, step: Instruction, paths: dict[int, str]) -> str:
    own = t.name or ""
    scope = step.scope
    while scope is not None:
        module = scope.module()
        for key, value in vars(module).items() if module is not None else ():
            if value is t:
                path = _module_path(scope)
                return f"{path}_{key}" if path else key
        scope = scope.outer
    return own or paths.get(id(t), "tensor")


def _module_path(scope: Any) -> str:
    """The path of a module call without the class of the outermost module."""
    path: str = graph.path(scope)
    return path.partition(".")[2]


def result_name(step: Instruction) -> str:
    """What the result of an instruction is called."""
    return SHORT.get(step.operation.name, step.operation.name)


def kind(value: Value) -> str:
    """Shape and dtype, as comments have them."""
    return f"{value.dtype} {value.shape}" if value.shape else str(value.dtype)
