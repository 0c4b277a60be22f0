"""Metrics: values as scikit-learn gives them, exact however the data are cut into batches."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F
from tinygrad_lite.train import evaluate
from tinygrad_lite.train.metrics import (
    F1,
    MAE,
    MSE,
    R2,
    Accuracy,
    Average,
    ConfusionMatrix,
    ExactMatch,
    Metric,
    Precision,
    Recall,
    TopK,
    resolved,
)
from tinygrad_lite.train.totals import Totals

scores = pytest.importorskip("sklearn.metrics")

AVERAGES = ["macro", "micro", "weighted", None]
RATES = [
    (Precision, scores.precision_score),
    (Recall, scores.recall_score),
    (F1, scores.f1_score),
]


def classes(rng: np.random.Generator, n: int = 100, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(n, k)), rng.integers(0, k, n)


def labels(rng: np.random.Generator, n: int = 100, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    return rng.random((n, k)), rng.integers(0, 2, (n, k))


def test_accuracy_and_confusion_matrix(rng: np.random.Generator) -> None:
    outputs, targets = classes(rng)
    guesses = outputs.argmax(axis=1)
    assert Accuracy()(outputs, targets) == scores.accuracy_score(targets, guesses)
    np.testing.assert_array_equal(
        ConfusionMatrix()(outputs, targets), scores.confusion_matrix(targets, guesses)
    )


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize(("ours", "theirs"), RATES)
def test_rates_of_classes(ours, theirs, average, rng: np.random.Generator) -> None:
    outputs, targets = classes(rng)
    expected = theirs(targets, outputs.argmax(axis=1), average=average)
    np.testing.assert_allclose(ours(average)(outputs, targets), expected, rtol=1e-14)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize(("ours", "theirs"), RATES)
def test_a_class_that_the_data_do_not_have(ours, theirs, average, rng: np.random.Generator) -> None:
    outputs, targets = classes(rng)
    outputs[:, 2] = -99.0
    for truths in (np.where(targets == 2, 1, targets), targets):  # without it; with it, not guessed
        expected = theirs(truths, outputs.argmax(axis=1), average=average, zero_division=0)
        assert ours(average)(outputs, truths) == pytest.approx(expected, rel=1e-14)
    assert ours(average)(np.eye(4)[[0, 1, 3]], np.array([0, 1, 3])) == 1


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize(("ours", "theirs"), RATES)
def test_rates_of_several_labels(ours, theirs, average, rng: np.random.Generator) -> None:
    outputs, targets = labels(rng)
    expected = theirs(targets, outputs > 0.4, average=average)
    np.testing.assert_allclose(ours(average, threshold=0.4)(outputs, targets), expected, rtol=1e-14)


@pytest.mark.parametrize(("ours", "theirs"), RATES)
@pytest.mark.parametrize("shape", [(100,), (100, 1)])
def test_rates_of_yes_and_no(ours, theirs, shape, rng: np.random.Generator) -> None:
    outputs, targets = rng.normal(size=shape), rng.integers(0, 2, 100)
    expected = theirs(targets, outputs.ravel() > 0)
    assert ours(threshold=0)(outputs, targets) == pytest.approx(expected, rel=1e-14)


def test_several_labels(rng: np.random.Generator) -> None:
    outputs, targets = labels(rng)
    assert ExactMatch(0.5)(outputs, targets) == scores.accuracy_score(targets, outputs > 0.5)
    assert Accuracy(0.5)(outputs, targets) == np.mean((outputs > 0.5) == targets)
    np.testing.assert_array_equal(
        ConfusionMatrix(0.5)(outputs, targets),
        scores.multilabel_confusion_matrix(targets, outputs > 0.5),
    )


@pytest.mark.parametrize("k", [1, 2, 4, 9])
def test_top_k(k: int, rng: np.random.Generator) -> None:
    outputs, targets = classes(rng)
    expected = scores.top_k_accuracy_score(targets, outputs, k=k) if k < 4 else 1.0
    assert TopK(k)(outputs, targets) == expected


def test_one_hot_targets_count_as_labels(rng: np.random.Generator) -> None:
    outputs, targets = classes(rng)
    rows = tg.data.one_hot(targets, 4)
    for metric in (Accuracy(), TopK(2), F1(), ConfusionMatrix()):
        np.testing.assert_array_equal(metric(outputs, rows), metric(outputs, targets))


@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 3)])
def test_regression(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    outputs, targets = rng.normal(size=shape), rng.normal(size=shape)
    assert MSE()(outputs, targets) == pytest.approx(scores.mean_squared_error(targets, outputs))
    assert MAE()(outputs, targets) == pytest.approx(scores.mean_absolute_error(targets, outputs))
    assert R2()(outputs, targets) == pytest.approx(scores.r2_score(targets, outputs))


def test_r2_of_equal_targets() -> None:
    assert R2()([2.0, 2.0], [2.0, 2.0]) == 1
    assert R2()([1.0, 2.0], [2.0, 2.0]) == 0
    equal = np.full(70, 0.1)  # their sum, divided by their number, is not 0.1
    assert R2()(equal, equal) == 1
    assert R2()(equal + 1, equal) == 0
    totals = Totals([R2()])
    for rows in (slice(0, 7), slice(7, 70)):
        totals.add(equal[rows] + 1, equal[rows])
    assert totals.results()["r2"] == 0


@pytest.mark.parametrize(
    "metric", [Accuracy(), ExactMatch(0.5), TopK(2), F1(), Precision("micro"), Recall("weighted")]
)
def test_outputs_that_are_no_numbers_decide_nothing(metric: Any, rng: np.random.Generator) -> None:
    outputs, targets = rng.random((6, 3)), rng.integers(0, 2, (6, 3))
    if not isinstance(metric, ExactMatch):
        targets = targets.argmax(1)
    assert np.isfinite(metric(outputs, targets))
    outputs[4, 1] = np.nan
    assert np.isnan(metric(outputs, targets))


METRICS = [Accuracy(), TopK(2), F1(), F1("weighted"), Precision(), Recall("micro")]


@pytest.mark.parametrize("metric", [*METRICS, MSE(), MAE(), R2()], ids=lambda m: m.name)
@pytest.mark.parametrize("sizes", [[100], [1, 99], [33, 33, 34], [1] * 100])
def test_batches_make_no_difference(
    metric: Metric, sizes: list[int], rng: np.random.Generator
) -> None:
    outputs, targets = classes(rng)
    if metric.name in ("mse", "mae", "r2"):
        targets = 1e6 + rng.normal(size=outputs.shape)  # a mean far from 0 costs no digits
        outputs = targets + 0.1 * outputs
    totals = Totals([metric])
    for part in np.split(np.arange(100), np.cumsum(sizes)[:-1]):
        totals.add(outputs[part], targets[part])
    np.testing.assert_allclose(totals.results()[metric.name], metric(outputs, targets), rtol=1e-9)


def test_totals_go_on_from_their_state(rng: np.random.Generator) -> None:
    outputs, targets = classes(rng)
    first, second = Totals(METRICS[:2]), Totals(METRICS[:2])
    first.add(outputs[:30], targets[:30], 0.5, 30)
    second.load_state_dict(first.state_dict())
    for totals in (first, second):
        totals.add(outputs[30:], targets[30:], 0.25, 70)
    assert first.results() == second.results()
    assert first.results()["loss"] == pytest.approx(0.3 * 0.5 + 0.7 * 0.25)
    with pytest.raises(ValueError, match="of the metrics"):
        Totals([MSE()]).load_state_dict(first.state_dict())


def test_tensors_and_lists() -> None:
    assert Accuracy()(tg.tensor([[1.0, 2.0]], requires_grad=True), [1]) == 1.0
    assert MSE()([1.0], tg.tensor([2.0])) == 1.0


# By name


def test_names() -> None:
    names = ["accuracy", "precision", "recall", "f1", "exact_match", "confusion_matrix"]
    names += ["mse", "mae", "r2", "top_5", "top_1"]
    assert [m.name for m in resolved(names)] == names


@pytest.mark.parametrize(
    ("loss", "threshold"),
    [
        (F.binary_cross_entropy, 0.5),
        (nn.BCELoss(), 0.5),
        (F.binary_cross_entropy_with_logits, 0.0),
        (nn.BCEWithLogitsLoss(), 0.0),
        (F.cross_entropy, None),
        (F.mse_loss, None),
    ],
)
def test_the_loss_says_where_the_line_is(loss: object, threshold: float | None) -> None:
    (metric,) = resolved(["accuracy"], loss)
    assert metric.threshold == threshold


OBJECTS = [Accuracy(), ExactMatch(), F1("weighted"), Precision(), Recall(), ConfusionMatrix()]


@pytest.mark.parametrize("metric", OBJECTS, ids=lambda m: m.name)
@pytest.mark.parametrize("loss", [F.binary_cross_entropy, nn.BCELoss()])
def test_an_object_without_a_threshold_takes_that_of_the_loss(
    metric: Any, loss: Any, rng: np.random.Generator
) -> None:
    outputs, targets = labels(rng)
    (ours,) = resolved([metric], loss)
    settings = {"average": metric.average} if hasattr(metric, "average") else {}
    expected = type(metric)(**settings, threshold=0.5)(outputs, targets)
    np.testing.assert_array_equal(ours(outputs, targets), expected)
    assert metric.threshold is None  # one's own object stays as it was
    (own,) = resolved([Accuracy(0.7)], loss)
    assert own.threshold == 0.7


@pytest.mark.parametrize("metric", [*OBJECTS, TopK(2)], ids=lambda m: m.name)
@pytest.mark.parametrize("row", [[1, 1, 0], [0, 0, 0], [1, 1, 1]])
def test_rows_of_several_labels_are_not_taken_for_classes(metric: Metric, row: list[int]) -> None:
    outputs, targets = np.full((2, 3), 0.5), np.array([[1, 0, 0], row])
    with pytest.raises(ValueError, match=r"row 1 of the targets sums to.*threshold=0\.5"):
        metric(outputs, targets)


def test_soft_targets_are_classes(rng: np.random.Generator) -> None:
    rows = rng.dirichlet(np.ones(4), 50).astype(np.float16)
    assert Accuracy()(rows, rows) == 1.0


def test_a_function_is_averaged_by_examples() -> None:
    def largest(outputs: np.ndarray, targets: np.ndarray) -> float:
        return outputs.max()

    (metric,) = resolved([largest])
    assert metric.name == "largest"
    totals = Totals([metric])
    totals.add(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    totals.add(np.array([7.0]), np.zeros(1))
    assert totals.results()["largest"] == (3 * 3 + 7) / 4
    assert Average(largest, "top")([1.0], [0.0]) == 1.0


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        (["acuracy"], ValueError, "'acuracy'.*accuracy"),
        (["accuracy", Accuracy()], ValueError, "a name of its own.*set the attribute name"),
        ("accuracy", TypeError, "as a list"),
        ([Accuracy], TypeError, r"Accuracy\(\)"),
        ([3], TypeError, "not 3"),
        ([Average(max, "loss")], ValueError, "a name of its own"),
    ],
)
def test_what_is_no_metric(metrics: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resolved(metrics)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "outputs", "targets", "message"),
    [
        (Accuracy(), [0.5, 0.2], [1, 0], "threshold=0.5"),
        (Accuracy(), [[0.5], [0.2]], [1, 0], "threshold=0.5"),
        (Accuracy(), [[0.5, 0.2]], [1, 0], "targets of shape"),
        (Accuracy(), [[0.5, 0.2]], [2], "0 to 1"),
        (Accuracy(), [[0.5, 0.2]], [0.5], "integers"),
        (Accuracy(0.5), [[0.5, 0.2]], [1], "do not belong together"),
        (TopK(2), [0.5, 0.2], [1, 0], "top_2"),
        (MSE(), [[0.5], [0.2]], [1.0, 0.0], "must be equal"),
        (R2(), [[0.5], [0.2]], [1.0, 0.0], "r2"),
    ],
)
def test_what_does_not_fit(metric: Metric, outputs: list, targets: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(np.array(outputs), np.array(targets))


def test_a_function_that_returns_an_array_is_no_metric() -> None:
    def errors(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.abs(outputs - targets)

    with pytest.raises(ValueError, match=r"errors: .* returned shape \(2,\)"):
        Average(errors)([1.0, 2.0], [0.0, 0.0])


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="average"):
        F1("mean")
    with pytest.raises(ValueError, match="at least 1"):
        TopK(0)


OF_LABELS = ["accuracy", "exact_match", "top_2", "confusion_matrix", "precision", "recall", "f1"]


@pytest.mark.parametrize(
    ("loss", "ignored"),
    [
        (None, -100),
        ("cross_entropy", -100),
        (nn.CrossEntropyLoss(ignore_index=2), 2),
        (partial(F.nll_loss, ignore_index=0), 0),
        (lambda outputs, labels: F.cross_entropy(outputs, np.maximum(labels, 0)), -100),
    ],
    ids=["no loss", "by name", "layer", "partial", "function"],
)
@pytest.mark.parametrize("name", OF_LABELS)
def test_labels_that_the_loss_ignores_are_left_out(name: str, loss: Any, ignored: int) -> None:
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(30, 3)).astype(np.float32)
    labels = rng.integers(3, size=30)
    labels[::4] = ignored
    counted = labels != ignored
    found = evaluate(nn.Identity(), (outputs, labels), loss, [name], batch_size=7)[name]
    (metric,) = resolved([name])
    np.testing.assert_array_equal(found, metric(outputs[counted], labels[counted]))


def test_of_no_labels_there_is_no_accuracy() -> None:
    outputs, labels = np.eye(3), np.full(3, -100)
    for name in ("accuracy", "exact_match", "top_2"):
        (metric,) = resolved([name])
        assert np.isnan(metric(outputs, labels))


def test_a_metric_of_ones_own_is_not_changed_by_the_loss() -> None:
    accuracy = Accuracy()
    (beside,) = resolved([accuracy], nn.CrossEntropyLoss(ignore_index=0))
    assert beside([[1.0, 0.0], [1.0, 0.0]], [0, 1]) == 0
    assert accuracy([[1.0, 0.0], [1.0, 0.0]], [0, 1]) == 0.5
