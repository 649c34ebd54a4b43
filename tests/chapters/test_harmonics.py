"""Chapter 02 on fine-tuning neurons and harmonics, odd networks among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, sawtooth
from modlib.analysis.macro.tables import NetworkTables
from modlib.analysis.meso.clusters import Clustering, cluster_neurons
from modlib.analysis.micro import harmonics as ha
from modlib.chapters import harmonics as facts
from modlib.maths.fourier import cosine
from modlib.maths.groups import remap
from told import told_flat as told

CHAPTER = "02_neurons"
OUTPUT, HARMONICS = "1d54edce", "ff1c0066"
REBUILT, PAIR, WAVES, SHAPES, PARTNERS = "9ed7c790", "47532dcf", "7bc50b83", "67be504c", "32949867"


@pytest.fixture(scope="module")
def view():
    return ideal_view(31, {3: 9, 4: 6}, num_dead=3)


@pytest.fixture(scope="module")
def clustering(view):
    return cluster_neurons(view)


def test_outputs_are_told_for_the_classes_that_there_are():
    inputs = {"simple": np.array([[0.9, 0.1, 0.0]]), "3f": np.zeros((0, 3))}
    text = told(CHAPTER, OUTPUT, {"classes": facts.harmonics(inputs, inputs)})
    assert "*simple* (one neuron): inputs 90.0 %, 10.0 %, 0 %, outputs 90.0 %" in text
    assert "3f*" not in text
    empty = {"3f": np.zeros((0, 3))}
    text = told(CHAPTER, OUTPUT, {"classes": facts.harmonics(empty, empty)})
    assert "no live neuron" in text


def test_what_the_relu_makes_stands_beside_its_formula(view):
    freq = np.full(2, 3)
    said = np.stack([cosine(31, 3) - 0.25 * cosine(31, 6) + 0.1 * cosine(31, 9)] * 2)
    text = told(CHAPTER, "relu-said", facts.made_by_relu(said, 2 * said, freq))
    assert "over two simple neurons" in text
    assert "at 2f the ReLU should make -0.20, the activations have -0.25 and the output" in text
    assert "at 3f the ReLU should make +0.09, the activations have +0.10 and the output" in text
    none = facts.made_by_relu(said[:0], said[:0], freq[:0])
    half = facts.made_by_relu(said[:, :30], said[:, :30], np.full(2, 15))
    for nothing in (none, half):
        assert "no simple neuron with a phase" in told(CHAPTER, "relu-said", nothing)


def test_the_question_is_answered_for_the_run_at_hand(clustering):
    live = clustering.table[clustering.table.kind == "simple"]

    def answer(table, learned):
        return told(CHAPTER, "answer", facts.answer(table, learned))

    assert "One cosine of each, of the same frequency: 100 % of the 15 live" in answer(live, True)
    text = answer(live, False)
    assert "which did not learn the rule, no one thing: 100 % of its 15 live neurons" in text
    assert "no live neuron" in answer(live[:0], True)


def test_crests_are_called_flat_sharp_or_neither():
    def third(*components):
        return told(CHAPTER, SHAPES, facts.third(np.array(components), 7), which=1)

    flat = third(-0.2 + 0j, -0.1)
    assert "seed 7 has two neurons of the class 3f" in flat
    assert "-0.15 on average (+0.00 in quadrature, mean size 0.15): crests are flattened." in flat
    assert "sharpened" in third(0.2 + 0j)
    assert "no common shape" in third(0.2 + 0j, -0.2)
    assert third(np.nan + 0j) == "The network of seed 7 has no neuron of the class 3f."


def flat_clustering(*partners):
    """A cluster at 28 with flat crests of a, and one at each of some other frequencies."""
    n = 91
    view = ideal_view(n, {28: 5} | dict.fromkeys(partners, 4))
    preact_a = view.preact_a.copy()
    preact_a[:, :5] -= 0.6 * cosine(n, 84)[:, None]
    found = cluster_neurons(replace(view, preact_a=preact_a, factors=None))
    assert (found.table.kind.iloc[:5] == "3f").all()
    return found


def test_partners_are_told_for_each_3f_cluster(clustering):
    def partners(found, n):
        return told(CHAPTER, PARTNERS, facts.partners(found, n, seed=7))

    assert partners(flat_clustering(7), 91) == (
        "*Seen here*, seed 7: three times 28 is 7 modulo 91, up to sign, which is the frequency of "
        "another cluster."
    )
    assert "which is not the frequency" in partners(flat_clustering(8), 91)
    assert "no cluster whose neurons are mostly 3f" in partners(clustering, 31)
    none = Clustering([], clustering.table, np.arange(3))
    assert partners(none, 31) == "*Seen here*, seed 7: it has no cluster."
    three = facts.Partners(7, 91, 4, [(28, 7, True), (5, 15, False), (2, 6, False)])
    text = told(CHAPTER, PARTNERS, three)
    assert "the frequency of another cluster, three times 5" in text
    assert "frequency of another cluster and three times 2 is" in text


def test_partners_are_counted_over_networks_that_learned():
    clusters = pd.DataFrame(
        {
            "seed": [0, 0, 1, 1, 2],
            "cluster": [0, 1, 0, 1, 0],
            "freq": [28, 7, 5, 6, 28],
            "num_neurons": [9, 9, 9, 2, 9],
        }
    )
    neurons = clusters.assign(kind=["3f", "simple", "simple", "3f", "3f"])
    summary = pd.DataFrame({"seed": [0, 1, 2], "n": 91, "learned": [True, True, False]})

    def partners(exports):
        seen = {"exports": facts.partners_of_many(exports)}
        return told(CHAPTER, PARTNERS, seen, which=1)

    tables = NetworkTables(summary, clusters, neurons)
    one = "n = 91, two networks: mostly 3f are 1 of 1 with such a partner and 0 of 2 without"
    over = "Over many networks, clusters of 8 neurons or more:"
    assert partners({"A91": tables}) == f"{over} {one}."
    assert partners({"A91": tables, "again": tables}) == f"{over} {one}; {one}."
    none = NetworkTables(summary.assign(learned=False), clusters, neurons)
    assert partners({}) == partners({"A91": none}) == ""


def test_harmonics_are_told_with_their_chance_and_the_empty_test_is_admitted():
    def harmonics(leading, base, n):
        return told(CHAPTER, HARMONICS, facts.low_harmonics(leading, base, n))

    empty = harmonics({3: [42, 7, 35, 28]}, 42, 91)
    assert "42 = f, 7 = 2f, 35 = 3f and 28 = 5f" in empty
    assert "of 1 neurons" in empty
    assert "only 6 such frequencies" in empty
    assert "says nothing at all" in empty
    other = harmonics({3: [42, 7, 35, 28], 4: [42, 7, 3]}, 42, 91)
    assert "every frequency here" not in other
    prime = harmonics({3: [27, 35, 19], 4: [27, 35, 1]}, 27, 89)
    assert "27 = f, 35 = 2f and 19 = 4f" in prime
    assert "triples drawn at random" in prime
    assert "says nothing" not in prime
    assert harmonics({0: [1, 2]}, 1, 5).endswith("of one frequency.")
    assert facts.harmonic_names([8], 42, 91) == {8: "8"}


def test_rebuilding_is_told_by_what_it_takes():
    def rebuilt(*residual):
        return told(CHAPTER, REBUILT, facts.rebuilt(residual, 7))

    assert "two frequencies bring it under 0.12, where" in rebuilt(1.0, 0.4, 0.1)
    assert "one frequency brings it under 0.12" in rebuilt(1.0, 0.1)
    assert "all 1 together leave 0.40" in rebuilt(1.0, 0.4)


def test_waves_are_compared_by_their_medians():
    fits = [ha.fit_waves(remap(sawtooth(31, 3), 21)), ha.fit_waves(cosine(31, 1))]
    text = told(CHAPTER, WAVES, facts.waves(fits, 3))
    assert "over two preactivations of the cluster of f = 3: the median" in text
    assert "The hump beats the full period in 0 of 2, the flank in 1." in text


def test_a_pair_is_told_with_its_seeds(view):
    def remapped(pair):
        seen = {"pair": facts.remapped(pair, {"simple": 7, "fine-tuning": 1})}
        return told(CHAPTER, PAIR, seen)

    one = ha.portrait(view, 0, 3)
    alone = (
        "*Seen here*: neuron 0 of seed 7 (simple) has 100 % of its power at 3, and after "
        f"remapping by {one.unit} at 1"
    )
    assert remapped({"simple": one, "fine-tuning": None}) == f"{alone}."
    both = remapped({"simple": one, "fine-tuning": one})
    assert both.startswith(f"{alone}; neuron 0 of seed 1 (fine-tuning) has")
    assert remapped({"simple": None, "fine-tuning": None}) == ""


def test_missing_classes_are_named():
    def shapes(**seeds):
        return told(CHAPTER, SHAPES, facts.shapes(seeds))

    assert "the simple neuron is of seed 7; there is no neuron of the classes 3f, bent" in shapes(
        simple=7
    )
    assert "no neuron of the class fine-tuning." in shapes(**{"simple": 7, "3f": 7, "bent": 7})
    assert shapes(**dict.fromkeys(["simple", "3f", "bent", "fine-tuning"], 7)) == (
        "*Seen here*: the simple, 3f, bent and fine-tuning neurons are of seed 7."
    )
    assert shapes(**{"simple": 4074, "3f": 7, "fine-tuning": 4074}).startswith(
        "*Seen here*: the simple and fine-tuning neurons are of seed 4074, the 3f neuron is of "
    )
    assert "no live neuron" in shapes()


# Captions


def caption(name, seen):
    return told(CHAPTER, f"{name}-caption", seen)


def test_captions_of_outputs_and_of_shapes(view):
    inputs = {"simple": np.array([[0.9, 0.1, 0.0]]), "3f": np.zeros((0, 3))}
    text = caption("outputs", {"classes": facts.harmonics(inputs, inputs)})
    assert text.endswith("At 2f: simple 10.0 % and 10.0 %.")
    assert caption("outputs", {"classes": []}) == (
        "No live neuron has a frequency of its own, so there are no harmonics to draw."
    )
    each = facts.remapped({"simple": ha.portrait(view, 0, 3)}, {"simple": 7})
    assert caption("shapes", {"each": each}).endswith("power that it holds: simple 100 %.")
    assert caption("shapes", {"each": []}).endswith("There is no neuron of these classes.")
    text = caption("a2", {"pair": each})
    assert text.endswith("The simple one has 100 % of its power at 3, then at 1.")
    assert caption("a2", {"pair": []}).endswith("There is none to draw.")


def test_captions_of_fine_tuning_neurons():
    low = facts.low_harmonics({3: [42, 7]}, 42, 91)
    assert caption("a20", low).endswith(
        "The first neuron has two leading frequencies: 42 = f and 7 = 2f."
    )
    one = facts.low_harmonics({3: [20]}, 20, 60)
    assert caption("a20", one).endswith("The first neuron has one leading frequency: 20 = f.")
    text = caption("a21", facts.rebuilt([1.0, 0.4, 0.1], 7))
    assert text.endswith("The first leaves a residual of 0.40, all 2 leave 0.10.")
    alone = caption("a21", facts.rebuilt([1.0, 0.4], 7))
    assert alone.endswith("The first leaves a residual of 0.40.")
    fits = [ha.fit_waves(remap(sawtooth(31, 3), 21))]
    where = {"neuron": 5, "seed": 7, "n": 31}
    text = caption("half-period", facts.waves(fits, 3)._asdict() | where)
    assert text.startswith("Neuron 5 of seed 7 (n = 31), remapped, under a full period of a sine")
    assert text.endswith("(flank).")
