"""Saved files: they run on NumPy alone, do what the original does, and keep its structure."""

from __future__ import annotations

import pickle
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler import Error
from tinygrad_lite.nn import functional as F

RUN = """
import pickle, sys
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
import saved
found = [saved.call(*given) for given in pickle.loads((folder / "given.pickle").read_bytes())]
assert not any(name.startswith("tinygrad_lite") for name in sys.modules)
leaves = []
def flat(x):
    if isinstance(x, dict):
        x = [*x.items()]
    if isinstance(x, (list, tuple)):
        leaves.append((type(x).__name__, len(x)))
        [flat(item) for item in x]
    else:
        leaves.append(x)
flat(found)
(folder / "found.pickle").write_bytes(pickle.dumps(leaves))
"""


def flat(x: Any, leaves: list[Any]) -> list[Any]:
    if isinstance(x, dict):
        x = [*x.items()]
    if isinstance(x, (list, tuple)):
        leaves.append((type(x).__name__, len(x)))
        for item in x:
            flat(item, leaves)
    else:
        leaves.append(x._data if isinstance(x, tg.Tensor) else x)
    return leaves


def compare(make: Callable[[], Any], calls: list[Any], folder: Path) -> None:
    """Three calls compiled, then the rest by the saved file, against all of them without."""
    eager, compiled = make(), tg.compile(make())
    for given in calls[:3]:
        eager(*given)
        compiled(*given)
    compiled.save_source(folder / "saved.py")
    wanted = flat([eager(*given) for given in calls[3:]], [])
    (folder / "given.pickle").write_bytes(pickle.dumps(calls[3:]))
    command = [sys.executable, "-I", "-W", "error", "-c", RUN, str(folder)]
    subprocess.run(command, check=True, env={})
    found = pickle.loads((folder / "found.pickle").read_bytes())
    assert len(found) == len(wanted)
    for f, w in zip(found, wanted):
        if isinstance(w, (np.ndarray, np.generic)):
            assert f.dtype == w.dtype and f.shape == w.shape
            single = w.dtype == np.float32
            np.testing.assert_allclose(f, w, rtol=1e-4 if single else 1e-9, atol=1e-6)
        else:
            assert f == w


def training(
    loss: Any = F.cross_entropy,
    clip: Callable[[Any], Any] = lambda parameters: None,
    accumulates: bool = False,
) -> Callable[[], Any]:
    def make() -> Any:
        model = nn.Sequential(nn.Linear(6, 16, rng=0), nn.GELU(), nn.Linear(16, 4, rng=1))
        parameters = list(model.parameters())
        optimizer = optim.Adam(parameters, lr=0.01)

        def call(x: Any, labels: Any) -> Any:
            if not accumulates:
                optimizer.zero_grad()
            value = loss(model(x), labels)
            value.backward()
            norm = clip(parameters)
            optimizer.step()
            return value if norm is None else (value, norm)

        return call

    return make


WEIGHT = np.arange(1, 5, dtype=np.float32)

STEPS = {
    "clipped by norm": training(clip=lambda p: optim.clip_grad_norm_(p, 0.1)),
    "clipped by another norm": training(clip=lambda p: optim.clip_grad_norm_(p, 0.1, np.inf)),
    "clipped by value": training(clip=lambda p: optim.clip_grad_value_(p, 1e-3)),
    "smoothed": training(lambda z, t: F.cross_entropy(z, t, label_smoothing=0.1)),
    "weighted": training(lambda z, t: F.cross_entropy(z, t, weight=WEIGHT)),
    "some ignored": training(lambda z, t: F.cross_entropy(z, t, ignore_index=2, weight=WEIGHT)),
    "yes or no": training(
        lambda z, t: F.binary_cross_entropy_with_logits(z[:, 0], tg.cast(t > 1, np.float32))
    ),
    "accumulated": training(accumulates=True),
}


