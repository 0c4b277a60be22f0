"""What PyTorch's names are called here, said where one of them is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import isfunction, signature
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

KEYWORDS = {  # likewise, of arguments by keyword
    "descending": "use tg.flip of the result",
    "device": "tensors are NumPy arrays, so leave it out",
    "dim": "NumPy's name is axis",
    "dim0": "NumPy's name is axis1",
    "dim1": "NumPy's name is axis2",
    "dims": "NumPy's name is axis, or axes",
    "index": "NumPy's name is indices",
    "inplace": "results are new tensors, so leave it out",
    "input": "give the first argument by its place",
    "keepdim": "NumPy's name is keepdims",
    "largest": "use tg.flip of tg.sort",
    "other": "give the second argument by its place",
    "p": "NumPy's name is ord",
    "shifts": "NumPy's name is shift",
    "size": "NumPy's name is shape",
    "tensors": "give the first argument by its place",
    "unbiased": "NumPy's name is ddof, which is 1 for unbiased",
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


def misnamed(name: str, function: Callable[..., Any], keywords: Iterable[str]) -> str:
    """The message for a keyword that has another name here; empty if there is none."""
    try:
        known: Mapping[str, Any] = signature(function).parameters
    except ValueError:  # of some functions in C it is not known
        known = {}
    for keyword in sorted(KEYWORDS.keys() & set(keywords) - known.keys()):
        return f"{name}() has no argument {keyword!r}: {KEYWORDS[keyword]}"
    return ""


def teach(public: dict[str, Any], names: Iterable[str]) -> None:
    """Let functions of a module say what an argument that PyTorch has is called here.

    What is no plain function, such as a primitive, has its own words and stays as it is.
    """
    for name in names:
        if isfunction(public[name]) and not hasattr(public[name], "__wrapped__"):
            public[name] = _teaching(public[name], public["__name__"])


def _teaching(function: Callable[..., Any], module: str) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            message = misnamed(function.__name__, function, kwargs)
            if not message:
                raise
            raise TypeError(message) from error

    call.__module__ = module  # where pickle finds it
    return call
