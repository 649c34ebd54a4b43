"""What the figures of chapter 07 draw."""

import numpy as np
import pandas as pd
import pytest

from made_up.votes import CLUSTERS, PAIRS, VOTES, clusters_of, report_of, scales_of, sets_table
from modlib import plots
from modlib.analysis.macro import crt
from modlib.analysis.meso.clusters import in_coset
from modlib.maths.fourier import cosine


def drawn(fig, axes, artist, series=0):
    """The (x, y) of one artist of a panel."""
    table = plots.data(fig)
    part = table[(table["axes"] == axes) & (table.artist == artist) & (table.series == series)]
    return part.x.to_numpy(), part.y.to_numpy()


def labelled(fig, axes, label):
    table = plots.data(fig)
    part = table[(table["axes"] == axes) & (table.label == label)]
    return part.x.to_numpy(), part.y.to_numpy()


# ----------------------------------------------------------------------- remark 1


def test_remark_1_marks_solutions_on_the_crests_and_the_largest_sum():
    moduli, residues, solution = [3, 5], [1, 2], 7
    terms = {
        "right": np.stack([cosine(15, 5, 5), cosine(15, 3, 6)]),
        "printed": np.stack([cosine(15, 3, 3), cosine(15, 5, 10)]),
    }
    fig = plots.remark_1(terms, moduli, residues, solution)
    x, y = drawn(fig, 0, "line", 1)
    assert x.tolist() == [1, 4, 7, 10, 13]
    np.testing.assert_allclose(y, 1.0)
    assert drawn(fig, 1, "line", 1)[1].min() < 0
    assert labelled(fig, 4, "largest")[0].tolist() == [7]
    assert labelled(fig, 5, "largest")[0].tolist() == [11]
    x, y = labelled(fig, 5, "solution")
    assert x.tolist() == [7]
    np.testing.assert_allclose(y, terms["printed"].sum(0)[7])
    np.testing.assert_allclose(drawn(fig, 4, "line")[1], terms["right"].sum(0))


# -------------------------------------------------------------------------- votes


def test_votes_have_a_row_a_cluster_a_column_a_pair_and_their_sum_below():
    fig = plots.cluster_votes(VOTES, CLUSTERS, PAIRS)
    assert len(fig.axes) == 4 * 3
    for row in range(3):
        for column in range(3):
            position = 3 * row + column
            np.testing.assert_allclose(drawn(fig, position, "line")[1], VOTES[row, column])
            assert labelled(fig, position, "right answer")[0].tolist() == [PAIRS[column].sum() % 15]
    np.testing.assert_allclose(drawn(fig, 10, "line")[1], VOTES[:, 1].sum(0))
    titles = [ax.get_title() for ax in fig.axes[:3]]
    assert titles == ["3 + 4 = 7", "10 + 5 = 0", "1 + 1 = 2"]


def test_the_sieve_shows_members_and_what_is_left():
    members = in_coset(VOTES[:, 0])
    left = np.logical_and.accumulate(members, axis=0)
    fig = plots.sieve(members, left, CLUSTERS, 7)
    assert drawn(fig, 0, "line", 0)[0].tolist() == [1, 4, 7, 10, 13]
    assert drawn(fig, 0, "line", 2)[0].tolist() == [2, 7, 12]
    assert drawn(fig, 0, "line", 3)[0].tolist() == [7]
    assert labelled(fig, 0, "right answer")[0].tolist() == [7]
    assert [text.get_text() for text in fig.axes[0].texts] == ["5 left", "1 left", "1 left"]


def test_narrowing_draws_means_over_sets_of_a_size():
    fig = plots.narrowing(sets_table(), 15)
    np.testing.assert_allclose(labelled(fig, 0, "network")[1], [4.0, 0.5])
    np.testing.assert_allclose(labelled(fig, 0, "exact cosines")[1], [4.0, 1.0])
    np.testing.assert_allclose(labelled(fig, 1, "votes added: right answer first")[1], [0.2, 1.0])
    np.testing.assert_allclose(labelled(fig, 1, "all must agree: right answer left")[1], [0.9, 0.4])
    np.testing.assert_allclose(labelled(fig, 1, "all must agree: it alone is left")[1], [0, 0.3])


def test_narrowing_of_one_cluster_that_leaves_nothing():
    table = sets_table().iloc[:1].assign(left=0.0, ideal_left=0)
    assert labelled(plots.narrowing(table, 15), 0, "network")[1].tolist() == [0.0]


def test_the_sum_stands_around_the_answer_and_marks_its_runner_up():
    measured = cosine(15, 1) + cosine(15, 4)
    measured[4] += 0.5
    fig = plots.sum_and_ideal(measured, cosine(15, 1), 2 * cosine(15, 1))
    x, y = labelled(fig, 0, "network, mean over pairs")
    assert x.tolist() == list(range(-7, 8))
    np.testing.assert_allclose(y, np.roll(measured, 7))
    np.testing.assert_allclose(labelled(fig, 0, "cosines, fitted A")[1], np.roll(cosine(15, 1), 7))
    assert labelled(fig, 0, "right answer")[0].tolist() == [0]
    assert labelled(fig, 0, "runner-up")[0].tolist() == [4]


