"""Parameters side by side in memory, so that one update does for all the small ones of a group."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.tensor import Tensor, tick

Array = np.ndarray[Any, Any]


def joined(tensors: Sequence[Tensor]) -> Array | None:
    """One vector of which the data of all tensors are the parts, in order, or None.

    Tensors whose memory nobody else holds are moved there; none is moved otherwise.
    """
    found = _stretch([t._data for t in tensors])
    if found is not None:
        return found
    if any(sys.getrefcount(t._data) > 2 or t._data.base is not None for t in tensors):
        return None
    whole = np.concatenate([t._data.reshape(-1) for t in tensors])
    for t, part in zip(tensors, parts(whole, [t._data for t in tensors])):
        t._data = part
    return whole


def parts(whole: Array, like: Sequence[Array]) -> list[Array]:
    """Views of a vector, one after the other, with the shapes of ``like``."""
    ends = np.cumsum([a.size for a in like])
    return [w.reshape(a.shape) for w, a in zip(np.split(whole, ends[:-1]), like)]


def _stretch(arrays: Sequence[Array]) -> Array | None:
    """The part of a common vector that the arrays fill, if they lie there in order."""
    base = arrays[0].base
    if not isinstance(base, np.ndarray) or base.ndim != 1 or not base.flags.c_contiguous:
        return None
    start = place = _address(arrays[0])
    for a in arrays:
        if a.base is not base or _address(a) != place or not a.flags.c_contiguous:
            return None
        if a.dtype != base.dtype:
            return None
        place += a.nbytes
    first = (start - _address(base)) // base.itemsize
    return base[first : first + (place - start) // base.itemsize]


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


class Joint:
    """The state of several parameters as that of one: vectors of which theirs are parts."""

    def __init__(self, tensors: Sequence[Tensor], state: dict[Tensor, dict[str, Any]]) -> None:
        self.tensors = list(tensors)
        self.source = state
        self.states = [state[t] for t in tensors]
        self.whole: dict[str, Any] = {}
        for key, value in self.states[0].items():
            values = [s[key] for s in self.states]
            if isinstance(value, np.ndarray):
                self.whole[key] = np.concatenate([v.reshape(-1) for v in values])
                self._spread(key)
            else:
                self.whole[key] = value
        self._note()

    @staticmethod
    def fits(tensors: Sequence[Tensor], state: dict[Tensor, dict[str, Any]]) -> bool:
        """Whether the states are of one kind, so that they can be joined."""
        states = [state[t] for t in tensors]
        for s, t in zip(states, tensors):
            if s.keys() != states[0].keys():
                return False
            for key, value in s.items():
                first = states[0][key]
                if isinstance(value, np.ndarray):
                    if value.shape != t.shape or value.dtype != t._data.dtype:
                        return False
                elif type(value) is not type(first) or value != first:
                    return False
        return True

    def _spread(self, key: str) -> None:
        like = [t._data for t in self.tensors]
        for s, part in zip(self.states, parts(self.whole[key], like)):
            s[key] = part

    def _note(self) -> None:
        self._copies = [dict(s) for s in self.states]
        self._numbers = [k for k, v in self.whole.items() if not isinstance(v, np.ndarray)]

    def intact(self) -> bool:
        """Whether nobody has put in another state since."""
        try:  # what is the very same object is equal; arrays that are not cannot even be compared
            return [*map(self.source.get, self.tensors)] == self._copies
        except ValueError:
            return False

    def tell(self) -> None:
        """Let the states of the parameters show what an update did to the common one."""
        if not self._numbers and len(self.whole) == len(self.states[0]):
            return
        new = [key for key in self.whole if key not in self.states[0]]
        for key in (*new, *self._numbers):
            if isinstance(self.whole[key], np.ndarray):
                self._spread(key)
            else:
                for t in self.tensors:
                    self.source[t][key] = self.whole[key]
        self._note()


class Update:
    """An optimiser's step on the arrays of a program: groups of small parameters as one.

    Args:
        optimizer: whose ``update`` is called.
        lots: for each group of the optimiser, by number, the lots of parameters that are updated
            together, with the vector of their gradients, if there is one, and each gradient.
    """

    def __init__(
        self, optimizer: Any, lots: dict[int, list[tuple[list[Tensor], Array | None, list[Array]]]]
    ) -> None:
        self.optimizer = optimizer
        self.lots = lots
        self.tensors = [t for group in lots.values() for lot in group for t in lot[0]]
        self._plan: list[tuple[Any, list[Array], list[Array], list[Any]]] = []
        self._joints: list[Joint] = []
        self._data: list[Array] = []

    def prepare(self) -> None:
        """Find, or make, the vectors to work on."""
        state = self.optimizer.state
        self._plan, self._joints = [], []
        for number, lots in self.lots.items():
            arrays: list[Array] = []
            gradients: list[Array] = []
            states: list[Any] = []
            for tensors, gradient, each in lots:
                whole = None
                if gradient is not None and len(tensors) > 1 and Joint.fits(tensors, state):
                    whole = joined(tensors)
                if whole is None or gradient is None:
                    arrays += [t._data for t in tensors]
                    gradients += each
                    states += [_Own(state, t) for t in tensors]
                else:
                    joint = Joint(tensors, state)
                    self._joints.append(joint)
                    arrays.append(whole)
                    gradients.append(gradient)
                    states.append(joint.whole)
            self._plan.append((self.optimizer.param_groups[number], arrays, gradients, states))
        self._data = [t._data for t in self.tensors]

    def __call__(self) -> None:
        """Carry it out."""
        for joint in self._joints:
            if not joint.intact():
                self.prepare()
                break
        for group, arrays, gradients, states in self._plan:
            given = [s.now() if type(s) is _Own else s for s in states]
            self.optimizer.update(group, arrays, gradients, given)
        for joint in self._joints:
            joint.tell()
        moment = tick()
        for t in self.tensors:
            t.order = moment


class _Own:
    """The state of a single parameter, whichever it is at the time."""

    def __init__(self, state: Any, tensor: Tensor) -> None:
        self.state = state
        self.tensor = tensor

    def now(self) -> Any:
        return self.state[self.tensor]
