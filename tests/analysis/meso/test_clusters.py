from dataclasses import replace

import numpy as np
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.macro.crt import cluster_report
from modlib.analysis.meso import clusters as cl
from modlib.config.thresholds import DEFAULT
from modlib.errors import InputError
from modlib.maths.fourier import cosine


def test_clusters_are_found_by_falling_size():
    found = cl.cluster_neurons(ideal_view(91, {8: 12, 35: 16, 25: 3}, num_dead=5))
    assert [(c.freq, c.num_neurons, c.kind) for c in found.clusters] == [
        (35, 16, "simple"),
        (8, 12, "simple"),
        (25, 3, "simple"),
    ]
    assert [c.index for c in found.clusters] == [0, 1, 2]
    assert (found.table.cluster.iloc[-5:] == -1).all()
    assert len(found.loose) == 0


def test_fewer_than_the_least_size_is_no_cluster():
    found = cl.cluster_neurons(ideal_view(31, {3: 8, 5: 2}))
    assert [c.freq for c in found.clusters] == [3]
    assert found.loose.tolist() == [8, 9]
    smaller = replace(DEFAULT, min_size=2)
    assert len(cl.cluster_neurons(ideal_view(31, {3: 8, 5: 2}), thresholds=smaller).clusters) == 2
    with pytest.raises(InputError, match="min_size must be an integer at least 1"):
        replace(DEFAULT, min_size=0)


def test_a_network_without_structure_has_no_clusters():
    found = cl.cluster_neurons(random_view(91, 64))
    assert found.clusters == []
    assert len(found.loose) > 50


def test_harmonics_of_one_family_make_one_cluster():
    n = 89
    view = ideal_view(n, {27: 6, 40: 9})
    preact_a, preact_b = view.preact_a.copy(), view.preact_b.copy()
    for i in range(6):  # half led by 27, half by 35, as in the paper's example (27, 35, 19)
        lead, other = (2.0, 1.6) if i % 2 else (1.6, 2.0)
        for preact in (preact_a, preact_b):
            preact[:, i] = (
                1.1 * lead * cosine(n, 27, i) + other * cosine(n, 35, i) + cosine(n, 19, i)
            )
    found = cl.cluster_neurons(replace(view, preact_a=preact_a, preact_b=preact_b, factors=None))
    assert [(c.freq, c.num_neurons, c.kind) for c in found.clusters] == [
        (40, 9, "simple"),
        (27, 6, "fine-tuning"),
    ]


def test_a_cluster_of_both_classes_is_mixed():
    n = 89
    view = ideal_view(n, {27: 8})
    preact_a = view.preact_a.copy()
    preact_a[:, :4] += 1.9 * np.stack([cosine(n, 11, t) for t in range(4)], axis=1)
    found = cl.cluster_neurons(replace(view, preact_a=preact_a, factors=None))
    assert [(c.num_neurons, c.kind) for c in found.clusters] == [(8, "mixed")]


def test_cosets_steps_and_periods_of_a_cluster():
    cluster = cl.cluster_neurons(ideal_view(91, {35: 5})).clusters[0]
    assert (cluster.coset_size, cluster.step) == (7, 5)  # 5 * 5 = -1 modulo 13
    assert cluster.period == pytest.approx(2.6)


def test_evenly_spread_phases_vote_with_one_cosine():
    view = ideal_view(61, {7: 24})
    contribution = view.contribution(np.arange(24))
    amplitude, explained = cl.fit_cosine(contribution, 7)
    assert explained > 0.95
    vote = cl.mean_vote(contribution)
    np.testing.assert_allclose(vote, amplitude * cosine(61, 7), atol=0.1 * amplitude)


def test_a_cosine_with_another_phase_is_not_explained():
    n = 31
    k = np.arange(n)
    d = k - k[:, None, None] - k[None, :, None]
    exact = 5 + 3 * np.cos(2 * np.pi * 4 * d / n)
    assert cl.fit_cosine(exact, 4) == pytest.approx((3, 1))
    quarter = np.sin(2 * np.pi * 4 * d / n)
    assert cl.fit_cosine(quarter, 4).explained == pytest.approx(0, abs=1e-12)
    assert np.isnan(cl.fit_cosine(np.zeros((3, 3, 3)), 1).explained)


def test_mean_vote_puts_the_answer_at_zero():
    n = 7
    votes = np.zeros((n, n, n))
    for a in range(n):
        for b in range(n):
            votes[a, b, (a + b + 2) % n] = 1.0
    expected = np.full(n, -1 / n)
    expected[2] += 1
    np.testing.assert_allclose(cl.mean_vote(votes), expected)


def test_ranks_count_larger_logits_and_halve_ties():
    n = 3
    logits = np.zeros((n, n, n))
    logits[0, 0] = [1.0, 2.0, 3.0]  # the answer 0 is last
    logits[0, 1] = [3.0, 3.0, 1.0]  # the answer 1 ties with one other
    ranks = cl.correct_ranks(logits)
    assert ranks[0, 0] == 2
    assert ranks[0, 1] == 0.5
    assert ranks[1, 1] == 1.0  # all three tie


def test_an_exact_coset_gives_its_elements_one_mid_rank():
    view = ideal_view(91, {35: 20})
    ranks = cl.correct_ranks(view.contribution(np.arange(20)))
    assert ranks.min() == 3.0  # seven elements tie at the top


def test_an_equivariant_contribution_agrees_with_itself_shifted():
    n = 13
    k = np.arange(n)
    d = k - k[:, None, None] - k[None, :, None]
    exact = np.cos(2 * np.pi * 3 * d / n)
    assert cl.shifted_agreement(exact) == pytest.approx((1, 0), abs=1e-12)
    noise = np.random.default_rng(0).normal(size=(n, n, n))
    assert abs(cl.shifted_agreement(noise)[0]) < 0.2
    assert np.isnan(cl.shifted_agreement(np.zeros((n, n, n)))[0])


def test_the_report_has_a_row_a_cluster_and_none_without():
    view = ideal_view(31, {3: 24, 7: 24})
    report = cluster_report(view, cl.cluster_neurons(view).clusters)
    assert report.freq.tolist() == [3, 7]
    assert (report.explained > 0.9).all()
    empty = cluster_report(view, [])
    assert empty.empty
    assert list(empty.columns) == list(report.columns)
