"""A picture as an object: its copy, its short form, and what drawing a bare module says."""

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def test_a_copy_is_changed_on_its_own() -> None:
    picture = tg.draw(tg.tensor(2.0, requires_grad=True) * 3.0)
    twin = picture.copy()
    assert twin.source == picture.source
    twin.node("extra")
    assert "extra" in twin.source
    assert "extra" not in picture.source
    assert "Picture of" in repr(picture)


def test_a_table_of_gradient_flow_has_copies_too() -> None:
    layer = nn.Linear(2, 1)
    flow = tg.draw_flow(layer, layer(tg.ones((3, 2))).mean())
    twin = flow.copy()
    assert twin.source == flow.source
    assert str(twin) == str(flow)
    twin.attr(label="mine")
    assert "mine" in twin.source
    assert "mine" not in flow.source


def test_a_module_is_drawn_with_its_inputs() -> None:
    with pytest.raises(TypeError, match=r"draw\(model, x\)"):
        tg.draw(nn.Linear(2, 2))
