"""The argument ``out`` of NumPy's functions: it may be given as None, as NumPy's callers do."""

from __future__ import annotations

from typing import Any


def no_out(name: str, out: Any) -> None:
    """Refuse to write a result into an array that is there already."""
    if out is not None:
        raise TypeError(
            f"{name}() into an array or tensor (out=) cannot be recorded, because its gradient "
            f"would be lost: use the result, or t[...] = {name}(...), which is recorded"
        )
