import math
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import graphviz
import numpy as np
import pytest

import tinygrad_lite as tg
from tests.drawing.graphs import edges, mlp, neuron, words
from tinygrad_lite import nn
from tinygrad_lite.drawing.theme import theme_named
from tinygrad_lite.drawing.values import gist, number

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's dot")


def labels(picture, kind):
    """What the boxes of one kind say, by key."""
    pattern = rf'^\t(\w+) \[id="\1" class="{kind}".*?label=<(.*?)> fillcolor'
    return {key: words(text) for key, text in re.findall(pattern, picture.source, re.MULTILINE)}


def test_every_argument_slot_is_an_edge():
    x = tg.tensor(3.0, requires_grad=True, name="x")
    picture = tg.draw(x * x)
    assert [(e.tail, e.head, e.key) for e in edges(picture, "gradient")] == [
        ("leaf0", "op0", "grad.op0.0"),
        ("leaf0", "op0", "grad.op0.1"),
    ]
    assert len(edges(picture, "forward")) == 3  # two slots and the result
    assert "∇ 3 + 3 → 6" in labels(picture, "parameter")["leaf0"]


def test_leaves_of_equal_value_stay_two():
    a, b = tg.tensor(2.0, requires_grad=True), tg.tensor(2.0, requires_grad=True)
    assert len(labels(tg.draw(a * b), "parameter")) == 2


def test_the_numbers_on_the_picture_are_the_gradients():
    out, leaves = neuron()
    picture = tg.draw(out)
    out.backward()
    boxes = labels(picture, "parameter")
    assert len(boxes) == 5
    for name, x in leaves.items():
        box = next(text for text in boxes.values() if text.startswith(f"{name} "))
        assert box.endswith(f"∇ {number(x.grad.item())}")
        assert f" {number(x.item())} " in box


def test_edges_carry_the_rule_and_the_contribution():
    _, loss = mlp()
    picture = tg.draw(loss)
    trace = tg.trace_backward(loss)
    drawn = {e.key: e for e in edges(picture, "gradient")}
    assert len(drawn) == len(trace)
    for event in trace:
        text = words(drawn[f"grad.{event.node}.{event.slot}"].text)
        assert f"= {gist(event.contribution, True)}" in text
    assert "gᵀ @ v2" in words(drawn["grad.op2.1"].text)


def test_a_trace_is_drawn_as_its_tensor_is():
    out, _ = neuron()
    assert tg.draw(tg.trace_backward(out)).source == tg.draw(out).source


def test_drawing_leaves_grad_and_hooks_alone():
    x = tg.tensor(3.0, requires_grad=True, name="x")
    y = x * 2.0
    y.retain_grad()
    calls = []
    y.register_hook(lambda g: calls.append(g) or g * 100)
    z = y * 5.0
    z.backward()
    assert x.grad.item() == 1000.0
    picture = tg.draw(z)
    assert x.grad.item() == 1000.0
    assert y.grad.item() == 500.0
    assert len(calls) == 1
    assert "∇ 10" in labels(picture, "parameter")["leaf0"]
    assert "hooks are not called" in picture.source
    z.backward()
    assert len(calls) == 2


def test_directions_and_what_can_be_left_out():
    out, _ = neuron()
    both = tg.draw(out)
    assert {e.kind for e in edges(both)} == {"forward", "gradient", "upstream"}
    assert {e.kind for e in edges(tg.draw(out, direction="forward"))} == {"forward"}
    assert {e.kind for e in edges(tg.draw(out, gradients=False))} == {"forward"}
    backward = tg.draw(out, direction="backward")
    assert {e.kind for e in edges(backward)} == {"gradient", "upstream"}
    plain = tg.draw(out, formulas=False)
    assert "g × w1" in words(both.source)
    assert "g × w1" not in words(plain.source)
    assert "6.881" not in words(tg.draw(out, values=False, gradients=False).source)
    with pytest.raises(ValueError, match="direction"):
        tg.draw(out, direction="sideways")
    with pytest.raises(ValueError, match="theme"):
        tg.draw(out, theme="neon")


