"""Flatten: several axes as one."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_lite.nn.module import Module
from tinygrad_lite.nn.reduction import as_operand
from tinygrad_lite.ops import reshape


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from ``start_dim`` to ``end_dim``, both included, as one; all by default.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.flatten(tg.zeros((2, 3, 4)), start_dim=1).shape
    (2, 12)
    """
    x = as_operand(x)
    shape = x.shape or (1,)
    first, last = (d + len(shape) if d < 0 else d for d in (start_dim, end_dim))
    if not 0 <= first <= last < len(shape):
        raise ValueError(
            f"flatten: axes {start_dim} to {end_dim} are not a range of axes of shape {x.shape}"
        )
    joined = math.prod(shape[first : last + 1])  # -1 would be ambiguous beside an empty axis
    return reshape(x, (*shape[:first], joined, *shape[last + 1 :]))


class Flatten(Module):
    """``flatten`` as a layer: by default it keeps the first axis, that of the batch.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Flatten()(tg.zeros((2, 8, 8))).shape
    (2, 64)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> Any:
        return flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
