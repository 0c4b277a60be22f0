"""Loaders of training data: pairs of arrays, datasets of pairs, or a loader that is given."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from tinygrad_lite.data import DataLoader


def loader_of(data: Any, batch_size: int | None, default: int, **settings: Any) -> DataLoader:
    """A loader of pairs of inputs and targets; one that is given must not be given a size again."""
    if isinstance(data, DataLoader):
        if batch_size is not None:
            raise ValueError(
                f"the DataLoader has batches of {data.batch_size}: leave batch_size out, or give "
                "the data themselves"
            )
        return data
    if isinstance(data, Real):
        raise TypeError(
            f"data are arrays, not a number or a share of them, {data!r}: "
            "tg.data.train_test_split makes two sets of one"
        )
    if isinstance(data, list) and len(data) == 2:
        data = tuple(data)
    if isinstance(data, tuple):
        if any(isinstance(p, tuple) and any(isinstance(a, np.ndarray) for a in p) for p in data):
            raise ValueError(
                "inputs of several arrays are given as a dataset, whose items are examples: for "
                "example [((a[i], b[i]), y[i]) for i in range(len(y))]"
            )
        data = tuple(np.asarray(array) for array in data)
    return DataLoader(data, default if batch_size is None else batch_size, **settings)


def pair(batch: Any) -> tuple[Any, Any]:
    """The inputs and the targets of a batch, or an error that says what was found instead."""
    if not isinstance(batch, tuple) or len(batch) != 2:
        found = f"a tuple of {len(batch)}" if isinstance(batch, tuple) else type(batch).__name__
        raise ValueError(
            f"training data are pairs (inputs, targets), for example (x_train, y_train); a batch "
            f"of these is {found}. Weights of examples can be a column of the targets, which a "
            "loss function of your own reads"
        )
    return batch
