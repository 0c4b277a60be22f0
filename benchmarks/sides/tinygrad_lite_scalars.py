"""This library, number by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_lite as tg
from benchmarks.sides._scalars import forward
from benchmarks.work import ScalarNetwork


def make(problem: ScalarNetwork) -> Callable[[], Any]:
    layers = [
        [
            (
                [tg.tensor(w, requires_grad=True) for w in weights],
                tg.tensor(bias, requires_grad=True),
            )
            for weights, bias in layer
        ]
        for layer in problem.weights
    ]
    parameters = [p for layer in layers for weights, bias in layer for p in (*weights, bias)]

    def step() -> Any:
        for p in parameters:
            p.grad = None
        loss = forward(layers, problem.data)
        loss.backward()
        for p in parameters:
            p.data -= problem.lr * p.grad.data
        return loss.item()

    return step
