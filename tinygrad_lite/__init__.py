"""tinygrad_lite: automatic differentiation on NumPy, small enough to read and quick to train."""

# ruff: noqa: F401, I001 - names for editors; tensor first, because operations are made of tensors

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from tinygrad_lite.tensor import Tensor, tensor
from tinygrad_lite import linalg, nn, optim, random
from tinygrad_lite.checkpoint import checkpoint
from tinygrad_lite.hints import unknown as _unknown
from tinygrad_lite.mode import enable_grad, is_grad_enabled, no_grad
from tinygrad_lite.ops import *  # noqa: F403 - ops.__all__ is the list of operations
from tinygrad_lite.ops import __all__ as _operations
from tinygrad_lite.primitive import primitive
from tinygrad_lite.random import manual_seed

__version__ = "0.1.0"

if _TYPE_CHECKING:
    from tinygrad_lite import data, testing, train
    from tinygrad_lite.anomaly import AnomalyError, detect_anomaly
    from tinygrad_lite.compiler import compile
    from tinygrad_lite.drawing.flow import draw_flow
    from tinygrad_lite.drawing.picture import draw
    from tinygrad_lite.drawing.trace import trace_backward
    from tinygrad_lite.explain import why_no_grad
    from tinygrad_lite.saving import load, save
    from tinygrad_lite.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

# Imported when first asked for: not every program needs them, and every program is started.
_LATE = {
    "AnomalyError": "anomaly",
    "compile": "compiler",
    "detect_anomaly": "anomaly",
    "draw": "drawing.picture",
    "draw_flow": "drawing.flow",
    "grad": "transforms",
    "hessian": "transforms",
    "hvp": "transforms",
    "jacobian": "transforms",
    "jvp": "transforms",
    "load": "saving",
    "save": "saving",
    "trace_backward": "drawing.trace",
    "value_and_grad": "transforms",
    "vjp": "transforms",
    "why_no_grad": "explain",
}
_LATE_MODULES = ("data", "testing", "train")


__all__ = [
    "Tensor",
    "checkpoint",
    "enable_grad",
    "is_grad_enabled",
    "linalg",
    "manual_seed",
    "nn",
    "no_grad",
    "optim",
    "primitive",
    "random",
    "tensor",
    *_operations,
    *_LATE,
    *_LATE_MODULES,
]


def __getattr__(name: str) -> _Any:
    if name in _LATE_MODULES:
        return _import_module(f"tinygrad_lite.{name}")
    if name not in _LATE:
        raise AttributeError(_unknown("module 'tinygrad_lite'", name))
    globals()[name] = getattr(_import_module(f"tinygrad_lite.{_LATE[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
