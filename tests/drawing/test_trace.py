import json
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.drawing.graphs import chain, mlp, neuron
from tests.effort import effort, growth
from tinygrad_lite import nn
from tinygrad_lite.drawing.player_flow import hooked


def test_one_event_per_contribution_in_the_order_they_were_made():
    out, _ = neuron()
    trace = tg.trace_backward(out)
    assert len(trace) == len(trace.events) == 9  # tanh, then 2 of each of 2 additions, 2 products
    assert [e.step for e in trace] == list(range(9))
    assert [e.operation for e in trace] == ["tanh", *["add"] * 4, *["multiply"] * 4]
    assert {e.target for e in trace[-4:]} == {"x1", "w1", "x2", "w2"}
    assert isinstance(trace[2:4], tuple)
    assert len(trace[2:4]) == 2


def test_what_a_trace_leaves_in_grad_is_what_backward_leaves():
    out, leaves = neuron()
    tg.trace_backward(out)
    traced = {name: x.grad.item() for name, x in leaves.items()}
    for x in leaves.values():
        x.grad = None
    out.backward()
    assert traced == {name: x.grad.item() for name, x in leaves.items()}
    trace = tg.trace_backward(out)  # a second pass accumulates, and the trace says so
    assert trace.gradients["w1"] == 2 * traced["w1"]


def test_upstream_times_local_is_the_contribution_and_sums_add_up():
    _, loss = mlp()
    trace = tg.trace_backward(loss)
    assert any(e.local is not None for e in trace)
    complete = {}
    for e in trace:
        if e.local is not None:
            broadcast = np.broadcast_to(e.upstream * e.local, np.shape(e.upstream * e.local))
            np.testing.assert_allclose(np.sum(broadcast), np.sum(e.contribution), rtol=1e-5)
        before = 0 if e.before is None else e.before
        np.testing.assert_allclose(before + e.contribution, e.after, rtol=1e-6)
        complete[e.target] = e.after
    for name, gradient in trace.gradients.items():
        np.testing.assert_array_equal(gradient, complete[name])


def test_parameters_modules_and_lines_have_their_real_names():
    model, loss = mlp()
    trace = tg.trace_backward(loss)
    assert set(trace.gradients) == {name for name, _ in model.named_parameters()}
    assert {e.module for e in trace} == {
        "CrossEntropyLoss",
        "Sequential.0",
        "Sequential.1",
        "Sequential.2",
    }
    event = next(e for e in trace if e.target == "2.weight")
    assert event.formula == "gᵀ @ v2"
    assert event.file.endswith("graphs.py")
    assert "model(x)" in event.code


def test_fan_in_is_accumulated_event_by_event():
    x = tg.tensor(3.0, requires_grad=True, name="x")
    trace = tg.trace_backward(x * 3.0 + x * 4.0)
    arrived = [(e.before, e.after) for e in trace if e.target == "x"]
    assert arrived == [(None, 4.0), (4.0, 7.0)]
    assert "4 + 3 → 7" in trace.table()


def test_events_are_snapshots():
    x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    trace = tg.trace_backward((x * x).sum())
    before = [np.array(e.contribution) for e in trace]
    x.grad = None
    with tg.no_grad():
        x += 100.0
    for e, kept in zip(trace, before):
        np.testing.assert_array_equal(e.contribution, kept)
        assert not any(isinstance(field, tg.Tensor) for field in e)
        assert not np.asarray(e.contribution).flags.writeable or np.ndim(e.contribution) == 0


def test_a_gradient_to_start_from():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    trace = tg.trace_backward(x * 3.0, gradient=[1.0, 10.0])
    np.testing.assert_array_equal(trace[0].upstream, [1.0, 10.0])
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 30.0])
    with pytest.raises(RuntimeError, match="gradient"):
        tg.trace_backward(x * 3.0)


def test_hooks_run_once_as_in_backward():
    x = tg.tensor(1.0, requires_grad=True)
    seen = []
    y = x * 2.0
    y.register_hook(lambda g: seen.append(g.item()))
    tg.trace_backward(y * 5.0)
    assert seen == [5.0]


