import inspect

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.ops.test_primitives import ROWS
from tinygrad_lite.drawing.notation import literal
from tinygrad_lite.drawing.symbol import Symbol, local_rule
from tinygrad_lite.primitive import PerSlot


def rule_of(operation, slot):
    rules = operation.vjps
    if isinstance(rules, PerSlot):
        return rules[slot]
    return rules[slot] if slot < len(rules) else None


def argument_names(operation, count):
    """What the rules of an operation call their inputs, by slot: ``x, y``, say."""
    rules = operation.vjps
    per_slot = isinstance(rules, PerSlot)
    rule = rules.rule if per_slot else next(filter(None, rules))
    names = []
    for p in list(inspect.signature(rule).parameters.values())[3 if per_slot else 2 :]:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name.removesuffix('s')}{i}" for i in range(count - len(names))]
        elif p.kind is not p.KEYWORD_ONLY:
            names.append(p.name)
    return dict(enumerate(names[:count]))


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.primitive.vjps is not None], ids=lambda r: r.primitive.name
)
def test_a_formula_is_the_rule_itself_for_every_primitive(row, rng):
    for example in row.examples:
        inputs, attributes = example.inputs, example.attributes
        out = row.primitive(*inputs, **attributes)
        g = rng.normal(size=np.shape(out)).astype(out.dtype)[()]
        for slot, x in enumerate(inputs):
            rule = rule_of(row.primitive, slot)
            if rule is None or np.asarray(x).dtype.kind != "f":
                continue
            with np.errstate(all="ignore"):
                expected = rule(g, out, *inputs, **attributes)
            names = argument_names(row.primitive, len(inputs))
            symbol = local_rule(row.primitive, slot, g, out, inputs, attributes, names)
            np.testing.assert_array_equal(symbol.value, expected)
            assert np.asarray(symbol.value).dtype == np.asarray(expected).dtype
            assert str(symbol)


def formula(operation, slot, *inputs, names=None, **attributes):
    out = operation(*inputs, **attributes)
    names = names or argument_names(operation, len(inputs))
    return str(local_rule(operation, slot, np.ones_like(out), out, inputs, attributes, names))


MATRIX = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("operation", "slot", "inputs", "expected"),
    [
        (tg.multiply, 0, (2.0, 3.0), "g × y"),
        (tg.multiply, 1, (2.0, 3.0), "g × x"),
        (tg.add, 0, (2.0, 3.0), "g"),
        (tg.subtract, 1, (2.0, 3.0), "−g"),
        (tg.divide, 1, (2.0, 3.0), "−g × out ÷ y"),
        (tg.relu, 0, (MATRIX,), "g × (x > 0)"),
        (tg.log, 0, (MATRIX + 1,), "g ÷ x"),
        (tg.sqrt, 0, (MATRIX,), "g ÷ (2 × out)"),
        (tg.arctan, 0, (MATRIX,), "g ÷ hypot(x, 1) ÷ hypot(x, 1)"),
        (tg.matmul, 0, (MATRIX, MATRIX.T), "g @ yᵀ"),
        (tg.matmul, 1, (MATRIX, MATRIX.T), "xᵀ @ g"),
        (tg.matmul, 0, (MATRIX, np.ones(3)), "g ⊗ y"),
        (tg.arctan2, 0, (1.0, 2.0), "g × x/(x² + y²)"),
        (tg.arcsin, 0, (0.5,), "g × 1/√(1 − x²)"),
        (tg.arccosh, 0, (1.5,), "g × 1/√(x² − 1)"),
        (tg.arctanh, 0, (0.5,), "g × 1/(1 − x²)"),
        (tg.power, 1, (2.0, 3.0), "g × (xʸ × log(x))"),
        (tg.affine, 1, (MATRIX, MATRIX, np.ones(2)), "gᵀ @ x"),
        (tg.affine, 2, (MATRIX, MATRIX, np.ones(2)), "Σ(g, axis 0)"),
    ],
)
def test_a_rule_writes_itself_as_a_textbook_does(operation, slot, inputs, expected):
    assert formula(operation, slot, *inputs) == expected


