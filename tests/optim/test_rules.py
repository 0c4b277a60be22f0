"""The arithmetic of the optimisers: held against PyTorch, in every layout, dtype and size."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.optim.recipes import ONE_EACH, RECIPES, gradients, parameters, run, starts
from tinygrad_lite import optim
from tinygrad_lite.optim import kernel


def torch_run(
    name: str, settings: dict[str, Any], values: list[Any], steps: list[list[Any]]
) -> tuple[Any, list[Any]]:
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
    optimizer = getattr(torch.optim, name)(tensors, **settings)
    for gradient in steps:
        for p, g in zip(tensors, gradient):
            p.grad = None if g is None else torch.tensor(g, dtype=torch.float64)
        optimizer.step()
    return optimizer, [p.detach().numpy() for p in tensors]


@pytest.mark.parametrize(("name", "settings"), RECIPES)
def test_200_steps_agree_with_pytorch(
    name: str, settings: dict[str, Any], rng: np.random.Generator, seed: int
) -> None:
    values, steps = starts(rng), gradients(seed, 200)
    _, expected = torch_run(name, settings, values, steps)
    ours = parameters(values)
    run(getattr(optim, name)(ours, **settings), ours, steps)
    for p, q in zip(ours, expected):
        np.testing.assert_allclose(p.data, q, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "settings"), ONE_EACH)
def test_defaults_are_pytorchs(name: str, settings: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    extra = {"lr": settings["lr"]} if "lr" in settings else {}
    theirs = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)], **extra).defaults
    ours = getattr(optim, name)([tg.tensor([0.0], requires_grad=True)], **extra).defaults
    assert ours.items() <= theirs.items()


@pytest.mark.parametrize(("name", "settings"), ONE_EACH)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes_stay_whatever_type_the_settings_have(
    name: str, settings: dict[str, Any], dtype: str, rng: np.random.Generator, seed: int
) -> None:
    ours = parameters(starts(rng), dtype)
    optimizer = getattr(optim, name)(ours, **{**settings, "lr": np.float64(0.01)})
    run(optimizer, ours, gradients(seed, 5))
    assert all(p.data.dtype == dtype for p in ours)
    arrays = [a for state in optimizer.state.values() for a in state.values() if np.ndim(a)]
    assert all(a.dtype == dtype for a in arrays)


def test_mixed_dtypes_in_one_group_each_use_their_own() -> None:
    narrow = tg.tensor([1.0], dtype="float32", requires_grad=True)
    wide = tg.tensor([1.0], dtype="float64", requires_grad=True)
    again = tg.tensor([1.0], dtype="float32", requires_grad=True)
    for p in (narrow, wide, again):
        p.grad = tg.tensor([1.0], dtype=p.dtype)
    optim.SGD([narrow, wide, again], lr=0.1).step()
    assert wide.data == 1 - 0.1
    assert narrow.data == again.data == np.float32(1) - np.float32(0.1)


@pytest.mark.parametrize(("name", "settings"), ONE_EACH)
def test_pieces_of_any_layout_give_the_numbers_of_the_whole(
    name: str,
    settings: dict[str, Any],
    rng: np.random.Generator,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes = [(7, 30), (23,), (2, 3, 40), (1, 50), (5, 1)]
    layouts = [
        lambda a: a,
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: a[::-1].copy()[::-1],
    ]
    settings = {**settings, "weight_decay": 0.1, "maximize": True}
    values = [rng.standard_normal(shape) for shape in shapes]
    steps = [[rng.standard_normal(shape) for shape in shapes] for _ in range(3)]

    def result(layout: Any, gradient_layout: Any) -> list[Any]:
        tensors = parameters(values)
        for p in tensors:
            p.data = layout(p.data)
        optimizer = getattr(optim, name)(tensors, **settings)
        for gradient in steps:
            for p, g in zip(tensors, gradient):
                p.grad = tg.tensor(g)
                p.grad.data = gradient_layout(g)
            optimizer.step()
        return [p.data for p in tensors]

    whole = result(layouts[0], layouts[0])
    monkeypatch.setattr(kernel, "PIECE", 16)
    for layout in layouts:
        for gradient_layout in layouts:
            for p, q in zip(result(layout, gradient_layout), whole):
                np.testing.assert_array_equal(p, q)


def test_pieces_cover_everything_once_and_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "PIECE", 16)
    scratch = kernel.Scratch()
    for shape in [(100,), (1, 100), (100, 1), (3, 40), (40, 3), (2, 3, 50), (5, 4, 3), (0, 4), ()]:
        counts = np.zeros(shape)
        sizes = []

        def rule(p: Any, absent: None, t: Any, u: Any, one: int, sizes: list[int] = sizes) -> None:
            assert absent is None and t.shape == u.shape == p.shape
            p += one
            sizes.append(p.size)

        kernel.in_pieces(rule, scratch, (counts, None), (1,))
        assert (counts == 1).all() and max(sizes) <= 16


@pytest.mark.parametrize(("name", "settings"), ONE_EACH)
@pytest.mark.parametrize("shape", [(300_000,), (300, 1000)])
def test_a_step_allocates_nothing_of_the_size_of_a_parameter(
    name: str, settings: dict[str, Any], shape: tuple[int, ...]
) -> None:
    w = tg.tensor(np.ones(shape), requires_grad=True)
    b = tg.tensor(np.ones(1000), requires_grad=True)
    w.grad, b.grad = tg.tensor(np.ones(shape)), tg.tensor(np.ones(1000))
    optimizer = getattr(optim, name)([w, b], **{**settings, "weight_decay": 0.1, "maximize": True})
    optimizer.step()
    held = w.data, b.data
    tracemalloc.start()
    try:
        optimizer.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4000
    assert w.data is held[0] and b.data is held[1]


@pytest.mark.parametrize(("name", "settings"), ONE_EACH)
def test_gradients_are_left_as_they_are(
    name: str, settings: dict[str, Any], rng: np.random.Generator
) -> None:
    ours = parameters(starts(rng))
    settings = {**settings, "weight_decay": 0.1, "maximize": True}
    optimizer = getattr(optim, name)(ours, **settings)
    for p in ours:
        p.grad = tg.tensor(rng.standard_normal(p.shape))
    before = [p.grad.data.copy() for p in ours]
    optimizer.step()
    optimizer.step()
    for p, g in zip(ours, before):
        np.testing.assert_array_equal(p.grad.data, g)


def test_states_share_no_memory_with_gradients_or_parameters() -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    w.grad = tg.tensor([0.5, 0.5])
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    optimizer.step()
    buffer = optimizer.state[w]["momentum_buffer"]
    assert not np.shares_memory(buffer, w.grad.data) and not np.shares_memory(buffer, w.data)


def test_settings_are_read_at_every_step() -> None:
    w = tg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    w.grad = tg.tensor([1.0])
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.5
    optimizer.step()
    assert w.data == 1 - 0.1 - 0.5


def test_update_takes_plain_arrays() -> None:
    p, g = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    optimizer = optim.SGD([tg.tensor([1.0, 2.0], requires_grad=True)], lr=0.5)
    optimizer.update(optimizer.param_groups[0], [p], [g], [{}])
    np.testing.assert_array_equal(p, [0.5, 1.5])


def test_numbers_held_without_dimensions_are_replaced() -> None:
    w = tg.tensor(2.0, dtype="float32", requires_grad=True)
    old = w.data
    (w * w).backward()
    optim.SGD([w], lr=0.25).step()
    assert w.item() == 1.0 and old == 2.0
    assert type(w.data) is np.float32


def test_backward_through_what_was_recorded_before_the_step_is_an_error() -> None:
    for data in ([3.0, 4.0], 3.0):
        w = tg.tensor(data, requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)
        loss = (w * w).sum()
        loss.backward()
        optimizer.step()
        with pytest.raises(RuntimeError, match="changed in place"):
            loss.backward()
        (w * w).sum().backward()


def test_a_parameter_without_a_gradient_is_left_alone() -> None:
    used, unused = parameters([np.ones(2), np.ones(2)])
    optimizer = optim.Adam([used, unused], lr=0.1, weight_decay=0.5)
    loss = (unused * 3).sum()
    used.grad = tg.tensor([1.0, 1.0])
    optimizer.step()
    np.testing.assert_array_equal(unused.data, 1)
    assert not optimizer.state[unused]
    loss.backward()  # nothing of it was changed
