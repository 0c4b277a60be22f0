"""Products of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_lite.ops import guard
from tinygrad_lite.ops.arithmetic import multiply
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.reduce import total
from tinygrad_lite.ops.shape import expand_dims, ravel, reshape, swapaxes, transpose
from tinygrad_lite.primitive import primitive


def _product(x: Any, y: Any) -> Any:
    """x @ y; two matrices go to BLAS by the short way."""
    try:
        if type(x) is np.ndarray is type(y) and x.ndim == y.ndim == 2:
            return x.dot(y)
        return x @ y
    except (TypeError, ValueError) as error:
        raise _mismatch(np.shape(x), np.shape(y)) or error from None


def _mismatch(x: tuple[int, ...], y: tuple[int, ...]) -> ValueError | None:
    """What is wrong with the shapes of two factors, in words."""
    if not x or not y:
        return ValueError("a number cannot be multiplied by @: use *")
    if x[-1] != y[-2 if len(y) > 1 else 0]:
        rows = "rows" if len(y) > 1 else "elements"
        return ValueError(f"{x[-1]} columns on the left, {y[-2:][0]} {rows} on the right")
    return None


def _matmul_left(g: Any, out: Any, x: Any, y: Any) -> Any:
    if np.ndim(y) == 1:
        return guard.linear(_column_times, g, y)
    if np.ndim(x) == 1:
        return guard.linear(_rows_times, g, y)
    return guard.linear(matmul, g, swapaxes(y, -1, -2))


def _column_times(g: Any, y: Any) -> Any:
    return expand_dims(g, -1) * y


def _rows_times(g: Any, y: Any) -> Any:
    """y @ g for the vectors g, one for every matrix."""
    return reshape(matmul(y, expand_dims(g, -1)), np.shape(y)[:-1])


def _matmul_right(g: Any, out: Any, x: Any, y: Any) -> Any:
    if np.ndim(x) == 1:
        return guard.linear(_outer_of if np.ndim(y) > 1 else multiply, g, x)
    if np.ndim(y) == 1:
        return guard.linear(_columns_times, g, x)
    if np.ndim(y) == 2 and np.ndim(x) > 2:  # one matrix for the whole batch: one product
        x, g = _flat(x), _flat(g)
    return guard.linear(_transposed_times, g, x)


def _outer_of(g: Any, x: Any) -> Any:
    return expand_dims(g, -2) * expand_dims(x, -1)


def _columns_times(g: Any, x: Any) -> Any:
    """The columns of x added up with the weights g."""
    *leading, _, k = np.shape(x)
    return reshape(matmul(swapaxes(x, -1, -2), expand_dims(g, -1)), (*leading, k))


def _transposed_times(g: Any, x: Any) -> Any:
    return matmul(swapaxes(x, -1, -2), g)


def _flat(x: Any) -> Any:
    """All leading axes as one."""
    *leading, n = np.shape(x)
    return reshape(x, (math.prod(leading), n))


matmul = primitive(
    _product,
    (_matmul_left, _matmul_right),
    name="matmul",
    symbol="@",
    doc="""x @ y for vectors, matrices and stacks of matrices, as ``numpy.matmul``.

    Shapes ``(..., m, k)`` and ``(..., k, n)`` give ``(..., m, n)``; the leading axes broadcast. A
    vector stands as a row on the left and as a column on the right.

    >>> import tinygrad_lite as tg
    >>> tg.matmul(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """,
)


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    out = _product(x, weight.T)
    if bias.dtype is not out.dtype or not out.ndim:
        return out + bias
    return np.add(out, bias, out)


def _affine_weight(g: Any, out: Any, x: Any, weight: Any, bias: Any) -> Any:
    if g.ndim != 2:
        x, g = _flat(x), _flat(g)
    return guard.linear(_turned_times, g, x)


def _turned_times(g: Any, x: Any) -> Any:
    return _product(g.T, x)


affine = primitive(
    _affine,
    (
        lambda g, out, x, weight, bias: guard.linear(_product, g, weight),
        _affine_weight,
        lambda g, out, x, weight, bias: total(g, tuple(range(g.ndim - 1))),
    ),
    name="linear",
    symbol="xWᵀ+b",
    doc="""x @ weight.T + bias, in one pass; shapes ``(..., in)``, ``(out, in)``, ``(out,)``.

    >>> import tinygrad_lite as tg
    >>> tg.affine(tg.tensor([[1.0, 2.0]]), tg.tensor([[3.0, 4.0]]), tg.tensor([5.0]))
    tensor([[16.]])
    """,
)


def dot(x: Any, y: Any, out: None = None) -> Any:
    """The sum of products over the last axis of x and the last but one of y (its only one).

    >>> import tinygrad_lite as tg
    >>> tg.dot(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    no_out("dot", out)
    if not np.ndim(x) or not np.ndim(y):
        return multiply(x, y)
    if np.ndim(y) <= 2:
        return matmul(x, y)
    return tensordot(x, y, (-1, -2))


def vdot(x: Any, y: Any) -> Any:
    """The sum of the products of all elements, in the order they are stored.

    >>> import tinygrad_lite as tg
    >>> tg.vdot(tg.tensor([[1.0], [2.0]]), tg.tensor([[3.0], [4.0]]))
    tensor(11.)
    """
    return matmul(ravel(x), ravel(y))


def inner(x: Any, y: Any) -> Any:
    """The sum of products over the last axes of both.

    >>> import tinygrad_lite as tg
    >>> tg.inner(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    if not np.ndim(x) or not np.ndim(y):
        return multiply(x, y)
    return tensordot(x, y, (-1, -1))


def outer(x: Any, y: Any, out: None = None) -> Any:
    """Every element of x times every element of y, as a matrix.

    >>> import tinygrad_lite as tg
    >>> tg.outer(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    no_out("outer", out)
    return multiply(reshape(x, (-1, 1)), reshape(y, (1, -1)))


def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """The sum of products over pairs of axes.

    Args:
        x: a tensor or array.
        y: another.
        axes: a number n for the last n axes of x and the first n of y, or two lists of axes.

    Raises:
        ValueError: if the axes are not of the same lengths.

    >>> import tinygrad_lite as tg
    >>> tg.tensordot(tg.ones((2, 3, 4)), tg.ones((4, 3, 5)), ([1, 2], [1, 0])).shape
    (2, 5)
    """
    shape_x, shape_y = np.shape(x), np.shape(y)
    if np.ndim(axes) == 0:
        axes = range(len(shape_x) - axes, len(shape_x)), range(axes)
    over_x = normalize_axis_tuple(axes[0], len(shape_x))
    over_y = normalize_axis_tuple(axes[1], len(shape_y))
    if [shape_x[i] for i in over_x] != [shape_y[i] for i in over_y]:
        raise ValueError(
            f"tensordot: axes {over_x} of shape {shape_x} do not fit axes {over_y} of {shape_y}"
        )
    free_x = [i for i in range(len(shape_x)) if i not in over_x]
    free_y = [i for i in range(len(shape_y)) if i not in over_y]
    n = math.prod(shape_x[i] for i in over_x)
    rows = tuple(shape_x[i] for i in free_x)
    columns = tuple(shape_y[i] for i in free_y)
    left = reshape(transpose(x, (*free_x, *over_x)), (math.prod(rows), n))
    right = reshape(transpose(y, (*over_y, *free_y)), (n, math.prod(columns)))
    return reshape(matmul(left, right), rows + columns)
