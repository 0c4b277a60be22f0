"""Steps with every activation and loss of ``nn``: compiled they allocate next to nothing."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F

ROWS, WIDTH, CLASSES = 32, 64, 5

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    **{
        name: getattr(F, name)
        for name in (
            "elu",
            "gelu",
            "hardtanh",
            "leaky_relu",
            "log_softmax",
            "logsigmoid",
            "mish",
            "relu",
            "relu6",
            "selu",
            "sigmoid",
            "silu",
            "softmax",
            "softplus",
            "softsign",
            "tanh",
        )
    },
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    "leaky_relu, steep": lambda x: F.leaky_relu(x, 1.5),
    "elu, flat": lambda x: F.elu(x, 0.5),
    "abs": tg.abs,
    "square": tg.square,
    "maximum": lambda x: tg.maximum(x, 0.1),
    "minimum": lambda x: tg.minimum(x, 0.1),
    "clip from below": lambda x: tg.clip(x, -0.1, None),
    "clip from above": lambda x: tg.clip(x, None, 0.3),
    "where": lambda x: tg.where(x > 0, x, 0.3 * x),
}

WEIGHT = np.arange(1, 1 + CLASSES, dtype=np.float32)

LOSSES: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "binary_cross_entropy": (lambda z, t: F.binary_cross_entropy(tg.sigmoid(z), t), "yes"),
    "binary_cross_entropy_with_logits": (F.binary_cross_entropy_with_logits, "yes"),
    "with pos_weight": (
        lambda z, t: F.binary_cross_entropy_with_logits(z, t, pos_weight=WEIGHT),
        "yes",
    ),
    "cross_entropy": (F.cross_entropy, "labels"),
    "cross_entropy, summed": (lambda z, t: F.cross_entropy(z, t, reduction="sum"), "labels"),
    "cross_entropy, smoothed": (
        lambda z, t: F.cross_entropy(z, t, label_smoothing=0.1),
        "labels",
    ),
    "cross_entropy, weighted": (lambda z, t: F.cross_entropy(z, t, weight=WEIGHT), "labels"),
    "cross_entropy of shares": (F.cross_entropy, "shares"),
    "nll_loss": (lambda z, t: F.nll_loss(2 * F.log_softmax(z, -1), t), "labels"),
    "huber_loss": (F.huber_loss, "numbers"),
    "l1_loss": (F.l1_loss, "numbers"),
    "mse_loss": (F.mse_loss, "numbers"),
}


def targets(kind: str, rng: np.random.Generator) -> Any:
    if kind == "labels":
        return rng.integers(0, CLASSES, ROWS)
    if kind == "yes":
        return (rng.random((ROWS, CLASSES)) > 0.5).astype(np.float32)
    if kind == "shares":
        return rng.dirichlet(np.ones(CLASSES), ROWS).astype(np.float32)
    return rng.standard_normal((ROWS, CLASSES)).astype(np.float32)


def training(activation: str, loss: str) -> tuple[Any, Any]:
    """A training step and its weights."""
    act, (compare, _) = ACTIVATIONS[activation], LOSSES[loss]
    first, second = nn.Linear(20, WIDTH, rng=0), nn.Linear(WIDTH, CLASSES, rng=1)
    weights = [*first.parameters(), *second.parameters()]
    optimizer = optim.SGD(weights, lr=0.1)

    def step(x: Any, target: Any) -> Any:
        optimizer.zero_grad()
        loss = compare(second(act(first(x))), target)
        loss.backward()
        optimizer.step()
        return loss

    return step, weights


def batch(kind: str, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return 2 * rng.standard_normal((ROWS, 20)).astype(np.float32), targets(kind, rng)


def peak(act: Callable[[], Any]) -> int:
    """The most memory that a call takes on the way, in bytes."""
    tracemalloc.start()
    try:
        act()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        act()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


PAIRS = [(name, "cross_entropy") for name in ACTIVATIONS] + [("relu", name) for name in LOSSES]


@pytest.mark.parametrize(("activation", "loss"), PAIRS)
def test_a_step_is_as_without_and_allocates_nothing(activation: str, loss: str) -> None:
    """The driver's own small objects take 920 bytes, an array of the hidden layer 8192."""
    kind = LOSSES[loss][1]
    eager, wanted = training(activation, loss)
    step, found = training(activation, loss)
    step = tg.compile(step)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(6):
            given = batch(kind, seed)
            value, wanted_value = step(*given), eager(*given)
            assert value.dtype == wanted_value.dtype
            np.testing.assert_allclose(value.item(), wanted_value.item(), rtol=2e-5)
    for p, q in zip(found, wanted):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-4, atol=1e-5)
    assert "repeat(" in step.source
    given = batch(kind, 9)
    taken = peak(lambda: step(*given))
    assert taken < 2000, f"{taken} bytes"


@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if "softmax" not in a])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_slopes_at_the_ends(activation: str, dtype: Any) -> None:
    act = ACTIVATIONS[activation]
    ends = [0.0, -0.0, 1e-30, 5.0, -5.0, 30.0, -30.0, 80.0, -80.0, 1e4, -1e4, np.inf, -np.inf]
    x = np.array(ends, dtype)

    slope = tg.grad(lambda x: act(x).sum())
    value_in_place, slope_in_place = tg.compile(act), tg.compile(slope)
    close = {"rtol": 3e-6 if dtype == np.float32 else 1e-13, "atol": 1e-34}
    with np.errstate(all="ignore"):
        for shift in range(4):
            given = np.roll(x, shift)
            np.testing.assert_allclose(value_in_place(given), act(given), **close)
            np.testing.assert_allclose(slope_in_place(given), slope(given), **close)


@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"weight": WEIGHT}])
def test_labels_that_are_ignored_or_no_class_in_an_evaluation(options: Any) -> None:
    def loss(z: Any, labels: Any) -> Any:
        return F.cross_entropy(z, labels, **options)

    compiled = tg.compile(loss)
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((8, CLASSES)).astype(np.float32), rng.integers(0, CLASSES, 8)
    for _ in range(3):
        compiled(z, labels)
    labels[2] = -100
    np.testing.assert_allclose(compiled(z, labels), loss(z, labels), rtol=1e-6)
    for wrong in (-1, CLASSES):
        labels[2] = wrong
        with pytest.raises(IndexError, match=f"label {wrong} at position 2"):
            compiled(z, labels)
