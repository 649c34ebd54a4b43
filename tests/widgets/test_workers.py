"""The live figure of chapter 13 in Python: what is taken out, and who is shown."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.remainders import task_lens as lens
from modlib.analysis.remainders.digit_spectra import explained_by_residue
from modlib.results.shown import remainders_network
from modlib.tasks.remainders import RemaindersTask
from modlib.widgets import who_works_for_whom
from modlib.widgets.live import read
from modlib.widgets.workers import PORTRAITS, together


@pytest.fixture(scope="module")
def network():
    run = remainders_network(p=37, seed=1000)
    return run.view, RemaindersTask(run.config, run.seed)


@pytest.fixture(scope="module")
def figure(network):
    return who_works_for_whom(*network)


def tables(figure):
    values = (np.frombuffer(figure.own, "<u2") / 65535).reshape(-1, len(figure.qs))
    return np.split(values, np.cumsum([size + 1 for size in figure.sizes])[:-1])


def test_with_all_of_a_tasks_neurons_out_it_is_the_chapters_matrix(network, figure):
    view, task = network
    own = lens.own_neurons(lens.votes(view, task.answers))
    expected = lens.ablate(view, task.answers, own, task.held_out)
    assert figure.sizes == own.sum(1).tolist()
    for i, table in enumerate(tables(figure)):
        np.testing.assert_allclose(table[0], expected.base, atol=1e-4)
        np.testing.assert_allclose(table[-1], expected.own[i], atol=1e-4)


def test_the_joint_part_is_that_of_the_lens(network):
    view, _ = network
    neurons = np.array([3, 400])
    found = view.grid(together(view, neurons))
    np.testing.assert_allclose(found, lens.digit_parts(view).both[..., neurons], atol=1e-4)


def test_neurons_that_are_shown_are_the_tasks_own(network, figure):
    view, task = network
    own = lens.own_neurons(lens.votes(view, task.answers))
    for i, (q, list_) in enumerate(zip(figure.qs, figure.portraits, strict=True)):
        assert len(list_) == min(PORTRAITS, figure.sizes[i])
        for one in list_:
            assert own[i, one["index"]]
            values = view.neurons[:, [one["index"]]]
            assert one["shares"][0] == pytest.approx(explained_by_residue(values, q)[0])
    columns = len(figure.stairs) // 2 // len(figure.qs)
    assert max(map(max, figure.removed)) < columns


def test_a_page_carries_at_most_160_kilobytes(figure):
    assert len(figure.html().encode()) - len(read("shared/host.js")) <= 160_000


def test_too_large_a_network_shows_no_neuron(network, monkeypatch):
    monkeypatch.setattr("modlib.widgets.workers.MAX_BYTES", 1000)
    figure = who_works_for_whom(*network)
    assert (figure.images, figure.portraits) == (b"", [])
