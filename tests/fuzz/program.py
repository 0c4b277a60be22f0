"""A random program: statements for this library, and what they mean in PyTorch, side by side."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

NAME = re.compile(r"\b[xy]\d+\b")


@lru_cache(maxsize=20_000)
def compiled(statement: str) -> CodeType:
    return compile(statement, "<program>", "exec")


@dataclass(frozen=True)
class Step:
    """One statement.

    Attributes:
        target: the variable it makes or changes.
        here: its source for this library.
        there: its source for PyTorch.
        pure: for a change in place, its source for PyTorch as an operation that makes a new value.
        exact: computed without rounding, so that equal elements stay equal in both libraries.
        cut: whether it holds back a gradient on purpose.
    """

    target: str
    here: str
    there: str
    pure: str | None = None
    exact: bool = False
    cut: bool = False

    @property
    def in_place(self) -> bool:
        return self.pure is not None

    @property
    def reads(self) -> set[str]:
        names = set(NAME.findall(self.here)) | set(NAME.findall(self.there))
        return names if self.in_place else names - {self.target}

    @property
    def functional(self) -> str:
        """The statement for PyTorch without changing what others may have read."""
        return self.there if self.pure is None else self.pure


@dataclass(frozen=True)
class Program:
    """Leaves, statements, and the cotangents of the results that are differentiated.

    Attributes:
        seed: what it was drawn from, such as ``"7:123"``.
        leaves: the values of the variables that it starts from.
        constant: the leaves that require no gradient.
        exact: the leaves whose values may tie or lie on a kink.
        steps: the statements.
        cotangents: for every result that is differentiated, what its gradient starts from.
        directions: for every leaf with a gradient, the direction of the second derivative.
        second_order: whether to compare that.
        piecewise: whether to call backward() once for each result rather than for their sum.
    """

    seed: str
    leaves: dict[str, np.ndarray]
    constant: frozenset[str]
    exact: frozenset[str]
    steps: tuple[Step, ...]
    cotangents: dict[str, np.ndarray]
    directions: dict[str, np.ndarray]
    second_order: bool
    piecewise: bool

    @property
    def variables(self) -> list[str]:
        """The leaves that a gradient is asked of."""
        return [name for name in self.leaves if name not in self.constant]

    @property
    def single_precision(self) -> bool:
        text = any("float32" in step.here for step in self.steps)
        return text or any(a.dtype == np.float32 for a in self.leaves.values())

    def pruned(self) -> Program:
        """The same without what no result depends on."""
        wanted = set(self.cotangents)
        kept: list[Step] = []
        for step in reversed(self.steps):
            if step.target in wanted:
                kept.append(step)
                if not step.in_place:
                    wanted.discard(step.target)
                wanted |= step.reads
        leaves = {name: a for name, a in self.leaves.items() if name in wanted}
        return replace(self, leaves=leaves, steps=tuple(reversed(kept)))

    def source(self) -> str:
        """A script that runs the program in both libraries and prints what they find."""
        lines = [
            f"# program {self.seed}, to be run in the checkout",
            "import numpy as np",
            "import torch",
            "import tinygrad_lite as tg",
            "from tests.fuzz.reference import *",
            "",
            f"leaves = {literal_dict(self.leaves)}",
            f"cotangents = {literal_dict(self.cotangents)}",
        ]
        if self.second_order:
            lines.append(f"directions = {literal_dict(self.directions)}")
        arguments = ", ".join(self.leaves)
        results = ", ".join(self.cotangents)
        for name, attribute in (("here", "here"), ("there", "functional")):
            lines += ["", f"def {name}({arguments}):"]
            lines += [f"    {getattr(step, attribute)}" for step in self.steps]
            lines.append(f"    return [{results}]")
        constant = sorted(self.constant & set(self.leaves))
        lines += [
            "",
            f"constant = {constant}",
            "ours = {n: tg.tensor(a, requires_grad=n not in constant) for n, a in leaves.items()}",
            "theirs = {n: torch.tensor(a, requires_grad=n not in constant) "
            "for n, a in leaves.items()}",
            "total = sum((y * c).sum() for y, c in zip(here(**ours), cotangents.values()))",
            "total_there = sum((y * torch.tensor(c)).sum() "
            "for y, c in zip(there(**theirs), cotangents.values()))",
        ]
        again = ", create_graph=True" if self.second_order else ""
        lines += [
            f"total.backward({again[2:]})",
            "wanted = [n for n in leaves if n not in constant]",
            "grads = torch.autograd.grad(total_there, [theirs[n] for n in wanted], "
            f"allow_unused=True{again})",
            "print(total, total_there)",
            "for n, g in zip(wanted, grads):",
            "    print(n, ours[n].grad, g, sep='\\n')",
        ]
        if self.second_order:
            lines += [
                "first = {n: ours[n].grad for n in wanted if ours[n].grad is not None}",
                "for n in wanted:",
                "    ours[n].grad = None",
                "slope = sum((g * directions[n]).sum() for n, g in first.items())",
                "slope_there = sum((g * torch.tensor(directions[n])).sum() "
                "for n, g in zip(wanted, grads) if g is not None)",
                "slope.backward()",
                "second = torch.autograd.grad(slope_there, [theirs[n] for n in wanted], "
                "allow_unused=True)",
                "for n, g in zip(wanted, second):",
                "    print(n, 'second', ours[n].grad, g, sep='\\n')",
            ]
        return "\n".join(lines)


def literal(array: Any) -> str:
    """An array as source."""
    array = np.asarray(array)
    if not array.size:
        return f"np.zeros({array.shape}, np.{array.dtype.name})"
    kind = "" if array.dtype in (np.float64, np.int64, np.bool_) else f", np.{array.dtype.name}"
    return f"np.array({array.tolist()}{kind})"


def literal_dict(arrays: dict[str, np.ndarray]) -> str:
    inner = "".join(f"\n    {name!r}: {literal(a)}," for name, a in arrays.items())
    return "{" + inner + "\n}" if inner else "{}"
