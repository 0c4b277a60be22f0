"""Reading and writing parts of an array by NumPy's indices: slices, numbers, arrays, masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_lite.mode import mode
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.shape import ravel, reshape
from tinygrad_lite.primitive import Primitive, primitive
from tinygrad_lite.tensor import Tensor

ARRAY = "array"  # stands in a pattern where an index array is put in


def parse(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Split an index into its pattern, which is static, and its arrays, which are inputs."""
    pattern: list[Any] = []
    arrays: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, slice) or part is None or part is Ellipsis:
            pattern.append(part)
        elif isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_)):
            pattern.append(int(part))
        else:
            if not isinstance(part, Tensor):
                # A copy, since the record must not follow later changes; a compiled function must.
                part = np.array(part, copy=None if mode().intercept is not None else True)
                if not part.size and part.dtype.kind == "f":
                    part = part.astype(np.intp)
            if part.dtype.kind not in "iub":
                raise IndexError(
                    f"an index must be integers, booleans, slices, ... or None, not {part.dtype}"
                )
            pattern.append(ARRAY)
            arrays.append(part)
    return tuple(pattern), arrays


def filled(pattern: tuple[Any, ...], arrays: tuple[Any, ...]) -> Any:
    """The index that NumPy takes: the pattern with its arrays put in."""
    rest = iter(arrays)
    return tuple(next(rest) if part is ARRAY else part for part in pattern)


_getitem = primitive(
    lambda x, *arrays, pattern: np.asarray(x)[filled(pattern, arrays)],
    lambda slot, g, out, x, *arrays, pattern: scatter(
        g, *arrays, shape=np.shape(x), pattern=pattern
    ),
    name="getitem",
    symbol="[·]",
)


def _scattered(g: Any, *arrays: Any, shape: tuple[int, ...], pattern: tuple[Any, ...]) -> Any:
    wide = np.float32 if g.dtype == np.float16 else g.dtype  # many may add up in one place
    out = np.zeros(shape, wide)
    index = filled(pattern, arrays)
    if all(a.dtype.kind == "b" or not np.ndim(a) for a in arrays):
        out[index] = g  # nothing is read twice
    elif g.size * 8 < out.size:
        np.add.at(out, index, g)
    else:  # numpy.add.at is several times as fast on one axis
        places = np.arange(out.size).reshape(shape)[index]
        np.add.at(out.reshape(-1), places.reshape(-1), g.reshape(-1))
    return out.astype(g.dtype, copy=False)


scatter: Primitive = primitive(
    _scattered,
    lambda slot, g, out, x, *arrays, shape, pattern: _getitem(g, *arrays, pattern=pattern),
    name="scatter",
    symbol="[·]⁺",
)


def getitem(x: Any, index: Any) -> Any:
    """``x[index]`` for every kind of NumPy index; elements read several times add up.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> x[[0, 0, 2]].sum().backward()
    >>> x.grad
    tensor([2., 0., 1.])
    """
    pattern, arrays = parse(index)
    return _getitem(x, *arrays, pattern=pattern)


def take(
    x: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise"
) -> Any:
    """The elements, or slices along ``axis``, at the given indices; None flattens first.

    Args:
        x: the tensor or array.
        indices: integers of any shape, which takes the place of the axis in the result's.
        axis: the axis to take from.
        out: None; what is written into an array has no gradient.
        mode: for an index out of range: ``raise``, ``wrap`` around, or ``clip`` to the range.

    >>> import tinygrad_lite as tg
    >>> tg.take(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0], axis=1)
    tensor([[2., 2., 1.],
            [4., 4., 3.]])
    """
    no_out("take", out)
    if axis is None or not np.ndim(x):
        x, axis = ravel(x), axis or 0
    axis = normalize_axis_index(axis, np.ndim(x))
    n = np.shape(x)[axis]
    indices = indices if isinstance(indices, Tensor) else np.asarray(indices)
    if mode == "wrap":
        indices = _wrapped(indices, n=n)
    elif mode == "clip":
        indices = _clipped(indices, n=n)
    elif mode != "raise":
        raise ValueError(f"take: mode must be raise, wrap or clip, not {mode!r}")
    return getitem(x, (*(slice(None),) * axis, indices))


