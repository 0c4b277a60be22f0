"""Using a model without training it: its predictions, and how good they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_lite.data import DataLoader
from tinygrad_lite.mode import no_grad
from tinygrad_lite.nn import Module
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.train.arrays import Array, as_array
from tinygrad_lite.train.batches import loader_of, pair
from tinygrad_lite.train.losses import NOTHING_COUNTS, Loss, loss_function, weight_of
from tinygrad_lite.train.metrics import resolved
from tinygrad_lite.train.totals import Totals

BATCH = 1024


def evaluate(
    model: Module,
    data: Any,
    loss: str | Loss | None = None,
    metrics: Iterable[Any] = (),
    batch_size: int | None = None,
) -> dict[str, Any]:
    """The loss and the metrics of a model on data, in evaluation mode and without recording.

    Args:
        model: takes a batch of inputs; every module in it is left in the mode it was in.
        data: a pair ``(inputs, targets)`` of arrays, a dataset of pairs, or a ``DataLoader``.
        loss: the name of a loss in ``nn.functional``, or a function of outputs and targets.
        metrics: names, metrics, or functions of outputs and targets; see ``train.metrics``.
        batch_size: by default 1024; memory and speed depend on it, results only by rounding.

    Raises:
        ValueError: for neither loss nor metrics, unknown names, outputs and targets that do not go
            together, and labels that the loss ignores or gives no weight, all of them.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> x, y = np.array([[1.0], [2.0]]), np.array([[1.0], [0.0]])
    >>> tg.train.evaluate(nn.Identity(), (x, y), loss="mse_loss", metrics=["mae"])
    {'loss': 2.0, 'mae': 1.0}
    """
    function = None if loss is None else loss_function(loss)
    totals = Totals(resolved(metrics, function))
    if function is None and not totals.metrics:
        raise ValueError("there is nothing to measure: give a loss, metrics, or both")
    with evaluating(model):
        take_in(totals, model, function, loader_of(data, batch_size, BATCH))
    if function is not None and not totals.weight:
        raise ValueError(NOTHING_COUNTS)
    return totals.results()


def take_in(totals: Totals, model: Module, loss: Loss | None, loader: DataLoader) -> None:
    """Add what the model makes of every batch to the totals."""
    for batch in loader:
        x, y = pair(batch)
        outputs = model(x)
        if loss is None:
            totals.add(outputs, y)
            continue
        with np.errstate(invalid="ignore"):  # of labels that are all ignored the mean is 0 / 0
            value = float(loss(outputs, y))
        totals.add(outputs, y, value, weight_of(loss, y))


def predict(model: Module, inputs: Any, batch_size: int | None = None) -> Array:
    """The outputs of a model for all inputs as one array, in evaluation mode, without recording.

    Args:
        model: takes a batch of inputs; every module in it is left in the mode it was in.
        inputs: an array of shape ``(n, ...)``, a dataset or a ``DataLoader`` of inputs alone.
        batch_size: by default 1024.

    Raises:
        ValueError: for pairs of inputs and targets, a loader that shuffles, a single example that
            is no batch, and a model that does not make one output of every input.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> tg.train.predict(nn.Linear(3, 2), np.zeros((5, 3))).shape
    (5, 2)
    """
    if isinstance(inputs, (Tensor, list)):
        inputs = as_array(inputs)
    loader = loader_of(inputs, batch_size, BATCH)
    if loader.shuffle:
        raise ValueError("predictions are in the order of the inputs, which this loader shuffles")
    with evaluating(model):
        return np.concatenate([_predicted(model, x) for x in loader])


def _predicted(model: Module, x: Any) -> Array:
    """The outputs for a batch, after a check that there is one for every input."""
    if isinstance(x, (tuple, Mapping)):
        raise ValueError(
            f"predict takes the inputs alone, predict(model, x); a batch of these is a "
            f"{type(x).__name__} of {len(x)}"
        )
    outputs = as_array(model(x))
    if outputs.shape[:1] != x.shape[:1]:
        raise ValueError(
            f"of inputs of shape {x.shape} the model made outputs of shape {outputs.shape}, not "
            f"one for each of {len(x)}: inputs are (n, ...), a single one x[None]"
        )
    if x.ndim == outputs.ndim == 1 and len(x) > 1:
        _check_numbers(model, x)
    return outputs


def _check_numbers(model: Module, x: Array) -> None:
    """ValueError if these are one example of several numbers, not examples of one number each.

    A model with as many outputs as inputs makes as many of the one as of the others.
    """
    try:
        model(x[:1])
    except Exception as error:
        raise ValueError(
            f"inputs of shape {x.shape} are {len(x)} examples of a number each, which the model "
            f"does not take ({error}): inputs are (n, ...), a single one x[None]"
        ) from error


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode and no recording; afterwards every module is in the mode it was in."""
    with in_mode(model, training=False), no_grad():
        yield


@contextmanager
def in_mode(model: Module, training: bool) -> Iterator[None]:
    """A model in training or evaluation mode; afterwards every module is as it was."""
    before = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode
