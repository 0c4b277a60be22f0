"""Learning rate schedules, with PyTorch's names and values."""

from tinygrad_lite.optim.lr_scheduler.annealing import CosineAnnealingLR, LinearLR
from tinygrad_lite.optim.lr_scheduler.base import LRScheduler
from tinygrad_lite.optim.lr_scheduler.decay import ExponentialLR, LambdaLR, MultiStepLR, StepLR
from tinygrad_lite.optim.lr_scheduler.one_cycle import OneCycleLR
from tinygrad_lite.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "StepLR",
]
