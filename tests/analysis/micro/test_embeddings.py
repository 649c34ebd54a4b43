"""Components, circles, cosets and projections of embeddings written down by hand."""

from math import gcd

import numpy as np
import pytest

from made_up.embeddings import circles
from modlib.analysis.micro import embeddings as em
from modlib.errors import InputError
from modlib.maths.fourier import cosine
from modlib.maths.groups import units
from modlib.models.views.neuron_view import Factors


def turned(embedding, seed=0):
    """The same points in other coordinates."""
    mixing = np.random.default_rng(seed).standard_normal((embedding.shape[1],) * 2)
    return embedding @ np.linalg.qr(mixing)[0]


def test_the_points_are_both_vectors_of_k_one_after_the_other():
    parts = [np.full((5, 2), float(i)) for i in range(2)] + [np.zeros((2, 3))] * 2
    assert em.diagonal_embedding(Factors(*parts)).tolist() == [[0, 0, 1, 1]] * 5


def test_components_find_the_circles_in_any_coordinates():
    found = em.principal_components(turned(circles(31, {3: 2.0, 7: 1.0})), 4)
    assert found.freqs == [3, 3, 7, 7]
    np.testing.assert_allclose(found.variance_share, [0.4, 0.4, 0.1, 0.1])
    np.testing.assert_allclose(found.spectra.max(1), 1)


def test_variances_are_the_eigenvalues_of_the_covariance():
    points = np.random.default_rng(1).standard_normal((40, 6))
    found = em.principal_components(points, 6)
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(points.T)))[::-1]
    np.testing.assert_allclose(found.variance_share, eigenvalues / eigenvalues.sum())
    largest = np.abs(found.scores).argmax(0)
    assert (found.scores[largest, np.arange(6)] > 0).all()


def test_more_components_than_dimensions_are_refused():
    with pytest.raises(InputError, match="num_components must be from 1 to 4, got 5"):
        em.principal_components(circles(31, {3: 2.0, 7: 1.0}), 5)


def test_the_squared_radius_tells_an_ellipse_from_two_cosines_and_from_a_cloud():
    n = 97
    assert em.radius_spread(5 * cosine(n, 4), cosine(n, 4, n / 4)) == pytest.approx(0, abs=1e-12)
    assert em.radius_spread(cosine(n, 4), cosine(n, 9, 20.0)) == pytest.approx(0.5)
    cloud = np.random.default_rng(0).standard_normal((2, 200_000))
    assert em.radius_spread(*cloud) == pytest.approx(1, abs=0.02)


def test_spectra_and_ellipses_agree_on_two_circles():
    table = em.component_pairs(em.principal_components(turned(circles(31, {3: 2.0, 7: 1.0})), 4))
    assert len(table) == 6
    assert (table.same_freq == table.circular).all()
    assert table[table.circular][["first", "second"]].to_numpy().tolist() == [[0, 1], [2, 3]]


def test_a_mixture_of_two_frequencies_is_told_by_neither():
    """Frequencies of equal variance, as PCA may return them: turned into each other."""
    n = 31
    x, y = cosine(n, 3) + 1.1 * cosine(n, 7), cosine(n, 3, n / 4) - 1.2 * cosine(n, 9)
    spectra = np.array([em.power_spectrum(signal) for signal in (x, y)])
    scores = np.stack([x, y], axis=1)
    mixed = em.Components(scores, np.full(2, 0.5), spectra / spectra.sum(1, keepdims=True))
    assert not em.component_pairs(mixed).circular.any()
    one = em.component_pairs(mixed._replace(spectra=mixed.spectra[[0, 0]]))
    assert one.freq_first.item() == one.freq_second.item() == 7
    assert one.same_freq.item()  # 55 % of the power is at 7: told by the spectra, wrongly


