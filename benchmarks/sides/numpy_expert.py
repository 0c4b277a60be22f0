"""Expert-tuned NumPy: no temporaries, as few calls and as few passes over memory as can be.

What it does that the plain step does not:

- Activations are stored features first, (features, batch), so that the reductions of softmax and
  the writes of the matrix products run along contiguous memory.
- A weight is stored (in, out) with its bias as one more row, and its input has a row of ones: one
  product gives the output with its bias added, and one gives the gradients of both. Every
  factor is then contiguous, one way or the other, and `np.dot` copies none of them.
- All parameters share one array, and so do their gradients; the update walks over both in pieces
  that stay in the cache. Optimiser state is stored pre-scaled where that saves a pass.
- relu is a bit mask, made once and used forward and backward. (`np.maximum` also resets the
  floating-point status, which costs more than the arithmetic of a small array.)
- The scale of the gradient (1 / batch, and the learning rate where the update is linear) rides
  on numbers that are needed anyway: the vector of ones that sums the exponentials, and the table
  that one-hot encodes the labels.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import numpy as np

from benchmarks.work import MLP, Floats

PIECE = 65536


def make(problem: MLP) -> Callable[[], float]:
    batch, classes = problem.batch, problem.sizes[-1]
    parameters = np.concatenate(
        [np.vstack((weight.T, bias)).ravel() for weight, bias in problem.weights]
    )
    gradients = np.empty_like(parameters)
    weights, weight_gradients = _split(parameters, problem), _split(gradients, problem)
    update, scale = _make_update(problem, parameters, gradients)
    scale /= batch

    x_and_ones = np.ones((batch, problem.sizes[0] + 1), np.float32)
    x_buffer = x_and_ones[:, :-1]
    inputs = [x_and_ones.T]
    hidden = []
    for size in problem.sizes[1:-1]:
        activation = np.ones((size + 1, batch), np.float32)
        inputs.append(activation)
        bits, mask = activation[:-1].view(np.int32), np.empty((size, batch), np.int32)
        hidden.append((activation[:-1], bits, mask, np.full_like(mask, 31)))
    forward = [(w.T, a, *h) for w, a, h in zip(weights, inputs, hidden)]

    backward = []
    for layer in reversed(range(1, len(weights))):
        g = np.empty((problem.sizes[layer], batch), np.float32)
        backward.append(
            (
                weight_gradients[layer],
                inputs[layer],
                weights[layer][:-1],
                g,
                g.view(np.int32),
                hidden[layer - 1][2],
            )
        )

    last_weight, last_input = weights[-1].T, inputs[-1]
    first_gradient, first_input = weight_gradients[0], inputs[0]
    logits = np.empty((classes, batch), np.float32)
    softmax, one_hot = np.empty_like(logits), np.empty_like(logits)
    flat_logits, flat_one_hot = logits.ravel(), one_hot.ravel()
    row = np.empty(batch, np.float32)
    scaled_ones = np.full(classes, 1 / scale, np.float32)
    encode = (np.eye(classes, dtype=np.float32) * np.float32(scale)).take
    averages = np.full(batch, 1 / batch, np.float32)
    log_scale, hits_scale = float(np.log(scale)), 1 / (scale * batch)

    batches = cycle(problem.batches)
    copyto, dot, largest = np.copyto, np.dot, np.fmax.reduce
    negative, shift, both = np.negative, np.right_shift, np.bitwise_and
    subtract, divide, exp, log = np.subtract, np.divide, np.exp, np.log

    def step() -> float:
        x, labels = next(batches)
        copyto(x_buffer, x)
        for weight, a, output, bits, mask, places in forward:
            dot(weight, a, output)
            negative(bits, mask)
            shift(mask, places, mask)
            both(bits, mask, bits)
        dot(last_weight, last_input, logits)

        largest(logits, 0, None, row)
        subtract(logits, row, logits)
        exp(logits, softmax)
        dot(scaled_ones, softmax, row)
        divide(softmax, row, softmax)
        encode(labels, 1, one_hot, "clip")
        subtract(softmax, one_hot, softmax)
        log(row, row)
        loss = dot(averages, row) + log_scale - dot(flat_logits, flat_one_hot) * hits_scale

        g = softmax
        for weight_gradient, a, weight, next_g, bits, mask in backward:
            dot(a, g.T, weight_gradient)
            dot(weight, g, next_g)
            both(bits, mask, bits)
            g = next_g
        dot(first_input, g.T, first_gradient)
        update()
        return loss

    return step


def _split(flat: Floats, problem: MLP) -> list[Floats]:
    """Views into `flat`, one for each layer, of shape (in + 1, out)."""
    shapes = [(weight.shape[1] + 1, len(bias)) for weight, bias in problem.weights]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes)]


def _pieces(*arrays: Floats) -> list[tuple[Floats, ...]]:
    """The arrays cut alike into pieces, and for each piece a scratch buffer of its length."""
    scratch = np.empty(PIECE, np.float32)
    return [
        (*parts, scratch[: len(parts[0])])
        for start in range(0, len(arrays[0]), PIECE)
        for parts in [[a[start : start + PIECE] for a in arrays]]
    ]


def _make_update(
    problem: MLP, parameters: Floats, gradients: Floats
) -> tuple[Callable[[], None], float]:
    """The update, and the factor by which it wants the gradients multiplied."""
    settings = problem.settings
    lr = settings["lr"]
    add, subtract, multiply, divide, sqrt = np.add, np.subtract, np.multiply, np.divide, np.sqrt

    if problem.optimiser == "SGD" and not settings.get("momentum"):

        def sgd() -> None:
            subtract(parameters, gradients, parameters)

        return sgd, lr

    if problem.optimiser == "SGD":
        momentum = np.float32(settings["momentum"])
        velocity_pieces = _pieces(parameters, gradients, np.zeros_like(parameters))

        def sgd_with_momentum() -> None:
            for p, g, v, _ in velocity_pieces:
                multiply(v, momentum, v)
                add(v, g, v)
                subtract(p, v, p)

        return sgd_with_momentum, lr

    if problem.optimiser == "RMSprop":
        # The state is the mean of squares over (1 - alpha).
        alpha, unit = np.float32(settings["alpha"]), (1 - settings["alpha"]) ** 0.5
        eps, size = np.float32(settings["eps"] / unit), np.float32(lr / unit)
        square_pieces = _pieces(parameters, gradients, np.zeros_like(parameters))

        def rmsprop() -> None:
            for p, g, s, t in square_pieces:
                multiply(s, alpha, s)
                multiply(g, g, t)
                add(s, t, s)
                sqrt(s, t)
                add(t, eps, t)
                divide(g, t, t)
                multiply(t, size, t)
                subtract(p, t, p)

        return rmsprop, 1.0

    if problem.optimiser == "Adam":
        # The states are the mean over (1 - beta1) and the mean of squares over (1 - beta2).
        beta1, beta2 = settings["betas"]
        weak1, weak2 = np.float32(beta1), np.float32(beta2)
        unit = (1 - beta1) / (1 - beta2) ** 0.5
        moment_pieces = _pieces(
            parameters, gradients, np.zeros_like(parameters), np.zeros_like(parameters)
        )
        steps = 0

        def adam() -> None:
            nonlocal steps
            steps += 1
            correction = (1 - beta2**steps) ** 0.5
            size = np.float32(lr * unit * correction / (1 - beta1**steps))
            eps = np.float32(settings["eps"] * correction / (1 - beta2) ** 0.5)
            for p, g, m, s, t in moment_pieces:
                multiply(m, weak1, m)
                add(m, g, m)
                multiply(s, weak2, s)
                multiply(g, g, t)
                add(s, t, s)
                sqrt(s, t)
                add(t, eps, t)
                divide(m, t, t)
                multiply(t, size, t)
                subtract(p, t, p)

        return adam, 1.0

    raise ValueError(f"no update rule is written here for the optimiser {problem.optimiser!r}")
