"""Figures in Graphviz's language: shapes, edges, module clusters and the legend."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from tinygrad_lite.drawing.figure import Edge, Figure, Shape
from tinygrad_lite.drawing.markup import LONGEST, quoted, table, text_of, wrapped
from tinygrad_lite.drawing.naming import Call
from tinygrad_lite.drawing.theme import KINDS, Theme, Tint
from tinygrad_lite.drawing.values import number, share
from tinygrad_lite.mode import Scope

ENTRIES = 4  # in a row of the legend
LONGEST_VALUE = 120  # of what a box holds: a few numbers are never cut
RULE_LINES = 4  # of a rule on an edge; what is longer ends in …
NOTE = 80  # characters of a line of a note
HELD = 2  # the weight of an edge that holds a module below what it reads
MIXED = 0.9  # a gradient whose signs agree less is of both signs, where no colour can tell
THINNEST, THICKEST = 0.8, 3.6
WIDEST = 40  # characters of a sum; what is longer goes on in the next line
LANE = 12  # beside a forward edge that runs down together with a labelled gradient


def statements(figure: Figure, theme: Theme, downward: bool, forward: bool) -> Iterator[str]:
    """The body of the digraph, line by line; without ``forward``, of gradients where there are."""
    yield from _shapes(figure, theme, downward)
    yield from _stacked(figure)
    largest = max((e.norm for e in figure.edges.values() if math.isfinite(e.norm)), default=0.0)
    for edge in figure.edges.values():
        if forward or not edge.carries:
            yield _forward(edge, theme, beside=downward and bool(edge.amount))
        if edge.carries:
            yield _backward(edge, theme, largest)


def legend(figure: Figure, theme: Theme, forward: bool) -> str:
    """A label for the whole picture that says what its shapes and edges mean."""
    kinds = {shape.kind for shape in figure.shapes.values()}
    carrying = [edge for edge in figure.edges.values() if edge.carries]
    entries = []
    for kind, word in KINDS.items():
        if kind in kinds:
            sign = _sign("○", theme.operation.border)
            entries.append((sign if kind == "operation" else _swatch(theme.tints[kind]), word))
    if any("_at_" in key for key in figure.shapes):
        entries.append((_sign("↑", theme.text), "the same again"))
    if forward:
        entries.append((_sign("→", theme.forward), "forward"))
    if carrying:
        solid, dashed = ("←─", "←╌") if theme.dashed else ("⬅", "⬅")
        entries.append((_sign(solid, theme.positive), "gradient above 0"))
        entries.append((_sign(dashed, theme.negative), "gradient below 0"))
        if any(abs(edge.lean) < 1 for edge in carrying if edge.norm):
            entries.append((_sign(solid, theme.balanced), "of both signs"))
        if not all(edge.norm for edge in carrying):
            entries.append((_sign("⇠", theme.balanced), "dotted: exactly 0"))
        if not all(math.isfinite(edge.norm) for edge in carrying):
            entries.append((_sign("⬅", theme.strange), "not finite"))
        entries.append((_sign("∇", theme.text), "gradient"))
        if any(edge.formula for edge in carrying):
            entries.append((_sign("g", theme.text), "∇ of the result"))
        gradients = [shape.gradient for shape in figure.shapes.values()]
        if any("‖" in words for words in (*gradients, *map(_amount, carrying))):
            entries.append((_sign("‖ ‖", theme.text), "length of an array"))
        entries.append((_sign("▬", theme.text), "wide: large (log scale)"))
    cells = [f'{sign}<TD ALIGN="LEFT">{text_of(word)}&nbsp;&nbsp;</TD>' for sign, word in entries]
    rows = ["".join(cells[i : i + ENTRIES]) for i in range(0, len(cells), ENTRIES)]
    body = table([f'<TD ALIGN="LEFT">{table(rows, 2)}</TD>', *map(_note, figure.notes)], 0)
    return f'<<FONT COLOR="{theme.muted}" POINT-SIZE="9">{body}</FONT>>'


def _note(words: str) -> str:
    """A row with a note in as many lines as it needs."""
    lines = "".join(f'{text_of(line, NOTE)}<BR ALIGN="LEFT"/>' for line in wrapped(words, NOTE))
    return f'<TD ALIGN="LEFT" BALIGN="LEFT">{lines}</TD>'


def _swatch(tint: Tint) -> str:
    dashed = ' STYLE="DASHED"' if "dashed" in tint.style else ""
    return (
        f'<TD><TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
        f'COLOR="{tint.border}" BGCOLOR="{tint.fill}"{dashed}>'
        '<TR><TD WIDTH="14" HEIGHT="9"></TD></TR></TABLE></TD>'
    )


def _sign(sign: str, colour: str) -> str:
    return f'<TD><FONT COLOR="{colour}"><B>{sign}</B></FONT></TD>'


# Shapes


def _shapes(figure: Figure, theme: Theme, downward: bool) -> Iterator[str]:
    """Every shape, those of one module call inside of its cluster."""
    members: dict[tuple[Scope, ...], list[Shape]] = {(): []}
    for shape in figure.shapes.values():
        for end in range(len(shape.scopes) + 1):
            members.setdefault(shape.scopes[:end], [])
        members[shape.scopes].append(shape)
    children: dict[tuple[Scope, ...], list[tuple[Scope, ...]]] = {}
    for inner in filter(None, members):
        children.setdefault(inner[:-1], []).append(inner)
    count = 0
    pending: list[tuple[Scope, ...] | None] = [()]  # None closes a cluster
    while pending:
        chain = pending.pop()
        if chain is None:
            yield "}\n"
            continue
        if chain:
            yield from _frame(figure.names.call(chain[-1]), count, theme, downward)
            count += 1
            pending.append(None)
        for shape in members[chain]:
            yield _shape(shape, theme)
        pending.extend(reversed(children.get(chain, ())))


def _stacked(figure: Figure) -> Iterator[str]:
    """Unseen edges that keep the leaves of a module below what flows into it.

    Otherwise they would stand beside the end of the module before, and one of the two would have to
    make way: a long model became a staircase.
    """
    place = {key: i for i, key in enumerate(figure.shapes)}
    entering: dict[Scope, set[str]] = {}
    reader: dict[str, int] = {}
    for edge in figure.edges.values():
        tail, head = figure.shapes[edge.tail], figure.shapes[edge.head]
        reader[edge.tail] = min(place[edge.head], reader.get(edge.tail, len(place)))
        if not edge.tail.startswith("leaf"):
            for scope in set(head.scopes).difference(tail.scopes):
                entering.setdefault(scope, set()).add(edge.tail)
    held: dict[tuple[str, str], None] = {}
    for leaf in filter(lambda key: key.startswith("leaf"), place):
        for scope in figure.shapes[leaf].scopes:  # one leaf is enough to move a module
            tails = sorted(entering.pop(scope, ()), key=place.__getitem__)
            held |= {(key, leaf): None for key in tails if place[key] < reader.get(leaf, -1)}
    for above, leaf in held:
        yield f"{above} -> {leaf} [style=invis weight={HELD}]\n"


def _frame(call: Call, count: int, theme: Theme, downward: bool) -> Iterator[str]:
    """The beginning of a module's cluster, with its title.

    Where edges come in from above, the title is a node, because edges make way for nodes.
    """
    title = f"<<B>{text_of(call.title)}</B>>"
    label = '""' if downward else title
    yield (
        f"subgraph cluster_{count} {{ "
        f"graph [label={label} labelloc=t labeljust=l fontsize=10 "
        f'fontcolor="{theme.muted}" style="rounded,filled" '
        f'fillcolor="{theme.cluster[call.depth % 2]}" '
        f'color="{theme.frame}" margin=10 tooltip={quoted(call.path)}]\n'
    )
    if downward:
        yield (
            f'title{count} [class="title" shape=plaintext margin=0 height=0.2 width=0.1 '
            f'fontcolor="{theme.muted}" label={title}]\n'
        )


def _shape(shape: Shape, theme: Theme) -> str:
    if shape.kind == "operation":
        tint = theme.operation
        short = len(shape.title) <= 2
        form = (
            "shape=circle fixedsize=true width=0.36"
            if short
            else 'shape=box style="rounded,filled" height=0.3 width=0.45 margin="0.12,0.02"'
        )
        label = f'<<FONT POINT-SIZE="{13 if short else 10}">{text_of(shape.title)}</FONT>>'
    else:
        tint = theme.tints[shape.kind]
        form = f'shape=box height=0.3 width=0.3 margin="0.09,0.08" style="{tint.style}"'
        label = _box_label(shape, theme)
    return (
        f'{shape.key} [id="{shape.key}" class="{shape.kind}" {form} label={label} '
        f'fillcolor="{tint.fill}" color="{tint.border}" penwidth={tint.width} '
        f"tooltip={quoted(shape.hint or shape.title)}]\n"
    )


def _box_label(shape: Shape, theme: Theme) -> str:
    rows = [f"<B>{text_of(shape.title)}</B>"]
    if shape.caption:
        rows.append(f'<FONT POINT-SIZE="8" COLOR="{theme.muted}">{text_of(shape.caption)}</FONT>')
    if shape.value:
        rows.append(text_of(shape.value, LONGEST_VALUE))
    if shape.gradient:
        colour = theme.text if theme.dashed else theme.gradient(shape.lean)
        lines = "<BR/>".join(text_of(line, LONGEST_VALUE) for line in _lines(f"∇ {shape.gradient}"))
        rows.append(f'<FONT COLOR="{colour}">{lines}</FONT>')
    return f"<{table([f'<TD>{row}</TD>' for row in rows], 1)}>"


def _lines(words: str) -> list[str]:
    """A sum in lines, each of which begins with a sign."""
    lines: list[str] = []
    for piece in re.split(r" (?=[+→] )", words):
        if lines and len(lines[-1]) + len(piece) < WIDEST:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return lines


# Edges


def _ends(edge: Edge) -> str:
    """The ends of an edge; what is computed keeps closer together than leaves and their readers."""
    return f"{edge.tail} -> {edge.head} [weight={1 if edge.tail.startswith('leaf') else 4} "


def _forward(edge: Edge, theme: Theme, beside: bool) -> str:
    """A forward edge; ``beside`` a gradient that runs down it keeps a lane of its own."""
    label = ""
    if edge.slots > 1:
        label = f' label=< <FONT POINT-SIZE="8">{edge.slots:,} edges</FONT> >'
    elif beside:
        room = f'<TABLE BORDER="0" CELLPADDING="0"><TR><TD WIDTH="{LANE}"></TD></TR></TABLE>'
        label = f" label=<{room}>"
    return (
        f'{_ends(edge)}id="{edge.key}" class="forward" color="{theme.forward}" '
        f'fontcolor="{theme.muted}" penwidth=0.8 arrowsize=0.5{label}]\n'
    )


def _backward(edge: Edge, theme: Theme, largest: float) -> str:
    colour, style = theme.gradient(edge.lean), "solid"
    if edge.norm == 0:
        style = "dotted"
    elif theme.dashed and edge.lean < -MIXED:
        style = "dashed"
    width = THINNEST + (THICKEST - THINNEST) * share(edge.norm, largest)
    kind = "gradient" if edge.amount else "upstream"
    label = ""
    if edge.amount:
        words = _amount(edge)
        if edge.formula:
            words = f"{_rule(edge.formula)}<BR/>= {words}"
        label = f' label=<<TABLE BORDER="0" CELLPADDING="4"><TR><TD>{words}</TD></TR></TABLE>>'
    return (
        f'{_ends(edge)}id="grad.{edge.key}" class="{kind}" dir=back color="{colour}" '
        f'fontcolor="{colour}" style={style} penwidth={width:.2f} '
        f"arrowsize={0.5 + width / 25:.2f}{label}]\n"
    )


def _amount(edge: Edge) -> str:
    """What flows along an edge; the length of an array that would not fit: no number is cut."""
    fits = len(edge.amount) + 2 <= LONGEST
    return text_of(edge.amount if fits else f"‖{number(edge.norm)}‖")


def _rule(formula: str) -> str:
    """A rule in as many lines as it needs, up to a few."""
    lines = wrapped(formula, LONGEST)
    if len(lines) > RULE_LINES:
        lines[RULE_LINES - 1 :] = [f"{lines[RULE_LINES - 1]} …"]
    return "<BR/>".join(map(text_of, lines))