def test_without_a_gradient_there_is_a_forward_picture():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert {e.kind for e in edges(tg.draw(x * 2.0))} == {"forward"}
    with pytest.raises(RuntimeError, match="gradient"):
        tg.draw(x * 2.0, direction="both")
    assert labels(tg.draw(tg.tensor([1.0, 2.0])), "output")
    assert edges(tg.draw([x * 2.0, x + 1.0]))
    with pytest.raises(RuntimeError, match="one output"):
        tg.draw([x.sum(), x.mean()], direction="both")


def test_what_cannot_be_drawn_is_an_error_that_says_so():
    with pytest.raises(TypeError, match="not int"):
        tg.draw(3)
    with pytest.raises(TypeError, match="no tensor"):
        tg.draw([])
    with pytest.raises(TypeError, match="inputs are for modules"):
        tg.draw(tg.tensor(1.0), 3)


def test_a_model_is_called_and_drawn():
    model, _ = mlp()
    picture = tg.draw(model, np.ones((1, 4), "float32"))
    inputs = labels(picture, "input")
    assert any(text.startswith(("x ", "input")) for text in inputs.values())
    names = " ".join(labels(picture, "parameter").values())
    assert all(name in names for name in ("0.weight", "0.bias", "2.weight", "2.bias"))
    assert "subgraph cluster_0" in picture.source
    assert "Linear" in words(picture.source)
    model.requires_grad_(False)
    assert len(edges(tg.draw(model, np.ones((1, 4), "float32")))) > 3  # frozen models draw as well


def test_an_array_that_several_operations_read_is_one_box():
    shared = np.ones(3)
    w = tg.tensor(np.ones(3), requires_grad=True)
    picture = tg.draw((w * shared + w / shared).sum())
    assert len(labels(picture, "input")) == 1


def test_gradients_that_are_not_finite_stand_out():
    x = tg.tensor([0.0, 1.0], requires_grad=True, name="x")
    picture = tg.draw(tg.sqrt(x).sum())
    assert "not finite" in words(picture.source)
    assert "∞" in labels(picture, "parameter")["leaf0"]


def test_larger_gradients_are_wider_and_signs_have_colours():
    x = tg.tensor(1.0, requires_grad=True, name="x")
    y = tg.tensor(1.0, requires_grad=True, name="y")
    picture = tg.draw(x * 1000.0 - y * 0.5)
    drawn = {e.tail: e.text for e in edges(picture, "gradient") if e.tail.startswith("leaf")}

    def read(text, attribute):
        return re.search(rf'{attribute}="?([#\w.]+)', text).group(1)

    first, second = drawn["leaf0"], drawn["leaf2"]
    assert float(read(first, "penwidth")) > float(read(second, "penwidth"))
    assert read(first, " color") != read(second, " color")
    in_print = {
        e.tail: e.text for e in edges(tg.draw(x * 1000.0 - y * 0.5, theme="print"), "gradient")
    }
    assert read(in_print["leaf0"], "style") == "solid"
    assert read(in_print["leaf2"], "style") == "dashed"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"collapse": "nonsense"}, "collapse='nonsense' is no name, path or class.*Sequential.0"),
        ({"collapse": ["0", "nonsense"]}, "collapse='nonsense'"),
        ({"expand": "nonsense"}, "expand='nonsense'"),
        ({"depth": -1}, "depth"),
        ({"max_nodes": -5}, "max_nodes"),
        ({"rankdir": "XX"}, "rankdir must be 'LR' or 'TB'"),
    ],
)
def test_options_that_mean_nothing_are_errors(option, message):
    _, loss = mlp()
    with pytest.raises(ValueError, match=message):
        tg.draw(loss, **option)


