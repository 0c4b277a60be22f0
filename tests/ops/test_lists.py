"""Lists of numbers, where a function takes arrays, give what the array gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import ops

PAIR = [[0.5, 0.25], [0.25, 0.75]]
WHOLE = [[1, 2], [3, 4]]
TRUTH = [[True, False], [False, True]]

OTHERS: dict[str, tuple[Any, ...]] = {
    "affine": (PAIR, PAIR, [1.0, 2.0]),
    "arange": (3,),
    "array_split": (PAIR, 2),
    "assign": (np.eye(2), 0, [1.0, 2.0]),
    "broadcast_to": (PAIR, (3, 2, 2)),
    "cast": (PAIR, "float32"),
    "concatenate": ([PAIR, PAIR],),
    "einsum": ("ij,jk", PAIR, PAIR),
    "expand_dims": (PAIR, 1),
    "eye": (3,),
    "full": ((2, 2), PAIR),
    "full_like": (PAIR, PAIR),
    "getitem": (PAIR, [1, 0]),
    "hstack": ([PAIR, PAIR],),
    "linspace": (PAIR, PAIR, 3),
    "moveaxis": (PAIR, 0, 1),
    "ones": (3,),
    "pad": (PAIR, 1),
    "quantile": (PAIR, [0.25, 0.5]),
    "repeat": (PAIR, 2),
    "reshape": (PAIR, (4,)),
    "roll": (PAIR, 1),
    "split": (PAIR, 2),
    "stack": ([PAIR, PAIR],),
    "swapaxes": (PAIR, 0, 1),
    "take": (PAIR, [1, 0]),
    "take_along_axis": (PAIR, [[0, 1]], 0),
    "tile": (PAIR, 2),
    "vstack": ([PAIR, PAIR],),
    "where": (TRUTH, PAIR, PAIR),
    "zeros": (3,),
}
WHOLE_NUMBERS = ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift")


def arguments(name: str) -> tuple[Any, ...]:
    """What to call an operation with: as many lists as it takes."""
    if name in OTHERS:
        return OTHERS[name]
    if name in WHOLE_NUMBERS:
        return WHOLE, WHOLE
    if name == "invert":
        return (WHOLE,)
    operation = getattr(ops, name)
    try:
        with np.errstate(all="ignore"):
            operation(np.ones((2, 2)))
    except TypeError:
        return PAIR, PAIR
    return (PAIR,)


def parts(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("name", sorted({*ops.__all__}))
def test_a_list_is_taken_as_the_array_is(name: str) -> None:
    operation, given = getattr(tg, name), arguments(name)

    def arrays(x: Any) -> Any:
        if name in ("concatenate", "hstack", "vstack", "stack") and isinstance(x, list):
            return [np.array(part) for part in x]
        return np.array(x) if isinstance(x, list) else x

    with np.errstate(all="ignore"):
        found, expected = operation(*given), operation(*map(arrays, given))
    for a, b in zip(parts(found), parts(expected), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("name", sorted({*tg.linalg.__all__} - {"SlogdetResult"}))
def test_linear_algebra_takes_lists(name: str) -> None:
    operation = getattr(tg.linalg, name)
    given = (PAIR, [1.0, 2.0]) if name == "solve" else (PAIR,)
    found, expected = operation(*given), operation(*map(np.array, given))
    for a, b in zip(parts(found), parts(expected), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
