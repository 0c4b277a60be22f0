"""Functions of functions: gradients, products with the Jacobian, and the Jacobian itself.

They take functions of arrays, of tensors, and of nested tuples, lists and dicts of them, and give
tensors in the same nest. Each can be applied to the result of another.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite import graph, ops
from tinygrad_lite.backward import cotangents
from tinygrad_lite.mode import mode, switched
from tinygrad_lite.tensor import Tensor, constant, lift
from tinygrad_lite.tree import Structure, aligned, flatten, paths

Function = Callable[..., Any]


def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """The function that returns the gradient of ``f``, which returns a single number.

    Args:
        f: the function; it is called with tensors.
        argnums: the positional argument to differentiate by; several give a tuple of gradients.
        has_aux: whether ``f`` returns a pair, the number and anything else; the result is then the
            pair of the gradient and that.

    Raises:
        TypeError: if ``f`` returns anything but a single number, or an argument is not floating.

    >>> import tinygrad_lite as tg
    >>> tg.grad(lambda x: x**3)(2.0)
    tensor(12.)
    >>> tg.grad(tg.grad(lambda x: x**3))(2.0)
    tensor(12.)
    >>> tg.grad(lambda p: p["w"] * p["b"])({"w": 2.0, "b": 3.0})
    {'w': tensor(3.), 'b': tensor(2.)}
    """
    both = value_and_grad(f, argnums, has_aux)

    def gradient(*arguments: Any, **options: Any) -> Any:
        value, result = both(*arguments, **options)
        return (result, value[1]) if has_aux else result

    return gradient


def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Function:
    """The function that returns the value of ``f`` and its gradient; see :func:`grad`.

    With ``has_aux`` the value is the pair that ``f`` returned.

    >>> import tinygrad_lite as tg
    >>> tg.value_and_grad(lambda x: (x * x).sum())(tg.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """

    def both(*arguments: Any, **options: Any) -> Any:
        marks, structure, call = _mark(f, arguments, argnums, options)
        with switched(grad=True):
            result = call(marks)
        if has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError(
                "has_aux=True needs a function that returns a pair, the number and anything else; "
                f"this one returned {type(result).__name__}"
            )
        output, *aux = result if has_aux else (result,)
        output = _single(output)
        gradients = structure(_pull(output, marks, None))
        value = _settled(output, marks)
        if has_aux:
            parts, nest = flatten(aux[0])
            aux = [nest([_settled(x, marks) if isinstance(x, Tensor) else x for x in parts])]
        return (value, *aux) if has_aux else value, gradients

    return both


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """The value of ``f`` at ``primals``, and the function that carries a cotangent back.

    That function takes a cotangent in the shape (and nest) of the value, and returns the tuple of
    the vector-Jacobian products, one for each of ``primals``.

    >>> import tinygrad_lite as tg
    >>> value, pull = tg.vjp(lambda x, y: x * y, tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    >>> pull(tg.tensor([1.0, 10.0]))
    (tensor([ 3., 40.]), tensor([ 1., 20.]))
    """
    marks, structure, call = _mark(f, primals, tuple(range(len(primals))), {})
    with switched(grad=True):
        result = call(marks)
    outputs, nest = flatten(result)

    def pull(cotangent: Any) -> Any:
        return structure(_pull_all(outputs, marks, aligned(cotangent, result, "cotangent")))

    return nest([_settled(lift(o), marks) for o in outputs]), pull


def jvp(f: Function, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of ``f`` at ``primals``, and its derivative in the direction of ``tangents``.

    Both are tuples with one item for each argument of ``f``; of a single argument that is no tuple
    or list, they may be the argument and the tangent themselves.

    A vector-Jacobian product is linear in its cotangent; its own vector-Jacobian product is the
    Jacobian-vector product, so two backward passes give it.

    >>> import tinygrad_lite as tg
    >>> tg.jvp(lambda x: x**2, (tg.tensor([1.0, 2.0]),), (tg.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    primals, tangents = _in_row(primals, tangents)
    directions = aligned(tangents, primals, "tangents")
    if any(d is None for d in directions):
        raise TypeError("a tangent is None: give zeros where there is no movement")
    marks, _, call = _mark(f, tuple(primals), tuple(range(len(primals))), {})
    with switched(grad=True):
        outputs, nest = flatten(call(marks))
        outputs = [lift(o) for o in outputs]
        _matching(marks, directions, "tangents")
        probes = [constant(np.zeros(o.shape, o.dtype)[()]) for o in outputs]
        for probe in probes:
            probe._requires_grad = True
        pulled = _pull_all(outputs, marks, probes, create_graph=True)
    further = any(_differentiable(o, marks) for o in outputs) or any(map(_recorded, directions))
    moved = _pull_all(pulled, probes, directions, create_graph=further)
    return nest([_settled(o, marks) for o in outputs]), nest(moved)


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns all derivatives of the elements of ``f``'s result.

    The Jacobian in an argument of shape S, of a result of shape R, has shape R + S.

    >>> import tinygrad_lite as tg
    >>> tg.jacobian(lambda x: x**2)(tg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    def whole(*arguments: Any, **options: Any) -> Any:
        marks, structure, call = _mark(f, arguments, argnums, options)
        with switched(grad=True):
            outputs, nest = flatten(call(marks))
        return nest([structure(_rows(lift(output), marks)) for output in outputs])

    return whole


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns the second derivatives of ``f``, which returns a single number.

    In an argument of shape S its shape is S + S.

    >>> import tinygrad_lite as tg
    >>> tg.hessian(lambda x: (x**3).sum())(tg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, primals: Any, tangents: Any) -> Any:
    """The Hessian of ``f`` at ``primals`` times ``tangents``, without forming the Hessian.

    Returns a tuple, one product for each of ``primals``; if these are no tuple but the one argument
    itself, the product itself.

    >>> import tinygrad_lite as tg
    >>> tg.hvp(lambda x: (x**3).sum(), (tg.tensor([1.0, 2.0]),), (tg.tensor([1.0, 1.0]),))
    (tensor([ 6., 12.]),)
    """
    row, directions = _in_row(primals, tangents)
    product = jvp(grad(f, tuple(range(len(row)))), row, directions)[1]
    return product if isinstance(primals, (list, tuple)) else product[0]


def _in_row(primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
    """The arguments and their tangents as lists; a single one may be given as it is."""
    if isinstance(primals, (list, tuple)):
        if not isinstance(tangents, (list, tuple)):
            raise TypeError(
                f"the tangents are a tuple, one for each of the {len(primals)} primals, not "
                f"{type(tangents).__name__}"
            )
        return list(primals), list(tangents)
    return [primals], [tangents]


def _mark(
    f: Function, arguments: tuple[Any, ...], argnums: int | Sequence[int], options: dict[str, Any]
) -> tuple[list[Tensor], Structure, Callable[[list[Tensor]], Any]]:
    """Fresh tensors for the arguments to differentiate by, their nest, and how to call ``f``.

    A tensor that requires a gradient is marked by a recorded copy of it, so that the derivative
    can itself be differentiated.
    """
    single = not isinstance(argnums, Sequence) or isinstance(argnums, str)
    chosen: list[Any] = [argnums] if single else list(argnums)  # type: ignore[arg-type]
    if not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in chosen):
        raise TypeError(
            f"argnums is {argnums!r}: name positional arguments by their place, 0 for the first, "
            "as an integer or a tuple of them"
        )
    if len({i % max(len(arguments), 1) for i in chosen}) < len(chosen):
        raise ValueError(f"argnums is {argnums!r}: each argument can be named once")
    if not all(-len(arguments) <= i < len(arguments) for i in chosen):
        raise ValueError(
            f"argnums is {argnums!r}, but the function was called with {len(arguments)} "
            "positional arguments"
        )
    picked = tuple(arguments[i] for i in chosen)
    values, structure = flatten(picked[0] if single else picked)
    marks = []
    names = [name for i in chosen for name in paths(arguments[i], f"argument {i}")]
    for value, name in zip(values, names):
        if value is None:
            raise TypeError(f"cannot differentiate by None, given as {name}: leave it out")
        t = value if isinstance(value, Tensor) else Tensor(value)
        if t.dtype.kind != "f":
            raise TypeError(
                f"cannot differentiate by {t._describe()}: only floating point has derivatives; "
                "write 2.0 for 2, or convert with dtype=float"
            )
        with switched(grad=True):
            marks.append(ops.positive(t) if t._requires_grad else constant(t._data))

    def call(marks: list[Tensor]) -> Any:
        given = list(arguments)
        replaced = structure(marks)
        for i, value in zip(chosen, (replaced,) if single else replaced):
            given[i] = value
        passing = [mark for mark in marks if not mark._requires_grad]
        for mark in passing:
            mark._requires_grad = True
        try:
            return f(*given, **options)
        finally:  # afterwards it is a constant to everyone else who meets it in a graph
            for mark in passing:
                mark._requires_grad = False

    return marks, structure, call


def _pull(
    output: Tensor, marks: list[Tensor], gradient: Any, create_graph: bool | None = None
) -> list[Tensor]:
    """The gradient of ``output`` for each mark; zeros where it does not depend on it."""
    found: dict[Tensor, Any] = {}
    if output._requires_grad or output in set(marks):
        if create_graph is None:
            create_graph = _differentiable(output, marks) or _recorded(gradient)
        found = cotangents(output, gradient, create_graph, within=marks)
    return [
        lift(found[m]) if m in found else constant(np.zeros(m.shape, m.dtype)[()]) for m in marks
    ]


def _pull_all(
    outputs: Sequence[Any],
    marks: list[Tensor],
    gradients: Sequence[Any],
    create_graph: bool | None = None,
) -> list[Tensor]:
    """The sum over ``outputs`` of their gradients for each mark."""
    outputs = [lift(o) for o in outputs]
    _matching(outputs, gradients, "cotangents")
    if len(outputs) == 1:
        return _pull(outputs[0], marks, gradients[0], create_graph)
    with switched(grad=True):
        products = [ops.sum(o * g) for o, g in zip(outputs, gradients) if o._requires_grad]
        total = ops.sum(ops.stack(products)) if products else constant(0.0)
    pulled = dict(zip(marks, _pull(total, marks, None, create_graph)))
    for o, g in zip(outputs, gradients):
        if o in pulled and not o._requires_grad:  # an argument that was returned as it is
            pulled[o] = pulled[o] + g
    return list(pulled.values())


def _rows(output: Tensor, marks: list[Tensor]) -> list[Tensor]:
    """The Jacobian of ``output`` in each mark, a backward pass for each element."""
    rows = []
    for i in range(output.size):
        unit = np.zeros(output.size, output.dtype)
        unit[i] = 1
        rows.append(_pull(output, marks, unit.reshape(output.shape)[()]))
    with switched(grad=True):
        return [
            ops.reshape(ops.stack(column), output.shape + mark.shape)
            if rows
            else constant(np.zeros(output.shape + mark.shape, mark.dtype))
            for mark, column in zip(marks, zip(*rows) if rows else [()] * len(marks))
        ]


def _differentiable(output: Tensor, marks: list[Tensor]) -> bool:
    """Whether a gradient of ``output`` may itself be differentiated, by something else or again."""
    if not mode().grad:
        return False
    if any(m.record is not None for m in marks):
        return True
    nodes = graph.topological(output, stop=marks)
    return any(x._requires_grad for x in graph.leaves(nodes))


def _recorded(cotangent: Any) -> bool:
    """Whether what is computed with this cotangent may be differentiated by it."""
    return mode().grad and isinstance(cotangent, Tensor) and cotangent._requires_grad


def _settled(output: Tensor, marks: list[Tensor]) -> Tensor:
    """``output`` with its graph if anything but the marks is in it, else its value alone."""
    if not output._requires_grad or _differentiable(output, marks):
        return output
    return output.detach()


def _single(output: Any) -> Tensor:
    if isinstance(output, Tensor) and output.size == 1:
        return output
    if isinstance(output, (float, np.floating)):
        warnings.warn(
            "the function returned a plain number, whose derivative is 0: a conversion such as "
            "float(x), a function of math, or an assignment into a NumPy array loses the record; "
            "use NumPy's or tg's functions, and tg.stack",
            stacklevel=4,
        )
        return constant(output)
    kind = f"shape {np.shape(output)}" if hasattr(output, "shape") else type(output).__name__
    raise TypeError(
        f"a gradient needs a function that returns a single number; this one returned {kind}: "
        "take its sum() or mean(), or use tg.vjp or tg.jacobian"
    )


def _matching(outputs: Sequence[Tensor], gradients: Sequence[Any], what: str) -> None:
    shapes = [o.shape for o in outputs], [np.shape(g) for g in gradients]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the {what} have shapes {shapes[1]}, where {shapes[0]} are needed")
