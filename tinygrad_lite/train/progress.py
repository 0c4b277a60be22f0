"""The progress bar of an epoch: loss, metrics, throughput, time left; none off a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

_PAUSE = 0.1  # seconds between two looks at the metrics
_WIDE = 100  # columns from which on there is room for words
_NARROW = 50  # columns below which there is none for throughput
_REST = 33  # columns for percentage, throughput, time left and a bar of one column
_REST_AT_END = 22  # for throughput and time
_SHORT = {"accuracy": "acc", "precision": "prec", "recall": "rec", "exact_match": "exact"}


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
        self.line = (" {percentage:3.0f}%", "{remaining} left", " |{bar}|")
        self.rest = _REST
        self.batch_size = batch_size
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
            total=batches * batch_size,
            initial=done * batch_size,
            unit="",
            unit_scale=True,
            dynamic_ncols=True,
            bar_format=_line(*self.line),
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
        """Write the numbers before the bar, as many as there is room for."""
        if self.bar is None:
            return
        numbers = {k: v for k, v in measured.items() if isinstance(v, float)}
        columns = self.bar.format_dict["ncols"] or sys.maxsize
        wide = columns >= _WIDE
        self.bar.unit = " examples" if wide else ""
        self.bar.bar_format = _line(*self.line, throughput=columns >= _NARROW)
        room = columns - len(self.bar.desc) - len(self.bar.unit) - self.rest
        self.bar.set_postfix_str(fitted(numbers, room, wide))
        self.due = time.perf_counter() + _PAUSE

    def finish(self, measured: Mapping[str, Any]) -> None:
        """Write the numbers of the whole epoch, and the time that it took."""
        if self.bar is not None:
            self.rest = _REST_AT_END
            self.line = ("", "in {elapsed}", "")
            self.show(measured)

    def advance(self) -> None:
        """One batch more."""
        if self.bar is not None:
            self.bar.update(self.batch_size)


def fitted(numbers: Mapping[str, float], room: int, wide: bool = True) -> str:
    """The numbers in so many columns: shortened, then without some of them, if it must be.

    Where the terminal is not wide they are always short, so that they do not change their style.

    What is left out last is the loss of validation, then the first metric; the loss stays.

    >>> numbers = {"loss": 0.09709, "accuracy": 0.9712, "val_loss": 0.12, "lr": 0.01}
    >>> for room in (60, 50, 40, 20):
    ...     print(fitted(numbers, room))
    loss=0.09709, accuracy=0.9712, val_loss=0.12, lr=0.01
    loss=0.0971 acc=0.971 val_loss=0.12 lr=0.01
    loss=0.0971 acc=0.971 val_loss=0.12
    loss=0.0971
    """
    full = ", ".join(f"{name}={value:.4g}" for name, value in numbers.items())
    if wide and len(full) <= room:
        return full
    brief = {name: f"{_shortened(name)}={value:.3g}" for name, value in numbers.items()}
    metric = next((name for name in brief if name != "loss"), "")
    ranks = {"loss": 0, metric: 1, "val_loss": 2, "lr": 4}
    order = sorted(brief, key=lambda name: ranks.get(name, 3))
    for n in range(len(order), 1, -1):
        text = " ".join(brief[name] for name in brief if name in order[:n])
        if len(text) <= room:
            return text
    return " ".join(brief[name] for name in order[:1])


def _shortened(name: str) -> str:
    measure = name.removeprefix("val_")
    return name.removesuffix(measure) + _SHORT.get(measure, measure)


def _line(share: str, time: str, bar: str, throughput: bool = True) -> str:
    """The numbers first, since what a narrow terminal has no room for is cut off at the end."""
    rate = ", {rate_noinv_fmt}" if throughput else ""
    return f"{{desc}}{share}{{postfix}}{rate}, {time}{bar}"
