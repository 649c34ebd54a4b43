"""Chapter 09 on few networks and many: no width, all learned, too few moduli, exact or drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds import growth
from modlib.analysis.many_seeds import separation as sep
from modlib.analysis.many_seeds.selection import Selection
from modlib.chapters import scaling as facts
from modlib.chapters import selection as why
from modlib.maths.intervals import Interval
from told import cells, told

CHAPTER = "09_scaling"
WIDTH, L2, LEARNED, CURVES = "f99177bf", "9972d752", "23530de6", "1d932b7c"
STEADY = "c93e5a18"
PROBABILITY, NEEDED, SEPARATIONS = "227e1e82", "9667809c", "93bc0b19"


def test_every_cell_that_says_something_is_tested():
    known = {WIDTH, L2, LEARNED, CURVES, STEADY, PROBABILITY, NEEDED, SEPARATIONS}
    known |= {"l2-said", "chosen-said", "the-answer"}
    captions = {"width", "growth", "l2", "sec54", "needed", "chosen", "apart"}
    assert cells(CHAPTER) == known | {f"{name}-caption" for name in captions}


def test_width_without_tables_and_with_some():
    points = pd.DataFrame(columns=["batch", "width", "mean"])
    assert told(CHAPTER, WIDTH, facts.width(points, points, [])) == (
        "*Seen here*: no width but the default is committed yet."
    )
    rows = pd.DataFrame({"batch": ["n", "full"], "width": [512, 32], "num_seeds": [50, 9]})
    rows = rows.assign(difference=0.2, low=0.0, high=0.4, p_value=0.01)
    missing = ["A91-width-8192", "A91-full-width-8192"]
    assert told(CHAPTER, WIDTH, facts.width(rows, rows, missing)) == (
        "*Seen here*: so many clusters more than at width 128 with the same batch. Width 512 with "
        "batches of n: 0.20 (0.00 to 0.40) (50 networks); width 32 with the full batch: 0.20 (0.00 "
        "to 0.40) (9 networks). Not trained: width 8192 with batches of n and width 8192 with the "
        "full batch."
    )
    caption = told(CHAPTER, "width-caption", facts.width(rows, rows, []))
    assert "512 neurons instead of 128 change the mean by 0.2 at most. Bars" in caption
    bare = told(CHAPTER, "width-caption", facts.width(rows, rows[:0], []))
    assert bare.startswith("A29. Clusters against the number of hidden neurons. Bars")
    bases = told(CHAPTER, WIDTH, facts.width(rows, rows[:0], []))
    assert bases == (
        "*Seen here*: so many clusters more than at width 128 with the same batch. Nothing yet."
    )


def test_losses_are_compared_where_there_are_several_moduli():
    losses = pd.DataFrame({"train_loss": [0.02, 0.03, 0.08]})
    found = facts.l2({"One": {31: losses, 59: 2 * losses}, "other": {}, "third": {31: losses}})
    assert told(CHAPTER, L2, {"sets": found}) == (
        "*Seen here*: One, the median loss on training pairs at the end, over all networks, runs "
        "from 0.030 (n = 31) to 0.060 (n = 59)."
    )
    assert told(CHAPTER, L2, {"sets": facts.l2({"One": {}})}) == ""


def test_networks_that_did_not_learn_are_counted():
    learned = pd.DataFrame({"n": [31, 91], "networks": [70, 1100], "share": [0.8, 1.0]})
    assert told(CHAPTER, LEARNED, facts.learning("L2 in proportion to 1/n", learned)) == (
        "L2 in proportion to 1/n: 14 of 1,170 networks did not learn and are left out above. The "
        "smallest share that learned is 80.0 %, at n = 31."
    )
    every = told(CHAPTER, LEARNED, facts.learning("The paper's L2", learned.iloc[1:]))
    assert every == "The paper's L2: All 1,100 networks learned."


def test_the_best_curve_is_told_with_its_rivals():
    generator = np.random.default_rng(0)
    counts = {n: generator.integers(4, 7, 50) for n in (31, 43, 59, 91, 131)}
    result = growth.compare_growth(counts, num_resamples=20, num_contests=5)
    text = told(CHAPTER, LEARNED, facts.growth(result), which=1)
    assert text.startswith("*Seen here*: over 5 moduli from 31 to 131 *constant* predicts held-out")
    assert "; it is one that log n bounds, and so is the winner in " in text
    fast = facts.growth(result)._replace(slow=False, share_slow=0.0)
    assert "it is faster than log n, and so is the winner in 0 %" in told(
        CHAPTER, LEARNED, fast, which=1
    )
    table = told(CHAPTER, CURVES, {"steady": facts.curves(result), "rows": facts.curves(result)})
    assert table.count("| constant: $a$ |") == 2
    assert "| curve | a | b | error on held-out n (clusters) | best in |" in table
    assert "| constant: $a$ | 5.0" in table
    assert "nan" not in table
    assert told(CHAPTER, CURVES, {"steady": {}, "rows": facts.curves(None)}) == (
        "Fewer than four moduli are committed."
    )


def trained(n, loss=0.02, learned=60, clusters=5):
    """Sixty networks of a modulus."""
    generator = np.random.default_rng(n)
    table = pd.DataFrame({"learned": np.arange(60) < learned, "train_loss": loss})
    return table.assign(num_clusters=clusters + generator.integers(-1, 2, 60))


def grown(**changed):
    """Facts of moduli whose clusters grow by half a ln n, but for ``changed``."""
    moduli = {n: trained(n, clusters=round(2.5 + 0.5 * np.log(n))) for n in (31, 59, 91, 131, 251)}
    moduli |= {int(n[1:]): table for n, table in changed.items()}
    counts = {n: t.num_clusters[t.learned].to_numpy() for n, t in moduli.items()}
    found = facts.steady(moduli, counts)
    line = growth.fit_log(found.counts, num_resamples=50) if len(found.counts) > 3 else None
    result = growth.compare_growth(found.counts, num_resamples=20, num_contests=5) if line else None
    return facts.steady_growth(found, line, result)


def test_moduli_whose_training_broke_are_named_and_left_out():
    text = told(CHAPTER, STEADY, grown(n251=trained(251, loss=0.03, learned=48, clusters=2)))
    assert text.startswith(
        "*Left out*: n = 251 (80.0 % learn; their final loss is 1.50 times that at "
    )
    assert "This may explain the drop: at n = 251 networks end at a higher loss" in text
    assert "over the 4 moduli that train steadily" in text
    broken = grown(n251=trained(251, loss=0.03, learned=48, clusters=2))
    caption = told(CHAPTER, "growth-caption", broken)
    assert "clusters more for every unit of ln n. n = 251 does not train steadily." in caption
    assert "times as fast as ln n" in text
    every = told(CHAPTER, STEADY, grown())
    assert every.startswith("*Nothing to explain*: training is steady at every modulus.")
    assert "not train" not in told(CHAPTER, "growth-caption", grown())
    assert "over the 5 moduli" in every


def test_a_line_is_steeper_slower_or_no_line():
    found = grown()
    for slope, said in (
        ((0.5, 0.3, 0.7), "ln n: it does grow, and more slowly than ln n."),
        ((1.5, 0.3, 2.7), "ln n: it does grow."),
        ((0.1, -0.3, 0.7), "ln n: it is not told from a constant."),
    ):
        assert told(CHAPTER, STEADY, found._replace(slope=slope)).endswith(said)
    few = grown(n31=trained(31, learned=3), n59=trained(59, loss=1.0))
    assert told(CHAPTER, STEADY, few) == (
        "*Seen here*: training is steady at fewer than four moduli, too few for a line."
    )
    without = facts.steady({31: trained(31, learned=3)}, {31: np.array([3, 4, 5])})
    assert without.left_out == []
    assert "unit of ln n" not in told(CHAPTER, "growth-caption", few)


def test_probabilities_say_whether_they_were_counted():
    assert facts.probability_text(sep.Probability(0.5, 0.5, 0.5)) == "0.500"
    assert facts.probability_text(sep.Probability(0.5, 0.49, 0.51)) == "0.500 ± 0.010"
    ms = range(1, 6)
    true = {m: [sep.separation_probability(23, k, model=m) for k in ms] for m in sep.MODELS}
    table = sep.probability_table(23, ms)
    rows = facts.probabilities(table, true)
    assert {len(column) for column in rows.values()} == {5}
    assert told(CHAPTER, PROBABILITY, {"rows": rows}, which=1).startswith(
        ":::{dropdown} All the probabilities | m | distinct | with replacement | Gamma formula | "
    )
    text = told(CHAPTER, PROBABILITY, facts.at_log(23, table, np.array([3, 3, 4]), true))
    assert text.startswith("*Seen here*: at m = round(ln 23) = 3 the formula of the paper's last")
    caption = told(CHAPTER, "sec54-caption", facts.at_log(23, table, np.array([3]), true))
    assert caption.startswith("Section 5.4. At ln 23, rounded to 3, the paper's last formula gives")
    assert "Networks at n = 23 have 3 clusters most often; 3 distinct freq" in text
    tie = told(CHAPTER, PROBABILITY, facts.at_log(23, table, np.array([4, 3]), true))
    assert "have 3 or 4 clusters most often; 3 distinct frequencies at random" in tie
    for numbers in (np.zeros(0, dtype=int), np.array([0, 0, 3]), np.array([9])):
        text = told(CHAPTER, PROBABILITY, facts.at_log(23, table, numbers, true))
        assert text.endswith(" for distinct frequencies.")


def test_frequencies_needed_are_told_by_model():
    numbers = {"distinct": {23: 3, 1999: 6}, "with replacement": {23: 1, 1999: 1}}
    squares = {
        "distinct": {"ln n": 0.9614, "n": 0.5},
        "with replacement": {"ln n": np.nan, "n": np.nan},
    }
    assert told(CHAPTER, NEEDED, {"models": facts.needed(numbers, squares)}) == (
        "*Seen here*. Distinct: 3 at n = 23, 6 at n = 1999; lines in $\\ln n$ have $R^2 = "
        "0.961$, $n$ have $R^2 = 0.500$. With replacement: 1 at n = 23, 1 at n = 1999."
    )


def test_frequencies_needed_have_a_caption():
    numbers = {"distinct": {23: 3, 1999: 6}, "with replacement": {23: 2, 1999: 5}}
    found = facts.needed(numbers, {"distinct": {}, "with replacement": {}})
    assert told(CHAPTER, "needed-caption", {"models": found}) == (
        "Frequencies needed against n: 3 at 23 and 6 at 1999 (distinct); 2 at 23 and 5 at 1999 "
        "(with replacement). Crosses: clusters of networks."
    )


def test_what_l2_takes_away_is_told_where_it_is_sure():
    table = pd.DataFrame(
        [(31, 0.34, 0.5, 0.2, 0.8), (35, 0.38, 0.1, -0.2, 0.4), (251, 2.76, -2.0, -2.2, -1.8)],
        columns=["n", "times", "difference", "low", "high"],
    )
    found = why.heavier(table)
    caption = told(CHAPTER, "l2-caption", found)
    assert "2.8 times the L2 at n = 251: -2.0 clusters; 0.34 times at n = 31: +0.5." in caption
    text = told(CHAPTER, "l2-said", found)
    assert "away at 1 of 1 moduli, lighter L2 surely adds some at 1 of 2." in text
    none = why.heavier(table.iloc[:0])
    assert told(CHAPTER, "l2-said", none) == ""
    assert "No modulus" in told(CHAPTER, "l2-caption", none)


def test_learned_sets_are_counted_beside_random_ones():
    found = Selection(pd.DataFrame(), 0, 3990, 256.4, 0.1683)
    some = why.chosen(91, 0.1564, found)
    caption = told(CHAPTER, "chosen-caption", some)
    assert caption.startswith("0 of 3,990 learned sets stay under delta = 0.156, where 256 random")
    text = told(CHAPTER, "chosen-said", some)
    assert "the smallest gap that was learned is 0.168. Training hardly ever ends" in text
    often = told(CHAPTER, "chosen-said", some._replace(close=200))
    assert "hardly ever" not in often
    two = why.chosen(23, 0.1564, Selection(pd.DataFrame(), 0, 2, 0.0, 0.55))
    assert not two.better
    assert "hardly ever" not in told(CHAPTER, "chosen-said", two)
    none = why.chosen(91, 0.1564, None)
    assert told(CHAPTER, "chosen-said", none) == ""
    assert "No learned set" in told(CHAPTER, "chosen-caption", none)


def test_the_answer_names_what_was_found():
    chosen = why.chosen(91, 0.156, Selection(pd.DataFrame(), 0, 3990, 256.4, 0.168))
    line = growth.LogFit(Interval(0.5, 0.4, 0.6), {})
    changes = pd.DataFrame({"difference": [0.2, -0.7]})
    text = told(CHAPTER, "the-answer", why.reasons(changes, line, [5], 4, chosen))
    assert (
        "wider networks differ by 0.7 clusters at most, in the mean. It is n, but slowly: 0.50"
        in text
    )
    assert "And fewer would do: 4 random frequencies separate" in text
    assert text.endswith("fall under the paper's separation, 256 random ones would. :::")
    bare = why.reasons(changes.iloc[:0], None, [], 4, why.chosen(60, 0.156, None))
    assert told(CHAPTER, "the-answer", bare) == (
        ":::{admonition} The answer :class: tip No networks are there that could tell. :::"
    )
    few = told(CHAPTER, "the-answer", why.reasons(changes, line, [3], 4, chosen))
    tie = told(CHAPTER, "the-answer", why.reasons(changes, line, [5, 6], 4, chosen))
    assert "networks of n = 91 mostly keep 5 or 6. They choose well: 0 of 3,990" in tie
    two = why.chosen(23, 0.156, Selection(pd.DataFrame(), 0, 2, 0.0, 0.55))
    text = told(CHAPTER, "the-answer", why.reasons(changes, line, [5], 4, two))
    assert "Whether they choose well cannot be told here: 0 of 2 learned sets" in text
    assert "Random frequencies would have to be 4; networks of n = 91 mostly keep 3." in few


def test_separations_are_compared_with_random_ones():
    panels = {4: {"learned": np.array([0.3, 0.1]), "at random": np.array([0.2, 0.3])}}
    text = told(CHAPTER, SEPARATIONS, facts.separations(panels, 0.156))
    assert "| 4 | 50.0 % | 0.20 | 100 % | 0.25 |" in text
    caption = told(CHAPTER, "apart-caption", facts.separations(panels, 0.156))
    assert caption == "The median gap of *learned* lies -0.05 above that at random."
    assert "No networks" in told(CHAPTER, "apart-caption", facts.separations({}, 0.1))
    none = told(CHAPTER, SEPARATIONS, facts.separations({}, 0.1))
    assert none == "*Seen here*: no networks to compare."


def test_a_series_that_one_number_of_frequencies_lacks_has_an_empty_cell():
    panels = {
        1: {"learned": np.array([0.3]), "at random": np.array([0.2])},
        2: {"learned": np.array([0.3]), "at random": np.array([0.1]), "apart": np.array([0.4])},
    }
    text = told(CHAPTER, SEPARATIONS, facts.separations(panels, 0.156))
    assert "| 1 | 100 % | 0.30 | 100 % | 0.20 | | |" in text
    caption = told(CHAPTER, "apart-caption", facts.separations(panels, 0.156))
    assert "*learned* lies 0.10 to 0.20 above that at random." in caption
