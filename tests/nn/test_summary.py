"""The summary of a model: shapes, counts and memory, and that the model is left as it was."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


class Twin(nn.Module):
    """Two towers that share a layer, and a parameter of its own."""

    def __init__(self) -> None:
        self.shared = nn.Linear(3, 4)
        self.heads = [nn.Linear(4, 2), nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.5))]
        self.scale = nn.Parameter(np.ones(7))
        self.spare = nn.Identity()

    def forward(self, x: tg.Tensor, y: tg.Tensor) -> tuple[tg.Tensor, tg.Tensor]:
        return self.heads[0](self.shared(x)), self.heads[1](self.shared(y))


def test_rows_of_a_nested_model() -> None:
    model = Twin()
    summary = model.summary((np.ones((6, 3)), np.ones((2, 3))))
    found = {row.name: (row.label, row.depth, row.outputs, row.parameters) for row in summary.rows}
    assert found == {
        "": ("", 0, ((6, 2), (2, 5)), 7),
        "shared": ("shared", 1, ((6, 4), (2, 4)), 16),
        "heads.0": ("heads.0", 1, ((6, 2),), 10),
        "heads.1": ("heads.1", 1, ((2, 5),), 0),
        "heads.1.0": ("0", 2, ((2, 5),), 25),
        "heads.1.1": ("1", 2, ((2, 5),), 0),
        "spare": ("spare", 1, (), 0),
    }
    assert summary.parameters == summary.trainable == 58
    assert summary.parameter_bytes == 51 * 4 + 7 * 8
    assert summary.output_bytes == 4 * (6 * 4 + 2 * 4 + 6 * 2 + 2 * 5 + 2 * 5)


def test_several_shapes_stand_for_several_inputs() -> None:
    model = Twin()
    assert model.summary(((6, 3), (2, 3))).rows == model.summary(
        (np.ones((6, 3)), np.ones((2, 3)))
    ).rows  # fmt: skip


def test_frozen_parameters_and_no_example() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    summary = model.summary()
    assert (summary.parameters, summary.trainable) == (26, 10)
    assert summary.parameter_bytes == 104 and summary.gradient_bytes == 40
    text = str(summary)
    assert "16 of them frozen" in text and "output" not in text
    assert "104 bytes of parameters + 40 bytes of gradients" in text


def test_a_layer_called_twice() -> None:
    layer = nn.Linear(3, 3)
    assert "(5, 3) × 2" in str(nn.Sequential(layer, nn.Tanh(), layer).summary((5, 3)))


def test_the_model_is_left_as_it_was() -> None:
    model = Twin()
    model.heads[1].eval()
    own = lambda x: x  # a forward of the object's own, which stays
    object.__setattr__(model.spare, "forward", own)
    state = tg.random.generator().bit_generator.state
    before = {name: (dict(vars(m)), m.training) for name, m in model.named_modules()}
    model.summary(((6, 3), (2, 3)))
    for name, module in model.named_modules():
        attributes, training = before[name]
        assert {k: id(v) for k, v in vars(module).items()} == {
            k: id(v) for k, v in attributes.items()
        } | ({"training": id(training)} if "training" in vars(module) else {})
        assert module.training == training
    assert vars(model.spare)["forward"] is own
    assert tg.random.generator().bit_generator.state == state


def test_the_model_is_left_as_it_was_after_an_error() -> None:
    model = Twin()
    with pytest.raises(ValueError, match=r"\(6, 4\)"):
        model.summary(((6, 4), (2, 3)))
    assert all("forward" not in vars(m) and m.training for m in model.modules())


def test_input_in_the_dtype_of_the_model() -> None:
    model = nn.Linear(3, 2, dtype=np.float64)
    assert model.summary((5, 3)).output_bytes == 5 * 2 * 8


def test_a_shape_without_a_number_of_examples() -> None:
    with pytest.raises(ValueError, match=r"not \(None, 3\): write how many examples"):
        nn.Linear(3, 2).summary((None, 3))
