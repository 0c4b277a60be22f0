"""The program that shows a finding once more, by itself, when it is pasted."""

from __future__ import annotations

import keyword
import math
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.mode import no_grad
from tinygrad_lite.testing.call import Call
from tinygrad_lite.testing.findings import Finding
from tinygrad_lite.testing.layouts import Array, leaf
from tinygrad_lite.testing.sources import Sources
from tinygrad_lite.testing.subject import HandWritten
from tinygrad_lite.testing.trees import rebuild
from tinygrad_lite.testing.written import WRITTEN_OUT, Source, folded, numbers, packed, written

TAKEN = {"f", "vjp", "other", "arrange", "leaf", "joined", "unpacked", "print", "torch", "random"}
"""Names that a snippet uses for itself."""


class Library(NamedTuple):
    """How one of the two libraries says what snippets say."""

    leaf: str
    constant: str
    join: str


OWN = Library("tg.tensor({}, requires_grad=True)", "{}", "tg.concatenate")
TORCH = Library("torch.tensor({}, requires_grad=True)", "torch.tensor({})", "torch.cat")


def snippet(f: Finding) -> str:
    """Python source that shows the finding once more, without the machinery that found it."""
    return _Snippet(f).text()


def told(f: Finding) -> str:
    """What would be right, in as many digits as are known."""
    low, high = f.numeric or (0.0, 0.0)
    apart = high - low > 1e-9 * (abs(high) + abs(low)) + (f.bar or 0.0)
    ends = [low, high] if apart else [(low + high) / 2]
    if f.bar is not None and 0 < f.bar < np.inf:
        ends = [round(x, 1 - math.floor(math.log10(f.bar))) + 0.0 for x in ends]
    text = " and ".join(f"{x:.12g}" for x in ends)
    return f"between {text}" if apart else text


