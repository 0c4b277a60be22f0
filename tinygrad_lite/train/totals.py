"""Totals: the loss and the metrics of everything seen so far, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import numpy as np

from tinygrad_lite.train.arrays import as_array
from tinygrad_lite.train.metrics import Metric


class Totals:
    """The mean loss over all that it is a mean of, and the statistics of metrics.

    >>> from tinygrad_lite.train.metrics import Accuracy
    >>> totals = Totals([Accuracy(threshold=0.5)])
    >>> totals.add(np.array([0.9, 0.8]), np.array([1, 0]), loss=0.3, weight=2)
    >>> totals.add(np.array([0.2]), np.array([0]), loss=0.6, weight=1)
    >>> totals.results()
    {'loss': 0.4, 'accuracy': 0.66666667}
    """

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.metrics = metrics
        self.clear()

    def clear(self) -> None:
        """Start anew."""
        self.weight = 0.0
        self.loss: float | None = None
        self.statistics: dict[str, Any] = {}

    def add(
        self, outputs: Any, targets: Any, loss: float | None = None, weight: float = 1.0
    ) -> None:
        """Take in a batch, its mean loss and what that is the mean over (``losses.weight_of``)."""
        if loss is not None:
            self.weight += weight
            self.loss = (self.loss or 0.0) + (weight * loss if weight else 0.0)
        if not self.metrics:
            return
        outputs, targets = as_array(outputs), as_array(targets)
        for metric in self.metrics:
            new = metric.statistics(outputs, targets)
            if metric.name in self.statistics:
                new = metric.merged(self.statistics[metric.name], new)
            self.statistics[metric.name] = new

    def results(self) -> dict[str, Any]:
        """The loss, if there is one (NaN where every label was ignored), and the metrics."""
        found = {}
        if self.loss is not None:
            found["loss"] = self.loss / self.weight if self.weight else nan
        return found | {m.name: m.result(self.statistics[m.name]) for m in self.metrics}

    def state_dict(self) -> dict[str, Any]:
        """What it has added up."""
        return {
            "weight": self.weight,
            "loss": self.loss,
            "statistics": {name: np.array(value) for name, value in self.statistics.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state_dict()``; ValueError if it is of other metrics."""
        names = {metric.name for metric in self.metrics}
        if state["statistics"] and state["statistics"].keys() != names:
            raise ValueError(
                f"the state is of the metrics {sorted(state['statistics'])}, not {sorted(names)}"
            )
        self.weight, self.loss = state["weight"], state["loss"]
        self.statistics = dict(state["statistics"])
