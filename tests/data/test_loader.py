"""DataLoader: what a batch holds, in which order, and that a saved state continues bit for bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tinygrad_lite.data import DataLoader

X = np.arange(22.0).reshape(11, 2)
Y = np.arange(11)


class Squares:
    """A dataset that makes its items, and remembers which were asked for."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        assert type(index) is int
        self.asked.append(index)
        return np.full(3, index, np.float32), index**2


class TestBatches:
    @pytest.mark.parametrize("shuffle", [False, True])
    @pytest.mark.parametrize("drop_last", [False, True])
    @pytest.mark.parametrize("batch_size", [1, 3, 11, 4])
    def test_count_and_sizes(self, batch_size: int, drop_last: bool, shuffle: bool) -> None:
        loader = DataLoader(Y, batch_size, shuffle, drop_last, rng=0)
        sizes = [len(batch) for batch in loader]
        assert len(loader) == len(sizes)
        whole, rest = divmod(11, batch_size)
        assert sizes == [batch_size] * whole + [rest] * (rest > 0 and not drop_last)

    def test_the_same_batches_as_pytorch(self) -> None:
        torch = pytest.importorskip("torch")
        theirs = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=4
        )
        for (x, y), (x_theirs, y_theirs) in zip(DataLoader((X, Y), 4), theirs, strict=True):
            np.testing.assert_array_equal(x, x_theirs.numpy())
            np.testing.assert_array_equal(y, y_theirs.numpy())

    def test_default_is_one_example_at_a_time_in_order(self) -> None:
        assert [batch.tolist() for batch in DataLoader(np.arange(3))] == [[0], [1], [2]]

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_a_batch_has_the_structure_of_the_data(self, shuffle: bool) -> None:
        def first(data: Any) -> Any:
            return next(iter(DataLoader(data, batch_size=4, shuffle=shuffle, rng=0)))

        x = first(X)
        assert isinstance(x, np.ndarray) and x.shape == (4, 2)
        x, y = pair = first((X, Y))
        assert type(pair) is tuple
        np.testing.assert_array_equal(x[:, 0], 2 * y)
        (only,) = first((Y,))
        assert only.shape == (4,)
        named = first({"x": X, "y": Y})
        assert list(named) == ["x", "y"]
        np.testing.assert_array_equal(named["x"][:, 0], 2 * named["y"])

    def test_views_in_order_and_copies_when_shuffled(self) -> None:
        for batch in DataLoader(X, batch_size=4):
            assert np.shares_memory(batch, X)
        for batch in DataLoader(X, batch_size=4, shuffle=True):
            assert not np.shares_memory(batch, X)

    def test_sequences_in_a_tuple_become_arrays(self) -> None:
        x, y = next(iter(DataLoader(([[1.0], [2.0]], range(2)), batch_size=2)))
        assert x.shape == (2, 1) and y.tolist() == [0, 1]

    def test_strided_and_structured_arrays(self) -> None:
        table = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")])
        batches = list(DataLoader((X[::-5, ::-1], np.asfortranarray(X[:3])), 2, True, rng=0))
        assert {tuple(row) for x, _ in batches for row in x} == {(21, 20), (11, 10), (1, 0)}
        assert next(iter(DataLoader(table, 2))).dtype == table.dtype


class TestDatasets:
    def test_items_are_stacked(self) -> None:
        x, y = next(iter(DataLoader(Squares(5), batch_size=3)))
        assert x.dtype == np.float32 and x.shape == (3, 3)
        assert y.tolist() == [0, 1, 4]

    def test_items_are_made_when_asked_for(self) -> None:
        dataset = Squares(100)
        batches = iter(DataLoader(dataset, batch_size=2))
        assert dataset.asked == []
        next(batches)
        assert dataset.asked == [0, 1]

    def test_shuffled(self) -> None:
        dataset = Squares(20)
        values = np.concatenate([y for _, y in DataLoader(dataset, 6, shuffle=True, rng=0)])
        assert sorted(dataset.asked) == list(range(20)) != dataset.asked
        np.testing.assert_array_equal(values, np.square(dataset.asked))

    def test_dict_and_nested_and_plain_items(self) -> None:
        items = [{"x": (np.ones(2), i), "y": i} for i in range(3)]
        batch = next(iter(DataLoader(items, batch_size=3)))
        assert batch["x"][0].shape == (3, 2) and batch["x"][1].tolist() == [0, 1, 2]
        assert next(iter(DataLoader([0.5, 1.5], batch_size=2))).tolist() == [0.5, 1.5]

    def test_a_list_of_arrays_of_unequal_shape_says_what_was_probably_meant(self) -> None:
        with pytest.raises(ValueError, match=r"equal shapes.*as a tuple \(x, y\), not as a list"):
            next(iter(DataLoader([X, Y], batch_size=2)))


