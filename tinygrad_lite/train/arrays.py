"""The values of what models, losses and metrics take and give, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor

Array = np.ndarray[Any, Any]


def as_array(x: Any) -> Array:
    """The values of a tensor, an array, or nested lists.

    >>> as_array([[1, 2]]).shape
    (1, 2)
    """
    return np.asarray(x.numpy() if isinstance(x, Tensor) else x)
