"""Transforms: every one against closed forms, over nests, several arguments and orders."""

import math

import numpy as np
import pytest

import tinygrad_lite as tg


class TestGrad:
    def test_four_orders_of_the_bell(self):
        x = 0.7
        e = math.exp(-x * x)
        expected = [
            -2 * x * e,
            (4 * x * x - 2) * e,
            (-8 * x**3 + 12 * x) * e,
            (16 * x**4 - 48 * x * x + 12) * e,
        ]
        f = lambda x: tg.exp(-(x**2))
        for value in expected:
            f = tg.grad(f)
            assert f(x).item() == pytest.approx(value, rel=1e-13)

    def test_several_arguments(self):
        f = lambda x, y: (x * y * y).sum()
        x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
        dx, dy = tg.grad(f, argnums=(0, 1))(x, y)
        assert (dx.tolist(), dy.tolist()) == ([9.0, 16.0], [6.0, 16.0])
        assert tg.grad(f, argnums=1)(x, y).tolist() == [6.0, 16.0]
        assert tg.grad(f, argnums=-1)(x, y).tolist() == [6.0, 16.0]

    def test_nests(self):
        params = {"layers": [(np.ones((2, 2)), np.zeros(2))], "scale": 2.0}

        def f(p, x):
            (w, b), s = p["layers"][0], p["scale"]
            return ((x @ w + b) * s).sum()

        g = tg.grad(f)(params, np.array([[1.0, 2.0]]))
        assert g["layers"][0][0].tolist() == [[2.0, 2.0], [4.0, 4.0]]
        assert isinstance(g["layers"], list)
        assert isinstance(g["layers"][0], tuple)
        assert g["scale"].item() == 6.0

    def test_has_aux(self):
        (value, aux), g = tg.value_and_grad(lambda x: (x * x, {"seen": 1}), has_aux=True)(3.0)
        assert (value.item(), aux, g.item()) == (9.0, {"seen": 1}, 6.0)
        assert tg.grad(lambda x: (x * x, "aux"), has_aux=True)(3.0)[1] == "aux"

    def test_what_it_does_not_depend_on_has_a_gradient_of_zero(self):
        assert (
            tg.grad(lambda x, y: x * 2.0, argnums=1)(tg.tensor(1.0), np.float64(2.0)).item() == 0.0
        )
        assert tg.grad(lambda x: tg.tensor(3.0))(np.ones(2)).tolist() == [0.0, 0.0]

    def test_gradients_of_the_outside_survive(self):
        w = tg.tensor(3.0, requires_grad=True)
        penalty = tg.grad(lambda x: w * x**2)(2.0) ** 2
        penalty.backward()
        assert w.grad.item() == pytest.approx(2 * 12.0 * 4.0)

    def test_grads_of_others_are_left_alone(self):
        w = tg.tensor(3.0, requires_grad=True)
        tg.grad(lambda x: w * x**2)(2.0)
        assert w.grad is None

    def test_a_result_without_a_graph_keeps_none(self):
        value, g = tg.value_and_grad(lambda x: tg.exp(x).sum())(np.ones(3))
        assert value.record is None
        assert g.record is None

    def test_errors(self):
        with pytest.raises(TypeError, match=r"returns a single number.*shape \(2,\)"):
            tg.grad(lambda x: x * 2)(np.ones(2))
        with pytest.raises(TypeError, match=r"write 2\.0 for 2"):
            tg.grad(lambda x: x * x)(2)
        with pytest.raises(ValueError, match="argnums is 3, but the function was called with 1"):
            tg.grad(lambda x: x, argnums=3)(1.0)

    def test_aux_is_a_pair_and_arguments_are_named_once(self):
        with pytest.raises(TypeError, match="returns a pair"):
            tg.grad(lambda x: x * x, has_aux=True)(np.array([3.0, 4.0]))
        with pytest.raises(ValueError, match="named once"):
            tg.grad(lambda a, b: a * b, argnums=(0, 0))(1.0, 2.0)

    def test_keeps_float32(self):
        assert tg.grad(lambda x: (x * x).sum())(np.ones(2, "f4")).dtype == np.float32

    def test_under_no_grad_it_differentiates_and_leaves_no_graph(self):
        w = tg.tensor(2.0, requires_grad=True)
        with tg.no_grad():
            g = tg.grad(lambda x: w * x * x)(3.0)
        assert g.item() == 12.0
        assert not g.requires_grad


