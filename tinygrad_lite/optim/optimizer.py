"""Optimizer: parameters in groups, their settings and their state, saved and restored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.mode import enable_grad, mode
from tinygrad_lite.optim.kernel import Array, Scratch
from tinygrad_lite.tensor import Tensor, constant, tick

Group = dict[str, Any]
State = dict[str, Any]

# What PyTorch writes into its groups about its own implementations.
_FOREIGN = ("foreach", "fused", "capturable", "differentiable")

# What its older versions did not write yet.
_NEWER = {"maximize", "decoupled_weight_decay"}


class Optimizer(ABC):
    """What all optimisers share; a subclass adds its rule (``update``) and its checks (``check``).

    Args:
        params: the tensors to optimise, or ``(name, tensor)`` pairs, or groups: dicts with tensors
            or pairs under ``"params"`` and settings of their own beside it.
        defaults: the settings of groups that do not have their own.

    Settings that every optimiser of this package has:
        lr: the learning rate, by which every step is multiplied.
        weight_decay: ``weight_decay * p``, the gradient of an L2 penalty, is added to the gradient
            before anything else is made of it.
        maximize: go up instead of down.

    Attributes:
        param_groups: a list of dicts: ``"params"`` and the settings, which are read anew at every
            step and may be changed between steps.
        state: for every tensor a dict of what the rule remembers about it.

    Raises:
        TypeError: if ``params`` is a single tensor or holds something else than tensors, a tensor
            is not of floating point, or a setting is no number.
        ValueError: if there is no parameter, a tensor is given twice or is the result of an
            operation, or a setting is out of its range.
    """

    state_names: ClassVar[Mapping[str, str | None]] = {}
    """What the rule remembers, and the setting that it takes to remember it (None: always)."""

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                f"{type(self).__name__} takes an iterable of tensors or of groups, not a single "
                "tensor: write [tensor]"
            )
        if hasattr(params, "parameters"):
            raise TypeError(f"{type(self).__name__} takes the parameters: model.parameters()")
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.scratch = Scratch()
        params = list(params)
        if not params:
            raise ValueError(
                f"{type(self).__name__} got no parameters: an iterator (model.parameters()) can be "
                "gone through only once; a model without layers has none"
            )
        groups = params if isinstance(params[0], dict) else [{"params": params}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: Any) -> None:
        """Add parameters with settings of their own: a dict with ``"params"`` and the settings."""
        who = f"{type(self).__name__}, group {len(self.param_groups)}"
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(f"{who}: a group is a dict with 'params', not {param_group!r:.80}")
        if unknown := param_group.keys() - self.defaults.keys() - {"params", "initial_lr"}:
            raise TypeError(
                f"{who}: unknown settings {sorted(unknown)}; it has {sorted(self.defaults)}"
            )
        members = param_group["params"]
        members = [members] if isinstance(members, Tensor) else list(members)
        if not members:
            raise ValueError(f"{who}: no parameters")
        names = [m[0] for m in members if isinstance(m, tuple)]
        tensors = [m[1] if isinstance(m, tuple) else m for m in members]
        if names and len(names) < len(members):
            raise ValueError(f"{who}: some parameters have names ({names[0]!r}) and some have none")
        seen = {id(p): i for i, g in enumerate(self.param_groups) for p in g["params"]}
        for position, p in enumerate(tensors):
            label = f"{who}, parameter {names[position] if names else position}"
            if not isinstance(p, Tensor):
                raise TypeError(f"{label}: expected a Tensor, got {type(p).__name__} {p!r:.60}")
            if p.dtype.kind != "f":
                raise TypeError(f"{label}: {p._describe()}; only floating point can be optimised")
            if p.record is not None:
                raise ValueError(
                    f"{label}: {p._describe()} is the result of {p.record[0].name!r}; only leaves "
                    "can be optimised: tensors made with requires_grad=True"
                )
            if id(p) in seen:
                raise ValueError(f"{label}: {p._describe()} is already in group {seen[id(p)]}")
            seen[id(p)] = len(self.param_groups)
        group = {**self.defaults, **param_group, "params": tensors}
        if names:
            group["param_names"] = names
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: Group) -> None:
        """Raise ValueError or TypeError for settings that the rule cannot work with."""
        self._check_not_negative(group, "lr", "weight_decay")

    def _check_not_negative(self, group: Group, *names: str) -> None:
        for name in names:
            self._check_range(name, group[name], float("inf"))

    def _check_range(self, name: str, value: Any, end: float) -> None:
        """Raise unless 0 <= value < end."""
        if not isinstance(value, (int, float, np.number)):
            raise TypeError(f"{type(self).__name__}: {name} must be a number, got {value!r}")
        if not 0 <= value < end:
            bound = f"less than {end:g} and " if isfinite(end) else "finite and "
            raise ValueError(
                f"{type(self).__name__}: {name} must be {bound}not negative, got {value!r}"
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; ``set_to_none=False`` makes them zeros instead, as new arrays."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p.grad is not None:
                    p.grad = constant(np.zeros_like(p.grad._data)[()])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place.

        A later ``backward()`` through an operation that had read the old values is an error.

        Args:
            closure: computes the loss and its gradients anew; called first.

        Returns:
            What ``closure`` returned, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        repeat = getattr(mode().intercept, "effect", None)
        if repeat is not None:
            repeat(self, self.step, list(self._parameters()))
            return loss
        moment = tick()
        for group in self.param_groups:
            parameters, gradients, states = [], [], []
            scalars: list[tuple[Tensor, Array]] = []
            for p in group["params"]:
                gradient = p._grad
                if gradient is None:
                    continue
                array, g = p._data, gradient._data
                if type(array) is not np.ndarray:
                    array, g = np.array(array), np.asarray(g)
                    scalars.append((p, array))
                p.order = moment
                parameters.append(array)
                gradients.append(g)
                states.append(self.state[p])
            if parameters:
                self.update(group, parameters, gradients, states)
            for p, array in scalars:
                p._data = array[()]
        return loss

    @abstractmethod
    def update(
        self,
        group: Group,
        parameters: list[Array],
        gradients: list[Array],
        states: list[State],
    ) -> None:
        """Carry out the rule on arrays: parameters and states change in place, gradients do not."""

    def state_dict(self) -> dict[str, Any]:
        """A copy of the state and the settings, laid out as PyTorch does it.

        ``{"state": {index: {name: array}}, "param_groups": [{"params": [index, ...], ...}]}``:
        the parameters are counted through all groups.
        """
        index = {p: i for i, p in enumerate(self._parameters())}
        return {
            "state": {
                i: {
                    name: np.array(value, getattr(value, "dtype", float))
                    for name, value in state.items()
                }
                for p, i in index.items()
                if (state := self.state.get(p))
            },
            "param_groups": [
                {**group, "params": [index[p] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the state and settings of ``state_dict()``, of this library or of PyTorch.

        The parameters themselves are not part of it. Values are copied and get the parameter's
        dtype; when anything does not fit, nothing is loaded.

        Raises:
            KeyError: if names are missing or unknown.
            ValueError: if groups or parameters differ in number, an array has another shape than
                its parameter, or a setting is out of its range.
        """
        who = type(self).__name__
        if missing := {"state", "param_groups"} - state_dict.keys():
            raise KeyError(f"{who}: the state dict lacks {sorted(missing)}")
        saved = state_dict["param_groups"]
        have = [len(group["params"]) for group in self.param_groups]
        given = [len(group["params"]) for group in saved]
        if have != given:
            raise ValueError(f"{who} has groups of {have} parameters, the state dict of {given}")
        groups = []
        owner: dict[Any, tuple[Tensor, Group]] = {}
        for group, settings in zip(self.param_groups, saved):
            if lacking := self.defaults.keys() - settings.keys() - _NEWER:
                raise KeyError(
                    f"{who}: a group of the state dict lacks {sorted(lacking)}: it is of another "
                    "kind of optimizer"
                )
            kept = {k: v for k, v in settings.items() if k not in _FOREIGN}
            merged = {**group, **kept, "params": group["params"]}
            self.check(merged)
            groups.append(merged)
            owner.update(zip(settings["params"], ((p, merged) for p in group["params"])))
        if strange := state_dict["state"].keys() - owner.keys():
            raise KeyError(f"{who}: state of parameters that are in no group: {sorted(strange)}")
        state = {}
        for i, values in state_dict["state"].items():
            p, group = owner[i]
            state[p] = self._restored(f"{who}, state of parameter {i}", p, group, values)
        for old, new in zip(self.param_groups, groups):
            old.update(new)
        self.state.clear()
        self.state.update(state)

    def _restored(self, who: str, p: Tensor, group: Group, values: Mapping[str, Any]) -> State:
        """The saved state of one parameter, checked and copied."""
        state: State = {}
        for name, value in values.items():
            if name not in self.state_names:
                raise KeyError(f"{who}: unknown name {name!r}; it has {sorted(self.state_names)}")
            if value is None:
                continue
            array = np.asarray(value.detach() if hasattr(value, "detach") else value)
            if name == "step":
                state[name] = int(array)
                if state[name] < 0:
                    raise ValueError(f"{who}: 'step' is a number of updates, not {state[name]}")
                continue
            if array.shape != p.shape:
                raise ValueError(
                    f"{who}: {name!r} has shape {array.shape}, {p._describe()} has {p.shape}"
                )
            state[name] = np.empty_like(p.numpy())
            state[name][...] = array
        needed = {n for n, setting in self.state_names.items() if not setting or group[setting]}
        if state and (missing := needed - state.keys()):
            raise KeyError(f"{who} lacks {sorted(missing)}")
        return state

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}("]
        for i, group in enumerate(self.param_groups):
            tensors = group["params"]
            settings = ", ".join(
                f"{k}={v!r}" for k, v in group.items() if k not in ("params", "param_names")
            )
            numbers = sum(p.size for p in tensors)
            lines.append(f"  group {i}: {len(tensors)} tensors, {numbers:,} numbers, {settings}")
        return "\n".join([*lines, ")"])
