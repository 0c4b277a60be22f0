import json

import pytest

from benchmarks import chart, report, sides, steps
from benchmarks.timing import Plan, interleave, ratios
from benchmarks.work import MLP, ScalarNetwork

TINY = MLP("tiny", (2, 3, 2), 4, "SGD", {"lr": 0.1})
QUICK = Plan(samples=2, seconds=0.001, warm_up=0.001, lead_in=0)


class Side:
    """A side whose every loss is the same."""

    def __init__(self, loss):
        self.loss = loss

    def make(self, problem):
        return lambda: self.loss


@pytest.fixture
def cast(monkeypatch):
    """Replaces the training sides: by a loss, or by the reason why there is none."""

    def replace(**losses):
        def load(name):
            if isinstance(losses[name], str):
                raise sides.Unavailable(losses[name])
            return Side(losses[name])

        monkeypatch.setattr(sides, "TRAINING", {name: name.upper() for name in losses})
        monkeypatch.setattr(steps, "load", load)

    return replace


def run(**options):
    return steps.run(TINY, QUICK, say=lambda line: None, **options)


def test_measures_all_sides_that_agree(cast):
    cast(reference=1.0, same=1.0 + 1e-6)
    outcome = run()
    assert {name: len(samples) for name, samples in outcome.times.items()} == {
        "reference": 2,
        "same": 2,
    }
    assert not outcome.skipped and not outcome.wrong


def test_skips_with_a_reason(cast):
    cast(reference=1.0, missing="nothing is not installed")
    outcome = run()
    assert outcome.skipped == {"missing": "nothing is not installed"}
    assert "- MISSING skipped: nothing is not installed" in report.outcome_table(outcome)


def test_wrong_losses_are_reported_and_not_measured(cast):
    cast(reference=1.0, off=1.1)
    outcome = run()
    assert list(outcome.times) == ["reference"]
    assert outcome.wrong == {"off": "loss 1.1 instead of 1 at step 1"}
    assert "OFF is wrong: loss 1.1" in report.outcome_table(outcome)


def test_a_loss_that_is_not_a_number_is_wrong(cast):
    cast(reference=1.0, diverged=float("nan"))
    assert list(run().wrong) == ["diverged"]


def test_the_first_side_that_is_there_is_the_reference(cast):
    cast(gone="gone is not installed", first=1.0, second=1.0)
    outcome = run()
    assert list(outcome.times) == ["first", "second"]
    assert outcome.reference == "first"
    assert outcome.skipped == {"gone": "gone is not installed"}
    assert ratios(outcome.times, outcome.reference)["first"] == 1.0


def test_where_no_side_is_there_the_report_says_why(cast):
    cast(gone="gone is not installed")
    outcome = run()
    assert "- GONE skipped: gone is not installed" in report.outcome_table(outcome)
    assert report.summary_table([outcome]) == ""
    assert report.steps_data([outcome])[0]["sides"] == {}


def test_chosen_sides_run_beside_the_reference(cast):
    cast(reference=1.0, one=1.0, two=1.0, three=1.0)
    assert list(run(only=["two"]).times) == ["reference", "two"]
    assert list(run(skip=["two"]).times) == ["reference", "one", "three"]


def test_a_side_that_raises_is_skipped(cast, monkeypatch):
    cast(reference=1.0, broken=1.0)

    class Broken:
        def make(self, problem):
            raise NotImplementedError("no such optimiser\nand more")

    replaced = steps.load
    monkeypatch.setattr(
        steps, "load", lambda name: Broken() if name == "broken" else replaced(name)
    )
    assert run().skipped == {"broken": "NotImplementedError: no such optimiser"}


def test_interleave_takes_samples_in_turn():
    calls = []
    sleepless = Plan(samples=4, seconds=1e-9, warm_up=1e-9, lead_in=0)
    steps_ = {name: lambda name=name: calls.append(name) or 0.0 for name in "abc"}
    times = interleave(steps_, sleepless)
    rounds = [sorted(set(calls[-6 * (i + 1) : len(calls) - 6 * i])) for i in range(4)]
    assert rounds == [["a", "b", "c"]] * 4
    assert {name: len(samples) for name, samples in times.items()} == {"a": 4, "b": 4, "c": 4}


def test_ratios():
    times = {"hand": [3.0, 1.0, 2.0], "other": [1.0, 4.0, 6.0]}
    assert ratios(times, "hand") == {"hand": 1.0, "other": 2.0}
    assert ratios(times, "hand", min) == {"hand": 1.0, "other": 1.0}


def outcomes():
    training = steps.Outcome(TINY, {"numpy_by_hand": [1e-5, 2e-5], "numpy_expert": [5e-6, 1e-5]})
    scalars = ScalarNetwork("scalars", (2, 3, 1), 2, 0.1)
    return [training, steps.Outcome(scalars, {"micrograd_scalars": [0.002]})]


def test_report_shows_every_ratio():
    text = report.steps_report(outcomes(), {"cores": "2"}, {"numpy": "2.0"})
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["NumPy, expert-tuned", "7.5 µs", "5 µs", "0.50", "0.50"] in rows
    assert ["tiny (2-3-2, batch 4, SGD)", "1.00", "0.50"] in rows
    operations = outcomes()[1].problem.operations
    assert f"{operations / 0.002:,.0f}" in text
    assert "- cores: 2" in text and "numpy 2.0" in text


def test_report_is_written_as_json_and_markdown(tmp_path):
    data = report.steps_data(outcomes())
    paths = report.write(tmp_path, "steps", "# text", data, {"cores": "2"}, {})
    assert [path.name for path in paths] == ["steps.md", "steps.json"]
    found = json.loads(paths[1].read_text(encoding="utf-8"))
    assert found["machine"] == {"cores": "2"}
    assert found["results"][0]["sides"]["numpy_expert"]["ratio"] == 0.5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.56e-5, "45.6 µs"), (3e-9, "3 ns"), (1234.5, "1234 s")],
)
def test_durations(seconds, text):
    assert report.duration(seconds) == text


def test_chart_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("chart.svg", "chart.png"):
        chart.draw(outcomes(), {"date": "today", "processor": "X", "threads": "1"}, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000


def test_bars_of_the_chart_start_at_the_reference():
    """On a logarithmic axis only 1 is a place to start from: the length is the ratio's."""
    figure = pytest.importorskip("matplotlib.figure").Figure()
    panel = figure.subplots()
    chart._draw_panel(panel, outcomes()[0])
    ends = [sorted((bar.get_x(), bar.get_x() + bar.get_width())) for bar in panel.patches]
    assert ends == [[1, 1], [0.5, 1]]
    assert [text.get_text() for text in panel.texts] == ["1.00", "0.50"]


def test_problem_titles():
    assert TINY.title == "tiny (2-3-2, batch 4, SGD)"
    heavy = MLP("heavy", (2, 2), 4, "SGD", {"lr": 0.1, "momentum": 0.9})
    assert heavy.title == "heavy (2-2, batch 4, SGD with momentum)"
    assert MLP("deep", (8, 8, 8, 2), 1, "SGD", {"lr": 1}).shape == "[8]*3-2"
