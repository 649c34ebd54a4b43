"""An ideal network loses nothing on any rung, and the controls lose what holds it together."""

import numpy as np
import pandas as pd
import pytest

from made_up.views import ideal_view, random_view
from modlib.analysis.macro import crt
from modlib.analysis.macro import ladder as rungs
from modlib.analysis.macro.crt import superposition
from modlib.analysis.meso.clusters import cluster_neurons, mean_vote
from modlib.analysis.micro.simple_model import neurons_of_table
from modlib.models.views.neuron_view import score_logits


@pytest.fixture(scope="module")
def ideal():
    view = ideal_view(31, {3: 24, 5: 24, 12: 24}, num_dead=2, gain=0.2)
    return view, cluster_neurons(view)


def test_neurons_of_an_ideal_network_are_their_own_models(ideal):
    table = rungs.ladder(*ideal).set_index("rung")
    assert table.index.tolist() == [*rungs.RUNGS, *rungs.CONTROLS]
    assert table.control.tolist() == [False] * 6 + [True] * 2
    own = table.loc[rungs.NETWORK, ["accuracy", "loss", "margin"]].astype(float)
    for rung in (rungs.NEURONS, rungs.STRICT, rungs.DOUBLED):
        np.testing.assert_allclose(table.loc[rung, own.index].astype(float), own, rtol=1e-9)
    assert (table.accuracy[list(rungs.RUNGS)] == 1).all()
    assert table.accuracy[rungs.PHASES] < 0.2
    assert table.loss[rungs.GROUPS] > 2 * table.loss[rungs.CLUSTERS]


def test_the_sum_of_cosines_is_scored_as_the_logits_it_stands_for(ideal):
    view, clustering = ideal
    waves = rungs.cluster_waves(view, clustering)
    assert waves.freqs == [3, 5, 12]
    n, k = view.n, np.arange(view.n)
    h = superposition(n, waves.freqs, waves.amplitudes)
    logits = h[(k - k[:, None, None] - k[None, :, None]) % n]
    scored = score_logits(logits)
    found = rungs.sum_scores(h)
    assert found.accuracy == scored.right.mean() == 1
    assert found.loss == pytest.approx(scored.loss.mean())
    assert found.margin == pytest.approx(scored.margin.min())
    flat = rungs.sum_scores(np.zeros(5))
    assert flat.accuracy == 0
    assert flat.loss == pytest.approx(np.log(5))


def test_clusters_are_replaced_and_the_rest_of_the_network_stays(ideal):
    view, clustering = ideal
    waves = rungs.cluster_waves(view, clustering)
    np.testing.assert_allclose(
        mean_vote(view.contribution(np.concatenate(waves.groups))),
        superposition(view.n, waves.freqs, waves.amplitudes),
        atol=0.02 * sum(waves.amplitudes),
    )
    assert rungs.by_waves(view, rungs.Waves([], [], [])) == pytest.approx(view.evaluate())
    dealt = rungs.random_waves(view, clustering)
    assert sorted(np.concatenate(dealt.groups)) == sorted(np.concatenate(waves.groups))
    assert [len(group) for group in dealt.groups] == [24, 24, 24]


def test_a_network_without_clusters_has_a_ladder_too():
    view = random_view(15, 12)
    table = rungs.ladder(view, cluster_neurons(view)).set_index("rung")
    assert table.loss[rungs.CLUSTERS] == pytest.approx(table.loss[rungs.NETWORK])
    assert table.loss[rungs.SUM] == pytest.approx(np.log(15))
    assert table.accuracy[rungs.SUM] == 0


def test_tables_tell_the_rungs_of_several_networks(ideal):
    view, clustering = ideal
    live = clustering.table[clustering.table.cluster >= 0]
    np.testing.assert_allclose(neurons_of_table(31, live).w_out, view.w_out[:72], atol=1e-12)
    waves = rungs.cluster_waves(view, clustering)
    seeds = [4, 9]
    neurons = pd.concat([live.assign(seed=seed) for seed in seeds])
    clusters = pd.DataFrame({"freq": waves.freqs, "amplitude": waves.amplitudes})
    clusters = pd.concat([clusters.assign(seed=seed) for seed in seeds])
    scores = view.evaluate()
    networks = pd.DataFrame({"seed": seeds})
    for loss, begin in enumerate(rungs.OF_SWEEP.values(), start=1):
        networks[f"{begin}accuracy"], networks[f"{begin}loss"] = 1.0, [loss, loss + 1.0]
    table = rungs.ladder_of_tables(31, neurons, networks)
    assert len(table) == 2 * 2
    swept = rungs.ladder_of_sweep(31, networks, clusters)
    assert len(swept) == 2 * 4
    means = rungs.rung_means(pd.concat([swept, table])).set_index("rung")
    assert (means.num_seeds == 2).all()
    assert means.loss[rungs.NEURONS] == pytest.approx(scores.loss)
    assert means.accuracy[rungs.PHASES] < 0.2
    for rung, mean in ((rungs.NETWORK, 1.5), (rungs.STRICT, 2.5), (rungs.DOUBLED, 3.5)):
        assert means.loss[rung] == mean
        assert means.loss_low[rung] <= mean <= means.loss_high[rung]
    ideal_sum = rungs.sum_scores(crt.superposition(31, waves.freqs, waves.amplitudes))
    assert means.loss[rungs.SUM] == pytest.approx(ideal_sum.loss)
