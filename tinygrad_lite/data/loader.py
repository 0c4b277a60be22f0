"""DataLoader: batches of examples, in order or in a new order every epoch, resumable anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lite.data.rng import RandomSource, as_generator
from tinygrad_lite.data.sources import as_source
from tinygrad_lite.data.whole import whole


@dataclass
class _Epoch:
    """One pass over the data: what its order grows from, and how many batches were handed out."""

    seed: int | None
    done: int


class DataLoader:
    """Batches of `batch_size` examples from arrays or from a dataset; each `iter` is a new epoch.

    `data` is an array, a tuple or dict of arrays that agree on their first axis, or any object with
    `__len__` and `__getitem__`, whose items are stacked. A batch has the structure of the data: an
    array, a tuple or a dict of arrays, each with the examples on its first axis. Unshuffled batches
    of arrays are views of them; every other batch is a copy.

    With `shuffle`, every epoch has a new order, drawn from `rng` (a seed or a NumPy generator).
    `drop_last` leaves out a last batch that would be smaller than the others.

    Raises TypeError for data of another kind or a batch size that is no integer, ValueError for
    empty data, arrays of unequal length, a batch size below 1, or when no batch would be left.

    >>> x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    >>> loader = DataLoader((x, y), batch_size=2, shuffle=True, rng=0)
    >>> len(loader), [xb.shape for xb, yb in loader]
    (3, [(2, 2), (2, 2), (1, 2)])
    """

    def __init__(
        self,
        data: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        rng: RandomSource = None,
    ) -> None:
        self._source = as_source(data)
        self.batch_size = whole("batch_size", batch_size)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.rng = as_generator(rng)
        self._epoch: _Epoch | None = None
        self._resuming = False
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}")
        if len(self._source) == 0:
            raise ValueError("data are empty: a DataLoader needs at least one example")
        if len(self) == 0:
            raise ValueError(
                f"drop_last would leave no batch: {len(self._source)} examples are fewer than "
                f"batch_size={self.batch_size}"
            )

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self._source), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        epoch = self._epoch if self._resuming else None
        self._resuming = False
        if epoch is None:
            # The order grows from one drawn number: a state is small, and restoring it never winds
            # a generator that others draw from too back to the start of the epoch.
            seed = int(self.rng.integers(2**63)) if self.shuffle else None
            epoch = _Epoch(seed, done=0)
        self._epoch = epoch
        return self._batches(epoch)

    def _batches(self, epoch: _Epoch) -> Iterator[Any]:
        n, size = len(self._source), self.batch_size
        order = None if epoch.seed is None else np.random.default_rng(epoch.seed).permutation(n)
        for batch in range(epoch.done, len(self)):
            selection = slice(batch * size, min((batch + 1) * size, n))
            # Counted before it is handed out: a state saved while it is used resumes after it.
            epoch.done = batch + 1
            yield self._source.take(selection if order is None else order[selection])
        if self._epoch is epoch:
            self._epoch = None

    def state_dict(self) -> dict[str, Any]:
        """The state of the generator and the place in the epoch begun last, if it is not finished.

        A place in an epoch counts the batches handed out, including the one in use. All values are
        plain numbers, strings and dicts for NumPy's default bit generator.

        >>> loader = DataLoader(np.arange(6), batch_size=2, shuffle=True, rng=0)
        >>> batches = iter(loader)
        >>> first, state = next(batches), loader.state_dict()
        >>> resumed = DataLoader(np.arange(6), batch_size=2, shuffle=True)
        >>> resumed.load_state_dict(state)
        >>> np.array_equal(list(resumed), list(batches))
        True
        """
        epoch = self._epoch
        return {
            "layout": self._layout(),
            "rng": self.rng.bit_generator.state if self.shuffle else None,
            "epoch": None if epoch is None else {"seed": epoch.seed, "done": epoch.done},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where `state_dict` was taken: the next `iter` hands out the rest of that epoch.

        Raises ValueError, and changes nothing, for a state of a loader with another number of
        examples or other settings, or with another kind of bit generator.
        """
        expected = self.state_dict()
        if state.keys() != expected.keys():
            raise ValueError(
                f"a DataLoader state has the keys {sorted(expected)}, got {sorted(state)}"
            )
        if state["layout"] != expected["layout"]:
            raise ValueError(
                f"the state is of a loader with {state['layout']}, "
                f"this one has {expected['layout']}"
            )
        epoch = None if state["epoch"] is None else _Epoch(**state["epoch"])
        if self.shuffle:
            self.rng.bit_generator.state = state["rng"]
        self._epoch = epoch
        self._resuming = True

    def _layout(self) -> dict[str, int | bool]:
        return {
            "examples": len(self._source),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
        }
