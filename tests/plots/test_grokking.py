"""What the figures of chapter 11 draw is what they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drawn import points
from made_up.runs import STEPS, made_up_history, made_up_norms
from modlib import plots
from modlib.analysis.remainders import grokking as gr
from modlib.plots import grokking as figures

FIRST = {2: 1, 3: 2, 5: 4, 7: 8, 11: 64, 13: None}
HISTORY = made_up_history(FIRST)


def test_curves_have_a_line_a_task_and_a_panel_a_split():
    fig = figures.task_curves({"one": HISTORY, "two": HISTORY})
    assert [ax.get_title(loc="left") for ax in fig.axes[:4]] == [
        "one\nnumbers trained on",
        "two\nnumbers trained on",
        "validation numbers",
        "validation numbers",
    ]
    drawn = points(fig, 3)
    assert set(drawn) == {f"q = {q}" for q in FIRST}
    assert drawn["q = 11"].x.tolist() == list(STEPS[1:])
    expected = gr.by_step(HISTORY, "validation")[11].iloc[1:]
    np.testing.assert_allclose(drawn["q = 11"].y, expected)
    losses = points(figures.task_curves({"one": HISTORY}, "loss"), 1)
    expected = gr.by_step(HISTORY, "validation", "loss")[13].iloc[1:]
    np.testing.assert_allclose(losses["q = 13"].y, expected)


def test_curves_of_one_task_and_of_no_step():
    figures.task_curves({"nanda": made_up_history({37: 8})})
    figures.task_curves({"p = 5": made_up_history({2: 1, 3: 1}, steps=[0, 1])})
    for untrained in (made_up_history(FIRST, steps=[0]),):
        fig = figures.task_curves({"none": untrained})
        assert "no steps" in fig.axes[0].texts[0].get_text()
        fig = figures.task_heatmaps({"none": untrained}, {"none": gr.first_steps(untrained)})
        assert "no steps" in fig.axes[0].texts[0].get_text()


def test_rows_are_tasks_with_a_mark_where_they_are_learned():
    fig = figures.task_heatmaps({"one": HISTORY}, {"one": gr.first_steps(HISTORY)})
    drawn = plots.data(fig)
    image = drawn[(drawn.artist == "image") & (drawn["axes"] == 1)]
    grid = image.pivot(index="y", columns="x", values="value").to_numpy()
    np.testing.assert_allclose(grid, gr.by_step(HISTORY, "validation").iloc[1:].T)
    marks = drawn[(drawn.artist == "line") & (drawn["axes"] == 1)]
    np.testing.assert_array_equal(marks.x, [1, 2, 4, 8, 64, np.nan])
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == [str(q) for q in FIRST]


def test_tasks_that_are_never_learned_stand_above_the_last_step():
    table = gr.seed_steps(pd.concat([HISTORY.assign(seed=s) for s in (1000, 1001)]))
    fig = figures.learning_order({"one": table}, {"one": 1024})
    drawn = plots.data(fig)
    assert points(fig)["seed 1001"].y.tolist()[:5] == [1, 2, 4, 8, 64]
    hollow = drawn[(drawn.artist == "line") & (drawn.x == 13) & (drawn.y > 1024)]
    assert len(hollow) == 2
    assert "no network" in figures.learning_order({}, {}).axes[0].texts[0].get_text()


def test_gradient_norms_are_rows_by_depth_without_the_start_and_with_it():
    norms = made_up_norms({"w_in": 64})
    late, whole = gr.settling(norms, since=16), gr.settling(norms)
    fig = figures.gradient_norms({"after": late}, {"after": whole})
    drawn = plots.data(fig)
    for place, shown in enumerate((late, whole)):
        image = drawn[(drawn.artist == "image") & (drawn["axes"] == place)]
        grid = image.pivot(index="y", columns="x", values="value").to_numpy()
        np.testing.assert_allclose(grid, shown.norms)
        marks = drawn[(drawn.artist == "line") & (drawn["axes"] == place)]
        assert marks.x.tolist() == shown.last.tolist()
    assert whole.last.tolist() == [64 if name == "w_in" else 8 for name in gr.DEPTH]
    assert [ax.get_xscale() for ax in fig.axes[:2]] == ["linear", "log"]
    assert fig.axes[0].get_title(loc="left") == "after\nfrom step 16 on"


def test_gradient_norms_of_runs_too_short_to_show():
    norms = made_up_norms({})
    young = gr.settling(norms, since=2048)
    fig = figures.gradient_norms({"young": young}, {"young": gr.settling(norms)})
    assert fig.axes[0].get_title(loc="left") == "young"
    nothing = gr.settling(norms.iloc[:0], "raw")
    fig = figures.gradient_norms({"none": nothing}, {"none": nothing})
    assert "no steps" in fig.axes[0].texts[0].get_text()


def test_the_filter_is_drawn_with_its_bounds():
    period = np.geomspace(2, 1e5, 50)
    gain = gr.filter_gain(period, 0.5, 0.98)
    drawn = points(figures.filter_response(period, gain, 0.5, 0.98, 1.01))
    np.testing.assert_allclose(drawn["equation 13"].y, gain)
    np.testing.assert_allclose(drawn["1 + λ: a constant gradient"].y, 1.5)
    figures.filter_response(period, np.ones(50), 0.0, 0.0, 1.0)
    ratios = gr.filter_ratios(made_up_norms({}))
    drawn = points(figures.filter_ratio({"one": ratios, "two": ratios}, 0.5, 1.01))
    np.testing.assert_allclose(drawn["unembed"].y, ratios.unembed)
    assert drawn["unembed"].x.tolist() == list(STEPS[1:])
    far = ratios.assign(q=np.where(ratios.index == 1024, 600.0, 1.2))
    fig = figures.filter_ratio({"one": far}, 0.5, 1.01)
    assert fig.axes[0].get_title(loc="left") == "one (1 of 99 values lie above the panel)"
    assert fig.axes[0].get_ylim()[1] < 200
    empty = figures.filter_ratio({"one": ratios.iloc[:0]}, 0.5, 1.01)
    assert "no steps" in empty.axes[0].texts[0].get_text()
