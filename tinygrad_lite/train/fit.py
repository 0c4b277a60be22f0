"""fit: train a model on data, epoch by epoch, as people do it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tinygrad_lite.nn import Module
from tinygrad_lite.optim import LRScheduler, OneCycleLR, Optimizer
from tinygrad_lite.random import Rng, generator
from tinygrad_lite.saving import load
from tinygrad_lite.saving.atomic import sweep
from tinygrad_lite.train.batches import loader_of
from tinygrad_lite.train.callbacks import Callback, EarlyStopping, as_callback
from tinygrad_lite.train.check import (
    check_files,
    check_length,
    check_model,
    check_parts,
    check_scores,
    listed,
    made,
)
from tinygrad_lite.train.count import count
from tinygrad_lite.train.history import History
from tinygrad_lite.train.loop import Loop
from tinygrad_lite.train.losses import Loss, loss_function
from tinygrad_lite.train.measure import BATCH
from tinygrad_lite.train.metrics import resolved
from tinygrad_lite.train.run import Run
from tinygrad_lite.train.totals import Totals

_OPTIMIZER = "an Optimizer, or a function that makes one from parameters, such as optim.Adam"
_SCHEDULE = "an LRScheduler, or a function that makes one for the optimizer"


def fit(
    model: Module,
    data: Any,
    *,
    loss: str | Loss,
    optimizer: Optimizer | Callable[[Any], Optimizer],
    epochs: int = 1,
    batch_size: int | None = None,
    validation: Any = None,
    metrics: Iterable[Any] = (),
    schedule: LRScheduler | Callable[[Optimizer], LRScheduler] | None = None,
    schedule_every: str | None = None,
    callbacks: Iterable[Callback | Callable[[Run], Any]] = (),
    patience: int | None = None,
    monitor: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    compile: bool = False,
    progress: bool | None = None,
    rng: Rng = None,
) -> History:
    """Train a model, and return the history of its losses and metrics.

    Ctrl-C ends the run after the batch in progress: the model and the history are those of all
    batches before, and a checkpoint is written, if any are. The epoch that was broken off has a row
    too, marked by ``batches``, how many it had. A second Ctrl-C interrupts as usual.

    Args:
        model: takes a batch of inputs. It is put in training mode, and left as it was.
        data: a pair ``(inputs, targets)`` of arrays, a dataset of pairs, or a ``DataLoader``. All
            but the last are shuffled anew for every epoch.
        loss: the name of a loss in ``nn.functional``, or a function of outputs and targets that
            returns their mean loss.
        optimizer: an optimiser of the model's parameters, or a function that makes one from them,
            such as ``optim.Adam``.
        epochs: how often to go through the data, at least once.
        batch_size: how many examples an update learns from; 32 by default.
        validation: data as above, measured after every epoch; a ``val_loss`` that is not finite
            ends the run, and the history says so.
        metrics: names, metrics, or functions of outputs and targets; see ``train.metrics``.
        schedule: of the learning rate, or a function that makes one for the optimiser.
        schedule_every: ``"epoch"`` or ``"batch"``; by default ``OneCycleLR`` goes by the batch and
            every other schedule by the epoch.
        callbacks: ``Callback`` objects, or functions of the run to call after every epoch.
        patience: stop after so many epochs without a better ``monitor``, with the best weights.
        monitor: the measure that ``patience`` and ``ReduceLROnPlateau`` go by; ``val_loss`` by
            default, or ``loss`` without validation data.
        checkpoint: a file, .safetensors or .npz, to keep the state of the run in. It is replaced
            as a whole, so that a crash at any moment leaves the last one.
        checkpoint_every: write it after so many batches too, not only after every epoch.
        resume: go on from the checkpoint if there is one: the result is the same, to the last bit,
            as without the interruption. Settings of the optimizer, its learning rate too, are then
            those of the checkpoint, not those given. A run that was finished or stopped early goes
            on if ``epochs`` is larger than it was.
        compile: run forward and backward pass as compiled by ``tg.compile``. A batch of a new shape
            is run some times more, to be compiled before the model learns from it.
        progress: whether to show a bar; by default on a terminal with tqdm installed.
        rng: for shuffling: a NumPy Generator, a seed, or None for the default generator.

    Raises:
        Diverged: if the loss or a gradient is not a finite number, with the diagnosis of
            ``tg.detect_anomaly``; the model has the weights it had before. Also if weights or
            buffers are not finite after an epoch, with their names.
        TypeError: for numbers that are not whole, and data of another kind.
        ValueError: if arguments contradict one another, an optimiser is of another model, a
            monitor is not measured, or the checkpoint is of another run: all before training.
        RuntimeError: inside ``no_grad()``.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn, optim
    >>> x, y = tg.data.moons(200, rng=0)
    >>> _ = tg.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    >>> history = tg.train.fit(model, (x, y), loss="cross_entropy", optimizer=optim.Adam(
    ...     model.parameters(), lr=0.02), epochs=30, metrics=["accuracy"])
    >>> history.rows[-1]["accuracy"] > 0.9
    True
    """
    epochs = count("epochs", epochs, "passes over the data")
    check_files(checkpoint, checkpoint_every, resume)
    if schedule_every not in ("epoch", "batch", None):
        raise ValueError(f"schedule_every is 'epoch' or 'batch', not {schedule_every!r}")
    check_model(model)
    rule: Optimizer = made("optimizer", Optimizer, optimizer, model.parameters(), _OPTIMIZER)
    rates: LRScheduler | None = None
    if schedule is not None:
        rates = made("schedule", LRScheduler, schedule, rule, _SCHEDULE)
    function = loss_function(loss)
    found = [as_callback(callback) for callback in listed("callbacks", callbacks)]
    if patience is not None:
        found.append(EarlyStopping(patience, monitor))
    run = Run(
        model=model,
        loss=function,
        optimizer=rule,
        schedule=rates,
        loader=loader_of(data, batch_size, 32, shuffle=True, rng=generator(rng)),
        validation=None if validation is None else loader_of(validation, None, BATCH),
        callbacks=found,
        by_batch=schedule_every == "batch"
        or (schedule_every is None and isinstance(rates, OneCycleLR)),
        epochs=epochs,
        monitor=monitor or ("loss" if validation is None else "val_loss"),
        totals=Totals(resolved(metrics, function)),
    )
    check_parts(run)
    check_scores(model, function)
    if checkpoint is not None:
        sweep(checkpoint)
        if resume and Path(checkpoint).exists():
            run.load_state_dict(load(checkpoint))
    check_length(run)
    Loop(run, checkpoint, checkpoint_every, compile, progress).train()
    return run.history
