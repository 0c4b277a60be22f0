"""Linear: the affine map of features."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.nn import init
from tinygrad_lite.nn.module import Module
from tinygrad_lite.nn.parameter import Parameter
from tinygrad_lite.ops import affine, cast, matmul, transpose
from tinygrad_lite.random import Rng, generator


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight.T + bias, for shapes ``(..., in)``, ``(out, in)`` and ``(out,)``.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.linear(tg.tensor([1.0, 2.0]), tg.tensor([[3.0, 4.0]]))
    tensor([11.])
    """
    if bias is None:
        return matmul(x, transpose(weight))
    return affine(x, weight, bias)


class Linear(Module):
    """x @ weight.T + bias: every output is a weighted sum of all inputs.

    Args:
        in_features: the length of the last axis of the input, of shape ``(..., in_features)``.
        out_features: the length of the last axis of the output.
        bias: whether there is a bias.
        dtype: of the parameters; inputs of another dtype are cast to it.
        rng: for the initial values: a NumPy Generator, a seed, or None for the default one.

    Weights and bias start as PyTorch's do: evenly drawn from ±1 / sqrt(in_features).

    Raises:
        ValueError: if the input has another number of features.

    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> layer = nn.Linear(2, 3)
    >>> layer(np.ones((5, 2))).shape
    (5, 3)
    """

    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = np.float32,
        rng: Rng = None,
    ) -> None:
        self.in_features = counted("in_features", in_features)
        self.out_features = counted("out_features", out_features)
        rng = generator(rng)
        self.weight = Parameter(np.empty((out_features, in_features), dtype))
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), rng=rng)
        self.bias = None
        if bias:
            bound = 1 / math.sqrt(in_features)
            self.bias = init.uniform_(Parameter(np.empty(out_features, dtype)), -bound, bound, rng)

    def forward(self, x: Any) -> Any:
        weight, bias = self.weight, self.bias
        x = in_dtype(x, weight._data.dtype)
        try:
            return linear(x, weight) if bias is None else affine(x, weight, bias)
        except ValueError as error:
            if np.shape(x)[-1:] == (self.in_features,):
                raise
            raise ValueError(
                f"{self!r} takes inputs of shape (..., {self.in_features}), not {np.shape(x)}"
            ) from error

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


def in_dtype(x: Any, dtype: Any) -> Any:
    """An input in the dtype that a layer computes in; a cast, if it takes one, is recorded."""
    given = getattr(x, "dtype", None)
    if given is None:
        x = np.asarray(x)
        given = x.dtype
    if given is dtype or given == dtype:
        return x
    if given.kind not in "fiub":
        raise TypeError(f"a layer of dtype {dtype} cannot take an input of dtype {given}")
    return cast(x, dtype)


def counted(name: str, value: Any) -> int:
    """A positive whole number, or an error that says which argument is none."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} must be a positive whole number, not {value!r}")
    return int(value)
