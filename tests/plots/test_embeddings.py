"""What the figures of chapter 03 draw."""

import numpy as np
import pytest

from made_up.embeddings import circles
from modlib import plots
from modlib.analysis.micro import embeddings as em
from modlib.maths.fourier import cosine
from modlib.maths.groups import remapping_unit


def components(n=91):
    return em.principal_components(circles(n, {35: 2.0, 20: 1.0}), 4)


def test_variance_is_drawn_in_percent_one_line_a_network():
    shares = {"trained": np.array([0.6, 0.3, 0.1]), "untrained": np.array([0.4, 0.4])}
    drawn = plots.data(plots.variance_shares(shares))
    assert set(drawn.label) == {"trained", "untrained"}
    own = drawn[drawn.label == "trained"]
    assert own.x.tolist() == [1, 2, 3]
    np.testing.assert_allclose(own.y, [60, 30, 10])


def test_pairs_show_every_point_and_the_curve_through_them():
    found = components()
    pairs = [em.pair_picture(found, 0, 2), em.pair_picture(found, 2, 3)]
    fig = plots.embedding_pairs(found, pairs, {35: 0, 20: 1})
    drawn = plots.data(fig)
    first = drawn[(drawn["axes"] == 0) & (drawn.artist == "points")]
    assert len(first) == 91
    np.testing.assert_allclose(np.sort(first.x), np.sort(found.scores[:, 0]))
    np.testing.assert_allclose(np.sort(first.y), np.sort(found.scores[:, 2]))
    curve = drawn[(drawn["axes"] == 0) & (drawn.artist == "line")]
    np.testing.assert_allclose(curve.x, pairs[0].curve_x)
    assert fig.axes[0].get_title(loc="left") == "f = 35 and 20"
    step = min(remapping_unit(20, 91), 91 - remapping_unit(20, 91))
    assert fig.axes[1].get_title(loc="left") == f"f = 20: neighbours {step} apart"
    assert 20 * step % 91 in (1, 90)
    named = [int(text.get_text()) for text in fig.axes[1].texts]
    assert len(named) == len(set(named)) == 8


def test_a_circle_of_exact_cosets_names_its_positions():
    found = components()
    fig = plots.embedding_pairs(found, [em.pair_picture(found, 0, 1)], {})
    points = plots.data(fig).query("axes == 0 and artist == 'points'")
    assert sorted(points.label.unique()) == sorted(f"{r} mod 13" for r in range(13))
    spots = points.groupby("label")[["x", "y"]]
    assert (spots.size() == 7).all()
    np.testing.assert_allclose(spots.std(), 0, atol=1e-9)
    named = {text.get_text() for text in fig.axes[0].texts}
    assert named == {str(residue) for residue in range(13)}


def test_points_off_a_circle_have_no_residues_around_them():
    mixed = np.stack([cosine(31, 3) + cosine(31, 7), cosine(31, 3, 5) - 0.9 * cosine(31, 7, 2)], 1)
    spectra = em.power_spectrum(mixed.T)
    found = em.Components(mixed, np.full(2, 0.5), spectra / spectra.sum(1, keepdims=True))
    pair = em.pair_picture(found, 0, 1)._replace(freqs=(3, 3))
    assert not pair.circular
    fig = plots.embedding_pairs(found, [pair], {})
    assert fig.axes[0].get_title(loc="left") == "f = 3"
    assert not fig.axes[0].texts


def test_the_spectra_of_the_components_stand_below():
    found = components()
    fig = plots.embedding_pairs(found, [em.pair_picture(found, 0, 2)], {35: 0})
    titles = [ax.get_title(loc="left") for ax in fig.axes]
    strip = fig.axes[titles.index("PC3: f = 20")]
    tops = np.array([segment[1] for segment in strip.collections[0].get_segments()])
    np.testing.assert_allclose(tops[:, 0], np.arange(1, 46))
    np.testing.assert_allclose(tops[:, 1], 100 * found.spectra[2, 1:])
    assert tops[19, 1] == pytest.approx(100)


def test_pairs_can_be_drawn_for_tiny_even_and_missing_components():
    scores = np.stack([cosine(4, 2), cosine(4, 1)], axis=1)
    spectra = em.power_spectrum(scores.T)
    tiny = em.Components(scores, np.full(2, 0.5), spectra / spectra.sum(1, keepdims=True))
    drawn = plots.data(plots.embedding_pairs(tiny, [em.pair_picture(tiny, 0, 1)], {}))
    assert (drawn.query("axes == 0").artist == "points").sum() == 4
    assert len(plots.embedding_pairs(tiny, [], {}).axes) > 0


def test_circularity_draws_every_pair_once_in_its_networks_column():
    noise = em.principal_components(np.random.default_rng(0).standard_normal((91, 6)), 4)
    tables = {"trained": em.component_pairs(components()), "untrained": em.component_pairs(noise)}
    drawn = plots.data(plots.circularity(tables))
    points = drawn[drawn.artist == "points"]
    same = points[points.label == "same frequency"]
    assert len(points) == 12
    np.testing.assert_allclose(same.y, 0, atol=1e-6)
    assert (same.x.round() == 0).all()
    other = points[(points.label == "other pairs") & (points.x.round() == 0)]
    np.testing.assert_allclose(other.y, 0.5, atol=1e-6)


def test_projections_are_drawn_as_vectors_a_panel_a_family():
    vectors = np.array([1 + 2j, -0.5j])
    fig = plots.projections({"coordinates": vectors, "neurons": np.empty(0, dtype=complex)})
    points = plots.data(fig).query("artist == 'points'")
    np.testing.assert_allclose(points.x, [1, 0])
    np.testing.assert_allclose(points.y, [2, -0.5])
    assert points["axes"].unique().tolist() == [0]
    assert "no cluster" in fig.axes[1].texts[0].get_text()
