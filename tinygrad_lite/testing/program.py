"""Random programs: operations on each other's results, which share values as real graphs do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tinygrad_lite import ops
from tinygrad_lite.testing.layouts import Array
from tinygrad_lite.testing.signatures import arity, describe
from tinygrad_lite.testing.sources import Define
from tinygrad_lite.testing.strategies import arrays

Operation = Callable[..., Any]

OPERATIONS: tuple[Operation, ...] = (
    ops.tanh,
    ops.add,
    ops.multiply,
    ops.subtract,
    ops.sigmoid,
    ops.negative,
)
"""Smooth at every real number, and slow to grow."""


@dataclass(frozen=True)
class Program:
    """A straight-line program: a function of arrays or tensors of one shape.

    Attributes:
        inputs: how many arguments it takes.
        steps: for every step the operation and the values it reads: arguments first, then results.
    """

    inputs: int
    steps: tuple[tuple[Operation, tuple[int, ...]], ...]

    def __call__(self, *values: Any) -> Any:
        """The result of the last step."""
        known = list(values)
        for operation, operands in self.steps:
            known.append(operation(*(known[i] for i in operands)))
        return known[-1]

    def __repr__(self) -> str:
        """The program as Python source."""
        named = [f"x{i}" for i in range(self.inputs)]
        lines = [f"def program({', '.join(named)}):"]
        for k, (operation, operands) in enumerate(self.steps):
            call = f"{describe(operation)}({', '.join(named[i] for i in operands)})"
            last = k == len(self.steps) - 1
            lines.append(f"    return {call}" if last else f"    y{k} = {call}")
            named.append(f"y{k}")
        return "\n".join(lines)

    def origin(self, known: str, define: Define) -> list[str] | None:
        """How a snippet gets hold of it."""
        operations = {describe(operation): operation for operation, _ in self.steps}
        if not all(define(name, operation) for name, operation in operations.items()):
            return None
        return [repr(self).replace("program", known, 1), ""]


def programs(
    ops: Sequence[Operation] = OPERATIONS,
    depth: int = 6,
    shape: tuple[int, ...] = (2,),
    **options: Any,
) -> st.SearchStrategy[tuple[Program, tuple[Array, ...]]]:
    """Programs with sharing, and inputs for them: pairs ``(program, arrays)``.

    Args:
        ops: operations that keep the shape of their operands, of as many as they need arguments.
        depth: the largest number of steps.
        shape: of every value.
        **options: of the inputs, as for ``arrays``.

    >>> from hypothesis import find
    >>> program, inputs = find(programs(), lambda drawn: len(drawn[0].steps) == 2)
    >>> print(program)
    def program(x0):
        y0 = tanh(x0)
        return tanh(x0)
    """
    arities = [arity(operation) for operation in ops]
    return _program(tuple(ops), arities, depth, arrays(shape, **options))


@st.composite
def _program(
    draw: st.DrawFn,
    ops: tuple[Operation, ...],
    arities: list[int],
    depth: int,
    values: st.SearchStrategy[Array],
) -> tuple[Program, tuple[Array, ...]]:
    count = draw(st.integers(1, 3))
    steps = []
    for k in range(draw(st.integers(1, depth))):
        chosen = draw(st.integers(0, len(ops) - 1))
        known = st.integers(0, count + k - 1)
        operands = tuple(draw(known) for _ in range(arities[chosen]))
        steps.append((ops[chosen], operands))
    return Program(count, tuple(steps)), tuple(draw(values) for _ in range(count))
