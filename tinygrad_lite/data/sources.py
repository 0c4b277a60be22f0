"""What a DataLoader can read: arrays batched by indexing, or a dataset batched item by item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

Selection: TypeAlias = slice | npt.NDArray[np.intp]


@runtime_checkable
class Dataset(Protocol):
    """Examples numbered from 0; each an array, a number, or a tuple or dict of such."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class Source(Protocol):
    """Examples that can be counted, and taken several at a time as one batch."""

    def __len__(self) -> int: ...

    def take(self, selection: Selection) -> Any: ...


class ArraySource:
    """Arrays with a common first axis; `pack` gives a batch of them the structure of the data."""

    def __init__(
        self,
        arrays: Mapping[Any, npt.ArrayLike],
        pack: Callable[[dict[Any, npt.NDArray[Any]]], Any],
    ) -> None:
        self._arrays = {key: np.asarray(array) for key, array in arrays.items()}
        self._pack = pack
        shapes = [array.shape for array in self._arrays.values()]
        if not shapes or () in shapes:
            raise ValueError(f"data must be arrays with an axis of examples, got shapes {shapes}")
        if len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                f"arrays must be equally long on their first axis, got shapes {shapes}"
            )
        self._length = int(shapes[0][0])

    def __len__(self) -> int:
        return self._length

    def take(self, selection: Selection) -> Any:
        """Views of the arrays for a slice, copies for an array of indices."""
        if isinstance(selection, slice):
            return self._pack({key: array[selection] for key, array in self._arrays.items()})
        # On rows, ndarray.take is faster than indexing.
        return self._pack({key: array.take(selection, 0) for key, array in self._arrays.items()})


class ItemSource:
    """A dataset whose items are stacked into batches."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def take(self, selection: Selection) -> Any:
        """New arrays, one for each field of the items."""
        if isinstance(selection, slice):
            indices = range(len(self))[selection]
        else:
            indices = selection.tolist()
        return _stacked([self._dataset[index] for index in indices])


def as_source(data: Any) -> Source:
    """The source behind an array, a tuple or dict of arrays, or a dataset.

    Raises TypeError for anything else and ValueError for arrays of unequal length.
    """
    if isinstance(data, tuple):
        return ArraySource(dict(enumerate(data)), pack=lambda batch: tuple(batch.values()))
    if isinstance(data, Mapping):
        return ArraySource(data, pack=lambda batch: batch)
    if hasattr(data, "__array__"):
        return ArraySource({"": data}, pack=lambda batch: batch[""])
    if isinstance(data, Dataset):
        return ItemSource(data)
    raise TypeError(
        "data must be an array, a tuple or dict of arrays, or a dataset with __len__ and "
        f"__getitem__, got {type(data)}"
    )


def _stacked(items: list[Any]) -> Any:
    first = items[0]
    if isinstance(first, tuple):
        return tuple(_stacked(list(field)) for field in zip(*items, strict=True))
    if isinstance(first, Mapping):
        return {key: _stacked([item[key] for item in items]) for key in first}
    arrays = [np.asarray(item) for item in items]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise ValueError(
            f"items of one batch must have equal shapes, got {sorted(shapes)}; "
            "arrays of inputs and targets are given as a tuple (x, y), not as a list"
        )
    return np.stack(arrays)
