"""Every primitive of the library, compiled: its value and its gradients are as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.ops.test_primitives import ROWS
from tinygrad_lite.tensor import Tensor

CASES = [
    pytest.param(row, example, id=f"{row.primitive.name}-{number}")
    for row in ROWS
    for number, example in enumerate(row.examples)
]


def turned(inputs: tuple[Any, ...], seed: int) -> tuple[Any, ...]:
    """Other inputs of the same shapes, in the same domain: each one's elements change places."""
    rng = np.random.default_rng(seed)
    order: dict[int, Any] = {}
    found = []
    for x in inputs:
        x = np.asarray(x)
        if x.dtype.kind == "f" and x.size:
            same = order.setdefault(x.size, rng.permutation(x.size))
            x = x.reshape(-1)[same].reshape(x.shape)
        found.append(x[()])
    return tuple(found)


def agree(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    found, wanted = (np.asarray(getattr(v, "_data", v)) for v in (found, wanted))
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    tolerance = {2: 2e-3, 4: 1e-5}.get(wanted.dtype.itemsize if wanted.dtype.kind == "f" else 8)
    np.testing.assert_allclose(
        found, wanted, rtol=tolerance or 1e-10, atol=tolerance or 1e-12, equal_nan=True
    )


@pytest.mark.parametrize(("row", "example"), CASES)
def test_value_and_gradients(row: Any, example: Any) -> None:
    operation, attributes = row.primitive, example.attributes
    floating = [np.asarray(x).dtype.kind == "f" for x in example.inputs]

    def value(*inputs: Any) -> Any:
        return operation(*inputs, **attributes)

    def gradients(*inputs: Any) -> Any:
        marks = [x + 0 if f else x for x, f in zip(inputs, floating)]
        out = operation(*marks, **attributes)
        weights = tg.cos(tg.cast(out, float) + 0.3)
        first = tg.vjp(
            lambda *xs: _mixed(operation, xs, marks, floating, attributes),
            *[m for m, f in zip(marks, floating) if f],
        )[1](weights.detach())
        return out, first

    compiled = tg.compile(value)
    pulled = tg.compile(gradients) if operation.vjps is not None and any(floating) else None
    for call in range(4):
        inputs = turned(example.inputs, call) if _free(row) else example.inputs
        arrays = [np.array(x)[()] if np.ndim(x) else np.asarray(x)[()] for x in inputs]
        with np.errstate(all="ignore"):
            agree(compiled(*arrays), value(*arrays))
            tensors = [Tensor(x) for x in arrays]
            agree(compiled(*tensors), value(*tensors))
            if pulled is not None and np.asarray(value(*arrays)).dtype.kind == "f":
                found, wanted = pulled(*tensors), gradients(*tensors)
                agree(found[0], wanted[0])
                for one, other in zip(found[1], wanted[1]):
                    agree(one, other)
    assert compiled.source


def _mixed(operation: Any, xs: Any, marks: Any, floating: Any, attributes: Any) -> Any:
    rest = iter(xs)
    given = [next(rest) if f else m for m, f in zip(marks, floating)]
    return tg.cast(operation(*given, **attributes), float)


def _free(row: Any) -> bool:
    """Whether the elements of its inputs may change places."""
    return row.primitive.name not in ("cholesky", "inv", "solve", "det", "slogdet")
