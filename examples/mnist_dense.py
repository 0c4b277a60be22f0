"""MNIST with two dense layers: 784 pixels, 512 hidden units, 10 digits, in seconds.

relu and softmax, cross-entropy with one-hot labels, RMSprop, batches of 128, 5 epochs: the first
network of many a textbook, which reads about 98 % of the 10,000 test digits. The learning rate
starts high and falls with every batch, which is worth a few digits in a thousand.

The data are looked for in the folder that --root or the environment variable MNIST names, then in
the cache; --download fetches them.

usage: python examples/mnist_dense.py [--root FOLDER] [--download] [--epochs N] [--seed N]
                                      [--eager] [--compare] [--output FOLDER]
"""

import argparse
import math
import os
import sys
import time
from pathlib import Path

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F

HERE = Path(__file__).parent
BATCH = 128
RMSPROP = {"lr": 2e-3, "alpha": 0.9, "eps": 1e-7}


def network(seed: int) -> nn.Module:
    """The layers; softmax is part of the loss, where it costs no digits."""
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(784, 512, rng=rng), nn.ReLU(), nn.Linear(512, 10, rng=rng))


def falling(epochs: int, examples: int) -> dict[str, float]:
    """How the learning rate falls, batch by batch: arguments of LinearLR, here and in PyTorch."""
    steps = epochs * math.ceil(examples / BATCH)
    return {"start_factor": 1.0, "end_factor": 0.01, "total_iters": steps}


def train(model: nn.Module, data: tuple, epochs: int, seed: int, compiled: bool, callbacks: list):
    """Train with a progress bar; the history."""
    return tg.train.fit(
        model,
        data,
        loss="cross_entropy",
        optimizer=optim.RMSprop(model.parameters(), **RMSPROP),
        schedule=lambda optimizer: optim.LinearLR(optimizer, **falling(epochs, len(data[0]))),
        schedule_every="batch",
        epochs=epochs,
        batch_size=BATCH,
        metrics=["accuracy"],
        callbacks=callbacks,
        compile=compiled,
        rng=seed,
    )


class Twin:
    """The same work in PyTorch, an epoch after each of ours, so that both find the machine alike.

    It starts from the same weights. Indexing whole tensors is the quickest way to make batches
    there; its DataLoader, which takes them apart example by example, needs several times as long.
    """

    def __init__(self, model: nn.Module, data: tuple, epochs: int, seed: int) -> None:
        import torch

        self.torch = torch
        linear, relu = torch.nn.Linear, torch.nn.ReLU
        self.model = torch.nn.Sequential(linear(784, 512), relu(), linear(512, 10))
        self.model.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
        self.optimizer = torch.optim.RMSprop(self.model.parameters(), **RMSPROP)
        self.schedule = torch.optim.lr_scheduler.LinearLR(
            self.optimizer, **falling(epochs, len(data[0]))
        )
        self.x, self.y = (torch.from_numpy(array) for array in data)
        self.generator = torch.Generator().manual_seed(seed)
        self.seconds: list[float] = []

    def epoch(self, run: tg.train.Run) -> None:
        """One pass over the data, with loss and accuracy as ours."""
        start = time.perf_counter()
        loss_of = self.torch.nn.CrossEntropyLoss()
        total, right = 0.0, 0
        order = self.torch.randperm(len(self.x), generator=self.generator)
        for batch in order.split(BATCH):
            x, y = self.x[batch], self.y[batch]
            self.optimizer.zero_grad()
            outputs = self.model(x)
            loss = loss_of(outputs, y)
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            total += loss.item() * len(batch)
            right += int((outputs.argmax(1) == y.argmax(1)).sum())
        self.seconds.append(time.perf_counter() - start)

    def accuracy(self, x: np.ndarray, y: np.ndarray) -> float:
        """The share of the test digits that it reads."""
        with self.torch.no_grad():
            guesses = self.model(self.torch.from_numpy(x)).argmax(1).numpy()
        return float(np.mean(guesses == y))


def picture(model: nn.Module, x: np.ndarray, y: np.ndarray, folder: Path) -> None:
    """Draw the backward pass of a batch of 128."""
    pixels = tg.tensor(x[:BATCH], name="pixels")
    loss = F.cross_entropy(model(pixels), tg.tensor(y[:BATCH], name="labels"))
    loss.name = "loss"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        tg.draw(loss).render(folder / "mnist_dense", format="svg", cleanup=True)
        print(f"\nThe backward pass as a picture: {folder / 'mnist_dense.svg'}")
    except RuntimeError as error:  # Graphviz is not installed
        print(f"\nNo picture: {error}", file=sys.stderr)


def main() -> None:
    """Train, measure, draw, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--root",
        type=Path,
        default=os.environ.get("MNIST"),
        help="a folder with the data, or else $MNIST",
    )
    parser.add_argument("--download", action="store_true", help="fetch the data if need be")
    parser.add_argument("--epochs", type=int, default=5, help="passes over the data (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (%(default)s)")
    parser.add_argument("--eager", action="store_true", help="do not compile")
    parser.add_argument("--compare", action="store_true", help="time PyTorch at the same work")
    parser.add_argument(
        "--output", type=Path, default=HERE / "output", help="a folder for pictures"
    )
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs is at least 1")
    if options.seed < 0:
        parser.error("--seed is at least 0")

    try:
        x_train, y_train, x_test, y_test = tg.data.mnist(options.root, download=options.download)
    except (OSError, ValueError, ImportError) as error:
        sys.exit(
            f"{error}\n\nWith the data in a folder: --root FOLDER, or MNIST=FOLDER. To fetch them: "
            "--download, which needs pip install 'tinygrad_lite[data]'"
        )
    labels = tg.data.one_hot(y_train, 10)

    model = network(options.seed)
    print(model.summary((BATCH, 784)))
    print(
        "\nIts outputs are scores. Softmax, which makes them probabilities, is part of the loss, "
        "cross_entropy;\nthe largest score is the most probable digit without it."
    )
    print(f"\n{len(x_train):,} digits to learn from, {len(x_test):,} to be tested on\n")
    twin = None
    if options.compare:
        twin = Twin(model, (x_train, labels), options.epochs, options.seed)
    history = train(
        model,
        (x_train, labels),
        options.epochs,
        options.seed,
        compiled=not options.eager,
        callbacks=[] if twin is None else [twin.epoch],
    )
    print(history)
    seconds = sum(history["seconds"])
    picture(model, x_train, labels, options.output)
    if twin is not None:
        theirs = sum(twin.seconds)
        print(
            f"\nPyTorch took {theirs:.1f} s for the same work, in turn, and reads "
            f"{twin.accuracy(x_test, y_test):.2%}; this library took {seconds / theirs:.2f} of "
            "that time."
        )
    found = tg.train.evaluate(model, (x_test, y_test), "cross_entropy", ["accuracy", "top_2"])
    print(f"\nAmong the first two guesses: {found['top_2']:.2%}; test loss {found['loss']:.4f}")
    print(f"{found['accuracy']:.2%} of the test digits read, trained in {seconds:.1f} s")


if __name__ == "__main__":
    main()