@pytest.mark.parametrize(("n", "freq"), [(91, 7), (91, 35), (91, 26), (60, 20), (64, 32)])
def test_points_of_a_coset_coincide_where_the_frequency_shares_a_factor(n, freq):
    size = gcd(freq, n)
    points = circles(n, {freq: 1.5})
    assert em.coset_spread(points, size) == pytest.approx(0, abs=1e-12)
    assert len(np.unique(points.round(9), axis=0)) == n // size
    other = circles(n, {1: 1.5})
    assert em.coset_spread(other, size) > 0.5


def test_independent_points_spread_as_much_in_a_coset_as_chance_says():
    points = np.random.default_rng(0).standard_normal((9100, 5))
    assert em.coset_spread(points, 7) == pytest.approx(np.sqrt(6 / 7), abs=0.005)
    assert np.isnan(em.coset_spread(points, 1))


def test_the_table_of_cosets_has_a_row_for_each_frequency_that_leads():
    found = em.principal_components(circles(91, {35: 2.0, 5: 1.0}), 4)
    table = em.coset_table(found)
    assert table.freq.tolist() == [35, 5]
    assert table.components.tolist() == [[0, 1], [2, 3]]
    assert table.positions.tolist() == [13, 91]
    assert table.spread[0] == pytest.approx(0, abs=1e-9)
    assert table.by_chance[0] == pytest.approx(np.sqrt(6 / 7))
    noise = np.random.default_rng(0).standard_normal((91, 6))
    assert em.coset_table(em.principal_components(noise, 6)).empty


def test_the_shares_of_an_embedding_are_those_of_its_circles():
    share = em.pooled_shares(turned(circles(31, {3: 2.0, 7: 1.0})) + 5.0)
    assert share[3] == pytest.approx(0.8)
    assert share[7] == pytest.approx(0.2)
    assert share.sum() == pytest.approx(1)


def test_a_signal_needs_as_many_frequencies_as_it_is_made_of():
    n = 31
    three = cosine(n, 2) + cosine(n, 5, 3.0) + cosine(n, 11, 1.0) + 4.0
    signals = np.stack([cosine(n, 2), three, cosine(n, 2) + 0.2 * cosine(n, 3)])
    assert em.frequencies_needed(signals).tolist() == [1, 3, 1]
    assert em.frequencies_needed(signals, 0.99).tolist() == [1, 3, 2]


def test_a_projection_is_the_representation_times_its_vector():
    """Paper A, section 5.3: alpha cos(2 pi (f k - t) / n) is a scalar product."""
    n, freq = 31, 4
    alpha, t = np.array([0.3, 2.0]), np.array([5.0, 17.3])
    signals = np.stack([a * cosine(n, freq, s) for a, s in zip(alpha, t, strict=True)])
    vectors = em.projections(signals, freq)
    np.testing.assert_allclose(vectors, alpha * np.exp(2j * np.pi * t / n))
    turns = np.exp(2j * np.pi * freq * np.arange(n) / n)
    rebuilt = np.outer(vectors.real, turns.real) + np.outer(vectors.imag, turns.imag)
    np.testing.assert_allclose(rebuilt, signals)


def test_at_half_of_an_even_modulus_a_projection_has_one_axis():
    signals = np.stack([0.7 * (-1.0) ** np.arange(12), cosine(12, 5)])
    np.testing.assert_allclose(em.projections(signals, 6), [0.7, 0], atol=1e-12)
    with pytest.raises(InputError, match="freq must"):
        em.projections(signals, 0)
    with pytest.raises(InputError, match="freq must"):
        em.projections(signals, 7)


def test_the_axes_tell_a_circle_from_an_ellipse_and_from_a_line():
    n = 31
    assert em.axes_ratio(em.projections(turned(circles(n, {4: 3.0})).T, 4)) == pytest.approx(1)
    ellipse = np.stack([cosine(n, 4), 0.25 * cosine(n, 4, n / 4)])
    assert em.axes_ratio(em.projections(ellipse, 4)) == pytest.approx(0.25)
    line = np.stack([cosine(n, 4, 2.0), 3 * cosine(n, 4, 2.0)])
    assert em.axes_ratio(em.projections(line, 4)) == pytest.approx(0, abs=1e-9)


