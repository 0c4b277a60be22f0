"""Rearranging, joining and padding as NumPy does, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.effort import effort, growth
from tinygrad_lite import graph
from tinygrad_lite.testing import check_grads

X = np.random.default_rng(0).standard_normal((2, 3, 4))

CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("reshape", ((4, -1),), {}),
    ("reshape", ((4, -1),), {"order": "F"}),
    ("ravel", (), {}),
    ("ravel", ("F",), {}),
    ("transpose", (), {}),
    ("transpose", ((-1, 0, 1),), {}),
    ("transpose", (), {"axes": (1, 0, 2)}),
    ("swapaxes", (0, -1), {}),
    ("moveaxis", (0, -1), {}),
    ("moveaxis", ([0, 1], [-1, -2]), {}),
    ("expand_dims", ((0, -1),), {}),
    ("broadcast_to", ((5, 2, 3, 4),), {}),
    ("tile", (2,), {}),
    ("tile", ((2, 1, 1, 3),), {}),
    ("tile", ((),), {}),
    ("repeat", (2,), {}),
    ("repeat", (3, 1), {}),
    ("repeat", ([1, 0, 2], 1), {}),
    ("flip", (), {}),
    ("flip", ((0, -1),), {}),
    ("roll", (2,), {}),
    ("roll", ((1, -2), (0, 2)), {}),
    ("pad", (1,), {}),
    ("pad", ((1, 2),), {}),
    ("pad", (((1, 0), (0, 2), (1, 1)),), {"constant_values": ((1, 2), (3, 4), (5, 6))}),
    ("pad", (0,), {}),
    ("pad", (0, "edge"), {}),
    ("pad", (((1, 1), (2, 0), (3, 1)), "wrap"), {}),
    ("pad", (2, "symmetric"), {}),
    ("pad", (1, "reflect"), {}),
    ("pad", (2, "edge"), {}),
    ("split", (2, 2), {}),
    ("split", ([3, 1, -1],), {"axis": 2}),
    ("array_split", (3, -1), {}),
    ("tril", (), {}),
    ("triu", (1,), {}),
    ("diagonal", (1, 2, 0), {}),
    ("trace", (-1, 1, 2), {}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), CALLS)
def test_as_numpy(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    function, reference = getattr(tg, name), getattr(np, name)
    check_grads(
        lambda x: function(x, *args, **kwargs),
        [X],
        reference=lambda x: reference(x, *args, **kwargs),
    )
    by_numpy, own = (
        reference(tg.tensor(X), *args, **kwargs),
        function(tg.tensor(X), *args, **kwargs),
    )
    for a, b in zip(*(y if isinstance(y, list) else [y] for y in (by_numpy, own))):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("name", ["concatenate", "stack", "hstack", "vstack"])
@pytest.mark.parametrize("shape", [(2, 3), (3,), ()])
def test_joining(name: str, shape: tuple[int, ...]) -> None:
    if name == "concatenate" and not shape:
        pytest.skip("numbers have no axis to join along")
    function, reference = getattr(tg, name), getattr(np, name)
    x, y = np.resize(X, shape), np.resize(X[1], shape)
    check_grads(
        lambda x, y: function([x, y, x]), [x, y], reference=lambda x, y: reference([x, y, x])
    )
    mixed = reference([tg.tensor(x, requires_grad=True), y])
    assert isinstance(mixed, tg.Tensor) and mixed.requires_grad


def test_joining_along_other_axes() -> None:
    x, y = X[0], X[1, :, :2]
    check_grads(
        lambda x, y: tg.concatenate((x, y), axis=-1),
        [x, y],
        reference=lambda x, y: np.concatenate((x, y), axis=-1),
    )
    check_grads(
        lambda x, y: tg.concatenate((x, y), axis=None),
        [x, y],
        reference=lambda x, y: np.concatenate((x, y), axis=None),
    )
    check_grads(
        lambda x: tg.stack([x, 2 * x], axis=1), [x], reference=lambda x: np.stack([x, 2 * x], 1)
    )


def test_padding_with_a_tensor() -> None:
    check_grads(lambda x, v: tg.pad(x, 1, constant_values=v), [X[0], np.array(0.5)])


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_diagonals_of_vectors_and_matrices(k: int) -> None:
    for x in (X[0], X[0, 0]):
        check_grads(lambda x: tg.diag(x, k), [x], reference=lambda x: np.diag(x, k))
        check_grads(lambda x: tg.tril(x, k), [x], reference=lambda x: np.tril(x, k))
    with pytest.raises(ValueError, match="vector or a matrix"):
        tg.diag(X)


def test_squeezing() -> None:
    x = X[:1, :, :1]
    for axis in (None, 0, -1, (0, 2)):
        check_grads(
            lambda x, axis=axis: tg.squeeze(x, axis),
            [x],
            reference=lambda x, axis=axis: np.squeeze(x, axis),
        )
    assert tg.squeeze(tg.tensor(1.0), 0).shape == ()
    with pytest.raises(ValueError, match="not of length 1"):
        tg.squeeze(x, 1)
    with pytest.raises(ValueError, match="axis 3 is out of bounds"):
        tg.squeeze(x, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: tg.reshape(x, (5, 5)), "cannot reshape array of size 24"),
        (lambda x: tg.reshape(x, (4, 6), order="A"), "order must be"),
        (lambda x: tg.transpose(x, (0, 1)), "axes don't match"),
        (lambda x: tg.moveaxis(x, (0, 1), 0), "2 axes cannot move to 1"),
        (lambda x: tg.expand_dims(x, 7), "does not fit"),
        (lambda x: tg.broadcast_to(x, (3, 4, 5)), "broadcast"),
        (lambda x: tg.tile(x, -1), "cannot be repeated"),
        (lambda x: tg.split(x, 3, 2), "equal parts"),
        (lambda x: tg.array_split(x, 0), "at least one part"),
        (lambda x: tg.repeat(x, [1, 2], 1), "repeat: 2 repeats for the 3 elements along axis 1"),
        (lambda x: tg.pad(x, -1), "must not be negative"),
        (lambda x: tg.pad(x, ((1, 2, 3),)), "does not fit 3 axes: give one number, one pair"),
        (lambda x: tg.pad(x, 1, "reflect", reflect_type="o"), "reflect_type must be even or odd"),
        (lambda x: tg.pad(x, 1, "empty"), "mode 'empty'"),
        (lambda x: tg.stack([x, x[0]]), "arrays of one shape"),
        (lambda x: tg.concatenate([]), "at least one array"),
    ],
)
def test_refuses(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(tg.tensor(X))


class TestCreation:
    def test_as_numpy(self) -> None:
        for made, expected in (
            (tg.zeros((2, 3)), np.zeros((2, 3))),
            (tg.ones(2, "float32"), np.ones(2, "float32")),
            (tg.full((2,), 7), np.full(2, 7)),
            (tg.arange(1, 7, 2), np.arange(1, 7, 2)),
            (tg.linspace(0, 1, 5, endpoint=False), np.linspace(0, 1, 5, endpoint=False)),
            (tg.eye(2, 3, 1), np.eye(2, 3, 1)),
            (tg.zeros_like(X), np.zeros_like(X)),
            (tg.ones_like(tg.arange(3)), np.ones(3, int)),
            (tg.full_like(X, 2, dtype=int, shape=(1,)), np.array([2])),
            (np.zeros_like(tg.tensor(X)), np.zeros_like(X)),
        ):
            np.testing.assert_array_equal(made.numpy(), expected)
            assert made.dtype == expected.dtype and made.is_leaf

    def test_as_leaves(self) -> None:
        t = tg.full(3, 1.5, requires_grad=True, name="w")
        assert t.requires_grad and t.name == "w"
        with pytest.raises(TypeError, match="cannot require a gradient"):
            tg.arange(3, requires_grad=True)


@pytest.mark.parametrize("linspace", [tg.linspace, np.linspace])
@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("stop", [1.0, np.array([1.0, 2.0])])
def test_linspace_between_tensors(linspace: Any, endpoint: bool, stop: Any) -> None:
    check_grads(
        lambda start, stop: linspace(start, stop, 4, endpoint),
        [np.array(0.25), stop],
        reference=lambda start, stop: np.linspace(start, stop, 4, endpoint),
    )
    constant = linspace(tg.tensor(0.5), 1, 3)
    assert constant.tolist() == [0.5, 0.75, 1.0] and not constant.requires_grad
    assert tg.linspace(tg.tensor(0.5, dtype="f4"), 1, 3).dtype == np.float32


def test_full_of_a_tensor() -> None:
    t = tg.tensor(2.0, requires_grad=True)
    for out in (tg.full((2, 3), t), tg.full_like(np.ones((2, 3)), t, dtype="f4")):
        assert out.tolist() == [[2.0] * 3] * 2
        t.grad = None
        out.sum().backward()
        assert t.grad.item() == 6  # type: ignore[attr-defined]
    assert tg.full(2, tg.tensor(2.0), requires_grad=True, name="w").requires_grad


def test_arange_takes_numbers() -> None:
    assert tg.arange(tg.tensor(3)).tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="linspace"):
        tg.arange(tg.tensor(3.0, requires_grad=True))


def test_concatenate_converts() -> None:
    t = tg.tensor([1.0], requires_grad=True)
    out = np.concatenate([t, [2]], dtype=np.float32)
    assert out.dtype == np.float32 and out.tolist() == [1, 2]
    out.sum().backward()
    assert t.grad is not None and t.grad.dtype == np.float64


def test_eye_by_the_names_of_numpy() -> None:
    assert tg.eye(N=1, M=2).tolist() == [[1, 0]]


def test_methods_of_the_same_name() -> None:
    t = tg.tensor([0.5, -0.25])
    for name in ("logsigmoid", "selu", "hardtanh", "softsign", "diag", "sort"):
        assert getattr(t, name)().tolist() == getattr(tg, name)(t).tolist()
    for name in ("logaddexp2", "vdot"):
        assert getattr(t, name)(t).tolist() == getattr(tg, name)(t, t).tolist()
    assert t.tensordot(t, 1).item() == 0.3125
    assert t.take_along_axis(t.argsort()).tolist() == [-0.25, 0.5]


@pytest.mark.parametrize("join", [tg.stack, tg.concatenate, tg.hstack, tg.vstack])
def test_joining_and_its_gradients_are_linear_in_the_number_of_parts(join: Any) -> None:
    def work(n: int) -> int:
        parts = [tg.tensor([float(i)], requires_grad=True) for i in range(n)]
        return effort(lambda: join(parts).sum().backward(create_graph=True))

    work(1)  # what is imported on first use
    assert growth(work) < 2.05


def test_no_rule_of_a_join_is_called_with_thousands_of_parts() -> None:
    parts = [tg.tensor([float(i)], requires_grad=True) for i in range(3000)]
    joined = tg.concatenate(parts)
    assert max(len(t.record[1]) for t in graph.topological(joined) if t.record) <= 512
    (joined * np.arange(3000.0)).sum().backward()
    assert joined.tolist() == [float(p.grad.item()) for p in parts] == list(range(3000))
    assert tg.concatenate([[1.0]] * 600).shape == (600,)
    mixed = [np.ones(1, kind) for kind in ("int16", "uint16", "float32") for _ in range(300)]
    assert tg.concatenate(mixed).dtype == np.concatenate(mixed).dtype
