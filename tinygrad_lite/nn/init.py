"""Initial values by name, in place, with the formulas that PyTorch uses."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from tinygrad_lite.random import Rng, generator
from tinygrad_lite.tensor import Tensor

T = TypeVar("T", bound=Tensor)


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, rng: Rng = None) -> T:
    """Fill with numbers drawn evenly from [a, b).

    Like all functions here it changes the values of ``tensor``, a leaf, and returns it; ``rng`` is
    a NumPy Generator, a seed, or None for the default generator.

    >>> from tinygrad_lite import nn
    >>> weight = nn.init.uniform_(nn.Linear(2, 3).weight, -1.0, 1.0, rng=0)
    >>> bool((abs(weight.data) <= 1).all())
    True
    """
    return _fill(tensor, generator(rng).uniform(a, b, tensor.shape))


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> T:
    """Fill with normally distributed numbers of the given mean and standard deviation.

    >>> from tinygrad_lite import nn
    >>> nn.init.normal_(nn.Parameter([0.0, 0.0]), std=0.1, rng=0)
    parameter([ 0.01257302, -0.01321049], requires_grad=True)
    """
    return _fill(tensor, generator(rng).normal(mean, std, tensor.shape))


def constant_(tensor: T, val: float) -> T:
    """Fill with one number.

    >>> from tinygrad_lite import nn
    >>> nn.init.constant_(nn.Parameter([1.0, 2.0]), 0.5)
    parameter([0.5, 0.5], requires_grad=True)
    """
    return _fill(tensor, np.full(tensor.shape, val))


def zeros_(tensor: T) -> T:
    """Fill with zeros.

    >>> from tinygrad_lite import nn
    >>> nn.init.zeros_(nn.Parameter([1.0, 2.0]))
    parameter([0., 0.], requires_grad=True)
    """
    return constant_(tensor, 0.0)


def ones_(tensor: T) -> T:
    """Fill with ones.

    >>> from tinygrad_lite import nn
    >>> nn.init.ones_(nn.Parameter([0.0, 2.0]))
    parameter([1., 1.], requires_grad=True)
    """
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: T, gain: float = 1.0, rng: Rng = None) -> T:
    """Fill evenly from ±gain · sqrt(6 / (fan_in + fan_out)), after Glorot and Bengio (2010).

    It keeps the variance of activations and gradients alike through linear and tanh layers. The
    tensor has at least two axes, (out, in, ...).

    >>> from tinygrad_lite import nn
    >>> nn.init.xavier_uniform_(nn.Linear(2, 3).weight, rng=0).shape
    (3, 2)
    """
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, rng)


def xavier_normal_(tensor: T, gain: float = 1.0, rng: Rng = None) -> T:
    """Fill normally with deviation gain · sqrt(2 / (fan_in + fan_out)), after Glorot and Bengio.

    >>> from tinygrad_lite import nn
    >>> nn.init.xavier_normal_(nn.Linear(2, 3).weight, rng=0).shape
    (3, 2)
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), rng)


def kaiming_uniform_(
    tensor: T,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: Rng = None,
) -> T:
    """Fill evenly from ±gain · sqrt(3 / fan), after He et al. (2015).

    Args:
        tensor: at least two axes, (out, in, ...).
        a: the negative slope, where the nonlinearity is ``leaky_relu``.
        mode: ``fan_in`` keeps the variance of activations, ``fan_out`` that of gradients.
        nonlinearity: what follows the layer; see ``calculate_gain``.
        rng: a NumPy Generator, a seed, or None for the default generator.

    >>> from tinygrad_lite import nn
    >>> nn.init.kaiming_uniform_(nn.Linear(2, 3).weight, nonlinearity="relu", rng=0).shape
    (3, 2)
    """
    bound = math.sqrt(3.0) * _kaiming_deviation(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, rng)


def kaiming_normal_(
    tensor: T,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: Rng = None,
) -> T:
    """Fill normally with deviation gain / sqrt(fan); arguments as of ``kaiming_uniform_``.

    >>> from tinygrad_lite import nn
    >>> nn.init.kaiming_normal_(nn.Linear(2, 3).weight, nonlinearity="relu", rng=0).shape
    (3, 2)
    """
    return normal_(tensor, 0.0, _kaiming_deviation(tensor, a, mode, nonlinearity), rng)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity shrinks a signal, inverted: for Xavier and Kaiming.

    Args:
        nonlinearity: ``linear``, ``sigmoid``, ``tanh``, ``relu``, ``leaky_relu`` or ``selu``.
        param: the negative slope of ``leaky_relu``, by default 0.01.

    >>> from tinygrad_lite import nn
    >>> nn.init.calculate_gain("relu")
    1.4142135623730951
    """
    slope = 0.01 if param is None else param
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5.0 / 3.0,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1.0 + slope**2)),
        "selu": 0.75,
    }
    if nonlinearity not in gains:
        raise ValueError(f"nonlinearity is one of {', '.join(gains)}, not {nonlinearity!r}")
    return gains[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input, for shape (out, in, ...)."""
    if tensor.ndim < 2:
        raise ValueError(
            f"Xavier and Kaiming need a weight of shape (out, in, ...), not {tensor.shape}: "
            "for a bias take zeros_ or uniform_"
        )
    out, fan_in, *field = tensor.shape
    return fan_in * math.prod(field), out * math.prod(field)


def _kaiming_deviation(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is 'fan_in' or 'fan_out', not {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _fill(tensor: T, values: Any) -> T:
    tensor.data = np.asarray(values, tensor.dtype)
    return tensor
