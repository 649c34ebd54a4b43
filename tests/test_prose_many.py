"""Sentences of chapters 08 and 09 hold for odd sets of networks too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sweep_tables import made_up

from modlib.analysis import distributions as dist
from modlib.analysis import frequencies as fr
from modlib.analysis import growth
from modlib.analysis import separation as sep
from modlib.config import AdditionConfig
from modlib.many import that_learned
from modlib.prose import frequencies as words
from modlib.prose import scaling

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
    assert "nothing to test" in words.about_planted({})


def test_rates_and_ratios_name_what_stands_out():
    rates = fr.rates_by_freq(FOUND, 91)
    text = words.about_rates({"n = 91": rates})
    assert f"f = {rates.freq[rates.rate.idxmax()]} most often" in text
    lifts = fr.ratio_lifts(FOUND, 91)
    text = words.about_ratios({"n = 91": lifts})
    assert "f and 2f together in" in text
    assert f"of the {len(lifts) - 1} other ratios" in text


def test_company_of_a_frequency_nobody_has():
    nobody = fr.companions(np.zeros_like(FOUND), 91, 7)
    assert "nothing to tell" in words.about_company(nobody, 7, 0)
    text = words.about_company(fr.companions(FOUND, 91, 2), 2, 12)
    assert "f = 4 (double)" in text
    assert "f = 1 (half)" in text


def test_ranks_tell_exact_cosets_apart():
    ranks = dist.summed_shares(TABLES.ranks, "rank", 116)
    text = words.about_ranks(that_learned(TABLES).clusters, ranks, 116)
    assert "15.0 % of the pairs" in text
    assert "exact cosets" in text
    assert words.about_ranks(TABLES.clusters.iloc[:0], ranks, 0) == "*Seen here*: no clusters."


def test_relations_and_their_absence():
    table = fr.relation_lifts(TABLES.fine_tuning, 91)
    assert "1:2 in" in words.about_relations(table, 60, 15, 91)
    assert "too few" in words.about_relations(table.iloc[:0], 0, 0, 91)
    assert "too few" in words.about_relations(table.assign(expected=0.0), 11, 2, 91)


@pytest.mark.parametrize(
    ("alike", "count", "said"),
    [(True, 4, "have four clusters as well"), (False, 5, "The nearest is seed 9")],
)
def test_the_search_reports_what_it_found(alike, count, said):
    found = pd.DataFrame(
        {"seed": [9], "num_clusters": [count], "freqs": [[35, 25, 8, 42]], "tuned": [42]}
        | {"num_neurons": [6], "parts": [[42, 35]], "all_multiples": [True], "alike": [alike]}
    )
    assert said in words.about_search(found, 100, 7)
    none = words.about_search(found.iloc[:0], 100, 7)
    assert "There is none" in none


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
