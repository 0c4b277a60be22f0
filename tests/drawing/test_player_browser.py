"""The player in a real browser: every step shows its numbers, by mouse, keyboard and touch."""

import re

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.drawing.values import gist, number

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
LAPTOP = {"width": 1280, "height": 800}
CALM = {"reduced_motion": "reduce"}


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens the player of a trace; at the end there was no message, no error and no request."""
    contexts, complaints = [], []

    def request(found):
        if found.url != path.as_uri() and not found.url.startswith("data:"):
            complaints.append(found.url)

    path = tmp_path / "player.html"

    def opened(trace, viewport=LAPTOP, **options):
        trace.save(path)
        context = browser.new_context(viewport=viewport, **{**CALM, **options})
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", request)
        tab.goto(path.as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def neuron():
    names = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}
    x1, x2, w1, w2, b = (tg.tensor(v, requires_grad=True, name=k) for k, v in names.items())
    o = tg.tanh(x1 * w1 + x2 * w2 + b)
    o.name = "o"
    return o


def shared(uses):
    """One leaf used again and again: two events for the first use, then five for each."""
    x = tg.tensor(0.5, requires_grad=True, name="x")
    y = x * x
    for _ in range(uses):
        y = tg.sin(y) * 1.01 + x * 0.7
    return y


def network():
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 3))
    return model, (model(np.ones((9, 9), np.float32)) ** 2).mean()


def goto(tab, position):
    """Move the slider, as a hand would."""
    tab.locator("#slider").evaluate(
        "(s, to) => { s.value = to; s.dispatchEvent(new Event('input')) }", position
    )


def field(tab, name):
    return tab.locator(f'[data-field="{name}"]').inner_text()


def shown(value):
    """The numbers that the panel writes for an array."""
    array = np.asarray(value)
    if array.size <= 64:
        return [number(x) for x in array.ravel()]
    return [number(x) for x in (array.min(), array.mean(dtype=np.float64), array.max())]


def numbers(tab, name):
    """The numbers that the panel shows of an array, in order."""
    cells = tab.locator(
        f'[data-field="{name}"] :is(.number, td, [data-fact="min"], [data-fact="mean"], '
        '[data-fact="max"])'
    )
    return cells.all_inner_texts()


@pytest.mark.parametrize("build", [neuron, lambda: network()[1]])
def test_every_step_shows_its_numbers(open_page, build):
    trace = tg.trace_backward(build())
    tab = open_page(trace)
    for position in [*range(1, len(trace) + 1), 1, len(trace), 2]:
        event = trace[position - 1]
        goto(tab, position)
        for name in ("upstream", "local", "contribution"):
            value = getattr(event, name)
            assert numbers(tab, name) == ([] if value is None else shown(value)), (position, name)
        assert field(tab, "formula") == event.formula
        assert field(tab, "operation") == f"{event.operation}, argument {event.slot + 1}"
        assert field(tab, "module") == (event.module or "none")
        assert field(tab, "code") == event.code
        assert tab.locator("#position").inner_text() == f"{position} / {len(trace)}"


def test_gradients_add_up_before_the_eyes(open_page):
    x = tg.tensor(3.0, requires_grad=True, name="x")
    trace = tg.trace_backward(x * x + x * 4.0)
    tab = open_page(trace)
    seen = []
    for position in range(1, len(trace) + 1):
        goto(tab, position)
        if trace[position - 1].target == "x":
            seen.append(field(tab, "accumulation"))
    assert seen == ["4", "4 + 3 → 7", "7 + 3 → 10"]
    assert tab.locator('[data-node="leaf0"] .gradient').text_content() == "∇ 10"


@pytest.mark.parametrize("uses", [0, 4, 40, 400])
def test_the_last_step_is_grad(open_page, uses):
    y = shared(uses)
    trace = tg.trace_backward(y)
    assert len(trace) == 2 + 5 * uses
    tab = open_page(trace)
    tab.keyboard.press("End")
    [x] = [leaf for leaf in trace.names.leaves if leaf.requires_grad]
    assert tab.locator("#position").inner_text() == "Finished"
    assert tab.locator("[data-gradient]").inner_text() == number(x.grad.data)
    copies = tab.locator(f'[data-node="{trace.names.keys[x]}"] .gradient').all_text_contents()
    assert set(copies) == {f"∇ {number(x.grad.data)}"}


def test_arrays_end_at_grad_too(open_page):
    model, loss = network()
    trace = tg.trace_backward(loss)
    tab = open_page(trace)
    tab.keyboard.press("End")
    for name, parameter in model.named_parameters():
        key = trace.names.keys[parameter]
        expected = gist(parameter.grad.data, True)
        assert tab.locator(f'[data-node="{key}"] .gradient').text_content() == f"∇ {expected}", name
        assert tab.locator(f'[data-gradient="{key}"]').count() == 1


def test_a_position_looks_the_same_wherever_one_comes_from(open_page):
    tab = open_page(tg.trace_backward(shared(5)))
    look = "document.querySelector('#world').outerHTML + document.querySelector('#step').outerHTML"
    tab.locator("#follow").click()
    seen = []
    for path in ([9], [0, 27, 9], [28, 9], [8, 9], [10, 9]):
        for position in path:
            goto(tab, position)
        seen.append(re.sub(r' (transform|style)="[^"]*scale[^"]*"', "", tab.evaluate(look)))
    assert len(set(seen)) == 1


def test_the_keyboard_does_everything(open_page):
    trace = tg.trace_backward(neuron())
    tab = open_page(trace)
    where = tab.locator("#position")
    assert where.inner_text() == "Start"
    for key, expected in [
        ("ArrowRight", "1 / 9"),
        ("ArrowRight", "2 / 9"),
        ("ArrowLeft", "1 / 9"),
        ("End", "Finished"),
        ("ArrowRight", "Finished"),
        ("Home", "Start"),
        ("ArrowLeft", "Start"),
    ]:
        tab.keyboard.press(key)
        assert where.inner_text() == expected, key
    tab.locator("#slider").focus()
    tab.keyboard.press("ArrowRight")
    assert where.inner_text() == "1 / 9", "the slider moves one step, too"


def test_space_plays_to_the_end(open_page):
    from playwright.sync_api import expect

    tab = open_page(tg.trace_backward(neuron()))
    tab.locator("#speed").select_option("60")
    tab.locator("body").click(position={"x": 5, "y": 5})
    tab.keyboard.press("Space")
    assert tab.locator("#play").inner_text() == "Pause"
    expect(tab.locator("#position")).to_have_text("Finished")
    assert tab.locator("#play").inner_text() == "Play"
    tab.keyboard.press("Space")
    expect(tab.locator("#play")).to_have_text("Pause")
    tab.keyboard.press("Space")
    assert tab.locator("#play").inner_text() == "Play", "and pauses"


def test_screen_readers_are_told(open_page):
    tab = open_page(tg.trace_backward(neuron()))
    tab.keyboard.press("ArrowRight")
    told = tab.locator("#announcement")
    assert "Step 1 of 9: tanh sends 0.5 to " in told.inner_text()
    assert told.get_attribute("role") == "status"
    slider = tab.get_by_role("slider", name="Step of the backward pass")
    assert slider.get_attribute("aria-valuetext") == told.inner_text()
    unnamed = tab.evaluate(
        """[...document.querySelectorAll("button, select, input, [role=button], [role=group]")]
        .filter((e) => !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).length"""
    )
    assert unnamed == 0
    stops = tab.locator("#graph [tabindex='0']")
    assert stops.count() == 1, "the graph is one tab stop"


def test_tensors_can_be_visited(open_page):
    tab = open_page(tg.trace_backward(neuron()))
    tab.keyboard.press("End")
    tab.locator("#graph [tabindex='0']").focus()
    seen = set()
    for _ in range(10):
        seen.add(tab.evaluate("document.activeElement.ariaLabel"))
        tab.keyboard.press("ArrowDown")
    assert "w1, parameter, value −3, gradient 1" in seen and len(seen) == 10
    details = tab.locator("#details")
    assert details.is_visible()
    tab.keyboard.press("Escape")
    assert details.is_hidden()


def test_pointing_at_a_tensor_shows_all_of_it(open_page):
    model, loss = network()
    trace = tg.trace_backward(loss)
    tab = open_page(trace)
    tab.keyboard.press("End")
    bias = dict(model.named_parameters())["0.bias"]
    tab.locator(f'[data-node="{trace.names.keys[bias]}"]').hover()
    details = tab.locator("#details")
    cells = details.locator('[data-detail="gradient"] td').all_inner_texts()
    assert cells == shown(bias.grad.data)
    assert "Sequential.0" not in details.inner_text(), "a leaf was made outside of the model"
    tab.mouse.move(5, 5)
    assert details.is_hidden()


def test_choosing_a_wire_goes_to_its_step(open_page):
    trace = tg.trace_backward(neuron())
    tab = open_page(trace)
    event = trace[4]
    tab.locator(f'[data-edge="{event.node}.{event.slot}"] .reach').dispatch_event("click")
    assert tab.locator("#position").inner_text() == "5 / 9"


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("uses", [0, 4, 40, 400])
def test_all_sizes_fit_all_screens(open_page, uses, theme, viewport):
    trace = tg.trace_backward(shared(uses))
    tab = open_page(trace, viewport, color_scheme=theme)
    for position in (0, 1, len(trace) // 2, len(trace), len(trace) + 1):
        goto(tab, position)
        assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        if 1 <= position <= len(trace):
            assert in_view(tab, ".wire.lit .line")
            assert in_view(tab, ".circle.lit rect")
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if theme == "light" else "rgb(21, 25, 31)")


def in_view(tab, selector):
    """Whether the middle of an element is on the stage."""
    return tab.evaluate(
        """(selector) => {
            const stage = document.querySelector("#stage").getBoundingClientRect();
            const box = document.querySelector(selector).getBoundingClientRect();
            const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
            return x >= stage.left && x <= stage.right && y >= stage.top && y <= stage.bottom;
        }""",
        selector,
    )


def test_text_stays_inside_of_its_box(open_page):
    model, loss = network()
    tab = open_page(tg.trace_backward(loss))
    tab.keyboard.press("End")
    outside = tab.evaluate(
        """[...document.querySelectorAll(".node text")].filter((text) => {
            const box = text.parentNode.querySelector(".border").getBoundingClientRect();
            const words = text.getBoundingClientRect();
            return words.left < box.left || words.right > box.right || words.bottom > box.bottom;
        }).map((text) => text.textContent)"""
    )
    assert outside == []
    del model


def test_a_step_through_two_thousand_is_quick(open_page):
    tab = open_page(tg.trace_backward(shared(400)))
    milliseconds = tab.evaluate(
        """() => {
            const begin = performance.now();
            for (let i = 0; i < 200; i++) go(900 + i, false);
            return (performance.now() - begin) / 200;
        }"""
    )
    assert milliseconds < 50


def test_names_do_nothing(open_page):
    name = "</script><img src=x onerror=alert(1)>\"' & <b>重み</b>"
    x = tg.tensor(3.0, requires_grad=True, name=name)
    trace = tg.trace_backward(x * x)
    tab = open_page(trace)
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#step h2 .chip").last.inner_text() == name
    assert tab.locator("img, b b, script").count() == 2, "the data and the program"


def test_the_theme_can_be_switched(open_page):
    tab = open_page(tg.trace_backward(neuron()), color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(background) == "rgb(255, 255, 255)"
    tab.locator("#theme").click()
    assert tab.evaluate(background) == "rgb(21, 25, 31)"
    assert tab.locator("#theme").inner_text() == "Light"


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_motion_only_where_it_is_welcome(open_page, motion):
    tab = open_page(tg.trace_backward(shared(50)), reduced_motion=motion)
    tab.keyboard.press("ArrowRight")
    running = tab.evaluate("document.getAnimations().length")
    assert (running == 0) == (motion == "reduce")


def test_wheel_and_buttons_zoom_and_the_hand_pans(open_page):
    from playwright.sync_api import expect

    tab = open_page(tg.trace_backward(shared(5)))
    place = "document.querySelector('#world').getAttribute('transform')"
    tab.locator("#fit").click()
    fitted = tab.evaluate(place)
    tab.locator("#graph").hover()
    tab.mouse.wheel(0, -300)
    expect(tab.locator("#world")).not_to_have_attribute("transform", fitted)
    zoomed = tab.evaluate(place)
    tab.mouse.down()
    tab.mouse.move(300, 300, steps=3)
    tab.mouse.up()
    assert tab.evaluate(place) not in (fitted, zoomed)
    assert tab.locator("#details").is_hidden(), "a drag is no click"
    tab.keyboard.press("f")
    assert tab.evaluate(place) == fitted


def test_the_notebook_frame_works_too(browser):
    trace = tg.trace_backward(neuron())
    tab = browser.new_page()
    tab.set_content(trace._repr_html_())
    inside = tab.frame_locator("iframe")
    inside.locator("#last").click()
    assert inside.locator("#position").inner_text() == "Finished"
    tab.close()


def cut_off(tab):
    """What reaches beyond the right edge of what it stands in."""
    return tab.evaluate(
        """[...document.querySelectorAll("#panel :is(.scroll, pre, .part)")]
        .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"""
    )


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_small_arrays_and_source_lines_are_seen_whole(open_page, viewport):
    x = tg.tensor(np.linspace(-1e-3, 1.2345e5, 10), requires_grad=True, name="x")
    w = tg.tensor(np.linspace(-1, 1, 32).reshape(2, 16), requires_grad=True, name="w")
    loss = tg.sin(x * 1.2345678).sum() + (w * w * 0.123456789).sum()  # a long line of source, too
    trace = tg.trace_backward(loss)
    tab = open_page(trace, viewport)
    for position in range(1, len(trace) + 2):
        goto(tab, position)
        assert cut_off(tab) == [], position


def test_matrix_rules_show_their_operands_and_sums(open_page):
    model, loss = network()
    trace = tg.trace_backward(loss)
    tab = open_page(trace)
    weight = dict(model.named_parameters())["2.weight"]
    [event] = [e for e in trace if e.target == trace.names[weight]]
    assert event.local is None
    goto(tab, event.step + 1)
    used = [t for t in trace.names.nodes if trace.names[t] in event.formula]
    [hidden] = [t for t in used if t.shape == (9, 8)]
    keys = tab.locator("[data-operand]").evaluate_all("all => all.map((e) => e.dataset.operand)")
    assert keys == [trace.names.keys[hidden]]
    assert numbers(tab, "operand") == shown(hidden.data)
    assert numbers(tab, "after") == shown(weight.grad.data), "what has been added up so far, whole"


def test_what_grad_held_before_is_told_apart(open_page):
    a = tg.tensor(2.0, requires_grad=True, name="a")
    (a * 5).backward()
    tab = open_page(tg.trace_backward(a * 3))
    tab.keyboard.press("End")
    told = tab.locator('[data-earlier="leaf0"]').inner_text()
    assert "5 + 3 → 8" in told and "5 was in grad before" in told
    assert "added to what was there before" in tab.locator("#step .prose").inner_text()
    assert tab.locator('[data-node="leaf0"] .gradient').text_content() == "∇ 3"


def test_what_hooks_change_is_shown(open_page):
    a = tg.tensor(2.0, requires_grad=True, name="a")
    b = a * 3
    b.name = "b"
    b.register_hook(lambda g: g * 10)
    a.register_hook(lambda g: g + 1)
    tab = open_page(tg.trace_backward(b * 1))
    goto(tab, 1)
    assert tab.locator('[data-node="t0"] .gradient').text_content() == "∇ 1 → 10"
    assert field(tab, "hooked") == "1 → 10"
    goto(tab, 2)
    assert tab.locator('[data-node="leaf0"] .gradient').text_content() == "∇ 30 → 31"
    goto(tab, 0)
    assert tab.locator('[data-node="t0"] .gradient').text_content() == "∇ ·"


def test_what_a_hook_on_the_output_changes_is_shown(open_page):
    a = tg.tensor(2.0, requires_grad=True, name="a")
    b = a * 3
    b.register_hook(lambda g: g * 10)
    tab = open_page(tg.trace_backward(b, 2.0))
    assert field(tab, "hooked") == "2 → 20"
    assert tab.locator('[data-node="t0"] .gradient').text_content() == "∇ 2 → 20"
    tab.keyboard.press("End")
    assert tab.locator('[data-node="leaf0"] .gradient').text_content() == "∇ 60"


def test_without_events_there_is_nothing_to_play(open_page):
    tab = open_page(tg.trace_backward(tg.tensor(2.0, requires_grad=True, name="a")))
    assert tab.locator("#play").is_disabled()
    tab.keyboard.press("Space")
    assert tab.locator("#play").inner_text() == "Play"


def test_colours_that_mean_something_stay_in_high_contrast(open_page):
    tab = open_page(tg.trace_backward(network()[1]), forced_colors="active")
    tab.keyboard.press("ArrowRight")
    plain = tab.evaluate(
        """[...document.querySelectorAll(".heat i, .swatch, .stroke, #slider")]
        .filter((e) => getComputedStyle(e).forcedColorAdjust !== "none").length"""
    )
    assert plain == 0


def test_on_a_phone_on_its_side_no_button_covers_the_graph(open_page):
    tab = open_page(tg.trace_backward(neuron()), {"width": 844, "height": 390})
    graph = tab.locator("#graph").bounding_box()
    tools = tab.locator("#tools").bounding_box()
    assert tools["y"] >= graph["y"] + graph["height"]
    assert graph["height"] > 150


def test_a_large_gradient_from_before_is_no_hook(open_page):
    a = tg.tensor(np.float32(2.0), requires_grad=True, name="a")
    (a * 1e6).backward()
    tab = open_page(tg.trace_backward(a * 1e-3))
    tab.keyboard.press("End")
    assert "→" not in tab.locator('[data-node="leaf0"] .gradient').text_content()


def test_the_end_of_a_long_chain_can_be_read(open_page):
    tab = open_page(tg.trace_backward(shared(400)))
    goto(tab, 2002 + 1)
    assert tab.locator("#position").inner_text() == "Finished"
    assert not tab.evaluate("document.querySelector('#graph').classList.contains('far')")
    sights = tab.locator(".node .border").evaluate_all(
        """(all) => all.map((e) => e.getBoundingClientRect())
        .filter((b) => b.width > 20 && b.left >= 0 && b.right <= innerWidth).length"""
    )
    assert sights > 0, "there are boxes to be seen where the pass ended"


def test_from_afar_arrows_give_way_to_colour(open_page):
    tab = open_page(tg.trace_backward(shared(40)))
    goto(tab, 100)
    arrows = tab.locator(".wire :is(.head, .tip)")
    drawn = "(all) => all.filter((e) => e.checkVisibility()).length"
    assert arrows.evaluate_all(drawn) > 0
    tab.locator("#fit").click()
    assert tab.evaluate("document.querySelector('#graph').classList.contains('far')")
    assert arrows.evaluate_all(drawn) == 0


def test_the_shape_of_a_number_stands_apart_from_its_symbol(open_page):
    x = tg.tensor([[2.0]], requires_grad=True, name="x")
    tab = open_page(tg.trace_backward((x * 3.0).sum()))
    goto(tab, 2)
    caption = tab.locator(".local .caption").inner_text().split()
    assert "∂x" in caption
    assert caption[-3:] == ["1", "×", "1"]


def test_a_gradient_of_exactly_zero_is_dotted_and_no_other(open_page):
    trace = tg.trace_backward(neuron())
    tab = open_page(trace)
    goto(tab, len(trace))
    dotted = []
    for event in trace:
        line = tab.locator(f'[data-edge="{event.node}.{event.slot}"] .line')
        style = line.evaluate("line => getComputedStyle(line).strokeDasharray")
        assert ("4px" in style) == (event.contribution == 0), event.target
        dotted += [event.target] if "4px" in style else []
    assert dotted == ["w2"]
    assert "dotted: exactly 0" in tab.locator("#legend").inner_text()


@pytest.mark.parametrize("viewport", [PHONE, LAPTOP, {"width": 844, "height": 390}])
def test_a_long_name_and_the_buttons_of_the_view_cover_nothing(open_page, viewport):
    a = tg.tensor(2.0, requires_grad=True, name="a")
    output = a * a
    output.name = "a_name_that_is_longer_than_the_page_of_a_phone_is_wide"
    tab = open_page(tg.trace_backward(output), viewport=viewport)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    graph, tools = (tab.locator(part).bounding_box() for part in ("#graph", "#tools"))
    assert graph["y"] + graph["height"] <= tools["y"]
    title, theme = (tab.locator(part).bounding_box() for part in ("#title", "#theme"))
    assert title["x"] + title["width"] <= theme["x"]


@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_numbers_of_arrays_stand_in_one_line(open_page, viewport):
    x = tg.tensor([-10.0, 128.0, 432.0], requires_grad=True, name="x")
    y = tg.tensor([-1.25e-5, 0.0078125, 77777.0], requires_grad=True, name="y")
    tab = open_page(tg.trace_backward((x * x + y * y).sum()), viewport)
    tab.keyboard.press("End")
    broken = tab.evaluate(
        """[...document.querySelectorAll("td")].filter((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return new Set([...range.getClientRects()].map((line) => line.top)).size > 1;
        }).map((cell) => cell.textContent)"""
    )
    assert broken == []


def test_the_amount_on_a_wire_that_turns_covers_no_tensor(open_page):
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    y = x * 2
    for _ in range(4):
        y = tg.sin(y + x) * x
    trace = tg.trace_backward((y**2).sum())
    tab = open_page(trace)
    for position in range(1, len(trace) + 1):
        goto(tab, position)
        covered = tab.evaluate(
            """() => {
                const plate = document.querySelector("#graph .active .label rect, .label.lit rect");
                const label = plate.getBoundingClientRect();
                return [...document.querySelectorAll(".node .border")].filter((border) => {
                    const box = border.getBoundingClientRect();
                    return label.left < box.right - 3 && label.right > box.left + 3
                        && label.top < box.bottom - 1 && label.bottom > box.top + 1;
                }).map((border) => border.parentNode.textContent);
            }"""
        )
        assert covered == [], position
