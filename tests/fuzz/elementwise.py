"""Draws operations that work element by element: functions, operators, choices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.world import Pair, World

# Ways into the domain of a function that is not defined, or not tame, everywhere: where sigmoid and
# tanh are saturated, PyTorch's derivatives have few digits left to compare with.
INTO = {
    "positive": ("{x} * {x} + 0.5", lambda v: v > 0.2),
    "unit": ("{m}.sin({x}) * 0.9", lambda v: abs(v) < 0.95),
    "above one": ("{x} * {x} + 1.5", lambda v: v > 1.2),
    "small": ("{m}.sin({x}) * 3.0", lambda v: abs(v) < 4),
    "above minus one": ("{x} * {x} - 0.5", lambda v: v > -0.8),
    "away from zero": ("{x} * {x} + 0.5", lambda v: abs(v) > 0.2),
    "quarter": ("{m}.sin({x}) * 1.2", lambda v: abs(v) < 1.3),
}

# name: PyTorch, domain, kinks, exact
FUNCTIONS: dict[str, tuple[str, str | None, tuple[float, ...], bool]] = {
    "negative": ("torch.neg({})", None, (), True),
    "positive": ("{}.clone()", None, (), True),
    "square": ("torch.square({})", None, (), True),
    "abs": ("torch.abs({})", None, (0,), True),
    "relu": ("torch.relu({})", None, (0,), True),
    "sign": ("torch.sign({})", None, (0,), True),
    "relu6": ("torch.nn.functional.relu6({})", None, (0, 6), True),
    "hardtanh": ("torch.nn.functional.hardtanh({})", None, (-1, 1), True),
    "leaky_relu": ("torch.nn.functional.leaky_relu({})", None, (0,), False),
    "elu": ("torch.nn.functional.elu({})", "small", (0,), False),
    "selu": ("selu({})", "small", (0,), False),
    "gelu": ("torch.nn.functional.gelu({})", None, (), False),
    "silu": ("torch.nn.functional.silu({})", None, (), False),
    "mish": ("torch.nn.functional.mish({})", None, (), False),
    "softsign": ("torch.nn.functional.softsign({})", None, (0,), False),
    "softplus": ("torch.logaddexp({}, torch.tensor(0.0, dtype={}.dtype))", None, (), False),
    "logsigmoid": ("torch.nn.functional.logsigmoid({})", None, (), False),
    "sigmoid": ("torch.sigmoid({})", "small", (), False),
    "tanh": ("torch.tanh({})", "small", (), False),
    "sin": ("torch.sin({})", None, (), False),
    "cos": ("torch.cos({})", None, (), False),
    "tan": ("torch.tan({})", "quarter", (), False),
    "arcsin": ("torch.arcsin({})", "unit", (), False),
    "arccos": ("torch.arccos({})", "unit", (), False),
    "arctan": ("torch.arctan({})", None, (), False),
    "sinh": ("torch.sinh({})", "small", (), False),
    "cosh": ("torch.cosh({})", "small", (), False),
    "arcsinh": ("torch.arcsinh({})", None, (), False),
    "arccosh": ("torch.arccosh({})", "above one", (), False),
    "arctanh": ("torch.arctanh({})", "unit", (), False),
    "sinc": ("torch.sinc({})", "away from zero", (), False),
    "exp": ("torch.exp({})", "small", (), False),
    "exp2": ("torch.exp2({})", "small", (), False),
    "expm1": ("torch.expm1({})", "small", (), False),
    "log": ("torch.log({})", "positive", (), False),
    "log2": ("torch.log2({})", "positive", (), False),
    "log10": ("torch.log10({})", "positive", (), False),
    "log1p": ("torch.log1p({})", "above minus one", (), False),
    "sqrt": ("torch.sqrt({})", "positive", (), False),
    "cbrt": ("cbrt({})", "away from zero", (), False),
    "reciprocal": ("torch.reciprocal({})", "away from zero", (), False),
    "erf": ("torch.erf({})", None, (), False),
    "erfc": ("torch.erfc({})", None, (), False),
}

STEPS = {"floor": "torch.floor({})", "ceil": "torch.ceil({})", "round": "torch.round({})"}


def inside(world: World, x: str, domain: str | None) -> tuple[str, str]:
    """An expression of x whose values lie in the domain, in both libraries."""
    if domain is None:
        return x, x
    template, holds = INTO[domain]
    if holds(world.value(x)).all() and world.chance(0.8):
        return x, x
    return template.format(x=x, m="tg"), template.format(x=x, m="torch")


def function(world: World) -> Pair | None:
    """A function of one variable."""
    name = world.rng.choice(list(FUNCTIONS))
    there, domain, kinks, exact = FUNCTIONS[name]
    x = world.of_ndim(0)
    if not world.away_from(x, *kinks):
        return None
    a, b = inside(world, x, domain)
    if name == "gelu" and world.chance(0.4):
        return Pair(
            f"tg.gelu({a}, approximate='tanh')",
            f"torch.nn.functional.gelu({b}, approximate='tanh')",
        )
    wrapped = b if b == x else f"({b})"
    return Pair(f"tg.{name}({a})", there.replace("{}", wrapped), exact)


def step_function(world: World) -> Pair | None:
    """A function that is constant between its jumps."""
    x = world.of_ndim(0)
    value = world.value(x)
    if x not in world.exact and (np.abs(value * 2 - np.round(value * 2)) < 1e-5).any():
        return None
    name = world.rng.choice(list(STEPS))
    return Pair(f"{x} + tg.{name}({x})", f"{x} + {STEPS[name].format(x)}", True)


def two(world: World) -> tuple[str, str]:
    """Two variables that broadcast, in either order."""
    x = world.of_ndim(0)
    y = world.beside(world.shape(x))
    return (x, y) if world.chance(0.5) else (y, x)


def arithmetic(world: World) -> Pair:
    """A sum, difference, product or quotient of two variables, or of one and a number."""
    sign = world.rng.choice("++-**/")
    if world.chance(0.25):
        x, number = world.of_ndim(0), world.number()
        if sign == "/" and world.chance(0.5):
            a, b = inside(world, x, "away from zero")
            return Pair(f"{number} / ({a})", f"{number} / ({b})")
        turned = world.chance(0.4) and sign != "/"
        text = f"{number} {sign} {x}" if turned else f"{x} {sign} {number}"
        return Pair(text, text, sign != "/" and number != "-0.7" and number != "1.3")
    x, y = two(world)
    p, q = world.alike(x, y)
    if sign == "/":
        a, b = inside(world, y, "away from zero")
        return Pair(f"{x} / ({a})", f"{p} / ({b.replace(y, q)})")
    return Pair(f"{x} {sign} {y}", f"{p} {sign} {q}", True)


def power(world: World) -> Pair:
    """A power: of a variable, to a variable, or both."""
    kind = world.rng.random()
    x = world.of_ndim(0)
    if kind < 0.4:
        whole = world.rng.choice(("2", "3", "2.0", "1", "0", "4"))
        return Pair(f"{x} ** {whole}", f"{x} ** {whole}")
    if kind < 0.6:
        a, b = inside(world, x, "positive")
        number = world.rng.choice(("-1", "0.5", "-1.5", "2.5", "1 / 3"))
        return Pair(f"({a}) ** ({number})", f"({b}) ** ({number})")
    if kind < 0.75:
        a, b = inside(world, x, "small")
        return Pair(f"1.5 ** ({a})", f"1.5 ** ({b})")
    x, y = two(world)
    p, q = world.alike(x, y)
    base, base_there = inside(world, x, "positive")
    top, top_there = inside(world, y, "unit")
    return Pair(
        f"tg.power({base}, {top})",
        f"power({base_there.replace(x, p)}, {top_there.replace(y, q)})",
    )


def pair(world: World) -> Pair | None:
    """A function of two variables."""
    name = world.rng.choice(
        (
            *("maximum", "minimum", "fmax", "fmin", "logaddexp", "logaddexp2"),
            *("arctan2", "hypot", "remainder", "fmod", "xlogy"),
        )
    )
    x, y = two(world)
    p, q = world.alike(x, y)
    if name in ("maximum", "minimum", "fmax", "fmin"):
        if not world.apart(x, y):
            return None
        there = name if name.startswith("f") else f"torch.{name}"
        return Pair(f"tg.{name}({x}, {y})", f"{there}({p}, {q})", True)
    if name in ("remainder", "fmod", "xlogy", "arctan2", "hypot"):
        cut = name == "arctan2" and (np.abs(world.value(x)) < 1e-5).any()
        domain = "positive" if name == "xlogy" or cut else "away from zero"
        a, b = inside(world, y, domain)
        b = b.replace(y, q)
        if name in ("remainder", "fmod"):
            scale = world.value(y) if a == y else world.value(y) ** 2 + 0.5
            quotient = world.value(x) / scale
            if (np.abs(quotient - np.round(quotient)) < 1e-5).any():
                return None
        return Pair(f"tg.{name}({x}, {a})", f"torch.{name}({p}, {b})")
    return Pair(f"tg.{name}({x}, {y})", f"torch.{name}({p}, {q})")


def condition(world: World, shape: tuple[int, ...]) -> tuple[str, str] | None:
    """Booleans that broadcast against the shape: a comparison, or written out."""
    if world.chance(0.3):
        mask = np.array(world.array(world.broadcasting(shape)) > 0)
        return tuple(world.array_literal(mask)[:2])  # type: ignore[return-value]
    x = world.beside(shape)
    sign = world.rng.choice((">", "<", ">=", "<="))
    if world.chance(0.6):
        threshold = world.number(lattice=True)
        if not world.away_from(x, float(threshold)):
            return None
        return f"{x} {sign} {threshold}", f"{x} {sign} {threshold}"
    y = world.beside(world.shape(x))
    if not world.apart(x, y):
        return None
    return f"{x} {sign} {y}", f"{x} {sign} {y}"


def where(world: World) -> Pair | None:
    """A choice by a condition, of variables or numbers."""
    x, y = two(world)
    test = condition(world, np.broadcast_shapes(world.shape(x), world.shape(y)))
    if test is None:
        return None
    if world.chance(0.2):
        number = world.number(lattice=True)
        return Pair(
            f"tg.where({test[0]}, {x}, {number})", f"torch.where({test[1]}, {x}, {number})", True
        )
    p, q = world.alike(x, y)
    return Pair(f"tg.where({test[0]}, {x}, {y})", f"torch.where({test[1]}, {p}, {q})", True)


# Functions that are not defined everywhere, and where they are.
MASKED = {
    "log({x})": ("{x} > 0", (0.0,)),
    "sqrt({x})": ("{x} > 0", (0.0,)),
    "reciprocal({x})": ("{x} > 0", (0.0,)),
    "log1p({x})": ("{x} > -1", (-1.0,)),
    "arcsin({x})": ("abs({x}) < 1", (-1.0, 1.0)),
    "arctanh({x})": ("abs({x}) < 1", (-1.0, 1.0)),
    "arccosh({x})": ("{x} > 1", (1.0,)),
    "float_power({x}, 0.5)": ("{x} > 0", (0.0,)),
    "float_power({x}, -1.5)": ("{x} > 0", (0.0,)),
}


def masked(world: World) -> Pair | None:
    """A function outside its domain, but where nobody looks."""
    x = world.of_ndim(0)
    call = world.rng.choice(list(MASKED))
    condition, kinks = MASKED[call]
    value = world.value(x)
    if any((np.abs(np.where(value == k, k + 1, value) - k) < 0.02).any() for k in kinks):
        return None
    if world.dtype(x) != np.float64:
        return None
    inner = f"tg.{call.format(x=x)}"
    if "float_power" in call:
        inner = f"{x} ** {call.split(', ')[1][:-1]}"
    test = condition.format(x=x)
    inside = 1.5 if condition == "{x} > 1" else 0.5
    return Pair(
        f"quiet(lambda: tg.where({test}, {inner}, 0.5))",
        f"safe(lambda t: torch.{call.format(x='t')}, {test}, {x}, {inside}, 0.5)",
    )


def clip(world: World) -> Pair | None:
    """A variable kept between numbers or variables."""
    x = world.of_ndim(0)
    if world.chance(0.6):
        low = world.rng.choice(("-1.0", "-0.5", "0.0", "None"))
        high = world.rng.choice(("0.5", "1.0", "1.5", "None"))
        if low == high:
            return None
        kinks = [float(k) for k in (low, high) if k != "None"]
        if not world.away_from(x, *kinks):
            return None
        return Pair(f"tg.clip({x}, {low}, {high})", f"clip({x}, {low}, {high})", True)
    low = world.beside(world.shape(x))
    if not world.apart(x, low) or world.dtype(low) != world.dtype(x):
        return None
    return Pair(f"tg.clip({x}, {low}, None)", f"clip({x}, {low}, None)", True)


def cut(world: World) -> Pair:
    """A variable without its past, used beside itself."""
    x = world.of_ndim(0)
    return Pair(f"{x} * {x}.detach()", f"{x} * {x}.detach().clone()", True, cut=True)


def cast(world: World) -> Pair | None:
    """A variable in another precision."""
    if not world.mixed:
        return None
    x = world.of_ndim(0)
    single = world.dtype(x) == np.float64
    if single:
        return Pair(f"{x}.astype(np.float32)", f"{x}.float()")
    return Pair(f"{x}.astype(np.float64)", f"{x}.double()")


def checkpoint(world: World) -> Pair:
    """A piece that is computed again in the backward pass."""
    x = world.of_ndim(0)
    return Pair(f"tg.checkpoint(lambda t: tg.sin(t) * t, {x})", f"torch.sin({x}) * {x}")


DRAWS: list[tuple[float, Callable[[World], Pair | None]]] = [
    (7, function),
    (1, step_function),
    (8, arithmetic),
    (2, power),
    (4, pair),
    (2.5, where),
    (0.7, masked),
    (1.2, clip),
    (0.7, cut),
    (1.0, cast),
    (0.3, checkpoint),
]
