"""Encoding of class labels as one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def one_hot(
    labels: npt.ArrayLike, classes: int | None = None, dtype: npt.DTypeLike = np.float32
) -> npt.NDArray[Any]:
    """Integer labels of shape `(...)` as rows of zeros with a single one, shape `(..., classes)`.

    `classes` defaults to the largest label plus one: give it whenever some classes may be absent.

    Raises TypeError for labels that are not integers, ValueError for labels outside
    `0 .. classes - 1` and for empty labels without `classes`.

    >>> one_hot([2, 0], classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    indices = np.asarray(labels)
    if indices.dtype.kind not in "iu":
        raise TypeError(
            f"one_hot needs integer labels, got {indices.dtype}: convert them with .astype(int)"
        )
    if classes is None:
        if indices.size == 0:
            raise ValueError("one_hot cannot tell the classes from no labels: give `classes`")
        classes = int(indices.max()) + 1
    outside = indices[(indices < 0) | (indices >= classes)]
    if outside.size:
        raise ValueError(f"label {outside[0]} is outside 0 .. {classes - 1} ({classes} classes)")
    rows = np.zeros((indices.size, classes), dtype)
    rows[np.arange(indices.size), indices.ravel()] = 1
    return rows.reshape(*indices.shape, classes)
