"""Statistics inside networks, the origin of fine-tuning neurons, lines in ln n, conjecture 1."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from modlib.analysis.many_seeds import origin
from modlib.analysis.many_seeds.grid import analyse_grid
from modlib.analysis.many_seeds.growth import fit_log, trains_steadily
from modlib.analysis.many_seeds.origin import has_pair, led_by_clusters, ratio_of_shares
from modlib.analysis.many_seeds.per_network import (
    evenness,
    mean_over_rows,
    rank_correlations,
    variations,
)
from modlib.errors import InputError
from modlib.maths.circular import chance_nearest, nearest_distances, nearest_limits
from modlib.maths.groups import signed_freq


def test_a_mean_over_rows_is_that_of_the_rows_and_its_unit_the_network():
    table = pd.DataFrame({"unit": np.repeat(np.arange(20), 5), "x": np.arange(100) % 5})
    mean, num = mean_over_rows(table, table.x)
    assert (mean.value, num) == (2.0, 20)
    assert (mean.low, mean.high) == (2.0, 2.0)  # every network is the same


def test_rank_correlations_are_scipys_inside_each_network():
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"unit": np.repeat([3, 1, 2], [6, 5, 2])})
    table["x"] = generator.integers(0, 4, 13)
    table["y"] = generator.normal(size=13)
    found = rank_correlations(table, "x", "y")
    wanted = [
        stats.spearmanr(block.x, block.y).statistic
        for unit, block in table.groupby("unit")
        if unit != 2
    ]
    np.testing.assert_allclose(found, wanted)
    assert len(rank_correlations(table.assign(x=1), "x", "y")) == 0


def test_variations_are_over_the_mean_of_networks_with_several_rows():
    table = pd.DataFrame({"unit": [0, 0, 1, 1, 2], "a": [1.0, 3.0, 2.0, 2.0, 9.0]})
    np.testing.assert_allclose(variations(table, "a"), [np.sqrt(2) / 2, 0.0])
    np.testing.assert_allclose(variations(table, "a", ddof=0), [0.5, 0.0])


@pytest.mark.parametrize("count", [3, 12, 30])
def test_even_pairs_are_told_from_a_lattice_and_from_a_clump(count):
    generator = np.random.default_rng(count)
    ratio = [
        nearest_distances(generator.random((count, 2))).mean() / chance_nearest(count)
        for _ in range(400)
    ]
    low, high = nearest_limits(count)
    inside = np.mean([(low <= r <= high) for r in ratio])
    assert inside == pytest.approx(0.95, abs=0.04)
    table = pd.DataFrame({"num_phases": count, "nearest_ratio": [1.0, high + 0.01, low - 0.01]})
    assert evenness(table).tolist() == ["even", "too even", "clumped"]


@pytest.mark.parametrize("count", [4, 13, 16])
def test_limits_of_even_pairs_leave_out_a_fortieth_at_each_end(count):
    generator = np.random.default_rng([count, 1])
    ratio = []
    for _ in range(40):
        points = generator.random((1000, count, 2), dtype=np.float32)
        gap = np.abs(points[:, :, None] - points[:, None])
        square = (np.minimum(gap, 1 - gap) ** 2).sum(-1) + np.diag(np.full(count, 9.0))
        ratio.append(np.sqrt(square.min(2)).mean(1) / chance_nearest(count))
    low, high = nearest_limits(count)
    ratios = np.concatenate(ratio)
    assert [(ratios < low).mean(), (ratios > high).mean()] == pytest.approx([0.025] * 2, abs=0.003)


def test_pairs_of_f_and_its_double_are_found_up_to_sign():
    found = np.zeros((4, 46), dtype=bool)
    found[0, [5, 10]] = found[1, [40, 11]] = found[2, [5, 15]] = True  # 2 x 40 = -11 modulo 91
    assert has_pair(found, 91).tolist() == [True, True, False, False]


def test_neurons_led_by_clusters_are_counted_against_another_cluster_at_random():
    neurons = pd.DataFrame({"seed": [1, 1, 2], "clustered_1": True})
    neurons["clustered_2"] = [True, False, True]
    led = led_by_clusters(neurons, pd.Series({1: 5, 2: 3}), 91)
    assert led.share.value == pytest.approx(2 / 3)
    assert led.chance == pytest.approx((4 + 4 + 2) / 3 / 44)
    assert led.num_networks == 2


def test_a_ratio_of_shares_and_both_shares():
    group = np.arange(1000) % 2 == 0
    has = np.where(group, np.arange(1000) % 4 == 0, np.arange(1000) % 10 == 1)
    ratio, shares = ratio_of_shares(has, group)
    np.testing.assert_allclose(shares, [0.5, 0.2])
    assert ratio.value == pytest.approx(2.5)
    assert 2.0 < ratio.low < 2.5 < ratio.high < 3.2


def test_a_line_in_ln_n_is_found_and_how_far_others_lie_off_it():
    generator = np.random.default_rng(0)
    counts = {n: 1 + 0.8 * np.log(n) + generator.normal(0, 0.7, 80) for n in (31, 59, 91, 131, 180)}
    other = 1 + 0.8 * np.log(251) + 2 + generator.normal(0, 0.7, 80)
    found = fit_log(counts, {251: other}, num_resamples=400)
    assert found.b.low < 0.8 < found.b.high
    assert found.off[251].low < 2.0 < found.off[251].high
    with pytest.raises(InputError, match="moduli must be at least 4"):
        fit_log({31: np.ones(3)})


def test_training_is_steady_by_who_learns_and_by_the_final_loss():
    table = pd.DataFrame({"learned": [True] * 18 + [False] * 2, "train_loss": 0.02})
    assert trains_steadily(table, 0.02)
    assert not trains_steadily(table, 0.015)
    assert not trains_steadily(table.assign(learned=[True] * 17 + [False] * 3), 0.02)


def planted_grid(by_width: float, seed: int = 0) -> pd.DataFrame:
    """Three fewer clusters a unit of ln loss, which fourfold L2 raises by ln 1.5."""
    generator = np.random.default_rng(seed)
    blocks = []
    for n in (59, 91):
        for step in (-1, 0, 1):
            for lr in (0.25, 1.0):
                for width in (128, 512):
                    loss = -4 + np.log(1.5) * step + 0.3 * (lr == 1) - 0.2 * (width == 512)
                    own = loss + generator.normal(0, 0.05, 20)
                    counts = 5 - 3 * (own + 4) + by_width * (width == 512)
                    block = pd.DataFrame({"num_clusters": counts, "train_loss": np.exp(own)})
                    blocks.append(block.assign(n=n, l2=4.0**step, lr=lr, width=width))
    table = pd.concat(blocks, ignore_index=True)
    table["num_clusters"] += generator.normal(0, 0.5, len(table))
    return table


@pytest.mark.parametrize("by_width", [0.0, 1.5])
def test_the_grid_tells_l2_from_width_at_equal_loss(by_width):
    found = analyse_grid(planted_grid(by_width), num_resamples=200)
    assert found.slopes.n.tolist() == [59, 91]
    for row in found.slopes.itertuples():
        assert row.low < -3 * np.log(1.5) < row.high
    assert found.width.low < by_width < found.width.high
    assert (found.num_networks, found.num_points) == (480, 24)
    assert found.slopes.num_networks.tolist() == [240, 240]


def test_points_of_the_grid_that_did_not_learn_are_left_out():
    table = planted_grid(0.0)
    few = table[(table.l2 != 4.0) | (table.n != 59) | (table.index % 7 == 0)]
    gone = few[(few.width != 512) | (few.l2 != 1.0) | (few.n != 91)]
    found = analyse_grid(gone, num_resamples=20)
    assert found.num_points == 24 - 4 - 2, "a point where none learned is none"
    assert found.num_networks == found.slopes.num_networks.sum() == 20 * 18


def test_a_modulus_without_two_values_of_l2_has_no_slope():
    table = planted_grid(0.0)
    one_left = table[(table.n != 59) | (table.l2 == 1.0)]
    found = analyse_grid(one_left, num_resamples=20)
    assert found.slopes.n.tolist() == [91]
    assert (found.num_networks, found.num_points) == (240, 12)
    # Two values, but never at one learning rate and width: which of the three tells?
    apart = table[(table.n != 59) | np.where(table.lr == 1.0, table.l2 == 1.0, table.l2 == 4.0)]
    assert analyse_grid(apart, num_resamples=20).slopes.n.tolist() == [91]
    nothing = analyse_grid(table[table.l2 == 1.0], num_resamples=20)
    assert nothing.slopes.empty
    assert np.isnan(nothing.width).all()


def planted_networks(rule, num_seeds: int = 400, n: int = 91):
    """Networks of four ordinary clusters and, in every other one, a fine-tuning cluster.

    ``rule``: from ordinary frequencies and a generator, the fine-tuning cluster's own frequency
    and the second one of its neuron.
    """
    rng = np.random.default_rng(5)
    clusters, neurons = [], []
    for seed in range(num_seeds):
        ordinary = rng.choice(np.arange(1, n // 2 + 1), 4, replace=False)
        clusters += [(seed, f, "simple") for f in ordinary]
        if seed % 2:
            own, second = rule(ordinary, rng)
            clusters.append((seed, own, "fine-tuning"))
            neurons.append((seed, own, second))
    tables = (
        pd.DataFrame(clusters, columns=["seed", "freq", "kind"]),
        pd.DataFrame(neurons, columns=["seed", "freq_1", "freq_2"]),
    )
    return *tables, np.arange(num_seeds) % 2 == 1


def by_its_half(ordinary, rng):
    """The fine-tuning cluster is at half of an ordinary frequency, and hears that one second."""
    second = int(ordinary[0])
    return signed_freq(pow(2, -1, 91) * second, 91), second


def by_lot(ordinary, rng):
    return tuple(int(f) for f in rng.choice(np.arange(1, 46), 2, replace=False))


def test_second_parts_that_are_clusters_are_told_from_those_drawn_by_lot():
    clusters, neurons, _ = planted_networks(by_its_half)
    found = origin.second_parts(neurons, clusters, 91)
    assert found.share.value == 1
    assert found.both.high < 0.3, "the first is the neuron's own, a fine-tuning cluster's"
    assert 0.08 < found.chance < 0.095
    assert (found.num_neurons, found.num_networks) == (200, 200)
    clusters, neurons, _ = planted_networks(by_lot)
    found = origin.second_parts(neurons, clusters, 91)
    assert found.share.low < found.chance < found.share.high
    assert origin.second_parts(neurons[:1], clusters, 91) is None


def test_pairs_that_the_fine_tuning_cluster_makes_go_with_it():
    clusters, _, has = planted_networks(by_its_half)
    table = origin.doubles_apart(has, clusters, list(range(len(has))), 91).set_index("population")
    without, having, ordinary = (table.loc[name] for name in origin.POPULATIONS)
    assert having.low > 1.5
    assert ordinary.low < 1 < ordinary.high
    assert without.low < 1 < without.high
    assert table.num_networks.tolist() == [200, 200, 200]
    clusters, _, has = planted_networks(by_lot)
    table = origin.doubles_apart(has, clusters, list(range(len(has))), 91)
    assert ((table.low < 1) & (table.high > 1)).all()
    nobody = origin.doubles_apart(np.zeros(len(has), dtype=bool), clusters, list(range(400)), 91)
    assert nobody.population.tolist() == [origin.POPULATIONS[0]]
