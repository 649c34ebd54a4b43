"""Chapter 08 on odd sets of networks: none committed, few, a prime n, nobody with a frequency."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from made_up.sweeps import made_up, schema_2
from modlib.analysis.many_seeds import company as co
from modlib.analysis.many_seeds import distributions as dist
from modlib.analysis.many_seeds import frequencies as fr
from modlib.analysis.many_seeds import neuron_parts as pa
from modlib.analysis.many_seeds import regimes as rg
from modlib.analysis.many_seeds import uniformity as un
from modlib.analysis.many_seeds.origin import POPULATIONS, SecondPart
from modlib.analysis.many_seeds.sweep_tables import that_learned
from modlib.chapters import batches as batch_facts
from modlib.chapters import company as co_facts
from modlib.chapters import fine_tuning as tuned_facts
from modlib.chapters import frequencies as facts
from modlib.chapters.words import percent
from modlib.config.addition import AdditionConfig
from modlib.maths.intervals import Interval
from told import cells
from told import told_flat as told

CHAPTER = "08_frequencies"
NETWORKS, WEIGHTS, NUMBERS, THRESHOLDS = "8a535314", "c571f4af", "328167c0", "b1c37878"
RATES, WITHIN, BETWEEN, PLANTED = "627faea6", "c6f18400", "2d1c9e0f", "2969d4f4"
COMPANY, RATIOS, RANKS, REGIMES = "02fca78f", "b1571e73", "2d5f2a94", "37caabd3"
ON, ENDS = "d41f0a77", "e52a1b88"
WINDOW, MULTIPLES, RELATIONS, SEARCH = "74fb597e", "74eafb71", "a4d120d8", "e60143ed"

ORIGIN, ANSWER, SPREAD = "origin-said", "answer", "spread-said"
CAPTIONS = (
    *("ratios", "a4b", "origin", "a25", "a28", "relations", "a5b", "a4a", "a5a", "a3", "spread"),
)

TABLES = made_up(num_seeds=120, failed=4)
FOUND = fr.presence(TABLES.clusters, TABLES.networks.seed.tolist(), 91)


def test_every_cell_that_says_something_is_tested():
    every = {NETWORKS, WEIGHTS, NUMBERS, THRESHOLDS, RATES, WITHIN, BETWEEN, PLANTED}
    every |= {COMPANY, RATIOS, RANKS, REGIMES, ON, ENDS, WINDOW, MULTIPLES, RELATIONS, SEARCH}
    every |= {f"{name}-caption" for name in CAPTIONS}
    assert cells(CHAPTER) == every | {ORIGIN, ANSWER, SPREAD}


# The networks


def test_sets_that_are_not_committed_are_listed_as_such():
    rows = facts.networks({"n = 91": TABLES, "flax": None})
    text = told(CHAPTER, NETWORKS, {"rows": rows})
    assert "| n = 91 | 120 | 1000 to 1119 | 96.7 % |" in text
    assert "| flax | not committed | | |" in text


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        (made_up(num_seeds=96), "> **Only 96 networks at n = 91.** Every interval below is wide"),
        (made_up(num_seeds=5, failed=4), "> **Of five networks at n = 91 one learned.**"),
        (made_up(num_seeds=5, failed=5), "> **Of five networks at n = 91 none learned.**"),
    ],
)
def test_few_networks_are_warned_about(networks, said):
    text = told(CHAPTER, NETWORKS, facts.few(AdditionConfig(), networks), which=1)
    assert text.startswith(said)
    assert text.endswith(("another `n`.", "`num_seeds` trains more."))


def test_many_networks_are_not_warned_about():
    many = facts.few(AdditionConfig(), made_up(num_seeds=200))
    assert told(CHAPTER, NETWORKS, many, which=1) == ""


def test_weights_are_tabled_where_there_are_long_runs():
    columns = {"share_above_1": 0.0001, "share_within_025": 0.4, "abs_q999": 0.9, "abs_max": 1.2}
    rows = facts.weights({"full batch": made_up(num_seeds=9, **columns)})
    text = told(CHAPTER, WEIGHTS, {"rows": rows})
    assert "| full batch | 9 | 0.01 % | 40.0 % | 0.90 | 1.20 | 1.20 |" in text
    none = told(CHAPTER, WEIGHTS, {"rows": facts.weights({})})
    assert none == "No long runs are committed yet."


def over_training(*rows: tuple[int, float, float, float, float]) -> facts.Spread:
    columns = ["epoch", "beyond", "near", "largest", "able"]
    return facts.spread(pd.DataFrame(rows, columns=columns))


EARLY, NARROW, LATE = (
    (5, 0.05, 0.04, 3.1, 0.0),
    (60, 0.01, 0.05, 1.9, 0.5),
    (*(3000, 0.046, 0.64, 2.1, 1.0),),
)


def test_no_time_may_have_all_that_figure_3_shows():
    found = over_training(EARLY, NARROW, LATE)
    assert told(CHAPTER, SPREAD, {"found": found}) == (
        "*Seen here*: both shares are the paper's at epoch 5, when at most 0 % of the networks can "
        "add; the largest weight at other times."
    )
    assert caption("spread", {"found": found}).endswith("With batches of n no epoch has all three.")
    never = told(CHAPTER, SPREAD, {"found": over_training(EARLY)})
    assert "the largest weight never." in never


def test_a_time_that_has_all_three_is_named():
    found = over_training(EARLY, (200, 0.05, 0.04, 2.0, 1.0))
    assert told(CHAPTER, SPREAD, {"found": found}) == "*Seen here*: all three are met at epoch 200."
    assert caption("spread", {"found": found}).endswith("all three are met at epoch 200.")
    nothing = told(CHAPTER, SPREAD, {"found": over_training(NARROW)})
    assert nothing == "*Seen here*: no epoch has both shares."
    assert told(CHAPTER, SPREAD, {"found": None}) == "No long runs are committed yet."
    assert caption("spread", {"found": None}).endswith("No long runs are committed.")


def test_numbers_of_clusters_stand_beside_the_logarithm():
    means = dist.means({"n = 91": np.array([4, 5, 6])}, "name")
    text = told(CHAPTER, NUMBERS, {"rows": facts.numbers(means, {"ln 91": float(np.log(91))})})
    assert "| n = 91 | 5.00 (" in text
    assert text.endswith("| 1.00 | | ln 91 | 4.51 | |")


def test_thresholds_tell_how_far_they_move_the_mean():
    table = pd.DataFrame({"min_size": [3, 3, 4], "dead_below": [0.03, 0.1, 0.03]})
    table["mean"] = [5.0, 4.5, 3.0]
    assert told(CHAPTER, THRESHOLDS, facts.thresholds(table, (3, 0.03))) == (
        "5.00 clusters with the thresholds of this book, 3.00 to 5.00 over all that we tried; "
        "the limit of dead neurons alone moves it by 0.50."
    )
    text = told(CHAPTER, THRESHOLDS, facts.thresholds(table, (4, 0.03)))
    assert text.endswith("moves it by less than .01.")


# Rates


def test_rates_name_the_most_and_least_frequent():
    rates = fr.rates_by_freq(FOUND, 91)
    text = told(CHAPTER, RATES, {"sets": facts.rates({"n = 91": rates, "other": rates})})
    assert text.startswith("**n = 91**: a frequency is in ")
    assert f"f = {rates.freq[rates.rate.idxmax()]} most often" in text
    assert "**other**" in text


def test_uniformity_is_told_in_a_table():
    rows = facts.uniformity(un.uniform_within(FOUND, 91, num_draws=200))
    text = told(CHAPTER, WITHIN, {"name": "n = 91", "rows": rows})
    assert "| gcd(f, n) | spread of the rates |" in text
    assert "| all classes |" in text
    assert rows["gcd(f, n)"] == ["all classes", "1", "7", "13"]


def test_classes_are_compared_only_where_there_are_several():
    table, test = fr.rates_by_class(FOUND, 91), un.uniform_between(FOUND, 91, num_draws=200)
    text = told(CHAPTER, BETWEEN, facts.classes("n = 91", table, test, 91))
    assert text.startswith("Rate of a class over the mean rate at n = 91: gcd 1: ")
    assert "(three frequencies)" in text
    sure = facts.classes("n = 91", table, test._replace(p_value=0.001), 91)
    assert told(CHAPTER, BETWEEN, sure).endswith("p = 0.001: more than chance.")
    unsure = facts.classes("n = 91", table, test._replace(p_value=0.2), 91)
    assert told(CHAPTER, BETWEEN, unsure).endswith("p = 0.2: draws without preference do as much.")
    prime = facts.classes("n = 89", table[:1], test, 89)
    assert told(CHAPTER, BETWEEN, prime) == "n = 89 is prime: there is one class only."


def test_without_a_cluster_no_class_has_a_rate():
    table = fr.rates_by_class(np.zeros_like(FOUND), 91)
    nothing = facts.classes("n = 91", table, un.Uniformity(*[np.nan] * 3, 1.0, 200), 91)
    assert told(CHAPTER, BETWEEN, nothing) == "no network has a cluster."


def test_planted_cases_are_told_apart_in_a_table():
    even = un.uniform_within(FOUND, 91, num_draws=200)
    tilted = even | {0: even[0]._replace(p_value=0.001)}
    text = told(CHAPTER, PLANTED, facts.planted({"none": even, "some": tilted}))
    assert text.endswith("| yes |")
    assert "| no |" in text
    assert "little power" not in text
    missed = told(CHAPTER, PLANTED, facts.planted({"none": tilted, "some": even}))
    assert '("some") is not told from chance: for so few networks' in missed
    for controls in ({}, {"none": {}, "some": {}}):
        text = told(CHAPTER, PLANTED, facts.planted(controls))
        assert text == "Without networks there is nothing to test."


# Company


def test_company_of_a_frequency_nobody_has():
    nobody = co.companions(np.zeros_like(FOUND), 91, 7)
    assert told(CHAPTER, COMPANY, co_facts.company(nobody, 7, 0, 91)) == (
        "Of f = 7 there is nothing to tell: too few networks have such a frequency."
    )
    text = told(CHAPTER, COMPANY, co_facts.company(co.companions(FOUND, 91, 2), 2, 1200, 91))
    assert text.startswith("Pooled, the networks have f = 1 and f = 4 ")
    assert " f = 1 (half) in " in text
    assert "; f = 4 (double) in " in text


def test_a_frequency_that_one_network_has_is_told_by_its_class():
    table = co.companions(FOUND, 91, 2).assign(rate=np.nan, low=np.nan, high=np.nan)
    text = told(CHAPTER, COMPANY, co_facts.company(table, 2, 1, 91))
    assert "f = 1 (half) in pooled " in text


def test_a_frequency_without_a_double_has_other_company_only():
    table = co.companions(FOUND, 91, 2).assign(relation="")
    text = told(CHAPTER, COMPANY, co_facts.company(table, 2, 12, 91))
    assert text.startswith("By symmetry the other frequencies have ")


@pytest.mark.parametrize(
    ("pooled", "said"),
    [
        (0.1, "have f = 1 and f = 4 at a rate that is not told from the expected one"),
        (0.05, "have f = 1 and f = 4 less often than expected"),
        (0.2, "have f = 1 and f = 4 more often than expected"),
    ],
)
def test_company_is_judged_by_the_pooled_interval(pooled, said):
    table = co.companions(FOUND, 91, 2).assign(expected=0.1, pooled=0.1)
    table = table.assign(pooled_low=0.09, pooled_high=0.11)
    columns = ["pooled", "pooled_low", "pooled_high"]
    table.loc[table.relation != "", columns] = [pooled, pooled - 0.01, pooled + 0.01]
    text = told(CHAPTER, COMPANY, co_facts.company(table, 2, 12, 91))
    assert said in text
    assert "have 26 pooled rates between them, of which none has an interval" in text
    table.loc[table.freq == 9, columns] = [0.3, 0.2, 0.4]
    text = told(CHAPTER, COMPANY, co_facts.company(table, 2, 12, 91))
    assert "of which one has an interval" in text


def test_company_of_several_kinds_is_listed():
    table = co.companions(FOUND, 91, 2).assign(expected=0.1)
    table.loc[table.freq == 1, ["pooled_low", "pooled_high"]] = [0.2, 0.3]
    table.loc[table.freq == 4, ["pooled_low", "pooled_high"]] = [0.01, 0.02]
    text = told(CHAPTER, COMPANY, co_facts.company(table, 2, 12, 91))
    assert "have f = 4 less often than expected and f = 1 more often than expected: " in text


def test_equal_pooled_rates_are_counted_once():
    for freq in (2, 7, 13):
        table = co.companions(FOUND, 91, freq)
        orbit = table.freq.map(lambda other, freq=freq: co_facts.orbit(freq, other, 91))
        assert (table.pooled.round(9).groupby(orbit).nunique() == 1).all()


def test_ratios_name_what_stands_out():
    lifts = co.ratio_lifts(FOUND, 91)
    text = told(CHAPTER, RATIOS, {"sets": co_facts.ratios({"n = 91": lifts})})
    assert "f and 2f together in" in text
    assert f"n = 91: none of these {len(lifts) - 1} has an interval without 1." in text
    unsure = lifts.assign(lift=1.0, low=0.9, high=1.1)
    text = told(CHAPTER, RATIOS, {"sets": co_facts.ratios({"n = 91": unsure})})
    assert "the interval includes 1. n = 91: none of these" in text
    assert text.endswith("an interval without 1. (One in twenty would by chance.)")
    sought = told(CHAPTER, RATIOS, {"sets": co_facts.ratios({"n = 91": lifts.assign(low=1.1)})})
    assert "they seek each other. n = 91: of these " in sought
    assert "have an interval without 1: most of all " in sought
    one = unsure.assign(high=np.where(lifts.ratio.isin([2, 3]), 0.95, 1.1))
    text = told(CHAPTER, RATIOS, {"sets": co_facts.ratios({"n = 91": one})})
    assert "they avoid each other. n = 91: of these " in text
    assert "17 ratios 1 has an interval without 1: 3 at 1.00 (0.90 to 0.95)." in text


def test_pairs_that_are_not_expected_are_not_compared():
    lifts = co.ratio_lifts(FOUND, 91)
    for nothing in (lifts.assign(expected=0.0), lifts.iloc[:0], lifts.assign(low=np.nan)):
        text = told(CHAPTER, RATIOS, {"sets": co_facts.ratios({"n = 91": nothing})})
        assert text == "Too few pairs are expected to compare ratios."


def test_a_reason_is_offered_only_for_what_is_seen():
    lifts = co.ratio_lifts(FOUND, 91)
    avoided = co_facts.avoids_doubles({"n = 91": lifts.assign(high=0.9), "n = 89": lifts.iloc[:0]})
    text = told(CHAPTER, RATIOS, {"avoided": avoided}, which=1)
    assert text.startswith("Why 2f less often (at n = 91)? A reason is at hand: a ReLU makes")
    none = co_facts.avoids_doubles({"n = 91": lifts.assign(high=1.1)})
    assert told(CHAPTER, RATIOS, {"avoided": none}, which=1) == ""


def test_origins_are_told_with_chance_and_populations():
    share = SecondPart(Interval(0.7, 0.6, 0.8), 0.1, Interval(0.05, 0.04, 0.06), 5000, 20)
    lifts = pd.DataFrame({"population": POPULATIONS, "lift": [0.6, 1.3, 0.7]})
    lifts = lifts.assign(low=lifts.lift - 0.1, high=lifts.lift + 0.1)
    text = told(CHAPTER, ORIGIN, tuned_facts.origin("n = 91", {"fine-tuning": share}, lifts))
    assert text == (
        "**n = 91** *Seen here*: the fine-tuning clusters are what makes the pairs. An ordinary "
        "cluster has the second frequency of 70.0 % (60.0 to 80.0) of 5,000 fine-tuning neurons, "
        "where chance would give 10.0 %. f and 2f stand together, over chance, 0.60 (0.50 to 0.70) "
        "times (no fine-tuning neurons), 1.30 (1.20 to 1.40) times (fine-tuning neurons) and 0.70 "
        "(0.60 to 0.80) times (the same, their clusters left out)."
    )
    real = lifts.assign(low=[0.5, 1.2, 1.1])
    for other in (real, lifts[:1], lifts[:0]):
        said = told(CHAPTER, ORIGIN, tuned_facts.origin("n = 60", {}, other))
        assert said.startswith("**n = 60** Too few neurons have several frequencies.")
        assert "what makes the pairs" not in said


def test_the_three_questions_are_answered():
    means = dist.means({"n = 91": np.array([4, 5, 6]), "flax": np.array([4, 5])}, "name")
    rates, lifts = fr.rates_by_freq(FOUND, 91), co.ratio_lifts(FOUND, 91)
    two = lifts.ratio == 2

    def answer(**columns):
        table = lifts.copy()
        for name, value in columns.items():
            table.loc[two, name] = value
        about = facts.answer(means, {"n = 91": rates}, {"n = 91": table})
        return told(CHAPTER, ANSWER, about)

    text = answer(expected=9.0, lift=0.7, low=0.6, high=0.8)
    assert "At n = 91 a network has 5.00 (" in text
    assert "f and 2f stand together 0.70 (0.60 to 0.80) times as often" in text
    assert "f and 2f seek each other" in answer(expected=9.0, lift=1.7, low=1.6, high=1.8)
    assert "can't be told (1.00 (0.60" in answer(expected=9.0, lift=1.0, low=0.6, high=1.8)
    assert "Too few pairs tell" in answer(expected=0.0)
    nobody = told(CHAPTER, ANSWER, facts.Answer([]))
    assert "No two networks at these moduli learned" in nobody


# One cluster, and the batch


def test_ranks_tell_exact_cosets_apart():
    clusters = that_learned(TABLES).clusters
    text = told(CHAPTER, RANKS, facts.ranks("n = 91", clusters, 116, 91))
    assert re.match("[0-9,]+ clusters of 116 networks that learned", text)
    assert "of 116 networks" in text
    assert "15.0 % of the pairs" in text
    assert "on 60.0 % at most five others" in text
    assert "a guess has 45)" in text
    assert "exact cosets" in text
    coprime = facts.ranks("n = 90", clusters[clusters.gcd == 1], 116, 90)
    text = told(CHAPTER, RANKS, coprime)
    assert "a guess has 44.5)" in text
    assert "exact cosets" not in text
    none = facts.ranks("n = 91", clusters.iloc[:0], 0, 91)
    assert told(CHAPTER, RANKS, none) == "**n = 91**: no clusters."


def test_a_sum_over_more_networks_than_are_shown_is_called_committed():
    assert facts.title_of_sum("n = 91", 798, 798) == "n = 91: all 798 networks"
    assert facts.title_of_sum("n = 91", 798, 100) == "n = 91: all 798 committed networks"


def test_regimes_are_equivalent_or_not_shown_to_be():
    tests = {
        "clusters a run": ((0.1, 0.05, 0.15, 0.01), 0.25),
        "share of simple neurons": ((0.1, 0.05, 0.15, 0.3), 0.03),
    }
    assert told(CHAPTER, REGIMES, {"n": 91, "regimes": batch_facts.regimes(tests)}) == (
        "At n = 91, 1 of 2 differences is surely within its margin. Full batch minus batches of n: "
        "number of clusters 0.100 (0.050 to 0.150), surely within the margin of 0.25 (p = 0.01); "
        "share of simple neurons 0.100 (0.050 to 0.150), not surely within the margin of 0.03 "
        "(p = 0.3)."
    )


def test_networks_that_are_trained_on_may_not_have_been_finished():
    short = made_up(num_seeds=40, clusters=(5, 5))
    fewer = short.clusters[(short.clusters.cluster > 0) | (short.clusters.seed % 4 > 0)]
    later = short._replace(clusters=fewer)
    found = batch_facts.trained_on("the full batch", "2,000 to 10,000 steps", short, later)
    text = told(CHAPTER, ON, found)
    assert text.startswith(
        "Of 40 networks trained on with the full batch, from 2,000 to 10,000 steps (n = 91), "
        "25.0 % end with another set of frequencies; the mean number of clusters changes by -0.25 ("
    )
    assert text.endswith(": where the table stops, these networks are not finished.")
    same = told(CHAPTER, ON, batch_facts.trained_on("batches of n", "300 epochs on", short, short))
    assert same.endswith("changes by 0.00 (0.00 to 0.00).")
    for one, other in ((None, later), (short, None), (short, made_up(num_seeds=40, failed=40))):
        assert told(CHAPTER, ON, batch_facts.trained_on("a", "b", one, other)) == ""


def test_the_ends_of_long_runs_are_compared_and_other_numbers_with_them():
    small, full = (schema_2(made_up(num_seeds=60, seed=s)).networks for s in (1, 2))
    given = {
        "regimes": batch_facts.regimes(rg.regime_differences(small, full)),
        "others": batch_facts.other_differences(small, full.assign(num_live=95)),
    }
    text = told(CHAPTER, ENDS, given)
    assert "number of clusters " in text
    assert "share of networks with fine-tuning neurons " in text
    assert "live neurons 15.00 (15.00 to 15.00), where batches of n have 80." in text


# Fine-tuning


def test_the_window_is_scaled_to_as_many_runs_as_the_papers():
    counts = {"all in the window": np.ones((4, 46)), "fine-tuning": np.zeros((4, 46))}
    assert told(CHAPTER, WINDOW, tuned_facts.window("n = 91", counts)) == (
        "Neurons in the window at one frequency, mean over frequencies, in 100,000 runs: 100,000 "
        "(100,000 to 100,000), all in the window; 0 (0 to 0), fine-tuning. A given frequency has "
        "such a neuron in 100,000 of 100,000 runs."
    )


def test_fine_tuning_is_counted_by_clusters_and_networks():
    found = tuned_facts.fine_tuning(TABLES.networks, TABLES.clusters)
    text = told(CHAPTER, WINDOW, found, which=1)
    assert text.startswith("By the residual rule 15 of ")
    assert text.endswith("and 12.5 % of the networks have one.")
    none = tuned_facts.fine_tuning(TABLES.networks, TABLES.clusters.iloc[:0])
    assert told(CHAPTER, WINDOW, none, which=1) == "No clusters, so no fine-tuning ones."


def test_multiples_are_sorted_by_what_their_intervals_say():
    table = pd.DataFrame({"freq": [5, 10, 20, 25, 30, 38, 40]})
    table["pooled"] = [2.5, 0.0, 0.5, np.inf, 38.0, 38.0, 0.0]
    table["pooled_low"] = [0.7, 0.0, 0.2, np.nan, 24.0, 24.0, 0.0]
    table["pooled_high"] = [6.0, 0.0, 0.8, np.nan, 66.0, 66.0, 0.0]
    assert told(CHAPTER, MULTIPLES, tuned_facts.multiples(table, 15, 5, 91)) == (
        "*Given 15*, pooled by symmetry: of six other multiples of 5 one has an interval above 1: "
        "f = 30, twice 15, at 38.0 (24.0 to 66.0). The interval includes 1 for 5. It lies below 1 "
        "for 20. Never seen beside it: 10 and 40. Too little is expected to judge 25. Of the "
        "frequencies that are no multiples of 5, one has an interval above 1: f = 38, half of 15, "
        "at 38.0 (24.0 to 66.0). So not all multiples of 5 are more likely beside 15."
    )
    none = told(CHAPTER, MULTIPLES, tuned_facts.multiples(table.assign(pooled_low=0.0), 15, 5, 91))
    assert none.endswith("that are no multiples of 5, none has an interval above 1.")
    nobody = told(CHAPTER, MULTIPLES, tuned_facts.multiples(table.assign(pooled=np.nan), 15, 5, 91))
    assert nobody == (
        "Given 15 there is nothing to tell: no fine-tuning neuron has such a frequency."
    )


def test_relations_and_their_absence():
    table = pa.relation_lifts(TABLES.fine_tuning, 91)
    text = told(CHAPTER, RELATIONS, tuned_facts.relations(table, 60, 15, 91))
    assert text.startswith("60 fine-tuning neurons of 15 networks.")
    assert "Most frequent: 1:2 in 60 (" in text
    for nothing in (
        tuned_facts.relations(table.iloc[:0], 0, 0, 91),
        tuned_facts.relations(table.assign(expected=0.0), 11, 2, 91),
    ):
        text = told(CHAPTER, RELATIONS, nothing)
        assert text == "*Seen here*, n = 91: too few networks with fine-tuning neurons."
    unknown = table.assign(low=np.nan, high=np.nan)
    unknown.loc[1:, ["expected", "lift"]] = [0.0, np.inf]
    text = told(CHAPTER, RELATIONS, tuned_facts.relations(unknown, 60, 15, 91))
    assert "where none were expected" in text
    assert "too few for an interval" in text
    assert "inf" not in text
    assert "nan" not in text


# The search


def found_networks(number: int, clusters: int, *, pure: bool, alike: bool) -> pd.DataFrame:
    """Networks with a fine-tuning cluster at 42, of seeds from 9."""
    row = {"num_clusters": clusters, "freqs": [35, 25, 8, 42], "tuned": 42, "num_neurons": 6}
    row |= {"parts": [42, 35], "all_multiples": pure, "alike": alike}
    return pd.DataFrame([{"seed": 9 + i, **row} for i in range(number)])


@pytest.mark.parametrize(
    ("number", "clusters", "pure", "alike", "said"),
    [
        (1, 4, True, True, "and one has four clusters as well: - seed 9: clusters at f = 35, 25"),
        (2, 4, True, True, "have a fine-tuning cluster whose frequency shares the factor 7 with n"),
        (2, 4, True, True, "; in all of them it has only multiples of 7 as parts, and 2 have four"),
        (1, 5, True, False, "; it has only multiples of 7 as parts, but none has four clusters"),
        (1, 5, False, False, "; it has not only multiples of 7 as parts, but none has four"),
        (3, 5, False, False, "; in none of them it has only multiples of 7 as parts, but none"),
    ],
)
def test_the_search_reports_what_it_found(number, clusters, pure, alike, said):
    found = found_networks(number, clusters, pure=pure, alike=alike)
    text = told(CHAPTER, SEARCH, tuned_facts.search("n = 91", found, 1100, 7))
    assert text.startswith(f"Of 1,100 networks that learned, {number} ha")
    assert said in text
    if not alike:
        assert text.endswith(
            "The nearest is seed 9: five clusters at f = 35, 25, 8 and 42, the fine-tuning one "
            "with the parts 42 and 35."
        )


def test_of_many_networks_alike_five_are_named():
    found = found_networks(7, 4, pure=True, alike=True)
    text = told(CHAPTER, SEARCH, tuned_facts.search("n = 91", found, 100, 7))
    assert "and 7 have four clusters as well" in text
    assert text.count("- seed") == 5
    mixed = found.assign(all_multiples=[True] + [False] * 6, alike=False)
    text = told(CHAPTER, SEARCH, tuned_facts.search("n = 91", mixed, 100, 7))
    assert "in 1 of them it has only multiples" in text


def test_a_search_that_finds_nothing_says_so():
    found = pa.like_seed_133(TABLES.clusters.iloc[:0], TABLES.fine_tuning, 91)
    assert told(CHAPTER, SEARCH, tuned_facts.search("n = 91", found, 100, 7)) == (
        "None of 100 networks that learned has a fine-tuning cluster whose frequency "
        "shares the factor 7 with n."
    )
    assert told(CHAPTER, SEARCH, {"base": 7}, which=1) == (
        "*Seen here*: none to look for, since no set has networks that learned at a multiple of 7."
    )


# Captions


def caption(name, seen):
    return told(CHAPTER, f"{name}-caption", seen)


def test_captions_of_company_say_what_stands_out():
    lifts = co.ratio_lifts(FOUND, 91)
    one = lifts.assign(lift=0.7, low=0.6, high=np.where(lifts.ratio.isin([2, 3]), 0.8, 1.1))
    text = caption("ratios", {"sets": co_facts.ratios({"n = 91": one})})
    assert text.endswith(
        f"n = 91: r = 2 at 0.70 (0.60 to 0.80); of the other {len(lifts) - 1} one has an interval "
        "without 1."
    )
    text = caption("ratios", {"sets": co_facts.ratios({"n = 91": one.assign(high=1.1)})})
    assert text.endswith("none has an interval without 1.")
    assert caption("ratios", {"sets": []}).endswith("Too few pairs are expected to compare ratios.")
    table = co.companions(FOUND, 91, 2).assign(expected=0.1, pooled_low=0.09, pooled_high=0.11)
    table.loc[table.freq == 4, ["pooled_low", "pooled_high"]] = [0.01, 0.02]
    beside = co_facts.company(table, 2, 12, 91)
    assert caption("a4b", {"given": [beside]}).endswith(
        "Beside 2, twice or half of it (diamonds): 4 less often, 1 not told from the line."
    )
    nobody = co_facts.company(co.companions(np.zeros_like(FOUND), 91, 7), 7, 0, 91)
    for given in ([nobody], []):
        assert caption("a4b", {"given": given}).endswith("Too few networks have these frequencies.")


def test_the_caption_of_origins_has_shares_and_lifts():
    share = SecondPart(Interval(0.7, 0.6, 0.8), 0.1, Interval(0.05, 0.04, 0.06), 5000, 20)
    lifts = pd.DataFrame({"population": POPULATIONS, "lift": [0.6, 1.3, 0.7]})
    lifts = lifts.assign(low=0.5, high=1.5)
    origins = [tuned_facts.origin("n = 91", {"fine-tuning": share}, lifts)]
    text = caption("origin", {"origins": origins})
    assert text.endswith("n = 91: fine-tuning 70.0 %; in B, from above, 0.60, 1.30 and 0.70.")
    origins = [tuned_facts.origin("n = 91", {}, lifts)]
    assert "n = 91: too few such neurons; in B" in caption("origin", {"origins": origins})
    origins = [tuned_facts.origin("n = 60", {}, lifts[:0])]
    assert caption("origin", {"origins": origins}).endswith("over what chance would have.")
    assert caption("origin", {"origins": []}).endswith("No network learned.")


def test_captions_of_fine_tuning_neurons():
    counts = {"all in the window": np.ones((4, 46)), "fine-tuning": np.zeros((4, 46))}
    text = caption("a25", {"sets": [tuned_facts.window("n = 91", counts)]})
    assert text.endswith("n = 91, mean: all in the window 100,000, fine-tuning 0.")
    assert caption("a25", {"sets": []}).endswith("No network learned.")
    table = pd.DataFrame({"freq": [5, 10, 20, 38], "pooled": [2.5, 0.0, 0.5, 38.0]})
    table = table.assign(pooled_low=[1.7, 0.0, 0.2, 24.0], pooled_high=[6.0, 0.0, 0.8, 66.0])
    beside = tuned_facts.multiples(table, 15, 5, 91)
    assert caption("a28", {"given": [beside]}).endswith(
        "Of three other multiples of 5 beside 15, one is above 1 and two below; above it too: 38."
    )
    none = beside._replace(above=[])
    assert "beside 15, none is above 1 and two below" in caption("a28", {"given": [none]})
    nobody = tuned_facts.multiples(table.assign(pooled=np.nan), 15, 5, 91)
    for given in ([nobody], []):
        assert caption("a28", {"given": given}).endswith(
            "No fine-tuning neuron has these frequencies."
        )
    table = pa.relation_lifts(TABLES.fine_tuning, 91)
    text = caption("relations", {"sets": [tuned_facts.relations(table, 60, 15, 91)]})
    assert "n = 91: 1:2 is the most frequent" in text
    nothing = tuned_facts.relations(table.iloc[:0], 0, 0, 60)
    for sets in ([nothing], []):
        assert caption("relations", {"sets": sets}).endswith("Too few networks have such neurons.")


def test_captions_of_numbers_rates_ranks_and_weights():
    means = dist.means({"n = 91": np.array([4, 5, 6])}, "name")
    text = caption("a5b", facts.middles(means, {"ln 91": float(np.log(91))}))
    assert text.endswith("broken lines: ln 91 = 4.51. Means: n = 91 5.00.")
    none = facts.middles(dist.means({}, "name"), {"ln 60": 4.09})
    assert caption("a5b", none).endswith("No set has networks that learned.")
    rates = fr.rates_by_freq(FOUND, 91)
    text = caption("a4a", {"sets": facts.rates({"n = 91": rates})})
    assert f"of the networks, mean {percent(float(rates.rate.mean()))}." in text
    assert caption("a4a", {"sets": []}).endswith("No network learned.")
    ranks = facts.ranks("n = 91", TABLES.clusters, 116, 91)
    text = caption("a5a", {"sets": [ranks]})
    assert text.endswith(f"among the first six on {percent(ranks.within_five)}.")
    nothing = facts.ranks("n = 91", TABLES.clusters[:0], 0, 91)
    for sets in ([nothing], []):
        assert caption("a5a", {"sets": sets}).endswith("There is no cluster.")
    columns = {"share_above_1": 0.0001, "share_within_025": 0.4, "abs_q999": 0.9, "abs_max": 1.2}
    rows = facts.weights({"full batch": made_up(num_seeds=9, **columns)})
    assert caption("a3", {"rows": rows}).endswith(
        "Full batch: 0.01 % beyond ±1, 40.0 % in the bin at 0. "
        "What lies beyond ±3 is in the outermost bins: no peaks of their own."
    )
    assert caption("a3", {"rows": {}}).endswith("No long runs are committed.")
