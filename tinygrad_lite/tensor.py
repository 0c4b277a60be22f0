"""Tensor: a value, its gradient, and the record of the operation that made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite.assigned import by_assignment
from tinygrad_lite.hints import HINTS, Absent
from tinygrad_lite.mode import mode

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

tick = count(1).__next__  # the moments that order records and in-place changes

Hook = Callable[["Tensor"], "Tensor | None"]


class Watch:
    """What a tensor wants done with its gradient when it arrives: hooks, and whether to keep it."""

    __slots__ = ("hooks", "retain")

    def __init__(self) -> None:
        self.hooks: dict[int, Hook] = {}
        self.retain = False


class Tensor:
    """An array that remembers how it was computed.

    Args:
        data: anything ``numpy.array`` takes: it is copied. Floating point, integer, boolean or
            complex; a single number is held as a NumPy scalar.
        requires_grad: whether ``backward()`` leaves the gradient of its output in ``grad``.
        dtype: the NumPy dtype to convert to; by default NumPy's own choice.
        name: shown in pictures, traces and error messages.

    Raises:
        TypeError: if the data are not numeric, or a gradient is asked of integers or booleans.

    Assignment, ``t[i] = v`` and ``t += v``, changes this tensor alone, under all its names, and is
    recorded. A slice is a tensor of its own: ``t[0][1] = v`` changes the slice, ``t[0, 1] = v``
    changes ``t``.

    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = (
        "__weakref__",
        "_data",
        "_grad",
        "_requires_grad",
        "name",
        "order",
        "record",
        "watch",
    )

    _data: Any
    _grad: Tensor | None
    _requires_grad: bool
    name: str | None
    order: int
    record: Any
    watch: Watch | Cut | None  # of a gradient: what to do with it, or why none arrives

    def __init__(
        self,
        data: ArrayLike | Tensor,
        requires_grad: bool = False,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(name, (str, type(None))):
            raise TypeError(f"the name of a tensor is a string, not {name!r}")
        self._data = _own(data, dtype)
        self._requires_grad = False
        self.record = None
        self.order = tick()
        self._grad = None
        self.name = name
        self.watch = None
        if requires_grad:
            self.requires_grad = True

    # What it holds

    @property
    def data(self) -> Any:
        """The values: a NumPy array, or a NumPy scalar where there are no dimensions.

        Assigning replaces the values without a record, and so does ``t.data -= step``. A later
        ``backward()`` through an operation that had read the old ones is an error that names the
        operation. Writing into the array behind the tensor's back (``t.data[0] = 1.0``) is seen
        only under ``tg.detect_anomaly()``: use ``t[0] = 1.0``.
        """
        if mode().intercept is not None:
            looked_at(self, "t.data")
        data = self._data
        return data if isinstance(data, (np.ndarray, np.generic)) else np.asarray(data)[()]

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if mode().intercept is not None:
            looked_at(self, "t.data = ...")
        if self.record is not None:
            raise RuntimeError(
                f"{self._describe()} is the result of {self.record[0].name!r}, so its data cannot "
                "be replaced: use t[...] = values, which is recorded, or detach() it first"
            )
        if type(value) is type(self._data) is np.float64:  # a scalar graph has very many of these
            self._data = value
            self.order = tick()
            return
        value = np.asarray(value)
        if value.shape != self.shape:
            raise ValueError(
                f"{self._describe()} cannot take data of shape {value.shape}: make a new tensor"
            )
        if value.dtype != self.dtype:
            if not np.can_cast(value.dtype, self.dtype, "same_kind"):
                raise TypeError(f"{self._describe()} cannot take data of dtype {value.dtype}")
            value = value.astype(self.dtype)
        self._data = value if value.ndim else value[()]
        self.order = tick()

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow into this tensor; can be set on leaves of floating dtype."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.record is not None and not value:
            raise RuntimeError(
                f"{self._describe()} is the result of {self.record[0].name!r}: "
                "use detach() for a tensor without a gradient"
            )
        if value and self.dtype.kind != "f":
            raise TypeError(
                f"a tensor of dtype {self.dtype} cannot require a gradient: only floating point "
                "can; convert it, for example tg.tensor(data, dtype='float64', requires_grad=True)"
            )
        self._requires_grad = bool(value)
        if value and not isinstance(self.watch, Watch):
            self.watch = None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward()`` left here: of this tensor's shape and dtype, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | ArrayLike | None) -> None:
        if value is not None:
            shape, dtype = self.shape, self.dtype
            value = value if isinstance(value, Tensor) else Tensor(value)
            if value.shape != shape:
                raise ValueError(
                    f"{self._describe()} cannot take a gradient of shape {value.shape}"
                )
            if value.dtype != dtype:
                if not np.can_cast(value.dtype, dtype, "same_kind"):
                    raise TypeError(
                        f"{self._describe()} cannot take a gradient of dtype {value.dtype}"
                    )
                value = Tensor(value, dtype=dtype)
        self._grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` in place and return the tensor itself."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than by a recorded operation."""
        return self.record is None

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        shape: tuple[int, ...]
        try:
            shape = self._data.shape
        except AttributeError:  # a Python number
            shape = ()
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the values."""
        dtype: np.dtype[Any]
        try:
            dtype = self._data.dtype
        except AttributeError:  # a Python number
            dtype = np.asarray(self._data).dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return np.ndim(self._data)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.size(self._data))

    def item(self) -> Any:
        """The one value as a Python number; an error if there are several."""
        looked_at(self, "item() or a conversion to a number")
        if self.size != 1:
            raise ValueError(f"item() needs a tensor of one element, not of shape {self.shape}")
        return np.asarray(self._data).item()

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as an array: it shares memory with the tensor, so treat it as read-only."""
        looked_at(self, "t.numpy() or printing")
        return np.asarray(self._data)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.numpy().tolist()

    def detach(self) -> Tensor:
        """The same values, shared, cut off from the graph: no gradient flows through."""
        t = constant(self._data)
        t.watch = cut("detach()", "", (self,))
        return t

    # The backward pass

    def backward(
        self, gradient: Tensor | ArrayLike | None = None, create_graph: bool = False
    ) -> None:
        """Add the derivative of this tensor to ``grad`` of every leaf it was computed from.

        Args:
            gradient: the cotangent to start from, of this tensor's shape; 1 by default, which
                needs a tensor of one element.
            create_graph: record the backward pass as well, so that gradients can be
                differentiated again.

        Raises:
            RuntimeError: if it requires no gradient, is not a single number and no gradient was
                given, or a tensor it depends on was overwritten after it had been read.
            ValueError: if the gradient has another shape.

        >>> import tinygrad_lite as tg
        >>> x = tg.tensor(3.0, requires_grad=True)
        >>> (x**2).backward()
        >>> x.grad.item()
        6.0
        """
        run_backward(self, gradient, create_graph)

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in ``grad``, as leaves do, though it is a result."""
        if not self._requires_grad:
            raise RuntimeError(f"{self._describe()} requires no gradient, so there is none to keep")
        if self.record is not None:
            self._watched().retain = True

    def register_hook(self, hook: Hook) -> Callable[[], None]:
        """Call ``hook(gradient)`` when this tensor's gradient is complete in a backward pass.

        A tensor that the hook returns takes the gradient's place. The function returned here
        removes the hook.

        >>> import tinygrad_lite as tg
        >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
        >>> remove = x.register_hook(lambda g: g * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        if not self._requires_grad:
            raise RuntimeError(f"{self._describe()} requires no gradient, so no hook would be run")
        if not callable(hook):
            raise TypeError(f"a hook is a function of the gradient, not {hook!r}")
        hooks = self._watched().hooks
        key = tick()
        hooks[key] = hook
        return lambda: void(hooks.pop(key, None))

    def _watched(self) -> Watch:
        if not isinstance(self.watch, Watch):
            self.watch = Watch()
        return self.watch

    # As Python and NumPy see it

    def __repr__(self) -> str:
        kind = type(self).__name__.lower()
        values = np.array2string(self.numpy(), separator=", ", prefix=f"{kind}(", threshold=100)
        dtype = self.dtype
        parts = [values]
        if dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={dtype}")
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.record is not None:
            parts.append(f"from={self.record[0].name}")
        elif self._requires_grad:
            parts.append("requires_grad=True")
        return f"{kind}({', '.join(parts)})"

    def _describe(self) -> str:
        """The tensor in an error message: its name, or its shape and dtype."""
        kind = f"shape {self.shape}, {self.dtype}"
        return f"tensor {self.name!r} ({kind})" if self.name else f"a tensor of {kind}"

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a tensor without dimensions has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("a tensor without dimensions cannot be iterated over")
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        looked_at(self, "`if`, `while`, `and`, `or` or bool()")
        if np.size(self._data) != 1:
            raise ValueError(
                f"{self._describe()} is neither true nor false: ask tg.all(t) or tg.any(t), or "
                "choose element by element with tg.where"
            )
        return bool(self._data)

    def __float__(self) -> float:
        if self._requires_grad and by_assignment():
            self._refuse_array()
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return self.numpy().__index__()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    __hash__ = object.__hash__

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.record is not None:
            raise RuntimeError(
                f"{self._describe()} is the result of {self.record[0].name!r}: "
                "only leaves can be copied deeply; detach() it first"
            )
        twin = type(self).__new__(type(self))
        twin.__setstate__(self.__getstate__())
        memo[id(self)] = twin
        return twin

    def __getstate__(self) -> tuple[Any, ...]:
        if self.record is not None:
            raise RuntimeError(
                f"{self._describe()} is the result of {self.record[0].name!r}: "
                "only leaves can be copied or pickled; detach() it first"
            )
        grad = None if self.grad is None else self.grad._data
        return np.array(self._data)[()], self._requires_grad, self.name, np.array(grad)[()]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._data, self._requires_grad, self.name, grad = state
        self._grad = None if grad is None else constant(grad)
        self.record = self.watch = None
        self.order = tick()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        looked_at(self, "a conversion to a NumPy array")
        if self._requires_grad:
            self._refuse_array()
        return np.array(self._data, dtype=dtype, copy=copy)

    def _refuse_array(self) -> None:
        raise TypeError(
            f"{self._describe()} requires a gradient, which a NumPy array would lose: use "
            "t.detach(), t.numpy() or t.item() for the values, or the function of the same name in "
            "tg; of a list of tensors, tg.stack makes one tensor, and of one number tg.full"
        )

    if TYPE_CHECKING:  # bound below, from the table in ops/methods.py
        T: Tensor

        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]


def _own(data: Any, dtype: Any) -> Any:
    """A private copy of ``data`` as an array, or as a NumPy scalar if it has no dimensions."""
    if isinstance(data, Tensor):
        copied = getattr(mode().intercept, "copied", None)
        if copied is not None:
            return copied(data, dtype)
        data = data._data
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError("a tensor has no mask: fill the masked array, or use tg.where")
    try:
        if isinstance(data, (list, tuple)) and any(isinstance(x, Tensor) for x in data):
            if any(isinstance(x, Tensor) and x._requires_grad for x in data):
                raise TypeError(
                    "tensor() copies numbers, so the gradients of these tensors would be lost: "
                    "tg.stack(tensors) joins them and records it"
                )
            data = [x.numpy() if isinstance(x, Tensor) else x for x in data]
        array = np.array(data, dtype=dtype)
    except ValueError as error:
        raise ValueError(f"a tensor needs rows of equal length: {error}") from None
    if array.dtype.kind not in "fiubc":
        raise TypeError(
            f"a tensor holds numbers; {type(data).__name__} gave an array of dtype {array.dtype}"
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array if array.ndim else array[()]


def constant(value: Any) -> Tensor:
    """A tensor around ``value`` as it is: not copied, no gradient, older than any record."""
    t = new(Tensor)
    t._data = value
    t._requires_grad = False
    t.order = 0
    t.record = t._grad = t.name = t.watch = None
    return t


def lift(value: Any) -> Tensor:
    """The value as a tensor: itself if it is one, else a constant around it."""
    return value if isinstance(value, Tensor) else constant(value)


def tensor(
    data: ArrayLike | Tensor,
    requires_grad: bool = False,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """Make a tensor from numbers, nested lists, an array or another tensor; the data are copied.

    See :class:`Tensor` for the arguments and errors.

    >>> import tinygrad_lite as tg
    >>> tg.tensor([[1, 2], [3, 4]], dtype="float32")
    tensor([[1., 2.],
            [3., 4.]], dtype=float32)
    >>> tg.tensor(0.5, requires_grad=True, name="slope")
    tensor(0.5, name='slope', requires_grad=True)
    """
    return Tensor(data, requires_grad, dtype, name)


def looked_at(t: Tensor, what: str) -> None:
    """Tell an intercept that wants to know (it has a method ``look``) that Python reads values."""
    look = getattr(mode().intercept, "look", None)
    if look is not None:
        look(t, what)


def void(_: Any) -> None:
    """Nothing, whatever is given."""


new = object.__new__

# Late, because operations are made of tensors: the operators and methods bind to them here.
from tinygrad_lite.backward import run_backward  # noqa: E402
from tinygrad_lite.ops import methods  # noqa: E402
from tinygrad_lite.primitive import Cut, cut  # noqa: E402

for _name, _method in methods.METHODS.items():
    setattr(Tensor, _name, _method)
for _name in HINTS.keys() - methods.METHODS.keys():  # not __getattr__: it slows every attribute
    setattr(Tensor, _name, Absent(_name))
