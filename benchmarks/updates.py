"""The update rules in plain NumPy, for the sides that bring none of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.work import MLP, Floats

Update = Callable[[Sequence[Floats]], None]


def make_update(problem: MLP, parameters: Sequence[Floats]) -> Update:
    """A function that takes the gradients and updates `parameters` in place."""
    settings = problem.settings
    lr = settings["lr"]

    if problem.optimiser == "SGD" and not settings.get("momentum"):

        def sgd(gradients: Sequence[Floats]) -> None:
            for p, g in zip(parameters, gradients):
                p -= lr * g

        return sgd

    if problem.optimiser == "SGD":
        momentum = settings["momentum"]
        velocities = [np.zeros_like(p) for p in parameters]

        def sgd_with_momentum(gradients: Sequence[Floats]) -> None:
            for p, g, v in zip(parameters, gradients, velocities):
                v *= momentum
                v += g
                p -= lr * v

        return sgd_with_momentum

    if problem.optimiser == "RMSprop":
        alpha, eps = settings["alpha"], settings["eps"]
        squares = [np.zeros_like(p) for p in parameters]

        def rmsprop(gradients: Sequence[Floats]) -> None:
            for p, g, s in zip(parameters, gradients, squares):
                s *= alpha
                s += (1 - alpha) * g * g
                p -= lr * g / (np.sqrt(s) + eps)

        return rmsprop

    if problem.optimiser == "Adam":
        (beta1, beta2), eps = settings["betas"], settings["eps"]
        means = [np.zeros_like(p) for p in parameters]
        squares = [np.zeros_like(p) for p in parameters]
        steps = 0

        def adam(gradients: Sequence[Floats]) -> None:
            nonlocal steps
            steps += 1
            size = lr / (1 - beta1**steps)
            correction = (1 - beta2**steps) ** 0.5
            for p, g, m, s in zip(parameters, gradients, means, squares):
                m *= beta1
                m += (1 - beta1) * g
                s *= beta2
                s += (1 - beta2) * g * g
                p -= size * m / (np.sqrt(s) / correction + eps)

        return adam

    raise ValueError(f"no update rule is written here for the optimiser {problem.optimiser!r}")
