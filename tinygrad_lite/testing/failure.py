"""What a person reads when a gradient is wrong: what, where, how much, why, and how to see it."""

from __future__ import annotations

import base64
import inspect
import keyword
import sys
import zlib
from collections.abc import Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite.mode import no_grad
from tinygrad_lite.primitive import Primitive
from tinygrad_lite.testing.case import Finding
from tinygrad_lite.testing.layouts import described, leaf
from tinygrad_lite.testing.subject import Call, HandWritten
from tinygrad_lite.testing.trees import rebuild

if TYPE_CHECKING:
    from tinygrad_lite.testing.check import Report

WRITTEN_OUT = 200  # elements up to which an array is written as numbers
TAKEN = {"np", "tg", "f", "vjp", "base64", "zlib", "arrange", "leaf", "joined", "print"}
"""Names that a snippet uses for itself."""


class GradientError(AssertionError):
    """A gradient that is wrong; the message says how, :attr:`report` holds it as data.

    Attributes:
        report: every property that was checked, and the findings.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__(message(report))


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
    if f.layouts:
        rows.append(("layout", described(f.layouts, f.case.subject.labels)))
    if f.index is not None and f.numeric is not None:
        rows.append(("worst at", f"[{', '.join(map(str, f.index))}]" if f.index else "the number"))
    if f.analytic is not None:
        rows.append(("analytic", f"{f.analytic:.12g}"))
    if f.numeric is not None:
        value = _range(f)
        rows.append(("numeric", value if f.bar is None else f"{value}  ± {f.bar:.1g}"))
    if f.diagnosis:
        rows.append(("diagnosis", f.diagnosis))
    return rows


def snippet(f: Finding) -> str:
    """Python source that shows the finding once more, without this module's machinery."""
    call = f.case.subject.call
    lines = ["import numpy as np"]
    inputs = f.case.arrays[: len(call.slots)]
    cotangent = f.case.cotangent if f.cotangent is None else f.cotangent
    used = set(TAKEN)
    names = [_fresh(s if s.isidentifier() else f"x{i}", used) for i, s in enumerate(call.labels)]
    special = bool(f.layouts)
    layouts = f.layouts or ("C",) * (len(f.case.arrays) + 1)
    hand = isinstance(f.case.subject, HandWritten)
    if not hand:
        lines.append("import tinygrad_lite as tg")
    if special:
        lines.append("from tinygrad_lite.testing.layouts import arrange, leaf")
    if any(a.size > WRITTEN_OUT for a in (*inputs, cotangent)):
        lines.append("import base64, zlib")
    several = not hand and _several(call, inputs)
    if several:
        lines.append("from tinygrad_lite.testing.subject import joined")
    lines += ["", *_where_from(call.f, "f")]
    if isinstance(f.case.subject, HandWritten):
        lines += _where_from(f.case.subject.vjp, "vjp")
    lines.append("")

    def array(a: np.ndarray[Any, Any], layout: str) -> str:
        return written(a) if layout == "C" else f"arrange({written(a)}, {layout!r})"

    def tensor(a: np.ndarray[Any, Any], layout: str) -> str:
        if special:
            return f"leaf({array(a, layout)})"
        return f"tg.tensor({_numbers(a)}, requires_grad=True)"

    for name, a, layout in zip(names, inputs, layouts):
        lines.append(f"{name} = {array(a, layout) if hand else tensor(a, layout)}")
    leaves = [repr_of(x) for x in call.leaves]
    for slot, name in zip(call.slots, names):
        leaves[slot] = name
    arguments = [_nested(b) for b in rebuild(call.tree, iter([_Source(s) for s in leaves]))]
    attributes = [f"{k}={repr_of(v)}" for k, v in call.attributes.items()]
    called = f"f({', '.join([*arguments, *attributes])})"
    called = f"joined({called}, 'f')" if several else called
    y = _fresh("y", used)
    seed = [f"tg.manual_seed({call.seed})"] if call.seed is not None else []
    if f.shown_by and f.order == 1:
        for what in f.shown_by:
            lines += [*seed, f"print({what.format(called)})"]
    elif f.order > 1:
        u = f.case.arrays[len(inputs)]
        pulled, g = _fresh("u", used), _fresh("g", used)
        lines += [f"{pulled} = {tensor(u, layouts[len(inputs)])}", *seed]
        lines.append(f"{y} = {called}")
        lines.append(f"{y}.backward({pulled}, create_graph=True)")
        gradients = [f"{n}.grad" for n in names]
        if len(names) == 1:
            lines.append(f"{g}, {names[0]}.grad = {gradients[0]}, None")
        else:
            lines.append(
                f"{g} = tg.concatenate([tg.reshape(d, -1) for d in ({', '.join(gradients)})])"
            )
            lines.append(f"{' = '.join(gradients)} = None")
        lines.append(f"{g}.backward({array(cotangent, layouts[-1])})")
    elif hand:
        pulled, pulled_back = _fresh("cotangent", used), _fresh("gradients", used)
        lines.append(f"{pulled} = {array(cotangent, layouts[-1])}")
        lines.append(f"{pulled_back} = vjp({', '.join([pulled, *arguments, *attributes])})")
    elif f.argument is None and f.index is not None:  # the value alone is wrong
        lines += [*seed, f"{y} = {called}"]
    else:
        lines += [*seed, f"{y} = {called}", f"{y}.backward({array(cotangent, layouts[-1])})"]
    if f.analytic is None or f.numeric is None:
        return "\n".join(lines)
    right = f"not {_range(f)}"
    index = f"[{', '.join(map(str, f.index))}]" if f.index else ""
    wrong = f"{f.analytic:.12g}, {right}"
    if f.direction is not None and not hand and f.order == 1:
        parts = [f"np.vdot({n}.grad.numpy(), {written(v)})" for n, v in zip(names, f.direction)]
        lines.append(f"print({' + '.join(parts)})  # {wrong}")
    elif f.argument is None and f.index is not None and not hand:
        lines.append(f"print({y}{index}.item())  # {wrong}")
    elif f.argument in call.labels and f.index is not None:
        slot = call.labels.index(f.argument)
        if hand:
            chosen = pulled_back + (f"[{slot}]" if len(names) > 1 else "")
            lines.append(f"print({chosen}{index})  # {wrong}")
        elif f.analytic:
            lines.append(f"print({names[slot]}.grad{index}.item())  # {wrong}")
        else:  # there may be no gradient at all
            place = index or "the number"
            lines.append(f"print({names[slot]}.grad)  # 0 at {place}, {right}")
    return "\n".join(lines)


