"""Chapter 14 on networks that learned or did not, on one seed, and on tables that are not there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from made_up.ablations import history, made_up_arms, made_up_trials
from modlib.analysis.remainders import ablations as ab
from modlib.chapters import ablations as facts
from modlib.config.presets import ABLATIONS, ARMS, PLAIN
from modlib.results.shown import Ablated
from modlib.runs.study import PAPER_BEST, PAPER_SPACE, SPACE, Study, no_trials
from told import cells, told

CHAPTER = "14_ablations"
NAMES = [PLAIN, *ABLATIONS.values(), *ARMS.values()]
ONE = (1000,)


def ablated(*args, **options):
    return Ablated(history(*args, **options), SimpleNamespace())


def test_every_cell_that_says_something_is_tested():
    networks = {"9de9e0ac", "888d661d", "spiking-words", "91b15388"}
    filters = {"b3846672", "filter-paper-words", "67c5daff"}
    assert cells(CHAPTER) == networks | filters | {"7fc042f1", "0f20b160", "1f7237d2", "69ff0aad"}


def test_networks_are_introduced_with_what_is_missing():
    found = {PLAIN: ablated(), "B37-masked": ablated()}

    def said(found, **options):
        given = {"p": 11, "steps": 3, "seed": 7} | options
        return told(CHAPTER, "9de9e0ac", facts.origin(found, NAMES, **given))

    text = said(found)
    assert "**p = 11, `steps` 3**: two kinds of network, at most three seeds each" in text
    assert "1,000 steps; where one network is drawn, it is seed 7." in text
    assert "needs p" not in text
    found.pop("B37-masked")
    assert "(The masked task needs p of 13 or more.)" in said(found)
    text = said({}, p=37, steps=None)
    assert text.startswith("**p = 37**: no kind of network, no seeds each, 0 steps;")
    assert "One seed is no sample" in said({PLAIN: ablated(seeds=ONE)})


def test_the_table_of_networks_says_what_each_changes():
    found = {PLAIN: ablated(), "B37-masked": ablated(), "B37-lr-2": ablated(seeds=ONE)}
    masked = found["B37-masked"].history
    masked.loc[masked.q < 11, "accuracy"] = 0.0
    text = told(CHAPTER, "9de9e0ac", {"rows": facts.networks(found, NAMES)}, which=1)
    assert "| B37 | - | 3 | 1,000 | 100.0 % (100.0 to 100.0) |" in text
    assert "| B37-masked | task masked | 3 | 1,000 | 100.0 % (100.0 to 100.0) |" in text
    assert "learning rate 0.006, weight decay 0.1667 | 1 |" not in text
    assert "learning rate 0.006, weight decay 0.1667, lambda 0 | 1 | 1,000 | 100 % |" in text
    assert "| B37-no-dropout | dropout 0 | not there | | | |" in text


def test_masking_is_told_for_any_networks():
    def said(*delays):
        return told(CHAPTER, "888d661d", facts.masked(*delays))

    delays = ab.delays(history(800, shift=0), history(400, shift=0))
    text = said(delays, delays)
    assert "take 2.00 (2.00 to 2.00) times the steps to .97" in text
    assert "over seven tasks and three seeds)." in text
    assert "To .97 on the numbers trained on: 2.00 (2.00 to 2.00) times." in text
    assert "a lead" not in text
    sooner = said(ab.delays(history(200, shift=0), history(400, shift=0)), ab.NO_DELAYS)
    assert "That is no delay but a lead" in sooner
    assert "trained on" not in sooner
    one = ab.delays(history(200, seeds=ONE), history(400, seeds=ONE))
    assert "take 0.50 times the steps to .97" in said(one, one)
    assert "a lead" not in said(one, one)
    never = said(ab.delays(history(top=0.9), history(500)), ab.NO_DELAYS)
    assert "21 pairs of task and seed never got there with the mask and count with" in never
    left = ab.delays(history(400), history(500))._replace(left_out=2)
    assert "Left out: two pairs that never" in said(left, ab.NO_DELAYS)
    assert "no pair of networks" in said(ab.NO_DELAYS, ab.NO_DELAYS)
    unlearned = ab.delays(history(400), history(top=0.9))
    assert "no task beyond 7 reaches .97" in said(unlearned, ab.NO_DELAYS)


def test_spikes_are_counts_of_frequencies_and_tasks_that_come_first():
    def said(counts, found):
        learned = {"all tasks": pd.Series({2: 1100.0, 3: np.nan, 5: 90.0})}
        learned |= dict.fromkeys(("masked", "short"), pd.Series({11: np.nan}))
        return told(CHAPTER, "spiking-words", facts.spikes(counts, learned, found))

    counts = {
        "all tasks": pd.DataFrame({"step": [256, 1024, 2048], "count": [0, 18, 1]}),
        "masked": pd.DataFrame({"step": [256, 512, 2048], "count": [16, 17, 16]}),
        "short": pd.DataFrame({"step": [0, 1], "count": [0, 0]}),
    }
    first = pd.concat([history(200, qs=ab.EASIEST_LEFT), history(600, qs=(23, 29))])
    text = said(counts, {"all tasks": history(), "masked": first, "small": history(qs=(2, 3))})
    assert "| all tasks | 0 | 18 | 1,024 | 1 | yes | 90, 1,100 |" in text
    assert "| masked | 16 | 17 | 512 | 16 | no | - |" in text
    assert "short" not in text
    assert "above 7 in 0 of 3 seeds with all tasks, 3 of 3 seeds with masked." in text
    assert said({}, {"small": history(qs=(2, 3))}) == ""
    assert "in 1 of 1 seed with one." in said({}, {"one": first[first.seed == 1000]})


def test_dropout_is_told_for_any_networks():
    def said(*histories):
        return told(CHAPTER, "91b15388", facts.dropout(*histories))

    text = said(history(), history(top=0.3))
    assert "without dropout 100.0 % (100.0 to 100.0) on numbers trained on, 30.0 % (30.0" in text
    assert text.endswith("At .97 or more without dropout: none.")
    text = said(None, history(seeds=ONE))
    assert "without dropout 100 % on numbers trained on, 100 % on validation numbers. At" in text
    assert "without dropout: q = 2, 3, 5, 7, 11" in text
    assert "with it" not in text
    assert "no network without dropout" in said(history(), None)


def test_the_filter_is_told_for_any_networks():
    def said(*histories):
        return told(CHAPTER, "b3846672", facts.gradient_filter(*histories))

    text = said(history(), history(800, shift=20))
    assert "lambda .5 100.0 % (100.0 to 100.0), lambda 0 100.0 % (100.0 to 100.0)." in text
    assert "To pass a mean accuracy of 0.30 to 0.95, lambda 0 takes 2.00 (2.00 to 2.00)" in text
    text = said(history(), history(top=0.2))
    assert "lambda 0 is below at 100.0 % (100.0 to 100.0) (by seed 100 %, 100 %, 100 %;" in text
    assert "To pass" not in text
    assert "cannot be put to the test" in said(history(top=0.3), history())
    assert "not both" in said(None, history())


def test_the_papers_size_is_told_as_a_pace():
    def said(pair):
        return told(CHAPTER, "filter-paper-words", facts.paper_size(pair))

    pair = {"λ = .5": history(400, seeds=ONE), "λ = 0": history(600, seeds=ONE)}
    text = said(pair)
    assert "lambda 0 goes the same way 1.50 times slower. It passes 14 levels" in text
    assert "from 0.30 to 0.95, after 1.50 times the steps of lambda .5; its log ends" in text
    assert "at .99 at step 400; at this pace lambda 0 would be there near step 600" in text
    assert "ends at 65,536" in text
    slow = pair | {"λ = .5": history(400, seeds=ONE, top=0.6)}
    assert "at this pace" not in said(slow)
    assert "not both" in said({})
    assert "not both" in said(pair | {"λ = 0": history(seeds=ONE, top=0.1)})


def test_arms_are_told_with_their_intervals():
    def tabled(arms):
        return told(CHAPTER, "67c5daff", {"rows": facts.arms(ab.compare_arms(arms))})

    def said(arms):
        return told(CHAPTER, "67c5daff", facts.rivals(ab.arm_ratios(arms)), which=1)

    arms = made_up_arms()
    assert "| lambda 1 | 3 | 300 (300 to 300) | 300 (300 to 300) | 100.0 % (" in tabled(arms)
    slow = {arm: history(top=0.5) for arm in arms}
    assert "| lambda 1 | 3 | not reached, 0 of 3 | not reached, 0 of 3 | 50.0 %" in tabled(slow)
    assert tabled({}) == ""
    text = said(arms)
    assert "| lambda 1 | learning rate x 2 | 0.75 (0.75 to 0.75) | |" in text
    assert "the filter ahead in one case, the learning rate in no cases, and decides" in text
    one = {arm: table[table.seed == 1000] for arm, table in arms.items()}
    assert "| lambda 1 | lambda 0 | 0.50 | |" in said(one)
    assert said(one).endswith("With one seed there is no interval.")
    assert "| lambda 1 | lambda 0 | neither gets there | 6 of 6 |" in said(slow)
    assert "no two networks" in said({})


def test_the_search_is_told():
    trials, _ = made_up_trials()
    trials.loc[0, list(PAPER_BEST)] = list(PAPER_BEST.values())
    study, nothing = Study(), no_trials(Study()).trials

    def said(trials):
        return told(CHAPTER, "0f20b160", facts.search(trials, study.base, study.size))

    def best(trials):
        return told(CHAPTER, "1f7237d2", {"rows": facts.best(trials, SPACE, PAPER_BEST)})

    def weights(trials):
        found = ab.importance(trials, SPACE, num_resamples=50)
        return told(CHAPTER, "69ff0aad", facts.importance(found))

    text = said(trials)
    assert "40 of 720 settings were tried at p = 37, 4,096 steps each, seed 1000" in text
    assert "One trial went on after a kill." in text
    assert "after a kill" not in said(trials.assign(retries=0))
    assert "No study is committed yet" in said(nothing)
    assert "| *paper, table 2* | 0.1 | 0.5 | 1/3 | 256 | 0.0003 | 4 | | 65,536 |" in best(trials)
    assert "the paper's best (place" in best(trials)
    assert "best with lambda 0 (place" in best(trials)
    assert best(nothing) == ""
    assert "the largest share is that of learning rate" in weights(trials)
    assert weights(nothing) == ""
    rows = {"rows": facts.space(SPACE, PAPER_SPACE)}
    assert "| weight decay | 0, 0.1, 0.5, 1 | 1/3 |" in told(CHAPTER, "7fc042f1", rows)


def test_importance_names_the_settings_that_are_above_an_equal_share():
    table = pd.DataFrame({"setting": ["lr", "lam"], "importance": [0.9, 0.1]})
    table = table.assign(low=[0.6, 0.0], high=[1.0, 0.4])
    text = told(CHAPTER, "69ff0aad", facts.importance(table))
    assert "that of learning rate, 90 % (60 to 100). Above an equal share of 50.0 %" in text
    assert "interval: learning rate. With" in text
    low = facts.importance(table.assign(low=np.zeros(2)))
    assert "interval: none. With" in told(CHAPTER, "69ff0aad", low)
