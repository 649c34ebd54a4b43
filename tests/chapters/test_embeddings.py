"""Chapter 03 on odd embeddings: no cluster, no circle, cosets of every kind, n/2."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.embeddings import circles
from made_up.views import ideal_view
from modlib.analysis.meso.clusters import Cluster, Clustering, cluster_neurons
from modlib.analysis.micro import embeddings as em
from modlib.chapters import embeddings as facts
from modlib.maths.fourier import cosine, power_spectrum
from told import cells, told

CHAPTER = "03_embeddings"
DIMENSIONS, PAIRS, AGREEMENT = "c3c50457", "a72a703a", "afe0f8af"
COSETS, COORDINATES, ORBITS = "58c0f136", "a290c13b", "da53994f"
SHARED = {"3a51440f"}
"""Cells whose sentences are those of all chapters, tested in test_shared."""


def turned(embedding, seed=0):
    """The same points in other coordinates."""
    mixing = np.random.default_rng(seed).standard_normal((embedding.shape[1],) * 2)
    return embedding @ np.linalg.qr(mixing)[0]


@pytest.fixture(scope="module")
def clustering_of():
    """Clusters of that many neurons by frequency, without a table of their own behind them."""
    table = cluster_neurons(ideal_view(31, {3: 4})).table

    def made_up(n, sizes):
        clusters = [
            Cluster(index=i, freq=f, n=n, neurons=np.arange(m), kind="simple")
            for i, (f, m) in enumerate(sizes.items())
        ]
        return Clustering(clusters, table, np.arange(0))

    return made_up


@pytest.fixture(scope="module")
def good():
    return em.principal_components(circles(31, {3: 2.0, 7: 1.0}), 4)


@pytest.fixture(scope="module")
def noise():
    points = np.random.default_rng(0).standard_normal((31, 6))
    return em.principal_components(points, 4)


def test_every_cell_that_says_something_is_tested():
    own = {DIMENSIONS, PAIRS, AGREEMENT, COSETS, COORDINATES, ORBITS, "answer"}
    own |= {f"{name}-caption" for name in ("variance", "a8-a16", "circularity", "projections")}
    assert cells(CHAPTER) - SHARED == own


def test_half_of_an_even_modulus_fills_one_dimension():
    assert facts.room_for([5, 7], 91) == 4
    assert facts.room_for([5, 30], 60) == 3
    assert facts.room_for([], 91) == 0


def test_the_share_of_variance_is_told_with_and_without_clusters(clustering_of):
    shares = {"trained": np.array([0.5, 0.48, 0.02]), "untrained": np.full(3, 1 / 3)}

    def dimensions(sizes):
        return told(CHAPTER, DIMENSIONS, facts.dimensions(shares, clustering_of(91, sizes), 91))

    text = dimensions({5: 10})
    assert "trained 2 and untrained 3." in text
    assert "one frequency (f = 5), which can fill 2. The first 2 components hold 98.0 %" in text
    assert text.endswith("98.0 % (trained) and 66.7 % (untrained).")
    assert "no cluster" in dimensions({})


def test_pairs_are_told_by_spectra_and_by_positions(good, noise):
    def pairs(components, drawn, table=None):
        table = em.component_pairs(components) if table is None else table
        return told(CHAPTER, PAIRS, facts.pairs_drawn(components, table, drawn))

    text = pairs(good, [(0, 1), (0, 2), (2, 3)])
    assert "of the three pairs drawn, (1, 2) and (3, 4) have one frequency" in text
    assert "spectra; the same are circular. One cosine holds 100" in text
    assert "(1, 2) has one frequency by the spectra; it is circular" in pairs(good, [(0, 1)])
    text = pairs(noise, [(0, 1), (2, 3)])
    assert "none has two components of one and the same frequency, and none is circular." in text
    squeezed = em.component_pairs(good).assign(circular=False)
    assert "spectra; circular by position: none." in pairs(good, [(0, 1)], squeezed)


def agreement(components, tables=None):
    if tables is None:
        tables = {name: em.component_pairs(found) for name, found in components.items()}
    return told(CHAPTER, AGREEMENT, facts.agreements(components, tables))


def test_an_empty_agreement_is_called_empty(good, noise):
    text = agreement({"trained": good, "untrained": noise})
    assert "| trained | 6 | 2 | 4 | 0 | 0 |" in text
    assert "| untrained | 6 | 0 | 6 | 0 | 0 |" in text
    assert "Where nothing is circular (untrained)" in text
    alone = agreement({"trained": good})
    assert "| 0 | 0 | In networks that learned a disagreement was" in alone
    assert "Where nothing is circular" not in alone


def test_pairs_on_which_spectra_and_ellipses_disagree_are_named():
    """Two frequencies of equal variance, turned into each other: told by the spectra, wrongly."""
    n = 31
    x, y = cosine(n, 3) + 1.1 * cosine(n, 7), cosine(n, 3, n / 4) - 1.2 * cosine(n, 9)
    spectra = np.array([power_spectrum(signal) for signal in (x, y)])
    spectra = (spectra / spectra.sum(1, keepdims=True))[[0, 0]]
    mixed = em.Components(np.stack([x, y], axis=1), np.full(2, 0.5), spectra)
    text = agreement({"trained": mixed})
    assert "In the trained network the two disagree on (1, 2): spread 0." in text
    assert "(the line is at 0.25), where the less pure component holds 54.8 % of" in text
    assert "Where nothing" not in text


def test_cosets_are_told_for_prime_composite_and_diffuse():
    def cosets(n, sizes, rows=None):
        table = em.coset_table(em.principal_components(circles(n, sizes), 2 * len(sizes)))
        return told(CHAPTER, COSETS, facts.cosets(table[:rows], n))

    assert "and 31 is prime: no two inputs" in cosets(31, {3: 2.0})
    assert "gcd(f, 91) = 1: no two" in cosets(91, {5: 2.0})
    exact = cosets(91, {35: 2.0, 26: 1.0})
    assert "gcd(35, 91) = 7, so PC1 and PC2 can have 13 positions of 7 points each" in exact
    assert "would have 92.6 %; gcd(26, 91) = 13, so PC3 and PC4" in exact
    assert exact.endswith("would have 96.1 %.")
    assert "no component is told" in cosets(91, {35: 2.0}, rows=0)


def test_only_an_even_modulus_has_two_pairs_for_an_answer():
    def half_turn(n, sizes):
        found = em.principal_components(circles(n, sizes), 2 * len(sizes))
        return told(CHAPTER, COSETS, facts.half_turns(found), which=1)

    assert half_turn(31, {3: 2.0}) == ""
    text = half_turn(60, {22: 2.0, 17: 1.0})
    assert "They stand together in components of even frequency (correlation 1.00) and" in text
    assert "and opposite each other in components of odd frequency (correlation -1.00). P" in text
    assert "stand together in components of even frequency (correlation 1.00). Points" in half_turn(
        60, {22: 2.0}
    )
    assert "They stand opposite each other" in half_turn(60, {17: 2.0})


def test_coordinates_are_told_with_and_without_neurons():
    embedding = turned(circles(31, {3: 2.0, 7: 1.0}))
    preacts = np.stack([cosine(31, 3, t) for t in (1.0, 5.0)])

    def coordinates(embedding, freq, preacts=preacts):
        vectors = em.projections(embedding.T, freq)
        return told(CHAPTER, COORDINATES, facts.coordinates(vectors, embedding, preacts))

    text = coordinates(embedding, 3)
    assert "the four coordinates" not in text
    assert "the 4 coordinates hold this frequency" in text
    assert "power, a neuron of the cluster one frequency (medians)." in text
    alone = coordinates(embedding, 3, preacts[:0])
    assert "a neuron of the cluster" not in alone
    assert alone.endswith("here no cluster has that frequency, so nothing undoes it.")
    equal = circles(31, {3: 1.0, 7: 1.0}) @ np.full((4, 4), 0.5)
    assert "they pick one frequency, with a phase of the neuron's own." in coordinates(equal, 3)
    mixed = np.stack([cosine(31, 3, 0.0) + cosine(31, 7, t) for t in (1.0, 5.0)])
    assert coordinates(equal, 3, mixed).endswith("here the neurons stay mixtures.")
    assert coordinates(turned(circles(31, {3: 2.0})), 3).endswith("is one shadow already.")
    assert "for 90 % of its power. The paper's point" in alone
    half = 0.5 * (-1.0) ** np.arange(12)[:, None] * np.ones(3)
    text = coordinates(half, 6, preacts[:0])
    assert "all on one axis, because the frequency n/2 has no sine. A coordinate" in text


def test_axes_are_called_evidence_only_where_the_controls_differ(clustering_of):
    own = turned(circles(31, {3: 2.0, 7: 1.0}))
    noise = np.random.default_rng(0).standard_normal((31, 4))

    def orbits(embeddings, sizes, n=31):
        return told(CHAPTER, ORBITS, facts.orbits(embeddings, clustering_of(n, sizes)))

    sizes = {3: 8, 7: 4}
    text = orbits({"trained": own, "untrained": noise, "memorised": own}, sizes)
    assert "| 3 | 8 | 80.0 % | 1.00 | | 7 | 4 | 20.0 % | 1.00 | Together 100" in text
    assert "; memorised 100 %, axes 1.00. Two random" in text.replace("100.0 %", "100 %")
    text = orbits({"trained": own, "untrained": noise}, sizes)
    assert text.endswith("no evidence; that little else is left is.")
    text = orbits({"trained": noise, "untrained": noise}, sizes)
    assert text.endswith("no evidence, and here the share of these frequencies is none either.")
    assert "no cluster" in orbits({"trained": own}, {})
    half = circles(12, {6: 1.0, 5: 1.0})
    even = orbits({"trained": half, "untrained": half}, {6: 5}, n=12)
    assert "| one axis only (n/2) |" in even
    assert "controls: untrained 50.0 %. Two" in even
    assert facts.orbits({"trained": own}, clustering_of(31, sizes)).stands_out


def test_the_question_is_answered_for_the_run_at_hand():
    def answer(**changed):
        about = facts.Answer(True, 2, 0.97, (0.8, 0.95), 22.0)._replace(**changed)
        return told(CHAPTER, "answer", about)

    text = answer()
    assert "As whole circles, turned. 97.0 % of the embedding's variance sits at the two" in text
    assert "on orbits whose shorter axis is 0.80 to 0.95 of the longer one." in text
    assert "(22 degrees from the nearest axis on average)" in text
    assert "turned; not every one is round." in answer(all_round=False)
    flat = answer(axes=None, from_axis=None)
    assert "orbits" not in flat
    assert "degrees" not in flat
    assert "no cluster" in answer(num_freqs=0, held=float("nan"))
    assert "did not learn the rule. Of its embedding's variance 97.0 %" in answer(learned=False)
    none = answer(learned=False, num_freqs=0, held=float("nan"))
    assert "did not learn the rule. It has no cluster" in none


def test_the_answer_takes_the_flattest_and_the_roundest_orbit():
    orbits = facts.Orbits([facts.Orbit(3, 8, 0.5, 0.9), facts.Orbit(6, 8, 0.4, None)], 0.9)
    seen = facts.Coordinates(12, 0.1, 0.2, None, 3, None)
    assert facts.answer(True, orbits, seen) == (True, 2, 0.9, (0.9, 0.9), None, True)
    flat = facts.Orbits([*orbits.orbits, facts.Orbit(9, 3, 0.1, 0.31)], 0.9)
    assert not facts.answer(True, flat, seen).all_round
    assert facts.answer(False, facts.Orbits([]), seen).axes is None


# Captions


def caption(name, seen):
    return told(CHAPTER, f"{name}-caption", seen)


def test_captions_of_components_say_how_many_are_needed(clustering_of):
    shares = {"trained": np.array([0.5, 0.48, 0.02]), "untrained": np.full(3, 1 / 3)}
    text = caption("variance", facts.dimensions(shares, clustering_of(60, {5: 10, 30: 4}), 60))
    assert text.endswith(
        "95 % of it takes two components (trained) and three components (untrained); the "
        "clusters' frequencies can fill 3."
    )
    text = caption("variance", facts.dimensions(shares, clustering_of(60, {}), 60))
    assert text.endswith("three components (untrained).")


def test_captions_of_pairs_count_circles(good, noise):
    for components, said in (
        (good, "Of two pairs one has one frequency, and one is a circle by position."),
        (noise, "Of two pairs none has one frequency, and none is a circle by position."),
    ):
        seen = facts.pairs_drawn(components, em.component_pairs(components), [(0, 1), (0, 2)])
        assert caption("a8-a16", seen._replace(same=seen.same[:1])).endswith(said)
    networks = {"trained": good, "untrained": noise}
    tables = {name: em.component_pairs(found) for name, found in networks.items()}
    text = caption("circularity", facts.agreements(networks, tables))
    assert text.endswith("Below the dashed line: 2 of 6 (trained), 0 of 6 (untrained).")


def test_the_caption_of_projections_says_where_they_point():
    seen = facts.Coordinates(12, 0.1, 0.2, 22.4, 3, None)
    assert "point 22 degrees away from the nearest axis" in caption("projections", seen)
    text = caption("projections", seen._replace(from_axis=None))
    assert text.endswith("The coordinates lie on one axis, since n/2 has no sine.")
