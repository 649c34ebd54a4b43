"""Chapter 13 on networks that learned, that did not, for one task, and on logs that end early."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from modlib.analysis.remainders.active_sets import Spike
from modlib.analysis.remainders.task_lens import Ablations, Mechanism
from modlib.chapters import transformer_neurons as facts
from modlib.config.presets import REMAINDERS_PRESETS
from told import cells, told

CHAPTER = "13_transformer_neurons"


def run(accuracies: list[float], steps: int = 500) -> SimpleNamespace:
    final = pd.DataFrame({"split": "validation", "accuracy": accuracies})
    config = SimpleNamespace(p=11)
    return SimpleNamespace(config=config, seed=7, steps=steps, final=final)


def test_every_cell_that_says_something_is_tested():
    counts = {"f8b4bd23", "79d34d6e", "37ec8aaa", "06ca20e0", "295abe86", "b5e747a0", "868b54c8"}
    attention = {"1d05437b", "fbb3044d"}
    mechanism = {"5b51be26", "3477c192", "fc87b7ee", "47825dee"}
    neurons = {"c3c65230", "stairs-paper-words", "a45fa284", "386b77dc"}
    assert cells(CHAPTER) == counts | attention | mechanism | neurons


def test_networks_are_told_by_what_they_do_on_numbers_they_never_saw():
    text = told(CHAPTER, "f8b4bd23", facts.networks({"a": run([0.5, 1.0]), "b": run([0.2])}))
    assert "p = 11, seed 7; accuracy on held-out" in text
    assert "learned from 0.9 on." in text
    assert "| a | - | 500 | 75.0 % | 1 of 2 |" in text
    assert "| b | - | 500 | 20.0 % | 0 of 1 |" in text
    small = SimpleNamespace(**vars(run([1.0], 0)) | {"config": REMAINDERS_PRESETS["B37"]})
    text = told(CHAPTER, "f8b4bd23", facts.networks({"miiii": small}))
    assert "| miiii | B37 | 0 | 100 % | 1 of 1 |" in text


def test_unfinished_networks_of_the_papers_size_are_named_as_such():
    found = {"found": [("a", 10), ("b", 7)], "missing": ["c"], "planned": 10}
    text = told(CHAPTER, "f8b4bd23", found, which=1)
    assert "we have a (10 steps) and b (7 of 10 steps); not committed: c." in text
    none = {"found": [], "missing": [], "planned": 10}
    assert "No network of the paper's own size" in told(CHAPTER, "f8b4bd23", none, which=1)
    assert facts.with_steps("a", 10, 10) == "a"
    assert facts.with_steps("b", 7000, 10000) == "b (7,000 of 10,000 steps)"


def test_shares_that_do_not_exist_are_called_none():
    rows = facts.few_frequencies({"a": 0.5, "b": np.nan}, {"a": -0.0001, "b": np.nan})
    text = told(CHAPTER, "79d34d6e", {"rows": rows})
    assert "| a | 0.50 | 0.000 |" in text
    assert "| b | none | none |" in text


def test_a_spike_is_told_from_none():
    found = {"one": Spike(0, 18, 10, 4096), "two": Spike(9, 9, 9, 5), "short": None}
    text = told(CHAPTER, "37ec8aaa", {"rows": facts.spikes(found, ["two"])})
    assert "| one | 0 | 18 | 4,096 | 10 | yes |" in text
    assert "| two | 9 | 9 | 5 | 9 | not yet |" in text
    assert "| short | too few steps | | | | - |" in text
    assert "| two | 9 | 9 | 5 | 9 | no |" in told(
        CHAPTER, "37ec8aaa", {"rows": facts.spikes(found, ["one"])}
    )


def test_table_3_says_which_count_is_whose():
    table = pd.DataFrame({"paper": [0], "written": [9], "coded": [16], "printed": [8]}, index=[256])
    off = facts.off_axes(np.array([0, 256]), np.ones((2, 5, 5)))
    program = pd.DataFrame({"least": [3], "most": [8]}, index=[256])
    seeds = facts.seeds_as_coded(pd.DataFrame({"coded_256": [16, np.nan, 20], "steps": 300}))
    none = facts.seeds_as_coded(pd.DataFrame({"steps": [300]}))
    assert len(none) == 0
    found = {
        "one": facts.Counts(table, off, None, none),
        "two": facts.Counts(table, off, program, seeds),
    }
    text = told(CHAPTER, "06ca20e0", facts.table_3(found))
    missing = " | not reached" * 4
    assert "| the paper | 0 | 0 | 10 | 18 | 10 |" in text
    assert f"| one, as written | 9{missing} |" in text
    assert f"| one, off the axes | 0{missing} |" in text
    assert f"| one, as coded, by our reading | 16{missing} |" in text
    assert f"| one, the same, printed | 8{missing} |" in text
    assert f"| two, as coded, by the program | 16{missing} |" in text
    assert f"| two, printed, of five neurons | 3 to 8{missing} |" in text
    assert f"| two, as coded, 2 seeds | 16 to 20{missing} |" in text
    assert text.endswith("The log of one holds our reading of the program only.")
    short = facts.Counts(table[:0], off[:0], None, none)
    text = told(CHAPTER, "06ca20e0", facts.table_3({"short": short}))
    assert f"| short, as written | not reached{missing} |" in text
    text = told(CHAPTER, "06ca20e0", facts.table_3({}))
    assert "reading" not in text


def test_a_threshold_for_all_times_is_told_by_where_the_log_ends():
    def said(cut, even):
        both = {"tables": facts.if_ended(cut), "even": facts.at_equal_size(even)}
        return told(CHAPTER, "295abe86", both)

    table = pd.DataFrame({256: [3, 0], 1024: [pd.NA, 5]}, index=[256, 1024]).astype("Int64")
    even = {"a": pd.Series([1, 2], index=[256, 1024]), "b": pd.Series([], dtype=int)}
    text = said({"a": table, "short": table[:0]}, even)
    assert "| a: log ends at | epoch 256 | epoch 1,024 |" in text
    assert "| 256 | 3 | | | 1,024 | 0 | 5 |" in text
    assert "| a | 1 | 2 | | | |" in text
    assert "| b |" not in text
    assert said({}, {"b": even["b"]}) == "No epoch of the table was reached."


def test_what_comes_and_goes_is_told_at_its_best_and_at_the_end():
    table = pd.DataFrame({2: [0.0, 0.03, 0.001], 3: [0.0, 0.01, 0.02]}, index=[0, 256, 1024])
    text = told(CHAPTER, "b5e747a0", {"rows": facts.come_and_go({"a": table})})
    assert "| a | 3.0 % (256) | 0.1 % | 2.0 % (1,024) | 2.0 % |" in text
    assert told(CHAPTER, "b5e747a0", {"rows": facts.come_and_go({})}) == ""


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
        facts.active_sets({"net": (magnitudes, steps), "dead": (dead, np.array([0]))}),
    )
    assert "all 3 active frequencies" in text
    assert "| net | 1 of 1 | 1 of 1 | 1 of 1 | 1.00 | 0.09 |" in text
    assert "| dead | 0 of 0 | 0 of 0 | 0 of 0 | none | none |" in text
    assert "| net | 1 | 1 | 0.00 | 0.03 |" in text
    assert "| dead | 0 | 0 | none | none |" in text
    off = facts.active_sets({"net": (magnitudes, steps)})._replace(alone=2)
    assert "2 of 3 active frequencies" in told(CHAPTER, "868b54c8", off)


def test_attention_is_told_head_by_head():
    numbers = {"smaller_share_0": 0.1, "smaller_share_1": 0.4, "smaller_share": 0.25}
    numbers |= {"smaller_share_by_number": 0.05, "attention_periodicity": 0.7}
    rows = facts.attention({"miiii": numbers, "flat": numbers | {"attention_periodicity": np.nan}})
    text = told(CHAPTER, "1d05437b", {"rows": rows})
    assert "| miiii | 0.10, 0.40 | 0.05 | 0.70 |" in text
    assert text.endswith("| flat | 0.10, 0.40 | 0.05 | none |")
    accuracies = {"accuracy": 1.0, "accuracy_constant": 0.5, "accuracy_equal": 0.25}
    idle = {f"{name}_held_out": value for name, value in accuracies.items()}
    text = told(CHAPTER, "fbb3044d", {"rows": facts.idle({"a": idle})})
    assert text.endswith("| a | 100 % | 50.0 % | 25.0 % |")


def test_a_profile_says_how_many_cosines_carry_it():
    def said(found):
        return told(CHAPTER, "5b51be26", {"found": facts.profiles(found)})

    flat = Mechanism(0.9, 0.9, np.zeros(5), np.array([2.0, 2.0]))
    none = Mechanism(np.nan, np.nan, np.zeros(5), np.zeros(2))
    text = said({"a": flat, "b": none})
    assert "explain: a 0.900, carried by 2.0 of 2 cosines; b none." in text
    assert said({"a": flat._replace(explained=0.01)}).endswith("explain: a 0.010.")


def test_the_mechanism_is_told_as_a_range():
    table = pd.DataFrame({"q": [2, 11], "explained": [0.9, 0.5], "frequencies": [1.0, 1.0]})
    tables = {"a": table, "b": table.assign(explained=np.nan), "c": table.assign(explained=0.01)}
    text = told(CHAPTER, "3477c192", {"rows": facts.mechanism(tables)})
    assert "| a | 0.50 | 0.90 | 0.70 | 20.0 % |" in text
    assert "| b | none | none | none | - |" in text
    assert "| c | 0.01 | 0.01 | 0.01 | - |" in text
    labels = table.assign(explained_labels=[0.3, 0.5], accuracy=0.8)
    text = told(CHAPTER, "3477c192", facts.labels(labels), which=1)
    assert "has 0.40 on average and up to 0.50; it knows 80.0 % of them" in text
    assert "guessing gives 29.5 %" in text
    still = facts.labels(labels.assign(explained_labels=np.nan))
    assert "logits do not vary" in told(CHAPTER, "3477c192", still, which=1)


def test_look_ups_are_compared_with_random_ones():
    def said(tables):
        return told(CHAPTER, "fc87b7ee", facts.look_ups(tables))

    table = pd.DataFrame({"products": [0.3, 0.1], "products_random": [0.1, 0.2]})
    table = table.assign(tables=0.5, tables_random=0.25)
    text = said({"a": table, "basis": table / 10, "dead": table * np.nan})
    assert "In a products at the task's own frequencies explain more than at random ones for 1 of 2"
    assert "for 1 of 2 tasks." in text
    row = "| 10.0 % to 30.0 % | 10.0 % to 20.0 % | 60.0 % to 80.0 % | 35.0 % to 45.0 % |"
    assert f"| a {row}" in text
    assert "| basis | 1.0 % to 3.0 % | 1.0 % to 2.0 % |" in text
    assert "| dead | none | none | none | none |" in text
    assert "for 1 of 1 task." in said({"nanda": table[:1]})


def test_parts_and_the_power_near_the_tasks():
    def parts(variance):
        return told(CHAPTER, "fc87b7ee", facts.parts(np.array(variance)), which=1)

    text = parts([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert "25.0 % belongs to $x_0$ alone, 25.0 % to $x_1$ alone and 50.0 % to both" in text
    assert parts(np.zeros((3, 2))) == "No neuron varies."
    text = told(CHAPTER, "47825dee", {"near": {"a": (0.5, 0.1), "b": (0.0, 0.1)}})
    assert text.endswith("50.0 % on 10.0 % of the frequencies; b 0 % on 10.0 % of the frequencies.")


def test_stairs_are_counted():
    shares = np.array([[0.5, 0.02, 0.0], [0.0, 0.0, 0.3]])
    rows = facts.stairs({"a": shares, "b": np.zeros((2, 0))}, [2, 3])
    for cell in ("c3c65230", "stairs-paper-words"):
        text = told(CHAPTER, cell, {"rows": rows})
        assert "| a | 2 of 3 | 2 of 2 | 0.50 | | b | 0 of 0 | 0 of 2 | 0.00 |" in text
        assert told(CHAPTER, cell, {"rows": facts.stairs({}, [2, 3])}) == ""


def test_sharing_needs_two_tasks():
    table = pd.DataFrame({"num_neurons": [3, 9], "overlap": [0.1, 0.1], "chance": [0.2, 0.2]})
    text = told(CHAPTER, "a45fa284", facts.sharing(table, 50))
    assert "3 to 9 of 50 live neurons" in text
    assert "0.100 on average; random sets of these sizes would with 0.200" in text
    alone = told(CHAPTER, "a45fa284", facts.sharing(table.assign(overlap=np.nan), 50))
    assert alone.endswith("live neurons.")


def test_removal_names_the_tasks_that_break_alone():
    base, random = np.array([1.0, 1.0]), np.ones((2, 2))
    own = np.array([[0.5, 1.0], [0.9, 0.95]])
    text = told(CHAPTER, "386b77dc", facts.removal(Ablations(base, own, random), [2, 3]))
    assert "costs it 27.5 points of accuracy on average; as many random ones cost 0.0" in text
    assert "the other tasks lose 5.0 points. Task 2 is hit most beyond the others: 50.0" in text
    assert "50.0 points against 0.0." in text
    assert text.endswith("the others do: 2.")
    one = Ablations(base[:1], own[:1, :1], random[:1, :1])
    alone = told(CHAPTER, "386b77dc", facts.removal(one, [37]))
    assert alone.endswith("as many random ones cost 0.0 points.")
