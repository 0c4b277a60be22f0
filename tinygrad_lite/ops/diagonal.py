"""Diagonals of matrices, and the triangles on either side."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.reduce import sum
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.shape import cast
from tinygrad_lite.primitive import Primitive, primitive

_diagonal = primitive(
    lambda x, *, offset, axis1, axis2: np.diagonal(x, offset, axis1, axis2),
    (
        lambda g, out, x, offset, axis1, axis2: _embed(
            g, shape=np.shape(x), offset=offset, axis1=axis1, axis2=axis2
        ),
    ),
    name="diagonal",
    symbol="⋱",
)


def _embedded(g: Any, *, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Any:
    out = np.zeros(shape, g.dtype)
    place = np.diagonal(out, offset, axis1, axis2)
    place.flags.writeable = True
    place[...] = g
    return out


_embed: Primitive = primitive(
    _embedded,
    (
        lambda g, out, x, shape, offset, axis1, axis2: _diagonal(
            g, offset=offset, axis1=axis1, axis2=axis2
        ),
    ),
    name="embed_diagonal",
    symbol="⋱",
)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices that two axes span, along a new last axis.

    >>> import tinygrad_lite as tg
    >>> tg.diagonal(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    return _diagonal(x, offset=offset, axis1=axis1, axis2=axis2)


def diag(x: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with a given diagonal and zeros elsewhere.

    Raises:
        ValueError: if x has neither one axis nor two.

    >>> import tinygrad_lite as tg
    >>> tg.diag(tg.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    if np.ndim(x) == 2:
        return diagonal(x, k)
    if np.ndim(x) != 1:
        raise ValueError(f"diag takes a vector or a matrix, not shape {np.shape(x)}")
    n = np.shape(x)[0] + abs(k)
    return _embed(x, shape=(n, n), offset=k, axis1=0, axis2=1)


def trace(
    x: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    out: None = None,
) -> Any:
    """The sum along the diagonals of the matrices that two axes span.

    >>> import tinygrad_lite as tg
    >>> tg.trace(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    no_out("trace", out)
    return sum(diagonal(x if dtype is None else cast(x, dtype), offset, axis1, axis2), -1)


def tril(x: Any, k: int = 0) -> Any:
    """The lower triangle of the last two axes: zeros above the k-th diagonal.

    >>> import tinygrad_lite as tg
    >>> tg.tril(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 0.],
            [3., 4.]])
    """
    return where(_below(x, k), x, 0)


def triu(x: Any, k: int = 0) -> Any:
    """The upper triangle of the last two axes: zeros below the k-th diagonal.

    >>> import tinygrad_lite as tg
    >>> tg.triu(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 2.],
            [0., 4.]])
    """
    return where(_below(x, k - 1), 0, x)


def _below(x: Any, k: int) -> Any:
    """Which elements lie on the k-th diagonal or below it."""
    if not np.ndim(x):
        raise ValueError("a triangle needs at least one axis; this has none")
    *_, rows, columns = np.shape(x) * 2 if np.ndim(x) == 1 else np.shape(x)
    return np.tri(rows, columns, k, dtype=bool)
