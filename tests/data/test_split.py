"""Splits: every example once, sizes as asked for, classes in proportion, order reproducible."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_lite.data import kfold, stratified_kfold, train_test_split


class TestTrainTestSplit:
    @pytest.mark.parametrize("stratify", [False, True])
    @pytest.mark.parametrize(("test_size", "count"), [(0.25, 25), (0.07, 7), (30, 30), (0.5, 50)])
    def test_a_partition_of_the_size_asked_for(
        self, test_size: float, count: int, stratify: bool
    ) -> None:
        x, labels = np.arange(100), np.arange(100) % 3
        train, test = train_test_split(
            x, test_size=test_size, rng=0, stratify=labels if stratify else None
        )
        assert len(test) == count
        np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), x)
        assert not np.array_equal(train, np.sort(train))

    def test_arrays_are_split_alike(self) -> None:
        x = np.arange(20).reshape(10, 2)
        x_train, x_test, y_train, y_test = train_test_split(x, x[:, 0].tolist(), rng=0)
        np.testing.assert_array_equal(x_train[:, 0], y_train)
        np.testing.assert_array_equal(x_test[:, 0], y_test)

    def test_parts_are_copies(self) -> None:
        x = np.arange(10)
        train, _ = train_test_split(x, rng=0)
        train[:] = -1
        assert x.min() == 0

    def test_reproducible(self) -> None:
        def split(rng: int | np.random.Generator | None) -> np.ndarray:
            return train_test_split(np.arange(50), rng=rng)[0]

        np.testing.assert_array_equal(split(1), split(np.random.default_rng(1)))
        assert not np.array_equal(split(1), split(2))
        assert not np.array_equal(split(None), split(None))

    @pytest.mark.parametrize("test_size", [0.1, 0.2, 0.33, 0.5, 0.77, 11])
    def test_classes_keep_their_proportion(
        self, rng: np.random.Generator, test_size: float
    ) -> None:
        labels = rng.permutation(np.repeat(["a", "b", "c", "d"], [5, 17, 40, 100]))
        _, test = train_test_split(labels, test_size=test_size, rng=rng, stratify=labels)
        for label in "abcd":
            proportional = len(test) * np.mean(labels == label)
            assert abs(np.sum(test == label) - proportional) <= 1

    def test_stratified_parts_are_not_sorted_by_class(self) -> None:
        labels = np.repeat([0, 1], 50)
        for part in train_test_split(labels, test_size=0.5, rng=0, stratify=labels):
            assert not np.array_equal(part, np.sort(part))

    def test_every_member_of_a_class_is_equally_likely_to_be_tested(self) -> None:
        labels = np.repeat([0, 1], [4, 6])
        generator = np.random.default_rng(0)
        tested = np.zeros(10)
        for _ in range(2000):
            _, test = train_test_split(np.arange(10), test_size=0.5, rng=generator, stratify=labels)
            tested[test] += 1
        np.testing.assert_allclose(tested / 2000, 0.5, atol=0.05)

    @pytest.mark.parametrize("test_size", [0.0, 1.0, -0.5, 1.5, 3.0, float("nan")])
    def test_bad_fractions(self, test_size: float) -> None:
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            train_test_split(np.arange(10), test_size=test_size)

    @pytest.mark.parametrize("test_size", [True, np.True_])
    def test_a_switch_is_no_size(self, test_size: bool) -> None:
        with pytest.raises(TypeError, match="test_size must be an integer, got"):
            train_test_split(np.arange(10), test_size=test_size)

    @pytest.mark.parametrize("test_size", [0, 10, 11, -1, 0.01, 0.99])
    def test_empty_parts(self, test_size: float) -> None:
        with pytest.raises(ValueError, match="both parts need at least one"):
            train_test_split(np.arange(10), test_size=test_size)

    def test_arrays_that_do_not_fit(self) -> None:
        with pytest.raises(ValueError, match=r"equal length, got shapes \[\(3,\), \(4, 2\)\]"):
            train_test_split(np.zeros(3), np.zeros((4, 2)))
        with pytest.raises(ValueError, match="one or more arrays"):
            train_test_split()
        with pytest.raises(ValueError, match=r"got shapes \[\(\)\]"):
            train_test_split(np.array(1.0))

    def test_labels_that_cannot_stratify(self) -> None:
        with pytest.raises(ValueError, match=r"shape \(4,\), one per example, got \(3,\)"):
            train_test_split(np.arange(4), stratify=[0, 0, 1])
        with pytest.raises(ValueError, match="class rare has 1 examples, needs at least 2"):
            train_test_split(np.arange(4), stratify=["a", "a", "a", "rare"])


class TestKFold:
    @pytest.mark.parametrize("shuffle", [False, True])
    @pytest.mark.parametrize(("n", "k"), [(10, 5), (11, 3), (7, 7), (2, 2)])
    def test_every_example_is_tested_once(self, n: int, k: int, shuffle: bool) -> None:
        folds = list(kfold(n, k, shuffle=shuffle, rng=0))
        assert len(folds) == k
        for train, test in folds:
            np.testing.assert_array_equal(np.union1d(train, test), np.arange(n))
            assert len(train) + len(test) == n
        np.testing.assert_array_equal(
            np.sort(np.concatenate([test for _, test in folds])), np.arange(n)
        )
        sizes = [len(test) for _, test in folds]
        assert max(sizes) - min(sizes) <= 1

    def test_unshuffled_folds_are_runs_as_in_scikit_learn(self) -> None:
        model_selection = pytest.importorskip("sklearn.model_selection")
        theirs = model_selection.KFold(4).split(np.zeros(11))
        for ours, (train, test) in zip(kfold(11, 4), theirs, strict=True):
            np.testing.assert_array_equal(ours[0], train)
            np.testing.assert_array_equal(ours[1], test)

    def test_shuffled_reproducibly(self) -> None:
        def first_fold(rng: int) -> list[int]:
            return next(kfold(100, 5, shuffle=True, rng=rng))[1].tolist()

        assert first_fold(1) == first_fold(1) != first_fold(2)
        assert first_fold(1) != list(range(20))

    @pytest.mark.parametrize(("n", "k"), [(10, 1), (10, 0), (3, 4), (0, 2)])
    def test_refused_where_it_is_called(self, n: int, k: int) -> None:
        with pytest.raises(ValueError, match=f"k={k} for n={n}"):
            kfold(n, k)

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_stratified(self, rng: np.random.Generator, shuffle: bool) -> None:
        labels = rng.permutation(np.repeat([0, 1, 2], [7, 20, 46]))
        folds = list(stratified_kfold(labels, 5, shuffle=shuffle, rng=rng))
        counts = np.array([np.bincount(labels[test], minlength=3) for _, test in folds])
        assert np.ptp(counts, axis=0).max() <= 1
        assert np.ptp(counts.sum(axis=1)) <= 1
        np.testing.assert_array_equal(
            np.sort(np.concatenate([test for _, test in folds])), np.arange(73)
        )
        for train, test in folds:
            assert not set(train) & set(test) and len(train) + len(test) == 73

    def test_stratified_shuffles(self) -> None:
        labels = np.arange(60) % 3
        plain, shuffled, again = (
            [test.tolist() for _, test in stratified_kfold(labels, 5, shuffle=shuffle, rng=0)]
            for shuffle in (False, True, True)
        )
        assert plain != shuffled == again

    def test_stratified_refusals(self) -> None:
        with pytest.raises(ValueError, match="class 1 has 2 examples, needs at least 3"):
            stratified_kfold([0, 0, 0, 1, 1], k=3)
        with pytest.raises(ValueError, match="k=1"):
            stratified_kfold([0, 0], k=1)
        with pytest.raises(ValueError, match="one per example"):
            stratified_kfold(np.zeros((4, 2)), k=2)


def test_k_fold_takes_a_number() -> None:
    with pytest.raises(TypeError, match=r"k must be an integer, got 2\.0"):
        kfold(10, 2.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"len\(x\).*stratified_kfold takes labels"):
        list(kfold(np.zeros(6), 2))  # type: ignore[arg-type]
