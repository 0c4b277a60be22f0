"""Kill a training run at random moments, over and over, until it gets through.

usage: python kill.py RECIPE CHECKPOINT KILLS SEED

Every process is forked, trains, and is killed with SIGKILL. After each kill the checkpoint must
load and be no older than before. Prints a line of JSON: how many kills hit, and how the run ended.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import tinygrad_lite as tg


def position(checkpoint: Path) -> tuple[int, int]:
    """Where the checkpoint stands: epochs and batches."""
    if not checkpoint.exists():
        return 0, 0
    place = tg.load(checkpoint)["position"]
    return place["epoch"], place["batch"]


def train_and_die(recipe: Any, checkpoint: Path, seconds: float) -> bool:
    """Train in a process of its own, killed after so many seconds; whether it was killed."""
    child = os.fork()
    if not child:
        recipe.train(recipe.model(), checkpoint)
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main() -> None:
    spec = importlib.util.spec_from_file_location("recipe", sys.argv[1])
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    checkpoint, kills, chance = Path(sys.argv[2]), int(sys.argv[3]), random.Random(int(sys.argv[4]))
    start = time.perf_counter()
    recipe.train(recipe.model(), None)
    once = time.perf_counter() - start

    hits = runs = 0
    while hits < kills:
        checkpoint.unlink(missing_ok=True)
        place = (0, 0)
        finished = False
        while not finished and hits < kills:
            finished = not train_and_die(recipe, checkpoint, chance.uniform(0, once))
            hits += not finished
            reached = position(checkpoint)
            assert reached >= place, f"at {place} before, at {reached} after a kill"
            place = reached
        runs += finished
    model = recipe.model()
    history = recipe.train(model, checkpoint)
    weights = b"".join(array.tobytes() for array in model.state_dict().values())
    end = {"rows": recipe.rows(history), "weights": zlib.crc32(weights)}
    print(json.dumps({"kills": hits, "finished": runs, **end}))


if __name__ == "__main__":
    main()
