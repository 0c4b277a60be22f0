import re
import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.drawing.graphs import CRITERION
from tests.drawing.test_picture import overlapping
from tinygrad_lite import nn

WIDTH = 16


@pytest.fixture(autouse=True)
def seeded():
    tg.manual_seed(0)


def batch(rows=32):
    return np.random.default_rng(0).normal(size=(rows, WIDTH)).astype("float32")


LABELS = np.arange(32) % 2


def stack(activation, layers=8, scale=1.0):
    parts = []
    for _ in range(layers):
        layer = nn.Linear(WIDTH, WIDTH)
        layer.weight.data = layer.weight.data * np.float32(scale)
        parts += [layer, activation()]
    return nn.Sequential(*parts, nn.Linear(WIDTH, 2))


def found(model, loss, fault, lr=None):
    """The one finding of that fault; it is in the picture and in the text as well."""
    flow = tg.draw_flow(model, loss, lr=lr)
    (finding,) = [f for f in flow.findings if f.fault == fault]
    assert str(finding) in str(flow)
    assert fault in flow.source
    return finding


def test_a_healthy_model_has_no_findings():
    model = stack(nn.ReLU, layers=2, scale=2.0)
    loss = CRITERION(model(batch()), LABELS)
    flow = tg.draw_flow(model, loss, lr=0.01)
    assert flow.findings == []
    assert "nothing looks wrong" in str(flow)
    assert "nothing looks wrong" in flow.source
    assert [layer.path for layer in flow.layers] == ["0", "1", "2", "3", "4"]


def test_the_numbers_are_those_of_backward():
    model = stack(nn.Tanh, layers=2)
    loss = CRITERION(model(batch()), LABELS)
    flow = tg.draw_flow(model, loss)
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    for layer in flow.layers:
        for w in layer.weights:
            g, p = w.tensor.grad.numpy(), w.tensor.numpy()
            assert w.gradient == pytest.approx(np.linalg.norm(g), rel=1e-4)
            assert w.ratio == pytest.approx(np.linalg.norm(g) / np.linalg.norm(p), rel=1e-4)
    assert {w.name for layer in flow.layers for w in layer.weights} == {
        name for name, _ in model.named_parameters()
    }


def test_vanishing_gradients():
    model = stack(nn.Sigmoid, layers=10)
    finding = found(model, CRITERION(model(batch()), LABELS), "vanishing gradients")
    assert finding.place == "0 … 20"
    assert "shrinks" in finding.text


def test_exploding_gradients():
    model = stack(nn.Identity, layers=8, scale=10.0)
    finding = found(model, (model(batch()) ** 2).mean() * 1e-12, "exploding gradients")
    assert finding.place == "0 … 16"
    assert "grows" in finding.text


def test_dead_relus():
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2))
    bias = np.zeros(WIDTH, "float32")
    bias[:12] = -100.0
    model[0].bias.data = bias
    finding = found(model, CRITERION(model(batch()), LABELS), "dead relu")
    assert finding.place == "1 (ReLU)"
    assert finding.text.startswith("75%")


def test_saturation():
    model = stack(nn.Tanh, layers=1, scale=100.0)
    assert found(model, CRITERION(model(batch()), LABELS), "saturation").place == "1 (Tanh)"


class Detached(nn.Module):
    def __init__(self):
        self.encoder = nn.Linear(WIDTH, WIDTH)
        self.decoder = nn.Linear(WIDTH, 2)

    def forward(self, x):
        return self.decoder(self.encoder(x).detach())


def test_a_detached_branch():
    model = Detached()
    finding = found(model, CRITERION(model(batch()), LABELS), "detached branch")
    assert finding.place == "encoder.weight, encoder.bias"
    assert "detach()" in finding.text
    assert "test_flow.py" in finding.text


def test_a_parameter_that_is_never_used():
    model = Detached()
    loss = CRITERION(model.decoder(batch()), LABELS)
    finding = found(model, loss, "detached branch")
    assert finding.place == "encoder.weight, encoder.bias"


def test_a_frozen_parameter():
    model = stack(nn.ReLU, layers=1)
    model[0].weight.requires_grad = False
    finding = found(model, CRITERION(model(batch()), LABELS), "frozen parameter")
    assert finding.place == "0.weight"