def test_the_table_is_the_same_from_run_to_run():
    def table():
        _, loss = mlp()
        return tg.trace_backward(loss).table()

    first = table()
    assert first == table()
    lines = first.splitlines()
    assert lines[0].split()[:4] == ["step", "operation", "to", "rule"]
    assert len({line.index("0.weight") for line in lines if " 0.weight  " in line}) == 1


def test_json_holds_the_whole_trace():
    model, loss = mlp()
    trace = tg.trace_backward(loss)
    data = json.loads(trace.to_json())
    assert data["format"] == "tinygrad_lite trace"
    ids = [node["id"] for node in data["nodes"]]
    assert len(ids) == len(set(ids))
    by_id = {node["id"]: node for node in data["nodes"]}
    kinds = {node["kind"] for node in data["nodes"]}
    assert kinds == {"parameter", "input", "operation", "intermediate", "output"}
    assert by_id[data["output"]]["kind"] == "output"
    edges = {edge["id"]: edge for edge in data["edges"]}
    assert len(edges) == len(data["edges"])
    assert {e["from"] for e in edges.values()} | {e["to"] for e in edges.values()} <= set(ids)
    assert [e["step"] for e in data["events"]] == list(range(len(trace)))
    for e, event in zip(data["events"], trace):
        assert edges[e["edge"]]["from"] == e["target_id"]
        assert e["contribution"]["shape"] == list(np.shape(event.contribution))
    names = {by_id[key]["label"]: value for key, value in data["gradients"].items()}
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(np.float32(names[name]["whole"]), p.grad.numpy())


def test_json_escapes_what_users_write(tmp_path):
    x = tg.tensor(1.0, requires_grad=True, name='</script><b>"x\n')
    trace = tg.trace_backward(x * float("inf"))
    data = json.loads(trace.to_json())
    assert data["nodes"][0]["label"] == '</script><b>"x\n'
    saved = trace.save(tmp_path / "trace.json")
    assert json.loads(saved.read_text(encoding="utf-8")) == data
    with pytest.raises(ValueError, match="json"):
        trace.save(tmp_path / "trace.png")


def test_modules_that_are_gone_are_no_trouble():
    x = tg.tensor(np.ones((2, 3), "float32"))
    loss = nn.MSELoss()(nn.Linear(3, 1)(x), np.ones((2, 1), "float32"))
    trace = tg.trace_backward(loss)
    assert not any(e.module for e in trace)
    assert "cluster" not in tg.draw(trace).source


def test_long_chains_are_walked_without_recursion():
    y, weights = chain(3000)
    trace = tg.trace_backward(y)
    assert trace.gradients["w0"] == weights[0].grad.item()


