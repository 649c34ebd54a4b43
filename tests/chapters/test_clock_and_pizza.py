"""Chapter 06 on a pizza, a clock, and networks that are neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view
from modlib.analysis.meso.clock_pizza import Formulas, explained_by_formulas
from modlib.analysis.meso.clock_pizza_circle import Pair, near_and_facing
from modlib.analysis.meso.clock_pizza_lens import (
    KEPT,
    circle_maps,
    circle_table,
    cluster_by_pairs,
    lens_clusters,
    shift_table,
)
from modlib.analysis.micro.harmonics import Portrait, portrait
from modlib.chapters import clock_and_pizza as facts
from modlib.chapters.words import listed
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.models.clock_pizza import initial_weights
from modlib.models.foreign.load import from_arrays
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.neuron_view import NeuronView
from modlib.results.shown import clock_pizza_circles
from modlib.runs.clock_pizza import as_network
from told import cells, told

CHAPTER = "06_clock_and_pizza"
NETWORK, NEURONS, SHIFTS, REMAPPED = "3f70f9d9", "31274b4d", "58a61a39", "33a70805"
VOTES, MAPS, CIRCLES, HANDS, ANSWER = "585cf565", "b224b562", "c7f69296", "hands-said", "answer"
MANY = "many-said"
RATES, RATE_TABLE, LENS = "0ee5ba4a", "b5dd420b", "a81a69ed"
CAPTIONS = (
    *(
        "hands",
        "a17",
        "shifts",
        "a18",
        "mean-votes",
        "right-answers",
        "circles",
        "many",
        "rates",
        "lens",
    ),
)
N = 11


def about_network(network: ForeignNetwork, clusters: pd.DataFrame) -> str:
    return told(CHAPTER, NETWORK, facts.network(network, clusters))


def about_neurons(portraits: list[Portrait]) -> str:
    return told(CHAPTER, NEURONS, {"neurons": facts.peaks(portraits)})


def about_doubles(portraits: list[Portrait], n: int) -> str:
    return told(CHAPTER, NEURONS, facts.doubles(facts.peaks(portraits), n), which=1)


def about_shifts(shifts: pd.DataFrame, clusters: pd.DataFrame) -> str:
    return told(CHAPTER, SHIFTS, {"profiles": facts.shifts(shifts, clusters)})


def about_many(shifts: pd.DataFrame, clusters: pd.DataFrame) -> str:
    return told(CHAPTER, SHIFTS, facts.shifts_of_many(shifts, clusters), which=1)


def about_remapped(networks: pd.DataFrame) -> str:
    return told(CHAPTER, REMAPPED, {"theirs": facts.remapped(networks)})


def about_votes(clusters: pd.DataFrame) -> str:
    return told(CHAPTER, VOTES, facts.votes(clusters))


def about_pair(cell: str, pair: Pair, maps: dict[str, np.ndarray]) -> str:
    return told(CHAPTER, cell, facts.pair(pair, maps))


def the_answer(accuracy: float, table: pd.DataFrame, clusters: pd.DataFrame) -> str:
    """The answer box without its frame."""
    about = facts.circles(table, Formulas(0.96, 0.8))
    text = told(CHAPTER, ANSWER, facts.answer(accuracy, table, about, facts.votes(clusters)))
    assert text.startswith(":::{admonition} The answer :class: tip ")
    assert text.endswith(" :::")
    return text[len(":::{admonition} The answer :class: tip ") : -4]


def about_circles(table: pd.DataFrame, logits: Formulas) -> str:
    return told(CHAPTER, CIRCLES, facts.circles(table, logits))


def about_circles_of_many(**kinds: pd.DataFrame) -> str:
    found = {kind: facts.circles_of_many(table) for kind, table in kinds.items()}
    return told(CHAPTER, MANY, {"kinds": found})


def about_rates(ours: pd.DataFrame) -> str:
    return told(CHAPTER, RATES, facts.rates(ours))


def about_lens(ours: pd.DataFrame, control: pd.DataFrame) -> str:
    return told(CHAPTER, LENS, {"seen": facts.lens(ours, control)})


def rate_table(ours: pd.DataFrame, published: pd.DataFrame) -> str:
    return told(CHAPTER, RATE_TABLE, {"rows": facts.rate_table(ours, published)})


def arrays_of(view: NeuronView) -> ForeignNetwork:
    return from_arrays(view.preact_a, view.preact_b, view.w_out, view.b_in, view.b_out)


def untrained(rate: float, num_neurons: int = 16) -> ForeignNetwork:
    config = ClockPizzaConfig(
        n=N, embed_dim=8, heads=2, num_neurons=num_neurons, attention_rate=rate, steps=0
    )
    return as_network(initial_weights(config, 3), config, "chance")


ADDS = arrays_of(ideal_view(N, {2: 24, 3: 12}))
NOT_YET, LEARNED_ATTENTION = untrained(0.0), untrained(1.0)
NO_CLUSTER = untrained(0.0, num_neurons=2)
NETWORKS = {
    "adds": ADDS,
    "untrained": NOT_YET,
    "learned attention": LEARNED_ATTENTION,
    "no cluster": NO_CLUSTER,
}


def found_in(network: ForeignNetwork) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of a network's clusters and of their shifts."""
    clusters = cluster_by_pairs(network.pairs, network.view).clusters
    shifts = shift_table(network.view, clusters if network.exact else [])
    return lens_clusters(network.pairs, clusters), shifts


