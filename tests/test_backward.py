"""The chain rule: seeds, accumulation, hooks, memory of gradients, guards and errors."""

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.backward import Contribution, cotangents, run_backward


def leaf(*values, dtype=None, name=None):
    return tg.tensor(np.array(values, dtype), requires_grad=True, name=name)


class TestErrors:
    def test_several_numbers_need_a_gradient(self):
        with pytest.raises(RuntimeError, match=r"shape \(2,\), float64 needs gradient=.*sum\(\)"):
            (leaf(1.0, 2.0) * 2).backward()

    def test_a_tensor_without_gradient(self):
        with pytest.raises(RuntimeError, match="requires no gradient"):
            tg.tensor(1.0).backward()

    def test_a_gradient_of_another_shape(self):
        with pytest.raises(ValueError, match=r"shape \(3,\), but the output has shape \(2,\)"):
            (leaf(1.0, 2.0) * 2).backward(np.ones(3))

    def test_a_rule_of_the_wrong_shape_is_named(self):
        wrong = tg.primitive(lambda x: x * 2, [lambda g, out, x: np.ones(5)], name="wrong")
        with pytest.raises(ValueError, match=r"rule 0 of 'wrong' returned .*\(5,\).*shape \(2,\)"):
            wrong(leaf(1.0, 2.0)).sum().backward()


class TestRules:
    def test_a_rule_may_give_a_number(self):
        flat = tg.primitive(lambda x: x * 0, [lambda g, out, x: 0], name="flat")
        x = tg.tensor(2.0, requires_grad=True)
        for create_graph in (False, True):
            x.grad = None
            flat(x).backward(create_graph=create_graph)
            assert (x.grad.item(), x.grad.dtype) == (0.0, np.float64)

    def test_a_rule_may_hold_a_tensor_that_is_trained_itself(self):
        slope = leaf(3.0, 4.0)
        line = tg.primitive(lambda x: x * slope.data, [lambda g, out, x: g * slope], name="line")
        x = leaf(1.0, 1.0)
        tg.sin(line(x)).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.cos([3, 4]) * [3, 4])
        assert x.grad.is_leaf and not x.grad.requires_grad

    def test_too_few_rules_are_an_error(self):
        product = tg.primitive(lambda x, y: x * y, [lambda g, out, x, y: g * y], name="product")
        with pytest.raises(TypeError, match="product has 1 rules, but 2 arguments"):
            product(leaf(1.0), leaf(2.0))

    @pytest.mark.parametrize("forward", [lambda x: (x, x), lambda x: None])
    def test_a_primitive_returns_one_array(self, forward):
        with pytest.raises(TypeError, match="a primitive returns one array"):
            tg.primitive(forward, [lambda g, out, x: g], name="pair")(leaf(1.0))


class TestAccumulation:
    def test_leaves_accumulate_over_passes(self):
        x = leaf(1.0, 2.0)
        y = (x * x).sum()
        y.backward()
        first = x.grad
        y.backward()
        assert x.grad.tolist() == [4.0, 8.0]
        assert first.tolist() == [2.0, 4.0]

    def test_results_keep_theirs_only_when_asked(self):
        x = leaf(1.0, 2.0)
        a = x * 3
        b = a * 2
        a.retain_grad()
        b.sum().backward()
        assert a.grad.tolist() == [2.0, 2.0]
        assert b.grad is None

    def test_second_backward_after_an_update_of_nothing(self):
        x = leaf(3.0)
        y = tg.exp(x * x).sum()
        y.backward()
        first = x.grad.tolist()
        x.grad = None
        y.backward()
        assert x.grad.tolist() == first

    def test_a_leaf_is_its_own_output(self):
        x = tg.tensor(3.0, requires_grad=True)
        x.backward()
        assert x.grad.item() == 1.0


class TestMemory:
    @pytest.mark.parametrize(
        "make",
        [
            lambda x, y: x + y,
            lambda x, y: x.reshape(-1)[::-1] + y,
            lambda x, y: x - y,
            lambda x, y: tg.concatenate([x, y]),
            lambda x, y: tg.stack([x, y]).T,
            lambda x, y: x.sum() + y,
            lambda x, y: tg.where(np.array([True, False]), x, y),
        ],
    )
    def test_gradients_share_nothing(self, make):
        x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
        out = make(x, y)
        seed = np.ones(out.shape)
        out.backward(seed)
        arrays = [x.grad.data, y.grad.data, seed, x.data, y.data]
        for i, a in enumerate(arrays):
            assert a.flags.writeable
            assert not any(np.shares_memory(a, b) for b in arrays[:i])

    def test_create_graph_too(self):
        x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
        (x + y).sum().backward(create_graph=True)
        assert x.grad is not y.grad
        assert not np.shares_memory(x.grad.data, y.grad.data)

    @pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
    def test_shape_and_dtype_are_the_tensors_own(self, dtype):
        x = leaf(1.0, 2.0, dtype=dtype)
        wide = tg.tensor(np.ones((3, 2)), requires_grad=True)
        (x * wide).sum().backward()
        assert (x.grad.dtype, x.grad.shape) == (np.dtype(dtype), (2,))
        assert isinstance(x.grad, tg.Tensor)
        assert wide.grad.dtype == np.float64

    def test_size_one_broadcasts_in_every_position(self):
        for shape in [(), (1,), (4,), (1, 4), (3, 1), (1, 1), (2, 1, 4), (1, 3, 1)]:
            x = tg.tensor(np.full(shape, 2.0), requires_grad=True)
            y = tg.tensor(np.ones((2, 3, 4)), requires_grad=True)
            (x * y).sum().backward()
            np.testing.assert_array_equal(x.grad.data, np.full(shape, 24 / max(x.size, 1)))
            assert y.grad.shape == y.shape


