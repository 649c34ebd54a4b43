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
from modlib.analysis.macro import crt, shifts
from modlib.analysis.macro import ladder as rungs
from modlib.analysis.macro.remark_1 import remark_1_as_printed, remark_1_table
from modlib.chapters import approximate_crt as facts
from modlib.chapters import replacements as replaced
from modlib.chapters import sum_of_votes as sum_facts
from modlib.claims.verdict import Measurement
from modlib.maths.fourier import cosine
from told import cells, told

CHAPTER = "07_approximate_crt"
START, THEOREM, REMARK, TRIED = "ba1f3f75", "c7a0221e", "974b58c3", "c38085b4"
QUESTIONS, VOTED, REPORT = "5bb87906", "votes-caption", "b6bda003"
GROWTH, SUM, SEPARATION, MARGINS = "8c609719", "78bf21c7", "63dc0fe1", "5189223e"
CONTROLS, SHIFT, SCALES = "e6961856", "0639a6a5", "scales-caption"
LADDER, TOLD, ANSWER = "ladder-said", "told-said", "the-answer"
CAPTIONS = {
    *("sieve-caption", "votes-caption", "remark-caption", "growth-caption", "sum-caption"),
    *(
        "ladder-caption",
        "told-caption",
        "margin-caption",
        "vote-spectra-caption",
        "shift-caption",
        "scales-caption",
    ),
}


def test_every_cell_that_says_something_is_tested():
    own = {START, THEOREM, REMARK, TRIED, QUESTIONS, VOTED, REPORT}
    own |= {GROWTH, SUM, SEPARATION, MARGINS, CONTROLS, SHIFT, LADDER, TOLD, ANSWER}
    assert cells(CHAPTER) == own | CAPTIONS


def fit(report, random_best):
    return told(CHAPTER, REPORT, facts.fit(report, random_best), which=1)


def amplitudes(report):
    return told(CHAPTER, REPORT, facts.amplitudes(report), which=2)


def table(report):
    return told(CHAPTER, REPORT, {"clusters": facts.voting_clusters(report)})


def sieve(left):
    return told(CHAPTER, "sieve-caption", facts.sieve(left))


def growth(table, n, num_clusters):
    return told(CHAPTER, GROWTH, sum_facts.growth(table, n, num_clusters))


def superposed(measured, ideal, spectrum, clusters):
    return told(CHAPTER, SUM, sum_facts.superposed(measured, ideal, spectrum, clusters))


def separation(n, freqs, random, exact_n):
    return told(CHAPTER, SEPARATION, sum_facts.separations(n, freqs, np.array(random), exact_n))


def shift(report, by, n):
    return told(CHAPTER, SHIFT, facts.shift_of_votes(report, by, n))


def moved(report, by, n):
    seen = {"shift": facts.shift_of_votes(report, by, n), "seed": 7}
    return told(CHAPTER, "shift-caption", seen)


def scales(rows, pair):
    return told(CHAPTER, SCALES, facts.three_scales(rows, np.array(pair)))


