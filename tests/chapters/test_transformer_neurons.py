"""Chapter 13 on networks that learned, that did not, for one task, and on logs that end early."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from modlib.analysis.remainders.active_sets import Spike
from modlib.analysis.remainders.task_lens import Ablations
from modlib.chapters import transformer_neurons as facts
from modlib.chapters import transformer_neurons_counts as counting
from told import cells, told

CHAPTER = "13_transformer_neurons"


def run(accuracies: list[float], steps: int = 500) -> SimpleNamespace:
    final = pd.DataFrame({"split": "validation", "accuracy": accuracies})
    config = SimpleNamespace(p=11)
    return SimpleNamespace(config=config, seed=7, steps=steps, final=final)


def test_every_cell_that_says_something_is_tested():
    neurons = {"386b77dc", "removal-caption", "a45fa284", "c3c65230", "stairs-caption"}
    mechanism = {"5b51be26", "mechanism-caption", "fc87b7ee", "3477c192", "47825dee"}
    spectra = {"79d34d6e", "neuron-caption", "b14-caption", "b15-caption"}
    counts = {"37ec8aaa", "looking-caption", "06ca20e0", "295abe86", "868b54c8", "b5e747a0"}
    counts |= {"explained-by-step-caption", "b16-caption", "bt3-caption"}
    attention = {"fbb3044d", "attention-caption", "1d05437b"}
    assert cells(CHAPTER) == neurons | mechanism | spectra | counts | attention | {"answer"}


def test_shares_that_do_not_exist_are_called_none():
    rows = facts.few_frequencies({"a": 0.5, "b": np.nan}, {"a": -0.0001, "b": np.nan})
    text = told(CHAPTER, "79d34d6e", {"rows": rows})
    assert "A neuron of the network of a has 0.50 of its power in six cells" in text
    assert text.endswith("b: none.")
    one = {"rows": rows, "neuron": 3, "num_neurons": 4, "chosen": [3]}
    text = told(CHAPTER, "neuron-caption", one)
    assert text.startswith("B4. Neuron 3 over both digits")
    assert text.endswith("Over all neurons six cells hold 0.50 of the power on average.")
    beyond = told(CHAPTER, "neuron-caption", one | {"neuron": 4, "chosen": []})
    assert beyond.startswith("B4. There is no neuron 4: this network has neurons 0 to 3, choose")
    for cell in ("b14-caption", "b15-caption"):
        text = told(CHAPTER, cell, {"rows": rows, "pair": ["b", "a"]})
        assert "Six cells hold, over all neurons, 0.50 (a) and none (b) of the power." in text


def test_captions_of_counts_name_their_peaks():
    spike = Spike(0, 18, 10, 4096)
    text = told(CHAPTER, "b16-caption", {"spike": spike, "shown": 60})
    assert text.startswith("B16. Up to 60 of the strongest frequencies")
    assert text.endswith("count goes from 0, the first from step 256 on, over 18 to 10.")
    assert told(CHAPTER, "b16-caption", {"spike": None, "shown": 60}).endswith("are spread.")
    text = told(CHAPTER, "bt3-caption", {"spikes": {"one": spike, "short": None, "two": spike}})
    assert text.endswith("most are active at step 4,096 (one: 18), at step 4,096 (two: 18).")
    text = told(CHAPTER, "bt3-caption", {"spikes": {"short": None}})
    assert text.endswith("most are active at no step that can be told.")


def test_table_3_says_which_count_is_whose():
    table = pd.DataFrame({"paper": [0], "written": [9], "coded": [16], "printed": [8]}, index=[256])
    off = counting.off_axes(np.array([0, 256]), np.ones((2, 5, 5)))
    program = pd.DataFrame({"least": [3], "most": [8]}, index=[256])
    seeds = counting.seeds_as_coded(pd.DataFrame({"coded_256": [16, np.nan, 20], "steps": 300}))
    none = counting.seeds_as_coded(pd.DataFrame({"steps": [300]}))
    assert len(none) == 0
    found = {
        "one": counting.Counts(table, off, None, none),
        "two": counting.Counts(table, off, program, seeds),
    }
    spikes = {"one": Spike(0, 18, 10, 4096), "two": Spike(9, 9, 9, 5), "short": None}

    def said(found):
        given = counting.table_3(found)._asdict() | {"spikes": counting.spikes(spikes)}
        return told(CHAPTER, "06ca20e0", given)

    text = said(found)
    missing = " | not reached" * 4
    assert text.startswith(":::{dropdown} Table 3")
    assert "| the paper | 0 | 0 | 10 | 18 | 10 |" in text
    assert f"| one, as written | 9{missing} |" in text
    assert f"| one, off the axes | 0{missing} |" in text
    assert f"| one, as coded, by our reading | 16{missing} |" in text
    assert f"| one, the same, printed | 8{missing} |" in text
    assert f"| two, as coded, by the program | 16{missing} |" in text
    assert f"| two, printed, of five neurons | 3 to 8{missing} |" in text
    assert f"| two, as coded, 2 seeds | 16 to 20{missing} |" in text
    assert "The log of one holds our reading of the program only" in text
    assert "| one | 0 | 18 | 4,096 | 10 | yes |" in text
    assert "| two | 9 | 9 | 5 | 9 | no |" in text
    assert "| short | too few steps | | | | - |" in text
    short = counting.Counts(table[:0], off[:0], None, none)
    assert f"| short, as written | not reached{missing} |" in said({"short": short})
    assert "reading" not in said({})


def test_a_count_that_looks_ahead_is_told_by_one_epoch():
    def said(cell, table):
        return told(CHAPTER, cell, counting.looking_ahead("net", table))

    table = pd.DataFrame({256: [3, 0], 1024: [pd.NA, 5]}, index=[256, 1024]).astype("Int64")
    text = said("37ec8aaa", table)
    assert "in the network of net, it is 3 at epoch 256 in a log that ends there, and 0" in text
    assert said("looking-caption", table).endswith("at epoch 256 the count goes from 3 to 0.")
    assert "Too few epochs" in said("37ec8aaa", table[:1])
    assert said("looking-caption", table[:0]).endswith("logs of different lengths.")


def test_a_threshold_for_all_times_is_told_by_where_the_log_ends():
    def said(cut, even):
        both = {"tables": counting.if_ended(cut), "even": counting.at_equal_size(even)}
        return told(CHAPTER, "295abe86", both)

    table = pd.DataFrame({256: [3, 0], 1024: [pd.NA, 5]}, index=[256, 1024]).astype("Int64")
    even = {"a": pd.Series([1, 2], index=[256, 1024]), "b": pd.Series([], dtype=int)}
    text = said({"a": table, "short": table[:0]}, even)
    assert "| a: log ends at | epoch 256 | epoch 1,024 |" in text
    assert "| 256 | 3 | | | 1,024 | 0 | 5 |" in text
    assert "| a | 1 | 2 | | | |" in text
    assert "| b |" not in text
    assert "No epoch of the table was reached." in said({}, {"b": even["b"]})


def test_what_comes_and_goes_is_told_at_its_best_and_at_the_end():
    table = pd.DataFrame({2: [0.0, 0.03, 0.001], 3: [0.0, 0.01, 0.02]}, index=[0, 256, 1024])
    text = told(CHAPTER, "b5e747a0", {"rows": counting.come_and_go({"a": table})})
    assert "| a | 3.0 % (256) | 0.1 % | 2.0 % (1,024) | 2.0 % |" in text
    assert told(CHAPTER, "b5e747a0", {"rows": counting.come_and_go({})}) == ""
    caption = told(CHAPTER, "explained-by-step-caption", {"peaks": counting.peaks({"a": table})})
    assert (
        "The network of a, at most and at the end: q = 2 3.0 % and 0.1 %; q = 3 2.0 % and"
        in caption
    )
    none = told(CHAPTER, "explained-by-step-caption", {"peaks": counting.peaks({})})
    assert "mean over live neurons. A fall of this mean can be consolidation" in none


def test_active_frequencies_on_the_axes_and_off_them():
    magnitudes, steps = np.ones((3, 7, 7)), np.array([0, 1, 16])
    magnitudes[:, 0, 0] = 0
    magnitudes[:, [1, -1], 0] = 100.0
    for time, cell in ((0, (1, 2)), (1, (1, 2)), (2, (3, 3))):
        magnitudes[time, cell[0], cell[1]] = magnitudes[time, -cell[0], -cell[1]] = 50.0
    dead = np.zeros((1, 7, 7))
    text = told(
        CHAPTER,
        "868b54c8",
        counting.active_sets({"net": (magnitudes, steps), "dead": (dead, np.array([0]))}),
    )
    assert "the last, all 3 active ones of these networks as written are of one digit" in text
    assert "by chance 0.03. :::" in text, "no control"
    assert "| net | 1 of 1 | 1 of 1 | 1 of 1 | 1.00 | 0.09 |" in text
    assert "| dead | 0 of 0 | 0 of 0 | 0 of 0 | none | none |" in text
    assert "| net | 1 | 1 | 0.00 | 0.03 |" in text
    assert "| dead | 0 | 0 | none | none |" in text
    assert "in the network of net, some come back: early and last ones overlap with a" in text
    stays = magnitudes.copy()
    stays[2] = stays[1]
    again = told(CHAPTER, "868b54c8", counting.active_sets({"net": (stays, steps)}))
    assert "most come back: early and last ones overlap with a Jaccard index of 1.00" in again
    nothing = counting.active_sets({"dead": (dead, np.array([0]))})
    assert "come back" not in told(CHAPTER, "868b54c8", nothing)
    off = counting.active_sets({"net": (magnitudes, steps)})._replace(alone=2)
    assert "2 of 3 active ones of these networks as written" in told(CHAPTER, "868b54c8", off)


def test_attention_is_told_head_by_head():
    numbers = {"smaller_share_0": 0.1, "smaller_share_1": 0.4, "smaller_share": 0.25}
    numbers |= {"smaller_share_by_number": 0.05, "attention_periodicity": 0.7}
    rows = facts.attention({"miiii": numbers, "flat": numbers | {"attention_periodicity": np.nan}})
    text = told(CHAPTER, "1d05437b", {"rows": rows})
    assert "| miiii | 0.10, 0.40 | 0.05 | 0.70 |" in text
    assert "| flat | 0.10, 0.40 | 0.05 | none |" in text
    accuracies = {"accuracy": 1.0, "accuracy_constant": 0.5, "accuracy_equal": 0.25}
    idle = {f"{name}_held_out": value for name, value in accuracies.items()}
    text = told(CHAPTER, "fbb3044d", {"rows": facts.idle({"a": idle})})
    assert (
        "the network of a is right on 50.0 % of held-out numbers, left as it is on 100 %." in text
    )
    assert "| a | 100 % | 50.0 % | 25.0 % |" in text
    both = {"rows": facts.idle({"a": idle, "b": idle})}
    text = told(CHAPTER, "attention-caption", both)
    assert text.endswith("before 100 %; b 50.0 % of held-out numbers, before 100 %.")
    alone = told(CHAPTER, "attention-caption", {"rows": facts.idle({"a": idle})})
    assert alone.endswith("at its mean: a 50.0 % of held-out numbers, before 100 %.")


def test_equation_5_is_told_with_its_control():
    def said(cell, own, shuffled):
        held = np.array(own) - 0.1
        tables = {"a": pd.DataFrame({"explained": own, "explained_held_out": held})}
        tables["shuffled labels"] = pd.DataFrame({"explained": shuffled, "explained_labels": 0.6})
        return told(CHAPTER, cell, facts.explained(tables))

    text = said("5b51be26", [0.8, 0.95], [0.01, 0.03])
    assert (
        "explain 80.0 % to 95.0 % of the variance of a task's logits on all numbers, 70.0 %" in text
    )
    assert text.endswith(
        "2.0 %, and with the labels that it was given up to 60.0 %, by memory alone."
    )
    assert said("5b51be26", [0.8], [np.nan]).endswith("70.0 % on those that it never saw.")
    assert "no mechanism to find" in said("5b51be26", [np.nan], [0.1])
    assert "explains 80.0 % to 95.0 %" in said("mechanism-caption", [0.8, 0.95], [0.1])
    assert "do not vary" in said("mechanism-caption", [np.nan], [0.1])


def test_the_mechanism_is_told_as_a_range():
    table = pd.DataFrame({"q": [2, 11], "explained": [0.9, 0.5], "frequencies": [1.0, 1.0]})
    tables = {"a": table, "b": table.assign(explained=np.nan), "c": table.assign(explained=0.01)}
    labels = table.assign(explained_labels=[0.3, 0.5], accuracy=0.8)

    def said(labels):
        rows = {"rows": facts.mechanism(tables), "labels": facts.labels(labels)}
        return told(CHAPTER, "3477c192", rows)

    text = said(labels)
    assert "| a | 0.50 | 0.90 | 0.70 | 20.0 % |" in text
    assert "| b | none | none | none | - |" in text
    assert "| c | 0.01 | 0.01 | 0.01 | - |" in text
    assert "has 0.40 on average and up to 0.50; it knows 80.0 % of the labels of all" in text
    assert "guessing gives 29.5 %" in text
    assert "logits do not vary" in said(labels.assign(explained_labels=np.nan))


def test_look_ups_are_compared_with_random_ones():
    def said(tables):
        return told(CHAPTER, "fc87b7ee", facts.look_ups(tables))

    table = pd.DataFrame({"products": [0.3, 0.1], "products_random": [0.1, 0.2]})
    table = table.assign(tables=0.5, tables_random=0.25)
    text = said({"a": table, "basis": table / 10, "dead": table * np.nan})
    assert "In the network of a products at a task's own frequencies explain more" in text
    assert "for 1 of 2 tasks." in text
    row = "| 10.0 % to 30.0 % | 10.0 % to 20.0 % | 60.0 % to 80.0 % | 35.0 % to 45.0 % |"
    assert f"| a {row}" in text
    assert "| basis | 1.0 % to 3.0 % | 1.0 % to 2.0 % |" in text
    assert "| dead | none | none | none | none |" in text
    assert "for 1 of 1 task." in said({"nanda": table[:1]})


def test_parts_and_the_power_near_the_tasks():
    def said(variance):
        near = {"a": (0.5, 0.1), "b": (0.0, 0.1)}
        return told(CHAPTER, "47825dee", {"near": near, "parts": facts.parts(np.array(variance))})

    text = said([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert "25.0 % of the variance belongs to $x_0$ alone, 25.0 % to $x_1$ alone and 50.0 %" in text
    assert "- a: 50.0 % on 10.0 % of the frequencies. - b: 0 % on 10.0 %" in text
    assert "No neuron varies." in said(np.zeros((3, 2)))


def test_stairs_are_counted():
    shares = np.array([[0.5, 0.02, 0.0], [0.0, 0.0, 0.3]])
    served = {"served": facts.served({"a": shares, "b": np.zeros((2, 0))})}
    text = told(CHAPTER, "c3c65230", served)
    assert "Of 3 live neurons of the network of a, 2 have a task" in text
    assert "and 2 of 2 tasks have such neurons. Controls: b 0 of 0." in text
    one = {"served": facts.served({"a": np.array([[0.5, 0.02]])})}
    assert "and 1 of 1 task has such neurons." in told(CHAPTER, "c3c65230", one)
    text = told(CHAPTER, "stairs-caption", served)
    assert text.endswith("A: 2 of 3 at a tenth or more; b: 0 of 0 at a tenth or more.")


def test_sharing_needs_two_tasks():
    networks = {"networks": facts.networks({"a": run([0.5, 1.0]), "b": run([0.2])})}

    def said(table):
        return told(CHAPTER, "a45fa284", facts.sharing(table, 50)._asdict() | networks)

    table = pd.DataFrame({"num_neurons": [3, 9], "overlap": [0.1, 0.1], "chance": [0.2, 0.2]})
    text = said(table)
    assert "3 to 9 of 50 neurons that are not constant" in text
    assert "0.100 on average; random sets of these sizes would with 0.200" in text
    assert "overlap" not in said(table.assign(overlap=np.nan))
    assert "p = 11, seed 7; accuracy on held-out" in text
    assert "learned from 0.99 on." in text
    assert "| a | 500 | 75.0 % | 1 of 2 |" in text
    assert "| b | 500 | 20.0 % | 0 of 1 |" in text


def test_removal_names_the_tasks_that_break_alone():
    base, random = np.array([1.0, 1.0]), np.ones((2, 2))
    served = {"served": facts.Served("a", 1, 2, 2, 2), "right": 0.95, "learned": True}
    found = facts.removal(Ablations(base, np.array([[0.5, 1.0], [0.9, 0.95]]), random), [2, 3])
    text = told(CHAPTER, "386b77dc", found._asdict() | served)
    assert "it loses 27.5 points of accuracy; the other tasks lose 5.0**, and as many" in text
    assert "random neurons cost 0.0. 1 of the 2 tasks loses ten points or more without its" in text
    none = told(CHAPTER, "386b77dc", found._replace(breaks=[])._asdict() | served)
    assert "None of the 2 tasks loses ten points or more without its own neurons" in none
    both = told(CHAPTER, "386b77dc", found._replace(breaks=[2, 3])._asdict() | served)
    assert "2 of the 2 tasks lose ten points or more without their own neurons while" in both
    text = told(CHAPTER, "removal-caption", found)
    assert text.endswith("27.5 points on the diagonal, 5.0 off it, 0.0 on the diagonal at random.")
    one = facts.removal(Ablations(base[:1], np.array([[0.5]]), random[:1, :1]), [37])
    alone = told(CHAPTER, "386b77dc", one._asdict() | served)
    assert "its neurons costs 50.0 points of accuracy**; as many random ones cost 0.0" in alone
    assert "off it" not in told(CHAPTER, "removal-caption", one)

    def answer(found, solved):
        return told(CHAPTER, "answer", {"removal": found, "solved": solved} | served)

    solved = facts.Explained(0.8, 0.95, (0.7, 0.9), 0.0, 0.6)
    text = answer(found, solved)
    assert "1 of 2 tasks breaks alone without the neurons of half its votes (not q = 3)." in text
    text = answer(found._replace(breaks=[2, 3], stays=[]), solved)
    assert "Each task has neurons of its own: 2 of 2 tasks break alone without the neurons" in text
    assert "has not learned" not in text
    assert "explain 70.0 % to 90.0 % of its logits on numbers that it never saw; whether" in text
    served |= {"right": 0.5, "learned": False}
    text = told(CHAPTER, "386b77dc", found._asdict() | served)
    assert text.startswith("This network has not learned its tasks: it is right on 50.0 % of")
    assert "so it shows beginnings only. There is one task here" in answer(one, solved)
    text = answer(found._replace(breaks=[]), facts.Explained(None, None, None, None, None))
    assert "No task of this network has neurons" in text
    assert "cosines" not in text
