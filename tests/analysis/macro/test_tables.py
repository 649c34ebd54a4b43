import numpy as np
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.macro import tables
from modlib.analysis.macro.tables import NetworkTables
from modlib.maths.fourier import cosine
from modlib.models.views.neuron_view import NeuronView


def test_an_ideal_network_is_described_as_what_it_is():
    view = ideal_view(31, {3: 24, 7: 24}, num_dead=2)
    described = tables.describe(view)
    summary = described.summary.iloc[0]
    assert (summary.num_live, summary.num_clusters, summary.neurons_simple) == (48, 2, 48)
    assert (summary.num_loose, summary.num_fine_tuning) == (0, 0)
    assert len(described.neurons) == 48
    assert (described.neurons.remapped_freq == 1).all()
    np.testing.assert_allclose(described.neurons.spike, 31, rtol=1e-6)  # amplitude 2: 2 n / 2
    np.testing.assert_allclose(described.neurons.secondary, 0, atol=1e-6)
    assert described.clusters.num_phases.tolist() == [24, 24]
    np.testing.assert_allclose(described.clusters.resultant, 0, atol=1e-9)


def test_a_network_without_clusters_gives_empty_tables_of_the_same_columns():
    described = tables.describe(random_view(31, 20))
    assert described.summary.num_clusters.iloc[0] == 0
    assert described.clusters.empty
    whole = tables.describe(ideal_view(31, {3: 8}))
    assert set(described.clusters.columns) == set(whole.clusters.columns)


def test_stacked_tables_name_their_seed_and_survive_empty_ones():
    one, other = tables.describe(ideal_view(31, {3: 8})), tables.describe(random_view(31, 20))
    stacked = tables.stack([one, other], [5, 9])
    assert isinstance(stacked, NetworkTables)
    assert stacked.summary.seed.tolist() == [5, 9]
    assert stacked.clusters.seed.tolist() == [5]
    assert stacked.neurons.columns[0] == "seed"


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_the_smallest_moduli_are_described_too(n):
    described = tables.describe(ideal_view(n, {1: 3}, num_dead=1))
    assert described.summary.num_live.iloc[0] == 3
    assert (described.neurons.freq_1 == 1).all()
    assert (described.neurons.freq_3 <= n // 2).all()


def test_a_remapped_neuron_keeps_its_frequency_beside_a_strong_n_half():
    """At even n a spike at n/2 stands for half the power that one at f < n/2 stands for."""
    n = 10
    wave = cosine(n, 3) + 0.6 * cosine(n, 5)
    view = ideal_view(n, {3: 4})
    embeds = np.tile(wave[:, None], 4)
    factors = view.factors._replace(embed_a=embeds, embed_b=embeds)
    view = NeuronView.from_embeddings(factors, view.b_in, view.w_out, view.b_out)
    kept = tables.describe(view).neurons
    assert (kept.freq == 3).all()
    assert (kept.remapped_freq == 1).all()
