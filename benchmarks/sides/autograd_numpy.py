"""HIPS autograd, which differentiates NumPy code; the update is plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad

from benchmarks.updates import make_update
from benchmarks.work import MLP


def make(problem: MLP) -> Callable[[], float]:
    parameters = [array for layer in problem.initial_weights() for array in layer]
    rows = np.arange(problem.batch)
    update = make_update(problem, parameters)
    batches = cycle(problem.batches)

    @value_and_grad
    def loss_and_gradients(parameters: list[Any], x: Any, labels: Any) -> Any:
        for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
            x = np.maximum(x @ weight.T + bias, 0)
        logits = x @ parameters[-2].T + parameters[-1]
        shifted = logits - np.max(logits, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - shifted[rows, labels])

    def step() -> float:
        loss, gradients = loss_and_gradients(parameters, *next(batches))
        update(gradients)
        return loss

    return step
