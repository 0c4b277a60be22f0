"""Anomaly detection: stop at the first value that is not finite, and say where it arose."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.backward import Contribution
from tinygrad_lite.mode import mode, switched
from tinygrad_lite.primitive import Primitive, caller
from tinygrad_lite.tensor import Tensor


class AnomalyError(FloatingPointError):
    """A value that is not a finite number, or an array that was overwritten unseen."""


@contextmanager
def detect_anomaly(infinity: bool = True) -> Iterator[None]:
    """Report the first NaN or infinity, forward or backward, where it arises.

    The error names the operation, the statistics of its inputs, the module it ran in, and the line
    of your code that called it. A write to a tensor's array (``t.data[...] = v``) between an
    operation that read it and the backward pass, which is not seen otherwise, is reported too.
    Everything is checked at every step, so use it to find a fault, not to train.

    Args:
        infinity: whether an infinity counts; NaN always does.

    Raises:
        AnomalyError: at the first anomaly.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.0, 0.0], requires_grad=True, name="x")
    >>> with tg.detect_anomaly():
    ...     y = tg.log(x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tinygrad_lite.anomaly.AnomalyError: log returned 1 infinity among 2 values...
    """
    with switched(intercept=Watcher(infinity, mode().intercept)):
        yield


class Watcher:
    """Looks at every result and every gradient that goes by."""

    def __init__(self, infinity: bool, outer: Any) -> None:
        self.infinity = infinity
        self.outer = outer
        self.sums: dict[int, tuple[ref[Tensor], tuple[int, ...]]] = {}

    def __call__(self, operation: Primitive, inputs: tuple[Any, ...], attributes: Any) -> Any:
        with switched(intercept=self.outer), np.errstate(all="ignore"):
            out = operation(*inputs, **attributes)
        if isinstance(out, Tensor):
            fault = self.fault(out._data)
            if fault:
                frame = caller()
                place = graph.Site(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
                raise AnomalyError(
                    f"{operation.name} returned {fault}.\n{self.described(inputs)}"
                    f"{_place(graph.path(mode().scope), place)}"
                )
            if out.record is not None:
                key = id(out)
                self.sums[key] = (ref(out, lambda _: self.sums.pop(key, None)), _sums(out))
        return out

    def contribution(self, c: Contribution) -> None:
        """Look at one step of a backward pass; the engine calls it."""
        node = c.node
        operation = node.record[0]
        seen = self.sums.get(id(node))
        if seen is not None and seen[0]() is node:
            for slot, (before, now) in enumerate(zip(seen[1], _sums(node))):
                if before != now:
                    x = (*node.record[1], node)[slot]
                    frame = caller()
                    raise AnomalyError(
                        f"the array of {x._describe()} was overwritten after {operation.name} had "
                        f"{'made' if x is node else 'read'} it\n  at {graph.site(node)}\n"
                        "and before backward() was called\n"
                        f"  at {frame.f_code.co_filename}:{frame.f_lineno}\n"
                        "Writing to t.data[...] is not recorded: use t[...] = values."
                    )
        fault = self.fault(c.value)
        if fault:
            self.look_inside(c)
            upstream = self.fault(c.upstream)
            cause = (
                f"The gradient that arrived had {upstream} already"
                if upstream
                else f"The gradient that arrived was finite: {_statistics(c.upstream)}"
            )
            raise AnomalyError(
                f"the gradient of {operation.name} in its argument {c.slot} has {fault}.\n"
                f"{cause}\n{self.described(node.record[1])}"
                f"{_place(graph.path(node.record[3]), graph.site(node))}"
            )

    def hooked(self, t: Tensor, hook: Any, before: Any, after: Any) -> None:
        """Look at a gradient that a hook replaced; the engine calls it."""
        fault = self.fault(after)
        if fault and not self.fault(before):
            code = getattr(hook, "__code__", None)
            where = (
                graph.Site(code.co_filename, code.co_firstlineno, code.co_name) if code else hook
            )
            raise AnomalyError(
                f"a hook on {t._describe()} returned a gradient with {fault}.\n"
                f"It was given a finite one: {_statistics(before)}\n  at {where}"
            )

    def look_inside(self, c: Contribution) -> None:
        """Apply the rule once more, watching: a rule may run a backward pass, as checkpoints do."""
        operation, inputs, attributes = c.node.record[:3]
        g = getattr(c.upstream, "_data", c.upstream)
        with switched(intercept=self):
            operation.vjps[c.slot](g, c.node._data, *[x._data for x in inputs], **attributes)

    def fault(self, value: Any) -> str:
        """What is wrong with the values, in words; empty if nothing is."""
        value = np.asarray(value._data if isinstance(value, Tensor) else value)
        if value.dtype.kind not in "fc":
            return ""
        nan, infinite = int(np.isnan(value).sum()), int(np.isinf(value).sum())
        found = [f"{nan} NaN"] if nan else []
        if infinite and self.infinity:
            found.append(f"{infinite} {'infinity' if infinite == 1 else 'infinities'}")
        return f"{' and '.join(found)} among {value.size} values" if found else ""

    def described(self, inputs: tuple[Any, ...]) -> str:
        """The statistics of the inputs, a line for each."""
        return "".join(
            f"  input {slot}{f' ({x.name})' if getattr(x, 'name', None) else ''}: "
            f"{_statistics(x._data if isinstance(x, Tensor) else x)}\n"
            for slot, x in enumerate(inputs)
        )


def _statistics(value: Any) -> str:
    value = np.asarray(value._data if isinstance(value, Tensor) else value)
    kind = f"shape {value.shape}, {value.dtype}"
    finite = value[np.isfinite(value)] if value.dtype.kind in "fc" else value
    if not finite.size:
        return f"{kind}, no finite value" if value.size else f"{kind}, empty"
    odd = value.size - finite.size
    rest = f", {odd} not finite" if odd else ""
    with np.errstate(over="ignore"):  # the sum of large numbers may be too large
        mean = finite.mean(dtype=np.result_type(finite.dtype, float))
    return f"{kind}, from {finite.min():.4g} to {finite.max():.4g}, mean {mean:.4g}{rest}"


def _place(path: str, site: graph.Site | None) -> str:
    return (f"  in module {path}\n" if path else "") + f"  at {site}"


def _sums(node: Tensor) -> tuple[int, ...]:
    values = [x._data for x in (*node.record[1], node)]
    return tuple(zlib.crc32(np.ascontiguousarray(value).data) for value in values)
