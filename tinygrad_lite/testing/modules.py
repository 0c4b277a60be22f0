"""check_module: the gradients of a whole network, by its parameters and by its inputs."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from tinygrad_lite.mode import no_grad
from tinygrad_lite.nn import Module
from tinygrad_lite.nn.parameter import Buffer, Parameter
from tinygrad_lite.random import manual_seed
from tinygrad_lite.tensor import Tensor
from tinygrad_lite.testing.call import Call, generator_kept, is_float
from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.check import Report, check_grads
from tinygrad_lite.testing.failure import GradientError
from tinygrad_lite.testing.findings import Finding
from tinygrad_lite.testing.sources import Define
from tinygrad_lite.testing.subject import Recorded, joined
from tinygrad_lite.testing.trees import flatten, rebuild


def check_module(
    module: Module,
    inputs: Any,
    loss: Callable[[Any], Any] | None = None,
    order: int = 2,
    *,
    tolerance: float | None = None,
    seed: int = 0,
) -> Report:
    """Check the gradients of a module by its parameters and inputs, in training and in evaluation.

    What :func:`check_grads` checks, with the parameters as further inputs; frozen ones are held
    fixed. A call must give the same however the module was called before: what it keeps between
    calls belongs into buffers. A tensor that requires a gradient and is no parameter is noted, and
    random numbers that are drawn in evaluation. The module is left as it was: parameters, buffers,
    generators and mode.

    Args:
        module: the network or layer.
        inputs: a tuple or list of the arguments, or one argument.
        loss: applied to the result; without it the result itself is differentiated.
        order: the highest order of derivative.
        tolerance: see :func:`check_grads`.
        seed: where random numbers start, so that dropout drops the same in every evaluation.

    Raises:
        GradientError: an AssertionError that says what is wrong.

    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.testing import check_module
    >>> model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=0))
    >>> print(check_module(model, [np.array([[0.5, -1.0]])], loss=lambda y: (y * y).mean()))
    Sequential: holds; 17 properties, up to order 2
      oracle: ...; the largest error is ...% of what is allowed
    """
    if not isinstance(module, Module):
        raise TypeError(
            f"check_module takes an nn.Module, not {type(module).__name__}: use check_grads"
        )
    arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    parameters = {k: p.numpy() for k, p in module.named_parameters() if p.requires_grad}
    given = (parameters, *arguments)
    modes = {m: m.training for m in module.modules()}

    total = Report(type(module).__name__, notes=_untrained(module))
    try:
        for training in (True, False):
            module.train(training)
            name = f"{total.name} in {'training' if training else 'evaluation'}"
            f = Called(module, loss)
            report = check_grads(f, given, order, tolerance=tolerance, seed=seed, name=name)
            call = Call(f, given, seed=seed, name=name)
            with generator_kept():
                report.merge(_called_after_others(f, call, arguments))
            if not report.passed:
                raise GradientError(report)
            total.merge(report)
    finally:
        for m, was in modes.items():
            m.training = was
    return total


def _untrained(module: Module) -> list[str]:
    """A note for each leaf that requires a gradient and is no parameter."""
    return [
        f"{type(m).__name__}.{name}{path} requires a gradient and is no Parameter: it is neither "
        "trained nor saved; make it an nn.Parameter, or an nn.Buffer if it is not to be trained"
        for m in module.modules()
        for name, value in vars(m).items()
        for path, x in flatten(value)
        if isinstance(x, Tensor) and not isinstance(x, Parameter) and x.requires_grad and x.is_leaf
    ]


class Called:
    """A module, with a loss perhaps, as a function of its parameters and of its inputs."""

    def __init__(self, module: Module, loss: Callable[[Any], Any] | None = None) -> None:
        self.module = module
        self.loss = loss
        # Not asked for later: when a message is read the module may be in another mode.
        self.mode = "train" if module.training else "eval"
        own = inspect.Parameter("parameters", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        others = inspect.signature(module.forward).parameters.values()
        with suppress(ValueError):  # an argument of that name, too
            self.__signature__ = inspect.Signature([own, *others])

    def __call__(self, parameters: Mapping[str, Tensor], *inputs: Any) -> Any:
        with replaced(self.module, parameters):
            result = self.module(*inputs)
            return result if self.loss is None else self.loss(result)

    def origin(self, known: str, define: Define) -> list[str]:
        """How a snippet gets hold of it."""
        lines = [f"module = ...  # the {type(self.module).__name__}"]
        loss = "" if self.loss is None else ", loss"
        if self.loss is not None and not define("loss", self.loss):
            lines.append("loss = ...  # as it was given to check_module")
        define("Called", Called)
        return [*lines, f"{known} = Called(module.{self.mode}(){loss})"]


def _called_after_others(f: Called, call: Call, arguments: tuple[Any, ...]) -> Report:
    """Whether a call gives the same after others, with buffers and generators as they were."""
    case = Case(Recorded(call))
    report = Report(call.name, Counter(["calls do not depend on earlier ones"]))
    module, training = f.module, f.mode == "train"
    halves = rebuild(arguments, (x * 0.5 if is_float(x) else x for _, x in flatten(arguments)))

    def result(given: tuple[Any, ...] = arguments, seed: int = call.seed or 0) -> bytes:
        manual_seed(seed)
        with np.errstate(all="ignore"), no_grad():
            return joined(module(*given), call.name).numpy().tobytes()

    def trained() -> None:
        module.train()
        result(halves)
        module.train(training)

    def after(*earlier: Callable[[], object]) -> bytes:
        with replaced(module, {}):
            held = [(vars(m), k, v) for m in module.modules() for k, v in vars(m).items()]
            buffers = [(at, k, v, v.numpy().copy()) for at, k, v in held if isinstance(v, Buffer)]
            rngs = [v for _, _, v in held if isinstance(v, np.random.Generator)]
            states = [rng.bit_generator.state for rng in rngs]
            for step in earlier:
                step()
            for at, name, buffer, data in buffers:
                at[name] = buffer
                buffer.data = data
            for rng, state in zip(rngs, states):
                rng.bit_generator.state = state
            return result()

    names = [f"{{names[{i}]}}" for i in range(len(call.leaves) - len(arguments), len(case.arrays))]
    again = f"print(module.{f.mode}()({', '.join(names)}))"
    other = f"module.train()({', '.join(f'{name} * 0.5' for name in names)})"
    first = after()
    for steps, said, lines in (
        ((result,), "a second call of the module", (again, again)),
        ((trained,), "a call after one in training with other inputs", (other, again)),
    ):
        if after(*steps) != first:
            report.findings.append(
                Finding(
                    "calls do not depend on earlier ones",
                    f"{said} gives another result",
                    case,
                    diagnosis="it keeps state that is no buffer: make it an nn.Buffer, or a number "
                    "that is given to the call",
                    shown_by=lines,
                )
            )
            break
    with replaced(module, {}):
        if not training and report.passed and result(seed=1 + (call.seed or 0)) != first:
            report.notes.append("in evaluation the result is random: is dropout left on?")
    return report


@contextmanager
def replaced(module: Module, parameters: Mapping[str, Tensor]) -> Iterator[None]:
    """The module with other tensors for its parameters; all that changes is undone at the end."""
    own = dict(module.named_parameters())
    others: dict[int, Any] = {id(own[name]): t for name, t in parameters.items()}
    for _, buffer in module.named_buffers():
        others[id(buffer)] = Buffer(buffer, name=buffer.name)
    modules = list(module.modules())
    before = [dict(vars(m)) for m in modules]
    generators = [v for kept in before for v in kept.values() if isinstance(v, np.random.Generator)]
    states = [g.bit_generator.state for g in generators]
    try:
        for m in modules:
            vars(m).update({k: _with(v, others) for k, v in vars(m).items()})
        yield
    finally:
        for m, kept in zip(modules, before):
            vars(m).clear()
            vars(m).update(kept)
        for g, state in zip(generators, states):
            g.bit_generator.state = state


def _with(value: Any, others: Mapping[int, Any]) -> Any:
    """The value, or the container of values, with replacements for the tensors in it."""
    if isinstance(value, (list, tuple, dict)):
        leaves = [x for _, x in flatten(value)]
        if any(id(x) in others for x in leaves):
            return rebuild(value, iter(others.get(id(x), x) for x in leaves))
        return value
    return others.get(id(value), value)
