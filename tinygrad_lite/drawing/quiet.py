"""A backward pass that is only looked at: no ``grad`` changes and no hook runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tinygrad_lite.backward import Observer, cotangents
from tinygrad_lite.drawing.naming import Names
from tinygrad_lite.mode import switched
from tinygrad_lite.tensor import Watch


def observe_quietly(names: Names, observer: Observer) -> None:
    """Tell the contributions of a backward pass from the one output of a graph."""
    (output,) = names.outputs
    with unwatched(names), switched(intercept=None):
        cotangents(output, observer=observer)


@contextmanager
def unwatched(names: Names) -> Iterator[None]:
    """Set aside, for the body of a ``with``, what tensors want done with their gradients."""
    tensors = (*names.nodes, *names.leaves)
    watched = [(t, t.watch) for t in tensors if isinstance(t.watch, Watch)]
    for t, _ in watched:
        t.watch = None
    try:
        yield
    finally:
        for t, watch in watched:
            t.watch = watch
