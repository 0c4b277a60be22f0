"""A compiled function as a file that runs on its own, with the functions that it calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lite.compiler.binding import Bound
from tinygrad_lite.compiler.bundle import Bundle
from tinygrad_lite.compiler.face import face
from tinygrad_lite.compiler.program import Effect, Error
from tinygrad_lite.optim.clip import clip_by_norm, clip_by_value, clip_grad_norm_, clip_grad_value_
from tinygrad_lite.tensor import Tensor

REPEAT = """def repeat(first):
    raise FloatingPointError("a gradient is not a number")"""


def save(bound: Bound, nest: Any, path: str | Path) -> Path:
    """Write the source to ``path``, and the arrays that it needs to a ``.npz`` beside it.

    Args:
        bound: the program.
        nest: the structure of its arguments, positional and by keyword.
        path: of the file; the suffix is replaced.
    """
    path = Path(path).with_suffix(".py")
    source = bound.source
    functions = {n for n, x in source.given.items() if not isinstance(x, (Tensor, np.ndarray))}
    bundle = Bundle(bound.namespace.keys() - functions)
    arrays: dict[str, Any] = {}
    late: list[str] = []
    for name, thing in source.given.items():
        if isinstance(thing, Tensor):
            arrays[name] = thing._data
        elif isinstance(thing, np.ndarray):
            arrays[name] = thing
        elif isinstance(thing, Effect):
            late += _update(name, thing, bound, bundle, arrays)
        elif isinstance(thing, np.random.Generator):
            bundle.lines.append(f"given[{name!r}] = {_generator(thing)}")
        else:
            bundle.lines.append(f"given[{name!r}] = {bundle.add(thing, name)}")
    text, outside = face(bound, nest, bundle, arrays)
    if bound.program.differentiates:
        bundle.lines += [REPEAT, 'given["repeat"] = repeat']
    docstring, _, rest = text.partition("\n\nimport numpy as np\n")
    parts = [
        f"{docstring}\n",
        "from __future__ import annotations\n",
        *sorted(bundle.imports),
        "",
        "# The arrays as they were when this file was saved",
        'given = dict(np.load(Path(__file__).with_suffix(".npz")))',
        *bundle.lines,
        *[f"given[{name!r}] = None" for name in source.effects],
        rest.rstrip(),
        "",
        *late,
        *outside,
    ]
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")
    np.savez(path.with_suffix(".npz"), **arrays)
    return path


def _update(
    name: str, effect: Effect, bound: Bound, bundle: Bundle, arrays: dict[str, Any]
) -> list[str]:
    """The lines that define an optimiser's step on the arrays of the file."""
    owner = effect.owner
    if owner in (clip_grad_norm_, clip_grad_value_):
        return _clipping(name, effect, bound, bundle)
    called = getattr(owner, "__name__", type(owner).__name__)
    scalar = next((t for t, v in effect.gradients.items() if v is not None and not t.shape), None)
    if scalar is not None:
        raise Error(
            f"{called} cannot be written to a file that runs on its own, because it changes "
            f"{scalar._describe()}: give that the shape (1,)"
        )
    if not hasattr(owner, "update") or any(t in bound.source.live for t in effect.changed):
        raise Error(
            f"{called} cannot be written to a file that runs on its own: only the steps of this "
            "library's optimisers on arrays can"
        )
    steps = [n for n, e in bound.source.effects.items() if e.owner is owner]
    first = steps[0]  # the others go on with its state
    update = bundle.add(type(owner).update, f"{first}_rule")
    names = {id(x): n for n, x in bound.source.given.items() if isinstance(x, Tensor)}
    lines, calls = [], []
    if name == first:
        scratch = bundle.add(type(owner.scratch), "Scratch")
        lines += ["", f"class {name}_self:", f"    scratch = {scratch}()", ""]
    for number, group in enumerate(owner.param_groups):
        if name == first:
            settings = {k: v for k, v in group.items() if k not in ("params", "param_names")}
            lines.append(f"{name}_group_{number} = {settings!r}")
            stepped = {t for n in steps for t in bound.source.effects[n].gradients}
            for t in group["params"]:
                if t in stepped and id(t) in names:
                    state = _state(f"{name}_{names[id(t)]}", owner.state[t], arrays)
                    lines.append(f"{name}_state_of_{names[id(t)]} = {state}")
        members = [t for t in group["params"] if effect.gradients.get(t) is not None]
        if not members:
            continue
        gradients = [_slot(effect, t, bound) for t in members]
        states = [f"{first}_state_of_{names[id(t)]}" for t in members]
        calls.append(
            f"    {update}({first}_self, {first}_group_{number}, "
            f"[{', '.join(names[id(t)] for t in members)}], [{', '.join(gradients)}], "
            f"[{', '.join(states)}])"
        )
    return [*lines, "", f"def {name}():", *calls]


def _state(name: str, state: dict[str, Any], arrays: dict[str, Any]) -> str:
    """What an optimiser remembers of one parameter, as an expression."""
    entries = []
    for key, value in state.items():
        if isinstance(value, np.ndarray):
            arrays[f"{name}_{key}"] = value
            entries.append(f"{key!r}: given['{name}_{key}']")
        else:
            entries.append(f"{key!r}: {value!r}")
    return f"{{{', '.join(entries)}}}"


def _clipping(name: str, effect: Effect, bound: Bound, bundle: Bundle) -> list[str]:
    """The lines that define the clipping of the gradients of the file."""
    rule = clip_by_norm if effect.owner is clip_grad_norm_ else clip_by_value
    given = [t for t, v in effect.gradients.items() if v is not None]
    if any(not t.shape for t in given):
        raise Error(
            f"{effect.owner.__name__} of a gradient without dimensions cannot be written to a file "
            "that runs on its own: give the parameter the shape (1,)"
        )
    names = ", ".join(_slot(effect, t, bound) for t in given)
    settings = ", ".join(map(bundle.number, effect.call.args[1:]))  # type: ignore[attr-defined]
    call = f"{bundle.add(rule, rule.__name__)}([{names}], {settings})"
    if effect.out is None:
        return ["", "", f"def {name}():", f"    {call}"]
    dtype = f"np.{effect.out.dtype.name}"
    return ["", "", f"def {name}():", f"    return [{dtype}({call})]"]


def _slot(effect: Effect, t: Tensor, bound: Bound) -> str:
    """The name of the gradient of a tensor that an effect reads."""
    gradient = effect.gradients[t]
    assert gradient is not None
    if (t, gradient) not in bound.source.slots:
        raise Error(
            f"the gradient of {t._describe()} was computed outside of the function, so a file that "
            "runs on its own would not have it: call backward() in the function"
        )
    return bound.source.slots[t, gradient].name


def _generator(rng: np.random.Generator) -> str:
    kind = type(rng.bit_generator).__name__
    return f"generator_at(np.random.{kind}(), {rng.bit_generator.state!r})"