def test_margins_are_counted_by_whether_the_pair_was_trained_on():
    margin = np.linspace(-1.0, 3.0, 16).reshape(4, 4)
    mask = np.zeros((4, 4), dtype=bool)
    mask[2:] = True
    fig = plots.margins({"one": margin}, {"one": mask})
    edges, counts = labelled(fig, 0, "trained on")
    assert counts.sum() == mask.sum()
    assert edges[0] == -1.0
    assert edges[-1] == 3.0
    assert counts[edges < margin[mask].min() - 0.11].sum() == 0


def test_margins_that_are_all_equal_can_be_drawn():
    assert (
        labelled(plots.margins({"one": np.zeros((3, 3))}, {"one": np.eye(3) > 0}), 0, "trained on")[
            1
        ].sum()
        == 3
    )


def test_spectra_keep_the_clusters_colours_in_the_first_panel_only():
    spectrum = np.array([0.0, 0.2, 1e-12, 0.5])
    fig = plots.vote_spectra({"a": spectrum, "b": spectrum}, clusters_of(7, [3, 1]))
    np.testing.assert_allclose(drawn(fig, 0, "line", 0)[1], [0.2, 1e-7, 0.5])
    assert [drawn(fig, 0, "line", i)[0].tolist() for i in (1, 2)] == [[3], [1]]
    table = plots.data(fig)
    assert table[(table["axes"] == 1) & (table.artist == "line")].series.max() == 0


def test_shifted_votes_lie_over_the_original_ones():
    moved = VOTES[:, :2] + 0.1
    fig = plots.shifted_votes(VOTES[:, :2], moved, CLUSTERS, PAIRS[:2], report_of(CLUSTERS))
    assert len(fig.axes) == 3 * 2
    np.testing.assert_allclose(labelled(fig, 3, "at (a, b)")[1], VOTES[1, 1])
    np.testing.assert_allclose(
        labelled(fig, 3, "at (a + s, b + s), moved back by 2s")[1], moved[1, 1]
    )
    assert fig.axes[1].texts[0].get_text() == "cos 0.95\nerr 0.30"


# ------------------------------------------------------------------- figure A1


def test_three_scales_show_neuron_cluster_and_sum():
    rows = scales_of()
    fig = plots.three_scales(rows, 7)
    assert len(fig.axes) == 2 * 3 + 1
    np.testing.assert_allclose(drawn(fig, 0, "line", 1)[1], rows[0].preact)
    np.testing.assert_allclose(drawn(fig, 1, "line", 0)[1], rows[0].neuron_votes[0])
    np.testing.assert_allclose(drawn(fig, 1, "line", 2)[1], rows[0].vote)
    assert drawn(fig, 1, "line", 3)[0].tolist() == [1, 4, 7, 10, 13]
    total = sum(row.vote for row in rows)
    np.testing.assert_allclose(drawn(fig, 6, "line", 0)[1], total)
    x, y = labelled(fig, 6, "right answer")
    assert (x.tolist(), y.tolist()) == ([7], [pytest.approx(total[7])])


def test_the_bars_of_figure_a1_add_up_to_the_sum():
    rows = scales_of()
    fig = plots.three_scales(rows, 7)
    x, height = drawn(fig, 6, "bar")
    total = sum(row.vote for row in rows)
    places = sorted(set(x.round().astype(int)))
    assert len(places) == 2
    for place in places:
        assert height[x.round() == place].sum() == pytest.approx(total[place])


def test_only_three_clusters_have_rows_and_all_are_summed():
    rows = scales_of(freqs=[1, 2, 4, 7])
    fig = plots.three_scales(rows, 7)
    assert len(fig.axes) == 2 * 3 + 1
    np.testing.assert_allclose(drawn(fig, 6, "line", 0)[1], sum(row.vote for row in rows))


def test_a_tiny_modulus_and_one_cluster_can_be_drawn_at_three_scales():
    assert len(plots.three_scales(scales_of(3, [1], (1, 1)), 2).axes) == 3


def test_a_network_without_clusters_gets_figures_that_say_so():
    none = np.zeros((0, 2, 15))
    figures = [
        plots.cluster_votes(none, [], PAIRS[:2]),
        plots.sieve(none[:, 0] > 0, none[:, 0] > 0, [], 7),
        plots.narrowing(pd.DataFrame(columns=crt.SET_COLUMNS), 15),
        plots.sum_and_ideal(np.zeros(15), np.zeros(15), np.zeros(15)),
        plots.shifted_votes(none, none, [], PAIRS[:2], report_of([])),
        plots.three_scales([], 7),
    ]
    for fig in figures:
        assert plots.data(fig).empty
        assert "no cluster" in fig.axes[0].texts[0].get_text()
