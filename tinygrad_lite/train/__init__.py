"""Training as people do it: fit, evaluate, predict, with metrics, history and checkpoints."""

from tinygrad_lite.train import metrics
from tinygrad_lite.train.callbacks import Callback, EarlyStopping
from tinygrad_lite.train.diagnose import Diverged
from tinygrad_lite.train.fit import fit
from tinygrad_lite.train.history import History
from tinygrad_lite.train.measure import evaluate, predict
from tinygrad_lite.train.run import Run

__all__ = [
    "Callback",
    "Diverged",
    "EarlyStopping",
    "History",
    "Run",
    "evaluate",
    "fit",
    "metrics",
    "predict",
]