class TestProducts:
    def test_vjp(self):
        value, pull = tg.vjp(lambda x, y: {"p": x * y, "s": (x + y).sum()}, np.ones(2), np.ones(2))
        assert value["p"].tolist() == [1.0, 1.0]
        dx, dy = pull({"p": np.array([1.0, 10.0]), "s": 100.0})
        assert (dx.tolist(), dy.tolist()) == ([101.0, 110.0], [101.0, 110.0])
        assert pull({"p": np.zeros(2), "s": 0.0})[0].tolist() == [0.0, 0.0]

    def test_a_vjp_can_be_differentiated_by_its_cotangent(self):
        v = tg.tensor([1.0, 10.0], requires_grad=True)
        (product,) = tg.vjp(lambda x: x * x, np.array([2.0, 3.0]))[1](v)
        product.sum().backward()
        assert v.grad.tolist() == [4.0, 6.0]

    def test_jvp_is_the_transpose_of_vjp(self):
        rng = np.random.default_rng(0)
        a = rng.standard_normal((3, 4))
        f = lambda x: tg.tanh(a @ x) * tg.sum(x**2)
        x, u, v = rng.standard_normal(4), rng.standard_normal(3), rng.standard_normal(4)
        _, moved = tg.jvp(f, (x,), (v,))
        _, pull = tg.vjp(f, x)
        assert float(u @ moved.numpy()) == pytest.approx(float(pull(u)[0].numpy() @ v), rel=1e-13)
        assert moved.record is None

    def test_hvp_is_the_hessian_times_a_vector(self):
        f = lambda x: (x[0] ** 3 * x[1] + tg.sin(x[1] * x[2])) if hasattr(tg, "sin") else x.sum()
        x, v = np.array([1.0, 2.0, 0.5]), np.array([0.3, -1.0, 2.0])
        h = tg.hessian(f)(x)
        np.testing.assert_allclose(tg.hvp(f, (x,), (v,))[0].data, h.numpy() @ v, rtol=1e-12)
        np.testing.assert_allclose(h.data, h.numpy().T, rtol=1e-12)

    def test_shapes_must_match(self):
        with pytest.raises(ValueError, match=r"cotangents have shapes \[\(3,\)\]"):
            tg.vjp(lambda x: x * 2, np.ones(2))[1](np.ones(3))
        with pytest.raises(ValueError, match=r"tangents have shapes \[\(3,\)\]"):
            tg.jvp(lambda x: x * 2, (np.ones(2),), (np.ones(3),))

    def test_cotangents_and_tangents_go_by_their_keys(self):
        _, pull = tg.vjp(lambda x: {"a": x, "b": x * x}, np.array([3.0]))
        assert pull({"b": np.array([0.0]), "a": np.array([1.0])})[0].tolist() == [1.0]
        f = lambda p: p["a"] + 10 * p["b"]
        _, moved = tg.jvp(f, ({"a": 1.0, "b": 2.0},), ({"b": 0.0, "a": 1.0},))
        assert moved.item() == 1.0
        with pytest.raises(ValueError, match=r"needs the keys \['a', 'b'\]"):
            pull({"b": np.zeros(1), "c": np.zeros(1)})
        with pytest.raises(ValueError, match="1 parts in a row, but it has 2"):
            tg.jvp(lambda x: x, (1.0,), (1.0, 2.0))


class TestJacobian:
    def test_of_a_matrix_product(self):
        a = np.arange(6.0).reshape(2, 3)
        np.testing.assert_array_equal(tg.jacobian(lambda x: a @ x)(np.ones(3)).data, a)

    def test_shapes(self):
        j = tg.jacobian(lambda x: tg.stack([x, 2 * x]))(np.ones((2, 3)))
        assert j.shape == (2, 2, 3, 2, 3)
        assert tg.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)

    def test_in_several_arguments(self):
        jx, jy = tg.jacobian(lambda x, y: x * y, argnums=(0, 1))(np.ones(2), np.full(2, 3.0))
        assert jx.tolist() == [[3.0, 0.0], [0.0, 3.0]]
        assert jy.tolist() == [[1.0, 0.0], [0.0, 1.0]]

    def test_of_a_jacobian(self):
        third = tg.jacobian(tg.hessian(lambda x: (x**3).sum()))(np.array([1.0, 2.0]))
        assert third.shape == (2, 2, 2)
        assert third[1, 1, 1].item() == 6.0


