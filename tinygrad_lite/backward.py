"""The chain rule: walk the records from the output back, carrying the gradient along each edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite import graph
from tinygrad_lite.mode import mode, switched
from tinygrad_lite.ops import cast, guard, positive, reshape
from tinygrad_lite.ops.reduce import total
from tinygrad_lite.tensor import Tensor, Watch, lift


class Contribution(NamedTuple):
    """What one argument slot of one record adds to the gradient of its input.

    Raw arrays, or tensors where the backward pass is itself recorded or traced.
    """

    node: Tensor
    slot: int
    upstream: Any
    value: Any
    before: Any
    after: Any


Observer = Callable[[Contribution], None]


def run_backward(
    output: Tensor,
    gradient: Any = None,
    create_graph: bool = False,
    observer: Observer | None = None,
) -> None:
    """Accumulate the derivative of ``output`` into ``grad`` of its leaves: ``Tensor.backward``."""
    for x, g in cotangents(output, gradient, create_graph, observer).items():
        if x._grad is not None:
            g = (x._grad if isinstance(g, Tensor) else x._grad._data) + g
        x._grad = lift(g)


def cotangents(
    output: Tensor,
    gradient: Any = None,
    create_graph: bool = False,
    observer: Observer | None = None,
    within: Sequence[Tensor] | None = None,
) -> dict[Tensor, Any]:
    """The gradient of ``output`` for every leaf that it depends on and that requires one.

    With ``within``, for those tensors instead, whatever they were computed from. Values are raw
    arrays that share memory with nothing, or tensors where the backward pass is itself recorded
    (``create_graph``) or intercepted. Hooks run and retained gradients are kept, but for those of
    ``within``, whose gradient may be no more than a part of the whole.
    """
    if not output._requires_grad and (within is None or output not in set(within)):
        raise RuntimeError(
            f"backward() on {output._describe()} that requires no gradient: none of the tensors it "
            "was computed from has requires_grad=True, or detach() or no_grad() cut the graph"
        )
    seed = _seed(output, gradient)
    intercept = mode().intercept
    watching = getattr(intercept, "contribution", None)  # it looks on, rather than takes over
    observer = observer or watching or getattr(intercept, "carried", None)
    lifted = create_graph or (intercept is not None and watching is None)
    nodes = graph.topological(output, _changed, within or ())
    wanted = None if within is None else graph.reaching(nodes, within)
    if lifted and isinstance(gradient, Tensor):  # it may be differentiated by, or traced
        seed = gradient if gradient.dtype == output.dtype else cast(gradient, output.dtype)
    start = lift(seed) if lifted else seed
    hooked = getattr(intercept, "hooked", None)
    if not create_graph and intercept is None:
        pending = _propagate(nodes, output, start, lifted, observer, wanted, hooked)
    else:
        with switched(grad=create_graph, intercept=None if watching else intercept):
            pending = _propagate(nodes, output, start, lifted, observer, wanted, hooked)
    return _separated(pending, seed)


@np.errstate(all="ignore")
def _propagate(
    nodes: list[Tensor],
    output: Tensor,
    seed: Any,
    lifted: bool,
    observer: Observer | None,
    wanted: set[Tensor] | None,
    hooked: Callable[..., None] | None,
) -> dict[Tensor, Any]:
    """The walk itself; what is left at its end are the gradients of the leaves."""
    pending: dict[Tensor, Any] = {output: seed}
    take, known, ndarray = pending.pop, pending.get, np.ndarray
    for t in reversed(nodes):
        g = take(t, None)
        if g is None:
            continue
        if t.watch is not None:
            g = _arrived(t, g, lifted, hooked)
        operation, inputs, attributes, _, _, _ = t.record
        many = lifted or attributes or len(inputs) > 2
        if many:
            out, values = (t, inputs) if lifted else (t._data, [x._data for x in inputs])
        else:  # spelled out: of scalar graphs these calls are the whole work
            out, first, last = t._data, inputs[0]._data, inputs[-1]._data
        slot = -1
        for rule, x in zip(operation.vjps, inputs):
            slot += 1
            if rule is None or not (x._requires_grad if wanted is None else x in wanted):
                continue
            if many:
                c = rule(g, out, *values, **attributes)
            elif len(inputs) == 2:
                c = rule(g, out, first, last)
            else:
                c = rule(g, out, first)
            data = x._data
            if type(c) is not type(data):
                c = _conform(c, x, g, t, slot, lifted)
            elif type(c) is not ndarray:
                if c != c:
                    c = _conform(c, x, g, t, slot, lifted)
            elif operation.guarded or c.shape != data.shape or c.dtype is not data.dtype:
                c = _conform(c, x, g, t, slot, lifted)
            before = known(x)
            pending[x] = after = c if before is None else before + c
            if observer is not None:
                observer(Contribution(t, slot, g, c, before, after))
    for x, g in pending.items():
        if x.watch is not None and wanted is None:
            pending[x] = _arrived(x, g, lifted, hooked)
    return pending


def _seed(output: Tensor, gradient: Any) -> Any:
    """The gradient to start from, of the output's shape and dtype."""
    data = output._data
    if gradient is None:
        if data.size != 1:
            raise RuntimeError(
                f"backward() on {output._describe()} needs gradient=..., of that shape; without "
                "one the output must be a single number, such as a loss: sum() or mean() it first"
            )
        one = data.dtype.type(1)
        return np.full(data.shape, one) if data.ndim else one
    if isinstance(gradient, Tensor):
        value = gradient._data
    else:
        value = np.asarray(gradient)
    if np.shape(value) != output.shape:
        raise ValueError(
            f"the gradient given to backward() has shape {np.shape(value)}, "
            f"but the output has shape {output.shape}"
        )
    return np.asarray(value, dtype=output.dtype)[()]


