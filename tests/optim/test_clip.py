"""Clipping, held against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.optim.recipes import parameters, starts
from tinygrad_lite.optim import clip_grad_norm_, clip_grad_value_


def with_gradients(rng: np.random.Generator, dtype: str = "float64") -> list[tg.Tensor]:
    tensors = parameters(starts(rng), dtype)
    for p in tensors:
        p.grad = tg.tensor(rng.standard_normal(p.shape), dtype=dtype)
    tensors[1].grad = None
    return tensors


def twins(tensors: list[tg.Tensor]) -> list[Any]:
    torch = pytest.importorskip("torch")
    copies = [torch.tensor(np.array(p.data), requires_grad=True) for p in tensors]
    for p, q in zip(tensors, copies):
        q.grad = None if p.grad is None else torch.tensor(np.array(p.grad.data))
    return copies


def assert_same(tensors: list[tg.Tensor], theirs: list[Any], tolerance: float) -> None:
    for p, q in zip(tensors, theirs):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            assert p.grad.shape == p.shape and p.grad.dtype == p.dtype
            np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=tolerance)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.1, 100.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norm_is_pytorchs(
    norm_type: float, max_norm: float, dtype: str, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    ours = with_gradients(rng, dtype)
    theirs = twins(ours)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    norm = clip_grad_norm_(iter(ours), max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert isinstance(norm, tg.Tensor) and norm.shape == () and norm.dtype == dtype
    np.testing.assert_allclose(norm.item(), expected.item(), rtol=tolerance)
    assert_same(ours, theirs, tolerance)


def test_value_is_pytorchs(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    ours = with_gradients(rng)
    theirs = twins(ours)
    clip_grad_value_(ours, 0.5)
    torch.nn.utils.clip_grad_value_(theirs, 0.5)
    assert_same(ours, theirs, 0)


def test_gradients_are_changed_in_place(rng: np.random.Generator) -> None:
    (w, *_) = with_gradients(rng)
    held = w.grad
    array = held.data
    clip_grad_norm_(w, 0.1)
    assert w.grad is held and held.data is array
    assert np.linalg.norm(array) == pytest.approx(0.1, rel=1e-5)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_norms_that_are_not_finite(value: float) -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    w.grad = tg.tensor([1.0, value])
    with pytest.raises(RuntimeError, match="norm_type=2"):
        clip_grad_norm_([w], 1.0, error_if_nonfinite=True)
    assert w.grad.data[0] == 1
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(clip_grad_norm_([w], 1.0).item())


def test_a_norm_whose_squares_overflow_still_clips() -> None:
    w = tg.tensor([0.0, 0.0], dtype="float32", requires_grad=True)
    w.grad = tg.tensor([3e30, 4e30], dtype="float32")
    assert clip_grad_norm_(w, 1.0).item() == pytest.approx(5e30)
    np.testing.assert_allclose(w.grad.data, [0.6, 0.8], rtol=1e-6)


def test_small_types_are_summed_in_float32() -> None:
    w = tg.tensor(np.zeros(10_000), dtype="float16", requires_grad=True)
    w.grad = tg.tensor(np.full(10_000, 10.0), dtype="float16")
    assert clip_grad_norm_(w, 1.0).item() == 1000
    np.testing.assert_allclose(w.grad.data, 0.01, rtol=1e-3)


def test_nothing_to_clip() -> None:
    w = tg.tensor([1.0], requires_grad=True)
    assert clip_grad_norm_([w], 1.0).item() == 0
    assert clip_grad_norm_([], 1.0).item() == 0


def test_backward_through_a_clipped_gradient_is_an_error() -> None:
    w = tg.tensor([3.0], requires_grad=True)
    (w**3).sum().backward(create_graph=True)
    penalty = (w.grad * w.grad).sum()
    clip_grad_norm_(w, 1.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        penalty.backward()
