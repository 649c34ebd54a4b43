"""Chapter 14 on networks that learned or did not, on one seed, and on tables that are not there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from made_up.ablations import history, made_up_arms, made_up_trials
from modlib.analysis.remainders import ablations as ab
from modlib.chapters import ablations as facts
from modlib.chapters import ablations_filter as rates
from modlib.chapters import ablations_search as search
from modlib.config.presets import PLAIN
from modlib.results.shown import Ablated
from modlib.runs.study import PAPER_BEST, PAPER_SPACE, SPACE, Study, no_trials
from told import cells, told

CHAPTER = "14_ablations"
ONE = (1000,)


def ablated(*args, **options):
    return Ablated(history(*args, **options), SimpleNamespace())


def test_every_cell_that_says_something_is_tested():
    networks = {"overview", "overview-caption", "9de9e0ac", "91b15388", "dropout-caption"}
    masks = {"888d661d", "delays-caption", "spiking-words"}
    masks |= {"by-task-masked-caption", "spiking-caption"}
    filters = {"b3846672", "clock-caption", "filter-paper-words"}
    filters |= {"rivals", "matched-caption", "67c5daff"}
    searches = {"0f20b160", "1f7237d2", "69ff0aad", "importance-caption", "bt1-caption"}
    waves = {"early-words", "early-caption", "early-delay-caption"}
    assert cells(CHAPTER) == networks | masks | filters | searches | waves | {"answer"}


def test_the_first_sentence_says_what_learning_needs():
    def said(found, pair=None, cell="overview"):
        seen = facts.overview(facts.ends(found))
        if cell != "overview":
            return told(CHAPTER, cell, seen)
        clock = rates.clock(37, None, None, pair or {}, {})
        return told(CHAPTER, cell, {"seen": seen, "clock": clock})

    found = {PLAIN: ablated(), "B37-lambda-0": ablated(), "B37-no-dropout": ablated(top=0.3)}
    text = said(found)
    assert "**Dropout matters**: without it none of three networks learns" in text
    assert "**λ, the gradient filter, does not**: without it 3 of 3 learn at p = 37." in text
    assert "p = 113" not in text
    pair = {"λ = .5": history(400, seeds=ONE), "λ = 0": history(600, seeds=ONE)}
    assert said(found, pair).endswith("takes 1.50 times the steps, as far as it was trained.")
    needed = found | {"B37-lambda-0": ablated(top=0.3), "B37-no-dropout": ablated()}
    text = said(needed)
    assert "**Dropout is not what it takes here**: 3 of 3 networks learn without it." in text
    assert "**So does λ, the gradient filter**: without it none of 3 gets there." in text
    nothing = dict.fromkeys(found, ablated(top=0.3))
    assert "not even the network as it is learns its tasks in these steps" in said(nothing)
    assert "Not all of the networks" in said({PLAIN: ablated()})
    caption = "overview-caption"
    assert "No network learns of these kinds: no dropout. Networks of two other kinds do." in said(
        found, cell=caption
    )
    assert said({PLAIN: ablated()}, cell=caption).endswith("Networks of every kind learn.")
    assert "None of any kind learns: the plain ones end at 30.0 %." in said(nothing, cell=caption)
    assert said({}, cell=caption) == "No network of this setting is there."


def test_networks_are_tabled_under_a_fold():
    def said(found, **options):
        given = {"p": 11, "steps": 3, "seed": 7} | options
        both = facts.origin(found, **given)._asdict() | {"rows": facts.networks(found)}
        return told(CHAPTER, "9de9e0ac", both | {"level": 0.9})

    found = {PLAIN: ablated(), "B37-masked": ablated(), "B37-lr-2": ablated(seeds=ONE)}
    masked = found["B37-masked"].history
    masked.loc[masked.q < 11, "accuracy"] = 0.0
    text = said(found)
    assert text.startswith(":::{dropdown} ")
    assert "**p = 11, `steps` 3**: three kinds of network, at most three seeds each" in text
    assert "1,000 steps; where one network at this p is drawn, it is seed 7." in text
    assert "a network learns here if this mean is at 0.9 or more." in text
    assert "needs p" not in text
    assert "| as it is | 3 | 1,000 | 100 % |" in text
    assert "| 2, 3, 5, 7 masked | 3 | 1,000 | 100 % |" in text
    assert "| λ = 0 with rate × 2 | 1 | 1,000 | 100 % |" in text
    assert "| no dropout | not there | | | |" in text
    found.pop("B37-masked")
    assert "The masked task needs p of 13 or more." in said(found)
    assert "no kind of network, no seeds each, 0 steps;" in said({}, p=37, steps=None)
    assert "One seed is no sample" in said({PLAIN: ablated(seeds=ONE)})


def test_masking_is_told_for_any_networks():
    def said(*delays):
        return told(CHAPTER, "888d661d", facts.masked(*delays))

    delays = ab.delays(history(800, shift=0), history(400, shift=0))
    text = said(delays, delays)
    assert "take 2.00 (2.00 to 2.00) times the steps to .97" in text
    assert "over seven tasks and three seeds)." in text
    assert "On the numbers trained on, .97 takes 2.00 (2.00 to 2.00) times" in text
    assert "a lead" not in text
    text = told(CHAPTER, "delays-caption", facts.masked(delays, delays))
    assert text.endswith("On average 2.00.")
    sooner = said(ab.delays(history(200, shift=0), history(400, shift=0)), ab.NO_DELAYS)
    assert "no delay but a lead" in sooner
    assert "trained on" not in sooner
    one = ab.delays(history(200, seeds=ONE), history(400, seeds=ONE))
    assert "take 0.50 times the steps to .97" in said(one, one)
    assert "a lead" not in said(one, one)
    never = said(ab.delays(history(top=0.9), history(500)), ab.NO_DELAYS)
    assert "21 pairs of task and seed never got there with the mask and count with" in never
    left = ab.delays(history(400), history(500))._replace(left_out=2)
    assert "Left out: two pairs that never" in said(left, ab.NO_DELAYS)
    assert "no pair of networks" in said(ab.NO_DELAYS, ab.NO_DELAYS)
    none = told(CHAPTER, "delays-caption", facts.masked(ab.NO_DELAYS, ab.NO_DELAYS))
    assert none == "No task beyond 7 has steps to .97 to compare with the mask and without."
    unlearned = ab.delays(history(400), history(top=0.9))
    assert "No task beyond 7 reaches .97" in said(unlearned, ab.NO_DELAYS)


def test_a_network_with_masked_tasks_is_in_a_caption_only_where_it_is_in_the_figure():
    both, alone = ({"titles": ["all tasks", "2, 3, 5, 7 masked"][:count]} for count in (2, 1))
    text = told(CHAPTER, "by-task-masked-caption", both)
    assert text.startswith(
        "Accuracy by task, with all tasks in the loss and with 2, 3, 5, 7 masked,"
    )
    assert text.endswith("are tasks that nobody asks for.")
    assert told(CHAPTER, "by-task-masked-caption", alone) == (
        "Accuracy by task, with all tasks in the loss, one network each. "
        "There is no network with masked tasks."
    )
    assert "the loss and with 2, 3, 5, 7 masked, one network" in told(
        CHAPTER, "spiking-caption", both
    )
    assert "masked" not in told(CHAPTER, "spiking-caption", alone)


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
    assert text.startswith("Without dropout networks end at 100 % on numbers")
    assert "trained on and 30.0 % on validation numbers. With it networks" in text
    assert text.endswith("Tasks at .97 or more without dropout: none.")
    text = said(None, history(seeds=ONE))
    assert "Without dropout networks end at 100 % on numbers trained on and 100 % on" in text
    assert "without dropout: q = 2, 3, 5, 7, 11" in text
    assert "With it" not in text
    assert "No network without dropout" in said(history(), None)


def test_the_caption_of_dropout_compares_what_is_there():
    def said(found):
        return told(CHAPTER, "dropout-caption", facts.overview(facts.ends(found)))

    both = said({PLAIN: ablated(), "B37-no-dropout": ablated(top=0.3)})
    assert both.endswith("those without end at 30.0 %, those with it at 100 %.")
    assert said({"B37-no-dropout": ablated(top=0.3)}).endswith("without end at 30.0 %.")
    assert said({}).endswith("There is no network without.")


def test_the_filter_is_told_as_a_pace():
    pair = {"λ = .5": history(400, seeds=ONE), "λ = 0": history(600, seeds=ONE)}

    def said(*histories, cell="b3846672", pair=pair):
        return told(CHAPTER, cell, rates.clock(37, *histories, pair, {}))

    text = said(history(), history(800, shift=20))
    assert "filter goes the same way, about 1.50 times as slowly from an accuracy of" in text
    assert "At p = 37 it takes 2.00 (2.00 to 2.00) times the steps (2.00 over" in text
    assert text.endswith("), so it is slower.")
    assert "so it is faster." in said(history(), history(200, shift=5))
    both = [history(), pd.concat([history(300, seeds=ONE), history(900, seeds=(1001, 1002))])]
    assert "which is no difference that these seeds can tell." in said(*both)
    assert "there is no accuracy that both pass" in said(history(), history(top=0.2))
    text = said(None, history(), pair={})
    assert (
        text == "At p = 113 not both networks are committed. At p = 37 not both networks are there."
    )
    text = said(history(), history(800, shift=20), cell="clock-caption")
    assert text.endswith(": on average 2.00 at p = 37 (2.00) and 1.50 at p = 113 (1.50).")
    assert said(None, None, cell="clock-caption").endswith(": on average 1.50 at p = 113 (1.50).")


def test_what_the_clock_means_at_both_sizes():
    def said(pair, *histories, rivals=None):
        clock = rates.clock(37, *(histories or (None, None)), pair, rivals or {})
        return told(CHAPTER, "filter-paper-words", rates.paper_size(pair) | {"clock": clock})

    pair = {"λ = .5": history(400, seeds=ONE), "λ = 0": history(600, seeds=ONE)}
    text = said(pair)
    assert (
        "is at .99 at step 400; if it kept its pace, the other would be there near step 600" in text
    )
    assert "first edition's pair (seed 1000), ends at step 1,000." in text
    assert "ends at 65,536" in text
    assert "p = 113: no filter with a learning rate 1.5 times as high; a dropout mask" in text
    slow = pair | {"λ = .5": history(400, seeds=ONE, top=0.6)}
    assert "at its pace" not in said(slow)
    assert said({}).startswith("Not measured yet")
    assert said(pair | {"λ = 0": history(seeds=ONE, top=0.1)}).startswith("Not measured yet")
    text = said({}, history(), history(top=0.9))
    assert "or more, the one without is below at 100 %." in text
    paces = dict.fromkeys(rates.RIVALS, ab.pace(history(800, shift=20), history()))
    text = said({}, rivals=paces)
    assert text.endswith(
        "With a dropout mask of its own for every number it takes 2.00 (2.00 to 2.00) times the "
        "steps of the plain network."
    )


def test_rivals_at_the_papers_size_are_read_once_their_training_has_ended():
    def export(reached, steps=10):
        return SimpleNamespace(
            history=history(reached), steps=steps, config=SimpleNamespace(steps=10)
        )

    found = {"B113-code": export(400), "B113-code-lr-1.5": export(800, steps=9)}
    assert rates.rival_paces(found) == {}
    found["B113-code-mask-a-sample"] = export(200)
    assert list(rates.rival_paces(found)) == ["a dropout mask of its own for every number"]
    assert rates.rival_paces({"B113-code-mask-a-sample": export(200)}) == {}


def test_arms_are_told_with_their_intervals():
    def tabled(arms):
        compared = rates.rivals(ab.arm_ratios(arms))
        rows = {"rows": rates.arms(ab.compare_arms(arms)), "ratios": compared.rows}
        return told(CHAPTER, "67c5daff", rows)

    def said(arms, cell="rivals"):
        return told(CHAPTER, cell, rates.rivals(ab.arm_ratios(arms)))

    arms = made_up_arms()
    assert "| lambda 1 | 3 | 300 (300 to 300) | 300 (300 to 300) | 100 % |" in tabled(arms)
    assert "| lambda 1 | learning rate x 2 | 0.75 (0.75 to 0.75) | |" in tabled(arms)
    slow = {arm: history(top=0.5) for arm in arms}
    assert "| lambda 1 | 3 | not reached, 0 of 3 | not reached, 0 of 3 | 50.0 %" in tabled(slow)
    assert "| lambda 1 | lambda 0 | neither gets there | 6 of 6 |" in tabled(slow)
    assert tabled({}) == ""
    assert said(arms) == (
        "At equal factors the filter is faster in 1 of one pair, the larger learning rate in 0."
    )
    assert said(arms, "matched-caption").endswith(
        "is surely faster in 1, the learning rate in none."
    )
    undecided = rates.rivals(ab.arm_ratios(arms))._replace(filter_ahead=0, undecided=2)
    assert told(CHAPTER, "rivals", undecided) == (
        "At equal factors neither the filter nor the larger learning rate is surely faster: these "
        "seeds leave two pairs undecided."
    )
    one = {arm: table[table.seed == 1000] for arm, table in arms.items()}
    assert "| lambda 1 | lambda 0 | 0.50 | |" in tabled(one)
    assert said(one) == "One seed a kind decides nothing between filter and learning rate."
    assert said(one, "matched-caption").endswith("One seed tells no pair apart for sure.")
    assert "no two networks" in said({})


def test_the_answer_holds_for_any_networks():
    def said(found, delays=ab.NO_DELAYS, pair=None):
        plain, without = (getattr(found.get(n), "history", None) for n in (PLAIN, "B37-lambda-0"))
        given = {"seen": facts.overview(facts.ends(found))}
        given |= {"clock": rates.clock(37, plain, without, pair or {}, {})}
        return told(CHAPTER, "answer", given | {"others": facts.masked(delays, ab.NO_DELAYS)})

    found = {PLAIN: ablated(), "B37-lambda-0": ablated(800), "B37-no-dropout": ablated(top=0.3)}
    pair = {"λ = .5": history(400, seeds=ONE), "λ = 0": history(600, seeds=ONE)}
    delays = ab.delays(history(200, shift=0), history(400, shift=0))
    text = said(found, delays, pair)
    assert "Dropout: with it 3 of 3 networks learn, without it none." in text
    assert "At p = 113 it is a clock: without it training takes 1.50 times the steps, as" in text
    assert "without them the others take 0.50 times the steps." in text
    assert "Not dropout, here: 3 of 3" in said(found | {"B37-no-dropout": ablated()})
    assert "the plain network does not learn" in said({PLAIN: ablated(top=0.3)})


def test_the_search_is_told():
    trials, _ = made_up_trials()
    trials.loc[0, list(PAPER_BEST)] = list(PAPER_BEST.values())
    study, nothing = Study(), no_trials(Study()).trials

    def said(trials):
        return told(CHAPTER, "0f20b160", search.search(trials, study.base, study.size))

    def best(trials):
        rows = search.best(trials, SPACE, PAPER_BEST)
        both = {"rows": rows, "space": search.space(SPACE, PAPER_SPACE)}
        return told(CHAPTER, "1f7237d2", both)

    def weights(trials):
        found = ab.importance(trials, SPACE, num_resamples=50)
        return told(CHAPTER, "69ff0aad", search.importance(found))

    text = said(trials)
    assert "at p = 37: 40 of 720 settings, up to 4,096 steps each;" in text
    assert "One trial went on after a kill." in text
    assert "after a kill" not in said(trials.assign(retries=0))
    assert said(nothing) == ""
    assert "| *paper, table 2* | 0.1 | 0.5 | 1/3 | 256 | 0.0003 | 4 | | 65,536 |" in best(trials)
    assert "the paper's best (place" in best(trials)
    assert "best with λ = 0 (place" in best(trials)
    assert "paper, table 2" not in best(nothing)
    assert "| weight decay | 0, 0.1, 0.5, 1 | 1/3 |" in best(nothing)
    assert "learning rate comes first" in weights(trials)
    assert "ours is not committed yet" in weights(nothing)


def test_importance_names_the_settings_that_are_above_an_equal_share():
    table = pd.DataFrame({"setting": ["lr", "lam"], "importance": [0.9, 0.1]})
    table = table.assign(low=[0.6, 0.0], high=[1.0, 0.4])
    text = told(CHAPTER, "69ff0aad", search.importance(table))
    assert "learning rate comes first: it holds 90 % (60 to 100) of what tells" in text
    assert "Above an equal share of 50.0 % with the whole interval: learning rate." in text
    text = told(CHAPTER, "importance-caption", search.importance(table))
    assert text.endswith("over trials: learning rate first, with 90.0 %.")
    low = search.importance(table.assign(low=np.zeros(2)))
    assert "No setting is above an equal share" in told(CHAPTER, "69ff0aad", low)
    empty = search.importance(table[:0])
    assert told(CHAPTER, "importance-caption", empty).endswith("over trials.")


def test_whether_the_first_wave_helps_is_told_by_its_interval():
    def spectra(*ends):
        rows = [
            (seed, *row)
            for seed, end in enumerate(ends)
            for row in ((0, 0.0), (100, 0.08), (900, end))
        ]
        return pd.DataFrame(rows, columns=["seed", "step", "explained_2"])

    def told_of(without, cell="early-words", seeds=(1000, 1001, 1002)):
        kinds = {
            "B37": history(400, seeds=seeds),
            "B37-ablated": without,
            "B37-perturbed": history(400, seeds=seeds),
        }
        found = {
            name: SimpleNamespace(preset=name, history=h, spectra=spectra(0.01, 0.02, 0.03))
            for name, h in kinds.items()
        }
        lost = ab.delays(kinds["B37-ablated"], kinds["B37-perturbed"])
        return told(CHAPTER, cell, {"wave": facts.early_wave(found, lost)})

    text = told_of(history(400))
    assert "x mod 2 explains 8.0 % of the neurons' variance" in text
    assert "**1.00 (1.00 to 1.00) times the steps**" in text
    assert "this wave is not what the others are built on, as far as a delay of 1.25 goes." in text
    assert "this wave helps what comes later." in told_of(history(800))
    assert "do not tell whether it helps" in told_of(history(500, shift=400))
    never = told_of(history(top=0.9))
    assert (
        "of task and network never get there without the wave and count with all the steps" in never
    )
    assert "is not known again" in never
    assert "one network tells nothing of the others" in told_of(history(400, seeds=ONE), seeds=ONE)
    nothing = {"wave": facts.early_wave({}, ab.NO_DELAYS)}
    assert "are not committed." in told(CHAPTER, "early-words", nothing)
    assert "are not committed." in told(CHAPTER, "early-caption", nothing)
    assert "each at its own height has 8.0 % on average, and 2.0 % at the end" in told_of(
        history(400), "early-caption"
    )
    assert "On average 1.98" in told_of(history(800), "early-delay-caption")
    assert "to compare." in told(CHAPTER, "early-delay-caption", nothing)