def test_sums_shorten_their_summands_and_keep_their_result():
    x = tg.tensor([0.12345, -1.2345, 1.2345e-9, 3.3333], requires_grad=True, name="x")
    weights = [np.array([0.12345, -1.2345, 1.2345e-9, 3.3333]) * k for k in (1.1, 2.2, 3.3, 4.4)]
    y = x * weights[0]
    for w in weights[1:]:
        y = y + x * w
    picture = tg.draw(y.sum())
    y.sum().backward()
    text = labels(picture, "parameter")["leaf0"]
    assert text.endswith(f"→ {gist(x.grad.data)}")
    assert "∇ sum of 4 →" in text


HOSTILE = ['<b>"q"</b>', "a\\nb", "{x|y}", "line\nbreak", "]; evil [", "‮\x00", "&amp;", " ", "é中"]
HOSTILE += [rf"\{letter}{letter}\\" for letter in "NEGTHLl"]


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_as_they_are_written(name):
    x = tg.tensor(1.0, requires_grad=True, name=name)
    svg = tg.draw(x * 2.0).pipe(format="svg", encoding="utf-8")
    root = ET.fromstring(svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    shown = "".join(c if c.isprintable() else " " for c in name)
    normal = [(text or "").replace("\xa0", " ").strip() for text in texts]
    assert shown.strip() in normal


@needs_dot
def test_names_on_edges_are_shown_as_they_are_written():
    x = tg.tensor(2.0, requires_grad=True, name=r"\T\H\E\G\L")
    root = ET.fromstring(tg.draw(x * 3.0 * x).pipe(format="svg", encoding="utf-8"))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert r"g × \T\H\E\G\L" in texts


@needs_dot
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_the_svg_holds_every_edge_and_a_legend(theme):
    _, loss = mlp()
    picture = tg.draw(loss, theme=theme)
    root = ET.fromstring(picture.pipe(format="svg", encoding="utf-8"))
    space = "{http://www.w3.org/2000/svg}"
    drawn = [
        g.get("id") for g in root.iter(f"{space}g") if (g.get("class") or "").startswith("edge")
    ]
    assert sorted(drawn) == sorted(e.key for e in edges(picture))
    text = " ".join(t.text or "" for t in root.iter(f"{space}text"))
    assert all(word in text for word in ("parameter", "output", "forward", "gradient"))
    assert not overlapping(root)


def overlapping(root):
    """Pairs of texts of a picture that lie on each other."""
    space = "{http://www.w3.org/2000/svg}"
    boxes = []
    for t in root.iter(f"{space}text"):
        size = float(t.get("font-size"))
        x, y, n = float(t.get("x")), float(t.get("y")), len((t.text or "").strip())
        wide = 0.45 * size * n
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[t.get("text-anchor")]
        boxes.append((left, y - 0.7 * size, left + wide, y, t.text))
    return [
        (a[4], b[4])
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def test_a_picture_shows_how_far_gradients_come_and_says_why_they_end():
    f = tg.compile(lambda x: (x * x).sum())
    x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = [f(x) for _ in range(3)][-1] * 3.0
    picture = tg.draw(y)
    gradients = {shape.kind: shape.gradient for shape in picture.figure.shapes.values()}
    assert (gradients["output"], gradients["intermediate"], gradients["parameter"]) == (
        "1",
        "3",
        "",
    )
    (note,) = picture.figure.notes
    assert "gradients do not pass through a compiled function" in note
    assert note.split()[-1] in words(picture.source)
    assert "compiled" in str(picture)
    with pytest.raises(RuntimeError, match="compiled function"):
        tg.draw(y, direction="both")


def test_what_is_not_finite_has_a_colour_of_its_own_in_boxes_and_on_edges():
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        picture = tg.draw(tg.log(x).sum())
    strange = theme_named("light").strange
    assert f'<FONT COLOR="{strange}">∇ [∞, 1]' in picture.source
    assert f'color="{strange}"' in picture.source


SVG = "{http://www.w3.org/2000/svg}"


def lines_of(picture):
    """By edge, the points of its line and the tip of its arrow, and how thick that is drawn."""
    found = {}
    for group in ET.fromstring(picture.pipe(format="svg", encoding="utf-8")).iter(f"{SVG}g"):
        path, arrow = group.find(f".//{SVG}path"), group.find(f".//{SVG}polygon")
        if group.get("class", "").startswith("edge ") and arrow is not None:
            numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
            corners = [tuple(map(float, p.split(","))) for p in arrow.get("points").split()]
            wide = float(arrow.get("stroke-width", 1))
            found[group.get("id")] = (list(zip(numbers[::2], numbers[1::2])), corners, wide)
    return found


@needs_dot
def test_both_directions_are_seen_in_a_chain_from_top_to_bottom():
    y = tg.tensor(0.5, requires_grad=True)
    for _ in range(4):
        y = tg.tanh(tg.sin(y))
    lines = lines_of(tg.draw(y, rankdir="TB"))
    back = [key for key in lines if key.startswith("grad.op")]
    assert len(back) == 16
    for key in back:
        (here, _, wide), (there, _, _) = lines[key], lines[key.removeprefix("grad.")]
        middles = [sum(x for x, _ in points) / len(points) for points in (here, there)]
        assert abs(middles[0] - middles[1]) > wide


@needs_dot
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_arrows_end_before_the_text_that_they_point_to(rankdir):
    layer = nn.Linear(2, 2)
    picture = tg.draw((layer(np.ones((1, 2), "float32")) ** 2).sum(), expand=True, rankdir=rankdir)
    root = ET.fromstring(picture.pipe(format="svg", encoding="utf-8"))
    texts = []
    for group in root.iter(f"{SVG}g"):
        if group.get("class", "").startswith("node"):
            for t in group.iter(f"{SVG}text"):
                size, x, y = (float(t.get(k)) for k in ("font-size", "x", "y"))
                wide = 0.45 * size * len((t.text or "").strip())
                left = {"start": x, "middle": x - wide / 2}[t.get("text-anchor")]
                texts.append((left, y - 0.7 * size, left + wide, y, t.text))
    tips = []
    for _, corners, wide in lines_of(picture).values():
        base = [(a + b) / 2 for a, b in zip(corners[0], corners[2])]
        length = math.dist(base, corners[1])
        beyond = wide / 2 * math.hypot(length, half := math.dist(corners[0], base)) / half
        tips.append([t + (t - b) / length * beyond for t, b in zip(corners[1], base)])
    assert len(tips) > 20 < len(texts)
    for x, y in tips:
        assert not [text for l, top, r, low, text in texts if l < x < r and top < y < low]


def test_the_source_is_the_same_from_run_to_run():
    assert tg.draw(mlp()[1]).source == tg.draw(mlp()[1]).source


@needs_dot
def test_notebooks_get_svg_and_text():
    out, _ = neuron()
    bundle = tg.draw(out)._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<?xml")
    assert "∇ w1" in bundle["text/plain"]
    assert set(tg.draw(out)._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}


def test_without_dot_notebooks_get_text_and_files_get_advice(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    out, _ = neuron()
    picture = tg.draw(out)
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "g × w1" in bundle["text/plain"]
    for ask in (
        lambda: picture.render(tmp_path / "graph"),
        lambda: picture.pipe(format="svg"),
    ):
        with pytest.raises(RuntimeError, match=r"apt install.*brew install.*winget"):
            ask()
    assert list(tmp_path.iterdir()) == []


@needs_dot
def test_it_is_a_digraph_that_renders_to_files(tmp_path):
    out, _ = neuron()
    picture = tg.draw(out)
    assert isinstance(picture, graphviz.Digraph)
    path = picture.render(tmp_path / "graph", format="svg", cleanup=True)
    assert "<svg" in Path(path).read_text(encoding="utf-8")
    assert picture.source.startswith("digraph")


@needs_dot
@pytest.mark.parametrize(
    ("name", "written"),
    [("a.png", "a.png"), ("a.SVG", "a.svg"), ("b.2.pdf", "b.2.pdf"), ("b.2", "b.2.svg")],
)
def test_the_ending_of_a_name_says_the_format(tmp_path, name, written):
    picture = tg.draw(neuron()[0])
    assert Path(picture.render(tmp_path / name, cleanup=True)) == tmp_path / written
    assert [path.name for path in tmp_path.iterdir()] == [written]
    path = picture.render(str(tmp_path / "c.png"), format="svg", cleanup=True)
    assert Path(path).name == "c.png.svg"


def test_the_text_shows_the_same_graph():
    model, loss = mlp()
    text = str(tg.draw(loss))
    for name, _ in model.named_parameters():
        assert f"parameter {name} " in text
    assert "↳ ∇ 2.weight: gᵀ @ v2 = ‖" in text
    assert text.count("── layer") == 5


def test_recorded_changes_in_place_are_drawn():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    y = x * 1.0
    y[0] = 5.0
    picture = tg.draw(y.sum())
    assert "∇ [0, 1, 1]" in labels(picture, "parameter")["leaf0"]


def test_shared_weights_are_one_box_with_a_sum():
    tg.manual_seed(0)
    shared = nn.Linear(2, 2)
    model = nn.Sequential(shared, nn.Tanh(), shared)
    picture = tg.draw(model(np.ones((1, 2), "float32")).sum())
    boxes = [text for text in labels(picture, "parameter").values() if text.startswith("0.bias")]
    assert len(boxes) == 1
    assert re.search(r"∇ \[.*\] \+ \[.*\] → \[.*\]", boxes[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_target_keeps_its_name_when_it_is_converted(dtype):
    scores = tg.tensor(np.ones((2, 3), "float32"), requires_grad=True, name="scores")
    targets = tg.tensor(np.eye(3)[:2].astype(dtype), name="labels")
    for loss in (nn.functional.cross_entropy, nn.functional.mse_loss):
        assert "labels (2 × 3 · float32)" in tg.draw(loss(scores, targets)).source


def test_the_legend_tells_a_zero_and_both_signs_in_every_theme():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    zero, mixed = (x * 0).sum(), (x * np.array([1.0, -1.2])).sum()
    for theme in ("light", "print"):
        assert "dotted: exactly 0" in words(tg.draw(zero, theme=theme).source)
        picture = tg.draw(mixed, theme=theme)
        assert "exactly 0" not in words(picture.source)
        assert "of both signs" in words(picture.source)
        assert "style=dashed" not in picture.source


def test_the_legend_holds_what_is_in_the_picture_and_nothing_else():
    x = tg.tensor(3.0, requires_grad=True, name="x")
    square = x * x
    numbers = words(tg.draw(square).source)
    assert "of both signs" not in numbers
    assert "length of an array" not in numbers
    assert "∇ of the result" in numbers
    assert "∇ of the result" not in words(tg.draw(square, formulas=False).source)
    array = tg.tensor(np.linspace(-1.0, 1.0, 50), requires_grad=True)
    arrays = words(tg.draw((array * array).sum()).source)
    assert "of both signs" in arrays
    assert "length of an array" in arrays


def test_numbers_on_edges_are_whole():
    x = tg.tensor([-0.1733e-3, -0.2326e-3, 0.4146e-3, -0.3333e-3], requires_grad=True, name="x")
    source = tg.draw((x * x * x).sum()).source
    assert "…" not in words(source)
    assert "= ‖" in words(source)


def test_a_long_rule_goes_on_in_the_next_line():
    x = tg.tensor([-1.0, 2.0], requires_grad=True, name="layers.0.weight")
    loss = tg.elu(x).sum()
    rule = next(event.formula for event in tg.trace_backward(loss) if event.operation == "elu")
    assert len(rule) > 40
    assert rule in " ".join(words(tg.draw(loss).source).split())
