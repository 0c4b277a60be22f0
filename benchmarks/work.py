"""The problems: shapes, data, initial weights and update rule, the same for every side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Layer = tuple[Floats, Floats]

BATCHES = 4


@dataclass(frozen=True)
class MLP:
    """Training steps of a perceptron with relu between its layers and softmax cross-entropy.

    `sizes` runs from the inputs to the classes. `optimiser` is the name of PyTorch's class, and
    `settings` are its arguments; all settings that are not named here have PyTorch's defaults.
    """

    name: str
    sizes: tuple[int, ...]
    batch: int
    optimiser: str
    settings: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """A line for tables and charts."""
        momentum = " with momentum" if self.settings.get("momentum") else ""
        return f"{self.name} ({self.shape}, batch {self.batch}, {self.optimiser}{momentum})"

    @property
    def shape(self) -> str:
        """The sizes as text, runs of equal sizes drawn together."""
        parts = []
        for size, run in groupby(self.sizes):
            times = len(list(run))
            parts += [str(size)] * times if times < 3 else [f"[{size}]*{times}"]
        return "-".join(parts)

    @cached_property
    def weights(self) -> list[Layer]:
        """He-uniform weights of shape (out, in) and small biases of shape (out,), float32."""
        rng = np.random.default_rng(0)
        layers = []
        for fan_in, fan_out in pairwise(self.sizes):
            weight = rng.uniform(-1, 1, (fan_out, fan_in)) * np.sqrt(6 / fan_in)
            bias = rng.uniform(-1, 1, fan_out) / np.sqrt(fan_in)
            layers.append((weight.astype(np.float32), bias.astype(np.float32)))
        return layers

    def initial_weights(self) -> list[Layer]:
        """A fresh copy of `weights`, for a side to train."""
        return [(weight.copy(), bias.copy()) for weight, bias in self.weights]

    @cached_property
    def batches(self) -> list[tuple[Floats, Labels]]:
        """The batches to go round, each an input of shape (batch, in) and labels (batch,).

        They share their inputs and differ in their random labels, so that no amount of training
        learns them by heart: gradients stay of ordinary size however long a measurement runs, and
        nobody's time is that of arithmetic on denormal numbers.
        """
        rng = np.random.default_rng(1)
        x = rng.standard_normal((self.batch, self.sizes[0])).astype(np.float32)
        return [(x, rng.integers(0, self.sizes[-1], self.batch)) for _ in range(BATCHES)]


@dataclass(frozen=True)
class ScalarNetwork:
    """micrograd's demo: a network built number by number, max-margin loss, plain SGD.

    A side makes each multiplication, addition and relu a step of its own graph:
    the neuron `relu(b + w0 * x0 + w1 * x1 + ...)` (linear in the last layer), the loss of a point
    `relu(1 + (-label) * score)`, and the mean of the losses.
    """

    name: str
    sizes: tuple[int, ...]
    points: int
    lr: float

    @property
    def title(self) -> str:
        """A line for tables and charts."""
        return f"{self.name} ({'-'.join(map(str, self.sizes))}, {self.points} points)"

    @cached_property
    def weights(self) -> list[list[tuple[list[float], float]]]:
        """For each layer, for each neuron, its weights and its bias."""
        rng = np.random.default_rng(0)
        return [
            [
                (rng.uniform(-1, 1, fan_in).tolist(), float(rng.uniform(-1, 1)))
                for _ in range(fan_out)
            ]
            for fan_in, fan_out in pairwise(self.sizes)
        ]

    @cached_property
    def data(self) -> list[tuple[list[float], float]]:
        """Points in the plane (or of as many numbers as the network takes), labelled -1 or 1."""
        rng = np.random.default_rng(1)
        return [
            (rng.uniform(-1, 1, self.sizes[0]).tolist(), 1.0 if i % 2 else -1.0)
            for i in range(self.points)
        ]

    @property
    def operations(self) -> int:
        """The recorded operations of one forward pass.

        Per neuron one product and one sum for each input, and a relu if it is hidden; per point
        a product, a sum and a relu; to average, a sum for each further point and a product.
        """
        products_and_sums = sum(2 * a * b for a, b in pairwise(self.sizes))
        relus = sum(self.sizes[1:-1])
        return self.points * (products_and_sums + relus + 3) + (self.points - 1) + 1


Problem = MLP | ScalarNetwork

_SGD: dict[str, Any] = {"lr": 0.1}

PROBLEMS: tuple[Problem, ...] = (
    MLP("tiny", (2, 8, 2), 4, "SGD", _SGD),
    MLP("small", (20, 64, 64, 5), 32, "SGD", _SGD),
    MLP("mnist", (784, 512, 10), 128, "RMSprop", {"lr": 1e-3, "alpha": 0.99, "eps": 1e-8}),
    MLP("deep", (64, *[64] * 8, 10), 64, "SGD", {"lr": 0.01, "momentum": 0.9}),
    MLP("wide", (784, 2048, 10), 128, "SGD", {"lr": 0.01}),
    MLP("adam", (784, 256, 128, 10), 128, "Adam", {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}),
    ScalarNetwork("scalars", (2, 16, 16, 1), 5, 0.01),
)
