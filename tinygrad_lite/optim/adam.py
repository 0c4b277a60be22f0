"""Adam: steps along a running mean of the gradient, divided by its running root mean square."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from tinygrad_lite.optim.kernel import Array, descent, in_pieces, slot, typed
from tinygrad_lite.optim.optimizer import Group, Optimizer, State


class Adam(Optimizer):
    """``p -= lr * m̂ / (sqrt(v̂) + eps)`` (Kingma and Ba, 2015).

    The running means ``m`` of ``g`` and ``v`` of ``g**2`` start at zero, which their estimates
    ``m̂ = m / (1 - beta1**step)`` and ``v̂ = v / (1 - beta2**step)`` correct. AMSGrad (Reddi et al.,
    2018) takes for ``v`` the largest it has been. With decoupled weight decay (Loshchilov and
    Hutter, 2019), ``lr * weight_decay * p`` is taken from the parameter instead of adding to the
    gradient: that is AdamW.

    Args:
        params, lr, weight_decay, maximize: as for every :class:`Optimizer`, which also names the
            errors.
        betas: the shares of ``m`` and ``v`` that are kept from step to step.
        eps: added to the root, outside of it.
        amsgrad: let ``v`` never shrink.
        decoupled_weight_decay: shrink the parameters instead of adding to the gradient.

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = tg.optim.Adam([w], lr=0.1)
    >>> (w**2).sum().backward()
    >>> optimizer.step()  # the first step is as long as the learning rate
    >>> w.data
    array([ 2.9, -1.9])
    """

    state_names = {  # noqa: RUF012 - a ClassVar of the base
        "step": None,
        "exp_avg": None,
        "exp_avg_sq": None,
        "max_exp_avg_sq": "amsgrad",
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def check(self, group: Group) -> None:
        super().check(group)
        self._check_not_negative(group, "eps")
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"{type(self).__name__}: betas must be two numbers, got {betas!r}")
        for i, beta in enumerate(betas):
            self._check_range(f"betas[{i}]", beta, 1)

    def update(
        self,
        group: Group,
        parameters: list[Array],
        gradients: list[Array],
        states: list[State],
    ) -> None:
        lr, (beta1, beta2), weight_decay = group["lr"], group["betas"], group["weight_decay"]
        maximize, amsgrad = group["maximize"], group["amsgrad"]
        decoupled = group["decoupled_weight_decay"] and weight_decay != 0
        dtype = step = None
        for p, g, state in zip(parameters, gradients, states):
            state["step"] = state.get("step", 0) + 1
            if p.dtype is not dtype or state["step"] != step:
                dtype, step = p.dtype, state["step"]
                numbers = typed(
                    dtype,
                    1 - lr * weight_decay if decoupled else 1,
                    0 if decoupled else weight_decay,
                    1 - beta1,
                    beta2,
                    1 - beta2,
                    sqrt(1 - beta2**step),
                    group["eps"],
                    lr / (1 - beta1**step),
                )
            m, v = slot(state, "exp_avg", p), slot(state, "exp_avg_sq", p)
            peak = slot(state, "max_exp_avg_sq", p) if amsgrad else None
            in_pieces(_rule, self.scratch, (p, g, m, v, peak), (maximize, decoupled, *numbers))


def _rule(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    peak: Array | None,
    t: Array,
    u: Array,
    maximize: bool,
    decoupled: bool,
    shrinkage: Array,
    weight_decay: Array,
    share1: Array,
    beta2: Array,
    share2: Array,
    correction: Array,
    eps: Array,
    size: Array,
) -> None:
    if decoupled:
        np.multiply(p, shrinkage, p)
    g = descent(p, g, t, weight_decay, maximize)
    np.subtract(g, m, u)
    np.multiply(u, share1, u)
    np.add(m, u, m)
    np.multiply(g, g, u)
    np.multiply(u, share2, u)
    np.multiply(v, beta2, v)
    np.add(v, u, v)
    if peak is not None:
        v = np.maximum(peak, v, out=peak)
    np.sqrt(v, u)
    np.divide(u, correction, u)
    np.add(u, eps, u)
    np.divide(m, u, u)
    np.multiply(u, size, u)
    np.subtract(p, u, p)
