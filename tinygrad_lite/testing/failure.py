"""What a person reads when a gradient is wrong: what, where, how much, why, and how to see it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tinygrad_lite.testing.findings import Finding
from tinygrad_lite.testing.layouts import described
from tinygrad_lite.testing.snippet import snippet, told

if TYPE_CHECKING:
    from tinygrad_lite.testing.check import Report


class GradientError(AssertionError):
    """A gradient that is wrong; the message says how, :attr:`report` holds it as data.

    Attributes:
        report: every property that was checked, and the findings.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__(report.name)

    def __str__(self) -> str:
        return self._message

    @cached_property
    def _message(self) -> str:  # made when it is read: of many failures that shrink, the last one
        return message(self.report)


def message(report: Report) -> str:
    """The first finding in full, the others by name, and a snippet that shows the first again."""
    first, *others = report.findings
    order = "" if first.order == 1 else f" (derivative of order {first.order})"
    lines = [f"{report.name}: {first.message}{order}", "", f"  property    {first.check}"]
    lines += [f"  {k:<10}  {v}" for k, v in _details(first)]
    named = {(f.check, f.order): f for f in reversed(others)}
    named.pop((first.check, first.order), None)
    rest = list(named.values())[::-1]
    if rest:
        lines += ["", "  Also:", *(f"    {f.message}" for f in rest[:4])]
        if len(rest) > 4:
            lines.append(f"    and {len(rest) - 4} more")
    lines += [
        "",
        "  To see it again:",
        "",
        *(f"    {line}".rstrip() for line in snippet(first).splitlines()),
    ]
    return "\n".join(lines)


def _details(f: Finding) -> list[tuple[str, str]]:
    rows = []
    if f.argument is not None:
        rows.append(("argument", f.argument))
    if set(f.layouts) - {"C"}:
        rows.append(("layout", described(f.layouts, f.case.subject.labels)))
    if f.index is not None and f.numeric is not None:
        rows.append(("worst at", f.subscript or "the number"))
    ours, right = ("analytic", "numeric") if f.other is None else ("the first", "the second")
    if f.analytic is not None:
        rows.append((ours, f"{f.analytic:.12g}"))
    if f.numeric is not None:
        rows.append((right, told(f) if f.bar is None else f"{told(f)}  ± {f.bar:.1g}"))
    if f.diagnosis:
        rows.append(("diagnosis", f.diagnosis))
    return rows
