"""What the sides of this library share: the training step, before it is compiled or not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from benchmarks.work import MLP
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F


def make_train_step(problem: MLP) -> Callable[[Any, Any], Any]:
    """A function of an input and labels that trains a model of its own and returns the loss."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(problem.sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    state = {}
    for layer, (weight, bias) in enumerate(problem.initial_weights()):
        state[f"{2 * layer}.weight"], state[f"{2 * layer}.bias"] = weight, bias
    model.load_state_dict(state)
    optimiser = getattr(optim, problem.optimiser)(model.parameters(), **problem.settings)

    def train_step(x: Any, labels: Any) -> Any:
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimiser.step()
        return loss

    return train_step
