"""The live figure of chapter 2 in Python: its neurons, its first one, its front end."""

from __future__ import annotations

import numpy as np
import pytest

from made_up.addition import history_of, run_of
from made_up.crooked import crooked_run
from made_up.views import random_view
from modlib.analysis.micro import neurons as ne
from modlib.config.addition import AdditionConfig
from modlib.models.mlp import PARAMETERS, parameter_shapes
from modlib.widgets import turn_the_unit
from modlib.widgets.live import module_of


def test_it_carries_the_neurons_of_clusters_by_their_numbers_and_frequencies():
    run = crooked_run()
    figure, table = turn_the_unit(run), run.clustering.table
    members = np.sort(np.concatenate([one.neurons for one in run.clustering.clusters]))
    assert figure.names == members.tolist()
    assert figure.freqs == table.freq[members].tolist()
    shapes = parameter_shapes(run.config)
    loose = run.config.num_neurons - len(members)
    by_neuron = 2 * run.config.embed_dim + 1 + run.config.n
    whole = sum(int(np.prod(shapes[name])) for name in PARAMETERS)
    assert len(figure.weights) == 4 * (whole - loose * by_neuron)


@pytest.mark.parametrize("place", [0, 2])
def test_the_first_neuron_is_the_chapters(place):
    run = crooked_run()
    simple = ne.by_strength(run.clustering.table, "simple")
    assert turn_the_unit(run, place=place).neuron == simple[place]
    assert turn_the_unit(run, place=len(simple)).neuron == simple[0]


def test_a_network_without_a_cluster_says_so():
    config = AdditionConfig(n=15, epochs=1)
    run = run_of(config, history_of([1.0], [1.0]), view=random_view(15, 10))
    figure = turn_the_unit(run)
    assert figure.names == []
    assert "no neuron belongs to a cluster" in figure.html()


def test_the_front_end_is_one_module_and_the_page_is_light():
    figure = turn_the_unit(crooked_run())
    assert figure._esm == module_of("unit")
    assert figure._esm.count("export default {") == 1
    assert len(figure.html().encode()) - len(figure.weights) * 4 / 3 < 70_000
