"""New tensors filled with given values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor


def zeros(shape: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros.

    >>> import tinygrad_lite as tg
    >>> tg.zeros((2, 3)).shape
    (2, 3)
    """
    return Tensor(np.zeros(shape, dtype or float), requires_grad)


def ones(shape: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones.

    >>> import tinygrad_lite as tg
    >>> tg.ones(2)
    tensor([1., 1.])
    """
    return Tensor(np.ones(shape, dtype or float), requires_grad)
