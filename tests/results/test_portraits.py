"""Neurons in tables, and paper A's two at n = 89: written, read back, shown where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.views import ideal_view
from modlib.analysis.micro.harmonics import portrait
from modlib.config.addition import AdditionConfig
from modlib.errors import StoreError
from modlib.machine import RESULTS
from modlib.results import portraits as po
from modlib.results.shown import paper_neurons

VIEW = ideal_view(11, {2: 3, 4: 3})


def test_portraits_come_back_from_their_table():
    wanted = [portrait(VIEW, 4, 4), portrait(VIEW, 0, 2)]
    for one, found in zip(wanted, po.from_table(po.as_table(wanted)), strict=True):
        assert (found.neuron, found.freq, found.unit) == (one.neuron, one.freq, one.unit)
        np.testing.assert_allclose(found.preact, one.preact)
        np.testing.assert_allclose(found.remapped_magnitude, one.remapped_magnitude)


def test_without_a_recorded_seed_nothing_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr(po, "recorded_fine_tuning", lambda n: None)
    with pytest.raises(StoreError, match="recorded at n = 89"):
        po.export_paper_neurons(tmp_path)
    assert po.read_paper_neurons(tmp_path) is None


def test_the_committed_pair_is_a_simple_and_a_fine_tuning_neuron():
    seed, pair = po.read_paper_neurons(RESULTS)
    assert seed >= 0
    assert list(pair) == list(po.KINDS)
    shares = []
    for one in pair.values():
        power = (one.magnitude[:, 1:] ** 2).sum(0)
        shares.append(power.max() / power.sum())
    assert shares[0] > 0.98
    assert shares[1] < 0.91
    assert AdditionConfig(n=po.PAPER_N).n == 89


def test_own_neurons_are_shown_at_the_papers_modulus_and_where_none_are_committed(tmp_path):
    own, seeds = {"simple": portrait(VIEW, 0, 2), "fine-tuning": None}, {"simple": 5}
    assert paper_neurons(own, seeds, tmp_path) == (own, seeds)
    shown, of = paper_neurons(own, seeds)
    assert shown["simple"].preact.shape == (2, 89)
    assert set(of) == set(shown)
    there = {"simple": portrait(ideal_view(89, {3: 2}), 0, 3), "fine-tuning": None}
    assert paper_neurons(there, seeds)[0] == there
