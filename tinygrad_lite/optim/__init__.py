"""Optimisers, clipping and learning rate schedules, with PyTorch's names and arithmetic."""

from tinygrad_lite.optim.adagrad import Adagrad
from tinygrad_lite.optim.adam import Adam
from tinygrad_lite.optim.adamw import AdamW
from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.optim.rmsprop import RMSprop
from tinygrad_lite.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop"]
