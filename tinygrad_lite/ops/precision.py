"""Half precision computed in single, so that no step on the way rounds or overflows."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


def rounded_once(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of one array, which for float16 computes in float32 and rounds the result."""

    @wraps(forward)
    def wide(x: Any, **attributes: Any) -> Any:
        if getattr(x, "dtype", None) == np.float16:
            return forward(x.astype(np.float32), **attributes).astype(np.float16)
        return forward(x, **attributes)

    return wide
