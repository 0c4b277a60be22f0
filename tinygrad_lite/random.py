"""``tg.random``: random tensors from explicit NumPy Generators, or from the default one."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np

from tinygrad_lite.ops import add, cast, less, multiply, take
from tinygrad_lite.primitive import primitive
from tinygrad_lite.tensor import Tensor, constant

Rng: TypeAlias = "np.random.Generator | int | None"


@cache
def _default() -> np.random.Generator:
    """Made when it is first asked for: NumPy loads its random part no sooner."""
    return np.random.default_rng()


def manual_seed(seed: int | None) -> np.random.Generator:
    """Start the default generator anew from ``seed``, and return it.

    >>> import tinygrad_lite as tg
    >>> a = tg.manual_seed(0).random()
    >>> a == tg.manual_seed(0).random()
    True
    """
    default = _default()
    default.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    return default


def generator(rng: Rng = None) -> np.random.Generator:
    """The generator to draw from: the one given, a new one for a seed, the default for None.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> tg.random.generator(np.random.default_rng(0)).integers(10)
    np.int64(8)
    """
    if rng is None:
        return _default()
    if isinstance(rng, np.random.Generator):
        return rng
    if not isinstance(rng, bool) and isinstance(rng, (int, np.integer)):
        return np.random.default_rng(int(rng))
    raise TypeError(
        f"rng must be a numpy.random.Generator, a seed or None, not {type(rng).__name__}"
    )


# Draws are operations without inputs: who follows the operations sees them, and can repeat them.
def _single(dtype: np.dtype[Any]) -> Any:
    """The precision to draw in: NumPy's generators know two."""
    return np.float64 if dtype == np.float64 else np.float32


def _drawn_evenly(*, shape: Any, dtype: np.dtype[Any], rng: Rng) -> Any:
    draw = np.asarray(generator(rng).random(shape, _single(dtype)))
    if dtype.itemsize < draw.dtype.itemsize:  # rounding would reach 1
        steps = 2.0 ** (np.finfo(dtype).nmant + 1)
        draw = np.floor(draw * steps) / steps
    return draw.astype(dtype)


def _floating(dtype: Any, name: str) -> np.dtype[Any]:
    found: np.dtype[Any] = np.dtype(dtype)
    if found.kind != "f":
        raise TypeError(
            f"{name} draws floating point numbers, not {found}: use tg.random.integers, or "
            "astype() on the result"
        )
    return found


def _refuse(wrong: Any, message: str) -> None:
    """ValueError if any of the values is wrong."""
    if np.any(wrong):
        raise ValueError(message)


def _lengths(shape: Any, name: str) -> Any:
    """The shape to draw, or an error that says where it belongs."""
    lengths = shape if isinstance(shape, (tuple, list, np.ndarray)) else (shape,)
    if not all(_is_length(n) for n in lengths):
        raise ValueError(
            f"{name}: the shape must be a length or a tuple of lengths, not {shape!r:.60}; here "
            "it comes before the parameters of the distribution"
        )
    return shape


def _is_length(n: Any) -> bool:
    if isinstance(n, Tensor):  # whose value is looked at where it is used
        return not n.ndim and n.dtype.kind in "iu"
    return isinstance(n, (int, np.integer)) and bool(n >= 0)


def _values(x: Any) -> Any:
    return x._data if isinstance(x, Tensor) else np.asarray(x)


_uniform = primitive(
    _drawn_evenly,
    name="uniform",
    symbol="U",
)
_normal = primitive(
    lambda *, shape, dtype, rng: np.asarray(
        generator(rng).standard_normal(shape, _single(dtype))
    ).astype(dtype),
    name="normal",
    symbol="N",
)
_integers = primitive(
    lambda *, low, high, shape, dtype, rng: generator(rng).integers(low, high, shape, dtype),
    name="integers",
)
_permutation = primitive(lambda *, n, rng: generator(rng).permutation(n), name="permutation")


