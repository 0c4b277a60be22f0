"""PyTorch as it comes: eager, with the optimiser's default implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks.sides import _pytorch
from benchmarks.work import MLP


def make(problem: MLP, **options: Any) -> Callable[[], torch.Tensor]:
    model = _pytorch.make_model(problem)
    optimiser = _pytorch.make_optimiser(problem, model, **options)
    batches = _pytorch.batches(problem)

    def step() -> torch.Tensor:
        x, labels = next(batches)
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step
