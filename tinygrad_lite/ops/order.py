"""What depends on the order of the elements: extremes, ranks, quantiles and sorting."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.ops.compare import isfinite
from tinygrad_lite.ops.index import take_along_axis
from tinygrad_lite.ops.join import stack
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.ops.reduce import Axis, count, floating, kept, only_where, sum, widened
from tinygrad_lite.ops.selection import abs, maximum, minimum, where
from tinygrad_lite.ops.shape import cast, merged, ravel, reshape
from tinygrad_lite.primitive import primitive
from tinygrad_lite.tensor import Tensor

_picked = primitive(
    lambda x, out: np.equal(x, out) | np.not_equal(x, x),
    name="picked",
    elementwise=True,
    bounded=True,
    doc="""Whether x was picked: it is equal to out, or not a number, which always wins.""",
)


def _chosen(g: Any, out: Any, x: Any, axis: Axis, **_: Any) -> Any:
    """The rule of every operation that picks a value: the elements equal to it share evenly."""
    shape = kept(np.shape(x), axis)
    chosen = _picked(x, reshape(out, shape))
    ties = cast(sum(chosen, axis, keepdims=True), widened(g).dtype)
    return where(chosen, reshape(g, shape) / ties, 0)


def _extreme(extreme: Any, name: str) -> Any:
    def forward(x: Any, *, axis: Axis, keepdims: bool) -> Any:
        if not np.size(x) and 0 in (
            n for n, k in zip(np.shape(x), kept(np.shape(x), axis)) if k != n
        ):
            raise ValueError(f"an array of shape {np.shape(x)} has no {name} over axis {axis}")
        return extreme(x, axis=axis, keepdims=keepdims)

    return forward


_max = primitive(_extreme(np.max, "maximum"), (_chosen,), name="max")
_min = primitive(_extreme(np.min, "minimum"), (_chosen,), name="min")


def _reduced(
    reduction: Any, better: Any, x: Any, axis: Axis, keepdims: bool, initial: Any, mask: Any
) -> Any:
    """The extreme of the elements that the mask admits and of ``initial``."""
    if initial is None:
        if mask is not True:
            raise ValueError(
                f"{reduction.name} with where= needs initial=: there may be no element"
            )
        return reduction(x, axis=axis, keepdims=keepdims)
    if not count(np.shape(x), axis):
        return sum(x, axis, keepdims=keepdims, initial=initial)
    return better(reduction(only_where(x, mask, initial), axis=axis, keepdims=keepdims), initial)


def max(
    x: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The largest element over ``axis``; ties share the gradient evenly.

    Args:
        x: the tensor or array.
        axis: the axis or axes to reduce; all by default.
        out: None; what is written into an array has no gradient.
        keepdims: keep the reduced axes with length 1.
        initial: a number or tensor that competes with the elements.
        where: booleans that broadcast to the shape of x: which elements compete.

    Raises:
        ValueError: if there is no element to choose from, or ``where`` comes without ``initial``.

    >>> import tinygrad_lite as tg
    >>> tg.max(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([2., 4.])
    """
    no_out("max", out)
    return _reduced(_max, maximum, x, axis, keepdims, initial, where)


