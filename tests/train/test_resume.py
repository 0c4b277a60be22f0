"""Checkpoints: a run that was interrupted anywhere ends as if it had not been, to the last bit."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.train import Callback, fit

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("recipe", HERE / "recipe.py")
recipe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipe)


class Crash(Exception):
    """The end of a process, without the process."""


class CrashAt(Callback):
    """Raise after so many batches; it keeps no state, but counts as a callback."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_batch_end(self, run: Any) -> None:
        self.left -= 1
        if not self.left:
            raise Crash


@pytest.fixture(scope="module")
def uninterrupted() -> tuple[list, dict]:
    model = recipe.model()
    history = recipe.train(model, None, callbacks=[CrashAt(-1)])
    return recipe.rows(history), model.state_dict()


def check(history: Any, model: nn.Module, uninterrupted: tuple[list, dict]) -> None:
    rows, weights = uninterrupted
    assert recipe.rows(history) == rows
    for name, array in model.state_dict().items():
        assert array.tobytes() == weights[name].tobytes(), name


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
@pytest.mark.parametrize("batches", [1, 2, 5, 6, 7, 12, 13, 35])
def test_a_crash_after_any_batch(
    tmp_path: Path, batches: int, suffix: str, uninterrupted: tuple[list, dict]
) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / f"run{suffix}"
    with pytest.raises(Crash):
        recipe.train(recipe.model(), path, callbacks=[CrashAt(batches)])
    tg.random.generator().random(17)  # a new process would be elsewhere
    model = recipe.model()
    if path.exists():  # the first checkpoint is written after two batches
        for p in model.parameters():
            p.data = np.zeros(p.shape)
    check(recipe.train(model, path, callbacks=[CrashAt(-1)]), model, uninterrupted)


def test_a_crash_in_every_process(tmp_path: Path, uninterrupted: tuple[list, dict]) -> None:
    for _ in range(40):
        model = recipe.model()
        try:
            history = recipe.train(model, tmp_path / "run.npz", callbacks=[CrashAt(3)])
        except Crash:
            continue
        break
    check(history, model, uninterrupted)


def test_a_finished_run_is_not_trained_further(
    tmp_path: Path, uninterrupted: tuple[list, dict]
) -> None:
    def train() -> tuple[Any, nn.Module]:
        model = recipe.model()
        return recipe.train(model, tmp_path / "run.npz", callbacks=[CrashAt(-1)]), model

    train()
    check(*train(), uninterrupted)


def test_more_epochs_go_on_from_the_last(tmp_path: Path, uninterrupted: tuple[list, dict]) -> None:
    recipe.train(recipe.model(), tmp_path / "run.npz", epochs=2, callbacks=[CrashAt(-1)])
    model = recipe.model()
    check(recipe.train(model, tmp_path / "run.npz", callbacks=[CrashAt(-1)]), model, uninterrupted)


def test_early_stopping_counts_on(tmp_path: Path) -> None:
    def train(**changes: Any) -> Any:
        model = recipe.model()
        history = recipe.train(
            model, tmp_path / "run.npz", epochs=40, patience=2, schedule=None, **changes
        )
        return recipe.rows(history), history.stopped, model.state_dict()

    whole = train(resume=False)
    assert whole[1].startswith("stopped early")
    for _ in range(2):
        train_partly = train(resume=True)
        assert train_partly[:2] == whole[:2]
    (tmp_path / "run.npz").unlink()
    for batches in (20, 33):
        with pytest.raises(Crash):
            train(callbacks=[CrashAt(batches)])
    rows, stopped, weights = train(callbacks=[CrashAt(-1)])
    assert (rows, stopped) == whole[:2]
    for name, array in weights.items():
        np.testing.assert_array_equal(array, whole[2][name])


def test_what_was_stopped_early_goes_on_with_more_epochs(tmp_path: Path) -> None:
    def train(epochs: int) -> Any:
        return recipe.train(
            recipe.model(), tmp_path / "run.npz", epochs=epochs, patience=2, schedule=None
        )

    first = train(40)
    assert first.stopped.startswith("stopped early") and len(first) < 40
    best = first.best("val_loss")["epoch"]
    again = train(41)
    assert again.rows[: len(first)] == first.rows
    assert len(again) >= len(first) + 2  # it has patience again
    if again.best("val_loss")["epoch"] == best:
        epochs = len(again) - best
        assert f"has not improved for {epochs} epochs since epoch {best}" in again.stopped


