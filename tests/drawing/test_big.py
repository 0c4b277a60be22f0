import re
import shutil
import subprocess

import numpy as np
import pytest

import tinygrad_lite as tg
from tests.drawing.graphs import CRITERION, chain, edges, words
from tests.drawing.test_picture import labels, overlapping
from tests.effort import effort, growth
from tinygrad_lite import nn
from tinygrad_lite.drawing.naming import Names

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")


def deep(layers, width=4):
    tg.manual_seed(0)
    parts = [part for _ in range(layers) for part in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*parts, nn.Linear(width, 2))


ALIVE = []  # a module that is gone has no frame


def loss_of(model):
    ALIVE.append(model)
    x = np.random.default_rng(0).random((3, 4), dtype="float32")
    return CRITERION(model(x), np.array([0, 1, 0]))


class Block(nn.Module):
    def __init__(self):
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)

    def forward(self, x):
        return x + self.second(tg.relu(self.first(x)))


def operations(picture):
    return [shape for shape in picture.figure.shapes.values() if shape.kind == "operation"]


def test_depth_says_how_far_modules_are_opened():
    model = nn.Sequential(Block(), nn.Linear(4, 2))
    loss = loss_of(model)
    whole = tg.draw(loss, depth=0)
    assert [text.split(" ")[0] for text in labels(whole, "group").values()] == [
        "Sequential",
        "CrossEntropyLoss",
    ]
    assert "5 operations, 50 parameters" in labels(whole, "group")["group0"]
    children = tg.draw(loss, depth=1)
    assert any("0 · Block" in text for text in labels(children, "group").values())
    assert len(operations(children)) == 2  # the loss is not in the model
    assert not labels(tg.draw(loss), "group")


def test_modules_are_folded_by_name_path_or_class():
    model = nn.Sequential(Block(), Block(), nn.Linear(4, 2))
    loss = loss_of(model)
    for collapse, count in (("0", 1), ("Sequential.1", 1), ("0.first", 1), (["0", "2"], 2)):
        assert len(labels(tg.draw(loss, collapse=collapse), "group")) == count
    assert len(labels(tg.draw(loss, collapse="Linear"), "group")) == 5
    assert len(labels(tg.draw(loss, collapse=True), "group")) == 2  # the blocks fold into one


def test_what_flows_through_a_folded_module_is_not_changed_by_folding():
    model = nn.Sequential(Block(), nn.Linear(4, 2))
    loss = loss_of(model)
    opened, folded = tg.draw(loss), tg.draw(loss, collapse="Block")
    for key, text in labels(folded, "intermediate").items():
        assert labels(opened, "intermediate")[key] == text
    loss.backward()
    norms = [np.linalg.norm(p.grad.numpy()) for p in model[0].parameters()]
    total = np.sqrt(np.sum(np.square(norms)))
    assert f"∇ ‖{total:.4g}‖ on its leaves" in labels(folded, "group")["group0"]


def test_repeated_equal_modules_are_folded_as_times_n():
    picture = tg.draw(loss_of(deep(6)), depth=1)
    titles = [shape.title for shape in picture.figure.shapes.values() if shape.kind == "group"]
    assert titles[0] == "0 … 11 · (Linear → ReLU) × 6"
    picture = tg.draw(loss_of(nn.Sequential(*(Block() for _ in range(5)))), depth=1)
    titles = [shape.title for shape in picture.figure.shapes.values() if shape.kind == "group"]
    assert titles[0] == "0 … 4 · Block × 5"
    different = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 5), nn.Linear(5, 2))
    titles = [
        shape.title
        for shape in tg.draw(loss_of(different), depth=1).figure.shapes.values()
        if shape.kind == "group"
    ]
    assert titles == ["0 · Linear", "1 · Linear", "2 · Linear"]


class Unrolled(nn.Module):
    def __init__(self):
        self.read = nn.Linear(3, 4)
        self.recall = nn.Linear(4, 4)

    def forward(self, xs):
        h = tg.zeros((2, 4), dtype="float32")
        for x in xs:
            h = tg.tanh(self.read(x) + self.recall(h))
        return h


def groups(picture):
    return [shape.title for shape in picture.figure.shapes.values() if shape.kind == "group"]


