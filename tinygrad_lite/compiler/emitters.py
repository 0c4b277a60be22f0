"""How each operation is written: the one table of what is quick in NumPy."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_lite.compiler.passes.fuse import INTEGERS
from tinygrad_lite.compiler.program import Instruction, Value
from tinygrad_lite.compiler.writer import Writer, emits, spelled
from tinygrad_lite.random import generator

WIDE = 8192
LONGEST_DOT = 4096
"""Sums of more numbers than this are left to NumPy, which adds them pairwise."""


def real(*values: Value) -> bool:
    """Whether all are float32, or all are float64: what BLAS computes."""
    return len({v.dtype for v in values}) == 1 and values[0].dtype.char in "fd"


def widened(v: Value, step: Instruction, w: Writer) -> str:
    """A small operand repeated to the shape of the result; empty where that does not pay.

    Copying it there and adding two arrays of one shape takes less time than NumPy's broadcasting.
    """
    out = step.out
    if not v.shape or v.shape == out.shape or v.dtype != out.dtype or out.size > WIDE:
        return ""
    to = w.scratch(out.shape, out.dtype)
    w.line(f"{w.np('copyto')}({to}, {w.read(v)})")
    return to


@emits("ufunc")
def ufunc(step: Instruction, w: Writer) -> bool:
    """A ufunc, into a buffer: over an input if that is not needed any more."""
    function = step.operation.forward
    if getattr(np, function.__name__, None) is not function or step.attributes:
        return False
    partners = [v.dtype for v in step.inputs if not v.weak]
    dtype = partners[0] if len(set(partners)) == 1 else None
    given = [widened(v, step, w) or w.read(v, dtype) for v in step.inputs]
    if not step.out.shape or function.signature:
        w.assign(step, f"{w.np(function.__name__)}({', '.join(given)})")
        return True
    out = w.out(step, range(len(given)))
    w.assign(step, f"{w.np(function.__name__)}({', '.join([*given, out])})", out)
    return True


@emits("relu")
def relu(step: Instruction, w: Writer) -> bool:
    """Clipping at 0: unlike maximum it does not reset the floating-point status."""
    x = step.inputs[0]
    if not step.out.shape or not real(x, step.out):
        return False
    zero, infinity = w.constant(0.0, x.dtype), w.constant(math.inf, x.dtype)
    out = w.out(step, [0])
    w.assign(step, f"{w.np('clip')}({w.read(x)}, {zero}, {infinity}, {out})", out)
    return True


@emits("fused gated")
def gated(step: Instruction, w: Writer) -> bool:
    """g where y > 0: the sign of -y, spread over all its bits, is the mask."""
    g, y = step.inputs
    integer = np.dtype(INTEGERS[y.dtype.itemsize])
    mask = w.scratch(y.shape, integer)
    as_bits = f"{{}}.view({spelled(integer)})"
    source = w.view(g, as_bits, "bits")
    out = w.out(step, [0])
    target = (
        w.setup_view(out, as_bits, f"{out}_bits")
        if step.out not in w.fresh
        else (as_bits.format(out))
    )
    places = w.constant(8 * integer.itemsize - 1, integer)
    w.line(f"{w.np('negative')}({w.view(y, as_bits, 'bits')}, {mask})")
    w.line(f"{w.np('right_shift')}({mask}, {places}, {mask})")
    w.line(f"{w.np('bitwise_and')}({source}, {mask}, {target})")
    w.assign(step, out, out)
    return True


@emits("masked")
def masked(step: Instruction, w: Writer) -> bool:
    """x where the condition holds: bits are kept or cleared."""
    x, condition = step.inputs
    bits = INTEGERS.get(x.dtype.itemsize)
    if bits is None or x.dtype != step.out.dtype or condition.dtype != bool or x.dtype.kind != "f":
        return False
    if not step.out.shape or not x.shape or not condition.shape:
        return False
    mask = w.scratch(condition.shape, np.dtype(np.int8))
    as_bits = f"{{}}.view({spelled(np.dtype(bits))})"
    source = w.view(x, as_bits, "bits")
    test = w.view(condition, "{}.view(np.int8)", "bytes")
    out = w.out(step, [0])
    target = (
        w.setup_view(out, as_bits, f"{out}_bits")
        if step.out not in w.fresh
        else (as_bits.format(out))
    )
    w.line(f"{w.np('negative')}({test}, {mask})")
    w.line(f"{w.np('bitwise_and')}({source}, {mask}, {target})")
    w.assign(step, out, out)
    return True


@emits("linear")
def linear(step: Instruction, w: Writer) -> bool:
    """x @ weight.T, and the bias added in place."""
    x, weight, bias = step.inputs
    if len(x.shape) != 2 or not real(x, weight, bias, step.out) or 0 in (*x.shape, *weight.shape):
        return False
    out = w.out(step)
    w.line(f"{w.np('dot')}({w.read(x)}, {w.transposed(weight)}, {out})")
    added = widened(bias, step, w) or w.read(bias)
    w.assign(step, f"{w.np('add')}({out}, {added}, {out})", out)
    return True


@emits("matmul")
def matmul(step: Instruction, w: Writer) -> bool:
    """A product of matrices goes straight to BLAS."""
    x, y = step.inputs
    if not step.out.shape or x.weak or y.weak:
        return False
    plain = len(x.shape) == len(y.shape) == 2 and real(x, y, step.out) and x.size and y.size
    function = w.np("dot" if plain else "matmul")
    out = w.out(step)
    w.assign(step, f"{function}({w.read(x)}, {w.read(y)}, {out})", out)
    return True


def _axes(step: Instruction) -> tuple[int, ...]:
    """The reduced axes, in order."""
    axis, ndim = step.attributes["axis"], len(step.inputs[0].shape)
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,))))


@emits("sum", "mean")
def add_up(step: Instruction, w: Writer) -> bool:
    """Rows or columns added up by a product with ones; everything else by NumPy."""
    x, out = step.inputs[0], step.out
    mean = step.operation.name == "mean"
    if not x.shape or not real(x, out):
        return False
    axes = _axes(step)
    count = math.prod(x.shape[a] for a in axes)
    if mean and not count:
        return False
    if not out.shape:
        _add_all(step, w, count if mean else 1)
        return True
    if axes == () and not mean:
        return False
    to = w.out(step)
    ones = w.ones(count, x.dtype) if count <= LONGEST_DOT else ""
    flat = (
        (w.setup_view(to, "{}.reshape(-1)", f"{to}_flat") if out not in w.fresh else "")
        if len(out.shape) > 1
        else to
    )
    if len(x.shape) == 2 and len(axes) == 1 and count and ones and flat and out.size:
        given = f"{ones}, {w.read(x)}" if axes == (0,) else f"{w.read(x)}, {ones}"
        w.line(f"{w.np('dot')}({given}, {flat})")
    else:
        axis = axes[0] if len(axes) == 1 else axes
        keepdims = step.attributes["keepdims"]
        w.line(f"{w.np('add.reduce')}({w.read(x)}, {axis}, None, {to}, {keepdims})")
    if mean:
        w.line(f"{w.np('divide')}({to}, {w.constant(count, x.dtype)}, {to})")
    w.assign(step, to, to)
    return True


def _add_all(step: Instruction, w: Writer, count: int) -> None:
    x = step.inputs[0]
    if x in w.fixed and x in w.solid and 0 < x.size <= LONGEST_DOT:
        flat = w.view(x, "{}.reshape(-1)", "flat") if len(x.shape) > 1 else w.read(x)
        total = f"{w.np('dot')}({flat}, {w.ones(x.size, x.dtype)})"
    else:
        total = f"{w.np('add.reduce')}({w.read(x)}, None)"
    w.assign(step, f"{total} / {count}" if count != 1 else total)


@emits("fused row_sum")
def row_sum(step: Instruction, w: Writer) -> bool:
    """The sums of the rows, as a column."""
    x = step.inputs[0]
    out = w.out(step)
    flat = w.setup_view(out, "{}.reshape(-1)", f"{out}_flat")
    w.line(f"{w.np('dot')}({w.read(x)}, {w.ones(x.shape[1], x.dtype)}, {flat})")
    w.assign(step, out, out)
    return True


@emits("fused shifted")
def shifted(step: Instruction, w: Writer) -> bool:
    """x less the largest of its row, so that exponentials do not overflow."""
    x = step.inputs[0]
    rows, columns = x.shape
    top, place = w.scratch((rows, 1), x.dtype), w.scratch((rows,), np.dtype(np.intp))
    out = w.out(step, [0])
    if x in w.fixed and x in w.solid:  # to look where the largest is takes half the time
        starts = w.table(
            ("starts", rows, columns),
            f"starts_of_{rows}_rows",
            f"np.arange(0, {rows * columns}, {columns})",
        )
        flat = w.view(x, "{}.reshape(-1)", "flat")
        w.line(f"{w.read(x)}.argmax(1, {place})")
        w.line(f"{w.np('add')}({place}, {starts}, {place})")
        to = w.setup_view(top, "{}.reshape(-1)", f"{top}_flat")
        w.line(f"{flat}.take({place}, None, {to}, 'clip')")
    else:
        w.line(f"{w.np('maximum.reduce')}({w.read(x)}, 1, None, {top}, True)")
    wide = top
    if x.size <= WIDE:
        wide = w.scratch(x.shape, x.dtype)
        w.line(f"{w.np('copyto')}({wide}, {top})")
    w.assign(step, f"{w.np('subtract')}({w.read(x)}, {wide}, {out})", out)
    return True


@emits("fused one_hot")
def one_hot(step: Instruction, w: Writer) -> bool:
    """Rows of a table; a label that is no class finds a row that holds no numbers."""
    labels, out = step.inputs[0], step.out
    classes, dtype = step.attributes["classes"], spelled(out.dtype)
    table = w.table(
        ("one_hot", classes, dtype),
        f"rows_of_{classes}_classes",
        f"np.full(({2 * classes + 128}, {classes}), np.nan, {dtype})",
    )
    fill = f"{table}[:{classes}] = np.eye({classes})"
    if fill not in w.text.constants:
        w.text.constants.append(fill)
    to = w.out(step)
    w.assign(step, f"{table}.take({w.read(labels)}, 0, {to}, 'raise')", to)
    return True


@emits("fused label_loss")
def label_loss(step: Instruction, w: Writer) -> bool:
    """The sum (or mean) over rows of log(sum(exp(z))) less z at the label."""
    logs, z, hot = step.inputs
    share = step.attributes["share"]
    flat = [w.view(v, "{}.reshape(-1)", "flat") for v in (logs, z, hot)]
    ones = w.ones(logs.size, logs.dtype)
    total = f"{w.np('dot')}({flat[0]}, {ones}) - {w.np('dot')}({flat[1]}, {flat[2]})"
    if share != 1:
        total = f"({total}) * {share!r}"
    w.assign(step, total)
    return True


@emits("log_softmax", "softmax")
def softmax(step: Instruction, w: Writer) -> bool:
    """Exponentials of what is shifted below 0, and their sums."""
    x, axis = step.inputs[0], step.attributes["axis"]
    if not isinstance(axis, int) or not real(x, step.out) or not x.size:
        return False
    row = tuple(1 if i == axis % len(x.shape) else n for i, n in enumerate(x.shape))
    edge = w.scratch(row, x.dtype)
    log = step.operation.name == "log_softmax"
    powers = w.scratch(x.shape, x.dtype) if log else ""
    out = w.out(step, [0])
    w.line(f"{w.np('maximum.reduce')}({w.read(x)}, {axis}, None, {edge}, True)")
    w.line(f"{w.np('subtract')}({w.read(x)}, {edge}, {out})")
    w.line(f"{w.np('exp')}({out}, {powers or out})")
    w.line(f"{w.np('add.reduce')}({powers or out}, {axis}, None, {edge}, True)")
    if log:
        w.line(f"{w.np('log')}({edge}, {edge})")
    last = w.np("subtract" if log else "divide")
    w.assign(step, f"{last}({out}, {edge}, {out})", out)
    return True


@emits("sigmoid")
def sigmoid(step: Instruction, w: Writer) -> bool:
    """1 / (1 + exp(-x))."""
    x = step.inputs[0]
    if not step.out.shape or not real(x, step.out):
        return False
    out, one = w.out(step, [0]), w.constant(1.0, x.dtype)
    w.line(f"{w.np('negative')}({w.read(x)}, {out})")
    w.line(f"{w.np('exp')}({out}, {out})")
    w.line(f"{w.np('add')}({out}, {one}, {out})")
    w.assign(step, f"{w.np('divide')}({one}, {out}, {out})", out)
    return True


@emits("where")
def where(step: Instruction, w: Writer) -> bool:
    """One of the two copied, and the other over it where the condition holds."""
    condition, x, y = step.inputs
    if not step.out.shape or condition.dtype != bool or not condition.shape:
        return False
    out = w.out(step)
    w.line(f"{w.np('copyto')}({out}, {w.read(y, step.out.dtype)})")
    given = w.read(x, step.out.dtype)
    w.line(f"{w.np('copyto')}({out}, {given}, where={w.read(condition)})")
    w.assign(step, out, out)
    return True


@emits("cast")
def cast(step: Instruction, w: Writer) -> bool:
    """A copy in another dtype."""
    if not step.out.shape:
        return False
    out = w.out(step)
    w.line(f"{w.np('copyto')}({out}, {w.read(step.inputs[0])}, 'unsafe')")
    w.assign(step, out, out)
    return True


@emits("concatenate")
def concatenate(step: Instruction, w: Writer) -> bool:
    """Arrays side by side in a buffer."""
    parts = "".join(f"{w.read(v)}, " for v in step.inputs)
    out = w.out(step)
    w.assign(step, f"{w.np('concatenate')}(({parts}), {step.attributes['axis']}, {out})", out)
    return True


@emits("dropout_mask")
def dropout_mask(step: Instruction, w: Writer) -> bool:
    """The same draw as ever, into a buffer."""
    p, out, rng = step.attributes["p"], step.out, step.attributes["rng"]
    if (
        p == 1
        or not (rng is None or isinstance(rng, np.random.Generator))
        or out.dtype.char not in "fd"
        or not out.shape
    ):
        return False
    single = np.dtype(np.float32)
    to = w.out(step)
    draw = to if out.dtype == single and out not in w.fresh else w.scratch(out.shape, single)
    chosen = w.scratch(out.shape, np.dtype(bool))
    w.line(f"{w.give('rng', generator(rng))}.random(None, np.float32, {draw})")
    w.line(f"{w.np('greater_equal')}({draw}, {w.constant(p, single)}, {chosen})")
    scale = w.constant(out.dtype.type(1 / (1 - p)), out.dtype)
    w.assign(step, f"{w.np('multiply')}({chosen}, {scale}, {to})", to)
    return True
