"""PyTorch with torch.compile: forward, backward and the optimiser's step as generated C++."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

from benchmarks.sides import _pytorch
from benchmarks.work import MLP


def make(problem: MLP) -> Callable[[], torch.Tensor]:
    torch.compiler.reset()
    model = _pytorch.make_model(problem)
    optimiser = _pytorch.make_optimiser(problem, model)
    batches = _pytorch.batches(problem)

    @torch.compile
    def compute_loss(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(x), labels)

    update = torch.compile(optimiser.step)

    def step() -> torch.Tensor:
        x, labels = next(batches)
        optimiser.zero_grad()
        loss = compute_loss(x, labels)
        loss.backward()
        update()
        return loss.detach()

    return step
