"""Run: everything that a training run is made of, and its state, to be saved and restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import numpy as np

from tinygrad_lite.data import DataLoader
from tinygrad_lite.nn import Module
from tinygrad_lite.optim import LRScheduler, Optimizer
from tinygrad_lite.random import generator
from tinygrad_lite.train.callbacks import Callback
from tinygrad_lite.train.history import History
from tinygrad_lite.train.losses import Loss
from tinygrad_lite.train.totals import Totals


@dataclass
class Run:
    """A training run, as callbacks see it.

    Attributes:
        model, loss, optimizer, schedule, loader, validation, callbacks: its parts.
        by_batch: whether the schedule goes by the batch, not by the epoch.
        epochs: how many there are to be.
        monitor: the measure that early stopping and plateau schedules go by.
        epoch: how many epochs are complete; while callbacks see the end of one, it counts.
        batch: how many batches of the epoch in progress were learned from.
        totals: the loss and metrics of these.
        seconds: the time that they took.
        measured: the last measurement: the loss of a batch, or the row of an epoch in the history.
        history: the rows of the complete epochs.
    """

    model: Module
    loss: Loss
    optimizer: Optimizer
    schedule: LRScheduler | None
    loader: DataLoader
    validation: DataLoader | None
    callbacks: Sequence[Callback]
    by_batch: bool
    epochs: int
    monitor: str
    totals: Totals
    history: History = field(default_factory=History)
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    measured: dict[str, Any] = field(default_factory=dict)

    def stop(self, reason: str) -> None:
        """End the run after this batch or epoch; the history keeps the reason.

        Resumed, it stays ended, unless it is to have more epochs than it was to have then.
        """
        self.history.stopped = reason

    def check_monitor(self, who: str, name: str, callback: Callback | None = None) -> None:
        """ValueError, with the names that there are, if an epoch does not measure this number.

        If a callback asks, what it and those after it measure comes too late.
        """
        names = ["loss", *(metric.name for metric in self.totals.metrics if metric.single)]
        if self.validation is not None:
            names += [f"val_{name}" for name in names]
        for earlier in takewhile(lambda one: one is not callback, self.callbacks):
            names += earlier.measures
        if name not in names:
            hint = (
                "; there is no validation data"
                if name.startswith("val_") and self.validation is None
                else ""
            )
            raise ValueError(
                f"{who}: no number {name!r} is measured, only {', '.join(names)}{hint}. A callback "
                "that measures it comes before, and names it in its attribute measures"
            )

    def kinds(self) -> dict[str, Any]:
        """What the run is made of, by name: those of a checkpoint must be the same."""
        return {
            "loss": getattr(self.loss, "__name__", type(self.loss).__name__),
            "metrics": [metric.name for metric in self.totals.metrics],
            "optimizer": type(self.optimizer).__name__,
            "schedule": None if self.schedule is None else type(self.schedule).__name__,
            "schedule_every": "batch" if self.by_batch else "epoch",
            "validation": "none" if self.validation is None else "some",
            "callbacks": len(self.callbacks),
            "generators": [name for name, _ in self.generators()],
        }

    def generators(self) -> Iterator[tuple[str, np.random.Generator]]:
        """The default generator and those that the modules hold, by name."""
        yield "default", generator()
        for path, module in self.model.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, np.random.Generator):
                    yield f"{path}.{name}", value

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        return {
            "format": 1,
            "kinds": self.kinds(),
            "position": {
                "epochs": self.epochs,
                "epoch": self.epoch,
                "batch": self.batch,
                "seconds": self.seconds,
            },
            "history": self.history.state_dict(),
            "totals": self.totals.state_dict(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "loader": self.loader.state_dict(),
            "validation": None if self.validation is None else self.validation.state_dict(),
            "callbacks": [callback.state_dict() for callback in self.callbacks],
            "generators": {name: g.bit_generator.state for name, g in self.generators()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state_dict()``: all of it is taken over, or nothing.

        Raises:
            ValueError: if it is of another model, loss, optimiser, schedule, data, metrics or
                callbacks.
        """
        before = self.state_dict()
        try:
            self._take(state)
        except Exception as error:  # whatever a value of the wrong kind leads to
            self._take(before)
            raise ValueError(
                f"the checkpoint is of another run than this one, so nothing was loaded: {error}"
            ) from error

    def _take(self, state: Mapping[str, Any]) -> None:
        if state.keys() != self.state_dict().keys():
            raise ValueError("it is no checkpoint of fit, but other state, perhaps of a model")
        if state["format"] != 1:
            raise ValueError(f"its format is {state['format']}, which a newer version may know")
        for part, kind in self.kinds().items():
            if state["kinds"][part] != kind:
                raise ValueError(f"its {part}: {state['kinds'][part]}; this run's: {kind}")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.loader.load_state_dict(state["loader"])
        if self.validation is not None:
            self.validation.load_state_dict(state["validation"])
        for callback, saved in zip(self.callbacks, state["callbacks"]):
            callback.load_state_dict(saved)
        for name, g in self.generators():
            g.bit_generator.state = state["generators"][name]
        self.totals.load_state_dict(state["totals"])
        self.history.load_state_dict(state["history"])
        position = state["position"]
        if self.epochs > position["epochs"]:
            self.history.stopped = None  # more epochs are asked for than when it was stopped
        self.epoch, self.batch = position["epoch"], position["batch"]
        self.seconds = position["seconds"]
