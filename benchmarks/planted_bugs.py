"""Wrong derivatives, and how many of them check_grads and torch.autograd.gradcheck each catch.

usage: python -m benchmarks.planted_bugs
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_lite as tg
from benchmarks.report import table
from tinygrad_lite.mode import enter_mode, mode
from tinygrad_lite.primitive import Primitive
from tinygrad_lite.testing import GradientError, check_grads

Rule = Callable[..., Any]


@dataclass
class Bug:
    """A function with a wrong derivative.

    Attributes:
        name: what is wrong with it.
        forward: ``forward(xp, *inputs)``, in the functions of the library ``xp``.
        rules: ``rule(xp, g, out, *inputs)`` for each input.
        inputs: NumPy arrays.
        says: words, one of which the report must contain.
        kind: "primitive", with rules that run on arrays and on tensors; "vjp", a derivative outside
            of the library that has to do everything itself; "function", of tensors, with
            ``forward(xp, *tensors)`` alone.
        elsewhere: whether it can exist in PyTorch, whose engine sums over broadcast axes by itself
            and whose arrays have no negative strides.
    """

    name: str
    forward: Callable[..., Any]
    rules: tuple[Rule, ...]
    inputs: tuple[Any, ...]
    says: tuple[str, ...]
    kind: str = "primitive"
    elsewhere: bool = True

    def check(self) -> None:
        """Run it through check_grads with default arguments; an AssertionError if it is caught."""
        if self.kind == "function":
            check_grads(lambda *xs: self.forward(tg, *xs), self.inputs)
        elif self.kind == "vjp":

            def f(*xs: Any) -> Any:
                return self.forward(np, *xs)

            def vjp(g: Any, *xs: Any) -> Any:
                return tuple(rule(np, g, f(*xs), *xs) for rule in self.rules)

            check_grads(f, self.inputs, vjp=vjp)
        else:
            check_grads(self.primitive(), self.inputs)

    def primitive(self) -> Primitive:
        """The function as an operation of this library."""

        def with_xp(rule: Rule) -> Rule:
            return lambda g, out, *xs: rule(tg, g, out, *xs)

        return tg.primitive(
            lambda *xs: self.forward(np, *xs), [with_xp(r) for r in self.rules], name="planted"
        )

    def caught(self) -> bool:
        """Whether check_grads finds it."""
        try:
            self.check()
        except GradientError:
            return True
        return False

    def caught_by_pytorch(self) -> bool:
        """Whether gradcheck and gradgradcheck, with default arguments, let it through or not."""
        import torch

        bug = self

        class Planted(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *xs: Any) -> Any:
                out = bug.forward(torch, *xs)
                ctx.save_for_backward(out, *xs)
                return out

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                out, *xs = ctx.saved_tensors
                return tuple(rule(torch, g, out, *xs) for rule in bug.rules)

        xs = [torch.tensor(x, requires_grad=True) for x in self.inputs]
        f = Planted.apply if self.rules else lambda *xs: self.forward(torch, *xs)
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            try:
                torch.autograd.gradcheck(f, xs)
                torch.autograd.gradgradcheck(f, xs)
            except Exception:  # gradcheck raises what the rule raises: that counts as caught
                return True
        return False


def _bugs() -> list[Bug]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3))
    y = rng.uniform(0.5, 2.0, size=(2, 3))
    square, other = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    row, row_3 = rng.normal(size=3), rng.normal(size=(3,))
    tied = np.array([1.0, 3.0, 3.0, 2.0])
    places = np.array([0, 2, 2, 1])
    order = np.array([1, 2, 0])

    def unary(
        name: str,
        f: Rule,
        rule: Rule,
        *says: str,
        at: Any = x,
        kind: str = "primitive",
        elsewhere: bool = True,
    ) -> Bug:
        return Bug(name, f, (rule,), (at,), says, kind, elsewhere)

    tanh = lambda xp, x: xp.tanh(x)
    tanh_rule = lambda xp, g, out, x: g * (1 - out * out)
    times = lambda xp, x, y: x * y
    by_y = lambda xp, g, out, x, y: g * y
    by_x = lambda xp, g, out, x, y: g * x

    return [
        unary("wrong sign", tanh, lambda xp, g, out, x: -g * (1 - out * out), "sign is wrong"),
        unary(
            "wrong sign where x < 0",
            lambda xp, x: xp.exp(x * x),
            lambda xp, g, out, x: g * out * 2 * xp.abs(x),
            "sign is wrong at",
        ),
        unary("factor 2", tanh, lambda xp, g, out, x: 2 * tanh_rule(xp, g, out, x), "factor 2"),
        unary("factor 1/2", lambda xp, x: x * x, lambda xp, g, out, x: g * x, "factor 1/2"),
        unary(
            "inner derivative forgotten",
            lambda xp, x: xp.exp(3 * x),
            lambda xp, g, out, x: g * out,
            "factor 1/3",
        ),
        unary(
            "relative error of 5e-4",
            tanh,
            lambda xp, g, out, x: 1.0005 * tanh_rule(xp, g, out, x),
            "1.0005",
        ),
        unary(
            "relative error of 1e-6",
            tanh,
            lambda xp, g, out, x: 1.000001 * tanh_rule(xp, g, out, x),
            "1.000001",
            "nearly right",
        ),
        unary(
            "an epsilon in the denominator",
            lambda xp, x: xp.sqrt(x),
            lambda xp, g, out, x: g / (2 * out + 1e-6),
            "nearly right",
            at=y,
        ),
        unary(
            "transposed",
            lambda xp, x: x.T * 1.0,
            lambda xp, g, out, x: g * 1.0,
            "transposed",
            at=square,
        ),
        unary(
            "transposed, not square",
            lambda xp, x: x.T * 1.0,
            lambda xp, g, out, x: g * 1.0,
            "transposed",
            kind="vjp",
        ),
        Bug(
            "matrix not transposed in the rule",
            lambda xp, x, y: xp.matmul(x, y),
            (
                lambda xp, g, out, x, y: xp.matmul(g, y),
                lambda xp, g, out, x, y: xp.matmul(x.T, g),
            ),
            (square, other),
            ("the gradient of x is wrong", "the gradient of inputs[0] is wrong"),
        ),
        Bug(
            "two rules swapped",
            times,
            (by_x, by_y),
            (x, y),
            ("two rules are swapped",),
        ),
        Bug(
            "missing sum over a broadcast axis",
            lambda xp, x, y: x + y,
            (lambda xp, g, out, x, y: g * 1.0, lambda xp, g, out, x, y: g * 1.0),
            (x, row),
            ("missing sum over a broadcast axis",),
            "vjp",
            elsewhere=False,
        ),
        Bug(
            "missing sum over a broadcast axis, given inputs of one shape",
            lambda xp, x, y: x + y,
            (lambda xp, g, out, x, y: g * 1.0, lambda xp, g, out, x, y: g * 1.0),
            (x, y),
            ("missing sum over a broadcast axis",),
            "vjp",
            elsewhere=False,
        ),
        Bug(
            "mean over the broadcast axis",
            lambda xp, x, y: x + y,
            (lambda xp, g, out, x, y: g * 1.0, lambda xp, g, out, x, y: g.mean(0)),
            (x, row),
            ("a mean was taken", "a mean where a sum belongs"),
            "vjp",
        ),
        Bug(
            "the first row alone of a broadcast gradient",
            lambda xp, x, y: x * y,
            (by_y, lambda xp, g, out, x, y: (g * x)[0]),
            (x, row),
            ("missing sum over a broadcast axis",),
        ),
        Bug(
            "sum over the wrong axis",
            lambda xp, x, y: x + y,
            (lambda xp, g, out, x, y: g * 1.0, lambda xp, g, out, x, y: g.sum(1)),
            (square, row_3),
            ("is wrong",),
        ),
        unary(
            "dropped axis",
            lambda xp, x: x * x,
            lambda xp, g, out, x: (2 * g * x)[0],
            "dropped",
            "returned a gradient of shape",
            at=x[:1],
            kind="vjp",
        ),
        unary(
            "tie counted twice",
            lambda xp, x: x.max(),
            lambda xp, g, out, x: g * xp.where(x == out, 1.0, 0.0),
            "tie is counted twice",
            at=tied,
        ),
        Bug(
            "tie of two arguments counted twice",
            lambda xp, x, y: xp.maximum(x, y),
            (
                lambda xp, g, out, x, y: g * xp.where(x == out, 1.0, 0.0),
                lambda xp, g, out, x, y: g * xp.where(y == out, 1.0, 0.0),
            ),
            (tied, tied),
            ("tie is counted twice",),
        ),
        unary(
            "tie given to none",
            lambda xp, x: x.max(),
            lambda xp, g, out, x: g * xp.where(x == out, 1.0, 0.0) * (1.0 * (x == out)).sum() * 0,
            "a tie loses its share",
            at=tied,
        ),
        unary(
            "a kink outside of its two slopes",
            lambda xp, x: xp.where(x > 0, x, 0 * x),
            lambda xp, g, out, x: g * xp.where(x > 0, 1.0, xp.where(x == 0, 2.0, 0.0)),
            "a kink",
            at=np.array([-1.0, 0.0, 2.0]),
        ),
        unary(
            "returns the cotangent itself",
            lambda xp, x: x + 1,
            lambda xp, g, out, x: g,
            "shares memory with the cotangent",
            kind="vjp",
        ),
        Bug(
            "one array for two gradients",
            lambda xp, x, y: x + y,
            ((lambda kept: lambda xp, g, out, x, y: kept.setdefault(float(g.sum()), 1.0 * g))({}),)
            * 2,
            (x, y),
            ("shares memory with the gradient of",),
            "vjp",
        ),
        unary("mutates the cotangent", tanh, _mutates_cotangent, "mutated cotangent"),
        unary("mutates an input in the rule", tanh, _mutates_input, "mutated cotangent or input"),
        unary(
            "mutates an input in the function",
            _mutating_tanh,
            tanh_rule,
            "mutated cotangent or input",
        ),
        unary("mutates its result in the rule", tanh, _mutates_result, "changed the result"),
        unary(
            "detached second order",
            tanh,
            lambda xp, g, out, x: g * (1 - _raw(out) ** 2),
            "detached second derivative",
        ),
        unary(
            "partly detached second order",
            lambda xp, x: x * xp.exp(x),
            lambda xp, g, out, x: g * (xp.exp(x) + _raw(out)),
            "second derivative",
        ),
        unary(
            "another rule for tensors than for arrays",
            lambda xp, x: x * x,
            lambda xp, g, out, x: g * 3 * x if isinstance(x, tg.Tensor) else g * 2 * x,
            "create_graph",
            elsewhere=False,
        ),
        unary(
            "wrong sign at second order",
            tanh,
            lambda xp, g, out, x: g * (1 - 2 * _raw(out) ** 2 + out * out),
            "second derivative",
            "sign is wrong",
        ),
        unary(
            "factor 2 at second order",
            tanh,
            lambda xp, g, out, x: g * (1 + _raw(out) ** 2 - 2 * out * out),
            "factor 2",
            "second derivative",
        ),
        unary(
            "cotangent detached",
            tanh,
            lambda xp, g, out, x: _raw(g) * (1 - out * out),
            "detached second derivative",
        ),
        Bug(
            "other argument detached in the rule",
            times,
            (lambda xp, g, out, x, y: g * _raw(y), by_x),
            (x, y),
            ("detached second derivative", "second derivative is missing"),
        ),
        unary(
            "seeds the shared generator",
            tanh,
            _seeds,
            "the state of numpy.random",
        ),
        unary("float32 for float64", tanh, _in_float32, "float32"),
        unary("a gradient of dtype float32", tanh, _float32_dtype, "is float32", kind="vjp"),
        unary(
            "wrong for negative strides only",
            tanh,
            _strides(lambda s, n: min(s) < 0),
            "negative stride",
            elsewhere=False,
        ),
        unary(
            "wrong for Fortran order only",
            tanh,
            _strides(lambda s, n: len(s) > 1 and n[0] > 1 < n[1] and 0 < s[0] < s[1]),
            "Fortran",
        ),
        unary(
            "wrong for zero strides only",
            tanh,
            _strides(lambda s, n: n[0] > 1 and s[0] == 0),
            "zero stride",
        ),
        unary(
            "wrong for strided arrays only",
            tanh,
            _strides(lambda s, n: len(s) > 1 and s[-1] == 16 and s[0] == 16 * n[-1]),
            "strided",
        ),
        unary(
            "wrong without elements",
            tanh,
            lambda xp, g, out, x: (
                tanh_rule(xp, g, out, x) if 0 not in x.shape else x.reshape(0, 1, 1)
            ),
            "without elements",
        ),
        unary(
            "wrong for a single number",
            tanh,
            lambda xp, g, out, x: tanh_rule(xp, g, out, x) * (1 if x.shape else 2),
            "of one number",
        ),
        unary("wrong at one element", tanh, _at_one_element, "wrong at 1 of 6 elements: (1, 2)"),
        unary(
            "wrong at one element of many",
            tanh,
            _at_one_element,
            "wrong at 1 of 200 elements: (1, 2)",
            at=rng.normal(size=(20, 10)),
        ),
        unary(
            "wrong at one element of ten thousand",
            tanh,
            _at_one_element,
            "worst at    [1, 2]",
            at=rng.normal(size=(100, 100)),
        ),
        unary(
            "twice as large at one element of ten thousand, in float32",
            tanh,
            _doubled_at_one_element,
            "worst at    [1, 2]",
            at=rng.normal(size=(100, 100)).astype("float32"),
        ),
        Bug(
            "wrong for broadcast input only",
            times,
            (by_y, lambda xp, g, out, x, y: g * x if x.shape == y.shape else 2 * g * x),
            (x, y),
            ("broadcast",),
        ),
        unary("not deterministic", tanh, _noisy, "not deterministic"),
        unary("leaves no_grad on", _switches_off, tanh_rule, "leaves recording off"),
        Bug(
            "leaves no_grad on after an exception",
            _fragile,
            (),
            (x,),
            ("an exception inside",),
            "function",
        ),
        unary(
            "leaves NumPy's errors ignored",
            _silences,
            tanh_rule,
            "it calls np.seterr",
            elsewhere=False,
        ),
        unary(
            "leaves NumPy's errors ignored in the rule",
            tanh,
            _silent_rule,
            "it calls np.seterr",
            kind="vjp",
            elsewhere=False,
        ),
        Bug(
            "wrong where both inputs are one array",
            times,
            (lambda xp, g, out, x, y: g * y * (2 if x is y else 1), by_x),
            (x, y),
            ("with one array for x and y", "with one array for inputs[0] and inputs[1]"),
        ),
        Bug(
            "wrong where both inputs are one array, and are",
            lambda xp, x, y: xp.matmul(x, y),
            (
                lambda xp, g, out, x, y: xp.matmul(g, y.T) * (2 if x is y else 1),
                lambda xp, g, out, x, y: xp.matmul(x.T, g),
            ),
            (square, square),
            ("one array for",),
        ),
        unary(
            "wrong for more than 64 elements",
            tanh,
            lambda xp, g, out, x: tanh_rule(xp, g, out, x) * (1 if _size(x) <= 64 else 2),
            "repeated to shape",
        ),
        unary(
            "wrong for four axes",
            tanh,
            lambda xp, g, out, x: tanh_rule(xp, g, out, x) * (1 if x.ndim < 4 else 2),
            "repeated to shape",
        ),
        unary(
            "a constant added",
            tanh,
            lambda xp, g, out, x: tanh_rule(xp, g, out, x) + 1e-11,
            "zero cotangent",
        ),
        unary(
            "not linear in the cotangent",
            lambda xp, x: x * 3.0,
            lambda xp, g, out, x: 3.0 * xp.where(g > 2.5, 2.5 + 0 * g, g),
            "not linear",
        ),
        unary("nan for a zero cotangent", tanh, _normalised, "zero cotangent"),
        unary(
            "state kept by the forward function",
            *_stateful(),
            "state saved by the forward function",
        ),
        Bug(
            "another gradient if y needs none", _depends_on_need, (), (x, y), ("only",), "function"
        ),
        Bug(
            "an argument detached",
            lambda xp, x, y: x * y.detach(),
            (),
            (x, y),
            ("detached",),
            "function",
        ),
        Bug(
            "branches of where swapped",
            lambda xp, x, y: xp.where(x > y, x, y),
            (
                lambda xp, g, out, x, y: xp.where(x > y, 0.0, g),
                lambda xp, g, out, x, y: xp.where(x > y, g, 0.0),
            ),
            (x, y),
            ("is wrong",),
        ),
        unary(
            "gradient outside of clip's bounds",
            lambda xp, x: xp.clip(x, -0.5, 0.5),
            lambda xp, g, out, x: g * 1.0,
            "wrong at",
        ),
        Bug(
            "denominator not squared",
            lambda xp, x, y: x / y,
            (lambda xp, g, out, x, y: g / y, lambda xp, g, out, x, y: -g * x / y),
            (x, y),
            ("the gradient of inputs[1] is wrong", "the gradient of y is wrong"),
        ),
        unary(
            "exponent off by one",
            lambda xp, x: x**3,
            lambda xp, g, out, x: 3 * g * x**3,
            "is wrong",
        ),
        unary(
            "softmax without the sum",
            lambda xp, x: xp.exp(x) / xp.exp(x).sum(),
            lambda xp, g, out, x: g * out,
            "is wrong",
        ),
        unary(
            "softmax's diagonal alone",
            lambda xp, x: xp.exp(x) / xp.exp(x).sum(),
            lambda xp, g, out, x: g * out * (1 - out),
            "is wrong",
        ),
        unary(
            "not a number at zero",
            lambda xp, x: x * x,
            lambda xp, g, out, x: g * 2 * out / x,
            "not a number",
            at=np.array([0.0, 1.0]),
        ),
        unary(
            "elements read twice not added up",
            lambda xp, x: x[places],
            _scatters_once(places),
            "is wrong",
            at=tied,
        ),
        unary(
            "permutation not inverted",
            lambda xp, x: x[order],
            lambda xp, g, out, x: g[order],
            "is wrong",
            at=row,
        ),
        unary(
            "cumulative sum from the wrong end",
            lambda xp, x: xp.cumsum(x, 0),
            lambda xp, g, out, x: xp.cumsum(g, 0),
            "is wrong",
            at=row,
        ),
        Bug(
            "parts of a join exchanged",
            lambda xp, x, y: xp.concatenate([x, y]),
            (lambda xp, g, out, x, y: g[3:], lambda xp, g, out, x, y: g[:3]),
            (row, row_3 + 1),
            ("two rules are swapped", "is wrong"),
        ),
        unary(
            "mean without its count",
            lambda xp, x: x.mean(),
            lambda xp, g, out, x: g + 0 * x,
            "a factor 6",
        ),
        unary(
            "a gradient of zeros",
            tanh,
            lambda xp, g, out, x: 0 * g,
            "the gradient is zero",
        ),
    ]


def _raw(x: Any) -> Any:
    """The values without their graph, as one gets them by mistake."""
    return x.detach() if hasattr(x, "detach") else x


def _mutates_cotangent(xp: Any, g: Any, out: Any, x: Any) -> Any:
    g *= 1 - out * out
    return g


def _mutates_input(xp: Any, g: Any, out: Any, x: Any) -> Any:
    x *= 1.0
    x += 1e-9
    return g * (1 - out * out)


def _mutating_tanh(xp: Any, x: Any) -> Any:
    out = xp.tanh(x)
    x *= 0.999
    return out


def _mutates_result(xp: Any, g: Any, out: Any, x: Any) -> Any:
    gradient = g * (1 - out * out)
    if isinstance(out, np.ndarray) or xp is not tg:
        out *= 0.5
    return gradient


def _seeds(xp: Any, g: Any, out: Any, x: Any) -> Any:
    np.random.seed(0)  # noqa: NPY002 - that is the mistake
    return g * (1 - out * out)


def _in_float32(xp: Any, g: Any, out: Any, x: Any) -> Any:
    gradient = g * (1 - out * out)
    if xp not in (np, tg):
        return gradient.float().double()
    return gradient.astype("float32").astype("float64")


def _float32_dtype(xp: Any, g: Any, out: Any, x: Any) -> Any:
    gradient = g * (1 - out * out)
    return gradient.astype("float32") if xp is np else gradient.float()


def _strides(odd: Callable[[tuple[int, ...], tuple[int, ...]], bool]) -> Rule:
    """The rule of tanh, with a factor for arrays whose strides are of a certain kind."""

    def rule(xp: Any, g: Any, out: Any, x: Any) -> Any:
        gradient = g * (1 - out * out)
        if xp not in (np, tg):
            strides = tuple(8 * s for s in x.stride())
        else:
            strides = (x if isinstance(x, (np.ndarray, np.generic)) else x.numpy()).strides
        return 2 * gradient if strides and odd(strides, x.shape) else gradient

    return rule


def _at_one_element(xp: Any, g: Any, out: Any, x: Any) -> Any:
    factor = np.ones(x.shape)
    if factor.ndim == 2 and factor.size >= 6:
        factor[1, 2] = 1.01
    if xp not in (np, tg):
        factor = xp.tensor(factor)
    return g * (1 - out * out) * factor


def _doubled_at_one_element(xp: Any, g: Any, out: Any, x: Any) -> Any:
    factor = np.ones(x.shape, "float32")
    if factor.size > 6:
        factor[1, 2] = 2
    return g * (1 - out * out) * (factor if xp in (np, tg) else xp.tensor(factor))


_noise = np.random.default_rng(1)


def _noisy(xp: Any, g: Any, out: Any, x: Any) -> Any:
    return g * (1 - out * out) * (1 + 1e-12 * _noise.normal())


def _switches_off(xp: Any, x: Any) -> Any:
    if xp is np:
        enter_mode(mode()._replace(grad=False))
    else:
        xp.set_grad_enabled(False)
    return xp.tanh(x)


def _fragile(xp: Any, x: Any) -> Any:
    """A block without recording whose end an exception jumps over."""
    y = xp.exp(x)
    if xp is tg:
        before = mode()
        enter_mode(before._replace(grad=False))
        scale = xp.tanh(x.detach())
        enter_mode(before)
    else:
        xp.set_grad_enabled(False)
        scale = xp.tanh(x.detach())
        xp.set_grad_enabled(True)
    return y + 0 * scale


def _silences(xp: Any, x: Any) -> Any:
    np.seterr(over="ignore" if np.geterr()["over"] != "ignore" else "warn")
    return xp.tanh(x)


def _silent_rule(xp: Any, g: Any, out: Any, x: Any) -> Any:
    np.seterr(over="ignore")
    return g * (1 - out * out)


def _size(x: Any) -> int:
    return int(np.prod(x.shape))


def _normalised(xp: Any, g: Any, out: Any, x: Any) -> Any:
    size = (g * g).sum() ** 0.5
    return (g / size) * (1 - out * out) * size


def _stateful() -> tuple[Rule, Rule]:
    saved: dict[str, Any] = {}

    def forward(xp: Any, x: Any) -> Any:
        saved["x"] = x
        return x * x

    def rule(xp: Any, g: Any, out: Any, x: Any) -> Any:
        return g * 2 * saved["x"]

    return forward, rule


def _depends_on_need(xp: Any, x: Any, y: Any) -> Any:
    return x * y if y.requires_grad or not x.requires_grad else x * y * 2 - (x * y).detach()


def _scatters_once(places: Any) -> Rule:
    def rule(xp: Any, g: Any, out: Any, x: Any) -> Any:
        if xp is tg and not isinstance(g, np.ndarray):
            return tg.assign(x * 0, places, g)
        gradient = x * 0
        gradient[places] = g
        return gradient

    return rule


def _correct() -> list[Bug]:
    """Functions whose derivative is right, at the points where there is more than one right one."""
    tied = np.array([1.0, 3.0, 3.0, 2.0])
    kinks = np.array([-1.0, 0.0, 2.0])

    def half(xp: Any, out: Any, x: Any, y: Any) -> Any:
        return xp.where(x == y, 0.5, xp.where(x == out, 1.0, 0.0))

    def shared(xp: Any, g: Any, out: Any, x: Any) -> Any:
        chosen = xp.where(x == out, 1.0, 0.0)
        return g * chosen / chosen.sum()

    return [
        Bug(
            "relu at 0",
            lambda xp, x: xp.where(x > 0, x, 0 * x),
            (lambda xp, g, out, x: g * xp.where(x > 0, 1.0, 0.0),),
            (kinks,),
            (),
        ),
        Bug(
            "abs at 0",
            lambda xp, x: xp.abs(x),
            (lambda xp, g, out, x: g * xp.sign(x),),
            (kinks,),
            (),
        ),
        Bug("max of equal elements", lambda xp, x: x.max(), (shared,), (tied,), ()),
        Bug(
            "maximum of equal arguments",
            lambda xp, x, y: xp.maximum(x, y),
            (
                lambda xp, g, out, x, y: g * half(xp, out, x, y),
                lambda xp, g, out, x, y: g * half(xp, out, y, x),
            ),
            (tied, tied),
            (),
        ),
    ]


BUGS = _bugs()
CORRECT = _correct()


def main() -> None:
    """Print what each of the two catches."""
    pytorch = importlib.util.find_spec("torch") is not None
    rows = []
    for bug in BUGS:
        theirs = "" if not pytorch else "cannot be" if not bug.elsewhere else "-"
        if theirs == "-" and bug.caught_by_pytorch():
            theirs = "yes"
        rows.append((bug.name, "yes" if bug.caught() else "-", theirs))
    print(table(("bug", "check_grads", "PyTorch gradcheck + gradgradcheck"), rows))
    ours, theirs = (sum(row[i] == "yes" for row in rows) for i in (1, 2))
    print(f"\ncheck_grads catches {ours} of {len(rows)}.")
    if pytorch:
        possible = sum(bug.elsewhere for bug in BUGS)
        refused = [f.name for f in CORRECT if f.caught_by_pytorch()]
        print(f"gradcheck and gradgradcheck catch {theirs} of the {possible} that can exist there.")
        print(f"Of {len(CORRECT)} correct functions at their kinks check_grads refuses ", end="")
        print(f"{sum(f.caught() for f in CORRECT)}, gradcheck {len(refused)}.")


if __name__ == "__main__":
    main()
