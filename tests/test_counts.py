"""How much work operations and training steps are, counted: a slower way shows on any machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.effort import calls
from tinygrad_lite import graph, nn, optim
from tinygrad_lite.mode import switched
from tinygrad_lite.nn import functional as F


def small() -> tuple[Any, Any, Any]:
    """The network 2-8-2 of the benchmarks, its optimiser, and a batch."""
    model = nn.Sequential(nn.Linear(2, 8, rng=0), nn.ReLU(), nn.Linear(8, 2, rng=1))
    given = np.ones((4, 2), np.float32), np.array([0, 1, 0, 1])
    return model, optim.SGD(model.parameters(), lr=0.1), given


def step_of(model: Any, optimizer: Any) -> Any:
    def step(x: Any, labels: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def test_operations_recorded_per_step() -> None:
    model, _, (x, labels) = small()
    loss = F.cross_entropy(model(x), labels)
    nodes = [t for t in graph.topological(loss) if t.record is not None]
    assert [t.record[0].name for t in nodes] == ["linear", "relu", "linear", "log_softmax", "nll"]


def test_operations_of_a_step_with_its_backward_pass() -> None:
    """Nothing is computed but what a person would write, and a mask for relu."""
    model, _, given = small()
    seen: Counter[str] = Counter()

    class Watch:
        def __call__(self, operation: Any, inputs: Any, attributes: Any) -> Any:
            seen[operation.name] += 1
            with switched(intercept=None):
                return operation(*inputs, **attributes)

    with switched(intercept=Watch()):
        loss = F.cross_entropy(model(given[0]), given[1])
        loss.backward()
    forward = Counter({"linear": 2, "relu": 1, "log_softmax": 1, "nll": 1})
    backward = seen - forward
    assert seen & forward == forward
    assert backward.total() <= 14, backward


matrix = tg.tensor(np.ones((4, 8), np.float32), requires_grad=True)
other = tg.tensor(np.ones((4, 8), np.float32))
weight = tg.tensor(np.ones((8, 3), np.float32))
layer = nn.Linear(8, 3, rng=0)

CALLS = {
    "x * y": (lambda: matrix * other, 1),
    "x + 1": (lambda: matrix + 1, 2),
    "x @ w": (lambda: matrix @ weight, 2),
    "relu": (lambda: tg.relu(matrix), 2),
    "sum": (lambda: tg.sum(matrix), 6),
    "Linear": (lambda: layer(matrix), 8),
}


@pytest.mark.parametrize("name", CALLS)
def test_python_calls_of_an_operation(name: str) -> None:
    act, most = CALLS[name]
    assert calls(act) <= most


def test_python_calls_of_an_eager_step() -> None:
    model, optimizer, given = small()
    step = step_of(model, optimizer)
    assert calls(lambda: step(*given)) <= 118


def test_python_calls_of_a_compiled_step() -> None:
    model, optimizer, given = small()
    step = tg.compile(step_of(model, optimizer))
    for _ in range(3):
        step(*given)
    assert calls(lambda: step(*given)) <= 13
    text = step.source.partition("def step")[2]
    assert sum("(" in line for line in text.splitlines()) <= 35


def test_python_calls_of_a_compiled_step_on_numbers_or_with_dropout() -> None:
    slope = tg.tensor(0.5, requires_grad=True)
    plain = optim.SGD([slope], lr=0.1)

    def fit(x: Any) -> Any:
        plain.zero_grad()
        loss = (slope * x - 3.0) ** 2
        loss.backward()
        plain.step()
        return loss

    compiled = tg.compile(fit)
    for _ in range(4):
        compiled(2.0)
    assert calls(lambda: compiled(2.0)) <= 24

    noisy = nn.Sequential(nn.Linear(4, 4, rng=0), nn.Dropout(0.5, rng=1))
    step = tg.compile(step_of(noisy, optim.SGD(noisy.parameters(), lr=0.1)))
    batch = np.ones((3, 4), np.float32), np.array([0, 1, 3])
    for _ in range(4):
        step(*batch)
    assert calls(lambda: step(*batch)) <= 23
