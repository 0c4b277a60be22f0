"""Dropout: the mask, its scale, its generator, and that evaluation is the identity."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import graph, nn
from tinygrad_lite.mode import switched
from tinygrad_lite.nn import functional as F


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_elements_are_dropped_with_probability_p_and_the_rest_scaled(dtype: type) -> None:
    x = tg.tensor(np.ones(100_000, dtype), requires_grad=True)
    out = F.dropout(x, 0.2, rng=0)
    assert out.dtype == dtype
    assert set(np.unique(out.data)) == {dtype(0), dtype(1.25)}
    assert abs((out.data == 0).mean() - 0.2) < 0.01
    out.backward(np.ones(x.shape))
    np.testing.assert_array_equal(x.grad.data, out.data)
    assert x.grad.dtype == dtype


def test_the_ends_of_the_range() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert F.dropout(x, 0.0) is x
    out = F.dropout(x, 1.0)
    assert out.tolist() == [0.0, 0.0]
    out.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="p is the probability to drop"):
            nn.Dropout(p)


def test_it_is_the_identity_in_evaluation() -> None:
    layer = nn.Dropout(0.9).eval()
    x = tg.tensor([1.0, 2.0])
    assert layer(x) is x
    assert repr(layer) == "Dropout(p=0.9)"


def test_generators() -> None:
    x = np.ones(50)
    layer, twin = nn.Dropout(0.5, rng=1), nn.Dropout(0.5, rng=1)
    first = layer(x)
    np.testing.assert_array_equal(first, twin(x))
    assert (layer(x) != first).any()
    default = nn.Dropout(0.5)
    tg.manual_seed(5)
    a = default(x)
    tg.manual_seed(5)
    np.testing.assert_array_equal(a, default(x))


def test_the_draw_is_an_operation_that_can_be_intercepted() -> None:
    seen = []

    def intercept(primitive, inputs, attributes):
        seen.append((primitive.name, sorted(attributes)))
        with switched(intercept=None):
            return primitive(*inputs, **attributes)

    with switched(intercept=intercept):
        nn.Dropout(0.5)(tg.ones(3))
    assert seen == [("dropout_mask", ["dtype", "p", "rng", "shape"]), ("multiply", [])]


def test_it_is_one_multiplication_in_the_graph() -> None:
    x = tg.tensor(np.ones(3), requires_grad=True)
    assert [t.record[0].name for t in graph.topological(F.dropout(x))] == ["multiply"]
