"""Inverses, linear systems and the Cholesky factor, of the matrices in the last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.diagonal import tril
from tinygrad_lite.ops.linalg import matmul
from tinygrad_lite.ops.reduce import floating
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.shape import expand_dims, squeeze, swapaxes
from tinygrad_lite.primitive import Primitive, primitive


def turned(x: Any) -> Any:
    """The transposes of the matrices in the last two axes."""
    return swapaxes(x, -1, -2)


def _inv_vjp(g: Any, out: Any, x: Any) -> Any:
    return -matmul(turned(out), matmul(g, turned(out)))


_inv = primitive(np.linalg.inv, (_inv_vjp,), name="inv", symbol="x⁻¹")


def inv(x: Any) -> Any:
    """The inverse of a square matrix, or of each in a stack of them.

    Raises:
        numpy.linalg.LinAlgError: if a matrix is singular, or not square.

    >>> import tinygrad_lite as tg
    >>> tg.linalg.inv(tg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    return _inv(floating(x))


_solve: Primitive = primitive(
    np.linalg.solve,
    (
        lambda g, out, a, b: -matmul(_solve(turned(a), g), turned(out)),
        lambda g, out, a, b: _solve(turned(a), g),
    ),
    name="solve",
)


def solve(a: Any, b: Any) -> Any:
    """The x for which ``a @ x`` is b.

    Args:
        a: square matrices, shape ``(..., n, n)``.
        b: a vector of shape ``(n,)``, or matrices of shape ``(..., n, k)``.

    Raises:
        numpy.linalg.LinAlgError: if a matrix is singular, or not square.

    >>> import tinygrad_lite as tg
    >>> tg.linalg.solve(tg.tensor([[2.0, 0.0], [0.0, 4.0]]), tg.tensor([2.0, 2.0]))
    tensor([1. , 0.5])
    """
    a, b = floating(a), floating(b)
    return squeeze(_solve(a, expand_dims(b, 1)), -1) if np.ndim(b) == 1 else _solve(a, b)


def _cholesky_forward(x: Any) -> Any:
    return np.linalg.cholesky((x + np.swapaxes(x, -1, -2)) / 2)


def _cholesky_vjp(g: Any, out: Any, x: Any) -> Any:
    """Murray, Differentiation of the Cholesky decomposition (2016), equation 10."""
    inner = matmul(turned(out), g)
    inner = where(np.eye(np.shape(x)[-1], dtype=bool), 0.5 * inner, tril(inner))
    half = _solve(turned(out), turned(_solve(turned(out), inner)))
    return 0.5 * (half + turned(half))


_cholesky = primitive(_cholesky_forward, (_cholesky_vjp,), name="cholesky")


def _equals_its_image(x: Any) -> Any:
    """Up to rounding: the geometric mean of its two diagonal elements bounds an element."""
    length = np.sqrt(np.abs(np.diagonal(x, axis1=-2, axis2=-1)))
    rounding = 8 * x.shape[-1] * np.finfo(x.dtype).eps
    return np.abs(x - turned(x)) <= rounding * length[..., None, :] * length[..., :, None]


_mirrored = primitive(_equals_its_image, name="mirrored")


def cholesky(x: Any, *, upper: bool = False) -> Any:
    """The lower triangular L for which ``L @ L.T`` is x, a symmetric positive definite matrix.

    Only the lower triangle counts, as in NumPy. Where an element equals its mirror image, but for
    rounding, the two share the gradient evenly, as ties do: that of a symmetric matrix is
    symmetric.

    Args:
        x: the matrix, or a stack of them.
        upper: return ``L.T`` instead.

    Raises:
        numpy.linalg.LinAlgError: if a matrix is not positive definite.

    >>> import tinygrad_lite as tg
    >>> tg.linalg.cholesky(tg.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    x = floating(x)
    factor = _cholesky(where(_mirrored(x), x, tril(x) + turned(tril(x, -1))))
    return turned(factor) if upper else factor
