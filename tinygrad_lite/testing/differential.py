"""compare: two functions that should be one, value by value and gradient by gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.testing import findings
from tinygrad_lite.testing.case import Case, Finding
from tinygrad_lite.testing.check import Report
from tinygrad_lite.testing.failure import GradientError
from tinygrad_lite.testing.subject import Array, Arrays, Call, Recorded, Subject
from tinygrad_lite.testing.trees import flatten


def compare(
    f: Callable[..., Any],
    other: Callable[..., Any],
    inputs: Any,
    *,
    tolerance: float | None = None,
    attributes: dict[str, Any] | None = None,
    seed: int | None = None,
    torch: bool | None = None,
) -> Report:
    """Check that two functions have the same value and the same gradients at ``inputs``.

    Args:
        f: a function of tensors.
        other: another one, or a function of PyTorch's tensors.
        inputs: a tuple or list of the arguments, or one argument.
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
    foreign = from_torch(other) if torch is None else torch
    ours = Recorded(Call(f, inputs, attributes, seed))
    theirs_call = Call(other, inputs, attributes, seed)
    theirs: Subject = Torch(theirs_call) if foreign else Recorded(theirs_call)
    case = Case(ours, tolerance=tolerance)
    right = Case(theirs, tolerance=tolerance)
    report = Report(f"{ours.call.name} and {theirs.call.name}", order=1)
    pairs: list[tuple[str | None, Array, Array]] = [(None, case.value, right.value)]
    if case.value.shape == right.value.shape:
        expected = right.pull(case.cotangent)
        pairs += zip(case.subject.labels, case.gradients, expected)
    for label, a, b in pairs:
        what = "the value" if label is None else f"the gradient of {label}"
        report.checked[f"{what} is the same"] = 1
        found = _difference(case, what, label, a, b)
        if found is not None:
            report.findings.append(found)
    if report.findings:
        raise GradientError(report)
    return report


def _difference(case: Case, what: str, label: str | None, a: Array, b: Array) -> Finding | None:
    check = f"{what} is the same"
    if a.shape != b.shape:
        return Finding(check, f"{what} has shape {a.shape} and {b.shape}", case, argument=label)
    index = findings.farthest(a, b, np.abs(b), case.tolerance)
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
    )


class Torch(Subject):
    """A function of PyTorch's tensors."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def _record(self, arrays: Arrays) -> tuple[list[Any], Any]:
        import torch

        leaves = [torch.tensor(np.array(a), requires_grad=True) for a in arrays]
        fixed = [torch.tensor(x) if isinstance(x, np.ndarray) else x for x in self.call.leaves]
        call = Call.__new__(Call)
        vars(call).update(vars(self.call), leaves=fixed)
        out = call(leaves)
        if isinstance(out, (tuple, list, dict)):
            out = torch.cat([x.reshape(-1) for _, x in flatten(out)])
        return leaves, out

    def value(self, arrays: Arrays) -> Array:
        value: Array = self._record(arrays)[1].detach().numpy()
        return value

    def pull(self, arrays: Arrays, cotangent: Array, wrt: Any = None) -> list[Any]:
        import torch

        leaves, out = self._record(arrays)
        if not out.requires_grad:
            return [None] * len(leaves)
        u = torch.tensor(np.array(cotangent))
        found: Any = torch.autograd.grad(out, leaves, u, allow_unused=True)
        return [None if g is None else g.numpy() for g in found]


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
