"""Metrics of predictions, exact over any number of batches, by name, object or function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from tinygrad_lite.train.losses import Loss
from tinygrad_lite.train.metrics.base import Average, Metric
from tinygrad_lite.train.metrics.classification import (
    F1,
    Accuracy,
    ConfusionMatrix,
    ExactMatch,
    Precision,
    Recall,
    TopK,
)
from tinygrad_lite.train.metrics.regression import MAE, MSE, R2

__all__ = [
    "F1",
    "MAE",
    "MSE",
    "R2",
    "Accuracy",
    "Average",
    "ConfusionMatrix",
    "ExactMatch",
    "Metric",
    "Precision",
    "Recall",
    "TopK",
]

_CLASSIFICATION: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "confusion_matrix": ConfusionMatrix,
    "exact_match": ExactMatch,
    "f1": F1,
    "precision": Precision,
    "recall": Recall,
}
_REGRESSION: dict[str, Callable[[], Metric]] = {"mae": MAE, "mse": MSE, "r2": R2}


def resolved(metrics: Iterable[Any], loss: Loss | None = None) -> list[Metric]:
    """Metric objects from names (``top_5`` is ``TopK(5)``), metrics, or functions.

    A metric without a threshold of its own decides yes or no as the loss does: for
    ``binary_cross_entropy`` at a probability of 0.5, for ``binary_cross_entropy_with_logits`` at a
    score of 0. After any other loss the class is the column with the largest output, and examples
    are left out whose label the loss ignores: -100, if there is no loss to say another.

    Raises ValueError for an unknown name or two metrics of one name, TypeError for anything else.

    >>> [metric.name for metric in resolved(["accuracy", "top_3", R2()])]
    ['accuracy', 'top_3', 'r2']
    """
    if isinstance(metrics, str) or callable(metrics) or not isinstance(metrics, Iterable):
        raise TypeError(f"metrics are given as a list: metrics=[...], not {metrics!r}")
    found = [_resolved(metric).beside(loss) for metric in metrics]
    names = [metric.name for metric in found]
    if doubled := {name for name in names if names.count(name) > 1 or name == "loss"}:
        raise ValueError(
            f"each metric needs a name of its own, not {sorted(doubled)} again: set the attribute "
            "name of one"
        )
    return found


def _resolved(metric: Any) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        if metric in _CLASSIFICATION:
            return _CLASSIFICATION[metric]()
        if metric in _REGRESSION:
            return _REGRESSION[metric]()
        if top := re.fullmatch(r"top_(\d+)", metric):
            return TopK(int(top[1]))
        known = ", ".join(sorted([*_CLASSIFICATION, *_REGRESSION, "top_5"]))
        raise ValueError(f"there is no metric {metric!r}; by name there are {known}")
    if isinstance(metric, type) and issubclass(metric, Metric):
        raise TypeError(f"{metric.__name__} is a class: write {metric.__name__}()")
    if callable(metric):
        return Average(metric)
    raise TypeError(f"a metric is a name, a Metric or a function, not {metric!r}")
