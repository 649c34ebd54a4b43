"""What several chapters say, on odd runs: not learned, nothing held out, no cluster, even n."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from made_up.addition import history_of, run_of
from made_up.views import ideal_view, random_view
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.analysis.micro.neurons import power_shares
from modlib.chapters import clusters, shared
from modlib.chapters.say import fill
from modlib.config.addition import AdditionConfig
from modlib.config.thresholds import DEFAULT


def told(facts: object, template: str) -> str:
    """The text of a shared template in one line."""
    return " ".join(fill(facts, f'{{% include "{template}.md" %}}').split())


def run_with(train, test, **config):
    return run_of(AdditionConfig(**config), history_of(train, test))


def about_run(train, test, **config):
    return told(shared.run_facts(run_with(train, test, **config)), "run")


def test_a_run_that_learned_is_told_in_one_sentence():
    text = about_run([0.0, 1.0, 1.0], [0.0, 1.0, 0.9995], epochs=2)
    assert text == (
        "**Seed 3, n = 91**: trained here in 7.5 s (100 steps a second); 99.95 % right on the "
        "3,185 pairs it never saw, first 100 % after epoch 1 of 2."
    )
    run = run_with([0.0, 1.0], [0.0, 1.0], epochs=1)
    stored = shared.run_facts(replace(run, trained_now=False))
    assert told(stored, "run").startswith("**Seed 3, n = 91**: 100 % right on the 3,185 pairs")


def test_a_run_that_did_not_learn_says_so_and_what_it_did():
    memorised = about_run([0.0, 1.0], [0.0, 0.1], epochs=1)
    assert "10.0 % right on the 3,185 pairs it never saw. > **This network did not" in memorised
    assert "It knows 100 % of its training pairs: it memorised them; chance" in memorised
    untrained = about_run([0.01], [0.01], epochs=0)
    assert "trained here in 7.5 s; 1.0 %" in untrained
    assert "It knows 1.0 % of its training pairs; chance on new pairs is 1.1 %" in untrained


def test_without_held_out_pairs_the_sentence_speaks_of_all():
    text = about_run([0.0, 1.0], [np.nan, np.nan], n=5, train_pairs=25, epochs=1)
    assert "100 % right on all 25 pairs, none of which was held out, first 100 %" in text


def test_an_even_modulus_is_explained_and_an_odd_one_is_not():
    text = told(shared.parity(AdditionConfig(n=60)), "parity")
    assert "n = 60 is even.** The pairs (k, k) reach only even answers" in text
    assert "n/2 = 30" in text
    assert told(shared.parity(AdditionConfig(n=61)), "parity") == ""


def about_clusters(view, **options):
    return told(
        shared.clusters_facts(cluster_neurons(view, thresholds=replace(DEFAULT, **options))),
        "clusters",
    )


def test_clusters_are_named_and_their_absence_explained():
    assert about_clusters(ideal_view(31, {3: 8, 5: 6, 7: 4}, num_dead=2)) == (
        "18 of 20 neurons are live, 2 dead. They form three clusters: f = 3 (8 neurons), f = 5 (6 "
        "neurons) and f = 7 (4 neurons). Every live neuron belongs to one."
    )
    some = about_clusters(ideal_view(31, {3: 8, 5: 6, 7: 4}), min_size=5)
    assert some.endswith("Four live neurons belong to none.")
    one = about_clusters(ideal_view(31, {3: 8, 5: 1}))
    assert "They form one cluster: f = 3 (8 neurons). One live neuron belongs to none." in one
    tuned = shared.ClustersFacts(6, 6, [(5, 6, "fine-tuning")], 0, 0)
    assert "f = 5 (6 neurons, fine-tuning). Every" in told(tuned, "clusters")
    none = about_clusters(random_view(31, 12))
    assert none == (
        "12 of 12 neurons are live, and there is no cluster: all of them respond to many "
        "frequencies at once."
    )
    apart = about_clusters(ideal_view(31, {3: 2, 5: 1}))
    assert apart.endswith("there is no cluster: 3 have a frequency that too few others share.")
    some = told(shared.ClustersFacts(3, 4, [], 3, 1), "clusters")
    assert "no cluster: one neuron responds to many frequencies at once, 2 others have" in some
    dead = told(shared.ClustersFacts(0, 128, [], 0, 0), "clusters")
    assert dead == "All 128 neurons are dead, so there is no cluster."


def test_columns_are_counted_beside_the_clusters():
    def columns(view):
        facts = clusters.columns(power_shares(view), cluster_neurons(view))
        return told(facts, "columns")

    assert "belongs to one. Two columns hold 100 %" in columns(ideal_view(31, {3: 8, 5: 6}))
    assert "column" not in columns(random_view(31, 12))


def test_a_cluster_that_is_not_there_is_said_to_be_missing():
    clustering = cluster_neurons(ideal_view(31, {3: 8}))
    assert "We look at cluster 0: eight neurons of frequency 3 (simple). gcd(3, 31) = 1" in told(
        shared.choice(clustering, 0), "choice"
    )
    assert "There is no cluster 4: this network has cluster 0 only." in told(
        shared.choice(clustering, 4), "choice"
    )
    none = shared.choice(cluster_neurons(random_view(31, 12)), 0)
    assert "no cluster to look at" in told(none, "choice")


def test_exact_and_approximate_cosets_are_told_apart():
    def coset(freq):
        cluster = cluster_neurons(ideal_view(91, {freq: 6})).clusters[0]
        return told(shared.coset_facts(cluster), "coset")

    assert "cannot tell the 7 elements of a coset apart, and its 13 cosets are exact" in coset(35)
    assert "are 18 apart" in coset(5)
    assert "crests come every n/f = 18.20" in coset(5)


def test_where_a_fine_tuning_cluster_comes_from_is_told():
    def fine_tuning(**changes):
        facts = shared.FineTuning(n=89, learned=True, own=False, example=(1, 2, 5, 42), kept=None)
        return told(facts._replace(**changes), "fine_tuning")

    here = fine_tuning(own=True)
    assert here == "This network has a fine-tuning cluster: cluster 2, five neurons led by f = 42."
    there = fine_tuning()
    assert there.startswith("This network has no fine-tuning cluster. The rule of the book")
    assert there.endswith("that is seed 1 (cluster 2, five neurons led by f = 42).")
    kept = fine_tuning(n=91, kept=4000, example=(4074, 3, 11, 42))
    assert kept == (
        "This network has no fine-tuning cluster. So here is a network like the one that the paper "
        "draws, seed 4074, one of 4,000 that were searched: cluster 3, 11 neurons led by f = 42."
    )
    assert "No seed that has one is recorded for n = 60" in fine_tuning(n=60, example=None)
    assert fine_tuning(learned=False).startswith("Fine-tuning clusters are looked for in networks")
    run = run_with([0.0, 1.0], [0.0, 1.0], epochs=1)
    assert shared.fine_tuning(run, None) == shared.FineTuning(91, True, False, None, None)


def test_what_a_chapter_breaks_may_be_missing():
    assert "no cluster to break" in told({}, "no_cluster_to_break")