@pytest.mark.parametrize(
    ("activation", "gate"),
    [(tg.silu, "σ"), (tg.gelu, "Φ"), (tg.mish, "tanh")],
)
def test_what_guards_against_nan_is_not_written_and_changes_nothing(activation, gate):
    values = np.array([-9.0, -1.0, 0.0, 2.0, 9.0])
    x = tg.tensor(values, requires_grad=True, name="x")
    y = activation(x)
    trace = tg.trace_backward(y, np.full(5, 3.0))
    first, second = trace[0], trace[1]
    assert (first.formula, second.formula) == (f"g × {second.target}", "g × x")
    gates = trace.names.nodes[-2].data
    np.testing.assert_array_equal(first.contribution, 3.0 * gates)
    np.testing.assert_array_equal(second.contribution, 3.0 * values)
    assert any(f"{gate}(" in row for row in trace.table().splitlines())


def test_names_of_inputs_go_into_the_formula():
    assert formula(tg.multiply, 0, 2.0, 3.0, names={0: "x", 1: "0.weight"}) == "g × 0.weight"


def test_users_operations_write_theirs_too():
    cube = tg.primitive(lambda x: x**3, [lambda g, out, x: g * 3 * x**2], name="cube")
    assert formula(cube, 0, 2.0) == "g × 3 × x²"


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda a, b: (a + b) * a, "(a + b) × a"),
        (lambda a, b: a + b * a, "a + b × a"),
        (lambda a, b: a - (b - a), "a − (b − a)"),
        (lambda a, b: a - b - a, "a − b − a"),
        (lambda a, b: a / (b / a), "a ÷ (b ÷ a)"),
        (lambda a, b: a * -b, "a × (−b)"),
        (lambda a, b: -(a + b), "−(a + b)"),
        (lambda a, b: (-a) ** 2, "(−a)²"),
        (lambda a, b: (a * b) ** 3, "(a × b)³"),
        (lambda a, b: a**b, "a^b"),
        (lambda a, b: a**0.5, "a^0.5"),
        (lambda a, b: 2 * a - 1, "2 × a − 1"),
        (lambda a, b: 1.5 + a, "1.5 + a"),
        (lambda a, b: a * a, "a²"),
        (lambda a, b: -0.5 * a * a, "−0.5 × a²"),
        (lambda a, b: (b + 2 * a) * a, "(b + 2 × a) × a"),
        (lambda a, b: tg.sqrt(a + b), "√(a + b)"),
        (lambda a, b: tg.sqrt(a), "√a"),
        (lambda a, b: tg.abs(a - b), "|a − b|"),
        (lambda a, b: tg.reshape(a, (3, 1)), "reshape(a)"),
        (lambda a, b: tg.reshape(a, (3, 1)).T @ b, "aᵀ @ b"),
        (lambda a, b: tg.exp(-a), "exp(−a)"),
        (lambda a, b: a[1:], "a[1:]"),
        (lambda a, b: a[..., None], "a[…, None]"),
        (lambda a, b: np.maximum(a, b), "max(a, b)"),
        (lambda a, b: np.sum(a, axis=0), "Σ(a, axis 0)"),
        (lambda a, b: np.concatenate([a, b]), "concatenate(a, b)"),
        (lambda a, b: np.ones(3) * a, "[1, 1, 1] × a"),
        (lambda a, b: a.sum(), "Σ(a)"),
        (lambda a, b: (a > b) & (a < 1), "a > b and a < 1"),
        (lambda a, b: tg.where(a > b, a, 0), "where(a > b, a, 0)"),
    ],
)
def test_expressions_have_as_few_parentheses_as_needed(build, expected):
    a, b = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    symbol = build(Symbol("a", a), Symbol("b", b))
    assert str(symbol) == expected
    np.testing.assert_array_equal(symbol.value, build(a, b))


def test_known_numbers_are_worked_out():
    three = Symbol(literal(3.0), 3.0)
    assert str(three - 1) == "2"
    assert str(tg.where(three == 0, 0.0, Symbol("a", 1.0))) == "a"
    assert formula(tg.power, 0, 2.0, 3.0, names={0: "x", 1: literal(3.0)}) == "g × 3 × x²"


def test_a_symbol_tells_its_shape_as_its_value_does():
    a = Symbol("a", np.zeros((2, 3), "float32"))
    assert np.shape(a) == a.shape == (2, 3)
    assert np.ndim(a) == a.ndim == 2
    assert np.size(a) == a.size == 6
    assert a.dtype == np.float32
    assert len(a) == 2
    assert [str(row) for row in a] == ["a[0]", "a[1]"]
    with pytest.raises(AttributeError, match="nonsense"):
        _ = a.nonsense
