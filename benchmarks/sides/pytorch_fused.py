"""PyTorch with the fused optimiser, or with the horizontally batched one where none is fused."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.sides import pytorch_eager
from benchmarks.work import MLP

FUSED = ("SGD", "Adam")


def make(problem: MLP) -> Callable[[], torch.Tensor]:
    option = "fused" if problem.optimiser in FUSED else "foreach"
    return pytorch_eager.make(problem, **{option: True})
