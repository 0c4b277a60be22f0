"""Losses by name, by layer or by function, as one function of outputs and targets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_lite.nn import functional as F
from tinygrad_lite.nn.cross_entropy import IGNORE_INDEX
from tinygrad_lite.nn.loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss
from tinygrad_lite.train.arrays import as_array

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
    ignored = ignored_by(loss)
    if ignored is None:
        return len(targets)
    labels = as_array(targets)
    if labels.dtype.kind not in "iu":
        return len(labels)  # probabilities: all rows count, whatever the weights
    counted = labels[labels != ignored]
    weight = _setting(loss, "weight", None)
    return counted.size if weight is None else float(np.sum(as_array(weight)[counted], dtype=float))


def ignored_by(loss: Loss | None) -> int | None:
    """The label that this loss leaves out; None if it is not one of labels.

    >>> ignored_by(F.cross_entropy), ignored_by(NLLLoss(ignore_index=0)), ignored_by(F.mse_loss)
    (-100, 0, None)
    """
    of_labels = isinstance(loss, CrossEntropyLoss | NLLLoss) or function_of(loss) in _OF_LABELS
    found: int | None = _setting(loss, "ignore_index", IGNORE_INDEX) if of_labels else None
    return found


def threshold_of(loss: Loss | None) -> float | None:
    """Where this loss draws the line between yes and no; None if it is not about yes and no.

    >>> threshold_of(F.binary_cross_entropy), threshold_of(F.mse_loss)
    (0.5, None)
    """
    function = function_of(loss)
    if isinstance(function, BCELoss) or function is F.binary_cross_entropy:
        return 0.5
    if isinstance(function, BCEWithLogitsLoss) or function is F.binary_cross_entropy_with_logits:
        return 0.0
    return None


def function_of(loss: Loss | None) -> Loss | None:
    """The loss without the settings that ``functools.partial`` gave it."""
    return loss.func if isinstance(loss, partial) and not loss.args else loss


def _setting(loss: Loss | None, name: str, default: Any) -> Any:
    """A setting of a layer, or of a function by ``functools.partial``."""
    if isinstance(loss, partial):
        return loss.keywords.get(name, default)
    return getattr(loss, name, default)


_OF_LABELS = (F.cross_entropy, F.nll_loss)
