"""NumPy's functions that have no operation of their own here, made of those there are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.ops.arithmetic import multiply, subtract
from tinygrad_lite.ops.diagonal import diagonal, trace
from tinygrad_lite.ops.join import concatenate, hstack
from tinygrad_lite.ops.linalg import matmul, outer, tensordot
from tinygrad_lite.ops.norm import norm
from tinygrad_lite.ops.order import max, min, quantile
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.reduce import sum
from tinygrad_lite.ops.selection import abs, where
from tinygrad_lite.ops.shape import (
    broadcast_to,
    cast,
    expand_dims,
    flip,
    moveaxis,
    ravel,
    reshape,
    swapaxes,
)
from tinygrad_lite.tensor import Tensor, constant


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    parts = [arr, values] if axis is not None else [ravel(arr), ravel(values)]
    return concatenate(parts, 0 if axis is None else axis)


def _ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    no_out("ptp", out)
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return sum(multiply(moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)), -1)


def _difference(a: Any, n: int = 1, axis: int = -1) -> Any:
    for _ in range(n):
        a = moveaxis(a, axis, 0)
        a = moveaxis(subtract(a[1:], a[:-1]), 0, axis)
    return a


def _columns(tup: Any) -> Any:
    return hstack([reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in tup])


def _percentile(
    a: Any, q: Any, axis: Any = None, out: None = None, *rest: Any, **options: Any
) -> Any:
    return quantile(a, np.divide(q, 100), axis, out, *rest, **options)


def _broadcast_arrays(*args: Any) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(broadcast_to(x, shape) for x in args)


def _at_least(ndim: int) -> Callable[..., Any]:
    """``numpy.atleast_1d`` and its siblings."""

    def whole(x: Any) -> Any:
        shape = np.shape(x)
        missing = ndim - len(shape)
        if missing <= 0:
            return x
        if ndim == 3 and len(shape):  # NumPy puts the third axis last
            return reshape(x, (*(1,) * (missing - 1), *shape, 1))
        return expand_dims(x, tuple(range(missing)))

    def each(*arys: Any) -> Any:
        return whole(arys[0]) if len(arys) == 1 else tuple(whole(x) for x in arys)

    return each


def _matrices(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Of the last two axes, as in ``numpy.linalg``."""

    def call(x: Any, /, *, offset: int = 0) -> Any:
        return operation(x, offset, -2, -1)

    return call


def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if axis is None:
        out = norm(ravel(x), ord)
        return reshape(out, (1,) * np.ndim(x)) if keepdims else out
    if not isinstance(axis, int):
        raise TypeError(f"vector_norm over the axes {axis}: reshape them into one first")
    return norm(x, ord, axis, keepdims)


def _nan_sum(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, *rest: Any, **options: Any
) -> Any:
    return sum(where(np.isnan(a), 0, a), axis, dtype, out, *rest, **options)


EQUIVALENTS: dict[str, Callable[..., Any]] = {
    "append": _append,
    "astype": lambda x, dtype, /, *, copy=True: cast(x, dtype),
    "atleast_1d": _at_least(1),
    "atleast_2d": _at_least(2),
    "atleast_3d": _at_least(3),
    "broadcast_arrays": _broadcast_arrays,
    "column_stack": _columns,
    "conjugate": lambda x: x,
    "deg2rad": lambda x: multiply(x, math.pi / 180),
    "diff": _difference,
    "fabs": abs,
    "fliplr": lambda m: flip(m, 1),
    "flipud": lambda m: flip(m, 0),
    "linalg.diagonal": _matrices(diagonal),
    "linalg.matmul": matmul,
    "linalg.matrix_norm": _matrix_norm,
    "linalg.matrix_transpose": lambda x, /: swapaxes(x, -1, -2),
    "linalg.outer": outer,
    "linalg.tensordot": tensordot,
    "linalg.trace": _matrices(trace),
    "linalg.vecdot": _vecdot,
    "linalg.vector_norm": _vector_norm,
    "matrix_transpose": lambda x, /: swapaxes(x, -1, -2),
    "nansum": _nan_sum,
    "percentile": _percentile,
    "ptp": _ptp,
    "rad2deg": lambda x: multiply(x, 180 / math.pi),
    "radians": lambda x: multiply(x, math.pi / 180),
    "degrees": lambda x: multiply(x, 180 / math.pi),
    "vecdot": _vecdot,
}
"""By the name in NumPy."""

QUESTIONS = (  # noqa: SIM905 - a table, not a column
    "allclose array_equal array_equiv argwhere digitize flatnonzero isclose isin nonzero "
    "result_type searchsorted"
).split()
"""What NumPy finds out about values without being differentiable, so of any tensor."""

REARRANGING = ["unique"]
"""What NumPy does to tensors that need no gradient."""

REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}
"""The operation that is ``ufunc.reduce``."""

ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}
"""The operation that is ``ufunc.accumulate``."""


def outer_product(operation: Callable[..., Any], x: Any, y: Any, **kwargs: Any) -> Any:
    """``ufunc.outer``: every element of x with every element of y."""
    return operation(reshape(x, (*np.shape(x), *(1,) * np.ndim(y))), y, **kwargs)


def of_values(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What NumPy makes of the values; arrays in it become tensors."""

    def bare(x: Any) -> Any:
        if isinstance(x, Tensor):
            return x.numpy()
        return type(x)(map(bare, x)) if type(x) in (list, tuple) else x

    def clad(x: Any) -> Any:
        if isinstance(x, (np.ndarray, np.generic)) and not isinstance(x, np.bool_):
            return constant(x)
        return type(x)(map(clad, x)) if type(x) in (list, tuple) else x

    return clad(function(*bare(args), **{k: bare(v) for k, v in kwargs.items()}))
