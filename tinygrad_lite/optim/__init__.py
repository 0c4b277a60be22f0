"""Optimisers, clipping and learning rate schedules, with PyTorch's names and arithmetic."""

from tinygrad_lite.optim import lr_scheduler
from tinygrad_lite.optim.adagrad import Adagrad
from tinygrad_lite.optim.adam import Adam
from tinygrad_lite.optim.adamw import AdamW
from tinygrad_lite.optim.clip import clip_grad_norm_, clip_grad_value_
from tinygrad_lite.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)
from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.optim.rmsprop import RMSprop
from tinygrad_lite.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
    "lr_scheduler",
]
