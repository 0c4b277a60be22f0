"""The sides: one module for each library, and `load`, which says why one cannot take part.

A side is a module with one function, `make(problem)`, which builds the model from the problem's
initial weights and returns `step()`: a whole training step on the next batch, which returns the
loss as anything that `float` takes (the clock stops when that is known). A side with
`COMPUTES_LOSS = False` is a bound to compare with, and is not held to the losses of the others.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from benchmarks.work import Problem, ScalarNetwork

TRAINING = {
    "numpy_by_hand": "NumPy by hand",
    "numpy_expert": "NumPy, expert-tuned",
    "numpy_products": "only the matrix products",
    "tinygrad_lite_eager": "tinygrad_lite",
    "tinygrad_lite_compiled": "tinygrad_lite, compiled",
    "jax_jit": "JAX jit",
    "jax_asynchronous": "JAX jit, not waiting",
    "pytorch_eager": "PyTorch",
    "pytorch_fused": "PyTorch, fused optimiser",
    "pytorch_compiled": "torch.compile",
    "mygrad_tensors": "MyGrad",
    "autograd_numpy": "autograd",
    "tinygrad_jit": "tinygrad jit",
}

SCALARS = {
    "micrograd_scalars": "micrograd",
    "pytorch_scalars": "PyTorch",
    "tinygrad_lite_scalars": "tinygrad_lite",
}

SLOW_TO_START = ("pytorch_compiled", "tinygrad_jit")


class Unavailable(Exception):
    """A side cannot take part; the message says why."""


def sides_for(problem: Problem) -> dict[str, str]:
    """The names of the sides that take on such a problem, with their titles, reference first."""
    return SCALARS if isinstance(problem, ScalarNetwork) else TRAINING


def load(name: str) -> ModuleType:
    """The side's module; raises `Unavailable` if its library is missing or does not import."""
    try:
        return import_module(f"benchmarks.sides.{name}")
    except ModuleNotFoundError as error:
        raise Unavailable(f"{error.name} is not installed") from error
    except Exception as error:
        raise Unavailable(describe(error)) from error


def describe(error: Exception) -> str:
    """The error's type and the first line of its message."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