def uniform(
    shape: Any = (),
    low: Any = 0.0,
    high: Any = 1.0,
    *,
    dtype: Any = np.float64,
    rng: Rng = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn evenly from [low, high).

    Args:
        shape: of the result.
        low: the least value; with ``high``, may be a tensor, to which the gradient then flows.
        high: the value that is not reached.
        dtype: of the result.
        rng: a Generator, a seed, or None for the default generator.
        requires_grad: make the result a leaf that requires a gradient.

    Raises:
        TypeError: if the dtype is not floating point.

    >>> import tinygrad_lite as tg
    >>> tg.random.uniform((2, 3), rng=0).shape
    (2, 3)
    """
    draw = _lifted(
        _uniform(shape=_lengths(shape, "uniform"), dtype=_floating(dtype, "uniform"), rng=rng)
    )
    if not (_is(low, 0.0) and _is(high, 1.0)):
        draw = add(low, multiply(draw, high - low))
    return draw.requires_grad_() if requires_grad else draw


def normal(
    shape: Any = (),
    mean: Any = 0.0,
    std: Any = 1.0,
    *,
    dtype: Any = np.float64,
    rng: Rng = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn from the normal distribution; gradients flow to a tensor ``mean`` or ``std``.

    The other arguments are those of :func:`uniform`.

    Raises:
        ValueError: if ``std`` is negative.

    >>> import tinygrad_lite as tg
    >>> mean = tg.tensor(5.0, requires_grad=True)
    >>> tg.random.normal(4, mean, rng=0).sum().backward()
    >>> mean.grad
    tensor(4.)
    """
    _refuse(_values(std) < 0, f"normal: std must not be negative: {std}")
    draw = _lifted(
        _normal(shape=_lengths(shape, "normal"), dtype=_floating(dtype, "normal"), rng=rng)
    )
    if not (_is(mean, 0.0) and _is(std, 1.0)):
        draw = add(mean, multiply(draw, std))
    return draw.requires_grad_() if requires_grad else draw


def integers(
    low: int,
    high: int | None = None,
    shape: Any = (),
    *,
    dtype: Any = np.int64,
    rng: Rng = None,
) -> Tensor:
    """Integers from ``low`` up to, not including, ``high``; from 0 if one number is given.

    >>> import tinygrad_lite as tg
    >>> tg.random.integers(10, shape=3, rng=0)
    tensor([8, 6, 5])
    """
    return _lifted(_integers(low=low, high=high, shape=shape, dtype=np.dtype(dtype), rng=rng))


def permutation(x: Any, *, rng: Rng = None) -> Tensor:
    """The numbers below an integer in random order, or the rows of a tensor or array.

    >>> import tinygrad_lite as tg
    >>> tg.random.permutation(4, rng=0)
    tensor([2, 0, 1, 3])
    """
    if isinstance(x, (int, np.integer)):
        return _lifted(_permutation(n=int(x), rng=rng))
    if not np.ndim(x):
        raise TypeError(
            "permutation takes an integer, or a tensor or array with rows, not "
            f"{x!r:.60} ({type(x).__name__} without dimensions)"
        )
    order = _lifted(_permutation(n=np.shape(x)[0], rng=rng))
    return _lifted(take(x, order, axis=0))


def bernoulli(shape: Any = (), p: Any = 0.5, *, dtype: Any = np.bool_, rng: Rng = None) -> Tensor:
    """True with probability ``p``, else False; as 1 and 0 of another dtype if one is given.

    Raises:
        ValueError: if ``p`` is not from 0 to 1.

    >>> import tinygrad_lite as tg
    >>> tg.random.bernoulli(5, 0.5, rng=0)
    tensor([False,  True,  True,  True, False])
    """
    chance = _values(p)
    _refuse(~((chance >= 0) & (chance <= 1)), f"bernoulli: p must be from 0 to 1: {p}")
    hit = _lifted(
        less(_uniform(shape=_lengths(shape, "bernoulli"), dtype=np.dtype(float), rng=rng), p)
    )
    return hit if hit.dtype == dtype else _lifted(cast(hit, dtype))


def _is(x: Any, number: float) -> bool:
    """Whether x is that very Python number."""
    return isinstance(x, (int, float)) and x == number


def _lifted(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else constant(value)
