"""New tensors filled with given values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops.shape import broadcast_to, cast, reshape
from tinygrad_lite.tensor import Tensor


def _result(t: Tensor, dtype: Any, requires_grad: bool, name: str | None) -> Tensor:
    """``t``, which was computed from tensors, as what a function of creation returns."""
    if dtype is not None and t.dtype != dtype:
        t = cast(t, dtype)
    if requires_grad and not t.requires_grad:
        t.requires_grad = True
    t.name = name
    return t


def zeros(
    shape: Any, dtype: Any = None, requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """A tensor of zeros, float64 unless another dtype is given.

    >>> import tinygrad_lite as tg
    >>> tg.zeros((2, 3)).shape
    (2, 3)
    """
    return Tensor(np.zeros(shape, dtype or float), requires_grad, name=name)


def ones(
    shape: Any, dtype: Any = None, requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """A tensor of ones, float64 unless another dtype is given.

    >>> import tinygrad_lite as tg
    >>> tg.ones(2)
    tensor([1., 1.])
    """
    return Tensor(np.ones(shape, dtype or float), requires_grad, name=name)


def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """A tensor in which every element is ``fill_value``, whose dtype it takes by default.

    A tensor as ``fill_value`` has a gradient.

    >>> import tinygrad_lite as tg
    >>> tg.full(2, 7.0)
    tensor([7., 7.])
    """
    if isinstance(fill_value, Tensor):
        return _result(broadcast_to(fill_value, shape), dtype, requires_grad, name)
    return Tensor(np.full(shape, fill_value, dtype), requires_grad, name=name)


def arange(
    start: Any,
    stop: Any = None,
    step: Any = 1,
    dtype: Any = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """Numbers from ``start`` up to, not including, ``stop``; from 0 if one number is given.

    Raises:
        TypeError: if one of them requires a gradient: how many there are has none.

    >>> import tinygrad_lite as tg
    >>> tg.arange(3)
    tensor([0, 1, 2])
    >>> tg.arange(1.0, 2.0, 0.25)
    tensor([1.  , 1.25, 1.5 , 1.75])
    """
    if stop is None:
        start, stop = 0, start
    if any(isinstance(x, Tensor) and x.requires_grad for x in (start, stop, step)):
        raise TypeError(
            "arange takes numbers, not tensors that require a gradient: linspace(start, stop, num) "
            "and start + step * arange(n) have gradients"
        )
    start, stop, step = (x.item() if isinstance(x, Tensor) else x for x in (start, stop, step))
    return Tensor(np.arange(start, stop, step, dtype=dtype), requires_grad, name=name)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """``num`` numbers at equal distances from ``start`` to ``stop``, which is included by default.

    Tensors as ``start`` and ``stop`` have gradients; where they have axes, the new one comes first.

    >>> import tinygrad_lite as tg
    >>> tg.linspace(0, 1, 3)
    tensor([0. , 0.5, 1. ])
    """
    if isinstance(start, Tensor) or isinstance(stop, Tensor):
        shares = np.linspace(
            0, 1, num, endpoint, dtype=np.result_type(_weak(start), _weak(stop), 1.0)
        )
        shares = reshape(shares, (-1, *(1,) * max(np.ndim(start), np.ndim(stop))))
        return _result(start * (1 - shares) + stop * shares, dtype, requires_grad, name)
    values = np.linspace(start, stop, num, endpoint, dtype=dtype)
    return Tensor(values, requires_grad, name=name)


def _weak(x: Any) -> Any:
    """What NumPy's promotion looks at: a dtype, or a Python number."""
    return (
        x
        if isinstance(x, (int, float, complex))
        else getattr(x, "dtype", None) or np.asarray(x).dtype
    )


def eye(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: Any = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """A matrix of N rows and M columns (N by default), with ones on its k-th diagonal.

    >>> import tinygrad_lite as tg
    >>> tg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return Tensor(np.eye(N, M, k, dtype or float), requires_grad, name=name)


def zeros_like(
    x: Any, dtype: Any = None, *, shape: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of zeros with the shape and dtype of ``x``, unless others are given.

    >>> import tinygrad_lite as tg
    >>> tg.zeros_like(tg.tensor([1.0, 2.0]))
    tensor([0., 0.])
    """
    return full_like(x, 0, dtype, shape=shape, requires_grad=requires_grad)


def ones_like(
    x: Any, dtype: Any = None, *, shape: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of ones with the shape and dtype of ``x``, unless others are given.

    >>> import tinygrad_lite as tg
    >>> tg.ones_like(tg.tensor([1.0, 2.0]))
    tensor([1., 1.])
    """
    return full_like(x, 1, dtype, shape=shape, requires_grad=requires_grad)


def full_like(
    x: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor filled with ``fill_value``, of the shape and dtype of ``x`` unless others are given.

    >>> import tinygrad_lite as tg
    >>> tg.full_like(tg.tensor([1.0, 2.0]), 7)
    tensor([7., 7.])
    """
    shape = np.shape(x) if shape is None else shape
    dtype = dtype or getattr(x, "dtype", None) or np.asarray(x).dtype
    return full(shape, fill_value, dtype, requires_grad)