class TestCheckpoint:
    def test_same_gradients_at_both_orders(self):
        w = tg.tensor(np.arange(3.0), requires_grad=True)
        x = tg.tensor(np.full(3, 0.3), requires_grad=True)

        def f(a):
            return tg.exp(a * w).sum(), a * 2

        results = []
        for run in (f, lambda a: tg.checkpoint(f, a)):
            one, two = run(x)
            (one * two.sum()).backward(create_graph=True)
            first = x.grad
            x.grad = w.grad = None
            (first**2).sum().backward()
            results.append((one.data, first.data, x.grad.data, w.grad.data))
            x.grad = w.grad = None
        for plain, repeated in zip(*results):
            np.testing.assert_allclose(repeated, plain, rtol=1e-13)

    def test_it_stores_less(self):
        import tracemalloc

        x = tg.tensor(np.ones(100_000), requires_grad=True)

        def deep(a):
            for _ in range(20):
                a = tg.tanh(a)
            return a

        def held(run):
            tracemalloc.start()
            out = run(x)
            size = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            return out, size

        (a, plain), (b, short) = held(deep), held(lambda x: tg.checkpoint(deep, x))
        assert short < plain / 10
        a.sum().backward()
        expected = x.grad.data
        x.grad = None
        b.sum().backward()
        np.testing.assert_array_equal(x.grad.data, expected)

    def test_draws_are_repeated(self):
        drop = tg.nn.Dropout(0.5, rng=np.random.default_rng(0))
        x = tg.tensor(np.ones(1000), requires_grad=True)
        out = tg.checkpoint(drop, x)
        after = drop.rng.bit_generator.state
        out.sum().backward()
        np.testing.assert_array_equal(x.grad.data, out.data)
        assert drop.rng.bit_generator.state == after

    @pytest.mark.parametrize("rng", [None, 3, np.int64(3)])
    @pytest.mark.parametrize("depth", [1, 2])
    def test_draws_from_the_default_generator_or_a_seed_are_repeated(self, rng, depth):
        def f(a):
            return a * tg.random.normal(a.shape, rng=rng) * tg.nn.functional.dropout(a, rng=rng)

        def run(x):
            return tg.checkpoint(f if depth == 1 else lambda a: tg.checkpoint(f, a), x)

        def gradient(run):
            default = tg.manual_seed(0)
            x = tg.tensor(np.linspace(1.0, 2.0, 100), requires_grad=True)
            out = run(x)
            tg.random.uniform(5)  # the generator goes on between the two passes
            out.sum().backward()
            return x.grad.data, default.bit_generator.state

        (a, plain), (b, repeated) = gradient(f), gradient(run)
        np.testing.assert_allclose(a, b, rtol=1e-14)
        assert plain == repeated

    def test_a_change_of_what_it_captured_is_noticed(self):
        x = tg.tensor([1.0, 2.0], requires_grad=True)
        w = tg.tensor([1.0, 1.0])
        y = tg.checkpoint(lambda p: p * w, x).sum()
        w.data = np.array([5.0, 5.0])
        with pytest.raises(RuntimeError, match="changed in place after 'checkpoint'"):
            y.backward()

    def test_it_may_assign_into_its_argument(self):
        def f(a):
            a[0] = 0.0
            return a * a

        x = tg.tensor([1.0, 2.0], requires_grad=True)
        tg.checkpoint(f, x * 1.0).sum().backward()
        assert x.grad.tolist() == [0.0, 4.0]

    @pytest.mark.parametrize(
        "f",
        [
            lambda x, run: run(lambda a: a * x, x),
            lambda x, run: run(lambda a, b: a * b * x, x, x * x),
            lambda x, run: run(lambda h: (lambda z: run(lambda a: a * z, h))(h * x), x * 3.0),
            lambda x, run: (lambda h: run(lambda a: a * h, h))(x * 3.0),
            lambda x, run: (lambda z: run(lambda a: a * z, x))(x * x),
            lambda x, run: run(lambda a: a, x) * run(lambda a: x, x),
            lambda x, run: run(lambda a: run(lambda b: a * b * x, a), x),
        ],
    )
    def test_it_may_use_what_its_arguments_are_computed_from(self, f):
        def plain(x):
            return f(x, lambda g, *args: g(*args))

        def repeated(x):
            return f(x, tg.checkpoint)

        x = tg.tensor(1.5, requires_grad=True)
        repeated(x).backward()
        assert x.grad.item() == pytest.approx(tg.grad(plain)(1.5).item(), rel=1e-14)
        for _ in range(3):
            plain, repeated = tg.grad(plain), tg.grad(repeated)
            assert repeated(1.5).item() == pytest.approx(plain(1.5).item(), rel=1e-13)

    def test_a_hook_of_what_it_uses_runs_once(self):
        x = tg.tensor([1.0, 2.0], requires_grad=True)
        x.register_hook(lambda g: 10 * g)
        h = x * 1.0
        h.retain_grad()
        tg.checkpoint(lambda a: a * x * h, tg.ones(2)).sum().backward()
        assert h.grad.tolist() == [1.0, 2.0]
        assert x.grad.tolist() == [20.0, 40.0]

    def test_its_argument_may_change_in_place(self):
        def f(a):
            a += 1
            return a * a

        x = tg.tensor([1.0, 2.0], requires_grad=True)
        z = x * 1.0
        tg.checkpoint(f, z).sum().backward()
        assert x.grad.tolist() == [4.0, 6.0]
        assert z.tolist() == [1.0, 2.0]

    def test_what_it_uses_may_not_change(self):
        x = tg.tensor([1.0, 2.0], requires_grad=True)
        h = x * 1.0

        def f(a):
            nonlocal h
            h += a
            return h

        with pytest.raises(RuntimeError, match="not one of its arguments"):
            tg.checkpoint(f, x)
        h = x * 1.0
        out = tg.checkpoint(lambda a: a * h, x).sum()
        h += 1.0
        with pytest.raises(RuntimeError, match="changed in place after it had run"):
            out.backward()

    def test_it_is_one_operation(self):
        out = tg.checkpoint(lambda x: tg.exp(x) * 2, tg.tensor(1.0, requires_grad=True))
        assert out.record[0].name == "checkpoint"

    def test_errors(self):
        with pytest.raises(TypeError, match="returns a tensor"):
            tg.checkpoint(lambda x: 3.0, tg.tensor(1.0, requires_grad=True))