_wrapped = primitive(lambda i, *, n: np.mod(i, n), name="wrap")
_clipped = primitive(lambda i, *, n: np.clip(i, 0, n - 1), name="clip_index")


def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """Elements along ``axis``, each row by its own indices, as :func:`argsort` gives them.

    Args:
        x: the tensor or array.
        indices: integers, of as many axes as x; they broadcast against x in all but ``axis``.
        axis: the axis to take from; None flattens x first.

    >>> import tinygrad_lite as tg
    >>> tg.take_along_axis(tg.tensor([[3.0, 1.0], [2.0, 4.0]]), [[1], [0]], axis=1)
    tensor([[1.],
            [2.]])
    """
    indices = indices if isinstance(indices, Tensor) else np.asarray(indices)
    if axis is None:
        x, axis = ravel(x), 0
    shape = np.shape(x)
    if np.ndim(indices) != len(shape):
        raise ValueError(
            f"take_along_axis needs indices of {len(shape)} axes, as x, not of {np.ndim(indices)}"
        )
    axis = normalize_axis_index(axis, len(shape))
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    return getitem(x, (*grid[:axis], indices, *grid[axis + 1 :]))


def _assigned(x: Any, value: Any, *arrays: Any, pattern: tuple[Any, ...]) -> Any:
    out = np.array(x)
    out[filled(pattern, arrays)] = value
    return out


def _stays(*arrays: Any, shape: tuple[int, ...], pattern: tuple[Any, ...]) -> Any:
    index = filled(pattern, arrays)
    writer = np.zeros(shape, np.intp)
    turn = np.arange(writer[index].size).reshape(writer[index].shape)
    writer[index] = turn
    return writer[index] == turn


last_writers = primitive(
    _stays,
    name="last_writers",
    doc="""Where an assigned element stays: of several written to one place, the last does.""",
)


def _assign_vjp(
    slot: int, g: Any, out: Any, x: Any, value: Any, *arrays: Any, pattern: tuple[Any, ...]
) -> Any:
    if slot == 0:
        return _assign(g, 0, *arrays, pattern=pattern)
    c = _getitem(g, *arrays, pattern=pattern)
    if arrays:
        c = where(last_writers(*arrays, shape=np.shape(x), pattern=pattern), c, 0)
    surplus = np.ndim(value) - np.ndim(c)  # leading axes of length 1, which NumPy lets pass
    return reshape(c, (1,) * surplus + np.shape(c)) if surplus > 0 else c


_assign = primitive(_assigned, _assign_vjp, name="assign", symbol="[·]=")


def assign(x: Any, index: Any, value: Any) -> Any:
    """A copy of x with ``value`` at ``index``, differentiable in both.

    Where an index array names a place several times, the last value written there stays.

    Raises:
        IndexError: if the index does not fit x.
        ValueError: if the value does not broadcast to what the index selects.
        TypeError: if a value that requires a gradient would be cut to an integer.

    >>> import tinygrad_lite as tg
    >>> tg.assign(tg.tensor([1.0, 2.0, 3.0]), slice(1, None), 0.0)
    tensor([1., 0., 0.])
    """
    pattern, arrays = parse(index)
    if isinstance(value, Tensor) and value.requires_grad and x.dtype.kind not in "fc":
        raise TypeError(
            f"assign: {value.dtype} values that require a gradient do not fit into {x.dtype}; "
            "convert the target first, for example with astype(float)"
        )
    return _assign(x, value, *arrays, pattern=pattern)


replaced = primitive(
    lambda old, value: value,
    (None, lambda g, out, old, value: g),
    name="replaced",
    symbol="←",
    in_place=True,
    doc="""The state of a tensor after a change in place; its first input is the state before.""",
)
