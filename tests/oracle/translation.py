"""PyTorch's operations in the words of this library: one translation of arguments for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.oracle.call import Call

Array = Any
Translate = Callable[..., Call]


class NotApplicableError(Exception):
    """The sample asks for something that NumPy's operation of that name does not have."""


def named(name: str, *given: str, **fixed: Any) -> Translate:
    """The same arguments under another name, by keyword for those named in ``given``."""

    def translate(*args: Any, **kwargs: Any) -> Call:
        kwargs.pop("out", None)
        second = [key for key in kwargs if key in ("other", "tensor2", "vec2", "mat2")]
        positional = [*args, *(kwargs.pop(key) for key in second)]
        if unknown := set(kwargs) - set(given):
            raise NotApplicableError(f"no {', '.join(sorted(unknown))}")
        return Call(name, tuple(positional), {**fixed, **kwargs})

    return translate


def axis_of(dim: Any) -> Any:
    """PyTorch's dim as an axis: an empty list of them means all."""
    return (tuple(dim) or None) if isinstance(dim, (list, tuple)) else dim


def reduction(name: str, *extra: str) -> Translate:
    """Operations of (x, dim, keepdim)."""

    def translate(
        x: Array, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **kwargs: Any
    ) -> Call:
        if unknown := set(kwargs) - set(extra):
            raise NotApplicableError(f"no {', '.join(sorted(unknown))}")
        if not x.ndim and isinstance(dim, (list, tuple)) and dim:
            raise NotApplicableError("a number has no axes")
        kwargs = {"axis": axis_of(dim), "keepdims": keepdim, **kwargs}
        return Call(name, (x,), kwargs if dtype is None else {**kwargs, "dtype": dtype})

    return translate


def spread(name: str) -> Translate:
    """var and std: PyTorch counts n - 1 unless told."""

    def translate(
        x: Array,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: Any = None,
    ) -> Call:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        ddof = (1 if unbiased else 0) if correction is None else correction
        return Call(name, (x,), {"axis": axis_of(dim), "ddof": ddof, "keepdims": keepdim})

    return translate


def picked(name: str) -> Translate:
    """max and min: of one array, or of two."""

    def translate(x: Array, dim: Any = None, keepdim: bool = False, other: Any = None) -> Call:
        if isinstance(dim, np.ndarray) or other is not None:
            return Call(f"{name}imum", (x, dim if other is None else other))
        return Call(name, (x,), {"axis": dim, "keepdims": keepdim})

    return translate


def scaled(name: str) -> Translate:
    """add and sub: the second argument may be scaled."""

    def translate(x: Array, other: Any, *, alpha: float = 1) -> Call:
        if alpha != 1:
            raise NotApplicableError("no alpha")
        return Call(name, (x, other))

    return translate


def divide(x: Array, other: Any, *, rounding_mode: str | None = None) -> Call:
    if rounding_mode == "trunc":
        raise NotApplicableError("no rounding towards zero")
    return Call("divide" if rounding_mode is None else "floor_divide", (x, other))


def clip(x: Array, min: Any = None, max: Any = None) -> Call:
    return Call("clip", (x, min, max))


def quantile(
    x: Array, q: Any, dim: Any = None, keepdim: bool = False, interpolation: str = "linear"
) -> Call:
    return Call("quantile", (x, q), {"axis": dim, "keepdims": keepdim, "method": interpolation})


def median(x: Array, dim: Any = None, keepdim: bool = False) -> Call:
    n = x.size if dim is None or not x.ndim else x.shape[dim]
    if n % 2 == 0:
        raise NotApplicableError("the lower of the two middle elements, NumPy's is their mean")
    return Call("median", (x,), {"axis": dim, "keepdims": keepdim})


