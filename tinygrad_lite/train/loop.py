"""The training loop: batches, epochs, validation, schedule, callbacks and checkpoints in order."""

from __future__ import annotations

import os
import time
from math import isfinite
from typing import Any

import numpy as np

from tinygrad_lite.optim import ReduceLROnPlateau
from tinygrad_lite.saving import save
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.train.batches import pair
from tinygrad_lite.train.before import Before
from tinygrad_lite.train.check import check_measured
from tinygrad_lite.train.diagnose import Diverged, diverged
from tinygrad_lite.train.interrupt import Interrupt, held_back
from tinygrad_lite.train.losses import NOTHING_COUNTS, weight_of
from tinygrad_lite.train.measure import evaluating, in_mode, take_in
from tinygrad_lite.train.progress import Progress
from tinygrad_lite.train.run import Run
from tinygrad_lite.train.step import Step
from tinygrad_lite.train.totals import Totals

_CALLS = 6  # of a new shape: two or more are compared, the next is by the program


class Loop:
    """One way through a run, from where it is to its end; the arguments are those of ``fit``."""

    def __init__(
        self,
        run: Run,
        checkpoint: str | os.PathLike[str] | None,
        checkpoint_every: int | None,
        compiled: bool,
        progress: bool | None,
    ) -> None:
        self.run = run
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.progress = progress
        self.compute = Step(run.model, run.loss, run.optimizer)
        self.generators = [g for _, g in run.generators()]
        self.compiled: Any = None
        if compiled:
            from tinygrad_lite.compiler import compile

            self.compiled = compile(self.compute)

    def train(self) -> None:
        """Go on until the last epoch is complete or something stops the run."""
        run = self.run
        with held_back() as interrupt, in_mode(run.model, training=True):
            for callback in run.callbacks:
                callback.on_train_begin(run)
            try:
                while run.epoch < run.epochs and not run.history.stopped:
                    if interrupt.pressed:
                        self.interrupted()
                    else:
                        self.epoch(interrupt)
            except KeyboardInterrupt:
                if interrupt.pressed:
                    raise
                self.interrupted()
            if run.batch:
                self.broken_off()
            for callback in run.callbacks:
                callback.on_train_end(run)

    def epoch(self, interrupt: Interrupt) -> None:
        """The rest of the epoch that the run is in."""
        run = self.run
        start = time.perf_counter() - run.seconds
        label = f"epoch {run.epoch + 1:{len(str(run.epochs))}}/{run.epochs}"
        with Progress(
            label, len(run.loader), run.loader.batch_size, run.batch, self.progress
        ) as bar:
            for batch in run.loader:
                self.learn(*pair(batch))
                run.seconds = time.perf_counter() - start
                bar.advance()
                if bar.due_now():
                    bar.show(run.totals.results())
                ending = interrupt.pressed or run.history.stopped
                if ending or (self.checkpoint_every and run.batch % self.checkpoint_every == 0):
                    self.keep()
                if ending:
                    return
            self.check_state()
            row = self.measured()
            bar.finish(row)
        run.seconds = time.perf_counter() - start
        self.complete(row)

    def learn(self, x: Any, y: Any) -> None:
        """Update the model by one batch."""
        run = self.run
        before = Before(self.generators, run.model.buffers())
        with np.errstate(all="ignore"):  # what is not finite is reported below, with its place
            loss, outputs = self.gradients_of(x, y, before)
        value = float(loss)
        if not isfinite(value):
            raise diverged(run, f"the loss is {value}", self.compute, x, y, before)
        if not self.finite_gradients():
            raise diverged(run, "a gradient is not finite", self.compute, x, y, before)
        run.optimizer.step()
        if run.schedule is not None and run.by_batch:
            run.schedule.step()
        run.totals.add(outputs, y, value, weight_of(run.loss, y))
        run.batch += 1
        run.measured = {"loss": value}
        for callback in run.callbacks:
            callback.on_batch_end(run)

    def gradients_of(self, x: Any, y: Any, before: Before) -> tuple[Tensor, Tensor]:
        """What ``compute`` returns; if it is to be compiled, by the compiled program alone.

        Calls that were only traced are made again: else a run that is resumed, which begins with
        such calls, would differ by rounding from one that was not interrupted.
        """
        if self.compiled is None:
            return self.compute(x, y)
        for _ in range(_CALLS):
            traced = self.compiled.traced
            results: tuple[Tensor, Tensor] = self.compiled(x, y)
            if self.compiled.traced == traced:
                return results
            before.restore()
        return self.compute(x, y)  # what it does changes from call to call

    def finite_gradients(self) -> bool:
        """Whether every gradient is: a sum tells, unless it overflows."""
        with np.errstate(all="ignore"):
            return all(
                isfinite(np.add.reduce(p.grad.data, axis=None)) or np.isfinite(p.grad.data).all()
                for group in self.run.optimizer.param_groups
                for p in group["params"]
                if p.grad is not None
            )

    def check_state(self) -> None:
        """Notice what an epoch's last update broke: no further loss would show it."""
        odd = [
            name
            for name, tensor in self.run.model.named_parameters()
            if tensor.data.dtype.kind in "fc" and not np.isfinite(tensor.data).all()
        ]
        if odd:
            error = Diverged(
                f"after the updates of epoch {self.run.epoch + 1} not all numbers in "
                f"{', '.join(odd)} are finite, though losses and gradients were: the learning "
                "rate may be too large"
            )
            error.history = self.run.history
            raise error

    def measured(self) -> dict[str, Any]:
        """The row of the epoch, with the validation data measured, but without its time."""
        run = self.run
        row = {"epoch": run.epoch + 1, **run.totals.results()}
        if run.validation is not None:
            totals = Totals(run.totals.metrics)
            with evaluating(run.model):
                take_in(totals, run.model, run.loss, run.validation)
            row |= {f"val_{name}": value for name, value in totals.results().items()}
        return row | {"lr": run.optimizer.param_groups[0]["lr"]}

    def complete(self, row: dict[str, Any]) -> None:
        """Enter the epoch in the history, and get ready for the next one."""
        run = self.run
        run.history.append(row | {"seconds": run.seconds})
        run.measured = run.history.rows[-1]
        run.epoch += 1
        run.batch, run.seconds = 0, 0.0
        run.totals.clear()
        if not isfinite(row.get("val_loss", 0.0)):
            run.stop(f"stopped after epoch {run.epoch}: {self.without_val_loss(row['val_loss'])}")
        for callback in run.callbacks:
            callback.on_epoch_end(run)
            check_measured(run, callback)
        if run.schedule is not None and not run.by_batch:
            if isinstance(run.schedule, ReduceLROnPlateau):
                run.schedule.step(run.measured[run.monitor])
            else:
                run.schedule.step()
        self.keep()

    def without_val_loss(self, value: float) -> str:
        """Why there is no finite number."""
        run = self.run
        if run.validation is not None and not any(
            weight_of(run.loss, pair(batch)[1]) for batch in run.validation
        ):
            return f"of the validation data {NOTHING_COUNTS}"
        return (
            f"val_loss is {value}, though the loss and the weights are finite; look for numbers "
            "that are not, or far too large, in the validation data"
        )

    def broken_off(self) -> None:
        """Enter what there is of the epoch in progress; not in the checkpoint, as it goes on."""
        run = self.run
        run.history.append(
            {"epoch": run.epoch + 1}
            | run.totals.results()
            | {"lr": run.optimizer.param_groups[0]["lr"], "seconds": run.seconds}
            | {"batches": run.batch}
        )

    def interrupted(self) -> None:
        """Note where; not in the checkpoint, which is there to go on from."""
        run = self.run
        batch = f", batch {run.batch} of epoch {run.epoch + 1}" if run.batch else ""
        run.stop(f"interrupted after epoch {run.epoch}{batch}")

    def keep(self) -> None:
        """Write the checkpoint, if one is kept."""
        if self.checkpoint is not None:
            save(self.run.state_dict(), self.checkpoint)
