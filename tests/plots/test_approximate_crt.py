"""What the figures of chapter 07 draw, and what its sentences say of odd runs."""

import base64
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from modlib import plots
from modlib.analysis.macro import crt
from modlib.analysis.macro.remark_1 import remark_1_as_printed
from modlib.analysis.meso.clusters import Cluster, in_coset
from modlib.chapters import approximate_crt as words
from modlib.maths.fourier import cosine


def clusters_of(n, freqs, sizes=None):
    sizes = [10] * len(freqs) if sizes is None else sizes
    return [
        Cluster(index=i, freq=freq, n=n, neurons=np.arange(size), kind="simple")
        for i, (freq, size) in enumerate(zip(freqs, sizes, strict=True))
    ]


def votes_of(n, freqs, pairs):
    """Votes that are exact cosines around a + b: (cluster, pair, c)."""
    return np.stack([[cosine(n, f, f * int(sum(pair))) for pair in pairs] for f in freqs])


def drawn(fig, axes, artist, series=0):
    """The (x, y) of one artist of a panel."""
    table = plots.data(fig)
    part = table[(table["axes"] == axes) & (table.artist == artist) & (table.series == series)]
    return part.x.to_numpy(), part.y.to_numpy()


def labelled(fig, axes, label):
    table = plots.data(fig)
    part = table[(table["axes"] == axes) & (table.label == label)]
    return part.x.to_numpy(), part.y.to_numpy()


PAIRS = np.array([[3, 4], [10, 5], [1, 1]])
FREQS = [5, 3, 7]
CLUSTERS = clusters_of(15, FREQS)
VOTES = votes_of(15, FREQS, PAIRS)


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


def sets_table():
    rows = [
        (1, (0,), 0.1, 5.0, 1.0, 0.0, 5),
        (1, (1,), 0.3, 3.0, 0.8, 0.0, 3),
        (2, (0, 1), 1.0, 0.5, 0.4, 0.3, 1),
    ]
    return pd.DataFrame(rows, columns=crt.SET_COLUMNS)


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


def report_of(clusters, **columns):
    rows = [
        {
            "cluster": c.index,
            "freq": c.freq,
            "num_neurons": c.num_neurons,
            "kind": c.kind,
            "coset_size": c.coset_size,
            "step": c.step,
            "period": c.period,
            "amplitude": 2.0 + c.index,
            "explained": 0.9,
            "share_rank_0": 0.1,
            "mean_rank": 4.0,
            "shift_cosine": 0.95,
            "shift_error": 0.3,
        }
        for c in clusters
    ]
    return pd.DataFrame(rows, columns=crt.REPORT_COLUMNS).assign(**columns)


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


def scales_of(n=15, freqs=FREQS, pair=(3, 4)):
    rows = []
    fine = np.linspace(0, n - 1, 8 * (n - 1) + 1)
    for cluster in clusters_of(n, freqs):
        vote = cosine(n, cluster.freq, cluster.freq * sum(pair))
        parts = np.stack([vote / 4, 3 * vote / 4])
        wave = np.cos(2 * np.pi * cluster.freq * fine / n)
        rows.append(
            crt.Scales(cluster, 0, cosine(n, cluster.freq), fine, wave, parts, vote, in_coset(vote))
        )
    return rows


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


def test_a_figure_as_image_carries_its_data_and_its_words():
    image = plots.as_image(plots.three_scales(scales_of(), 7), 'A "wave" & more').data
    assert 'alt="A &quot;wave&quot; &amp; more"' in image
    png = base64.b64decode(image.split("base64,")[1].split('"')[0])
    assert png.startswith(b"\x89PNG")


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


# --------------------------------------------------------------------- sentences


def test_a_prime_modulus_is_told_from_a_composite_one():
    assert "91 = 7 · 13" in words.about_theorem(91, 91)
    assert "a prime or a power of one" in words.about_theorem(89, 91)
    assert "Whatever a network does to add modulo 16" in words.about_theorem(16, 91)


def test_the_sentence_on_remark_1_names_the_two_places():
    printed = remark_1_as_printed([2, 6], [7, 13])
    text = words.about_remark([2, 6], [7, 13], 58, printed)
    assert "k ≡ 2 (mod 7) and k ≡ 6 (mod 13)" in text
    assert "one solution 58" in text
    assert "largest at 41" in text


def test_a_network_without_clusters_is_told_once():
    none = np.zeros((0, 2, 15))
    empty = report_of([])
    assert "no cluster" in words.about_nothing(SimpleNamespace(clusters=[]))
    assert words.about_nothing(SimpleNamespace(clusters=CLUSTERS)) == ""
    assert "no clusters" in words.about_scales([], PAIRS[0])
    silent = [
        words.about_votes(none, PAIRS[:2]),
        words.cluster_table(empty),
        words.about_fit(empty, np.zeros((0, 2))),
        words.about_amplitudes(empty),
        words.about_sieve(none[:, 0] > 0, 7),
        words.about_growth(pd.DataFrame(columns=crt.SET_COLUMNS), 15, 0),
        words.about_sum(np.zeros(15), np.zeros(15), np.zeros(8), []),
        words.about_separation(15, [], np.zeros(3), 15),
        words.about_shift(empty, 2, 15),
    ]
    assert silent == [""] * len(silent)


