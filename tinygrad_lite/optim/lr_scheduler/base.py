"""LRScheduler: writes the learning rates of an optimiser's groups, step by step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from tinygrad_lite.mode import mode
from tinygrad_lite.optim.optimizer import Optimizer


class LRScheduler(ABC):
    """What all schedules share; a subclass says in ``get_lr`` what the rates of this step are.

    Making one sets the rates of epoch 0; call ``step()`` after the optimiser's steps of an epoch
    (or after each of them: the schedule does not care what it counts).

    Args:
        optimizer: whose ``param_groups`` to write to; each group's rate when the first schedule
            was made is kept in it as ``"initial_lr"``.
        last_epoch: the epoch to go on from, where groups have an ``"initial_lr"`` already.

    Attributes:
        last_epoch: how many steps were made.
        base_lrs: the initial rate of every group.

    Raises:
        TypeError: if ``optimizer`` is no :class:`Optimizer`.
        KeyError: if ``last_epoch`` is given and a group has no ``"initial_lr"``.
    """

    _unsaved: frozenset[str] = frozenset({"optimizer"})

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        for i, group in enumerate(self._groups_of(optimizer)):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: last_epoch={last_epoch}, but group {i} has no "
                    "'initial_lr': load the optimizer's state first, or leave last_epoch out"
                )
        self.optimizer = optimizer
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self._write(self._first_lr())

    def _groups_of(self, optimizer: Any) -> list[dict[str, Any]]:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__} takes an optimizer, got {type(optimizer).__name__}"
            )
        return optimizer.param_groups

    @abstractmethod
    def get_lr(self) -> list[float]:
        """The rate of every group at ``last_epoch``; to look at them use ``get_last_lr()``."""

    def get_last_lr(self) -> list[float]:
        """The rates that were written last, one for each group."""
        return self._last_lr

    def step(self) -> None:
        """Go to the next epoch and write its rates."""
        repeat = getattr(mode().intercept, "effect", None)
        if repeat is not None:
            repeat(self, self.step, [])
            return
        self.last_epoch += 1
        self._write(self.get_lr())

    def _first_lr(self) -> list[float]:
        return self.get_lr()

    def _current_lr(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _write(self, rates: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates):
            group["lr"] = lr
        self._last_lr = self._current_lr()

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything but the optimiser and functions; save the optimiser's state too."""
        return {k: deepcopy(v) for k, v in vars(self).items() if k not in self._unsaved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from ``state_dict()``, of this library or of PyTorch.

        Raises:
            KeyError: if names are missing or unknown.
            ValueError: if it is for another number of groups.
        """
        names = vars(self).keys() - self._unsaved
        missing = names - state_dict.keys()
        unknown = {k for k in state_dict.keys() - vars(self).keys() if not k.startswith("_")}
        if missing or unknown:
            raise KeyError(
                f"{type(self).__name__}: the state dict lacks {sorted(missing)} and has unknown "
                f"{sorted(unknown)}"
            )
        if len(state_dict["_last_lr"]) != len(self._last_lr):
            raise ValueError(
                f"{type(self).__name__} has {len(self._last_lr)} groups, the state dict has "
                f"{len(state_dict['_last_lr'])}"
            )
        vars(self).update({name: deepcopy(state_dict[name]) for name in names})

    def __repr__(self) -> str:
        settings = ", ".join(
            f"{k}={v!r}"
            for k, v in vars(self).items()
            if k not in self._unsaved and not k.startswith("_")
        )
        return f"{type(self).__name__}({settings})"


class ChainedScheduler(LRScheduler):
    """A schedule that changes the rates it finds, so that several can act on one optimiser."""

    def get_lr(self) -> list[float]:
        return [self._next_lr(lr, base) for lr, base in zip(self._current_lr(), self.base_lrs)]

    def _first_lr(self) -> list[float]:
        return self._current_lr()

    @abstractmethod
    def _next_lr(self, lr: float, base: float) -> float:
        """The rate of a group that has the rate ``lr`` and had ``base`` at first."""
