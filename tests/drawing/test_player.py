"""The page of the player: offline, complete, and safe from the names in it."""

import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.drawing import player_dot
from tinygrad_lite.drawing.player import frame, page
from tinygrad_lite.drawing.player_flow import flow, hooked
from tinygrad_lite.drawing.player_scene import breadth, scene
from tinygrad_lite.drawing.values import gist

HOSTILE = """</script><script>alert(1)</script><!-- "'& \u2028 {{data}} 重み \ud800 \x00"""


class Page(HTMLParser):
    """What a browser would find: elements in order, and the text of each kind."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.texts = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.tags:
            self.texts.setdefault(self.key(), []).append(data)

    def key(self):
        tag, attributes = self.tags[-1]
        return attributes.get("id", tag)

    @property
    def data(self):
        return json.loads("".join(self.texts["data"]))


def neuron():
    x = tg.tensor(2.0, requires_grad=True, name="x")
    w = tg.tensor(-3.0, requires_grad=True, name="w")
    return tg.tanh(x * w + 7.0)


def network():
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 3))
    return model, (model(np.ones((9, 9), np.float32)) ** 2).mean()


def chain(n):
    x = y = tg.tensor(1.0, requires_grad=True, name="x")
    for _ in range(n):
        y = y * 1.01 + x
    return y


def without_folders(trace):
    data = json.loads(trace.to_json())
    for item in (*data["nodes"], *data["events"]):
        if item["source"]:
            item["source"]["file"] = re.split(r"[\\/]", item["source"]["file"])[-1]
    return data


def test_the_page_holds_the_trace():
    model, loss = network()
    trace = tg.trace_backward(loss)
    found = Page(page(trace)).data
    assert found["trace"] == without_folders(trace)
    assert found["flow"] == flow(trace)
    assert len(found["scene"]["wires"]) == sum(
        e["slot"] is not None for e in found["trace"]["edges"]
    )
    assert len(found["scene"]["frames"]) == 4, "the model and its three layers"
    del model


def test_saved_pages_are_html(tmp_path):
    trace = tg.trace_backward(neuron())
    path = trace.save(tmp_path / "neuron.html")
    assert path.read_text("utf-8") == page(trace)


def test_the_page_asks_for_nothing_else():
    text = page(tg.trace_backward(neuron()))
    parsed = Page(text)
    linked = [v for _, a in parsed.tags for k, v in a.items() if k in ("src", "href", "action")]
    assert linked == ["data:,"]
    assert "url(" not in text and "@import" not in text
    policy = next(a["content"] for t, a in parsed.tags if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")


def test_the_folders_of_the_maker_stay_at_home():
    folder = __file__.rpartition("test_player")[0]
    assert folder not in page(tg.trace_backward(neuron()))


def test_names_are_text():
    x = tg.tensor(3.0, requires_grad=True, name=HOSTILE)
    y = x * x
    y.name = HOSTILE
    text = page(tg.trace_backward(y))
    plain = page(tg.trace_backward(neuron()))
    assert [tag for tag, _ in Page(text).tags] == [tag for tag, _ in Page(plain).tags]
    found = Page(text).data
    assert [e["target"] for e in found["trace"]["events"]] == [HOSTILE, HOSTILE]
    assert "".join(Page(text).texts["title"]).startswith("Backpropagation of </script>")
    text.encode("utf-8")


def test_notebooks_show_the_same_page():
    trace = tg.trace_backward(neuron())
    (tag, attributes), *others = Page(trace._repr_html_()).tags
    assert tag == "iframe" and not others
    assert attributes["srcdoc"] == page(trace)


def test_a_trace_too_long_for_a_cell_shows_as_text(monkeypatch):
    monkeypatch.setattr("tinygrad_lite.drawing.player.INLINE", 3)
    assert frame(tg.trace_backward(neuron())) is None


def test_an_output_without_a_graph_has_a_page():
    x = tg.tensor(3.0, requires_grad=True, name="x")
    found = Page(page(tg.trace_backward(x))).data
    assert found["trace"]["events"] == []
    assert [box["id"] for box in found["scene"]["boxes"]] == ["leaf0"]


def test_how_contributions_look():
    x = tg.tensor([1.0, 1e-6, np.inf], requires_grad=True, name="x")
    y = x * tg.tensor([-1.0, -2.0, -3.0])
    looks = flow(tg.trace_backward(y, np.array([1.0, 1.0, np.inf])))
    assert looks[0]["lean"] is None, "not finite"
    a = tg.tensor(2.0, requires_grad=True)
    shares = [look["share"] for look in flow(tg.trace_backward(a * 0.01 - a))]
    assert shares == [1.0, 1.0, 0.5], "two powers of ten are half of the width"
    zeros = [look["zero"] for look in flow(tg.trace_backward((a * 0.0) * 1e-300))]
    assert zeros == [False, True], "what is tiny is not zero"


def test_the_gradient_to_start_from_looks_as_any_other():
    x = tg.tensor(np.zeros(100), requires_grad=True, name="x")
    start = np.linspace(-1.0, -0.1, 100)
    found = Page(page(tg.trace_backward(x * 2.0, start))).data["seed"]
    assert (found["text"], found["lean"]) == (gist(start, True), -1.0)


def test_a_hook_on_a_leaf_that_is_the_output_is_told():
    x = tg.tensor(3.0, requires_grad=True, name="x")
    x.register_hook(lambda g: g * 10)
    assert hooked(tg.trace_backward(x))["leaf0"]["text"] == "1 → 10"


@pytest.fixture(params=["dot", "layers"])
def placing(request, monkeypatch):
    """Both ways of laying out a graph."""
    if request.param == "layers":
        monkeypatch.setattr(player_dot.shutil, "which", lambda name: None)
    elif player_dot.shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    return request.param


def corners(thing):
    return thing["x"], thing["y"], thing["x"] + thing["width"], thing["y"] + thing["height"]


def apart(a, b):
    ax0, ay0, ax1, ay1 = corners(a)
    bx0, by0, bx1, by1 = corners(b)
    return ax1 <= bx0 or bx1 <= ax0 or ay1 <= by0 or by1 <= ay0


@pytest.mark.usefixtures("placing")
@pytest.mark.parametrize("build", [neuron, lambda: network()[1], lambda: chain(12)])
def test_nothing_overlaps_and_wires_end_at_boxes(build):
    trace = tg.trace_backward(build())
    plan = scene(trace)
    boxes = plan["boxes"]
    for i, box in enumerate(boxes):
        x0, y0, x1, y1 = corners(box)
        assert min(x0, y0) >= 0 and x1 <= plan["width"] and y1 <= plan["height"]
        assert all(apart(box, other) for other in boxes[:i])
    circles = {c["id"]: c for c in plan["circles"]}
    edges = {e["id"]: e for e in trace.to_dict()["edges"]}
    for wire in plan["wires"]:
        edge = edges[wire["id"]]
        (x0, y0), (x1, y1) = wire["points"][0], wire["points"][-1]
        tails = [corners(box) for box in boxes if box["id"] == edge["from"]]
        assert min(abs(x0 - c[2]) + abs(y0 - (c[1] + c[3]) / 2) for c in tails) < 3
        circle = circles[edge["to"]]
        assert math.hypot(x1 - circle["x"], y1 - circle["y"]) < 3
        assert len(wire["points"]) % 3 == 1, "whole Bézier curves"


def test_frames_hold_their_boxes_and_no_others(placing):
    model, loss = network()
    trace = tg.trace_backward(loss)
    plan = scene(trace)
    nodes = {n["id"]: n for n in trace.to_dict()["nodes"]}
    inside = {
        frame["title"]: {box["id"] for box in plan["boxes"] if not apart(box, frame)}
        for frame in plan["frames"]
    }
    members = {
        "0 · Linear": {"0.weight", "0.bias", "v1"},
        "1 · ReLU": {"v2"},
        "2 · Linear": {"2.weight", "2.bias", "v3"},
    }
    members["Sequential"] = set.union(*members.values())
    if placing == "dot":  # in layers, a frame that would hold strangers is left out
        assert set(inside) == set(members)
    for title, keys in inside.items():
        assert {nodes[key]["label"] for key in keys} == members[title]
    del model


@pytest.mark.usefixtures("placing")
def test_layouts_are_stable():
    trace = tg.trace_backward(chain(6))
    assert scene(trace) == scene(trace)


def test_far_readers_have_a_copy_of_a_leaf_beside_them():
    plan = scene(tg.trace_backward(chain(40)))
    of_x = [box for box in plan["boxes"] if box["name"] == "x"]
    assert len(of_x) > 3
    assert [box["copy"] for box in of_x].count(False) == 1
    spans = [wire["points"][-1][0] - wire["points"][0][0] for wire in plan["wires"]]
    assert max(spans) < 1_500, "about eight operations, of forty"


def test_long_layouts_are_cut_into_rows():
    plan = scene(tg.trace_backward(chain(200)))
    assert plan["width"] < 3 * plan["height"]
    boxes = sorted(plan["boxes"], key=lambda box: box["y"])
    assert all(box["x"] + box["width"] <= plan["width"] for box in boxes)
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 : i + 20]:
            apart_x = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
            assert apart_x or a["y"] + a["height"] <= b["y"], (a["name"], b["name"])
    short = scene(tg.trace_backward(chain(3)))
    assert short["height"] < 400, "what is short stays in one row"


def test_pages_grow_with_the_graph_and_not_with_its_square():
    sizes = []
    for n in (50, 500):
        trace = tg.trace_backward(chain(n))
        sizes.append(len(page(trace)) / len(trace))
    assert sizes[1] < 1.2 * sizes[0]


def test_boxes_have_room_for_their_text():
    trace = tg.trace_backward(neuron())
    for box in scene(trace)["boxes"]:
        assert box["width"] > max(breadth(box["name"], 13), breadth(box["value"], 11)) + 16


def test_notebooks_are_offered_the_player_and_the_table():
    trace = tg.trace_backward(neuron())
    bundle = trace._repr_mimebundle_()
    assert bundle == {"text/html": trace._repr_html_(), "text/plain": trace.table()}
