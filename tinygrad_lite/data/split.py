"""Splits of data into training and test parts, once or k-fold, plain or stratified by label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tinygrad_lite.data.rng import RandomSource, as_generator
from tinygrad_lite.data.whole import whole

Indices: TypeAlias = npt.NDArray[np.intp]


def train_test_split(
    *arrays: npt.ArrayLike,
    test_size: float = 0.25,
    rng: RandomSource = None,
    stratify: npt.ArrayLike | None = None,
) -> tuple[npt.NDArray[Any], ...]:
    """Shuffled train and test parts of every array: `a_train, a_test, b_train, b_test, ...`.

    `test_size` is a fraction of the n examples, rounded to the nearest count, or, as an int, the
    count itself. `stratify` are n labels: each class is then shared out in proportion, to within
    one example.

    Raises ValueError for arrays of unequal length or none, for a part that would be empty, and for
    a class too small to stratify.

    >>> x, y = np.arange(8), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> x_train, x_test, y_train, y_test = train_test_split(x, y, stratify=y, rng=0)
    >>> sorted(y_test.tolist()), len(x_train)
    ([0, 1], 6)
    """
    columns = [np.asarray(array) for array in arrays]
    n = _common_length(columns)
    count = _test_count(n, test_size)
    generator = as_generator(rng)
    if stratify is None:
        order = generator.permutation(n)
        test, train = order[:count], order[count:]
    else:
        labels = _labels(stratify, n)
        _check_class_sizes(labels, 2, "to have one in each part")
        by_class = _shuffled_by_class(labels, generator)
        # Evenly spaced picks along the examples sorted by class give each class its proportion.
        picked = np.zeros(n, dtype=bool)
        picked[(2 * np.arange(count) + 1) * n // (2 * count)] = True
        test, train = (
            generator.permutation(by_class[picked]),
            generator.permutation(by_class[~picked]),
        )
    return tuple(part for column in columns for part in (column[train], column[test]))


def kfold(
    n: int, k: int = 5, shuffle: bool = False, rng: RandomSource = None
) -> Iterator[tuple[Indices, Indices]]:
    """The k pairs `(train, test)` of index arrays that test each of n examples exactly once.

    Unshuffled, the test parts are consecutive runs. Their sizes differ by at most one.

    Raises ValueError unless `2 <= k <= n`, TypeError for an array instead of its length and a `k`
    that is no integer.

    >>> [test.tolist() for train, test in kfold(5, k=2)]
    [[0, 1, 2], [3, 4]]
    """
    _check_folds(n, k)
    order = as_generator(rng).permutation(n) if shuffle else np.arange(n)
    return _pairs(n, np.array_split(order, k))


def stratified_kfold(
    labels: npt.ArrayLike, k: int = 5, shuffle: bool = False, rng: RandomSource = None
) -> Iterator[tuple[Indices, Indices]]:
    """As `kfold` for n labels, each class spread evenly, to within one example, over the folds.

    Raises ValueError unless every class has at least k examples.

    >>> labels = np.array([0, 0, 0, 0, 1, 1])
    >>> [labels[test].tolist() for train, test in stratified_kfold(labels, k=2)]
    [[0, 0, 1], [0, 0, 1]]
    """
    labels = np.asarray(labels)
    labels = _labels(labels, labels.size)
    _check_folds(len(labels), k)
    _check_class_sizes(labels, k, f"to have one in each of the {k} folds")
    if shuffle:
        by_class = _shuffled_by_class(labels, as_generator(rng))
    else:
        by_class = np.argsort(labels, kind="stable")
    return _pairs(len(labels), [by_class[fold::k] for fold in range(k)])


def _pairs(n: int, folds: list[Indices]) -> Iterator[tuple[Indices, Indices]]:
    for fold in folds:
        tested = np.zeros(n, dtype=bool)
        tested[fold] = True
        yield np.flatnonzero(~tested), np.flatnonzero(tested)


def _shuffled_by_class(labels: npt.NDArray[Any], generator: np.random.Generator) -> Indices:
    shuffled = generator.permutation(len(labels))
    return shuffled[np.argsort(labels[shuffled], kind="stable")]


def _common_length(columns: list[npt.NDArray[Any]]) -> int:
    shapes = [column.shape for column in columns]
    if not columns or () in shapes or len({shape[0] for shape in shapes}) > 1:
        raise ValueError(
            f"train_test_split needs one or more arrays of equal length, got shapes {shapes}"
        )
    return int(shapes[0][0])


def _test_count(n: int, test_size: float) -> int:
    if isinstance(test_size, int | np.integer | np.bool_):
        count = whole("test_size", test_size)
    elif 0 < test_size < 1:
        count = round(test_size * n)
    else:
        raise ValueError(
            f"test_size as a fraction must lie strictly between 0 and 1, got {test_size}"
        )
    if not 0 < count < n:
        raise ValueError(
            f"test_size={test_size} of {n} examples leaves {n - count} to train and {count} to "
            "test: both parts need at least one"
        )
    return count


def _labels(labels: npt.ArrayLike, n: int) -> npt.NDArray[Any]:
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ValueError(f"labels must have shape ({n},), one per example, got {labels.shape}")
    return labels


def _check_folds(n: int, k: int) -> None:
    if np.ndim(n):
        raise TypeError(
            f"k-fold takes the number of examples, len(x), not the {np.size(n)} values themselves; "
            "stratified_kfold takes labels"
        )
    if not 2 <= whole("k", k) <= n:
        raise ValueError(f"k-fold needs 2 <= k <= n, got k={k} for n={n} examples")


def _check_class_sizes(labels: npt.NDArray[Any], least: int, reason: str) -> None:
    classes, sizes = np.unique(labels, return_counts=True)
    small = sizes.argmin()
    if sizes[small] < least:
        raise ValueError(
            f"class {classes[small]!s} has {sizes[small]} examples, needs at least {least} {reason}"
        )
