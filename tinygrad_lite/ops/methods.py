"""What operations are on a Tensor as operators, methods and NumPy's protocols: the one table."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from tinygrad_lite import linalg as matrices, ops
from tinygrad_lite.mode import mode
from tinygrad_lite.ops import arithmetic, compare, equivalents, index, linalg, rounding
from tinygrad_lite.ops.out import no_out
from tinygrad_lite.primitive import binary_operator, operand, reflected_operator, unary_operator
from tinygrad_lite.tensor import Tensor, Watch, new, tick


def _power(x: Tensor, y: Any) -> Any:
    if type(y) in (int, float) and y == 2:
        return arithmetic.square(x)
    return _general_power(x, y)


_general_power = binary_operator(arithmetic.power, operator.pow)


def _set(t: Tensor, index: Any, value: Any) -> None:
    """``t[index] = value``, recorded: t becomes a copy of its former state with the new values."""
    before = _former(t, f"t[...] = value on {t._describe()}")
    _become(t, before, ops.assign(before, index, value))


def _in_place(operation: Callable[[Any, Any], Any], sign: str) -> Callable[..., Any]:
    def operate(t: Tensor, value: Any) -> Any:
        is_number = getattr(mode().intercept, "is_number", None)
        if is_number is not None and is_number(t):
            return operation(t, value)
        before = _former(t, f"{sign} on {t._describe()}")
        _become(t, before, operation(before, value))
        return t

    return operate


def _former(t: Tensor, statement: str) -> Tensor:
    """The state of ``t`` before a change in place, as a tensor of its own."""
    grad = mode().grad
    if t._requires_grad and t.record is None and grad:
        raise RuntimeError(
            f"{statement}: it is a leaf that requires a gradient, so it cannot be changed in place "
            "here; update parameters under tg.no_grad(), or work on a copy (t + 0)"
        )
    if t._requires_grad and t.record is not None and not grad:
        raise RuntimeError(
            f"{statement} under no_grad(): it is the result of {t.record[0].name!r}, whose "
            "gradient would no longer fit its values; detach() it first"
        )
    changes = getattr(mode().intercept, "changes", None)
    if changes is not None:
        changes(t)
    before = new(Tensor)
    for slot in ("_data", "_requires_grad", "record", "order", "name"):
        setattr(before, slot, getattr(t, slot))
    before._grad = None
    before.watch = t.watch
    return before


def _become(t: Tensor, before: Tensor, value: Tensor) -> None:
    """Give ``t`` the values of ``value`` and a record that leads to it and to its own past."""
    if value.shape != before.shape:
        raise ValueError(f"a change in place cannot turn shape {before.shape} into {value.shape}")
    if value.dtype != before.dtype:
        if not np.can_cast(value.dtype, before.dtype, "same_kind"):
            raise TypeError(f"a change in place cannot turn {before.dtype} into {value.dtype}")
        value = ops.cast(value, before.dtype)
    if value._requires_grad:
        value = index.replaced(before, value)
        t._requires_grad = True
        t.record = value.record
        t.watch = _retained(before.watch)
    elif before.record is not None:
        t.watch = None
    t._data = value._data
    t.order = tick()


def _retained(watch: Any) -> Watch | None:
    """What the later state of a tensor takes over: hooks stay with the former, keeping does not."""
    if not isinstance(watch, Watch) or not watch.retain:
        return None
    later = Watch()
    later.retain, watch.retain = True, False
    return later


def _array_ufunc(t: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    out = kwargs.get("out")
    if out is not None and not any(isinstance(o, Tensor) for o in out):
        return _into_arrays(ufunc, method, inputs, kwargs)
    operation = _ufunc_method(ufunc, method)
    if operation is None:
        what = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        raise TypeError(f"numpy.{what} has no gradient rule here; {NO_RULE}")
    if isinstance(kwargs.get("where"), np.ndarray):
        raise TypeError(f"numpy.{ufunc.__name__} with where= cannot be recorded: use tg.where")
    return _without_out(operation, ufunc.__name__)(*inputs, **kwargs)


def _ufunc_method(ufunc: np.ufunc, method: str) -> Callable[..., Any] | None:
    """The operation that is a ufunc, or a method of one such as ``np.add.reduce``; None if none."""
    whole = numpy_table().get(ufunc)
    if method == "__call__" or whole is None:
        return whole
    if method == "outer":
        return partial(equivalents.outer_product, whole)
    names = {"reduce": equivalents.REDUCTIONS, "accumulate": equivalents.ACCUMULATIONS}
    name = names.get(method, {}).get(ufunc.__name__)
    if name is None:
        return None
    along = getattr(ops, name)
    return lambda x, axis=0, **options: along(x, axis, **options)


def _into_arrays(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
    """NumPy's own work on plain arrays, as in ``t.data -= step * t.grad``."""
    for x in inputs:
        if isinstance(x, Tensor) and x._requires_grad:
            raise TypeError(
                f"numpy.{ufunc.__name__} into an array would lose the gradient of {x._describe()}: "
                "use its values, x.data, or a tensor instead of the array"
            )
    values = [x._data if isinstance(x, Tensor) else x for x in inputs]
    return getattr(ufunc, method)(*values, **kwargs)


