"""Random sets are as close as random ones, chosen ones are not; clusters lost to L2."""

import numpy as np
import pytest

from modlib.analysis.many_seeds import separation as sep
from modlib.analysis.many_seeds.selection import DELTAS, more_l2, selection

N = 31


def gaps_of(sets):
    return sep.gaps(N, sets), np.full(len(sets), sets.shape[1])


def test_sets_drawn_at_random_are_as_close_as_chance_says():
    sets = sep.random_sets(N, 4, 2000, seed=5)
    found = selection(N, *gaps_of(sets), 0.3)
    assert found.num_sets == 2000
    assert found.close == pytest.approx(found.expected, rel=0.15)
    inside = (found.shares.low <= found.shares.random) & (found.shares.random <= found.shares.high)
    assert inside.mean() > 0.8
    assert len(found.shares) == len(DELTAS)
    assert found.shares.learned.is_monotonic_increasing


def test_sets_that_were_chosen_stand_out():
    gaps, sizes = gaps_of(sep.random_sets(N, 4, 2000))
    kept = gaps > 0.35
    found = selection(N, gaps[kept], sizes[kept], 0.3)
    assert found.close == 0
    assert found.expected > 100
    assert found.smallest > 0.35


def test_networks_without_clusters_are_left_out():
    assert selection(N, np.array([np.nan]), np.array([0]), 0.3) is None
    gaps, sizes = np.array([np.nan, 0.4]), np.array([0, 4])
    assert selection(N, gaps, sizes, 0.3).num_sets == 1


def test_clusters_lost_to_l2_are_told_by_modulus():
    scaled = {n: [5, 5, 6, 6] for n in (31, 91, 251)}
    fixed = {31: [6, 6, 7, 7], 91: [1, 1], 251: [3, 3, 4, 4], 499: [2, 2]}
    table = more_l2(scaled, fixed).set_index("n")
    assert table.index.tolist() == [31, 251]
    assert table.difference.tolist() == [1.0, -2.0]
    assert table.times[251] == pytest.approx(251 / 91)
    assert (table.low < table.difference).all()
    assert table.num_seeds.tolist() == [8, 8]
    assert more_l2({}, fixed).empty
