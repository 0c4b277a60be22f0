"""Checkpointing: keep the inputs of a computation, and repeat it in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_lite import graph, ops
from tinygrad_lite.backward import cotangents
from tinygrad_lite.mode import mode, switched
from tinygrad_lite.primitive import Primitive, primitive
from tinygrad_lite.tensor import Tensor, constant
from tinygrad_lite.tree import flatten


def checkpoint(f: Callable[..., Any], *args: Any) -> Any:
    """``f(*args)``, keeping none of its intermediate results for the backward pass.

    The backward pass computes them again, so memory falls to what one such part needs, for the
    time of one more forward pass. Gradients also reach the parameters that ``f`` uses without
    being given them. What ``f`` draws from a generator by this library's operations is drawn again.

    Args:
        f: returns a tensor, or a nest of tensors of one dtype; it is called once more for every
            backward pass, so it must not depend on anything that changes.
        args: what it is called with.

    Raises:
        TypeError: if ``f`` returns something other than tensors of one dtype.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> tg.checkpoint(lambda x: tg.exp(x * x), x).sum().backward()
    >>> bool((abs(x.grad - 2 * x * tg.exp(x * x)) < 1e-12).data.all())
    True
    """
    if not mode().grad:
        return f(*args)
    given, build = flatten(args)
    tensors = [a for a in given if isinstance(a, Tensor)]
    draws = _Draws()
    with switched(intercept=draws):
        outputs, nest = flatten(f(*args))
    if not outputs or any(not isinstance(o, Tensor) for o in outputs):
        raise TypeError("checkpoint needs a function that returns a tensor, or a nest of tensors")
    if len({o.dtype for o in outputs}) > 1:
        raise TypeError(
            "checkpoint needs results of one dtype, but they have "
            f"{sorted({str(o.dtype) for o in outputs})}"
        )
    shapes = [o.shape for o in outputs]
    packed = _packed(outputs)
    if not packed._requires_grad:
        return nest([o.detach() for o in outputs])
    nodes = graph.topological(packed, stop=[t for t in tensors if t.record is not None])
    known = set(tensors)
    captured = [  # and what has no gradient, so that a change of it is noticed
        x for x in graph.leaves(nodes) if (x._requires_grad or x.order) and x not in known
    ]

    def again(*inputs: Any) -> Tensor:
        fresh = iter(inputs)
        values = build([next(fresh) if isinstance(a, Tensor) else a for a in given])
        with draws.repeated():
            results, _ = flatten(f(*values))
        return _packed(results)

    operation = _repeated(again, len(tensors), captured, packed._data)
    whole = operation(*tensors, *captured)
    return nest(list(_unpacked(whole, shapes)))


def _packed(outputs: list[Tensor]) -> Tensor:
    """All the elements in one vector; a single result as it is."""
    if len(outputs) == 1:
        return outputs[0]
    packed: Tensor = ops.concatenate([ops.reshape(o, -1) for o in outputs])
    return packed


def _unpacked(whole: Tensor, shapes: list[tuple[int, ...]]) -> Iterator[Tensor]:
    if len(shapes) == 1:
        yield whole
        return
    start = 0
    for shape in shapes:
        stop = start + int(np.prod(shape, dtype=int))
        yield ops.reshape(whole[start:stop], shape)
        start = stop


def _repeated(
    again: Callable[..., Tensor], given: int, captured: list[Tensor], value: Any
) -> Primitive:
    """The operation that stands for the computation; its rule computes it again."""
    scope = mode().scope
    answers: dict[int, Any] = {}  # one repetition answers for all arguments of one backward pass
    asked: list[Any] = [None]

    def rule(slot: int, g: Any, out: Any, *inputs: Any) -> Any:
        if asked[0] is not g or slot not in answers:
            asked[0] = g
            answers.update(pulled(g, inputs))
        answer = answers.pop(slot)
        if not answers:
            asked[0] = None
        return answer

    def pulled(g: Any, inputs: tuple[Any, ...]) -> dict[int, Any]:
        lifted = isinstance(g, Tensor)
        with switched(grad=True, scope=scope):
            if lifted:
                marks = [ops.positive(x) if x._requires_grad else x for x in inputs[:given]]
            else:
                marks = [constant(x) for x in inputs[:given]]
                for mark in marks:
                    mark._requires_grad = mark.dtype.kind == "f"
            result = again(*(ops.positive(mark) for mark in marks))
        targets = [*marks, *captured]
        found = cotangents(result, g, create_graph=lifted and mode().grad, within=targets)
        return {
            slot: found.get(x, np.zeros(x.shape, x.dtype)[()])
            for slot, x in enumerate(targets)
            if x._requires_grad
        }

    return primitive(lambda *inputs: value, rule, name="checkpoint")


class _Draws:
    """Remembers the state of every generator that is drawn from, to draw the same again."""

    def __init__(self) -> None:
        self.outer = mode().intercept
        self.states: dict[int, tuple[np.random.Generator, Any]] = {}

    def __call__(self, operation: Any, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        rng = attributes.get("rng")
        if rng is not None:
            self.states.setdefault(id(rng), (rng, rng.bit_generator.state))
        with switched(intercept=self.outer):
            return operation(*inputs, **attributes)

    @contextmanager
    def repeated(self) -> Iterator[None]:
        """Set the generators back for the body of a ``with``, and then on to where they were."""
        now = [(rng, rng.bit_generator.state) for rng, _ in self.states.values()]
        for rng, state in self.states.values():
            rng.bit_generator.state = state
        try:
            yield
        finally:
            for rng, state in now:
                rng.bit_generator.state = state
