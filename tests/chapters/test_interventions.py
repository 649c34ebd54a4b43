"""Chapter 05 on networks with three clusters, with one, with none; missed or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view
from modlib.analysis.many_seeds.redundancy import Redundancy
from modlib.analysis.meso import interventions as iv
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.chapters import interventions as facts
from modlib.chapters import redundancy as spares
from modlib.machine import results_of
from modlib.maths.intervals import Interval
from modlib.models.views.neuron_view import Scores
from modlib.results.sweeps import read_sweep_export
from told import cells, told

CHAPTER = "05_interventions"
BASELINE, WEIGHTS, NOISE, HALF = "e43985aa", "fdd32227", "67df6cbf", "dc17a52c"
VOTES, DAMAGE, NETWORKS = "eddf9d59", "e0efbaff", "e9812b79"
SPARE, ANSWER = "spare-said", "the-answer"


def test_every_cell_that_says_something_is_tested():
    own = {BASELINE, WEIGHTS, NOISE, HALF, VOTES, DAMAGE, NETWORKS, SPARE, ANSWER}
    captions = {"noise", "half", "left", "spare", "missed", "networks"}
    assert cells(CHAPTER) == own | {f"{name}-caption" for name in captions}


@pytest.fixture(scope="module")
def network():
    view = ideal_view(23, {2: 24, 5: 24, 9: 24}, gain=0.15)
    return view, cluster_neurons(view).clusters, np.ones(72, dtype=bool)


@pytest.fixture(scope="module")
def cuts(network):
    view, clusters, live = network
    return iv.damage_curves(iv.removal_curve, view, clusters, live, num_draws=2)


def noise(network, cell=NOISE, **options):
    view, clusters, live = network
    curves = iv.damage_curves(iv.noise_curve, view, clusters, live, **options)
    summary = iv.over_draws(curves, "cluster", "control", "sigma")
    seen = facts.noise(summary, clusters)
    return told(CHAPTER, cell, seen if cell == NOISE else {"noise": seen, "draws": 6})


def half(summary, clusters):
    return told(CHAPTER, HALF, facts.half(summary, clusters))


def test_the_baseline_is_told_for_a_network_that_errs():
    def baseline(*scores):
        return told(CHAPTER, BASELINE, facts.baseline(Scores(*scores), 91), which=2)

    assert "nats; the right answer leads by 2.00 logits where" in baseline(1.0, 0.01, 2.0)
    text = baseline(0.5, 1.0, -3.0)
    assert "50.0 % right on all 8,281 pairs" in text
    assert "the right answer is 3.00 logits behind another." in text


def test_the_weights_of_a_neuron_are_counted(network):
    def weights(view, clusters):
        return told(CHAPTER, WEIGHTS, facts.neuron_weights(view, clusters))

    view, clusters, _ = network
    each = 2 * 72 + 1 + 23
    total = each * 72 + 2 * 23 * 72 + 23
    text = weights(view, clusters)
    assert f"{2 * 72} input weights, one bias and 23 output weights" in text
    assert f"{each} numbers a neuron, {24 * each:,} of the network's {total:,} for the" in text
    assert "for σ = 0.225 between 0.80 and 1.25." in text
    assert "for the largest cluster" not in weights(view, [])
    assert "46 entries of the preactivation tables" in weights(
        replace(view, factors=None), clusters
    )


def test_every_cell_has_an_answer_where_there_is_no_cluster():
    empty = pd.DataFrame(columns=["cluster", "control", "sigma"])
    texts = {
        told(CHAPTER, NOISE, facts.noise(empty, [])),
        told(CHAPTER, VOTES, facts.votes_left(empty, [])),
        told(CHAPTER, DAMAGE, facts.damage(empty)),
        half(empty, []),
    }
    assert texts == {
        "*Seen here*: this network has no cluster to break. What it loses with random neurons is "
        "in the last figure."
    }


def test_noise_is_told_cluster_by_cluster(network):
    text = noise(network, num_draws=2)
    assert text.startswith(":::{dropdown} Every cluster at σ = 0.225, means over draws | cluster")
    assert text.count("| f = ") == 3
    assert text.endswith("of 3 clusters.")


def test_noise_below_the_papers_level_is_told_at_its_own(network):
    text = noise(network, sigmas=iv.noise_levels(0.1), num_draws=1)
    assert text.startswith(":::{dropdown} Every cluster at σ = 0.1,")
    caption = noise(network, cell="noise-caption", sigmas=iv.noise_levels(0.1), num_draws=1)
    assert "up to σ = 0.1 none costs one percentage point of accuracy. Lines" in caption


def test_the_clusters_whose_noise_takes_accuracy_are_named(network):
    _, clusters, _ = network
    rows = [
        (cluster.index, control, sigma, 1.0 + sigma, 1.0 - sigma * (cluster.index != 1))
        for cluster in clusters
        for control in (False, True)
        for sigma in (0.0, 0.225)
    ]
    columns = ["cluster", "control", "sigma", "loss", "accuracy"]
    text = told(CHAPTER, NOISE, facts.noise(pd.DataFrame(rows, columns=columns), clusters))
    freqs = sorted([clusters[0].freq, clusters[2].freq])
    seen = {"noise": facts.noise(pd.DataFrame(rows, columns=columns), clusters), "draws": 6}
    caption = told(CHAPTER, "noise-caption", seen)
    assert f"point below σ = 0.225, where f = {freqs[0]} and {freqs[1]} give way." in caption
    assert caption.endswith(
        "Lines: means of six draws; bands: the smallest to the largest of them."
    )
    assert f"| f = {clusters[0].freq} | 24 | 1.23 | 77.5 % | 1.23 | 77.5 % |" in text
    assert text.endswith("for 0 of 3 clusters.")


def half_and_whole(half, whole, loss=(0.2, 0.3)):
    rows = []
    for control in (False, True):
        for fraction, accuracy, value in (
            (0.0, 1.0, 0.01),
            (0.5, half, loss[0]),
            (1.0, whole, loss[1]),
        ):
            rows.append((0, control, fraction, accuracy, value * (1 + control)))
    return pd.DataFrame(rows, columns=["cluster", "control", "fraction", "accuracy", "loss"])


def test_half_is_worse_than_none_only_where_it_is(network, cuts):
    one = network[1][:1]
    text = half(half_and_whole(0.8, 0.95), one)
    assert f"half of a cluster is worse than none of it for f = {one[0].freq} (80.0 %" in text
    assert "(80.0 % with half of it, 95.0 % with none). The loss" in text
    assert "larger at half than at the end for 0 of 1 cluster." in text
    assert text.endswith("for 1 of 1 cluster.")
    text = half(half_and_whole(0.95, 0.8, loss=(0.4, 0.3)), one)
    assert "no cluster is missed more by half" in text
    assert "larger at half than at the end for 1 of 1 cluster." in text
    text = half(half_and_whole(1.0, 1.0), one)
    assert f"Accuracy does not notice the loss of f = {one[0].freq}, by half" in text
    removal = iv.over_draws(cuts, "cluster", "control", "fraction")
    assert "of 3 clusters." in half(removal, network[1])


def test_what_is_left_of_a_vote_is_told(network):
    view, clusters, _ = network
    votes = iv.votes_left(view, clusters, fractions=(0.0, 0.5, 1.0), num_draws=2)
    summary = iv.over_draws(votes, "cluster", "fraction")
    text = told(CHAPTER, VOTES, facts.votes_left(summary, clusters))
    assert "a cluster keeps 50." in text or "a cluster keeps 49." in text
    assert "larger at half for 3 of 3 clusters. Once all" in text
    assert "1 of 1 cluster." in told(CHAPTER, VOTES, facts.votes_left(summary, clusters[:1]))


def damage(table):
    return told(CHAPTER, DAMAGE, facts.damage(table))


def test_damage_is_told_with_its_order_where_there_is_one(network, cuts):
    view, clusters, _ = network
    table = iv.damage_table(view, clusters, cuts)
    sizes = table.assign(num_neurons=[24, 20, 16], loss=[3.0, 2.0, 1.0], margin_left=[1.0, 2, 3])
    text = damage(sizes)
    assert f"misses f = {clusters[0].freq} most (loss 3.000, " in text
    assert "it has 24 neurons and is the largest. Spearman" in text
    assert (
        "Spearman's correlation with the loss is 1.00 for size (random orders: 33.3 %) and 1.00 "
        "for small margin left (random orders: 33.3 %); in brackets" in text
    )
    assert "With three clusters even a perfect order, one way or the other, comes up by " in text
    assert "once in 3:" in text
    assert "is not the largest" not in text
    caption = told(CHAPTER, "missed-caption", facts.damage(sizes))
    assert caption.startswith(f"Without f = {clusters[0].freq} (24 neurons) the loss is")
    assert caption.endswith("missed most is the largest.")
    only = damage(sizes.assign(margin_left=1.0))
    assert "is 1.00 for size (random orders: 33.3 %); in brackets" in only
    only = damage(sizes.assign(num_neurons=24))
    assert "is 1.00 for small margin left (random orders: 33.3 %); in brackets" in only
    equal = damage(sizes.assign(num_neurons=24, margin_left=1.0))
    assert "Sizes or losses are all equal, so there is no order to correlate." in equal
    assert "is not the largest" in damage(sizes.assign(num_neurons=[16, 20, 24]))


def test_damage_is_told_for_one_cluster_and_for_one_that_is_not_missed(network, cuts):
    view, clusters, _ = network
    table = iv.damage_table(view, clusters[:1], cuts)
    assert "With one cluster there is no order to correlate." in damage(table)
    assert "does not rise" in damage(table.assign(loss=table.loss_whole - 0.1))


def test_networks_without_the_algorithm_are_named_where_they_stand_the_noise():
    def flat(by, levels, accuracy):
        return pd.DataFrame({by: levels, "loss": [1.0] * len(levels), "accuracy": accuracy})

    def networks(noise, removal):
        return told(CHAPTER, NETWORKS, facts.networks_damage(noise, removal, 12))

    names = {"trained, cluster 0": [1.0, 0.8, 0.9], "memorised, random": [0.5, 0.4, 0.3]}
    noise = {name: flat("sigma", [0.0, 0.225], [1.0, 1.0]) for name in names}
    removal = {name: flat("fraction", [0.0, 0.5, 1.0], told) for name, told in names.items()}
    text = networks(noise, removal)
    assert "| 12 neurons of | untouched: loss, accuracy | σ = 0.225 | half" in text
    assert (
        "| trained, cluster 0 | 1.000, 100 % | 1.000, 100 % | 1.000, 80.0 % | 1.000, 90.0 % | "
        "| memorised, random |" in text
    )
    assert "a point in *trained, cluster 0*; *memorised, random*. Accuracy" in text
    assert "than with half of them in *trained, cluster 0*." in text
    assert "without the algorithm (*memorised, random*) stands that noise as well:" in text
    noise["trained, cluster 0"] = flat("sigma", [0.0, 0.225], [1.0, 0.2])
    assert "(*memorised, random*) stands that noise: to stand" in networks(noise, removal)
    shaken = {name: flat("sigma", [0.0, 0.225], [1.0, 0.2]) for name in names}
    worse = {name: flat("fraction", [0.0, 0.5, 1.0], [1.0, 0.8, 0.8]) for name in names}
    text = networks(shaken, worse)
    assert "in none of them. Accuracy" in text
    assert text.endswith("than with half of them nowhere.")
    caption = told(CHAPTER, "networks-caption", facts.networks_damage(shaken, worse, 12))
    assert "and 12 random neurons of three networks. Accuracy comes back by half a point" in caption
    still = {name: flat("sigma", [0.0], [1.0]) for name in names}
    assert "without the algorithm" not in networks(still, removal)


def found(keeps=0.75):
    columns = ["num_clusters", "keeps"]
    by_number = pd.DataFrame([(4, 0.6), (6, 0.9)], columns=columns)
    return Redundancy(
        by_number,
        Interval(keeps, 0.7, 0.8),
        Interval(0.36, 0.3, 0.4),
        Interval(0.97, 0.96, 0.98),
        128,
    )


def test_clusters_that_can_go_are_named(network, cuts):
    view, clusters, _ = network
    table = iv.damage_table(view, clusters, cuts)
    table = table.assign(accuracy=[1.0, 0.9995, 0.9], control_accuracy=[1.0, 0.5, 0.5])
    spare = spares.spare(table, found(), 91, 1.0)
    freqs = ", or ".join(str(f) for f in sorted(c.freq for c in clusters[:2]))
    text = told(CHAPTER, SPARE, spare)
    assert f"right on 99.9 % of all pairs without f = {freqs}, and without as many random" in text
    assert "only with all of its clusters" in told(CHAPTER, SPARE, spare._replace(free=[]))
    assert "neurons as a cluster has in 1 of 3 cases. Over 128 networks (`results/A91`)" in text
    assert "60.0 % in networks of 4 clusters, 90.0 % in those of 6." in text
    caption = told(CHAPTER, "spare-caption", spare)
    assert caption.startswith(
        "Two of 3 clusters can go, one at a time, and this network stays right"
    )
    assert "99.9 % of all pairs. In 128 networks (n = 91) 75.0 %" in caption
    lone = told(CHAPTER, "spare-caption", spare._replace(free=spare.free[:1]))
    assert lone.startswith("One of 3 clusters can go and this network stays right on 99.9 % of all")
    weak = spares.spare(table, found(), 91, 0.628)
    text = told(CHAPTER, "spare-caption", weak)
    assert text.startswith(
        "This network, with all of its clusters, is right on 62.8 % of all pairs."
    )
    assert "so there is no 99.9 % to keep. Over 128 networks" in told(CHAPTER, SPARE, weak)
    every = told(CHAPTER, "spare-caption", spare._replace(num_clusters=len(spare.free)))
    assert every.startswith("Each of 2 clusters can go, one at a time, and this network")
    needed = told(CHAPTER, "spare-caption", spare._replace(free=[]))
    assert needed.startswith("This network needs each of its 3 clusters to be right on 99.9 %")
    one = told(CHAPTER, "spare-caption", spare._replace(num_clusters=1, free=[]))
    assert one.startswith("This network does not stay right on 99.9 % of all pairs without its one")
    none = spares.spare(table.iloc[:0], found(), 91, 1.0)
    assert told(CHAPTER, SPARE, none).startswith("Over 128 networks")
    assert told(CHAPTER, "spare-caption", none).startswith(
        "This network has no cluster to remove. In 128 networks (n = 91) 75.0 % of single removals"
    )


def test_clusters_that_are_missed_keep_their_colour():
    removal = half_and_whole(0.8, 0.95)
    assert spares.missed(removal) == [0]
    assert spares.missed(half_and_whole(1.0, 0.995)) == []
    assert spares.missed(removal.iloc[:0]) == []


def test_the_answer_and_captions_of_removal_are_those_of_the_run(network, cuts):
    view, clusters, _ = network
    one = clusters[:1]
    spare = spares.spare(iv.damage_table(view, one, cuts), found(), 91, 1.0)

    def answer(seen, learned=True):
        return told(CHAPTER, ANSWER, {"half": seen, "spare": spare, "learned": learned})

    dip = facts.half(half_and_whole(0.8, 0.95), one)
    flat = facts.half(half_and_whole(0.95, 0.8), one)
    assert answer(dip).endswith(
        "By accuracy a cluster is better taken out whole than in pieces: 80.0 % of the answers are "
        f"right without half of f = {one[0].freq}, 95.0 % without all of it. The loss is larger at "
        "half than at the end for 0 of 1. :::"
    )
    few = answer(dip._replace(num_clusters=3))
    assert "By accuracy 1 of 3 clusters is better taken out whole than in pieces: 80.0 %" in few
    assert "It hurts less: as many random neurons cost more" in answer(dip)
    assert (
        "seldom worse than to take it whole: the loss is larger at half than at the end for 0 of 1."
        in answer(flat)
    )
    assert "did not learn" in answer(dip, learned=False)
    assert "no cluster here" in answer(facts.half(pd.DataFrame(), []))
    harder = dip._replace(num_harder=0)
    assert "In 0 of 1 cases random neurons cost more" in answer(harder)

    def caption(seen):
        return told(CHAPTER, "half-caption", {"half": seen, "draws": 6})

    assert f"Half of f = {one[0].freq} leaves 80.0 % right, none of it 95.0 %." in caption(dip)
    assert "No cluster is missed more by half than whole." in caption(flat)
    assert "There is none here." in caption(facts.half(pd.DataFrame(), []))
    votes = facts.VotesLeft(3, 0.5, 0.1, 0.3, 3)
    text = told(CHAPTER, "left-caption", {"left": votes, "draws": 6})
    assert text.startswith("Half of a cluster keeps 50.0 % of its cosine, and the rest of what")
    assert "no vote is left" in told(
        CHAPTER, "left-caption", {"left": facts.VotesLeft(0), "draws": 6}
    )
    assert "nothing to miss" in told(CHAPTER, "missed-caption", facts.damage(pd.DataFrame()))


def test_the_cluster_that_is_missed_most_is_as_often_the_largest_as_the_page_says():
    committed = read_sweep_export("A91", results_of("2"))
    first = committed.clusters.sort_values("removed_loss").groupby("seed").last()
    sizes = committed.clusters.groupby("seed").num_neurons
    assert len(first) >= 4000
    assert (first.num_neurons < sizes.max()).mean() > 0.52, "in more than half it is not"
    assert 0.08 < (first.num_neurons == sizes.min()).mean() < 0.1, "in nearly one of ten"
