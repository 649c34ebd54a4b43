"""Chapter 11 on odd runs: nothing learned, one step, no tasks above 7."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.runs import made_up_history, made_up_norms, made_up_run
from modlib.analysis.remainders import grokking as gr
from modlib.chapters import grokking as facts
from modlib.config.presets import SMALL
from told import cells, told

CHAPTER = "11_grokking"
CONFIG = replace(SMALL, p=13, steps=1024)
LEARNED = {2: 1, 3: 2, 5: 4, 7: 8, 11: 64}
RUN = made_up_run(CONFIG, LEARNED)
LOST = made_up_run(CONFIG, {2: 512})
SHORT = made_up_run(replace(CONFIG, steps=1), {}, steps=(0, 1))


def test_every_cell_that_says_something_is_tested():
    first = {"77d7c4af", "50d302d8", "eef45972", "8e7a1f29"}
    later = {"c1df3fe7", "00f175e7", "2d91e0bb", "48d5d486", "answer"}
    captions = {f"{one}-caption" for one in ("b5", "stairs", "b6", "order", "b17", "gain", "ratio")}
    assert cells(CHAPTER) == first | later | captions


def fallen(run, tasks):
    """The same with these tasks below the level at the last step."""
    history = run.history.copy()
    last = history.step == history.step.max()
    fell = last & history.q.isin(tasks) & (history.split == "validation")
    history.loc[fell, "accuracy"] = 0.98
    return replace(run, history=history)


def test_a_network_is_introduced_with_what_it_lacks():
    def said(run):
        return told(CHAPTER, "77d7c4af", facts.network(run))

    assert said(RUN).endswith("5 of 5 at 0.99 or more.")
    text = said(LOST)
    assert "1 of 5 at 0.99 or more. Below it: q = 3, q = 5, q = 7 and q = 11. 4" in text
    assert "there before" not in text
    assert "p = 13 (80 %), 1 step**: on validation" in said(SHORT)
    fell = said(fallen(RUN, [11]))
    assert fell.endswith("Below it: q = 11. It was there before, and not at the last step.")
    assert "They were there before" in said(fallen(RUN, [7, 11]))
    mixed = said(fallen(LOST, [2]))
    assert mixed.endswith("4 of them never got there; 1 did, and is below at the last step.")
    assert facts.title(CONFIG, 16384) == "p = 13 (80 %), 16,384 steps"


def test_absent_and_unfinished_runs_of_the_paper_are_named():
    def said(*given):
        return told(CHAPTER, "77d7c4af", facts.settings(*given), which=1)

    text = said(["B113-text", "B113-code"], {"B113-text": 20000}, 65536)
    assert "trained on 30 % of the numbers for 20,000 steps of 65,536; none trained on 50 %" in text
    whole = said(["B113-nanda"], {"B113-nanda": 65536}, 65536)
    assert whole == "At p = 113, seed 1000: one trained on 30 % of the numbers for 65,536 steps."
    assert "no run" in said([], {}, 65536)
    assert "none trained on 30 %, none trained on 50 %" in said(["B113-text", "B113-code"], {}, 9)


def test_the_gap_between_training_and_validation():
    def said(run, cell="50d302d8"):
        return told(CHAPTER, cell, facts.gap(run.history))

    text = said(RUN, "b5-caption")
    assert "0.99 is reached by 5 of 5 tasks on the numbers trained on (top) and by 5 on" in text
    assert text.endswith("(bottom); the median of the steps between is a factor of 2.0.")
    assert said(SHORT, "b5-caption").endswith("and by 0 on validation numbers (bottom).")
    text = said(RUN)
    assert "at most 32.0: q = 11, training at step 2, validation at 64." in text
    assert "Known on the numbers trained on only: q = 3, 5, 7 and 11." in said(LOST)
    assert said(SHORT).endswith("no task is known on both kinds of numbers.")
    table = told(CHAPTER, "eef45972", {"rows": facts.milestones(LOST.history)})
    assert "| 2 | 512 | 512 | 512 | 512 |" in table
    assert "| 3 | - | - | - | - |" in table


def test_losses_that_part_and_those_that_do_not():
    text = told(CHAPTER, "8e7a1f29", facts.loss(RUN.history))
    assert "by 2.0 ln q at most (a guess costs one), for q = 11 at step 2" in text
    text = told(CHAPTER, "b6-caption", facts.loss(RUN.history))
    assert text.startswith("B6. In 3 of 5 tasks of the first network the validation loss (bottom)")
    assert text.endswith("5 end below a guess.")
    calm = told(CHAPTER, "b6-caption", facts.loss(RUN.history.assign(loss=0.5)))
    assert "In 0 of 5 tasks" in calm
    assert "0 end below" in told(CHAPTER, "b6-caption", facts.loss(SHORT.history))


def test_the_first_and_the_last_task_are_named():
    def said(run):
        return told(CHAPTER, "stairs-caption", facts.stairs(run.history))

    assert said(RUN).endswith(
        "q = 2 is the first at step 1, q = 11 the last at step 64; 5 of 5 have a mark."
    )
    assert said(LOST).endswith("q = 2 is the first at step 512; 1 of 5 has a mark.")
    assert said(SHORT).endswith("The first network has no mark.")


def test_the_control_is_compared_with_a_guess():
    text = told(CHAPTER, "8e7a1f29", facts.control(LOST.history.assign(seed=4)), which=1)
    assert "one seed" in text
    assert "100 % on training" in text
    assert "not committed" in told(CHAPTER, "8e7a1f29", facts.control(None), which=1)


def test_orders_of_several_settings():
    seeds = pd.concat([RUN.history.assign(seed=0), LOST.history.assign(seed=1)])
    large = {q: 2**i for i, q in enumerate((2, 3, 5, 7, 11, 13, 17))}
    firsts = {
        "one": gr.seed_steps(seeds),
        "two": gr.seed_steps(made_up_history(large).assign(seed=3)),
    }

    def tabled(tables, finished=True):
        rows = facts.order(tables, dict.fromkeys(tables, finished))
        return told(CHAPTER, "c1df3fe7", {"rows": rows})

    def caption(tables, finished=True):
        found = facts.successions(tables, dict.fromkeys(tables, finished))
        return told(CHAPTER, "order-caption", {"settings": found})

    def chance(table):
        return told(CHAPTER, "c1df3fe7", facts.chance(table), which=2)

    assert caption(firsts).endswith(
        "one: 2, 3, 5 and 7 come in order and first in 1 of 2 seeds. "
        "two: 2, 3, 5 and 7 come in order and first in 1 of 1 seed."
    )
    assert "1 of 2 seeds, open in 1." in caption(firsts, finished=False)

    assert "| one | 2 | 1 | 1 of 2 | 64 to 64 | - |" in tabled(firsts)
    assert "| two | 1 | 1 | 3 of 3 | 16 to 64 | 1.00 |" in tabled(firsts)
    assert "| one | 2 | 1, not yet decided 1 | 1 of 2 |" in tabled(firsts, finished=False)
    assert "| two | 1 | 1 | 3 of 3 |" in tabled(firsts, finished=False)
    two = gr.seed_steps(made_up_history({2: 1, 3: None}).assign(seed=3))
    assert "| p = 5 | 1 | - | there is none | - | - |" in tabled({"p = 5": two})
    assert caption({"p = 5": two}).endswith("No setting here has 2, 3, 5 and 7 among its tasks.")
    assert "too few tasks" in chance(two)
    assert "too few tasks" in chance(firsts["one"])
    assert "0 ± 0.64" in chance(firsts["two"])


def test_the_order_is_told_before_tasks_are_learned():
    def said(histories):
        found = {"found": facts.memory(histories), "level": "0.99"}
        return told(CHAPTER, "c1df3fe7", found, which=1)

    accuracy = {11: 0.9, 13: 0.5, 17: 0.2}
    rows = [
        {"step": step, "split": split, "q": q, "loss": 1.0, "accuracy": value}
        for q, last in accuracy.items()
        for step, split, value in [
            *((at, "train", float(at >= 100 - q)) for at in (0, 80, 85, 88, 90)),
            *((at, "validation", last) for at in (0, 80, 85, 88, 90)),
        ]
    ]
    text = said({"one": pd.DataFrame(rows), "flat": LOST.history})
    assert "one: training numbers -1.00, validation numbers -1.00 (none is learned" in text
    assert "90.0 % at q = 11, 20.0 % at q = 17)" in text
    assert "flat" not in text
    assert said({}) == ""


def with_norms(last_high: dict[str, int], steps: int = 65536):
    config = replace(CONFIG, steps=steps)
    return made_up_run(config, LEARNED, last_high=last_high, steps=(*range(3), 512, 1024, 4096))


def test_norms_are_told_as_the_authors_draw_them():
    def said(runs, shuffled):
        return told(CHAPTER, "00f175e7", facts.norms(runs, shuffled))

    early = dict.fromkeys(("q", "k", "v", "o"), 1024)
    one = with_norms(early | {"w_in": 4096, "w_out": 4096})
    text = said({"one": one}, {"mixed": with_norms({"q": 4096, "w_in": 1024})})
    assert (
        "- one: attention is last at half of its peak before the feed-forward layer, at 0.25 "
        in text
    )
    assert "times its step; before it if the first 1,000 steps are looked at too." in text
    assert "In no network on shuffled labels does attention settle before" in text
    assert "| one | 1,024 | 4,096 | 1,024 | 4,096 | 1,024 | 4,096 |" in text
    text = said({"one": with_norms({})}, {"mixed": one})
    assert (
        "- one: attention is last at half of its peak with the feed-forward layer; with it" in text
    )
    assert (
        "Attention settles before the feed-forward layer where there is nothing to learn: mixed"
        in text
    )
    text = said({"one": one}, {"mixed": one})
    assert "But attention settles before" in text
    assert "nothing to learn, too: mixed (0.25 times). Beside such a control, an attention" in text


def test_norms_have_a_caption():
    def said(runs, shuffled):
        return told(CHAPTER, "b17-caption", facts.norms(runs, shuffled))

    early = dict.fromkeys(("q", "k", "v", "o"), 1024)
    one = with_norms(early | {"w_in": 4096, "w_out": 4096})
    text = said({"one": one}, {"mixed": with_norms({})})
    assert text.endswith("in 1 of 1 network of this task, and in 0 of 1 on shuffled labels.")
    assert said({"one": one}, {}).endswith("in 1 of 1 network of this task.")
    none = replace(RUN, norms=RUN.norms.iloc[:0])
    assert said({"none": none}, {}) == "B17. No step was made, so no gradient has a norm."
    young = replace(SHORT, config=replace(CONFIG, steps=65536))
    assert said({"one": young}, {}).endswith("in 0 of 0 networks of this task.")


def test_norms_of_odd_runs():
    def said(runs):
        return told(CHAPTER, "00f175e7", facts.norms(runs, {}))

    text = said({"one": RUN, "none": replace(RUN, norms=RUN.norms.iloc[:0])})
    assert "Over all steps all gradients of the first network peak at step 1." in text
    assert "shuffled" not in text
    assert "none" not in text
    young = replace(SHORT, config=replace(CONFIG, steps=65536))
    text = said({"one": young})
    assert "- one" not in text
    assert text.endswith("| one | - | - | 1 | 1 | - | - | :::")
    peaks = RUN.norms.copy()
    peaks.loc[peaks.parameter == "k", "filtered"] *= peaks.step
    text = said({"one": replace(RUN, norms=peaks)})
    assert "of `tok` peaks first in the first network, at step 1, that of `k` last, at" in text
    assert "no step" in said({"none": replace(RUN, norms=RUN.norms.iloc[:0])})


def ratio(ratios: pd.DataFrame, lam: float, cell: str = "48d5d486") -> str:
    return told(CHAPTER, cell, facts.ratio(ratios, lam, 0.98))


@pytest.mark.parametrize("value", [0.99, 1.0, 1.2, 1.6])
def test_the_filter_is_told_in_numbers(value):
    ratios = gr.filter_ratios(made_up_norms({}, ratio=value))
    text = ratio(ratios, 0.5)
    assert f"{value:.3f}" in text
    caption = ratio(ratios, 0.5, "ratio-caption")
    assert caption.endswith(f"first network is {value:.3f} early and {value:.3f} late.")
    assert ("no measurable part" in text) == (value < 1.011)
    assert ("does not change, or shrinks" in text) == (value > 1.49)
    both = told(CHAPTER, "48d5d486", facts.medians(ratios, ratios), which=1)
    assert f"{value:.3f} here, and {value:.3f}" in both


def test_no_filter_and_no_step():
    ratios = gr.filter_ratios(made_up_norms({}))
    assert "no step" in ratio(ratios.iloc[:0], 0.5)
    assert told(CHAPTER, "48d5d486", facts.medians(ratios.iloc[:0], ratios), which=1) == ""
    assert told(CHAPTER, "48d5d486", facts.medians(ratios, None), which=1) == ""
    assert "the ratio is 1" in ratio(ratios, 0.0)
    assert "no filter" in told(CHAPTER, "2d91e0bb", facts.gain(0.0, 0.98))
    assert "with 1.5; half of the extra" in told(CHAPTER, "2d91e0bb", facts.gain(0.5, 0.98))
    one_step = gr.filter_ratios(SHORT.norms)
    assert "from step 1 to 1" in ratio(one_step, 0.5)
    assert "weight matrices is 1.200." in ratio(one_step, 0.5, "ratio-caption")
    assert ratio(ratios.iloc[:0], 0.5, "ratio-caption").endswith("No step was made.")
    assert ratio(ratios, 0.0, "ratio-caption").endswith("Without a filter it is 1.")
    assert "is 1 at every" in told(CHAPTER, "gain-caption", facts.gain(0.0, 0.98))
    assert told(CHAPTER, "gain-caption", facts.gain(0.5, 0.98)).endswith("1.5 on what is constant.")
    assert not np.isnan(one_step.to_numpy()).any()


def test_the_answer_holds_for_every_run():
    def said(run, seeds=(RUN, LOST), finished=True):
        history = pd.concat([one.history.assign(seed=i) for i, one in enumerate(seeds)])
        found = facts.successions({"one": gr.seed_steps(history)}, {"one": finished})
        told_of = {
            "setting": facts.network(run).setting,
            "stairs": facts.stairs(run.history),
            "gap": facts.gap(run.history),
            "settings": found,
        }
        return told(CHAPTER, "answer", told_of)

    text = said(RUN)
    assert (
        "All 5 tasks got to 0.99 on validation numbers at some step (p = 13 (80 %), 1,024" in text
    )
    assert "steps), first q = 2, at step 1." in text
    assert "takes 2.0 times as many steps" in text
    assert "before all others in 1 of 2 networks that are drawn here (one)." in text
    assert "drawn here (one), and 1 are open." in said(RUN, finished=False)
    assert "1 of 5 tasks got to 0.99 on" in said(LOST)
    assert "before all others" not in said(LOST, [LOST])
    assert "No task reaches 0.99 on validation numbers (p = 13 (80 %), 1 step); 0 of 5 are" in said(
        SHORT
    )
    addition = made_up_run(replace(CONFIG, task="nanda"), {13: 64})
    text = said(addition, [addition, addition])
    assert "1 of 1 task got to 0.99 on validation numbers at some step (p = 13 (80 %), 1,0" in text
    assert "before all others" not in text
