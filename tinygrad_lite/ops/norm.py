"""Norms of vectors and matrices, with the subgradient of least norm where they have a corner."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_lite.ops.length import length, power_norm
from tinygrad_lite.ops.linalg import matmul
from tinygrad_lite.ops.order import max, min
from tinygrad_lite.ops.reduce import Axis, floating, kept, like, sum, widened
from tinygrad_lite.ops.selection import abs, sign, where
from tinygrad_lite.ops.shape import moveaxis, reshape, swapaxes
from tinygrad_lite.primitive import primitive


def _largest(x: Any, axis: int, *, keepdims: bool = False) -> Any:
    """The largest of numbers that are not negative: 0 where there are none."""
    return (max if np.shape(x)[axis] else sum)(x, axis, keepdims=keepdims)


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return length(x, axis=axis, keepdims=keepdims)
    if ord == math.inf:
        return _largest(abs(x), axis, keepdims=keepdims)
    if ord == -math.inf:
        return min(abs(x), axis, keepdims=keepdims)
    if ord == 0:
        return sum(abs(sign(x)), axis, keepdims=keepdims)
    if ord == 1:
        return sum(abs(x), axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"norm: ord {ord!r} is for matrices: name two axes, or give a matrix")
    return power_norm(x, p=float(ord), axis=axis, keepdims=keepdims)


# The singular value decomposition, its three parts side by side in one array:
# u of shape (..., m, k), then s as a row below it and v of shape (..., n, k) below that.
def _svd_forward(x: Any) -> Any:
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, s[..., None, :], np.swapaxes(vt, -1, -2)], axis=-2)


def _parts(packed: Any, m: int) -> tuple[Any, Any, Any]:
    return packed[..., :m, :], packed[..., m, :], packed[..., m + 1 :, :]


def _svd_vjp(g: Any, out: Any, x: Any) -> Any:
    """Townsend, Differentiating the Singular Value Decomposition (2016), equations 20 to 22.

    Where singular values are equal, or zero, what would be divided by zero is left out.
    """
    m = np.shape(x)[-2]
    u, s, v = _parts(out, m)
    gu, gs, gv = _parts(g, m)
    row, column = s[..., None, :], s[..., :, None]
    gap = (row - column) * (row + column)
    inverse_gap = where(gap == 0, 0, 1 / where(gap == 0, 1, gap))
    inverse = where(row == 0, 0, 1 / where(row == 0, 1, row))
    ut, vt = swapaxes(u, -1, -2), swapaxes(v, -1, -2)
    utgu, vtgv = matmul(ut, gu), matmul(vt, gv)
    left = inverse_gap * (utgu - swapaxes(utgu, -1, -2)) * row
    right = inverse_gap * (vtgv - swapaxes(vtgv, -1, -2)) * column
    middle = left + right + where(np.eye(np.shape(s)[-1], dtype=bool), gs[..., None, :], 0)
    inside = matmul(matmul(u, middle), vt)
    beside = matmul((gu - matmul(u, utgu)) * inverse, vt)
    above = matmul(u * inverse, swapaxes(gv - matmul(v, vtgv), -1, -2))
    return inside + beside + above


_svd = primitive(_svd_forward, (_svd_vjp,), name="svd")


def _singular_values(x: Any) -> Any:
    """The singular values of the last two axes; where one is 0, no gradient passes."""
    s = _svd(x)[..., np.shape(x)[-2], :]
    return where(s == 0, 0, s)


def _negligible(s: Any, *, longer: int) -> Any:
    """Which singular values are 0 but for rounding, by the tolerance of numpy's matrix_rank."""
    return s <= np.max(s, -1, keepdims=True, initial=0) * (longer * np.finfo(s.dtype).eps)


_cut = primitive(_negligible, name="negligible")


def _factors(x: Any) -> tuple[Any, Any, Any]:
    """The singular value decomposition of x, with zeros for u, 1/s and v where s is negligible."""
    u, s, v = _parts(_svd(x), np.shape(x)[-2])
    cut = _cut(s, longer=builtins.max(np.shape(x)[-2:]))
    row = cut[..., None, :]
    return where(row, 0, u), where(cut, 0, 1 / where(cut, 1, s)), where(row, 0, v)


