"""The progress bar of an epoch: loss, metrics, throughput, time left; none off a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

_PAUSE = 0.1  # seconds between two looks at the metrics


class Progress:
    """A bar for one epoch, or nothing.

    Args:
        label: what stands before it.
        batches: how many there are.
        batch_size: of how many examples.
        done: how many batches are done already.
        shown: True or False; None for a bar where there is a terminal and tqdm is installed.

    Raises:
        ImportError: if a bar is asked for and tqdm is missing.
    """

    def __init__(
        self, label: str, batches: int, batch_size: int, done: int = 0, shown: bool | None = None
    ) -> None:
        self.bar: Any = None
        self.due = 0.0
        if shown is False or (shown is None and not sys.stderr.isatty()):
            return
        try:
            from tqdm import tqdm
        except ImportError as error:
            if shown:
                raise ImportError(
                    "the progress bar needs tqdm: pip install 'tinygrad_lite[train]'"
                ) from error
            return
        self.bar = tqdm(
            desc=label,
            total=batches,
            initial=done,
            unit=" examples",
            unit_scale=batch_size,
            dynamic_ncols=True,
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def due_now(self) -> bool:
        """Whether it is time to show new metrics."""
        return self.bar is not None and time.perf_counter() >= self.due

    def show(self, measured: Mapping[str, Any]) -> None:
        """Write the numbers behind the bar."""
        if self.bar is not None:
            numbers = {k: v for k, v in measured.items() if isinstance(v, float)}
            self.bar.set_postfix({k: f"{v:.4g}" for k, v in numbers.items()})
            self.due = time.perf_counter() + _PAUSE

    def advance(self) -> None:
        """One batch more."""
        if self.bar is not None:
            self.bar.update()
