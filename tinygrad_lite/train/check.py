"""What fit refuses at once, rather than after hours of training."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any

from tinygrad_lite.mode import is_grad_enabled
from tinygrad_lite.nn import CrossEntropyLoss, Module, Sequential, Softmax
from tinygrad_lite.nn.functional import cross_entropy
from tinygrad_lite.optim import OneCycleLR, ReduceLROnPlateau
from tinygrad_lite.saving import format_of
from tinygrad_lite.train.callbacks import Callback
from tinygrad_lite.train.count import count
from tinygrad_lite.train.history import direction
from tinygrad_lite.train.losses import function_of
from tinygrad_lite.train.run import Run


def made(what: str, kind: type, given: Any, source: Any, example: str) -> Any:
    """An object of this kind: the one that is given, or what a function makes of the source.

    Raises TypeError for anything else.
    """
    found = given(source) if callable(given) and not isinstance(given, kind) else given
    if not isinstance(found, kind):
        raise TypeError(f"{what} is {example}; it is neither, but {found!r}")
    return found


def listed(name: str, values: Any) -> list[Any]:
    """The items; TypeError for a single one without a list around it, and for classes."""
    if callable(values) or isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} are given as a list: {name}=[...], not {values!r}")
    items = list(values)
    for item in items:
        if isinstance(item, type):
            raise TypeError(f"{name}: {item.__name__} is a class: write {item.__name__}()")
    return items


def check_model(model: Any) -> None:
    """TypeError for what is no module, RuntimeError where nothing is recorded to learn from."""
    if not isinstance(model, Module):
        hint = f"a class: write {model.__name__}(...)" if isinstance(model, type) else repr(model)
        raise TypeError(f"the model is an nn.Module, not {hint}")
    if not is_grad_enabled():
        raise RuntimeError("fit needs gradients: call it outside of no_grad()")


def check_scores(model: Module, loss: Any) -> None:
    """Warn of a softmax before a loss that has its own: it learns, but slowly and not as well."""
    function = function_of(loss)
    layers = list(model) if isinstance(model, Sequential) else []
    if not layers or not isinstance(layers[-1], Softmax):
        return
    if function is cross_entropy or isinstance(function, CrossEntropyLoss):
        warnings.warn(
            "the model ends in Softmax, and cross_entropy takes the softmax of its outputs again: "
            "leave the layer out. The outputs are then scores, the largest for the same class, of "
            "which nn.functional.softmax makes probabilities",
            stacklevel=3,
        )


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


def check_measured(run: Run, callback: Callback) -> None:
    """ValueError for a callback that did not add what it promised, TypeError for no number."""
    who = type(callback).__name__
    for name in callback.measures:
        if name not in run.measured:
            raise ValueError(
                f"{who} names {name!r} in its measures, so on_epoch_end adds run.measured"
                f"[{name!r}] after every epoch; after epoch {run.epoch} there is none"
            )
        if not isinstance(run.measured[name], Real):
            raise TypeError(
                f"{who}: run.measured[{name!r}] is a number, since it is in the measures, not "
                f"{run.measured[name]!r:.80}"
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