def test_what_repeats_is_folded_but_for_the_first_where_all_would_not_fit_a_screen():
    blocks = loss_of(nn.Sequential(*(Block() for _ in range(6))))
    assert groups(tg.draw(blocks)) == ["1 … 5 · Block × 5"]
    assert groups(tg.draw(blocks, collapse=False)) == []
    assert groups(tg.draw(loss_of(nn.Sequential(Block(), Block(), Block())))) == []
    assert groups(tg.draw(loss_of(deep(9)))) == ["2 … 17 · (Linear → ReLU) × 8"]
    model = Unrolled()
    ALIVE.append(model)
    h = model(np.ones((10, 2, 3), np.float32))
    assert groups(tg.draw(h)) == ["(read → recall → + → tanh) × 9"]


def test_equal_modules_side_by_side_are_no_repeat():
    heads = [nn.Linear(4, 4) for _ in range(3)]
    ALIVE.extend(heads)
    x = np.ones((2, 4), np.float32)
    picture = tg.draw(sum(head(x) for head in heads), collapse="Linear")
    assert groups(picture) == ["Linear", "Linear", "Linear"]
    names = {shape.title for shape in tg.draw(heads[0](x) + heads[1](x)).figure.shapes.values()}
    assert {"Linear1.weight", "Linear2.weight"} <= names


def position(svg, key):
    """Where the middle of a shape is in an SVG picture, from the top."""
    text = re.search(rf'id="{key}".*?</g>', svg, re.DOTALL)[0]
    return float(re.search(r'<text [^>]*y="(-?[\d.]+)"', text)[1])


@needs_dot
def test_modules_stand_one_below_the_other():
    loss = loss_of(nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Linear(4, 2)))
    picture = tg.draw(loss, rankdir="TB")
    svg = picture.pipe(format="svg", encoding="utf-8")
    shapes = {shape.title: shape.key for shape in picture.figure.shapes.values()}
    first, then = position(svg, shapes["v2"]), position(svg, shapes["1.weight"])
    assert first + 20 < then, "the leaves of a module are below what it reads"


def test_big_models_fold_their_deepest_modules_first():
    model = nn.Sequential(*(nn.Sequential(Block(), nn.Linear(4, 4)) for _ in range(3)))
    loss = loss_of(model)
    opened = tg.draw(loss, depth=4)
    assert not labels(opened, "group")
    inner = tg.draw(loss, depth=4, max_nodes=45)
    assert any("first · Linear" in text for text in labels(inner, "group").values())
    outer = tg.draw(loss, depth=4, max_nodes=12)
    assert any("Sequential × 3" in text for text in labels(outer, "group").values())
    (rest,) = labels(tg.draw(loss, max_nodes=12, collapse=False), "group").values()
    assert rest.startswith("…")


def test_what_is_left_out_is_counted():
    y, _ = chain(200)
    picture = tg.draw(y, max_nodes=40)
    (rest,) = labels(picture, "group").values()
    shown = len(operations(picture))
    assert rest == f"… {200 - shown:,} operations"
    assert len(picture.figure.shapes) < 60


def test_the_gradient_of_a_leaf_is_whole_though_most_of_its_uses_are_hidden():
    y, weights = chain(300)
    picture = tg.draw(y, max_nodes=30)
    y.backward()
    boxes = {s.title: s for s in picture.figure.shapes.values() if s.kind == "parameter"}
    from tinygrad_lite.drawing.values import gist

    for w in weights:
        if w.name in boxes:
            assert boxes[w.name].gradient.endswith(f"→ {gist(w.grad.data)}")
    assert "w0" in boxes


def test_leaves_that_are_read_far_away_are_shown_again_there():
    y, _ = chain(60)
    picture = tg.draw(y, max_nodes=1000)
    again = [shape for shape in picture.figure.shapes.values() if shape.title == "w1 ↑"]
    assert again
    assert all(not shape.gradient for shape in again)
    assert len(edges(picture, "gradient")) == 100  # 60 operations, 40 of them with two arguments
    assert "the same again" in words(picture.source)


def test_a_hundred_thousand_nodes_are_summed_up():
    y, _ = chain(100_000)
    picture = tg.draw(y)
    assert len(picture.figure.shapes) < 200
    assert "operations" in str(picture)


def test_what_a_picture_costs_grows_with_its_nodes_and_no_faster():
    def work(n):
        y, _ = chain(n)
        return effort(lambda: tg.draw(y))

    work(1)  # what is imported on first use
    assert growth(work) < 2.1


LAPTOP = 1366 * 0.75  # points


