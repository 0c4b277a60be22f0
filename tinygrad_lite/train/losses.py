"""Losses by name, by layer or by function, as one function of outputs and targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_lite.nn import functional as F

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
