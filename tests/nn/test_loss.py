"""Every loss agrees with PyTorch, in value and gradient, for every reduction; and the mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import graph, nn
from tinygrad_lite.nn import functional as F

from .oracle import assert_same

REDUCTIONS = ["mean", "sum", "none"]


def pair(name: str, reduction: str, **options: Any) -> tuple[Any, Any]:
    """A loss here and in PyTorch; arrays among its options become tensors there."""
    torch = pytest.importorskip("torch")
    converted = {
        key: torch.tensor(v) if isinstance(v, np.ndarray) else v for key, v in options.items()
    }
    theirs = getattr(torch.nn, name)(reduction=reduction, **converted)
    return getattr(nn, name)(reduction=reduction, **options), theirs


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (7,), (4, 3)])
@pytest.mark.parametrize(
    ("name", "options"),
    [("MSELoss", {}), ("L1Loss", {}), ("HuberLoss", {}), ("HuberLoss", {"delta": 0.3})],
)
def test_regression(
    name: str, options: dict[str, Any], shape: tuple[int, ...], reduction: str
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(shape), rng.standard_normal(shape)
    assert_same(*pair(name, reduction, **options), x, y, differentiable=(0, 1))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "options",
    [{}, {"weight": np.array([0.5, 2.0, 1.5])}, {"weight": np.linspace(0, 1, 4).reshape(4, 1)}],
)
def test_binary_cross_entropy(options: dict[str, Any], reduction: str) -> None:
    rng = np.random.default_rng(0)
    p, y = rng.random((4, 3)), rng.random((4, 3))
    p[0, 0] = 1e-9
    assert_same(*pair("BCELoss", reduction, **options), p, y, differentiable=(0, 1))


def test_binary_cross_entropy_of_certainties() -> None:
    p, y = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])
    assert_same(*pair("BCELoss", "none"), p, y)
    target = tg.tensor(y, requires_grad=True)
    F.binary_cross_entropy(p, target, reduction="sum").backward()
    assert target.grad.tolist() == [100.0, -100.0, 100.0, -100.0]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight": np.array([0.5, 2.0, 1.5])},
        {"pos_weight": np.array([0.5, 2.0, 1.5])},
        {"weight": np.array([[1.0], [2.0], [3.0], [4.0]]), "pos_weight": np.array(3.0)},
    ],
)
def test_binary_cross_entropy_with_logits(options: dict[str, Any], reduction: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3)) * 10, rng.random((4, 3))
    x[0] = [0.0, 800.0, -800.0]
    y[1] = [0.0, 1.0, 1.0]
    loss = pair("BCEWithLogitsLoss", reduction, **options)
    assert_same(*loss, x, y, differentiable=(0, 1))


LABELLED: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((6, 4), (6,)),
    ((4,), ()),
    ((2, 4, 3), (2, 3)),
    ((2, 4, 3, 5), (2, 3, 5)),
    ((1, 4), (1,)),
]

WEIGHT = np.array([0.5, 2.0, 1.5, 0.1])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "labels"), LABELLED)
@pytest.mark.parametrize("options", [{}, {"weight": WEIGHT}])
def test_nll(
    options: dict[str, Any], shape: tuple[int, ...], labels: tuple[int, ...], reduction: str
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(shape), rng.integers(0, 4, labels)
    assert_same(*pair("NLLLoss", reduction, **options), x, y)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "labels"), LABELLED)
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy_of_labels(
    weight: Any,
    smoothing: float,
    shape: tuple[int, ...],
    labels: tuple[int, ...],
    reduction: str,
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(shape) * 5, rng.integers(0, 4, labels)
    loss = pair("CrossEntropyLoss", reduction, weight=weight, label_smoothing=smoothing)
    assert_same(*loss, x, y)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [shape for shape, _ in LABELLED])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_of_probabilities(
    weight: Any, smoothing: float, shape: tuple[int, ...], reduction: str
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(shape) * 5, rng.random(shape)
    loss = pair("CrossEntropyLoss", reduction, weight=weight, label_smoothing=smoothing)
    assert_same(*loss, x, y, differentiable=(0, 1))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignored", [-100, -1, 2, 255])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_ignored_labels(weight: Any, smoothing: float, ignored: int, reduction: str) -> None:
    x = np.random.default_rng(0).standard_normal((5, 4))
    y = np.array([0, ignored, 3, 1, ignored])
    options = {"weight": weight, "ignore_index": ignored, "label_smoothing": smoothing}
    assert_same(*pair("CrossEntropyLoss", reduction, **options), x, y)


def test_second_derivatives_of_cross_entropy() -> None:
    torch = pytest.importorskip("torch")
    values, y = np.random.default_rng(0).standard_normal((3, 4)), np.array([0, 3, 1])
    x, t = tg.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    F.cross_entropy(x, y).backward(create_graph=True)
    first, x.grad = x.grad, None
    (first**2).sum().backward()
    (slope,) = torch.autograd.grad(
        torch.nn.functional.cross_entropy(t, torch.tensor(y)), t, create_graph=True
    )
    (slope**2).sum().backward()
    np.testing.assert_allclose(x.grad.data, t.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_nll_and_its_transpose_are_each_others_rule() -> None:
    g = tg.tensor(2.0, requires_grad=True)
    x = tg.tensor(np.zeros((2, 3)), requires_grad=True)
    F.nll_loss(x, [0, 2]).backward(g, create_graph=True)
    assert x.grad.tolist() == [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]
    (x.grad * np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).sum().backward()
    assert g.grad.item() == -(1.0 + 6.0) / 2


def test_cross_entropy_takes_two_operations() -> None:
    x = tg.tensor(np.zeros((2, 3)), requires_grad=True)
    loss = F.cross_entropy(x, np.array([0, 2]))
    assert [t.record[0].name for t in graph.topological(loss)] == ["log_softmax", "nll"]


def test_labels_of_every_integer_dtype_lists_and_tensors() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))
    expected = F.cross_entropy(x, np.array([0, 3, 1]))
    for dtype in ("int8", "uint8", "int32", "uint64"):
        assert F.cross_entropy(x, np.array([0, 3, 1], dtype)) == expected
    assert F.cross_entropy(x, [0, 3, 1]) == expected
    assert F.cross_entropy(tg.tensor(x), tg.tensor([0, 3, 1])).item() == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_keep_the_dtype_of_the_input(dtype: type) -> None:
    target = np.random.default_rng(0).random((4, 3))
    for loss in (
        nn.MSELoss(),
        nn.L1Loss(),
        nn.HuberLoss(),
        nn.BCEWithLogitsLoss(weight=[1.0, 2.0, 3.0], pos_weight=[1.0, 2.0, 3.0]),
        nn.CrossEntropyLoss(weight=[1.0, 2.0, 3.0], label_smoothing=0.1),
        nn.BCELoss(),
    ):
        x = tg.tensor(np.full((4, 3), 0.5, dtype), requires_grad=True)
        out = loss(x, target)
        assert out.dtype == dtype, loss
        out.backward()
        assert x.grad.dtype == dtype
    x = tg.tensor(np.full((4, 3), 0.5, dtype), requires_grad=True)
    assert nn.CrossEntropyLoss([1.0, 2.0, 3.0])(x, [0, 1, 2, 0]).dtype == dtype
    assert nn.MSELoss()(x, np.ones((4, 3), int)).dtype == dtype


PAIRED = [
    nn.MSELoss(),
    nn.L1Loss(),
    nn.HuberLoss(),
    nn.BCELoss(),
    nn.BCEWithLogitsLoss(),
]


@pytest.mark.parametrize("loss", PAIRED)
def test_shapes_that_would_broadcast_are_an_error(loss: nn.Module) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole text is compared
        loss(tg.tensor(np.full((4, 1), 0.5)), np.zeros(4))
    message = str(error.value)
    assert "the input has shape (4, 1) and the target (4,)" in message
    assert "target.reshape((4, 1))" in message
    with pytest.raises(
        ValueError, match=r"input has shape \(4, 3\) and the target \(3,\).*one targ"
    ):
        loss(tg.tensor(np.full((4, 3), 0.5)), np.zeros(3))


def test_labels_that_are_no_classes() -> None:
    x = tg.tensor(np.zeros((3, 4)), requires_grad=True)
    with pytest.raises(
        IndexError, match=r"label 4 at position 1 is no class: .* 4 of them, 0 to 3"
    ):
        F.cross_entropy(x, [0, 4, 1])
    with pytest.raises(IndexError, match="label -1 at position 2"):
        F.cross_entropy(x, [0, 3, -1])
    with pytest.raises(IndexError, match="label 7 at position 2"):
        F.cross_entropy(x, [-100, 3, 7])
    with pytest.raises(IndexError, match="label -5 at position 0"):
        F.nll_loss(x, [-5, 3, 0], weight=[1.0, 1.0, 1.0, 1.0])


def test_labels_of_the_wrong_kind_or_shape() -> None:
    x = tg.tensor(np.zeros((3, 4)), requires_grad=True)
    with pytest.raises(TypeError, match=r"labels are integers, not float64.*astype\(int\)"):
        F.cross_entropy(x, [0.0, 1.0, 2.0])
    with pytest.raises(TypeError, match="not bool"):
        F.cross_entropy(x, [True, False, True])
    with pytest.raises(ValueError, match=r"labels of shape \(3,\), not \(3, 1\); take target.resh"):
        F.cross_entropy(x, np.zeros((3, 1), int))
    with pytest.raises(ValueError, match=r"labels of shape \(3,\), not \(2,\)$"):
        F.cross_entropy(x, [0, 1])
    with pytest.raises(
        TypeError,
        match=r"shape \(3, 4\) holds probabilities, .* is int64: .*astype\(np.float32\), or",
    ):
        F.cross_entropy(x, np.zeros((3, 4), int))
    with pytest.raises(TypeError, match=r"is int64: take target.argmax\(axis=1\) for labels$"):
        F.nll_loss(x, np.zeros((3, 4), int))
    with pytest.raises(ValueError, match="single number"):
        F.cross_entropy(tg.tensor(1.0), 0)


def test_settings_that_are_wrong() -> None:
    x = tg.tensor(np.zeros((3, 4)))
    for loss in (nn.MSELoss, nn.CrossEntropyLoss, nn.BCELoss):
        with pytest.raises(ValueError, match="reduction is 'mean', 'sum' or 'none', not 'avg'"):
            loss(reduction="avg")
    for function, target in (
        (F.mse_loss, np.zeros((3, 4))),
        (F.cross_entropy, np.zeros((3, 4))),
        (F.nll_loss, [0, 1, 2]),
    ):
        with pytest.raises(ValueError, match="not 'avg'"):
            function(x, target, reduction="avg")
    with pytest.raises(ValueError, match="delta must be positive, not 0"):
        F.huber_loss(x, x, delta=0)
    with pytest.raises(ValueError, match="label_smoothing is a number from 0 to 1, not 2"):
        F.cross_entropy(x, [0, 1, 2], label_smoothing=2)
    with pytest.raises(ValueError, match=r"shape \(4,\); it has \(3,\)"):
        F.cross_entropy(x, [0, 1, 2], weight=np.ones(3))
    with pytest.raises(ValueError, match=r"weight of shape \(2, 3, 4\) does not broadcast"):
        F.binary_cross_entropy(x, np.zeros((3, 4)), np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="holds probabilities, from 0 to 1; for scores take"):
        F.binary_cross_entropy(x + 2, np.zeros((3, 4)))


def test_how_losses_show_and_save_their_settings() -> None:
    loss = nn.CrossEntropyLoss(weight=[1.0, 2.0], label_smoothing=0.1)
    assert list(loss.state_dict()) == ["weight"]
    assert list(loss.parameters()) == []
    assert repr(nn.HuberLoss(delta=2.0)) == "HuberLoss(reduction='mean', delta=2.0)"
    assert repr(nn.MSELoss().eval()) == "MSELoss(reduction='mean')"


def test_a_model_agrees_with_pytorch_through_the_loss() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(12, 8),
        torch.nn.GELU(),
        torch.nn.Linear(8, 3),
    ).double()
    ours = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.GELU(), nn.Linear(8, 3)).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 3, 4)), rng.integers(0, 3, 5)
    loss = F.cross_entropy(ours(x), y, label_smoothing=0.1)
    expected = torch.nn.functional.cross_entropy(
        theirs(torch.tensor(x)), torch.tensor(y), label_smoothing=0.1
    )
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(loss.data, expected.item(), rtol=1e-12)
    for p, q in zip(ours.parameters(), theirs.parameters()):
        np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_the_smooth_maximum_of_nothing_is_below_everything() -> None:
    rows = np.array([[-np.inf, -np.inf], [0.0, -40.0], [0.0, 0.0]])
    expected = [-np.inf, np.log1p(np.exp(-40)), np.log(2)]
    np.testing.assert_allclose(tg.logsumexp(rows, axis=1), expected, rtol=1e-15)
    assert tg.logsumexp(np.zeros(0)) == -np.inf


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gap", [3.0, 20.0, 40.0, 80.0])
def test_gradients_of_a_sure_answer_keep_their_digits(dtype: str, gap: float) -> None:
    x = tg.tensor([[gap, 0.0]], dtype=dtype, requires_grad=True)
    rest = np.exp(-gap) / (1 + np.exp(-gap))  # what the first class lacks
    F.cross_entropy(x, [0]).backward()
    np.testing.assert_allclose(x.grad.data, [[-rest, rest]], rtol=8 * np.finfo(dtype).eps)
    x.grad = None
    F.softmax(x)[0, 0].backward()
    slope = rest * (1 - rest)
    np.testing.assert_allclose(x.grad.data, [[slope, -slope]], rtol=8 * np.finfo(dtype).eps)
    curvature = tg.hessian(lambda x: F.cross_entropy(x, np.array([0])))(x.detach())
    expected = np.array([[slope, -slope], [-slope, slope]])
    np.testing.assert_allclose(curvature.data[0, :, 0], expected, rtol=16 * np.finfo(dtype).eps)


def test_huber_loss_where_prediction_and_target_agree_or_are_far_apart() -> None:
    def loss(x: Any) -> Any:
        return F.huber_loss(x, np.zeros(3), reduction="sum", delta=0.5)

    x = tg.tensor([0.0, 0.25, 1e200])
    np.testing.assert_array_equal(tg.hessian(loss)(x).data, np.diag([1.0, 1.0, 0.0]))
    np.testing.assert_array_equal(tg.grad(loss)(x).data, [0.0, 0.25, 0.5])