def test_traces_are_recorded_without_graphviz():
    """Nor is it imported with the package: pictures are late."""
    program = (
        "import sys, tinygrad_lite as tg; x = tg.tensor(1.0, requires_grad=True);"
        "tg.trace_backward(x * 2.0).table(); assert 'graphviz' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_rule_that_cannot_be_written_is_a_derivative_all_the_same():
    double = tg.primitive(lambda x: x * 2, [lambda g, out, x: 2 * g.copy()], name="double")
    x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    trace = tg.trace_backward(double(x).sum())
    assert trace[-1].formula == "g · ∂v1/∂x"
    np.testing.assert_array_equal(trace.gradients["x"], [2.0, 2.0])
    assert "g · ∂v1/∂x" in tg.draw(trace).source


def test_a_long_table_shows_its_ends_and_counts_the_rest():
    y, _ = chain(1500)
    trace = tg.trace_backward(y)
    lines = trace.table(max_rows=10).splitlines()
    assert [line.split()[0] for line in lines[:7]] == ["step", "0", "1", "2", "3", "4", "…"]
    assert lines[6] == f"… {len(trace) - 10:,} more"
    assert lines[-1].split()[0] == str(len(trace) - 1)
    assert len(trace.table().splitlines()) == 1002
    assert len(trace.table(max_rows=None).splitlines()) == len(trace) + 1
    with pytest.raises(ValueError, match="max_rows=1"):
        trace.table(max_rows=1)


def test_one_formula_serves_operations_that_differ_in_counted_names_alone():
    x = tg.tensor([0.5, 2.0], requires_grad=True, name="x")
    y = (x * 1.5) * (x * 1.50001) + (x * x) * (x * 2.5)
    formulas = {(e.result, e.target): e.formula for e in tg.trace_backward(y.sum())}
    assert formulas["v1", "x"] == "g × 1.5"
    assert formulas["v2", "x"] == "g × 1.50001"
    assert formulas["v3", "v1"] == "g × v2"
    assert formulas["v3", "v2"] == "g × v1"
    assert formulas["v4", "x"] == "g × x"
    assert formulas["v6", "v4"] == "g × v5"


def test_a_rule_that_looks_at_numbers_is_derived_anew():
    def rule(g, out, x):
        return 2 * g if float(x) > 0 else 3 * g

    fork = tg.primitive(lambda x: np.where(x > 0, 2 * x, 3 * x), [rule], name="fork")
    x = tg.tensor(1.0, requires_grad=True, name="x")
    events = tg.trace_backward(fork(x * 1.0) + fork(x * -1.0))
    assert [e.formula for e in events if e.operation == "fork"] == ["3 × g", "2 × g"]


def test_formulas_of_many_arguments_take_no_time():
    leaves = [tg.tensor(float(i), requires_grad=True, name=f"a{i}") for i in range(300)]
    trace = tg.trace_backward(tg.stack(leaves).sum())
    assert len({e.formula for e in trace}) > 300


def test_the_trace_of_a_join_is_linear_in_the_number_of_its_parts():
    def work(n):
        total = tg.stack([tg.tensor(float(i), requires_grad=True) for i in range(n)]).sum()
        return effort(lambda: tg.trace_backward(total))

    work(1)  # what is imported on first use
    assert growth(work) < 2.02


def test_what_is_computed_again_has_a_derivative_for_its_rule():
    x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    trace = tg.trace_backward(tg.checkpoint(lambda x: tg.exp(x * x), x).sum())
    assert trace[-1].formula == "g · ∂v1/∂x"


def rules(output):
    return {event.target: event.formula for event in tg.trace_backward(output)}


def leaf(name, *shape):
    return tg.tensor(np.full(shape, 2.0), requires_grad=True, name=name)


def test_formulas_tell_the_sum_over_what_was_broadcast():
    x, b = leaf("x"), leaf("b", 4)
    output = (x * np.ones((3, 4)) + b).sum()
    found = rules(output)
    assert found["b"] == "Σ(g, axis 0)"
    assert found["x"] == "Σ(g × x1, axes 0, 1)"
    assert "Σ(g, axis 0)" in tg.trace_backward(output).table()
    assert "↳ ∇ b: Σ(g, axis 0)" in str(tg.draw(output))
    assert rules((leaf("row", 1, 4) * leaf("w", 3, 4)).sum())["row"] == "Σ(g × w, axis 0)"


def test_formulas_of_products_with_vectors_are_those_of_textbooks():
    w, a, v = leaf("W", 3, 4), leaf("a", 4), leaf("v", 3)
    found = rules((w @ a).sum())
    assert (found["W"], found["a"]) == ("g ⊗ a", "Wᵀ @ g")
    found = rules((v @ w).sum())
    assert (found["v"], found["W"]) == ("W @ g", "v ⊗ g")
    assert rules(leaf("one", 1, 4).reshape(4).sum())["one"] == "reshape(g)"
    found = rules(tg.einsum("ij,j->i", w, a).sum())
    assert found["a"] == "einsum(i,ij→j, g, W)"


def test_leaves_that_share_a_name_have_gradients_of_their_own():
    a, b = (tg.tensor(v, requires_grad=True, name="w") for v in (2.0, 3.0))
    (a * 4.0).backward()
    trace = tg.trace_backward(a * b)
    data = trace.to_dict()
    assert {key: array["whole"] for key, array in data["gradients"].items()} == {
        "leaf0": 7.0,
        "leaf1": 2.0,
    }
    assert {key: array["whole"] for key, array in data["earlier"].items()} == {"leaf0": 4.0}
    assert hooked(trace) == {}, "nor is there a hook between what was added up and what is held"
    assert repr(trace).endswith("to 2 leaves>")
