"""Names for what a program handles: from parameters, modules and arguments, as a person would."""

from __future__ import annotations

import keyword
import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tinygrad_lite import graph
from tinygrad_lite.compiler.program import Instruction, Program, Value
from tinygrad_lite.tensor import Tensor

SHORT = {
    **dict.fromkeys(("linear", "matmul"), "z"),
    **dict.fromkeys(("relu", "tanh", "elu", "leaky_relu", "softplus", "softsign", "gated"), "h"),
    **dict.fromkeys(("sech²", "σ′"), "slope"),
    **dict.fromkeys(("nll", "label_loss", "cross_entropy"), "loss"),
    "bernoulli_nll": "losses",
    **dict.fromkeys(("add", "sum"), "total"),
    "mean": "mean_value",
    "transpose": "{}_T",
    "reshape": "{}_reshaped",
    "softmax": "p",
    "log_softmax": "log_p",
    "clip": "limited",
    "sigmoid": "s",
    "complement": "one_minus_s",
    **dict.fromkeys(("logsigmoid", "log_complement"), "log_p"),
    "normal_cdf": "probability",
    "getitem": "part",
    "dropout_mask": "mask",
    "nll_transposed": "d_scores",
    "subtract": "difference",
    "multiply": "product",
    "divide": "quotient",
    "negative": "minus_{}",
    "square": "{}_squared",
    "exp": "exp_{}",
    "log": "log_{}",
    "abs": "size_of_{}",
    "absolute": "size_of_{}",
    "sign": "sign_of_{}",
    "cast": "{}_cast",
    "greater": "is_greater",
    "less": "is_less",
    "less_equal": "is_at_most",
    "greater_equal": "is_at_least",
    "equal": "is_equal",
    "not_equal": "differs",
    "logical_not": "otherwise",
    "where": "chosen",
}
"""What results of an operation are called, ``{}`` being its operand; others go by the operation."""

ALONE = {
    "negative": "negated",
    "square": "squared",
    "sqrt": "root",
    "exp": "exponential",
    "log": "logarithm",
    **dict.fromkeys(("abs", "absolute"), "magnitude"),
    "sign": "signs",
    "transpose": "transposed",
    "reshape": "reshaped",
}
"""What they are called where the operand has a long name or none."""

LONG = 8
"""Names with more letters than this are not made part of others."""

WORDS = {
    0.0: "zero",
    1.0: "one",
    2.0: "two",
    0.5: "one_half",
    math.inf: "infinity",
    math.sqrt(2): "root_two",
    math.sqrt(0.5): "root_half",
    1 / math.sqrt(math.pi): "one_over_root_pi",
    math.sqrt(8 / math.pi): "root_of_8_over_pi",
    1 / math.sqrt(2 * math.pi): "one_over_root_2_pi",
    1e4: "ten_thousand",
}


class Names:
    """Hands out identifiers, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)
        self.reserved: set[str] = set()

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names for what they mean to everybody, unless they are taken already."""
        self.reserved = set(names) - self.taken

    def new(self, wish: str) -> str:
        """An identifier like ``wish`` that nothing else has."""
        wish = re.sub(r"\W+", "_", wish, flags=re.ASCII).strip("_") or "value"
        if wish[0].isdigit():
            wish = f"layer_{wish}"
        if keyword.iskeyword(wish):
            wish += "_"
        name, number = wish, 1
        while name in self.taken or name in self.reserved:
            number += 1
            name = f"{wish}_{number}"
        self.taken.add(name)
        return name


def tensor_names(program: Program, paths: dict[int, str]) -> dict[Tensor, str]:
    """What the tensors that outlive the call are called: by their module, their name, or by
    where the function found them (``paths``, by identity).
    """
    wishes: dict[Tensor, tuple[str, str]] = {}
    for step in program.instructions:
        for v in step.inputs:
            if v.kind == "state" and v.source not in wishes:
                wishes[v.source] = _wish(v.source, step, paths)
    often = Counter(name for _, name in wishes.values())
    return {
        t: f"{model}_{name}" if model and often[name] > 1 else name
        for t, (model, name) in wishes.items()
    }


def _wish(t: Tensor, step: Instruction, paths: dict[int, str]) -> tuple[str, str]:
    """What the outermost module around a tensor is called, if it is, and what the tensor in it."""
    own = t.name or ""
    scope = step.scope
    while scope is not None:
        module = scope.module()
        for key, value in vars(module).items() if module is not None else ():
            if value is t:
                path, outermost = _module_path(scope), _outermost(scope)
                model = paths.get(id(outermost), "").removeprefix("self.")
                return model, f"{path}_{key}" if path else key
        scope = scope.outer
    return "", own or paths.get(id(t), "tensor")


def _outermost(scope: Any) -> Any:
    """The module whose call is around all others."""
    while scope.outer is not None:
        scope = scope.outer
    return scope.module()


def _module_path(scope: Any) -> str:
    """The path of a module call without the class of the outermost module."""
    path: str = graph.path(scope)
    return path.partition(".")[2]


def result_name(step: Instruction, operands: list[str]) -> str:
    """What the result of an instruction on operands of these names is called."""
    name = step.operation.name
    alone = ALONE.get(name, name)
    wish = SHORT.get(name, alone)
    if "{}" not in wish:
        return wish
    short = operands and 0 < len(operands[0]) <= LONG
    return wish.format(operands[0]) if short else alone


def number_name(number: float) -> str:
    """What a constant is called: by what it is."""
    if number < 0:
        return f"minus_{number_name(-number).removeprefix('number_')}"
    for known, word in WORDS.items():
        if math.isclose(number, known, rel_tol=1e-7):
            return word
    whole = 1 / number if number else 0.0
    if 2 < whole < 1e6 and math.isclose(whole, round(whole), rel_tol=1e-7):
        return f"one_over_{round(whole)}"
    return f"number_{number:.4g}".replace("-", "minus_").replace("+", "").replace(".", "_")


def kind(value: Value) -> str:
    """Shape and dtype, as comments have them."""
    return f"{value.dtype} {value.shape}" if value.shape else str(value.dtype)
