"""Numbers of epochs and batches: whole, and at least 1."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np


def count(name: str, value: Any, unit: str) -> int:
    """The number as an integer; TypeError or ValueError, with the name, for what is none.

    >>> count("epochs", 3, "passes over the data")
    3
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number of {unit}, not {value!r}") from None
    if number < 1:
        raise ValueError(f"{name} is a number of {unit}, at least 1, not {value!r}")
    return number
