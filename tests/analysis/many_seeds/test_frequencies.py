"""Which frequencies many networks choose: every expectation against enumeration or a long loop."""

from __future__ import annotations

from itertools import combinations
from math import comb, gcd

import numpy as np
import pandas as pd
import pytest

from modlib.analysis.many_seeds import company as co
from modlib.analysis.many_seeds import frequencies as fr
from modlib.analysis.many_seeds import neuron_parts as pa
from modlib.analysis.many_seeds import regimes as rg
from modlib.analysis.many_seeds import uniformity as un
from modlib.errors import InputError
from modlib.maths.groups import signed_freq

N = 91


def drawn(num_seeds: int, n: int = N, seed: int = 0) -> np.ndarray:
    """Networks without preference, of 3 to 7 frequencies."""
    numbers = np.random.default_rng(seed).integers(3, 8, num_seeds)
    return un.planted(numbers, np.ones(n // 2 + 1), seed=seed)


def test_classes_are_the_frequencies_by_their_divisor():
    classes = fr.gcd_classes(N)
    assert {g: len(freqs) for g, freqs in classes.items()} == {1: 36, 7: 6, 13: 3}
    assert classes[13].tolist() == [13, 26, 39]
    assert list(fr.gcd_classes(89)) == [1]
    assert fr.gcd_classes(12)[6].tolist() == [6]


def test_multiples_end_at_half_of_n():
    assert fr.multiples(7, 91) == [7, 14, 21, 28, 35, 42]
    assert fr.multiples(5, 12) == [5]


def test_presence_and_counts_put_rows_where_they_belong():
    clusters = pd.DataFrame({"seed": [5, 3, 5, 9], "freq": [1, 2, 4, 3], "hits": [7, 1, 2, 5]})
    found = fr.presence(clusters, [3, 5, 6], 9)
    assert found.shape == (3, 5)
    assert np.argwhere(found).tolist() == [[0, 2], [1, 1], [1, 4]]
    counts = fr.counts_by_freq(clusters, "hits", [3, 5, 6], 9)
    assert counts[1].tolist() == [0, 7, 0, 0, 2]
    assert counts.sum() == 10


def test_rates_have_intervals_that_hold_the_truth():
    found = drawn(3000)
    rates = fr.rates_by_freq(found, N)
    np.testing.assert_allclose(rates.rate, found[:, 1:].mean(0))
    inside = ((rates.low <= 5 / 45) & (rates.high >= 5 / 45)).mean()
    assert inside > 0.8
    assert (rates.gcd == np.gcd(rates.freq, N)).all()


def test_class_rates_are_counted_a_frequency():
    found = np.zeros((4, N // 2 + 1), dtype=bool)
    found[:2, [7, 14, 21, 28, 35, 42]] = True  # half of the networks have the whole class
    found[:, 1] = True
    table = fr.rates_by_class(found, N).set_index("gcd")
    assert table.rate[7] == 0.5
    assert table.rate[1] == 1 / 36
    assert table.rate[13] == 0
    mean = (2 * 6 + 4) / 45 / 4
    assert table.ratio[7] == pytest.approx(0.5 / mean)
    ratio = fr.ratio_of_classes(found, N, 7, 1)
    assert ratio.value[0] == pytest.approx(0.5 * 36)
    with pytest.raises(InputError, match="gcd class must be one of"):
        fr.ratio_of_classes(found, N, 5, 1)


def test_random_subsets_are_subsets_and_all_equally_likely():
    sets = un.random_subsets(np.random.default_rng(0), 30_000, 3, 6)
    assert (np.diff(np.sort(sets, axis=1), axis=1) > 0).all()
    assert sets.min() == 0
    assert sets.max() == 5
    names, counts = np.unique(np.sort(sets, axis=1), axis=0, return_counts=True)
    assert len(names) == comb(6, 3)
    expected = 30_000 / comb(6, 3)
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)
    assert un.random_subsets(np.random.default_rng(0), 2, 4, 4).sum(1).tolist() == [6, 6]
    with pytest.raises(InputError, match="chosen must be an integer"):
        un.random_subsets(np.random.default_rng(0), 1, 5, 4)


def test_drawn_counts_keep_every_networks_number():
    chosen = np.array([2, 0, 5, 2, 3])
    counts = un.drawn_counts(chosen, 10, 4000, np.random.default_rng(1))
    assert (counts.sum(1) == 12).all()
    assert counts.max() <= 4  # networks with a frequency at all
    share = chosen / 10
    np.testing.assert_allclose(counts.mean(0), share.sum(), atol=0.08)
    np.testing.assert_allclose(counts.var(0), (share * (1 - share)).sum(), rtol=0.1)


def test_the_same_test_tells_a_planted_preference_from_none():
    numbers = np.random.default_rng(2).integers(4, 7, 1500)
    even = np.ones(N // 2 + 1)
    tilted = even + 0.25 * (np.arange(len(even)) % 2)
    uniform = un.uniform_within(un.planted(numbers, even, seed=3), N, num_draws=500)
    preferring = un.uniform_within(un.planted(numbers, tilted, seed=3), N, num_draws=500)
    assert uniform[0].p_value > 0.05
    assert preferring[0].p_value < 0.01
    assert preferring[0].spread > preferring[0].chance_high
    assert set(uniform) == {0, 1, 7, 13}


def test_a_preferred_class_is_seen_between_and_not_within():
    numbers = np.random.default_rng(4).integers(4, 7, 2000)
    preference = np.where(np.gcd(np.arange(N // 2 + 1), N) == 7, 1.5, 1.0)
    found = un.planted(numbers, preference, seed=5)
    assert un.uniform_between(found, N, num_draws=500).p_value < 0.01
    assert un.uniform_within(found, N, num_draws=500)[0].p_value > 0.01
    table = fr.rates_by_class(found, N).set_index("gcd")
    assert table.low[7] > 1.2
    assert table.high[1] < 1


def test_p_values_without_preference_are_spread_evenly():
    values = [un.uniform_within(drawn(60, seed=s), N, num_draws=200)[0].p_value for s in range(60)]
    assert 0.3 < np.mean(values) < 0.7
    assert 1 <= sum(value < 0.2 for value in values) <= 24


def test_one_class_leaves_nothing_to_tell_between():
    test = un.uniform_between(drawn(50, 89), 89, num_draws=200)
    assert test.spread == pytest.approx(0, abs=1e-12)
    assert test.p_value == 1


def test_planted_networks_keep_their_numbers():
    numbers = np.array([0, 1, 4, 45])
    found = un.planted(numbers, np.ones(46))
    assert found.sum(1).tolist() == numbers.tolist()
    assert not found[:, 0].any()


@pytest.mark.parametrize(("n", "ratio"), [(91, 2), (89, 3), (15, 2), (12, 5), (91, 7)])
def test_pairs_of_a_ratio_are_found_by_trying_all(n, ratio):
    wanted = {
        (f, g)
        for f, g in combinations(range(1, n // 2 + 1), 2)
        if g in (ratio * f % n, -ratio * f % n) or f in (ratio * g % n, -ratio * g % n)
    }
    assert set(co.pairs_of_ratio(n, ratio)) == wanted


@pytest.mark.parametrize("n", [15, 20])
def test_expected_pairs_are_those_of_all_redraws(n):
    """One network; every set of frequencies with as many in each class, enumerated."""
    found = np.zeros((1, n // 2 + 1), dtype=bool)
    found[0, [1, 2, 3, 5]] = True
    classes = fr.gcd_classes(n)
    choices = [()]
    for freqs in classes.values():
        held = int(found[0, freqs].sum())
        choices = [c + s for c in choices for s in combinations(freqs.tolist(), held)]
    for ratio in (2, 3, 7):
        pairs = co.pairs_of_ratio(n, ratio)
        mean = np.mean([sum(f in c and g in c for f, g in pairs) for c in choices])
        table = co.ratio_lifts(np.repeat(found, 2, axis=0), n, [ratio])
        assert table.expected.iloc[0] == pytest.approx(2 * mean)
        seen = sum(bool(found[0, f] and found[0, g]) for f, g in pairs)
        assert table.observed.iloc[0] == 2 * seen


def test_networks_that_avoid_doubles_have_a_lift_below_one_and_others_do_not():
    found = drawn(6000)
    avoiding = np.array(
        [
            row
            for row in found
            if not any(row[f] and row[signed_freq(2 * f, N)] for f in range(1, 46))
        ]
    )
    lifts = co.ratio_lifts(found, N, [2])
    assert lifts.low[0] < 1 < lifts.high[0]
    assert co.ratio_lifts(avoiding, N, [2]).high[0] == 0


def test_every_ratio_is_tried_once():
    ratios = co.ratio_lifts(drawn(50), N).ratio.tolist()
    assert 2 in ratios
    assert 1 not in ratios
    for r in ratios:
        assert gcd(r, N) == 1
        inverse = signed_freq(pow(r, -1, N), N)
        assert inverse == r or inverse not in ratios


def test_companions_are_expected_as_the_null_draws_them():
    found = drawn(40_000)
    table = co.companions(found, N, 7)
    assert 7 not in table.freq.tolist()
    by_freq = table.set_index("freq")
    assert by_freq.relation[14] == "double"
    assert by_freq.relation[42] == "half"
    assert (table.relation != "").sum() == 2
    having = found[found[:, 7]]
    np.testing.assert_allclose(table.rate, having[:, table.freq].mean(0))
    # without preference the expectation is the rate itself, but for chance
    assert np.abs(table.rate - table.expected).max() < 5 * np.sqrt(0.1 / len(having))
    assert np.abs(table.pooled - table.expected).max() < 5 * np.sqrt(0.1 / len(having) / 6)


def test_companions_are_pooled_over_all_frequencies_that_units_carry():
    """By a loop over networks, units and frequencies."""
    found, n, freq = drawn(40, 15), 15, 2
    having, beside = 0, np.zeros(8)
    for row in found:
        for u in (1, 2, 4, 7):
            if row[signed_freq(u * freq, n)]:
                having += 1
                for g in range(1, 8):
                    beside[g] += row[signed_freq(u * g, n)]
    table = co.companions(found, n, freq)
    np.testing.assert_allclose(table.pooled, beside[table.freq] / having)


def test_companions_of_a_frequency_that_nobody_has_are_unknown():
    found = np.zeros((5, 46), dtype=bool)
    assert co.companions(found, N, 3).rate.isna().all()
    with pytest.raises(InputError, match="freq must be"):
        co.companions(found, N, 46)


def test_half_of_a_frequency_need_not_exist_or_be_single():
    found = drawn(50, 12)
    assert "half" not in set(co.companions(found, 12, 5).relation)
    table = co.companions(found, 12, 4).set_index("freq").relation
    assert (table[table == "half"].index).tolist() == [2]  # 4 itself is its own double up to sign


@pytest.mark.parametrize("n", [31, 91])
def test_relations_are_those_of_their_definition(n):
    table = pa.relation_table(n, 3)
    assert set(table) == {"1:2", "2:1", "1:3", "3:1", "2:3", "3:2"}
    for name, pairs in table.items():
        p, q = map(int, name.split(":"))
        for f, g in np.argwhere(pairs):
            assert any(
                f == signed_freq(p * b, n) and g == signed_freq(q * b, n) for b in range(1, n)
            )
    assert np.sum(list(table.values()), axis=0).max() == 1  # the simplest relation only
    assert table["1:2"][1, 2]
    assert table["3:2"][3, 2]
    assert not any(pairs[0].any() or pairs[:, 0].any() for pairs in table.values())


def test_pairs_across_networks_are_counted_by_a_loop():
    generator = np.random.default_rng(0)
    first = generator.integers(0, 3, (4, 5)).astype(float)
    second = generator.integers(0, 3, (4, 5)).astype(float)
    weight = np.array([[1.0, 1, 1, 1], [2, 0, 1, 1]])
    result = pa.pairs_across(first, second, weight)
    for row, w in zip(result, weight, strict=True):
        wanted = np.zeros((5, 5))
        for s in range(4):
            for t in range(4):
                if s != t:
                    wanted += w[s] * w[t] * np.outer(first[s], second[t])
        np.testing.assert_allclose(row, wanted * ~np.eye(5, dtype=bool))


def neurons(first: np.ndarray, second: np.ndarray, third: np.ndarray, num_seeds: int):
    """Fine-tuning neurons, five of a kind in each network."""
    seed = np.repeat(np.arange(num_seeds), 5)
    columns = {"freq_1": np.repeat(first, 5), "freq_2": np.repeat(second, 5)}
    columns |= {"freq_3": np.repeat(third, 5), "share_1": 0.6, "share_2": 0.3, "share_3": 0.08}
    return pd.DataFrame({"seed": seed, "cluster": 0, "kind": "fine-tuning", **columns})


def folded(values: np.ndarray, n: int = 89) -> np.ndarray:
    return np.minimum(values % n, -values % n)


def test_a_planted_relation_lifts_and_none_does_not():
    generator = np.random.default_rng(1)
    f = generator.integers(1, 45, 300)
    related = neurons(f, folded(2 * f), folded(4 * f), 300)
    table = pa.relation_lifts(related, 89).set_index("relation")
    assert table.observed["1:2"] == 1500
    assert table.low["1:2"] > 20
    assert table.low["pooled"] > 5
    assert table.observed["1:3"] == 0
    g = (f + generator.integers(1, 43, 300)) % 44 + 1
    g = np.where(g == f, g % 44 + 1, g)
    chance = pa.relation_lifts(neurons(f, g, f, 300), 89).set_index("relation")
    assert chance.low["pooled"] < 1 < chance.high["pooled"]


def test_too_few_networks_have_no_relations():
    assert pa.relation_lifts(neurons(*np.ones((3, 1), dtype=int), 1), 89).empty
    one = pa.fine_tuning_companions(neurons(*np.ones((3, 1), dtype=int), 1), 89, 15)
    assert one.pooled.isna().all()


def test_companions_in_a_neuron_are_pooled_over_all_frequencies():
    generator = np.random.default_rng(2)
    f = generator.integers(1, 45, 400)
    table = pa.fine_tuning_companions(
        neurons(f, folded(2 * f), folded(4 * f), 400), 89, 15
    ).set_index("freq")
    assert table.num_neurons[30] > 0
    # 15 as the first of three has 30 and 29 = -60 beside it, as the second 37 and 30, ...
    with_any = {signed_freq(15 * r, 89) for r in (2, 4, pow(2, -1, 89), pow(4, -1, 89))}
    seen = set(table.index[table.pooled > 0])
    assert seen == with_any
    assert (table.pooled_low[list(with_any)] > 2).all()
    assert (table.pooled[table.pooled > 0] < np.inf).all()


def test_symmetry_carries_pairs_to_every_frequency_of_the_class():
    joint = np.zeros((8, 8))
    joint[2, 4] = 3.0  # modulo 15: f and 2f
    summed = pa.by_symmetry(joint, 15)
    for f in (1, 2, 4, 7):
        assert summed[f, signed_freq(2 * f, 15)] == 3.0
    assert summed.sum() == 3.0 * 4
    np.testing.assert_array_equal(pa.by_symmetry(joint, 15, [4, 2]), summed[[4, 2]])


def test_regimes_are_compared_by_clusters_and_by_simple_neurons():
    generator = np.random.default_rng(0)

    def networks(more):
        rows = {"num_clusters": generator.integers(3, 6, 900) + more, "num_live": 100}
        return pd.DataFrame(rows | {"neurons_simple": generator.integers(60, 66, 900)})

    found = rg.regime_differences(networks(0), networks(1))
    (clusters, margin), (simple, _) = found.values()
    assert clusters.difference == pytest.approx(1, abs=0.1)
    assert clusters.low > margin
    assert simple.p_value < 0.01


def test_a_network_like_the_papers_is_found_and_others_are_told_apart():
    rows = []
    for seed, freqs, kinds in (
        (1, (35, 25, 8, 42), ("simple", "simple", "simple", "fine-tuning")),
        (2, (35, 25, 8, 41), ("simple", "simple", "simple", "fine-tuning")),
        (3, (35, 25, 8, 9, 42), ("simple", "simple", "simple", "simple", "fine-tuning")),
        (4, (35, 25, 8, 14), ("simple", "simple", "simple", "fine-tuning")),
    ):
        for index, (freq, kind) in enumerate(zip(freqs, kinds, strict=True)):
            rows.append((seed, index, freq, 12 - index, kind))
    clusters = pd.DataFrame(rows, columns=["seed", "cluster", "freq", "num_neurons", "kind"])
    tuned = pd.DataFrame(
        [
            (1, 3, "fine-tuning", 42, 35, 28, 0.5, 0.3, 0.1),
            (3, 4, "fine-tuning", 42, 35, 28, 0.5, 0.3, 0.1),
            (4, 3, "fine-tuning", 14, 5, 28, 0.5, 0.3, 0.01),
        ],
        columns=[
            *("seed", "cluster", "kind", "freq_1", "freq_2", "freq_3"),
            *("share_1", "share_2", "share_3"),
        ],
    )
    found = pa.like_seed_133(clusters, tuned, N)
    assert found.seed.tolist() == [1, 3, 4]
    assert found.alike.tolist() == [True, False, False]
    assert found.parts.tolist()[0] == [42, 35, 28]
    assert found.freqs.tolist()[0] == [35, 25, 8, 42]
    assert found.all_multiples.tolist() == [True, True, False]
    assert pa.like_seed_133(clusters[clusters.seed == 2], tuned, N).empty
