"""History: what a training run measured, epoch by epoch; it prints, plots and saves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lite.saving.atomic import replacing
from tinygrad_lite.tensor import Tensor

_COLOURS = ("#0072B2", "#D55E00")  # told apart by colour-blind readers too
_SMALLER = frozenset({"loss", "mse", "mae", "seconds", "lr"})
_LARGER = frozenset({"accuracy", "exact_match", "f1", "precision", "r2", "recall"})


class History:
    """A row for every epoch: its number, the loss, the metrics, ``lr`` and ``seconds``.

    Measures of the validation data have the prefix ``val_``. Those of the training data are taken
    while the model learns, so they are means over the epoch. An epoch that was broken off has no
    ``val_`` measures, and in ``batches`` the number of those it had.

    Attributes:
        rows: a dict for every epoch.
        stopped: why training ended before the last epoch; None if it did not.

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> print(history)
    epoch    loss
        1  0.5000
        2  0.2500
    >>> history["loss"], history.best("loss")["epoch"]
    ([0.5, 0.25], 2)
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]] = (), stopped: str | None = None) -> None:
        self.rows: list[dict[str, Any]] = [dict(row) for row in rows]
        self.stopped = stopped

    def append(self, row: Mapping[str, Any]) -> None:
        """Add an epoch; arrays become nested lists."""
        self.rows.append(_plain(row))

    @property
    def names(self) -> list[str]:
        """What was measured, in order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __len__(self) -> int:
        """The number of epochs."""
        return len(self.rows)

    def __contains__(self, name: object) -> bool:
        """Whether something of this name was measured."""
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        """The names, as those of a table's columns."""
        return iter(self.names)

    def __getitem__(self, name: str) -> list[Any]:
        """One measure over the epochs."""
        if name not in self:
            known = f"there are {', '.join(self)}" if self.rows else "there is no epoch yet"
            raise KeyError(f"{name!r} was not measured; {known}")
        return [row.get(name) for row in self.rows]

    def best(self, name: str, mode: str | None = None) -> dict[str, Any]:
        """The row with the smallest (``min``) or largest (``max``) value, by default as it fits.

        Raises KeyError for what was not measured, ValueError for a name that needs a ``mode``,
        another mode, and values that are arrays or never a number.
        """
        if mode not in ("min", "max", None):
            raise ValueError(f"mode is 'min' or 'max', not {mode!r}")
        values = np.array(self[name], float)
        if values.ndim > 1:
            raise ValueError(f"{name!r} is an array, of which no epoch has the best")
        mode = mode or better(name)
        if np.isnan(values).all():
            raise ValueError(f"{name!r} was never a number, so no epoch is the best")
        return self.rows[int(np.nanargmin(values) if mode == "min" else np.nanargmax(values))]

    def __repr__(self) -> str:
        """A table of everything that is a single number."""
        shown = [n for n in self.names if all(isinstance(v, Real | None) for v in self[n])]
        columns = [[name, *(_text(name, value) for value in self[name])] for name in shown]
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join(text.rjust(width) for text, width in zip(line, widths))
            for line in zip(*columns)
        ]
        if self.stopped:
            lines.append(self.stopped)
        return "\n".join(lines) or "no epoch yet"

    def plot(self, path: str | os.PathLike[str] | None = None, log: bool = False) -> Any:
        """Draw the loss and every metric over the epochs, training beside validation.

        Args:
            path: where to save the picture, as .png, .svg or .pdf; else it is only returned.
            log: a logarithmic axis for the loss.

        Returns:
            The matplotlib figure.

        Raises:
            ImportError: if matplotlib is missing.
            ValueError: if there is no epoch to draw.
        """
        if not self.rows:
            raise ValueError("there is nothing to plot: the history has no epoch yet")
        try:
            from matplotlib.figure import Figure
            from matplotlib.ticker import MaxNLocator
        except ImportError as error:
            raise ImportError(
                "plotting needs matplotlib: pip install 'tinygrad_lite[train]'"
            ) from error
        names = [n for n in self.names if n not in ("epoch", "seconds", "batches")]
        names = [n for n in names if all(isinstance(v, Real | None) for v in self[n])]
        panels = list(dict.fromkeys(name.removeprefix("val_") for name in names))
        figure = Figure(figsize=(4.2 * len(panels), 3.4), layout="constrained")
        for i, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), i + 1)
            for name, label, colour in zip(
                (panel, f"val_{panel}"), ("training", "validation"), _COLOURS
            ):
                if name in names:
                    values = np.array(self[name], float)
                    axes.plot(self["epoch"], values, label=label, color=colour, marker=".")
            axes.set(title=panel, xlabel="epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            if log and panel == "loss":
                axes.set_yscale("log")
            if f"val_{panel}" in names and panel in names:
                axes.legend(frameon=False)
        if path is not None:
            figure.savefig(path)
        return figure

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a JSON file, whole or not at all; NaN and infinity are strings there."""
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(_told(self.state_dict()), indent=1, allow_nan=False))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read what ``save`` wrote; ValueError if it is something else."""
        try:
            history = cls()
            history.load_state_dict(_retold(json.loads(Path(path).read_text())))
            return history
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no history: {error}") from error

    def state_dict(self) -> dict[str, Any]:
        """Rows and reason as plain values; arrays and tensors become nested lists."""
        return {"rows": [_plain(row) for row in self.rows], "stopped": self.stopped}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become what ``state_dict()`` was taken from."""
        if not isinstance(state["stopped"], str | None):
            raise TypeError(f"stopped is a reason in words, or None, not {state['stopped']!r}")
        self.rows, self.stopped = [dict(row) for row in state["rows"]], state["stopped"]


def direction(name: str) -> str | None:
    """Whether a measure is better when smaller (``min``) or larger (``max``), if its name tells."""
    measure = name.removeprefix("val_")
    if measure in _SMALLER:
        return "min"
    return "max" if measure in _LARGER or measure.startswith("top_") else None


def better(name: str) -> str:
    """The direction that a name tells; ValueError for that of a function or metric of one's own."""
    found = direction(name)
    if found is None:
        raise ValueError(
            f"the name {name!r} does not tell whether smaller or larger is better: say mode='min' "
            f"or mode='max', as in EarlyStopping(monitor={name!r}, mode='min')"
        )
    return found


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    kinds = (np.ndarray, np.generic, Tensor)
    return {name: x.tolist() if isinstance(x, kinds) else x for name, x in row.items()}


def _told(value: Any) -> Any:
    """As JSON has it, which knows no number that is not finite."""
    if isinstance(value, dict):
        return {name: _told(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_told(item) for item in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _retold(value: Any) -> Any:
    """What ``_told`` told."""
    if isinstance(value, dict):
        return {name: _retold(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_retold(item) for item in value]
    return float(value) if value in ("nan", "inf", "-inf") else value


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if name == "seconds":
        return f"{value:.2f}"
    if name == "lr":
        return f"{value:.3g}"
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3e}"
