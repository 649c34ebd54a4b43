"""What the figures of the ladder and of foretold answers draw."""

import numpy as np
import pandas as pd

from drawn import points
from made_up.votes import clusters_of
from modlib import plots
from modlib.analysis.macro.shifts import Foretold


def test_the_ladder_has_a_place_a_rung_and_controls_apart():
    own = pd.DataFrame(
        [
            ("top", False, 1.0, 0.1, 1.0),
            ("foot", False, 0.9, 0.2, 1.0),
            ("con", True, 0.1, 9.0, 0.0),
        ],
        columns=["rung", "control", "accuracy", "loss", "margin"],
    )
    columns = [f"{name}{end}" for name in ("accuracy", "loss") for end in ("", "_low", "_high")]
    means = pd.DataFrame([("foot", 8, 0.8, 0.7, 0.9, 0.3, 0.2, 0.4)])
    means.columns = ["rung", "num_seeds", *columns]
    fig = plots.replacement_ladder(own, means)
    for axes, value in ((0, [1.0, 0.9]), (1, [0.1, 0.2])):
        assert points(fig, axes)["this network"].x.tolist() == value
    assert points(fig, 0)["this network, controls"].x.tolist() == [0.1]
    names = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert names == ["top", "foot", "con"]


def test_answers_foretold_are_rings_and_answers_given_are_dots():
    shares = np.zeros((2, 3, 15))
    foretold = Foretold(np.array([[0, 4, 14], [0, 0, 0]]), np.array([[1.0, 2.0, 3.0]] * 2))
    np.put_along_axis(shares, foretold.answer[..., None], 0.75, axis=-1)
    shifts, control = np.array([1, 2, 3]), np.full((2, 3), 0.1)
    fig = plots.answers_foretold(clusters_of(15, [2, 4]), shifts, foretold, shares, control, 0)
    assert points(fig, 0)["foretold"].y.tolist() == [0, 4, -1]
    dots = plots.data(fig).query("artist == 'points'")
    assert sorted(dots.y) == [-1, 0, 4]
    assert points(fig, 1)["f = 2"].x.tolist() == [2.0, 3.0]
    assert points(fig, 1)["f = 2"].y.tolist() == [0.75, 0.75]
    assert points(fig, 1)["as many random neurons"].y.tolist() == [0.1, 0.1]
    assert "f = 4" not in points(fig, 1)
    assert not fig.axes[1].get_legend()  # it would lie on the points
    right = foretold._replace(answer=np.zeros((2, 3), dtype=int))
    fig = plots.answers_foretold(clusters_of(15, [2, 4]), shifts, right, shares, control, 0)
    said = fig.axes[1].texts[0].get_text()
    assert said.split() == ["no", "wrong", "answer", "is", "foretold"]


def test_without_clusters_nobody_is_told():
    none = Foretold(np.zeros((0, 3), dtype=int), np.zeros((0, 3)))
    fig = plots.answers_foretold([], np.arange(3), none, np.zeros((0, 3, 15)), np.zeros((0, 3)), 0)
    assert "nobody to tell" in fig.axes[0].texts[0].get_text()
