"""Optimisers, clipping and learning rate schedules, with PyTorch's names and arithmetic."""

from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.optim.sgd import SGD

__all__ = ["SGD", "Optimizer"]
