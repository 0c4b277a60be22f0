"""Module: parameters and the computation that uses them, nested to any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import ref

import numpy as np

from tinygrad_lite.mode import Scope, enter_mode, leave_mode, mode, mode_of
from tinygrad_lite.nn.parameter import Buffer, Parameter, convert
from tinygrad_lite.tensor import Tensor, constant

if TYPE_CHECKING:
    from tinygrad_lite.nn.summary import Summary

Self = TypeVar("Self", bound="Module")
T = TypeVar("T")


class IncompatibleKeys(NamedTuple):
    """The names that a state dict lacked, and those that the module has no use for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """The base of every layer and model: define ``forward``, assign parameters and modules.

    Parameters and modules are found where they are assigned: as attributes, and in lists, tuples
    and dicts that are attributes, at any depth. Their names are paths such as ``layers.0.weight``,
    in the order of assignment, a module's own parameters before those of the modules in it. A
    parameter that is used in two places is one parameter, under the first of its names.

    A module must not hold the module that it is part of.

    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         self.factor = nn.Parameter(3.0)
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> Scale()(tg.tensor([1.0, 2.0])).tolist()
    [3.0, 6.0]
    """

    training: bool = True

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What the module computes; called by calling the module."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward method: define forward(self, x)"
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        grad, intercept, scope = mode()
        if scope is None and np.ndarray in map(type, inputs):  # from here on, arrays are tensors
            inputs = tuple([constant(x) if type(x) is np.ndarray else x for x in inputs])
        token = enter_mode(mode_of((grad, intercept, Scope(ref(self), scope))))
        try:
            return self.forward(*inputs, **options)
        finally:
            leave_mode(token)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Parameter, Buffer)):
            for other, held in vars(self).items():
                if held is value and other != name:
                    raise ValueError(
                        f"{type(self).__name__}.{name}: this parameter is {other!r} already, and "
                        "one module has one name for it; modules may share it"
                    )
            value.name = value.name or name
        elif value is not None and isinstance(vars(self).get(name), Parameter):
            raise TypeError(
                f"{type(self).__name__}.{name} is a parameter, so it takes another Parameter or "
                f"None, not a {type(value).__name__}; to change its values assign to "
                f"{name}.data, or compute under another name"
            )
        object.__setattr__(self, name, value)

    # What it is made of

    def parameters(self) -> Iterator[Parameter]:
        """The parameters in it, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The parameters in it with their names, each once.

        >>> from tinygrad_lite import nn
        >>> [name for name, _ in nn.Sequential(nn.Linear(2, 3), nn.ReLU()).named_parameters()]
        ['0.weight', '0.bias']
        """
        return once((name, t) for name, t in self._state() if isinstance(t, Parameter))

    def buffers(self) -> Iterator[Buffer]:
        """The buffers in it, each once."""
        return (buffer for _, buffer in self.named_buffers())

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """The buffers in it with their names, each once."""
        return once((name, t) for name, t in self._state() if isinstance(t, Buffer))

    def children(self) -> Iterator[Module]:
        """The modules directly in it, each once."""
        return (module for _, module in self.named_children())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in it with their names, each once."""
        return once((name, m) for name, m in self._contents() if isinstance(m, Module))

    def modules(self) -> Iterator[Module]:
        """Itself and the modules in it at any depth, each once."""
        return (module for _, module in self.named_modules())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Itself, under the name "", and the modules in it with their names, each once."""
        return once(self._walk("", ()))

    def child_name(self, module: Module) -> str | None:
        """The name of a module somewhere in this one, such as ``layers.0``; None if it is not."""
        return next((name for name, m in self.named_modules() if m is module), None)

    def _contents(self) -> Iterator[tuple[str, Any]]:
        """Its own parameters, buffers and modules, with their names."""
        for name, value in vars(self).items():
            yield from opened(name, value, ())

    def _walk(self, name: str, above: tuple[Module, ...]) -> Iterator[tuple[str, Module]]:
        """Itself and the modules in it, once for each of their names."""
        if any(self is module for module in above):
            raise RuntimeError(
                f"{type(self).__name__} contains itself, under the name {name!r}: a module cannot "
                "hold a module that it is part of; pass what it needs to forward"
            )
        yield name, self
        for key, value in self._contents():
            if isinstance(value, Module):
                yield from value._walk(joined(name, key), (*above, self))

    def _state(self) -> Iterator[tuple[str, Parameter | Buffer]]:
        """The parameters and buffers in it, once for each of their names."""
        for name, module in self._walk("", ()):
            own = [(key, t) for key, t in module._contents() if isinstance(t, (Parameter, Buffer))]
            own.sort(key=lambda entry: isinstance(entry[1], Buffer))  # stable: parameters first
            yield from ((joined(name, key), t) for key, t in own)

    # What can be done with all of it

    def train(self: Self, mode: bool = True) -> Self:
        """Set ``training`` on every module in it, which Dropout and the like go by."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """``train(False)``: for measuring and using the model."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of its parameters: they become None."""
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Set whether its parameters are trained; False freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def apply(self: Self, function: Callable[[Module], Any]) -> Self:
        """Call ``function`` on every module in it, the inner ones first, and on itself."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def to(self: Self, dtype: Any) -> Self:
        """Convert its floating point parameters and buffers in place; optimisers keep them.

        >>> import numpy as np
        >>> from tinygrad_lite import nn
        >>> nn.Linear(2, 3).to(np.float64).weight.dtype
        dtype('float64')
        """
        dtype = np.dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(f"a module computes in floating point, so it cannot be made {dtype}")
        for _, tensor in self._state():
            if tensor.dtype.kind == "f":
                convert(tensor, dtype)
        return self

    def float(self: Self) -> Self:
        """``to(np.float32)``."""
        return self.to(np.float32)

    def double(self: Self) -> Self:
        """``to(np.float64)``."""
        return self.to(np.float64)

    # Saving and loading

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Copies of its parameters and buffers by name, in order; PyTorch's names and shapes.

        >>> from tinygrad_lite import nn
        >>> {name: array.shape for name, array in nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        state: dict[str, np.ndarray[Any, Any]] = {}
        for name, tensor in self._state():
            if name in state:
                raise ValueError(f"two parameters of {type(self).__name__} have the name {name!r}")
            state[name] = np.array(tensor.data)
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True
    ) -> IncompatibleKeys:
        """Take over the values of a state dict, in place; either all of it is loaded or nothing.

        Args:
            state_dict: arrays, tensors, or tensors of PyTorch, by name. They are copied and
                converted to the dtypes that the parameters have.
            strict: whether the names must be exactly those of ``state_dict()``.

        Returns:
            The names that were missing and those that were not expected, as PyTorch does.

        Raises:
            ValueError: if names, shapes or dtypes do not fit, with a list of all that do not.

        >>> from tinygrad_lite import nn
        >>> model = nn.Linear(2, 3)
        >>> model.load_state_dict(nn.Linear(2, 3).state_dict())
        IncompatibleKeys(missing_keys=[], unexpected_keys=[])
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"a state dict maps names to arrays; this is a {type(state_dict).__name__}"
            )
        own = dict(self._state())
        keys = IncompatibleKeys(
            [name for name in own if name not in state_dict],
            [name for name in state_dict if name not in own],
        )
        problems = []
        if strict:
            problems += [f"missing: {name}" for name in keys.missing_keys]
            problems += [f"unexpected: {name}" for name in keys.unexpected_keys]
        arrays = {name: as_array(state_dict[name]) for name in own if name in state_dict}
        for name, array in arrays.items():
            tensor = own[name]
            if array.shape != tensor.shape:
                problems.append(f"{name}: shape {array.shape}, should be {tensor.shape}")
            elif not np.can_cast(array.dtype, tensor.dtype, "same_kind"):
                problems.append(f"{name}: {array.dtype} cannot become {tensor.dtype}")
        if problems:
            raise ValueError(
                f"the state dict does not fit {type(self).__name__}, and nothing was loaded:\n  "
                + "\n  ".join(problems)
            )
        for name, array in arrays.items():
            own[name].data = array.astype(own[name].dtype)
        return keys

    # As it is shown

    def summary(self, example: Any = None) -> Summary:
        """Its layers with their output shapes, parameters and memory: print it for a table.

        Args:
            example: a batch of inputs or, as a tuple of integers, the shape of one, the axis of
                examples included; a tuple of such for several inputs. The model is run on it, in
                evaluation mode and without recording. Without one there are no output shapes.

        >>> from tinygrad_lite import nn
        >>> nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)).summary((128, 784))
        layer        output      parameters
        ───────────────────────────────────
        Sequential   (128, 10)
          0: Linear  (128, 512)     401,920
          1: ReLU    (128, 512)
          2: Linear  (128, 10)        5,130
        ───────────────────────────────────
        407,050 parameters
        1.6 MiB of parameters + 1.6 MiB of gradients + 517.0 KiB of outputs
        """
        from tinygrad_lite.nn.summary import summarised

        return summarised(self, example)

    def extra_repr(self) -> str:
        """What stands in the brackets of its repr: the settings of a layer."""
        return ""

    @recursive_repr("...")
    def __repr__(self) -> str:
        lines = [
            f"({name}): {value!r}".replace("\n", "\n  ")
            for name, value in self._contents()
            if isinstance(value, Module)
        ]
        settings = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({settings})"
        if settings:
            lines.insert(0, settings)
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def opened(name: str, value: Any, above: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """The parameters, buffers and modules that ``value`` is, or holds if it is a container."""
    if isinstance(value, (Parameter, Buffer, Module)):
        yield name, value
    elif isinstance(value, (list, tuple, dict)):
        if any(value is container for container in above):
            raise RuntimeError(f"the {type(value).__name__} {name!r} contains itself")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from opened(joined(name, str(key)), item, (*above, value))


def joined(prefix: str, name: str) -> str:
    """The path of ``name`` inside ``prefix``."""
    return f"{prefix}.{name}" if prefix else name


def once(named: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """Each object under the first of its names."""
    seen = set()
    for name, value in named:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value


def as_array(value: Any) -> np.ndarray[Any, Any]:
    """The values of an array, a tensor, or a tensor of PyTorch on any device."""
    if not isinstance(value, Tensor):
        for step in ("detach", "cpu", "numpy"):
            if hasattr(value, step):
                value = getattr(value, step)()
    return np.asarray(value.data if isinstance(value, Tensor) else value)
