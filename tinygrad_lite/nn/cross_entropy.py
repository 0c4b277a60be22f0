"""Losses of scores against classes: the negative log likelihood and the cross-entropy."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_lite.nn.reduction import as_operand, checked
from tinygrad_lite.ops import cast, getitem, log_softmax, reshape, sum, transpose, where
from tinygrad_lite.primitive import Primitive, primitive

IGNORE_INDEX = -100  # PyTorch's: the label of what is left out, unless another is given


@lru_cache(maxsize=64)
def _counting(n: int) -> Any:
    """0, 1, ... n - 1, made once: every batch of a length asks for the same."""
    rows = np.arange(n)
    rows.flags.writeable = False
    return rows


def _label_places(labels: Any, ignore_index: int) -> tuple[Any, Any, Any]:
    """Rows and columns of the labels, and which rows count: None for all of them."""
    n = len(labels)
    rows = _counting(n)
    if not n or ignore_index < 0 <= labels.item(labels.argmin()):
        return rows, labels, None
    counted = labels != ignore_index
    return rows, np.where(counted, labels, 0), counted


def _nll_forward(logp: Any, labels: Any, *, reduction: str, ignore_index: int) -> Any:
    rows, columns, counted = _label_places(labels, ignore_index)
    try:
        chosen = logp[rows, columns]
    except IndexError:
        chosen = None
    if chosen is None or (counted is not None and np.min(columns) < 0):
        raise _outside(columns, logp.shape[1])
    if counted is not None:
        chosen = np.where(counted, chosen, 0)
    if reduction == "none":
        return -chosen
    total = -np.add.reduce(chosen)
    return total if reduction == "sum" else total / _how_many(rows, counted)


def _nll_transposed(g: Any, labels: Any, *, classes: int, reduction: str, ignore_index: int) -> Any:
    out = np.zeros((len(labels), classes), g.dtype)
    rows, columns, counted = _label_places(labels, ignore_index)
    if reduction == "mean":
        g = g / _how_many(rows, counted)
    out[rows, columns] = -g if counted is None else np.where(counted, -g, 0)
    return out


def _how_many(rows: Any, counted: Any) -> int:
    return len(rows) if counted is None else int(np.count_nonzero(counted))


def _outside(labels: Any, classes: int) -> IndexError:
    position = int(np.flatnonzero((labels < 0) | (labels >= classes))[0])
    return IndexError(
        f"label {labels[position]} at position {position} is no class: "
        f"the input has {classes} of them, 0 to {classes - 1}"
    )


# Linear in its first argument: each of the two is the other one's transpose, so its rule as well.
nll: Primitive = primitive(
    _nll_forward,
    (
        lambda g, out, logp, labels, **options: nll_transposed(
            g, labels, classes=np.shape(logp)[1], **options
        ),
        None,
    ),
    name="nll",
    symbol="−log p[y]",
    doc="""-logp[i, labels[i]] for shapes ``(n, classes)`` and ``(n,)``, or its mean or sum.""",
)

nll_transposed: Primitive = primitive(
    _nll_transposed,
    (
        lambda g, out, h, labels, classes, **options: nll(g, labels, **options),
        None,
    ),
    name="nll_transposed",
    doc="""The gradient of ``nll`` from that of its result: -g at the labels, 0 elsewhere.""",
)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = IGNORE_INDEX,
    reduction: str = "mean",
) -> Any:
    """-input[i, target[i]]: the negative log likelihood of the labels, given log probabilities.

    Args:
        input: log probabilities of shape ``(n, classes)``, ``(n, classes, ...)`` or ``(classes,)``.
        target: integer labels from 0 to classes - 1, of shape ``(n,)``, ``(n, ...)`` or ``()``.
        weight: one factor for each class, of shape ``(classes,)``.
        ignore_index: a label that contributes nothing.
        reduction: ``mean`` (with weights: the weighted mean) or ``sum`` over all, or ``none``.

    Raises:
        IndexError: if a label is no class.
        TypeError: if the labels are not integers.
        ValueError: if shapes do not go together.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.nll_loss(tg.tensor([[-0.5, -1.0], [-2.0, -0.1]]), [0, 1])
    tensor(0.3)
    """
    input, target = as_operand(input), as_operand(target)
    check_labels("nll_loss", input.shape, target)
    return _label_loss(input, target, weight, ignore_index, reduction, 0.0)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = IGNORE_INDEX,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-log of the probability that ``softmax(input)`` gives to the labels.

    Args:
        input: scores (logits) of shape ``(n, classes)``, ``(n, classes, ...)`` or ``(classes,)``.
        target: integer labels as ``nll_loss`` takes them, or probabilities of the shape of the
            input.
        weight: one factor for each class, of shape ``(classes,)``.
        ignore_index: a label that contributes nothing.
        reduction: ``mean`` (over labels with weights: the weighted mean) or ``sum``, or ``none``.
        label_smoothing: this share of each target, from 0 to 1, is spread over all classes.

    Raises:
        IndexError: if a label is no class.
        TypeError: if labels are not integers.
        ValueError: if shapes do not go together.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn import functional as F
    >>> F.cross_entropy(tg.tensor([[0.0, 0.0], [0.0, 0.0]]), [0, 1])
    tensor(0.69314718)
    """
    input, target = as_operand(input), as_operand(target)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is a number from 0 to 1, not {label_smoothing!r}")
    shape = input.shape
    axis = 1 if len(shape) > 1 else 0
    if target.dtype.kind == "f" and target.shape == shape:
        logp = log_softmax(input, axis)
        return _probability_loss(logp, target, axis, weight, reduction, label_smoothing)
    check_labels("cross_entropy", shape, target)
    logp = log_softmax(input, axis)
    return _label_loss(logp, target, weight, ignore_index, reduction, label_smoothing)


