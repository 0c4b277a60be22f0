"""Saving and loading of state dicts: safetensors or npz by the file's suffix, never pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinygrad_lite.saving import npz, safetensors
from tinygrad_lite.saving.atomic import replacing
from tinygrad_lite.saving.structure import Unsupported, flattened, rebuilt

__all__ = ["load", "save"]

_FORMATS = {".safetensors": safetensors, ".npz": npz}


def save(state: Mapping[Any, Any], path: str | os.PathLike[str]) -> None:
    """Write a state dict to a file: whole, or not at all.

    The state dict of a model becomes a plain safetensors or npz file, which PyTorch's safetensors
    and ``numpy.load`` read. Nested state, such as an optimiser's, can be saved too: dicts with
    strings or integers as keys, lists and tuples of arrays, tensors, numbers, strings, booleans and
    None. Its layout is noted in the file, as JSON.

    The new file is written beside the old one, flushed to the disk and then put in its place, so
    that a crash leaves either the old contents or the new.

    Args:
        state: what to save.
        path: ends in ``.safetensors``, which needs the library of that name
            (``pip install 'tinygrad_lite[train]'``), or in ``.npz``.

    Raises:
        TypeError: if something in the state cannot be saved; its place is named.
        ValueError: if the suffix is another one, a key cannot be a name in such a file, or the
            state is nested in more than 100 levels.
        OSError: if the file cannot be written.

    >>> import tempfile
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> model = nn.Linear(2, 3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save(model.state_dict(), f"{folder}/model.npz")
    ...     model.load_state_dict(tg.load(f"{folder}/model.npz"))
    IncompatibleKeys(missing_keys=[], unexpected_keys=[])
    """
    arrays, structure = flattened(state)
    target = format_of(path)
    with replacing(path) as temporary:
        target.write(temporary, arrays, structure)


def load(path: str | os.PathLike[str]) -> Any:
    """Read what ``save`` wrote, or any safetensors or npz file of numeric arrays, as a dict.

    All of the file is read and checked before anything is returned. Nothing in it is executed or
    unpickled, and no more memory is taken than its size accounts for.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the suffix is neither ``.safetensors`` nor ``.npz``, or the file is damaged,
            truncated, or holds something else than arrays of numbers.

    >>> import tempfile
    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save({"step": 3, "state": {0: np.ones(2)}}, f"{folder}/state.npz")
    ...     tg.load(f"{folder}/state.npz")
    {'step': 3, 'state': {0: array([1., 1.])}}
    """
    source = format_of(path)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        return rebuilt(*source.read(path))
    except ImportError:
        raise  # a library is missing, which says nothing about the file
    except Unsupported as error:
        raise ValueError(f"{path} cannot be loaded: {error}; nothing was loaded") from error
    except Exception as error:  # parsers stumble over damaged files in many ways
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"{path} cannot be loaded: {reason}. It is damaged, incomplete or of another kind; "
            "nothing was loaded"
        ) from error


def format_of(path: str | os.PathLike[str]) -> Any:
    """The module that writes and reads files with this suffix; ValueError for another suffix."""
    suffix = Path(path).suffix
    if suffix not in _FORMATS:
        raise ValueError(
            f"state is saved as .safetensors or .npz, not as {suffix or 'a file without suffix'!r}:"
            f" {os.fspath(path)}"
        )
    return _FORMATS[suffix]
