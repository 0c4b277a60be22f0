"""Padding: elements added before and after along axes, by every mode of NumPy that fills them."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.ops.arithmetic import positive
from tinygrad_lite.ops.index import assign, getitem, take
from tinygrad_lite.ops.join import concatenate
from tinygrad_lite.ops.order import max, median, min
from tinygrad_lite.ops.reduce import mean
from tinygrad_lite.ops.shape import broadcast_to, cast, flip, reshape
from tinygrad_lite.primitive import primitive

_REPEATED = ("edge", "reflect", "symmetric", "wrap")
_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": max,
    "mean": mean,
    "median": median,
    "minimum": min,
}
_OPTIONS = {
    "constant": "constant_values",
    "linear_ramp": "end_values",
    **dict.fromkeys(_STATISTICS, "stat_length"),
}

_pad_whole = primitive(
    lambda x, *, widths, mode, options: np.pad(x, widths, mode, **options), name="pad"
)


def pad(
    x: Any,
    pad_width: Any,
    mode: str = "constant",
    constant_values: Any = 0,
    *,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: str = "even",
) -> Any:
    """x with elements added before and after along its axes.

    Args:
        x: the tensor or array.
        pad_width: how many: one number, one pair (before, after), or a pair for every axis; or a
            dictionary from axes to numbers or pairs.
        mode: ``constant``, ``edge``, ``reflect``, ``symmetric``, ``wrap``, ``linear_ramp``,
            ``maximum``, ``mean``, ``median`` or ``minimum``, as ``numpy.pad``.
        constant_values: what to fill in: one number or tensor, a pair, or a pair for every axis.
        end_values: what a ``linear_ramp`` ends in, likewise.
        stat_length: of how many elements at the edge the ``maximum``, ``mean``, ``median`` or
            ``minimum`` is taken, likewise; of all by default.
        reflect_type: ``odd`` turns what ``reflect`` and ``symmetric`` add by half about the edge:
            twice the edge minus the mirrored elements.

    Raises:
        ValueError: if the mode or ``reflect_type`` is none of these, or the widths are negative
            or do not fit.

    >>> import tinygrad_lite as tg
    >>> tg.pad(tg.tensor([1.0, 2.0, 3.0]), (1, 2))
    tensor([0., 1., 2., 3., 0., 0.])
    >>> tg.pad(tg.tensor([1.0, 2.0, 3.0]), 2, mode="reflect")
    tensor([3., 2., 1., 2., 3., 2., 1.])
    """
    x = x if hasattr(x, "dtype") else np.asarray(x)
    shape = np.shape(x)
    widths = _widths(pad_width, len(shape))
    if mode not in _REPEATED and mode not in _OPTIONS:
        known = ", ".join([*_REPEATED, *_OPTIONS])
        raise ValueError(f"pad: mode {mode!r} is not one of {known}")
    if reflect_type not in ("even", "odd"):
        raise ValueError(f"pad: reflect_type must be even or odd, not {reflect_type!r}")
    if not widths.any():
        return positive(x)
    if mode == "constant":
        return _framed(x, widths, constant_values)
    if reflect_type == "odd" and mode in ("reflect", "symmetric"):
        for axis, (n, (before, after)) in enumerate(zip(shape, widths.tolist())):
            skip = int(mode == "reflect" and n > 1)  # whether the edge itself is left out
            x = _turned(x, axis, before, n - skip, skip)
            x = flip(_turned(flip(x, axis), axis, after, n - skip, skip), axis)
        return x
    if mode in _REPEATED:
        for axis, (n, width) in enumerate(zip(shape, widths)):
            if width.any():
                x = take(x, np.pad(np.arange(n), width, mode), axis)  # type: ignore[call-overload]
        return x
    option = end_values if mode == "linear_ramp" else stat_length
    if x.dtype.kind not in "fc":
        return _pad_whole(x, widths=widths.tolist(), mode=mode, options={_OPTIONS[mode]: option})
    options = _pairs(option, len(shape))
    for axis, pair in enumerate(widths.tolist()):
        sides = [
            _ramp(x, axis, width, end, options[axis][end])
            if mode == "linear_ramp"
            else _level(x, axis, width, end, _STATISTICS[mode], options[axis][end])
            for end, width in enumerate(pair)
        ]
        x = concatenate([sides[0], x, sides[1]], axis)
    return x


def _widths(pad_width: Any, ndim: int) -> Any:
    """The numbers before and after, a row for every axis."""
    if isinstance(pad_width, dict):
        widths = np.zeros((ndim, 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
    elif np.shape(pad_width) in ((), (1,), (2,), (1, 1), (1, 2), (ndim, 1), (ndim, 2)):
        widths = np.broadcast_to(np.asarray(pad_width, dtype=int), (ndim, 2))
    else:
        raise ValueError(
            f"pad: pad_width {pad_width} does not fit {ndim} axes: give one number, one pair "
            "(before, after), or a pair for every axis"
        )
    if (widths < 0).any():
        raise ValueError(f"pad: widths must not be negative: {pad_width}")
    return widths


def _pairs(value: Any, ndim: int) -> list[list[Any]]:
    """One value, or a pair, or a pair for every axis, as pairs of numbers or tensors."""
    if value is None or np.ndim(value) == 0:
        return [[value, value]] * ndim
    rows = broadcast_to(value, (ndim, 2))
    return [[getitem(rows, (axis, end)) for end in range(2)] for axis in range(ndim)]


def _framed(x: Any, widths: Any, constant_values: Any) -> Any:
    shape = np.shape(x)
    if np.ndim(constant_values):
        values = _pairs(constant_values, len(shape))
        for axis, end in np.argwhere(widths).tolist():
            side = np.zeros_like(widths)
            side[axis, end] = widths[axis, end]
            x = _framed(x, side, values[axis][end])
        return x
    frame = tuple(n + before + after for n, (before, after) in zip(shape, widths.tolist()))
    inner = tuple(slice(before, before + n) for n, (before, _) in zip(shape, widths.tolist()))
    return assign(broadcast_to(cast(constant_values, x.dtype), frame), inner, x)


def _edge(x: Any, axis: int, end: int, length: int) -> Any:
    """So many elements along ``axis`` at its start, or at its end."""
    n = np.shape(x)[axis]
    if not n:
        raise ValueError(f"pad: axis {axis} of shape {np.shape(x)} has no elements to go on from")
    places = slice(n - length, n) if end else slice(length)
    return getitem(x, (*(slice(None),) * axis, places))


def _turned(x: Any, axis: int, width: int, step: int, skip: int) -> Any:
    """x with elements in front that mirror it by a half turn, ``step`` of them at a time."""
    for done in range(0, width, builtins.max(step, 1)):
        places = np.arange(builtins.min(step, width - done))[::-1] + skip
        x = concatenate([2 * _edge(x, axis, 0, 1) - take(x, places, axis), x], axis)
    return x


def _ramp(x: Any, axis: int, width: int, end: int, value: Any) -> Any:
    """From the outermost element in even steps towards ``value``, which is reached."""
    steps = np.arange(1, width + 1) if end else np.arange(width, 0, -1)
    shares = np.asarray(steps / np.maximum(width, 1), x.dtype)
    shares = reshape(shares, (-1, *(1,) * (np.ndim(x) - axis - 1)))
    return _edge(x, axis, end, 1) * (1 - shares) + cast(value, x.dtype) * shares


def _level(
    x: Any, axis: int, width: int, end: int, statistic: Callable[..., Any], length: Any
) -> Any:
    """The statistic of the elements at the edge, so many times."""
    n = np.shape(x)[axis]
    if length is not None and length < 1:
        raise ValueError(f"pad: stat_length must be at least 1, not {length}")
    part = _edge(x, axis, end, n if length is None else builtins.min(int(length), n))
    shape = np.shape(x)
    level = statistic(part, axis, keepdims=True)
    return broadcast_to(level, (*shape[:axis], width, *shape[axis + 1 :]))
