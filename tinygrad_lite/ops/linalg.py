"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.reduce import sum
from tinygrad_lite.ops.shape import expand_dims, reshape, swapaxes
from tinygrad_lite.primitive import primitive


def _matmul_left(g: Any, out: Any, x: Any, y: Any) -> Any:
    if np.ndim(y) == 1:
        return expand_dims(g, -1) * y
    if np.ndim(x) == 1:
        return reshape(matmul(y, expand_dims(g, -1)), np.shape(y)[:-1])
    return matmul(g, swapaxes(y, -1, -2))


def _matmul_right(g: Any, out: Any, x: Any, y: Any) -> Any:
    if np.ndim(x) == 1:
        return expand_dims(g, -2) * expand_dims(x, -1) if np.ndim(y) > 1 else g * x
    if np.ndim(y) == 1:
        return matmul(swapaxes(x, -1, -2), expand_dims(g, -1))[..., 0]
    if np.ndim(y) == 2 and np.ndim(x) > 2:  # one matrix for the whole batch: one product
        x, g = reshape(x, (-1, np.shape(x)[-1])), reshape(g, (-1, np.shape(g)[-1]))
    return matmul(swapaxes(x, -1, -2), g)


matmul = primitive(
    np.matmul,
    (_matmul_left, _matmul_right),
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
    out = np.matmul(x, weight.T)
    if np.result_type(out, bias) != out.dtype:
        return out + bias
    out += bias
    return out


def _affine_weight(g: Any, out: Any, x: Any, weight: Any, bias: Any) -> Any:
    if np.ndim(x) != 2:
        x, g = reshape(x, (-1, np.shape(x)[-1])), reshape(g, (-1, np.shape(g)[-1]))
    return matmul(g.T, x)


affine = primitive(
    _affine,
    (
        lambda g, out, x, weight, bias: matmul(g, weight),
        _affine_weight,
        lambda g, out, x, weight, bias: sum(g, axis=tuple(range(np.ndim(g) - 1))),
    ),
    name="linear",
    symbol="xWᵀ+b",
    doc="""x @ weight.T + bias, in one pass; shapes ``(..., in)``, ``(out, in)``, ``(out,)``.

    >>> import tinygrad_lite as tg
    >>> tg.affine(tg.tensor([[1.0, 2.0]]), tg.tensor([[3.0, 4.0]]), tg.tensor([5.0]))
    tensor([[16.]])
    """,
)
