"""Functions of PyTorch's tensors, as something that gradients are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from inspect import getclosurevars
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_lite.testing.call import Call
from tinygrad_lite.testing.layouts import Array, Arrays
from tinygrad_lite.testing.subject import Differentiated, Subject
from tinygrad_lite.testing.trees import flatten


class Torch(Subject):
    """A function of PyTorch's tensors."""

    def __init__(self, call: Call) -> None:
        import torch

        self.call = copy(call)
        fixed = (torch.tensor(x) if isinstance(x, np.ndarray) else x for x in call.leaves)
        self.call.leaves = list(fixed)

    def record(self, leaves: Sequence[Any]) -> Any:
        """The result as one tensor of PyTorch."""
        import torch

        out = self.call(leaves)
        if isinstance(out, (tuple, list, dict)):
            return torch.cat([x.reshape(-1) for _, x in flatten(out)])
        return out

    def _recorded(self, arrays: Arrays) -> tuple[list[Any], Any]:
        import torch

        leaves = [torch.tensor(np.array(a), requires_grad=True) for a in arrays]
        return leaves, self.record(leaves)

    def value(self, arrays: Arrays) -> Array:
        value: Array = self._recorded(arrays)[1].detach().numpy()
        return value

    def pull(self, arrays: Arrays, cotangent: Array, wrt: Any = None) -> list[Any]:
        import torch

        leaves, out = self._recorded(arrays)
        if not out.requires_grad:
            return [None] * len(leaves)
        u = torch.tensor(np.array(cotangent))
        found: Any = torch.autograd.grad(out, leaves, u, allow_unused=True)
        return [None if g is None else g.numpy() for g in found]


class TorchGradient(Differentiated, Torch):
    """The gradients of a function of PyTorch's tensors."""

    inner: Torch

    def record(self, leaves: Sequence[Any]) -> Any:
        import torch

        *inputs, cotangent = leaves
        out = self.inner.record(inputs)
        found: Any = [None] * len(inputs)
        if out.requires_grad:
            found = torch.autograd.grad(
                out, inputs, cotangent, allow_unused=True, create_graph=True
            )
        parts = [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs)]
        return parts[0] if len(parts) == 1 else torch.cat([g.reshape(-1) for g in parts])


def from_torch(f: Callable[..., Any]) -> bool:
    """Whether ``f`` is of PyTorch, or a Python function that uses something of it."""
    used = [f]
    if isinstance(f, (FunctionType, MethodType)):
        seen = getclosurevars(f)
        used += [*seen.globals.values(), *seen.nonlocals.values()]
    return any("torch" in _packages(x) for x in used)


def _packages(x: Any) -> set[str]:
    """The packages that a value is, or belongs to, or that its type belongs to."""
    own = x.__name__ if isinstance(x, ModuleType) else getattr(x, "__module__", None)
    return {str(home).split(".")[0] for home in (own, type(x).__module__)}
