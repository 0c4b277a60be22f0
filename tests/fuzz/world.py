"""What a program knows while it is written: its variables, and how to choose among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import numpy as np

import tinygrad_lite as tg
from tests.fuzz.program import NAME, Step, compiled, literal
from tests.fuzz.reference import quiet

Shape = tuple[int, ...]

LATTICE = (-2.0, -1.0, -1.0, 0.0, -0.0, 0.5, 1.0, 1.0, 2.0)
GAP = 1e-5  # how close to a kink, or to each other, values may come that are not exact
LARGEST = 1e3
NUMPY_TOO = {n for n in tg.ops.__all__ if hasattr(np, n)} - {"zeros", "ones", "full", "cast"}
FUNCTION = re.compile(r"\btg\.(\w+)\(")


class Pair(NamedTuple):
    """An expression in both libraries.

    Attributes:
        here: for this library.
        there: for PyTorch.
        exact: computed without rounding if its operands are.
        cut: holds back a gradient on purpose.
    """

    here: str
    there: str
    exact: bool = False
    cut: bool = False


class World:
    """The state of a program under construction, and the draws that every family needs."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.singles = rng.choice((0.5, 1.0)) if rng.random() < 0.12 else 0.0  # of the leaves
        self.mixed = self.singles > 0
        self.ties = rng.random() < 0.4
        self.hollow = rng.random() < 0.04  # axes of length 0
        self.leaves: dict[str, np.ndarray] = {}
        self.constant: set[str] = set()
        self.exact: set[str] = set()
        self.steps: list[Step] = []
        self.read: set[str] = set()
        self.space: dict[str, Any] = {"tg": tg, "np": np, "quiet": quiet}
        self.made = 0

    # What is known

    def value(self, name: str) -> np.ndarray:
        return self.space[name].numpy()

    def shape(self, name: str) -> Shape:
        return self.space[name].shape

    def ndim(self, name: str) -> int:
        return self.space[name].ndim

    def dtype(self, name: str) -> np.dtype:
        return self.space[name].dtype

    def names(self) -> list[str]:
        return [n for n, v in self.space.items() if isinstance(v, tg.Tensor)]

    def is_exact(self, *names: str) -> bool:
        return all(n in self.exact for n in names)

    def away_from(self, name: str, *kinks: float) -> bool:
        """Whether no element is so close to a kink that rounding may decide."""
        if name in self.exact:
            return True
        value = self.value(name)
        return not any((np.abs(value - k) < GAP).any() for k in kinks)

    def apart(self, x: str, y: Any) -> bool:
        """Whether no element of x is so close to one of y that rounding may decide."""
        if x in self.exact and (not isinstance(y, str) or y in self.exact):
            return True
        other = self.value(y) if isinstance(y, str) else y
        return not (np.abs(self.value(x) - other) < GAP).any()

    def distinct(self, name: str) -> bool:
        """Whether the order of the elements is beyond doubt."""
        if name in self.exact:
            return True
        ordered = np.sort(self.value(name), axis=None)
        return not (np.diff(ordered) < GAP).any()

    # Draws

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def number(self, lattice: bool = False) -> str:
        if lattice:
            return repr(self.rng.choice((-1.0, 0.0, 0.5, 1, 2, 1.0)))
        return repr(self.rng.choice((0.5, -0.7, 1.3, 2, 3, -1, 0.25, 1.0)))

    def some_shape(self) -> Shape:
        ndim = self.rng.choices((0, 1, 2, 3, 4), (1, 3, 4, 3, 1))[0]
        lengths = (0, 1, 2, 3) if self.hollow and self.chance(0.3) else (1, 2, 2, 3, 3)
        return tuple(self.rng.choice(lengths) for _ in range(ndim))

    def array(self, shape: Shape, lattice: bool = False) -> np.ndarray:
        size = int(np.prod(shape))
        if lattice:
            values = [self.rng.choice(LATTICE) for _ in range(size)]
        else:
            values = [round(self.rng.uniform(-2, 2), 3) for _ in range(size)]
        return np.array(values, float).reshape(shape)

    def leaf(self, shape: Shape) -> str:
        """A new variable to start from."""
        name = f"x{len(self.leaves)}"
        lattice = self.ties and self.chance(0.6)
        array = self.array(shape, lattice)
        if self.chance(self.singles):
            array = array.astype(np.float32)
        self.leaves[name] = array
        requires_grad = self.chance(0.9)
        if not requires_grad:
            self.constant.add(name)
        if lattice:
            self.exact.add(name)
        self.space[name] = tg.tensor(array, requires_grad=requires_grad)
        return name

    def pick(self, wanted: Callable[[str], bool] = lambda name: True) -> str | None:
        """A known variable, one of the latest most often."""
        names = [n for n in self.names() if wanted(n)]
        if not names:
            return None
        return names[-1 - int(len(names) * self.rng.random() ** 1.5)]

    def of_ndim(self, least: int, most: int = 9) -> str:
        """A known variable of so many axes, or a new leaf."""
        found = self.pick(lambda n: least <= self.ndim(n) <= most)
        if found is not None:
            return found
        return self.leaf(tuple(self.rng.choice((1, 2, 3)) for _ in range(least)))

    def of_shape(self, shape: Shape) -> str:
        """A known variable of this shape, or a new leaf."""
        found = self.pick(lambda n: self.shape(n) == shape)
        if found is not None and self.chance(0.8):
            return found
        return self.leaf(shape)

    def beside(self, shape: Shape) -> str:
        """A variable that broadcasts against this shape."""

        def fits(name: str) -> bool:
            try:
                return int(np.prod(np.broadcast_shapes(self.shape(name), shape))) <= 64
            except ValueError:
                return False

        found = self.pick(fits)
        if found is not None and self.chance(0.75):
            return found
        return self.leaf(self.broadcasting(shape))

    def broadcasting(self, shape: Shape) -> Shape:
        """A shape that broadcasts against this one: axes dropped, of length 1, or stretched."""
        lengths = [1 if self.chance(0.3) else n for n in shape]
        lengths = [self.rng.choice((1, 2)) if n == 1 and self.chance(0.3) else n for n in lengths]
        for i, n in enumerate(shape):
            if n != 1:
                lengths[i] = min(lengths[i], n) if n == 0 else lengths[i]
                if lengths[i] not in (1, n):
                    lengths[i] = n
        drop = self.rng.randint(0, len(lengths)) if self.chance(0.3) else 0
        lengths = lengths[drop:]
        if not drop and self.chance(0.08) and len(lengths) < 4:
            lengths = [2, *lengths]
        return tuple(lengths)

    def axis(self, name: str) -> int:
        """One axis, counted from the front or from the back."""
        ndim = self.ndim(name)
        return self.rng.randrange(-ndim, ndim)

    def axes(self, name: str) -> int | tuple[int, ...] | None:
        """One axis, several, or all."""
        ndim = self.ndim(name)
        kind = self.rng.random()
        if kind < 0.25 or not ndim:
            return None
        if kind < 0.65:
            return self.axis(name)
        chosen = self.rng.sample(range(ndim), self.rng.randint(1, ndim))
        return tuple(a - ndim if self.chance(0.4) else a for a in chosen)

    def array_literal(self, array: np.ndarray) -> Pair:
        source = literal(array)
        return Pair(source, f"torch.tensor({source})")

    def alike(self, *names: str) -> list[str]:
        """The variables for PyTorch, each in the dtype that NumPy would compute in."""
        wide = any(self.dtype(n) == np.float64 for n in names)
        return [f"{n}.double()" if wide and self.dtype(n) == np.float32 else n for n in names]

    # Statements

    def run(self, step: Step) -> None:
        exec(compiled(step.here), self.space)

    def assign(self, pair: Pair) -> bool:
        """Append ``y = expression``; False if the result is not one to go on with."""
        target = f"y{self.made}"
        here, there = pair.here, pair.there
        if self.chance(0.15):
            here = FUNCTION.sub(self._of_numpy, here)
        cut = pair.cut
        if self.chance(0.02):
            cut = True
            here, there = (
                f"with tg.no_grad(): {target} = {here}",
                (f"with torch.no_grad(): {target} = ({there}).clone()"),
            )
        else:
            here, there = f"{target} = {here}", f"{target} = {there}"
        exact = pair.exact and self.is_exact(*NAME.findall(pair.here))
        step = Step(target, here, there, exact=exact, cut=cut)
        self.run(step)
        result = self.space[target]
        value = np.asarray(result.numpy()) if isinstance(result, tg.Tensor) else None
        usable = (
            value is not None
            and value.size <= 64
            and value.ndim <= 5
            and bool((np.abs(value) <= LARGEST).all())
        )
        if not usable:
            del self.space[target]
            return False
        if exact and on_grid(value):
            self.exact.add(target)
        else:
            step = Step(target, here, there, cut=cut)
        self.made += 1
        self.steps.append(step)
        self.read |= step.reads
        return True

    def change(self, step: Step) -> None:
        """Append a statement that changes a variable in place."""
        self.steps.append(step)
        self.read |= step.reads - {step.target}
        self.run(step)
        if not step.exact or not on_grid(self.value(step.target)):
            self.exact.discard(step.target)

    @staticmethod
    def _of_numpy(match: re.Match[str]) -> str:
        return f"np.{match[1]}(" if match[1] in NUMPY_TOO else match[0]


def on_grid(value: np.ndarray) -> bool:
    """Whether the values are so short in binary that sums and products of them are not rounded."""
    return bool((value * 4096 == np.round(value * 4096)).all())