def _polar_forward(x: Any) -> Any:
    u, _, v = _factors(x)
    return matmul(u, swapaxes(v, -1, -2))


def _polar_vjp(g: Any, out: Any, x: Any) -> Any:
    """Kenney and Laub, Polar Decomposition and Matrix Sign Function Condition Estimates (1991).

    It is divided by sums of singular values, not by differences: those that are equal do no harm.
    """
    u, inverse, v = _factors(x)
    ut, vt = swapaxes(u, -1, -2), swapaxes(v, -1, -2)
    row, column = inverse[..., None, :], inverse[..., :, None]
    both = (row != 0) & (column != 0)
    share = where(both, row * column / where(both, row + column, 1), 0)  # 1 / (s_i + s_j)
    gv, utg = matmul(g, v), matmul(ut, g)
    middle = matmul(ut, gv)
    inside = matmul(matmul(u, (middle - swapaxes(middle, -1, -2)) * share), vt)
    beside = matmul((gv - matmul(u, middle)) * row, vt)
    above = matmul(u, column * (utg - matmul(middle, vt)))
    return inside + beside + above


_polar = primitive(_polar_forward, (_polar_vjp,), name="polar")

_nuclear_norm = primitive(
    lambda x: np.add.reduce(np.linalg.svd(x, compute_uv=False), axis=-1),
    (lambda g, out, x: reshape(g, (*np.shape(g), 1, 1)) * _polar(x),),
    name="nuclear_norm",
    symbol="‖X‖₊",
)

_MATRIX_NORMS: dict[Any, Callable[[Any], Any]] = {
    "fro": lambda x: length(x, axis=(-2, -1), keepdims=False),
    "nuc": _nuclear_norm,
    1: lambda x: _largest(sum(abs(x), -2), -1),
    -1: lambda x: min(sum(abs(x), -2), -1),
    2: lambda x: _largest(_singular_values(x), -1),
    -2: lambda x: min(_singular_values(x), -1),
    math.inf: lambda x: _largest(sum(abs(x), -1), -1),
    -math.inf: lambda x: min(sum(abs(x), -1), -1),
}


def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of vectors or matrices, as ``numpy.linalg.norm``.

    Where it has no derivative, the subgradient of least norm is taken: 0 at 0, and elements (or
    singular values) that tie share evenly.

    Args:
        x: the tensor or array.
        ord: for vectors a number (2 by default; ``inf`` is the largest, ``-inf`` the smallest
            absolute value, 0 counts what is not zero); for matrices ``fro`` (by default), ``nuc``,
            1, -1, 2, -2, ``inf`` or ``-inf``.
        axis: one axis of vectors or two of matrices. By default all elements as one vector if no
            ord is given, else x must itself be a vector or a matrix.
        keepdims: keep the axes with length 1.

    Raises:
        ValueError: if ord is none of these, or does not fit the axes.

    >>> import tinygrad_lite as tg
    >>> tg.norm(tg.tensor([3.0, 4.0]))
    tensor(5.)
    >>> tg.norm(tg.tensor([[1.0, -2.0], [3.0, 4.0]]), "nuc")
    tensor(7.07106781)
    """
    x = floating(x)
    ndim = np.ndim(x)
    if axis is None and (ord is None or (ord == 2 and ndim == 1) or (ord == "fro" and ndim == 2)):
        axes: tuple[int, ...] = tuple(range(ndim))
        out = length(widened(x), axis=axes, keepdims=keepdims)
        return like(out, x)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)
    if len(axes) == 1:
        out = _vector_norm(widened(x), ord, axes[0], keepdims)
    elif len(axes) == 2:
        if (ord or "fro" if ord != 0 else 0) not in _MATRIX_NORMS:
            raise ValueError(f"norm: {ord!r} is no norm of matrices")
        matrices = moveaxis(widened(x), axes, (-2, -1))
        out = _MATRIX_NORMS["fro" if ord is None else ord](matrices)
        if keepdims:
            out = reshape(out, kept(np.shape(x), axes))
    else:
        raise ValueError(f"norm: {ord!r} needs one axis or two, not {len(axes)}: name them in axis")
    return like(out, x)