def _arrived(t: Tensor, g: Any, lifted: bool, hooked: Callable[..., None] | None) -> Any:
    """Run the hooks of ``t`` on its complete gradient and keep it if that was asked for."""
    watch = t.watch
    if not isinstance(watch, Watch):
        return g
    for hook in tuple(watch.hooks.values()):
        given = lift(g) if lifted else lift(np.array(g)[()])
        replaced = hook(given)
        if replaced is not None:
            if np.shape(replaced) != t.shape:
                raise ValueError(
                    f"a hook on {t._describe()} returned a gradient of shape {np.shape(replaced)}"
                )
            replaced = lift(replaced)
            if hooked is not None:
                hooked(t, hook, g, replaced)
            g = replaced if lifted else np.asarray(replaced._data, dtype=t.dtype)[()]
    if watch.retain:
        kept = lift(g) if lifted else lift(np.array(g)[()])
        t._grad = kept if t._grad is None else t._grad + kept
    return g


def _conform(c: Any, x: Tensor, g: Any, t: Tensor, slot: int, lifted: bool) -> Any:
    """A contribution with the shape and dtype of its input, and zero where the upstream is zero."""
    operation = t.record[0]
    if c is None:
        raise TypeError(
            f"rule {slot} of {operation.name!r} returned None: a rule returns the gradient of its "
            "argument; None stands in place of the rule where there is no derivative"
        )
    if not hasattr(c, "dtype"):  # a rule gave a Python number
        c = np.asarray(c, x.dtype)[()]
    if lifted:
        c = lift(c)
    elif isinstance(c, Tensor):  # made with a tensor that the rule holds
        c = c._data
    if c.dtype.kind == "c" and x.dtype.kind == "f":
        raise TypeError(
            f"{operation.name!r} made complex numbers of {x._describe()} ({graph.site(t)}): these "
            "are not differentiated here; compute with the real and imaginary parts"
        )
    if operation.guarded:
        c = guard.elementwise(c, g)
    if np.shape(c) != x.shape:
        c = unbroadcast(c, x.shape, lambda: f"rule {slot} of {operation.name!r}")
    if c.dtype != x.dtype:
        c = cast(c, x.dtype)
    return c


def unbroadcast(c: Any, shape: tuple[int, ...], whose: Callable[[], str]) -> Any:
    """Sum ``c`` to ``shape``: the transpose of broadcasting ``shape`` to the shape of ``c``."""
    have = np.shape(c)
    added = len(have) - len(shape)
    stretched = [i for i, n in enumerate(shape) if n == 1 and added >= 0 and have[i + added] != 1]
    if added < 0 or any(n != have[i + added] for i, n in enumerate(shape) if i not in stretched):
        raise ValueError(
            f"{whose()} returned a gradient of shape {have} for an argument of shape {shape}"
        )
    whole = total(c, (*range(added), *(i + added for i in stretched)))
    return reshape(whole, shape) if stretched else whole


def _changed(t: Tensor, slot: int) -> None:
    x = t.record[1][slot]
    place = graph.site(t)
    raise RuntimeError(
        f"{x._describe()} was changed in place after {t.record[0].name!r} had read it "
        f"({place}): the gradient would be wrong. Call backward() before the change, or compute "
        "the result again after it"
    )


def _separated(gradients: dict[Tensor, Any], seed: Any) -> dict[Tensor, Any]:
    """The gradients, each in memory of its own."""
    taken = {id(seed)}
    for x, g in gradients.items():
        array = g._data if isinstance(g, Tensor) else g
        if type(array) is np.ndarray:
            if array.base is not None or id(array) in taken:
                gradients[x] = positive(g)
            taken.add(id(array))
    return gradients
