"""one_hot: values, shapes and dtypes, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_lite.data import one_hot


def test_rows_of_the_identity(rng: np.random.Generator) -> None:
    labels = rng.integers(0, 7, 50)
    rows = one_hot(labels, 7)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, np.eye(7)[labels])


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,), (2, 0)])
@pytest.mark.parametrize("dtype", [np.float64, np.int8, bool])
def test_any_shape_and_dtype(shape: tuple[int, ...], dtype: type) -> None:
    labels = np.ones(shape, np.uint8)
    rows = one_hot(labels, classes=3, dtype=dtype)
    assert rows.shape == (*shape, 3) and rows.dtype == dtype
    np.testing.assert_array_equal(rows.argmax(-1), labels)


def test_classes_from_the_labels() -> None:
    assert one_hot([0, 4, 1]).shape == (3, 5)


@pytest.mark.parametrize(("labels", "bad"), [([0, 3], 3), ([-1, 0], -1)])
def test_labels_outside_the_classes(labels: list[int], bad: int) -> None:
    with pytest.raises(ValueError, match=rf"label {bad} is outside 0 \.\. 2 \(3 classes\)"):
        one_hot(labels, classes=3)


def test_labels_that_are_not_integers() -> None:
    with pytest.raises(TypeError, match="integer labels, got float64"):
        one_hot([0.0, 1.0])
    with pytest.raises(TypeError, match="integer labels, got bool"):
        one_hot([True, False])


def test_no_labels_and_no_classes() -> None:
    with pytest.raises(ValueError, match="give `classes`"):
        one_hot(np.array([], int))
