"""Tensor: making, reading, printing, operators on both sides, and the errors of a first hour."""

import copy
import pickle
import sys

import numpy as np
import pytest

import tinygrad_lite as tg


class TestMaking:
    def test_the_data_are_copied(self):
        array = np.ones(3)
        t = tg.tensor(array)
        array[0] = 7.0
        assert t.tolist() == [1.0, 1.0, 1.0]

    @pytest.mark.parametrize(
        ("data", "dtype"),
        [(1.0, "float64"), (1, "int64"), ([True], "bool"), (np.float32(2), "float32")],
    )
    def test_dtype_is_numpys_choice(self, data, dtype):
        assert tg.tensor(data).dtype == dtype

    def test_dtype_can_be_given(self):
        assert tg.tensor([1, 2], dtype="float16").dtype == np.float16

    def test_a_number_is_a_numpy_scalar(self):
        assert isinstance(tg.tensor(2.0).data, np.float64)
        assert tg.tensor(2.0).numpy().shape == ()

    def test_attributes(self):
        t = tg.tensor(np.zeros((2, 3), "f4"), name="t")
        assert (t.shape, t.ndim, t.size, t.dtype) == ((2, 3), 2, 6, np.float32)
        assert t.T.shape == (3, 2)
        assert (len(t), t.is_leaf, t.requires_grad, t.grad) == (2, True, False, None)

    @pytest.mark.parametrize("data", [[1, 2], [True], np.array([1 + 2j])])
    def test_only_floating_point_can_require_a_gradient(self, data):
        with pytest.raises(TypeError, match="cannot require a gradient: only floating point can"):
            tg.tensor(data, requires_grad=True)
        with pytest.raises(TypeError, match="dtype='float64'"):
            tg.tensor(data).requires_grad_()

    @pytest.mark.parametrize("data", ["abc", [None], {"a": 1}])
    def test_what_is_not_a_number_is_refused(self, data):
        with pytest.raises(TypeError, match="a tensor holds numbers"):
            tg.tensor(data)

    def test_ragged_rows_are_refused(self):
        with pytest.raises(ValueError, match="rows of equal length"):
            tg.tensor([[1.0], [1.0, 2.0]])


