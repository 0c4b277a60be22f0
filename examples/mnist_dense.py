"""MNIST with two dense layers: 784 pixels, 512 hidden units, 10 digits, in seconds.

relu and softmax, cross-entropy with one-hot labels, RMSprop, batches of 128, 5 epochs: the first
network of many a textbook, which reads about 98 % of the 10,000 test digits.

The data are looked for in the folder that --root or the environment variable MNIST names, then in
the cache; --download fetches them.

usage: python examples/mnist_dense.py [--root FOLDER] [--download] [--epochs N] [--seed N]
                                      [--eager] [--compare] [--output FOLDER]
"""

import argparse
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
RMSPROP = {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7}


def network(seed: int) -> nn.Module:
    """The layers; softmax is part of the loss, where it costs no digits."""
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(784, 512, rng=rng), nn.ReLU(), nn.Linear(512, 10, rng=rng))


def train(model: nn.Module, data: tuple, epochs: int, seed: int, compiled: bool) -> float:
    """Train with a progress bar and print the history; the seconds it took."""
    start = time.perf_counter()
    history = tg.train.fit(
        model,
        data,
        loss="cross_entropy",
        optimizer=optim.RMSprop(model.parameters(), **RMSPROP),
        epochs=epochs,
        batch_size=BATCH,
        metrics=["accuracy"],
        compile=compiled,
        rng=seed,
    )
    print(history)
    return time.perf_counter() - start


def with_pytorch(model: nn.Module, data: tuple, epochs: int, seed: int) -> tuple[float, object]:
    """The same work in PyTorch: the same weights to start from, the same batches, one tensor each.

    Indexing whole tensors is the quickest way to make batches there; its DataLoader, which takes
    them apart example by example, would need several times as long.
    """
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    twin = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 10))
    twin.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(twin.parameters(), **RMSPROP)
    x, y = (torch.from_numpy(array) for array in data)
    generator = torch.Generator().manual_seed(seed)
    start = time.perf_counter()
    for _ in range(epochs):
        total, right = 0.0, 0
        for batch in torch.randperm(len(x), generator=generator).split(BATCH):
            optimizer.zero_grad()
            outputs = twin(x[batch])
            loss = loss_of(outputs, y[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            right += int((outputs.argmax(1) == y[batch].argmax(1)).sum())
    return time.perf_counter() - start, twin


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
    parser.add_argument("--root", type=Path, default=os.environ.get("MNIST"))
    parser.add_argument("--download", action="store_true", help="fetch the data if need be")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--eager", action="store_true", help="do not compile")
    parser.add_argument("--compare", action="store_true", help="time PyTorch at the same work")
    parser.add_argument("--output", type=Path, default=HERE / "output")
    options = parser.parse_args()

    try:
        x_train, y_train, x_test, y_test = tg.data.mnist(options.root, download=options.download)
    except (FileNotFoundError, ConnectionError, ImportError) as error:
        sys.exit(
            f"{error}\n\nWith the data in a folder: --root FOLDER, or MNIST=FOLDER. To fetch them: "
            "--download, which needs pip install 'tinygrad_lite[data]'"
        )
    labels = tg.data.one_hot(y_train, 10)

    model = network(options.seed)
    print(model.summary((BATCH, 784)))
    print(f"\n{len(x_train):,} digits to learn from, {len(x_test):,} to be tested on\n")
    if options.compare:
        theirs, twin = with_pytorch(model, (x_train, labels), options.epochs, options.seed)
    seconds = train(model, (x_train, labels), options.epochs, options.seed, not options.eager)

    picture(model, x_train, labels, options.output)
    if options.compare:
        import torch

        with torch.no_grad():
            guesses = twin(torch.from_numpy(x_test)).argmax(1).numpy()
        print(
            f"\nPyTorch took {theirs:.1f} s for the same work and reads "
            f"{np.mean(guesses == y_test):.2%}; this library took {seconds / theirs:.2f} times "
            "as long."
        )
    found = tg.train.evaluate(model, (x_test, y_test), "cross_entropy", ["accuracy", "top_2"])
    print(f"\nAmong the first two guesses: {found['top_2']:.2%}; test loss {found['loss']:.4f}")
    print(f"{found['accuracy']:.2%} of the test digits read, trained in {seconds:.1f} s")


if __name__ == "__main__":
    main()
