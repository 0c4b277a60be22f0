"""Inputs made from those given: one array for two of them, and others for elementwise functions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from tinygrad_lite.testing.case import Case
from tinygrad_lite.testing.layouts import Array
from tinygrad_lite.testing.subject import Subject

MANY = (3, 2, 3, 4)  # more elements, and axes, than most inputs of tests have
PAIRS = 3  # of inputs for which one array is given


def variants(case: Case) -> Iterator[Case]:
    """Cases at other inputs made from these, as far as the function takes them."""
    if case.value.size:
        yield from _tied(case)
        if _is_elementwise(case):
            yield from _reshaped(case)


def _tied(case: Case) -> Iterator[Case]:
    """Where two inputs are of one kind: one array for both."""
    labels = case.subject.labels
    kinds = [(a.shape, a.dtype) for a in case.arrays]
    pairs = [(i, j) for i, j in combinations(range(len(kinds)), 2) if kinds[i] == kinds[j]]
    for i, j in pairs[:PAIRS]:
        subject = case.subject.tied([(i, j)])
        derived = _derived(case, subject, None, f"with one array for {labels[i]} and {labels[j]}")
        if derived is not None and _is_ordinary(derived):
            yield derived


def _is_ordinary(case: Case) -> bool:
    """Whether the gradients have right digits: where inputs meet, functions may be singular."""
    try:
        return all(np.isfinite(g).all() for g in case.gradients) and case.determined
    except Exception:  # which is for a check to report
        return True


def _is_elementwise(case: Case) -> bool:
    """Whether an element of the result seems to depend on one element of each input alone."""
    if {a.shape for a in case.arrays} != {case.value.shape}:
        return False
    moves = False
    for at in (0, -1):
        moved = [np.array(a) for a in case.arrays]
        for a in moved:
            a.reshape(-1)[at] = a.reshape(-1)[at] * 0.875 or 0.125
        changed = np.ravel(case.subject.value(moved) != case.value)
        moves |= bool(changed[at])
        changed[at] = False
        if changed.any():
            return False
    return moves  # else it is flat here, as softmax is far out, and nothing tells


def _reshaped(case: Case) -> Iterator[Case]:
    """Of an elementwise function: no elements, one number, many with four axes, one broadcast."""
    shape = case.value.shape
    candidates: list[tuple[str, list[Array]]] = []
    if shape:
        candidates.append(("for inputs without elements", [a[:0] for a in case.arrays]))
        candidates.append(
            ("for inputs of one number", [a.reshape(-1)[0:1].reshape(()) for a in case.arrays])
        )
    few = [(3,)] if case.value.size == 1 else []  # which a message shows in one line
    for wide in (*few, MANY):
        name = f"for inputs repeated to shape {wide}"
        candidates.append((name, [np.resize(a, wide) for a in case.arrays]))
    if len(case.arrays) > 1:
        for i, label in enumerate(case.subject.labels):
            others = [np.resize(a, MANY) for a in case.arrays]
            others[i] = others[i][:, :1, :, :1]
            candidates.append((f"with {label} broadcast to shape {MANY}", others))
    if shape and len(case.arrays) > 1:
        for i, label in enumerate(case.subject.labels):
            others = list(case.arrays)
            others[i] = others[i][:1]
            candidates.append((f"with {label} broadcast", others))
    for name, arrays in candidates:
        derived = _derived(case, case.subject, arrays, name)
        wanted = np.broadcast_shapes(*(a.shape for a in arrays))
        if derived is not None and derived.value.shape == wanted:
            yield derived


def _derived(case: Case, subject: Subject, arrays: list[Array] | None, name: str) -> Case | None:
    """The case of other inputs; None if the function does not take them, which is its right."""
    try:
        derived = Case(subject, arrays, case.given_tolerance, name)
    except Exception:  # whatever it raises to say so
        return None
    return derived if derived.inside_domain else None
