"""The smallest set of clusters that keeps what a network knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_up.views import ideal_view
from modlib.analysis.meso import keep_only
from modlib.analysis.meso.clusters import cluster_neurons


def faint_ones(count):
    """Three clusters that add, and faint ones that change no answer."""
    faint = {9 + i: 8 for i in range(count)}
    view = ideal_view(59, {2: 32, 5: 32, 7: 32} | faint)
    quiet = np.arange(view.num_neurons) >= 96
    return replace(view, w_out=np.where(quiet[:, None], 0.2, 1.0) * view.w_out)


@pytest.mark.parametrize("all_sets", [True, False])
def test_faint_clusters_are_not_needed(all_sets, monkeypatch):
    view = faint_ones(3)
    if not all_sets:
        monkeypatch.setattr(keep_only, "MAX_ALL", 2)
    kept = keep_only.smallest_set(view, cluster_neurons(view).clusters)
    assert len(kept.freqs) <= 3
    assert set(kept.freqs) <= {2, 5, 7}
    gone = [c.neurons for c in cluster_neurons(view).clusters if c.freq not in kept.freqs]
    assert kept.accuracy == pytest.approx(view.without(np.concatenate(gone)).evaluate().accuracy)
    assert kept.accuracy >= 0.99 * kept.accuracy_all


def test_without_clusters_nothing_is_kept():
    view = ideal_view(31, {3: 8})
    kept = keep_only.smallest_set(view, [])
    assert kept.freqs == []
    assert kept.accuracy < kept.accuracy_all


def test_large_networks_are_asked_fewer_inputs(monkeypatch):
    view = faint_ones(1)
    monkeypatch.setattr(keep_only, "MAX_HELD", 59 * 59 * 4 * 7)
    kept = keep_only.smallest_set(view, cluster_neurons(view).clusters)
    assert kept.accuracy >= 0.99
