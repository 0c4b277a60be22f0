"""Every primitive of the library against its row in the table of examples."""

from __future__ import annotations

import doctest
import importlib
import itertools
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ops.row import Array, Example, Kink, Row
from tinygrad_lite import ops
from tinygrad_lite.backward import cotangents
from tinygrad_lite.primitive import Primitive
from tinygrad_lite.tensor import Tensor, constant

FAMILIES = (ops,)  # the packages whose modules declare primitives
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 5e-324, 1e-200, 1e200, -1e200, 800.0, -800.0)
NON_FINITE = (np.inf, -np.inf, np.nan)


def declared() -> dict[str, Primitive]:
    """All primitives, by the module and name under which they are declared."""
    found: dict[int, tuple[str, Primitive]] = {}
    for family in FAMILIES:
        for info in pkgutil.iter_modules(family.__path__, family.__name__ + "."):
            for name, value in vars(importlib.import_module(info.name)).items():
                if isinstance(value, Primitive):
                    found.setdefault(id(value), (f"{info.name.split('.')[-1]}.{name}", value))
    return dict(found.values())


def table() -> list[Row]:
    """The rows of all families."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("table*.py"))
    return [row for n in names for row in importlib.import_module(f"tests.ops.{n}").ROWS]


ROWS = table()
PRIMITIVES = declared()


def label(row: Row) -> str:
    return row.primitive.name


def kinks() -> list[Any]:
    return [
        pytest.param(row, kink, id=f"{label(row)}-{kink.inputs}")
        for row in ROWS
        for kink in row.kinks
    ]


differentiable_row = pytest.mark.parametrize(
    "row", [row for row in ROWS if row.primitive.vjps is not None], ids=label
)

Check = Callable[[Row, Example, np.random.Generator], None]


def on_every_example(check: Check) -> Callable[..., None]:
    """A test of each differentiable row: ``check`` on all its examples."""

    @differentiable_row
    def test(row: Row, rng: np.random.Generator) -> None:
        for example in row.examples:
            check(row, example, rng)

    test.__doc__ = check.__doc__
    return test


# How a primitive is run


def frozen(x: Array) -> Array:
    """A read-only array with the values of ``x``: who writes to it is found out."""
    x = np.array(x)
    x.setflags(write=False)
    return x


def leaf(x: Array) -> Tensor:
    """A tensor around this very array, with a gradient if it is of floating dtype."""
    t = constant(x)
    t.requires_grad = np.asarray(x).dtype.kind == "f"
    return t


def slots(row: Row, inputs: tuple[Array, ...]) -> list[int]:
    """The arguments that take a gradient."""
    rules = row.primitive.vjps
    assert rules is not None
    return [
        i
        for i, x in enumerate(inputs)
        if np.asarray(x).dtype.kind == "f" and (not isinstance(rules, tuple) or rules[i])
    ]


def gradients(
    row: Row, inputs: tuple[Array, ...], attributes: dict[str, Any], g: Array, order: int = 1
) -> list[Array]:
    """The gradients of the arguments that take one, by a backward pass that is recorded or not."""
    leaves = [leaf(x) for x in inputs]
    out = row.primitive(*leaves, **attributes)
    found = cotangents(out, g, create_graph=order > 1)
    values = [found[leaves[i]] for i in slots(row, inputs)]
    return [v._data if isinstance(v, Tensor) else v for v in values]


def result(row: Row, inputs: tuple[Array, ...], attributes: dict[str, Any]) -> Array:
    return row.primitive(*inputs, **attributes)


def cotangent_for(row: Row, example: Example, rng: np.random.Generator) -> Array:
    out = result(row, example.inputs, example.attributes)
    return frozen(rng.uniform(0.5, 2, np.shape(out)) * rng.choice([-1.0, 1.0], np.shape(out)))


def differences(function: Any, x: Array, step: float = 1e-3) -> Array:
    """The gradient of a function of one array with one value, by five-point differences."""
    slope = np.zeros(np.shape(x))
    for index in np.ndindex(np.shape(x)):
        for shift, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            moved = np.array(x)
            moved[index] += shift * step
            slope[index] += weight * function(moved) / (12 * step)
    return slope


# The checks


def test_every_primitive_has_one_row() -> None:
    covered = [id(row.primitive) for row in ROWS]
    missing = [name for name, p in PRIMITIVES.items() if id(p) not in covered]
    twice = [label(row) for row in ROWS if covered.count(id(row.primitive)) > 1]
    assert not missing, f"these need a row in tests/ops/table*.py: {missing}"
    assert not twice


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_examples_differ(row: Row) -> None:
    """There are some, and none is there twice."""
    assert row.examples
    seen = [(str(example.inputs), str(example.attributes)) for example in row.examples]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(("name", "operation"), PRIMITIVES.items(), ids=PRIMITIVES)
def test_documentation(name: str, operation: Primitive) -> None:
    """Public primitives are documented, and their examples are true."""
    own = operation.__doc__ and operation.__doc__ != operation.forward.__doc__
    if name.split(".")[-1] in ops.__all__:
        assert own, f"{name} is public and has no documentation of its own"
    text = operation.__doc__ if own else ""
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.DocTestRunner(optionflags=flags).run(test).failed == 0


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_value(row: Row) -> None:
    for example in row.examples:
        check_value(row, example)


def check_value(row: Row, example: Example) -> None:
    inputs = tuple(map(frozen, example.inputs))
    expected = np.asarray(row.reference(*inputs, **example.attributes))
    out = result(row, inputs, example.attributes)
    recorded = row.primitive(*map(leaf, inputs), **example.attributes)
    assert np.shape(out) == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(recorded.numpy(), out)
    assert recorded.dtype == np.asarray(out).dtype


@on_every_example
def test_gradient(row: Row, example: Example, rng: np.random.Generator) -> None:
    inputs, attributes = tuple(map(frozen, example.inputs)), example.attributes
    g = cotangent_for(row, example, rng)
    for i, found in zip(slots(row, inputs), gradients(row, inputs, attributes, g)):

        def value(x: Array, i: int = i) -> float:
            moved = (*inputs[:i], x, *inputs[i + 1 :])
            return float(np.sum(g * result(row, moved, attributes)))

        expected = differences(value, inputs[i])
        np.testing.assert_allclose(
            found, expected, rtol=row.closeness, atol=row.closeness, err_msg=f"argument {i}"
        )


@on_every_example
def test_second_order(row: Row, example: Example, rng: np.random.Generator) -> None:
    """The gradient of w · gradient, for the arguments and for the cotangent."""
    inputs, attributes = tuple(map(frozen, example.inputs)), example.attributes
    g = cotangent_for(row, example, rng)
    wanted = slots(row, inputs)
    weights = [rng.normal(size=np.shape(inputs[i])) for i in wanted]

    def weighted(*values: Array) -> float:
        found = gradients(row, values[:-1], attributes, values[-1])
        return float(sum(np.sum(w * v) for w, v in zip(weights, found)))

    leaves = [leaf(x) for x in (*inputs, g)]
    out = row.primitive(*leaves[:-1], **attributes)
    first = cotangents(out, leaves[-1], create_graph=True)
    parts = [ops.sum(first[leaves[i]] * w) for i, w in zip(wanted, weights)]
    total = sum(parts[1:], parts[0])
    second = cotangents(total) if total.requires_grad else {}
    everything = (*inputs, g)
    for i in (*wanted, len(inputs)):

        def value(x: Array, i: int = i) -> float:
            return weighted(*everything[:i], x, *everything[i + 1 :])

        found = second.get(leaves[i], np.zeros(np.shape(everything[i])))
        np.testing.assert_allclose(
            found,
            differences(value, everything[i]),
            rtol=10 * row.closeness,
            atol=10 * row.closeness,
            err_msg=f"argument {i}",
        )


@on_every_example
def test_rules_on_tensors_agree_with_rules_on_arrays(
    row: Row, example: Example, rng: np.random.Generator
) -> None:
    inputs, g = tuple(map(frozen, example.inputs)), cotangent_for(row, example, rng)
    raw = gradients(row, inputs, example.attributes, g)
    recorded = gradients(row, inputs, example.attributes, g, order=2)
    for a, b in zip(raw, recorded):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-300)


@on_every_example
def test_shape_and_dtype_are_kept(row: Row, example: Example, rng: np.random.Generator) -> None:
    g = cotangent_for(row, example, rng)
    exact = gradients(row, example.inputs, example.attributes, g)
    for dtype in row.dtypes:
        inputs = tuple(
            np.asarray(x, dtype) if np.asarray(x).dtype.kind == "f" else x for x in example.inputs
        )
        out = result(row, inputs, example.attributes)
        assert out.dtype == dtype
        for order in (1, 2):
            found = gradients(row, inputs, example.attributes, g.astype(dtype), order)
            for i, a, b in zip(slots(row, inputs), found, exact):
                assert a.dtype == dtype and np.shape(a) == np.shape(inputs[i])
                scale = 50 * np.finfo(dtype).eps
                np.testing.assert_allclose(
                    a, b, rtol=scale, atol=scale * np.max(np.abs(b), initial=1)
                )


@on_every_example
def test_dtypes_of_arguments_may_differ(
    row: Row, example: Example, rng: np.random.Generator
) -> None:
    if not {"float32", "float64"} <= set(row.dtypes):
        return
    inputs = tuple(
        np.asarray(x, "float32") if i == 0 and np.asarray(x).dtype.kind == "f" else x
        for i, x in enumerate(example.inputs)
    )
    out = result(row, inputs, example.attributes)
    found = gradients(row, inputs, example.attributes, np.ones_like(out))
    for i, a in zip(slots(row, inputs), found):
        assert a.dtype == np.asarray(inputs[i]).dtype and np.shape(a) == np.shape(inputs[i])


def layouts(x: Array) -> Iterator[Array]:
    """The same values in memory of another order, reversed, and with gaps."""
    x = np.asarray(x)
    yield np.array(x, order="F")  # asfortranarray would give a number an axis
    if x.ndim:
        yield np.ascontiguousarray(x[::-1])[::-1]
        yield np.repeat(x, 2, axis=-1)[..., ::2]


@on_every_example
def test_memory_layout_does_not_matter(
    row: Row, example: Example, rng: np.random.Generator
) -> None:
    g = cotangent_for(row, example, rng)
    expected = gradients(row, example.inputs, example.attributes, g)
    for moved in itertools.zip_longest(*(layouts(x) for x in (*example.inputs, g))):
        inputs = tuple(
            frozen_view(x if m is None else m) for m, x in zip(moved, (*example.inputs, g))
        )
        found = gradients(row, inputs[:-1], example.attributes, inputs[-1])
        for a, b in zip(found, expected):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def frozen_view(x: Array) -> Array:
    """A read-only view, in the same layout."""
    view = np.asarray(x).view()
    view.setflags(write=False)
    return view


@on_every_example
def test_nothing_is_changed_or_shared(row: Row, example: Example, rng: np.random.Generator) -> None:
    inputs = tuple(map(frozen, example.inputs))
    g = cotangent_for(row, example, rng)
    before = [x.copy() for x in (*inputs, g)]
    for order in (1, 2):
        found = gradients(row, inputs, example.attributes, g, order)
        for x, was in zip((*inputs, g), before):
            np.testing.assert_array_equal(x, was)
        for a, b in itertools.combinations([*found, *inputs, g], 2):
            if any(a is x for x in found):
                assert not np.shares_memory(a, b)


@on_every_example
def test_zero_cotangent_gives_zero(row: Row, example: Example, rng: np.random.Generator) -> None:
    out = result(row, example.inputs, example.attributes)
    for order in (1, 2):
        for a in gradients(row, example.inputs, example.attributes, np.zeros_like(out), order):
            np.testing.assert_array_equal(a, 0)


ELEMENTWISE = [
    row
    for row in ROWS
    if row.primitive.elementwise
    and row.primitive.vjps is not None
    and "shape" not in row.examples[0].attributes
]


def special_points(row: Row) -> Iterator[tuple[tuple[Array, ...], dict[str, Any]]]:
    """The points where functions misbehave, in every combination, with each set of attributes."""
    kinds = [np.asarray(x).dtype.kind for x in row.examples[0].inputs]
    choices = [(*SPECIAL, *NON_FINITE) if kind == "f" else (False, True) for kind in kinds]
    points = tuple(frozen(column) for column in zip(*itertools.product(*choices)))
    given = {str(example.attributes): example.attributes for example in row.examples}
    for attributes in given.values():
        yield points, attributes


@pytest.mark.parametrize("row", ELEMENTWISE, ids=label)
@pytest.mark.parametrize("order", [1, 2])
def test_zero_cotangent_gives_zero_at_special_points(row: Row, order: int) -> None:
    for inputs, attributes in special_points(row):
        with np.errstate(all="ignore"):
            out = result(row, inputs, attributes)
            found = gradients(row, inputs, attributes, np.zeros_like(out), order)
        for i, a in enumerate(found):
            wrong = a != 0
            assert not wrong.any(), f"argument {i}: {a[wrong]} at {[x[wrong] for x in inputs]}"


@pytest.mark.parametrize("row", ELEMENTWISE, ids=label)
def test_no_warning_where_the_value_is_finite(row: Row) -> None:
    for inputs, attributes in special_points(row):
        with np.errstate(all="ignore"):
            finite = np.isfinite(result(row, inputs, attributes))
        result(row, tuple(x[finite] for x in inputs), attributes)  # a warning is an error in tests


@pytest.mark.parametrize("row", ELEMENTWISE, ids=label)
def test_rules_agree_at_special_points(row: Row) -> None:
    """On arrays, on tensors, and on single numbers, where NumPy takes other ways."""
    for inputs, attributes in special_points(row):
        with np.errstate(all="ignore"):
            g = np.full_like(result(row, inputs, attributes), -1.5)
            raw = gradients(row, inputs, attributes, g)
            recorded = gradients(row, inputs, attributes, g, order=2)
            single = [
                gradients(row, numbers, attributes, g[0]) for numbers in zip(*inputs, strict=True)
            ]
        for i, (a, b) in enumerate(zip(raw, recorded)):
            np.testing.assert_allclose(a, b, rtol=1e-13, err_msg=f"argument {i}")
            np.testing.assert_allclose([v[i] for v in single], a, rtol=1e-13)


@pytest.mark.parametrize(("row", "kink"), kinks())
def test_kink(row: Row, kink: Kink) -> None:
    """On arrays and on single numbers, by rules on arrays and on tensors."""
    numbers = tuple(
        np.asarray(x) if isinstance(x, bool) else np.asarray(x, float) for x in kink.inputs
    )
    expected = [kink.gradients[i] for i in slots(row, numbers)]
    for inputs in (numbers, tuple(np.atleast_1d(x) for x in numbers)):
        for order in (1, 2):
            with np.errstate(all="ignore"):
                out = result(row, inputs, kink.attributes)
                found = gradients(row, inputs, kink.attributes, np.ones_like(out), order)
            for i, (a, b) in enumerate(zip(found, expected)):
                np.testing.assert_allclose(
                    np.reshape(a, np.shape(b)), b, rtol=1e-14, atol=0, err_msg=f"argument {i}"
                )
