"""Einstein summation: products and sums over named axes, written in letters."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from tinygrad_lite.ops import guard
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.selection import where
from tinygrad_lite.ops.shape import broadcast_to, reshape
from tinygrad_lite.primitive import primitive

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _rule(slot: int, g: Any, out: Any, *xs: Any, subscripts: str, optimize: Any) -> Any:
    """Sum over what the others have and this operand has not, then put back what it lost.

    An axis of this operand alone was summed: its gradient is repeated. A letter that stands in it
    twice picked a diagonal: its gradient is put on that diagonal.
    """
    terms, result = subscripts.split("->")
    operands = terms.split(",")
    own = operands.pop(slot)
    others = [x for i, x in enumerate(xs) if i != slot]
    letters = "".join(dict.fromkeys(own))
    present = "".join(a for a in letters if a in result or any(a in term for term in operands))
    terms = ",".join([result, *operands])

    def product(*arrays: Any) -> Any:
        return _einsum(*arrays, subscripts=f"{terms}->{present}", optimize=len(arrays) > 1)

    c = guard.linear(product, g, *others)
    carried = dict(zip(present, np.shape(c)))
    length = dict(zip(own, np.shape(xs[slot])))
    length.update((a, n) for a, n in carried.items() if n != 1)
    c = reshape(c, tuple(carried.get(a, 1) for a in letters))
    c = broadcast_to(c, tuple(length[a] for a in letters))
    if len(letters) == len(own):
        return c
    c = reshape(c, tuple(length[a] if own.index(a) == i else 1 for i, a in enumerate(own)))
    return where(_on_diagonal(own, tuple(length[a] for a in own)), c, 0)


def _on_diagonal(own: str, shape: tuple[int, ...]) -> Any:
    """Where the indices of equal letters are equal."""
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    mask = np.ones(shape, bool)
    for i, letter in enumerate(own):
        mask &= grid[i] == grid[own.index(letter)]
    return mask


_einsum = primitive(
    lambda *xs, subscripts, optimize: np.einsum(subscripts, *xs, optimize=optimize),
    _rule,
    name="einsum",
    symbol="Σ·",
)


def einsum(subscripts: Any, *operands: Any, out: None = None, optimize: Any = True) -> Any:
    """The sum of products that the subscripts name: ``"ij,jk->ik"`` is a matrix product.

    Args:
        subscripts: for each operand a letter per axis, separated by commas, and after ``->`` the
            letters of the result; without an arrow those that stand once, in alphabetical order.
            A letter twice in one operand is its diagonal; ``...`` stands for axes that broadcast.
            NumPy's other form, ``einsum(x, [0, 1], y, [1, 2], [0, 2])``, is taken as well.
        operands: the tensors or arrays.
        out: None; what is written into an array has no gradient.
        optimize: how to find the order of the products, as ``numpy.einsum`` takes it.

    Raises:
        ValueError: if the subscripts do not fit the operands.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.einsum("ij,kj->ik", x, x)
    tensor([[ 5., 11.],
            [11., 25.]])
    >>> tg.einsum("ii", x)
    tensor(5.)
    """
    no_out("einsum", out)
    if not isinstance(subscripts, str):
        subscripts, operands = _in_letters((subscripts, *operands))
    subscripts = _explicit(subscripts, [np.ndim(x) for x in operands])
    return _einsum(*operands, subscripts=subscripts, optimize=optimize and len(operands) > 1)


def _in_letters(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """NumPy's alternating form as subscripts and operands."""

    def word(axes: Any) -> str:
        return "".join("..." if a is Ellipsis else LETTERS[a] for a in axes)

    pairs = len(args) // 2
    subscripts = ",".join(word(args[2 * i + 1]) for i in range(pairs))
    if len(args) % 2:
        subscripts += "->" + word(args[-1])
    return subscripts, args[: 2 * pairs : 2]


def _explicit(subscripts: str, ndims: list[int]) -> str:
    """The subscripts with a result, and with letters in place of every ellipsis."""
    text = subscripts.replace(" ", "")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operands, not {len(ndims)}")
    free = [a for a in LETTERS if a not in text]
    surplus = []
    for term, ndim in zip(terms, ndims):
        named = len(term.replace("...", ""))
        if named > ndim or (named < ndim and "..." not in term):
            raise ValueError(f"einsum: {term!r} in {subscripts!r} does not fit {ndim} axes")
        surplus.append(ndim - named if "..." in term else 0)
    dots = "".join(free[: max(surplus, default=0)])
    if not arrow:
        times = Counter(left.replace(",", "").replace(".", ""))
        result = "..." * ("..." in left) + "".join(sorted(a for a in times if times[a] == 1))
    terms = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, surplus)]
    if dots and "..." not in result:
        raise ValueError(f"einsum: {subscripts!r} has '...' on the left but not in the result")
    return f"{','.join(terms)}->{result.replace('...', dots)}"
