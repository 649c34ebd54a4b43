"""Chapter 01 on every outcome: learned, memorised, untrained, nothing held out, no cluster."""

from __future__ import annotations

import numpy as np

from made_up.addition import history_of, run_of
from made_up.views import ideal_view
from modlib.chapters import training as facts
from modlib.config.addition import AdditionConfig
from told import cells, told

CHAPTER = "01_training"
SPLIT, NETWORK, LOSS, DELAY = "4951d408", "d7466c4c", "38f25fee", "bbdb9695"
FREQUENCIES, RACE, CONTROLS = "b0f3405b", "e4dde39e", "a3fb5e82"
TWICE, STORED = "c7023e91", "bb01a65c"
CAPTIONS = {"split", "curves", "frequencies", "race", "controls"}
SHARED = {"3180c18b"}
"""Cells whose sentences are those of all chapters, tested in test_shared."""


def test_every_cell_that_says_something_is_tested():
    own = {SPLIT, NETWORK, LOSS, DELAY, FREQUENCIES, RACE, CONTROLS, TWICE, STORED}
    captions = {f"{name}-caption" for name in CAPTIONS}
    assert cells(CHAPTER) - SHARED == own | captions | {"answer"}


def test_a_first_epoch_is_none_where_the_value_is_never_reached():
    history = history_of([0.1, 0.99, 0.5], [np.nan] * 3, epochs=[0, 7, 14])
    assert facts.first_epoch(history, "train_accuracy") == 7
    assert facts.first_epoch(history, "test_accuracy") is None


def test_the_split_says_when_an_answer_is_never_shown():
    config = AdditionConfig(n=5, train_pairs=5)
    mask = np.eye(5, dtype=bool)[:, ::-1].copy()  # a + b = 4 five times
    text = told(CHAPTER, SPLIT, facts.split(config, mask))
    assert "20.0 % of the pairs are trained on, 20 held out." in text
    caption = told(CHAPTER, "split-caption", facts.split(config, mask))
    assert caption.endswith("5 of 25 pairs are trained on, 0 to 5 of the 5 of each answer.")
    assert "Four answers occur in no training pair" in text
    one = facts.split(config, mask)._replace(never=1)
    assert "One answer occurs in no training pair" in told(CHAPTER, SPLIT, one)
    everything = AdditionConfig(n=5, train_pairs=25)
    seen = facts.split(everything, np.ones((5, 5), dtype=bool))
    assert "cannot show" in told(CHAPTER, SPLIT, seen)
    assert "nothing held out: all 25 pairs" in told(CHAPTER, "split-caption", seen)


def test_the_network_table_counts_every_parameter():
    config = AdditionConfig(n=11, num_neurons=4, embed_dim=2)
    run = run_of(config, history_of([0.1], [0.1]))
    text = told(CHAPTER, NETWORK, facts.parameters(run))
    assert "| `embed_a.weight` | 11 × 2 | 22 |" in text
    assert "| together | | 119 |" in text  # 22 + 22 + 16 + 4 + 44 + 11


def test_the_parts_of_the_loss_add_up():
    config = AdditionConfig(n=11, num_neurons=4, embed_dim=2, l2=0.5, epochs=1)
    run = run_of(config, history_of([0.1, 1.0], [0.0, 1.0]))
    ones = {"a": np.ones((3, 2), dtype=np.float32)}
    text = told(CHAPTER, LOSS, facts.loss(run, ones))
    assert "| start | 1.9000 | 3.0000 | 4.9000 | 61.2 % |" in text
    assert "most of the loss is the price of the weights" in text
    free = run_of(AdditionConfig(n=11, l2=0.0, epochs=1), history_of([0.1, 1.0], [0.0, 1.0]))
    assert "Without L2" in told(CHAPTER, LOSS, facts.loss(free, ones))
    unlearned = run_of(config, history_of([0.1, 1.0], [0.0, 0.1]))
    assert told(CHAPTER, LOSS, facts.loss(unlearned, ones)).endswith("|")


def delay(train, test, cell=DELAY, **options):
    history = history_of(train, test)
    config = AdditionConfig(n=11, epochs=len(history) - 1, **options)
    return told(CHAPTER, cell, facts.delay(run_of(config, history)))


