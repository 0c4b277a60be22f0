"""What a person reads when a gradient is wrong: what, where, how much, why, and how to see it."""

from __future__ import annotations

import base64
import inspect
import keyword
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite.primitive import Primitive
from tinygrad_lite.testing.case import Finding
from tinygrad_lite.testing.layouts import described
from tinygrad_lite.testing.subject import HandWritten
from tinygrad_lite.testing.trees import rebuild

if TYPE_CHECKING:
    from tinygrad_lite.testing.check import Report

WRITTEN_OUT = 200  # elements up to which an array is written as numbers
TAKEN = {"np", "tg", "f", "vjp", "base64", "zlib", "arrange", "leaf", "print"}
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
    if f.index is not None and f.numeric is not None and f.argument is not None:
        rows.append(("worst at", f"[{', '.join(map(str, f.index))}]" if f.index else "the number"))
    if f.analytic is not None:
        rows.append(("analytic", f"{f.analytic:.12g}"))
    if f.numeric is not None:
        low, high = f.numeric
        apart = high - low > 1e-9 * (abs(high) + abs(low)) + (f.bar or 0.0)
        value = f"between {low:.12g} and {high:.12g}" if apart else f"{(low + high) / 2:.12g}"
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
    lines += ["", *_where_from(call.f), ""]

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
    arguments += [f"{k}={repr_of(v)}" for k, v in call.attributes.items()]
    y = _fresh("y", used)
    seed = [f"tg.manual_seed({call.seed})"] if call.seed is not None else []
    if f.order > 1:
        u = f.case.arrays[len(inputs)]
        pulled, g = _fresh("u", used), _fresh("g", used)
        lines += [f"{pulled} = {tensor(u, layouts[len(inputs)])}", *seed]
        lines.append(f"{y} = f({', '.join(arguments)})")
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
        pulled = _fresh("cotangent", used)
        lines.append(f"{pulled} = {array(cotangent, layouts[-1])}")
        lines.append(f"{_fresh('gradients', used)} = vjp({pulled}, {', '.join(arguments)})")
    else:
        lines += [
            *seed,
            f"{y} = f({', '.join(arguments)})",
            f"{y}.backward({array(cotangent, layouts[-1])})",
        ]
    if f.argument is not None and f.index is not None and f.argument in call.labels:
        where = "" if hand else f"{names[call.labels.index(f.argument)]}.grad"
        if where and f.analytic is not None and f.numeric is not None:
            index = f"[{', '.join(map(str, f.index))}]" if f.index else ""
            middle = (f.numeric[0] + f.numeric[1]) / 2
            if f.analytic:
                lines.append(
                    f"print({where}{index}.item())  # {f.analytic:.12g}, not {middle:.12g}"
                )
            else:  # there may be no gradient at all
                lines.append(f"print({where})  # 0 at {index or 'the number'}, not {middle:.12g}")
    return "\n".join(lines)


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


def _where_from(f: Any) -> list[str]:
    """How to get hold of the function: an import where there is one, else where it was defined."""
    name, module = getattr(f, "__name__", None), getattr(f, "__module__", None)
    if isinstance(f, Primitive):
        for at, holder in list(sys.modules.items()):
            for attribute, value in list(vars(holder).items()) if at != "__main__" else ():
                if value is f:
                    return [f"from {at} import {attribute} as f"]
        return [f"f = ...  # the primitive {f.name!r}"]
    if (
        name
        and module
        and getattr(sys.modules.get(module), name, None) is f
        and module != "__main__"
    ):
        return [f"from {module} import {name} as f"]
    try:
        file = inspect.getsourcefile(f)
        line = inspect.getsourcelines(f)[1]
        return [f"f = ...  # {name}, defined at {file}:{line}"]
    except (TypeError, OSError):
        return [f"f = ...  # {name or f!r}"]
