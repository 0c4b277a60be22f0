"""micrograd, whose demo this is."""

from __future__ import annotations

from collections.abc import Callable

from micrograd.engine import Value

from benchmarks.sides._scalars import forward
from benchmarks.work import ScalarNetwork


def make(problem: ScalarNetwork) -> Callable[[], float]:
    layers = [
        [([Value(w) for w in weights], Value(bias)) for weights, bias in layer]
        for layer in problem.weights
    ]
    parameters = [p for layer in layers for weights, bias in layer for p in (*weights, bias)]

    def step() -> float:
        for p in parameters:
            p.grad = 0
        loss = forward(layers, problem.data)
        loss.backward()
        for p in parameters:
            p.data -= problem.lr * p.grad
        return float(loss.data)

    return step