def test_the_delay_is_told_for_every_outcome():
    learned = delay([0.1, 1.0, 1.0, 1.0], [0.1, 0.2, 0.5, 1.0])
    assert "first right at epoch 1;" in learned
    assert "first right at epoch 3, 3.0 times as late" in learned
    assert "The rule does not come in time: after one epoch" in delay([0.1, 1.0], [0.1, 0.1])
    assert "99 % of the held-out pairs are never right" in delay([0.1, 1.0], [0.1, 0.9])
    assert "never knows 99 % of its training pairs" in delay([0.1, 0.5], [0.1, 0.1])
    assert "not trained" in delay([0.1], [0.1])
    alone = delay([0.1, 1.0], [np.nan, np.nan], train_pairs=121)
    assert "No pair is held out" in alone
    assert "never knows 99 % of its pairs" in delay([0, 0.5], [np.nan, np.nan], train_pairs=121)


def test_the_curves_have_a_caption_for_every_outcome():
    def said(*given, **options):
        return delay(*given, cell="curves-caption", **options)

    learned = said([0.1, 1.0, 1.0, 1.0], [0.1, 0.2, 0.5, 1.0])
    assert learned.endswith("first right at epoch 1, of the held-out pairs at epoch 3.")
    late = said([0.1, 1.0], [0.1, 0.1])
    assert late.endswith("at epoch 1; of the held-out pairs 10.0 % are right at the end.")
    never = said([0.1, 0.5], [0.1, 0.2])
    assert never.endswith("50.0 % of its training pairs and 20.0 % of the held-out pairs.")
    assert "right on 10.0 % of the held-out pairs; chance is 9.1 %." in said([0.1], [0.1])
    alone = said([0.1, 1.0], [np.nan, np.nan], train_pairs=121)
    assert alone == "99 % of all pairs are first right at epoch 1; none is held out."
    weak = said([0, 0.5], [np.nan, np.nan], train_pairs=121)
    assert weak == "The network ends at 50.0 % of its training pairs."
    assert "right on 10.0 % of the pairs" in said([0.1], [np.nan], train_pairs=121)


def test_a_held_out_loss_above_a_guess_is_pointed_out():
    history = history_of([0.1, 1.0, 1.0], [0.1, 0.1, 1.0])
    history.loc[1, "test_loss"] = 9.0
    run = run_of(AdditionConfig(n=11, epochs=2), history)
    assert "surer of wrong answers" in told(CHAPTER, DELAY, facts.delay(run))
    assert "surer of wrong answers" not in delay([0.1, 1.0, 1.0], [0.1, 0.1, 1.0])


def test_speed_counts_steps():
    config = AdditionConfig(n=11, train_pairs=66, epochs=10)
    seen = facts.speed(run_of(config, history_of([0.1, 1.0], [0.0, 1.0])))
    text = told(CHAPTER, STORED, seen, which=1)
    assert "10 epochs of six steps are 60 steps" in text
    assert "**100 seed-steps a second**" in text
    untrained = facts.speed(run_of(config.untrained(), history_of([0.1], [0.1])))
    assert told(CHAPTER, STORED, untrained, which=1) == "No step was made."


def test_latecomers_were_loud_once_and_have_no_cluster():
    share = np.full((3, 46), 0.01)
    share[1, 8], share[2, 9], share[0, 30] = 0.3, 0.4, 0.032
    assert facts.latecomers(share, []) == [9, 8]
    assert facts.latecomers(share, [9]) == [8]
    assert facts.latecomers(np.full((1, 46), 1 / 45), []) == []


def frequency_run(*, accuracies, shares, view=None, n=31):
    epochs = np.arange(len(shares))
    config = AdditionConfig(n=n, epochs=len(shares) - 1)
    if view is not None:
        size = view.num_neurons
        config = AdditionConfig(n=n, epochs=len(shares) - 1, num_neurons=size, embed_dim=size)
    history = history_of(np.ones(len(shares)), accuracies)
    return run_of(config, history, view=view, epochs=epochs, content=np.asarray(shares))


def shares_of(*rows, num_freqs=16):
    table = np.zeros((len(rows), num_freqs))
    for row, shares in zip(table, rows, strict=True):
        row[list(shares)] = list(shares.values())
    return table


def frequencies(run, cell=FREQUENCIES):
    seen = facts.frequencies(run.frequency_epochs, run.frequency_content, run)
    return told(CHAPTER, cell, seen)