class _Snippet:
    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        subject = finding.case.subject
        self.call: Call = subject.call
        self.vjp = subject.vjp if isinstance(subject, HandWritten) else None
        self.inputs = finding.case.arrays[: len(self.call.slots)]
        given = finding.case.cotangent if finding.cotangent is None else finding.cotangent
        second = finding.shown_by and finding.order > 1
        self.cotangent = finding.case.arrays[len(self.inputs)] if second else given
        self.layouts = finding.layouts or ("C",) * (len(finding.case.arrays) + 1)
        self.several = self.vjp is None and _several(self.call, self.inputs)
        self.sources = Sources()
        self.sources.define("f", self.call.f)
        if self.vjp is not None:
            self.sources.define("vjp", self.vjp)
        if finding.other is not None:
            self.sources.define("other", finding.other.call.f)
        self.used = TAKEN | set(self.sources.known)
        labels = self.call.labels
        self.names = [self.fresh(s if s.isidentifier() else f"x{i}") for i, s in enumerate(labels)]
        self.y, self.u, self.g = map(self.fresh, ("y", "u", "g"))
        self.large: list[str] = []

    def fresh(self, name: str) -> str:
        """The name, with underscores until it is another one than those used, which it joins."""
        while name in self.used or keyword.iskeyword(name):
            name += "_"
        self.used.add(name)
        return name

    def text(self) -> str:
        """The whole program."""
        if self.vjp is not None:
            body = self.by_hand()
        elif self.finding.other is None:
            body = self.recorded("f", OWN)
        else:
            library = TORCH if self.finding.foreign else OWN
            body = [*self.recorded("f", OWN), "", *self.recorded("other", library)]
        parts = (self.imports(), self.sources.definitions, self.large, body)
        lines = [line for part in parts for line in (*part, "")]
        blank_twice = [b for a, b in zip(["", *lines], lines) if a or b]
        return "\n".join(blank_twice).strip("\n")

    def imports(self) -> list[str]:
        lines = ["import numpy as np"]
        own = self.vjp is None or any("tg." in line for line in self.sources.definitions)
        lines += ["import tinygrad_lite as tg"] if own else []
        lines += ["import torch"] if self.finding.foreign else []
        if self.finding.layouts:
            lines.append("from tinygrad_lite.testing.layouts import arrange, leaf")
        if self.several:
            lines.append("from tinygrad_lite.testing.subject import joined")
        if any("unpacked(" in line for line in self.large):
            lines.append("from tinygrad_lite.testing.written import unpacked")
        return [*lines, *(line for line in self.sources.imports if line not in lines)]

    def array(self, name: str, a: Array, layout: str = "C") -> str:
        text = written(a)
        if a.size > WRITTEN_OUT:
            name = f"{name}_values"
            line = f"{name} = {packed(a)}"
            if line not in self.large:
                self.large.append(line)
            text = name
        return (
            text if layout == "C" and not self.finding.layouts else f"arrange({text}, {layout!r})"
        )

    def tensor(self, name: str, a: Array, layout: str, library: Library) -> str:
        if self.finding.layouts:
            return f"leaf({self.array(name, a, layout)})"
        plain = library is OWN and a.size <= WRITTEN_OUT
        return library.leaf.format(numbers(a) if plain else self.array(name, a))

    def called(self, function: str, changed: str = "") -> str:
        """The call in question, its inputs perhaps changed."""
        leaves = [written(x) for x in self.call.leaves]
        if function == "other" and self.finding.foreign:
            fixed = zip(self.call.leaves, leaves)
            leaves = [f"torch.tensor({s})" if isinstance(x, np.ndarray) else s for x, s in fixed]
        for places, name in zip(self.call.slots, self.names):
            for i in places:
                leaves[i] = name + changed
        arguments = map(repr, rebuild(self.call.tree, iter(map(Source, leaves))))
        attributes = [f"{k}={written(v)}" for k, v in self.call.attributes.items()]
        text = f"{function}({', '.join([*arguments, *attributes])})"
        return f"joined({text}, 'f')" if self.several else text

    def recorded(self, function: str, library: Library) -> list[str]:
        """A call on tensors, backward as often as it takes, and what it gives."""
        f, named = self.finding, zip(self.names, self.inputs, self.layouts)
        lines = [folded(f"{n} = {self.tensor(n, a, at, library)}") for n, a, at in named]
        lines += [f"tg.manual_seed({self.call.seed})"] if self.call.seed is not None else []
        call = self.called(function)
        cotangent = library.constant.format(self.array("u", self.cotangent, self.layouts[-1]))
        if f.shown_by:
            argument = self.names[self.call.labels.index(f.argument)] if f.argument else "x"
            if any("{u}" in line for line in f.shown_by) and len(cotangent) > 24:
                lines.append(folded(f"{self.u} = {cotangent}"))
                cotangent = self.u
            words = {"call": call, "nearby": self.called(function, " * 0.5"), "u": cotangent}
            words |= {"x": argument, "y": self.y}
            lines += [line.format(names=self.names, **words) for line in f.shown_by]
        elif f.order > 1:
            lines += self.twice(call, cotangent, library)
        elif f.argument is None and f.index is not None:  # the value alone is wrong
            lines.append(f"{self.y} = {call}")
        else:
            lines += [f"{self.y} = {call}", folded(f"{self.y}.backward({cotangent})")]
        return lines + self.shown(function)

    def twice(self, call: str, cotangent: str, library: Library) -> list[str]:
        """Backward, and backward again from the gradients that this gives."""
        at = len(self.inputs)
        u = self.tensor("u", self.finding.case.arrays[at], self.layouts[at], library)
        lines = [folded(f"{self.u} = {u}"), f"{self.y} = {call}"]
        lines.append(f"{self.y}.backward({self.u}, create_graph=True)")
        gradients = [f"{n}.grad" for n in self.names]
        if len(self.names) == 1:
            lines.append(f"{self.g}, {gradients[0]} = {gradients[0]}, None")
        else:
            flat = ", ".join(f"{g}.reshape(-1)" for g in gradients)
            lines.append(f"{self.g} = {library.join}([{flat}])")
            lines.append(f"{' = '.join(gradients)} = None")
        return [*lines, folded(f"{self.g}.backward({cotangent})")]

    def shown(self, function: str) -> list[str]:
        """The line that prints what is wrong, with what is right beside it."""
        f = self.finding
        if f.analytic is None or f.numeric is None:
            return []
        first = function == "f"
        comment = f"{f.analytic:.12g}" if first else told(f)
        if f.other is None:
            comment += f", not {told(f)}"
        if f.direction is not None and f.order == 1:
            parts = [
                f"np.vdot({n}.grad.numpy(), {written(v)})" for n, v in zip(self.names, f.direction)
            ]
            return [f"print({' + '.join(parts)})  # {comment}"]
        if f.argument is None and f.index is not None:
            return [f"print({self.y}{f.subscript}.item())  # {comment}"]
        if f.argument is None or f.index is None:
            return []
        names = dict(zip(f.case.subject.labels, [*self.names, self.u]))
        gradient = f"{names[f.argument]}.grad"
        if f.analytic if first else told(f) != "0":
            return [f"print({gradient}{f.subscript}.item())  # {comment}"]
        at = f"0 at {f.subscript or 'the number'}"
        return [f"print({gradient})  # {at}{comment.removeprefix('0')}"]  # there may be none

    def by_hand(self) -> list[str]:
        """A call of a derivative that was written by hand."""
        f, named = self.finding, zip(self.names, self.inputs, self.layouts)
        lines = [folded(f"{n} = {self.array(n, a, at)}") for n, a, at in named]
        cotangent, gradients = self.fresh("cotangent"), self.fresh("gradients")
        u = self.array("u", self.cotangent, self.layouts[-1])
        lines.append(folded(f"{cotangent} = {u}"))
        call = self.called("f")
        inner = call[len("f(") : -1]
        pulled = f"{gradients} = vjp({cotangent}, {inner})"
        chosen = gradients
        if f.argument in self.call.labels and self.gives_several():
            chosen += f"[{self.call.labels.index(f.argument)}]"
        if f.shown_by:
            words = {"call": call, "u": cotangent, "vjp": pulled, "x": chosen}
            words["gradients"] = gradients
            return lines + [line.format(names=self.names, **words) for line in f.shown_by]
        lines += [f"{self.y} = {call}" if f.argument is None and f.index is not None else pulled]
        if f.analytic is None or f.numeric is None or f.index is None:
            return lines
        shown = self.y if f.argument is None else chosen
        return [*lines, f"print({shown}{f.subscript})  # {f.analytic:.12g}, not {told(f)}"]

    def gives_several(self) -> bool:
        """Whether the derivative written by hand returns its gradients in a tuple."""
        subject = self.finding.case.subject
        assert isinstance(subject, HandWritten)
        try:
            return isinstance(subject.vjp_at(self.inputs, self.cotangent), (tuple, list))
        except Exception:  # which may be the finding itself
            return len(self.names) > 1


def _several(call: Call, inputs: Sequence[Any]) -> bool:
    """Whether the function returns several results."""
    with no_grad(), np.errstate(all="ignore"):
        try:
            out = copy_context().run(call, [leaf(x, False) for x in inputs])
        except Exception:  # which may be the finding itself
            return False
    return isinstance(out, (tuple, list, dict))
