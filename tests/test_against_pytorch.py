"""The same network and data here and in PyTorch: loss, gradients, a hundred steps of SGD."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F

torch = pytest.importorskip("torch")

MODES = [
    {
        "momentum": momentum,
        "dampening": dampening,
        "weight_decay": decay,
        "nesterov": nesterov,
        "maximize": up,
    }
    for momentum, dampening, decay, nesterov, up in product(
        (0.0, 0.9), (0.0, 0.3), (0.0, 0.01), (False, True), (False, True)
    )
    if not (nesterov and (momentum == 0 or dampening))
]


def networks() -> tuple[nn.Sequential, Any]:
    """An MLP here and in PyTorch, with the same weights, in double precision."""
    tg.manual_seed(0)
    ours = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 3))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(5, 7),
        torch.nn.Tanh(),
        torch.nn.Linear(7, 6),
        torch.nn.ReLU(),
        torch.nn.Linear(6, 3),
    ).double()
    ours.double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    return ours, theirs


@pytest.mark.parametrize("mode", MODES, ids=lambda m: " ".join(k for k, v in m.items() if v) or "-")
def test_a_hundred_steps_of_sgd(mode: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((16, 5)), rng.integers(0, 3, 16)
    ours, theirs = networks()
    lr = 0.001 if mode["maximize"] else 0.05
    a = optim.SGD(ours.parameters(), lr=lr, **mode)
    b = torch.optim.SGD(theirs.parameters(), lr=lr, **mode)
    for _ in range(100):
        a.zero_grad()
        loss = F.cross_entropy(ours(x), y)
        loss.backward()
        b.zero_grad()
        expected = torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(y))
        expected.backward()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
        for p, q in zip(ours.parameters(), theirs.parameters()):
            np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=1e-12, atol=1e-12)
        a.step()
        b.step()
    for p, q in zip(ours.parameters(), theirs.parameters()):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12, atol=1e-12)
