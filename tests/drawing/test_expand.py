import numpy as np
import pytest

import tinygrad_lite as tg
from tests.drawing.graphs import edges, mlp
from tests.effort import effort, growth
from tinygrad_lite import nn
from tinygrad_lite.drawing.expand import expanded
from tinygrad_lite.drawing.naming import Names


def operations(picture):
    shapes = picture.figure.shapes.values()
    return [shape.title for shape in shapes if shape.kind == "operation"]


def test_a_linear_layer_is_its_multiplications_and_additions():
    tg.manual_seed(0)
    model = nn.Linear(3, 2)
    out = model(np.array([1.0, -2.0, 0.5], "float32")).sum()
    picture = tg.draw(out, expand=True, max_nodes=1000)
    assert operations(picture).count("×") == 6
    assert operations(picture).count("+") == 6
    titles = {shape.title for shape in picture.figure.shapes.values()}
    assert {f"weight[{i}, {j}]" for i in range(2) for j in range(3)} <= titles
    assert {"bias[0]", "bias[1]", "x1[0]", "x1[2]"} <= titles


@pytest.mark.parametrize("rows", [1, 2])
def test_expanding_changes_no_value_and_no_gradient(rows):
    model, loss = mlp(rows)
    names = expanded(Names([loss]), True, 10_000)
    (twin,) = names.outputs
    np.testing.assert_allclose(twin.data, loss.data, rtol=1e-6)
    loss.backward()
    gradients = [p.grad.numpy() for p in model.parameters()]
    model.zero_grad()
    twin.backward()
    for p, g in zip(model.parameters(), gradients):
        np.testing.assert_allclose(p.grad.numpy(), g, rtol=1e-5, atol=1e-7)
    assert all(names.path(t) == "Sequential.0" for t in names.nodes[:10])


@pytest.mark.parametrize(
    ("x", "y"), [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2))]
)
def test_products_of_vectors_and_matrices_of_every_kind(x, y):
    rng = np.random.default_rng(0)
    a = tg.tensor(rng.normal(size=x), requires_grad=True, name="a")
    b = tg.tensor(rng.normal(size=y), requires_grad=True, name="b")
    whole = (a @ b).sum()
    (twin,) = expanded(Names([whole]), True, 1000).outputs
    np.testing.assert_allclose(twin.data, whole.data)
    want = tg.grad(lambda p, q: (p @ q).sum(), argnums=(0, 1))(a, b)
    twin.backward()
    np.testing.assert_allclose(a.grad.numpy(), want[0].numpy())
    np.testing.assert_allclose(b.grad.numpy(), want[1].numpy())


def test_only_what_was_named_and_fits_the_budget_is_expanded():
    _, loss = mlp(1)
    assert operations(tg.draw(loss, expand="2", max_nodes=500)).count("xWᵀ+b") == 1
    assert operations(tg.draw(loss, expand=True, max_nodes=500)).count("xWᵀ+b") == 0
    assert operations(tg.draw(loss, expand=True, max_nodes=20)).count("xWᵀ+b") == 2
    assert edges(tg.draw(loss, expand=True, max_nodes=500), "gradient")


def test_what_follows_on_an_expanded_layer_is_computed_again_in_linear_time():
    def work(n):
        y = nn.Linear(2, 1)(np.ones(2, "float32"))
        for _ in range(n):
            y = y + 0.1
        names = Names([y])
        return effort(lambda: expanded(names, True, 90))

    work(1)  # what is imported on first use
    assert growth(work) < 2.02


def test_elements_are_named_after_the_boxes_of_the_same_picture():
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    picture = tg.draw(model(np.ones((1, 2), "float32")).sum(), expand=True)
    shapes = picture.figure.shapes
    for edge in edges(picture, "forward"):
        tail, head = shapes[edge.tail], shapes[edge.head]
        if head.title == "[·]":
            (result,) = (e.head for e in edges(picture, "upstream") if e.tail == edge.head)
            assert shapes[result].title.startswith(f"{tail.title}[")
    assert len({shape.title for shape in shapes.values() if shape.key.startswith("t")}) == sum(
        shape.key.startswith("t") for shape in shapes.values()
    )


@pytest.mark.parametrize("which", [True, "2"])
@pytest.mark.parametrize("budget", [20, 40, 60, 80, 100, 150])
def test_a_layer_is_expanded_within_the_budget_or_stays_whole(which, budget):
    _, loss = mlp(1)
    picture = tg.draw(loss, expand=which, max_nodes=budget)
    whole = tg.draw(loss, max_nodes=budget)
    kinds = [shape.kind for shape in picture.figure.shapes.values()]
    assert len(kinds) <= budget
    if budget >= len(whole.figure.shapes):
        assert "group" not in kinds


def test_what_could_not_be_read_when_expanded_stays_whole_by_default():
    tg.manual_seed(0)
    small, large = (nn.Linear(n, n)(np.ones((1, n), "float32")).sum() for n in (3, 4))
    assert "xWᵀ+b" not in operations(tg.draw(small, expand=True))
    assert "xWᵀ+b" in operations(tg.draw(large, expand=True))
    assert "xWᵀ+b" not in operations(tg.draw(large, expand=True, max_nodes=150))


def test_where_nothing_is_expanded_the_picture_says_why():
    tg.manual_seed(0)
    loss = nn.Linear(4, 4)(np.ones((1, 4), "float32")).sum()
    assert tg.draw(loss, expand=True, max_nodes=150).figure.notes == []
    assert "max_nodes=90" in tg.draw(loss, expand=True).figure.notes[0]
    assert "a trace shows" in tg.draw(tg.trace_backward(loss), expand=True).figure.notes[0]