def _range(f: Finding) -> str:
    """What would be right, in as many digits as are known."""
    low, high = f.numeric or (0.0, 0.0)
    apart = high - low > 1e-9 * (abs(high) + abs(low)) + (f.bar or 0.0)
    return f"between {low:.12g} and {high:.12g}" if apart else f"{(low + high) / 2:.12g}"


def _several(call: Call, inputs: Sequence[Any]) -> bool:
    """Whether the function returns several results."""
    with no_grad(), np.errstate(all="ignore"):
        try:
            out = copy_context().run(call, [leaf(x, False) for x in inputs])
        except Exception:  # which may be the finding itself
            return False
    return isinstance(out, (tuple, list, dict))


class _Source(str):
    """Source text that stands for a value inside nested arguments."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _nested(branch: Any) -> str:
    return repr(branch)


def _fresh(name: str, used: set[str]) -> str:
    """The name, with underscores until it is another one than those used, which it joins."""
    while name in used or keyword.iskeyword(name):
        name += "_"
    used.add(name)
    return name


def repr_of(x: Any) -> str:
    """An argument that is held fixed, or an attribute, as source.

    >>> import numpy as np
    >>> repr_of({"index": (np.array([0, 2]), slice(None)), "dtype": np.float32})
    "{'index': (np.array([0, 2], dtype='int64'), slice(None, None, None)), 'dtype': np.float32}"
    """
    if isinstance(x, np.ndarray):
        return written(x)
    if isinstance(x, np.dtype):
        return f"np.dtype({x.str!r})"
    if isinstance(x, type) and issubclass(x, np.generic):
        return f"np.{x.__name__}"
    if type(x) in (tuple, list):
        return repr(type(x)(_Source(repr_of(part)) for part in x))
    if type(x) is dict:
        return repr({key: _Source(repr_of(value)) for key, value in x.items()})
    return repr(x)


def written(a: np.ndarray[Any, Any]) -> str:
    """The array as an expression that makes it again, to the last bit.

    >>> import numpy as np
    >>> written(np.array([1.0, 0.5], dtype=np.float32))
    "np.array([1.0, 0.5], dtype='float32')"
    """
    if a.size > WRITTEN_OUT:
        packed = base64.b85encode(zlib.compress(np.ascontiguousarray(a).tobytes(), 9)).decode()
        return (
            f"np.frombuffer(zlib.decompress(base64.b85decode({packed!r})), "
            f"dtype={a.dtype.name!r}).reshape({a.shape})"
        )
    if not a.size:
        return f"np.zeros({a.shape}, dtype={a.dtype.name!r})"
    text = repr(a.astype(float).tolist() if a.dtype.kind == "f" else a.tolist())
    text = text.replace("nan", "np.nan").replace("inf", "np.inf")
    return (
        f"np.array({text})"
        if a.dtype == np.float64
        else f"np.array({text}, dtype={a.dtype.name!r})"
    )


def _numbers(a: np.ndarray[Any, Any]) -> str:
    """The array as an argument of ``tg.tensor``: bare numbers where that says all."""
    if 0 < a.size <= WRITTEN_OUT and a.dtype == np.float64:
        return written(a)[len("np.array(") : -1]
    return written(a)


def _where_from(f: Any, known: str) -> list[str]:
    """How to get hold of a function: an import where there is one, else where it was defined."""
    origin = getattr(f, "origin", None)
    if origin is not None:
        lines: list[str] = origin(known)
        return lines
    if isinstance(f, Primitive):
        for at, holder in list(sys.modules.items()):
            for attribute, value in list(vars(holder).items()) if at != "__main__" else ():
                if value is f:
                    return [f"from {at} import {attribute} as {known}"]
        return [f"{known} = ...  # the primitive {f.name!r}"]
    name, module = getattr(f, "__name__", None), getattr(f, "__module__", None)
    importable = name and module and module != "__main__"
    if importable and getattr(sys.modules.get(module or ""), name or "", None) is f:
        return [f"from {module} import {name} as {known}"]
    title = getattr(f, "__qualname__", None) or repr(f)
    try:
        file, line = inspect.getsourcefile(f), inspect.getsourcelines(f)[1]
    except (TypeError, OSError):
        return [f"{known} = ...  # {title}"]
    return [f"{known} = ...  # {title}, defined at {file}:{line}"]
