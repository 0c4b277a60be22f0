"""What activations, Dropout, losses and batch sizes do to the gradient, in seven short chapters.

From the perceptron, which has no gradient at all, over deep networks, whose gradients vanish, to
what is done about overfitting and which loss goes with which output.

usage: python examples/dropout_and_vanishing.py [--output FOLDER]
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F

HERE = Path(__file__).parent


def chapter(number: int, title: str) -> None:
    """A heading."""
    print(f"\n{number}. {title}\n{'=' * (len(title) + 3)}\n")


def perceptron() -> None:
    """Rosenblatt's rule for a unit with a step function: no gradient needed, and none to be had."""
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
    for name, targets in (("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("xor", [0, 1, 1, 0])):
        w = np.zeros(3)
        verdict = "never learned"
        for epoch in range(1, 21):
            mistakes = 0
            for inputs, target in zip(x, targets):
                output = float(w @ inputs > 0)
                w += (target - output) * inputs
                mistakes += output != target
            if not mistakes:
                verdict = f"learned after {epoch} epochs"
                break
        print(f"    {name:3}  {verdict}: {mistakes} mistakes in the last epoch, w = {w}")
    print("\nThe weights are of the two bits and of a constant 1; the output is 1 above 0.")
    z = tg.tensor(0.3, requires_grad=True, name="z")
    step = tg.where(z > 0, 1.0, 0.0 * z)
    step.backward()
    print(
        f"\nOne line cannot separate XOR; two layers could, but the derivative of a step is "
        f"{z.grad.item():g} wherever\nit has one: nothing tells the first layer which way to go. "
        "So the step is replaced by something\nsmooth."
    )


ACTIVATIONS = {
    "sigmoid": (nn.Sigmoid, "sigmoid"),
    "tanh": (nn.Tanh, "tanh"),
    "relu": (nn.ReLU, "relu"),
    "leaky relu": (nn.LeakyReLU, "leaky_relu"),
}


def stack(activation: str, depth: int, gain: float | None = None, width: int = 64) -> nn.Module:
    """So many layers with this activation, initialised as it asks for: Xavier or He."""
    rng = np.random.default_rng(0)
    kind, name = ACTIVATIONS[activation]
    gain = nn.init.calculate_gain(name) if gain is None else gain
    layers: list[nn.Module] = []
    for _ in range(depth):
        linear = nn.Linear(width, width, rng=rng)
        if "relu" in activation:
            nn.init.kaiming_normal_(linear.weight, nonlinearity=name, rng=rng)
        else:
            nn.init.xavier_normal_(linear.weight, gain=gain, rng=rng)
        nn.init.zeros_(linear.bias)
        layers += [linear, kind()]
    return nn.Sequential(*layers, nn.Linear(width, 10, rng=rng))


def norms(model: nn.Module) -> list[float]:
    """The norm of the loss's gradient in the weights of every hidden layer, from the first on."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((256, 64), dtype=np.float32)
    F.cross_entropy(model(x), rng.integers(0, 10, 256)).backward()
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    return [float(np.linalg.norm(w.grad.data)) for w in weights[:-1]]


def vanishing(folder: Path) -> dict[str, float]:
    """Gradient norms by depth and activation; the share that reaches the first of 20 layers."""
    depths = (2, 5, 10, 20)
    print("The gradient of the first layer's weights as a share of the last hidden layer's:\n")
    print("    depth     " + "".join(f"{depth:>12}" for depth in depths))
    shares, found = {}, {}
    for activation in ACTIVATIONS:
        row = ""
        for depth in depths:
            found[activation] = norms(stack(activation, depth))
            shares[activation] = found[activation][0] / found[activation][-1]
            row += f"{shares[activation]:12.2g}"
        print(f"    {activation:10}{row}")
    print("\nLayer by layer, 20 layers deep (each # is a factor of ten above 1e-15):\n")
    for activation, values in found.items():
        print(f"  {activation}")
        for layer in (1, 5, 10, 15, 20):
            bar = "#" * max(0, round(15 + np.log10(max(values[layer - 1], 1e-15))))
            print(f"    layer {layer:2}  {values[layer - 1]:8.1e}  {bar}")
    large = norms(stack("tanh", 20, gain=3.0))
    print(
        "\nA sigmoid's derivative is 1/4 at most, and every layer multiplies by it: the gradient "
        "vanishes.\nrelu's is 1 wherever it is not 0: what is sent back arrives. tanh's is 1 at 0 "
        "and less elsewhere;\nan initialisation with a gain of 5/3 makes up for that, so that "
        f"{shares['tanh']:.2g} times as much reaches the\nfirst of 20 layers as the last. With a "
        f"gain of 3 it is {large[0] / large[-1]:.0f} times: the gradient explodes."
    )
    plot(found, folder)
    flow(stack("sigmoid", 6), folder)
    return shares


def plot(found: dict[str, list[float]], folder: Path) -> None:
    """The norms over the layers."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("\nNo plot: pip install 'tinygrad_lite[train]'", file=sys.stderr)
        return
    axes = (figure := Figure(figsize=(6, 4), layout="constrained")).add_subplot()
    # relu's curve is wide and below the others: leaky relu's is almost the same.
    styles = (
        ("#D55E00", "o-", 1.5),
        ("#E69F00", "s-", 1.5),
        ("#9ECAE9", "-", 7),
        ("#00593B", "--", 1.5),
    )
    for (name, values), (colour, line, width) in zip(found.items(), styles):
        axes.semilogy(
            range(1, 21),
            values,
            line,
            label=name,
            color=colour,
            lw=width,
            ms=4,
            zorder=3 - (width > 2),
        )
    axes.set_xticks(range(2, 21, 2))
    axes.set(xlabel="layer", ylabel="norm of the gradient", title="20 layers")
    axes.legend(frameon=False)
    figure.savefig(folder / "vanishing.svg")
    print(f"\nThe norms as a plot: {folder / 'vanishing.svg'}")


def flow(model: nn.Module, folder: Path) -> None:
    """The picture of the backward pass through the sigmoid network, and the library's diagnosis."""
    x = tg.tensor(np.random.default_rng(1).standard_normal((32, 64), np.float32), name="x")
    loss = F.cross_entropy(model(x), tg.tensor(np.zeros(32, int), name="labels"))
    loss.name = "loss"
    found = tg.draw_flow(model, loss)
    print("\nWhat the library says to a network of 6 sigmoid layers:\n")
    print("\n".join(f"    {finding}" for finding in found.findings))
    try:
        tg.draw(loss).render(folder / "dropout_and_vanishing", format="svg", cleanup=True)
        print(f"\nIts backward pass as a picture: {folder / 'dropout_and_vanishing.svg'}")
    except RuntimeError as error:  # Graphviz is not installed
        print(f"\nNo picture: {error}", file=sys.stderr)


def dropout_by_hand() -> None:
    """The textbook's mask beside nn.Dropout: the same draws, the same outputs and gradients."""
    keep = 0.8
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.normal(size=(4, 6)).astype(np.float32))
    hidden, output = nn.Linear(6, 5, rng=1), nn.Linear(5, 1, rng=2)
    parameters = [*hidden.parameters(), *output.parameters()]

    mask = (np.random.default_rng(3).random((4, 5), np.float32) >= 1 - keep) / np.float32(keep)
    by_hand = output(tg.relu(hidden(x)) * mask)  # no mask on the output: it is the answer
    by_hand.sum().backward()
    gradients = [p.grad.data.copy() for p in parameters]
    for p in parameters:
        p.grad = None
    dropout = nn.Dropout(1 - keep, rng=3)
    by_layer = output(dropout(tg.relu(hidden(x))))
    by_layer.sum().backward()

    difference = max(np.abs(p.grad.data - g).max() for p, g in zip(parameters, gradients))
    difference = max(difference, np.abs(by_hand.numpy() - by_layer.numpy()).max())
    print(f"    keep probability {keep}; mask by hand, divided by it:\n")
    print("\n".join(f"        {row}" for row in mask))
    print(
        f"\n    nn.Dropout({1 - keep:.1f}) with the same draws: outputs and gradients differ by "
        f"{difference:.1e} at most.\n    The output has no mask: it is the answer.\n"
        "    model.eval() lets everything pass: "
        f"{np.array_equal(dropout.eval()(x).numpy(), x.numpy())}"
    )


def overfitting() -> None:
    """A large network on few noisy points, with Dropout and without."""
    x, y = tg.data.moons(60, noise=0.35, rng=0)
    x_test, y_test = tg.data.moons(1000, noise=0.35, rng=1)
    print("    60 noisy points, 2-100-100-2:\n")
    print("    dropout    training loss    test loss    test accuracy")
    for p in (0.0, 0.5):
        model = nn.Sequential(
            *(nn.Linear(2, 100, rng=0), nn.ReLU(), nn.Dropout(p, rng=0)),
            *(nn.Linear(100, 100, rng=1), nn.ReLU(), nn.Dropout(p, rng=1)),
            nn.Linear(100, 2, rng=2),
        )
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        tg.train.fit(
            model, (x, y), loss="cross_entropy", optimizer=optimizer, epochs=200, batch_size=60
        )
        learned = tg.train.evaluate(model, (x, y), "cross_entropy")["loss"]
        test = tg.train.evaluate(model, (x_test, y_test), "cross_entropy", ["accuracy"])
        print(f"    {p:7}    {learned:13.4f}    {test['loss']:9.4f}    {test['accuracy']:13.1%}")
    print("\nWithout it the training points are learned by heart, and the price is paid elsewhere.")


def one_loss_two_names() -> None:
    """log_softmax followed by nll_loss is cross_entropy."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 8)
    a = tg.tensor(rng.normal(size=(8, 5)), requires_grad=True)
    b = tg.tensor(a, requires_grad=True)
    two = F.nll_loss(F.log_softmax(a), labels)
    one = F.cross_entropy(b, labels)
    two.backward()
    one.backward()
    probabilities = np.exp(b.data) / np.exp(b.data).sum(axis=1, keepdims=True)
    formula = (probabilities - tg.data.one_hot(labels, 5)) / len(labels)
    print(f"    nll_loss(log_softmax(z), y) = {two.item():.12f}")
    print(f"    cross_entropy(z, y)         = {one.item():.12f}")
    print(f"    their gradients differ by {np.abs(a.grad.data - b.grad.data).max():.1e},")
    print(
        "    and from the textbook's softmax(z) - y, over n, by "
        f"{np.abs(b.grad.data - formula).max():.1e}"
    )


def noise_of_batches() -> None:
    """How far the gradient of a batch is from that of all data, by its size."""
    x, y = tg.data.moons(4096, noise=0.2, rng=0)
    model = nn.Sequential(nn.Linear(2, 16, rng=0), nn.Tanh(), nn.Linear(16, 2, rng=1))

    def gradient(rows: np.ndarray | slice) -> np.ndarray:
        model.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        return np.concatenate([p.grad.data.ravel() for p in model.parameters()])

    whole = gradient(slice(None))
    rng = np.random.default_rng(0)
    print("    batch size    distance from the whole gradient    x sqrt(size)")
    scaled = []
    for size in (1, 4, 16, 64, 256, 1024):
        batches = [rng.choice(len(x), size) for _ in range(100)]
        away = np.sqrt(np.mean([np.sum((gradient(rows) - whole) ** 2) for rows in batches]))
        scaled.append(away * np.sqrt(size))
        print(f"    {size:10}    {away:32.4f}    {scaled[-1]:12.3f}")
    print(
        "\nFour times the batch, about half the noise: the last column, which would not change if "
        f"it were\nexactly half, stays between {min(scaled):.2f} and {max(scaled):.2f}."
    )


def kinds_of_output() -> None:
    """Binary, multi-class, multi-label and regression outputs: which loss, and which measure."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4)).astype(np.float32)
    signs = (x[:, :3] @ np.array([[1, 1, 0], [-1, 1, 1], [0, 1, -1]]) > 0).astype(np.float32)
    tasks = {
        "binary": ("binary_cross_entropy_with_logits", signs[:, :1], "accuracy"),
        "multi-class": ("cross_entropy", x[:, :3].argmax(axis=1), "accuracy"),
        "multi-label": ("binary_cross_entropy_with_logits", signs, "f1"),
        "regression": ("mse_loss", np.sin(x[:, :1]) + x[:, 1:2] ** 2, "r2"),
    }
    print("    output         units  loss                                measure   on test data")
    for name, (loss, y, metric) in tasks.items():
        units = 3 if y.ndim == 1 else y.shape[1]
        model = nn.Sequential(nn.Linear(4, 32, rng=0), nn.Tanh(), nn.Linear(32, units, rng=1))
        tg.train.fit(
            model,
            (x[:450], y[:450]),
            loss=loss,
            optimizer=optim.Adam(model.parameters(), lr=0.01),
            epochs=60,
            rng=0,
        )
        found = tg.train.evaluate(model, (x[450:], y[450:]), loss, [metric])[metric]
        print(f"    {name:13}  {units:5}  {loss:34}  {metric:8}  {found:12.3f}")


def main() -> None:
    """All chapters."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=HERE / "output", help="a folder for pictures"
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    tg.manual_seed(0)

    chapter(1, "The perceptron")
    perceptron()
    chapter(2, "Gradients that vanish")
    shares = vanishing(options.output)
    chapter(3, "Dropout by hand")
    dropout_by_hand()
    chapter(4, "Overfitting, with Dropout and without")
    overfitting()
    chapter(5, "Two ways to write one loss")
    one_loss_two_names()
    chapter(6, "The noise of small batches")
    noise_of_batches()
    chapter(7, "Which loss for which output")
    kinds_of_output()
    print(
        f"\nOf the gradient, the first of 20 layers receives {shares['sigmoid']:.1e} of what the "
        f"last does through sigmoids, and {shares['relu']:.2f} through relus."
    )


if __name__ == "__main__":
    main()