class TestSeed:
    def test_a_seed_that_requires_a_gradient_leaves_none_on_the_result(self):
        x, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
        (x * x).backward(v)
        assert x.grad.tolist() == [6.0, 16.0]
        assert not x.grad.requires_grad

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    def test_with_create_graph_it_can_be_differentiated_by(self, dtype):
        x, v = leaf(1.0, 2.0), leaf(3.0, 4.0, dtype=dtype)
        (x * x).backward(v, create_graph=True)
        x.grad.sum().backward()
        assert v.grad.tolist() == [2.0, 4.0]


class TestChangesInPlace:
    @pytest.mark.parametrize("change", ["y *= 3", "y[0] = 5.0"])
    def test_a_gradient_that_was_to_be_kept_is_that_of_the_later_state(self, change):
        x = leaf(1.0, 2.0)
        y = x * 2
        y.retain_grad()
        exec(change, {"y": y})
        y.sum().backward()
        assert y.grad.tolist() == [1.0, 1.0]

    def test_a_hook_stays_with_the_former_state(self):
        x = leaf(1.0, 2.0)
        y = x * 2
        y.register_hook(lambda g: g * 10)
        y *= 3
        y.sum().backward()
        assert x.grad.tolist() == [60.0, 60.0]


class TestHooks:
    def test_a_hook_sees_and_may_replace_the_gradient(self):
        x = leaf(1.0, 2.0)
        y = x * 3
        seen = []
        remove = y.register_hook(lambda g: seen.append(g.tolist()))
        y.register_hook(lambda g: g * 10)
        y.sum().backward()
        assert seen == [[1.0, 1.0]]
        assert x.grad.tolist() == [30.0, 30.0]
        remove()
        y.sum().backward()
        assert len(seen) == 1

    def test_a_hook_runs_once_on_the_sum(self):
        x = leaf(1.0, 2.0)
        seen = []
        x.register_hook(lambda g: seen.append(g.tolist()))
        (x * x + x).sum().backward()
        assert seen == [[3.0, 5.0]]

    def test_a_hook_cannot_reach_the_passing_gradient(self):
        x = leaf(1.0, 2.0)
        y = x * 3

        def spoil(g):
            g.data[...] = 0

        y.register_hook(spoil)
        y.sum().backward()
        assert x.grad.tolist() == [3.0, 3.0]

    def test_none_without_a_gradient(self):
        with pytest.raises(RuntimeError, match="requires no gradient"):
            tg.tensor(1.0).register_hook(print)
        with pytest.raises(RuntimeError, match="requires no gradient"):
            tg.tensor(1.0).retain_grad()


class TestZeroUpstream:
    """A zero upstream gradient contributes exactly zero, whatever the local derivative."""

    @pytest.mark.parametrize(
        ("safe", "f"),
        [
            (4.0, lambda x: tg.sqrt(x)),
            (2.0, lambda x: tg.log(x)),
            (2.0, lambda x: 1.0 / x),
            (2.0, lambda x: x**-0.5),
            (1.0, lambda x: tg.exp(1.0 / x)),
        ],
    )
    @pytest.mark.filterwarnings("ignore:divide by zero")
    @pytest.mark.parametrize("create_graph", [False, True])
    def test_an_unused_branch_of_where(self, safe, f, create_graph):
        x = leaf(0.0, safe)
        tg.where(x > 0, f(x), 0.0).sum().backward(create_graph=create_graph)
        assert x.grad.data[0] == 0.0
        assert np.isfinite(x.grad.data[1])

    def test_scalars(self):
        x = tg.tensor(0.0, requires_grad=True)
        (tg.sqrt(x) * 0.0).backward()
        assert x.grad.item() == 0.0


class TestObserver:
    def test_every_contribution_in_order(self):
        x = tg.tensor(3.0, requires_grad=True, name="x")
        y = x * x + x
        seen: list[Contribution] = []
        run_backward(y, observer=seen.append)
        assert [(c.node.record[0].name, c.slot, float(c.value)) for c in seen] == [
            ("add", 0, 1.0),
            ("add", 1, 1.0),
            ("multiply", 0, 3.0),
            ("multiply", 1, 3.0),
        ]
        last = seen[-1]
        assert (last.before, last.value, last.after) == (4.0, 3.0, 7.0)
        assert x.grad.item() == 7.0

    def test_cotangents_leave_grad_alone(self):
        x = leaf(1.0, 2.0)
        found = cotangents((x * x).sum())
        assert found[x].tolist() == [2.0, 4.0]
        assert x.grad is None


class TestSecondOrder:
    def test_through_grad(self):
        x = leaf(1.0, 2.0)
        (x**3).sum().backward(create_graph=True)
        g = x.grad
        x.grad = None
        g.sum().backward()
        assert x.grad.tolist() == [6.0, 12.0]

    def test_without_create_graph_the_gradient_is_a_constant(self):
        x = leaf(1.0)
        (x**3).sum().backward()
        assert not x.grad.requires_grad
