"""JAX: the whole step under jit, parameters and state donated; each loss is waited for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.work import MLP

Arrays = list[jax.Array]


def make(problem: MLP) -> Callable[[], float]:
    step = make_asynchronous(problem)
    return lambda: float(step())


def make_asynchronous(problem: MLP) -> Callable[[], jax.Array]:
    """The same without the wait: the caller gets a promise, and may call again meanwhile."""
    parameters = [jnp.asarray(array) for layer in problem.initial_weights() for array in layer]
    moments = 2 if problem.optimiser == "Adam" else 1
    state = [[jnp.zeros_like(p) for p in parameters] for _ in range(moments)]
    count = jnp.zeros((), jnp.float32)
    batches = cycle([(jnp.asarray(x), jnp.asarray(y, jnp.int32)) for x, y in problem.batches])
    update = _UPDATES[problem.optimiser]

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def train(
        parameters: Arrays, state: list[Arrays], count: jax.Array, x: jax.Array, labels: jax.Array
    ) -> tuple[jax.Array, Arrays, list[Arrays], jax.Array]:
        loss, gradients = jax.value_and_grad(_loss)(parameters, x, labels)
        parameters, state = update(problem.settings, parameters, gradients, state, count + 1)
        return loss, parameters, state, count + 1

    def step() -> jax.Array:
        nonlocal parameters, state, count
        loss, parameters, state, count = train(parameters, state, count, *next(batches))
        return loss

    return step


def _loss(parameters: Arrays, x: jax.Array, labels: jax.Array) -> jax.Array:
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
        x = jax.nn.relu(x @ weight.T + bias)
    logs = jax.nn.log_softmax(x @ parameters[-2].T + parameters[-1])
    return -jnp.take_along_axis(logs, labels[:, None], axis=1).mean()


def _sgd(s: Any, parameters: Arrays, gradients: Arrays, state: Any, count: Any) -> Any:
    momentum = s.get("momentum")
    if not momentum:
        return [p - s["lr"] * g for p, g in zip(parameters, gradients)], state
    velocities = [momentum * v + g for v, g in zip(state[0], gradients)]
    return [p - s["lr"] * v for p, v in zip(parameters, velocities)], [velocities]


def _rmsprop(s: Any, parameters: Arrays, gradients: Arrays, state: Any, count: Any) -> Any:
    alpha = s["alpha"]
    squares = [alpha * v + (1 - alpha) * g * g for v, g in zip(state[0], gradients)]
    updated = [
        p - s["lr"] * g / (jnp.sqrt(v) + s["eps"])
        for p, g, v in zip(parameters, gradients, squares)
    ]
    return updated, [squares]


def _adam(s: Any, parameters: Arrays, gradients: Arrays, state: Any, count: Any) -> Any:
    beta1, beta2 = s["betas"]
    means = [beta1 * m + (1 - beta1) * g for m, g in zip(state[0], gradients)]
    squares = [beta2 * v + (1 - beta2) * g * g for v, g in zip(state[1], gradients)]
    size, correction = s["lr"] / (1 - beta1**count), jnp.sqrt(1 - beta2**count)
    updated = [
        p - size * m / (jnp.sqrt(v) / correction + s["eps"])
        for p, m, v in zip(parameters, means, squares)
    ]
    return updated, [means, squares]


_UPDATES = {"SGD": _sgd, "RMSprop": _rmsprop, "Adam": _adam}
