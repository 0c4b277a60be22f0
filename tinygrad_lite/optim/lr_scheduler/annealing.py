"""Schedules between two rates: along a line, or along a cosine."""

from __future__ import annotations

from math import cos, pi

from tinygrad_lite.optim.lr_scheduler.base import ChainedScheduler
from tinygrad_lite.optim.optimizer import Optimizer


class LinearLR(ChainedScheduler):
    """Go from ``start_factor`` to ``end_factor`` times the rate in ``total_iters`` steps, evenly.

    >>> import tinygrad_lite as tg
    >>> optimizer = tg.optim.SGD([tg.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> rates = []
    >>> for epoch in range(5):
    ...     rates.append(optimizer.param_groups[0]["lr"])
    ...     schedule.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor must be in (0, 1], got {start_factor!r}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must be in [0, 1], got {end_factor!r}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _first_lr(self) -> list[float]:
        factor = 1 if self.last_epoch else self.start_factor
        return [lr * factor for lr in self._current_lr()]

    def _next_lr(self, lr: float, base: float) -> float:
        if self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return lr * (1 + rise / before)


class CosineAnnealingLR(ChainedScheduler):
    """Go from the initial rate to ``eta_min`` in ``T_max`` steps along half a cosine, and back.

    ``eta_min + (base - eta_min) (1 + cos(π step / T_max)) / 2`` (Loshchilov and Hutter, 2017,
    without restarts), as the factor by which each step changes the rate it finds.

    >>> import tinygrad_lite as tg
    >>> optimizer = tg.optim.SGD([tg.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = tg.optim.CosineAnnealingLR(optimizer, T_max=2)
    >>> rates = []
    >>> for epoch in range(4):
    ...     rates.append(round(optimizer.param_groups[0]["lr"], 6))
    ...     schedule.step()
    >>> rates
    [1.0, 0.5, 0.0, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_max < 1:
            raise ValueError(f"CosineAnnealingLR: T_max must be at least 1, got {T_max!r}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _next_lr(self, lr: float, base: float) -> float:
        step = self.last_epoch
        if (step - 1 - self.T_max) % (2 * self.T_max) == 0:  # at the bottom there is no ratio
            return lr + (base - self.eta_min) * (1 - cos(pi / self.T_max)) / 2
        ratio = (1 + cos(pi * step / self.T_max)) / (1 + cos(pi * (step - 1) / self.T_max))
        return ratio * (lr - self.eta_min) + self.eta_min
