"""Rows of products, sums over named axes, diagonals, inverses, factors and determinants."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from tests.ops.row import Array, Example, Row, spread
from tinygrad_lite.ops import determinant, linalg, matrix
from tinygrad_lite.ops.diagonal import _diagonal, _embed
from tinygrad_lite.ops.einsum import _einsum
from tinygrad_lite.ops.norm import _cut, _nuclear_norm, _polar, _svd

DOUBLE = ("float32", "float64")  # LAPACK knows no float16


def numbers(*shape: int, seed: int = 0) -> Array:
    return spread(-2, 2, shape, seed)


def _vector_or_matrix(x: Array, y: Array) -> Array:
    """The product as sums of products, one element at a time."""
    left = x[None, :] if x.ndim == 1 else x
    right = y[:, None] if y.ndim == 1 else y
    out = (left[..., :, :, None] * right[..., None, :, :]).sum(-2)
    out = out[..., 0] if y.ndim == 1 else out
    return (out[..., 0] if y.ndim == 1 else out[..., 0, :]) if x.ndim == 1 else out


MATMUL_SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((2, 0), (0, 3)),
    ((0, 2), (2, 3)),
    ((2, 2, 3), (3, 4)),
    ((2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 2)),
]

PRODUCTS = (
    Row(
        linalg.matmul,
        _vector_or_matrix,
        [Example((numbers(*a), numbers(*b, seed=1))) for a, b in MATMUL_SHAPES],
    ),
    Row(
        linalg.affine,
        lambda x, weight, bias: np.einsum("...i,oi->...o", x, weight) + bias,
        [
            Example((numbers(*s, 3), numbers(2, 3, seed=1), numbers(2, seed=2)))
            for s in ((4,), (), (2, 2), (0,))
        ],
    ),
)


def _sum_over_letters(*xs: Array, subscripts: str, optimize: bool) -> Array:
    """Every combination of the letters' values, one after the other."""
    terms, result = subscripts.split("->")
    length: dict[str, int] = {}
    for term, x in zip(terms.split(","), xs):
        for letter, n in zip(term, x.shape):
            length[letter] = max(n, length.get(letter, 1))
    out = np.zeros([length[a] for a in result])
    for values in itertools.product(*(range(n) for n in length.values())):
        at = dict(zip(length, values))
        factors = [
            x[tuple(at[a] if n > 1 else 0 for a, n in zip(term, x.shape))]
            for term, x in zip(terms.split(","), xs)
        ]
        out[tuple(at[a] for a in result)] += math.prod(factors)
    return out


EINSUM_SHAPES: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ij,jk->ik", [(2, 3), (3, 2)]),
    ("ab,bc->ac", [(2, 1), (3, 2)]),
    ("ij->ji", [(2, 3)]),
    ("ij->", [(2, 3)]),
    ("ij->j", [(2, 3)]),
    ("ii->", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iij->j", [(2, 2, 3)]),
    ("iji,j->i", [(2, 3, 2), (3,)]),
    ("i,j->ji", [(2,), (3,)]),
    ("ij,kl->", [(2, 3), (2, 2)]),
    ("ij,j,ik->k", [(2, 3), (3,), (2, 2)]),
    ("bij,bjk->bik", [(2, 2, 3), (1, 3, 2)]),
    ("i,->i", [(3,), ()]),
]

NAMED = (
    Row(
        _einsum,
        _sum_over_letters,
        [
            Example(
                tuple(numbers(*s, seed=i) for i, s in enumerate(shapes)),
                {"subscripts": subscripts, "optimize": len(shapes) > 1},
            )
            for subscripts, shapes in EINSUM_SHAPES
        ],
    ),
)


def _on_diagonal(x: Array, *, offset: int, axis1: int, axis2: int) -> Array:
    x = np.moveaxis(x, (axis1, axis2), (0, 1))
    pairs = [(i, i + offset) for i in range(x.shape[0]) if 0 <= i + offset < x.shape[1]]
    return np.stack([x[p] for p in pairs], axis=-1)


def _put_on_diagonal(
    g: Array, *, shape: tuple[int, ...], offset: int, axis1: int, axis2: int
) -> Array:
    out = np.zeros(shape)
    view = np.moveaxis(out, (axis1, axis2), (0, 1))
    rows = [i for i in range(view.shape[0]) if 0 <= i + offset < view.shape[1]]
    for k, i in enumerate(rows):
        view[i, i + offset] = g[..., k]
    return out


PLACES: list[dict[str, Any]] = [
    {"offset": 0, "axis1": 0, "axis2": 1},
    {"offset": 1, "axis1": 2, "axis2": 0},
    {"offset": -1, "axis1": 1, "axis2": -1},
]

DIAGONALS = (
    Row(_diagonal, _on_diagonal, [Example((numbers(2, 3, 4),), p) for p in PLACES]),
    Row(
        _embed,
        _put_on_diagonal,
        [
            Example(
                (numbers(*_on_diagonal(np.zeros((2, 3, 4)), **p).shape),), {"shape": (2, 3, 4), **p}
            )
            for p in PLACES
        ],
    ),
)


def _minor(x: Array, i: int, j: int) -> Array:
    return np.delete(np.delete(x, i, -2), j, -1)


