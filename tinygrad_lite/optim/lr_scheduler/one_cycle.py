"""OneCycleLR: one rise and fall of the rate, while momentum goes the other way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import cos, pi
from typing import Any

from tinygrad_lite.optim.lr_scheduler.base import LRScheduler
from tinygrad_lite.optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """One rise and fall of the rate over a whole training run (Smith and Topin, 2018).

    The rate goes from ``max_lr / div_factor`` up to ``max_lr`` in the first ``pct_start`` of the
    steps, then down to ``max_lr / div_factor / final_div_factor``; with ``three_phase`` it goes
    down to where it started first, in as many steps as it went up. Meanwhile the momentum (or the
    first of ``betas``) goes from ``max_momentum`` to ``base_momentum`` and back. It is stepped
    after every batch.

    Args:
        optimizer: whose groups to write to; their present rates are not used.
        max_lr: the highest rate; one number, or one for each group, as the momenta.
        total_steps: the length of the run; else it is ``epochs * steps_per_epoch``.
        anneal_strategy: the way from one rate to the next, ``"cos"`` or ``"linear"``.
        cycle_momentum: change the momentum as well.
        last_epoch: the step to go on from.

    Raises:
        ValueError: for lengths and shares out of range, an unknown strategy, an optimiser without
            momentum while ``cycle_momentum`` is on, and at a step beyond the last.

    >>> import tinygrad_lite as tg
    >>> optimizer = tg.optim.SGD([tg.tensor([1.0], requires_grad=True)], momentum=0.9)
    >>> schedule = tg.optim.OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.6)
    >>> rates = []
    >>> for batch in range(5):
    ...     rates.append(round(optimizer.param_groups[0]["lr"], 3))
    ...     schedule.step()
    >>> rates
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if total_steps < 1:
            raise ValueError(f"OneCycleLR: the number of steps must be positive, not {total_steps}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start must be in [0, 1], got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self.total_steps = total_steps
        self.pct_start = pct_start
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        self.three_phase = three_phase
        if last_epoch == -1:
            groups = self._groups_of(optimizer)
            self._prepare(optimizer, max_lr, base_momentum, max_momentum)
            for group in groups:
                group["initial_lr"] = group["max_lr"] / div_factor
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def _prepare(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        base_momentum: float | Sequence[float],
        max_momentum: float | Sequence[float],
    ) -> None:
        """Write the turning points into the groups."""
        points = {"max_lr": max_lr}
        if self.cycle_momentum:
            if not {"momentum", "betas"} & optimizer.defaults.keys():
                raise ValueError(
                    f"OneCycleLR: {type(optimizer).__name__} has no momentum to change: "
                    "cycle_momentum=False leaves it alone"
                )
            points |= {"base_momentum": base_momentum, "max_momentum": max_momentum}
        groups = optimizer.param_groups
        for name, given in points.items():
            values = [*given] if isinstance(given, Sequence) else [given] * len(groups)
            if len(values) != len(groups):
                raise ValueError(f"OneCycleLR: {len(values)} of {name} for {len(groups)} groups")
            for group, value in zip(groups, values):
                group[name] = float(value)

    def get_lr(self) -> list[float]:
        step, total = self.last_epoch, self.total_steps
        if step > total:
            raise ValueError(f"OneCycleLR: step {step} of a run of {total} steps")
        rise = self.pct_start * total
        if self.three_phase:
            ends = [0.0, rise - 1, 2 * rise - 2, total - 1.0]
            rates = ["initial_lr", "max_lr", "initial_lr", "min_lr"]
            momenta = ["max_momentum", "base_momentum", "max_momentum", "max_momentum"]
        else:
            ends = [0.0, rise - 1, total - 1.0]
            rates = ["initial_lr", "max_lr", "min_lr"]
            momenta = ["max_momentum", "base_momentum", "max_momentum"]
        phase = next((i for i, end in enumerate(ends[1:]) if step <= end), len(ends) - 2)
        start, end = list(pairwise(ends))[phase]
        share = (step - start) / (end - start) if end != start else 1.0
        lrs = []
        for group in self.optimizer.param_groups:
            lrs.append(self._between(group[rates[phase]], group[rates[phase + 1]], share))
            if self.cycle_momentum:
                momentum = self._between(group[momenta[phase]], group[momenta[phase + 1]], share)
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return lrs

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        # PyTorch's has the shape of the cycle in another form: it stays what it is here.
        shape = {k: getattr(self, k) for k in ("pct_start", "anneal_strategy", "three_phase")}
        given = {k: v for k, v in state_dict.items() if k != "use_beta1"}
        super().load_state_dict({**shape, **given})

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2 * (cos(pi * share) + 1)
