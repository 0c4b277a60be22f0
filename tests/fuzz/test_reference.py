"""Each convention that PyTorch is made to follow is needed at its kink and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")

from tests.fuzz import reference  # noqa: E402 - it imports PyTorch


class Convention(NamedTuple):
    """A function of the reference beside PyTorch's own.

    Attributes:
        ours: as the programs use it.
        theirs: what PyTorch would do.
        kink: a point where their derivatives differ.
        order: of the first derivative that does.
        expected: what ours is there.
        smooth: a point where nothing differs.
    """

    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    kink: list[float]
    order: int
    expected: list[float]
    smooth: list[float]


def in_tie(function: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda x: function(x[:1], x[1:])


CONVENTIONS = {
    "clip": Convention(
        lambda x: reference.clip(x, -1.0, 1.0),
        lambda x: torch.clip(x, -1.0, 1.0),
        [1.0, -1.0],
        1,
        [0.0, 0.0],
        [0.5, 2.0],
    ),
    "fmax": Convention(
        in_tie(reference.fmax), in_tie(torch.fmax), [1.0, 1.0], 1, [0.5, 0.5], [1.0, 2.0]
    ),
    "fmin": Convention(
        in_tie(reference.fmin), in_tie(torch.fmin), [1.0, 1.0], 1, [0.5, 0.5], [1.0, 2.0]
    ),
    "power": Convention(
        in_tie(reference.power),
        in_tie(torch.pow),
        [2.0, 0.0],
        2,
        [0.5, 0.5 + 0.4804530139182014],
        [2.0, 1.5],
    ),
    "safe": Convention(
        lambda x: reference.safe(torch.sqrt, x > 0, x, 0.5, 0.0),
        lambda x: torch.where(x > 0, torch.sqrt(x), 0.0),
        [-1.0, 0.0],
        1,
        [0.0, 0.0],
        [1.0, 2.0],
    ),
    "selu": Convention(
        reference.selu,
        torch.nn.functional.selu,
        [0.0, 0.0],
        1,
        [1.0507009873554805] * 2,
        [-1.0, 1.0],
    ),
    "std": Convention(
        lambda x: reference.std(x, 0, 0, False),
        lambda x: torch.std(x, 0, correction=0),
        [0.1, 0.1, 0.1],
        1,
        [0.0, 0.0, 0.0],
        [1.0, 2.0],
    ),
    "vector_norm": Convention(
        lambda x: reference.vector_norm(x, 2, 0, False),
        lambda x: torch.linalg.vector_norm(x, 2, 0),
        [0.0, 0.0],
        2,
        [0.0, 0.0],
        [1.0, 2.0],
    ),
}


def derivative(function: Callable[[Any], Any], at: list[float], order: int) -> Any:
    """The gradient of the sum, again of its sum for the second order."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    out = function(x)
    for left in range(order - 1, -1, -1):
        (out,) = torch.autograd.grad(out.sum(), x, create_graph=left > 0)
    return out


def test_every_convention_is_held_to_its_point():
    assert set(CONVENTIONS) == set(reference.CONVENTIONS)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_is_needed_there(name: str):
    c = CONVENTIONS[name]
    ours, theirs = derivative(c.ours, c.kink, c.order), derivative(c.theirs, c.kink, c.order)
    torch.testing.assert_close(ours, torch.tensor(c.expected, dtype=torch.float64))
    assert not torch.allclose(ours, theirs)


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("order", [1, 2])
def test_changes_nothing_elsewhere(name: str, order: int):
    c = CONVENTIONS[name]
    curved = [lambda x: c.ours(x) * x.sum(), lambda x: c.theirs(x) * x.sum()]
    ours, theirs = (derivative(f, c.smooth, order) for f in curved)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
