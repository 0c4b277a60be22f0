"""Step through the backward pass of a single neuron: the classic first example of backpropagation.

Two inputs, two weights, a bias and a tanh. The example prints every step of the chain rule as a
table, and saves a page to step through it.

usage: python examples/neuron.py [--output FOLDER]
"""

import argparse
from pathlib import Path

import tinygrad_lite as tg

HERE = Path(__file__).parent


def neuron() -> tg.Tensor:
    """The output of a neuron with two inputs, recorded."""
    x1 = tg.tensor(2.0, requires_grad=True, name="x1")
    x2 = tg.tensor(0.0, requires_grad=True, name="x2")
    w1 = tg.tensor(-3.0, requires_grad=True, name="w1")
    w2 = tg.tensor(1.0, requires_grad=True, name="w2")
    b = tg.tensor(6.8813735870195432, requires_grad=True, name="b")
    n = x1 * w1 + x2 * w2 + b
    n.name = "n"
    o = tg.tanh(n)
    o.name = "o"
    return o


def main() -> None:
    """Trace, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=HERE / "output", help="a folder for pictures"
    )
    options = parser.parse_args()

    trace = tg.trace_backward(neuron())
    print(trace.table())
    options.output.mkdir(parents=True, exist_ok=True)
    print(f"\nStep through it: {trace.save(options.output / 'neuron.html')}")


if __name__ == "__main__":
    main()
