"""tinygrad on the CPU, the whole step under TinyJit (needs clang, or its path in CC)."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import cycle
from typing import Any

os.environ.setdefault("DEV", "CPU")

from tinygrad import Context, Tensor, TinyJit, nn

from benchmarks.work import MLP


def make(problem: MLP) -> Callable[[], float]:
    layers = [
        (Tensor(weight).is_param_(), Tensor(bias).is_param_())
        for weight, bias in problem.initial_weights()
    ]
    optimiser = _make_optimiser(problem, [array for layer in layers for array in layer])
    batches = cycle([(Tensor(x).realize(), Tensor(y).realize()) for x, y in problem.batches])

    @TinyJit
    def train(x: Tensor, labels: Tensor) -> Tensor:
        optimiser.zero_grad()
        for weight, bias in layers[:-1]:
            x = x.linear(weight.T, bias).relu()
        weight, bias = layers[-1]
        loss = x.linear(weight.T, bias).sparse_categorical_crossentropy(labels)
        loss.backward()
        return loss.realize(*optimiser.schedule_step())

    def step() -> Any:
        with Context(TRAINING=1):
            return train(*next(batches)).item()

    return step


def _make_optimiser(problem: MLP, parameters: list[Tensor]) -> nn.optim.Optimizer:
    settings = problem.settings
    if problem.optimiser == "SGD":
        momentum = settings.get("momentum", 0.0)
        return nn.optim.SGD(parameters, lr=settings["lr"], momentum=momentum)
    if problem.optimiser == "Adam":
        (b1, b2), eps = settings["betas"], settings["eps"]
        return nn.optim.Adam(parameters, lr=settings["lr"], b1=b1, b2=b2, eps=eps)
    raise NotImplementedError(f"tinygrad has no optimiser {problem.optimiser}")
