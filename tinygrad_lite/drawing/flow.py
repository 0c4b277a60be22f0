"""draw_flow: how gradients flow through the layers of a model, and what may be wrong with it."""

from __future__ import annotations

import math
from typing import Any, Literal

from tinygrad_lite.drawing.diagnosis import Finding, findings
from tinygrad_lite.drawing.markup import FONT, table, text_of, wrapped
from tinygrad_lite.drawing.measure import Layer, Measurement
from tinygrad_lite.drawing.rendering import Drawing
from tinygrad_lite.drawing.text import aligned
from tinygrad_lite.drawing.theme import Theme, theme_named
from tinygrad_lite.drawing.values import number
from tinygrad_lite.tensor import Tensor

ROWS = 40  # layers that are shown; of more, the first and the last
LOWEST, HIGHEST = -8, 2  # powers of ten that a bar spans
BAR = 90  # points
LINE = 110  # characters of a finding


class Flow(Drawing):
    """The gradient flow of a model: a table with bars, and what was found, in words.

    Attributes:
        layers: what was measured of every layer, in the order of the forward pass.
        findings: what may be wrong, each with ``fault``, ``place`` and ``text``.
    """

    def __init__(
        self, layers: list[Layer], found: list[Finding], lr: float | None, theme: Theme
    ) -> None:
        super().__init__("flow", format="svg")
        self.layers = layers
        self.findings = found
        self._lr = lr
        self.attr("graph", bgcolor=theme.background, pad="0.2")
        self.attr("node", fontname=FONT, fontsize="10", fontcolor=theme.text, shape="plain")
        self.body.append(f"\tflow [label={_table(layers, found, lr, theme)} tooltip=flow]\n")

    def __str__(self) -> str:
        lines = aligned([_HEADER, *(_cells(layer, self._lr) for layer in self.layers)])
        found = [f"! {finding}" for finding in self.findings] or ["nothing looks wrong"]
        return "\n".join([*lines, "", *found])


_HEADER = ["layer", "result", "gradient", "‖∇w‖ ÷ ‖w‖", "update", "dead", "saturated"]


def draw_flow(
    model: Any,
    loss: Tensor,
    *,
    lr: float | None = None,
    theme: Literal["light", "dark", "print"] = "light",
) -> Flow:
    """Show how the gradient of a loss flows through the layers of a model, and what is wrong.

    For every layer: the root mean square of its result and of that result's gradient, the largest
    gradient of its weights in proportion to them, the share of dead relu units and of saturated
    sigmoid and tanh values. What looks wrong is said by name and place: vanishing and exploding
    gradients, gradients that are exactly zero and the operation where they end, dead relus,
    saturation, detached branches, frozen parameters, the sums of shared weights, the origin of a
    value or gradient that is not finite, overconfident softmax.

    Args:
        model: a module.
        loss: one number that was computed by it, and still has its graph.
        lr: the learning rate, if the size of the updates is to be judged as well (of plain
            gradient descent: adaptive optimisers take steps of their own size).
        theme: ``"light"``, ``"dark"`` or ``"print"`` (black and white).

    ``grad`` is left alone and hooks are not called.

    Raises:
        TypeError: if the model has no ``named_parameters()`` or the loss is no tensor.
        ValueError: if the loss is not a single number, or ``lr`` is negative or not finite.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> model = tg.nn.Sequential(tg.nn.Linear(2, 3), tg.nn.Tanh(), tg.nn.Linear(3, 1))
    >>> model[0].weight.requires_grad = False
    >>> flow = tg.draw_flow(model, model(np.ones((4, 2), "float32")).mean())
    >>> print(flow.findings[0])
    frozen parameter at 0.weight: requires no gradient, so training leaves it as it is
    """
    if not hasattr(model, "named_parameters"):
        raise TypeError(f"draw_flow() takes a module and a loss, not {type(model).__name__}")
    if not isinstance(loss, Tensor):
        raise TypeError(f"the loss must be a tensor, not {type(loss).__name__}")
    if loss.size != 1:
        raise ValueError(f"the loss must be one number, not of shape {loss.shape}: mean() it first")
    if lr is not None and not 0 <= lr < math.inf:
        raise ValueError(f"the learning rate must be a finite number from 0 on, not lr={lr}")
    measured = Measurement(model, loss)
    return Flow(measured.layers, findings(measured, lr), lr, theme_named(theme))


