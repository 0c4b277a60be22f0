"""The bundled 8x8 handwritten digits of the UCI optical digits set."""

from __future__ import annotations

from importlib import resources

import numpy as np
import numpy.typing as npt

from tinygrad_lite.data.rng import RandomSource
from tinygrad_lite.data.split import train_test_split

_BRIGHTEST = 16


def digits(
    test_size: float = 0.2, rng: RandomSource = 0
) -> tuple[
    npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]
]:
    """The 1,797 digits as `(x_train, y_train, x_test, y_test)`, shuffled and stratified by label.

    Pixels are float32 in [0, 1] of shape `(n, 64)`, which `.reshape(-1, 8, 8)` turns into pictures;
    labels 0 to 9 are int64 of shape `(n,)`. `test_size` is a fraction or a count; the same `rng`
    seed gives the same split. Raises ValueError for a size that leaves a part empty.

    E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
    Repository, 1998 (CC BY 4.0).

    >>> x_train, y_train, x_test, y_test = digits()
    >>> x_train.shape, y_train.shape, x_test.shape, y_test.shape
    ((1438, 64), (1438,), (359, 64), (359,))
    """
    bundled = resources.files("tinygrad_lite.data") / "uci_digits.npz"
    with bundled.open("rb") as file, np.load(file) as arrays:
        pixels, labels = arrays["pixels"], arrays["labels"]
    x = np.divide(pixels, _BRIGHTEST, dtype=np.float32)
    y = labels.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=test_size, rng=rng, stratify=y
    )
    return x_train, y_train, x_test, y_test