def min(
    x: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The smallest element over ``axis``; ties share the gradient evenly.

    The arguments and errors are those of :func:`max`.

    >>> import tinygrad_lite as tg
    >>> tg.min(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([1., 3.])
    """
    no_out("min", out)
    return _reduced(_min, minimum, x, axis, keepdims, initial, where)


_argmax = primitive(
    lambda x, *, axis, keepdims: np.argmax(x, axis=axis, keepdims=keepdims), name="argmax"
)
_argmin = primitive(
    lambda x, *, axis, keepdims: np.argmin(x, axis=axis, keepdims=keepdims), name="argmin"
)


def argmax(x: Any, axis: int | None = None, out: None = None, *, keepdims: bool = False) -> Any:
    """The index of the first largest element, along an axis or of the flattened array.

    >>> import tinygrad_lite as tg
    >>> tg.argmax(tg.tensor([1.0, 5.0, 5.0]))
    tensor(1)
    """
    no_out("argmax", out)
    return _argmax(x, axis=axis, keepdims=keepdims)


def argmin(x: Any, axis: int | None = None, out: None = None, *, keepdims: bool = False) -> Any:
    """The index of the first smallest element, along an axis or of the flattened array.

    >>> import tinygrad_lite as tg
    >>> tg.argmin(tg.tensor([1.0, 5.0, 0.0]))
    tensor(2)
    """
    no_out("argmin", out)
    return _argmin(x, axis=axis, keepdims=keepdims)


def _ranked_forward(x: Any, *, rank: int) -> Any:
    ordered = np.partition(x, (rank, -1), axis=0)  # what is not a number goes last
    return np.where(np.isnan(ordered[-1]), ordered[-1], ordered[rank])


_ranked = primitive(
    _ranked_forward,
    (lambda g, out, x, rank: _chosen(g, out, x, 0),),
    name="ranked",
    symbol="xₖ",
)

# Hyndman and Fan, Sample Quantiles in Statistical Packages (1996). Of n elements, counted from 0,
# the share q lies at q (n + 1 - a - b) + a - 1 for (a, b), or where the function of q and n says.
_CONTINUOUS: dict[str, tuple[float, float]] = {
    "linear": (1, 1),
    "hazen": (1 / 2, 1 / 2),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
    "interpolated_inverted_cdf": (0, 1),
}
_DISCRETE: dict[str, Callable[[float, int], float]] = {
    "lower": lambda q, n: math.floor(q * (n - 1)),
    "higher": lambda q, n: math.ceil(q * (n - 1)),
    "midpoint": lambda q, n: (math.floor(q * (n - 1)) + math.ceil(q * (n - 1))) / 2,
    "nearest": lambda q, n: round(q * (n - 1)),
    "inverted_cdf": lambda q, n: math.ceil(q * n) - 1,
    "averaged_inverted_cdf": lambda q, n: (math.ceil(q * n) + math.floor(q * n) - 1) / 2,
    "closest_observation": lambda q, n: round(q * n) - 1,
}


def _place(q: Any, n: int, method: str) -> Any:
    if method in _DISCRETE:
        return _DISCRETE[method](q, n)
    a, b = _CONTINUOUS[method]
    return q * (n + 1 - a - b) + (a - 1)


def quantile(
    x: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """The value below which a share ``q`` of the elements over ``axis`` lies.

    Elements equal to the order statistics it is made of share their gradient evenly. A tensor q
    has a gradient as well, by the interpolation between them.

    Args:
        x: the tensor or array.
        q: a number from 0 to 1, or an array of them; its shape comes first in the result's.
        axis: the axis or axes to reduce; all by default.
        out: None; what is written into an array has no gradient.
        overwrite_input: changes nothing, as x is never overwritten.
        method: what to do between two elements: ``linear`` (interpolate), ``lower``, ``higher``,
            ``midpoint``, ``nearest`` or another that ``numpy.quantile`` has.
        keepdims: keep the reduced axes with length 1.
        weights: None; weights of the elements are not supported.

    Raises:
        ValueError: if q is outside [0, 1], the method is unknown, or there are no elements.

    >>> import tinygrad_lite as tg
    >>> tg.quantile(tg.tensor([1.0, 2.0, 4.0]), [0.5, 0.75])
    tensor([2., 3.])
    """
    no_out("quantile", out)
    if weights is not None:
        raise TypeError(
            "quantile() has no weights here, because their gradient is that of a choice between "
            "elements: for whole weights, tg.repeat(x, weights) has as many of each"
        )
    shares = np.asarray(q.data if isinstance(q, Tensor) else q, dtype=float)
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(f"quantile: q must lie between 0 and 1, not {q}")
    if method not in _CONTINUOUS and method not in _DISCRETE:
        known = ", ".join([*_CONTINUOUS, *_DISCRETE])
        raise ValueError(f"quantile: method must be one of {known}; not {method!r}")
    rows = merged(floating(x), axis)
    last = len(rows) - 1
    if last < 0:
        raise ValueError(f"quantile: shape {np.shape(x)} has no elements over axis {axis}")
    shape = kept(np.shape(x), axis) if keepdims else np.shape(rows)[1:]
    values = []
    for i, share in enumerate(shares.ravel().tolist()):
        meant = _place(share, last + 1, method)
        place = sorted((0, meant, last))[1]
        weight = place - math.floor(place)
        if isinstance(q, Tensor) and method in _CONTINUOUS and place == meant:
            weight = _place(ravel(q)[i], last + 1, method) - math.floor(place)
        values.append(reshape(_between(rows, place, weight), shape))
    return reshape(stack(values), shares.shape + shape) if shares.ndim else values[0]


def _between(rows: Any, place: float, weight: Any) -> Any:
    """What stands at ``place`` when the rows are sorted, between two of them interpolated."""
    rank = math.floor(place)
    low = _ranked(rows, rank=rank)
    if place == rank:
        return low + weight * _gap(rows, rank, low) if isinstance(weight, Tensor) else low
    high = _ranked(rows, rank=rank + 1)
    return where(low == high, low, (1 - weight) * low + weight * high)


def _gap(rows: Any, rank: int, here: Any) -> Any:
    """How far the nearer neighbour of a rank is: the lesser of the slopes that meet there."""
    beside = [_ranked(rows, rank=r) - here for r in (rank - 1, rank + 1) if 0 <= r < len(rows)]
    gaps = [where(isfinite(gap), abs(gap), 0) for gap in beside]
    return minimum(gaps[0], gaps[-1]) if gaps else 0


def median(
    x: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    """The middle element over ``axis``, or the mean of the two middle ones.

    Elements equal to a middle one share its gradient evenly. ``overwrite_input`` changes nothing.

    >>> import tinygrad_lite as tg
    >>> tg.median(tg.tensor([3.0, 1.0, 2.0, 10.0]))
    tensor(2.5)
    """
    no_out("median", out)
    return quantile(x, 0.5, axis, keepdims=keepdims)


_argsort = primitive(lambda x, *, axis: np.argsort(x, axis=axis, kind="stable"), name="argsort")

_sort = primitive(
    lambda x, *, axis: np.sort(x, axis=axis, kind="stable"),
    (lambda g, out, x, axis: take_along_axis(g, argsort(argsort(x, axis), axis), axis),),
    name="sort",
)


def sort(
    x: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None
) -> Any:
    """The elements in ascending order along ``axis``; None flattens first.

    Of equal elements, the one that stands first stays first, and so do their gradients,
    whatever NumPy's ``kind`` and ``stable`` say.

    >>> import tinygrad_lite as tg
    >>> tg.sort(tg.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    return _sort(ravel(x), axis=0) if axis is None else _sort(x, axis=axis)


def argsort(
    x: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None
) -> Any:
    """The indices that sort along ``axis``; equal elements keep their order; no gradient.

    NumPy's ``kind`` and ``stable`` change nothing.

    >>> import tinygrad_lite as tg
    >>> tg.argsort(tg.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    return _argsort(x, axis=axis)