class TestWhatIsLeftBehind:
    def test_an_inner_point_keeps_no_graph_alive(self):
        g = tg.grad(lambda w: tg.grad(lambda x: w * w * x**2)(3.0))(2.0)
        assert g.item() == 24.0 and not g.requires_grad
        v = tg.grad(lambda a: tg.vjp(lambda x: a * x**2, 2.0)[1](1.0)[0])(3.0)
        assert v.item() == 4.0 and not v.requires_grad

    def test_what_comes_beside_the_value_has_no_graph(self):
        gradient, aux = tg.grad(lambda x: (x**2, {"a": x * 3, "b": "c"}), has_aux=True)(2.0)
        assert gradient.item() == 4.0
        assert aux["a"].item() == 6.0 and aux["a"].record is None and aux["b"] == "c"

    def test_arguments_that_are_returned_as_they_are(self):
        assert tg.grad(lambda x: x)(2.0).item() == 1.0
        _, pull = tg.vjp(lambda x: (x, x * x), np.ones(2))
        assert pull((np.ones(2), np.ones(2)))[0].tolist() == [3.0, 3.0]

    @pytest.mark.parametrize("f", [math.sin, lambda x: float(x) ** 2])
    def test_a_number_without_a_record_is_warned_of(self, f):
        with pytest.warns(UserWarning, match="plain number"):
            assert tg.grad(f)(2.0).item() == 0.0

    @pytest.mark.parametrize("f", [lambda x: tg.abs(x * 1j).sum(), lambda x: (x * 1j).sum()])
    def test_complex_numbers_on_the_way_are_refused(self, f):
        with pytest.raises(TypeError, match="'multiply' made complex numbers"):
            tg.grad(f)(np.array([1.0, 2.0]))
