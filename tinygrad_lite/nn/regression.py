"""Losses of numbers against numbers: squared, absolute and Huber's mixture of both."""

from __future__ import annotations

from typing import Any

from tinygrad_lite.nn.reduction import paired, reduced
from tinygrad_lite.ops import abs, square, where
from tinygrad_lite.ops.selection import masked


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """(input - target)², for two of the same shape.

    Args:
        input: the predictions, a tensor or an array.
        target: what they should be, of the same shape; cast to the dtype of the input.
        reduction: ``mean`` or ``sum`` over all elements, or ``none``.

    Raises:
        ValueError: if the shapes differ, even where they would broadcast.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.mse_loss(tg.tensor([1.0, 2.0]), [1.0, 4.0])
    tensor(2.)
    """
    input, target = paired("mse_loss", input, target)
    return reduced(square(input - target), reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """|input - target|; arguments and errors as of ``mse_loss``.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.l1_loss(tg.tensor([1.0, 2.0]), [1.0, 4.0])
    tensor(1.)
    """
    input, target = paired("l1_loss", input, target)
    return reduced(abs(input - target), reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """d² / 2 up to a distance d = |input - target| of delta, from there delta · (d - delta / 2).

    Huber (1964); other arguments and errors as of ``mse_loss``.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.huber_loss(tg.tensor([1.0, 2.0]), [1.5, 4.0], reduction="none")
    tensor([0.125, 1.5  ])
    """
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive, not {delta!r}")
    input, target = paired("huber_loss", input, target)
    difference = input - target
    distance = abs(difference)
    near = distance <= delta
    squares = 0.5 * square(masked(difference, near))  # of what is far they may overflow
    losses = where(near, squares, delta * (distance - 0.5 * delta))
    return reduced(losses, reduction)
