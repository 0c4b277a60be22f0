"""Graphs to draw, and readers of what was drawn."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import nn

CRITERION = nn.CrossEntropyLoss()  # alive as long as the pictures that name it


class Drawn(NamedTuple):
    """An edge of a DOT source."""

    tail: str
    head: str
    key: str
    kind: str
    text: str


def edges(picture: Any, kind: str | None = None) -> list[Drawn]:
    """The edges of a picture, as its DOT source has them."""
    pattern = r'^\t(\w+) -> (\w+) \[.*?id="([^"]*)" class="(\w+)"(.*)\]$'
    found = [Drawn(*match) for match in re.findall(pattern, picture.source, re.MULTILINE)]
    return [edge for edge in found if kind in (None, edge.kind)]


def words(markup: str) -> str:
    """The text of an HTML-like label."""
    return re.sub(r"\s+", " ", re.sub(r"<[^<>]*>", " ", markup)).strip()


def neuron() -> tuple[tg.Tensor, dict[str, tg.Tensor]]:
    """Two inputs, two weights, a bias and a tanh."""
    values = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}
    leaves = {name: tg.tensor(v, requires_grad=True, name=name) for name, v in values.items()}
    x1, x2, w1, w2, b = leaves.values()
    return tg.tanh(x1 * w1 + x2 * w2 + b), leaves


def mlp(rows: int = 8) -> tuple[nn.Module, tg.Tensor]:
    """A small network and its loss."""
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    x = rng.random((rows, 4), dtype="float32")
    return model, CRITERION(model(x), np.arange(rows) % 2)


def chain(length: int) -> tuple[tg.Tensor, list[tg.Tensor]]:
    """Single numbers, one operation after the other, with weights that are used again and again."""
    start = np.random.default_rng(0).normal(size=5)
    weights = [tg.tensor(float(v), requires_grad=True, name=f"w{i}") for i, v in enumerate(start)]
    y = weights[0]
    for i in range(length):
        y = tg.tanh(y) if i % 3 == 2 else y * weights[i % 5] if i % 3 else y + weights[i % 5]
    return y, weights