def neurons(operations):
    """A network of single numbers, about as many operations: products, sums and tanh."""
    rng = np.random.default_rng(0)
    width = max(1, round((operations / 6) ** 0.5)) if operations > 20 else 1
    values = [tg.tensor(float(v), name=f"x{i}") for i, v in enumerate(rng.normal(size=2))]
    made = 0
    while made < operations:
        sums = [tg.tensor(float(v), requires_grad=True) for v in rng.normal(size=min(8, width))]
        for i, _ in enumerate(sums):
            for value in values:
                sums[i] = sums[i] + tg.tensor(float(rng.normal()), requires_grad=True) * value
        made += 2 * len(sums) * len(values) + len(sums)
        values = [tg.tanh(total) for total in sums]
    return sum(values[1:], values[0])


def examples(operations):
    """The squared errors of a line at many points, added up."""
    w, b = (tg.tensor(v, requires_grad=True, name=n) for n, v in (("w", 0.5), ("b", 0.1)))
    return sum((w * float(i) + b - float(i % 7)) ** 2 for i in range(max(1, operations // 5)))


def chained(operations):
    return chain(operations)[0]


@needs_dot
@pytest.mark.parametrize("size", [2, 20, 200, 2_000])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("build", [chained, neurons, examples])
def test_scalar_graphs_of_any_size_are_legible_on_a_laptop(size, theme, build):
    import xml.etree.ElementTree as ET

    y = build(size)
    picture = tg.draw(y, theme=theme)
    root = ET.fromstring(picture.pipe(format="svg", encoding="utf-8"))
    assert not overlapping(root)
    assert float(root.get("width").removesuffix("pt")) <= LAPTOP + 1
    assert scale_of(root) > 0.7  # of ten points
    hidden = sum(int(re.sub(r"\D", "", title)) for title in groups(picture))
    assert hidden + len(operations(picture)) == len(Names([y]).nodes)


def scale_of(root):
    """How much smaller a picture is than it was laid out."""
    return float(re.search(r"scale\(([\d.]+)", next(iter(root)).get("transform"))[1])


@needs_dot
@pytest.mark.parametrize("options", [{"depth": 0}, {"expand": True}, {"collapse": True}])
def test_options_that_find_nothing_to_do_leave_a_graph_legible(options):
    import xml.etree.ElementTree as ET

    picture = tg.draw(neurons(200), **options)
    assert scale_of(ET.fromstring(picture.pipe(format="svg", encoding="utf-8"))) > 0.7


def test_more_shapes_than_fit_a_laptop_are_drawn_where_they_are_asked_for():
    y = neurons(500)
    assert len(tg.draw(y).figure.shapes) < 80 < len(tg.draw(y, max_nodes=150).figure.shapes)


def test_what_would_be_wider_than_a_screen_runs_from_top_to_bottom():
    loss = loss_of(nn.Sequential(nn.Linear(4, 512), nn.ReLU(), nn.Linear(512, 10)))
    assert "rankdir=TB" in tg.draw(loss).source
    assert "rankdir=LR" in tg.draw(loss, values=False, formulas=False, depth=0).source


def test_long_graphs_run_from_top_to_bottom_and_short_ones_from_left_to_right():
    assert "rankdir=LR" in tg.draw(chain(3)[0]).source
    assert "rankdir=TB" in tg.draw(chain(40)[0]).source
    assert "rankdir=LR" in tg.draw(chain(40)[0], rankdir="LR").source


def test_layers_of_the_text_are_counted_one_by_one_when_folded():
    text = str(tg.draw(loss_of(nn.Sequential(Block(), Block(), nn.Linear(4, 2))), depth=1))
    layers = [int(n) for n in re.findall(r"── layer (\d+)", text)]
    assert layers == list(range(1, len(layers) + 1))


def test_many_leaves_of_one_operation_are_folded_and_counted():
    leaves = [tg.tensor([float(i)], requires_grad=True) for i in range(500)]
    y = tg.concatenate(leaves).sum()
    picture = tg.draw(y)
    assert len(picture.figure.shapes) < 20
    (group,) = labels(picture, "group").values()
    assert group == f"… 492 leaves ∇ ‖{np.sqrt(492):.4g}‖ on its leaves"
    (merged,) = [e for e in picture.figure.edges.values() if e.slots > 1]
    assert merged.slots == 492
    assert "492 edges" in words(tg.draw(y, direction="forward").source)
    few = tg.draw(tg.concatenate(leaves[:20]).sum())
    assert not labels(few, "group")
    pairs = [tg.tensor([float(i), 1.0], requires_grad=True) for i in range(500)]
    outputs = [tg.concatenate(pairs), tg.tensor(np.ones(3))]  # of shapes that cannot be compared
    (group,) = labels(tg.draw(outputs), "group").values()
    assert group == "… 492 leaves"


def test_many_results_that_one_operation_reads_share_an_edge_where_they_are_left_out():
    leaves = [tg.tensor(float(i), requires_grad=True) for i in range(500)]
    picture = tg.draw(tg.stack(leaves).sum(), max_nodes=60)
    assert len(picture.figure.shapes) <= 60
    assert len(picture.figure.edges) < 80
    assert max(e.slots for e in picture.figure.edges.values()) > 400


class Function(nn.Module):
    def __init__(self, function):
        self.forward = function


@pytest.mark.parametrize(
    ("function", "total"), [(lambda x: x * 3 + x * 4, "7"), (lambda x: x * 3 - x * 3, "0")]
)
def test_edges_that_share_a_line_show_the_sum_of_what_they_carry(function, total):
    model = Function(function)
    x = tg.tensor(1.0, requires_grad=True, name="x")
    picture = tg.draw(model(x * 1.0), depth=0)
    (edge,) = [e for e in picture.figure.edges.values() if e.slots > 1]
    assert (edge.amount, edge.norm) == (total, float(total))
    forward = tg.draw(model(x * 1.0), depth=0, direction="forward")
    assert "2 edges" in words(forward.source)


def test_the_leaves_of_a_folded_module_count_once_however_often_they_are_read():
    class Twice(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(2.0)

        def forward(self, x):
            return x * self.w - x * self.w + self.w

    model = Twice()
    (text,) = labels(tg.draw(model(tg.tensor(5.0)), depth=0), "group").values()
    assert text.endswith("∇ ‖1‖ on its leaves")


def test_what_a_folded_module_is_called_with_is_not_in_it():
    model = nn.Linear(2, 1)
    x = tg.tensor(np.ones((3, 2), "float32"), requires_grad=True, name="x")
    picture = tg.draw(model(x).sum(), depth=0)
    assert [text.split()[0] for text in labels(picture, "parameter").values()] == ["x"]
    assert "3 parameters" in next(iter(labels(picture, "group").values()))


def blocks(n):
    return nn.Sequential(*[nn.Sequential(nn.Tanh(), nn.Tanh()) for _ in range(n)])


def test_thousands_of_modules_are_drawn():
    model = blocks(2_000)
    picture = tg.draw(model(tg.tensor(1.0, requires_grad=True)))
    assert any("× " in title for title in groups(picture))


def test_what_a_picture_costs_grows_with_its_modules_and_no_faster():
    def work(n):
        model = blocks(n // 4)
        y = model(tg.tensor(1.0, requires_grad=True))
        return effort(lambda: tg.draw(y))

    work(4)  # what is imported on first use
    assert growth(work) < 2.1


def shared_at_random(operations):
    rng = np.random.default_rng(0)
    values = [tg.tensor(x, requires_grad=True) for x in rng.normal(size=100)]
    for _ in range(operations):
        a, b = rng.integers(0, len(values), 2)
        values.append(tg.tanh(values[a] + values[b]))
    return sum(values[-operations:])


@needs_dot
def test_what_is_hard_to_lay_out_has_straight_edges(monkeypatch):
    monkeypatch.setattr("tinygrad_lite.drawing.rendering.PATIENCE", 0.5)
    picture = tg.draw(shared_at_random(300), max_nodes=150)
    assert b"</svg>" in picture.pipe(format="svg")
    assert "splines=line" in picture.source
    easy = tg.draw(chain(3)[0])
    easy.pipe(format="svg")
    assert "splines" not in easy.source


@needs_dot
def test_a_picture_is_laid_out_once_for_each_format(monkeypatch):
    runs = []

    class Counted(subprocess.Popen):
        def __init__(self, command, *args, **options):
            runs.append(command)
            super().__init__(command, *args, **options)

    monkeypatch.setattr(subprocess, "Popen", Counted)
    tg.draw(neurons(500))._repr_mimebundle_()
    assert [command[-1] for command in runs] == ["-Tsvg"]
    runs.clear()
    large = tg.draw(neurons(500), max_nodes=200)
    for form in ("svg", "svg", "pdf"):
        large.pipe(format=form)
    assert [command[-1] for command in runs] == ["-Tdot", "-Tsvg", "-Tsvg", "-Tpdf"], "tried once"
