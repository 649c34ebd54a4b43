"""Embeddings built by hand: what is put into them is what comes out."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.remainders import token_embeddings as te
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError
from modlib.maths.fourier import fourier_basis
from modlib.models.transformer import initial_weights
from modlib.models.views.transformer_view import TransformerView

P = 23
CONFIG = RemaindersConfig(p=P, embed_dim=32)
DIGITS = np.arange(P)


def view(tokens: np.ndarray | None = None, positions: np.ndarray | None = None) -> TransformerView:
    """An untrained network, with the digits' rows or the two places set."""
    weights = {name: value.copy() for name, value in initial_weights(CONFIG, 3).items()}
    if tokens is not None:
        weights["tok"][:P] = tokens
        weights["tok"][P] = 1e3  # the answer's own row must not be looked at
    if positions is not None:
        weights["pos"][:2] = positions
    return TransformerView(config=CONFIG, weights=weights)


def waves(*freqs: float) -> np.ndarray:
    """Tokens that hold a cosine and a sine of each frequency (cycles a digit), all as strong."""
    generator = np.random.default_rng(0)
    directions, _ = np.linalg.qr(generator.normal(size=(32, 2 * len(freqs))))
    columns = [wave(2 * np.pi * f * DIGITS) for f in freqs for wave in (np.cos, np.sin)]
    return np.stack(columns, axis=1) @ directions.T


def test_waves_on_the_grid_are_counted_as_their_cosines_and_sines():
    numbers = te.describe_embeddings(view(waves(2 / P, 5 / P, 9 / P)))
    assert numbers["components_50"] == 3
    assert numbers["components_90"] == 6
    assert numbers["basis_90"] == 6
    assert numbers["basis_top"] == pytest.approx(5 / 6, abs=1e-5)
    assert numbers["effective_frequencies"] == pytest.approx(3, abs=1e-4)
    assert numbers["constant_share"] == pytest.approx(0, abs=1e-6)


def test_the_count_by_singular_values_is_larger_where_they_fall_off():
    basis = fourier_basis(P)[1:]
    sizes = np.array([8.0, *[1.0] * 9])
    directions = np.eye(32)[:10]
    found = te.spread(basis[:10].T @ (sizes[:, None] * directions))
    np.testing.assert_allclose(found.values[:10], sizes, atol=1e-9)
    assert found.variance == (1, 3)  # 64 and 66 of 73
    assert found.coded == (2, 9)  # 9 and 16 of 17


def test_a_constant_adds_to_its_share_only():
    tokens = waves(4 / P)
    plain, raised = (te.describe_embeddings(view(tokens + shift)) for shift in (0.0, 2.0))
    assert raised["basis_90"] == plain["basis_90"] == 2
    assert raised["effective_frequencies"] == pytest.approx(1, abs=1e-4)
    assert raised["constant_share"] > 0.9


def test_directions_of_noise_are_no_waves_and_those_of_waves_are():
    noise = te.describe_embeddings(view())
    periodic = te.describe_embeddings(view(waves(7 / P)))
    assert periodic["vector_share"] == pytest.approx(1, abs=1e-6)
    assert noise["vector_share"] < 0.5
    assert noise["effective_frequencies"] > 0.9 * (P // 2)


def test_positions_split_into_what_is_common_and_what_differs():
    places = np.random.default_rng(1).normal(size=32)
    tokens = np.eye(32)[:P] * 2
    opposed = te.position_parts(view(tokens, np.stack([places, -places])))
    assert opposed.correlation == pytest.approx(-1)
    assert opposed.common == pytest.approx(0, abs=1e-6)
    assert opposed.difference == pytest.approx(np.linalg.norm(places) / 2, rel=1e-5)
    assert te.position_parts(view(tokens, np.stack([places, places]))).correlation == (
        pytest.approx(1)
    )


def test_vectors_point_the_same_way_whatever_the_library_returns():
    tokens = waves(3 / P, 8 / P) * np.linspace(1, 2, 32)
    vectors, values = te.decompose(tokens)
    largest = np.abs(vectors).argmax(1)
    assert (vectors[np.arange(len(vectors)), largest] > 0).all()
    np.testing.assert_allclose(te.decompose(-tokens).vectors[:4], vectors[:4], atol=1e-7)
    np.testing.assert_allclose(values, np.linalg.svd(tokens, compute_uv=False))


def test_fewest_parts_are_taken_largest_first():
    assert te.fewest_for(0.5, np.array([1.0, 5.0, 2.0, 2.0])) == 1
    assert te.fewest_for(0.9, np.array([1.0, 5.0, 2.0, 2.0])) == 3
    assert te.fewest_for(0.95, np.array([1.0, 5.0, 2.0, 2.0])) == 4
    for share in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="share must lie between"):
            te.fewest_for(share, np.ones(3))


def test_the_power_at_a_frequency_is_one_on_average_and_high_at_a_wave():
    noise = np.random.default_rng(2).normal(size=(P, 32))
    every = te.power_at(noise, np.arange(64 * P) / (64 * P))
    assert every.mean() == pytest.approx(1)
    planted = waves(1 / 3)  # off the p-grid
    found = te.periodogram(planted)
    assert found.freq[found.power.argmax()] == pytest.approx(1 / 3, abs=1e-3)
    assert found.power.max() == pytest.approx(P / 2, rel=0.05)
    by_prime = te.power_at_primes(planted, np.array([2, 3, 7]))
    assert by_prime[1] > 5 * max(by_prime[0], by_prime[2])


def test_frequencies_of_a_prime_are_those_of_both_digits():
    for q in (2, 3, 5, 7, 19):
        asked = te.prime_frequencies(q)
        assert len(asked) == max(1, (q - 1) // 2)
        second = np.arange(1, q) * P / q % 1
        folded = np.minimum(second, 1 - second)
        assert np.allclose(np.unique(folded.round(9)), asked)


def test_as_coded_a_cell_is_a_wave_over_tokens_and_over_the_embedding():
    tokens = np.random.default_rng(4).normal(size=(61, 256))
    found = te.as_coded(tokens)
    token, dim = np.arange(61)[:, None], np.arange(256)
    for row, column in ((0, 0), (3, 128), (17, 200), (30, 255)):
        turns = found.freqs[row] * token / 61 + (column - 128) * dim / 256
        summed = abs((tokens * np.exp(-2j * np.pi * turns)).sum())
        assert found.magnitudes[row, column] == pytest.approx(summed)
    assert found.labels[:5] == ["const", "cos 0", "sin 1", "cos 1", "sin 2"]


def test_as_coded_a_row_has_the_power_of_its_frequency_and_another_name():
    tokens = waves(4 / P) + 3 * waves(9 / P)
    found = te.as_coded(tokens)
    along_tokens = np.linalg.norm(np.fft.rfft(tokens, axis=0), axis=1)
    np.testing.assert_allclose(found.norms, np.sqrt(32) * along_tokens[found.freqs], atol=1e-9)
    (row,) = np.flatnonzero(found.marked)
    assert found.freqs[row] == 9
    assert row == (9 + (P // 2 + 1) // 2) % (P // 2 + 1)
    assert found.labels[row] == "cos 1"


def test_as_coded_about_a_sixth_of_the_rows_of_noise_is_marked():
    draws = np.random.default_rng(5).normal(size=(20, 113, 64))
    assert np.mean([te.as_coded(one).marked.mean() for one in draws]) == pytest.approx(
        0.16, abs=0.03
    )
    assert te.describe_embeddings(view())["rows_coded"] < P // 2