def _array_function(
    t: Tensor, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    name = f"{function.__module__}.{function.__name__}"
    if function.__module__ == "numpy" and name[6:] in equivalents.QUESTIONS:
        return equivalents.of_values(function, args, kwargs)
    operation = numpy_table().get(function)
    if operation is None:
        if name[6:] in equivalents.REARRANGING and not _any_needs(args):
            return equivalents.of_values(function, args, kwargs)
        advice = NO_RULE
        if function is np.copyto:
            advice = "an array cannot hold it. np.full(shape, t) is tg.full(shape, t) here"
        raise TypeError(f"{name} has no gradient rule here; {advice}")
    return _without_out(operation, function.__name__)(*args, **kwargs)


def _any_needs(args: tuple[Any, ...]) -> bool:
    return any(isinstance(x, Tensor) and x._requires_grad for x in args)


NO_RULE = (
    "for its values alone use t.detach().numpy(); for a gradient, write it with the operations of "
    "tg, or declare it by tg.primitive"
)


def _without_out(operation: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        no_out(name, kwargs.pop("out", None))
        return operation(*args, **kwargs)

    return call


_numpy: dict[Any, Callable[..., Any]] = {}


def numpy_table() -> dict[Any, Callable[..., Any]]:
    """NumPy's functions and the operations of the same name here."""
    if not _numpy:
        names = [n for n in ops.__all__ if hasattr(np, n) and callable(getattr(np, n))]
        _numpy.update({getattr(np, n): getattr(ops, n) for n in names})
        names = [n for n in matrices.__all__ if hasattr(np.linalg, n)]
        _numpy.update({getattr(np.linalg, n): getattr(matrices, n) for n in names})
        for name, operation in equivalents.EQUIVALENTS.items():
            module = np.linalg if name.startswith("linalg.") else np
            function = getattr(module, name.removeprefix("linalg."), None)  # some are of NumPy 2.1
            if function is not None:
                _numpy.setdefault(function, operation)
        _numpy.update({np.amax: ops.max, np.amin: ops.min, np.copy: ops.positive})
        _numpy[np.around] = ops.round
        _numpy[np.shape] = lambda t: t.shape
        _numpy[np.ndim] = lambda t: t.ndim
        _numpy[np.size] = lambda t, axis=None: t.size if axis is None else t.shape[axis]
    return _numpy


_BINARY: dict[str, tuple[Any, Callable[[Any, Any], Any]]] = {
    "add": (arithmetic.add, operator.add),
    "sub": (arithmetic.subtract, operator.sub),
    "mul": (arithmetic.multiply, operator.mul),
    "truediv": (arithmetic.divide, operator.truediv),
    "pow": (arithmetic.power, operator.pow),
    "floordiv": (rounding.floor_divide, operator.floordiv),
    "mod": (rounding.remainder, operator.mod),
    "matmul": (linalg.matmul, linalg.matmul.forward),
    "and": (compare.bitwise_and, operator.and_),
    "or": (compare.bitwise_or, operator.or_),
    "xor": (compare.bitwise_xor, operator.xor),
    "lshift": (compare.left_shift, operator.lshift),
    "rshift": (compare.right_shift, operator.rshift),
}

_NAMES = (  # noqa: SIM905 - a table, not a column
    "abs all any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argsort "
    "broadcast_to cbrt ceil clip cos cosh count_nonzero cumprod cumsum diag diagonal dot elu erf "
    "erfc exp exp2 expand_dims expm1 flip floor fmax fmin fmod gelu hardtanh hypot inner "
    "leaky_relu log log10 log1p log2 log_softmax logaddexp logaddexp2 logsigmoid logsumexp "
    "matmul max maximum mean median min minimum mish moveaxis negative norm outer pad power prod "
    "quantile ravel reciprocal relu remainder repeat reshape roll round selu sigmoid sign silu "
    "sin sinc sinh softmax softplus softsign sort split sqrt square squeeze std sum swapaxes "
    "take take_along_axis tan tanh tensordot tile trace transpose tril triu trunc var vdot xlogy"
).split()


def _method(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The method of Tensor that calls ``operation`` with the tensor in front."""

    @wraps(operation, updated=())
    def call(t: Tensor, *args: Any, **kwargs: Any) -> Any:
        if "out" in kwargs:
            return _without_out(operation, operation.__name__)(t, *args, **kwargs)
        return operation(t, *args, **kwargs)

    return call


METHODS: dict[str, Any] = {
    **{f"__{n}__": binary_operator(p, f) for n, (p, f) in _BINARY.items()},
    **{f"__r{n}__": reflected_operator(p) for n, (p, _) in _BINARY.items()},
    **{
        f"__i{n}__": _in_place(f, f"{sign}=")
        for n, sign, f in (
            ("add", "+", operator.add),
            ("sub", "-", operator.sub),
            ("mul", "*", operator.mul),
            ("truediv", "/", operator.truediv),
            ("pow", "**", operator.pow),
            ("floordiv", "//", operator.floordiv),
            ("mod", "%", operator.mod),
            ("matmul", "@", operator.matmul),
            ("and", "&", operator.and_),
            ("or", "|", operator.or_),
            ("xor", "^", operator.xor),
            ("lshift", "<<", operator.lshift),
            ("rshift", ">>", operator.rshift),
        )
    },
    "__pow__": _power,
    **{
        f"__{n}__": binary_operator(p, getattr(operator, n))
        for n, p in (
            ("eq", compare.equal),
            ("ne", compare.not_equal),
            ("lt", compare.less),
            ("le", compare.less_equal),
            ("gt", compare.greater),
            ("ge", compare.greater_equal),
        )
    },
    "__neg__": unary_operator(arithmetic.negative),
    "__pos__": unary_operator(arithmetic.positive),
    "__abs__": unary_operator(ops.abs),
    "__divmod__": lambda x, y: (
        ops.divmod(x, y) if isinstance(y, Tensor) or operand(y) else NotImplemented
    ),
    "__rdivmod__": lambda y, x: ops.divmod(x, y) if operand(x) else NotImplemented,
    "__round__": lambda x, decimals=0: ops.round(x, decimals),
    "__trunc__": lambda x: math.trunc(x.item()),
    "__invert__": unary_operator(compare.invert),
    "__getitem__": lambda t, index: ops.getitem(t, index),
    "__setitem__": _set,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "astype": _method(ops.cast),
    "flatten": _method(ops.ravel),
    **{name: _method(getattr(ops, name)) for name in _NAMES},
    "T": property(lambda t: ops.transpose(t), doc="The transpose: the axes reversed."),
}
