"""What may be wrong with a training step, read off its measurements: faults by name and place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.drawing.measure import Layer, Measurement, Weight, finite
from tinygrad_lite.drawing.quiet import unwatched
from tinygrad_lite.drawing.values import number
from tinygrad_lite.explain import why_no_grad
from tinygrad_lite.tensor import Tensor

SHRINKS, GROWS = 1e-4, 1e3  # from the last layer to the first: no longer a matter of taste
DEAD = SATURATED = 0.5  # share of the units or values of a layer
SURE = 0.99  # of one class
HASTY, IDLE = 0.3, 1e-6  # change of a weight in one step, in proportion to it
FLAT = 1e-4  # gradients in proportion to the weights; where all are smaller, there is no slope


class Finding(NamedTuple):
    """One thing that may be wrong.

    Attributes:
        fault: its name, such as ``vanishing gradients``.
        place: the layers or parameters that are concerned.
        text: what was seen, and what may help.
    """

    fault: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.fault} at {self.place}: {self.text}"


def findings(measured: Measurement, lr: float | None) -> list[Finding]:
    """Everything that looks wrong, the causes of trouble before its symptoms."""
    found = [finding for look in _LOOKS for finding in look(measured)]
    return found if lr is None else [*found, *_learning_rate(measured, lr)]


def _place(measured: Measurement, t: Tensor) -> str:
    """The module that computed a tensor; outside of modules its name."""
    return measured.names.path(t) or measured.names[t]


def _where(t: Tensor) -> str:
    place = graph.site(t)
    return f" ({place})" if place else ""


def _not_finite(measured: Measurement) -> Iterator[Finding]:
    origin = measured.strange_value or measured.strange_gradient
    if origin is not None:
        node, text = origin
        if measured.strange_value is None:
            text = f"all values are finite, but the gradient is not: {text}"
        yield Finding("not finite", _place(measured, node), f"{text}{_where(node)}")


def _frozen(measured: Measurement) -> Iterator[Finding]:
    frozen = [w.name for w in measured.weights if not w.tensor.requires_grad]
    if frozen:
        text = "requires no gradient, so training leaves it as it is"
        yield Finding("frozen parameter", _listed(frozen), text)


def _detached(measured: Measurement) -> Iterator[Finding]:
    """Parameters that want a gradient and get none, together where the reason is the same."""
    reasons: dict[str, list[str]] = {}
    missed = [w for w in measured.weights if w.tensor.requires_grad and w.gradient is None]
    for weight in missed:
        cause = weight if measured.loss.requires_grad else missed[0]
        reason = " ".join(why_no_grad(cause.tensor, measured.loss).split()).partition(": ")[2]
        reasons.setdefault(reason, []).append(weight.name)
    for reason, names in reasons.items():
        yield Finding("detached branch", _listed(names), f"no gradient arrives, for {reason}")


def _stopped(measured: Measurement) -> Iterator[Finding]:
    """Parameters whose gradient is exactly zero, together where it ends at the same operation."""
    stopped: dict[str, list[Weight]] = {}
    if _at_the_floor(measured):
        return
    for weight in measured.weights:
        if weight.tensor.requires_grad and weight.gradient == 0 and weight.tensor.size:
            stopped.setdefault(weight.name.rpartition(".")[0], []).append(weight)
    reasons: dict[str, list[str]] = {}
    with unwatched(measured.names):
        for layer in stopped.values():  # its parameters share their fate
            words = " ".join(why_no_grad(layer[0].tensor, measured.loss).split())
            reason = words.partition(" is zero: ")[2]
            if _underflows(measured, layer[0].tensor):
                reason = (
                    f"it shrinks, layer by layer, to less than {layer[0].tensor.dtype} can hold"
                )
            reasons.setdefault(reason, []).extend(w.name for w in layer)
    for reason, names in reasons.items():
        text = f"the gradient is exactly 0, so training changes nothing: {reason}"
        yield Finding("zero gradient", _listed(names), text)


def _at_the_floor(measured: Measurement) -> bool:
    """Whether there is a gradient, but hardly any: the loss is where it cannot be made less."""
    ratios = [w.ratio for w in measured.weights if w.ratio is not None and w.tensor.ndim > 1]
    return 0 < max(ratios, default=0.0) < FLAT


def _underflows(measured: Measurement, t: Tensor) -> bool:
    """Whether a gradient on the way was so small that the next could not be told from 0."""
    least = min((x.gradient for x in measured.layers if x.gradient), default=1.0)
    return least < 1e3 * float(np.finfo(t.dtype).tiny)


def _shared(measured: Measurement) -> Iterator[Finding]:
    for w in measured.weights:
        if len(w.shares) > 1 and w.gradient is not None:
            parts = " + ".join(
                f"‖{number(n)}‖ from {path or 'the loss'}" for path, n in w.shares[:3]
            )
            more = f" + {len(w.shares) - 3} more" if len(w.shares) > 3 else ""
            text = f"used {len(w.shares)} times, so its gradient is a sum: "
            yield Finding("shared weight", w.name, f"{text}{parts}{more} → ‖{number(w.gradient)}‖")


def _flow(measured: Measurement) -> Iterator[Finding]:
    layers = [x for x in measured.layers if x.weights and x.gradient is not None]
    sizes = [x.gradient for x in layers if x.gradient is not None]
    if len(layers) < 3 or not finite([*sizes, *(x.activation for x in layers)]):
        return
    first, last = sizes[0], sizes[-1]
    place = f"{layers[0].path} … {layers[-1].path}"
    change = f"from {number(last)} at {layers[-1].path} to {number(first)} at {layers[0].path}"
    if first < SHRINKS * last and not any((x.dead or 0) == 1 for x in measured.layers):
        advice = (
            "try relu-like activations, normalisation, residual paths or another initialisation"
        )
        text = f"the gradient shrinks {change}, layer by layer: {advice}"
        yield Finding("vanishing gradients", place, text)
    elif first > GROWS * last:
        advice = "try smaller initial weights, normalisation or gradient clipping"
        text = f"the gradient grows {change}, layer by layer: {advice}"
        yield Finding("exploding gradients", place, text)


def _units(measured: Measurement) -> Iterator[Finding]:
    for layer in measured.layers:
        if layer.dead is not None and layer.dead >= DEAD:
            text = (
                f"{layer.dead:.0%} of the units are 0 for every example, so they pass no gradient: "
                "try a lower learning rate, smaller biases or leaky_relu"
            )
            yield Finding("dead relu", _titled(layer), text)
        if layer.saturated is not None and layer.saturated >= SATURATED:
            text = (
                f"{layer.saturated:.0%} of the values are within 1 % of an end, where the "
                "derivative is nearly 0: try smaller weights or normalised inputs"
            )
            yield Finding("saturation", _titled(layer), text)


def _overconfident(measured: Measurement) -> Iterator[Finding]:
    for (t, slot), passed in measured.passed.items():
        axis = t.record[2]["axis"]
        out, scores = t.data, t.record[1][slot].data
        if not finite(out) and not finite(scores):
            continue
        top = np.max(np.exp(out) if t.record[0].name == "log_softmax" else out, axis=axis)
        sure = top > SURE
        got = np.max(np.abs(passed), axis=axis)
        given = np.sum(np.abs(measured.upstream[t]), axis=axis)
        if not np.mean(sure) >= 0.5:
            continue
        size = f"scores reach ±{number(np.max(np.abs(scores)))}"
        advice = "scale them down, or start from smaller weights"
        if t.record[0].name == "log_softmax":
            wrong = np.mean((got > 0.5 * given)[sure])
            text = f"and {wrong:.0%} of those are wrong"
        else:
            wrong = np.mean((got < 0.05 * given)[sure])
            text = f"and {wrong:.0%} of those pass almost no gradient"
        if wrong >= 0.2:
            head = f"{np.mean(sure):.0%} of the rows put more than {SURE:.0%} on one class, {text}"
            text = f"{head}; {size}: {advice}{_where(t)}"
            yield Finding("overconfident softmax", _place(measured, t), text)


def _learning_rate(measured: Measurement, lr: float) -> Iterator[Finding]:
    steps = [(lr * w.ratio, w) for w in measured.weights if w.ratio is not None]
    steps = [(step, w) for step, w in steps if w.tensor.ndim > 1 and np.isfinite(step)]
    if not any(step for step, _ in steps):
        return
    step, weight = max(steps, key=lambda pair: pair[0])
    seen = f"one step of lr = {number(lr)} changes it by {number(step)} of its size"
    if step > HASTY and _overshoots(measured, lr):
        text = f"{seen}; about 0.001 is usual: try lr = {number(_near(lr, step))}"
        yield Finding("learning rate too large", weight.name, text)
    elif step < IDLE and not _at_the_floor(measured):
        text = f"{seen}, and no other by more: try lr = {number(_near(lr, step))}"
        yield Finding("learning rate too small", weight.name, text)


def _overshoots(measured: Measurement, lr: float) -> bool:
    """Whether a plain step promises to lower the loss by more than all of it.

    It promises lr × ‖∇‖², the first-order change. What is smaller may well be kept, however small
    the weights are that it changes. Beyond it the step is longer than that of Polyak (1987) for a
    loss whose least value is 0; of a loss below 0 nothing is known, and the ratio alone decides.
    """
    slope = sum(w.gradient**2 for w in measured.weights if w.gradient is not None)
    return not lr * slope <= measured.loss.item()


def _near(lr: float, step: float) -> float:
    """The power of ten nearest to the learning rate that would make the step 0.001."""
    return float(10.0 ** round(float(np.log10(lr * 1e-3 / max(step, 1e-300)))))


def _titled(layer: Layer) -> str:
    return layer.path if layer.path == layer.kind else f"{layer.path} ({layer.kind})"


def _listed(names: list[str]) -> str:
    return (
        ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    )


_LOOKS: tuple[Callable[[Measurement], Iterator[Finding]], ...] = (
    _not_finite,
    _frozen,
    _detached,
    _stopped,
    _shared,
    _flow,
    _units,
    _overconfident,
)