def test_a_shared_weight():
    shared = nn.Linear(WIDTH, WIDTH, bias=False)
    model = nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(WIDTH, 2))
    loss = CRITERION(model(batch()), LABELS)
    finding = found(model, loss, "shared weight")
    loss.backward()
    assert finding.place == "0.weight"
    assert "used 2 times" in finding.text
    norm = np.linalg.norm(shared.weight.grad.numpy())
    assert finding.text.endswith(f"→ ‖{norm:.4g}‖")


class Logarithm(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(WIDTH, 2)

    def forward(self, x):
        return tg.log(self.inner(x))


def test_the_origin_of_a_nan():
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), Logarithm())
    with np.errstate(all="ignore"):
        loss = model(batch()).mean()
    finding = found(model, loss, "not finite")
    assert finding.place == "Sequential.1"
    assert finding.text.startswith("log makes NaN of")
    assert "tg.log(self.inner(x))" in finding.text


def test_the_origin_of_a_gradient_that_is_not_finite():
    model = nn.Linear(WIDTH, WIDTH)
    model.weight.data = np.zeros((WIDTH, WIDTH), "float32")
    model.bias.data = np.zeros(WIDTH, "float32")
    finding = found(model, tg.sqrt(model(batch())).sum(), "not finite")
    assert "the rule g ÷ (2 × out) of sqrt makes ∞ of it" in finding.text


def test_a_nan_that_was_fed_in():
    model = nn.Linear(WIDTH, 2)
    x = batch()
    x[0, 0] = np.nan
    finding = found(model, model(x).mean(), "not finite")
    assert "x1 itself holds NaN" in finding.text


def test_an_overconfident_softmax():
    model = stack(nn.ReLU, layers=1, scale=1.0)
    model[2].weight.data = model[2].weight.data * np.float32(1000)
    finding = found(model, CRITERION(model(batch()), LABELS), "overconfident softmax")
    assert finding.place == "CrossEntropyLoss"
    assert "more than 99% on one class" in finding.text


def test_a_learning_rate_that_is_too_large_or_too_small():
    model = stack(nn.ReLU, layers=1)
    loss = CRITERION(model(batch()), LABELS)
    large = found(model, loss, "learning rate too large", lr=50.0)
    assert large.place in ("0.weight", "2.weight")
    assert "try lr = 0.01" in large.text or "try lr = 0.1" in large.text
    assert "try lr = " in found(model, loss, "learning rate too small", lr=1e-9).text
    assert tg.draw_flow(model, loss).findings == []


def test_a_loss_without_any_gradient_is_told_as_well():
    model = nn.Linear(WIDTH, 2)
    with tg.no_grad():
        loss = model(batch()).mean()
    finding = found(model, loss, "detached branch")
    assert "no_grad" in finding.text


def test_what_cannot_be_measured_is_an_error():
    model = nn.Linear(WIDTH, 2)
    with pytest.raises(TypeError, match="module"):
        tg.draw_flow(3, model(batch()).mean())
    with pytest.raises(TypeError, match="tensor"):
        tg.draw_flow(model, 3.0)
    with pytest.raises(ValueError, match="one number"):
        tg.draw_flow(model, model(batch()))
    with pytest.raises(ValueError, match="theme"):
        tg.draw_flow(model, model(batch()).mean(), theme="neon")


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")
@pytest.mark.parametrize("layers", [1, 50])
def test_the_picture_is_readable(layers):
    model = stack(nn.Sigmoid, layers=layers)
    flow = tg.draw_flow(model, CRITERION(model(batch()), LABELS), lr=0.1)
    root = ET.fromstring(flow.pipe(format="svg", encoding="utf-8"))
    text = " ".join(t.text or "" for t in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "log scale" in text
    assert not overlapping(root)
    assert float(root.get("width").removesuffix("pt")) < 1100


class Between(nn.Module):
    """A step between two layers that lets no gradient through."""

    def __init__(self, step):
        self.first, self.last, self.step = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2), step

    def forward(self, x):
        return self.last(self.step(self.first(x)))


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (tg.round, "round"),
        (lambda a: tg.clip(a + 50.0, -1.0, 1.0), "clip"),
        (lambda a: tg.maximum(a - 100.0, 1.0), "maximum"),
        (lambda a: tg.where(np.zeros(WIDTH, bool), a, 1.0), "where"),
    ],
)
def test_a_gradient_that_ends_between_two_layers(step, name):
    model = Between(step)
    finding = found(model, CRITERION(model(batch()), LABELS), "zero gradient")
    assert finding.place == "first.weight, first.bias"
    assert f"it ends at {name}" in finding.text
    assert "test_flow.py" in finding.text


