"""What PyTorch's names are called here, said where one of them is asked for."""

from __future__ import annotations

from typing import Any

HINTS = {  # what PyTorch calls it: what NumPy, and so this library, calls it
    "cat": "tg.concatenate(tensors, axis)",
    "clamp": "clip(low, high)",
    "clone": "t + 0, which is recorded, or tg.tensor(t) for a new leaf",
    "copy": "t + 0, which is recorded, or tg.tensor(t) for a new leaf",
    "cpu": "nothing: tensors are NumPy arrays",
    "dim": "ndim",
    "double": "astype('float64')",
    "flatten": "ravel(), or nn.Flatten() for a batch",
    "float": "astype('float32')",
    "numel": "size",
    "permute": "transpose(axes)",
    "to": "astype(dtype)",
    "type": "astype(dtype)",
    "unsqueeze": "expand_dims(axis)",
    "view": "reshape(shape)",
}


def unknown(whose: str, name: str) -> str:
    """The message for a name that is not there, with the one that is."""
    hint = f": use {HINTS[name]}" if name in HINTS else ""
    return f"{whose} has no attribute {name!r}{hint}"


class Absent:
    """Stands in the place of a method that PyTorch has, to say what it is called here."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, t: Any, owner: type) -> Any:
        raise AttributeError(unknown("a tensor", self.name))
