"""SGD: gradient descent, with momentum if asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_lite.optim.kernel import Array, descent, in_pieces, slot, typed
from tinygrad_lite.optim.optimizer import Group, Optimizer, State


class SGD(Optimizer):
    """Stochastic gradient descent: ``p -= lr * g``; with momentum, ``p -= lr * b``.

    The buffer ``b`` starts as the first gradient and becomes
    ``momentum * b + (1 - dampening) * g`` at every later step; Nesterov's variant goes along
    ``g + momentum * b``. As in PyTorch, the learning rate is no part of the buffer (Sutskever et
    al., 2013, have it inside).

    Args:
        params, lr, weight_decay, maximize: as for every :class:`Optimizer`, which also names the
            errors.
        momentum: the share of the buffer that is kept from step to step.
        dampening: the share of a new gradient that does not enter the buffer.
        nesterov: look ahead along the buffer; needs momentum and no dampening.

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = tg.optim.SGD([w], lr=0.1)
    >>> (w**2).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 2.4, -1.6])
    """

    state_names = {"momentum_buffer": "momentum"}  # noqa: RUF012 - a ClassVar of the base

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        super().check(group)
        self._check_not_negative(group, "momentum")
        momentum, dampening = group["momentum"], group["dampening"]
        if group["nesterov"] and (momentum == 0 or dampening != 0):
            raise ValueError(
                "SGD: nesterov needs a momentum and no dampening, "
                f"got momentum={momentum!r} and dampening={dampening!r}"
            )

    def update(
        self,
        group: Group,
        parameters: list[Array],
        gradients: list[Array],
        states: list[State],
    ) -> None:
        momentum, nesterov, maximize = group["momentum"], group["nesterov"], group["maximize"]
        dtype = None
        for p, g, state in zip(parameters, gradients, states):
            if p.dtype is not dtype:
                dtype = p.dtype
                share = (momentum, 1 - group["dampening"]) if momentum else ()
                numbers = typed(dtype, group["lr"], group["weight_decay"], *share)
            if momentum:
                first = "momentum_buffer" not in state
                settings = (maximize, nesterov, first, *numbers)
                b = slot(state, "momentum_buffer", p)
                in_pieces(_along_buffer, self.scratch, (p, g, b), settings)
            else:
                in_pieces(_along_gradient, self.scratch, (p, g), (maximize, *numbers))


def _along_gradient(
    p: Array, g: Array, t: Array, _: Array, maximize: bool, lr: Array, weight_decay: Array
) -> None:
    g = descent(p, g, t, weight_decay, maximize)
    np.multiply(g, lr, t)
    np.subtract(p, t, p)


def _along_buffer(
    p: Array,
    g: Array,
    b: Array,
    t: Array,
    u: Array,
    maximize: bool,
    nesterov: bool,
    first: bool,
    lr: Array,
    weight_decay: Array,
    momentum: Array,
    share: Array,
) -> None:
    g = descent(p, g, t, weight_decay, maximize)
    if first:
        np.copyto(b, g)
    else:
        np.multiply(b, momentum, b)
        np.add(b, g if share == 1 else np.multiply(g, share, u), b)
    if nesterov:
        np.multiply(b, momentum, u)
        b = np.add(g, u, u)
    np.multiply(b, lr, u)
    np.subtract(p, u, p)
