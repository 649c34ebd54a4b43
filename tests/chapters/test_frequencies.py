"""Sentences of chapters 08 and 09 hold for odd sets of networks too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from made_up.sweeps import made_up
from modlib.analysis.many_seeds import frequencies as fr
from modlib.analysis.many_seeds import growth
from modlib.analysis.many_seeds import separation as sep
from modlib.analysis.many_seeds.sweep_tables import that_learned
from modlib.chapters import frequencies as words
from modlib.chapters import scaling
from modlib.config.addition import AdditionConfig

TABLES = made_up(num_seeds=120, failed=4)
FOUND = fr.presence(TABLES.clusters, TABLES.networks.seed.tolist(), 91)


def test_sets_that_are_not_committed_are_listed_as_such():
    text = words.about_networks({"n = 91": TABLES, "flax": None})
    assert "| n = 91 | 120 | 1000 to 1119 | 96.7 % |" in text
    assert "| flax | not committed | | |" in text


def test_few_networks_are_warned_about_and_many_are_not():
    assert "Only 96 networks" in words.about_few(AdditionConfig(), made_up(num_seeds=96))
    assert "one network learned" in words.about_few(
        AdditionConfig(), made_up(num_seeds=5, failed=4)
    )
    assert words.about_few(AdditionConfig(), made_up(num_seeds=200)) == ""


def test_classes_are_compared_only_where_there_are_several():
    table = fr.rates_by_class(FOUND, 91)
    assert "gcd 13" in words.about_classes(table, fr.uniform_between(FOUND, 91, num_draws=200), 91)
    prime = made_up(89, num_seeds=20)
    found = fr.presence(prime.clusters, prime.networks.seed.tolist(), 89)
    text = words.about_classes(
        fr.rates_by_class(found, 89), fr.uniform_between(found, 89, num_draws=200), 89
    )
    assert "one class only" in text


def test_uniformity_is_told_in_a_table():
    text = words.uniformity_table(fr.uniform_within(FOUND, 91, num_draws=200))
    assert text.count("\n") == 5
    assert "| all classes |" in text


def test_planted_cases_are_told_apart_in_a_table():
    even = fr.uniform_within(FOUND, 91, num_draws=200)
    tilted = even | {0: even[0]._replace(p_value=0.001)}
    text = words.about_planted({"none": even, "some": tilted})
    assert text.endswith("| yes |")
    assert "| no |" in text
    missed = words.about_planted({"none": tilted, "some": even})
    assert '("some") is not told from chance' in missed
    assert "little power" not in text
    assert "nothing to test" in words.about_planted({})


def test_rates_and_ratios_name_what_stands_out():
    rates = fr.rates_by_freq(FOUND, 91)
    text = words.about_rates({"n = 91": rates})
    assert f"f = {rates.freq[rates.rate.idxmax()]} most often" in text
    lifts = fr.ratio_lifts(FOUND, 91)
    text = words.about_ratios({"n = 91": lifts})
    assert "f and 2f together in" in text
    assert f"of the {len(lifts) - 1} other ratios" in text
    unsure = lifts.assign(lift=1.0, low=0.9, high=1.1)
    text = words.about_ratios({"n = 91": unsure})
    assert "the interval includes 1; none of the" in text
    nothing = words.about_ratios({"n = 91": lifts.assign(expected=0.0)})
    assert nothing == "Too few pairs are expected to compare ratios."


def test_a_reason_is_offered_only_for_what_is_seen():
    lifts = fr.ratio_lifts(FOUND, 91)
    avoided = words.about_doubling({"n = 91": lifts.assign(high=0.9), "n = 89": lifts.iloc[:0]})
    assert "here at n = 91)" in avoided
    assert "not tested here" in avoided
    assert words.about_doubling({"n = 91": lifts.assign(high=1.1)}) == ""


def test_company_of_a_frequency_nobody_has():
    nobody = fr.companions(np.zeros_like(FOUND), 91, 7)
    assert "nothing to tell" in words.about_company(nobody, 7, 0, 91)
    text = words.about_company(fr.companions(FOUND, 91, 2), 2, 12, 91)
    assert "f = 4 (double)" in text
    assert "f = 1 (half)" in text


@pytest.mark.parametrize(
    ("pooled", "said"),
    [
        (0.1, "have f = 1 and f = 4 at a rate that is not told from the expected one"),
        (0.05, "have f = 1 and f = 4 less often than expected"),
        (0.2, "have f = 1 and f = 4 more often than expected"),
    ],
)
def test_company_is_judged_by_the_pooled_interval(pooled, said):
    table = fr.companions(FOUND, 91, 2).assign(expected=0.1, pooled=0.1)
    table = table.assign(pooled_low=0.09, pooled_high=0.11)
    columns = ["pooled", "pooled_low", "pooled_high"]
    table.loc[table.relation != "", columns] = [pooled, pooled - 0.01, pooled + 0.01]
    text = words.about_company(table, 2, 12, 91)
    assert said in text
    assert "have 26 pooled rates between them, of which none has an interval" in text
    table.loc[table.freq == 9, columns] = [0.3, 0.2, 0.4]
    assert "of which one has an interval" in words.about_company(table, 2, 12, 91)


def test_ranks_tell_exact_cosets_apart():
    text = words.about_ranks(that_learned(TABLES).clusters, 116, 91)
    assert "of 116 networks" in text
    assert "15.0 % of the pairs" in text
    assert "on 60.0 % at most five others" in text
    assert "a guess has 45)" in text
    assert "exact cosets" in text
    assert words.about_ranks(TABLES.clusters.iloc[:0], 0, 91) == "*Seen here*: no clusters."
    assert words.title_of_sum("n = 91", 798, 798) == "n = 91: all 798 networks"
    assert words.title_of_sum("n = 91", 798, 100) == "n = 91: all 798 committed networks"


def test_relations_and_their_absence():
    table = fr.relation_lifts(TABLES.fine_tuning, 91)
    assert "1:2 in" in words.about_relations(table, 60, 15, 91)
    assert "too few" in words.about_relations(table.iloc[:0], 0, 0, 91)
    assert "too few" in words.about_relations(table.assign(expected=0.0), 11, 2, 91)
    unknown = table.assign(low=np.nan, high=np.nan)
    unknown.loc[1:, ["expected", "lift"]] = [0.0, np.inf]
    text = words.about_relations(unknown, 60, 15, 91)
    assert "where none were expected" in text
    assert "too few for an interval" in text
    assert "inf" not in text
    assert "nan" not in text


def test_multiples_are_sorted_by_what_their_intervals_say():
    table = pd.DataFrame({"freq": [5, 10, 20, 25, 30, 38, 40]})
    table["pooled"] = [2.5, 0.0, 0.5, np.inf, 38.0, 38.0, 0.0]
    table["pooled_low"] = [0.7, 0.0, 0.2, np.nan, 24.0, 24.0, 0.0]
    table["pooled_high"] = [6.0, 0.0, 0.8, np.nan, 66.0, 66.0, 0.0]
    text = words.about_multiples(table, 15, 5, 91)
    assert "of six other multiples of 5 one has an interval above 1: 30 (twice 15) 38.0" in text
    assert "the interval includes 1 for 5; it lies below 1 for 20;" in text
    assert "never seen beside it: 10 and 40; too little is expected to judge 25." in text
    assert text.endswith("one has an interval above 1: 38 (half of 15) 38.0 (24.0 to 66.0) times.")
    none = words.about_multiples(table.assign(pooled_low=0.0), 15, 5, 91)
    assert none.endswith("that are no multiples of 5, none has an interval above 1.")
    nobody = words.about_multiples(table.assign(pooled=np.nan), 15, 5, 91)
    assert "nothing to tell" in nobody


@pytest.mark.parametrize(
    ("alike", "count", "said"),
    [(True, 4, "and one has four clusters as well"), (False, 5, "The nearest is seed 9")],
)
def test_the_search_reports_what_it_found(alike, count, said):
    found = pd.DataFrame(
        {"seed": [9], "num_clusters": [count], "freqs": [[35, 25, 8, 42]], "tuned": [42]}
        | {"num_neurons": [6], "parts": [[42, 35]], "all_multiples": [True], "alike": [alike]}
    )
    assert said in words.about_search(found, 100, 7)
    none = words.about_search(found.iloc[:0], 100, 7)
    assert none.startswith("None of 100 networks")
    assert "; it has only multiples of 7 as parts" in words.about_search(found, 100, 7)


def test_equal_pooled_rates_are_counted_once():
    for freq in (2, 7, 13):
        table = fr.companions(FOUND, 91, freq)
        orbit = table.freq.map(lambda other, freq=freq: words._orbit(freq, other, 91))
        assert (table.pooled.round(9).groupby(orbit).nunique() == 1).all()


def test_fine_tuning_is_counted_by_clusters_and_networks():
    text = words.about_fine_tuning(TABLES.networks, TABLES.clusters)
    assert "12.5 % of the networks have one" in text
    assert "No clusters" in words.about_fine_tuning(TABLES.networks, TABLES.clusters.iloc[:0])


def test_width_without_tables_and_with_some():
    points = pd.DataFrame(columns=["batch", "width", "mean"])
    assert "no width" in scaling.about_width(points, points, [])
    rows = pd.DataFrame({"batch": ["n"], "width": [512], "num_seeds": [50]})
    rows = rows.assign(difference=0.2, low=0.0, high=0.4, p_value=0.01)
    text = scaling.about_width(rows, rows, ["A91-width-8192"])
    assert "0.20 (0.00 to 0.40)" in text
    assert "Not trained: A91-width-8192" in text


def test_learning_and_growth_are_told():
    learned = pd.DataFrame({"n": [31, 91], "networks": [70, 100], "share": [0.8, 1.0]})
    losses = pd.DataFrame({"train_loss": [0.02, 0.03, 0.08]})
    text = scaling.about_l2({"One": {31: losses, 59: 2 * losses}, "other": {}})
    assert "One, the median loss" in text
    assert "from 0.030 (n = 31) to 0.060 (n = 59)" in text
    assert scaling.about_l2({"One": {}}) == ""
    assert "14 of 170 networks" in scaling.about_learning(learned)
    assert "All 100" in scaling.about_learning(learned.iloc[1:])
    generator = np.random.default_rng(0)
    counts = {n: generator.integers(4, 7, 50) for n in (31, 43, 59, 91, 131)}
    result = growth.compare_growth(counts, num_resamples=20)
    assert "over 5 moduli from 31 to 131" in scaling.about_growth(result)
    assert scaling.growth_table(result).count("\n") == 5


def test_probabilities_say_whether_they_were_counted():
    assert scaling.probability_text(sep.Probability(0.5, 0.5, 0.5)) == "0.500"
    assert scaling.probability_text(sep.Probability(0.5, 0.49, 0.51)) == "0.500 ± 0.010"
    ms = range(1, 6)
    true = {m: [sep.separation_probability(23, k, model=m) for k in ms] for m in sep.MODELS}
    table = sep.probability_table(23, ms)
    assert scaling.probability_table(table, true).count("\n") == 6
    text = scaling.about_probability(23, table, np.array([3, 3, 4]), true)
    assert "at m = round(ln 23) = 3" in text
    assert "have 3 clusters most often" in text
    assert "most often" not in scaling.about_probability(23, table, np.zeros(0, dtype=int), true)


def test_separations_are_compared_with_random_ones():
    panels = {4: {"learned": np.array([0.3, 0.1]), "at random": np.array([0.2, 0.3])}}
    text = scaling.about_separations(panels, 0.156)
    assert "| 4 | 50.0 % | 0.20 | 100 % | 0.25 |" in text
    assert "no networks" in scaling.about_separations({}, 0.1)
