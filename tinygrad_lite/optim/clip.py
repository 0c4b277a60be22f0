"""Clipping of gradients: by their joint norm, or value by value."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from math import isfinite

import numpy as np

from tinygrad_lite.mode import mode
from tinygrad_lite.optim.kernel import Array
from tinygrad_lite.tensor import Tensor, constant, tick


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale the gradients in place so that their norm, taken over all of them, is at most max_norm.

    They are multiplied by ``max_norm / (norm + 1e-6)`` if that is less than 1.

    Args:
        parameters: one tensor or several; those without a gradient are passed over.
        max_norm: the largest norm that is left as it is.
        norm_type: the p of the norm; ``inf`` for the largest absolute value.
        error_if_nonfinite: refuse to scale by a norm that is infinite or not a number.

    Returns:
        The norm before clipping, a tensor without dimensions.

    Raises:
        RuntimeError: for a norm that is not finite, if that was asked for.

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor([1.0, 1.0], requires_grad=True)
    >>> (w * tg.tensor([3.0, 4.0])).sum().backward()
    >>> tg.optim.clip_grad_norm_(w, max_norm=1.0).item()
    5.0
    >>> w.grad
    tensor([0.6, 0.8])
    """
    parameters = _listed(parameters)
    repeat = getattr(mode().intercept, "effect", None)
    if repeat is not None:
        call = partial(clip_grad_norm_, parameters, max_norm, norm_type, error_if_nonfinite)
        total: Tensor = repeat(clip_grad_norm_, call, parameters, gradients=True)
        return total
    gradients = _gradients(parameters)
    arrays = [np.asarray(g._data) for g in gradients]
    norm = clip_by_norm(arrays, max_norm, norm_type, error_if_nonfinite)
    _changed(gradients, arrays)
    dtype = np.result_type(*(g.dtype for g in gradients)) if gradients else np.dtype(float)
    return constant(dtype.type(norm))


def clip_by_norm(
    arrays: list[Array], max_norm: float, norm_type: float, error_if_nonfinite: bool
) -> float:
    """``clip_grad_norm_`` of arrays: they are scaled in place, their norm before is returned."""
    norms = [_norm(array, norm_type) for array in arrays]
    norm = _norm(np.array(norms, float), norm_type) if norms else 0.0
    if error_if_nonfinite and not isfinite(norm):
        raise RuntimeError(
            f"the norm (norm_type={norm_type:g}) of the gradients is {norm}, so they cannot be "
            "scaled by it; error_if_nonfinite=False scales them anyway"
        )
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:  # a norm that is not a number goes on into the gradients
        for array in arrays:
            np.multiply(array, factor, out=array)
    return norm


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of the gradients, in place, to ``[-clip_value, clip_value]``.

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor([1.0, 1.0], requires_grad=True)
    >>> (w * tg.tensor([3.0, -0.5])).sum().backward()
    >>> tg.optim.clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([ 1. , -0.5])
    """
    parameters = _listed(parameters)
    repeat = getattr(mode().intercept, "effect", None)
    if repeat is not None:
        call = partial(clip_grad_value_, parameters, clip_value)
        repeat(clip_grad_value_, call, parameters, gradients=True)
        return
    gradients = _gradients(parameters)
    arrays = [np.asarray(g._data) for g in gradients]
    clip_by_value(arrays, clip_value)
    _changed(gradients, arrays)


def clip_by_value(arrays: list[Array], clip_value: float) -> None:
    """``clip_grad_value_`` of arrays, in place."""
    for array in arrays:
        np.clip(array, -float(clip_value), float(clip_value), out=array)


def _listed(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


def _norm(x: Array, p: float) -> float:
    """The p-norm of all elements: float32 for smaller types, without overflow for p = 2."""
    if not x.size:
        return 0.0
    if x.dtype.itemsize < 4:
        x = x.astype(np.float32)
    if p == float("inf"):
        return float(np.maximum(x.max(), -x.min()))
    with np.errstate(over="ignore"):
        norm = float(np.linalg.norm(x.ravel("K"), p))
    if norm == float("inf") and np.isfinite(x).all():
        peak = float(np.maximum(x.max(), -x.min()))
        norm = peak * float(np.linalg.norm((x / peak).ravel("K"), p))
    return norm


def _changed(gradients: list[Tensor], arrays: list[Array]) -> None:
    """Note that the values of gradients, in these arrays, may have been changed."""
    for g, array in zip(gradients, arrays):
        g._data = array if array.ndim else array[()]
        g.order = tick()