def clusters_of(network: ForeignNetwork) -> pd.DataFrame:
    return found_in(network)[0]


def waves(second: dict[int, int], size: float = 0.1) -> NeuronView:
    """A neuron a frequency, with a small wave at another frequency beside it."""
    k = np.arange(N)
    preact = np.stack(
        [
            np.cos(2 * np.pi * freq * k / N) + size * np.cos(2 * np.pi * other * k / N)
            for freq, other in second.items()
        ],
        axis=1,
    )
    tables = dict.fromkeys(("preact_a", "preact_b"), preact)
    tables |= dict.fromkeys(("skip_a", "skip_b"), np.zeros((N, N)))
    return NeuronView(n=N, b_in=np.zeros(len(second)), w_out=preact.T, b_out=np.zeros(N), **tables)


def portraits_of(second: dict[int, int]) -> list:
    view = waves(second)
    return [portrait(view, neuron, freq) for neuron, freq in enumerate(second)]


def test_every_cell_that_says_something_is_tested():
    network = {NETWORK, HANDS, MAPS, CIRCLES, ANSWER}
    assert cells(CHAPTER) == network | {
        *(NEURONS, SHIFTS, REMAPPED, VOTES, MANY, RATES, RATE_TABLE, LENS),
        *(f"{name}-caption" for name in CAPTIONS),
    }


# The network and its neurons


def test_a_network_that_adds_is_introduced_with_its_clusters():
    assert about_network(ADDS, clusters_of(ADDS)) == (
        "**arrays**: n = 11, right on 100 % of all pairs. "
        "Clusters: 24 neurons at f = 2 and 12 neurons at f = 3."
    )


def test_a_network_that_does_not_add_is_said_not_to():
    text = about_network(NOT_YET, clusters_of(NOT_YET))
    assert text.startswith("**chance**: n = 11, attention rate 0, right on ")
    assert "It does not solve the task" in text
    text = about_network(LEARNED_ATTENTION, clusters_of(LEARNED_ATTENTION))
    assert "attention rate 1" in text
    assert text.endswith(LEARNED_ATTENTION.notes[-1])
    assert "no sums of a part of a and a part of b" in text


def test_a_network_without_clusters_is_introduced():
    text = about_network(NO_CLUSTER, clusters_of(NO_CLUSTER))
    assert "Clusters: none." in text


def test_each_shown_neuron_is_told_with_its_two_frequencies():
    text = about_neurons(portraits_of({2: 4, 3: 1}))
    assert "neuron 0 holds 99.0 % of its power at f = 2 and 1.0 % at 4" in text
    assert text.endswith("neuron 1 holds 99.0 % of its power at f = 3 and 1.0 % at 1.")
    assert "no neuron" in about_neurons([])


def test_the_second_frequency_is_told_with_its_own_share_of_a_larger_rest():
    k, view = np.arange(N), waves({3: 1})
    rest = sum(0.09 * np.cos(2 * np.pi * freq * k / N) for freq in (2, 4, 5))[:, None]
    noisy = replace(view, preact_a=view.preact_a + rest, preact_b=view.preact_b + rest)
    text = about_neurons([portrait(noisy, 0, 3)])
    assert text.endswith("neuron 0 holds 96.7 % of its power at f = 3 and 1.0 % at 1.")


def test_the_double_frequency_is_counted_modulo_n():
    text = about_doubles(portraits_of({2: 4, 4: 3, 3: 1}), N)
    assert text.startswith(
        "In 2 of the 3 the second peak stands at *twice* the first frequency (2f and 11 - 2f are "
        "one frequency of a real signal)."
    )
    assert about_doubles(portraits_of({3: 1}), N) == ""
    assert about_doubles([], N) == ""


def test_a_trace_of_another_frequency_is_no_second_peak():
    view = waves({2: 4}, size=0.005)
    shown = [portrait(view, 0, 2)]
    assert about_neurons(shown).endswith("of its power at f = 2.")
    assert about_doubles(shown, N) == ""


def test_n_of_three_has_no_second_frequency():
    shown = [portrait(ideal_view(3, {1: 3}), 0, 1)]
    text = about_neurons(shown)
    assert text == "*Seen here*: neuron 0 holds 100 % of its power at f = 1."
    assert about_doubles(shown, 3) == ""


def test_step_and_rounded_period_are_ranked_among_all_shifts():
    clusters, shifts = found_in(ADDS)
    text = about_shifts(shifts, clusters)
    assert text.count("at f = ") == 2
    assert "at f = 2 a shift of d = 5 is stronger than 100 % of the others" in text
    assert ", one of 6 (n/f = 5.50, rounded) is stronger than 100 % of the others; " in text
    assert "4 (n/f = 3.67, rounded) is stronger than 100 % of the others" in text
    planted = pd.DataFrame({"freq": 3, "shift": range(N), "strength": 1.0})
    planted.loc[[4, 7], "strength"] = 0.0
    planted.loc[[2, 9], "strength"] = 2.0
    text = about_shifts(planted, clusters[clusters.freq == 3].assign(period=2.4))
    assert "a shift of d = 4 is stronger than 0 % of the others" in text
    assert "one of 2 (n/f = 2.40, rounded) is stronger than 100 %" in text