def _label_loss(
    logp: Any, labels: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float
) -> Any:
    """The loss of labels: at once where nothing else is asked for, else from that of each."""
    shape = labels.shape
    if len(shape) != 1:
        logp, labels = _as_rows(logp), reshape(labels, -1)
    checked(reduction)
    if weight is None and not smoothing:
        loss = nll(logp, labels, reduction=reduction, ignore_index=ignore_index)
    else:
        losses = nll(logp, labels, reduction="none", ignore_index=ignore_index)
        counted = labels != ignore_index
        factors = cast(counted, logp.dtype)
        if weight is not None:
            weight = _class_weights(weight, logp)
            factors = where(counted, getitem(weight, where(counted, labels, 0)), 0)
        losses = factors * losses
        if smoothing:
            evenly = -sum(logp if weight is None else logp * weight, axis=1) / logp.shape[1]
            losses = (1 - smoothing) * losses + smoothing * where(counted, evenly, 0)
        loss = losses if reduction == "none" else sum(losses)
        if reduction == "mean":
            loss = loss / sum(factors)
    return reshape(loss, shape) if reduction == "none" and len(shape) != 1 else loss


def _probability_loss(
    logp: Any, target: Any, axis: int, weight: Any, reduction: str, smoothing: float
) -> Any:
    classes = logp.shape[axis]
    target = cast(target, logp.dtype)
    if smoothing:
        target = (1 - smoothing) * target + smoothing / classes
    if weight is not None:
        along = tuple(classes if i == axis else 1 for i in range(logp.ndim))
        target = target * reshape(_class_weights(weight, logp, axis), along)
    losses = -sum(logp * target, axis=axis)
    if checked(reduction) == "none":
        return losses
    return sum(losses) / (logp.size // classes) if reduction == "mean" else sum(losses)


def _as_rows(logp: Any) -> Any:
    """Log probabilities of any layout as rows, ``(n, classes)``."""
    ndim = logp.ndim
    if ndim > 2:
        logp = transpose(logp, (0, *range(2, ndim), 1))
    return reshape(logp, (-1, logp.shape[-1]))


def check_labels(name: str, shape: tuple[int, ...], labels: Any) -> None:
    """An error that says what labels go with log probabilities of this shape, if these do not."""
    if not shape:
        raise ValueError(f"{name}: the input is a single number; it needs an axis of classes")
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    given = labels.shape
    if given == expected and labels.dtype.kind in "iu":
        return
    if given == expected:
        raise TypeError(
            f"{name}: labels are integers, not {labels.dtype}; convert them with .astype(int)"
        )
    if given == shape:
        advice = "take target.argmax(axis=1) for labels"
        if name == "cross_entropy":
            advice = f"convert them with .astype(np.float32), or {advice}"
        raise TypeError(
            f"{name}: a target of the input's shape {shape} holds probabilities, as floating "
            f"point, and only for cross_entropy; this one is {labels.dtype}: {advice}"
        )
    advice = f"; take target.reshape({expected})" if labels.size == math.prod(expected) else ""
    raise ValueError(
        f"{name}: an input of shape {shape} takes labels of shape {expected}, not {given}{advice}"
    )


def _class_weights(weight: Any, logp: Any, axis: int = 1) -> Any:
    weight = as_operand(weight)
    if weight.shape != (logp.shape[axis],):
        raise ValueError(
            f"weight has one factor for each class, so shape {(logp.shape[axis],)}; "
            f"it has {weight.shape}"
        )
    return cast(weight, logp.dtype)
