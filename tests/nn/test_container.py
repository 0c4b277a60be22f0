"""Sequential: order, names, slices."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def test_it_is_a_sequence_of_its_layers() -> None:
    layers = [nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)]
    model = nn.Sequential(*layers)
    assert len(model) == 3 and list(model) == layers
    assert model[1] is layers[1] and model[-1] is layers[2]
    x = np.ones((4, 2))
    np.testing.assert_array_equal(model(x).data, layers[2](layers[1](layers[0](x))).data)
    with pytest.raises(IndexError):
        model[3]


def test_slices_share_the_layers() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    tail = model[1:]
    assert isinstance(tail, nn.Sequential) and list(tail) == list(model)[1:]
    assert list(tail.state_dict()) == ["1.weight", "1.bias"]
    assert list(tail.append(nn.Tanh()))[-1] is tail[2]
    assert len(model) == 3


def test_layers_by_name() -> None:
    model = nn.Sequential({"encoder": nn.Linear(2, 3), "decoder": nn.Linear(3, 2)})
    assert next(iter(model.state_dict())) == "encoder.weight"
    assert model(np.ones((1, 2))).shape == (1, 2)
    with pytest.raises(ValueError, match="'forward' cannot name a layer"):
        nn.Sequential({"forward": nn.ReLU()})
    with pytest.raises(ValueError, match=r"'a\.b' cannot name a layer"):
        nn.Sequential({"a.b": nn.ReLU()})


def test_the_same_layer_twice_is_applied_twice() -> None:
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, layer)
    assert len(model) == 2 and len(list(model.parameters())) == 2
    x = np.ones((1, 2))
    np.testing.assert_array_equal(model(x).data, layer(layer(x)).data)


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(TypeError, match="make an instance of it"):
        nn.Sequential(nn.ReLU)
    with pytest.raises(TypeError, match="takes modules, not 3"):
        nn.Sequential(nn.ReLU(), 3)


def test_empty_is_the_identity() -> None:
    x = tg.ones(3)
    assert nn.Sequential()(x) is x
    assert isinstance(nn.Sequential()(np.ones(3)), tg.Tensor)
    assert repr(nn.Sequential()) == "Sequential()"