def test_a_step_that_is_the_rounded_period_is_told_once():
    clusters, shifts = found_in(ADDS)
    text = about_shifts(shifts, clusters[clusters.freq == 3])
    assert text.count("is stronger than") == 1
    assert "4 (n/f = 3.67, rounded)" in text


def test_shifts_that_change_nothing_are_not_among_the_others():
    """At f = 3 of n = 15 every fifth shift changes nothing, and neurons are strongest there."""
    clusters = pd.DataFrame({"freq": [3], "step": [1], "period": [5.0]})
    strength = np.where(np.arange(15) % 5, 0.0, 9.0)
    strength[np.isin(np.arange(15) % 5, [1, 4])] = 1.0
    shifts = pd.DataFrame({"freq": 3, "shift": range(15), "strength": strength})
    text = about_shifts(shifts, clusters)
    assert text == "*Seen here*: at f = 3 a shift of d = 1 is stronger than 100 % of the others."


def test_where_no_other_shift_is_left_all_are_alike():
    """At n = 4 a neuron of f = 2 has d = 1, 3 the other way, and 2 changes nothing."""
    clusters = pd.DataFrame({"freq": [2], "step": [1], "period": [2.0]})
    shifts = pd.DataFrame({"freq": 2, "shift": range(4), "strength": [1.0, -1.0, 1.0, -1.0]})
    one_left = about_shifts(shifts, clusters.assign(period=1.0))
    assert one_left == "*Seen here*: there is no other shift to compare with."


def test_a_cluster_at_frequency_one_has_a_step_and_a_period_of_no_shift_at_all():
    network = arrays_of(ideal_view(N, {1: 12, 3: 12}))
    clusters, shifts = found_in(network)
    parts = about_shifts(shifts, clusters).split("; ")
    (first,) = [part for part in parts if "at f = 1 " in part]
    assert first.endswith("at f = 1 a shift of d = 1 is stronger than 100 % of the others")
    assert "rounded" not in first
    (third,) = [part for part in parts if "at f = 3 " in part]
    assert "4 (n/f = 3.67, rounded)" in third


def test_without_clusters_no_shift_is_compared():
    clusters, shifts = found_in(NO_CLUSTER)
    text = about_shifts(shifts, clusters)
    assert text == "*Seen here*: there is no other shift to compare with."
    assert about_many(shifts.assign(seed=1), clusters.assign(seed=1)) == ""


def test_step_and_period_are_counted_over_networks():
    """At f = 2 of n = 11 the step is 5 and the rounded period 6, which is -5: alike. At f = 3 it
    is planted to be another."""
    clusters = pd.DataFrame(
        {"freq": 3, "step": 4, "period": [3.67, 2.2, 2.2, 2.2], "seed": [1, 1, 2, 3]}
    )
    shifts = pd.concat(
        [
            pd.DataFrame({"freq": 3, "seed": seed, "shift": range(N), "strength": 0.0})
            for seed in (1, 2, 3)
        ],
        ignore_index=True,
    )

    def strong(seed, at, strength):
        rows = (shifts.seed == seed) & shifts["shift"].isin(at)
        shifts.loc[rows, "strength"] = strength

    strong(1, [4, 7], 2.0)
    strong(2, [4, 7], 1.0)
    strong(2, [3, 8], 2.0)
    strong(3, [2, 9], 2.0)
    assert facts.shifts_of_many(shifts, clusters) == (3, 4, 3, 2, 1)
    assert about_many(shifts, clusters) == (
        "How often? In three networks trained here the two are different shifts for 3 of four "
        "clusters: the step is the stronger of them two times, and stronger than every other shift "
        "one time. These neurons are no pure cosines, and what they hear besides can decide."
    )


def test_remapped_neurons_are_compared_with_simple_ones():
    networks = pd.DataFrame({"median_residual": [0.15], "share_simple": [0.5]})
    text = about_remapped(networks)
    assert "over all live neurons of this pizza the median residual of one cosine is 0.150" in text
    assert "50.0 % lie below 0.12" in text
    assert about_remapped(networks[:0]) == ""


# Votes and circles


def test_votes_are_told_by_their_range_over_clusters():
    clusters = clusters_of(ADDS).assign(explained=[0.91, 0.98], coset_overlap=[0.5, 1.0])
    text = about_votes(clusters)
    assert text == (
        "*Seen here*, over all pairs and not their average: one cosine explains 0.910 or more of "
        "each cluster's votes, and the answers with half of a pair's highest vote or more overlap "
        "with a + b plus the approximate coset by 0.50 to 1.00 (1: the same set)."
    )
    text = about_votes(clusters.assign(coset_overlap=0.75))
    assert "by 0.75 (1: the same set)" in text
    assert "no cluster" in about_votes(clusters[:0])
    assert "explains 0.969 or more" in about_votes(clusters.assign(explained=0.9698))


