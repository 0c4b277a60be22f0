"""Records and the walker over them: edges, order, places, and graphs of any depth."""

import gc
import tracemalloc

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import graph


def scalar(value, **options):
    return tg.tensor(value, requires_grad=True, **options)


def test_every_argument_slot_is_an_edge():
    x = scalar(3.0)
    y = x * x
    assert y.record[1] == (x, x) or [i is x for i in y.record[1]] == [True, True]
    assert [(node is y, slot) for node, slot in graph.consumers([y])[x]] == [(True, 0), (True, 1)]
    y.backward()
    assert x.grad.item() == 6.0


def test_the_same_tensor_added_to_itself_accumulates():
    a = scalar(1.5)
    (a + a).backward()
    assert a.grad.item() == 2.0


def test_leaves_of_equal_value_stay_two():
    a, b = scalar(2.0), scalar(2.0)
    (a * b * b).backward()
    assert (a.grad.item(), b.grad.item()) == (4.0, 8.0)
    assert len({a, b}) == 2


def test_topological_order_is_the_order_of_recording():
    x = scalar(2.0)
    a = x * x
    b = a + x
    c = a * b
    nodes = graph.topological(c)
    assert [n is m for n, m in zip(nodes, [a, b, c])] == [True, True, True]
    assert [leaf is x for leaf in graph.leaves(nodes)] == [True]


def test_a_leaf_has_no_graph():
    assert graph.topological(scalar(1.0)) == []


def test_site_is_the_line_that_recorded():
    x = scalar(2.0)
    y = tg.exp(x) * 3.0
    assert graph.site(y).filename == __file__
    assert graph.site(y).source == "y = tg.exp(x) * 3.0"
    assert graph.site(y.record[1][0]).line == graph.site(y).line
    assert graph.site(x) is None


def test_a_million_operations_forward_backward_and_free():
    n = 1_000_000
    x = scalar(1.0)
    y = x
    for _ in range(n):
        y = y + 1.0
    assert y.item() == n + 1
    y.backward()
    assert x.grad.item() == 1.0
    assert len(graph.topological(y)) == n
    del y  # must not recurse


def test_sixty_doublings_take_linear_time():
    x = scalar(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60
    assert len(graph.topological(y)) == 60


def test_a_diamond_is_walked_once():
    x = scalar(0.5)
    y = x
    for _ in range(200):
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad.item() == 1.0
    assert len(graph.topological(y)) == 600


def test_no_reference_cycles():
    """With the collector off, a training loop leaves nothing behind."""
    w = tg.tensor(np.ones((64, 64)), requires_grad=True)
    x = np.ones((8, 64))

    def step():
        loss = tg.mean(tg.square(tg.relu(x @ w) - 1.0))
        loss.register_hook(lambda g: None)
        w.grad = None
        loss.backward()
        with tg.no_grad():
            w.__isub__(0.01 * w.grad)

    step()
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        step()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(30):
            step()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    finally:
        gc.enable()
    assert grown < 64 * 64 * 8, f"{grown} bytes grew in 30 steps"
    assert gc.collect() < 50


def test_a_result_frees_its_graph():
    import weakref

    x = scalar(2.0)
    middle = x * 2.0
    seen = weakref.ref(middle)
    y = middle * 3.0
    del middle
    assert seen() is not None
    del y
    assert seen() is None


class TestInPlace:
    def test_assignment_is_recorded(self):
        x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        v = scalar(10.0)
        t = x * 2.0
        t[1] = v
        (t * t).sum().backward()
        assert x.grad.tolist() == [8.0, 0.0, 24.0]
        assert v.grad.item() == 20.0

    def test_earlier_readers_keep_the_earlier_values(self):
        x = tg.tensor([1.0, 2.0], requires_grad=True)
        t = x * 1.0
        before = t * t
        t[0] = 100.0
        (before.sum() + t.sum()).backward()
        assert x.grad.tolist() == [2.0, 5.0]

    def test_augmented_assignment_is_seen_through_every_name(self):
        x = tg.tensor([1.0, 2.0], requires_grad=True)
        t = x * 3.0
        other = t
        t += 1.0
        t *= x
        assert other is t
        assert t.tolist() == [4.0, 14.0]
        t.sum().backward()
        assert x.grad.tolist() == [7.0, 13.0]

    @pytest.mark.parametrize("times", [1, 5])
    def test_many_changes_of_one_tensor(self, times):
        x = tg.tensor([2.0], requires_grad=True)
        t = x * 1.0
        reads = []
        for _ in range(times):
            reads.append(t * t)
            t += x
        total = t
        for r in reads:
            total = total + r
        total.sum().backward()
        k = np.arange(1, times + 1)
        assert x.grad.item() == pytest.approx(times + 1 + float((2 * k * k * 2.0).sum()))

    def test_on_a_leaf_that_requires_a_gradient_it_is_an_error(self):
        w = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
        with pytest.raises(RuntimeError, match=r"tensor 'w'.*leaf that requires a gradient"):
            w += 1.0
        with pytest.raises(RuntimeError, match="no_grad"):
            w[0] = 1.0
        with tg.no_grad():
            w += 1.0
            w[0] = 7.0
        assert w.tolist() == [7.0, 3.0]
        assert w.requires_grad
        assert w.is_leaf

    @pytest.mark.parametrize("change", ["data", "no_grad", "index"])
    def test_a_change_after_it_was_read_is_an_error_that_names_the_operation(self, change):
        w = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
        loss = tg.exp(w * w).sum()
        if change == "data":
            w.data -= 0.1
        else:
            with tg.no_grad():
                if change == "index":
                    w[0] = 3.0
                else:
                    w -= 0.1
        with pytest.raises(RuntimeError, match=r"'w'.*changed in place after 'multiply' had read"):
            loss.backward()
        assert w.grad is None
        graph.topological(loss)  # what was recorded can still be looked at

    def test_shape_and_dtype_must_stay(self):
        t = tg.tensor([1.0, 2.0], requires_grad=True) * 1.0
        with pytest.raises(ValueError, match=r"\(2,\) into \(3, 2\)"):
            t += np.ones((3, 2))
        i = tg.tensor([1, 2])
        with pytest.raises(TypeError, match="int64 into float64"):
            i += 0.5
