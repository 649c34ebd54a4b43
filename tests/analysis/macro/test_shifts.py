"""Which answers come out when a cluster is told a + s: foretold, and counted on ideal networks."""

import numpy as np

from made_up.views import ideal_view
from modlib.analysis.macro import shifts
from modlib.analysis.macro.ladder import cluster_waves
from modlib.analysis.meso.clusters import cluster_neurons
from modlib.models.views.neuron_view import correct_answers

N = 31
EVERY = np.arange(1, N)


def test_one_cluster_alone_is_followed_wherever_it_points():
    found = shifts.foretell(N, [3], [2.0], EVERY)
    assert found.answer.tolist() == [EVERY.tolist()]
    assert (found.lead > 0).all()


def test_a_weak_cluster_changes_no_answer_and_a_strong_one_does():
    found = shifts.foretell(N, [3, 5, 12], [3.0, 0.01, 0.01], EVERY)
    assert (found.answer[1:] == 0).all()
    assert (found.answer[0] != 0).any()


def test_an_ideal_network_answers_as_foretold():
    view = ideal_view(N, {3: 24, 5: 24, 12: 24}, gain=0.2)
    clustering = cluster_neurons(view)
    waves = cluster_waves(view, clustering)
    foretold = shifts.foretell(N, waves.freqs, waves.amplitudes, EVERY)
    shares = shifts.answers_when_told(view, waves.groups, EVERY)
    np.testing.assert_allclose(shares.sum(-1), 1)
    came = shifts.as_foretold(foretold, shares)
    assert (came[foretold.lead > 0.3] > 0.95).all()
    assert ((foretold.answer != 0) & (foretold.lead > 0.3)).sum() > 5


def test_the_answers_counted_are_those_of_a_network_that_hears_a_plus_s():
    view = ideal_view(N, {3: 5, 5: 7})
    group, s = np.array([0, 3, 9]), 4
    heard = view.preact_a.copy()
    heard[:, group] = np.roll(view.preact_a[:, group], -s, axis=0)
    logits = np.maximum(heard[:, None] + view.preact_b, 0) @ view.w_out
    d = (logits.argmax(-1) - correct_answers(N)) % N
    shares = shifts.answers_when_told(view, [group], np.array([s]))
    np.testing.assert_allclose(shares[0, 0], np.bincount(d.ravel(), minlength=N) / N**2)


def test_no_cluster_and_large_moduli():
    none = shifts.foretell(N, [], [], EVERY)
    assert none.answer.shape == none.lead.shape == (0, N - 1)
    assert shifts.shifts_tried(N).tolist() == EVERY.tolist()
    many = shifts.shifts_tried(499)
    assert len(many) == shifts.MAX_SHIFTS
    assert (many[0], many[-1]) == (1, 498)
