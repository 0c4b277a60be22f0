"""Metrics of regression: how far predicted numbers are from the true ones."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from tinygrad_lite.train.arrays import Array
from tinygrad_lite.train.metrics.base import Mean, Metric


class _MeanError(Mean):
    """The mean of a penalty over all elements."""

    def statistics(self, outputs: Array, targets: Array) -> Array:
        errors = _errors(self.name, outputs, targets)
        return np.array([errors.size, np.sum(self.penalty(errors))])

    @abstractmethod
    def penalty(self, errors: Array) -> Array:
        """What each error counts."""


class MSE(_MeanError):
    """The mean squared error.

    >>> MSE()([1.0, 3.0], [0.0, 0.0])
    5.0
    """

    name = "mse"

    def penalty(self, errors: Array) -> Array:
        return errors**2


class MAE(_MeanError):
    """The mean absolute error.

    >>> MAE()([1.0, 3.0], [0.0, 0.0])
    2.0
    """

    name = "mae"

    def penalty(self, errors: Array) -> Array:
        return np.abs(errors)


class R2(Metric):
    """The share of the targets' variance that is explained: 1 is perfect, 0 as good as their mean.

    Of several columns it is the mean over them. A column of equal targets has 1 if it is met
    exactly, else 0.

    >>> R2()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.7857142857142857
    """

    name = "r2"

    # Of each column: count, mean, sum of squares around the mean, sum of squared errors.
    def statistics(self, outputs: Array, targets: Array) -> Array:
        n = len(targets)
        errors = _errors(self.name, outputs, targets).reshape(n, -1)
        targets = np.asarray(targets, float).reshape(n, -1)
        # From the first on, so that equal targets, whose sum is rounded, have no spread at all.
        center = targets[0] + (targets - targets[0]).mean(axis=0)
        spread = np.sum((targets - center) ** 2, axis=0)
        return np.stack([np.full_like(center, n), center, spread, np.sum(errors**2, axis=0)])

    def merged(self, before: Array, new: Array) -> Array:
        # Chan, Golub and LeVeque (1979): no cancellation, however far the mean is from 0.
        n = before[0] + new[0]
        shift = new[1] - before[1]
        center = before[1] + shift * new[0] / n
        spread = before[2] + new[2] + shift**2 * before[0] * new[0] / n
        return np.stack([n, center, spread, before[3] + new[3]])

    def result(self, statistics: Array) -> float:
        _, _, spread, error = statistics
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(spread > 0, 1 - error / spread, error == 0)
        return float(shares.mean())


def _errors(name: str, outputs: Array, targets: Array) -> Array:
    """Outputs minus targets in float64; an error if they do not belong together."""
    if outputs.shape != targets.shape:
        raise ValueError(
            f"{name}: outputs have shape {outputs.shape} and targets {targets.shape}: they must "
            "be equal, or elements would be compared that do not belong together"
        )
    return outputs.astype(float) - targets
