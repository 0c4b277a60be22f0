"""GraphMachine: random steps on a graph, beside a reference engine too simple to be wrong."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from tinygrad_lite import ops
from tinygrad_lite.mode import no_grad
from tinygrad_lite.tensor import Tensor, tensor as new_tensor
from tinygrad_lite.testing.layouts import Array
from tinygrad_lite.testing.oracle import Oracle
from tinygrad_lite.testing.property import brief
from tinygrad_lite.testing.strategies import arrays

LENGTH = 2  # of every vector in the machine

Step = tuple[Callable[..., Any], Callable[..., Any], int]


def _assign(x: Any, y: Any) -> Any:
    x[0] = y[1]
    return x


STATEMENTS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "+=": (operator.iadd, np.add),
    "*=": (operator.imul, np.multiply),
    "[0] =": (_assign, lambda x, y: _assign(np.array(x, np.result_type(x, y)), y)),
}
"""How a tensor is changed in place, and the same as a function of arrays."""


@dataclass(eq=False)
class Reference:
    """A value with its derivatives by all leaves: dense, and carried forward, never back.

    Attributes:
        value: a vector.
        leaf: whether it is a leaf that requires a gradient.
        jacobians: the Jacobian by every such leaf that it depends on.
        made_by: the step that it is the result of.
        read: every value that was read on the way to it.
        lost: overwritten without a record, after somebody may have read it.
        grad: what ``backward`` has added up.
    """

    value: Array
    leaf: bool = False
    made_by: str = "leaf"
    jacobians: dict[Reference, Array] = field(default_factory=dict)
    read: set[Reference] = field(default_factory=set)
    lost: bool = False
    grad: Array | None = None

    def __post_init__(self) -> None:
        if self.leaf:
            self.jacobians[self] = np.eye(LENGTH)

    @property
    def requires_grad(self) -> bool:
        """Whether it depends on such a leaf."""
        return bool(self.jacobians)


@dataclass(eq=False)
class Variable:
    """A tensor of the library and the reference that it should agree with."""

    tensor: Tensor
    reference: Reference


class GraphMachine(RuleBasedStateMachine):
    """Builds graphs by random steps, here and in a naive engine, and compares after each.

    Steps are: a new leaf, an operation, one under ``no_grad``, a change in place, ``backward``,
    ``detach`` and forgetting gradients. The reference has no rules and no backward pass: it takes
    the Jacobian of every operation from the oracle, and multiplies them forward.

    Own operations are tried by extending the table: from a name to a function of tensors, the same
    as a function of arrays, and the number of operands. All values are vectors of length 2.

    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.testing import GraphMachine
    >>> class WithSine(GraphMachine):
    ...     operations = {**GraphMachine.operations, "sin": (tg.tanh, np.tanh, 1)}
    >>> TestWithSine = WithSine.TestCase  # for pytest to collect
    """

    operations: ClassVar[Mapping[str, Step]] = {
        "add": (lambda x, y: x + y, np.add, 2),
        "subtract": (lambda x, y: x - y, np.subtract, 2),
        "multiply": (lambda x, y: x * y, np.multiply, 2),
        "tanh": (ops.tanh, np.tanh, 1),
        "reversed": (lambda x: x[::-1], lambda x: x[::-1], 1),
        "sum": (lambda x: ops.broadcast_to(x.sum(), (LENGTH,)), lambda x: x * 0 + x.sum(), 1),
    }

    variables = Bundle("variables")
    vectors = arrays((LENGTH,), away_from=())
    cotangents = st.tuples(*[st.integers(-2, 2).map(float)] * LENGTH).map(np.array)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.TestCase.settings = brief(cls.TestCase.settings)

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Variable] = []
        self.passed: set[str] = set()  # the operations that a gradient went back through

    def new(self, tensor: Tensor, reference: Reference) -> Variable:
        """Take a tensor and its reference among those compared after every step."""
        variable = Variable(tensor, reference)
        self.known.append(variable)
        return variable

    @initialize(target=variables, value=vectors)
    def first_leaf(self, value: Array) -> Any:
        """A leaf that requires a gradient: every graph has one."""
        return self.leaf(value, True)

    @rule(target=variables, value=vectors, requires_grad=st.sampled_from([True, True, False]))
    def leaf(self, value: Array, requires_grad: bool) -> Variable:
        """A new leaf."""
        reference = Reference(value.copy(), leaf=requires_grad)
        return self.new(new_tensor(value, requires_grad=requires_grad), reference)

    @rule(target=variables, data=st.data(), x=variables, y=variables)
    def operation(self, data: Any, x: Variable, y: Variable) -> Variable:
        """An operation of the table."""
        return self._operated(data, [x, y], True)

    @rule(target=variables, data=st.data(), x=variables)
    def operation_on_latest(self, data: Any, x: Variable) -> Variable:
        """An operation on the newest value that has a gradient, so that graphs grow deep."""
        return self._operated(data, [self._latest(), x], True)

    @rule(target=variables, data=st.data(), x=variables, y=variables)
    def operation_not_recorded(self, data: Any, x: Variable, y: Variable) -> Variable:
        """An operation under ``no_grad``."""
        with no_grad():
            return self._operated(data, [x, y], False)

    def _latest(self) -> Variable:
        return next(v for v in reversed(self.known) if v.reference.requires_grad)

    def _operated(self, data: Any, operands: list[Variable], recorded: bool) -> Variable:
        name = data.draw(st.sampled_from(sorted(self.operations)), label="operation")
        f, plain, count = self.operations[name]
        chosen = operands[:count]
        out = f(*(v.tensor for v in chosen))
        reference = computed(plain, [v.reference for v in chosen], recorded)
        reference.made_by = name
        return self.new(out, reference)

    @rule(data=st.data(), x=variables, y=variables)
    def in_place(self, data: Any, x: Variable, y: Variable) -> None:
        """``x += y``, ``x *= y`` or ``x[0] = y[1]``."""
        kind = data.draw(st.sampled_from(list(STATEMENTS)), label="statement")
        change, plain = STATEMENTS[kind]
        before = x.reference
        if before.leaf:
            try:
                change(x.tensor, y.tensor)
            except RuntimeError:
                return
            raise AssertionError(f"x {kind} y on a leaf that requires a gradient was let through")
        after = computed(plain, [before, y.reference], True)
        after.made_by = f"x {kind} y"
        x.tensor = change(x.tensor, y.tensor)
        before.lost = not after.requires_grad
        x.reference = after

    @rule(x=variables, value=vectors)
    def update(self, x: Variable, value: Array) -> None:
        """``x += value`` under ``no_grad``, as an optimiser does to a leaf."""
        if x.reference.requires_grad and not x.reference.leaf:
            return
        add, _ = STATEMENTS["+="]
        with no_grad():
            x.tensor = add(x.tensor, value)
        before = x.reference
        before.lost = True
        x.reference = Reference(before.value + value, leaf=before.leaf, grad=before.grad)

    @rule(cotangent=cotangents)
    def backward_of_latest(self, cotangent: Array) -> None:
        """``backward`` of the newest value that has a gradient."""
        self.backward(self._latest(), cotangent)

    @rule(x=variables, cotangent=cotangents)
    def backward(self, x: Variable, cotangent: Array) -> None:
        """``x.backward(cotangent)``, or the error that there should be."""
        reference = x.reference
        if not reference.requires_grad or any(r.lost for r in reference.read):
            try:
                x.tensor.backward(cotangent)
            except RuntimeError:
                return
            raise AssertionError("backward() through a lost value, or without one, raised nothing")
        x.tensor.backward(cotangent)
        self.passed |= {r.made_by for r in (reference, *reference.read)} - {"leaf"}
        for leaf, jacobian in reference.jacobians.items():
            part = cotangent @ jacobian
            leaf.grad = part if leaf.grad is None else leaf.grad + part

    @rule(target=variables, x=variables)
    def detach(self, x: Variable) -> Variable:
        """The same values without their past."""
        return self.new(x.tensor.detach(), Reference(x.reference.value))

    @rule(x=variables)
    def zero(self, x: Variable) -> None:
        """Forget the gradient."""
        x.tensor.grad = x.reference.grad = None

    @invariant()
    def agrees(self) -> None:
        """Values, ``requires_grad`` and gradients are those of the reference."""
        for v in self.known:
            made_by, grad = v.reference.made_by, v.reference.grad
            _assert_close(
                v.tensor.numpy(), v.reference.value, 1e-7, 1e-9, f"the value of {made_by}"
            )
            assert v.tensor.requires_grad == v.reference.requires_grad, (
                f"requires_grad of {made_by} is {v.tensor.requires_grad}"
            )
            if not v.reference.leaf:
                continue
            passed = f"the gradient that came through {', '.join(sorted(self.passed)) or 'nothing'}"
            if grad is None or v.tensor.grad is None:
                assert v.tensor.grad is None and grad is None, f"{passed} is missing or too much"
            else:
                scale = 1e-7 * (1 + np.max(np.abs(grad)))
                _assert_close(v.tensor.grad.numpy(), grad, 1e-6, scale, passed)


GraphMachine.TestCase.settings = brief(GraphMachine.TestCase.settings)


def _assert_close(a: Array, b: Array, relative: float, absolute: Any, what: str) -> None:
    assert a.shape == b.shape, f"{what} has shape {a.shape}, not {b.shape}"
    wrong = ~(np.abs(a - b) <= absolute + relative * np.abs(b))  # nan is wrong
    if wrong.any():
        at = int(np.argmax(wrong))
        raise AssertionError(f"{what} is wrong at [{at}]: {a[at]:.12g}, not {b[at]:.12g}")


def computed(f: Callable[..., Any], operands: list[Reference], recorded: bool) -> Reference:
    """The result of ``f`` with its Jacobians, which the oracle finds without rules."""
    values = [x.value for x in operands]
    result = Reference(np.asarray(f(*values), float))
    if not recorded or not any(x.requires_grad for x in operands):
        return result
    result.read = set(operands).union(*(x.read for x in operands))
    oracle = Oracle(lambda arrays: np.asarray(f(*arrays)), values)
    for slot, x in enumerate(operands):
        if x.requires_grad:
            columns = []
            for j in range(LENGTH):
                direction = [np.zeros(LENGTH) for _ in values]
                direction[slot][j] = 1.0
                columns.append(oracle.derivative(direction).low)
            by_operand = np.stack(columns, axis=1)
            for leaf, jacobian in x.jacobians.items():
                result.jacobians[leaf] = result.jacobians.get(leaf, 0) + by_operand @ jacobian
    return result
