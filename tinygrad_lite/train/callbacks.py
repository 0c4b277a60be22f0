"""Callbacks: what is to happen at the end of a batch or an epoch, such as early stopping."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, isnan
from typing import TYPE_CHECKING, Any

from tinygrad_lite.train.count import count
from tinygrad_lite.train.history import better

if TYPE_CHECKING:
    from tinygrad_lite.train.run import Run


class Callback:
    """Override what you need; every method gets the run, and may stop it by ``run.stop(reason)``.

    What ``state_dict`` returns is saved in checkpoints and given back to ``load_state_dict``.

    Attributes:
        measures: the names of numbers that ``on_epoch_end`` adds to ``run.measured``. Callbacks
            after this one, ``patience`` and ``ReduceLROnPlateau`` can go by them.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> class Tell(tg.train.Callback):
    ...     def on_epoch_end(self, run):
    ...         print(f"epoch {run.epoch}: {run.measured['loss']:.2f}")
    >>> x = np.array([[1.0], [2.0]])
    >>> model = tg.nn.Linear(1, 1, rng=0)
    >>> history = tg.train.fit(model, (x, x), loss="mse_loss",
    ...     optimizer=tg.optim.SGD(model.parameters(), lr=0.1), epochs=2, callbacks=[Tell()])
    epoch 1: 2.53
    epoch 2: 0.25
    """

    measures: Sequence[str] = ()

    def on_train_begin(self, run: Run) -> None:
        """Before the first batch, and before the first after resuming."""

    def on_batch_end(self, run: Run) -> None:
        """After every update; ``run.measured`` holds the loss of the batch, as ``loss``."""

    def on_epoch_end(self, run: Run) -> None:
        """After every epoch and its validation; ``run.measured`` is the epoch's row.

        It is that of the history and the checkpoint: what is added to it stays.
        """

    def on_train_end(self, run: Run) -> None:
        """After the last batch, whatever ended the run, except an error."""

    def state_dict(self) -> dict[str, Any]:
        """What has to be saved so that a resumed run goes on as this one would."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""


class EpochEnd(Callback):
    """A function of the run, called at the end of every epoch: a plain function as a callback."""

    def __init__(self, function: Callable[[Run], Any]) -> None:
        self.function = function

    def on_epoch_end(self, run: Run) -> None:
        self.function(run)


def as_callback(callback: Any) -> Callback:
    """The callback itself, or one that calls the function; TypeError for anything else."""
    if isinstance(callback, Callback):
        return callback
    if not callable(callback):
        raise TypeError(f"a callback is a Callback or a function of the run, not {callback!r}")
    return EpochEnd(callback)


class EarlyStopping(Callback):
    """Stop when a measure has not improved for ``patience`` epochs, and keep the best weights.

    A value that is not a number is no improvement.

    Args:
        patience: how many epochs without an improvement end the run.
        monitor: the measure; by default ``val_loss``, or ``loss`` without validation data.
        mode: ``min`` or ``max``; by default what fits the name of a loss or metric of this package.
        min_delta: by how much a value must be better to count.
        restore_best: whether the model has the weights of its best epoch at the end.

    Raises:
        TypeError: for a patience that is not whole.
        ValueError: for another mode, less than one epoch, a negative ``min_delta``, a name that
            needs a ``mode`` and, when training begins, one that is not measured.

    >>> EarlyStopping(patience=3, monitor="val_accuracy").mode
    'max'
    """

    best: float
    best_epoch: int
    waited: int
    weights: dict[str, Any]

    def __init__(
        self,
        patience: int = 5,
        monitor: str | None = None,
        mode: str | None = None,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        if not min_delta >= 0:
            raise ValueError(f"EarlyStopping: min_delta is at least 0, not {min_delta!r}")
        if mode not in ("min", "max", None):
            raise ValueError(f"EarlyStopping: mode is 'min' or 'max', not {mode!r}")
        self.patience = count("patience", patience, "epochs")
        self.monitor = monitor
        self.mode = mode or (None if monitor is None else better(monitor))
        self.min_delta = min_delta
        self.restore_best = restore_best
        self._forget()

    def on_train_begin(self, run: Run) -> None:
        run.check_monitor("EarlyStopping", self.monitor or run.monitor, self)
        self._sign(run)  # refuses a name that does not tell, before any work is done
        if not run.epoch:  # a run that is resumed goes on from what was saved
            self._forget()

    def on_epoch_end(self, run: Run) -> None:
        name = self.monitor or run.monitor
        value = self._sign(run) * run.measured[name]
        first = not self.best_epoch and not isnan(value)
        if first or value < self.best - self.min_delta:
            self.best, self.best_epoch, self.waited = value, run.epoch, 0
            if self.restore_best:
                self.weights = run.model.state_dict()
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.waited = 0  # a run that is to go on has patience again
            since = (
                f"since epoch {self.best_epoch}" if self.best_epoch else "and was never a number"
            )
            epochs = run.epoch - self.best_epoch
            run.stop(f"stopped early: {name} has not improved for {epochs} epochs {since}")

    def on_train_end(self, run: Run) -> None:
        if self.weights:
            run.model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        names = ("best", "best_epoch", "waited", "weights")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.waited = state["waited"]
        self.weights = dict(state["weights"])

    def _sign(self, run: Run) -> int:
        """By which a value is multiplied, so that smaller is better."""
        return 1 if (self.mode or better(self.monitor or run.monitor)) == "min" else -1

    def _forget(self) -> None:
        """Know of no epoch, as before a run."""
        self.best = inf
        self.best_epoch = self.waited = 0
        self.weights = {}
