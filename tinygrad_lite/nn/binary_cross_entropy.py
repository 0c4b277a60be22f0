"""Losses of probabilities, or of scores, against yes and no."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.nn.reduction import as_operand, paired, reduced
from tinygrad_lite.ops import cast, log, log1p, logsigmoid, maximum
from tinygrad_lite.primitive import primitive

LEAST_LOG = -100.0  # PyTorch's: the loss of a certainty that is wrong is 100, not infinite
LEAST_VARIANCE = float(np.float32(1e-12))  # likewise: the derivative is bounded by its inverse


def _bernoulli_forward(p: Any, target: Any) -> Any:
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(
            "the input holds probabilities, from 0 to 1; for scores take "
            "binary_cross_entropy_with_logits"
        )
    with np.errstate(divide="ignore"):
        yes, no = np.maximum(np.log(p), LEAST_LOG), np.maximum(np.log1p(-p), LEAST_LOG)
    return (target - 1) * no - target * yes


bernoulli_nll = primitive(
    _bernoulli_forward,
    (
        lambda g, out, p, target: g * (p - target) / maximum(p * (1 - p), LEAST_VARIANCE),
        lambda g, out, p, target: g * (maximum(log1p(-p), LEAST_LOG) - maximum(log(p), LEAST_LOG)),
    ),
    name="bernoulli_nll",
    symbol="−log p",
    doc="""-target log p - (1 - target) log(1 - p), the logarithms not below -100.""",
)


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean"
) -> Any:
    """-target log(input) - (1 - target) log(1 - input), for probabilities.

    As in PyTorch a logarithm counts as -100 at least, and the derivative is bounded.

    Args:
        input: probabilities, such as sigmoid returns them.
        target: 0, 1 or a probability for each, of the same shape; cast to the dtype of the input.
        weight: a factor for each element, or of a shape that broadcasts to them.
        reduction: ``mean`` or ``sum`` over all elements, or ``none``.

    Raises:
        ValueError: if the shapes differ, even where they would broadcast, or if an element of the
            input is no probability.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.binary_cross_entropy(tg.tensor([0.5, 1.0]), [1.0, 0.0], reduction="none")
    tensor([  0.69314718, 100.        ])
    """
    input, target = paired("binary_cross_entropy", input, target)
    return reduced(weighted(bernoulli_nll(input, target), weight), reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """``binary_cross_entropy`` of ``sigmoid(input)``, without overflow or loss of digits.

    Args:
        input: scores (logits) of any shape.
        target: 0, 1 or a probability for each, of the same shape; cast to the dtype of the input.
        weight: a factor for each element, or of a shape that broadcasts to them.
        reduction: ``mean`` or ``sum`` over all elements, or ``none``.
        pos_weight: a factor for the positive part, for example one for each column.

    Raises:
        ValueError: if the shapes differ, even where they would broadcast.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.binary_cross_entropy_with_logits(tg.tensor([0.0, 800.0]), [1.0, 0.0], reduction="none")
    tensor([6.93147181e-01, 8.00000000e+02])
    """
    input, target = paired("binary_cross_entropy_with_logits", input, target)
    positive = weighted(target, pos_weight)
    losses = (target - 1) * logsigmoid(-input) - positive * logsigmoid(input)
    return reduced(weighted(losses, weight), reduction)


def weighted(losses: Any, weight: Any) -> Any:
    """The losses times a weight that broadcasts to them, if there is one."""
    if weight is None:
        return losses
    weight = as_operand(weight)
    try:
        fits = np.broadcast_shapes(losses.shape, weight.shape) == losses.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"a weight of shape {weight.shape} does not broadcast to losses of shape {losses.shape}"
        )
    return losses * cast(weight, losses.dtype)
