"""Fusion: patterns of several operations that are one thing, in a form that is quick in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.compiler.passes.rewrite import Notes, known_as, makers, number
from tinygrad_lite.compiler.program import Effect, Instruction, Program, Value
from tinygrad_lite.primitive import Primitive, primitive

INTEGERS = {4: np.int32, 8: np.int64}


def _one_hot(labels: Any, *, classes: int, dtype: Any) -> Any:
    return one_hot_table(classes, dtype).take(labels, 0)


def one_hot_table(classes: int, dtype: Any) -> Any:
    """The rows that stand for labels; those of labels that are no class hold no numbers.

    Negative labels find such a row from the end, so that nothing silently stands for another
    class: what comes out is not a number, and the call is repeated step by step.
    """
    table = np.full((2 * classes + 128, classes), np.nan, dtype)
    table[:classes] = np.eye(classes)
    return table


def _where_positive(g: Any, y: Any) -> Any:
    return np.where(y > 0, g, g.dtype.type(0))


one_hot: Primitive = primitive(_one_hot, name="one_hot")
where_positive: Primitive = primitive(_where_positive, name="where_positive")
shifted: Primitive = primitive(lambda x: x - np.max(x, axis=-1, keepdims=True), name="shifted")
exponential: Primitive = primitive(np.exp, name="exp")
logarithm: Primitive = primitive(np.log, name="log")
quotient: Primitive = primitive(np.divide, name="divide")
difference: Primitive = primitive(np.subtract, name="subtract")
product: Primitive = primitive(np.multiply, name="multiply")
row_sum: Primitive = primitive(lambda x: np.add.reduce(x, axis=-1, keepdims=True), name="row_sum")
label_loss: Primitive = primitive(
    lambda logs, z, hot, *, share: share * (np.sum(logs) - np.vdot(z, hot)), name="label_loss"
)


def fuse(program: Program, notes: Notes, careful: bool = False) -> None:
    """Rewrite the patterns that pay; if ``careful``, none that gives up where others do not."""
    _relu_masks(program, notes)
    if not careful:
        _cross_entropies(program, notes)


def _relu_masks(program: Program, notes: Notes) -> None:
    """relu and its rule: the signs of its result are the mask, so its input is not needed."""
    made = makers(program)
    rectified = {
        s.inputs[0]: s.out
        for s in program.instructions
        if known_as(s.operation) == "relu" and s.out.dtype.itemsize in INTEGERS
    }
    for step in program.instructions:
        if known_as(step.operation) != "masked" or not step.out.shape:
            continue
        g, condition = step.inputs
        test = made.get(condition)
        if test is None or known_as(test.operation) != "greater" or number(test.inputs[1]) != 0:
            continue
        y = rectified.get(test.inputs[0])
        if y is not None and y.dtype == g.dtype == step.out.dtype and g.shape == y.shape:
            step.operation, step.inputs = where_positive, [g, y]
            notes.fused["relu and its gradient use one mask"] += 1


def _cross_entropies(program: Program, notes: Notes) -> None:
    """Softmax cross-entropy: one pass of exponentials for the loss and its gradient."""
    made = makers(program)
    for step in program.instructions:
        if known_as(step.operation) != "log_softmax":
            continue
        x, out = step.inputs[0], step.out
        if len(x.shape) != 2 or step.attributes["axis"] not in (1, -1) or not out.size:
            continue
        if x.dtype != out.dtype or out.dtype.itemsize not in INTEGERS:
            continue
        readers = [s for s in program.instructions if out in s.inputs]
        losses = [s for s in readers if _is_loss(s, out)]
        powers = [s for s in readers if known_as(s.operation) == "exp"]
        if not losses or len(losses) + len(powers) < len(readers) or out in program.wanted():
            continue
        gradients = [_gradient(program, made, power) for power in powers]
        if any(g is None for g in gradients):
            continue
        _rewrite(program, step, losses, [g for g in gradients if g is not None])
        notes.fused["log_softmax, nll and their gradients are one softmax cross-entropy"] += 1


def _is_loss(step: Instruction, logp: Value) -> bool:
    return (
        known_as(step.operation) == "nll"
        and step.inputs[0] is logp
        and step.attributes["reduction"] in ("mean", "sum")
        and step.attributes["ignore_index"] < 0  # such a label finds a row without numbers
    )


Gradient = tuple[Instruction, Value, float]


def _gradient(
    program: Program, made: dict[Value, Instruction], power: Instruction
) -> Gradient | None:
    """``t - exp(logp) * sum(t)`` with t the constant gradient of the loss at the labels.

    Returns the last instruction of it, the labels, and the factor of softmax - one_hot.
    """
    product = _only_reader(program, power.out)
    if product is None or known_as(product.operation) != "multiply":
        return None
    total = made.get(product.inputs[1 - product.inputs.index(power.out)])
    last = _only_reader(program, product.out)
    if total is None or known_as(total.operation) != "sum" or last is None:
        return None
    t = total.inputs[0]
    if known_as(last.operation) != "subtract" or last.inputs != [t, product.out]:
        return None
    source = made.get(t)
    if source is None or known_as(source.operation) != "nll_transposed":
        return None
    g, labels = source.inputs
    factor = number(g)
    if factor is None or g.shape or source.attributes["reduction"] == "none":
        return None
    rows = len(labels.source) if labels.kind == "constant" else labels.shape[0]
    scale = float(factor) / (rows if source.attributes["reduction"] == "mean" else 1)
    return (last, labels, scale) if math.isfinite(scale) else None


def _only_reader(program: Program, value: Value) -> Instruction | None:
    readers = [s for s in program.instructions if value in s.inputs]
    return readers[0] if len(readers) == 1 and value not in program.wanted() else None


def _rewrite(
    program: Program, softmax: Instruction, losses: list[Instruction], gradients: list[Gradient]
) -> None:
    """Put the pieces of the one pass in the places of log_softmax, the losses and the gradients."""
    x, out = softmax.inputs[0], softmax.out
    row = (out.shape[0], 1)
    z, e = (Value("result", out.shape, out.dtype) for _ in range(2))
    s, logs = (Value("result", row, out.dtype) for _ in range(2))
    hot: dict[Value, Value] = {}

    def make(
        operation: Primitive, inputs: list[Value], to: Value, **attributes: Any
    ) -> Instruction:
        return Instruction(operation, inputs, attributes, to, softmax.scope, softmax.site)

    def encoded(labels: Value) -> list[Instruction]:
        if labels in hot:
            return []
        hot[labels] = Value("result", out.shape, out.dtype)
        return [make(one_hot, [labels], hot[labels], classes=out.shape[1], dtype=out.dtype)]

    steps: list[Instruction | Effect] = []
    ends = {last: (labels, scale) for last, labels, scale in gradients}
    for step in program.steps:
        if step is softmax:
            steps += [
                make(shifted, [x], z),
                make(exponential, [z], e),
                make(row_sum, [e], s),
                make(logarithm, [s], logs),
            ]
        elif isinstance(step, Instruction) and step in losses:
            labels = step.inputs[1]
            share = 1 / out.shape[0] if step.attributes["reduction"] == "mean" else 1
            steps += encoded(labels)
            steps.append(make(label_loss, [logs, z, hot[labels]], step.out, share=share))
        elif isinstance(step, Instruction) and step in ends:
            labels, scale = ends[step]
            p, d = (Value("result", out.shape, out.dtype) for _ in range(2))
            steps += encoded(labels)
            steps.append(make(quotient, [e, s], p))
            steps.append(make(difference, [p, hot[labels]], d))
            factor = Value("constant", (), np.dtype(float), scale, weak=True)
            steps.append(make(product, [d, factor], step.out))
        else:
            steps.append(step)
    program.steps = steps
