import re

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.meso.clusters import CosineFit, cluster_neurons
from modlib.analysis.micro.neurons import power_shares
from modlib.chapters import clusters as words
from modlib.chapters import words as common
from modlib.config.addition import AdditionConfig
from modlib.runs.addition import AdditionRun


def run_with(test: list[float], train: list[float], **config: object) -> AdditionRun:
    history = pd.DataFrame(
        {"epoch": range(len(test)), "test_accuracy": test, "train_accuracy": train}
    )
    manifest = {"wall_s": 8.1, "config": {"steps_per_second": 2000.0}}
    return AdditionRun(
        config=AdditionConfig(**config),
        seed=7,
        weights={},
        history=history,
        manifest=manifest,
        trained_now=True,
    )


def test_a_run_that_learned_is_told_in_one_sentence():
    text = common.about_run(run_with([0.0, 1.0, 0.9995], [0.0, 1.0, 1.0], epochs=2))
    assert "Seed 7, n = 91" in text
    assert "99.95 %" in text or "99.9 %" in text or "100.0 %" in text
    assert "first 100 % after epoch 1 of 2" in text
    assert "did not learn" not in text


def test_a_run_that_did_not_learn_says_so_and_what_it_did():
    memorised = common.about_run(run_with([0.0, 0.1], [0.0, 1.0], epochs=1))
    assert "did not learn" in memorised
    assert "memorised" in memorised
    untrained = common.about_run(run_with([0.01], [0.01], epochs=0))
    assert "did not learn" in untrained
    assert "memorised" not in untrained


def test_without_held_out_pairs_the_sentence_speaks_of_all():
    text = common.about_run(run_with([np.nan, np.nan], [0.0, 1.0], n=5, train_pairs=25, epochs=1))
    assert "none of which was held out" in text
    assert "first 100 %" in text


def test_an_even_modulus_is_explained_and_an_odd_one_is_not():
    assert "even answers" in common.about_parity(AdditionConfig(n=60))
    assert common.about_parity(AdditionConfig(n=61)) == ""


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.5, "50.0 %"), (0.9999, "99.99 %"), (0.0004, "0.04 %")],
)
def test_percentages_keep_away_from_a_wrong_0_and_100(share, text):
    assert common.percent(share) == text


def test_lists_and_counts_read_as_english():
    assert common.listed([1]) == "1"
    assert common.listed([1, 2, 3]) == "1, 2 and 3"
    assert common.listed([]) == "none"
    assert common.count(1, "cluster") == "one cluster"
    assert common.count(0, "cluster") == "no clusters"
    assert common.count(1200, "neuron") == "1,200 neurons"


def test_clusters_are_named_and_their_absence_explained():
    text = common.about_clusters(cluster_neurons(ideal_view(31, {3: 8, 5: 6, 7: 4}, num_dead=2)))
    assert "18 of 20 neurons are live, 2 dead" in text
    assert "three clusters" in text
    assert "none of them form a cluster" in common.about_clusters(
        cluster_neurons(random_view(31, 12))
    )


def test_a_cluster_that_is_not_there_is_said_to_be_missing():
    clustering = cluster_neurons(ideal_view(31, {3: 8}))
    assert "no cluster 4" in common.about_choice(clustering, 4)
    assert "no cluster to look at" in common.about_choice(cluster_neurons(random_view(31, 12)), 0)


def test_exact_and_approximate_cosets_are_told_apart():
    exact = cluster_neurons(ideal_view(91, {35: 6})).clusters[0]
    assert "7 elements" in common.about_coset(exact)
    assert "exact" in common.about_coset(exact)
    near = cluster_neurons(ideal_view(91, {5: 6})).clusters[0]
    assert "18 apart" in common.about_coset(near)


def test_sentences_of_chapter_4_hold_for_odd_clusters():
    view = random_view(31, 12)
    assert "Seen here" in words.about_columns(power_shares(view), cluster_neurons(view))
    half = cluster_neurons(ideal_view(12, {6: 3}))
    no_phase = words.about_phases(half.table.dropna(subset=["t_a"]), half.clusters[0])
    assert "no phase" in no_phase
    exact = cluster_neurons(ideal_view(91, {35: 6})).clusters[0]
    vote = words.about_vote(CosineFit(3.0, 0.97), np.full((91, 91), 3.0), exact)
    assert "7 answers of a coset" in vote
    assert re.search(r"first for 0 % of the", vote)