def norm(
    x: Array, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Call:
    """torch.norm: a number is always a vector's norm, over all axes together."""
    if dtype is not None:
        raise NotApplicableError("no dtype")
    if p == "nuc":
        return Call("norm", (x, p), {"axis": axis_of(dim), "keepdims": keepdim})
    return vector_norm(x, 2 if p in ("fro", None) else p, dim, keepdim)


def vector_norm(
    x: Array, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Call:
    axis = axis_of(dim)
    axes = tuple(range(x.ndim)) if axis is None else tuple(np.atleast_1d(axis).tolist())
    if dtype is not None:
        raise NotApplicableError("no dtype")
    if len(axes) == 1:
        return Call("linalg.norm", (x, ord), {"axis": axes[0], "keepdims": keepdim})
    if axis is None and ord == 2:
        return Call("linalg.norm", (x,), {"keepdims": keepdim})
    if len(axes) == 2 and ord == 2:
        return Call("linalg.norm", (x, "fro"), {"axis": axes, "keepdims": keepdim})
    raise NotApplicableError("NumPy takes the norm of vectors over one axis")


def linalg_norm(
    x: Array, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Call:
    if dtype is not None:
        raise NotApplicableError("no dtype")
    return Call("linalg.norm", (x, ord), {"axis": dim, "keepdims": keepdim})


def matrix_norm(
    x: Array, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Call:
    return linalg_norm(x, ord, tuple(dim), keepdim, dtype=dtype)


def along(name: str) -> Translate:
    """cumsum and its like: of (x, dim)."""

    def translate(x: Array, dim: int, *, dtype: Any = None) -> Call:
        if not x.ndim:
            raise NotApplicableError("NumPy makes a number a vector")
        return Call(name, (x, dim), {} if dtype is None else {"dtype": dtype})

    return translate


def softmax(name: str) -> Translate:
    def translate(x: Array, dim: int, *, dtype: Any = None) -> Call:
        if dtype is not None:
            raise NotApplicableError("no dtype")
        return Call(name, (x,), {"axis": dim})

    return translate


def sort(x: Array, dim: int = -1, descending: bool = False, stable: bool = False) -> Call:
    if descending:
        raise NotApplicableError("no descending order")
    return Call("sort", (x, dim))


def argsort(x: Array, dim: int = -1, descending: bool = False, stable: bool = False) -> Call:
    if descending:
        raise NotApplicableError("no descending order")
    if not x.ndim:
        raise NotApplicableError("NumPy makes a number a vector")
    if not stable and len(np.unique(x)) < x.size:
        raise NotApplicableError("equal elements in any order")
    return Call("argsort", (x, dim))


def einsum(operands: Any, equation: str) -> Call:
    return Call("einsum", (equation, *operands))


def tensordot(x: Array, y: Array, dims: Any = 2) -> Call:
    if isinstance(dims, np.ndarray):
        dims = dims.tolist()
    return Call("tensordot", (x, y, dims))


def joined(name: str, key: str = "axis") -> Translate:
    def translate(arrays: Any, *args: Any, dim: int = 0) -> Call:
        arrays, args = ([arrays, *args], ()) if isinstance(arrays, np.ndarray) else (arrays, args)
        arrays = list(arrays)
        if len({x.ndim for x in arrays}) > 1 and any(x.shape == (0,) for x in arrays):
            raise NotApplicableError("empty vectors are passed over")
        if name in ("hstack", "vstack"):
            return Call(name, (arrays,))
        return Call(name, (arrays,), {key: args[0] if args else dim})

    return translate


def split(x: Array, sizes: Any, dim: int = 0) -> Call:
    """Pieces of a size, or of sizes."""
    n = x.shape[dim]
    if isinstance(sizes, int):
        sizes = [sizes] * (-(-n // sizes))
        sizes[-1:] = [n - sum(sizes[:-1])]
    if sum(sizes) != n:
        raise ValueError("the sizes do not add up")
    return Call("split", (x, np.cumsum(sizes)[:-1].tolist(), dim))


def chunk(x: Array, chunks: int, dim: int = 0) -> Call:
    return split(x, max(1, -(-x.shape[dim] // chunks)), dim)


def tensor_split(x: Array, places: Any, dim: int = 0) -> Call:
    return Call(
        "array_split", (x, places.tolist() if isinstance(places, np.ndarray) else places, dim)
    )


def pad(x: Array, widths: Any, mode: str = "constant", value: float | None = 0) -> Call:
    """PyTorch names pairs from the last axis on."""
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2)
    pairs += [(widths[i], widths[i + 1]) for i in range(len(widths) - 2, -1, -2)]
    if min(widths) < 0:
        raise NotApplicableError("negative widths cut off")
    if mode == "constant":
        return Call("pad", (x, pairs), {"constant_values": value or 0})
    return Call("pad", (x, pairs, {"replicate": "edge", "circular": "wrap"}.get(mode, mode)))


def reshaped(x: Array, *shape: Any) -> Call:
    return Call("reshape", (x, shape[0] if len(shape) == 1 else shape))


def expanded(x: Array, *shape: Any) -> Call:
    shape = shape[0] if isinstance(shape[0], tuple) else shape
    sizes = [x.shape[i - len(shape)] if n == -1 else n for i, n in enumerate(shape)]
    return Call("broadcast_to", (x, tuple(sizes)))


def tile(x: Array, *reps: Any) -> Call:
    reps = reps[0] if reps and isinstance(reps[0], tuple) else reps
    return Call("tile", (x, reps))


def repeat(x: Array, repeats: Any, dim: Any = None, *, output_size: Any = None) -> Call:
    return Call("repeat", (x, repeats, dim))


def roll(x: Array, shifts: Any, dims: Any = None) -> Call:
    return Call("roll", (x, shifts, dims if dims != () else None))


def flip(x: Array, dims: Any) -> Call:
    return Call("flip", (x, tuple(dims)))


def take_along(x: Array, indices: Array, dim: Any = None) -> Call:
    return Call("take_along_axis", (x, indices, dim))


def gather(x: Array, dim: int, index: Array) -> Call:
    if any(n > m for i, (n, m) in enumerate(zip(index.shape, x.shape)) if i != dim % x.ndim):
        raise ValueError("the index is larger than what it reads")
    if any(n != m for i, (n, m) in enumerate(zip(index.shape, x.shape)) if i != dim % x.ndim):
        raise NotApplicableError("an index smaller than what it reads broadcasts in NumPy")
    return Call("take_along_axis", (x, index, dim))


def index_select(x: Array, dim: int, index: Array) -> Call:
    if not x.ndim:
        raise NotApplicableError("NumPy makes a number a vector")
    return Call("take", (x, index, dim))


def select(x: Array, dim: int, index: int) -> Call:
    return Call("take", (x, index, dim))


def getitem(x: Array, *index: Any) -> Call:
    key = index[0] if len(index) == 1 else index
    if isinstance(key, list) and not all(isinstance(part, int) for part in key):
        key = tuple(key)
    return Call("getitem", (x, key))


def index_put(x: Array, indices: Any, values: Array, accumulate: bool = False) -> Call:
    if accumulate:
        raise NotApplicableError("no adding up in an assignment")
    return Call("assign", (x, tuple(indices), values))


def diagonal(x: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Call:
    return Call("diagonal", (x, offset, dim1, dim2))


def linalg_diagonal(x: Array, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Call:
    return Call("diagonal", (x, offset, dim1, dim2))


def solve(a: Array, b: Array, *, left: bool = True) -> Call:
    if not left:
        raise NotApplicableError("no solving from the right")
    if b.ndim > 1 and b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]:
        raise NotApplicableError("a stack of vectors, for NumPy a matrix")
    return Call("linalg.solve", (a, b))


def outer(x: Array, y: Array) -> Call:
    return Call("outer", (x, y))


def linear(x: Array, weight: Array, bias: Array | None = None) -> Call:
    if bias is None or weight.ndim != 2 or bias.ndim != 1:
        raise NotApplicableError("affine takes a matrix and a bias")
    return Call("affine", (x, weight, bias))


def where(x: Array, condition: Array, other: Array) -> Call:
    """The samples call it as a method of x."""
    return Call("where", (condition, x, other))


def like(name: str) -> Translate:
    def translate(x: Array, *value: Any, dtype: Any = None, **_: Any) -> Call:
        return Call(name, (x, *value), {} if dtype is None else {"dtype": dtype})

    return translate


def sign(x: Array) -> Call:
    if np.isnan(x).any():
        raise NotApplicableError("of what is not a number, NumPy's sign is none either")
    return Call("sign", (x,))


def gelu(x: Array, *, approximate: str = "none") -> Call:
    return Call("gelu", (x,), {"approximate": approximate})
