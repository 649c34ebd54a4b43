"""Chapter 02 on odd networks: no simple neuron, no phase, no live one, no cluster."""

from __future__ import annotations

from dataclasses import replace
from math import gcd

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.macro.tables import NetworkTables
from modlib.analysis.meso.clusters import Clustering, cluster_neurons
from modlib.analysis.micro import harmonics as ha
from modlib.analysis.micro import neurons as ne
from modlib.chapters import neurons as facts
from modlib.maths.fourier import cosine
from modlib.maths.groups import remap
from told import cells, told

CHAPTER = "02_neurons"
CHOICE, ONE, STRONGEST, TEST = "a7adeb01", "46756de6", "bdf566bc", "461665f4"
KINDS, THRESHOLDS, OUTPUT, HARMONICS = "fe69f7aa", "98fe4729", "1d54edce", "ff1c0066"
REBUILT, PAIR, WAVES, SHAPES, PARTNERS = "9ed7c790", "47532dcf", "7bc50b83", "67be504c", "32949867"
SHARED = {"2dde4657", "21301b23"}
"""Cells whose sentences are those of all chapters, tested in test_shared."""


def sawtooth(n, freq):
    """A wave that falls from 1 to -1 over each of its periods."""
    k = np.arange(n)
    return 1 - 2 * (freq * k % n) / (n - gcd(freq, n))


@pytest.fixture(scope="module")
def view():
    return ideal_view(31, {3: 9, 4: 6}, num_dead=3)


@pytest.fixture(scope="module")
def clustering(view):
    return cluster_neurons(view)


@pytest.fixture(scope="module")
def half():
    """Neurons of frequency n/2, which have no phase."""
    return ideal_view(12, {6: 3})


@pytest.fixture(scope="module")
def dead():
    return ne.neuron_table(ideal_view(7, {}, num_dead=3))


def test_every_cell_that_says_something_is_tested():
    own = {CHOICE, ONE, STRONGEST, TEST, KINDS, THRESHOLDS, OUTPUT, HARMONICS}
    own |= {REBUILT, PAIR, WAVES, SHAPES, PARTNERS}
    assert cells(CHAPTER) - SHARED == own


def test_a_place_without_a_simple_neuron_is_explained():
    def choice(simple, place):
        return told(CHAPTER, CHOICE, facts.chosen_neuron(simple, place))

    assert "no simple neuron" in choice([], 0)
    assert "has 2, from place 0" in choice([5, 3], 2)
    assert "neuron 3, place 1 of two" in choice([5, 3], 1)
    assert "neuron 5, the strongest of" in choice([5, 3], 0)


def test_one_neuron_is_told_with_and_without_phases(half):
    row = ne.neuron_table(ideal_view(31, {3: 5})).loc[1]
    text = told(CHAPTER, ONE, facts.neuron(row, 31))
    assert text.startswith("*Seen here*: f = 3, and 3 leads the output")
    assert "t_A = 6.20 and t_B = 0.00; their sum modulo 31 is 6.20, and t_D = 6.20" in text
    text = told(CHAPTER, ONE, facts.neuron(ne.neuron_table(half).loc[0], 12))
    assert "no phase" in text
    assert "t_A" not in text


def test_the_table_of_the_test_has_a_row_a_cluster(clustering, half):
    def table(found, n):
        return told(CHAPTER, STRONGEST, {"strongest": facts.strongest(found, n)})

    rows = facts.strongest(clustering, 31)
    assert [row.freq for row in rows] == [3, 4]
    assert len(facts.strongest(clustering, 31, most=1)) == 1
    assert f"| {rows[0].neuron} | simple | 3 |" in table(clustering, 31)
    assert "| none | none | none | none |" in table(cluster_neurons(half), 12)
    assert table(cluster_neurons(random_view(91, 20)), 91) == ""


def test_the_test_is_told_for_odd_networks(clustering, half, dead):
    def test(table, n):
        return told(CHAPTER, TEST, facts.simple_test(table, n))

    assert "over 15 simple neurons |t_A + t_B - t_D| has" in test(clustering.table, 31)
    assert "none has a phase" in test(ne.neuron_table(half), 12)
    assert "no neuron is live" in test(dead, 7)
    noise = ne.neuron_table(random_view(91, 20))
    assert "over 20 live neurons" in test(noise, 91)
    some = noise.assign(kind=["simple"] * 4 + ["diffuse"] * 16)
    assert ". Over 20 live neurons" in test(some, 91)


