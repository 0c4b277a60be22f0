"""NumPy by hand: the step as one writes it down with the chain rule on paper; the reference."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import numpy as np

from benchmarks.updates import make_update
from benchmarks.work import MLP


def make(problem: MLP) -> Callable[[], float]:
    layers = problem.initial_weights()
    weights = [np.ascontiguousarray(weight.T) for weight, _ in layers]
    biases = [bias for _, bias in layers]
    update = make_update(problem, weights + biases)
    rows = np.arange(problem.batch)
    batches = cycle(problem.batches)

    def step() -> float:
        x, labels = next(batches)
        activations = [x]
        for weight, bias in zip(weights[:-1], biases[:-1]):
            activations.append(np.maximum(activations[-1] @ weight + bias, 0))
        logits = activations[-1] @ weights[-1] + biases[-1]

        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1, keepdims=True)
        loss = (np.log(sums[:, 0]) - logits[rows, labels]).mean()

        g = exponentials / sums
        g[rows, labels] -= 1
        g /= len(x)
        weight_gradients, bias_gradients = [], []
        for layer in reversed(range(len(weights))):
            weight_gradients.append(activations[layer].T @ g)
            bias_gradients.append(g.sum(axis=0))
            if layer:
                g = (g @ weights[layer].T) * (activations[layer] > 0)
        update(weight_gradients[::-1] + bias_gradients[::-1])
        return loss

    return step
