"""check_optimizer: an optimiser against the formula of its update, or against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor, tensor
from tinygrad_lite.testing.signatures import arity

Array = np.ndarray[Any, Any]
Path = Sequence[Sequence[Array]]
Gradients = Sequence[Sequence[Array | None]]

SHAPES = ((3, 4), (4,), (), (2, 1, 3), (0,))
NEEDED = ("step", "state_dict", "load_state_dict")


def check_optimizer(
    make: Callable[[list[Tensor]], Any],
    reference: Callable[..., Any],
    *,
    steps: int = 40,
    tolerance: float = 1e-12,
    seed: int = 0,
) -> None:
    """Check an optimiser's steps, and that it keeps to itself what is not its own.

    Parameters of several shapes take some steps with random gradients, which are missing now and
    then. Their values must be the reference's; gradients and parameters without one must not
    change; shapes, dtypes and the tensors themselves stay; two runs are equal to the last bit, and
    so is one that is interrupted, saved with ``state_dict()`` and resumed by a new optimiser.

    Args:
        make: from a list of tensors to the optimiser.
        reference: the update by formula, ``reference(parameter, gradient, state) -> parameter``,
            where ``state`` is a dict of the parameter's own, empty at first; or, with one argument,
            from a list of PyTorch's tensors to an optimiser of PyTorch.
        steps: how many; saved and resumed it is after the first few, and half way.
        tolerance: relative, in float64; float32 is compared at 1e-5.
        seed: of the parameters and gradients.

    Raises:
        AssertionError: with the step, the parameter and the two values.
        TypeError: if there is no optimiser, or the reference returns nothing.

    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.testing import check_optimizer
    >>> def heavy_ball(p, g, state):
    ...     state["v"] = g if "v" not in state else 0.9 * state["v"] + g
    ...     return p - 0.1 * state["v"]
    >>> check_optimizer(lambda params: optim.SGD(params, lr=0.1, momentum=0.9), heavy_ball)
    """
    rng = np.random.default_rng(seed)
    starts = [rng.standard_normal(shape) for shape in SHAPES]
    gradients = [
        [rng.standard_normal(s) if rng.random() > 0.2 else None for s in SHAPES]
        for _ in range(steps)
    ]
    for g in gradients[0]:
        if g is not None:
            g.reshape(-1)[::2] = 0  # some are zero from the start: 0 / 0
    expect = _by_formula if arity(reference) > 1 else _by_pytorch
    for dtype, allowed in (("float64", tolerance), ("float32", max(tolerance, 1e-5))):
        start = [x.astype(dtype) for x in starts]
        given = [[None if g is None else g.astype(dtype) for g in step] for step in gradients]
        path = _run(make, start, given)
        right = expect(reference, start, given)
        _assert_equal(path, right, allowed, f"differs from the reference ({dtype})")
        again = _run(make, start, given)
        _assert_equal(path, again, 0.0, f"differs between two runs ({dtype})")
        for step in (3, steps // 2):
            resumed = _run(make, start, given, interrupt=step)
            what = f"differs after state_dict() and load_state_dict() at step {step} ({dtype})"
            _assert_equal(path, resumed, 0.0, what)


def _run(
    make: Callable[[list[Tensor]], Any],
    starts: Sequence[Array],
    gradients: Gradients,
    interrupt: int | None = None,
) -> Path:
    """The values of every parameter after every step."""
    parameters = [tensor(x, requires_grad=True) for x in starts]
    optimizer = make(parameters)
    missing = [name for name in NEEDED if not hasattr(optimizer, name)]
    if missing:
        kind = type(optimizer).__name__
        raise TypeError(f"make() gives {kind}, which is no optimiser: it has no {missing[0]}()")
    path = []
    for step, values in enumerate(gradients):
        if step == interrupt:
            state = optimizer.state_dict()
            optimizer = make(parameters)
            optimizer.load_state_dict(state)
        for p, g in zip(parameters, values):
            p.grad = None if g is None else tensor(g)
        before = [p.numpy().copy() for p in parameters]
        optimizer.step()
        for i, (p, g, old) in enumerate(zip(parameters, values, before)):
            where = f"step {step}, parameter {i} of shape {old.shape}"
            assert p.shape == old.shape and p.dtype == old.dtype, (
                f"{where}: it became {p.shape}, {p.dtype}; it was {old.shape}, {old.dtype}"
            )
            assert p.is_leaf and p.requires_grad, f"{where}: the step was recorded as an operation"
            if g is None:
                same = p.numpy().tobytes() == old.tobytes()
                assert same, f"{where}: it changed without a gradient"
            else:
                kept = p.grad is not None and np.array_equal(p.grad.numpy(), g)
                assert kept, f"{where}: the step changed its gradient"
        path.append([p.numpy().copy() for p in parameters])
    return path


def _by_formula(rule: Callable[..., Any], starts: Sequence[Array], gradients: Gradients) -> Path:
    values = [x.copy() for x in starts]
    states: list[dict[str, Any]] = [{} for _ in starts]
    path = []
    for step in gradients:
        for i, g in enumerate(step):
            if g is not None:
                updated = rule(values[i].copy(), g.copy(), states[i])
                if updated is None:
                    raise TypeError("the reference returns None, not the updated parameter")
                values[i] = np.asarray(updated)
        path.append([v.copy() for v in values])
    return path


def _by_pytorch(make: Callable[..., Any], starts: Sequence[Array], gradients: Gradients) -> Path:
    import torch

    parameters = [torch.tensor(x, requires_grad=True) for x in starts]
    optimizer = make(parameters)
    path = []
    for step in gradients:
        for p, g in zip(parameters, step):
            p.grad = None if g is None else torch.tensor(g)
        optimizer.step()
        path.append([p.detach().numpy().copy() for p in parameters])
    return path


def _assert_equal(path: Path, right: Path, relative: float, what: str) -> None:
    for step, (ours, theirs) in enumerate(zip(path, right)):
        for i, (a, b) in enumerate(zip(ours, theirs)):
            off = np.abs(a.astype(float) - b)
            size = np.abs(b) + 0.1 * np.max(np.abs(b), initial=0.0)  # rounding adds up on the way
            bad = ~(off <= relative * size)  # nan is bad
            if bad.any():
                at = tuple(int(k) for k in np.argwhere(bad)[0])
                raise AssertionError(
                    f"step {step}, parameter {i} of shape {a.shape} {what} at {list(at)}: "
                    f"{float(a[at])!r}, not {float(b[at])!r}"
                )
