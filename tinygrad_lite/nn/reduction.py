"""What losses share: how their elements become one number, and which shapes go together."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.ops import cast, mean, sum

REDUCTIONS = ("mean", "sum", "none")


def checked(reduction: str) -> str:
    """The name of a reduction, or an error if it is none."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")
    return reduction


def reduced(losses: Any, reduction: str) -> Any:
    """The losses of the elements as the reduction wants them: their mean, their sum, or all."""
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum(losses)
    checked(reduction)
    return losses


def paired(name: str, input: Any, target: Any) -> tuple[Any, Any]:
    """Input and target of one shape, the target in the input's dtype; an error if they differ."""
    input, target = as_operand(input), as_operand(target)
    if input.shape != target.shape:
        advice = (
            f"reshape one of them, for example target.reshape({input.shape})"
            if input.size == target.size
            else "there must be one target for every element of the input"
        )
        raise ValueError(
            f"{name}: the input has shape {input.shape} and the target {target.shape}, which would "
            f"compare elements that do not belong together; {advice}"
        )
    if target.dtype != input.dtype and input.dtype.kind == "f":
        target = cast(target, input.dtype)
    return input, target


def as_operand(x: Any) -> Any:
    """A tensor or an array as it is; a number or nested lists as an array."""
    return x if hasattr(x, "dtype") else np.asarray(x)