class TestShuffling:
    def test_every_example_once_in_a_new_order_each_epoch(self) -> None:
        loader = DataLoader(np.arange(100), batch_size=7, shuffle=True, rng=0)
        epochs = [np.concatenate(list(loader)) for _ in range(3)]
        for epoch in epochs:
            np.testing.assert_array_equal(np.sort(epoch), np.arange(100))
        assert len({epoch.tobytes() for epoch in epochs}) == 3

    def test_seeds(self) -> None:
        def order(rng: int | np.random.Generator | None) -> list[int]:
            (batch,) = DataLoader(np.arange(100), batch_size=100, shuffle=True, rng=rng)
            return batch.tolist()

        assert order(3) == order(np.random.default_rng(3)) != order(4)
        assert order(None) != order(None)

    def test_orders_are_uniform(self) -> None:
        loader = DataLoader(np.arange(4), batch_size=4, shuffle=True, rng=0)
        first = [next(iter(loader))[0] for _ in range(4000)]
        np.testing.assert_allclose(np.bincount(first) / 4000, 0.25, atol=0.03)

    def test_iterators_do_not_disturb_each_other(self) -> None:
        loader = DataLoader(np.arange(10), batch_size=2, shuffle=True, rng=0)
        pairs = list(zip(loader, loader, strict=True))
        for side in zip(*pairs, strict=True):
            assert sorted(np.concatenate(side)) == list(range(10))
        assert any(not np.array_equal(left, right) for left, right in pairs)

    def test_in_order_nothing_is_drawn(self) -> None:
        generator = np.random.default_rng(0)
        before = generator.bit_generator.state
        list(DataLoader(Y, rng=generator))
        assert generator.bit_generator.state == before


def stream(loader: DataLoader, epochs: int) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """The batches of several epochs, each with the state saved while it is in use."""
    for _ in range(epochs):
        for batch in loader:
            yield batch, loader.state_dict()


def new_loader(rng: int | np.random.Generator = 0, **settings: Any) -> DataLoader:
    return DataLoader(np.arange(11), **{"batch_size": 4, "shuffle": True, "rng": rng} | settings)