def test_a_pair_is_told_with_its_logit_beside_the_mean():
    pair = Pair(a=5, b=2, c=7, degrees=176.9, x=1, y=0)
    maps = {"f = 3 alone": np.array([[-1.0, 2.0], [0.0, 1.0]]), "the whole cluster": np.eye(2)}
    assert about_pair(MAPS, pair, maps) == (
        "*Seen here*: 5 and 2 are 177 degrees apart. The logit of 7, beside the mean of all right "
        "answers: 2.0 beside 0.5 (f = 3 alone); 0.0 beside 0.5 (the whole cluster)."
    )
    assert about_pair(HANDS, pair, dict(list(maps.items())[:1])) == (
        "5 and 2, 177 degrees apart: with f = 3 alone, 7 gets a logit of 2.0; right answers get "
        "0.5 on average."
    )


def circles(*shares: tuple[float, float]) -> pd.DataFrame:
    """Two clusters around these shares of clock and pizza, in the order of ``KEPT``."""
    rows = [
        (freq, kept, clock + off, pizza + off)
        for freq, off in ((2, -0.001), (3, 0.001))
        for kept, (clock, pizza) in zip(KEPT, shares, strict=True)
    ]
    return pd.DataFrame(rows, columns=["freq", "kept", "clock", "pizza"])


BOTH_SAW_RIGHT = "a clock. The network does not use one circle: beside each stands a fainter one"
IS_A_PIZZA = (
    "Each circle alone is a pizza, as Zhong et al. found; with its double frequency it becomes "
    f"{BOTH_SAW_RIGHT}"
)
IS_NEARER = (
    "Each circle alone is nearer to a pizza, as Zhong et al. found; with its double frequency it "
    f"comes nearer to {BOTH_SAW_RIGHT}"
)
STAYS = (
    "Each circle alone is nearer to a pizza, and with its double none of 2 come nearer to a clock."
)
IS_A_CLOCK = "Each circle alone is nearer to a clock."
MIXED = "Some circles alone are nearer to a clock, some to a pizza."
NEITHER = (
    "There is a circle that explains less than 0.5 of its own logits by either formula when it is "
    "left alone: in this network circles do not work one by one."
)


def told_of(table: pd.DataFrame) -> str:
    """What is said of circles after the numbers."""
    text = about_circles(table, Formulas(0.96, 0.8))
    begins = (
        "*Seen here*: of the whole network's logits the clock's formula explains 0.960 and the "
        "pizza's 0.800. "
    )
    assert text.startswith(begins)
    return text[len(begins) :].split(" <details>")[0]


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        (((0.77, 0.99), (0.98, 0.83), (0.98, 0.88)), IS_A_PIZZA),
        (((0.60, 0.85), (0.80, 0.75), (0.98, 0.88)), IS_NEARER),
        (((0.77, 0.99), (0.80, 0.95), (0.98, 0.88)), STAYS),
        (((0.99, 0.70), (0.99, 0.70), (0.99, 0.70)), IS_A_CLOCK),
        (((0.30, 0.30), (0.30, 0.30), (0.96, 0.80)), NEITHER),
        (((0.10, 0.10), (0.10, 0.10), (0.20, 0.20)), NEITHER),
    ],
    ids=["pizza", "nearly", "its double does nothing", "clock", "learned attention", "neither"],
)
def test_the_sentence_on_circles_follows_the_shares(shares, sentence):
    table = circles(*shares)
    told = [
        f"{kept}: clock {clock - 0.001:.3f} to {clock + 0.001:.3f}, "
        f"pizza {pizza - 0.001:.3f} to {pizza + 0.001:.3f}"
        for kept, (clock, pizza) in zip(KEPT, shares, strict=True)
    ]
    text = about_circles(table, Formulas(0.96, 0.8))
    folded = (
        f"<details><summary>The shares, over the clusters</summary> {'; '.join(told)}. </details>"
    )
    assert text.endswith(folded)
    assert told_of(table).startswith(sentence)
    assert len(told_of(table)) == len(sentence) or BOTH_SAW_RIGHT in sentence


def test_one_cluster_has_no_range():
    text = about_circles(circles((0.77, 0.99), (0.98, 0.83), (0.98, 0.88))[:3], Formulas(0.96, 0.8))
    assert "the circle alone: clock 0.769, pizza 0.989; with its double: clock 0.979" in text
    assert " to 0." not in text


PIZZA_SHARES = ((0.77, 0.99), (0.98, 0.83), (0.98, 0.88))


@pytest.mark.parametrize(
    ("kept", "clock", "pizza", "sentence"),
    [
        (KEPT[0], 0.99, 0.70, MIXED),
        (KEPT[0], 0.30, 0.40, NEITHER),
        (KEPT[1], 0.80, 0.95, STAYS.replace("none of 2 come", "1 of 2 comes")),
        (KEPT[0], 0.60, 0.85, IS_NEARER.replace("comes nearer to", "becomes")),
        (KEPT[1], 0.85, 0.80, IS_A_PIZZA.replace("becomes", "comes nearer to")),
    ],
    ids=["one is a clock", "one is neither", "one stays", "one is fainter", "one comes nearer"],
)
def test_what_is_said_of_each_circle_holds_of_the_worst(kept, clock, pizza, sentence):
    table = circles(*PIZZA_SHARES)
    table.loc[(table.freq == 3) & (table.kept == kept), ["clock", "pizza"]] = clock, pizza
    assert told_of(table).startswith(sentence)


