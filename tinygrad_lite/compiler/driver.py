"""The quick way into a program: a generated function that checks a call and carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.compiler.binding import REPEAT, Bound
from tinygrad_lite.compiler.guards import Conditions
from tinygrad_lite.compiler.reach import same
from tinygrad_lite.compiler.signature import PLAIN
from tinygrad_lite.mode import mode
from tinygrad_lite.tensor import Tensor, new

MISS: Any = object()
"""What a driver returns for a call that is not for its program as it is bound."""


class Driver:
    """Writes the function for calls with positional arguments alone, like the one that was traced.

    Args:
        function: what to call when the program finds that it should not have been.
        grad: whether gradients were being recorded.
        leaves: the arguments of the traced call.
        bound: the program.
        conditions: what must not have changed since.
        lock: held while the program runs, because calls share its buffers.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        grad: bool,
        leaves: list[Any],
        bound: Bound,
        conditions: Conditions,
        lock: Any,
    ) -> None:
        self.bound = bound
        self.names: dict[str, Any] = {
            **conditions.names,
            "mode": mode,
            "miss": MISS,
            "lock": lock,
            "repeat": REPEAT,
            "function": function,
            "bound": bound,
            "plain_same": same,
            "new": new,
            "Tensor": Tensor,
            "ndarray": np.ndarray,
        }
        terms = ["intercept is None", f"grad is {grad}", f"len(args) == {len(leaves)}"]
        head = f"{''.join(f'a{i}, ' for i in range(len(leaves)))}= args" if leaves else "pass"
        own = [term for i, x in enumerate(leaves) for term in self._argument(f"a{i}", x)]
        own += [
            f"int(a{i}{'._data' if isinstance(leaves[i], Tensor) else ''}) == {n}"
            for i, n in bound.program.exact.items()
        ]
        own += ["bound.data is data", *conditions.terms]
        if bound.source.live:  # whose arrays are other ones in every call
            own += conditions.implied
        lines = [
            "def drive(args):",
            "    grad, intercept, _ = mode()",
            f"    if not ({' and '.join(terms)}):",
            "        return miss",
            f"    {head}",
            "    with lock:",
            "        try:",
            f"            if not ({' and '.join([*own, *self._residents()]) or 'True'}):",
            "                return miss",
            "        except Exception:  # whatever an attribute raises, it has changed",
            "            return miss",
            *(f"        {line}" for line in self._run(leaves)),
        ]
        self.code = compile("\n".join(lines), f"<call of {bound.program.name}>", "exec")
        self.drive: Callable[[tuple[Any, ...]], Any]
        self.bind()

    def bind(self) -> None:
        """Take over what the program has been bound to."""
        bound = self.bound
        self.data = self.names["data"] = bound.data
        self.names.update({f"w{i}": a for i, a in enumerate(bound.data)})
        self.names.update({f"r{i}": t for i, t in enumerate(bound.residents)})
        self.names.update({f"t{i}": t for i, (t, _) in enumerate(bound.steady)})
        self.names.update({f"g{i}": g for i, (_, g) in enumerate(bound.steady)})
        self.names.update(
            run=bound.context.run,
            program=bound.function,
            held=bound.watched,
            free=bound.free,
            begun=bound.begun,
            getrefcount=bound.getrefcount,
            record=bound.record,
            leaves=bound.leaves,
            structure=bound.program.structure,
        )
        exec(self.code, self.names)
        self.drive = self.names.pop("drive")
        bound.recount()
        self.names["counts"] = bound.counts

    def _argument(self, name: str, x: Any) -> list[str]:
        """The conditions on one argument."""
        if isinstance(x, np.ndarray):
            return [f"type({name}) is ndarray", *self._array(name, x)]
        if isinstance(x, Tensor):
            if x._requires_grad and x.record is None:
                return [f"{name} is {self._name(x)}"]
            kind = [f"type({name}) is {self._name(type(x))}"]
            kind += [f"{name}._requires_grad is {x._requires_grad}"]
            return kind + self._array(f"{name}._data", x._data)
        if isinstance(x, np.generic) and x.dtype.kind in "fiuc":
            return [f"type({name}) is {self._name(type(x))}"]
        if isinstance(x, PLAIN):
            known = self._name(x)
            return [f"({name} is {known} or plain_same({name}, {known}))"]
        return [f"{name} is {self._name(x)}"]

    def _array(self, path: str, x: Any) -> list[str]:
        return [f"{path}.shape == {x.shape}", f"{path}.dtype is {self._name(x.dtype)}"]

    def _name(self, thing: Any) -> str:
        name = f"x{len(self.names)}"
        self.names[name] = thing
        return name

    def _residents(self) -> list[str]:
        return [f"r{i}._data is w{i}" for i in range(len(self.bound.residents))]

    def _run(self, leaves: list[Any]) -> list[str]:
        """The lines that call the program and hand out its results."""
        bound, program = self.bound, self.bound.program
        given = [
            f"a{i}._data" if isinstance(leaves[i], Tensor) else f"a{i}"
            for i in sorted(program.arguments)
        ]
        if bound.generators or bound.source.live or bound.source.entering:
            return [
                f"out = bound([{', '.join(given)}])",
                "if out is repeat:",
                "    return function(*args)",
                "return structure(leaves(out, args))",
            ]
        lines = []
        if bound.held:
            lines += [
                "if [*map(getrefcount, held)] != counts and not free():",
                "    return miss",
            ]
        lines += [
            "try:",
            f"    out = run({', '.join(['program', *given])})",
            "except Exception as error:",
            "    if begun(error):",
            "        raise",
            "    out = repeat",
            "if out is repeat:",
            "    return function(*args)",
        ]
        lines += [
            f"t{i}._grad = {'None' if g is None else f'g{i}'}"
            for i, (_, g) in enumerate(bound.steady)
        ]
        alone = program.returned[0] if len(program.returned) == 1 else None
        bare = object()
        if (
            alone is None
            or alone.value is None
            or alone.thing
            or bound.several
            or (program.structure([bare]) is not bare)
        ):
            return [*lines, "return structure(leaves(() if out is None else out, args))"]
        if alone.as_array:
            return [*lines, "return out"]
        return [
            *lines,
            "t = new(Tensor)",
            "t._data = out",
            "t._grad = t.name = t.watch = None",
            f"t._requires_grad = {alone.requires_grad}",
            f"t.order = {int(alone.requires_grad)}",
            f"t.record = {'record' if alone.requires_grad else 'None'}",
            "return t",
        ]
