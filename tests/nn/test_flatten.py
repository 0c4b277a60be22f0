"""Flatten agrees with PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F


@pytest.mark.parametrize("dims", [(0, -1), (1, -1), (1, 2), (-2, -1), (2, 2)])
@pytest.mark.parametrize("shape", [(2, 3, 4), (0, 3, 4), (2, 0, 4)])
def test_it_agrees_with_pytorch(dims: tuple[int, int], shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    ours = F.flatten(tg.tensor(x), *dims)
    np.testing.assert_array_equal(ours.data, torch.flatten(torch.tensor(x), *dims).numpy())


def test_the_layer_keeps_the_batch() -> None:
    x = tg.tensor(np.ones((2, 8, 8)), requires_grad=True)
    out = nn.Flatten()(x)
    assert out.shape == (2, 64)
    out.sum().backward()
    assert x.grad.shape == (2, 8, 8)
    assert nn.Flatten()(np.ones((2, 3, 3))).shape == (2, 9)
    assert F.flatten(tg.tensor(1.0)).shape == (1,)


def test_ranges_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match=r"axes 1 to -1 are not a range of axes of shape \(3,\)"):
        nn.Flatten()(tg.zeros(3))
    with pytest.raises(ValueError, match="axes 2 to 1"):
        F.flatten(tg.zeros((2, 3, 4)), 2, 1)
