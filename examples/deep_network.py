"""A deep network, layer by layer: every shape as the textbook gives it, and what to choose how.

First, forward and backward propagation through L layers of 5, 5 and 3 hidden units, with the
shapes of all W, b, z, a, dW, db, the formulas by hand checked against the library. Then the
hyper-parameters (depth, learning rate, batch size, momentum, regularisation) are chosen one after
the other by cross-validation, and the cost curves drawn.

usage: python examples/deep_network.py [--epochs N] [--folds N] [--output FOLDER]
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

HERE = Path(__file__).parent
TRAIN, TEST = 400, 100  # examples

FORMULAS = """\
Forward, for l = 1 ... L:        z[l] = W[l] a[l-1] + b[l]
                                 a[l] = relu(z[l]), and a[L] = sigmoid(z[L])
Backward, for l = L ... 1:       dz[L] = (a[L] - Y) / m
                                 dz[l] = W[l+1]' dz[l+1] * (z[l] > 0)
                                 dW[l] = dz[l] a[l-1]'     db[l] = dz[l] summed over examples
"""


def layer_by_layer(X: np.ndarray, Y: np.ndarray, units: list[int], folder: Path) -> float:
    """Print the table of shapes; the largest difference between our gradients and those by hand."""
    rng = np.random.default_rng(0)
    sizes = [len(X), *units, 1]
    L = len(sizes) - 1
    W, b, z, a = {}, {}, {}, {0: tg.tensor(X, name="X")}
    for l in range(1, L + 1):
        fan_in = sizes[l - 1]
        values = rng.normal(0, np.sqrt(2 / fan_in), (sizes[l], fan_in))  # He et al. (2015)
        W[l] = tg.tensor(values, requires_grad=True, name=f"W{l}")
        b[l] = tg.tensor(np.zeros((sizes[l], 1)), requires_grad=True, name=f"b{l}")

    for l in range(1, L + 1):
        z[l] = W[l] @ a[l - 1] + b[l]
        a[l] = tg.relu(z[l]) if l < L else tg.sigmoid(z[l])
        z[l].name, a[l].name = f"z{l}", f"a{l}"
        z[l].retain_grad()
    m = X.shape[1]
    ones, zeros = tg.tensor(Y, name="Y"), tg.tensor(1 - Y, name="(1 - Y)")
    J = -tg.sum(ones * tg.log(a[L]) + zeros * tg.log(1 - a[L])) / m
    J.name = "J"
    J.backward()

    largest = 0.0
    dz = (a[L].data - Y) / m
    for l in range(L, 0, -1):
        if l < L:
            dz = W[l + 1].data.T @ dz * (z[l].data > 0)
        by_hand = {z[l]: dz, W[l]: dz @ a[l - 1].data.T, b[l]: dz.sum(axis=1, keepdims=True)}
        for tensor, gradient in by_hand.items():
            largest = max(largest, float(np.abs(tensor.grad.data - gradient).max()))

    print("layer" + "".join(f"{name:>12}" for name in ("W", "b", "z", "a", "dW", "db", "dz")))
    for l in range(1, L + 1):
        row = (W[l], b[l], z[l], a[l], W[l].grad, b[l].grad, z[l].grad)
        print(f"{l:5}" + "".join(f"{t.shape!s:>12}" for t in row))
    picture(J, folder)
    return largest


def picture(J: tg.Tensor, folder: Path) -> None:
    """Draw the backward pass through all layers."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        tg.draw(J).render(folder / "deep_network", format="svg", cleanup=True)
        print(f"\nThe backward pass as a picture: {folder / 'deep_network.svg'}")
    except RuntimeError as error:  # Graphviz is not installed
        print(f"\nNo picture: {error}", file=sys.stderr)


def network(units: list[int], seed: int) -> nn.Module:
    """Layers of these widths with relu between them, and one output."""
    rng = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    sizes = [2, *units, 1]
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out, rng=rng), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def learn(choice: dict, train: tuple, validation: tuple, epochs: int, seed: int):
    """Train a network with these hyper-parameters; the network and its history."""
    model = network(choice["hidden units"], seed)
    history = tg.train.fit(
        model,
        train,
        loss="binary_cross_entropy_with_logits",
        optimizer=optim.SGD(
            model.parameters(),
            lr=choice["learning rate"],
            momentum=choice["momentum"],
            weight_decay=choice["regularisation"],
        ),
        epochs=epochs,
        batch_size=choice["batch size"],
        validation=validation,
        metrics=["accuracy"],
        rng=seed,
    )
    return model, history


