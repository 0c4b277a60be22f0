"""RMSprop: steps divided by a running root mean square of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_lite.optim.kernel import Array, descent, in_pieces, slot, typed
from tinygrad_lite.optim.optimizer import Group, Optimizer, State


class RMSprop(Optimizer):
    """``p -= lr * g / (sqrt(v) + eps)``, where ``v`` is a running mean of ``g**2``.

    ``v`` becomes ``alpha * v + (1 - alpha) * g**2``. Centered (Graves, 2013), the square of the
    gradient's running mean is taken from ``v``: an estimate of the variance. With momentum, a
    buffer that becomes ``momentum * b + g / (sqrt(v) + eps)`` takes the place of the quotient.
    The method is Hinton's (lecture 6 of his course, 2012).

    Args:
        params, lr, weight_decay, maximize: as for every :class:`Optimizer`, which also names the
            errors.
        alpha: the share of the running means that is kept from step to step.
        eps: added to the root, outside of it.
        momentum: the share of the buffer that is kept.
        centered: divide by the standard deviation instead of the root mean square.

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = tg.optim.RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w**2).sum().backward()
    >>> optimizer.step()  # the root of 0.25 * g**2 is half of g: each goes 2 * lr
    >>> w.data
    array([ 2.8, -1.8])
    """

    state_names = {  # noqa: RUF012 - a ClassVar of the base
        "step": None,
        "square_avg": None,
        "grad_avg": "centered",
        "momentum_buffer": "momentum",
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        super().check(group)
        self._check_not_negative(group, "alpha", "eps", "momentum")

    def update(
        self,
        group: Group,
        parameters: list[Array],
        gradients: list[Array],
        states: list[State],
    ) -> None:
        alpha, momentum, centered = group["alpha"], group["momentum"], group["centered"]
        dtype = None
        for p, g, state in zip(parameters, gradients, states):
            if p.dtype is not dtype:
                dtype = p.dtype
                numbers = typed(
                    dtype,
                    group["lr"],
                    group["weight_decay"],
                    alpha,
                    1 - alpha,
                    group["eps"],
                    momentum,
                )
            state["step"] = state.get("step", 0) + 1
            v = slot(state, "square_avg", p)
            mean = slot(state, "grad_avg", p) if centered else None
            b = slot(state, "momentum_buffer", p) if momentum else None
            in_pieces(_rule, self.scratch, (p, g, v, mean, b), (group["maximize"], *numbers))


def _rule(
    p: Array,
    g: Array,
    v: Array,
    mean: Array | None,
    b: Array | None,
    t: Array,
    u: Array,
    maximize: bool,
    lr: Array,
    weight_decay: Array,
    alpha: Array,
    share: Array,
    eps: Array,
    momentum: Array,
) -> None:
    g = descent(p, g, t, weight_decay, maximize)
    np.multiply(g, g, u)
    np.multiply(u, share, u)
    np.multiply(v, alpha, v)
    np.add(v, u, v)
    if mean is not None:
        np.subtract(g, mean, u)
        np.multiply(u, share, u)
        np.add(mean, u, mean)
        np.multiply(mean, mean, u)
        v = np.subtract(v, u, u)
    np.sqrt(v, u)
    np.add(u, eps, u)
    np.divide(g, u, u)
    if b is not None:
        np.multiply(b, momentum, b)
        np.add(b, u, b)
        np.multiply(b, lr, u)
    else:
        np.multiply(u, lr, u)
    np.subtract(p, u, p)