def test_a_gradient_that_ends_at_weights_of_zero():
    model = stack(nn.Tanh, layers=1)
    model[2].weight.data = np.zeros_like(model[2].weight.data)
    finding = found(model, CRITERION(model(batch()), LABELS), "zero gradient")
    assert finding.place == "0.weight, 0.bias"
    assert "it ends at linear, which multiplies it by zero" in finding.text
    assert "Sequential.2" in finding.text


def test_a_loss_times_zero():
    model = stack(nn.Tanh, layers=1)
    finding = found(model, CRITERION(model(batch()), LABELS) * 0, "zero gradient")
    assert finding.place == "0.weight, 0.bias, 2.weight, 2.bias"
    assert "it ends at multiply" in finding.text


def test_the_reason_of_a_zero_gradient_is_found_without_calling_hooks():
    model = stack(nn.Tanh, layers=1)
    calls = []
    model[2].weight.register_hook(calls.append)
    found(model, CRITERION(model(batch()), LABELS) * 0, "zero gradient")
    assert not calls


def test_a_loss_times_nan():
    model = stack(nn.Tanh, layers=1)
    finding = found(model, CRITERION(model(batch()), LABELS) * float("nan"), "not finite")
    assert finding.text.startswith("multiply makes NaN of")
    assert "test_flow.py" in finding.text
    assert "itself" not in finding.text


def test_a_learning_rate_of_zero_is_no_fault_and_one_below_is_an_error():
    model = stack(nn.ReLU, layers=2, scale=2.0)
    loss = CRITERION(model(batch()), LABELS)
    assert tg.draw_flow(model, loss, lr=0).findings == []
    for lr in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="learning rate must be"):
            tg.draw_flow(model, loss, lr=lr)


def test_the_reason_is_found_where_examples_are_fewer_than_units():
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    for p in model[1].parameters():
        p.data = np.zeros_like(p.data)
    finding = found(model, model(np.ones((4, 8), "float32")).sum(), "zero gradient")
    assert "it ends at linear, which multiplies it by zero" in finding.text


def test_a_gradient_that_underflows_on_its_way_is_said_to():
    model = stack(nn.Sigmoid, layers=60)
    finding = found(model, CRITERION(model(batch()), LABELS), "zero gradient")
    assert finding.place.startswith("0.weight, 0.bias")
    assert "to less than float32 can hold" in finding.text
    assert "saturated" not in finding.text


def test_a_model_that_has_learnt_all_there_is_has_no_findings():
    model = nn.Linear(WIDTH, 1)
    x = batch()
    target = model(x).numpy() + np.float32(1e-7)
    model.weight.data = model.weight.data + np.float32(1e-7)
    assert tg.draw_flow(model, ((model(x) - target) ** 2).mean(), lr=0.1).findings == []


def test_a_learning_rate_that_trains_is_not_too_large():
    model = stack(nn.ReLU, layers=2)
    optimizer = tg.optim.SGD(model.parameters(), lr=1.0)
    assert tg.draw_flow(model, CRITERION(model(batch()), LABELS), lr=1.0).findings == []
    first = CRITERION(model(batch()), LABELS).item()
    for _ in range(100):
        optimizer.zero_grad()
        loss = CRITERION(model(batch()), LABELS)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1 * first


def test_small_weights_may_change_by_more_than_their_size():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 3)).astype("float32")
    y = x @ np.array([[1.0], [-2.0], [3.0]], "float32")
    model = nn.Linear(3, 1)
    model.weight.data = np.full((1, 3), 0.01, "float32")
    loss = nn.functional.mse_loss(model(x), y)
    assert tg.draw_flow(model, loss, lr=0.1).findings == []  # it converges with that
    assert "try lr" in found(model, loss, "learning rate too large", lr=3.0).text
    found(model, loss - 100.0, "learning rate too large", lr=3.0)


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")
def test_there_is_a_space_after_the_name_of_a_fault():
    model = stack(nn.ReLU, layers=1)
    model[0].weight.requires_grad = False
    svg = tg.draw_flow(model, CRITERION(model(batch()), LABELS)).pipe(
        format="svg", encoding="utf-8"
    )
    assert re.search(r">(\xa0|&#160;|&nbsp;)at", svg)
