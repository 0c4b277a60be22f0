import json

import numpy as np
import pytest

from tinygrad_lite.drawing import values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.30000000000000004, "0.3"),
        (-1.0, "−1"),
        (12345678, "12345678"),
        (1.23456789e-12, "1.235e−12"),
        (float("inf"), "∞"),
        (-float("inf"), "−∞"),
        (float("nan"), "NaN"),
        (True, "True"),
        (1 + 2j, "1 + 2i"),
        (np.float32(0.1), "0.1"),
    ],
)
def test_numbers(value, expected):
    assert values.number(value) == expected


def test_small_arrays_are_written_whole_and_large_ones_summed_up():
    assert values.gist([[1.0, 2.0], [3.0, -4.0]]) == "[[1, 2], [3, −4]]"
    assert values.gist(np.zeros((0, 3))) == "[[]]"
    assert values.gist(np.arange(100)) == "0 … 99"
    assert values.gist(np.arange(100) > 49) == "50 of 100 true"
    assert values.gist(np.array([1.0] * 9 + [np.nan])) == "1 of 10 not finite"
    assert values.gist(np.array([3.0] * 8 + [4.0] * 8), length=True) == "‖14.14‖"


def test_norm_neither_overflows_nor_underflows():
    assert values.norm(np.full(4, 1e200)) == pytest.approx(2e200)
    assert values.norm(np.full(4, 1e-200)) == pytest.approx(2e-200)
    assert values.norm(np.float16([200.0] * 10000)) == pytest.approx(20000.0)
    assert values.norm(np.array([1.0, np.inf])) == np.inf
    assert np.isnan(values.norm(np.array([1.0, np.nan])))
    assert values.norm([]) == 0


def test_described_arrays_fit_json():
    small = values.described(np.array([1.0, np.nan, -np.inf], dtype="float32"))
    assert small["whole"] == [1.0, "NaN", "−∞"]
    assert small["shape"] == [3]
    assert small["dtype"] == "float32"
    large = values.described(np.arange(1000.0).reshape(10, 100))
    assert len(large["strip"]) == 64
    assert large["min"] == 0
    assert large["max"] == 999
    assert large["mean"] == pytest.approx(499.5)
    assert np.average(large["strip"]) == pytest.approx(499.5, rel=0.01)
    json.dumps([small, large, values.described(np.array([1j]))], allow_nan=False)
    json.dumps(values.described(np.full(100, np.nan)), allow_nan=False)
