"""Networks of other tasks: the battery runs where their task is addition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_up.networks import multiplying, network_of, network_of_pairs
from made_up.views import ideal_view, random_view
from modlib.analysis.battery import battery
from modlib.models.views.pair_view import PairView

N = 31
ADDS = ideal_view(N, {3: 32, 5: 32, 7: 32})


NETWORKS = {
    "a - b mod 31": replace(ADDS, preact_b=ADDS.preact_b[-np.arange(N)], factors=None),
    "b - a mod 31": replace(ADDS, preact_a=ADDS.preact_a[-np.arange(N)], factors=None),
    "a + b + 4 mod 31": replace(ADDS, w_out=np.roll(ADDS.w_out, 4, axis=1)),
    "3 a + 3 b mod 31": replace(ADDS, w_out=ADDS.w_out[:, 21 * np.arange(N) % N]),
    "a + b with permuted answers mod 31": replace(
        ADDS, w_out=ADDS.w_out[:, np.random.default_rng(2).permutation(N)]
    ),
    "a b mod 31": multiplying(),
}


@pytest.mark.parametrize("by_pairs", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_another_task_is_told_where_it_is_addition(name, by_pairs):
    view = NETWORKS[name]
    network = network_of_pairs(PairView.of(view)) if by_pairs else network_of(view)
    found = battery(network)
    assert (found.task.name, found.accuracy, found.solves) == (name, 1.0, True)
    assert found.as_addition
    if name == "a b mod 31":
        assert found.n == 30
        assert sorted(c.freq for c in found.clusters) == [2, 3, 5, 7]
        assert {c.freq: c.coset.size for c in found.clusters} == {2: 2, 3: 3, 5: 5, 7: 1}
    else:
        assert found.n == N
        assert sorted(c.num_neurons for c in found.clusters) == [32, 32, 32]
    assert found.median_phase_error == pytest.approx(0, abs=1e-9)
    assert found.votes_explained > 0.9
    assert found.logits_explained > 10 * found.logits_explained_shuffled


def test_what_the_logits_are_a_function_of():
    shares = battery(network_of(NETWORKS["a - b mod 31"])).task.function_of
    assert max(shares, key=shares.get) == "a - b"
    assert shares["a - b"] > 0.9
    assert shares["a + b"] < 0.1
    alone = replace(random_view(N, 12), preact_b=np.zeros((N, 12)))
    shares = battery(network_of(alone)).task.function_of
    assert shares["a"] == pytest.approx(1.0)
    assert shares["b"] == pytest.approx(0.0, abs=1e-9)


def test_a_task_that_is_no_addition_is_named_and_told_of_a_plus_b():
    squares = np.arange(N) ** 2 % N
    view = replace(ADDS, preact_a=ADDS.preact_a[squares], preact_b=ADDS.preact_b[squares])
    found = battery(network_of(replace(view, factors=None)))
    assert (found.task.name, found.as_addition) == ("a^2 + b^2 mod 31", False)
    assert (found.accuracy, found.solves, found.n) == (1.0, True, N)


def test_a_network_without_a_task_is_not_decided():
    found = battery(network_of(random_view(N, 40)))
    assert (found.task.holds, found.task.name, found.solves) == (False, "a + b mod 31", False)
    assert found.clusters == []
