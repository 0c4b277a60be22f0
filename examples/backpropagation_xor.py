"""Backpropagation on XOR: the network that made it famous, and the step size that it needs.

Three inputs (two bits, and a constant 1 in place of a bias), five hidden sigmoid units, one
sigmoid output, half the squared error, learning rate 1: small enough to see every number.

usage: python examples/backpropagation_xor.py [--epochs N] [--seed N] [--output FOLDER]
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import tinygrad_lite as tg

HERE = Path(__file__).parent

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
T = np.array([[0], [1], [1], [0]], float)

STORY = """\
The inputs:       two bits, and a constant 1 in place of a bias: with 5 hidden units and one
                  output this is a 3-5-1 network
The network:      h = sigmoid(x W1)      y = sigmoid(h W2)      E = 1/2 sum (t - y)^2
Its deltas:       d_y = (y - t) y (1 - y)           since sigmoid' = sigmoid (1 - sigmoid)
                  d_h = d_y W2' * h (1 - h)         the error, sent back along the weights
Its gradients:    dE/dW2 = h' d_y        dE/dW1 = x' d_h
"""

Weights = tuple[tg.Tensor, tg.Tensor]


def weights(seed: int) -> Weights:
    """Random weights from -1 to 1, of shapes (3, 5) and (5, 1)."""
    rng = np.random.default_rng(seed)
    return (
        tg.tensor(rng.uniform(-1, 1, (3, 5)), requires_grad=True, name="W1"),
        tg.tensor(rng.uniform(-1, 1, (5, 1)), requires_grad=True, name="W2"),
    )


def outputs(x: tg.Tensor, w: Weights, activation) -> tg.Tensor:
    """Forward: two layers."""
    h = activation(x @ w[0])
    y = activation(h @ w[1])
    h.name, y.name = "h", "y"
    return y


def error(y: tg.Tensor, t: np.ndarray | tg.Tensor) -> tg.Tensor:
    """Half the squared error, summed over the patterns."""
    return 0.5 * tg.sum((t - y) ** 2)


def train(w: Weights, rate: float, epochs: int, activation=tg.sigmoid) -> list[float]:
    """Plain gradient descent on the four patterns; the error of every epoch."""
    errors = []
    for _ in range(epochs):
        E = error(outputs(X, w, activation), T)
        for p in w:
            p.grad = None
        E.backward()
        for p in w:
            p.data = p.data - rate * p.grad.data
        errors.append(E.item())
    return errors


def deltas_by_hand(w: Weights) -> float:
    """The textbook's backward pass; its largest difference from the library's."""
    W1, W2 = w[0].data, w[1].data
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    h = sigmoid(X @ W1)
    y = sigmoid(h @ W2)
    d_y = (y - T) * y * (1 - y)
    d_h = d_y @ W2.T * h * (1 - h)
    error(outputs(X, w, tg.sigmoid), T).backward()
    return max(
        float(np.abs(p.grad.data - by_hand).max()) for p, by_hand in zip(w, (X.T @ d_h, h.T @ d_y))
    )


def worst(w: Weights) -> float:
    """How far the worst output is from its target; XOR is learned if that is less than 1/2."""
    return float(np.abs(outputs(X, w, tg.sigmoid).numpy() - T).max())


def curve(errors: list[float], width: int = 48) -> str:
    """The errors as a line of blocks: the higher, the larger."""
    blocks = " ▁▂▃▄▅▆▇█"
    picked = [errors[i * (len(errors) - 1) // (width - 1)] for i in range(width)]
    return "".join(blocks[min(8, round(8 * e / 0.6))] for e in picked)


def answers(w: Weights, activation=tg.sigmoid) -> str:
    """The truth table with the outputs of the network."""
    y = outputs(X, w, activation).numpy()
    return "\n".join(
        f"    {a:.0f} xor {b:.0f} = {t[0]:.0f}    the network says {o[0]:6.3f}"
        for (a, b, _), t, o in zip(X, T, y)
    )


def picture(w: Weights, folder: Path) -> None:
    """Draw the backward pass of one pattern, and save it as a page to step through."""
    x = tg.tensor(X[1:2], name="x")
    E = error(outputs(x, w, tg.sigmoid), tg.tensor(T[1:2], name="t"))
    E.name = "E"
    folder.mkdir(parents=True, exist_ok=True)
    page = tg.trace_backward(E).save(folder / "backpropagation_xor.html")
    print(f"\nThe backward pass of one pattern, step by step: {page}")
    try:
        tg.draw(E).render(folder / "backpropagation_xor", format="svg", cleanup=True)
        print(f"The same as a picture: {folder / 'backpropagation_xor.svg'}")
    except RuntimeError as problem:  # Graphviz is not installed
        print(f"No picture: {problem}", file=sys.stderr)


def main() -> None:
    """Tell the story of the step size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--epochs", type=int, default=3000, help="passes over the data (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (%(default)s)")
    parser.add_argument(
        "--output", type=Path, default=HERE / "output", help="a folder for pictures"
    )
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs is at least 1")
    if options.seed < 0:
        parser.error("--seed is at least 0")

    print(STORY)
    difference = deltas_by_hand(weights(options.seed))
    print(f"By hand and by the library, the gradients differ by {difference:.1e} at most.\n")

    print(f"The error E over {options.epochs} epochs (a full block is 0.6):\n")
    rates = {0.01: "too small", 1.0: "too few epochs", 100.0: "too large"}
    found = []
    for rate, otherwise in rates.items():
        w = weights(options.seed)
        found.append(w)
        errors = train(w, rate, options.epochs)
        verdict = "right" if worst(w) < 0.5 else otherwise
        print(f"    learning rate {rate:6g}  |{curve(errors)}|  E = {errors[-1]:.4f}  {verdict}")
    small, trained, large = found
    if worst(small) >= 0.5:
        print("\nToo small a step hardly moves.")
    if worst(large) >= 0.5:
        print(
            "\nToo large a step throws the units into saturation, where the sigmoid is flat: "
            "nothing comes\nback that could correct it."
        )
    print(f"\nWith learning rate 1:\n{answers(trained)}\n")

    linear = weights(options.seed)
    errors = train(linear, 0.05, options.epochs, activation=lambda z: z)
    print(
        "Without an activation both layers together are one linear map, and no line separates "
        f"the\nones of XOR from its zeros: E cannot fall below 0.5, and is {errors[-1]:.4f}.\n"
        f"{answers(linear, activation=lambda z: z)}"
    )
    picture(trained, options.output)
    verdict = "XOR is learned" if worst(trained) < 0.5 else "XOR is not learned yet"
    print(
        f"\n{verdict}: the output that is furthest from its target misses by {worst(trained):.3f}."
    )


if __name__ == "__main__":
    main()
