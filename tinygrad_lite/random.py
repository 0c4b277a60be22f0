"""Random numbers from explicit NumPy Generators, and the default one that ``manual_seed`` sets."""

from __future__ import annotations

import numpy as np

_default = np.random.default_rng()


def manual_seed(seed: int | None) -> np.random.Generator:
    """Start the default generator anew from ``seed``, and return it.

    >>> import tinygrad_lite as tg
    >>> a = tg.manual_seed(0).random()
    >>> a == tg.manual_seed(0).random()
    True
    """
    _default.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    return _default


def generator(rng: np.random.Generator | int | None = None) -> np.random.Generator:
    """The generator to draw from: the one given, a new one for a seed, the default for None.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> tg.random.generator(np.random.default_rng(0)).integers(10)
    np.int64(8)
    """
    if rng is None:
        return _default
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        return np.random.default_rng(int(rng))
    raise TypeError(
        f"rng must be a numpy.random.Generator, a seed or None, not {type(rng).__name__}"
    )