def test_large_and_small_clusters_are_told_apart():
    mixed = report_of(clusters_of(15, FREQS, [12, 9, 4]), explained=[0.97, 0.95, 0.2])
    text = words.about_fit(mixed, np.full((3, 2), 0.05))
    assert "95.0 % to 97.0 % in two clusters of 8 neurons or more" in text
    assert "20.0 % in one cluster of fewer than 8" in text
    small = words.about_fit(report_of(clusters_of(15, [2], [4])), np.full((1, 2), 0.05))
    assert "8 neurons or more" not in small
    assert "among clusters of 8 neurons or more" in words.about_amplitudes(mixed)
    assert words.about_amplitudes(mixed.iloc[:1]) == ""


def test_a_fit_of_nothing_is_a_dash():
    table = words.cluster_table(report_of(clusters_of(15, [2]), explained=np.nan))
    assert "| 2.00 | - | 10.0\u00a0% | 4.0 |" in table


def test_the_sieve_says_whether_the_answer_was_lost_found_or_not_alone():
    left = np.zeros((2, 5), dtype=bool)
    left[0, [1, 3]] = True
    left[1, 3] = True
    assert "2 and 1. The last one is 3, the right answer." in words.about_sieve(left, 3)
    assert "not among them from cluster 1 on" in words.about_sieve(left, 1)
    assert "is among them; so is 3" in words.about_sieve(left[:1], 1)


def test_growth_says_what_agreement_loses_and_how_few_suffice():
    text = words.about_growth(sets_table(), 15, 2)
    assert "sets of 1 and 2 leave 4.0 and 0.5 of 15 answers" in text
    assert "With both clusters" in text
    assert "loses it on 60.0 %" in text
    assert "what the network does is the sum" in text
    assert "No smaller set decides every pair" in text
    assert "10 largest of 12 clusters" in words.about_growth(sets_table(), 15, 12)


def test_growth_of_a_network_that_did_not_learn_claims_nothing():
    table = sets_table().assign(first=0.2)
    text = words.about_growth(table, 15, 2)
    assert "what the network does" not in text
    assert "decide" not in text


def test_growth_of_one_cluster_and_of_fewer_than_all():
    assert "With the one cluster" in words.about_growth(sets_table().iloc[:1], 15, 1)
    table = sets_table()
    table.loc[1, "first"] = 1.0
    assert "one cluster (1)" in words.about_growth(table, 15, 2)


def test_overtones_are_told_only_where_they_are_most_of_the_rest():
    n, clusters = 21, clusters_of(21, [2, 5])
    ideal = cosine(n, 2) + cosine(n, 5)
    spectrum = np.zeros(n // 2 + 1)
    with_overtones = ideal + 0.1 * cosine(n, 4) + 0.1 * cosine(n, 10)
    text = words.about_sum(with_overtones, ideal, spectrum, clusters)
    assert "100 % lies at twice the clusters' frequencies" in text
    assert "sharper than a cosine's" in text
    plain = words.about_sum(ideal + 0.1 * cosine(n, 3), ideal, spectrum, clusters)
    assert "twice" not in plain


def test_frequencies_that_cannot_separate_are_told():
    text = words.about_separation(91, [7, 14], np.array([0.1, 0.3]), 91)
    assert "A separation of 0" in text
    assert "The exact theorem" not in words.about_separation(89, [3], np.array([0.1]), 91)


def test_margins_say_how_many_pairs_are_wrong():
    margins = np.array([[1.0, 2.0], [3.0, -1.0]])
    text = words.about_margins(margins, np.zeros(2), pd.DataFrame(columns=crt.SET_COLUMNS))
    assert "positive on all but 1 of 4 pairs" in text
    everywhere = words.about_margins(np.abs(margins), np.array([2.0, 0.5]), sets_table())
    assert "positive on all 4 pairs" in everywhere
    assert "have 1.50 at every pair" in everywhere


def test_a_shift_by_a_multiple_of_n_or_within_a_coset_is_told():
    report = report_of(CLUSTERS)
    assert "nothing has moved" in words.about_shift(report, 30, 15)
    text = words.about_shift(report, 3, 15)
    assert "To frequency 5 a step of 3 is none at all" in text
    assert "step of 4" not in words.about_shift(report, 4, 15)


def test_controls_are_listed_with_what_a_cosine_explains():
    clusterings = {"a": SimpleNamespace(clusters=CLUSTERS), "b": SimpleNamespace(clusters=[])}
    spectra = {"a": np.array([0.0, 0.5, 0.25]), "b": np.array([0.0, 1e-9, 0.0])}
    lines = words.about_controls(spectra, clusterings).splitlines()
    assert lines[0].startswith(
        "- *a*: three clusters; the strongest cosine (f = 1) explains 50.0 %"
    )
    assert "no clusters" in lines[1]
    assert "less than" in lines[1]


def test_pairs_say_whether_any_was_held_out():
    assert "never saw: 3 + 4 = 7" in words.about_pairs(PAIRS[:1], 10, 15)
    assert "none was held out" in words.about_pairs(PAIRS[:1], 0, 15)


def test_votes_count_panels_and_sums_with_the_answer_first():
    text = words.about_votes(VOTES, PAIRS)
    assert "in 9 of 9 panels" in text
    assert "In 3 of 3 sums" in text


def test_scales_say_when_the_sum_is_wrong():
    rows = scales_of()
    assert "3 of 3 clusters vote for 7, and the sum is highest there" in words.about_scales(
        rows, np.array([3, 4])
    )
    assert "not highest" in words.about_scales(rows, np.array([3, 5]))