def test_a_network_without_clusters_is_told_once():
    none = np.zeros((0, 2, 15))
    empty = report_of([])
    assert "This network has no cluster" in told(CHAPTER, START, {"clusters": []}, which=3)
    assert told(CHAPTER, START, {"clusters": CLUSTERS}, which=3) == ""
    assert "this network has none" in scales([], PAIRS[0])
    assert "needs clusters, and this network has none" in sieve(none[:, 0] > 0)
    assert "there are no votes" in told(CHAPTER, VOTED, facts.votes(none, PAIRS[:2]))
    assert moved(empty, 2, 15) == "A31. Seed 7: no clusters to move."
    silent = [
        table(empty),
        fit(empty, np.zeros((0, 2))),
        amplitudes(empty),
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
    assert text.endswith("of 2.")
    text = told(CHAPTER, "remark-caption", facts.remark([2, 6], [7, 13], 58, printed))
    assert text.endswith("at the solution 58; with the printed frequency q, at 41.")


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
    assert "single cluster in 9 of 9 panels, and the highest sum in 3 of 3 questions" in text


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


def test_the_sieve_counts_what_each_cluster_leaves():
    left = np.array([[True, True, False], [False, True, False]])
    text = sieve(left)
    assert text == "A sieve: 2 approximate cosets leave, one after another, 2 and 1 of 3 answers."
    assert "1 approximate coset leaves, one after another, 2 of 3 answers." in sieve(left[:1])


def test_growth_says_what_agreement_loses_and_how_few_suffice():
    text = growth(sets_table(), 15, 2)
    assert text.startswith("*Seen here*: sets of 1 and 2 leave 4.0 and 0.5 of 15 answers")
    assert "At a share of 0.27 a cluster, 2.0 clusters would leave one answer" in text
    caption = told(CHAPTER, "growth-caption", sum_facts.growth(sets_table(), 15, 2))
    assert "One cluster leaves 4.0 of 15 answers on average, all that are drawn 0.5." in caption
    assert "With both clusters" in text
    assert "With both" not in growth(sets_table().assign(alone=1.0), 15, 2)
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
    assert "At a share" not in alone
    table = sets_table()
    table.loc[1, "first"] = 1.0
    assert "one cluster (1) decides every pair" in growth(table, 15, 2)


def test_overtones_are_told_only_where_they_are_most_of_the_rest():
    n, clusters = 21, clusters_of(21, [2, 5])
    ideal = cosine(n, 2) + cosine(n, 5)
    spectrum = np.zeros(n // 2 + 1)
    with_overtones = ideal + 0.1 * cosine(n, 4) + 0.1 * cosine(n, 10)
    text = superposed(with_overtones, ideal, spectrum, clusters)
    assert "two cosines with one amplitude each explain 0 %" in text
    assert "100 % lies at twice the clusters' frequencies" in text
    assert "sharper than a cosine's" in text
    blunt = superposed(ideal - 0.1 * cosine(n, 4) - 0.1 * cosine(n, 10), ideal, spectrum, clusters)
    assert "lies at twice" in blunt
    assert "sharper" not in blunt
    assert "twice" not in superposed(ideal + 0.1 * cosine(n, 3), ideal, spectrum, clusters)
    close = superposed(ideal + 1e-4 * cosine(n, 3), ideal, spectrum, clusters)
    assert "100 % lies" not in close

    def caption(measured):
        seen = sum_facts.superposed(measured, ideal, spectrum, clusters)
        return told(CHAPTER, "sum-caption", seen)

    assert "less than 0.01 % of the sum's power apart" in caption(ideal + 1e-4 * cosine(n, 3))
    assert "Two cosines and the network's 2 votes: 0 % of the sum's power" in caption(ideal)
    none = sum_facts.superposed(ideal, ideal, spectrum, [])
    assert told(CHAPTER, "sum-caption", none) == "No clusters, no sum."


def test_the_runner_up_is_named_with_what_makes_it_one():
    n, clusters = 91, clusters_of(91, [5, 7])
    spectrum = np.zeros(n // 2 + 1)

    def runner(d):
        measured = np.zeros(n)
        measured[[0, d]] = 2.0, 1.0
        return superposed(measured, measured, spectrum, clusters)

    step = clusters[0].step
    assert f"It lies {min(step, n - step)} away because that is one step of f = 5" in runner(step)
    assert "one step of f = 7" in runner(13)
    assert "26 is the step of no cluster; f = 7 gives it half a crest or more" in runner(26)
    assert "no cluster gives it half a crest" in runner(6)


def test_the_sum_is_told_over_fresh_networks():
    row = Measurement(value=98.1, low=97.7, high=98.5, num_seeds=4000, verdict="agrees", unit="%")
    text = told(CHAPTER, SUM, {"over": sum_facts.over_runs(row)}, which=1)
    assert text.startswith(
        "Over 4,000 fresh networks at n = 91, learned or not, the network's sum "
    )
    assert text.endswith("on every pair in 98.10 (97.70 to 98.50) % of them.")
    assert told(CHAPTER, SUM, {"over": None}, which=1) == ""


def test_frequencies_that_cannot_separate_are_told():
    text = separation(91, [7, 14], [0.1, 0.3], 91)
    assert "stays 0.00 m below m = 2: no more than the 0.16 m" in text
    assert "frequencies, 13 and 7, have 0." in text
    assert "A separation of 0" in text
    assert "it is not exactness" not in text
    assert "it is not exactness" in separation(91, [5, 20, 34, 41], [0.1], 91)
    assert "The exact theorem" not in separation(89, [3], [0.1], 91)


def test_margins_say_how_many_pairs_are_wrong():
    def margins(found, ideal, table):
        return told(CHAPTER, MARGINS, sum_facts.margins(found, ideal, table))

    found = np.array([[1.0, 2.0], [3.0, -1.0]])
    text = margins(found, np.zeros(2), pd.DataFrame(columns=crt.SET_COLUMNS))
    assert text == "*Seen here*: the smallest margin is -1.00 logits, the mean 1.25."
    everywhere = margins(np.abs(found), np.array([2.0, 0.5]), sets_table())
    assert everywhere.endswith("Cosines alone would have 1.50 everywhere.")

    def caption(found):
        table = pd.DataFrame(columns=crt.SET_COLUMNS)
        networks = {"this network": found, "untrained": -np.ones((2, 2)), "memorised": found}
        masks = {name: np.array([[True, True], [False, False]]) for name in networks}
        seen = sum_facts.margins(found, np.zeros(2), table)._asdict()
        unseen = sum_facts.right_unseen(networks, masks)
        return told(CHAPTER, "margin-caption", {**seen, "unseen": unseen})

    assert caption(found).endswith(
        "on held-out pairs the untrained network is right in 0 %, the memorised one is right in "
        "50.0 %."
    )
    assert "positive on all but 1 of 4 pairs of this network;" in caption(found)
    assert "positive on all 4 pairs of this network, seen or not;" in caption(np.abs(found))


def test_a_shift_by_a_multiple_of_n_or_within_a_coset_is_told():
    report = report_of(CLUSTERS)
    assert "nothing has moved" in shift(report, 30, 15)
    text = shift(report, 3, 15)
    assert moved(report, 3, 15).endswith("a cosine of 0.95 in three clusters of 8 neurons or more.")
    assert "To frequency 5 a step of 3 is none at all" in text
    assert "step of 4" not in shift(report, 4, 15)
    mixed = report_of(clusters_of(15, FREQS, [12, 9, 4]), shift_cosine=[0.9, 0.8, np.nan])
    text = moved(mixed, 4, 15)
    assert "of 0.80 to 0.90 in two clusters of 8 neurons or more, a cosine of 0.00 in one" in text


def test_controls_are_listed_with_what_a_cosine_explains():
    clusterings = {"a": SimpleNamespace(clusters=CLUSTERS), "b": SimpleNamespace(clusters=[])}
    spectra = {"a": np.array([0.0, 0.5, 0.25]), "b": np.array([0.0, 1e-9, 0.0])}
    caption = told(CHAPTER, "vote-spectra-caption", sum_facts.controls(spectra, clusterings))
    assert caption.endswith("together explain 75.0 % (a), less than 0.01 % (b).")
    text = told(CHAPTER, CONTROLS, sum_facts.controls(spectra, clusterings))
    assert text == (
        ":::{dropdown} The cosine fitted to the controls' logits "
        "- *a*: three clusters; the strongest cosine (f = 1) explains 50.0 % of the logits, "
        "those of all frequencies together 75.0 %. - *b*: no clusters; the strongest cosine "
        "(f = 1) explains less than 0.01 % of the logits, those of all frequencies "
        "together less than 0.01 %. :::"
    )


def test_scales_say_when_the_sum_is_wrong():
    rows = scales_of()
    assert "3 of 3 raise 7, where the sum is highest." in scales(rows, [3, 4])
    assert "is not highest" in scales(rows, [3, 5])
    assert "1 of 1 raises 7" in scales(rows[:1], [3, 4])


def own_ladder(right=1.0, loss=0.05):
    rows = [(rung, rung in rungs.CONTROLS, right, loss, 1.0) for rung in rungs.RUNGS]
    rows += [(rung, True, 0.5, 2.0, -1.0) for rung in rungs.CONTROLS]
    return pd.DataFrame(rows, columns=["rung", "control", "accuracy", "loss", "margin"])


def means_of(names):
    return pd.DataFrame(
        [(name, 32, 1.0, 0.99, 1.0, 0.03, 0.02, 0.04) for name in names],
        columns=[
            *("rung", "num_seeds", "accuracy", "accuracy_low", "accuracy_high"),
            *("loss", "loss_low", "loss_high"),
        ],
    )


def climbed(own, num_clusters=3):
    means = means_of([rungs.NETWORK, rungs.SUM])
    means.loc[means.rung == rungs.SUM, "num_seeds"] = 4000
    return replaced.ladder(own, means, num_clusters, 91)


def test_the_ladder_says_what_each_rung_keeps():
    text = told(CHAPTER, LADDER, climbed(own_ladder()))
    assert "| the network | 100 % | 0.050 | 32 | 100 % | 0.030 (0.020 to 0.040) |" in text
    assert "| network: sum of cosines | 100 % | 0.050 | 4,000 | 100 % | 0.030" in text
    assert "| clusters: A cos | 100 % | 0.050 | | | |" in text
    assert "| *random groups for clusters: A cos* (control) | 50.0 % | 2.000 | |" in text
    assert "model is right on 100 % of all pairs at 1.00 times the loss" in text
    assert "accuracy is no test" in text
    assert "own, with random groups 40 times." in text
    assert "accuracy is no test" not in told(CHAPTER, LADDER, climbed(own_ladder(), 0))
    caption = told(CHAPTER, "ladder-caption", climbed(own_ladder()))
    assert "whole by three cosines, the network has 1.0 times its own loss; cosines of" in caption
    assert "means of 32 to 4,000 networks (n = 91)" in caption
    near = told(CHAPTER, "ladder-caption", climbed(own_ladder())._replace(groups=1.26))
    assert "cosines of random groups have 1.3 times." in near
    assert "last rung is empty" in told(CHAPTER, "ladder-caption", climbed(own_ladder(), 0))


def lies(answers, leads, share=0.9):
    foretold = shifts.Foretold(np.array(answers), np.array(leads))
    shares = np.full((*foretold.answer.shape, 15), (1 - share) / 14)
    np.put_along_axis(shares, foretold.answer[..., None], share, axis=-1)
    control = np.full(foretold.answer.shape, 0.02)
    clusters = clusters_of(15, [2, 4][: len(answers)])
    return replaced.told(clusters, foretold, shares, control)


def test_lies_are_counted_where_they_change_the_answer():
    some = lies([[3, 0, 5], [0, 0, 0]], [[2.0, 1.0, 0.5], [3.0, 3.0, 3.0]])
    text = told(CHAPTER, TOLD, some)
    assert "of 6 lies (3 shifts of each cluster) 2 are foretold to change the answer, none" in text
    assert "none of them told to f = 4." in text
    assert "by 1 logit or more (1 lies), 90.0 % of all pairs answer as foretold." in text
    assert text.endswith("foretold, 90.0 % stay right.")
    caption = told(CHAPTER, "told-caption", some)
    assert "90.0 % of all pairs give just this one; with as many random neurons, 2.0 %." in caption
    none = lies([[0, 0, 0]], [[2.0, 1.0, 0.5]])
    assert "strong enough" in told(CHAPTER, "told-caption", none)
    assert "logit or more" not in told(CHAPTER, TOLD, none)
    empty = replaced.told([], shifts.Foretold(np.zeros((0, 3)), np.zeros((0, 3))), None, None)
    assert told(CHAPTER, TOLD, empty) == ""
    assert "Nobody to tell" in told(CHAPTER, "told-caption", empty)


def test_the_cluster_with_most_changes_is_shown():
    answers = np.array([[0, 0], [1, 2], [0, 3]])
    assert replaced.most_moved(shifts.Foretold(answers, answers)) == 1
    assert replaced.most_moved(shifts.Foretold(answers[:0], answers[:0])) == 0


def answer(num_clusters, learned, lied=None):
    ideal = np.array([2.0, 0.5])
    table = sets_table() if num_clusters else pd.DataFrame(columns=crt.SET_COLUMNS)
    return told(
        CHAPTER,
        ANSWER,
        {
            "sum": sum_facts.margins(np.ones((2, 2)), ideal, table),
            "growth": sum_facts.growth(table, 15, num_clusters),
            "ladder": climbed(own_ladder(), num_clusters),
            "lied": lied or replaced.Told(num_clusters),
            "learned": learned,
        },
    )


def test_the_answer_is_that_of_the_run():
    text = answer(3, True, lies([[3, 0, 5]], [[2.0, 1.0, 0.5]]))
    assert text.startswith(":::{admonition} The answer :class: tip Nobody has to agree.")
    assert "Each of three clusters raises" in text
    assert "meet at the right answer alone on 30.0 % of the pairs; the sum of all votes" in text
    assert "can stand for the network at 1.0 times its loss, and it foretells mistakes" in text
    assert "wrong answer foretold, 90.0 % of all pairs give just that one." in text
    assert "foretells" not in answer(3, True)
    assert "They do not agree yet: this network did not learn" in answer(3, False)
    assert "has no clusters" in answer(0, False)
    assert "still answers" in answer(0, True)