def kinds(table):
    return told(CHAPTER, KINDS, facts.kinds(table))


def test_classes_are_counted_with_and_without_the_3f_shape(dead):
    text = kinds(ne.neuron_table(ideal_view(91, {5: 6}, third=0.2, num_dead=2)))
    assert "6 live neurons: 6 3f; 2 dead" in text
    assert "Simple are 0 % of the live ones, with the 3f shape 100 %." in text
    assert "No residuals lie within a quarter of the threshold 0.12" in text
    assert "all 3 neurons are dead" in kinds(dead)


def test_residuals_beside_a_threshold_are_pointed_out(clustering):
    live = clustering.table[ne.is_live(clustering.table)]
    assert "100 % of the live ones. No residuals" in kinds(live)
    assert kinds(live).endswith("Both thresholds fall into gaps.")
    beside = live.assign(residual=[0.12, *[0.01] * 14])
    assert "One residual lies within a quarter of the threshold 0.12, no resid" in kinds(beside)
    assert "The threshold 0.12 does not fall into a gap here" in kinds(beside)
    beside = live.assign(residual=[0.3, *[0.01] * 14])
    assert "The threshold 0.3 does not fall into a gap here" in kinds(beside)
    both = live.assign(residual=[0.12, 0.3, *[0.01] * 13])
    assert "Neither threshold falls into a gap here" in kinds(both)


def test_a_memorising_network_with_tied_phases_is_pointed_out(view, half, dead):
    trained, noise = ne.neuron_table(view), ne.neuron_table(random_view(31, 40))

    def controls(n=31, **tables):
        return told(CHAPTER, KINDS, facts.controls(tables, n), which=1)

    tied = noise.assign(phase_error=noise.phase_error / 10)
    warned = controls(trained=trained, memorised=tied)
    assert "*trained*: 100 % simple, median residual 0.00" in warned
    assert "no evidence; the residual is what tells the two networks apart." in warned
    assert "no evidence." in controls(untrained=noise, memorised=tied)
    assert "Mind the phases" not in controls(trained=trained, memorised=noise)
    assert "*memorised*: no live neuron." in controls(trained=trained, memorised=dead)
    assert "no phase, output led by f" in controls(12, memorised=ne.neuron_table(half))


def test_thresholds_are_told_by_what_moves():
    def thresholds(num_live):
        shares = np.array([[0.1, 0.8, 1.0], [0.1, 0.9, 1.0]])
        seen = facts.thresholds(shares, [0.06, 0.12, 0.24], [0.03, 0.1], num_live)
        return told(CHAPTER, THRESHOLDS, seen)

    still = thresholds([15, 15])
    assert "15 at every threshold of strength from 0.03 to 0.1." in still
    assert "10.0 % have a residual under 0.06, 80.0 % under 0.12 and 100 % under 0.24" in still
    assert "falls from 20 to 15" in thresholds([20, 15])


def test_outputs_are_told_for_the_classes_that_there_are():
    inputs = {"simple": np.array([[0.9, 0.1, 0.0]]), "3f": np.zeros((0, 3))}
    text = told(CHAPTER, OUTPUT, {"classes": facts.harmonics(inputs, inputs)})
    assert "*simple* (one neuron): inputs 90.0 %, 10.0 %, 0 %, outputs 90.0 %" in text
    assert "3f*" not in text
    empty = {"3f": np.zeros((0, 3))}
    text = told(CHAPTER, OUTPUT, {"classes": facts.harmonics(empty, empty)})
    assert "no live neuron" in text


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


def test_missing_classes_are_named(view):
    def shapes(kinds):
        one = ha.portrait(view, 0, 3)
        return told(CHAPTER, SHAPES, facts.shapes(dict.fromkeys(kinds, one), 7))

    assert "shown is simple; this network has no neuron of the classes 3f, bent and" in shapes(
        ["simple"]
    )
    assert "no neuron of the class fine-tuning." in shapes(["simple", "3f", "bent"])
    assert shapes(["simple", "3f", "bent", "fine-tuning"]) == (
        "*Seen here*, seed 7: shown are simple, 3f, bent and fine-tuning."
    )
    assert "no live neuron" in shapes([])
