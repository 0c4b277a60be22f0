"""Buffers: who may write where, so that a call allocates nothing and memory is used again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lite.compiler.naming import Names
from tinygrad_lite.compiler.passes.rewrite import is_view
from tinygrad_lite.compiler.program import Effect, Program, Value

FOREVER = 1 << 60


@dataclass(eq=False)
class Buffer:
    """Memory that is allocated once."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Its size."""
        return int(np.prod(self.shape, dtype=int)) * self.dtype.itemsize


class Lifetimes:
    """Until which step the memory of each value is read, through whatever view of it."""

    def __init__(self, program: Program, may_alias: Any) -> None:
        self._root: dict[Value, Value] = {}
        self._end: dict[Value, int] = {}
        for index, step in enumerate(program.steps):
            if isinstance(step, Effect):
                for v in step.gradients.values():
                    if v is not None:
                        self._extend(v, FOREVER)
                continue
            for v in step.inputs:
                self._extend(v, index)
            if is_view(step):
                self._root[step.out] = self.root(step.inputs[0])
            elif may_alias(step):
                for v in step.inputs:
                    self._join(v, step.out)
        for v in program.wanted():
            self._extend(v, FOREVER)

    def root(self, value: Value) -> Value:
        """The value whose memory it is."""
        while value in self._root:
            value = self._root[value]
        return value

    def end(self, value: Value) -> int:
        """The index of the last step that reads the memory of ``value``."""
        return self._end.get(self.root(value), -1)

    def _extend(self, value: Value, index: int) -> None:
        root = self.root(value)
        self._end[root] = max(self._end.get(root, -1), index)

    def _join(self, value: Value, other: Value) -> None:
        a, b = self.root(value), self.root(other)
        if a is not b:
            self._root[b] = a


class Pool:
    """The buffers, and which of them are free."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.prefix = "b"
        self.buffers: list[Buffer] = []
        self.free: list[Buffer] = []
        self.reused = 0

    def take(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Buffer:
        """A free buffer, or a new one."""
        for buffer in self.free:
            if buffer.shape == shape and buffer.dtype == dtype:
                self.free.remove(buffer)
                self.reused += 1
                return buffer
        if not self.buffers and any(re.fullmatch(r"b\d+", name) for name in self.names.taken):
            self.prefix = "buffer_"  # the biases of many a model are called b1 and b2
        buffer = Buffer(self.names.new(f"{self.prefix}{len(self.buffers)}"), shape, dtype)
        self.buffers.append(buffer)
        return buffer

    def give(self, buffer: Buffer) -> None:
        """Nobody reads it any more."""
        self.free.append(buffer)

    @property
    def nbytes(self) -> int:
        """The size of all of them."""
        return sum(buffer.nbytes for buffer in self.buffers)
