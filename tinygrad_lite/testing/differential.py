"""compare: two functions that should be one, value by value and gradient by gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.testing import findings
from tinygrad_lite.testing.agreement import LOOKED_AT, disagreement, kinked
from tinygrad_lite.testing.call import Call
from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.check import Report, require_order
from tinygrad_lite.testing.failure import GradientError
from tinygrad_lite.testing.findings import Finding
from tinygrad_lite.testing.layouts import Array, Arrays
from tinygrad_lite.testing.shown import SHAPE_OF_GRADIENT, SHAPE_OF_VALUE
from tinygrad_lite.testing.subject import Gradient, Recorded, Subject
from tinygrad_lite.testing.trees import flatten


def compare(
    f: Callable[..., Any],
    other: Callable[..., Any],
    inputs: Any,
    order: int = 2,
    *,
    tolerance: float | None = None,
    attributes: dict[str, Any] | None = None,
    seed: int | None = None,
    torch: bool | None = None,
) -> Report:
    """Check that two functions have the same value and the same gradients at ``inputs``.

    At a kink they may differ, as long as each lies between the one-sided derivatives.

    Args:
        f: a function of tensors.
        other: another one, or a function of PyTorch's tensors.
        inputs: a tuple or list of the arguments, or one argument.
        order: the highest order of derivative; of PyTorch's functions some have the first alone.
        tolerance: relative; see :func:`check_grads`.
        attributes: keyword arguments of both.
        seed: see :func:`check_grads`.
        torch: whether ``other`` takes PyTorch's tensors. By default it does if it comes from there,
            or is a Python function that uses a module of that library.

    Raises:
        GradientError: an AssertionError that says where they differ.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.testing import compare
    >>> compare(tg.sigmoid, lambda x: 1 / (1 + tg.exp(-x)), np.array([0.5, -2.0])).passed
    True
    """
    require_order(order)
    foreign = from_torch(other) if torch is None else torch
    ours: Recorded = Recorded(Call(f, inputs, attributes, seed))
    theirs_call = Call(other, inputs, attributes, seed)
    theirs: Any = Torch(theirs_call) if foreign else Recorded(theirs_call)
    report = Report(f"{ours.call.name} and {theirs_call.name}")
    while report.passed and report.order < order:
        case, right = Case(ours, tolerance=tolerance), Case(theirs, tolerance=tolerance)
        report.order = ours.order
        _compare(case, right, report)
        ours = Gradient(ours, case.cotangent)
        theirs = (TorchGradient if foreign else Gradient)(theirs, case.cotangent)
    if report.findings:
        raise GradientError(report)
    return report


def _compare(case: Case, right: Case, report: Report) -> None:
    """Take down how two cases differ: of the value, and if that is the same, of the gradients."""
    if case.subject.order == 1:  # later it is a gradient that was compared
        report.checked["the value is the same"] = 1
        found = _difference(case, right, "the value", None, case.value, right.value)
        if found is not None:
            report.findings.append(found)
            return
    gradients = list(zip(case.gradients, right.pull(case.cotangent)))
    if case.subject.order > 1:  # the last, by the cotangent, says what the order below said
        gradients = gradients[:-1]
    for slot, (a, b) in enumerate(gradients):
        label = case.subject.labels[slot]
        what = f"the gradient of {label}"
        title = f"{what} is the same"
        report.checked[title] = report.checked.get(title, 0) + 1
        found = _difference(case, right, what, label, a, b)
        if found is not None and not _conventions(case, right, slot, a, b):
            report.findings.append(found)


def _conventions(case: Case, right: Case, slot: int, a: Array, b: Array) -> bool:
    """Whether gradients of one shape differ at kinks alone, both as they may."""
    if a.shape != b.shape or disagreement(right) or disagreement(case):
        return False
    off = np.flatnonzero(np.abs(a - b) > case.tolerance * np.abs(b))
    return len(off) <= LOOKED_AT and all(kinked(case, slot, int(j)) for j in off)


def _difference(
    case: Case, right: Case, what: str, label: str | None, a: Array, b: Array
) -> Finding | None:
    check = f"{what} is the same"
    if a.shape != b.shape:
        return Finding(
            check,
            f"{what} has shape {a.shape} and {b.shape}",
            case,
            argument=label,
            other=right.subject,
            shown_by=(SHAPE_OF_VALUE if label is None else SHAPE_OF_GRADIENT).recorded,
        )
    index = findings.farthest(a, b, np.abs(b), case.tolerance, _rounding(case))
    if index is None:
        return None
    return Finding(
        check,
        f"{what} is not the same",
        case,
        argument=label,
        index=index,
        analytic=float(a[index]),
        numeric=(float(b[index]), float(b[index])),
        other=right.subject,
    )


def _rounding(case: Case) -> float:
    """What gradients of gradients may be apart, whose digits come from larger numbers."""
    return 0.0 if case.subject.order == 1 else float(np.max(case.unseen, initial=0.0))


class Torch(Subject):
    """A function of PyTorch's tensors."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def record(self, leaves: Sequence[Any]) -> Any:
        """The result as one tensor of PyTorch."""
        import torch

        fixed = [torch.tensor(x) if isinstance(x, np.ndarray) else x for x in self.call.leaves]
        call = Call.__new__(Call)
        vars(call).update(vars(self.call), leaves=fixed)
        out = call(leaves)
        if isinstance(out, (tuple, list, dict)):
            return torch.cat([x.reshape(-1) for _, x in flatten(out)])
        return out

    def _recorded(self, arrays: Arrays) -> tuple[list[Any], Any]:
        import torch

        leaves = [torch.tensor(np.array(a), requires_grad=True) for a in arrays]
        return leaves, self.record(leaves)

    def value(self, arrays: Arrays) -> Array:
        value: Array = self._recorded(arrays)[1].detach().numpy()
        return value

    def pull(self, arrays: Arrays, cotangent: Array, wrt: Any = None) -> list[Any]:
        import torch

        leaves, out = self._recorded(arrays)
        if not out.requires_grad:
            return [None] * len(leaves)
        u = torch.tensor(np.array(cotangent))
        found: Any = torch.autograd.grad(out, leaves, u, allow_unused=True)
        return [None if g is None else g.numpy() for g in found]


