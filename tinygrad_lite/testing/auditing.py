"""audit: every operation of a recorded graph, checked at the values it was recorded with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.primitive import Primitive
from tinygrad_lite.tensor import Tensor, constant
from tinygrad_lite.testing import checks
from tinygrad_lite.testing.call import Call, grouped
from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.findings import Finding
from tinygrad_lite.testing.layouts import Array, layout_of
from tinygrad_lite.testing.signatures import names
from tinygrad_lite.testing.snippet import snippet
from tinygrad_lite.testing.subject import Recorded

MARK = "#d55e00"  # vermilion: told from the other colours of a picture by all readers


@dataclass
class Wrong:
    """An operation whose rule is wrong.

    Attributes:
        node: the tensor that it made.
        operation: the name of the primitive.
        site: the line of the user's code that recorded it.
        findings: what is wrong, argument by argument.
    """

    node: Tensor
    operation: str
    site: graph.Site | None
    findings: list[Finding]

    def __str__(self) -> str:
        first = self.findings[0]
        lines = [f"{self.operation}: {first.message}", f"  line       {self.site}"]
        if first.argument is not None:
            lines.append(f"  argument   {first.argument}")
        if first.index is not None and first.analytic is not None and first.numeric is not None:
            middle = (first.numeric[0] + first.numeric[1]) / 2
            bar = "" if first.bar is None else f" ± {first.bar:.1g}"
            place = first.subscript or "the number"
            lines.append(f"  worst at   {place}: {first.analytic:.9g}, not {middle:.9g}{bar}")
        if first.diagnosis:
            lines.append(f"  diagnosis  {first.diagnosis}")
        return "\n".join(lines)


@dataclass
class Audit:
    """The result of :func:`audit`.

    Attributes:
        output: the tensor whose graph was looked at.
        checked: how many operations were.
        wrong: those with a wrong rule, in the order they were carried out.
        skipped: those that could not be checked, with the reason.
    """

    output: Tensor
    checked: int = 0
    wrong: list[Wrong] = field(default_factory=list)
    skipped: list[tuple[Tensor, str]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether no rule is wrong."""
        return not self.wrong

    def __str__(self) -> str:
        if not self.checked:
            text = "no operation was checked: the output is a leaf, or none that led to it could be"
        elif self.passed:
            text = f"all {self.checked} operations are differentiated rightly"
        else:
            text = f"{len(self.wrong)} of {self.checked} operations are differentiated wrongly:\n\n"
            text += "\n\n".join(map(str, self.wrong))
        if self.skipped:
            node, why = self.skipped[0]
            text += f"\n\n{len(self.skipped)} not checked, the first {node.record[0].name}: {why}"
        return text

    def snippet(self) -> str:
        """Source that shows the first wrong operation again by itself."""
        return snippet(self.wrong[0].findings[0]) if self.wrong else ""

    def draw(self, **options: Any) -> Any:
        """The picture of ``tg.draw`` with a mark at every wrong operation; the same options."""
        from tinygrad_lite.drawing.picture import draw

        picture = draw(self.output, **options)
        shapes, nodes = picture.figure.shapes, picture.figure.names.nodes
        for wrong in self.wrong:
            first = wrong.findings[0]
            key = f"op{next(i for i, node in enumerate(nodes) if node is wrong.node)}"
            if key in shapes:  # not hidden in a collapsed module
                text = f"✗ {first.diagnosis or first.message}"
                picture.node(key, xlabel=text, color=MARK, fontcolor=MARK, penwidth="3")
                shapes[key].title += f" {text}"
        return picture


def audit(output: Tensor, *, tolerance: float | None = None, raises: bool = False) -> Audit:
    """Check every operation that ``output`` was computed by, one at a time, at its actual values.

    Where a gradient of a whole model is wrong, this tells which operation's rule is to blame: each
    is evaluated again at the inputs it had, and each of its rules compared with the oracle. The
    first entry of ``wrong`` is the first operation carried out that has a wrong rule. Rules are
    checked to first order; operations in place are not checked, and are listed in ``skipped``.

    Args:
        output: any recorded tensor, such as a loss; it is not changed.
        tolerance: relative; see :func:`check_grads`.
        raises: whether to raise an AssertionError with the report if a rule is wrong.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.testing import audit
    >>> cube = tg.primitive(lambda x: x**3, [lambda g, out, x: g * 2 * x**2], name="cube")
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = (cube(x) * 2).sum()
    >>> print(audit(y))
    1 of 3 operations are differentiated wrongly:
    <BLANKLINE>
    cube: the gradient of x is wrong
      line       ...
      argument   x
      worst at   [0]: 2..., not 3... ± ...
      diagnosis  off by a factor 2/3
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"audit takes a recorded tensor, not {type(output).__name__}")
    report = Audit(output)
    for node in graph.topological(output):
        operation, inputs, attributes, *_ = node.record
        wanted = [
            i
            for i, x in enumerate(inputs)
            if x.requires_grad and operation.vjps is not None and operation.vjps[i] is not None
        ]
        if not wanted:
            continue
        why = _unfit(operation, node, [inputs[i] for i in wanted])
        if why is not None:
            report.skipped.append((node, why))
            continue
        report.checked += 1
        case = _case(operation, inputs, attributes, wanted, tolerance)
        findings = checks.run(case, checks.ESSENTIAL)
        twice = grouped([inputs[i] for i in wanted])
        if twice and not findings:
            tied = Case(case.subject.tied(twice), tolerance=tolerance)
            findings = checks.run(tied, checks.ESSENTIAL)
        if findings:
            layouts = (*map(layout_of, findings[0].case.arrays), "C")
            if set(layouts) != {"C"}:
                for finding in findings:
                    finding.layouts = layouts
            report.wrong.append(Wrong(node, operation.name, graph.site(node), findings))
    if raises and not report.passed:
        raise AssertionError(str(report))
    return report


def _unfit(operation: Primitive, node: Tensor, inputs: list[Tensor]) -> str | None:
    if operation.in_place:
        return "it changes its first input in place, whose former values are gone"
    if not all(np.isfinite(x.numpy()).all() for x in inputs):
        return "an input is not finite"
    if not np.isfinite(node.numpy()).all():
        return "its result is not finite"
    return None


def _case(
    operation: Primitive,
    inputs: tuple[Tensor, ...],
    attributes: dict[str, Any],
    wanted: list[int],
    tolerance: float | None,
) -> Case:
    """The operation by itself, as a function of the inputs that need gradients."""
    labels = names(operation, inputs)

    def f(*values: Any) -> Any:
        arguments = [constant(x._data) for x in inputs]
        for i, value in zip(wanted, values):
            arguments[i] = value
        return operation(*arguments, **{k: _started(v) for k, v in attributes.items()})

    arrays = [_as_it_lies(inputs[i]) for i in wanted]
    call = Call(f, arrays, name=operation.name)
    call.labels = [labels[i] for i in wanted]
    return Case(Recorded(call), arrays, tolerance)


def _as_it_lies(x: Tensor) -> Array:
    """The tensor's own memory with its strides, read-only."""
    view: Array = np.asarray(x._data).view()
    view.flags.writeable = False
    return view


def _started(attribute: Any) -> Any:
    """The attribute, in place of a generator one that starts at the same number every time."""
    return np.random.default_rng(0) if isinstance(attribute, np.random.Generator) else attribute