def test_what_a_callback_stopped_goes_on_where_it_was(
    tmp_path: Path, uninterrupted: tuple[list, dict]
) -> None:
    class Stop(Callback):
        def on_batch_end(self, run: Any) -> None:
            if (run.epoch, run.batch) == (1, 3):
                run.stop("enough")

    def train(epochs: int, callback: Callback) -> tuple[Any, nn.Module]:
        model = recipe.model()
        return recipe.train(model, tmp_path / "run.npz", epochs=epochs, callbacks=[callback]), model

    for _ in range(2):
        assert train(recipe.EPOCHS - 1, Stop())[0].stopped == "enough"
    check(*train(recipe.EPOCHS, CrashAt(-1)), uninterrupted)


def test_ctrl_c_keeps_a_checkpoint_to_go_on_from(
    tmp_path: Path, uninterrupted: tuple[list, dict]
) -> None:
    import signal

    class Press(Callback):
        def on_batch_end(self, run: Any) -> None:
            if (run.epoch, run.batch) == (2, 3):
                os.kill(os.getpid(), signal.SIGINT)

    history = recipe.train(recipe.model(), tmp_path / "run.npz", callbacks=[Press()])
    assert history.stopped == "interrupted after epoch 2, batch 3 of epoch 3"
    model = recipe.model()
    check(recipe.train(model, tmp_path / "run.npz", callbacks=[CrashAt(-1)]), model, uninterrupted)


def test_a_schedule_by_batch_and_a_shared_generator(tmp_path: Path) -> None:
    """One generator for shuffling and for Dropout, a one-cycle schedule, an old bit generator."""

    def train(checkpoint: Path | None, batches: int = -1) -> tuple[list, dict]:
        shared = np.random.Generator(np.random.MT19937(3))
        model = nn.Sequential(
            nn.Linear(2, 8, rng=0), nn.Dropout(0.5, rng=shared), nn.Linear(8, 2, rng=1)
        )
        history = fit(
            model,
            tg.data.moons(60, rng=0),
            loss="cross_entropy",
            optimizer=lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
            schedule=lambda o: optim.OneCycleLR(o, 0.2, total_steps=30),
            epochs=5,
            batch_size=10,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint and 1,
            resume=checkpoint is not None,
            callbacks=[CrashAt(batches)],
            rng=shared,
        )
        return recipe.rows(history), model.state_dict()

    whole = train(None)
    for batches in (4, 9, 6, 1):
        with pytest.raises(Crash):
            train(tmp_path / "run.npz", batches)
    rows, weights = train(tmp_path / "run.npz")
    assert rows == whole[0]
    for name, array in weights.items():
        assert array.tobytes() == whole[1][name].tobytes()


def wider() -> nn.Module:
    model = recipe.model()
    model.extra = nn.Linear(2, 2)
    return model


def test_compiled_it_goes_on_bit_for_bit(tmp_path: Path) -> None:
    def train(checkpoint: Path | None, epochs: int = 10, batches: int = -1) -> tuple[Any, Any]:
        model = recipe.model()
        callbacks = [CrashAt(batches)]
        history = recipe.train(
            model, checkpoint, epochs=epochs, compile=True, patience=None, callbacks=callbacks
        )
        return recipe.rows(history), {k: v.tobytes() for k, v in model.state_dict().items()}

    whole = train(None)
    train(tmp_path / "halves.npz", epochs=5)
    assert train(tmp_path / "halves.npz") == whole
    with pytest.raises(Crash):
        train(tmp_path / "crash.npz", batches=15)
    assert train(tmp_path / "crash.npz") == whole


