"""The losses as modules, each the function of its name in ``nn.functional`` with its settings."""

from __future__ import annotations

from typing import Any

from tinygrad_lite.nn.binary_cross_entropy import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
)
from tinygrad_lite.nn.cross_entropy import IGNORE_INDEX, cross_entropy, nll_loss
from tinygrad_lite.nn.module import Module
from tinygrad_lite.nn.parameter import Buffer
from tinygrad_lite.nn.reduction import checked
from tinygrad_lite.nn.regression import huber_loss, l1_loss, mse_loss


class Loss(Module):
    """A function of input and target, with its settings as attributes."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = checked(reduction)

    def extra_repr(self) -> str:
        return ", ".join(
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if name != "training" and value is not None
        )


class MSELoss(Loss):
    """``mse_loss``: the squared distance."""

    def forward(self, input: Any, target: Any) -> Any:
        return mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """``l1_loss``: the absolute distance."""

    def forward(self, input: Any, target: Any) -> Any:
        return l1_loss(input, target, self.reduction)


class HuberLoss(Loss):
    """``huber_loss``: squared up to a distance of delta, absolute beyond."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        return huber_loss(input, target, self.reduction, self.delta)


class WeightedLoss(Loss):
    """A loss with an optional weight, which is kept in the state dict."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(weight)


class BCELoss(WeightedLoss):
    """``binary_cross_entropy``: probabilities against yes and no."""

    def forward(self, input: Any, target: Any) -> Any:
        return binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """``binary_cross_entropy_with_logits``: scores against yes and no."""

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction)
        self.pos_weight = None if pos_weight is None else Buffer(pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        return binary_cross_entropy_with_logits(
            input, target, self.weight, self.reduction, self.pos_weight
        )


class NLLLoss(WeightedLoss):
    """``nll_loss``: log probabilities against labels."""

    def __init__(
        self, weight: Any = None, ignore_index: int = IGNORE_INDEX, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        return nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(WeightedLoss):
    """``cross_entropy``: scores against labels or probabilities."""

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = IGNORE_INDEX,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        return cross_entropy(
            input,
            target,
            self.weight,
            self.ignore_index,
            self.reduction,
            self.label_smoothing,
        )
