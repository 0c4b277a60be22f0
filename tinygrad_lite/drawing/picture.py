"""draw: a recorded graph, with the gradients that flow back through it, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from inspect import signature
from typing import Any, Literal

import numpy as np

from tinygrad_lite.backward import Contribution
from tinygrad_lite.drawing import dot
from tinygrad_lite.drawing.breadth import breadth_across, breadth_down
from tinygrad_lite.drawing.builder import Builder
from tinygrad_lite.drawing.expand import expanded
from tinygrad_lite.drawing.figure import Figure
from tinygrad_lite.drawing.gradients import Gradients
from tinygrad_lite.drawing.markup import FONT
from tinygrad_lite.drawing.naming import Names
from tinygrad_lite.drawing.quiet import observe_quietly
from tinygrad_lite.drawing.rendering import HASTY, Drawing
from tinygrad_lite.drawing.text import layered
from tinygrad_lite.drawing.theme import Theme, theme_named
from tinygrad_lite.drawing.trace import Trace
from tinygrad_lite.drawing.units import Plan, check_modules, unfolded
from tinygrad_lite.mode import switched
from tinygrad_lite.tensor import Tensor, Watch

SCREEN = 900  # points of width that a laptop shows at full size
MOST, FEWEST = 150, 30  # shapes, where nobody says how many
EXPANDED = 90  # shapes, where products are taken apart: more of them are too wide to be read
LESS = 0.75  # of the shapes, where they were too wide
LAPTOP, ENDLESS = 14.2, 1000  # inches: 1366 pixels of width, and any height
HASTE = 300  # shapes from which on dot is asked for less care from the start


class Picture(Drawing):
    """A drawn graph: a ``graphviz.Digraph`` that shows itself in notebooks and prints as text.

    ``render(...)``, ``save(...)``, ``pipe(...)`` and ``source`` are those of Graphviz. Without its
    program ``dot``, notebooks show the drawing in text, and asking for a file is an error that
    says how to install it.
    """

    def __init__(self, figure: Figure, theme: Theme, rankdir: str, forward: bool) -> None:
        super().__init__("graph", format="svg")
        self.figure = figure
        self.attr("graph", rankdir=rankdir, bgcolor=theme.background, nodesep="0.22", ranksep="0.3")
        self.attr("graph", fontname=FONT, labelloc="b", labeljust="l", pad="0.15")
        self.attr("graph", label=dot.legend(figure, theme, forward))
        if len(figure.shapes) > HASTE:
            self.attr("graph", **HASTY)
        self.attr("node", fontname=FONT, fontsize="10", fontcolor=theme.text)
        self.attr("edge", fontname=FONT, fontsize="9")
        statements = dot.statements(figure, theme, rankdir == "TB", forward)
        self.body.extend("\t" + line for line in statements)

    def __str__(self) -> str:
        return layered(self.figure)

    def __repr__(self) -> str:
        return f"<Picture of {len(self.figure.shapes)} shapes: render(), source, or print it>"


def draw(
    what: Any,
    *inputs: Any,
    direction: Literal["forward", "backward", "both"] | None = None,
    values: bool = True,
    gradients: bool = True,
    formulas: bool = True,
    depth: int | None = None,
    collapse: bool | str | Collection[str] | None = None,
    expand: bool | str | Collection[str] = False,
    rankdir: Literal["LR", "TB"] | None = None,
    theme: Literal["light", "dark", "print"] = "light",
    max_nodes: int | None = None,
) -> Picture:
    """Draw a recorded graph: what was computed, and the gradients that flow back through it.

    Tensors are rounded boxes, operations circles, modules frames. An edge that carries a gradient
    is as wide as the gradient is large, coloured by its sign, and labelled with the rule that made
    it. Where gradients meet, the box shows their sum: ``3 + 4 → 7``.

    Args:
        what: a tensor (or several, in a list, tuple or dict), a trace of ``tg.trace_backward``, or
            a module, which is then called with ``inputs``.
        inputs: what the module is called with; arrays become tensors.
        direction: which edges to draw. By default ``"both"`` where there is a gradient to show
            (of a trace, or of one number that requires a gradient), else ``"forward"``.
        values: whether boxes show what they hold.
        gradients: whether gradients are shown at all; without them the direction is forward.
        formulas: whether edges show the rule that made the gradient.
        depth: how many levels of modules are opened: 0 folds the model into one box, 1 shows its
            children. By default all that fit.
        collapse: modules to fold: a name (``layers.2``), a path, a class name, or several; True
            for all, False to fold none even if the graph is big.
        expand: turns small linear layers and matrix products into the scalar multiplications and
            additions that they stand for: True for all, or names of modules. What would take more
            than ``max_nodes``, here 90 by default, stays whole.
        rankdir: ``"LR"`` from left to right, ``"TB"`` from top to bottom; by default the first
            unless the picture would be wider than a screen.
        theme: ``"light"``, ``"dark"`` or ``"print"`` (black and white).
        max_nodes: about how many shapes to draw at most. Beyond it modules are folded, the deepest
            first, and then the middle of the graph becomes "… 312 operations". By default 150, and
            fewer where neither direction would fit the width of a screen.

    Modules that no longer exist when they are drawn, such as a loss that was made in passing, have
    no frame. Gradients of a tensor are computed anew for the picture: ``grad`` is left alone, hooks
    are not called, and what hooks would change is not shown. A trace shows what really happened.

    Raises:
        TypeError: if there is nothing to draw in ``what``.
        ValueError: if ``collapse`` or ``expand`` names a module that recorded nothing here, or
            another option is not one of those above.
        RuntimeError: if gradients are asked for by ``direction`` and there are none, as
            ``backward()`` does. By default the picture shows how far they come, and says why.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor(3.0, requires_grad=True, name="x")
    >>> print(tg.draw(x * x + 1))
    [parameter x (float64) = 3   ∇ 3 + 3 → 6]
    [constant 1]
    ── layer 1 ────────────────────────
    (×) x, x → [v1 (float64) = 9   ∇ 1]
          ↳ ∇ x: g × x = 3
          ↳ ∇ x: g × x = 3
    ── layer 2 ────────────────────────
    (+) v1, 1 → [output v2 (float64) = 10   ∇ 1]
          ↳ ∇ v1: g = 1
    """
    look = theme_named(theme)
    _check(depth, max_nodes, rankdir)
    names = whole = _named(what, inputs)
    for option, which in (("collapse", collapse), ("expand", expand)):
        check_modules(names, option, which)
    trace = what if isinstance(what, Trace) else None
    room = EXPANDED if max_nodes is None else max_nodes
    if expand and trace is None:
        names = expanded(whole, expand, room - unfolded(whole, depth, collapse))
    forward, backward = _directions(direction, gradients, names, trace)
    plan = Plan(names, depth, collapse)

    def built(shapes: int) -> Builder:
        return Builder(names, plan.units(shapes), values, shapes)

    free = max_nodes is None and rankdir != "LR"
    if free and collapse is not False and names is whole:
        builder = _narrowed(built, backward)
    else:
        builder = built(MOST if max_nodes is None else max_nodes)
    figure = builder.figure
    if expand and names is whole:
        reason = "a trace shows what was run"
        if trace is None:
            reason = f"no product that was meant fits in max_nodes={room}"
        figure.notes.append(f"nothing is expanded: {reason}")
    if backward:
        _seen(builder, trace, direction is not None).write(formulas)
    if rankdir is None:
        rankdir = "LR" if breadth_across(figure) <= SCREEN else "TB"
    picture = Picture(figure, look, rankdir, forward)
    if free:
        picture.attr("graph", size=f"{LAPTOP},{ENDLESS}")
    return picture


def _narrowed(built: Callable[[int], Builder], backward: bool) -> Builder:
    """What is built of MOST shapes, or of fewer until it fits a screen, as far as it can."""
    best = builder = built(MOST)
    narrowest = breadth = _excess(builder, backward)
    budget = MOST
    while breadth > 1 and budget > FEWEST:
        budget = max(FEWEST, int(LESS * min(budget, len(builder.figure.shapes))))
        builder = built(budget)
        breadth = _excess(builder, backward)
        if breadth < narrowest:
            best, narrowest = builder, breadth
    return best


def _seen(builder: Builder, trace: Trace | None, wanted: bool) -> Gradients:
    """The gradients of a trace, else those of a backward pass that is run for the picture alone."""
    names, notes = builder.figure.names, builder.figure.notes
    seen = Gradients(builder)
    if trace is not None:
        for e in trace:
            node = names.tensor(e.node)
            seen.observe(Contribution(node, e.slot, e.upstream, e.contribution, e.before, e.after))
        return seen
    if any(isinstance(t.watch, Watch) and t.watch.hooks for t in (*names.nodes, *names.leaves)):
        notes.append("hooks are not called for a picture")
    try:
        observe_quietly(names, seen.observe)
    except RuntimeError as error:
        if wanted:
            raise
        notes.append(f"the gradients end early: {error}")
    return seen


def _excess(builder: Builder, backward: bool) -> float:
    """About how many times as wide as a screen a figure is, in the narrower direction."""
    figure = builder.figure
    return min(breadth_across(figure) / SCREEN, breadth_down(figure, backward) / (72 * LAPTOP))


def _check(depth: int | None, max_nodes: int | None, rankdir: str | None) -> None:
    if depth is not None and depth < 0:
        raise ValueError(f"depth counts levels of modules from 0 on, not depth={depth}")
    if max_nodes is not None and max_nodes < 1:
        raise ValueError(f"max_nodes is how many shapes to draw, at least 1, not {max_nodes}")
    if rankdir not in (None, "LR", "TB"):
        raise ValueError(f"rankdir must be 'LR' or 'TB', not {rankdir!r}")


def _named(what: Any, inputs: tuple[Any, ...]) -> Names:
    """The graph of a tensor, of several, of a trace, or of a module called with its inputs."""
    if not isinstance(what, Tensor) and callable(what):
        return Names(*_called(what, inputs))
    if inputs:
        raise TypeError(f"inputs are for modules: a {type(what).__name__} is drawn as it is")
    return what.names if isinstance(what, Trace) else Names(_tensors(what))


def _tensors(what: Any) -> list[Tensor]:
    """The tensors in a tensor, list, tuple or dict."""
    found: list[Tensor] = []
    pending = [what]
    while pending:
        item = pending.pop()
        if isinstance(item, Tensor):
            found.append(item)
        elif isinstance(item, Mapping):
            pending.extend(reversed(list(item.values())))
        elif isinstance(item, (list, tuple)):
            pending.extend(reversed(item))
        else:
            raise TypeError(
                "draw() takes a tensor, a trace, or a module and its inputs, "
                f"not {type(item).__name__}"
            )
    if not found:
        raise TypeError("draw() was given no tensor")
    return found


def _called(model: Any, inputs: tuple[Any, ...]) -> tuple[list[Tensor], dict[Tensor, str]]:
    """Call a module so that all it does is recorded; its outputs, and its inputs by name."""
    if not inputs:
        raise TypeError(
            f"a {type(model).__name__} is drawn at work: draw(model, x) with what it is called with"
        )
    try:
        names = [p.name for p in signature(getattr(model, "forward", model)).parameters.values()]
    except (TypeError, ValueError):  # a built-in function does not say
        names = []
    tensors = [x if isinstance(x, Tensor) else _recorded(x) for x in inputs]
    labels = [names[i] if i < len(names) else f"input{i}" for i in range(len(tensors))]
    given = {x: x.name or label for x, label in zip(tensors, labels)}
    with switched(grad=True):
        outputs = _tensors(model(*tensors))
    return outputs, given


def _recorded(x: Any) -> Tensor:
    """An array as a tensor that leaves a record even in a model without parameters."""
    return Tensor(x, requires_grad=np.asarray(x).dtype.kind == "f")


def _directions(
    direction: str | None, gradients: bool, names: Names, trace: Trace | None
) -> tuple[bool, bool]:
    """Whether to draw the forward pass, and whether the backward pass."""
    if direction not in (None, "forward", "backward", "both"):
        raise ValueError(f"direction must be 'forward', 'backward' or 'both', not {direction!r}")
    if direction is None:
        only = names.outputs[0] if len(names.outputs) == 1 else None
        possible = trace is not None or (only is not None and only.requires_grad and only.size == 1)
        direction = "both" if possible else "forward"
    elif direction != "forward" and len(names.outputs) > 1:
        raise RuntimeError(
            f"gradients flow from one output, and here are {len(names.outputs)}: add them up to "
            "one number first, or draw with direction='forward'"
        )
    backward = gradients and direction != "forward"
    return direction != "backward" or not backward, backward
