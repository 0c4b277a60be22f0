"""The switches that decide how an operation is carried out, one set per thread and per context."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial, wraps
from inspect import iscoroutinefunction, isgeneratorfunction
from typing import Any, NamedTuple
from weakref import ref


class Scope:
    """One call of a module: a weak reference to the module, and the call it was made in."""

    __slots__ = ("module", "outer")

    def __init__(self, module: ref[Any], outer: Scope | None) -> None:
        self.module = module
        self.outer = outer


Interceptor = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


class Mode(NamedTuple):
    """What an operation asks before it runs.

    Attributes:
        grad: whether results that depend on a tensor with ``requires_grad`` are recorded.
        intercept: if given, is called as ``intercept(primitive, inputs, attributes)`` in place of
            the primitive; to go on it calls the primitive with ``switched(intercept=None)``. A
            backward pass then runs on tensors, so that its operations are intercepted too; but if
            it has a method ``contribution``, that observes the backward pass instead. It is told
            more where it has a method for it: ``carried(contribution)`` of the steps of that
            backward pass, ``hooked(tensor, hook, before, after)`` when a hook has replaced a
            gradient, ``look(tensor, what)`` when Python reads values, ``copied(tensor, dtype)``
            for the values of a new leaf, ``strays()`` when a rule
            takes another way because it met NaN, ``changes(tensor)`` when a tensor is about to be
            given other values by an operation, ``is_number(tensor)`` before that: whether it
            stands for a number, which does not change, ``effect(owner, call, tensors,
            gradients=False)`` when something is about to change tensors, or their gradients, in
            place by ``call()``; what that returns is the result.
        scope: the innermost module call, a :class:`Scope`.
    """

    grad: bool = True
    intercept: Interceptor | None = None
    scope: Scope | None = None


_mode: ContextVar[Mode] = ContextVar("tinygrad_lite.mode", default=Mode())  # noqa: B039 - immutable

mode = _mode.get


_outer: ContextVar[tuple[Mode, ...]] = ContextVar("tinygrad_lite.outer", default=())


class switched:
    """Change fields of the mode for the body of a ``with``, or of the function it decorates.

    They are restored whatever happens. One object can be entered again and again.
    """

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def __enter__(self) -> None:
        now = mode()
        _outer.set((*_outer.get(), now))
        _mode.set(now._replace(**self.changes))

    def __exit__(self, *_: object) -> None:
        *rest, before = _outer.get()
        _outer.set(tuple(rest))
        _mode.set(before)

    def __call__(self, function: Any) -> Any:
        """``function`` with the change in force while its own code runs."""
        if isinstance(function, type):
            raise TypeError(
                f"{self!r} decorates functions, not the class {function.__name__}: decorate its "
                "methods"
            )

        def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        def steps(*args: Any, **kwargs: Any) -> Any:
            return self._stepping(function(*args, **kwargs))

        async def waiting(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        if isgeneratorfunction(function):
            return wraps(function)(steps)
        return wraps(function)(waiting if iscoroutinefunction(function) else call)

    def _stepping(self, generator: Any) -> Any:
        """The generator, with the change in force inside it and not where it yields to."""
        reply: Any = None
        advance = generator.send
        while True:
            try:
                with self:
                    value = advance(reply)
            except StopIteration as stop:
                return stop.value
            try:
                reply, advance = (yield value), generator.send
            except GeneratorExit:
                generator.close()
                raise
            except BaseException as error:
                reply, advance = error, generator.throw

    def __repr__(self) -> str:
        return f"switched({', '.join(f'{k}={v!r}' for k, v in self.changes.items())})"


mode_of = partial(tuple.__new__, Mode)  # of the tuple of its fields; every module call makes one
enter_mode = _mode.set
leave_mode = _mode.reset


def no_grad(function: Callable[..., Any] | None = None) -> Any:
    """Compute without recording: a context manager, and a decorator with or without parentheses.

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor(2.0, requires_grad=True)
    >>> with tg.no_grad():
    ...     (w * 3).requires_grad
    False
    >>> @tg.no_grad()
    ... def predict(x):
    ...     return w * x
    >>> predict(3).requires_grad
    False
    """
    switch = switched(grad=False)
    return switch if function is None else switch(function)


def enable_grad(function: Callable[..., Any] | None = None) -> Any:
    """Record again inside a ``no_grad`` block: a context manager and a decorator, as ``no_grad``.

    >>> import tinygrad_lite as tg
    >>> w = tg.tensor(2.0, requires_grad=True)
    >>> with tg.no_grad(), tg.enable_grad():
    ...     (w * 3).requires_grad
    True
    """
    switch = switched(grad=True)
    return switch if function is None else switch(function)


def is_grad_enabled() -> bool:
    """Whether operations are recorded here.

    >>> import tinygrad_lite as tg
    >>> with tg.no_grad():
    ...     tg.is_grad_enabled()
    False
    """
    return mode().grad
