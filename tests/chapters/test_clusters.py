"""Chapter 04 on odd clusters: none, one at n/2, exact cosets."""

from __future__ import annotations

import numpy as np

from made_up.views import ideal_view, random_view
from modlib.analysis.meso.clusters import CosineFit, cluster_neurons
from modlib.analysis.micro.neurons import power_shares
from modlib.chapters import clusters as facts
from modlib.chapters import shared
from told import cells, told

CHAPTER = "04_clusters"
SHARED = {"a3995d5a", "2eeb0a7d", "1af0a630", "b5c95f44"}
"""Cells whose sentences are those of all chapters, tested in test_shared."""


def test_every_cell_that_says_something_is_tested():
    assert cells(CHAPTER) - SHARED == {"526f0810", "2068dfb6", "88ec0045", "a338fa8e"}


def test_columns_are_counted_where_there_are_clusters():
    view = ideal_view(31, {3: 8, 5: 6})
    text = told(CHAPTER, "526f0810", facts.columns(power_shares(view), cluster_neurons(view)))
    assert "14 of 14 neurons are live" in text
    assert "Two columns hold 100 % of the power" in text
    none = random_view(31, 12)
    text = told(CHAPTER, "526f0810", facts.columns(power_shares(none), cluster_neurons(none)))
    assert "none of them form a cluster" in text
    assert "column" not in text


def test_neurons_have_the_frequency_gcd_once_remapped():
    cluster = cluster_neurons(ideal_view(91, {35: 6})).clusters[0]
    wave = np.cos(2 * np.pi * 7 * np.arange(91) / 91)
    seen = facts.remapping([np.tile(wave, (6, 1))] * 2, 5, cluster)
    text = told(CHAPTER, "2068dfb6", seen)
    assert "gcd(35, 91) = 7, and 6 of 6 neurons" in text


def test_the_frequency_n_half_has_no_phase():
    half = cluster_neurons(ideal_view(12, {6: 3}))
    none = half.table.dropna(subset=["t_a"])
    assert "6 is n/2, which has no phase" in told(
        CHAPTER, "88ec0045", facts.phases(none, half.clusters[0])
    )
    some = cluster_neurons(ideal_view(31, {3: 8}))
    table = some.table.iloc[some.clusters[0].neurons]
    text = told(CHAPTER, "88ec0045", facts.phases(table, some.clusters[0]))
    assert "over eight neurons the median of |t_A + t_B - t_D| is 0.00" in text


def test_a_coset_that_cannot_be_told_apart_is_explained():
    exact = cluster_neurons(ideal_view(91, {35: 6})).clusters[0]
    ranks = np.full((91, 91), 3.0)
    text = told(CHAPTER, "a338fa8e", facts.vote(CosineFit(3.0, 0.97), ranks, exact))
    assert "7 answers of a coset" in text
    assert "first for 0 % of the pairs; on average 3.0 others" in text
    near = cluster_neurons(ideal_view(91, {5: 6})).clusters[0]
    text = told(CHAPTER, "a338fa8e", facts.vote(CosineFit(3.0, 0.97), ranks, near))
    assert "coset" not in text


def test_the_controls_are_told_by_name():
    loose = shared.clusters_facts(cluster_neurons(random_view(31, 12)))
    text = told(CHAPTER, "b5c95f44", loose._asdict() | {"name": "memorised"}, which=1)
    assert text.startswith("*memorised*: 12 of 12 neurons are live, and none of them")
    assert "right on 100 % of its training pairs" in told(
        CHAPTER, "b5c95f44", {"trained_on": np.float64(1.0), "others": 0.02}
    )