class TestResuming:
    @pytest.mark.parametrize("settings", [{}, {"shuffle": False}, {"drop_last": True}])
    def test_from_any_batch_bit_for_bit(self, settings: dict[str, Any]) -> None:
        history = list(stream(new_loader(**settings), epochs=3))
        per_epoch = len(new_loader(**settings))
        for step, (_, state) in enumerate(history):
            resumed = new_loader(rng=999, **settings)
            resumed.load_state_dict(json.loads(json.dumps(state)))
            rest = list(stream(resumed, epochs=3 - step // per_epoch))
            expected = history[step + 1 :]
            assert len(rest) == len(expected)
            for (batch, after), (batch_expected, after_expected) in zip(
                rest, expected, strict=True
            ):
                np.testing.assert_array_equal(batch, batch_expected)
                assert after == after_expected

    def test_from_between_epochs(self) -> None:
        loader = new_loader()
        list(loader)
        state = loader.state_dict()
        assert state["epoch"] is None
        expected = list(loader)
        resumed = new_loader(rng=999)
        resumed.load_state_dict(state)
        assert resumed.state_dict() == state
        for batch, batch_expected in zip(resumed, expected, strict=True):
            np.testing.assert_array_equal(batch, batch_expected)

    def test_after_the_last_batch_the_epoch_has_nothing_left(self) -> None:
        *_, (_, state) = stream(new_loader(), epochs=1)
        resumed = new_loader(rng=999)
        resumed.load_state_dict(state)
        assert list(resumed) == []
        assert len(list(resumed)) == 3

    def test_a_state_may_be_loaded_twice_and_into_the_same_loader(self) -> None:
        loader = new_loader()
        next(iter(loader))
        state = loader.state_dict()
        runs = []
        for _ in range(2):
            loader.load_state_dict(state)
            assert loader.state_dict() == state
            runs.append(np.concatenate([*loader, *loader]).tolist())
        assert runs[0] == runs[1] and len(runs[0]) == 7 + 11

    def test_leaving_an_epoch_early_starts_a_new_one(self) -> None:
        loader = new_loader()
        next(iter(loader))
        assert sorted(np.concatenate(list(loader))) == list(range(11))

    def test_a_resumed_epoch_left_early_is_not_resumed_again(self) -> None:
        loader = new_loader()
        next(iter(loader))
        loader.load_state_dict(loader.state_dict())
        next(iter(loader))
        assert sorted(np.concatenate(list(loader))) == list(range(11))

    def test_examples_already_seen_are_not_made_again(self) -> None:
        loader = DataLoader(Squares(10), batch_size=3)
        batches = iter(loader)
        next(batches), next(batches)
        dataset = Squares(10)
        resumed = DataLoader(dataset, batch_size=3)
        resumed.load_state_dict(loader.state_dict())
        list(resumed)
        assert dataset.asked == [6, 7, 8, 9]

    def test_a_generator_shared_with_others_is_not_wound_back(self) -> None:
        def run(generator: np.random.Generator, loader: DataLoader) -> list[float]:
            return [float(generator.random()) + batch.sum() for batch in loader]

        generator = np.random.default_rng(0)
        loader = new_loader(generator)
        batches = iter(loader)
        next(batches)
        generator.random(5)
        state = loader.state_dict()
        expected = [float(generator.random()) + batch.sum() for batch in batches]
        other = np.random.default_rng(999)
        resumed = new_loader(other)
        resumed.load_state_dict(state)
        assert run(other, resumed) == expected

    @pytest.mark.parametrize(
        ("setting", "value"), [("batch_size", 3), ("shuffle", False), ("drop_last", True)]
    )
    def test_a_state_of_another_loader_is_refused(self, setting: str, value: Any) -> None:
        state = new_loader().state_dict()
        with pytest.raises(ValueError, match=rf"(?s){setting}.*this one has.*{setting}': {value}"):
            new_loader(**{setting: value}).load_state_dict(state)
        with pytest.raises(ValueError, match=r"'examples': 11.*'examples': 5"):
            DataLoader(np.arange(5), 4, True).load_state_dict(state)

    def test_a_refused_state_changes_nothing(self) -> None:
        loader = new_loader(rng=1)
        before = loader.state_dict()
        foreign = new_loader(np.random.Generator(np.random.Philox(0)))
        with pytest.raises(ValueError, match="PCG64"):
            loader.load_state_dict(foreign.state_dict())
        with pytest.raises(ValueError, match=r"has the keys .*'epoch'.*, got \['rng'\]"):
            loader.load_state_dict({"rng": before["rng"]})
        assert loader.state_dict() == before


class TestRefusals:
    @pytest.mark.parametrize("batch_size", [0, -1])
    def test_batch_size_below_one(self, batch_size: int) -> None:
        with pytest.raises(ValueError, match=f"at least 1, got {batch_size}"):
            DataLoader(X, batch_size)

    @pytest.mark.parametrize("batch_size", [2.0, "2", None, True])
    def test_batch_size_that_is_no_integer(self, batch_size: Any) -> None:
        with pytest.raises(TypeError, match="batch_size must be an integer, got"):
            DataLoader(X, batch_size)

    def test_numpy_integers_are_integers(self) -> None:
        assert len(DataLoader(X, np.int64(4))) == 3

    def test_unequal_lengths(self) -> None:
        with pytest.raises(ValueError, match=r"equally long.*\[\(11, 2\), \(10,\)\]"):
            DataLoader((X, Y[:-1]))
        with pytest.raises(ValueError, match="equally long"):
            DataLoader({"x": X, "y": Y[:-1]})

    @pytest.mark.parametrize("empty", [np.zeros((0, 3)), (X[:0], Y[:0]), [], Squares(0)])
    def test_empty_data(self, empty: Any) -> None:
        with pytest.raises(ValueError, match="data are empty"):
            DataLoader(empty)

    @pytest.mark.parametrize("shapeless", [(), {}, np.array(1.0), (X, 3)])
    def test_no_axis_of_examples(self, shapeless: Any) -> None:
        with pytest.raises(ValueError, match="axis of examples"):
            DataLoader(shapeless)

    @pytest.mark.parametrize("other", [None, 3, iter([1, 2]), {1, 2}])
    def test_data_of_another_kind(self, other: Any) -> None:
        with pytest.raises(TypeError, match=f"got <class '{type(other).__name__}'>"):
            DataLoader(other)

    def test_nothing_left_after_dropping(self) -> None:
        with pytest.raises(ValueError, match="11 examples are fewer than batch_size=12"):
            DataLoader(X, batch_size=12, drop_last=True)