def cross_validated(choice: dict, x: np.ndarray, y: np.ndarray, epochs: int, folds: int):
    """The cost on held-out folds after every epoch, averaged over them, and the last accuracy."""
    histories = [
        learn(choice, (x[train], y[train]), (x[held_out], y[held_out]), epochs, seed=fold)[1]
        for fold, (train, held_out) in enumerate(tg.data.kfold(len(x), folds, shuffle=True, rng=0))
    ]
    curve = np.mean([history["val_loss"] for history in histories], axis=0)
    return curve, np.mean([history["val_accuracy"][-1] for history in histories])


def choose(x: np.ndarray, y: np.ndarray, epochs: int, folds: int) -> tuple[dict, dict]:
    """One hyper-parameter after the other; the choice, and the cost curves on the way to it."""
    candidates = {
        "learning rate": [0.01, 0.1, 1.0],
        "hidden units": [[5], [5, 5], [5, 5, 3]],
        "batch size": [16, 64, len(x) - len(x) // folds],  # the last is all of a fold's training
        "momentum": [0.0, 0.9],
        "regularisation": [0.0, 1e-3, 3e-2],
    }
    choice = {
        "hidden units": [5, 5, 3],
        "learning rate": 0.1,
        "batch size": 64,
        "momentum": 0.9,
        "regularisation": 0.0,
    }
    known: dict[str, tuple] = {}
    curves: dict[str, dict] = {}
    for name, values in candidates.items():
        found = {}
        for value in values:
            candidate = {**choice, name: value}
            if str(candidate) not in known:
                known[str(candidate)] = cross_validated(candidate, x, y, epochs, folds)
            found[str(value)] = known[str(candidate)]
        curves[name] = {value: curve for value, (curve, _) in found.items()}
        choice[name] = min(values, key=lambda value: found[str(value)][0][-1])
        for value, (curve, accuracy) in found.items():
            mark = "  <- chosen" if value == str(choice[name]) else ""
            print(f"{name:15} {value:>10}   cost {curve[-1]:.4f}   accuracy {accuracy:.1%}{mark}")
        print()
    return choice, curves


def plot(curves: dict, folder: Path) -> None:
    """The cost curves, a panel for each hyper-parameter."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No cost curves: pip install 'tinygrad_lite[train]'", file=sys.stderr)
        return
    figure = Figure(figsize=(4 * len(curves), 3.4), layout="constrained")
    for i, (name, found) in enumerate(curves.items()):
        axes = figure.add_subplot(1, len(curves), i + 1)
        for (value, curve), colour in zip(found.items(), ("#0072B2", "#D55E00", "#009E73")):
            axes.plot(range(1, len(curve) + 1), curve, label=value, color=colour)
        axes.set(title=name, xlabel="epoch", ylabel="" if i else "cost on held-out folds")
        axes.set_ylim(0, 0.8)
        axes.legend(frameon=False)
    figure.savefig(folder / "deep_network_costs.svg")
    print(f"The cost curves: {folder / 'deep_network_costs.svg'}")


def main() -> None:
    """Walk through the layers, then choose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30, help="passes over the data (%(default)s)")
    parser.add_argument(
        "--folds", type=int, default=3, help="of the cross-validation (%(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, default=HERE / "output", help="a folder for pictures"
    )
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs is at least 1")
    if not 2 <= options.folds <= TRAIN:
        parser.error(f"--folds is at least 2, and at most {TRAIN}, the number of examples")

    points, labels = tg.data.moons(TRAIN + TEST, noise=0.15, rng=0)
    x, x_test, y, y_test = tg.data.train_test_split(points, labels[:, None], test_size=TEST, rng=0)

    print(FORMULAS)
    units = [5, 5, 3]
    print(f"{len(x)} examples with 2 features; hidden layers of {units} units.\n")
    difference = layer_by_layer(x.T.astype(float), y.T, units, options.output)
    print(f"By hand and by the library, the gradients differ by {difference:.1e} at most.\n")

    print(
        f"Hyper-parameters, one after the other, by {options.folds}-fold cross-validation, "
        f"{options.epochs} epochs each:\n"
    )
    choice, curves = choose(x, y, options.epochs, options.folds)
    plot(curves, options.output)

    epochs = 2 * options.epochs
    model, _ = learn(choice, (x, y), (x_test, y_test), epochs, seed=0)
    loss = "binary_cross_entropy_with_logits"
    accuracy = tg.train.evaluate(model, (x_test, y_test), loss, ["accuracy"])["accuracy"]
    print(f"\nThe chosen network, trained on all {len(x)} examples for {epochs} epochs:")
    print(model.summary((choice["batch size"], 2)))
    print(f"\n{accuracy:.1%} of the {len(x_test)} test examples on the right side.")


if __name__ == "__main__":
    main()