@pytest.mark.parametrize("make", STEPS.values(), ids=STEPS)
def test_training(make: Callable[[], Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    calls = [
        (rng.standard_normal((8, 6)).astype(np.float32), rng.integers(0, 4, 8)) for _ in range(6)
    ]
    compare(make, calls, tmp_path)


def symmetric(function: Callable[[Any], Any]) -> Callable[[], Any]:
    def make() -> Any:
        def call(a: Any) -> Any:
            return function(a), tg.grad(lambda a: function(a @ a.T).sum())(a)

        return call

    return make


LINALG = {
    "det": symmetric(tg.linalg.det),
    "slogdet": symmetric(lambda a: tg.linalg.slogdet(a)[1]),
    "inv": symmetric(tg.linalg.inv),
    "solve": symmetric(lambda a: tg.linalg.solve(a, np.arange(3.0))),
    "norm": symmetric(tg.linalg.norm),
    "only below the diagonal": symmetric(
        lambda a: tg.softmax(tg.where(np.tri(3), tg.stack([a, a.T]), -np.inf), axis=2) ** 2
    ),
    "logsumexp": symmetric(lambda a: tg.logsumexp(a, axis=0)),
    "softmax": symmetric(lambda a: tg.softmax(a, axis=0) * np.arange(3.0)),
}


@pytest.mark.parametrize("make", LINALG.values(), ids=LINALG)
def test_matrices(make: Callable[[], Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    calls = [(3 * np.eye(3) + rng.standard_normal((3, 3)),) for _ in range(5)]
    compare(make, calls, tmp_path)


DRAWS = {
    "uniform": lambda rng: tg.random.uniform((3, 2), -1.0, 1.0, rng=rng),
    "normal": lambda rng: tg.random.normal((3, 2), dtype=np.float32, rng=rng),
    "integers": lambda rng: tg.random.integers(-3, 9, (3, 2), rng=rng),
    "permutation": lambda rng: tg.random.permutation(2, rng=rng),
    "bernoulli": lambda rng: tg.random.bernoulli((3, 2), 0.3, rng=rng),
    "a single number": lambda rng: tg.random.normal(rng=rng),
    "a single number of the default": lambda rng: tg.random.uniform(),
    "a seed": lambda rng: tg.random.uniform((3, 2), rng=5),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_draws(draw: Callable[[Any], Any], tmp_path: Path) -> None:
    def make() -> Any:
        rng = np.random.default_rng(4)

        def call(x: Any) -> Any:
            return x * draw(rng)

        return call

    compare(make, [(np.ones((3, 2)),)] * 6, tmp_path)


class Pair(NamedTuple):
    left: Any
    right: Any


def test_nested_arguments_and_results(tmp_path: Path) -> None:
    def make() -> Any:
        def call(given: Any, rest: Any, times: int = 2) -> Any:
            total = given["w"] * rest[0]
            pair = Pair(total.sum(), given["w"])
            return {"all": [total * times, pair], "word": "x", "none": (None,), "n": times}

        return call

    rng = np.random.default_rng(0)
    calls = [({"w": rng.standard_normal(3)}, [rng.standard_normal(3), 1.0]) for _ in range(5)]
    compare(make, calls, tmp_path)


def test_numbers_that_last(tmp_path: Path) -> None:
    def make() -> Any:
        scale = tg.tensor(1.5, requires_grad=True, name="scale")

        def call(x: Any) -> Any:
            loss = (scale * x).sum() ** 2
            loss.backward()
            with tg.no_grad():
                scale[...] = 0.9 * scale
            return loss * scale.grad

        return call

    rng = np.random.default_rng(0)
    compare(make, [(rng.standard_normal(3),) for _ in range(6)], tmp_path)


def test_two_steps_of_one_optimizer_share_its_state(tmp_path: Path) -> None:
    def make() -> Any:
        w = tg.tensor(np.arange(4.0), requires_grad=True, name="w")
        optimizer = optim.SGD([w], lr=0.1, momentum=0.9)

        def call(x: Any) -> Any:
            def closure() -> Any:
                optimizer.zero_grad()
                loss = ((x @ w) ** 2).mean()
                loss.backward()
                return loss

            return optimizer.step(closure), optimizer.step(closure)

        return call

    rng = np.random.default_rng(0)
    compare(make, [(rng.standard_normal((3, 4)),) for _ in range(6)], tmp_path)


def test_an_average_of_weights_beside_an_optimizer(tmp_path: Path) -> None:
    def make() -> Any:
        model, average = nn.Linear(3, 2, rng=0), nn.Linear(3, 2, rng=0)
        average.requires_grad_(False)
        optimizer = optim.Adam(model.parameters(), lr=0.1)

        def call(x: Any) -> Any:
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), 1.0 + average(x))
            loss.backward()
            optimizer.step()
            with tg.no_grad():
                for p, q in zip(model.parameters(), average.parameters()):
                    q *= 0.9
                    q += 0.1 * p
            return loss

        return call

    rng = np.random.default_rng(0)
    calls = [(rng.standard_normal((5, 3)).astype(np.float32),) for _ in range(6)]
    compare(make, calls, tmp_path)


def test_what_cannot_be_saved_says_why(tmp_path: Path) -> None:
    scale = tg.tensor(1.5, requires_grad=True)
    optimizer = optim.SGD([scale], lr=0.1)

    def call(x: Any) -> None:
        optimizer.zero_grad()
        (scale * x).sum().backward()
        optimizer.step()

    compiled = tg.compile(call)
    for _ in range(3):
        compiled(np.ones(3))
    with pytest.raises(Error, match=r"SGD cannot be written to a file.*changes .*shape \(1,\)"):
        compiled.save_source(tmp_path / "saved.py")


def test_gradients_from_outside_cannot_be_saved(tmp_path: Path) -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    compiled = tg.compile(lambda: optimizer.step())
    for _ in range(3):
        w.grad = tg.tensor([1.0, 1.0])
        compiled()
    with pytest.raises(Error, match=r"computed outside of the function"):
        compiled.save_source(tmp_path / "saved.py")


@pytest.mark.parametrize("name", ["slot", "typed", "PIECE", "prod"])
def test_parameters_may_be_called_as_what_an_optimizer_needs(name: str, tmp_path: Path) -> None:
    weight = tg.tensor(np.ones((3, 2)), requires_grad=True, name=name)
    optimizer = optim.Adam([weight], lr=0.1)

    @tg.compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = ((x @ weight) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    x = np.random.default_rng(0).standard_normal((4, 3))
    for _ in range(3):
        step(x)
    path = step.save_source(tmp_path / "step.py")
    alone = runpy.run_path(str(path))["step"]
    for _ in range(3):
        np.testing.assert_allclose(alone(x), step(x).item(), rtol=1e-12)
