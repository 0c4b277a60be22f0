"""The rows of the primitives that the losses of ``nn`` are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.row import Example, Row, broadcast_row, spread
from tinygrad_lite.nn.binary_cross_entropy import bernoulli_nll
from tinygrad_lite.nn.cross_entropy import nll, nll_transposed

OPTIONS = [
    {"reduction": "mean", "ignore_index": -100},
    {"reduction": "sum", "ignore_index": -100},
    {"reduction": "none", "ignore_index": -100},
    {"reduction": "mean", "ignore_index": 2},
]
LABELS = np.array([2, 0, 3, 2])


def _one_hot(labels: Any, classes: int, reduction: str, ignore_index: int) -> Any:
    """Minus the matrix that picks the labels that count, over their number for a mean."""
    picked = -np.eye(classes)[labels] * (labels != ignore_index)[:, None]
    return picked / np.sum(labels != ignore_index) if reduction == "mean" else picked


def _nll(logp: Any, labels: Any, *, reduction: str, ignore_index: int) -> Any:
    products = logp * _one_hot(labels, logp.shape[1], reduction, ignore_index)
    return products.sum(axis=1) if reduction == "none" else products.sum()


def _nll_transposed(g: Any, labels: Any, *, classes: int, reduction: str, ignore_index: int) -> Any:
    return np.reshape(g, (-1, 1)) * _one_hot(labels, classes, reduction, ignore_index)


ROWS = (
    Row(nll, _nll, [Example((spread(-3, -0.1, (4, 5)), LABELS), o) for o in OPTIONS]),
    Row(
        nll_transposed,
        _nll_transposed,
        [
            Example(
                (spread(-1, 1, (4,) if o["reduction"] == "none" else ()), LABELS),
                {"classes": 5, **o},
            )
            for o in OPTIONS
        ],
    ),
    broadcast_row(
        bernoulli_nll,
        lambda p, target: -(target * np.log(p) + (1 - target) * np.log(1 - p)),
        (0.1, 0.9),
        (0.1, 0.9),
    ),
)
