"""Adagrad: steps divided by the root of the sum of all squared gradients so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_lite.optim.kernel import Array, descent, in_pieces, slot, typed
from tinygrad_lite.optim.optimizer import Group, Optimizer, State


class Adagrad(Optimizer):
    """``p -= lr_t * g / (sqrt(s) + eps)``, where ``s`` adds up ``g**2`` (Duchi et al., 2011).

    The learning rate itself may fall: ``lr_t = lr / (1 + (step - 1) * lr_decay)``.

    Args:
        params, lr, weight_decay, maximize: as for every :class:`Optimizer`, which also names the
            errors.
        lr_decay: how fast the learning rate falls.
        initial_accumulator_value: what ``s`` starts from.
        eps: added to the root, outside of it.

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = tg.optim.Adagrad([w], lr=0.1)
    >>> (w**2).sum().backward()
    >>> optimizer.step()  # the first step is as long as the learning rate
    >>> w.data
    array([ 2.9, -1.9])
    """

    state_names = {"step": None, "sum": None}  # noqa: RUF012 - a ClassVar of the base

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        super().check(group)
        self._check_not_negative(group, "lr_decay", "initial_accumulator_value", "eps")

    def update(
        self,
        group: Group,
        parameters: list[Array],
        gradients: list[Array],
        states: list[State],
    ) -> None:
        dtype = step = None
        for p, g, state in zip(parameters, gradients, states):
            state["step"] = state.get("step", 0) + 1
            if p.dtype is not dtype or state["step"] != step:
                dtype, step = p.dtype, state["step"]
                lr = group["lr"] / (1 + (step - 1) * group["lr_decay"])
                numbers = typed(dtype, lr, group["weight_decay"], group["eps"])
            s = slot(state, "sum", p, group["initial_accumulator_value"])
            in_pieces(_rule, self.scratch, (p, g, s), (group["maximize"], *numbers))


def _rule(
    p: Array,
    g: Array,
    s: Array,
    t: Array,
    u: Array,
    maximize: bool,
    lr: Array,
    weight_decay: Array,
    eps: Array,
) -> None:
    g = descent(p, g, t, weight_decay, maximize)
    np.multiply(g, g, u)
    np.add(s, u, s)
    np.sqrt(s, u)
    np.add(u, eps, u)
    np.divide(g, u, u)
    np.multiply(u, lr, u)
    np.subtract(p, u, p)
