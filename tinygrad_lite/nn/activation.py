"""The nonlinearities as layers, each the function of its name in ``nn.functional``."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import ops
from tinygrad_lite.nn.module import Module


class Identity(Module):
    """The input as it is: a place to put a layer later."""

    def forward(self, x: Any) -> Any:
        return x


class ReLU(Module):
    """``relu`` as a layer."""

    def forward(self, x: Any) -> Any:
        return ops.relu(x)


class Sigmoid(Module):
    """``sigmoid`` as a layer."""

    def forward(self, x: Any) -> Any:
        return ops.sigmoid(x)


class Tanh(Module):
    """``tanh`` as a layer."""

    def forward(self, x: Any) -> Any:
        return ops.tanh(x)
