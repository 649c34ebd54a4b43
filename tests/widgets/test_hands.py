"""The live figure of chapter 6 in Python: what it carries of networks, and its front end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from made_up.crooked import CROOKED, crooked_run
from made_up.networks import network_of
from made_up.views import random_view
from modlib.models.foreign.load import from_tensors
from modlib.widgets import hands, two_hands
from modlib.widgets.hands import COLUMNS, carried
from modlib.widgets.live import module_of

N, HALF = CROOKED.n, CROOKED.n // 2


@pytest.fixture(scope="module")
def network():
    return from_tensors(crooked_run().weights)


def numbers(data, num_bytes, low, step):
    whole = np.frombuffer(data, np.uint8).reshape(-1, num_bytes).astype(float)
    return low + step * (whole @ 256.0 ** np.arange(num_bytes))


def test_its_numbers_are_those_of_the_network(network):
    figure, one = two_hands([network], pd.DataFrame()), carried(network)
    (told,) = figure.networks
    assert (told["freq"], told["unit"], told["rate"]) == (one.freq, one.unit, -1.0)
    right = numbers(figure.right, 3, *told["right"]).reshape(3, N, N)
    np.testing.assert_allclose(right, one.right, atol=1e-5)
    profile = numbers(figure.profile, 2, *told["profile"]).reshape(3, HALF + 1, HALF + 1)
    np.testing.assert_allclose(profile, one.profile, atol=1e-2)
    points = np.frombuffer(figure.points, "<f4").reshape(2, N, 2)
    np.testing.assert_allclose(points, one.points, atol=1e-6)


def test_a_network_stands_once_and_only_what_fits_is_carried(network, monkeypatch):
    other = replace(network, name="another")
    assert len(two_hands([network, network, other], pd.DataFrame()).networks) == 2
    monkeypatch.setattr(hands, "MAX_BYTES", 9 * N * N + 6 * (HALF + 1) ** 2)
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
