"""What the figures of chapters 10 and 12 draw is what they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modlib.analysis.remainders import token_embeddings as te
from modlib.plots import base
from modlib.plots import remainders as tasks
from modlib.plots import transformer_embeddings as embeddings

NOISE = np.random.default_rng(0).normal(size=(23, 32))


def images(fig, axes: int) -> np.ndarray:
    drawn = base.data(fig)
    rows = drawn[(drawn["axes"] == axes) & (drawn.artist == "image")]
    return rows.value.to_numpy()


def test_spirals_put_a_number_at_its_own_angle():
    numbers = np.array([17, 34, 51])
    fig = tasks.number_spirals({"a": {"17": numbers, "23": np.array([23])}, "b": {"": numbers}})
    first = base.data(fig)
    first = first[(first["axes"] == 0) & (first.series == 0)]
    np.testing.assert_allclose(first.x, numbers % (2 * np.pi))
    np.testing.assert_allclose(first.y, numbers)
    assert fig.axes[0].get_legend() is not None
    assert fig.axes[1].get_legend() is None


def test_cells_hold_their_numbers_for_small_bases_only():
    grid = np.arange(121).reshape(11, 11)
    fig = tasks.digit_grids({"low": grid, "high": grid.T})
    assert {(t.get_position(), t.get_text()) for t in fig.axes[1].texts} >= {((0, 10), "10")}
    np.testing.assert_array_equal(images(fig, 0), grid.ravel())
    assert not tasks.digit_grids({"": np.arange(169).reshape(13, 13)}).axes[0].texts


def test_larger_remainders_have_larger_squares():
    grid = np.arange(25).reshape(5, 5) % 3
    fig = tasks.remainder_grids({"x mod 3": grid, "none": np.zeros((5, 5), dtype=int)})
    sizes = fig.axes[0].collections[0].get_sizes()
    assert [len(set(sizes[grid.ravel() == r])) for r in range(3)] == [1, 1, 1]
    assert sizes[0] < sizes[1] < sizes[2]


def test_spectra_are_over_their_largest_with_zero_in_the_middle():
    wave = np.cos(2 * np.pi * np.add.outer(np.arange(7), np.arange(7)) / 7)
    magnitude = np.zeros((7, 7))
    magnitude[1, 1] = magnitude[6, 6] = 0.5
    magnitude[0, 2] = 0.05
    fig = tasks.wave_spectra({"w": (wave, magnitude)})
    np.testing.assert_allclose(images(fig, 0), wave.ravel())
    shown = images(fig, 1).reshape(7, 7)
    assert shown[4, 4] == shown[2, 2] == 0
    np.testing.assert_allclose(shown[3, 5], -1)
    assert shown[0, 0] == -3


def test_bases_and_zero_free_numbers_are_drawn_as_given():
    fig = tasks.fourier_matrix(NOISE[:, :23], np.eye(23))
    np.testing.assert_array_equal(images(fig, 1), np.eye(23).ravel())
    kinds = {"prime": (np.array([0, 1]), np.array([2, 3])), "one": (np.array([1]), np.array([0]))}
    fig = tasks.zero_free_numbers({"p = 5": kinds})
    drawn = base.data(fig)
    assert drawn[drawn.label == "prime: 2"].y.tolist() == [0, 1]
    assert drawn[drawn.label == "one: 1"].x.tolist() == [0]


def test_accuracy_has_a_series_a_split_and_chance():
    final = pd.DataFrame({"split": ["train"] * 2 + ["validation"] * 2, "q": [2, 3] * 2})
    fig = tasks.accuracy_by_task(final.assign(accuracy=[1.0, 0.9, 0.8, 0.7]))
    drawn = base.data(fig)
    assert drawn[drawn.label == "validation"].y.tolist() == [0.8, 0.7]
    np.testing.assert_allclose(drawn[drawn.label == "chance, 1/q"].y, [0.5, 1 / 3])


def test_correlations_have_a_dot_a_seed_and_a_row_for_the_run():
    fig = embeddings.position_correlations({"adds": np.array([-0.9, 0.8])}, {"remainders": -0.2})
    drawn = base.data(fig)
    assert drawn[drawn.artist == "points"].x.tolist() == [-0.9, 0.8, -0.2]
    names = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert names == ["adds", "this run: remainders"]


def test_positions_are_drawn_as_rows_and_as_points():
    pair = NOISE[:2]
    fig = embeddings.position_embeddings({"nanda": pair, "none": np.zeros((2, 4))})
    np.testing.assert_array_equal(images(fig, 0), pair.ravel())
    points = base.data(fig)
    points = points[(points["axes"] == 1) & (points.artist == "points")]
    np.testing.assert_allclose(points.x, pair[0])
    np.testing.assert_allclose(points.y, pair[1])


def test_singular_values_have_their_ticks_behind_the_last_that_counts():
    found = te.Spread(np.arange(9.0, 0, -1), (2, 5), (3, 7))
    fig = embeddings.singular_values({f"net {i}": found for i in range(5)})
    drawn = base.data(fig)
    first = drawn[drawn["axes"] == 0]
    assert first[first.artist == "bar"].y.tolist() == found.values.tolist()
    assert sorted(set(first[first.artist == "line"].x)) == [2.5, 3.5, 5.5, 7.5]
    assert drawn["axes"].nunique() == 5


def test_vectors_stand_beside_their_spectra():
    found = te.leading_vectors(NOISE)
    many = te.Vectors(np.tile(found.vectors, (6, 1)), np.tile(found.spectra, (6, 1)))
    fig = embeddings.singular_vectors({"few": found, "many": many})
    np.testing.assert_allclose(images(fig, 0), found.vectors[:16].ravel())
    np.testing.assert_allclose(images(fig, 1), found.spectra[:16].ravel())
    assert fig.axes[2].get_title(loc="left") == f"many, 16 of {len(many.vectors)}"


def test_the_fourier_basis_is_drawn_as_written_and_as_coded():
    found = te.in_fourier_basis(NOISE)
    fig = embeddings.fourier_tokens({"net": found})
    np.testing.assert_allclose(images(fig, 0), np.abs(found.coefficients).ravel())
    drawn = base.data(fig)
    bars = drawn[(drawn["axes"] == 1) & (drawn.artist == "bar")]
    np.testing.assert_allclose(bars.y, np.concatenate([found.power[::2], found.power[1::2]]))
    np.testing.assert_allclose(bars.x[:11], np.arange(1, 12) - 0.22)
    coded = found.coded
    np.testing.assert_allclose(images(fig, 2), coded.magnitudes.ravel())
    bars = drawn[(drawn["axes"] == 3) & (drawn.artist == "bar")]
    marked = np.flatnonzero(coded.marked)
    np.testing.assert_allclose(bars.y, [*coded.norms**2, *coded.norms[marked] ** 2])
    np.testing.assert_allclose(bars.x, [*range(12), *marked])
    strongest = int(coded.norms.argmax())
    texts = {text.get_text() for text in fig.axes[3].texts}
    assert f"{coded.labels[strongest]}\n(f = {coded.freqs[strongest]})" in texts
    assert len(texts) == min(3, coded.marked.sum())


def test_periodograms_carry_the_frequencies_of_the_primes():
    found = te.periodogram(NOISE)
    fig = embeddings.token_periodograms(
        {"a": found, "b": found}, {q: te.prime_frequencies(q) for q in (2, 5)}
    )
    drawn = base.data(fig)
    lines = drawn[(drawn["axes"] == 0) & (drawn.artist == "line")]
    assert set(lines[lines.label.str.startswith("k /")].x) == {0.5, 0.2}
    curve = lines[lines.series == lines.series.max()]
    np.testing.assert_allclose(curve.y, found.power)


def test_power_by_prime_has_a_panel_a_base():
    qs = np.array([2, 3, 5])
    fig = embeddings.power_by_prime({"p = 7": (qs, {"net": np.array([2.0, 1.0, 0.5])})})
    drawn = base.data(fig)
    assert drawn[drawn.label == "net"].y.tolist() == [2.0, 1.0, 0.5]
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ["2", "3", "5"]
