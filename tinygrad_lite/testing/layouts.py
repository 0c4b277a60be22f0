"""The same values in the memory layouts that NumPy allows: a rule must not care which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor, constant

Array = np.ndarray[Any, Any]
Arrays = Sequence[Array]


def _strided(array: Array) -> Array:
    room = np.empty((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    view = room[..., ::2]
    view[...] = array
    return view


def _reversed(array: Array) -> Array:
    backwards = (slice(None, None, -1),) * array.ndim
    return np.ascontiguousarray(array[backwards])[backwards]


def _repeated(array: Array) -> Array:
    return np.broadcast_to(array[:1].copy(), array.shape) if len(array) else array


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": _strided,
    "negative stride": _reversed,
    "zero stride": _repeated,
}
"""How arrays with axes are laid out; ``zero stride`` repeats the first row: its values differ."""


def arrange(array: Any, layout: str) -> Array:
    """The array in a layout of :data:`LAYOUTS`, read-only.

    >>> arrange([1.0, 2.0, 3.0], "negative stride").strides
    (-8,)
    >>> arrange([1.0, 2.0], "zero stride")
    array([1., 1.])
    """
    array = np.asarray(array)
    arranged = LAYOUTS[layout](array) if array.ndim else array.copy()
    arranged = arranged if arranged is not array else array.copy()
    arranged.flags.writeable = False
    return arranged


def described(layouts: Sequence[str], labels: Sequence[str]) -> str:
    """In words how inputs of these names, and then the cotangent, are laid out.

    >>> described(["C", "Fortran", "C"], ["x", "y"])
    'Fortran y'
    >>> described(["strided", "strided"], ["x"])
    'strided inputs'
    """
    if len(set(layouts)) == 1:
        return f"{layouts[0]} inputs"
    named = zip(layouts, [*labels, "cotangent"])
    return ", ".join(f"{layout} {label}" for layout, label in named if layout != "C")


def layout_of(array: Array) -> str:
    """The layout by which :func:`arrange` makes the same array; "C" if there is none.

    >>> layout_of(np.arange(3.0)[::-1])
    'negative stride'
    """
    for layout in LAYOUTS:
        twin = arrange(array, layout)
        if twin.strides == array.strides and np.array_equal(twin, array):
            return layout
    return "C"


def leaf(array: Any, requires_grad: bool = True) -> Tensor:
    """A tensor around the array as it is laid out: not copied, read-only if the array is.

    >>> leaf(arrange([1.0, 2.0], "negative stride")).numpy().strides
    (-8,)
    """
    t = constant(array[()] if isinstance(array, np.ndarray) and not array.ndim else array)
    t._requires_grad = requires_grad
    return t
