"""The figure of a network along its training."""

from __future__ import annotations

import numpy as np

from modlib import plots
from modlib.plots import data


def test_shares_and_the_frequencies_of_clusters_stand_at_their_times():
    at = np.array([0.0, 5.0, 10.0])
    fig = plots.along_training(at, {"right": np.array([0.1, 0.6, 1.0])}, [[], [3], [3, 5]], "epoch")
    drawn = data(fig)
    shares, found = drawn[drawn["axes"] == 0], drawn[drawn["axes"] == 1]
    assert shares.x.tolist() == at.tolist()
    assert shares.y.tolist() == [0.1, 0.6, 1.0]
    assert list(zip(found.x, found.y, strict=True)) == [(5, 3), (10, 3), (10, 5)]


def test_a_network_without_clusters_has_an_empty_panel():
    fig = plots.along_training(np.array([1.0]), {"right": np.array([0.5])}, [[]], "step")
    assert not len(data(fig).query("axes == 1"))
