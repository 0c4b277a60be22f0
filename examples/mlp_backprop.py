"""Step through the backward pass of a small network on handwritten digits.

A multilayer perceptron looks at eight digits; the example traces one backward pass through it,
prints every step of the chain rule as a table, and saves a page to step through it. With --epochs
the network is trained first, so that one sees how gradients shrink where it is right.

usage: python examples/mlp_backprop.py [--epochs N] [--seed N] [--output FOLDER]
"""

import argparse
from pathlib import Path

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F

HERE = Path(__file__).parent


class MLP(nn.Module):
    """64 pixels, one hidden layer, 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, 16)
        self.relu = nn.ReLU()
        self.classes = nn.Linear(16, 10)

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        """The logits of the classes, of shape (n, 10)."""
        return self.classes(self.relu(self.hidden(x)))


def train(model: nn.Module, epochs: int, seed: int) -> None:
    """A little SGD with momentum."""
    x, y, _, _ = tg.data.digits()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(epochs):
        for pixels, labels in tg.data.DataLoader((x, y), batch_size=32, shuffle=True, rng=seed):
            optimizer.zero_grad()
            F.cross_entropy(model(pixels), labels).backward()
            optimizer.step()
    optimizer.zero_grad()


def main() -> None:
    """Train if asked to, trace, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=0, help="passes over the data (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (%(default)s)")
    parser.add_argument(
        "--output", type=Path, default=HERE / "output", help="a folder for pictures"
    )
    options = parser.parse_args()
    if options.epochs < 0:
        parser.error("--epochs is at least 0")
    if options.seed < 0:
        parser.error("--seed is at least 0")

    tg.manual_seed(options.seed)
    model = MLP()
    train(model, options.epochs, options.seed)

    _, _, x, y = tg.data.digits()
    pixels = tg.tensor(x[:8], name="pixels")
    loss = F.cross_entropy(model(pixels), tg.tensor(y[:8], name="labels"))
    loss.name = "loss"
    trace = tg.trace_backward(loss)
    print(trace.table())
    options.output.mkdir(parents=True, exist_ok=True)
    print(f"\nStep through it: {trace.save(options.output / 'mlp_backprop.html')}")


if __name__ == "__main__":
    main()
