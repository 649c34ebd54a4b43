"""Over many seeds the networks must look as they did when the definitions were made.

The expectations below come from prototypes on seeds under 200; the tolerances are three
standard errors of a mean over 16 seeds, written before these seeds were measured.
"""

import numpy as np
import pandas as pd
import pytest

from modlib.config.addition import AdditionConfig
from modlib.runs.get_or_train import get_or_train

SEEDS = range(1000, 1016)
CLUSTERS = {91: (5.07, 0.93), 89: (4.96, 0.74)}
"""Mean and standard deviation over seeds of the number of clusters."""
SIMPLE_SHARE = (0.85, 0.15)
"""Share of live neurons that are simple: mean, and a standard deviation over seeds."""
MEDIAN_PHASE_ERROR = (0.18, 0.30)
"""Bounds on the median of |t_A + t_B - t_D| over simple neurons: .23 in the prototypes."""


@pytest.mark.slow
@pytest.mark.parametrize("n", [91, 89])
def test_networks_are_what_they_were_when_definitions_were_made(n):
    runs = [get_or_train(AdditionConfig(n=n), seed=seed, device="cpu") for seed in SEEDS]
    assert all(run.reached_epoch is not None for run in runs)
    assert all(run.learned for run in runs)

    mean, deviation = CLUSTERS[n]
    clusters = np.mean([len(run.clustering.clusters) for run in runs])
    assert abs(clusters - mean) <= 3 * deviation / len(runs) ** 0.5

    tables = [run.clustering.table for run in runs]
    live = [table[table.kind != "dead"] for table in tables]
    share = np.mean([(table.kind == "simple").mean() for table in live])
    assert abs(share - SIMPLE_SHARE[0]) <= 3 * SIMPLE_SHARE[1] / len(runs) ** 0.5

    simple = pd.concat([table[table.kind == "simple"] for table in live])
    errors = simple.phase_error.abs()
    assert MEDIAN_PHASE_ERROR[0] < errors.median() < MEDIAN_PHASE_ERROR[1]
    assert errors.quantile(0.99) < 1.6
    assert (simple.freq == simple.freq_out).mean() > 0.99
