"""The network like the one that paper A draws: found by a rule, committed, shown where it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from modlib.analysis.macro.crt import pair_margins
from modlib.config.addition import AdditionConfig
from modlib.errors import StoreError
from modlib.results import like_paper as lp
from modlib.results import shown
from modlib.results.sweeps import read_sweep_export


@pytest.fixture
def kept():
    run = lp.like_paper()
    if run is None:
        pytest.skip("no network like the paper's is committed")
    return run


def test_the_committed_network_is_as_the_rule_says(kept):
    assert kept.learned
    assert kept.accuracy == 1
    *others, last = sorted(kept.clustering.clusters, key=lambda c: c.kind == "fine-tuning")
    assert [c.kind for c in others] == ["simple"] * 3
    assert (last.kind, last.freq, last.num_neurons) == ("fine-tuning", 42, 11)
    assert sorted(c.coset_size for c in others) == [1, 7, 13]
    assert pair_margins(kept.view).min() > 0
    assert kept.steps_per_second is None


def test_it_stands_in_for_runs_of_its_modulus_that_lack_what_it_has(kept):
    plain = replace(kept, seed=7, weights={k: 0 * w for k, w in kept.weights.items()})
    assert shown.fine_tuning_example(kept) is kept
    assert shown.fine_tuning_example(plain).seed == kept.seed


def test_it_comes_out_of_a_training_now(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(lp, "read_sweep_export", lambda *_, **__: read_sweep_export(lp.PRESET))
    lp.export_like_paper(tmp_path)
    again = lp.like_paper(tmp_path)
    assert again.seed == kept.seed
    # It was trained on another kind of processor: the bits of a seed are the same on all.
    for name, weights in kept.weights.items():
        assert np.array_equal(again.weights[name], weights), name
    pd.testing.assert_frame_equal(again.history, kept.history)


def test_what_is_not_there_or_damaged_is_told_in_a_line(tmp_path):
    assert lp.like_paper(tmp_path) is None
    with pytest.raises(StoreError, match="has no sweep A91 with a network like the paper's"):
        lp.export_like_paper(tmp_path)
    assert AdditionConfig(n=91).key() == lp.CONFIG.key(), "chapters ask for it by its modulus"
