"""Chapter 02 on odd networks: no simple neuron, no phase, no live one, no cluster."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.analysis.micro import neurons as ne
from modlib.chapters import neurons as facts
from told import cells
from told import told_flat as told

CHAPTER = "02_neurons"
CHOICE, ONE, STRONGEST, TEST = "a7adeb01", "46756de6", "bdf566bc", "461665f4"
KINDS, THRESHOLDS, OUTPUT, HARMONICS = "fe69f7aa", "98fe4729", "1d54edce", "ff1c0066"
REBUILT, PAIR, WAVES, SHAPES, PARTNERS = "9ed7c790", "47532dcf", "7bc50b83", "67be504c", "32949867"
CAPTIONS = (
    *("one-neuron", "test", "residuals", "outputs", "a19", "a20", "a21", "a2", "half-period"),
    "shapes",
)
SHARED = {"2dde4657", "21301b23"}
"""Cells whose sentences are those of all chapters, tested in test_shared."""


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
    own |= {REBUILT, PAIR, WAVES, SHAPES, PARTNERS, "relu-said", "answer"}
    own |= {f"{name}-caption" for name in CAPTIONS}
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
    assert text.startswith("*Seen here*: $f = 3$, and 3 leads the output")
    assert "$t_A = 6.20$ and $t_B = 0.00$; their sum modulo 31 is 6.20, and $t_D = 6.20$" in text
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

    assert "over 15 simple neurons $\\lvert t_A + t_B - t_D \\rvert$ has" in test(
        clustering.table, 31
    )
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
    assert "6 live neurons: 6 *3f*; 2 dead" in text
    assert "Simple are 0 % of the live ones, with the 3f shape 100 %." in text
    assert "No residuals lie within a quarter of the threshold 0.12" in text
    assert "all 3 neurons are dead" in kinds(dead)


def test_residuals_beside_a_threshold_are_pointed_out(clustering):
    live = clustering.table[ne.is_live(clustering.table)]
    assert "100 % of the live ones. No residuals" in kinds(live)
    assert kinds(live).endswith("Both thresholds fall into gaps.")
    mixed = kinds(live.assign(residual=0.9, kind="diffuse"))
    assert mixed.endswith("All residuals lie above both thresholds, which part nothing here.")
    beside = live.assign(residual=[0.12, *[0.01] * 14])
    assert "One residual lies within a quarter of the threshold 0.12, no resid" in kinds(beside)
    assert "The threshold 0.12 does not lie in the middle of a gap here" in kinds(beside)
    beside = live.assign(residual=[0.3, *[0.01] * 14])
    assert "The threshold 0.3 does not lie in the middle of a gap here" in kinds(beside)
    both = live.assign(residual=[0.12, 0.3, *[0.01] * 13])
    assert "Neither threshold lies in the middle of a gap here" in kinds(both)


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


# Captions


def caption(name, seen):
    return told(CHAPTER, f"{name}-caption", seen)


def test_captions_of_neurons_say_what_one_cosine_leaves(half):
    one = facts.neuron(ne.neuron_table(ideal_view(31, {3: 5})).loc[1], 31)._replace(off=0.01)
    text = caption("one-neuron", {"ones": [one]})
    assert text == (
        "What neuron 1 hears of a and of b, and says to each answer. A cosine of f = 3 leaves "
        "1.0 % of the inputs' power."
    )
    assert caption("one-neuron", {"ones": []}) == "There is no such neuron to draw."
    without_phase = facts.neuron(ne.neuron_table(half).loc[0], 12)
    text = caption("a19", {"drawn": [one, without_phase]})
    assert "In neuron 1 one cosine (f = 3) leaves 1.0 % of the power. In neuron 0 one" in text


def test_captions_of_the_test_and_of_residuals(clustering, half, dead):
    text = caption("test", facts.simple_test(clustering.table, 31))
    assert "Over 15 simple neurons the median phase error is " in text
    text = caption("test", facts.simple_test(ne.neuron_table(half), 12))
    assert "Over three simple neurons the median $\\lvert \\ln(r_A / r_B) \\rvert$ " in text
    assert caption("test", facts.simple_test(dead, 7)).endswith("No neuron is live.")
    tables = {"trained": clustering.table, "memorised": dead}
    assert caption("residuals", facts.controls(tables, 31)) == (
        "Residuals in three networks. Trained: 100 % of the live neurons are simple. Memorised: no "
        "live neuron."
    )
