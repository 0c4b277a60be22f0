"""check_grads: its arguments, its report, and the failure that a person reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.testing import GradientError, check_grads, check_module, compare

rng = np.random.default_rng(0)
X = rng.normal(size=(2, 3))


def doubled_tanh_rule(g: Any, out: Any, x: Any) -> Any:
    return 2 * g * (1 - out * out)


wrong_tanh = tg.primitive(np.tanh, [doubled_tanh_rule], name="wrong_tanh")


def wrong(x: Any) -> Any:
    return wrong_tanh(x)


def failure(*arguments: Any, **options: Any) -> GradientError:
    with pytest.raises(GradientError) as caught:
        check_grads(*arguments, **options)
    return caught.value


def test_the_report_holds_what_was_checked() -> None:
    report = check_grads(tg.matmul, [X, X.T], reference=np.matmul)
    assert report.passed
    assert report.order == 2
    assert "complex step" in report.methods
    assert report.checked["gradients agree with the oracle"] == 2
    assert 0 <= report.worst < 1


def test_the_failure_as_data() -> None:
    (first, *_) = failure(wrong, X).report.findings
    assert first.argument == "x"
    assert first.order == 1
    assert first.numeric is not None and first.analytic is not None
    assert first.analytic == pytest.approx(2 * first.numeric[0])
    assert first.bar is not None and first.bar < 1e-9
    assert first.diagnosis == "off by a factor 2"


def run(snippet: str, **known: Any) -> dict[str, Any]:
    lines = [line for line in snippet.splitlines() if " = ...  # " not in line]
    known["shown"] = []
    exec("\n".join(lines).replace("print(", "shown.append("), known)
    return known


def snippet_of(error: GradientError) -> str:
    text = str(error).split("To see it again:")[1]
    return "\n".join(line[4:] for line in text.splitlines())


def test_the_snippet_shows_the_failure_again() -> None:
    error = failure(wrong, X)
    assert run(snippet_of(error), f=wrong)["shown"][-1] == error.report.findings[0].analytic


def test_the_snippet_of_a_large_array_is_exact() -> None:
    error = failure(wrong, rng.normal(size=(40, 30)))
    shown = run(snippet_of(error), f=wrong)["shown"][-1]
    assert shown == error.report.findings[0].analytic


def test_the_snippet_of_a_layout_arranges_it() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        strides = (x.numpy() if isinstance(x, tg.Tensor) else np.asarray(x)).strides
        return g * (2.0 if min(strides, default=0) < 0 else 1.0)

    careless = tg.primitive(np.positive, [rule], name="careless")
    error = failure(careless, X)
    assert "negative stride" in str(error)
    assert run(snippet_of(error), f=careless)["shown"][-1] == error.report.findings[0].analytic


def test_gradients_that_are_clipped_are_found() -> None:
    square = tg.primitive(np.square, [lambda g, out, x: tg.clip(g, -5, 5) * 2 * x], name="clipped")
    assert "for s = 2**40" in str(failure(square, X))
    floor = tg.primitive(
        np.square, [lambda g, out, x: tg.where(abs(g) < 1e-6, 0.0, g) * 2 * x], name="floored"
    )
    assert "for s = 2**-40" in str(failure(floor, X))


def test_layouts_are_mixed() -> None:
    def rule(g: Any, out: Any, x: Any, y: Any) -> Any:
        return (np.ravel(g, "K") * np.ravel(y, "K")).reshape(np.shape(x))

    mixed = tg.primitive(np.multiply, [rule, lambda g, out, x, y: g * x], name="mixed")
    error = failure(mixed, (X, X + 1), order=1)
    assert any(f.layouts == ("C", "Fortran", "C") for f in error.report.findings)
    assert run(snippet_of(error), f=mixed)["shown"][-1] == error.report.findings[0].analytic


def test_a_cotangent_of_another_layout_is_tried() -> None:
    exp = tg.primitive(
        np.exp,
        [lambda g, out, x: np.ravel(g, "K").reshape(g.shape) * np.exp(x)],
        name="exp_of_memory",
    )
    error = failure(exp, X, order=1)
    assert "Fortran" in str(error)
    assert any(f.layouts == ("C", "Fortran") for f in error.report.findings)


def test_the_snippet_of_a_second_order_goes_back_twice() -> None:
    def rule(g: Any, out: Any, x: Any) -> Any:
        raw = out.numpy() if isinstance(out, tg.Tensor) else out
        return g * (1 - raw * raw)

    detached = tg.primitive(np.tanh, [rule], name="detached")
    error = failure(detached, X)
    assert "derivative of order 2" in str(error)
    assert check_grads(detached, X, order=1).passed
    assert run(snippet_of(error), f=detached)["shown"][-1] is None  # there is no second gradient


@pytest.mark.parametrize("order", [1, 2])
def test_the_snippet_runs_whatever_the_arguments_are_called(order: int) -> None:
    doubled = tg.primitive(np.tanh, [doubled_tanh_rule], name="doubled")
    wrong_twice = tg.primitive(np.tanh, [lambda g, out, x: g * (1 - doubled(x) ** 2)], name="twice")
    inner = doubled if order == 1 else wrong_twice

    def product(y: Any, f: Any, u: Any, g: Any, np: Any, tg: Any) -> Any:
        return inner(y) * f * u * g * np * tg

    error = failure(product, tuple(X + k for k in range(6)), order=order)
    first = error.report.findings[0]
    assert first.order == order
    assert run(snippet_of(error), f=product)["shown"][-1] == pytest.approx(
        first.analytic, rel=1e-12
    )


def test_the_snippet_writes_out_attributes() -> None:
    def picked(x: Any, index: Any = None) -> Any:
        return wrong_tanh(x)[index]

    error = failure(picked, X, attributes={"index": (slice(None), np.array([0, 2]))})
    assert run(snippet_of(error), f=picked)["shown"][-1] == error.report.findings[0].analytic


def test_a_derivative_written_by_hand() -> None:
    def norm(x: Any) -> Any:
        return np.sqrt(np.sum(x * x))

    assert check_grads(norm, X, vjp=lambda g, x: g * x / norm(x)).passed
    error = failure(norm, X, vjp=lambda g, x: 2 * g * x / norm(x))
    assert "off by a factor 2" in str(error)
    known = run(snippet_of(error), f=norm, vjp=lambda g, x: 2 * g * x / norm(x))
    np.testing.assert_allclose(known["gradients"], 2 * known["cotangent"] * X / norm(X))


def shows_it_again(error: GradientError, **known: Any) -> bool:
    shown = run(snippet_of(error), **known)["shown"][-1]
    return bool(shown == pytest.approx(error.report.findings[0].analytic, rel=1e-12))


class Scaled:
    scale = 2.0

    def wrong(self, x: Any) -> Any:
        return wrong_tanh(x) * self.scale


class Net(tg.nn.Module):
    def __init__(self) -> None:
        self.weight = tg.nn.Parameter(np.ones(3))

    def forward(self, x: Any) -> Any:
        return wrong_tanh(x) * self.weight


def both(x: Any) -> Any:
    return wrong_tanh(x), {"sum": tg.exp(x).sum()}


def test_the_snippet_of_any_kind_of_function_shows_the_failure_again() -> None:
    scaled, net = Scaled(), Net()
    assert shows_it_again(failure(both, X), f=both)
    assert shows_it_again(failure(scaled.wrong, X), f=scaled.wrong)
    assert shows_it_again(failure(tg.tanh, X, reference=np.sin))
    with pytest.raises(GradientError) as caught:
        check_module(net, X)
    assert shows_it_again(caught.value, module=net)
    with pytest.raises(GradientError) as caught:
        check_module(net, X, loss=tg.sum)
    assert shows_it_again(caught.value, module=net, loss=tg.sum)
    with pytest.raises(GradientError) as caught:
        compare(wrong, tg.tanh, X)
    assert "the first   " in str(caught.value) and "numeric" not in str(caught.value)
    finding = caught.value.report.findings[0]
    shown = run(snippet_of(caught.value))["shown"]
    assert shown == pytest.approx([finding.analytic, finding.numeric[0]], rel=1e-12)
    twice = tg.primitive(np.max, [lambda g, out, x: g * (1.0 * (x == out))], name="twice")
    error = failure(twice, np.array([1.0, 3.0, 3.0]))
    assert "not between" in snippet_of(error)
    assert shows_it_again(error, f=twice)


def test_the_snippet_of_a_derivative_written_by_hand() -> None:
    vjp = lambda g, x, y: (g * y, 2 * g * x)
    assert shows_it_again(failure(np.multiply, (X, X + 1), vjp=vjp), vjp=vjp)


class Counted:
    """A function that counts its calls."""

    def __init__(self, f: Any) -> None:
        self.f, self.calls = f, 0

    def __call__(self, *given: Any) -> Any:
        self.calls += 1
        return self.f(*given)


def test_one_wrong_element_of_many_is_found_without_trying_them_all() -> None:
    forward = Counted(np.tanh)

    def rule(g: Any, out: Any, x: Any) -> Any:
        return g * (1 - out * out) * np.where(np.arange(x.size) == 12345, 1.1, 1.0)

    one = tg.primitive(forward, [rule], name="one")
    error = failure(one, rng.normal(size=100_000), order=1)
    assert error.report.findings[0].index == (12345,)
    assert forward.calls < 2_000  # 839, of 100,000 elements


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (tg.arctanh, 1 - 1e-9),
        (tg.arcsin, 1 - 1e-12),
        (lambda x: 1 / (x - 1), 1 + 1e-7),
        (lambda x: tg.log(x - 1), 1 + 1e-10),
        (lambda x: tg.sin(1e6 * x), 0.3),
        (tg.log, 1e-300),
        (lambda x: tg.abs(x - 1), 1 - 1e-9),
    ],
    ids=["arctanh", "arcsin", "pole", "log", "sin", "overflow", "kink"],
)
def test_the_oracle_knows_the_neighbourhood_of_singularities(f: Any, x: float) -> None:
    point = np.array([x, 1.7]) if f not in (tg.arctanh, tg.arcsin) else np.array([x, 0.3])
    check_grads(f, point)
    failure(lambda x: f(x) + 1e-2 * (f(x) - f(x).detach()), point, order=1)


def test_cancelled_digits_are_no_wrong_gradient() -> None:
    check_grads(lambda x: (1 - tg.cos(x)) / (x * x), np.array([1e-4, 1e-2]), order=1)


def test_smooth_in_one_direction_is_not_analytic() -> None:
    check_grads(lambda x, y: tg.abs(x) - tg.abs(y), (np.array([1.0, 2.0]), np.array([1.5, 2.0])))


def test_nested_inputs_attributes_and_what_is_held_fixed() -> None:
    def f(tree: Any, index: Any, axis: int) -> Any:
        return (tree["a"] * tree["b"][0])[index].sum(axis)

    tree = {"a": X, "b": [tg.tensor(X + 1)]}
    report = check_grads(f, (tree, np.array([1, 1, 0])), attributes={"axis": 0})
    assert report.passed

    def broken(tree: Any) -> Any:
        return tree["a"] * tree["b"][0].detach()

    assert "argument    tree['b'][0]" in str(failure(broken, (tree,)))


def test_random_functions_need_a_seed() -> None:
    def noisy(x: Any) -> Any:
        return x * tg.random.generator().normal(size=x.shape)

    assert "seed=" in str(failure(noisy, X))
    state = tg.random.generator().bit_generator.state
    assert check_grads(noisy, X, seed=0).passed
    assert tg.random.generator().bit_generator.state == state


def test_single_precision_is_held_against_double() -> None:
    report = check_grads(tg.tanh, X.astype(np.float32))
    assert "complex step" in report.methods
    rough = tg.primitive(np.tanh, [lambda g, out, x: 1.001 * g * (1 - out * out)], name="rough")
    assert "1.001" in str(failure(rough, X.astype(np.float32), order=1))


def test_a_function_of_single_precision_only() -> None:
    def f(x: Any) -> Any:
        return tg.tanh(tg.cast(x, np.float32))

    assert check_grads(f, X.astype(np.float32)).passed


def test_outside_of_the_domain_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="outside of its domain"):
        check_grads(tg.log, np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match="x is not finite"):
        check_grads(tg.exp, np.array([1.0, np.inf]))


def test_nothing_to_differentiate_is_an_error() -> None:
    with pytest.raises(TypeError, match="no floating-point input"):
        check_grads(tg.square, np.array([1, 2]))
    with pytest.raises(TypeError, match="which has no derivative"):
        check_grads(lambda x: x > 0, X)


def test_a_reference_with_another_value() -> None:
    assert "differs from the reference" in str(failure(tg.tanh, X, reference=np.sin))
    assert "has shape" in str(failure(tg.tanh, X, reference=X[0]))
    assert check_grads(tg.tanh, X, reference=np.tanh(X)).passed


def test_a_wider_tolerance_accepts_more() -> None:
    rough = tg.primitive(
        np.tanh, [lambda g, out, x: (1 + 1e-6) * g * (1 - out * out)], name="rough"
    )
    failure(rough, X, order=1)
    assert check_grads(rough, X, order=1, tolerance=1e-5).passed


def test_an_infinite_derivative_is_told_from_a_wrong_one() -> None:
    assert "gradient is infinite" in str(check_grads(tg.sqrt, np.array([0.0, 4.0])))
    infinite = tg.primitive(np.square, [lambda g, out, x: g * 2 * out / (x * x) / 0.0], name="bad")
    assert "infinite where" in str(failure(infinite, np.array([1.0, 2.0])))


def test_a_small_function_is_called_a_few_hundred_times() -> None:
    forward, rule = Counted(np.tanh), Counted(lambda g, out, x: g * (1 - out * out))
    check_grads(tg.primitive(forward, [rule], name="counted"), X)
    assert forward.calls < 400  # 178
    assert rule.calls < 400  # 146


def test_a_gradient_of_cancelled_digits_is_still_checked() -> None:
    difference = tg.primitive(
        lambda x: np.sqrt(x * x + 1) - x,
        [lambda g, out, x: g * (x / tg.sqrt(x * x + 1) - 1) * (1 + 1e-4)],
        name="difference",
    )
    assert failure(difference, np.array([1.0e2, 2.0e3])).report.findings
    squared = tg.primitive(
        np.square, [lambda g, out, x: g * tg.where(x > 0, 2.002, 2) * x], name="squared"
    )
    failure(lambda x: (1 - tg.cos(squared(x))) / x**4, np.array([0.5, 0.1]))


def test_the_snippet_of_a_value_of_another_kind_prints_it() -> None:
    error = failure(lambda x: x * 2, X, reference=lambda x: x[0])
    assert run(snippet_of(error), f=lambda x: x * 2)["shown"][-1] == X.shape


def test_the_snippet_of_two_runs_calls_twice() -> None:
    own = np.random.default_rng(0)
    assert snippet_of(failure(lambda x: x * own.random(), X)).count("print(f(x))") == 2


def test_a_derivative_that_forgets_a_gradient_is_reported_as_what_it_is() -> None:
    error = failure(np.multiply, (X, X + 1), vjp=lambda g, x, y: g * y)
    assert "returned 1 gradients for 2" in str(error)
    assert "property    the backward pass raises no exception" in str(error)


def test_a_generator_of_ones_own_is_not_started_by_a_seed() -> None:
    own = np.random.default_rng(0)
    error = failure(lambda x: x * own.random(), X, seed=0)
    assert "starts the library's generator; another one" in str(error)


def test_one_array_given_twice_is_checked_as_one() -> None:
    def rule(g: Any, out: Any, x: Any, y: Any) -> Any:
        return g * y * (2.0 if x is y else 1.0)

    product = tg.primitive(np.multiply, [rule, lambda g, out, x, y: g * x], name="product")
    tensor = tg.tensor(X)
    for x in (X, tensor):
        error = failure(product, (x, x), variants=False)
        assert "y = f(x, x)" in snippet_of(error)
        assert shows_it_again(error, f=product)
        assert check_grads(product, (x, x + 1), variants=False).passed
    nested = failure(lambda tree, z: product(tree["a"], z), ({"a": X}, X), variants=False)
    assert "argument    tree['a']" in str(nested)


@pytest.mark.parametrize("f", [tg.linalg.inv, lambda a: tg.linalg.slogdet(a)[1]])
@pytest.mark.parametrize("matrix", [np.ones((2, 2)) + 1e-15 * np.eye(2)], ids=["nearly ones"])
def test_matrices_singular_to_working_precision_are_left_out(f: Any, matrix: Any) -> None:
    (note,) = check_grads(f, matrix).notes
    assert "order 1 not compared: so close to a singularity" in note
    assert not check_grads(f, matrix + 1e-4 * np.eye(2), 1).notes


@pytest.mark.parametrize("x", [3.0, 1e6, 1234567.25, 1e9])
def test_jumps_between_the_points_of_a_stencil_are_no_derivative(x: float) -> None:
    check_grads(lambda v: v * np.round(v.data), np.array(x))
    check_grads(lambda v: v * np.round(v.data), np.array([x, 2.0, 1e4]))
    failure(lambda v: v * np.round(v.data) + 1e-6 * v.data * (v - v.detach()), np.array(x), order=1)