VOTING = pd.DataFrame({"explained": [0.95, 0.98], "coset_overlap": [0.9, 0.9]})


@pytest.mark.parametrize(
    ("shares", "begins"),
    [
        (((0.77, 0.99), (0.98, 0.83), (0.98, 0.88)), "Both are right, each at its own distance."),
        (
            ((0.77, 0.99), (0.80, 0.95), (0.98, 0.88)),
            "Zhong et al. are, of a circle left alone: every",
        ),
        (((0.99, 0.70), (0.99, 0.70), (0.99, 0.70)), "Here there is nothing to part: every"),
        (((0.30, 0.30), (0.30, 0.30), (0.96, 0.80)), "Paper A, for this network: its circles"),
    ],
)
def test_the_question_is_answered_for_the_network_at_hand(shares, begins):
    text = the_answer(1.0, circles(*shares), VOTING)
    assert text.startswith(begins)
    assert "95.0 %" in text


def test_the_answer_has_the_least_of_its_circles():
    text = the_answer(1.0, circles((0.77, 0.99), (0.98, 0.83), (0.98, 0.88)), VOTING)
    assert "explains 98.9 % or more of its logits" in text
    assert "nearer a clock, 97.9 % or more" in text


def test_circles_whose_double_makes_a_clock_of_some_are_counted():
    some = circles((0.77, 0.99), (0.80, 0.95), (0.98, 0.88))
    some.loc[(some.freq == 3) & (some.kept == KEPT[1]), ["clock", "pizza"]] = 0.95, 0.8
    assert "with its double 1 of 2 comes nearer to a clock." in told_of(some)
    text = the_answer(1.0, some, VOTING)
    assert (
        "every one of this network is nearer a pizza. With its double 1 of 2 comes nearer" in text
    )
    # Neither formula says anything of the other circle: the larger share makes no clock.
    some.loc[(some.freq != 3) & (some.kept == KEPT[1]), ["clock", "pizza"]] = 0.2, 0.1
    assert "with its double 1 of 2 comes nearer to a clock." in told_of(some)


def test_a_network_that_does_not_add_answers_nothing():
    whole = circles((0.77, 0.99), (0.98, 0.83), (0.98, 0.88))
    nothing = "This network can't tell: it is right on 2.0 % of all pairs, and has no algorithm to"
    assert the_answer(0.02, whole, VOTING).startswith(nothing)
    assert the_answer(1.0, whole[:0], VOTING[:0]).startswith("This network can't tell: it is right")


def test_without_clusters_there_is_no_circle():
    none = circles((0, 0), (0, 0), (0, 0))[:0]
    assert "no circle" in about_circles(none, Formulas(0.0, 0.0))


# Attention rates


def made_up(rates: dict[float, float], num_seeds: int = 3, **columns: object) -> pd.DataFrame:
    """Networks with this mean symmetricity by rate; seeds scatter by .01."""
    middle = (num_seeds - 1) / 2
    rows = [
        {"rate": rate, "seed": 1001 + seed, "symmetricity": mean + 0.01 * (seed - middle)}
        for rate, mean in rates.items()
        for seed in range(num_seeds)
    ]
    table = pd.DataFrame(rows).assign(source="ours", accuracy=1.0, steps=10000, reached_step=500)
    planted = {
        "distance_irrelevance": 0.2,
        "circularity": 0.99,
        "pizza_alone": 0.95,
        "clock_alone": 0.75,
        "clock": 0.96,
        "explained": 0.98,
        "coset_overlap": 0.97,
        "num_clusters": 4,
        "preact_error": 0.1 * table.rate,
    }
    return table.assign(**planted).assign(**columns)


OURS = made_up({0.0: 0.98, 0.2: 0.97, 0.5: 0.9, 0.8: 0.62, 0.9: 0.45, 1.0: 0.4})
PUBLISHED = made_up({0.0: 0.99, 1.0: 0.35}, 1).assign(
    source=["clock-and-pizza/A", "clock-and-pizza/B"], reached_step=-1, steps=-1
)
UNTRAINED = made_up({0.0: 0.5, 1.0: 0.5}, 2, coset_overlap=0.11, clock=0.02, explained=0.4)


def test_the_table_has_a_row_a_rate_and_the_published_last():
    rows = facts.rate_table(OURS, PUBLISHED)
    assert list(rows) == ["rate", *facts.COLUMNS.values()]
    assert {len(column) for column in rows.values()} == {8}
    first = ["0", "0.2", "0.5", "0.8", "0.9", "1", "0, published A", "1, published B"]
    assert rows["rate"] == first
    text = rate_table(OURS, PUBLISHED)
    assert text.startswith(
        "<details><summary>The same in numbers, rate by rate</summary> | rate | "
    )
    assert "| 0.8 | 500 | 0.620 | 0.200 |" in text


