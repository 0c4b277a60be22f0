"""The bundled digits: what they are, how they are split, and that NumPy is enough to read them."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import numpy as np
import pytest

from tinygrad_lite.data import digits


def test_shapes_and_dtypes() -> None:
    x_train, y_train, x_test, y_test = digits()
    assert len(x_train) + len(x_test) == 1797
    assert x_train.shape == (len(y_train), 64) and x_test.shape == (len(y_test), 64)
    assert x_train.dtype == x_test.dtype == np.float32
    assert y_train.dtype == y_test.dtype == np.int64
    assert x_train.min() == 0 and x_train.max() == 1


def test_the_same_digits_as_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    x_train, y_train, x_test, y_test = digits()
    ours = np.column_stack([np.concatenate([x_train, x_test]) * 16, [*y_train, *y_test]])
    theirs = np.column_stack(datasets.load_digits(return_X_y=True))
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_stratified() -> None:
    _, y_train, _, y_test = digits(test_size=0.2)
    share = np.bincount(y_test) - 0.2 * np.bincount(np.concatenate([y_train, y_test]))
    assert np.abs(share).max() <= 1


def test_shuffled_reproducibly() -> None:
    first, again, other = digits(), digits(), digits(rng=1)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[1], other[1])
    assert len(set(first[1][:20].tolist())) > 5  # not sorted by class


def test_test_size() -> None:
    assert len(digits(test_size=100)[2]) == 100
    with pytest.raises(ValueError, match="test_size"):
        digits(test_size=1.5)


def test_source_and_licence_are_stated_beside_the_file() -> None:
    note = (resources.files("tinygrad_lite.data") / "uci_digits.txt").read_text()
    for words in ("Alpaydin", "Kaynak", "UCI Machine Learning Repository", "CC BY 4.0"):
        assert words in note


def test_the_package_needs_only_numpy_to_read_them() -> None:
    script = (
        "import sys; from tinygrad_lite.data import digits; digits(); "
        "print({'sklearn', 'pooch', 'tqdm', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
