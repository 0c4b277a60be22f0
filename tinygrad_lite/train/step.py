"""Step: the loss of a batch and its gradients, apart from all else that a run holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.nn import Module
from tinygrad_lite.optim import Optimizer
from tinygrad_lite.tensor import Tensor


class Step:
    """The forward and backward pass of a batch.

    It knows nothing of data and callbacks: what it can reach, a compiler must keep watch over.

    Args:
        model: with the parameters.
        loss: of the outputs and the targets, one number.
        optimizer: that clears the gradients.
    """

    def __init__(self, model: Module, loss: Callable[..., Any], optimizer: Optimizer) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer

    def __call__(self, x: Any, y: Any) -> tuple[Tensor, Tensor]:
        """The loss and the outputs of a batch, and the gradients in the parameters."""
        self.optimizer.zero_grad()
        outputs = self.model(x)
        loss = self.loss(outputs, y)
        if not hasattr(loss, "backward"):
            raise TypeError(
                f"the loss is a {type(loss).__name__}, which has no gradient: it must be a tensor, "
                "made from the outputs by functions of tinygrad_lite"
            )
        if np.size(loss) != 1:
            raise ValueError(
                f"the loss has shape {np.shape(loss)}; it must be one number, the mean over the "
                "batch: a loss of nn.functional with reduction='mean'"
            )
        loss.backward()
        return loss, outputs
