"""Metrics of classification: binary, of several classes, and of several labels at once."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from typing import Any

import numpy as np

from tinygrad_lite.train.metrics.base import Array, Metric, ratio

_ROUNDING = 1e-2  # by how much probabilities, perhaps of half precision, may miss a sum of 1


class _Decision(Metric):
    """A metric of decisions. With a threshold every output decides for itself: yes above it.

    Without one, that of the loss is taken where metrics are measured beside a loss that has one.
    Else the class of each row of outputs ``(n, classes)`` is its largest, and targets are integer
    labels ``(n,)``, or one-hot rows or probabilities ``(n, classes)``.
    """

    def __init__(self, threshold: float | None = None) -> None:
        self.threshold = threshold

    def deciding_at(self, threshold: float) -> Metric:
        if self.threshold is not None:
            return self
        metric = copy(self)
        metric.threshold = threshold
        return metric

    def decided(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Guesses and truths: integers of shape ``(n,)``, or booleans ``(n, labels)``."""
        if self.threshold is None:
            truths = classes(self.name, outputs, targets)
            return outputs.argmax(axis=1), truths
        if outputs.size != targets.size or len(outputs) != len(targets):
            raise ValueError(
                f"{self.name}: outputs of shape {outputs.shape} and targets of shape "
                f"{targets.shape} do not belong together"
            )
        n = len(outputs)
        return outputs.reshape(n, -1) > self.threshold, targets.reshape(n, -1) > 0.5


def classes(name: str, outputs: Array, targets: Array) -> Any:
    """The true classes, after a check that outputs and targets belong together."""
    if outputs.ndim != 2 or outputs.shape[1] == 1:
        raise ValueError(
            f"{name}: outputs of shape {outputs.shape} have no column for each class. If they "
            "answer yes or no, say above which value: for example Accuracy(threshold=0.5) for "
            "probabilities, threshold=0 for scores"
        )
    n, columns = outputs.shape
    if targets.shape == outputs.shape:
        sums = targets.sum(axis=1, dtype=float)
        if odd := np.flatnonzero(np.abs(sums - 1) > _ROUNDING).tolist():
            raise ValueError(
                f"{name}: row {odd[0]} of the targets sums to {sums[odd[0]]:.4g}, so it is neither "
                "one-hot nor probabilities of classes. If each column is a label of its own, say "
                "above which output it is there: for example Accuracy(threshold=0.5) for "
                "probabilities, threshold=0 for scores"
            )
        return np.argmax(targets, axis=1)
    if targets.shape != (n,):
        raise ValueError(
            f"{name}: outputs of shape {outputs.shape} take targets of shape {(n,)} or "
            f"{outputs.shape}, not {targets.shape}"
        )
    if targets.dtype.kind not in "iub" or np.any((targets < 0) | (targets >= columns)):
        raise ValueError(
            f"{name}: targets of shape {targets.shape} are the classes, integers from 0 to "
            f"{columns - 1}"
        )
    return targets.astype(np.intp)


def counted(outputs: Array, counts: Any) -> Array:
    """The counts as they are; NaN if an output is not a number, since then nothing is decided."""
    return np.array(counts) * (np.nan if np.isnan(outputs).any() else 1)


class Accuracy(_Decision):
    """The share of right decisions.

    Args:
        threshold: for outputs that answer yes or no: yes above it.

    >>> Accuracy()([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    >>> Accuracy(threshold=0.5)([[0.9, 0.1], [0.8, 0.2]], [[1, 0], [0, 0]])
    0.75
    """

    name = "accuracy"

    def statistics(self, outputs: Array, targets: Array) -> Array:
        guesses, truths = self.decided(outputs, targets)
        return counted(outputs, [guesses.size, np.count_nonzero(guesses == truths)])

    def result(self, statistics: Array) -> float:
        return ratio(statistics[1], statistics[0])


class ExactMatch(_Decision):
    """The share of examples with every label right: the strict accuracy of several labels.

    >>> ExactMatch(threshold=0.5)([[0.9, 0.1], [0.8, 0.2]], [[1, 0], [0, 0]])
    0.5
    """

    name = "exact_match"

    def statistics(self, outputs: Array, targets: Array) -> Array:
        guesses, truths = self.decided(outputs, targets)
        right = (guesses == truths).reshape(len(guesses), -1).all(axis=1)
        return counted(outputs, [len(right), np.count_nonzero(right)])

    def result(self, statistics: Array) -> float:
        return ratio(statistics[1], statistics[0])