def test_the_table_gives_means_over_seeds():
    rows = facts.rate_table(OURS, PUBLISHED)
    assert rows["symmetricity"][3] == "0.620"
    assert rows["100 % at step"][3] == "500"
    assert rows["clusters"][3] == "4.0"
    assert rows["not additive"][5] == "0.100"
    assert rows["100 % at step"][6] == ""
    assert rows["symmetricity"][6] == "0.990"
    assert cells_of("num_clusters", [3, 4, 4]) == "3.7"
    assert cells_of("reached_step", [400, 500, 600]) == "500"


def cells_of(column: str, planted: object) -> str:
    """What the table writes of a column with these values of three seeds."""
    table = made_up({0.0: 0.98}, **{column: planted})
    (cell,) = facts.rate_table(table, PUBLISHED[:0])[facts.COLUMNS[column]]
    return cell


def test_runs_that_never_got_there_have_no_step_in_the_table():
    assert cells_of("reached_step", [-1, 500, 600]) == "2 of 3: 550"
    assert cells_of("reached_step", [-1, 500, -1]) == "1 of 3: 500"
    assert cells_of("reached_step", -1) == "-"


def test_what_is_no_number_is_no_cell():
    assert cells_of("coset_overlap", np.nan) == "-"
    assert cells_of("coset_overlap", [np.nan, 0.5, 0.7]) == "2 of 3: 0.600"


def test_rates_stored_in_32_bits_are_written_as_they_were_meant():
    stored = made_up({0.1: 0.98, 0.3: 0.9, 0.7: 0.5}).astype({"rate": np.float32})
    assert facts.rate_table(stored, PUBLISHED[:0])["rate"] == ["0.1", "0.3", "0.7"]
    assert about_rates(stored).endswith(kinds(["0.1"], ["0.7"]))


def kinds(pizzas: list[str], clocks: list[str]) -> str:
    """The sentences on the rates whose mean symmetricity is a pizza's, and a clock's."""
    where = [
        f"at {'rates' if len(rates) > 1 else 'a rate of'} {listed(rates)}" if rates else "nowhere"
        for rates in (pizzas, clocks)
    ]
    return (
        f"The mean symmetricity is above 0.95 {where[0]}. "
        f"The mean symmetricity is below 0.6 {where[1]}. "
        "(Bounds of ours: no single number names an algorithm.)"
    )


def test_the_way_from_pizza_to_clock_is_told():
    assert about_rates(OURS) == (
        "*Seen here*: 18 networks, three seeds a rate. Right on every pair at the end: 18 of 18; "
        "on all held-out pairs at some time: 18, with 9,500 steps or more from there. "
        + kinds(["0", "0.2"], ["0.9", "1"])
    )


def test_rates_are_named_one_by_one_where_the_way_is_no_fall():
    uneven = made_up({0.0: 0.98, 0.2: 0.90, 0.4: 0.97, 0.8: 0.5, 0.9: 0.7, 1.0: 0.5})
    assert about_rates(uneven).endswith(kinds(["0", "0.4"], ["0.8", "1"]))


def test_where_nothing_changes_there_is_no_clock():
    text = about_rates(made_up({0.0: 0.97, 0.5: 0.96, 1.0: 0.96}))
    assert text.endswith(kinds(["0", "0.5", "1"], []))
    text = about_rates(made_up({0.0: 0.7, 1.0: 0.7}))
    assert text.endswith(kinds([], []))


def test_networks_that_did_not_learn_are_counted():
    lost = OURS.assign(accuracy=[0.2] + [1.0] * (len(OURS) - 1))
    text = about_rates(lost)
    assert (
        "Right on every pair at the end: 17 of 18; on all held-out pairs at some time: 18" in text
    )
    late = OURS.assign(reached_step=-1)
    text = about_rates(late)
    assert "on all held-out pairs at some time: 0. " in text
    assert "steps or more" not in text


def test_steps_after_the_first_success_are_the_fewest_of_those_that_had_one():
    table = OURS.assign(reached_step=[-1, 9000] + [500] * (len(OURS) - 2))
    text = about_rates(table)
    assert "on all held-out pairs at some time: 17, with 1,000 steps or more from there" in text


def test_one_network_is_told_too():
    text = about_rates(made_up({0.0: 0.98}, 1))
    assert "one network, one seed a rate. Right on every pair at the end: 1 of 1" in text
    assert text.endswith(kinds(["0"], []))


def test_rates_with_more_networks_than_others_are_no_lie():
    uneven = pd.concat([OURS, made_up({1.0: 0.5}, 5)], ignore_index=True)
    assert "23 networks, three seeds or more a rate." in about_rates(uneven)


def test_without_tables_the_reader_is_told_how_to_make_them():
    nothing = pd.DataFrame()
    assert about_rates(nothing) == about_lens(nothing, nothing)
    assert about_rates(nothing) == (
        "*Seen here*: nothing yet; `python -m modlib export clock-pizza` trains the networks and "
        "writes the tables."
    )
    assert rate_table(nothing, nothing) == ""


def lens_of(ours: pd.DataFrame, control: pd.DataFrame = UNTRAINED) -> list[str]:
    """The sentences on the lens, one a column."""
    text = about_lens(ours, control)
    assert text.startswith("*Seen here*: one cosine a cluster explains 0.")
    _, folded = text.split("<details><summary>All four, at both ends</summary> ")
    return folded.removesuffix(". </details>").split(". ")


