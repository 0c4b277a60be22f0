"""Hypothesis strategies for points to differentiate at: readable, and away from kinks as built.

Every number is picked from a list that leaves out what is to be avoided, so that no example is
thrown away, and the list starts with the simplest ones, so that examples shrink to them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lite.tensor import Tensor
from tinygrad_lite.testing.layouts import LAYOUTS, Array, arrange, leaf

Shape = tuple[int, ...]
Domain = tuple[float, float]

DOMAINS: dict[str, Domain] = {
    "real": (-4.0, 4.0),
    "positive": (0.25, 4.0),
    "unit": (-0.875, 0.875),
    "small": (-1.0, 1.0),
}
"""Intervals with names."""

MARGIN = 1 / 32  # the distance kept from numbers in ``away_from``, of the largest in the domain

SIDES = (1, 2, 3)
"""Lengths of axes that broadcast with each other."""

UNUSUAL_SIDES = (1, 2, 0, 3, 7)
LARGE_SIDES = ((2, 3, 7, 66, 68, 69, 70), (2, 3, 9, 10, 11))  # for one axis, and for several
LARGE_SHAPES = ((2,), (2, 2), (70,), (2, 1, 3, 2), (9, 8), (2, 3, 4, 3))
"""The first ones are there for what fails to shrink to."""
UNUSUAL_NUMBERS = (0.0, 1.0, -1.0, 0.5, -0.5, 1e3, -1e3, 1e-3, -1e-3, 1e6, -1e6, 1e-6, -1e-6)


def arrays(
    shape: Any = None,
    dtype: Any = np.float64,
    domain: Domain | str = "real",
    away_from: Sequence[float] = (0,),
    distinct: bool = False,
    ties: bool = False,
    layout: str = "any",
) -> st.SearchStrategy[Array]:
    """Arrays of readable numbers in ``domain``.

    Args:
        shape: a shape, a strategy for shapes, or None for up to three axes of up to four.
        dtype: a floating-point dtype, or a strategy for them.
        domain: the interval, ends included, or one of "real", "positive", "unit", "small".
        away_from: numbers that no element comes near: where a function has its kinks or poles.
        distinct: no two elements are near each other, for functions with kinks at ties.
        ties: some two elements are equal, if there are two.
        layout: one of :data:`tinygrad_lite.testing.layouts.LAYOUTS`, or "any".

    Raises:
        ValueError: if the domain has no room for such numbers, is not finite, or has no such name,
            and for a layout that is not known.
        TypeError: if the dtype is not floating point.

    >>> from hypothesis import find
    >>> find(arrays((2,)), lambda x: True)
    array([1., 1.])
    """
    bounds = DOMAINS.get(domain) if isinstance(domain, str) else domain
    if bounds is None or not np.isfinite(bounds).all():
        raise ValueError(
            f"domain= is a finite interval or one of {', '.join(DOMAINS)}; got {domain!r}"
        )
    if layout not in (*LAYOUTS, "any"):
        raise ValueError(f"layout= is one of {', '.join(LAYOUTS)}, any; got {layout!r}")
    if not isinstance(dtype, st.SearchStrategy) and np.dtype(dtype).kind != "f":
        raise TypeError(f"dtype= is floating point, to be differentiated by; got {np.dtype(dtype)}")
    if distinct and ties:
        raise ValueError("an array cannot be distinct and have ties")

    if shape is None:
        shape = hnp.array_shapes(min_dims=0, max_dims=3, max_side=4)
    elif isinstance(shape, tuple):
        shape = st.just(shape)
    if layout != "any":
        layouts = [layout]
    else:
        layouts = [k for k in LAYOUTS if k != "zero stride" or not (distinct or ties)]
    return _array(shape, dtype, bounds, tuple(away_from), distinct, ties, layouts)


@st.composite  # out here, since making a composite takes longer than drawing from it
def _array(
    draw: st.DrawFn,
    shapes: st.SearchStrategy[Shape],
    dtype: Any,
    bounds: Domain,
    away_from: tuple[float, ...],
    distinct: bool,
    ties: bool,
    layouts: list[str],
) -> Array:
    shape = draw(shapes)
    kind = draw(dtype) if isinstance(dtype, st.SearchStrategy) else dtype
    size = math.prod(shape)
    values = _draw_values(draw, size, bounds, away_from, distinct)
    if ties and size > 1:
        source = draw(st.integers(0, size - 2))
        target = draw(st.integers(source + 1, size - 1))
        values[target] = values[source]
    layout = draw(st.sampled_from(layouts))
    return arrange(np.array(values, kind).reshape(shape), layout)


def tensors(
    shape: Any = None,
    dtype: Any = np.float64,
    domain: Domain | str = "real",
    away_from: Sequence[float] = (0,),
    distinct: bool = False,
    ties: bool = False,
    layout: str = "any",
) -> st.SearchStrategy[Tensor]:
    """Tensors that require a gradient; the arguments are those of :func:`arrays`.

    >>> from hypothesis import find
    >>> find(tensors(()), lambda x: True)
    tensor(1., requires_grad=True)
    """
    return arrays(shape, dtype, domain, away_from, distinct, ties, layout).map(leaf)


def broadcastable(n: int, **options: Any) -> st.SearchStrategy[tuple[Array, ...]]:
    """``n`` arrays whose shapes broadcast with each other; options are those of :func:`arrays`.

    >>> from hypothesis import find
    >>> x, y = find(broadcastable(2), lambda arrays: True)
    >>> (x + y).ndim <= 3
    True
    """
    return _broadcast(n, 3).flatmap(lambda shapes: _together(shapes, options))


@st.composite
def unusual(draw: st.DrawFn, like: int | str) -> tuple[Array, ...]:
    """Arrays with zeros, ties, huge and tiny numbers, long and empty axes, in float64 or float32.

    Args:
        like: how many, as of :func:`broadcastable`, or a signature, as of :func:`op_inputs`.

    >>> from hypothesis import find
    >>> find(unusual(1), lambda arrays: True)
    (array(0.),)
    """
    if isinstance(like, str):
        shapes = draw(_signature(_cores(like), False, UNUSUAL_SIDES))
    else:
        shapes = draw(_broadcast(like, 2, UNUSUAL_SIDES))
    dtype = draw(st.sampled_from(["float64", "float32"]))
    number = st.integers(0, len(UNUSUAL_NUMBERS) - 1)
    drawn = [[UNUSUAL_NUMBERS[draw(number)] for _ in range(math.prod(s))] for s in shapes]
    return tuple(arrange(np.array(x, dtype).reshape(s), "C") for x, s in zip(drawn, shapes))


@st.composite
def large(draw: st.DrawFn, like: int | str) -> tuple[Array, ...]:
    """Ordinary numbers, in more elements or axes than other points have; see :func:`unusual`.

    >>> from hypothesis import find
    >>> x, y = find(large("(m,k),(k,n)"), lambda arrays: True)
    >>> (x @ y).shape
    (2, 2)
    """
    if isinstance(like, str):
        cores = _cores(like)
        shapes = draw(_signature(cores, False, LARGE_SIDES[max(map(len, cores)) > 1]))
    else:
        shapes = [draw(st.sampled_from(LARGE_SHAPES))] * like
    rng = np.random.default_rng(draw(st.integers(0, 255)))  # so many draws would take long
    numbers = candidates(DOMAINS["real"], (0,))
    return tuple(arrange(rng.choice(numbers, shape), "C") for shape in shapes)


def matmul_operands(**options: Any) -> st.SearchStrategy[tuple[Array, ...]]:
    """Two arrays that ``matmul`` takes: vectors, matrices and stacks of them that broadcast.

    >>> from hypothesis import find
    >>> x, y = find(matmul_operands(), lambda arrays: True)
    >>> (x @ y).dtype
    dtype('float64')
    """
    return op_inputs("(m?,k),(k,n?)->(m?,n?)", stacked=True, **options)


def op_inputs(
    signature: str, domain: Domain | str = "real", stacked: bool = False, **options: Any
) -> st.SearchStrategy[tuple[Array, ...]]:
    """Arrays whose shapes fit a signature as in ``numpy.vectorize``.

    Args:
        signature: such as ``"(m,k),(k,n)->(m,n)"``; numbers are taken as they are, ``k?`` may be
            missing, and the part from the arrow on is not needed.
        domain: as for :func:`arrays`.
        stacked: whether there may be further axes in front, which broadcast.
        **options: as for :func:`arrays`; ``distinct`` holds across all of the arrays.

    >>> from hypothesis import find
    >>> x, y = find(op_inputs("(m,k),(k,2)->(m,2)"), lambda arrays: True)
    >>> (x @ y).shape == (len(x), 2)
    True
    """
    together = {"domain": domain, **options}
    return _signature(_cores(signature), stacked).flatmap(
        lambda shapes: _together(shapes, together)
    )


def _cores(signature: str) -> list[list[str]]:
    """The core dimensions of each argument."""
    given = signature.replace(" ", "").split("->")[0]
    cores = [[d for d in core.split(",") if d] for core in re.findall(r"\(([\w,?]*)\)", given)]
    if given != ",".join(f"({','.join(core)})" for core in cores):
        raise ValueError(f"{signature!r} is no signature such as '(m,k),(k,n)->(m,n)'")
    return cores


@st.composite
def _signature(
    draw: st.DrawFn, cores: list[list[str]], stacked: bool, sides: Sequence[int] = SIDES
) -> list[Shape]:
    """Shapes for the core dimensions of a signature, and for axes in front of them."""
    names = dict.fromkeys(d for core in cores for d in core if not d.isdigit())
    known = {d: draw(st.sampled_from(sides)) for d in names}
    gone = {d for d in known if d.endswith("?") and draw(st.booleans())}
    front = draw(_broadcast(len(cores), 1)) if stacked and not gone else [()] * len(cores)
    return [
        (*axes, *(int(d) if d.isdigit() else known[d] for d in core if d not in gone))
        for axes, core in zip(front, cores)
    ]


@st.composite
def _broadcast(draw: st.DrawFn, n: int, most: int, sides: Sequence[int] = SIDES) -> list[Shape]:
    """Shapes that broadcast: parts of one, from some axis on, with some axes of length 1."""
    whole = [draw(st.sampled_from(sides)) for _ in range(draw(st.integers(0, most)))]
    shapes = []
    for _ in range(n):
        start = draw(st.integers(0, len(whole))) if draw(st.booleans()) else 0
        kept = [draw(st.booleans()) for _ in whole[start:]]
        shapes.append(tuple(k if keep else 1 for k, keep in zip(whole[start:], kept)))
    return shapes


def _together(shapes: Sequence[Shape], options: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Arrays of these shapes; where they are to be distinct, from one draw."""
    if not options.get("distinct"):
        return st.tuples(*(arrays(shape, **options) for shape in shapes))
    sizes = [math.prod(shape) for shape in shapes]
    ends = np.cumsum(sizes)[:-1]
    layout = options.get("layout", "C")
    flat = arrays((sum(sizes),), **{**options, "layout": "C"})
    return flat.map(
        lambda x: tuple(
            arrange(part.reshape(shape), "C" if layout == "any" else layout)
            for part, shape in zip(np.split(x, ends), shapes)
        )
    )


