"""Determinants, with gradients that are right for singular matrices as well."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.ops import guard
from tinygrad_lite.ops.index import ARRAY, getitem, scatter
from tinygrad_lite.ops.matrix import turned
from tinygrad_lite.ops.reduce import floating
from tinygrad_lite.ops.shape import expand_dims
from tinygrad_lite.primitive import Primitive, primitive

# With x = u diag(s) vᵀ, det(x + e) is ± det(diag(s) + uᵀ e v): what follows are the first and the
# second derivative of a determinant at a diagonal matrix, turned by u and v. Nothing is divided.


def _cofactor_forward(x: Any) -> Any:
    u, s, vt, sign = _decomposed(x)
    n = s.shape[-1]
    without = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
    return sign * ((u * without[..., None, :]) @ vt)


def _decomposed(x: Any) -> tuple[Any, Any, Any, Any]:
    u, s, vt = np.linalg.svd(x)
    return u, s, vt, (np.linalg.det(u) * np.linalg.det(vt))[..., None, None]


_cofactor = primitive(
    _cofactor_forward, (lambda g, out, x: _cofactor_change(g, x),), name="cofactor"
)


def _cofactor_change_forward(e: Any, x: Any) -> Any:
    u, s, vt, sign = _decomposed(x)
    n = s.shape[-1]
    eye = np.eye(n, dtype=bool)
    left_out = eye[:, None, :] | eye[None, :, :]
    without = np.where(left_out, 1, s[..., None, None, :]).prod(-1)
    e = np.swapaxes(u, -1, -2) @ e @ np.swapaxes(vt, -1, -2)
    diagonal = np.where(eye, 0, without) @ np.diagonal(e, axis1=-2, axis2=-1)[..., None]
    return sign * (u @ np.where(eye, diagonal, -without * np.swapaxes(e, -1, -2)) @ vt)


def _cofactor_change_vjp(g: Any, out: Any, e: Any, x: Any) -> Any:
    """A cofactor is ± the determinant of a minor, of which the second derivative is known."""
    n = np.shape(x)[-1]
    keep = np.array([[j for j in range(n) if j != i] for i in range(n)], int).reshape(n, n - 1)
    pattern = (Ellipsis, ARRAY, ARRAY)
    rows, columns = keep[:, None, :, None], keep[None, :, None, :]
    sign = np.where(np.indices((n, n)).sum(0) % 2, -1, 1)
    change = _cofactor_change(getitem(g, (..., rows, columns)), getitem(x, (..., rows, columns)))
    weight = expand_dims(e * sign, (-2, -1))
    return scatter(weight * change, rows, columns, shape=np.shape(x), pattern=pattern)


_cofactor_change: Primitive = primitive(
    _cofactor_change_forward,
    (lambda g, out, e, x: _cofactor_change(g, x), _cofactor_change_vjp),
    name="cofactor_change",
    doc="""The derivative of the cofactors of x in the direction e; symmetric, so also its vjp.""",
)

_det = primitive(
    np.linalg.det, (lambda g, out, x: expand_dims(g, (-2, -1)) * _cofactor(x),), name="det"
)


def det(x: Any) -> Any:
    """The determinant of a square matrix, or of each in a stack of them.

    Its gradient, the matrix of cofactors, is right at every order, singular or not.

    Raises:
        numpy.linalg.LinAlgError: if the matrices are not square.

    >>> import tinygrad_lite as tg
    >>> tg.linalg.det(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return _det(floating(x))


def _inverse_forward(x: Any) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        singular = np.linalg.det(x) == 0
        known = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
        return np.where(singular[..., None, None], np.nan, np.linalg.inv(known))


def _inverse_vjp(g: Any, out: Any, x: Any) -> Any:
    return -(turned(out) @ (g @ turned(out)))


_inverse = primitive(
    _inverse_forward,
    (_inverse_vjp,),
    name="inverse",
    doc="""The inverse, and not a number where there is none.""",
)


def _logabsdet_vjp(g: Any, out: Any, x: Any) -> Any:
    g = expand_dims(g, (-2, -1))
    return guard.elementwise(g * turned(_inverse(x)), g)


_sign_of_det = primitive(lambda x: np.linalg.slogdet(x).sign, name="sign_of_det")
_logabsdet = primitive(
    lambda x: np.linalg.slogdet(x).logabsdet, (_logabsdet_vjp,), name="logabsdet", symbol="log|det|"
)


class SlogdetResult(NamedTuple):
    """The sign of a determinant, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


def slogdet(x: Any) -> SlogdetResult:
    """The sign and the logarithm of the absolute value of the determinant.

    The sign has no gradient; that of the logarithm is the transposed inverse.

    Raises:
        numpy.linalg.LinAlgError: if the matrices are not square.

    >>> import tinygrad_lite as tg
    >>> sign, logarithm = tg.linalg.slogdet(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> sign, logarithm
    (tensor(-1.), tensor(0.69314718))
    """
    x = floating(x)
    return SlogdetResult(_sign_of_det(x), _logabsdet(x))