class TorchGradient(Torch):
    """The gradients of such a function, as :class:`Gradient` has them."""

    def __init__(self, inner: Torch, cotangent: Array) -> None:
        self.call = inner.call
        self.inner = inner
        self.order = inner.order + 1
        self.cotangent = cotangent

    @property
    def arrays(self) -> list[Array]:
        return [*self.inner.arrays, self.cotangent]

    @property
    def labels(self) -> list[str]:
        return [*self.inner.labels, "the cotangent"]

    def record(self, leaves: Sequence[Any]) -> Any:
        import torch

        *inputs, cotangent = leaves
        out = self.inner.record(inputs)
        found: Any = [None] * len(inputs)
        if out.requires_grad:
            found = torch.autograd.grad(
                out, inputs, cotangent, allow_unused=True, create_graph=True
            )
        parts = [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs)]
        return parts[0] if len(parts) == 1 else torch.cat([g.reshape(-1) for g in parts])


def from_torch(f: Any) -> bool:
    """Whether ``f`` is of PyTorch, or a Python function that uses a module of it."""
    if any((getattr(x, "__module__", "") or "").startswith("torch") for x in (f, type(f))):
        return True
    code, known = getattr(f, "__code__", None), getattr(f, "__globals__", {})
    if code is None:
        return False
    closure = getattr(f, "__closure__", None) or ()
    cells = dict(zip(code.co_freevars, (cell.cell_contents for cell in closure)))
    used = [{**known, **cells}.get(name) for name in (*code.co_names, *code.co_freevars)]
    return any(
        (getattr(x, "__name__", None) or "").split(".")[0] == "torch"
        or (getattr(type(x), "__module__", None) or "").split(".")[0] == "torch"
        for x in used
    )