class TestReading:
    @pytest.mark.parametrize(
        ("make", "text"),
        [
            (lambda: tg.tensor([1.0, 2.5]), "tensor([1. , 2.5])"),
            (lambda: tg.tensor([1, 2]), "tensor([1, 2])"),
            (lambda: tg.tensor(2.0, requires_grad=True), "tensor(2., requires_grad=True)"),
            (
                lambda: tg.tensor([1.0], dtype="f4", name="w"),
                "tensor([1.], dtype=float32, name='w')",
            ),
            (lambda: tg.exp(tg.tensor(0.0, requires_grad=True)), "tensor(1., from=exp)"),
        ],
    )
    def test_repr(self, make, text):
        assert repr(make()) == text

    def test_a_large_tensor_prints_in_short(self):
        assert len(repr(tg.zeros((1000, 1000)))) < 400

    def test_item_needs_one_element(self):
        assert tg.tensor([[3.0]]).item() == 3.0
        with pytest.raises(ValueError, match=r"of one element, not of shape \(2,\)"):
            tg.tensor([1.0, 2.0]).item()

    def test_numbers(self):
        t = tg.tensor(2.5)
        assert (float(t), int(t), bool(t), f"{t:.1f}") == (2.5, 2, True, "2.5")
        assert [10, 20, 30][tg.tensor(1)] == 20

    def test_iteration_goes_over_the_first_axis(self):
        assert [row.tolist() for row in tg.tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
        with pytest.raises(TypeError, match="without dimensions"):
            iter(tg.tensor(1.0))

    def test_detach_shares_the_values_and_stops_the_gradient(self):
        x = tg.tensor([1.0, 2.0], requires_grad=True)
        d = x.detach()
        assert not d.requires_grad
        assert np.shares_memory(d.data, x.data)
        (x * d).sum().backward()
        assert x.grad.tolist() == [1.0, 2.0]

    def test_asarray_of_a_tensor_with_a_gradient_is_refused_with_advice(self):
        assert np.asarray(tg.tensor([1.0])).tolist() == [1.0]
        with pytest.raises(TypeError, match="detach"):
            np.asarray(tg.tensor([1.0], requires_grad=True))


class TestOperators:
    cases = (
        ("add", lambda a, b: a + b),
        ("subtract", lambda a, b: a - b),
        ("multiply", lambda a, b: a * b),
        ("divide", lambda a, b: a / b),
        ("power", lambda a, b: a**b),
        ("less", lambda a, b: a < b),
        ("equal", lambda a, b: a == b),
    )
    others = (2, 2.5, np.float64(2.5), np.float32(2.5), np.array([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0])

    @pytest.mark.parametrize("other", others, ids=lambda o: type(o).__name__)
    @pytest.mark.parametrize(("name", "operate"), cases)
    def test_both_ways_round(self, name, operate, other):
        values = np.array([1.5, 2.5, 3.5])
        t = tg.tensor(values, requires_grad=True)
        for result, expected in (
            (operate(t, other), operate(values, np.asarray(other))),
            (operate(other, t), operate(np.asarray(other), values)),
        ):
            assert isinstance(result, tg.Tensor)
            np.testing.assert_array_equal(result.data, expected)

    @pytest.mark.parametrize("other", others, ids=lambda o: type(o).__name__)
    def test_gradients_both_ways_round(self, other):
        t = tg.tensor([1.5, 2.5, 3.5], requires_grad=True)
        (other / t - t * other + other**t).sum().backward()
        o, v = np.asarray(other, float), t.data
        np.testing.assert_allclose(t.grad.data, -o / v**2 - o + np.log(o) * o**v, rtol=1e-14)

    def test_matmul_both_ways_round(self):
        a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
        t = tg.tensor(b, requires_grad=True)
        np.testing.assert_array_equal((a @ t).data, a @ b)
        np.testing.assert_array_equal((tg.tensor(a) @ b).data, a @ b)

    def test_python_numbers_are_weak(self):
        t = tg.tensor([1.0], dtype="f4", requires_grad=True)
        for result in (t + 1, 2.0 * t, t / 3, t**2, 1 - t, t**0.5):
            assert result.dtype == np.float32
        assert (t * np.float64(2)).dtype == np.float64

    def test_unknown_operands_are_a_type_error(self):
        with pytest.raises(TypeError, match="unsupported operand"):
            tg.tensor(1.0) + object()
        with pytest.raises(TypeError, match="add takes tensors, arrays and numbers, not 'one'"):
            tg.tensor(1.0) + "one"

    def test_shapes_that_do_not_fit_are_shown(self):
        with pytest.raises(ValueError, match=r"add\(\(2,\) float64, \(3,\) float64\)"):
            tg.zeros(2) + tg.zeros(3)
        with pytest.raises(ValueError, match=r"matmul\(\(4, 3\) float64, \(2,\) float64\)"):
            tg.zeros((4, 3)) @ tg.zeros(2)


class TestData:
    def test_assigning_keeps_shape_and_dtype(self):
        t = tg.tensor([1.0, 2.0], dtype="f4")
        t.data = np.array([3.0, 4.0])
        assert (t.dtype, t.tolist()) == (np.float32, [3.0, 4.0])
        with pytest.raises(ValueError, match=r"cannot take data of shape \(3,\)"):
            t.data = np.zeros(3)
        with pytest.raises(TypeError, match="cannot take data of dtype complex"):
            t.data = np.zeros(2, complex)

    def test_a_result_keeps_its_data(self):
        t = tg.tensor([1.0], requires_grad=True) * 2.0
        with pytest.raises(RuntimeError, match="result of 'multiply'"):
            t.data = np.zeros(1)


class TestGrad:
    def test_it_takes_what_fits(self):
        t = tg.tensor([1.0, 2.0], dtype="f4", requires_grad=True)
        t.grad = np.array([1.0, 2.0])
        assert (t.grad.dtype, t.grad.tolist()) == (np.float32, [1.0, 2.0])
        t.grad = None
        assert t.grad is None
        with pytest.raises(ValueError, match=r"gradient of shape \(3,\)"):
            t.grad = np.zeros(3)
        with pytest.raises(TypeError, match="gradient of dtype complex128"):
            t.grad = np.zeros(2, complex)


class TestWords:
    """Errors of a first hour say what to do."""

    @pytest.mark.parametrize(
        ("mistake", "words"),
        [
            (lambda x: bool(x), r"tg\.any"),
            (lambda x: tg.tensor([x[0], x[1]]), r"tg\.stack"),
            (lambda x: x @ np.ones((3, 4)), "2 columns on the left, 3 rows on the right"),
            (lambda x: tg.tensor(1.0) @ tg.tensor(2.0), r"use \*"),
            (lambda x: x.register_hook(3), "a hook is a function"),
            (lambda x: tg.tensor(1.0, name=3), "name of a tensor is a string"),
            (lambda x: tg.tensor(np.ma.array([1.0])), "no mask"),
            (lambda x: copy.copy(x * 2), "copied or pickled"),
        ],
    )
    def test_words(self, mistake, words):
        with pytest.raises((TypeError, ValueError, RuntimeError), match=words):
            mistake(tg.tensor([1.0, 2.0], requires_grad=True))

    def test_bytes_in_another_order_are_turned(self):
        assert tg.tensor(np.array([1.0], ">f8")).dtype == np.float64
        assert tg.tensor(np.array([1.0], ">f8")).dtype.isnative


class TestCopies:
    def test_leaves_can_be_copied_and_pickled(self):
        t = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
        t.sum().backward()
        for twin in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
            assert (twin.tolist(), twin.name, twin.requires_grad) == ([1.0, 2.0], "w", True)
            assert twin.grad.tolist() == [1.0, 1.0]
            assert not np.shares_memory(twin.data, t.data)

    def test_results_cannot(self):
        y = tg.tensor([1.0], requires_grad=True) * 2.0
        for how in (copy.deepcopy, pickle.dumps):
            with pytest.raises(RuntimeError, match="detach"):
                how(y)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="frames tell it in CPython only")
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_an_element_of_an_array_cannot_hold_a_gradient(dtype: str) -> None:
    t = tg.tensor(2.0, requires_grad=True)
    values, table = np.zeros((2, 2), dtype), {}
    with pytest.raises((TypeError, ValueError)) as caught:
        values[0, 1] = t
    taught = caught.value.__cause__ or caught.value  # NumPy puts words of its own around it
    assert isinstance(taught, TypeError)
    for word in ("requires a gradient", "t.detach()", "t.item()", "tg.stack"):
        assert word in str(taught)
    values[1, 0] = t.item()
    values[1, 1] = t.detach()
    values[0, 0] = float(t)
    table["t"] = t
    assert values.tolist() == [[2, 0], [2, 2]] and table["t"] is t
    assert [float(t), *(float(x) for x in [t])] == [2, 2]
