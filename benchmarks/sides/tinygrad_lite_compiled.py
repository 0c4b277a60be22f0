"""This library, with the training step compiled to NumPy source."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import tinygrad_lite as tg
from benchmarks.sides._tinygrad_lite import make_train_step
from benchmarks.work import MLP


def make(problem: MLP) -> Callable[[], float]:
    train_step = tg.compile(make_train_step(problem))
    batches = cycle(problem.batches)

    def step() -> float:
        return train_step(*next(batches)).item()

    return step
