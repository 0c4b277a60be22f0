"""The same function here and in PyTorch, on the same numbers: values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg


def assert_same(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    *inputs: np.ndarray[Any, Any],
    differentiable: tuple[int, ...] = (0,),
) -> None:
    """Value and gradients agree to 1e-12, for a cotangent of random numbers."""
    torch = pytest.importorskip("torch")
    xs = [tg.tensor(x, requires_grad=i in differentiable) for i, x in enumerate(inputs)]
    ts = [torch.tensor(x, requires_grad=i in differentiable) for i, x in enumerate(inputs)]
    out, expected = ours(*xs), theirs(*ts)
    assert out.shape == tuple(expected.shape) and out.dtype == np.float64
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    g = np.random.default_rng(9).standard_normal(out.shape)
    out.backward(g)
    expected.backward(torch.tensor(g))
    for i in differentiable:
        np.testing.assert_allclose(xs[i].grad.data, ts[i].grad.numpy(), rtol=1e-12, atol=1e-12)
