"""What the PyTorch sides share: the model with the problem's weights, its optimiser, its data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import torch
from torch import nn

from benchmarks.threads import thread_limit
from benchmarks.work import MLP

torch.set_num_threads(thread_limit())


def make_model(problem: MLP) -> nn.Sequential:
    layers: list[nn.Module] = []
    for weight, bias in problem.initial_weights():
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight = nn.Parameter(torch.from_numpy(weight))
        linear.bias = nn.Parameter(torch.from_numpy(bias))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def make_optimiser(problem: MLP, model: nn.Module, **options: Any) -> torch.optim.Optimizer:
    optimiser = getattr(torch.optim, problem.optimiser)
    made: torch.optim.Optimizer = optimiser(model.parameters(), **problem.settings, **options)
    return made


def batches(problem: MLP) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    return cycle([(torch.from_numpy(x), torch.from_numpy(y)) for x, y in problem.batches])
