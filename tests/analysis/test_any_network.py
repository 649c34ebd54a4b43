"""The battery for callables: answers, activations, and a hook."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import modlib
from made_up.views import ideal_view
from modlib.errors import InputError

N = 31
VIEW = ideal_view(N, {3: 24, 5: 16, 7: 32})
EVERY = np.arange(VIEW.num_neurons)


def activations(a, b):
    return VIEW.fires(np.stack([a, b], axis=1), EVERY)


def answers(a, b):
    return torch.tensor(activations(a, b) @ VIEW.w_out, requires_grad=True)


def without(a, b, neurons):
    return activations(a, b) @ VIEW.without(neurons).w_out


def test_answers_alone_tell_the_task_and_what_they_depend_on():
    told = modlib.battery(answers)
    assert (told.n, told.task.name, told.accuracy, told.solves) == (N, "a + b mod 31", 1.0, True)
    assert told.margin == pytest.approx(VIEW.evaluate().margin)
    assert told.clusters is None
    assert told.task.function_of["a + b"] > 0.9
    assert told.spectrum.sum() == pytest.approx(1)
    strongest = [told.spectrum[f, f] for f in (3, 5, 7)]
    assert min(strongest) > 10 * np.median(told.spectrum)
    assert str(told).startswith("solves a + b mod 31: right on 100.00 % of 961 pairs")


def test_activations_and_a_hook_tell_clusters_and_what_goes_with_them():
    told = modlib.battery(answers, activations, without=without)
    assert [(c.freq, len(c.neurons)) for c in told.clusters] == [(7, 32), (3, 24), (5, 16)]
    for cluster in told.clusters:
        assert cluster.accuracy_without == VIEW.without(cluster.neurons).evaluate().accuracy
    assert "cluster f = 7: 32 neurons, coset approximate, right on" in str(told)


def test_another_task_is_told_where_it_is_addition():
    told = modlib.battery(lambda a, b: answers(a, -b % N), lambda a, b: activations(a, -b % N), n=N)
    assert (told.task.name, told.accuracy) == ("a - b mod 31", 1.0)
    assert [c.freq for c in told.clusters] == [7, 3, 5]


def test_noise_has_no_task_and_no_cluster():
    generator = np.random.default_rng(0)
    table = generator.normal(size=(N, N, 40))
    told = modlib.battery(lambda a, b: table[a, b, :N], lambda a, b: table[a, b])
    assert (told.task.holds, told.solves, told.clusters) == (False, False, [])
    assert "no cluster" in str(told)


def test_what_is_no_table_is_refused():
    with pytest.raises(InputError, match="answers must give a row to each of 1 pairs"):
        modlib.battery(lambda a, b: np.zeros(3))
    with pytest.raises(InputError, match="answers must give 7 logits or more a pair"):
        modlib.battery(lambda a, b: np.zeros((len(a), 5)), n=7)
    with pytest.raises(InputError, match="answers must give finite numbers only"):
        modlib.battery(lambda a, b: np.full((len(a), 5), np.nan))
