"""tinygrad_lite: automatic differentiation on NumPy, small enough to read and quick to train."""

from tinygrad_lite import tensor as _tensor  # first: the operations are made of tensors
from tinygrad_lite import nn, optim, random
from tinygrad_lite.anomaly import AnomalyError, detect_anomaly
from tinygrad_lite.checkpoint import checkpoint
from tinygrad_lite.explain import why_no_grad
from tinygrad_lite.mode import enable_grad, is_grad_enabled, no_grad
from tinygrad_lite.ops import *  # noqa: F403 - ops.__all__ is the list of operations
from tinygrad_lite.ops import __all__ as _operations
from tinygrad_lite.primitive import primitive
from tinygrad_lite.random import manual_seed
from tinygrad_lite.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

Tensor = _tensor.Tensor
tensor = _tensor.tensor

__version__ = "0.1.0"
