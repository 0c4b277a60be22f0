"""What fit refuses at once, rather than after hours of training."""

from __future__ import annotations

import operator
import os
import warnings
from pathlib import Path
from typing import Any

from tinygrad_lite.optim import OneCycleLR, ReduceLROnPlateau
from tinygrad_lite.saving import format_of
from tinygrad_lite.train.history import direction
from tinygrad_lite.train.run import Run


def count(name: str, value: Any, unit: str) -> int:
    """A whole number of at least 1: TypeError or ValueError, with the name, for anything else.

    >>> count("epochs", 3, "passes over the data")
    3
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number of {unit}, not {value!r}") from None
    if number < 1:
        raise ValueError(f"{name} is a number of {unit}, at least 1, not {value!r}")
    return number


def check_files(
    checkpoint: str | os.PathLike[str] | None, checkpoint_every: int | None, resume: bool
) -> None:
    """ValueError or FileNotFoundError for a checkpoint that could not be written, or is lacking."""
    if checkpoint_every is not None:
        count("checkpoint_every", checkpoint_every, "batches")
    if checkpoint is None:
        if resume or checkpoint_every is not None:
            raise ValueError("resume and checkpoint_every need checkpoint, the file to use")
        return
    format_of(checkpoint)
    folder = Path(checkpoint).resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder} to keep the checkpoint in")


def check_parts(run: Run) -> None:
    """ValueError for parts of a run that do not belong together."""
    theirs = {id(p) for group in run.optimizer.param_groups for p in group["params"]}
    if theirs.isdisjoint(id(p) for p in run.model.parameters()):
        raise ValueError(
            f"the {type(run.optimizer).__name__} optimizer holds no parameter of this "
            f"{type(run.model).__name__}: nothing would be learned. Make it from "
            "model.parameters() of the model that is trained"
        )
    run.check_monitor("monitor", run.monitor)
    schedule = run.schedule
    if schedule is None:
        return
    if schedule.optimizer is not run.optimizer:
        raise ValueError("the schedule is of another optimizer than the one given")
    if isinstance(schedule, ReduceLROnPlateau):
        if run.by_batch:
            raise ValueError("ReduceLROnPlateau goes by the epoch: its monitor is measured then")
        expected = direction(run.monitor)
        if expected not in (None, schedule.mode):
            raise ValueError(
                f"ReduceLROnPlateau has mode={schedule.mode!r}, but of {run.monitor!r}, which it "
                f"goes by, better is {expected}: write mode={expected!r}"
            )


def check_length(run: Run) -> None:
    """ValueError for a one-cycle schedule that ends before the run, a warning for one after it."""
    schedule = run.schedule
    if not isinstance(schedule, OneCycleLR):
        return
    batches = len(run.loader) if run.by_batch else 1
    steps = (run.epochs - run.epoch) * batches - (run.batch if run.by_batch else 0)
    left = schedule.total_steps - schedule.last_epoch
    if steps == left or steps <= 0:
        return
    unit = f"{run.epochs} epochs × {batches} batches" if run.by_batch else f"{run.epochs} epochs"
    found = (
        f"OneCycleLR(total_steps={schedule.total_steps}) has {left} steps left, and this run, of "
        f"{unit}, takes {steps}"
    )
    if steps > left:
        raise ValueError(f"{found}: total_steps must be their number, or fewer epochs be made")
    warnings.warn(f"{found}: the rate will not come down to its end", stacklevel=3)
