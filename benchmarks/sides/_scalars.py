"""The forward pass of the scalar network, for any number with `+`, `*` and `relu()`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Neuron = tuple[Sequence[Any], Any]


def forward(layers: Sequence[Sequence[Neuron]], data: Sequence[tuple[list[float], float]]) -> Any:
    """The mean of the max-margin losses of the points."""
    total = None
    for point, label in data:
        loss = (_score(layers, point) * -label + 1.0).relu()
        total = loss if total is None else total + loss
    assert total is not None
    return total * (1.0 / len(data))


def _score(layers: Sequence[Sequence[Neuron]], values: Sequence[Any]) -> Any:
    for layer in layers[:-1]:
        values = [_weigh(neuron, values).relu() for neuron in layer]
    return _weigh(layers[-1][0], values)


def _weigh(neuron: Neuron, values: Sequence[Any]) -> Any:
    weights, total = neuron
    for weight, value in zip(weights, values):
        total = total + weight * value
    return total
