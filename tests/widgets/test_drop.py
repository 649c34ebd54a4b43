"""The live figure of chapter 15 in Python: its shelf, how weights are packed, its front end."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.addition import history_of, run_of
from made_up.crooked import crooked_run
from made_up.views import ideal_view
from modlib.analysis.battery import understood
from modlib.config.addition import AdditionConfig
from modlib.models.foreign.load import from_tensors
from modlib.models.mlp import PARAMETERS
from modlib.results.product import product_networks
from modlib.widgets import drop_a_file
from modlib.widgets.drop import MAX_BYTES, STEPS, packed
from modlib.widgets.live import module_of, read
from modlib.widgets.network import BY_NEURON, heard

SHOWN = {5: 16, 7: 15, 11: 14, 40: 14, 25: 12}
"""Clusters of the book's network, and their sizes."""


def unpacked(data, shapes):
    """What the page makes of it."""
    arrays, at = [], 0
    for height, width in shapes:
        steps = np.frombuffer(data, "<f4", height, at)
        whole = np.frombuffer(data, np.int8, height * width, at + 4 * height)
        arrays.append(steps[:, None].astype(float) * whole.reshape(height, width))
        at += 4 * height + height * width
    assert at == len(data)
    return arrays


def test_weights_come_back_to_half_a_step_of_their_row():
    run = crooked_run()
    kept = heard(run.view)
    weights = [
        np.atleast_2d(np.take(run.weights[name], kept, BY_NEURON[name]))
        if name in BY_NEURON
        else np.atleast_2d(run.weights[name])
        for name in PARAMETERS
    ]
    found = unpacked(packed(run.view), [array.shape for array in weights])
    for array, back in zip(weights, found, strict=True):
        step = np.abs(array).max(1, keepdims=True) / STEPS
        assert (np.abs(back - array) <= 0.501 * step + 1e-12).all()


def test_a_byte_a_weight_is_enough_for_a_network_that_multiplies():
    view = list(product_networks().values())[-1].view
    n, embed_dim, kept = view.n, view.factors.embed_a.shape[1], len(heard(view))
    shapes = [(n, embed_dim)] * 2 + [(kept, 2 * embed_dim), (1, kept), (n, kept), (1, n)]
    arrays = unpacked(packed(view), shapes)
    named = {
        name: array[0] if name.endswith("bias") else array
        for name, array in zip(PARAMETERS, arrays, strict=True)
    }
    found = understood(from_tensors(named))
    assert found.task.name == f"a b mod {n}"
    assert found.scores.accuracy == 1.0


def test_the_shelf_holds_what_fits_and_ends_with_the_untrained_network():
    view, config = crooked_run().view, AdditionConfig(n=23)
    figure = drop_a_file({"one": view, "two": view}, config, 7)
    assert [one["title"] for one in figure.shelf] == ["one", "two", "seed 7, untrained"]
    assert figure.shelf[1]["from"] == len(packed(view))
    assert figure.shelf[2] == {
        **{"title": "seed 7, untrained", "seed": 7, "from": 0},
        **{"n": 23, "embed": config.embed_dim, "neurons": config.num_neurons},
    }


def test_a_network_too_large_for_a_page_stays_out(monkeypatch):
    monkeypatch.setattr("modlib.widgets.drop.MAX_BYTES", 100)
    figure = drop_a_file({"one": crooked_run().view}, AdditionConfig(n=23), 7)
    assert len(figure.shelf) == 1
    assert "no network that a page could carry" in figure.html()


def test_the_front_end_is_one_module_and_a_page_carries_at_most_160_kilobytes():
    view = ideal_view(91, SHOWN)
    run = run_of(AdditionConfig(), history_of([1.0], [1.0]), view=view)
    figure = drop_a_file({"ours": run.view}, run.config, 1)
    assert figure._esm == module_of("drop")
    assert figure._esm.count("export default {") == 1
    own = len(figure.html().encode()) - len(read("shared/host.js"))
    assert own + 4 / 3 * (MAX_BYTES - len(figure.weights)) <= 160_000


@pytest.mark.parametrize("name", ["a", "b"])
def test_the_pair_begins_inside(name):
    figure = drop_a_file({"one": crooked_run().view}, AdditionConfig(n=23), 7)
    assert 0 <= getattr(figure, name) < 23
