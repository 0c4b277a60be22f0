"""ReduceLROnPlateau: a smaller rate when a metric has stopped improving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, SupportsFloat

from tinygrad_lite.optim.lr_scheduler.base import LRScheduler
from tinygrad_lite.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """Multiply the rates by ``factor`` when more than ``patience`` steps brought nothing better.

    Args:
        optimizer: whose groups to write to.
        mode: ``"min"`` if a smaller metric is better, ``"max"`` if a larger one is.
        factor: below 1.
        patience: how many steps without an improvement are borne.
        threshold: by how much a metric must be better to count.
        threshold_mode: ``"rel"`` for a share of the best so far, ``"abs"`` for a difference.
        cooldown: for how many steps after a reduction no bad step is counted.
        min_lr: the smallest rate; one number, or one for each group.
        eps: a reduction by less than this is left out.

    Raises:
        ValueError: for a factor that is not below 1, unknown modes, or another number of ``min_lr``
            than groups.

    >>> import tinygrad_lite as tg
    >>> optimizer = tg.optim.SGD([tg.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, got {factor!r}")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau: mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"ReduceLROnPlateau: threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}"
            )
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.eps = eps
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        super().__init__(optimizer)
        groups = len(optimizer.param_groups)
        self.min_lrs = [*min_lr] if isinstance(min_lr, Sequence) else [min_lr] * groups
        if len(self.min_lrs) != groups:
            raise ValueError(
                f"ReduceLROnPlateau: {len(self.min_lrs)} of min_lr for {groups} parameter groups"
            )

    def get_lr(self) -> list[float]:
        return self._current_lr()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        # PyTorch's lacks the initial rates, of which no use is made here, and has two derived ones.
        derived = ("default_min_lr", "mode_worse")
        given = {k: v for k, v in state_dict.items() if k not in derived}
        super().load_state_dict({"base_lrs": self.base_lrs, **given})

    def step(self, metrics: SupportsFloat) -> None:  # type: ignore[override]
        """Take in the metric of an epoch: a number, or a tensor of one element."""
        value = float(metrics)
        self.last_epoch += 1
        if self._improved(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = self._current_lr()
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
            reduced = [max(lr * self.factor, low) for lr, low in zip(rates, self.min_lrs)]
            rates = [new if lr - new > self.eps else lr for lr, new in zip(rates, reduced)]
        self._write(rates)

    def _improved(self, value: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "abs":
            return sign * value > sign * self.best + self.threshold
        return sign * value > sign * self.best * (1 + sign * self.threshold)
