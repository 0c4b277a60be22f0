"""The source of a compiled step: what it says, what it allocates, and that it runs on its own."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler import Error
from tinygrad_lite.nn import functional as F


class MLP(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(20, 64, rng=0)
        self.second = nn.Linear(64, 5, rng=1)

    def forward(self, x: Any) -> Any:
        return self.second(tg.relu(self.first(x)))


def training(make: Any = lambda p: optim.SGD(p, lr=0.1), dropout: bool = False) -> Any:
    model = MLP()
    optimizer = make(model.parameters())
    noise = nn.Dropout(0.2, rng=3)

    def train_step(x: Any, labels: Any) -> Any:
        optimizer.zero_grad()
        scores = model(noise(x) if dropout else x)
        loss = F.cross_entropy(scores, labels)
        loss.backward()
        optimizer.step()
        return loss

    return tg.compile(train_step), model


def batch(seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((32, 20)).astype(np.float32), rng.integers(0, 5, 32)


def test_it_reads_like_the_model() -> None:
    step, _ = training()
    with pytest.raises(RuntimeError, match="call it twice"):
        _ = step.source
    for _ in range(3):
        step(*batch())
    for text in (
        "def train_step(x, labels):",
        "first_weight",
        "second_bias",
        "d_first_weight)  # float32 (64, 20)",
        "d_z = ",
        "one_over_32",
        "float32 (32, 64)",
        "return loss",
    ):
        assert text in step.source
    body = step.source.partition("def train_step")[2]
    assert not any(word in body for word in ("for ", "while ", "lambda", "tinygrad"))


def test_names_of_several_models() -> None:
    student, teacher = MLP(), MLP()

    def step(x: Any) -> Any:
        student.zero_grad()
        with tg.no_grad():
            wanted = teacher(x)
        scores = student(x)
        loss = F.mse_loss(scores, wanted)
        loss.backward()
        return loss, scores

    step = tg.compile(step)
    for _ in range(3):
        step(batch()[0])
    for text in ("student_first_weight_T, ", "teacher_first_weight_T, ", " loss = "):
        assert text in step.source
    assert "weight_2" not in step.source


@pytest.mark.parametrize("names", [("W1", "b1"), ("b0", "b1"), ("b2", "buffer_0")])
def test_parameters_may_be_called_as_buffers_are(names: tuple[str, str]) -> None:
    def training() -> Any:
        weight = tg.tensor(np.arange(6.0).reshape(3, 2) / 5, requires_grad=True, name=names[0])
        bias = tg.tensor([0.5, -0.5], requires_grad=True, name=names[1])
        optimizer = optim.SGD([weight, bias], lr=0.1)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            loss = (tg.tanh(x @ weight + bias) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return step

    eager, compiled = training(), tg.compile(training())
    for seed in range(6):
        x = np.random.default_rng(seed).standard_normal((4, 3))
        np.testing.assert_allclose(compiled(x).item(), eager(x).item(), rtol=1e-12)
    setup = compiled.source.partition("def step")[0]
    assert len(re.findall(rf"^{names[1]} = ", setup, flags=re.MULTILINE)) == 1


@pytest.mark.parametrize("own", [True, False])
def test_products_for_transposed_weights_are_computed_in_their_place(own: bool) -> None:
    model = nn.Sequential(nn.Linear(6, 4, bias=False, rng=0), nn.Tanh(), nn.Linear(4, 3, rng=1))
    weight = tg.tensor(np.ones((5, 3), np.float32), requires_grad=True, name="weight")
    optimizer = optim.SGD([*model.parameters(), weight], lr=0.1)

    @tg.compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        scores = model(x) @ weight.T if own else model(x)
        loss = (scores**2).mean()
        loss.backward()
        optimizer.step()
        return loss

    for seed in range(4):
        step(np.random.default_rng(seed).standard_normal((8, 6)).astype(np.float32))
    assert re.search(r"dot\(\w+, x, d_layer_0_weight\)", step.source)
    assert ("d_weight)  #" in step.source) is own
    assert "_T_T" not in step.source
    assert not re.search(r"copyto\(d_|copyto\(\w+, \w+_T\)", step.source)


def test_layers_of_inputs_with_more_axes_allocate_nothing() -> None:
    first, second = nn.Linear(6, 8, rng=0), nn.Linear(8, 3, rng=1)
    optimizer = optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = (second(tg.tanh(first(x))) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    def numbers(f: Any) -> list[float]:
        first.weight.data[...], second.weight.data[...] = 0.1, 0.2
        first.bias.data[...], second.bias.data[...] = 0.0, 0.0
        return [f(x).item() for _ in range(5)]

    x = np.random.default_rng(0).standard_normal((5, 4, 6)).astype(np.float32)
    eager = numbers(step)
    compiled = tg.compile(step)
    for layout in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
        x = layout
        np.testing.assert_allclose(numbers(compiled), eager, rtol=1e-5)
    assert "linear" not in compiled.source
    assert "anew by every call" not in compiled.explain()


def test_what_indices_choose_is_written_as_in_numpy() -> None:
    table = tg.tensor(np.arange(30.0).reshape(10, 3), requires_grad=True, name="table")

    def step(rows: Any, columns: Any) -> Any:
        table.grad = None
        words = table[rows].reshape(2, -1)
        loss = (words**2).mean() + tg.tanh(table[1:3, 0] * table[4, 2]).sum()
        loss = loss + table[rows[:, 0], columns].sum()
        loss.backward()
        return loss

    rows, columns = np.array([[1, -2], [3, 1]]), np.array([0, 2])
    eager = step(rows, columns).item(), table.grad.numpy()
    compiled = tg.compile(step)
    for _ in range(3):
        found = compiled(rows, columns).item(), table.grad.numpy()
    np.testing.assert_allclose(found[0], eager[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], eager[1], rtol=1e-12)
    for text in ("table[rows]", ".reshape((2, 6))", "table[4, 2]", "[1:3, 0] = ", ", columns]"):
        assert text in compiled.source
    assert "getitem" not in compiled.source
    with pytest.raises(IndexError):
        compiled(rows + 10, columns)


def test_metrics_are_written_as_in_numpy() -> None:
    layer = nn.Linear(3, 4, rng=0)

    def scores(x: Any, labels: Any, one: Any) -> Any:
        found = tg.argmax(layer(x), axis=1)
        hits = found == labels
        return found, hits.mean(), hits.sum(), tg.argmin(layer(one)), hits[:1].mean()

    compiled = tg.compile(scores)
    x, labels = np.random.default_rng(0).standard_normal((5, 3)), np.array([0, 3, 2, 1, 0])
    given = x.astype(np.float32), labels, x[0].astype(np.float32)
    for _ in range(3):
        for found, right in zip(compiled(*given), scores(*given)):
            np.testing.assert_array_equal(found, right, strict=True)
    for text in (".argmax(1, ", ".argmin()", " / 5", "dot(weight, one, "):
        assert text in compiled.source
    assert "given" not in compiled.source.partition("bias = ")[2].partition("\n")[2]


def test_arguments_in_dicts_and_by_keyword_have_their_own_names() -> None:
    @tg.compile
    def loss(p: Any, x: Any, *more: Any, scale: Any = 1.0, shift: Any = 0.0) -> Any:
        return tg.tanh(x @ p["w"] + p["b"]) * scale + shift + more[0]

    for _ in range(3):
        given = {"w": np.ones((3, 2)), "b": np.ones(2)}
        loss(given, np.ones((4, 3)), np.ones(2), shift=np.ones(2), scale=np.ones(2))
    assert "def loss(p_w, p_b, x, x2, shift, scale):" in loss.source
    assert "(x, p_w, " in loss.source


def test_constants_are_written_out_and_no_line_does_nothing() -> None:
    @tg.compile
    def slopes(w: Any, b: Any) -> Any:
        return tg.grad(lambda w, b: (tg.tanh(w) * np.arange(3.0) + b).sum(), argnums=(0, 1))(w, b)

    for _ in range(3):
        slopes(np.ones((2, 3)), np.ones(3))
    assert "np.full((3,), 2.0, np.float64)" in slopes.source
    assert not re.search(r"^ +(\w+) = \1\b", slopes.source, flags=re.MULTILINE)


def test_what_it_defines_it_reads() -> None:
    w = tg.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)

    @tg.compile
    def step(x: Any) -> Any:
        w.grad = None
        loss = ((x @ w) ** 2 * 0.5).mean() + tg.matmul(np.ones(3), w).sum()
        loss.backward()
        return loss

    for seed in range(3):
        step(np.random.default_rng(seed).standard_normal((4, 3)))
    setup = step.source.partition("def step")[0].partition("# What outlives")[2]
    names = [line.partition(" = ")[0] for line in setup.splitlines() if " = " in line]
    assert len(names) > 8
    for name in names:
        uses = re.findall(rf"\b{name}\b", step.source.replace(f'given["{name}"]', ""))
        assert len(uses) > 1, name


def test_it_says_what_was_done() -> None:
    step, _ = training()
    for _ in range(3):
        step(*batch())
    text = step.explain()
    for part in ("operations traced", "softmax cross-entropy", "relu", "dropped", "KiB", "SGD"):
        assert part in text


def test_it_counts_gradients_and_calls() -> None:
    model = MLP()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @tg.compile
    def step(x: Any, labels: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optim.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss

    for _ in range(4):
        step(*batch())
    text = step.explain()
    assert "gradients: 4, in 1 array, " in text
    assert "called as it is: clip_grad_norm_, for 4 gradients" in text
    assert "called as it is: SGD, for 4 gradients" in text
    body = step.source.partition("def step")[2].partition("\n")[2]
    own = ("sgd_step(", "clip_grad_norm(", "repeat(")
    calls = [name for name in re.findall(r"[\w.]+\(", body) if name not in own]
    assert f", {len(calls)} calls of NumPy" in text


def test_it_says_what_is_allocated_and_how_much_memory_there_is() -> None:
    step = tg.compile(lambda x: tg.exp(tg.sort(x) * 2.0))
    for _ in range(3):
        step(np.ones(100))
    text = step.explain()
    assert "taken anew by every call: sort (800 bytes)" in text
    assert "the caller's own: 800 bytes" in text
    step, _ = training()
    for _ in range(3):
        step(*batch())
    bound = step._compiled().bound
    held = {name: x for name, x in bound.namespace.items() if isinstance(x, np.ndarray)}
    buffers = sum(x.nbytes for name, x in held.items() if name[0] == "b" and name[1:].isdigit())
    assert f"{buffers / 1024:.1f} KiB" in next(
        line for line in step.explain().splitlines() if line.startswith("buffers")
    )
    assert "anew by every call" not in step.explain()


def test_the_number_of_numpy_calls() -> None:
    step, _ = training()
    for _ in range(3):
        step(*batch())
    body = step.source.partition("def train_step")[2].splitlines()
    assert len([line for line in body if "(" in line]) <= 38


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam, optim.RMSprop])
def test_no_arrays_are_allocated(optimizer: Any, dropout: bool) -> None:
    step, _ = training(lambda p: optimizer(p, lr=0.01), dropout)
    given = batch()
    for _ in range(5):
        step(*given)
    tracemalloc.start()
    try:
        step(*given)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        step(*given)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 6000, f"{peak} bytes, where the smallest hidden array takes 8192"


def test_nothing_is_kept_from_call_to_call() -> None:
    step, _ = training()
    for _ in range(5):
        step(*batch())
    tracemalloc.start()
    try:
        given = batch()
        step(*given)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(50):
            step(*given)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 2000


def test_it_is_freed_without_the_collector() -> None:
    step, model = training(lambda p: optim.Adam(p, lr=0.1))
    for _ in range(4):
        step(*batch())
    watched = [ref(step._compiled().bound), ref(step), ref(model)]
    gc.collect()
    gc.disable()
    try:
        del step, model
        assert [r() for r in watched] == [None, None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        lambda p: optim.Adam(p, lr=0.01),
        lambda p: optim.RMSprop(p, lr=0.01),
        lambda p: optim.Adagrad(p, lr=0.01),
    ],
)
@pytest.mark.parametrize("dropout", [False, True])
def test_the_saved_file_runs_on_numpy_alone(optimizer: Any, dropout: bool, tmp_path: Path) -> None:
    step, model = training(optimizer, dropout)
    for seed in range(4):
        step(*batch(seed))
    path = step.save_source(tmp_path / "step.py")
    assert path == tmp_path / "step.py"
    x, labels = batch(9)
    np.savez(tmp_path / "batch.npz", x=x, labels=labels)
    (tmp_path / "run.py").write_text(
        "import sys\n"
        "import numpy as np\n"
        "from step import first_weight, train_step\n"
        "batch = np.load('batch.npz')\n"
        "losses = [train_step(batch['x'], batch['labels']) for _ in range(5)]\n"
        "assert not any(name.startswith('tinygrad_lite') for name in sys.modules)\n"
        "np.savez('result.npz', losses=losses, weight=first_weight)\n"
    )
    command = [sys.executable, "-W", "error", "run.py"]
    subprocess.run(command, cwd=tmp_path, check=True, env={})
    result = np.load(tmp_path / "result.npz")
    losses = [step(x, labels).item() for _ in range(5)]
    np.testing.assert_allclose(result["losses"], losses, rtol=1e-5)
    np.testing.assert_allclose(result["weight"], model.first.weight.numpy(), rtol=1e-5, atol=1e-6)


def _cubed(x: Any, *, factor: float) -> Any:
    return factor * x * np.square(x)


cube = tg.primitive(_cubed, [lambda g, out, x, factor: g * (3 * factor) * x**2], name="cube")
half = tg.primitive(lambda x: x / 2, [lambda g, out, x: g / 2], name="half")


def test_a_users_own_operations_are_in_the_file(tmp_path: Path) -> None:
    gradient = tg.compile(tg.grad(lambda x: (half(cube(x, factor=2.0)) * tg.logsumexp(x)).sum()))
    x = np.linspace(-1.0, 2.0, 6)
    for _ in range(3):
        wanted = gradient(x)
    gradient.save_source(tmp_path / "gradient.py")
    np.save(tmp_path / "x.npy", x)
    program = "import numpy as np, gradient; np.save('g.npy', gradient.gradient(np.load('x.npy')))"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, env={})
    np.testing.assert_allclose(np.load(tmp_path / "g.npy"), wanted.numpy(), rtol=1e-12)


def test_an_operation_without_source_is_not_saved(tmp_path: Path) -> None:
    namespace: dict[str, Any] = {}
    exec("def forward(x):\n    return x * 2", namespace)
    double = tg.primitive(namespace["forward"], name="double")
    compiled = tg.compile(lambda x: double(x))
    for _ in range(3):
        compiled(np.ones(3))
    with pytest.raises(Error, match=r"source of double.* is not at hand"):
        compiled.save_source(tmp_path / "double.py")


def test_errors_in_the_source_show_its_lines() -> None:
    def forward(x: Any) -> Any:
        if x[0] > 1:
            raise ArithmeticError("too large")
        return x * 2

    careful = tg.primitive(forward, name="careful")
    compiled = tg.compile(lambda x: careful(x))
    for _ in range(3):
        compiled(np.zeros(3))
    with pytest.raises(ArithmeticError, match="too large"):
        compiled(np.full(3, 2.0))
