"""fit, evaluate, predict and the history: what they do, measure and say."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim, random
from tinygrad_lite.nn import functional as F
from tinygrad_lite.train import (
    Callback,
    Diverged,
    EarlyStopping,
    History,
    evaluate,
    fit,
    metrics,
    predict,
)


def network(seed: int = 0, drop: float = 0.0) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, 8, rng=seed),
        nn.Tanh(),
        nn.Dropout(drop, rng=seed),
        nn.Linear(8, 2, rng=seed + 1),
    )


def moons(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return tg.data.moons(n, rng=seed)


def sgd(parameters: Any) -> optim.Optimizer:
    return optim.SGD(parameters, lr=0.1, momentum=0.9)


def test_it_does_what_the_loop_by_hand_does() -> None:
    x, y = moons()
    by_hand, by_fit = network(), network()
    optimizer = sgd(by_hand.parameters())
    schedule = optim.StepLR(optimizer, 2)
    losses = []
    loader = tg.data.DataLoader((x, y), batch_size=16, shuffle=True, rng=3)
    for _ in range(5):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(by_hand(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)
        schedule.step()
        losses.append(total / len(x))
    history = fit(
        by_fit,
        (x, y),
        loss="cross_entropy",
        optimizer=sgd,
        schedule=lambda o: optim.StepLR(o, 2),
        epochs=5,
        batch_size=16,
        rng=3,
    )
    assert history["loss"] == losses
    assert history["lr"] == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])
    for name, array in by_hand.state_dict().items():
        np.testing.assert_array_equal(array, by_fit.state_dict()[name])


def test_it_learns_and_measures() -> None:
    model = network()
    x, y = moons(300)
    history = fit(
        model,
        (x, y),
        loss="cross_entropy",
        optimizer=optim.Adam(model.parameters(), lr=0.03),
        epochs=25,
        validation=moons(100, seed=1),
        metrics=["accuracy", "f1", "confusion_matrix"],
        rng=0,
    )
    assert len(history) == 25 and history.stopped is None
    last = history.rows[-1]
    assert last["val_accuracy"] > 0.95
    again = evaluate(model, moons(100, seed=1), "cross_entropy", ["accuracy", "f1"])
    assert again["loss"] == pytest.approx(last["val_loss"])
    assert again["accuracy"] == last["val_accuracy"] and again["f1"] == last["val_f1"]
    assert np.sum(last["val_confusion_matrix"]) == 100
    assert next(iter(last)) == "epoch" and list(last)[-2:] == ["lr", "seconds"]


OUTPUTS = {
    "binary": (1, F.binary_cross_entropy_with_logits, lambda y: y[:, None], "accuracy"),
    "classes": (2, F.cross_entropy, lambda y: y, "accuracy"),
    "one-hot": (2, F.cross_entropy, lambda y: tg.data.one_hot(y, 2), "accuracy"),
    "labels": (2, F.binary_cross_entropy_with_logits, lambda y: np.stack([y, 1 - y], 1), "f1"),
    "regression": (1, F.mse_loss, lambda y: y[:, None].astype(np.float32), "r2"),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_kinds_of_outputs(kind: str) -> None:
    columns, loss, targets, metric = OUTPUTS[kind]
    x, y = moons(200)
    model = nn.Sequential(nn.Linear(2, 16, rng=0), nn.Tanh(), nn.Linear(16, columns, rng=1))
    history = fit(
        model,
        (x, targets(y)),
        loss=loss,
        optimizer=optim.Adam(model.parameters(), lr=0.03),
        epochs=30,
        metrics=[metric],
        rng=0,
    )
    assert history[metric][-1] > 0.8 and history["loss"][-1] < history["loss"][0] / 2


def test_data_may_be_a_dataset_or_a_loader() -> None:
    class Points:
        def __len__(self) -> int:
            return 60

        def __getitem__(self, i: int) -> tuple[np.ndarray, np.int64]:
            return x[i], y[i]

    x, y = moons()
    results = []
    for data in ((x, y), [x, y], Points(), tg.data.DataLoader((x, y), 32, shuffle=True, rng=0)):
        history = fit(network(), data, loss="cross_entropy", optimizer=sgd, epochs=2, rng=0)
        results.append(history["loss"])
    assert all(losses == results[0] for losses in results)


def test_the_default_generator_shuffles() -> None:
    x, y = moons()
    losses = []
    for seed in (1, 1, 2):
        tg.manual_seed(seed)
        losses.append(fit(network(), (x, y), loss="cross_entropy", optimizer=sgd)["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_modes_are_left_as_they_were() -> None:
    model = network(drop=0.5).eval()
    seen = []
    model[3].train()
    fit(
        model,
        moons(),
        loss="cross_entropy",
        optimizer=sgd,
        validation=moons(),
        callbacks=[lambda run: seen.append(model[2].training)],
    )
    assert seen == [True]
    assert not model.training and not model[2].training and model[3].training


def test_callbacks_in_order() -> None:
    calls = []

    class Tell(Callback):
        def on_train_begin(self, run: Any) -> None:
            calls.append("begin")

        def on_batch_end(self, run: Any) -> None:
            calls.append((run.epoch, run.batch, list(run.measured)))

        def on_epoch_end(self, run: Any) -> None:
            calls.append((run.epoch, run.measured["loss"] == run.history["loss"][-1]))

        def on_train_end(self, run: Any) -> None:
            calls.append("end")

    fit(network(), moons(), loss="cross_entropy", optimizer=sgd, epochs=2, callbacks=[Tell()])
    batches = [[(e, b, ["loss"]) for b in (1, 2)] + [(e + 1, True)] for e in range(2)]
    assert calls == ["begin", *batches[0], *batches[1], "end"]


def test_a_callback_may_stop_in_the_middle() -> None:
    class Enough(Callback):
        def on_batch_end(self, run: Any) -> None:
            if run.epoch == 1:
                run.stop("enough")

    history = fit(
        network(), moons(), loss="cross_entropy", optimizer=sgd, epochs=9, callbacks=[Enough()]
    )
    assert len(history) == 2 and history.stopped == "enough" and "enough" in str(history)
    assert history["batches"] == [None, 1]


def test_early_stopping_keeps_the_best() -> None:
    model = network()
    weights = []
    history = fit(
        model,
        moons(20),
        loss="cross_entropy",
        optimizer=optim.Adam(model.parameters(), lr=0.3),
        epochs=300,
        validation=moons(40, seed=5),
        patience=4,
        callbacks=[lambda run: weights.append(run.model.state_dict())],
        rng=0,
    )
    best = history.best("val_loss")
    assert len(history) == best["epoch"] + 4 < 300
    assert history.stopped == (
        f"stopped early: val_loss has not improved for 4 epochs since epoch {best['epoch']}"
    )
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, weights[best["epoch"] - 1][name])


def fed(values: list[float], **settings: Any) -> tuple[History, EarlyStopping]:
    """A run whose metric ``fed`` has these values, epoch by epoch."""
    feed = iter(values)
    stopping = EarlyStopping(2, "fed", **settings)
    history = fit(
        network(),
        moons(),
        loss="cross_entropy",
        optimizer=sgd,
        epochs=5,
        batch_size=60,
        metrics=[metrics.Average(lambda outputs, targets: next(feed), "fed")],
        callbacks=[stopping],
    )
    return history, stopping


@pytest.mark.parametrize(
    ("mode", "values", "epochs"), [("max", [1, 3, 2, 2, 9], 4), ("min", [3, 1, 2, 2, 0], 4)]
)
def test_early_stopping_either_way(mode: str, values: list[float], epochs: int) -> None:
    assert len(fed(values, mode=mode, restore_best=False)[0]) == epochs


@pytest.mark.parametrize(
    ("values", "best", "epochs"),
    [([np.nan, 0.5, 0.4, np.nan, 0.6], 3, 5), ([np.nan] * 5, 0, 2)],
)
def test_not_a_number_is_never_the_best(values: list[float], best: int, epochs: int) -> None:
    history, stopping = fed(values, mode="min")
    assert stopping.best_epoch == best and len(history) == epochs
    assert ("never a number" in history.stopped) == (best == 0)
    if not best:
        with pytest.raises(ValueError, match="never a number"):
            history.best("fed", mode="min")


def test_a_validation_loss_that_is_not_a_number_is_reported() -> None:
    x, y = moons()
    x[3] = np.nan
    history = fit(
        network(), moons(), loss="cross_entropy", optimizer=sgd, epochs=5, validation=(x, y)
    )
    assert len(history) == 1 and "val_loss is nan" in history.stopped


def test_weights_that_the_last_update_broke_are_noticed() -> None:
    with np.errstate(all="ignore"), pytest.raises(Diverged, match=r"epoch 1.*0\.weight"):
        fit(
            nn.Sequential(nn.Linear(1, 1, rng=0)),
            (np.full((4, 1), 1e15, np.float32), np.zeros((4, 1), np.float32)),
            loss="mse_loss",
            optimizer=lambda p: optim.SGD(p, lr=1e30),
        )


def errors(outputs: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(outputs.argmax(1) != y))


def test_a_name_that_does_not_tell_which_way_is_better_needs_a_mode() -> None:
    settings = {"loss": "cross_entropy", "optimizer": sgd, "metrics": [errors]}
    with pytest.raises(ValueError, match=r"'errors' does not tell.*mode='min'"):
        fit(network(), moons(), patience=2, monitor="errors", **settings)
    with pytest.raises(ValueError, match="does not tell"):
        fit(network(), moons(), monitor="errors", callbacks=[EarlyStopping()], **settings)
    weights = []
    model = network()
    history = fit(
        model,
        moons(),
        epochs=9,
        callbacks=[
            lambda run: weights.append(run.model.state_dict()),
            EarlyStopping(9, "errors", mode="min"),
        ],
        **settings,
    )
    best = history.best("errors", mode="min")["epoch"]
    np.testing.assert_array_equal(model[0].weight.data, weights[best - 1]["0.weight"])


def test_early_stopping_goes_by_the_monitor_of_the_run() -> None:
    stopping = EarlyStopping(9)
    history = fit(
        network(),
        moons(),
        loss="cross_entropy",
        optimizer=sgd,
        epochs=5,
        metrics=["accuracy"],
        monitor="accuracy",
        callbacks=[stopping],
    )
    assert stopping.best_epoch == history.best("accuracy")["epoch"]


def test_early_stopping_starts_anew_with_every_model() -> None:
    stopping = EarlyStopping(9)
    first, second = network(0), network(1)
    fit(first, moons(), loss="cross_entropy", optimizer=sgd, epochs=3, callbacks=[stopping])
    best = stopping.best
    fit(
        second,
        moons(),
        loss="cross_entropy",
        optimizer=lambda p: optim.SGD(p, lr=1e-6),
        epochs=2,
        callbacks=[stopping],
    )
    assert stopping.best > best
    assert not np.array_equal(first[0].weight.data, second[0].weight.data)


@pytest.mark.parametrize(
    "settings",
    [
        {"monitor": "val_f1"},
        {"monitor": "val_f1", "patience": 1},
        {"callbacks": [EarlyStopping(monitor="val_f1", mode="max")]},
        {"monitor": "val_f1", "schedule": lambda o: optim.ReduceLROnPlateau(o, "max")},
    ],
)
def test_a_monitor_that_is_not_measured(settings: dict[str, Any]) -> None:
    model = network()
    before = model.state_dict()
    message = r"'val_f1' is measured, only loss, accuracy; there is no validation"
    with pytest.raises(ValueError, match=message):
        fit(
            model,
            moons(),
            loss="cross_entropy",
            optimizer=sgd,
            metrics=["accuracy", metrics.Recall(average=None)],
            **settings,
        )
    for name, array in before.items():
        np.testing.assert_array_equal(array, model.state_dict()[name])


def test_an_array_of_numbers_is_no_monitor() -> None:
    with pytest.raises(ValueError, match="no number 'confusion_matrix' is measured, only loss"):
        fit(
            network(),
            moons(),
            loss="cross_entropy",
            optimizer=sgd,
            metrics=["confusion_matrix"],
            monitor="confusion_matrix",
        )


def test_a_plateau_in_the_wrong_direction() -> None:
    settings = {"loss": "cross_entropy", "optimizer": sgd, "metrics": ["accuracy", errors]}
    plateau = optim.ReduceLROnPlateau
    with pytest.raises(ValueError, match=r"mode='min', but of 'accuracy'.*mode='max'"):
        fit(network(), moons(), monitor="accuracy", schedule=plateau, **settings)
    with pytest.raises(ValueError, match="goes by the epoch"):
        fit(network(), moons(), schedule=plateau, schedule_every="batch", **settings)
    for monitor, mode in (("accuracy", "max"), ("errors", "min"), ("errors", "max")):
        fit(
            network(),
            moons(),
            monitor=monitor,
            schedule=lambda o, mode=mode: plateau(o, mode),
            **settings,
        )


@pytest.mark.parametrize("every", ["batch", "epoch"])
def test_a_cycle_has_the_length_of_the_run(every: str) -> None:
    def train(total: int) -> None:
        fit(
            network(),
            moons(64),
            loss="cross_entropy",
            optimizer=sgd,
            schedule=lambda o: optim.OneCycleLR(o, 0.1, total_steps=total),
            schedule_every=every,
            epochs=3,
        )

    steps = {"batch": 6, "epoch": 3}[every]
    train(steps)
    with pytest.raises(ValueError, match=f"has {steps - 1} steps left.* takes {steps}"):
        train(steps - 1)
    with pytest.warns(UserWarning, match="will not come down"):
        train(steps + 1)


def test_an_optimizer_of_another_model() -> None:
    with pytest.raises(ValueError, match="holds no parameter of this Sequential"):
        fit(network(), moons(), loss="cross_entropy", optimizer=sgd(network().parameters()))
    model = network()
    fit(model, moons(), loss="cross_entropy", optimizer=sgd(model[3].parameters()))


def test_schedules_by_batch_and_by_plateau() -> None:
    x, y = moons(64)
    one_cycle = fit(
        network(),
        (x, y),
        loss="cross_entropy",
        optimizer=sgd,
        schedule=lambda o: optim.OneCycleLR(o, 1.0, total_steps=8, cycle_momentum=False),
        epochs=4,
    )
    assert one_cycle["lr"][0] > 0.5 > one_cycle["lr"][-1]
    by_batch = fit(
        network(),
        (x, y),
        loss="cross_entropy",
        optimizer=sgd,
        schedule=lambda o: optim.ExponentialLR(o, 0.5),
        schedule_every="batch",
        epochs=2,
    )
    assert by_batch["lr"] == [0.1 / 4, 0.1 / 16]
    plateau = fit(
        network(),
        (x, y),
        loss="cross_entropy",
        optimizer=sgd,
        schedule=lambda o: optim.ReduceLROnPlateau(
            o, patience=0, threshold=10.0, threshold_mode="abs"
        ),
        epochs=3,
    )
    assert plateau["lr"] == pytest.approx([0.1, 0.1, 0.01])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "crossentropy"}, "crossentropy"),
        ({"metrics": ["acc"]}, "acc"),
        ({"epochs": -1}, "epochs is a number of passes over the data, at least 1, not -1"),
        ({"epochs": 0}, "epochs"),
        ({"checkpoint": "run.npz", "checkpoint_every": 0}, "checkpoint_every"),
        ({"schedule_every": "step"}, "schedule_every"),
        ({"resume": True}, "checkpoint"),
        ({"checkpoint_every": 3}, "checkpoint"),
        ({"checkpoint": "run.pt"}, "safetensors"),
        ({"data": np.ones((4, 2))}, "pairs"),
        ({"data": (np.ones((4, 2)), np.ones(4, int), np.ones(4))}, "pairs"),
        ({"data": (np.ones((4, 2)), np.ones(3, int))}, "equal"),
        (
            {"data": tg.data.DataLoader((np.ones((4, 2)), np.ones(4, int))), "batch_size": 2},
            "batch_size",
        ),
        ({"loss": lambda o, y: F.cross_entropy(o, y, reduction="none")}, "one number"),
    ],
)
def test_arguments_that_do_not_fit(arguments: dict[str, Any], message: str) -> None:
    data = arguments.pop("data", moons())
    with pytest.raises(ValueError, match=message):
        fit(network(), data, **({"loss": "cross_entropy", "optimizer": sgd} | arguments))


@pytest.mark.parametrize("epochs", [1.5, None, "3", True])
def test_epochs_are_whole(epochs: Any) -> None:
    with pytest.raises(TypeError, match="epochs is a whole number of passes"):
        fit(network(), moons(), loss="cross_entropy", optimizer=sgd, epochs=epochs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": None}, "nn.Module, not None"),
        ({"model": nn.Linear}, r"a class: write Linear\(...\)"),
        ({"optimizer": "adam"}, "optimizer is an Optimizer.*'adam'"),
        ({"optimizer": lambda p: None}, "optimizer is an Optimizer.*None"),
        ({"schedule": "cosine"}, "schedule is an LRScheduler.*'cosine'"),
        ({"callbacks": abs}, r"callbacks=\[...\], not <built-in function abs>"),
        ({"callbacks": [EarlyStopping]}, r"write EarlyStopping\(\)"),
        ({"metrics": None}, r"metrics=\[...\], not None"),
        ({"loss": nn.CrossEntropyLoss}, r"write CrossEntropyLoss\(\)"),
        ({"loss": lambda o, y: 1.0}, "the loss is a float, which has no gradient"),
        ({"patience": 1.5}, "patience is a whole number of epochs"),
        ({"validation": 0.2}, "not a number or a share of them, 0.2.*train_test_split"),
        ({"data": iter([])}, "got <class 'list_iterator'>"),
    ],
)
def test_parts_of_another_kind(arguments: dict[str, Any], message: str) -> None:
    settings = {"model": network(), "data": moons(), "loss": "cross_entropy", "optimizer": sgd}
    with pytest.raises(TypeError, match=message):
        fit(**(settings | arguments))


class Sum(nn.Module):
    """A model of two inputs."""

    def __init__(self) -> None:
        self.linear = nn.Linear(2, 2, rng=0)

    def forward(self, inputs: Any) -> Any:
        return self.linear(inputs[0] + inputs[1])


def test_inputs_of_several_arrays_are_a_dataset() -> None:
    x, y = moons(40)
    settings: dict[str, Any] = {"loss": "cross_entropy", "optimizer": sgd, "rng": 0}
    with pytest.raises(ValueError, match="given as a dataset"):
        fit(Sum(), ((x, x), y), **settings)
    examples = [((x[i], x[i]), y[i]) for i in range(len(y))]
    one = nn.Sequential(Sum().linear)
    found = fit(Sum(), examples, **settings)["loss"]
    assert found == pytest.approx(fit(one, (x + x, y), **settings)["loss"])


def test_softmax_before_cross_entropy_is_warned_of() -> None:
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Softmax())
    for loss in ("cross_entropy", nn.CrossEntropyLoss()):
        with pytest.warns(UserWarning, match="ends in Softmax") as caught:
            fit(model, moons(), loss=loss, optimizer=sgd, epochs=3)
        assert len(caught) == 1
    fit(model, moons(), loss=lambda o, y: F.nll_loss(tg.log(o), y), optimizer=sgd)


def test_without_gradients_nothing_is_learned() -> None:
    with tg.no_grad(), pytest.raises(RuntimeError, match="outside of no_grad"):
        fit(network(), moons(), loss="cross_entropy", optimizer=sgd)


def test_what_a_callback_adds_to_the_row_stays(tmp_path: Path) -> None:
    def add(run: Any) -> None:
        run.measured["twice"] = np.float32(2)
        run.measured["bias"] = run.model[0].bias

    history = fit(network(), moons(), loss="cross_entropy", optimizer=sgd, callbacks=[add])
    history.save(tmp_path / "history.json")
    (row,) = tg.train.History.load(tmp_path / "history.json").rows
    assert row["twice"] == 2.0 and len(row["bias"]) == 8


class Saw(Callback):
    """Measures something: 3, 2, 1, 2, 3, 4, ..."""

    measures = ("saw",)

    def on_epoch_end(self, run: Any) -> None:
        run.measured["saw"] = abs(run.epoch - 3) + 1


def test_what_a_callback_measures_is_monitored_by_those_after_it() -> None:
    settings = {"loss": "cross_entropy", "optimizer": sgd, "epochs": 9}
    stopping = EarlyStopping(2, "saw", mode="min")
    history = fit(network(), moons(), callbacks=[Saw(), stopping], **settings)
    assert history["saw"] == [3, 2, 1, 2, 3] and stopping.best_epoch == 3
    halved = partial(optim.ReduceLROnPlateau, factor=0.5, patience=0)
    history = fit(network(), moons(), callbacks=[Saw()], monitor="saw", schedule=halved, **settings)
    np.testing.assert_allclose(np.diff(np.log2(history["lr"])), [0, 0, 0, *[-1] * 5])
    message = "no number 'saw' is measured, only loss. A callback that measures it comes before"
    with pytest.raises(ValueError, match=message):
        fit(network(), moons(), callbacks=[stopping, Saw()], **settings)


@pytest.mark.parametrize(
    ("added", "error", "message"),
    [
        ({}, ValueError, "names 'saw' in its measures.*after epoch 1 there is none"),
        ({"saw": [1.0]}, TypeError, r"run.measured\['saw'\] is a number.*not \[1.0\]"),
    ],
)
def test_a_callback_keeps_its_promise(
    added: dict[str, Any], error: type[Exception], message: str
) -> None:
    class Forgets(Saw):
        def on_epoch_end(self, run: Any) -> None:
            run.measured.update(added)

    with pytest.raises(error, match=message):
        fit(network(), moons(), loss="cross_entropy", optimizer=sgd, callbacks=[Forgets()])


def test_weights_of_classes_and_of_examples() -> None:
    x, y = moons()
    weights = np.array([1.0, 3.0], np.float32)
    losses = (
        (nn.CrossEntropyLoss(weight=weights), y),
        (lambda o, t: F.cross_entropy(o, t, weight=weights), y),
        (
            lambda o, t: (
                (F.cross_entropy(o, t[:, 0].astype(int), reduction="none") * t[:, 1]).sum()
                / t[:, 1].sum()
            ),
            np.stack([y, weights[y]], axis=1).astype(np.float32),
        ),
    )
    found = [  # in one batch: of one's own function nobody knows what it is the mean over
        fit(network(), (x, t), loss=loss, optimizer=sgd, epochs=3, batch_size=60, rng=0)["loss"]
        for loss, t in losses
    ]
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-5)


def test_a_schedule_of_another_optimizer() -> None:
    model = network()
    schedule = optim.StepLR(sgd(model.parameters()), 1)
    with pytest.raises(ValueError, match="another optimizer"):
        fit(model, moons(), loss="cross_entropy", optimizer=sgd, schedule=schedule)


def test_a_missing_folder_is_noticed_before_training(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        fit(
            network(),
            moons(),
            loss="cross_entropy",
            optimizer=sgd,
            checkpoint=tmp_path / "a" / "b.npz",
        )


# NaN


class Root(nn.Module):
    """sqrt(|w|) x: its derivative at w = 0 is infinite."""

    def __init__(self) -> None:
        self.w = nn.Parameter(np.zeros(1))

    def forward(self, x: Any) -> Any:
        return tg.sqrt(self.w) * x


def test_a_loss_that_is_not_a_number_names_the_operation_and_keeps_the_weights() -> None:
    model = network(drop=0.5)
    before = model.state_dict()

    def loss(outputs: Any, y: Any) -> Any:
        return tg.log(outputs - outputs.max()).mean()

    with pytest.raises(Diverged, match=r"(?s)epoch 1, batch 1 of 2.*log returned") as caught:
        fit(model, moons(), loss=loss, optimizer=sgd)
    assert "test_fit.py" in str(caught.value)
    assert len(caught.value.history) == 0
    for name, array in before.items():
        np.testing.assert_array_equal(array, model.state_dict()[name])


def test_numbers_that_are_far_too_large_are_told_without_warnings() -> None:
    with pytest.raises(Diverged, match=r"(?s)the loss is inf.*mean 2\.739e\+37"):
        fit(
            nn.Sequential(nn.Linear(1, 1, rng=0)),
            (np.full((40, 1), 1e38, np.float32), np.zeros((40, 1), np.float32)),
            loss="mse_loss",
            optimizer=sgd,
            batch_size=40,
        )


def test_a_gradient_that_is_not_finite_stops_before_the_update() -> None:
    model = Root()
    x = np.ones((4, 1))
    with pytest.raises(Diverged, match=r"(?s)a gradient is not finite.*gradient of sqrt"):
        fit(model, (x, x), loss="mse_loss", optimizer=sgd)
    assert model.w.data == 0 and model.w.grad is None


def test_bad_data_are_named() -> None:
    x, y = moons()
    x[7, 0] = np.nan
    with pytest.raises(Diverged, match=r"(?s)1 of the numbers in the inputs"):
        fit(network(), (x, y), loss="cross_entropy", optimizer=sgd)


class Centred(nn.Module):
    """Less the mean of the batch, of which it keeps account."""

    def __init__(self) -> None:
        self.mean = nn.Buffer(np.zeros(2, np.float32))

    def forward(self, x: Any) -> Any:
        self.mean.data = (0.9 * self.mean.data + 0.1 * x.data.mean(0)).astype(np.float32)
        return x - x.mean(0)


def test_buffers_are_put_back_like_weights() -> None:
    x, y = moons()
    x[7, 0] = np.nan
    model = nn.Sequential(Centred(), nn.Linear(2, 2, rng=0))
    before = model.state_dict()
    with pytest.raises(Diverged):
        fit(model, (x, y), loss="cross_entropy", optimizer=sgd, batch_size=60)
    for name, array in before.items():
        np.testing.assert_array_equal(array, model.state_dict()[name])


def test_the_same_dropout_is_drawn_for_the_diagnosis() -> None:
    model = nn.Sequential(nn.Dropout(0.5, rng=0))
    model.scale = nn.Parameter(np.ones(1))

    def loss(outputs: Any, y: Any) -> Any:  # fails at the mask of the third batch only
        return (tg.where(outputs[0, 0] > 0, 1.0, np.nan) * model.scale * outputs).mean()

    with pytest.raises(Diverged, match=r"NaN among"):
        fit(model, (np.ones((200, 4)), np.ones(200)), loss=loss, optimizer=sgd, batch_size=1)


# Ctrl-C


def press(run: Any) -> None:
    os.kill(os.getpid(), signal.SIGINT)


class PressInside(Callback):
    def __init__(self, epoch: int, batch: int) -> None:
        self.when = (epoch, batch)

    def on_batch_end(self, run: Any) -> None:
        if (run.epoch, run.batch) == self.when:
            press(run)


@pytest.mark.parametrize(
    ("callback", "epochs", "reason"),
    [
        (PressInside(2, 1), 2, "interrupted after epoch 2, batch 1 of epoch 3"),
        (lambda run: run.epoch == 3 and press(run), 3, "interrupted after epoch 3"),
        (lambda run: run.epoch == 5 and press(run), 5, None),
    ],
)
def test_ctrl_c_leaves_model_and_history(callback: Any, epochs: int, reason: str | None) -> None:
    model = network()
    history = fit(
        model, moons(), loss="cross_entropy", optimizer=sgd, epochs=5, callbacks=[callback]
    )
    complete = [row for row in history.rows if "batches" not in row]
    assert len(complete) == epochs and history.stopped == reason
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert np.isfinite(evaluate(model, moons(), "cross_entropy")["loss"])


def test_an_epoch_that_was_broken_off_has_a_row() -> None:
    seen: list[float] = []

    class Stop(Callback):
        def on_batch_end(self, run: Any) -> None:
            seen.append(run.measured["loss"])
            if run.batch == 2:
                run.stop("enough")

    for callback in (PressInside(0, 2), Stop()):
        history = fit(
            network(),
            moons(60),
            loss="cross_entropy",
            optimizer=sgd,
            epochs=5,
            batch_size=20,
            validation=moons(20),
            metrics=["accuracy"],
            callbacks=[callback],
        )
        assert len(history) == 1 and history.rows[0]["batches"] == 2
        assert history.rows[0].keys() == {"epoch", "loss", "accuracy", "lr", "seconds", "batches"}
    assert history.rows[0]["loss"] == pytest.approx(np.mean(seen))
    assert "batches" in repr(history) and history.plot()


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    def twice(run: Any) -> None:
        press(run)
        press(run)

    with pytest.raises(KeyboardInterrupt):
        fit(network(), moons(), loss="cross_entropy", optimizer=sgd, callbacks=[twice])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_off_the_main_thread_an_interrupt_ends_the_run_too() -> None:
    def raised(run: Any) -> None:
        raise KeyboardInterrupt

    results: list[History] = []

    def work() -> None:
        results.append(
            fit(
                network(),
                moons(),
                loss="cross_entropy",
                optimizer=sgd,
                epochs=3,
                callbacks=[raised],
            )
        )

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results[0].stopped == "interrupted after epoch 1"


# The bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def bar_text(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, **arguments: Any) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    fit(
        network(),
        moons(64),
        loss="cross_entropy",
        optimizer=sgd,
        epochs=2,
        metrics=["accuracy"],
        validation=moons(),
        **arguments,
    )
    return stream.getvalue()


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    text = bar_text(monkeypatch, Terminal())
    assert "epoch 1/2" in text and "epoch 2/2" in text and "examples/s" in text
    assert " 50%" in text and " left" in text and ", in 00:0" in text
    assert "loss=" in text and "accuracy=" in text and "val_loss=" in text


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        (40, ["loss=", "in 00:0"]),
        (80, ["loss=", " acc=", " val_loss=", "/s", "in 00:0"]),
        (140, ["loss=", "accuracy=", "val_loss=", "val_accuracy=", " examples/s", "in 00:0"]),
    ],
)
def test_a_bar_shows_what_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, columns: int, parts: list[str]
) -> None:
    std = pytest.importorskip("tqdm.std")
    monkeypatch.setattr(std, "_screen_shape_wrapper", lambda: lambda stream: (columns, 24))
    lines = bar_text(monkeypatch, Terminal()).replace("\n", "\r").split("\r")
    assert all(len(line) <= columns for line in lines)
    last = [line for line in lines if line.startswith("epoch 2/2")][-1]
    assert [part for part in parts if part not in last] == []
    running = [line for line in lines if "50%" in line and "loss" in line]
    assert running
    assert all(" left" in line for line in running)
    assert columns != 80 or all(" acc=" in line for line in running)


def test_no_bar_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bar_text(monkeypatch, io.StringIO()) == ""
    assert bar_text(monkeypatch, Terminal(), progress=False) == ""


def test_a_bar_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    assert "epoch 2/2" in bar_text(monkeypatch, io.StringIO(), progress=True)


def test_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert bar_text(monkeypatch, Terminal()) == ""
    with pytest.raises(ImportError, match=r"tinygrad_lite\[train\]"):
        bar_text(monkeypatch, Terminal(), progress=True)


# Measuring


@pytest.mark.parametrize("batch_size", [None, 1, 7, 100])
def test_predict_and_evaluate_do_not_depend_on_batches(batch_size: int | None) -> None:
    model = network(drop=0.5)
    x, y = moons(100)
    whole = model.eval()(x).numpy()
    model.train()
    np.testing.assert_allclose(predict(model, x, batch_size), whole, rtol=1e-4, atol=1e-6)
    found = evaluate(model, (x, y), F.cross_entropy, ["accuracy", "top_1"], batch_size)
    assert found["loss"] == pytest.approx(float(F.cross_entropy(whole, y)), rel=1e-6)
    assert found["accuracy"] == found["top_1"] == np.mean(whole.argmax(1) == y)
    assert all(module.training for module in model.modules())


WEIGHTED = [
    nn.CrossEntropyLoss(weight=np.array([1.0, 5.0, 0.2])),
    nn.CrossEntropyLoss(ignore_index=0),
    nn.CrossEntropyLoss(weight=np.array([1.0, 5.0, 0.2]), ignore_index=1, label_smoothing=0.1),
    nn.NLLLoss(weight=np.array([1.0, 5.0, 0.0])),
    partial(nn.functional.cross_entropy, weight=np.array([1.0, 5.0, 0.2])),
    "cross_entropy",
]


@pytest.mark.parametrize("loss", WEIGHTED, ids=range(len(WEIGHTED)))
@pytest.mark.parametrize("batch_size", [1, 7, 30])
def test_weighted_losses_do_not_depend_on_batches(
    loss: Any, batch_size: int, rng: np.random.Generator
) -> None:
    x, y = rng.normal(size=(60, 3)), np.sort(rng.integers(0, 3, 60))
    if loss == "cross_entropy":
        y[10:40] = -100
    model = nn.Identity()
    whole = evaluate(model, (x, y), loss, batch_size=60)["loss"]
    assert evaluate(model, (x, y), loss, batch_size=batch_size)["loss"] == pytest.approx(whole)
    function = getattr(nn.functional, loss) if isinstance(loss, str) else loss
    assert whole == pytest.approx(float(function(tg.tensor(x), y)))


def test_validation_without_a_label_that_counts() -> None:
    x, y = moons(20)
    ignored = np.full(20, -100)
    history = fit(
        network(), (x, y), loss="cross_entropy", optimizer=sgd, epochs=3, validation=(x, ignored)
    )
    assert len(history) == 1 and "every label is ignored" in str(history.stopped)
    with pytest.raises(ValueError, match="every label is ignored"):
        evaluate(network(), (x, ignored), "cross_entropy")
    with pytest.raises(Diverged, match="every label is ignored"):
        fit(network(), (x, ignored), loss="cross_entropy", optimizer=sgd)


def test_nothing_is_recorded() -> None:
    model = network()
    seen = []
    evaluate(model, moons(), lambda o, y: seen.append(o.requires_grad) or 0.0)
    assert seen == [False]


def test_predict_takes_loaders_and_datasets() -> None:
    x, y = moons()
    model = network()
    expected = predict(model, x, 16)
    np.testing.assert_array_equal(predict(model, tg.data.DataLoader(x, 16)), expected)

    class Points:
        def __len__(self) -> int:
            return len(x)

        def __getitem__(self, i: int) -> np.ndarray:
            return x[i]

    np.testing.assert_array_equal(predict(model, Points(), 16), expected)
    with pytest.raises(ValueError, match="which this loader shuffles"):
        predict(model, tg.data.DataLoader(x, 16, shuffle=True))
    for pairs in ((x, y), tg.data.DataLoader((x, y), 16)):
        with pytest.raises(ValueError, match=r"the inputs alone.*tuple of 2"):
            predict(model, pairs)


def test_predict_makes_one_output_of_every_input() -> None:
    with pytest.raises(ValueError, match=r"shape \(2,\) the model made.*\(8,\), not one for each"):
        predict(nn.Linear(2, 8), np.zeros(2))
    with pytest.raises(ValueError, match=r"8 examples of a number each.*a single one x\[None\]"):
        predict(nn.Linear(8, 8), np.zeros(8))
    np.testing.assert_array_equal(predict(nn.Tanh(), np.zeros(8)), np.zeros(8))
    with pytest.raises(TypeError, match="not a number"):
        predict(nn.Tanh(), 0.0)


def test_predict_takes_tensors() -> None:
    x, _ = moons()
    np.testing.assert_array_equal(predict(network(), tg.tensor(x)), predict(network(), x))


# The history


def history() -> History:
    return fit(
        network(),
        moons(),
        loss="cross_entropy",
        optimizer=sgd,
        epochs=3,
        metrics=["accuracy", "confusion_matrix"],
        validation=moons(),
        rng=0,
    )


def test_history_prints_a_table() -> None:
    lines = str(history()).splitlines()
    assert lines[0].split() == [
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds",
    ]  # fmt: skip
    assert len(lines) == 4 and len({len(line) for line in lines}) == 1
    assert str(History()) == "no epoch yet"


def test_history_saves_and_loads(tmp_path: Path) -> None:
    kept = history()
    kept.stopped = "because"
    kept.save(tmp_path / "h.json")
    again = History.load(tmp_path / "h.json")
    assert again.rows == kept.rows and again.stopped == "because" and str(again) == str(kept)
    (tmp_path / "h.json").write_text('{"rows": 3}')
    with pytest.raises(ValueError, match="no history"):
        History.load(tmp_path / "h.json")


def test_history_saves_what_is_not_finite_as_valid_json(tmp_path: Path) -> None:
    row = {"epoch": 1, "loss": np.inf, "val_loss": np.nan, "recall": [1.0, -np.inf], "none": None}
    History([row]).save(tmp_path / "h.json")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    json.loads((tmp_path / "h.json").read_text(), parse_constant=refuse)
    again = History.load(tmp_path / "h.json").rows[0]
    assert np.isnan(again.pop("val_loss"))
    assert again == {k: v for k, v in row.items() if k != "val_loss"}


def test_epochs_are_whole_numbers_in_plots() -> None:
    pytest.importorskip("matplotlib")
    for epochs in (1, 2, 3, 7):
        rows = [{"epoch": i + 1, "loss": 1.0} for i in range(epochs)]
        ticks = History(rows).plot().axes[0].get_xticks()
        assert len(ticks) and all(float(tick).is_integer() for tick in ticks)


@pytest.mark.parametrize("name", ["curves.png", "curves.svg"])
def test_history_plots(tmp_path: Path, name: str) -> None:
    pytest.importorskip("matplotlib")
    figure = history().plot(tmp_path / name, log=True)
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "lr"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 1]
    assert figure.axes[0].get_yscale() == "log"
    assert (tmp_path / name).stat().st_size > 1000


def test_history_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"tinygrad_lite\[train\]"):
        history().plot()


def test_an_empty_history_is_not_plotted() -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="no epoch yet"):
        History().plot()


def test_history_by_name() -> None:
    kept = history()
    assert kept["epoch"] == [1, 2, 3]
    assert kept.best("val_loss")["val_loss"] == min(kept["val_loss"])
    assert kept.best("accuracy")["accuracy"] == max(kept["accuracy"])
    with pytest.raises(KeyError, match=r"'val_f1'.*val_loss"):
        kept["val_f1"]
    assert "val_loss" in kept and "val_f1" not in kept
    assert list(kept) == kept.names
    with pytest.raises(KeyError, match="'loss' was not measured; there is no epoch yet"):
        History()["loss"]


def test_a_file_that_holds_no_history(tmp_path: Path) -> None:
    for text in (
        "{",
        "[1, 2]",
        "{}",
        '{"rows": [3], "stopped": null}',
        '{"rows": [], "stopped": 3}',
    ):
        (tmp_path / "history.json").write_text(text)
        with pytest.raises(ValueError, match=r"history.json holds no history"):
            History.load(tmp_path / "history.json")


# Compiled


def compiled_and_not(make: Callable[[], nn.Module], **arguments: Any) -> list[tuple[History, Any]]:
    results = []
    for compiled in (False, True):
        model = make()
        tg.manual_seed(0)
        kept = fit(
            model,
            moons(70),
            loss="cross_entropy",
            optimizer=sgd,
            epochs=4,
            batch_size=16,
            compile=compiled,
            rng=0,
            **arguments,
        )
        results.append((kept, model.state_dict()))
    return results


def test_compiled_equals_eager() -> None:
    (eager, left), (compiled, right) = compiled_and_not(
        lambda: network(drop=0.3), metrics=["accuracy"], validation=moons(30)
    )
    np.testing.assert_allclose(compiled["loss"], eager["loss"], rtol=1e-5)
    assert compiled["accuracy"] == eager["accuracy"]
    for name, array in left.items():
        np.testing.assert_allclose(right[name], array, rtol=1e-4, atol=1e-6)


def test_compiled_batches_are_traced_without_an_effect() -> None:

    class Noisy(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(2, 2, rng=0)
            self.rng = np.random.default_rng(3)

        def forward(self, x: Any) -> Any:
            return self.linear(x) * random.normal((len(x), 2), rng=self.rng)

    model, plain = Noisy(), Noisy()
    for net, compiled in ((model, True), (plain, False)):
        fit(
            net,
            moons(40),
            loss="cross_entropy",
            optimizer=sgd,
            epochs=3,
            batch_size=16,
            compile=compiled,
            rng=0,
        )
    assert model.rng.bit_generator.state == plain.rng.bit_generator.state
    np.testing.assert_allclose(model.linear.weight.numpy(), plain.linear.weight.numpy(), rtol=1e-5)


def test_compiled_nan_is_diagnosed() -> None:
    model = network()

    def loss(outputs: Any, y: Any) -> Any:
        return tg.log(outputs - 10.0).mean()

    with pytest.raises(Diverged, match="log returned"):
        fit(model, moons(), loss=loss, optimizer=sgd, compile=True)


def test_what_is_no_callback_is_refused_before_training() -> None:
    model = network()
    before = model[0].weight.data.copy()
    with pytest.raises(TypeError, match="a callback is a Callback or a function of the run, not 3"):
        fit(model, moons(), loss="cross_entropy", optimizer=sgd, callbacks=[3])
    np.testing.assert_array_equal(model[0].weight.data, before)


def test_evaluate_needs_something_to_measure() -> None:
    with pytest.raises(ValueError, match="nothing to measure: give a loss, metrics, or both"):
        evaluate(network(), moons())


def test_what_has_no_best_epoch() -> None:
    history = History([{"epoch": 1, "matrix": [[1, 2], [3, 4]]}])
    with pytest.raises(KeyError, match="'typo' was not measured; there are epoch, matrix"):
        history.best("typo")
    with pytest.raises(ValueError, match="'matrix' is an array, of which no epoch has the best"):
        history.best("matrix", mode="min")
    with pytest.raises(ValueError, match="mode is 'min' or 'max', not 'best'"):
        history.best("epoch", mode="best")


def test_a_history_without_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere to write history.json to"):
        History().save(tmp_path / "nowhere" / "history.json")