def test_when_the_set_stands_is_compared_with_when_the_network_is_right():
    even = dict.fromkeys(range(1, 16), 1 / 15)
    shares = shares_of(even, {3: 0.9, 5: 0.1}, {3: 0.5, 4: 0.5}, {3: 0.5, 4: 0.5})
    text = frequencies(frequency_run(accuracies=[0, 1, 1, 1], shares=shares))
    assert "over 15 equal frequencies of 15, at the end over 2.0" in text
    assert "Two frequencies hold at least 10.0 % of the power at the end: 3 and 4, toge" in text
    assert "since epoch 2" in text
    assert "after the first 100 % on held-out pairs, at epoch 1" in text
    late = frequencies(frequency_run(accuracies=[0, 0, 0, 1], shares=shares))
    assert "not later than" in late
    single = frequencies(frequency_run(accuracies=[0], shares=shares[:1]))
    assert single.endswith("at the end over 15.0.")
    ten = dict.fromkeys(range(1, 11), 0.1)
    many = frequency_run(accuracies=[0, 0], shares=shares_of(ten, ten, num_freqs=51), n=101)
    assert "10 frequencies hold at least 3.0 % of the power at the end, together" in frequencies(
        many
    )
    one = frequencies(frequency_run(accuracies=[0, 0], shares=shares_of(even, {3: 1.0})))
    assert "One frequency holds at least 10.0 % of the power at the end: 3, 100 %. None" in one


def test_with_few_frequencies_an_even_share_is_not_yet_presence():
    even = dict.fromkeys(range(1, 12), 1 / 11)
    shares = shares_of(even, {3: 0.6, 4: 0.4}, {3: 0.6, 4: 0.4}, num_freqs=12)
    text = frequencies(frequency_run(accuracies=[0, 1, 1], shares=shares, n=23))
    assert "Two frequencies hold at least 13.6 % of the power at the end: 3 and 4" in text
    assert "since epoch 1 (thresholds" in text


def test_the_frequencies_have_a_caption_for_every_outcome():
    def said(*rows):
        shares = shares_of(*rows)
        run = frequency_run(accuracies=[0] * len(shares), shares=shares)
        return frequencies(run, "frequencies-caption")

    even = dict.fromkeys(range(1, 16), 1 / 15)
    text = said(even, {3: 0.5, 4: 0.5}, {3: 0.5, 4: 0.5})
    assert "over 15.0 equal frequencies at the start, over 2.0 at the end." in text
    assert text.endswith("The ones with 10.0 % or more at the end are the same since epoch 1.")
    assert said(even, {3: 1.0}).endswith(
        "The one with 10.0 % or more at the end stands alone since epoch 1."
    )
    assert said(even).endswith(
        "measured once: it is spread as if over 15.0 equal frequencies of 15."
    )
    faint = facts.Frequencies(100, 90.0, 80.0, None, kept=[])
    assert told(CHAPTER, "frequencies-caption", faint).endswith("over 80.0 at the end.")


def race(run, cell=RACE):
    return told(CHAPTER, cell, facts.race(run.frequency_epochs, run.frequency_content, run))


def test_the_race_is_told_from_the_first_places():
    view = ideal_view(31, {3: 9, 4: 6})
    rising = {1: 0.5, 2: 0.2, 3: 0.2, 4: 0.1}
    shares = shares_of(rising, {3: 0.6, 4: 0.1, 7: 0.3}, {3: 0.5, 4: 0.5})
    text = race(frequency_run(accuracies=[0, 1, 1], shares=shares, view=view))
    assert "at places 3 and 4 of 15 by power" in text
    assert "nothing was measured in between" in race(
        frequency_run(accuracies=[0], shares=shares[:1], view=view)
    )
    assert "no race" in race(frequency_run(accuracies=[0, 0, 0], shares=shares))


def test_the_race_has_a_caption_for_every_outcome():
    view = ideal_view(31, {3: 9, 4: 6})
    shares = shares_of({1: 0.5, 3: 0.5}, {3: 0.6, 4: 0.1, 7: 0.3}, {3: 0.5, 4: 0.5})

    def said(accuracies, rows=shares, of=view):
        run = frequency_run(accuracies=accuracies, shares=rows, view=of)
        return race(run, "race-caption")

    text = said([0, 1, 1])
    assert text.startswith(
        "At epoch 1, the last measured by the time held-out pairs are known, 30.0 %"
    )
    gains = "f = 4 gains most from there on: 10.0 % to 50.0 %"
    assert text.endswith(f"{gains}, mostly at the cost of f = 7: 30.0 % to 0 %.")
    spread = shares_of({3: 1.0}, {3: 0.5, 4: 0.1, 5: 0.2, 6: 0.1, 7: 0.1}, {3: 0.5, 4: 0.5})
    assert said([0, 1, 1], spread).endswith(f"{gains}, mostly at the cost of f = 5: 20.0 % to 0 %.")
    falling = shares_of({3: 1.0}, {3: 0.5, 4: 0.5}, {3: 0.4, 4: 0.4, 7: 0.2})
    assert "gains" not in said([0, 1, 1], falling)
    assert "gains" not in said([0, 0, 1])
    assert "began at places 2 and 4 of 15 by power." in said([0, 0, 0])
    assert said([0], shares[:1]) == "One measurement of the frequencies with a cluster: 3 and 4."
    none = "No frequency has a cluster at the end; "
    assert said([0, 0, 0], of=None) == none + "grey are those that stood out at some epoch."
    even = shares_of(*[dict.fromkeys(range(1, 16), 1 / 15)] * 2)
    assert said([0, 0], even, of=None) == none + "none stood out at any epoch."


