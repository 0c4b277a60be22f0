"""Linear agrees with PyTorch for inputs of every rank, and says what it takes."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import graph, nn


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3), (2, 0, 4, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_agrees_with_pytorch(
    shape: tuple[int, ...], bias: bool, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Linear(3, 4, bias=bias, dtype=torch.float64)
    ours = nn.Linear(3, 4, bias=bias, dtype=np.float64)
    ours.load_state_dict(theirs.state_dict())
    values = rng.standard_normal(shape)
    x, tx = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    out, tout = ours(x), theirs(tx)
    np.testing.assert_allclose(out.data, tout.detach().numpy(), rtol=1e-12, atol=1e-12)
    (out**2).sum().backward()
    (tout**2).sum().backward()
    pairs = [(x, tx), *zip(ours.parameters(), theirs.parameters())]
    for mine, other in pairs:
        np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_it_computes_in_its_own_dtype_and_records_the_cast() -> None:
    layer = nn.Linear(2, 2)
    assert layer.weight.dtype == layer.bias.dtype == np.float32
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    out = layer(x)
    assert out.dtype == np.float32
    assert [t.record[0].name for t in graph.topological(out)] == ["cast", "linear"]
    out.sum().backward()
    assert x.grad.dtype == np.float64
    narrow = layer(tg.tensor([[1.0, 2.0]], dtype="float32", requires_grad=True))
    assert [t.record[0].name for t in graph.topological(narrow)] == ["linear"]
    for values in ([[1, 2]], np.array([[1, 2]]), np.array([[True, False]]), ((1.0, 2.0),)):
        assert layer(values).dtype == np.float32
    with pytest.raises(TypeError, match="complex128"):
        layer(np.ones((1, 2), complex))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4, 3), (2,), ()])
def test_another_number_of_features_is_an_error_that_shows_the_layer(
    bias: bool, shape: tuple[int, ...]
) -> None:
    layer = nn.Linear(5, 1, bias)
    with pytest.raises(ValueError, match="takes inputs of shape") as error:
        layer(np.ones(shape))
    assert str(error.value).startswith(f"{layer!r} takes inputs of shape (..., 5), not {shape}")


@pytest.mark.parametrize("bad", [0, -1, 2.0, "3", True])
def test_the_numbers_of_features_are_checked(bad: object) -> None:
    with pytest.raises(ValueError, match="in_features must be a positive whole number"):
        nn.Linear(bad, 1)
    with pytest.raises(ValueError, match="out_features must be a positive whole number"):
        nn.Linear(1, bad)


def test_initial_values_are_those_of_pytorch_in_distribution() -> None:
    layer = nn.Linear(100, 400, rng=1)
    for parameter in (layer.weight, layer.bias):
        values = parameter.data
        assert np.abs(values).max() <= 0.1
        assert np.abs(values).max() > 0.099
        assert abs(values.std() - 0.1 / np.sqrt(3)) < 0.003


def test_the_seed_decides_whatever_the_dtype() -> None:
    one, two = nn.Linear(3, 2, rng=4), nn.Linear(3, 2, rng=4, dtype=np.float64)
    np.testing.assert_array_equal(one.weight.data, two.weight.data.astype(np.float32))
    tg.manual_seed(7)
    three = nn.Linear(3, 2)
    tg.manual_seed(7)
    np.testing.assert_array_equal(three.weight.data, nn.Linear(3, 2).weight.data)
