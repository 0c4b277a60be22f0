"""Checkpointing: keep the inputs of a computation, and repeat it in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_lite import graph, ops
from tinygrad_lite.backward import cotangents
from tinygrad_lite.mode import mode, switched
from tinygrad_lite.primitive import Primitive, primitive
from tinygrad_lite.random import generator
from tinygrad_lite.tensor import Tensor, constant, tick
from tinygrad_lite.tree import Structure, flatten


def checkpoint(f: Callable[..., Any], *args: Any) -> Any:
    """``f(*args)``, keeping none of its intermediate results for the backward pass.

    The backward pass computes them again, so memory falls to what one such part needs, for the
    time of one more forward pass. Gradients also reach the parameters that ``f`` uses without
    being given them. What ``f`` draws from a generator by this library's operations is drawn again.

    Args:
        f: returns a tensor, or a nest of tensors of one dtype; it is called once more for every
            backward pass, so it must not depend on anything that changes, nor change a tensor
            that it was not given.
        args: what it is called with. A change of one in place stays inside ``f``.

    Raises:
        TypeError: if ``f`` returns something other than tensors of one dtype.
        RuntimeError: if ``f`` changes a tensor in place that is not one of its arguments.

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
    run = _FirstRun(tick())

    def call(inputs: Iterable[Any]) -> tuple[list[Any], Structure]:
        fresh = iter(inputs)
        values = [_entered(next(fresh)) if isinstance(a, Tensor) else a for a in given]
        return flatten(f(*build(values)))

    with switched(intercept=run):
        outputs, nest = call(tensors)
    if not outputs or any(not isinstance(o, Tensor) for o in outputs):
        raise TypeError("checkpoint needs a function that returns a tensor, or a nest of tensors")
    if len({o.dtype for o in outputs}) > 1:
        raise TypeError(
            "checkpoint needs results of one dtype, but they have "
            f"{sorted({str(o.dtype) for o in outputs})}"
        )
    shapes = [o.shape for o in outputs]
    with switched(intercept=run):
        packed = _packed(outputs)
    if not packed._requires_grad:
        return nest([o.detach() for o in outputs])
    captured = run.captured(packed)

    def again(inputs: Iterable[Any]) -> Tensor:
        for x in captured:
            if x.order > run.start:
                raise RuntimeError(
                    f"{x._describe()}, which the function given to checkpoint uses, was changed in "
                    "place after it had run, so it cannot be run again: call backward() before "
                    "the change, or give the tensor to the function as an argument"
                )
        with run.repeated():
            results, _ = call(inputs)
            return _packed(results)

    operation = _repeated(again, tensors, captured, packed._data)
    whole = operation(*tensors, *captured)
    return nest(list(_unpacked(whole, shapes)))


# What the function is given stands for its argument, so that another use of the same tensor, or
# of what the argument was computed from, is told apart, and a change in place stays inside.
_entered = primitive(
    lambda x: x,
    (lambda g, out, x: g,),
    name="argument",
    elementwise=True,
    bounded=True,
)


def _packed(outputs: list[Tensor]) -> Tensor:
    """All the elements in one vector; a single result in its shape. It is recorded in any case."""
    packed: Tensor = (
        ops.positive(outputs[0])
        if len(outputs) == 1
        else ops.concatenate([ops.reshape(o, -1) for o in outputs])
    )
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
    again: Callable[..., Tensor], tensors: list[Tensor], captured: list[Tensor], value: Any
) -> Primitive:
    """The operation that stands for the computation; its rule computes it again."""
    needed = [x._requires_grad for x in (*tensors, *captured)]
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
        given = len(inputs) - len(captured)
        marks = inputs[:given] if lifted else [constant(x) for x in inputs[:given]]
        needing = [x for x, need in zip([*marks, *captured], needed) if need]
        with switched(grad=True, scope=scope), _requiring(needing):
            if lifted:
                marks = [_entered(x) for x in marks]
            result = again(marks)
        targets = [*marks, *captured]
        found = cotangents(result, g, create_graph=lifted and mode().grad, within=targets)
        return {
            slot: found.get(x, np.zeros(x.shape, x.dtype)[()])
            for slot, (x, need) in enumerate(zip(targets, needed))
            if need
        }

    return primitive(lambda *inputs: value, rule, name="checkpoint")


@contextmanager
def _requiring(tensors: list[Tensor]) -> Iterator[None]:
    """Tensors require a gradient for the body of a ``with``, as they did in the first run."""
    passing = [x for x in tensors if not x._requires_grad]
    for x in passing:
        x._requires_grad = True
    try:
        yield
    finally:
        for x in passing:
            x._requires_grad = False


class _FirstRun:
    """Looks on while the function runs: what it uses, and from which generators it draws."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.outer = mode().intercept
        self.outside: dict[Tensor, None] = {}
        self.states: dict[int, tuple[np.random.Generator, Any]] = {}

    def __call__(self, operation: Any, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        if "rng" in attributes:
            rng = generator(attributes["rng"])
            self.states.setdefault(id(rng), (rng, rng.bit_generator.state))
        for x in inputs:
            known = isinstance(x, Tensor) and x.order <= self.start
            if known and (x.order or x._requires_grad):
                self.outside[x] = None
        with switched(intercept=self.outer):
            return operation(*inputs, **attributes)

    def captured(self, output: Tensor) -> list[Tensor]:
        """What ``output`` was computed from without being an argument.

        Also what requires no gradient, so that a change of it is noticed.
        """
        nodes = [
            n for n in graph.topological(output, stop=self.outside) if n.record[0] is not _entered
        ]
        for node in nodes:
            former = node.record[1][0]
            if node.record[0].in_place and former in self.outside:
                raise RuntimeError(
                    f"the function given to checkpoint changes {former._describe()} in place, "
                    "which is not one of its arguments: the backward pass would change it again"
                )
        used = {x: None for node in nodes for x in node.record[1]}
        return [x for x in used if x in self.outside]

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
