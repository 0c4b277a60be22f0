"""How numbers and arrays are written in pictures: whole where small, summed up where large."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

SMALL = 4  # elements that are written out in a box or on an edge
STRIP = 64  # cells of a heat strip
DIGITS = 4  # that a number is shown with
DECADES = 4  # powers of ten below the largest gradient that widths tell apart
EXACT = 8  # the most digits of a number that was written by somebody


def constant(value: Any) -> str:
    """A number that was written by somebody: in more digits where it is not as round as it seems.

    >>> constant(1.0), constant(1.00001), constant(0.1 + 0.2), constant(2**0.5)
    ('1', '1.00001', '0.3', '1.414')
    """
    text = number(value)
    if sum(c.isdigit() for c in text.lstrip("−0.")) < DIGITS:
        longer = (number(value, digits) for digits in range(DIGITS, EXACT + 1))
        return next((other for other in longer if other != text), text)
    return text


def number(value: Any, digits: int = DIGITS) -> str:
    """A number in at most so many significant digits.

    >>> number(0.1 + 0.2), number(-2.0), number(1.5e-9), number(float("nan"))
    ('0.3', '−2', '1.5e−9', 'NaN')
    """
    value = np.asarray(value)[()]
    if value.dtype.kind == "b":
        return str(bool(value))
    if value.dtype.kind == "c":
        return f"{number(value.real)} + {number(value.imag)}i"
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:  # −0 as well
        return "0"
    text = str(int(value)) if value.dtype.kind in "iu" else f"{float(value):.{digits}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def whole(value: Any) -> str:
    """Every element of an array, in brackets as nested as its axes.

    >>> whole([[1, 2], [3, 4]])
    '[[1, 2], [3, 4]]'
    """
    array = np.asarray(value)
    if not array.ndim:
        return number(array)
    pieces = [number(x) for x in array.ravel()]
    for length in reversed(array.shape):
        if not length:
            return "[" * array.ndim + "]" * array.ndim
        pieces = [f"[{', '.join(pieces[i : i + length])}]" for i in range(0, len(pieces), length)]
    return pieces[0]


def shape_text(shape: tuple[int, ...]) -> str:
    """The lengths of the axes, as ``32 × 64``; a single number has none."""
    return " × ".join(map(str, shape))


def norm(*arrays: Any) -> float:
    """The Euclidean length of all elements together, of one array or several; without overflow."""
    return math.hypot(*map(_length, arrays))


def _length(value: Any) -> float:
    if isinstance(value, (float, int)):
        return abs(float(value))
    array = np.abs(np.asarray(value)).astype(np.float64, copy=False)
    top = float(np.max(array, initial=0.0))
    if not np.isfinite(top) or top == 0:
        return top
    return top * float(np.sqrt(np.sum(np.square(array / top))))


def leaning(*arrays: Any) -> float:
    """How far signs agree: 1 where all are positive, -1 where all are negative, 0 in balance.

    NaN where the arrays are not finite.
    """
    if not math.isfinite(norm(*arrays)):
        return math.nan
    total, absolute = map(sum, zip(*map(_signs, arrays)))
    return total / absolute if 0 < absolute < math.inf else 0.0


def _signs(value: Any) -> tuple[float, float]:
    """The sum of all elements, and the sum of their absolute values."""
    if isinstance(value, (float, int)):
        return float(value), abs(float(value))
    array = np.asarray(value)
    if array.dtype.kind == "c":
        array = array.real
    with np.errstate(all="ignore"):
        return float(np.sum(array, dtype=np.float64)), float(
            np.sum(np.abs(array), dtype=np.float64)
        )


def share(size: float, largest: float) -> float:
    """How wide a gradient is drawn, from 0 to 1: logarithmic in its norm, over a few decades.

    >>> share(1.0, 1.0), share(0.01, 1.0), share(0.0, 1.0)
    (1.0, 0.5, 0.0)
    """
    if not np.isfinite(size):
        return 1.0
    if size <= 0 or largest <= 0:
        return 0.0
    return min(1.0, max(0.0, 1 + math.log10(size / largest) / DECADES))


def gist(value: Any, length: bool = False) -> str:
    """One line on an array: its elements if they are few, else its mean and spread.

    Args:
        value: the array or number.
        length: say the Euclidean length of a large array instead, as is usual of gradients.

    >>> gist([1.0, 2.0]), gist(np.ones(100)), gist(np.ones(100), length=True)
    ('[1, 2]', 'all 1', '‖10‖')
    """
    array = np.asarray(value)
    if array.size <= SMALL:
        return whole(array)
    if array.dtype.kind == "b":
        return f"{np.count_nonzero(array)} of {array.size} true"
    if array.dtype.kind in "iu":
        return f"{number(array.min())} … {number(array.max())}"
    strange = array.size - np.count_nonzero(np.isfinite(array))
    if strange:
        return f"{strange} of {array.size} not finite"
    if length or array.dtype.kind == "c":
        return f"‖{number(norm(array))}‖"
    if array.min() == array.max():
        return f"all {number(array.flat[0])}"
    return f"{number(np.mean(array, dtype=np.float64))} ± {number(np.std(array, dtype=np.float64))}"


def accumulation(before: Any, contribution: Any, after: Any) -> str:
    """How a contribution adds up: ``3 + 4 → 7``, or the contribution alone if it is the first.

    >>> accumulation(3.0, -4.0, -1.0)
    '3 + (−4) → −1'
    """
    if before is None:
        return gist(after, True)
    return f"{gist(before, True)} + {summand(gist(contribution, True))} → {gist(after, True)}"


def summand(text: str) -> str:
    """A number as it is written behind a plus."""
    return f"({text})" if text[0] == "−" else text


def described(value: Any) -> dict[str, Any]:
    """An array as plain data: ``whole`` if it is small, else a summary with a heat strip.

    Keys: ``shape``, ``dtype``, ``text`` (one line), and either ``whole`` (nested lists) or ``min``,
    ``max``, ``mean``, ``norm`` and ``strip`` (means of at most 64 equal stretches, in C order).
    Numbers that JSON cannot hold are the strings ``NaN``, ``∞`` and ``−∞``.
    """
    array = np.asarray(value)
    data: dict[str, Any] = {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "text": gist(array),
    }
    if array.size <= STRIP:
        data["whole"] = _plain(array.tolist())
        return data
    flat = array.ravel()
    flat = np.abs(flat) if flat.dtype.kind == "c" else flat.astype(np.float64)
    with np.errstate(all="ignore"):
        edges = np.linspace(0, flat.size, STRIP + 1).astype(int)
        strip = np.add.reduceat(flat, edges[:-1]) / np.diff(edges)
        data |= {
            "min": _plain(float(flat.min())),
            "max": _plain(float(flat.max())),
            "mean": _plain(float(flat.mean())),
            "norm": _plain(norm(flat)),
            "strip": _plain(strip.tolist()),
        }
    return data


def _plain(value: Any) -> Any:
    """Numbers and nested lists of them as JSON can hold them."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, complex) or (isinstance(value, float) and not np.isfinite(value)):
        return number(value)
    return value