class TopK(Metric):
    """The share of examples whose class is among the k largest outputs; of equal ones the first.

    >>> TopK(2)([[0.1, 0.5, 0.4], [0.8, 0.1, 0.1]], [2, 2])
    0.5
    """

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"TopK: k must be at least 1, not {k!r}")
        self.k = k
        self.name = f"top_{k}"

    def statistics(self, outputs: Array, targets: Array) -> Array:
        labels = classes(self.name, outputs, targets)
        best = np.argsort(-outputs, axis=1, kind="stable")[:, : self.k]
        return counted(outputs, [len(labels), np.count_nonzero(best == labels[:, None])])

    def result(self, statistics: Array) -> float:
        return ratio(statistics[1], statistics[0])


class ConfusionMatrix(_Decision):
    """How often each true class (row) was taken for each class (column).

    Yes-or-no outputs give the matrix ``[[true no, false yes], [false no, true yes]]``; of several
    labels there is one for each, of shape ``(labels, 2, 2)``.

    >>> ConfusionMatrix()([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 1, 1])
    array([[0, 0],
           [1, 2]])
    """

    name = "confusion_matrix"
    single = False

    def statistics(self, outputs: Array, targets: Array) -> Array:
        guesses, truths = self.decided(outputs, targets)
        if self.threshold is None:
            n = outputs.shape[1]
            matrix = np.bincount(truths * n + guesses, minlength=n * n).reshape(n, n)
            return counted(outputs, matrix)
        labels = guesses.shape[1]
        cells = np.arange(labels) * 4 + truths * 2 + guesses
        matrices = np.bincount(cells.ravel(), minlength=4 * labels).reshape(labels, 2, 2)
        return counted(outputs, matrices)

    def result(self, statistics: Array) -> Any:
        return statistics[0] if statistics.shape == (1, 2, 2) else statistics


class _Rate(ConfusionMatrix):
    """A rate of each class or label, and how they become one number."""

    def __init__(self, average: str | None = "macro", threshold: float | None = None) -> None:
        super().__init__(threshold)
        if average not in ("macro", "micro", "weighted", None):
            raise ValueError(
                f"{type(self).__name__}: average is 'macro', 'micro', 'weighted' or None, "
                f"not {average!r}"
            )
        self.average = average
        self.single = average is not None

    @abstractmethod
    def rate(self, right: Array, guessed: Array, actual: Array) -> Any:
        """From how often each class was guessed rightly, was guessed, and was the true one."""

    def result(self, statistics: Array) -> Any:
        if statistics.ndim == 3:  # yes or no, of each label: the rates of yes
            right = statistics[:, 1, 1]
            guessed, actual = statistics[:, :, 1].sum(axis=1), statistics[:, 1].sum(axis=1)
        else:
            right = statistics.diagonal()
            guessed, actual = statistics.sum(axis=0), statistics.sum(axis=1)
        if self.average == "micro":
            right, guessed, actual = (np.sum(x, keepdims=True) for x in (right, guessed, actual))
        rates = self.rate(right, guessed, actual)
        if self.average is None:
            return rates
        weights = actual if self.average == "weighted" else np.ones(len(rates))
        return ratio(np.sum(rates * weights), np.sum(weights))


class Precision(_Rate):
    """Of what was taken for a class, the share that belongs to it; 0 where nothing was.

    Args:
        average: over the classes or labels: ``macro`` for their plain mean, ``weighted`` by how
            often each occurs, ``micro`` for all decisions together, None for the rate of each.
        threshold: for outputs that answer yes or no: yes above it.

    >>> Precision(average=None)([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 1, 0])
    array([0. , 0.5])
    """

    name = "precision"

    def rate(self, right: Array, guessed: Array, actual: Array) -> Any:
        return right / np.maximum(guessed, 1)


class Recall(_Rate):
    """Of what belongs to a class, the share that was taken for it; 0 where nothing does.

    The arguments are those of :class:`Precision`.

    >>> Recall(average=None)([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 1, 0])
    array([0. , 0.5])
    """

    name = "recall"

    def rate(self, right: Array, guessed: Array, actual: Array) -> Any:
        return right / np.maximum(actual, 1)


class F1(_Rate):
    """The harmonic mean of precision and recall; 0 where a class was neither guessed nor there.

    The arguments are those of :class:`Precision`.

    >>> F1(threshold=0.5)([0.9, 0.8, 0.2, 0.7], [1, 0, 0, 1])
    0.8
    """

    name = "f1"

    def rate(self, right: Array, guessed: Array, actual: Array) -> Any:
        return 2 * right / np.maximum(guessed + actual, 1)
