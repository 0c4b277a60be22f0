"""One hidden layer by hand: the backward pass as the textbook derives it, beside the library's.

A network with one hidden layer tells two interleaved half moons apart. It is written twice with
the same explicit matrices: once with the gradients derived by hand, in plain NumPy, and once with
the forward pass alone, whose gradients the library works out. It is trained by plain gradient
descent, and the two are compared at every step.

usage: python examples/shallow_network.py [--steps N] [--hidden N] [--output FOLDER]
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_lite as tg

HERE = Path(__file__).parent
RATE = 1.0

STORY = """\
The network, for n inputs, h hidden units and m examples, which are the columns of X:

    Z1 = W1 X + b1          W1: (h, n)   b1: (h, 1)   Z1: (h, m)
    A1 = tanh(Z1)
    Z2 = W2 A1 + b2         W2: (1, h)   b2: (1, 1)   Z2: (1, m)
    A2 = sigmoid(Z2)        the probability of class 1
    J  = -1/m sum(Y log A2 + (1 - Y) log(1 - A2))

Its gradients, by the chain rule, from the last line up:

    dZ2 = (A2 - Y) / m
    dW2 = dZ2 A1'                    db2 = the sum of dZ2 over the examples
    dZ1 = W2' dZ2 * (1 - A1**2)      since tanh' = 1 - tanh**2
    dW1 = dZ1 X'                     db1 = the sum of dZ1 over the examples
"""


def initial(n: int, h: int, seed: int) -> dict[str, np.ndarray]:
    """Small random weights, so that tanh is not saturated and the hidden units differ."""
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(0, 0.1, (h, n)),
        "b1": np.zeros((h, 1)),
        "W2": rng.normal(0, 0.1, (1, h)),
        "b2": np.zeros((1, 1)),
    }


def by_hand(p: dict[str, np.ndarray], X: np.ndarray, Y: np.ndarray) -> tuple[float, dict]:
    """The cost and its gradients, with nothing but NumPy."""
    m = X.shape[1]
    A1 = np.tanh(p["W1"] @ X + p["b1"])
    A2 = 1 / (1 + np.exp(-(p["W2"] @ A1 + p["b2"])))
    J = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

    dZ2 = (A2 - Y) / m
    dZ1 = p["W2"].T @ dZ2 * (1 - A1**2)
    return J, {
        "W1": dZ1 @ X.T,
        "b1": dZ1.sum(axis=1, keepdims=True),
        "W2": dZ2 @ A1.T,
        "b2": dZ2.sum(axis=1, keepdims=True),
    }


def probabilities(p: dict[str, tg.Tensor], X: Any) -> tg.Tensor:
    """The forward pass."""
    Z1 = p["W1"] @ X + p["b1"]
    A1 = tg.tanh(Z1)
    Z2 = p["W2"] @ A1 + p["b2"]
    A2 = tg.sigmoid(Z2)
    Z1.name, A1.name, Z2.name, A2.name = "Z1", "A1", "Z2", "A2"
    return A2


def cost(p: dict[str, tg.Tensor], X: Any, Y: np.ndarray) -> tg.Tensor:
    """The cost; there is no backward pass to write."""
    A2 = probabilities(p, X)
    ones, zeros = tg.tensor(Y, name="Y"), tg.tensor(1 - Y, name="(1 - Y)")
    return -tg.sum(ones * tg.log(A2) + zeros * tg.log(1 - A2)) / X.shape[1]


def train(X: np.ndarray, Y: np.ndarray, h: int, steps: int, rate: float) -> tuple[dict, float]:
    """Gradient descent; the trained parameters, and the largest difference of a gradient seen."""
    start = initial(len(X), h, seed=1)
    ours = {name: tg.tensor(a, requires_grad=True, name=name) for name, a in start.items()}
    largest = 0.0
    print("  step    cost by hand   by the library   largest difference of a gradient so far")
    for step in range(steps + 1):
        J, gradients = by_hand({name: p.data for name, p in ours.items()}, X, Y)
        loss = cost(ours, X, Y)
        for p in ours.values():
            p.grad = None
        loss.backward()
        for name, p in ours.items():
            largest = max(largest, float(np.abs(p.grad.data - gradients[name]).max()))
        if step % max(1, steps // 8) == 0:
            print(f"{step:6}  {J:14.10f}   {loss.item():14.10f}   {largest:.1e}")
        for p in ours.values():
            p.data = p.data - rate * p.grad.data
    return ours, largest


def picture(p: dict[str, tg.Tensor], X: np.ndarray, Y: np.ndarray, folder: Path) -> None:
    """Draw the backward pass of five examples."""
    for t in p.values():
        t.grad = None
    J = cost(p, tg.tensor(X[:, :5], name="X"), Y[:, :5])
    J.name = "J"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        tg.draw(J).render(folder / "shallow_network", format="svg", cleanup=True)
        print(f"\nThe backward pass as a picture: {folder / 'shallow_network.svg'}")
    except RuntimeError as error:  # Graphviz is not installed
        print(f"\nNo picture: {error}", file=sys.stderr)


def main() -> None:
    """Derive, train, compare, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4000, help="of gradient descent (%(default)s)")
    parser.add_argument(
        "--hidden", type=int, default=6, help="units in the hidden layer (%(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, default=HERE / "output", help="a folder for pictures"
    )
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps is at least 1")
    if options.hidden < 1:
        parser.error("--hidden is at least 1")

    points, labels = tg.data.moons(400, noise=0.15, rng=0)
    X, Y = points.T.astype(float), labels[None, :]
    print(STORY)
    print(f"{X.shape[1]} points of two half moons; n = {len(X)}, h = {options.hidden}.")
    print(f"Plain gradient descent with learning rate {RATE:g}.\n")
    parameters, largest = train(X, Y, options.hidden, options.steps, RATE)
    right = np.mean((probabilities(parameters, X).numpy() > 0.5) == Y)
    picture(parameters, X, Y, options.output)
    print(
        f"\n{right:.1%} of the points on the right side; in {options.steps} steps the gradients "
        f"by hand and by the library never differed by more than {largest:.1e}."
    )


if __name__ == "__main__":
    main()
