import sys
import tracemalloc
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import sides, steps
from benchmarks.sides import _scalars, numpy_by_hand
from benchmarks.work import MLP, PROBLEMS, ScalarNetwork

TRAINING_PROBLEMS = [problem for problem in PROBLEMS if isinstance(problem, MLP)]
SCALAR_PROBLEM = next(problem for problem in PROBLEMS if isinstance(problem, ScalarNetwork))


def losses(name, problem):
    try:
        return steps.prepare(name, problem)[1]
    except sides.Unavailable as reason:
        if "is not installed" not in str(reason):
            raise
        pytest.skip(str(reason))


def shrunk(problem):
    """The same depth and update rule, at a size that takes no time."""
    sizes = tuple(min(size, 12) for size in problem.sizes)
    return MLP(problem.name, sizes, 6, problem.optimiser, problem.settings)


@pytest.mark.parametrize("problem", TRAINING_PROBLEMS, ids=lambda problem: problem.name)
def test_expert_computes_what_plain_numpy_computes(problem):
    problem = shrunk(problem)
    expected = losses("numpy_by_hand", problem)
    np.testing.assert_allclose(losses("numpy_expert", problem), expected, rtol=1e-4)


@pytest.mark.parametrize("problem", TRAINING_PROBLEMS, ids=lambda problem: problem.name)
@pytest.mark.parametrize("name", ["tinygrad_lite_eager", "tinygrad_lite_compiled"])
def test_this_library_computes_what_plain_numpy_computes(name, problem):
    problem = shrunk(problem)
    expected = losses("numpy_by_hand", problem)
    np.testing.assert_allclose(losses(name, problem), expected, rtol=1e-4)


@pytest.mark.parametrize("problem", TRAINING_PROBLEMS, ids=lambda problem: problem.name)
def test_plain_numpy_computes_what_pytorch_computes(problem):
    problem = shrunk(problem)
    expected = losses("pytorch_eager", problem)
    np.testing.assert_allclose(losses("numpy_by_hand", problem), expected, rtol=1e-4)


def test_plain_numpy_descends_the_gradient_of_its_loss():
    """Finite differences of the first loss predict the first update."""
    problem = MLP("probe", (3, 4, 2), 5, "SGD", {"lr": 0.1})
    x, labels = problem.batches[0]

    def loss(layers):
        a = x.astype(float)
        for weight, bias in layers[:-1]:
            a = np.maximum(a @ weight.T + bias, 0)
        z = a @ layers[-1][0].T + layers[-1][1]
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels])

    layers = [(w.astype(float), b.astype(float)) for w, b in problem.weights]
    gradients = []
    for array in (array for layer in layers for array in layer):
        gradient = np.empty_like(array)
        for at in np.ndindex(array.shape):
            kept = array[at]
            array[at] = kept + 1e-6
            above = loss(layers)
            array[at] = kept - 1e-6
            gradient[at] = (above - loss(layers)) / 2e-6
            array[at] = kept
        gradients.append(gradient)
    first = loss(layers)
    for array, gradient in zip([a for layer in layers for a in layer], gradients, strict=True):
        array -= 0.1 * gradient
    x, labels = problem.batches[1]
    np.testing.assert_allclose(
        losses("numpy_by_hand", problem)[:2], [first, loss(layers)], rtol=1e-5
    )


@pytest.mark.parametrize("name", list(sides.SCALARS)[1:])
def test_scalar_networks_agree(name):
    expected = losses("micrograd_scalars", SCALAR_PROBLEM)
    np.testing.assert_allclose(losses(name, SCALAR_PROBLEM), expected, rtol=1e-3)


def test_scalar_operations_are_counted_as_they_are_performed():
    performed = 0

    class Number:
        def operate(self, *_):
            nonlocal performed
            performed += 1
            return Number()

        __add__ = __mul__ = relu = operate

    layers = [
        [([Number()] * len(weights), Number()) for weights, _ in layer]
        for layer in SCALAR_PROBLEM.weights
    ]
    _scalars.forward(layers, SCALAR_PROBLEM.data)
    assert performed == SCALAR_PROBLEM.operations


def test_expert_allocates_no_array_per_step():
    problem = next(problem for problem in TRAINING_PROBLEMS if problem.name == "mnist")
    step = sides.load("numpy_expert").make(problem)
    step(), step()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(5):
            step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 10_000  # the smallest weight takes 20 kB, an activation 256 kB


@pytest.mark.parametrize("problem", TRAINING_PROBLEMS, ids=lambda problem: problem.name)
def test_a_side_that_forgets_its_biases_is_found_out(problem, monkeypatch):
    expected = losses("numpy_by_hand", problem)
    rest = numpy_by_hand.make_update

    def weights_alone(problem, parameters):
        return rest(problem, parameters[: len(problem.sizes) - 1])

    monkeypatch.setattr(numpy_by_hand, "make_update", weights_alone)
    assert steps.disagreement(losses("numpy_by_hand", problem), expected)


@pytest.mark.parametrize("name", ["numpy_by_hand", "numpy_expert", "tinygrad_lite_compiled"])
def test_a_side_trains_weights_of_its_own(name):
    """A matrix of one row or column is its own transpose's memory."""
    problem = MLP("narrow", (1, 3, 2), 4, "SGD", {"lr": 0.1})
    before = problem.initial_weights()
    losses(name, problem)
    for (weight, bias), (weight_before, bias_before) in zip(problem.weights, before):
        np.testing.assert_array_equal(weight, weight_before)
        np.testing.assert_array_equal(bias, bias_before)


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "micrograd.engine", None)
    monkeypatch.delitem(sys.modules, "benchmarks.sides.micrograd_scalars", raising=False)
    with pytest.raises(sides.Unavailable, match=r"micrograd.* is not installed"):
        sides.load("micrograd_scalars")


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_every_side_has_a_module(problem):
    for name in sides.sides_for(problem):
        assert find_spec(f"benchmarks.sides.{name}") is not None


@pytest.mark.parametrize("problem", TRAINING_PROBLEMS, ids=lambda problem: problem.name)
def test_problems_have_the_shapes_they_say(problem):
    shapes = [(out, into) for into, out in pairwise(problem.sizes)]
    assert [weight.shape for weight, _ in problem.weights] == shapes
    for x, labels in problem.batches:
        assert x.shape == (problem.batch, problem.sizes[0])
        assert x.dtype == np.float32
        assert labels.max() < problem.sizes[-1]
