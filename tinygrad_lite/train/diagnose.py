"""What to say when the loss or a gradient is not a finite number: where that arose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.anomaly import AnomalyError, detect_anomaly
from tinygrad_lite.train.before import Before
from tinygrad_lite.train.history import History
from tinygrad_lite.train.losses import NOTHING_COUNTS, weight_of
from tinygrad_lite.train.run import Run


class Diverged(AnomalyError):
    """The loss, a gradient or, after an epoch, a weight was not a finite number.

    For a loss or a gradient the model keeps the weights and buffers it had before the batch.

    Attributes:
        history: of the epochs before.
    """

    history: History


def diverged(
    run: Run,
    what: str,
    compute: Callable[[Any, Any], Any],
    x: Any,
    y: Any,
    before: Before,
) -> Diverged:
    """The error for a batch, which is computed once more under ``detect_anomaly``.

    Args:
        run: whose batch it was.
        what: what is not finite.
        compute: the forward and backward pass of a batch.
        x: the inputs.
        y: the targets.
        before: generators and buffers before the batch, which they get back.
    """
    before.restore()  # the same is drawn again
    try:
        with detect_anomaly():
            compute(x, y)
        cause = "It did not happen again when the batch was computed once more."
    except AnomalyError as anomaly:
        cause = str(anomaly)
    before.restore()
    run.optimizer.zero_grad()
    odd = [
        f"{np.size(array) - np.count_nonzero(np.isfinite(array))} of the numbers in the {name} of "
        "the batch are not finite.\n"
        for name, array in (("inputs", x), ("targets", y))
        if not np.all(np.isfinite(array))
    ]
    if not weight_of(run.loss, y):
        odd.append(f"of the batch {NOTHING_COUNTS}.\n")
    error = Diverged(
        f"{what} in epoch {run.epoch + 1}, batch {run.batch + 1} of {len(run.loader)}. The model "
        f"keeps the weights it had before this batch.\n{''.join(odd)}{cause}"
    )
    error.history = run.history
    return error
