"""Before: what a pass over a batch changes besides gradients, to be put back for another pass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tinygrad_lite.nn import Buffer


class Before:
    """The states of generators and the values of buffers, as they are when it is made.

    >>> g = np.random.default_rng(0)
    >>> before = Before([g], [])
    >>> first = g.random()
    >>> before.restore()
    >>> g.random() == first
    True
    """

    def __init__(
        self, generators: Iterable[np.random.Generator], buffers: Iterable[Buffer]
    ) -> None:
        self.states = [(g, g.bit_generator.state) for g in generators]
        self.values = [(buffer, buffer.data.copy()) for buffer in buffers]

    def restore(self) -> None:
        """Have them as they were."""
        for generator, state in self.states:
            generator.bit_generator.state = state
        for buffer, values in self.values:
            buffer.data = values.copy()
