"""detect_anomaly and why_no_grad: the right words about the right line."""

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


class TestAnomaly:
    def test_forward(self):
        x = tg.tensor([1.0, 0.0], requires_grad=True, name="x")
        with tg.detect_anomaly(), pytest.raises(tg.AnomalyError) as error:
            tg.log(x)
        text = str(error.value)
        assert text.startswith("log returned 1 infinity among 2 values.")
        assert "input 0 (x): shape (2,), float64, from 0 to 1, mean 0.5" in text
        assert "tg.log(x)" in text

    def test_backward_names_the_operation_whose_gradient_it_is(self):
        x = tg.tensor([1.0, 0.0], requires_grad=True, name="x")
        with tg.detect_anomaly():
            y = tg.sqrt(x)
            with pytest.raises(tg.AnomalyError) as error:
                y.sum().backward()
        text = str(error.value)
        assert text.startswith("the gradient of sqrt in its argument 0 has 1 infinity")
        assert "The gradient that arrived was finite" in text
        assert "y = tg.sqrt(x)" in text

    def test_in_a_module(self):
        model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        with tg.detect_anomaly(), pytest.raises(tg.AnomalyError, match=r"in module Sequential\.0"):
            model(np.array([[1.0, np.inf]], "f4"))

    def test_a_raw_write_is_reported_with_both_lines(self):
        x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
        with tg.detect_anomaly():
            y = (x * x).sum()
            x.data[0] = 5.0
            with pytest.raises(tg.AnomalyError) as error:
                y.backward()
        text = str(error.value)
        assert "'x'" in text
        assert "overwritten after multiply had read it" in text
        assert text.count(__file__) == 2
        assert "y = (x * x).sum()" in text

    def test_a_raw_write_to_a_result_is_reported(self):
        x = tg.tensor([1.0, 2.0], requires_grad=True)
        with tg.detect_anomaly():
            y = tg.exp(x)
            y.data[0] = 9.0
            with pytest.raises(tg.AnomalyError, match="overwritten after exp had made it"):
                y.backward(np.ones(2))

    def test_infinity_can_be_let_pass(self):
        with tg.detect_anomaly(infinity=False):
            tg.log(tg.tensor([0.0]))
            with pytest.raises(tg.AnomalyError, match="1 NaN among 1"):
                tg.log(tg.tensor([-1.0]))

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_inside_a_checkpoint(self, create_graph):
        class Root(nn.Module):
            def forward(self, x):
                return tg.sqrt(x)

        class Outer(nn.Module):
            def __init__(self):
                self.root = Root()

            def forward(self, x):
                return tg.checkpoint(lambda x: self.root(x) * 2, x)

        x = tg.tensor([1.0, 0.0], requires_grad=True)
        y = Outer()(x).sum()
        with tg.detect_anomaly(), pytest.raises(tg.AnomalyError) as error:
            y.backward(create_graph=create_graph)
        text = str(error.value)
        assert text.startswith("the gradient of sqrt in its argument 0 has 1 infinity")
        assert "in module Outer.root" in text
        assert "return tg.sqrt(x)" in text

    def test_healthy_training_goes_through(self):
        x = tg.tensor(np.ones((3, 2)), requires_grad=True)
        with tg.detect_anomaly():
            (tg.tanh(x) @ np.ones((2, 2))).sum().backward()
        plain = tg.tensor(np.ones((3, 2)), requires_grad=True)
        (tg.tanh(plain) @ np.ones((2, 2))).sum().backward()
        np.testing.assert_array_equal(x.grad.data, plain.grad.data)

    def test_off_again_after_an_error(self):
        with pytest.raises(tg.AnomalyError), tg.detect_anomaly():
            tg.log(tg.tensor([0.0]))
        with np.errstate(divide="ignore"):
            assert tg.log(tg.tensor([0.0])).tolist() == [-np.inf]


unruled = tg.primitive(np.multiply, [None, lambda g, out, x, y: g * x], name="unruled")


