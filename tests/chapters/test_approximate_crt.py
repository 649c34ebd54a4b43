"""Chapter 07 on networks with clusters, with one, with none; that learned or did not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from made_up.votes import (
    CLUSTERS,
    FREQS,
    PAIRS,
    VOTES,
    clusters_of,
    report_of,
    scales_of,
    sets_table,
)
from modlib.analysis.macro import crt
from modlib.analysis.macro.remark_1 import remark_1_as_printed, remark_1_table
from modlib.chapters import approximate_crt as facts
from modlib.chapters import sum_of_votes as sum_facts
from modlib.maths.fourier import cosine
from told import cells, told

CHAPTER = "07_approximate_crt"
START, THEOREM, REMARK, TRIED = "ba1f3f75", "c7a0221e", "974b58c3", "c38085b4"
QUESTIONS, VOTED, REPORT, SIEVE = "5bb87906", "a808afa8", "b6bda003", "d32c3364"
GROWTH, SUM, SEPARATION, MARGINS = "8c609719", "78bf21c7", "63dc0fe1", "5189223e"
CONTROLS, SHIFT, SCALES = "e6961856", "0639a6a5", "5ced4002"


def test_every_cell_that_says_something_is_tested():
    own = {START, THEOREM, REMARK, TRIED, QUESTIONS, VOTED, REPORT, SIEVE}
    own |= {GROWTH, SUM, SEPARATION, MARGINS, CONTROLS, SHIFT, SCALES}
    assert cells(CHAPTER) == own


def fit(report, random_best):
    return told(CHAPTER, REPORT, facts.fit(report, random_best), which=1)


def amplitudes(report):
    return told(CHAPTER, REPORT, facts.amplitudes(report), which=2)


def table(report):
    return told(CHAPTER, REPORT, {"clusters": facts.voting_clusters(report)})


def sieve(left, answer):
    return told(CHAPTER, SIEVE, facts.sieve(left, answer))


def growth(table, n, num_clusters):
    return told(CHAPTER, GROWTH, sum_facts.growth(table, n, num_clusters))


def superposed(measured, ideal, spectrum, clusters):
    return told(CHAPTER, SUM, sum_facts.superposed(measured, ideal, spectrum, clusters))


def separation(n, freqs, random, exact_n):
    return told(CHAPTER, SEPARATION, sum_facts.separations(n, freqs, np.array(random), exact_n))


def shift(report, by, n):
    return told(CHAPTER, SHIFT, facts.shift_of_votes(report, by, n))


def scales(rows, pair):
    return told(CHAPTER, SCALES, facts.three_scales(rows, np.array(pair)))


def test_a_network_without_clusters_is_told_once():
    none = np.zeros((0, 2, 15))
    empty = report_of([])
    assert "This network has no cluster" in told(CHAPTER, START, {"clusters": []}, which=3)
    assert told(CHAPTER, START, {"clusters": CLUSTERS}, which=3) == ""
    assert "no clusters" in scales([], PAIRS[0])
    silent = [
        told(CHAPTER, VOTED, facts.votes(none, PAIRS[:2])),
        table(empty),
        fit(empty, np.zeros((0, 2))),
        amplitudes(empty),
        sieve(none[:, 0] > 0, 7),
        growth(pd.DataFrame(columns=crt.SET_COLUMNS), 15, 0),
        superposed(np.zeros(15), np.zeros(15), np.zeros(8), []),
        separation(15, [], [0.0] * 3, 15),
        shift(empty, 2, 15),
    ]
    assert silent == [""] * len(silent)


def test_a_prime_modulus_is_told_from_a_composite_one():
    def theorem(n, shown):
        return told(CHAPTER, THEOREM, facts.theorem(n, shown))

    assert "91 = 7 · 13, so a residue modulo 91 is two smaller residues in" in theorem(91, 91)
    assert "a prime or a power of one" in theorem(89, 91)
    assert "Whatever a network does to add modulo 16" in theorem(16, 91)


def test_the_sentence_on_remark_1_names_the_two_places():
    printed = remark_1_as_printed([2, 6], [7, 13])
    text = told(CHAPTER, REMARK, facts.remark([2, 6], [7, 13], 58, printed))
    assert "k ≡ 2 (mod 7) and k ≡ 6 (mod 13)" in text
    assert "one solution 58" in text
    assert "largest at 41" in text
    assert text.endswith("of 2.")


def test_the_table_of_remark_1_has_a_row_a_modulus():
    tried = remark_1_table([6, 30])
    text = told(CHAPTER, TRIED, {"tried": tried.itertuples()})
    assert f"| 6 | 2·3 | 6 of 6 | {tried.num_printed[0]} of 6 | | 30 | 2·3·5 | 30 of 30 |" in text


def test_questions_say_whether_any_pair_was_held_out():
    def questions(num_unseen):
        return told(CHAPTER, QUESTIONS, facts.questions(PAIRS[:2], num_unseen, 15))

    assert "from the 1,000 pairs that it never saw: 3 + 4 = 7 and 10 + 5 = 0." in questions(1000)
    assert "none was held out" in questions(0)


def test_votes_count_panels_and_sums_with_the_answer_first():
    text = told(CHAPTER, VOTED, facts.votes(VOTES, PAIRS))
    assert "in 9 of 9 panels" in text
    assert "at worst it has 1.00 of the highest. In 3 of 3 sums" in text


def test_large_and_small_clusters_are_told_apart():
    mixed = report_of(clusters_of(15, FREQS, [12, 9, 4]), explained=[0.97, 0.95, 0.2])
    text = fit(mixed, np.full((3, 2), 0.05))
    assert "95.0 % to 97.0 % in two clusters of 8 neurons or more and 20.0 % in one" in text
    assert "20.0 % in one cluster of fewer than 8. Of the votes" in text
    assert "explains 5.0 %. Alone, a cluster finds the answer on 10.0 % of" in text
    small = fit(report_of(clusters_of(15, [2], [4])), np.full((1, 2), 0.05))
    assert "8 neurons or more" not in small
    text = amplitudes(mixed)
    assert "A runs from 2.00 to 4.00: a coefficient of variation of 0.33 (0.28 among" in text
    assert amplitudes(report_of(CLUSTERS)).endswith("variation of 0.33.")
    assert amplitudes(mixed.iloc[:1]) == ""


def test_a_fit_of_nothing_is_a_dash():
    clusters = clusters_of(15, [2])
    one = facts.voting_clusters(report_of(clusters, explained=np.nan))
    assert one[0].explained is None
    assert "| 2.00 | - | 10.0 % | 4.0 |" in table(report_of(clusters, explained=np.nan))
    odd = report_of(clusters, kind="fine-tuning")
    assert "| 0 | 2 | 1 | 10, fine-tuning | 2.00 | 90.0 % | 10.0 % | 4.0 |" in table(odd)


def test_the_sieve_says_whether_the_answer_was_lost_found_or_not_alone():
    left = np.zeros((2, 5), dtype=bool)
    left[0, [1, 3]] = True
    left[1, 3] = True
    assert "2 and 1. The last one is 3, the right answer." in sieve(left, 3)
    assert "not among them from cluster 1 on" in sieve(left, 1)
    assert "is among them; so is 3." in sieve(left[:1], 1)
    assert "so are 0, 2, 3 and 4." in sieve(np.ones((1, 5), dtype=bool), 1)


def test_growth_says_what_agreement_loses_and_how_few_suffice():
    text = growth(sets_table(), 15, 2)
    assert text.startswith("*Seen here*: sets of 1 and 2 leave 4.0 and 0.5 of 15 answers")
    assert "a share of 0.27, and if each kept as much of whatever is left, ln n" in text
    assert "With both clusters" in text
    assert "loses it on 60.0 %" in text
    assert "what the network does is the sum" in text
    assert "No smaller set decides every pair" in text
    assert "10 largest of 12 clusters" in growth(sets_table(), 15, 12)
    sets = [(0,), (0, 1), (0, 1, 2, 3)]
    four = growth(sets_table().assign(size=[1, 2, 4], clusters=sets), 15, 4)
    assert "With all four clusters," in four
    assert "No smaller set decides every pair" in four


def test_growth_of_a_network_that_did_not_learn_claims_nothing():
    text = growth(sets_table().assign(first=0.2), 15, 2)
    assert "what the network does" not in text
    assert "decide" not in text


def test_growth_of_one_cluster_and_of_fewer_than_all():
    assert "With the one cluster" in growth(sets_table().iloc[:1], 15, 1)
    alone = growth(sets_table().iloc[:1].assign(first=1.0, left=15.0), 15, 1)
    assert "decide" not in alone
    assert "keeps a share of 1.00. With" in alone
    table = sets_table()
    table.loc[1, "first"] = 1.0
    assert "one cluster (1) decides every pair" in growth(table, 15, 2)


def test_overtones_are_told_only_where_they_are_most_of_the_rest():
    n, clusters = 21, clusters_of(21, [2, 5])
    ideal = cosine(n, 2) + cosine(n, 5)
    spectrum = np.zeros(n // 2 + 1)
    with_overtones = ideal + 0.1 * cosine(n, 4) + 0.1 * cosine(n, 10)
    text = superposed(with_overtones, ideal, spectrum, clusters)
    assert "two cosines with one amplitude each miss 1.0 % of the sum's" in text
    assert "100 % lies at twice the clusters' frequencies" in text
    assert "sharper than a cosine's" in text
    blunt = superposed(ideal - 0.1 * cosine(n, 4) - 0.1 * cosine(n, 10), ideal, spectrum, clusters)
    assert "lies at twice" in blunt
    assert "sharper" not in blunt
    assert "twice" not in superposed(ideal + 0.1 * cosine(n, 3), ideal, spectrum, clusters)
    close = superposed(ideal + 1e-4 * cosine(n, 3), ideal, spectrum, clusters)
    assert "miss less than 0.01 % of the sum's" in close
    assert "miss 0 % of the sum's" in superposed(ideal, ideal, spectrum, clusters)


def test_frequencies_that_cannot_separate_are_told():
    text = separation(91, [7, 14], [0.1, 0.3], 91)
    assert "stays 0.00 m below m = 2: no more than the 0.16 m" in text
    assert "frequencies 13 and 7, and its runner-up stays 0." in text
    assert "A separation of 0" in text
    assert "So it is not exactness" not in text
    assert "So it is not exactness" in separation(91, [5, 20, 34, 41], [0.1], 91)
    assert "The exact theorem" not in separation(89, [3], [0.1], 91)


def test_margins_say_how_many_pairs_are_wrong():
    def margins(found, ideal, table):
        return told(CHAPTER, MARGINS, sum_facts.margins(found, ideal, table))

    found = np.array([[1.0, 2.0], [3.0, -1.0]])
    text = margins(found, np.zeros(2), pd.DataFrame(columns=crt.SET_COLUMNS))
    assert "positive on all but 1 of 4 pairs; its smallest value is -1.00 logits" in text
    assert text.endswith("its mean 1.25.")
    everywhere = margins(np.abs(found), np.array([2.0, 0.5]), sets_table())
    assert "positive on all 4 pairs" in everywhere
    assert "have 1.50 at every pair" in everywhere
    assert "the clusters are right on 100 % of all pairs." in everywhere


def test_a_shift_by_a_multiple_of_n_or_within_a_coset_is_told():
    report = report_of(CLUSTERS)
    assert "nothing has moved" in shift(report, 30, 15)
    text = shift(report, 3, 15)
    assert "is 0.95 with a relative error of 0.30 in three clusters of 8 neurons or more." in text
    assert "To frequency 5 a step of 3 is none at all" in text
    assert "step of 4" not in shift(report, 4, 15)
    mixed = report_of(clusters_of(15, FREQS, [12, 9, 4]), shift_cosine=[0.9, 0.8, np.nan])
    assert "is 0.80 to 0.90 with" in shift(mixed, 4, 15)
    assert "or more; 0.00 with a relative error of 0.30 in one cluster of few" in shift(
        mixed, 4, 15
    )


def test_controls_are_listed_with_what_a_cosine_explains():
    clusterings = {"a": SimpleNamespace(clusters=CLUSTERS), "b": SimpleNamespace(clusters=[])}
    spectra = {"a": np.array([0.0, 0.5, 0.25]), "b": np.array([0.0, 1e-9, 0.0])}
    text = told(CHAPTER, CONTROLS, sum_facts.controls(spectra, clusterings))
    assert text == (
        "- *a*: three clusters; the strongest cosine (f = 1) explains 50.0 % of the logits, all of "
        "them together 75.0 %. - *b*: no clusters; the strongest cosine (f = 1) explains less than "
        "0.01 % of the logits, all of them together less than 0.01 %."
    )


def test_scales_say_when_the_sum_is_wrong():
    rows = scales_of()
    assert "3 of 3 clusters vote for 7, and the sum is highest there." in scales(rows, [3, 4])
    assert "not highest" in scales(rows, [3, 5])
    assert "1 of 1 cluster votes for 7" in scales(rows[:1], [3, 4])
