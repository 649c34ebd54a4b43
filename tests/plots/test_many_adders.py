"""What the figures of chapter 16 draw is what they are given, also where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drawn import points
from modlib.analysis.remainders import adders as ad
from modlib.analysis.remainders import task_clusters as tc
from modlib.plots import base
from modlib.plots import many_adders as drawn

QS = np.array([2, 3, 5, 7])


def folded(phase: float) -> ad.Folded:
    turns = np.arange(11) * 3 / 7 % 1
    return ad.Folded(turns, 2 * np.cos(2 * np.pi * (turns - phase)) + 1, 2.0, 1.0, phase)


def test_a_neuron_is_drawn_in_order_and_along_its_wave():
    panels = {"a": folded(0.25), "b": folded(0.5), "c": folded(0.75)}
    fig = drawn.one_adder(panels, ["digit", "digit", "answer"], "neuron 3")
    assert [ax.get_title(loc="left") for ax in fig.axes[3:]] == [
        "crest at 0.25",
        "crest at 0.50",
        "crest at 0.75",
    ]
    lines = base.data(fig)
    wave, dots, crest = (lines[(lines["axes"] == 3) & (lines.series == i)] for i in range(3))
    np.testing.assert_allclose(dots.x, panels["a"].turns)
    np.testing.assert_allclose(dots.y, panels["a"].values)
    np.testing.assert_allclose(dots.y, panels["a"].at(dots.x.to_numpy()))
    assert wave.x[wave.y.idxmax()] == pytest.approx(0.25)
    assert set(crest.x) == {0.25}
    assert "no neuron" in drawn.one_adder({}, []).axes[0].texts[0].get_text()


def test_neurons_are_ranked_and_constant_ones_left_out():
    fig = drawn.best_waves({"one": np.array([0.2, np.nan, 0.9]), "none": np.array([np.nan])}, "t")
    found = points(fig)
    assert found["one"].y.tolist() == [0.9, 0.2]
    assert found["one"].x.tolist() == [0.25, 0.75]
    assert "none" not in found


def test_phases_are_drawn_against_their_sum():
    neurons = pd.DataFrame(
        {"phase_0": [0.2, 0.9], "phase_1": [0.1, 0.3], "phase_out": [0.3, 0.2]}
    ).assign(phase_error=[0.0, 0.4])
    fig = drawn.phase_sums(neurons)
    dots = base.data(fig)
    dots = dots[dots.artist == "points"]
    np.testing.assert_allclose(dots.x, [0.3, 0.2])
    bars = base.data(fig)
    bars = bars[(bars.artist == "bar") & (bars.y > 0)]
    assert bars.y.tolist() == [1, 1]
    assert bars.x.max() == pytest.approx(0.0975)
    assert "no neuron" in drawn.phase_sums(neurons[:0]).axes[0].texts[0].get_text()


def test_clusters_lie_at_their_frequency_with_their_size():
    sizes = pd.DataFrame({"q": [3, 7, 7], "k": [1, 1, 3], "size": [2, 5, 9]})
    numbers = pd.Series([0, 1, 0, 2], index=QS)
    fig = drawn.clusters_by_task(sizes, numbers, tc.growth(numbers))
    dots = fig.axes[0].collections[0]
    np.testing.assert_allclose(dots.get_offsets(), [[1 / 3, 1], [1 / 7, 3], [3 / 7, 3]])
    assert dots.get_sizes().tolist() == [8, 20, 36]
    found = points(fig, 1)
    assert found["a task"].y.tolist() == [0, 1, 0, 2]
    assert {"ln q fitted", "sqrt q fitted", "q fitted"} <= set(found)
    assert (
        "no neuron"
        in drawn.clusters_by_task(sizes[:0], numbers, tc.growth(numbers))
        .axes[0]
        .texts[0]
        .get_text()
    )
    two = drawn.clusters_by_task(sizes[:1], numbers[:2], tc.growth(numbers[:2]))
    assert set(points(two, 1)) == {"a task"}


def test_knock_outs_draw_the_matrix_its_diagonal_and_the_others():
    removed = np.arange(16).reshape(4, 4) / 16
    fig = drawn.knock_outs(removed, np.full(4, 0.9), np.full(4, 0.8), QS, ("left", "right"))
    image = base.data(fig)
    np.testing.assert_allclose(image[image.artist == "image"].value[:16], removed.ravel())
    found = points(fig, 1)
    np.testing.assert_allclose(found["the task itself"].y, np.diagonal(removed))
    np.testing.assert_allclose(found["guessing, 1/q"].y, 1 / QS)
    assert set(found["the same, random neurons"].y) == {0.8}
    one = drawn.knock_outs(np.ones((1, 1)), np.array([np.nan]), np.array([np.nan]), QS[:1])
    assert len(one.axes) == 3


def test_rungs_draw_a_line_a_replacement():
    whole = pd.Series([1, 0.9, 0.8, 0.7], index=QS)
    fig = drawn.rungs(whole, pd.DataFrame({"one": whole / 2, "other": whole / 4}))
    found = points(fig)
    assert found["the whole network"].y.tolist() == whole.tolist()
    assert found["other"].y.tolist() == (whole / 4).tolist()


def test_of_many_tasks_some_have_a_tick():
    whole = pd.Series(1.0, index=np.arange(29) + 2)
    ticks = drawn.rungs(whole, pd.DataFrame({"one": whole})).axes[0].get_xticklabels()
    assert [tick.get_text() for tick in ticks] == [str(2 + place) for place in range(0, 29, 4)]
