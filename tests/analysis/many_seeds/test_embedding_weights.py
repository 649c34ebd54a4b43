"""Large and small embedding weights through training, on made-up tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from made_up.sweeps import made_up, schema_2
from modlib.analysis.many_seeds import embedding_weights as ew

TABLES = schema_2(
    made_up(num_seeds=200), weights={5: (0.05, 0.04), 30: (0.09, 0.04), 3000: (0.046, 0.64)}
)


def test_an_epoch_has_the_means_over_networks_and_the_largest_of_all():
    largest = np.where(TABLES.weights.index == 7, 3.25, TABLES.weights.abs_max)
    tables = TABLES._replace(weights=TABLES.weights.assign(abs_max=largest))
    found = ew.spread_over_training(tables, pd.Series([20, 30, 3000, -1]))
    assert found.epoch.tolist() == [5, 30, 3000]
    assert found.beyond.tolist() == pytest.approx([0.05, 0.09, 0.046], abs=1e-3)
    assert found.near.tolist() == pytest.approx([0.04, 0.04, 0.64], abs=1e-3)
    assert found.largest.tolist() == [3.25, 2.0, 2.0]
    assert found.able.tolist() == [0.0, 0.5, 0.75], "one of them never"


def test_shares_and_range_are_held_against_the_paper_s_together_and_apart():
    found = ew.spread_over_training(TABLES)
    assert found.able.isna().all()
    small = ew.fits(found)
    assert small.shares.tolist() == [True, False, False]
    assert small.range.tolist() == [True, True, True]
    assert small["all"].tolist() == [True, False, False]
    assert not ew.fits(found, "full").range.any(), "2.0 is no tenth off 1.5"
    assert ew.largest_bounds("full") == pytest.approx((1.35, 1.65))


def test_without_weights_over_training_there_is_no_epoch():
    none = ew.spread_over_training(made_up(num_seeds=4))
    assert none.empty
    assert ew.fits(none).empty
