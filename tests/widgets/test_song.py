"""The live figure of chapter 12 in Python: what is left of the rows holds their power."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.remainders.token_embeddings import digit_tokens, power_at
from modlib.models.transformer import initial_weights
from modlib.results.shown import remainders_network
from modlib.widgets import what_a_row_sings
from modlib.widgets.live import read
from modlib.widgets.song import products


@pytest.fixture(scope="module")
def runs():
    return {name: remainders_network(p=37, seed=1000, task=name) for name in ("miiii", "nanda")}


def test_products_of_rows_give_their_power_at_any_frequency(runs):
    tokens, freq = digit_tokens(runs["miiii"].view), np.array([0.0, 0.1234, 1 / 3, 0.5])
    gram = np.zeros((37, 37))
    gram[np.triu_indices(37)] = products(tokens)
    gram += np.triu(gram, 1).T
    waves = np.exp(-2j * np.pi * np.outer(freq, np.arange(37)))
    power = np.einsum("fx,xy,fy->f", waves, gram, waves.conj()).real
    np.testing.assert_allclose(power, power_at(tokens, freq), atol=1e-9)


def test_it_carries_the_rows_at_the_start_and_after_training(runs):
    figure = what_a_row_sings(runs)
    assert figure.names == ["miiii", "nanda"]
    assert figure.steps == [[0, 16384]] * 2
    rows = np.frombuffer(figure.rows, "<f4").reshape(4, -1)
    run = runs["miiii"]
    start = initial_weights(run.config, run.seed)["tok"][:37].astype(float)
    for row, tokens in zip(rows, (start, digit_tokens(run.view)), strict=False):
        np.testing.assert_allclose(row, products(tokens), atol=1e-7)
    assert len(figure.html().encode()) - len(read("shared/host.js")) <= 160_000


def test_an_untrained_network_has_one_step():
    run = remainders_network(p=37, seed=1000, steps=0)
    figure = what_a_row_sings({"untrained": run})
    assert (figure.steps, figure.at) == ([[0]], 0)
