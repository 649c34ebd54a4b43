"""Chapter 04 on odd clusters: none, one at n/2, exact cosets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.meso.choir import adding_up, joint_moments
from modlib.analysis.meso.clusters import Cluster, Clustering, CosineFit, cluster_neurons
from modlib.analysis.micro.neurons import power_shares
from modlib.chapters import clusters as facts
from modlib.chapters import shared
from modlib.results.like_paper import like_paper
from told import cells, told

CHAPTER = "04_clusters"
SHARED = {"a3995d5a", "2eeb0a7d", "1af0a630", "b5c95f44"}
"""Cells whose sentences are those of all chapters, tested in test_shared."""


def test_every_cell_that_says_something_is_tested():
    own = {"526f0810", "88ec0045", "a338fa8e", "the-answer"}
    captions = {
        "spectra",
        "dft",
        "tuned",
        "remap",
        "choir",
        "phase",
        "vote",
        "spectra-controls",
        "a22",
    }
    assert cells(CHAPTER) - SHARED == own | {f"{name}-caption" for name in captions}


def test_columns_are_counted_where_there_are_clusters():
    view = ideal_view(31, {3: 8, 5: 6})
    text = told(CHAPTER, "526f0810", facts.columns(power_shares(view), cluster_neurons(view)))
    assert "14 of 14 neurons are live" in text
    assert "Two columns hold 100 % of the power" in text
    seen = facts.columns(power_shares(view), cluster_neurons(view))
    text = told(CHAPTER, "spectra-caption", seen)
    assert text.endswith("by cluster: two bright columns with 100 % of the clustered power.")
    text = told(CHAPTER, "dft-caption", shared.clusters_facts(cluster_neurons(view)))
    assert text.endswith("every neuron of two clusters, a panel each: tallest at f = 3 and 5.")
    none = random_view(31, 12)
    text = told(CHAPTER, "526f0810", facts.columns(power_shares(none), cluster_neurons(none)))
    assert "there is no cluster" in text
    assert "column" not in text
    seen = facts.columns(power_shares(none), cluster_neurons(none))
    assert "no bright column" in told(CHAPTER, "spectra-caption", seen)
    text = told(CHAPTER, "dft-caption", shared.clusters_facts(cluster_neurons(none)))
    assert text == "A7. No cluster, so no panel."
    lone = seen._replace(num_live=1)
    said = "One live neuron: no bright column gathers it."
    assert told(CHAPTER, "spectra-caption", lone) == said
    assert told(CHAPTER, "spectra-caption", seen._replace(num_live=0)) == "No neuron is live."
    one = shared.clusters_facts(cluster_neurons(ideal_view(31, {3: 8})))
    assert told(CHAPTER, "dft-caption", one).endswith("of one cluster: tallest at f = 3.")


def test_a_fine_tuning_cluster_is_told_by_what_stands_beside_its_spike():
    kept = like_paper()
    if kept is None:
        pytest.skip("no network like the paper's is committed")
    text = told(
        CHAPTER, "tuned-caption", facts.tuned(kept.seed, power_shares(kept.view), kept.clustering)
    )
    assert text.startswith("Seed 4074: four clusters, f = 7, 25, 13 and 42. All 11 fine-tuning")
    assert text.endswith("of that at other multiples of 7.")
    shares = np.zeros((4, 7))
    shares[0, [3, 5]] = 0.75, 0.25
    shares[1:, [5, 3]] = 0.75, 0.25
    found = Clustering(
        [Cluster(index=0, freq=3, n=13, neurons=np.arange(4), kind="fine-tuning")],
        pd.DataFrame(),
        np.zeros(0, dtype=int),
    )
    text = told(CHAPTER, "tuned-caption", facts.tuned(5, shares, found))
    assert text == (
        "Seed 5: one cluster, f = 3. Four fine-tuning neurons, not all of them loudest at 3; "
        "62.5 % of their power is elsewhere."
    )


def test_neurons_have_the_frequency_gcd_once_remapped():
    cluster = cluster_neurons(ideal_view(91, {35: 6})).clusters[0]
    wave = np.cos(2 * np.pi * 7 * np.arange(91) / 91)
    seen = facts.remapping([np.tile(wave, (6, 1))] * 2, 5, cluster)
    text = told(CHAPTER, "remap-caption", seen)
    assert "in steps of 5, 6 of 6 neurons become slow waves: seven periods over" in text


def test_the_frequency_n_half_has_no_phase():
    half = cluster_neurons(ideal_view(12, {6: 3}))
    none = half.table.dropna(subset=["t_a"])
    text = told(CHAPTER, "phase-caption", facts.phases(none, half.clusters[0]))
    assert text == "A24. No phases to draw: frequency 6 is $n/2$, where a cosine has none."
    some = cluster_neurons(ideal_view(31, {3: 8}))
    table = some.table.iloc[some.clusters[0].neurons]
    text = told(CHAPTER, "phase-caption", facts.phases(table, some.clusters[0]))
    assert text.startswith("A24. Phases of eight neurons: those of the inputs are spread out")
    assert "Their sum is tied to the output's" in text
    assert text.endswith("$t_D$ are 0.00 of 31 apart in the median.")
    heap = table.assign(t_a=1.0, phase_error=[7.0, -9.0] * 4)
    text = told(CHAPTER, "phase-caption", facts.phases(heap, some.clusters[0]))
    assert "those of the inputs are not spread out evenly." in text
    assert "Their sum is not tied to the output's: $t_A + t_B$ and $t_D$ are 8.00 of 31" in text


def test_joint_phases_that_vanish_are_told_from_those_that_stay():
    clustering = cluster_neurons(ideal_view(31, {3: 24}))
    even = joint_moments(clustering.table, 31)
    text = told(CHAPTER, "88ec0045", facts.moments(even))
    assert "are $t_A$, $t_B$, $t_A - t_B$, $t_A + t_B$, $2 t_A$, $2 t_B$, $2 t_A + t_B$" in text
    assert "$t_A + 2 t_B$ and $2 (t_A + t_B)$." in text
    assert "is left" not in text
    assert "| $t_A - t_B$ | " in text
    tied = joint_moments(clustering.table.assign(t_b=clustering.table.t_a), 31)
    text = told(CHAPTER, "88ec0045", facts.moments(tied))
    assert "more than that is left of $t_A - t_B$." in text
    assert "1.00 | 0.17 | no |" in text
    heap = joint_moments(clustering.table.assign(t_a=1.0, t_b=2.0), 31)
    text = told(CHAPTER, "88ec0045", facts.moments(heap))
    assert "no joint phase is spread evenly enough for its waves to vanish." in text


def test_the_choir_and_the_answer_are_those_of_the_run():
    view = ideal_view(31, {3: 24})
    cluster = cluster_neurons(view).clusters[0]
    seen = facts.choir(adding_up(view, cluster, np.array([3, 9])), cluster)
    text = told(CHAPTER, "choir-caption", seen)
    assert "what one neuron of f = 3 says and" in text
    assert text.endswith("what all 24 neurons say together.") or "all 24 say together" in text
    vote = facts.vote(CosineFit(3.0, 0.97), np.zeros((31, 31)), cluster)

    def answer(told_by, learned, n=31):
        votes = [vote] * len(told_by)
        seen = {"told": told_by, "learned": learned, "votes": votes, "n": n}
        return told(CHAPTER, "the-answer", seen)

    assert "comes first in 100 % of all pairs. :::" in answer([seen], True)
    assert "did not learn the task" in answer([seen], False)
    for share, said in ((0.95, "one cosine"), (0.8, "nearly one cosine"), (0.4, "less than one")):
        assert f"Together they say {said}" in answer([seen._replace(all=share)], False)
    assert "24 with their phases spread can point at any." in answer([seen], True)
    assert "24 of both signs can point at either." in answer([seen], True, n=6)
    assert "cannot say" in answer([], True)


def test_a_coset_that_cannot_be_told_apart_is_explained():
    exact = cluster_neurons(ideal_view(91, {35: 6})).clusters[0]
    ranks = np.full((91, 91), 3.0)
    text = told(CHAPTER, "a338fa8e", facts.vote(CosineFit(3.0, 0.97), ranks, exact))
    assert "7 answers of a coset" in text
    caption = told(CHAPTER, "vote-caption", facts.vote(CosineFit(3.0, 0.97), ranks, exact))
    assert "cosine explains 97.0 % of it over all pairs. Alone it puts the right" in caption
    assert "first in 0 %, with 3.0 others before it on average." in caption
    near = cluster_neurons(ideal_view(91, {5: 6})).clusters[0]
    text = told(CHAPTER, "a338fa8e", facts.vote(CosineFit(3.0, 0.97), ranks, near))
    assert "coset" not in text


def test_the_controls_are_told_by_name():
    loose = shared.clusters_facts(cluster_neurons(random_view(31, 12)))
    text = told(CHAPTER, "b5c95f44", loose._asdict() | {"name": "memorised"}, which=1)
    assert text.startswith("*memorised*: 12 of 12 neurons are live, and there is no cluster")
    assert "right on 100 % of its training pairs" in told(
        CHAPTER, "b5c95f44", {"trained_on": np.float64(1.0), "others": 0.02}
    )


def test_the_controls_figure_says_which_frequencies_gather_neurons():
    none, two = cluster_neurons(random_view(31, 12)), cluster_neurons(ideal_view(31, {3: 8, 5: 6}))
    seen = facts.gathered({"untrained": none, "memorised": two})
    assert told(CHAPTER, "spectra-controls-caption", seen) == (
        "Spectra of the untrained network: no frequency gathers neurons; and the memorised "
        "network: frequencies 3 and 5 gather neurons."
    )


def test_a_cluster_at_half_of_n_has_signs_and_no_slow_wave():
    half = cluster_neurons(ideal_view(12, {6: 6})).clusters[0]
    other = cluster_neurons(ideal_view(31, {3: 8})).clusters[0]

    def a22(cluster):
        return told(
            CHAPTER, "a22-caption", {**shared.coset_facts(cluster)._asdict(), "followed": 3}
        )

    assert a22(half).startswith("A22. One frequency, two signs: preactivations of every neuron")
    assert a22(other).startswith("A22. One frequency, many shifts: ")
    assert a22(other).endswith("3 neurons in colour.")
    waves = [np.cos(np.pi * np.arange(12)) * np.ones((6, 1))] * 2
    text = told(CHAPTER, "remap-caption", facts.remapping(waves, 1, half))
    assert (
        text
        == "A23. In steps of any unit frequency n/2 stays what it is: up at every second input."
    )