class TestWhyNoGrad:
    @pytest.fixture
    def x(self):
        return tg.tensor([-1.0, -2.0], requires_grad=True, name="x")

    @pytest.fixture
    def w(self):
        return tg.tensor([3.0, 4.0], requires_grad=True, name="w")

    def test_detached(self, x, w):
        y = ((x * 2).detach() * w).sum()
        assert "cut by detach()\n" in tg.why_no_grad(x, y)
        assert "y = ((x * 2).detach() * w).sum()" in tg.why_no_grad(x, y)

    def test_under_no_grad(self, x, w):
        with tg.no_grad():
            h = tg.exp(x)
        assert "cut by exp under no_grad()" in tg.why_no_grad(x, (h * w).sum())
        assert "h = tg.exp(x)" in tg.why_no_grad(x, (h * w).sum())

    def test_comparison(self, x, w):
        assert "greater, which has no derivative" in tg.why_no_grad(x, ((x > 0) * w).sum())

    def test_every_path_that_was_cut_is_named(self, x, w):
        h = x * 2
        a = h.detach()
        with tg.no_grad():
            c = w * x
        text = tg.why_no_grad(x, ((a * w) + (c * w)).sum())
        assert text.count("\n  at ") == 2
        assert "cut by detach()\n" in text
        assert "a = h.detach()" in text
        assert "and by multiply under no_grad()\n" in text

    def test_a_detach_of_something_else_is_not_blamed(self, x, w):
        h = w * 2
        a = h.detach()
        h += x  # after the cut
        text = tg.why_no_grad(x, (a * w).sum())
        assert "path between" not in text
        assert "nothing that the output was computed from was computed from it" in text
        assert "not even what was cut off by detach()" in text

    def test_of_what_is_gone_no_more_is_said_than_is_known(self, x, w):
        a = (w * 2).detach()
        text = tg.why_no_grad(x, (a * w).sum())
        assert "One may have been cut by detach()" in text
        assert "no longer exists: whether that was computed from it cannot be told" in text
        known = w * 3
        b = (x * 2).detach()
        c = known.detach()
        text = tg.why_no_grad(x, (a * w + b * w + c * w).sum())
        assert text.count("\n  at ") == 2
        assert "known.detach()" not in text
        assert "whether any of that was computed from it cannot be told" in text
        later = x * 5
        assert "no longer exists" not in tg.why_no_grad(later, (a * w).sum())

    def test_unrelated(self, x, w):
        assert "nothing that the output was computed from" in tg.why_no_grad(x, (w * w).sum())

    def test_integer(self, w):
        assert "dtype is int64" in tg.why_no_grad(tg.tensor([1]), (w * w).sum())

    def test_no_requires_grad(self, w):
        assert "without requires_grad=True" in tg.why_no_grad(tg.tensor([1.0]), (w * w).sum())

    @pytest.mark.parametrize(
        ("f", "words"),
        [
            (tg.relu, "dead relu"),
            (lambda x: tg.tanh(x * 1e3), "tanh, which is saturated"),
            (lambda x: tg.sigmoid(x * 1e4), "sigmoid, which is saturated"),
            (lambda x: tg.where(x > 0, x, 0.0), "a mask"),
            (lambda x: x * np.zeros(2), "multiplies it by zero"),
            (lambda x: tg.clip(x, 0.0, 1.0), "outside its bounds"),
            (lambda x: x[:0], "whose input is empty"),
            (lambda x: tg.assign(x, slice(None), 0.0), "uses none of the elements"),
            (lambda x: x - x, "cancel exactly"),
            (
                lambda x: x * 1e-200 * 1e-200,
                "multiply, where what is left is too small for float64",
            ),
            (lambda x: tg.relu(x * np.array([1.0, -1.0]))[0], "dead relu"),
            (lambda x: (x * np.array([0.0, 1.0]))[0], "multiplies it by zero"),
            (lambda x: tg.gelu(x * 1e3), "saturated"),
            (lambda x: x @ np.zeros((2, 2)), "multiplies it by zero"),
            (lambda x: (x @ np.array([[1.0, 0.0], [1.0, 0.0]]))[1], "getitem, which uses none"),
            (
                tg.softmax,
                "softmax, to whose results what follows adds up contributions that cancel",
            ),
            (lambda x: tg.softmax(x * 1e3)[0], "softmax, which is saturated"),
            (lambda x: tg.concatenate([x, [9.0]]).max(), "max, which chose other values"),
            (lambda x: tg.concatenate([x, [9.0]])[2] * 1, "getitem, which uses none"),
            (lambda x: tg.concatenate([x, [9.0]]).sort()[-1], "getitem, which uses none"),
            (lambda x: tg.concatenate([x, [0.0, 0.0]]).prod(), "prod, which multiplies it by zero"),
            (lambda x: tg.concatenate([x, [9.0, 10.0, 11.0]]).median(), "ranked, which picked"),
            (lambda x: tg.quantile(tg.concatenate([x, [9.0]]), 1.0), "elements of another rank"),
            (lambda x: tg.norm(x * 0 + x - x), "length, at the zero vector"),
            (lambda x: tg.std(x - x), "length, at the zero vector"),
            (lambda x: tg.norm(x - x, 3), "power_norm, at the zero vector"),
            (lambda x: tg.hypot(x - x, 0.0), "hypot, at the zero vector"),
            (
                lambda x: tg.linalg.det(tg.diag(tg.concatenate([x[:1], [0.0, 0.0]]))),
                "det, of a singular matrix of rank 1 in 3: all its cofactors are 0",
            ),
            (lambda x: x ** tg.tensor([0.0, 0.0]), "power, whose exponent is 0"),
            (lambda x: (x - x) ** 3, "power, whose base is 0 to 0, where it is flat"),
            (lambda x: np.ones(2) ** x, "power, whose base is 1, whatever the exponent"),
            (lambda x: tg.abs(x - x), "abs, whose input is 0, a corner"),
            (lambda x: tg.square(x - x), "square, whose input is 0"),
            (lambda x: tg.cumprod(tg.concatenate([[0.0], x])), "cumprod, which multiplies it by"),
            (lambda x: tg.floor_divide(x, 2.0), "floor_divide, whose derivative is zero"),
            (lambda x: tg.exp(1e4 * x), "exp, which is flat there: its input is -"),
            (lambda x: tg.tanh(x * np.array([1e3, 1.0]))[0], "tanh, which is saturated"),
            (lambda x: unruled(x, 2.0), "unruled, which has no rule for its argument 0"),
            (
                lambda x: tg.checkpoint(lambda a: tg.relu(a * 1.0), x),
                "relu, whose input is nowhere",
            ),
            (lambda x: tg.checkpoint(lambda a: tg.relu(x) * a, np.ones(2)), "relu, whose input"),
            (
                lambda x: tg.checkpoint(lambda a: tg.checkpoint(lambda b: b * 0.0, a), x),
                "multiplies it by zero",
            ),
        ],
    )
    def test_zero(self, x, w, f, words):
        text = tg.why_no_grad(x, f(x).sum() + w.sum())
        assert text.startswith("the gradient of 'x' is zero")
        assert words in text
        assert "whose derivative is zero here" not in text

    def test_a_hook(self, x, w):
        h = x * 2
        h.register_hook(lambda g: g * 0)
        assert "a hook on the result of multiply" in tg.why_no_grad(x, (h * w).sum())
        w.register_hook(lambda g: g * 0)
        (x * w).sum().backward()
        assert "a hook of its own" in tg.why_no_grad(w, (x * w).sum())

    def test_a_result_that_was_changed_after_retain_grad(self, x):
        y = x * 2
        y.retain_grad()
        y *= 5
        assert "call backward()" in tg.why_no_grad(y, y.sum())

    def test_what_is_kept_stays_as_it_was(self, x):
        y = x * 2
        y.retain_grad()
        tg.why_no_grad(x, y.sum())
        assert y.grad is None

    def test_other_things_than_tensors(self, x):
        with pytest.raises(TypeError, match="takes two tensors"):
            tg.why_no_grad(x, 3.0)

    def test_nothing_is_wrong(self, x, w):
        y = (x * w).sum()
        assert "call backward()" in tg.why_no_grad(x, y)
        y.backward()
        assert "has arrived" in tg.why_no_grad(x, y)

    def test_a_result_is_told_to_retain(self, x, w):
        h = x * w
        assert "retain_grad()" in tg.why_no_grad(h, h.sum())

    def test_it_changes_nothing(self, x, w):
        y = (x * w).sum()
        tg.why_no_grad(x, y)
        assert x.grad is None
        assert w.grad is None