def test_what_the_lens_sees_stands_beside_untrained_networks():
    assert lens_of(OURS) == [
        "0.980 at a rate of 0, 0.980 at 1 (over all rates 0.980 to 0.980) of a cluster's votes is "
        "one cosine; untrained 0.400",
        "0.970 at a rate of 0, 0.970 at 1 (over all rates 0.970 to 0.970) is their overlap with "
        "approximate cosets; untrained 0.110",
        "0.960 at a rate of 0, 0.960 at 1 (over all rates 0.960 to 0.960) of the logits is one "
        "cosine a cluster; untrained 0.020",
        "0.000 at a rate of 0, 0.100 at 1 (over all rates 0.000 to 0.100) of the preactivations' "
        "variance is no sum over a and b; untrained 0.050",
    ]
    worse = OURS.assign(clock=np.where(OURS.rate == 0.5, 0.5, 0.96))
    assert about_lens(worse, UNTRAINED).startswith(
        "*Seen here*: one cosine a cluster explains 0.500 of the logits or more at every attention "
        "rate (means over seeds)."
    )
    assert "at 1 (over all rates 0.500 to 0.960) of the logits" in lens_of(worse)[2]


def test_without_a_clock_the_lens_ends_at_the_last_rate():
    *_, last = lens_of(OURS[OURS.rate < 1])
    assert last.startswith("0.000 at a rate of 0, 0.090 at 0.9 (over all rates 0.000 to 0.090) ")


def test_a_measure_that_no_network_has_is_not_told():
    told = lens_of(OURS.assign(coset_overlap=np.nan))
    assert len(told) == 3
    assert not any("coset" in sentence for sentence in told)
    some = OURS.assign(coset_overlap=np.where(OURS.rate == 1, np.nan, 0.97))
    assert lens_of(some)[1].startswith("0.970 at a rate of 0, 0.970 at 0.9 (over ")


@pytest.mark.parametrize("control", [pd.DataFrame(), UNTRAINED.assign(coset_overlap=np.nan)])
def test_an_untrained_network_without_clusters_is_no_control(control):
    told = lens_of(OURS, control)
    assert told[1].endswith("is their overlap with approximate cosets")


# Any run


def every_text(network: ForeignNetwork) -> list[str]:
    clusters, shifts = found_in(network)
    shown = [portrait(network.view, 0, 1), portrait(network.view, 1, 2)]
    texts = [
        about_network(network, clusters),
        about_neurons(shown),
        about_doubles(shown, network.n),
        about_votes(clusters),
    ]
    if network.exact:
        texts.append(about_shifts(shifts, clusters))
    if network.respond is not None:
        found = cluster_by_pairs(network.pairs, network.view).clusters
        logits = explained_by_formulas(network.pairs.logits(), [one.freq for one in found])
        table = circle_table(network, found)
        texts.append(about_circles(table, logits))
        texts.append(the_answer(network.pairs.evaluate().accuracy, table, clusters))
        maps = circle_maps(network, found)
        for one in found[:1]:
            for pair in near_and_facing(one.freq, network.n):
                texts += [about_pair(cell, pair, maps) for cell in (HANDS, MAPS)]
    return texts


@pytest.mark.parametrize("name", NETWORKS)
def test_no_sentence_on_a_network_speaks_of_nan(name):
    for text in every_text(NETWORKS[name]):
        assert "nan" not in text.lower()
        assert "{" not in text


@pytest.mark.parametrize("num_seeds", [1, 2])
@pytest.mark.parametrize("rates", [{0.0: 0.98, 1.0: 0.4}, {0.0: 0.7, 0.5: 0.7, 1.0: 0.7}])
def test_no_sentence_on_rates_speaks_of_nan(rates, num_seeds):
    ours = made_up(rates, num_seeds)
    for text in (
        rate_table(ours, PUBLISHED),
        about_rates(ours),
        about_lens(ours, UNTRAINED),
    ):
        assert "nan" not in text.lower()


# Captions


def caption(name: str, seen: object) -> str:
    return told(CHAPTER, f"{name}-caption", seen)


def test_captions_of_the_largest_circle_say_where_its_middles_are():
    near, facing = near_and_facing(3, N)
    angle = 2 * np.pi * 3 * np.arange(N) / N
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = facts.hands(points, near, facing, 3)
    assert found.near > 0.8
    assert found.facing < 0.2
    text = caption("hands", found)
    assert text.startswith("The residues on the circle of f = 3. A: a clock turns by both angles.")
    assert text.endswith(f"degrees apart it is {found.facing:.2f}.")
    assert caption("hands", {"freq": 0}) == "Without a cluster there is no circle to draw."


def test_captions_of_maps_say_what_pairs_that_face_each_other_have():
    facing = Pair(a=5, b=2, c=7, degrees=176.9, x=1, y=0)
    maps = {"f = 3 alone": np.array([[-1.0, 2.0], [0.0, 1.0]])}
    assert facts.opposite(facing, maps) == ([("f = 3 alone", 0.5, 0.5)],)
    text = caption("right-answers", facts.opposite(facing, maps))
    assert text.endswith("beside that of all: 0.5 beside 0.5 (f = 3 alone).")
    assert caption("right-answers", {"rows": []}) == "Without a cluster there is no map."


