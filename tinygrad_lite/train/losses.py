"""Losses by name, by layer or by function, as one function of outputs and targets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lite.nn import functional as F
from tinygrad_lite.nn.loss import CrossEntropyLoss, NLLLoss
from tinygrad_lite.train.metrics.base import as_array

Loss = Callable[[Any, Any], Any]

_NAMED: dict[str, Loss] = {
    function.__name__: function
    for function in (
        F.binary_cross_entropy,
        F.binary_cross_entropy_with_logits,
        F.cross_entropy,
        F.huber_loss,
        F.l1_loss,
        F.mse_loss,
        F.nll_loss,
    )
}


def loss_function(loss: str | Loss) -> Loss:
    """The function behind the name of a loss in ``nn.functional``; a function as it is.

    >>> loss_function("mse_loss").__name__
    'mse_loss'
    """
    if isinstance(loss, type):
        raise TypeError(f"{loss.__name__} is a class: write {loss.__name__}()")
    if callable(loss):
        return loss
    if loss not in _NAMED:
        raise ValueError(
            f"there is no loss {loss!r}; by name there are {', '.join(sorted(_NAMED))}, and any "
            "function of outputs and targets will do"
        )
    return _NAMED[loss]


NOTHING_COUNTS = "there is no loss: every label is ignored, or of a class without weight"


def weight_of(loss: Loss | None, targets: Any) -> float:
    """What the loss of a batch is the mean over: that by which it counts in the mean of several.

    For losses of labels that is the number of those that are not ignored, or the sum of the weights
    of their classes; for every other loss the number of examples.

    >>> weight_of(CrossEntropyLoss(weight=np.array([1.0, 3.0])), np.array([0, 1, -100]))
    4.0
    """
    if isinstance(loss, CrossEntropyLoss | NLLLoss):
        weight, ignored = loss.weight, loss.ignore_index
    elif isinstance(loss, partial) and not loss.args and loss.func in _OF_LABELS:
        weight, ignored = loss.keywords.get("weight"), loss.keywords.get("ignore_index", -100)
    elif loss in _OF_LABELS:
        weight, ignored = None, -100
    else:
        return len(targets)
    labels = as_array(targets)
    if labels.dtype.kind not in "iu":
        return len(labels)  # probabilities: all rows count, whatever the weights
    counted = labels[labels != ignored]
    return counted.size if weight is None else float(np.sum(as_array(weight)[counted], dtype=float))


_OF_LABELS = (F.cross_entropy, F.nll_loss)
