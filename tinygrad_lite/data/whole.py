"""Whole numbers: of examples, classes, folds and batches."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np


def whole(name: str, value: Any) -> int:
    """The number as an integer; TypeError for what is none, and for True and False.

    >>> whole("batch_size", np.int64(4))
    4
    """
    try:
        if isinstance(value, (bool, np.bool_)):  # integers to Python, but hardly meant as 1 and 0
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
