"""tinygrad_lite: automatic differentiation on NumPy, small enough to read and quick to train."""

# ruff: noqa: I001 - tensor comes first, because the operations are made of tensors

from importlib import import_module as _import_module
from typing import Any as _Any

from tinygrad_lite.tensor import Tensor, tensor
from tinygrad_lite import linalg, nn, optim, random
from tinygrad_lite.anomaly import AnomalyError, detect_anomaly
from tinygrad_lite.checkpoint import checkpoint
from tinygrad_lite.explain import why_no_grad
from tinygrad_lite.hints import unknown as _unknown
from tinygrad_lite.mode import enable_grad, is_grad_enabled, no_grad
from tinygrad_lite.ops import *  # noqa: F403 - ops.__all__ is the list of operations
from tinygrad_lite.ops import __all__ as _operations
from tinygrad_lite.primitive import primitive
from tinygrad_lite.random import manual_seed
from tinygrad_lite.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__version__ = "0.1.0"

_LATE = {  # imported when first asked for: pictures, files and tests are not in every program
    "compile": "tinygrad_lite.compiler",
    "draw": "tinygrad_lite.drawing.picture",
    "draw_flow": "tinygrad_lite.drawing.flow",
    "load": "tinygrad_lite.saving",
    "save": "tinygrad_lite.saving",
    "trace_backward": "tinygrad_lite.drawing.trace",
}
_LATE_MODULES = ("data", "testing", "train")


__all__ = [
    "AnomalyError",
    "Tensor",
    "checkpoint",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "hessian",
    "hvp",
    "is_grad_enabled",
    "jacobian",
    "jvp",
    "linalg",
    "manual_seed",
    "nn",
    "no_grad",
    "optim",
    "primitive",
    "random",
    "tensor",
    "value_and_grad",
    "vjp",
    "why_no_grad",
    *_operations,
    *_LATE,
    *_LATE_MODULES,
]


def __getattr__(name: str) -> _Any:
    if name in _LATE_MODULES:
        return _import_module(f"tinygrad_lite.{name}")
    if name not in _LATE:
        raise AttributeError(_unknown("module 'tinygrad_lite'", name))
    globals()[name] = getattr(_import_module(_LATE[name]), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
