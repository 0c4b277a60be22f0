"""Neural networks: modules, layers, losses and initial values, by PyTorch's names."""

from tinygrad_lite.nn import functional, init
from tinygrad_lite.nn.activation import Identity, ReLU, Sigmoid, Tanh
from tinygrad_lite.nn.container import Sequential
from tinygrad_lite.nn.linear import Linear
from tinygrad_lite.nn.loss import CrossEntropyLoss, HuberLoss, L1Loss, MSELoss, NLLLoss
from tinygrad_lite.nn.module import Module, path_of
from tinygrad_lite.nn.parameter import Buffer, Parameter

__all__ = [
    "Buffer",
    "CrossEntropyLoss",
    "HuberLoss",
    "Identity",
    "L1Loss",
    "Linear",
    "MSELoss",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "functional",
    "init",
    "path_of",
]