def _det(x: Array) -> Array:
    """Laplace's expansion along the first row."""
    if x.shape[-1] == 0:
        return np.ones(x.shape[:-2])
    terms = [(-1) ** j * x[..., 0, j] * _det(_minor(x, 0, j)) for j in range(x.shape[-1])]
    return np.sum(terms, axis=0)


def _cofactors(x: Array) -> Array:
    n = x.shape[-1]
    rows = [[(-1) ** (i + j) * _det(_minor(x, i, j)) for j in range(n)] for i in range(n)]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def _adjugate_over_det(x: Array) -> Array:
    return np.swapaxes(_cofactors(x), -1, -2) / _det(x)[..., None, None]


def _cofactor_change(e: Array, x: Array) -> Array:
    """Cofactors of 3 by 3 matrices are of degree 2, so a central difference is exact."""
    return (_cofactors(x + e) - _cofactors(x - e)) / 2


def _cholesky(x: Array) -> Array:
    x = (x + np.swapaxes(x, -1, -2)) / 2
    out = np.zeros_like(x)
    for i, j in itertools.product(range(x.shape[-1]), repeat=2):
        if j <= i:
            rest = x[..., i, j] - (out[..., i, :j] * out[..., j, :j]).sum(-1)
            out[..., i, j] = np.sqrt(rest) if i == j else rest / out[..., j, j]
    return out


def _packed_svd(x: Array) -> Array:
    """From the eigenvectors of xᵀx, with the signs of LAPACK's decomposition."""
    values, v = np.linalg.eigh(x.T @ x)
    k = min(x.shape)
    v, s = v[:, ::-1][:, :k], np.sqrt(values[::-1][:k])
    v *= np.sign((v * np.linalg.svd(x, full_matrices=False).Vh.T).sum(0))
    return np.concatenate([x @ v / s, s[None], v])


def _orthogonal_factor(x: Array) -> Array:
    """x (xᵀx)^(-1/2), for independent columns."""
    values, v = np.linalg.eigh(x.T @ x)
    return x @ (v / np.sqrt(values)) @ v.T


REGULAR = numbers(2, 3, 3) + 3 * np.eye(3)
SINGULAR = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
RANK_ONE = np.outer([1.0, 2, -1], [0.5, 1, 2])

MATRICES = (
    Row(matrix._inv, _adjugate_over_det, [Example((REGULAR,)), Example((REGULAR[0],))], (), DOUBLE),
    Row(
        matrix._solve,
        lambda a, b: _vector_or_matrix(_adjugate_over_det(a), b),
        [Example((REGULAR, numbers(2, 3, 2))), Example((REGULAR, numbers(3, 1)))],
        (),
        DOUBLE,
    ),
    Row(
        matrix._mirrored,
        lambda x: np.isclose(x, np.swapaxes(x, -1, -2)),
        [Example((np.eye(3) + np.triu(np.ones((3, 3)), 2),))],
        (),
        DOUBLE,
    ),
    Row(matrix._cholesky, _cholesky, [Example((REGULAR + 3 * np.eye(3),))], (), DOUBLE),
    Row(_svd, _packed_svd, [Example((numbers(*s),)) for s in ((2, 3), (3, 2))], (), DOUBLE),
    Row(
        _nuclear_norm,
        lambda x: np.sqrt(np.clip(np.linalg.eigvalsh(x.T @ x), 0, None))[-min(x.shape) :].sum(),
        [Example((numbers(*s),)) for s in ((2, 3), (3, 2), (2, 2))],
        (),
        DOUBLE,
    ),
    Row(
        _polar,
        _orthogonal_factor,
        [Example((numbers(*s),)) for s in ((3, 2), (2, 2))],
        (),
        DOUBLE,
    ),
    Row(
        _cut,
        lambda s, *, longer: s <= s.max() * longer * np.finfo(s.dtype).eps,
        [Example((np.array([3.0, 1.0, 1e-20, 0.0]),), {"longer": 4})],
        (),
        DOUBLE,
    ),
)

DETERMINANTS = (
    Row(
        determinant._det,
        _det,
        [Example((x,)) for x in (REGULAR, SINGULAR, RANK_ONE, np.zeros((2, 2)))],
        (),
        DOUBLE,
    ),
    Row(
        determinant._cofactor,
        _cofactors,
        [Example((x,)) for x in (REGULAR, SINGULAR, RANK_ONE)],
        (),
        DOUBLE,
    ),
    Row(
        determinant._cofactor_change,
        _cofactor_change,
        [Example((numbers(*x.shape), x)) for x in (REGULAR, SINGULAR, RANK_ONE)],
        (),
        DOUBLE,
    ),
    Row(determinant._inverse, _adjugate_over_det, [Example((REGULAR,))], (), DOUBLE),
    Row(determinant._sign_of_det, lambda x: np.sign(_det(x)), [Example((REGULAR,))]),
    Row(determinant._logabsdet, lambda x: np.log(abs(_det(x))), [Example((REGULAR,))], (), DOUBLE),
)

ROWS = (*PRODUCTS, *NAMED, *DIAGONALS, *MATRICES, *DETERMINANTS)
