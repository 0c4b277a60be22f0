"""PyTorch, number by number."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.sides._scalars import forward
from benchmarks.threads import thread_limit
from benchmarks.work import ScalarNetwork

torch.set_num_threads(thread_limit())


def make(problem: ScalarNetwork) -> Callable[[], torch.Tensor]:
    layers = [
        [
            (
                [torch.tensor(w, requires_grad=True) for w in weights],
                torch.tensor(bias, requires_grad=True),
            )
            for weights, bias in layer
        ]
        for layer in problem.weights
    ]
    parameters = [p for layer in layers for weights, bias in layer for p in (*weights, bias)]

    def step() -> torch.Tensor:
        for p in parameters:
            p.grad = None
        loss: torch.Tensor = forward(layers, problem.data)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= problem.lr * p.grad
        return loss.detach()

    return step
