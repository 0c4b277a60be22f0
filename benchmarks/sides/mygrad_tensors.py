"""MyGrad; the update is plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import mygrad as mg
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks.updates import make_update
from benchmarks.work import MLP


def make(problem: MLP) -> Callable[[], float]:
    parameters = [mg.tensor(array) for layer in problem.initial_weights() for array in layer]
    update = make_update(problem, [p.data for p in parameters])
    batches = cycle(problem.batches)

    def step() -> float:
        x, labels = next(batches)
        for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
            x = relu(mg.matmul(x, weight.T) + bias)
        logits = mg.matmul(x, parameters[-2].T) + parameters[-1]
        loss = softmax_crossentropy(logits, labels)
        loss.backward()
        update([p.grad for p in parameters])
        return loss.item()

    return step
