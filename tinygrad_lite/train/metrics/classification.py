"""Metrics of classification: binary, of several classes, and of several labels at once."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from typing import Any

import numpy as np

from tinygrad_lite.nn.cross_entropy import IGNORE_INDEX
from tinygrad_lite.train.arrays import Array
from tinygrad_lite.train.losses import ignored_by, threshold_of
from tinygrad_lite.train.metrics.base import Mean, Metric

_ROUNDING = 1e-2  # by how much probabilities, perhaps of half precision, may miss a sum of 1


class _OfClasses(Metric):
    """A metric of the classes of rows of outputs ``(n, classes)``.

    Targets are integer labels ``(n,)``, or one-hot rows or probabilities ``(n, classes)``. Examples
    of the label that the loss ignores are left out.
    """

    ignored = IGNORE_INDEX

    def beside(self, loss: Any) -> Metric:
        ignored = ignored_by(loss)
        return self if ignored is None else _with(self, ignored=ignored)

    def classes(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Rows of outputs and their true classes, after a check that they belong together."""
        if outputs.ndim != 2 or outputs.shape[1] == 1:
            raise ValueError(
                f"{self.name}: outputs of shape {outputs.shape} have no column for each class. If "
                "they answer yes or no, say above which value: for example Accuracy(threshold=0.5) "
                "for probabilities, threshold=0 for scores"
            )
        n, columns = outputs.shape
        if targets.shape == outputs.shape:
            return outputs, self._likeliest(targets)
        if targets.shape != (n,):
            raise ValueError(
                f"{self.name}: outputs of shape {outputs.shape} take targets of shape {(n,)} or "
                f"{outputs.shape}, not {targets.shape}"
            )
        counts = targets != self.ignored
        if not counts.all():
            outputs, targets = outputs[counts], targets[counts]
        if targets.dtype.kind not in "iub" or np.any((targets < 0) | (targets >= columns)):
            raise ValueError(
                f"{self.name}: targets of shape {(n,)} are the classes, integers from 0 to "
                f"{columns - 1}, or {self.ignored} for what is left out"
            )
        return outputs, targets.astype(np.intp)

    def _likeliest(self, targets: Array) -> Any:
        """The classes behind one-hot rows or probabilities."""
        sums = targets.sum(axis=1, dtype=float)
        if odd := np.flatnonzero(np.abs(sums - 1) > _ROUNDING).tolist():
            raise ValueError(
                f"{self.name}: row {odd[0]} of the targets sums to {sums[odd[0]]:.4g}, so it is "
                "neither one-hot nor probabilities of classes. If each column is a label of its "
                "own, say above which output it is there: for example Accuracy(threshold=0.5) for "
                "probabilities, threshold=0 for scores"
            )
        return np.argmax(targets, axis=1)


class _Decision(_OfClasses):
    """A metric of decisions. With a threshold every output decides for itself: yes above it.

    Without one, that of the loss is taken where metrics are measured beside a loss that has one.
    Else the class of each row of outputs is its largest.
    """

    def __init__(self, threshold: float | None = None) -> None:
        self.threshold = threshold

    def beside(self, loss: Any) -> Metric:
        threshold = threshold_of(loss)
        if self.threshold is not None or threshold is None:
            return super().beside(loss)
        return _with(self, threshold=threshold)

    def decided(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Guesses and truths: integers of shape ``(n,)``, or booleans ``(n, labels)``."""
        if self.threshold is None:
            outputs, truths = self.classes(outputs, targets)
            return outputs.argmax(axis=1), truths
        if outputs.size != targets.size or len(outputs) != len(targets):
            raise ValueError(
                f"{self.name}: outputs of shape {outputs.shape} and targets of shape "
                f"{targets.shape} do not belong together"
            )
        n = len(outputs)
        return outputs.reshape(n, -1) > self.threshold, targets.reshape(n, -1) > 0.5


def _with(metric: Metric, **settings: Any) -> Metric:
    """The metric with other settings; it may be one that somebody else holds."""
    changed = copy(metric)
    vars(changed).update(settings)
    return changed


def _counted(outputs: Array, counts: Any) -> Array:
    """The counts as they are; NaN if an output is not a number, since then nothing is decided."""
    return np.array(counts) * (np.nan if np.isnan(outputs).any() else 1)


class Accuracy(_Decision, Mean):
    """The share of right decisions; NaN where there is nothing to decide.

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
        return _counted(outputs, [guesses.size, np.count_nonzero(guesses == truths)])


class ExactMatch(_Decision, Mean):
    """The share of examples with every label right: the strict accuracy of several labels.

    >>> ExactMatch(threshold=0.5)([[0.9, 0.1], [0.8, 0.2]], [[1, 0], [0, 0]])
    0.5
    """

    name = "exact_match"

    def statistics(self, outputs: Array, targets: Array) -> Array:
        guesses, truths = self.decided(outputs, targets)
        right = guesses == truths
        if right.ndim > 1:
            right = right.all(axis=1)
        return _counted(outputs, [len(right), np.count_nonzero(right)])


class TopK(_OfClasses, Mean):
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
        outputs, labels = self.classes(outputs, targets)
        best = np.argsort(-outputs, axis=1, kind="stable")[:, : self.k]
        return _counted(outputs, [len(labels), np.count_nonzero(best == labels[:, None])])


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
            return _counted(outputs, matrix)
        labels = guesses.shape[1]
        cells = np.arange(labels) * 4 + truths * 2 + guesses
        matrices = np.bincount(cells.ravel(), minlength=4 * labels).reshape(labels, 2, 2)
        return _counted(outputs, matrices)

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
        if self.average == "macro" and statistics.ndim == 2:
            weights = guessed + actual != 0  # a class that these data have nothing of has no rate
        return float(np.average(rates, weights=weights)) if weights.any() else 0.0


class Precision(_Rate):
    """Of what was taken for a class, the share that belongs to it; 0 where nothing was.

    Args:
        average: over the classes or labels: ``macro`` for their plain mean, without classes that
            are neither guessed nor there, ``weighted`` by how often each occurs, ``micro`` for all
            decisions together, None for the rate of each.
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
