"""Values as Python source that makes them again, to the last bit."""

from __future__ import annotations

import base64
import textwrap
import zlib
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

WRITTEN_OUT = 48  # elements up to which an array is written as numbers

PERIODS = (1, 2, 3, 4, 6, 8, 12)  # numbers that, repeated, may make an array

WIDTH = 96  # of the lines of a long array


class Source(str):
    """Source text that stands for a value inside others."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def written(x: Any) -> str:
    """An argument that is held fixed, an attribute, or an array, as source.

    >>> import numpy as np
    >>> written({"index": (np.array([0, 2]), slice(None)), "dtype": np.float32})
    "{'index': (np.array([0, 2], dtype='int64'), slice(None, None, None)), 'dtype': np.float32}"
    """
    if isinstance(x, np.ndarray):
        return packed(x) if x.size > WRITTEN_OUT else array(x)
    if isinstance(x, np.dtype):
        return f"np.dtype({x.str!r})"
    if isinstance(x, type) and issubclass(x, np.generic):
        return f"np.{x.__name__}"
    if type(x) in (tuple, list):
        return repr(type(x)(Source(written(part)) for part in x))
    if type(x) is dict:
        return repr({key: Source(written(value)) for key, value in x.items()})
    return repr(x)


def array(a: Array) -> str:
    """The array as numbers.

    >>> import numpy as np
    >>> array(np.array([1.0, 0.5], dtype=np.float32))
    "np.array([1.0, 0.5], dtype='float32')"
    """
    if not a.size:
        return f"np.zeros({a.shape}, dtype={a.dtype.name!r})"
    text = repr(a.astype(float).tolist() if a.dtype.kind == "f" else a.tolist())
    text = text.replace("nan", "np.nan").replace("inf", "np.inf")
    dtype = "" if a.dtype == np.float64 else f", dtype={a.dtype.name!r}"
    return f"np.array({text}{dtype})"


def numbers(a: Array) -> str:
    """The array as an argument of ``tg.tensor``: bare numbers where that says all."""
    bare = 0 < a.size <= WRITTEN_OUT and a.dtype == np.float64
    return array(a)[len("np.array(") : -1] if bare else written(a)


def packed(a: Array) -> str:
    """The array as a few numbers repeated, or as a call of :func:`unpacked` with all of its bits.

    >>> import numpy as np
    >>> packed(np.resize([1.0, -0.5], (2, 3)))
    'np.resize([1.0, -0.5], (2, 3))'

    >>> import numpy as np
    >>> a = np.linspace(0, 1, 7).reshape(1, 7)
    >>> bool(np.all(eval(packed(a)) == a))
    True
    """
    for period in PERIODS:
        few = a.reshape(-1)[:period]
        if (
            a.dtype.kind == "f"
            and np.isfinite(few).all()
            and 2 * period < a.size
            and np.resize(few, a.shape).tobytes() == a.tobytes()
        ):
            bare = few.tolist() if a.dtype == np.float64 else Source(array(few))
            return f"np.resize({bare!r}, {a.shape})"
    bits = zlib.compress(np.ascontiguousarray(a).tobytes(), 9)
    text = base64.b85encode(bits).decode()
    return f"unpacked({text!r}, {a.dtype.name!r}, {a.shape})"


def unpacked(text: str, dtype: str, shape: tuple[int, ...]) -> Array:
    """The array that :func:`packed` wrote."""
    bits = zlib.decompress(base64.b85decode(text))
    return np.frombuffer(bits, dtype=dtype).reshape(shape)


def folded(line: str) -> str:
    """A line with long lists of numbers, broken between numbers.

    >>> folded("short = [1, 2]")
    'short = [1, 2]'
    """
    return textwrap.fill(
        line, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
