"""AdamW: Adam with weight decay taken from the parameters instead of added to the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_lite.optim.adam import Adam
from tinygrad_lite.optim.optimizer import Group


class AdamW(Adam):
    """Adam with decoupled weight decay: ``p -= lr * weight_decay * p`` before Adam's own step.

    Arguments and errors are those of :class:`Adam`; ``weight_decay`` is 0.01 by default
    (Loshchilov and Hutter, 2019).

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = tg.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w**2).sum().backward()
    >>> optimizer.step()  # 5 % off, then a step of 0.1
    >>> w.data
    array([ 2.75, -1.8 ])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
        )

    def check(self, group: Group) -> None:
        super().check(group)
        if not group["decoupled_weight_decay"]:
            raise ValueError(
                "AdamW: decoupled_weight_decay must be True, got "
                f"{group['decoupled_weight_decay']!r}: Adam is the one without"
            )
