"""A training run with everything that has a state: what resuming and kills are tried on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.train import History, fit

EPOCHS = 6


def model() -> nn.Module:
    """Dropout twice: with a generator of its own and with the default one."""
    return nn.Sequential(
        nn.Linear(2, 16, rng=0),
        nn.ReLU(),
        nn.Dropout(0.2, rng=7),
        nn.Linear(16, 8, rng=1),
        nn.Tanh(),
        nn.Dropout(0.1),
        nn.Linear(8, 2, rng=2),
    )


def train(net: nn.Module, checkpoint: Path | None, **changes: Any) -> History:
    """Train it, going on from the checkpoint if there is one."""
    tg.manual_seed(11)
    settings: dict[str, Any] = {
        "loss": "cross_entropy",
        "optimizer": lambda parameters: optim.Adam(parameters, lr=0.01, amsgrad=True),
        "schedule": lambda optimizer: optim.ReduceLROnPlateau(optimizer, factor=0.5, patience=0),
        "epochs": EPOCHS,
        "batch_size": 16,
        "validation": tg.data.moons(40, rng=1),
        "metrics": ["accuracy", "f1", "confusion_matrix"],
        "patience": 4,
        "checkpoint": checkpoint,
        "checkpoint_every": None if checkpoint is None else 2,
        "resume": checkpoint is not None,
        "rng": 5,
    }
    return fit(net, tg.data.moons(90, rng=0), **(settings | changes))


def rows(history: History) -> list[dict[str, Any]]:
    """What was measured, but for the time it took."""
    return [{name: v for name, v in row.items() if name != "seconds"} for row in history.rows]