def _cells(layer: Layer, lr: float | None) -> list[str]:
    """One row of the table, in words."""
    title = layer.path if layer.path == layer.kind else f"{layer.path} {layer.kind}"
    ratio = _ratio(layer)
    return [
        title,
        number(layer.activation),
        "none" if layer.gradient is None else number(layer.gradient),
        "" if ratio is None else number(ratio),
        "" if ratio is None or lr is None else number(lr * ratio),
        "" if layer.dead is None else f"{layer.dead:.0%}",
        "" if layer.saturated is None else f"{layer.saturated:.0%}",
    ]


def _ratio(layer: Layer) -> float | None:
    """The largest gradient of a weight of the layer, in proportion to the weight."""
    return max((w.ratio for w in layer.weights if w.ratio is not None), default=None)


def _table(layers: list[Layer], found: list[Finding], lr: float | None, theme: Theme) -> str:
    rows = [_row([_words(word, theme.muted) for word in _HEADER])]
    shown: list[Layer | None] = list(layers)
    if len(layers) > ROWS:
        shown = [*layers[: ROWS // 2], None, *layers[-ROWS // 2 :]]
    for layer in shown:
        if layer is None:
            rows.append(_row([_words(f"… {len(layers) - ROWS} layers", theme.muted)]))
            continue
        words = _cells(layer, lr)
        cells = [_words(word, theme.text) for word in words]
        cells[2] = _bar(words[2], layer.gradient, theme.tints["output"].border, theme)
        cells[3] = _bar(words[3], _ratio(layer), theme.tints["parameter"].border, theme)
        rows.append(_row(cells))
    for finding in found:
        fault = f'<FONT COLOR="{theme.positive}">▲ {text_of(finding.fault, 200)}</FONT>'
        head = f"<B>{fault}</B>&nbsp;at&nbsp;"  # SVG drops a plain space beside bold words
        lines = wrapped(f"{finding.place}: {finding.text}", LINE)
        body = '<BR ALIGN="LEFT"/>'.join(text_of(line, 200) for line in lines)
        rows.append(_wide(f'{head}{body}<BR ALIGN="LEFT"/>'))
    if not found:
        rows.append(_wide(f'<FONT COLOR="{theme.muted}">nothing looks wrong</FONT>'))
    legend = (
        f"bars: 1e{LOWEST} to 1e{HIGHEST}, log scale. result, gradient: root mean square. "
        "update: lr × ‖∇w‖ ÷ ‖w‖. dead: relu units at 0 for every example"
    ).replace("-", "−")
    rows.append(_wide(f'<FONT COLOR="{theme.muted}" POINT-SIZE="8">{text_of(legend, 300)}</FONT>'))
    body = "".join(rows)
    return (
        f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4" '
        f'BGCOLOR="{theme.background}">{body}</TABLE>>'
    )


def _row(cells: list[str]) -> str:
    return f"<TR>{''.join(cells)}</TR>"


def _words(words: str, colour: str) -> str:
    return f'<TD ALIGN="LEFT"><FONT COLOR="{colour}">{text_of(words, 60)}</FONT></TD>'


def _wide(content: str) -> str:
    return f'<TR><TD ALIGN="LEFT" BALIGN="LEFT" COLSPAN="{len(_HEADER)}">{content}</TD></TR>'


def _bar(words: str, size: float | None, colour: str, theme: Theme) -> str:
    """A number with a bar on a scale of powers of ten."""
    if size is None:
        return _words(words, theme.muted)
    if not math.isfinite(size):
        return _words(words, theme.strange)
    share = (math.log10(size) - LOWEST) / (HIGHEST - LOWEST) if size > 0 else 0.0
    width = max(1, round(BAR * min(1.0, max(0.0, share))))
    filled = f'<TD BGCOLOR="{colour}" WIDTH="{width}" HEIGHT="8" FIXEDSIZE="TRUE"></TD>'
    blank = f'<TD WIDTH="{BAR + 1 - width}" HEIGHT="8" FIXEDSIZE="TRUE"></TD>'
    label = f'<TD WIDTH="60" ALIGN="LEFT"> {text_of(words)}</TD>'
    return f'<TD ALIGN="LEFT">{table([filled + blank + label], 0)}</TD>'
