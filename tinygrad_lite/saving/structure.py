"""Nested state as flat, named arrays and a note in JSON of how they were nested."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

# In the note, what JSON has no form for is an object with one of these keys.
_ARRAY, _DICT, _TUPLE, _NUMBER = "array", "dict", "tuple", "number"
_DEEPEST = 100  # levels, far from where the readers and writers of JSON give up


class Unsupported(ValueError):
    """A file is whole, as far as it was read, but holds what NumPy has no numbers for."""


def flattened(state: Any) -> tuple[Arrays, str | None]:
    """The arrays in ``state`` by name, and its structure: None if it is a plain dict of arrays.

    Raises TypeError, with the place, for what cannot be saved, ValueError for too many levels.

    >>> flattened({"w": np.ones(2)})
    ({'w': array([1., 1.])}, None)
    >>> flattened({"state": {0: np.ones(2)}, "lr": 0.5})[0]
    {'state.0': array([1., 1.])}
    """
    if not isinstance(state, Mapping):
        advice = ": save its state_dict()" if hasattr(state, "state_dict") else ""
        raise TypeError(f"a state dict is saved, not a {type(state).__name__}{advice}")
    arrays: Arrays = {}
    note = _note(state, "", arrays, ())
    entries = note[_DICT]
    plain = all(isinstance(value, dict) and value.get(_ARRAY) == key for key, value in entries)
    return arrays, None if plain else json.dumps(note, allow_nan=False)


def rebuilt(arrays: Arrays, structure: str | None) -> Any:
    """What ``flattened`` took apart; ValueError if the two do not belong together.

    >>> rebuilt(*flattened({"state": {0: np.ones(2)}, "lr": 0.5}))
    {'state': {0: array([1., 1.])}, 'lr': 0.5}
    """
    if structure is None:
        return dict(arrays)
    used: set[str] = set()
    state = _value(json.loads(structure), arrays, used)
    if not isinstance(state, dict):
        raise ValueError(f"the note of its structure is of a {type(state).__name__}, not of a dict")
    if left := sorted(arrays.keys() - used):
        raise ValueError(f"the note of its structure leaves out {', '.join(map(repr, left[:3]))}")
    return state


def checksum(arrays: Arrays, structure: str | None) -> str:
    """The CRC-32 of names, dtypes, shapes, values and structure, as a file keeps it."""
    total = zlib.crc32((structure or "").encode())
    for name, array in sorted(arrays.items()):
        total = zlib.crc32(f"{name} {array.dtype.name} {array.shape}".encode(), total)
        total = zlib.crc32(array.tobytes(), total)
    return f"{total:08x}"


def _note(value: Any, path: str, arrays: Arrays, above: tuple[Any, ...]) -> Any:
    if isinstance(value, Tensor):
        value = value.data
    if isinstance(value, (np.ndarray, np.generic)):
        return {_ARRAY: _stored(np.asarray(value), path, arrays)}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_NUMBER: str(value)}
    if any(value is container for container in above):
        raise TypeError(f"the state contains itself, at {path!r}")
    if len(above) == _DEEPEST:
        raise ValueError(f"the state is nested in more than {_DEEPEST} levels, at {path!r:.60}")
    above = (*above, value)
    if isinstance(value, Mapping):
        for key in value:
            if type(key) not in (str, int):
                raise TypeError(f"a key in saved state is a string or an integer, not {key!r}")
        entries = [
            [k, _note(v, f"{path}.{k}".lstrip("."), arrays, above)] for k, v in value.items()
        ]
        return {_DICT: entries}
    if isinstance(value, (list, tuple)):
        items = [_note(v, f"{path}.{i}", arrays, above) for i, v in enumerate(value)]
        return items if isinstance(value, list) else {_TUPLE: items}
    raise TypeError(
        f"{path!r} is a {type(value).__name__}, which cannot be saved: state is made of arrays, "
        "tensors, numbers, strings, booleans, None, and dicts, lists and tuples of these"
    )


def _stored(array: Array, name: str, arrays: Arrays) -> str:
    if array.dtype.kind not in "fiubc":
        raise TypeError(f"{name!r} is an array of dtype {array.dtype}: only numbers can be saved")
    while name in arrays:
        name += "'"
    # In C order and the machine's byte order, which not every reader asks about.
    arrays[name] = np.array(array, array.dtype.newbyteorder("="), order="C")
    return name


def _value(note: Any, arrays: Arrays, used: set[str]) -> Any:
    if isinstance(note, list):
        return [_value(item, arrays, used) for item in note]
    if not isinstance(note, dict):
        return note
    try:
        ((kind, content),) = note.items()
        if kind == _ARRAY:
            used.add(content)
            return arrays[content]
        if kind == _TUPLE:
            return tuple(_value(item, arrays, used) for item in content)
        if kind == _NUMBER:
            return float(content)
        if kind == _DICT:
            return {key: _value(value, arrays, used) for key, value in content}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the note of its structure is wrong ({error})") from error
    raise ValueError(f"the note of its structure has the unknown entry {kind!r}")