def _draw_values(
    draw: st.DrawFn, size: int, bounds: Domain, away_from: tuple[float, ...], distinct: bool
) -> list[float]:
    step = _step(bounds)
    numbers = candidates(bounds, away_from, step)
    if not distinct:
        choice = st.integers(0, len(numbers) - 1)
        return [numbers[draw(choice)] for _ in range(size)]
    while len(numbers) < 2 * size:
        step /= 2
        numbers = candidates(bounds, away_from, step)
    left = list(numbers)
    return [left.pop(draw(st.integers(0, len(left) - 1))) for _ in range(size)]


def _step(bounds: Domain) -> float:
    """A power of 2 that fits the width of the domain: 1/16, unless that is few or many numbers."""
    width = bounds[1] - bounds[0]
    step = 1 / 16
    while width > 4096 * step:
        step *= 2
    while 0 < width < 4 * step:
        step /= 2
    return step


@lru_cache(maxsize=256)
def candidates(bounds: Domain, away_from: tuple[float, ...], step: float = 1 / 16) -> list[float]:
    """The multiples of ``step`` in ``bounds`` that keep away, the simplest first.

    >>> candidates((-1.0, 2.0), (0,), 0.5)
    [1.0, -1.0, 2.0, 0.5, -0.5, 1.5]
    """
    low, high = bounds
    numbers = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    margin = MARGIN * max(abs(low), abs(high))
    numbers = [x for x in numbers if all(abs(x - c) >= margin for c in away_from)]
    if not numbers:
        raise ValueError(f"no multiples of {step} between {low} and {high} away from {away_from}")

    def simplicity(x: float) -> tuple[int, float, bool]:
        return x.as_integer_ratio()[1], abs(x) if x else 100.0, x < 0

    return sorted(numbers, key=simplicity)