def answer(train, test, shares=None, **options):
    history = history_of(train, test)
    run = run_of(AdditionConfig(n=11, epochs=len(history) - 1, **options), history)
    seen = facts.Frequencies(5, 4.8, 1.2, None, kept=[3], since=40)
    return told(CHAPTER, "answer", {"delay": facts.delay(run), "inside": shares or seen})


def test_the_answer_holds_for_every_outcome():
    text = answer([0.1, 1.0, 1.0, 1.0], [0.1, 0.2, 0.5, 1.0])
    assert "99 % of them are right at epoch 1, and 20.0 % of the others. The rule comes at" in text
    assert "comes at epoch 3, with 99 % of the pairs it never saw." in text
    assert "frequencies goes from 4.8 to 1.2, and from epoch 40 on the loudest are those of" in text
    assert "The rule does not come: 10.0 % of the pairs" in answer([0.1, 1.0], [0.1, 0.1])
    never = answer([0.1, 0.5], [0.1, 0.2])
    assert "ends at 50.0 % of its training pairs and 20.0 % of the others." in never
    once = facts.Frequencies(5, 4.8, 4.8, None)
    untrained = answer([0.1], [0.1], once)
    assert "this network was not trained." in untrained
    assert "Inside" not in untrained
    assert "epoch 1. Inside" in answer([0.1, 1.0], [np.nan, np.nan], train_pairs=121)
    faint = facts.Frequencies(100, 90.0, 80.0, None, kept=[])
    assert "goes from 90.0 to 80.0. :::" in answer([0.1, 1.0], [0.1, 0.1], faint)


def test_controls_are_told_with_and_without_held_out_pairs():
    config = AdditionConfig(n=11, epochs=1)
    known = run_of(config, history_of([0.1, 1.0], [0.0, 0.25]))
    alone = run_of(
        AdditionConfig(n=11, train_pairs=121, epochs=1), history_of([0.1, 1.0], [np.nan] * 2)
    )
    text = told(CHAPTER, CONTROLS, facts.controls({"memorised": known, "all": alone}))
    assert "*memorised*: 100 % of its 77 training pairs and 25.0 % of the others" in text
    assert "*all*: 100 % of its 121 training pairs; its power" in text
    assert text.endswith(
        "Chance is 9.1 %. The memorising network is no failure of training: it fits what it was "
        "shown."
    )
    weak = run_of(config, history_of([0.1, 0.5], [0.0, 0.25]))
    text = told(CHAPTER, CONTROLS, facts.controls({"memorised": weak}))
    assert text.endswith("it was shown, so here it is a control in part only.")
    text = told(CHAPTER, "controls-caption", facts.controls({"trained": known, "all": alone}))
    assert text.startswith("Trained: 25.0 % of the held-out pairs right at the end, with power as")
    assert "All: 100 % of all pairs right at the end" in text


def test_two_trainings_of_a_seed_are_compared_bit_by_bit():
    config = AdditionConfig(n=11, train_pairs=60)
    first = {"a": np.ones(3), "b": np.zeros(2)}
    alike = facts.twice(first, dict(first), 0.5, config)
    assert "all 5 numbers agree" in told(CHAPTER, TWICE, alike)
    other = first | {"b": np.array([0.0, 1e-9])}
    unlike = facts.twice(first, other, 0.5, config)
    assert "one array of 2 differs: this device" in told(CHAPTER, TWICE, unlike)


def test_the_files_of_a_run_are_listed_without_the_folder_of_the_user():
    run = run_of(AdditionConfig(n=11), history_of([0.1], [0.1]))
    run.manifest["files"]["more.json"] = {"bytes": 1000}
    text = told(CHAPTER, STORED, facts.files(run))
    assert f"In `addition/{run.config.key()}/seed-000003/`:" in text
    assert "| `metrics.parquet` | 567 | one row of epoch," in text
    assert "at 6 frequencies at one epoch | | `metrics" in text
    assert "| `more.json` | 1,000 | |" in text


def test_the_memorising_control_is_trained_until_it_memorises():
    assert AdditionConfig(n=11, epochs=3).memorising().epochs == 100
    assert AdditionConfig(n=11, epochs=3, batch="full").memorising().epochs == 1000
    assert AdditionConfig(n=11).memorising() == AdditionConfig(
        n=11, l2=0.0, train_pairs=38, epochs=100
    )
