"""Modules find, show, save, load and convert what they hold."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import graph, nn


class Mixed(nn.Module):
    def __init__(self) -> None:
        self.head = nn.Linear(4, 2)
        self.layers = [nn.Linear(3, 4), nn.ReLU()]
        self.scale = nn.Parameter(np.ones(2))
        self.blocks = {"a": [nn.Linear(1, 1), nn.Linear(1, 1)], "b": (nn.Parameter([0.0]),)}
        self.count = nn.Buffer(np.zeros(1))

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return self.head(x) * self.scale


def test_names_follow_assignment_with_own_parameters_first() -> None:
    assert [name for name, _ in Mixed().named_parameters()] == [
        "scale",
        "blocks.b.0",
        "head.weight",
        "head.bias",
        "layers.0.weight",
        "layers.0.bias",
        "blocks.a.0.weight",
        "blocks.a.0.bias",
        "blocks.a.1.weight",
        "blocks.a.1.bias",
    ]


def test_modules_and_children() -> None:
    model = Mixed()
    names = ["head", "layers.0", "layers.1", "blocks.a.0", "blocks.a.1"]
    assert [name for name, _ in model.named_children()] == names
    assert [name for name, _ in model.named_modules()] == ["", *names]
    assert list(model.children()) == list(model.modules())[1:]
    assert [name for name, _ in model.named_buffers()] == ["count"]
    assert list(model.buffers()) == [model.count]


def test_what_is_shared_appears_once_under_its_first_name() -> None:
    shared = nn.Linear(2, 2)
    model = nn.Module()
    model.first, model.second = shared, shared
    model.also = shared.weight
    assert [name for name, _ in model.named_parameters()] == ["also", "first.bias"]
    assert list(model.parameters()) == [shared.weight, shared.bias]
    assert list(model.children()) == [shared]


def test_the_state_dict_has_every_name_as_that_of_pytorch() -> None:
    torch = pytest.importorskip("torch")

    def tied(library: Any) -> Any:
        encoder, decoder = library.Linear(3, 3), library.Linear(3, 3)
        decoder.weight = encoder.weight
        return library.Sequential(encoder, decoder)

    ours, theirs = tied(nn), tied(torch.nn)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    assert ours[1].weight is ours[0].weight
    np.testing.assert_array_equal(ours[0].weight.data, theirs[0].weight.detach().numpy())


def test_a_module_that_contains_itself_is_an_error() -> None:
    parent, child = nn.Module(), nn.Module()
    parent.child, child.parent = child, parent
    with pytest.raises(RuntimeError, match=r"contains itself, under the name 'child.parent'"):
        list(parent.parameters())
    assert "..." in repr(parent)
    parent = nn.Module()
    parent.items = []
    parent.items.append(parent.items)
    with pytest.raises(RuntimeError, match=r"the list 'items\.0' contains itself"):
        list(parent.parameters())


def test_assigning_over_a_parameter() -> None:
    layer = nn.Linear(2, 2)
    with pytest.raises(
        TypeError, match=r"Linear.weight is a parameter.*not a ndarray.*weight.data"
    ):
        layer.weight = np.ones((2, 2))
    with pytest.raises(TypeError, match="not a Tensor"):
        layer.weight = layer.weight * 2
    replacement = nn.Parameter(np.ones((2, 2)))
    layer.weight = replacement
    layer.bias = None
    assert list(layer.parameters()) == [replacement]


def test_init_needs_no_super() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(2, 1)

        def forward(self, x: Any) -> Any:
            return self.layer(x)

    assert len(list(Bare().parameters())) == 2
    assert Bare()(np.ones((3, 2))).shape == (3, 1)


def test_a_missing_forward_is_said() -> None:
    class Lazy(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Lazy has no forward method: define forward"):
        Lazy()(1)


def test_train_and_eval_reach_every_module() -> None:
    model = Mixed()
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    model.train()
    assert all(m.training for m in model.modules())


def test_zero_grad_and_requires_grad() -> None:
    model = nn.Linear(2, 1)
    model(np.ones((3, 2))).sum().backward()
    assert model.weight.grad is not None
    model.zero_grad()
    assert model.weight.grad is None
    model.requires_grad_(False)
    assert not model(np.ones((3, 2))).requires_grad


def test_apply_goes_from_the_inside_out() -> None:
    model = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Tanh())
    seen: list[nn.Module] = []
    assert model.apply(seen.append) is model
    assert seen == [model[0][0], model[0], model[1], model]


def test_state_dict_copies() -> None:
    model = nn.Linear(2, 2)
    state = model.state_dict()
    state["weight"][:] = 7
    assert not (model.weight.data == 7).any()
    model.load_state_dict(state)
    assert (model.weight.data == 7).all()
    state["weight"][:] = 8
    assert (model.weight.data == 7).all()


def test_loading_keeps_the_parameters_and_takes_tensors_of_every_kind() -> None:
    model = nn.Linear(2, 1)
    weight = model.weight
    state = {"weight": tg.tensor([[1.0, 2.0]], requires_grad=True), "bias": [3.0]}
    assert model.load_state_dict(state) == ([], [])
    assert model.weight is weight
    assert weight.dtype == np.float32
    assert model(np.ones(2)).tolist() == [6.0]


def test_all_that_does_not_fit_is_listed_and_nothing_is_loaded() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    before = model.state_dict()
    state = {
        "0.weight": np.zeros((2, 2)),
        "1.weight": np.zeros((2, 1)),
        "1.bias": np.zeros(1, complex),
        "2.bias": np.zeros(1),
    }
    with pytest.raises(ValueError, match="nothing was loaded") as error:
        model.load_state_dict(state)
    assert str(error.value).splitlines()[1:] == [
        "  missing: 0.bias",
        "  unexpected: 2.bias",
        "  1.weight: shape (2, 1), should be (1, 2)",
        "  1.bias: complex128 cannot become float32",
    ]
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_loading_leniently() -> None:
    model = nn.Linear(2, 1)
    keys = model.load_state_dict({"bias": [5.0], "other": [1.0]}, strict=False)
    assert keys.missing_keys == ["weight"] and keys.unexpected_keys == ["other"]
    assert model.bias.tolist() == [5.0]
    with pytest.raises(ValueError, match="bias: shape"):
        model.load_state_dict({"bias": [5.0, 6.0]}, strict=False)


def test_loading_between_forward_and_backward_is_noticed() -> None:
    model = nn.Linear(2, 1)
    x = tg.tensor([1.0, 1.0], dtype="float32", requires_grad=True)
    loss = model(x).sum()
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_two_parameters_of_one_name() -> None:
    model = nn.Module()
    model.a = {"b.c": nn.Parameter([1.0]), "b": {"c": nn.Parameter([2.0])}}
    with pytest.raises(ValueError, match=r"have the name 'a.b.c'"):
        model.state_dict()


def test_to_converts_in_place_with_gradients() -> None:
    model = Mixed().float()
    model.steps = nn.Buffer(3)
    weight = model.head.weight
    model(np.ones((1, 3))).sum().backward()
    model.double()
    assert model.head.weight is weight
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float64)}
    assert weight.grad.dtype == np.float64
    assert model.count.dtype == np.float64
    assert model.steps.dtype == np.int64
    assert model.to("float16").head.weight.dtype == np.float16
    with pytest.raises(TypeError, match="int64"):
        model.to(int)


def test_repr() -> None:
    assert repr(Mixed()) == (
        "Mixed(\n"
        "  (head): Linear(in_features=4, out_features=2, bias=True)\n"
        "  (layers.0): Linear(in_features=3, out_features=4, bias=True)\n"
        "  (layers.1): ReLU()\n"
        "  (blocks.a.0): Linear(in_features=1, out_features=1, bias=True)\n"
        "  (blocks.a.1): Linear(in_features=1, out_features=1, bias=True)\n"
        ")"
    )
    inner = repr(nn.Sequential(nn.Sequential(nn.ReLU())))
    assert inner == "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n  )\n)"


def test_parameters() -> None:
    data = np.ones(2, np.float32)
    p = nn.Parameter(data)
    assert p.requires_grad and p.dtype == np.float32 and not np.shares_memory(p.data, data)
    assert not nn.Parameter([1.0], requires_grad=False).requires_grad
    assert repr(p) == "parameter([1., 1.], dtype=float32, requires_grad=True)"
    assert type(p * 2) is tg.Tensor
    with pytest.raises(TypeError, match="int64"):
        nn.Parameter([1, 2])


def test_parameters_are_named_by_their_attribute() -> None:
    layer = nn.Linear(2, 2)
    assert (layer.weight.name, layer.bias.name) == ("weight", "bias")
    assert nn.Parameter([1.0], name="slope").name == "slope"


def test_copies_are_independent_and_keep_what_is_shared() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Dropout(0.5, rng=0))
    model[1].weight = model[0].weight
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin[1].weight is twin[0].weight is not model[0].weight
        assert isinstance(twin[0].weight, nn.Parameter)
        x = np.ones((1, 2))
        np.testing.assert_array_equal(twin.eval()(x).data, model.eval()(x).data)


def test_records_know_the_module_calls_they_came_from() -> None:
    model = Mixed().float()
    out = model(np.ones((1, 3)))
    paths = [graph.path(t.record[3]) for t in graph.topological(out)]
    assert paths == ["Mixed.layers.0", "Mixed.layers.1", "Mixed.head", "Mixed"]
    assert [graph.path(t.record[3]) for t in graph.topological(out * 2)][-1] == ""


def test_paths_of_modules_that_are_not_held_or_gone() -> None:
    class Loose(nn.Module):
        def forward(self, x: Any) -> Any:
            return nn.Tanh()(x)

    model = Loose()
    out = model(tg.tensor([1.0], requires_grad=True))
    assert graph.path(out.record[3]) == "Loose.?"
    del model
    assert graph.path(out.record[3]) == "?.?"


def test_a_child_called_from_far_above_has_its_whole_name() -> None:
    class Far(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Sequential(nn.Tanh(), nn.Tanh())

        def forward(self, x: Any) -> Any:
            return self.inner[1](x)

    model = Far()
    out = model(tg.tensor([1.0], requires_grad=True))
    assert graph.path(out.record[3]) == "Far.inner.1"
    assert model.child_name(nn.Tanh()) is None


def test_the_scope_is_left_after_an_error() -> None:
    with pytest.raises(ValueError, match="takes inputs"):
        nn.Linear(2, 1)(np.ones(3))
    out = tg.tensor([1.0], requires_grad=True) * 2
    assert graph.scopes(out) == ()


def test_models_are_freed_without_the_collector() -> None:
    gc.disable()
    try:
        model = Mixed().float()
        model(np.ones((1, 3))).sum().backward()
        watched = [weakref.ref(model), *(weakref.ref(p) for p in model.parameters())]
        del model
        assert [w() for w in watched] == [None] * len(watched)
    finally:
        gc.enable()
