"""What a row of the table of examples is, and how rows of elementwise primitives are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.primitive import Primitive

Array = Any


class Example(NamedTuple):
    """Arguments of a primitive around which it is smooth.

    Floating inputs are differentiated, integer and boolean ones are not.
    """

    inputs: tuple[Array, ...]
    attributes: dict[str, Any] = {}  # noqa: RUF012 - never written to


class Kink(NamedTuple):
    """Arguments at which a derivative has to be agreed on, and the gradients for cotangent 1."""

    inputs: tuple[Array, ...]
    gradients: tuple[Array | None, ...]
    attributes: dict[str, Any] = {}  # noqa: RUF012 - never written to


class Row(NamedTuple):
    """What is known of a primitive.

    Attributes:
        primitive: the primitive itself.
        reference: its value by an independent formula, of the same arguments.
        examples: points where it is smooth; of several shapes, with attributes of every kind.
        kinks: points where it is not, for one element.
        dtypes: the floating dtypes it computes in.
        closeness: the relative error that derivatives by differences are allowed.
    """

    primitive: Primitive
    reference: Callable[..., Array]
    examples: Sequence[Example]
    kinks: Sequence[Kink] = ()
    dtypes: tuple[str, ...] = ("float16", "float32", "float64")
    closeness: float = 1e-7


SHAPES: dict[int, tuple[tuple[tuple[int, ...], ...], ...]] = {
    1: (((2, 3),), ((),), ((0, 2),)),
    2: (
        ((2, 3), (2, 3)),
        ((), ()),
        ((2, 3), (3,)),
        ((1, 3), (2, 1)),
        ((2, 1), ()),
        ((), (2,)),
        ((0, 3), (1, 3)),
    ),
}


def spread(low: float, high: float, shape: tuple[int, ...], seed: int = 0) -> Array:
    """Numbers of that shape between low and high, in no order."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def broadcast_row(
    primitive: Primitive,
    reference: Callable[..., Array],
    *intervals: tuple[float, float],
    kinks: Sequence[Kink] = (),
    closeness: float = 1e-7,
    attributes: Sequence[dict[str, Any]] = ({},),
) -> Row:
    """The row of an elementwise primitive: every broadcast, each argument in its interval."""
    examples = [
        Example(
            tuple(
                spread(*ends, shape, seed) for seed, (ends, shape) in enumerate(zip(intervals, s))
            ),
            given,
        )
        for given in attributes
        for s in SHAPES[len(intervals)]
    ]
    return Row(primitive, reference, examples, kinks, closeness=closeness)


def each(function: Callable[..., float]) -> Callable[..., Array]:
    """A function of Python numbers, element by element."""
    return np.vectorize(function, otypes=[float])


def at(x: Array, slope: float | None, /, **attributes: Any) -> Kink:
    """A kink of a function of one argument."""
    return Kink((x,), (slope,), attributes)


def pair(x: float, y: float, dx: float | None, dy: float | None) -> Kink:
    """A kink of a function of two arguments."""
    return Kink((x, y), (dx, dy))