def test_captions_of_the_published_neurons():
    found = facts.summary(facts.peaks(portraits_of({2: 4, 3: 1})), N)
    assert caption("a17", found).endswith(
        "One frequency holds 99.0 % of the power of these two neurons; in 1 the next peak is at "
        "twice that frequency."
    )
    assert caption("a18", found).endswith("One cosine leaves 1.0 % of their power.")
    nothing = facts.summary([], N)
    assert caption("a17", nothing).endswith("No neuron belongs to a cluster.")
    assert caption("a18", nothing).endswith("There is none to draw.")


def test_captions_of_shifts_and_votes():
    clusters, shifts = found_in(ADDS)
    text = caption("shifts", {"profiles": facts.shifts(shifts, clusters)})
    assert text.endswith("that the step d tops: f = 2: 100 %; f = 3: 100 %.")
    assert caption("shifts", {"profiles": []}).endswith("There is no other shift to compare with.")
    votes = facts.votes(clusters.assign(explained=[0.91, 0.98]))
    assert caption("mean-votes", votes).endswith("explains 0.910 or more of each one's votes.")
    nothing = facts.votes(clusters[:0])
    assert caption("mean-votes", nothing).endswith("There is no cluster to vote.")


def test_the_caption_of_circles_has_what_is_left_of_them():
    table = circles(*PIZZA_SHARES)
    found = facts.circles(table, Formulas(0.96, 0.8))
    assert caption("circles", found).endswith(
        "The circle alone: clock 0.77, pizza 0.99. With its double: clock 0.98, pizza 0.83."
    )
    nothing = facts.circles(table[:0], Formulas(0.0, 0.0))
    assert caption("circles", nothing).endswith("There is no circle to leave alone.")


def test_captions_over_attention_rates():
    text = caption("rates", facts.rates(OURS))
    assert "Lines: means of 18 networks. Symmetricity (A) is above 0.95 at two rates, 0 and" in text
    assert caption("rates", facts.rates(made_up({0.0: 0.7}, 1))).endswith(
        "Lines: means of one network. Symmetricity (A) is above 0.95 nowhere. "
        "Symmetricity (A) is below 0.6 nowhere."
    )
    text = caption("lens", {"seen": facts.lens(OURS, UNTRAINED)})
    assert "Means over seeds at all rates: votes (A) 0.98, cosets (B) 0.97, logits" in text
    nothing = "No network of ours is committed."
    assert caption("rates", facts.rates(pd.DataFrame())).endswith(nothing)
    assert caption("lens", {"seen": []}).endswith(nothing)


# Many networks


def planted_circles(*networks: list[tuple[float, float, float, float]]) -> pd.DataFrame:
    """A list a network, an entry a circle: clock and pizza of it alone, and with its double."""
    rows = [
        (seed, freq, kept, *shares)
        for seed, circles in enumerate(networks)
        for freq, found in enumerate(circles, start=1)
        for kept, shares in zip(KEPT, (found[:2], found[2:], (0.9, 0.8)), strict=True)
    ]
    return pd.DataFrame(rows, columns=["seed", "freq", "kept", "clock", "pizza"])


BOTH, STAYS, FAINT = (0.8, 1.0, 1.0, 0.8), (0.8, 1.0, 0.8, 0.9), (0.1, 0.2, 0.2, 0.1)


def test_a_network_counts_when_all_its_circles_do():
    table = planted_circles([BOTH, BOTH], [BOTH, STAYS], [BOTH, FAINT], [(0.9, 0.7, 1.0, 0.8)])
    found = facts.circles_of_many(table)
    assert found.num_networks == 4
    assert (found.pizzas, found.turned) == (2, 1), "a clock with its double was no pizza before"
    assert (found.hold, found.doubled) == (pytest.approx(6 / 7), pytest.approx(5 / 7))
    low, high = found.pizzas_between
    assert 0 < low < 0.5 < high < 1


def test_many_pizzas_are_told_beside_as_many_clocks():
    pizzas = planted_circles(*[[BOTH, BOTH]] * 30, *[[BOTH, STAYS]] * 10)
    text = about_circles_of_many(pizzas=pizzas, clocks=planted_circles(*[[FAINT, BOTH]] * 4))
    assert text == (
        "*Seen here*: in 40 of 40 pizzas (91.2 % to 100 %) every circle alone is nearer a pizza. "
        "The step to a clock is less sure: with its double 87.5 % of the circles take it, all "
        "circles of a network in 30 (59.8 % to 85.8 %). Circles of a clock do not work one by one: "
        "alone, 50.0 % of them follow neither formula by half."
    )
    assert about_circles_of_many().startswith("*Seen here*: nothing yet;")


def test_the_committed_pizzas_bear_out_what_the_chapter_says_of_them():
    found = {name: facts.circles_of_many(rows) for name, rows in clock_pizza_circles().items()}
    assert found["pizzas"].num_networks == found["clocks"].num_networks == 76
    assert found["pizzas"].pizzas_between[0] > 0.8
    assert found["pizzas"].doubled > 0.5
    assert found["clocks"].pizzas == 0
    assert found["clocks"].hold < 0.5
