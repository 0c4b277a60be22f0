"""Half precision computed in single, so that no step on the way rounds or overflows."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

HALF = np.dtype(np.float16)

Function = TypeVar("Function", bound=Callable[..., Any])


def rounded_once(function: Function) -> Function:
    """A function that takes a float16 array or tensor as float32, and rounds only the result."""

    @wraps(function)
    def wide(x: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(x, "dtype", None) == HALF:
            return function(x.astype(np.float32), *args, **kwargs).astype(np.float16)
        return function(x, *args, **kwargs)

    return cast(Function, wide)
