"""PyTorch's own samples for its operations, put through the operations of this library.

PyTorch is the reference for the values and the vector-Jacobian products, its
error inputs for what must be refused.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo, SampleInput

from tests.oracle import call
from tests.oracle.call import Array, Call, Case, mapped, outputs_of
from tests.oracle.table import TABLE
from tests.oracle.translation import NotApplicableError

FROZEN = Path(__file__).with_name("frozen.npz")
SMALL = 150  # numbers in a frozen case
PER_OPERATION = 8


class Converted(NamedTuple):
    """The arguments of a sample in the words of NumPy, and which of them take a gradient."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    leaves: list[tuple[torch.Tensor, Array]]


def independent(sample: SampleInput) -> SampleInput:
    """The sample with leaves of its own: some samples are views of others."""

    def own(x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return x
        return x.detach().clone(memory_format=torch.preserve_format).requires_grad_(x.requires_grad)

    return sample.transform(own)


def converted(sample: SampleInput) -> Converted:
    seen: dict[int, tuple[torch.Tensor, Array]] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if id(value) not in seen:
                if value.is_complex() or value.is_conj() or value.layout != torch.strided:
                    raise NotApplicableError("complex or sparse")
                seen[id(value)] = value, np.array(value.detach().numpy())
            return seen[id(value)][1]
        if isinstance(value, torch.dtype):
            return str(value).removeprefix("torch.")
        if isinstance(value, torch.Size):
            return tuple(value)
        if isinstance(value, (torch.device, torch.memory_format, complex)):
            raise NotApplicableError(f"no {type(value).__name__}")
        if isinstance(value, list):
            return [plain(v) for v in value]
        if isinstance(value, tuple):
            return tuple(plain(v) for v in value)
        return value

    if isinstance(sample.input, (int, float)):
        raise NotApplicableError("a Python number is float32 to PyTorch")
    args = tuple(plain(v) for v in (sample.input, *sample.args))
    kwargs = {k: plain(v) for k, v in sample.kwargs.items()}
    return Converted(args, kwargs, [pair for pair in seen.values() if pair[0].requires_grad])


def samples(op: OpInfo) -> Iterator[SampleInput]:
    grads = op.supports_autograd and torch.float64 in op.supported_dtypes("cpu")
    dtypes = [torch.float64] if torch.float64 in op.supported_dtypes("cpu") else []
    for dtype in dtypes or [torch.int64, torch.bool]:
        yield from drawn(op.sample_inputs, dtype, grads)
        yield from drawn(op.reference_inputs, dtype, grads)


def drawn(kind: Any, dtype: torch.dtype, grads: bool) -> list[SampleInput]:
    try:
        return list(kind("cpu", dtype, requires_grad=grads))
    except (RuntimeError, ValueError):  # some hold masks, which cannot require a gradient
        return list(kind("cpu", dtype, requires_grad=False))


def case_of(
    op: OpInfo,
    sample: SampleInput,
    label: str,
    rng: np.random.Generator,
    given: list[Array | None] | None = None,
) -> Case:
    """What PyTorch makes of a sample, for random cotangents or those given."""
    args, kwargs, leaves = converted(sample)
    translated = TABLE[op.full_name](*args, **kwargs)
    outputs = outputs_of(op(sample.input, *sample.args, **sample.kwargs))
    if translated.name in ("sort", "max", "min", "median"):
        outputs = outputs[:1]  # PyTorch gives the indices as well
    cotangents: list[Array | None] = []
    for out in outputs:
        wanted = out.requires_grad and out.is_floating_point()
        cotangents.append(rng.standard_normal(out.shape) if wanted else None)
    if given is not None:
        cotangents = given
    differentiable = [(y, g) for y, g in zip(outputs, cotangents) if g is not None]
    gradients: list[Array | None] = [None] * len(leaves)
    if differentiable and leaves:
        found = torch.autograd.grad(
            [y for y, _ in differentiable],
            [x for x, _ in leaves],
            [torch.from_numpy(np.array(g)) for _, g in differentiable],
            allow_unused=True,
        )
        gradients = [None if g is None else np.array(g.numpy(force=True)) for g in found]
    values = [np.array(y.numpy(force=True)) for y in outputs]
    return Case(label, translated, [x for _, x in leaves], values, cotangents, gradients)


class Tally:
    """What became of the samples of one operation."""

    def __init__(self) -> None:
        self.matched = 0
        self.mismatches: list[str] = []
        self.reasons: Counter[str] = Counter()
        self.cases: list[Case] = []


def agreed(op: OpInfo, sample: SampleInput, case: Case, rng: np.random.Generator) -> str | None:
    """Why a difference in the gradients is meant; None if it is not."""
    assert case.outputs is not None
    values_only = case._replace(cotangents=[None] * len(case.outputs), leaves=[], gradients=[])
    if call.difference(values_only):
        ours = numpy_accepts(case.call) is None and not call.difference(values_only, better=True)
        return "PyTorch's value is not a number, ours is" if ours else None
    if not call.difference(case, better=True):
        return "PyTorch's gradient is not a number, ours is"
    held = [
        None if g is None else np.where(np.isnan(y), 0, g)
        for y, g in zip(case.outputs, case.cotangents)
    ]
    if not call.difference(case_of(op, sample, case.source, rng, held), better=True):
        return "the value is not a number there"

    def moved(x: Any) -> Any:
        if not isinstance(x, torch.Tensor) or not x.requires_grad:
            return x
        noise = torch.from_numpy(rng.uniform(0.5e-6, 1e-6, x.shape) * rng.choice([-1, 1], x.shape))
        finite = torch.nan_to_num(x.detach(), 0, 1e9, -1e9)
        return (finite + noise * (1 + finite.abs())).requires_grad_()

    beside = sample.transform(moved)
    if not call.difference(case_of(op, beside, case.source, rng), better=True):
        return "another subgradient at a kink"
    return None


def compare(op: OpInfo) -> Tally:
    tally = Tally()
    rng = np.random.default_rng(0)
    for i, sample in enumerate(samples(op)):
        label = f"{op.full_name} {i}"
        try:
            sample = independent(sample)
            case = case_of(op, sample, label, rng)
        except NotApplicableError as reason:
            tally.reasons[str(reason)] += 1
            continue
        except RuntimeError as error:
            tally.reasons[f"PyTorch refuses it: {error!s:.60}"] += 1
            continue
        except TypeError as error:
            tally.mismatches.append(f"{label}: not translated: {error}")
            continue
        try:
            wrong = call.difference(case)
            convention = agreed(op, sample, case, rng) if wrong else None
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
            convention = "NumPy refuses it as well" if numpy_accepts(case.call) is False else None
        if convention:
            tally.reasons[convention] += 1
        elif wrong:
            tally.mismatches.append(f"{label}: {wrong}; {sample.summary()[:200]}")
        else:
            tally.matched += 1
            tally.cases.append(case)
    return tally


def refusals(op: OpInfo) -> Tally:
    """The error inputs: each that makes sense for NumPy must raise here."""
    tally = Tally()
    if op.error_inputs_func is None:
        return tally
    for i, error_input in enumerate(op.error_inputs("cpu")):
        label = f"{op.full_name} error {i}"
        sample = error_input.sample_input
        try:
            args, kwargs, leaves = converted(sample)
            translated = TABLE[op.full_name](*args, **kwargs)
        except NotApplicableError as reason:
            tally.reasons[str(reason)] += 1
            continue
        except Exception:  # it does not even name a call
            tally.matched += 1
            continue
        case = Case(label, translated, [x for _, x in leaves], None, [], [])
        if raises(translated):
            tally.matched += 1
            tally.cases.append(case)
        elif numpy_accepts(translated):
            tally.reasons["NumPy accepts it"] += 1
        else:
            tally.mismatches.append(f"{label}: no error; {translated} {error_input.error_regex}")
    return tally


def raises(translated: Call) -> bool:
    try:
        with np.errstate(all="ignore"):
            call.operation(translated.name)(*translated.args, **translated.kwargs)
    except Exception:
        return True
    return False


def numpy_accepts(translated: Call) -> bool | None:
    """Whether NumPy's function of that name takes the same arguments; None if it has none."""
    function: Any = np
    for part in translated.name.split("."):
        function = getattr(function, part, None)
    if function is None:
        return None
    try:
        with np.errstate(all="ignore"):
            function(*translated.args, **translated.kwargs)
    except Exception:
        return False
    return True


def size(case: Case) -> int:
    """How many numbers a case holds."""
    total = 0

    def count(x: Array) -> Array:
        nonlocal total
        total += x.size
        return x

    mapped([case.call.args, case.call.kwargs, *case[2:]], count)
    return total


def selection(cases: list[Case]) -> list[Case]:
    """A few small cases, spread over all."""
    small = [c for c in cases if size(c) <= SMALL]
    step = max(1, -(-len(small) // PER_OPERATION))
    return small[::step]


def main() -> int:
    """Compare, print a line for each operation, and say whether all match."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="operations of PyTorch; all by default")
    parser.add_argument("--freeze", action="store_true", help=f"write {FROZEN.name} anew")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of PyTorch's, about its samples
    kept: list[Case] = []
    failures = 0
    known = {op.full_name for op in op_db}
    if missing := [name for name in TABLE if name not in known]:
        print(f"not in this PyTorch: {', '.join(missing)}")
    for op in op_db:
        if op.full_name not in TABLE or (options.names and op.full_name not in options.names):
            continue
        for kind, tally in (("samples", compare(op)), ("errors", refusals(op))):
            ran = tally.matched + len(tally.mismatches)
            skipped = sum(tally.reasons.values())
            if not ran + skipped:
                continue
            print(f"{op.full_name:34} {kind:8}{ran:6} ran {tally.matched:6} matched", end="")
            print(f" {skipped:6} not applicable" if skipped else "")
            for reason, n in tally.reasons.most_common():
                print(f"{'':44}{n:6} × {reason}")
            for line in tally.mismatches[:5]:
                print(f"    MISMATCH {line}")
            failures += len(tally.mismatches)
            kept += selection(tally.cases)
    print(f"{failures} mismatches")
    if options.freeze and not failures:
        call.save(kept, FROZEN)
        print(f"{len(kept)} cases, {FROZEN.stat().st_size / 1e6:.2f} MB, in {FROZEN.name}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
