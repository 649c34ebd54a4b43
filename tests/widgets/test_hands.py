"""The live figure of chapter 6 in Python: what it carries of networks, and its front end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.crooked import CROOKED, crooked_run
from made_up.networks import network_of
from made_up.views import random_view
from modlib.analysis.meso.clock_pizza_hands import hands_of
from modlib.analysis.meso.pair_clusters import cluster_by_pairs
from modlib.models.foreign.load import from_tensors
from modlib.results.shown import clock_pizza_network, clock_pizza_rates
from modlib.results.two_hands import read_two_hands
from modlib.widgets import hands, two_hands
from modlib.widgets.hands import COLUMNS
from modlib.widgets.live import module_of, read

N, HALF = CROOKED.n, CROOKED.n // 2


@pytest.fixture(scope="module")
def network():
    return from_tensors(crooked_run().weights)


def test_its_numbers_are_those_of_the_network_to_half_a_step(network):
    figure, one = two_hands([network], pd.DataFrame()), hands_of(network)
    (told,) = figure.networks
    assert (told["freq"], told["unit"], told["rate"]) == (one.freq, one.unit, -1.0)
    for name, bits in figure.bits.items():
        values, (low, step) = getattr(one, name), told[name]
        single = np.unpackbits(np.frombuffer(getattr(figure, name), np.uint8), bitorder="little")
        numbers = single[: bits * values.size].reshape(-1, bits) @ 2 ** np.arange(bits)
        assert step == pytest.approx(np.ptp(values) / (2**bits - 1))
        np.testing.assert_allclose(low + step * numbers, values.ravel(), atol=0.501 * step)


def test_both_orders_of_a_pair_have_one_logit(network):
    one = hands_of(network)
    logits, half = (
        network.pairs.contribution(cluster_by_pairs(network.pairs, network.view)[0][0].neurons),
        N // 2,
    )
    for a, b in ((3, 9), (9, 3), (5, 5), (20, 1)):
        inverse = pow(one.unit, -1, N)
        y, x = (a - b) * inverse % N, b * inverse % N
        if y > half:
            y, x = N - y, (x + y) % N
        mean = (logits[a, b, (a + b) % N] + logits[b, a, (a + b) % N]) / 2
        assert one.right[2, y, x] == pytest.approx(mean)


def test_others_are_shown_where_the_modulus_is_theirs(network):
    one = hands_of(network)
    others = [one._replace(title="another", rate=rate) for rate in (0.0, 0.5)]
    small = one._replace(points=one.points[:, :7])
    figure = two_hands([network], pd.DataFrame(), [*others, small])
    assert [told["rate"] for told in figure.networks] == [-1.0, 0.0, 0.5]
    clock = replace(network, attention_rate=1.0)
    figure = two_hands([clock], pd.DataFrame(), others)
    assert (len(figure.networks), figure.net) == (3, 2), "the one at hand is shown first"


def test_of_too_many_others_every_second_is_left_out(network, monkeypatch):
    one = hands_of(network)
    others = [one._replace(title="another", rate=rate / 4) for rate in range(5)]
    bits = 7 * 3 * (HALF + 1) * (N + HALF + 1) + 14 * 4 * N
    monkeypatch.setattr(hands, "MAX_BYTES", 4 * bits // 8 + 1)
    figure = two_hands([network], pd.DataFrame(), others)
    assert [told["rate"] for told in figure.networks] == [-1.0, 0.0, 0.5, 1.0]


def test_a_network_stands_once_and_only_what_fits_is_carried(network, monkeypatch):
    other = replace(network, name="another")
    assert len(two_hands([network, network, other], pd.DataFrame()).networks) == 2
    bits = 7 * 3 * (HALF + 1) * (N + HALF + 1) + 14 * 4 * N
    monkeypatch.setattr(hands, "MAX_BYTES", 2 * bits // 8 - 1)
    (first,) = two_hands([network, other], pd.DataFrame()).networks
    assert first["title"] == network.name


def test_rates_are_means_over_networks(network):
    rows = pd.DataFrame({name: [0.2, 0.4, 0.8] for pair in COLUMNS for name in pair})
    figure = two_hands([network], rows.assign(rate=[0.0, 0.0, 1.0]))
    assert figure.rates == [pytest.approx([0.0] + [0.3] * 6), pytest.approx([1.0] + [0.8] * 6)]


def test_a_network_without_a_circle_says_so():
    figure = two_hands([network_of(random_view(12, 8))], pd.DataFrame())
    assert figure.networks == []
    assert "no circle" in figure.html()


def test_the_front_end_is_one_module_and_the_page_is_light(network):
    figure = two_hands([network], pd.DataFrame())
    assert figure._esm == module_of("hands")
    assert figure._esm.count("export default {") == 1
    assert len(figure.html().encode()) < 65_000


def test_the_page_of_all_rates_is_light():
    others = read_two_hands()
    if not others:
        pytest.skip("no hands are committed")
    network = clock_pizza_network(attention_rate=others[0].rate)
    figure = two_hands([network], clock_pizza_rates()[0], others)
    assert [told["rate"] for told in figure.networks] == [one.rate for one in others]
    assert len(figure.html().encode()) - len(read("shared/host.js")) <= 160_000
