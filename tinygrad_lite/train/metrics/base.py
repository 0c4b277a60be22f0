"""Metric: statistics of a batch that can be merged, and the number that is read from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import nan
from typing import Any

import numpy as np

from tinygrad_lite.train.arrays import Array, as_array


class Metric(ABC):
    """A number, or an array, that says how good predictions are.

    A subclass says which statistics of a batch it needs, and how the metric follows from them.
    Those of several batches are merged, by default added, so that the metric of a whole set is
    exact though it is seen in batches.

    Called with outputs and targets, tensors or arrays, a metric gives its value for these.

    Attributes:
        name: what it is called in histories.
        single: whether it is one number, which can be monitored, not an array.

    >>> class Largest(Metric):
    ...     name = "largest"
    ...     def statistics(self, outputs, targets):
    ...         return np.max(outputs)
    ...     def merged(self, before, new):
    ...         return np.maximum(before, new)
    ...     def result(self, statistics):
    ...         return float(statistics)
    >>> Largest()([1.0, 3.0], [0.0, 0.0])
    3.0
    """

    name: str
    single: bool = True

    def beside(self, loss: Any) -> Metric:
        """This metric as it is measured beside a loss: itself, unless the loss settles something.

        A loss may draw the line between yes and no, or leave out a label.
        """
        return self

    @abstractmethod
    def statistics(self, outputs: Array, targets: Array) -> Array:
        """What is kept of a batch."""

    def merged(self, before: Array, new: Array) -> Array:
        """The statistics of two batches together."""
        return before + new

    @abstractmethod
    def result(self, statistics: Array) -> Any:
        """The metric: a number, or an array where it has several."""

    def __call__(self, outputs: Any, targets: Any) -> Any:
        return self.result(self.statistics(as_array(outputs), as_array(targets)))


class Mean(Metric):
    """A mean: its statistics are how many there are and their sum; of none it is not a number."""

    def result(self, statistics: Array) -> float:
        n, total = statistics
        return float(total / n) if n else nan


class Average(Mean):
    """The mean over batches of a function of outputs and targets, weighted by their examples.

    That is how a plain function serves as a metric. It is exact for functions that are means over
    examples themselves.

    >>> def error(outputs, targets):
    ...     return np.abs(outputs - targets).mean()
    >>> Average(error)([1.0, 3.0], [0.0, 0.0])
    2.0
    """

    def __init__(self, function: Callable[[Array, Array], Any], name: str | None = None) -> None:
        self.function = function
        self.name = name or str(getattr(function, "__name__", type(function).__name__))

    def statistics(self, outputs: Array, targets: Array) -> Array:
        n = len(outputs)
        value = self.function(outputs, targets)
        if np.size(value) != 1:
            raise ValueError(
                f"{self.name}: a function that serves as a metric returns one number, a mean over "
                f"examples; this one returned shape {np.shape(value)}. Take its mean, or write "
                "a Metric with single = False for an array"
            )
        return np.array([n, n * float(as_array(value).item())])