def run_of(tmp_path: Path) -> Path:
    with pytest.raises(Crash):
        recipe.train(recipe.model(), tmp_path / "run.npz", callbacks=[CrashAt(9)])
    return tmp_path / "run.npz"


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"batch_size": 8}, "batch_size"),
    ({"metrics": ["accuracy"]}, "metrics"),
    ({"schedule": None}, "schedule"),
    ({"validation": None}, "validation"),
    ({"patience": None}, "callbacks"),
    ({"optimizer": optim.RMSprop}, "optimizer: Adam; this run's: RMSprop"),
    ({"optimizer": lambda p: optim.AdamW(p, amsgrad=True)}, "optimizer"),
    ({"loss": lambda o, y: tg.nn.functional.cross_entropy(o, y)}, "loss: cross_entropy"),
    ({"schedule": lambda o: optim.StepLR(o, 2)}, "schedule: ReduceLROnPlateau"),
]


@pytest.mark.parametrize(("changes", "message"), OTHERS)
def test_a_checkpoint_of_another_run(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = run_of(tmp_path)
    model = recipe.model()
    before = model.state_dict()
    with pytest.raises(ValueError, match=f"(?s)another run.*nothing was loaded.*{message}"):
        recipe.train(model, path, **({"callbacks": [CrashAt(-1)]} | changes))
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_checkpoint_of_another_model(tmp_path: Path) -> None:
    path = run_of(tmp_path)
    for other, message in (
        (nn.Sequential(nn.Linear(2, 2)), r"generators"),
        (wider(), r"extra\.weight"),
    ):
        with pytest.raises(ValueError, match=f"(?s)another run.*{message}"):
            recipe.train(other, path, callbacks=[CrashAt(-1)])


def test_a_model_that_was_saved_is_no_checkpoint(tmp_path: Path) -> None:
    tg.save(recipe.model().state_dict(), tmp_path / "run.npz")
    with pytest.raises(ValueError, match="it is no checkpoint of fit, but other state"):
        recipe.train(recipe.model(), tmp_path / "run.npz")


def test_a_generator_state_out_of_range_undoes_all(tmp_path: Path) -> None:
    path = run_of(tmp_path)
    state = tg.load(path)
    state["generators"]["default"]["state"]["state"] = -1
    tg.save(state, path)
    model = recipe.model()
    before = model.state_dict()
    with pytest.raises(ValueError, match="nothing was loaded"):
        recipe.train(model, path, callbacks=[CrashAt(-1)])
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_damaged_checkpoint(tmp_path: Path) -> None:
    path = run_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="cannot be loaded"):
        recipe.train(recipe.model(), path)


def test_leftovers_of_a_name_with_special_characters_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "run[1].npz"
    others = [
        tmp_path / ".run1x.npz.01234567.partial",
        tmp_path / f".{path.name}.b.npz.01234567.partial",
    ]
    for leftover in (tmp_path / f".{path.name}.01234567.partial", *others):
        leftover.touch()
    recipe.train(recipe.model(), path, epochs=1)
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_without_resume_a_run_starts_anew(tmp_path: Path, uninterrupted: tuple[list, dict]) -> None:
    path = run_of(tmp_path)
    (tmp_path / ".run.npz.01234567.partial").touch()
    model = recipe.model()
    history = recipe.train(model, path, resume=False, callbacks=[CrashAt(-1)])
    check(history, model, uninterrupted)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork to kill")
@pytest.mark.parametrize(
    ("kills", "suffix"),
    [
        (15, ".safetensors"),
        pytest.param(100, ".safetensors", marks=pytest.mark.slow),
        pytest.param(100, ".npz", marks=pytest.mark.slow),
    ],
)
def test_kills_never_lose_the_last_checkpoint(
    tmp_path: Path, kills: int, suffix: str, seed: int
) -> None:
    pytest.importorskip("safetensors")
    model = recipe.model()
    expected = recipe.rows(recipe.train(model, None))
    weights = b"".join(array.tobytes() for array in model.state_dict().values())
    path = tmp_path / f"run{suffix}"
    arguments = [HERE / "kill.py", HERE / "recipe.py", path, str(kills), str(seed)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    end = json.loads(done.stdout)
    assert end["kills"] == kills
    assert end["rows"] == json.loads(json.dumps(expected))
    assert end["weights"] == zlib.crc32(weights)
    assert list(tmp_path.iterdir()) == [path]
