"""Reading and writing parts of an array by NumPy's indices: slices, numbers, arrays, masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.primitive import primitive
from tinygrad_lite.tensor import Tensor

ARRAY = "array"  # stands in a pattern where an index array is put in


def parse(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Split an index into its pattern, which is static, and its arrays, which are inputs."""
    pattern, arrays = [], []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, slice) or part is None or part is Ellipsis:
            pattern.append(part)
        elif isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_)):
            pattern.append(int(part))
        else:
            if not isinstance(part, Tensor):
                part = np.array(part)  # a copy: the record must not follow later changes
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
    lambda slot, g, out, x, *arrays, pattern: _scatter(
        g, *arrays, shape=np.shape(x), pattern=pattern
    ),
    name="getitem",
    symbol="[·]",
)


def _scattered(g: Any, *arrays: Any, shape: tuple[int, ...], pattern: tuple[Any, ...]) -> Any:
    out = np.zeros(shape, g.dtype)
    index = filled(pattern, arrays)
    if any(a.dtype.kind != "b" for a in arrays):
        np.add.at(out, index, g)
    else:
        out[index] = g
    return out


_scatter = primitive(
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


def _assigned(x: Any, value: Any, *arrays: Any, pattern: tuple[Any, ...]) -> Any:
    out = np.array(x)
    out[filled(pattern, arrays)] = value
    return out


def _winners(shape: tuple[int, ...], arrays: tuple[Any, ...], pattern: tuple[Any, ...]) -> Any:
    """Where an assigned element stays: of several written to one place, the last does."""
    index = filled(pattern, tuple(np.asarray(getattr(a, "_data", a)) for a in arrays))
    writer = np.zeros(shape, np.intp)
    turn = np.arange(writer[index].size).reshape(writer[index].shape)
    writer[index] = turn
    return writer[index] == turn


_assign = primitive(
    _assigned,
    lambda slot, g, out, x, value, *arrays, pattern: (
        _assign(g, np.zeros((), np.asarray(g.dtype.type(0)).dtype)[()], *arrays, pattern=pattern)
        if slot == 0
        else _getitem(g, *arrays, pattern=pattern) * _winners(np.shape(x), arrays, pattern)
        if any(part is ARRAY for part in pattern)
        else _getitem(g, *arrays, pattern=pattern)
    ),
    name="assign",
    symbol="[·]=",
)


def assign(x: Any, index: Any, value: Any) -> Any:
    """A copy of x with ``value`` at ``index``, differentiable in both.

    >>> import tinygrad_lite as tg
    >>> tg.assign(tg.tensor([1.0, 2.0, 3.0]), slice(1, None), 0.0)
    tensor([1., 0., 0.])
    """
    pattern, arrays = parse(index)
    return _assign(x, value, *arrays, pattern=pattern)


replaced = primitive(
    lambda old, value: value,
    (None, lambda g, out, old, value: g),
    name="replaced",
    symbol="←",
    in_place=True,
    doc="""The state of a tensor after a change in place; its first input is the state before.""",
)