def test_one_coordinate_is_a_line_and_no_signal_has_no_axes():
    assert em.axes_ratio(em.projections(cosine(31, 4)[None], 4)) == 0
    assert np.isnan(em.axes_ratio(em.projections(np.zeros((3, 31)), 4)))


def test_no_unit_winds_less_than_the_simplest():
    for n in (13, 30, 35):
        for first in range(1, n // 2 + 1):
            unit = em.simplest_unit((first, first), n)
            assert gcd(unit, n) == 1
            assert min(unit * first % n, -unit * first % n) == gcd(first, n)
        unit = em.simplest_unit((3, 5), n)
        turns = {u: sorted(min(u * f % n, -u * f % n) for f in (3, 5))[::-1] for u in units(n)}
        assert turns[unit] == min(turns.values())


@pytest.mark.parametrize(("n", "freqs"), [(91, (35, 20)), (91, (7, 7)), (60, (22, 17))])
def test_the_ideal_curve_goes_through_the_points_in_steps_of_the_unit(n, freqs):
    scores = np.stack([1.5 * cosine(n, freqs[0], 3.2), 0.5 * cosine(n, freqs[1], 40.0)], axis=1)
    spectra = em.power_spectrum(scores.T)
    components = em.Components(scores, np.full(2, 0.5), spectra / spectra.sum(1, keepdims=True))
    picture = em.pair_picture(components, 0, 1, num_points=n + 1)
    assert picture.freqs == freqs
    assert picture.coset_size == max(gcd(freq, n) for freq in freqs)
    order = picture.unit * np.arange(n + 1) % n
    np.testing.assert_allclose(picture.curve_x, scores[order, 0], atol=1e-9)
    np.testing.assert_allclose(picture.curve_y, scores[order, 1], atol=1e-9)


def test_half_of_an_even_modulus_has_no_curve_between_its_points():
    scores = np.stack([cosine(12, 6), cosine(12, 1)], axis=1)
    spectra = em.power_spectrum(scores.T)
    components = em.Components(scores, np.full(2, 0.5), spectra / spectra.sum(1, keepdims=True))
    picture = em.pair_picture(components, 0, 1)
    assert picture.curve_x.size == picture.curve_y.size == 0
    assert picture.coset_size == 6


def test_equal_answers_stand_together_or_opposite_by_the_parity_of_the_frequency():
    scores = np.stack([cosine(60, 22, 3.0), cosine(60, 17, 1.0), cosine(60, 30)], axis=1)
    np.testing.assert_allclose(em.half_turn(scores), [1, -1, 1])
    with pytest.raises(InputError, match="even number of rows, got 61"):
        em.half_turn(np.ones((61, 2)))


def test_planes_are_turned_projections_in_which_residues_lie_in_order():
    generator = np.random.default_rng(0)
    n, freqs = 21, [2, 5]
    angles = 2 * np.pi / n * np.outer(np.arange(n), freqs)
    waves = np.stack([np.cos(angles), np.sin(angles)], -1).reshape(n, -1) * [2, 2, 1, 1]
    frame = np.linalg.qr(generator.normal(size=(9, 4)))[0]
    found = em.planes(waves @ frame.T + 3.0, freqs)
    np.testing.assert_allclose(found.reshape(n, -1), waves, atol=1e-9)


def test_planes_of_half_of_n_have_no_sine_and_of_nothing_no_points():
    k = np.arange(8)
    embedding = np.stack([(-1.0) ** k, np.zeros(8)], axis=1)
    found = em.planes(embedding, [4, 1])
    np.testing.assert_allclose(found[:, 0, 0], (-1.0) ** k, atol=1e-9)
    np.testing.assert_allclose(np.delete(found.reshape(8, -1), 0, axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(em.planes(np.zeros((8, 3)), [1]), 0)
