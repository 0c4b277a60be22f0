"""What one backward pass tells of each layer and each parameter of a model: the numbers alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.backward import Contribution
from tinygrad_lite.drawing import values
from tinygrad_lite.drawing.formula import Formulas
from tinygrad_lite.drawing.naming import Names, is_number
from tinygrad_lite.drawing.quiet import observe_quietly
from tinygrad_lite.mode import Scope
from tinygrad_lite.tensor import Tensor

ENOUGH = 8  # examples from which on a unit that never fires counts as dead


@dataclass
class Weight:
    """A parameter and what arrives at it.

    Attributes:
        name: as the model knows it.
        tensor: the parameter.
        norm: its Euclidean length.
        gradient: the length of its gradient in this pass; None if none arrives.
        shares: the length of each contribution to it, by the module path that made it.
    """

    name: str
    tensor: Tensor
    norm: float
    gradient: float | None = None
    shares: list[tuple[str, float]] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """The gradient in proportion to the weights; None where either is missing."""
        return None if self.gradient is None or not self.norm else self.gradient / self.norm


@dataclass
class Layer:
    """One call of a module that computes something itself.

    Attributes:
        path: the names from the model on, such as ``layers.2``; its class if it is the model.
        kind: its class.
        nodes: what it recorded.
        activation: the root mean square of its result.
        gradient: that of the gradient of its result; None if none arrives.
        weights: the parameters that it reads.
        dead: the share of units of its relus that are 0 for every example; None without relus.
        saturated: the share of values of its sigmoids and tanhs at their ends; None without any.
    """

    path: str
    kind: str
    nodes: list[Tensor]
    activation: float = 0.0
    gradient: float | None = None
    weights: list[Weight] = field(default_factory=list)
    dead: float | None = None
    saturated: float | None = None


class Origin(NamedTuple):
    """Where the first value or gradient that is not finite came from."""

    node: Tensor
    what: str


class Measurement:
    """The layers and parameters of a model in one recorded step.

    Args:
        model: anything with ``named_parameters()``.
        loss: one number, computed by the model.
    """

    def __init__(self, model: Any, loss: Tensor) -> None:
        self.model = model
        self.loss = loss
        self.names = Names([loss])
        self.weights = [
            Weight(name, p, values.norm(p.data)) for name, p in model.named_parameters()
        ]
        self._by_tensor = {w.tensor: w for w in self.weights}
        self.upstream: dict[Tensor, Any] = {}
        self.passed: dict[tuple[Tensor, int], Any] = {}
        self.strange_gradient: Origin | None = None
        if loss.requires_grad:
            observe_quietly(self.names, self._observe)
        self.strange_value = self._first_strange_value()
        self.layers = list(self._layers())

    def _observe(self, event: Contribution) -> None:
        t, slot, upstream, value, _, after = event
        x = t.record[1][slot]
        self.upstream.setdefault(t, upstream)
        if t.record[0].name in ("softmax", "log_softmax"):
            self.passed[t, slot] = value
        weight = self._by_tensor.get(x)
        if weight is not None:
            weight.gradient = values.norm(after)
            weight.shares.append((self.names.path(t), values.norm(value)))
        if self.strange_gradient is None and finite(upstream) and not finite(value):
            rule = Formulas(self.names).of(t, slot, upstream)
            what = f"the rule {rule} of {t.record[0].name} makes {strangeness(value)} of it"
            self.strange_gradient = Origin(t, what)

    def _first_strange_value(self) -> Origin | None:
        for x in self.names.leaves:
            if not is_number(x) and not finite(x.data):
                return Origin(x, f"{self.names[x]} itself holds {strangeness(x.data)}")
        for t in self.names.nodes:
            if not finite(t.data):
                inputs = ", ".join(
                    values.gist(x.data)
                    if is_number(x)
                    else f"{self.names[x]} = {values.gist(x.data)}"
                    for x in t.record[1][:2]
                )
                what = f"{t.record[0].name} makes {strangeness(t.data)} of {inputs}"
                return Origin(t, what)
        return None

    def _layers(self) -> Iterator[Layer]:
        """The innermost module calls inside of the model, in the order in which they end."""
        found: dict[Scope, Layer] = {}
        for node in self.names.nodes:
            scopes = self.names.scopes(node)
            inside = [s for s in scopes if s.outer is None and s.module() is self.model]
            if not inside:
                continue
            call = self.names.call(scopes[-1])
            path = call.path.partition(".")[2] or call.kind
            found.setdefault(scopes[-1], Layer(path, call.kind, [])).nodes.append(node)
        for layer in found.values():
            self._measure(layer)
            yield layer

    def _measure(self, layer: Layer) -> None:
        output = layer.nodes[-1]
        layer.activation = root_mean_square(output.data)
        if output in self.upstream:
            layer.gradient = root_mean_square(self.upstream[output])
        read = dict.fromkeys(x for t in layer.nodes for x in t.record[1])
        layer.weights = [self._by_tensor[x] for x in read if x in self._by_tensor]
        dead = [share for t in layer.nodes if (share := dead_share(t)) is not None]
        layer.dead = max(dead, default=None)
        ends = [share for t in layer.nodes if (share := saturated_share(t)) is not None]
        layer.saturated = max(ends, default=None)


def finite(value: Any) -> bool:
    """Whether no element is NaN or infinite."""
    return bool(np.all(np.isfinite(value)))


def strangeness(value: Any) -> str:
    """What is not finite in an array: ``NaN`` if anything is, else an infinity."""
    array = np.asarray(value)
    if np.any(np.isnan(array)):
        return "NaN"
    return "∞" if np.any(array == np.inf) else "−∞"


def root_mean_square(value: Any) -> float:
    """The root of the mean of the squares: a size that does not depend on how many there are."""
    return values.norm(value) / float(np.sqrt(max(1, np.size(value))))


def dead_share(t: Tensor) -> float | None:
    """The share of units of a relu that are 0 for every example; None for anything else."""
    if t.record[0].name != "relu" or t.ndim < 2:
        return None
    unit = 1 if t.ndim > 2 else -1  # channels come second, features last
    others = tuple(i for i in range(t.ndim) if i != unit % t.ndim)
    if t.size // t.shape[unit] < ENOUGH:
        return None
    return float(np.mean(np.all(t.data == 0, axis=others)))


def saturated_share(t: Tensor) -> float | None:
    """The share of values of a sigmoid or tanh within 1 % of their ends; else None."""
    name = t.record[0].name
    if name not in ("sigmoid", "tanh") or not t.size:
        return None
    out = t.data if name == "tanh" else 2 * t.data - 1
    return float(np.mean(np.abs(out) > 0.99))
