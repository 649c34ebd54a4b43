"""Sentences of chapter 13 hold for networks that learned, that did not, and for one task."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from modlib.analysis.remainders.active_sets import Reuse, Spike
from modlib.analysis.remainders.task_lens import Ablations, Mechanism
from modlib.chapters import transformer_neurons as words
from modlib.config.presets import REMAINDERS_PRESETS


def run(accuracies: list[float], steps: int = 500) -> SimpleNamespace:
    final = pd.DataFrame({"split": "validation", "accuracy": accuracies})
    config = SimpleNamespace(p=11)
    return SimpleNamespace(config=config, seed=7, steps=steps, final=final)


def test_networks_are_told_by_what_they_do_on_numbers_they_never_saw():
    text = words.about_networks({"miiii": run([0.5, 1.0]), "nanda": run([0.2])})
    assert "p = 11, seed 7" in text
    assert "**miiii** (no preset), 500 steps: 75.0 % right, 1 of 2 tasks" in text
    assert "**nanda** (no preset), 500 steps: 20.0 % right, 0 of 1 tasks" in text
    small = SimpleNamespace(**vars(run([1.0])) | {"config": REMAINDERS_PRESETS["B37"]})
    assert "**miiii** (B37), 500 steps" in words.about_networks({"miiii": small})


def test_unfinished_networks_of_the_papers_size_are_named_as_such():
    assert "No network of the paper's own size" in words.about_paper_size({})
    text = words.about_paper_size({"a": (10, 10), "b": (7, 10)})
    assert "a with 10 of 10 steps and b with 7 of 10 steps (unfinished)" in text
    assert words.about_paper_size({"bare": (0, 0)}).endswith("we have bare.")
    assert words.with_steps("a", 10, 10) == "a"
    assert words.with_steps("b", 7000, 10000) == "b (7,000 of 10,000 steps)"


def test_shares_that_do_not_exist_are_called_none():
    text = words.about_few_frequencies({"a": 0.5, "b": np.nan}, {"a": -0.0001})
    assert "a 0.50, b none" in text
    assert "largest over tasks: a 0.000. The mean is low" in text


def test_table_3_marks_epochs_that_were_not_reached():
    table = pd.DataFrame({"paper": [0], "written": [9], "coded": [16], "printed": [8]}, index=[256])
    rows = words.table_3({"miiii": table}).split("\n")
    assert rows[2] == "| the paper | 0 | 0 | 10 | 18 | 10 |"
    assert rows[3].endswith("| 9 | not reached | not reached | not reached | not reached |")
    assert len(rows) == 6


def test_a_spike_is_told_from_none():
    text = words.about_spike({"one": Spike(0, 18, 10, 4096), "two": Spike(9, 9, 9, 5), "x": None})
    assert "18 in between (step 4,096), 10 at the end: it rises and falls" in text
    assert "9 at the end: it does not rise and fall" in text
    assert "x: too few steps" in text


def test_a_threshold_for_all_times_is_told_by_where_the_log_ends():
    table = pd.DataFrame({256: [3, 0], 1024: [pd.NA, 5]}, index=[256, 1024]).astype("Int64")
    text = words.about_threshold({"a": table}, {"a": pd.Series([1, 2]), "b": pd.Series([])})
    assert "| a: log ends at | epoch 256 | epoch 1,024 |" in text
    assert "| 256 | 3 |  |\n| 1,024 | 0 | 5 |" in text
    assert text.endswith("equally strong throughout: a 1, 2.")
    assert "No epoch" in words.about_threshold({}, {})


def test_what_comes_and_goes_is_told_at_its_best_and_at_the_end():
    table = pd.DataFrame({2: [0.0, 0.03, 0.001], 3: [0.0, 0.01, 0.02]}, index=[0, 256, 1024])
    text = words.about_come_and_go({"a": table})
    assert "a: q = 2 at most 3.0 % (step 256), 0.1 % at the end, q = 3 at most 2.0 %" in text


def test_a_run_under_way_is_not_said_to_lack_a_spike():
    text = words.about_spike({"a": Spike(9, 9, 9, 5), "b": Spike(0, 18, 10, 5)}, ["a", "b"])
    assert "has not risen and fallen where its log ends\n- b: 0 near" in text
    assert "it rises and falls" in text


def test_reuse_tells_sets_and_chance():
    text = words.about_reuse({"a": Reuse(0.5, 0.01, 30, 20), "b": Reuse(np.nan, np.nan, 0, 0)})
    assert "30 active frequencies at a sixteenth of the steps, 20 at the end" in text
    assert "Jaccard index 0.50 (random sets as large: 0.010)" in text
    assert "Jaccard index none" in text


def test_active_frequencies_of_one_digit_are_told_from_the_others():
    active = np.zeros((3, 5, 5), dtype=bool)
    active[:, [1, -1], 0] = True
    active[1:, 0, [2, -2]] = True
    active[2, [1, -1], [3, -3]] = True
    text = words.about_one_digit({"net": active, "none": np.zeros((3, 5, 5), dtype=bool)})
    assert "net: 1 of 1, 2 of 2, 2 of 3; 0.33 by chance among the 4 of one digit" in text
    assert "none: 0 of 0, 0 of 0, 0 of 0; none by chance" in text


def test_attention_is_told_head_by_head():
    numbers = {"smaller_share_0": 0.1, "smaller_share_1": 0.4, "smaller_share": 0.25}
    numbers |= {"smaller_share_by_number": 0.05, "attention_periodicity": 0.7}
    text = words.about_attention(
        {"miiii": numbers, "flat": numbers | {"attention_periodicity": np.nan}}
    )
    assert "| miiii | 0.10, 0.40 | 0.05 | 0.70 |" in text
    assert text.endswith("| flat | 0.10, 0.40 | 0.05 | none |")
    idle = {"accuracy": 1.0, "accuracy_constant": 0.5, "accuracy_equal": 0.25}
    assert "100 %, 50.0 % with attention held at its mean, 25.0 %" in words.about_idle({"a": idle})


def test_a_profile_says_how_many_cosines_carry_it():
    flat = Mechanism(0.9, 0.9, np.zeros(5), np.array([2.0, 2.0]))
    none = Mechanism(np.nan, np.nan, np.zeros(5), np.zeros(2))
    text = words.about_profile({"a": flat, "b": none})
    assert "a 0.900, carried by 2.0 of 2 cosines" in text
    assert text.endswith("b none.")
    weak = words.about_profile({"a": flat._replace(explained=0.01)})
    assert weak.endswith("explain: a 0.010.")


def test_the_mechanism_is_told_as_a_range():
    table = pd.DataFrame({"q": [2, 11], "explained": [0.9, 0.5], "frequencies": [1.0, 1.0]})
    text = words.about_mechanism({"a": table, "b": table.assign(explained=np.nan)})
    assert "a from 0.50 to 0.90, mean 0.70; 20.0 % of the cosines carry it for q above 7" in text
    assert "carry" not in words.about_mechanism({"a": table.assign(explained=0.01)})
    assert "b: the logits do not vary" in text
    labels = table.assign(explained_labels=0.4, accuracy=0.8)
    assert "it knows 80.0 % of them, where guessing gives 29.5 %" in words.about_labels(labels)


def test_look_ups_are_compared_with_random_ones():
    table = pd.DataFrame({"products": [0.3, 0.1], "products_random": [0.1, 0.2]})
    table = table.assign(tables=0.5, tables_random=0.25)
    text = words.about_lookups(table)
    assert "explain 10.0 % to 30.0 % of the variance" in text
    assert "more than the random ones for 1 of 2 tasks" in text
    assert "60.0 % to 80.0 % are explained, by random frequencies 35.0 % to 45.0 %" in text
    assert "none are explained" in words.about_lookups(table * np.nan)
    text = words.about_lookups(table, {"basis": table / 10})
    assert text.endswith("other networks: basis 1.0 % to 3.0 % (random 1.0 % to 2.0 %).")
    variance = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert "25.0 % belongs to $x_0$" in words.about_parts(variance)
    assert words.about_parts(np.zeros((3, 2))) == "No neuron varies."
    assert "a 50.0 % on 10.0 % of" in words.about_line({"a": (0.5, 0.1)})


def test_stairs_are_counted():
    shares = np.array([[0.5, 0.02, 0.0], [0.0, 0.0, 0.3]])
    text = words.about_stairs({"a": shares, "b": np.zeros((2, 0))}, [2, 3])
    assert "a 2 of 3 live neurons, for 2 of 2 tasks, at most 0.50" in text
    assert "b 0 of 0 live neurons, for 0 of 2 tasks, at most 0.00" in text


def test_sharing_needs_two_tasks():
    table = pd.DataFrame({"num_neurons": [3, 9], "overlap": [0.1, 0.1], "chance": [0.2, 0.2]})
    text = words.about_sharing(table, 50)
    assert "3 to 9 of 50 live neurons" in text
    assert "0.100 on average; random sets of these sizes would with 0.200" in text
    assert "overlap" not in words.about_sharing(table.assign(overlap=np.nan), 50)


def test_removal_names_the_tasks_that_break_alone():
    base, random = np.array([1.0, 1.0]), np.ones((2, 2))
    own = np.array([[0.5, 1.0], [0.9, 0.95]])
    text = words.about_removal(Ablations(base, own, random), [2, 3])
    assert "costs it 27.5 points" in text
    assert "Task 2 is hit most beyond the others: 50.0 points against 0.0 points" in text
    assert text.endswith("the others do: 2.")
    alone = words.about_removal(Ablations(base[:1], own[:1, :1], random[:1, :1]), [37])
    assert alone.endswith("as many random ones cost 0.0 points.")
