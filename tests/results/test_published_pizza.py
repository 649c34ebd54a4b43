"""Three neurons and the votes of a published network: written, read back, and refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from made_up.views import ideal_view
from modlib.analysis.meso.clusters import mean_vote
from modlib.analysis.micro.harmonics import portrait
from modlib.errors import StoreError
from modlib.models.foreign.load import from_arrays
from modlib.models.foreign.published import PUBLISHED
from modlib.results import published_pizza as pp
from modlib.results.shown import published_pizza

VIEW = ideal_view(11, {2: 24, 3: 12})
NETWORK = from_arrays(VIEW.preact_a, VIEW.preact_b, VIEW.w_out, VIEW.b_in, VIEW.b_out)


@pytest.fixture
def written(monkeypatch, tmp_path):
    monkeypatch.setattr(pp, "load_checkpoint", lambda name: NETWORK)
    monkeypatch.setattr(pp, "PIZZA_N", VIEW.n)
    pp.export_published_pizza(tmp_path)
    return tmp_path


def test_neurons_and_votes_come_back_as_the_network_has_them(written):
    found = pp.read_published_pizza(written)
    assert found.portraits
    for one in found.portraits:
        wanted = portrait(NETWORK.view, one.neuron, one.freq)
        np.testing.assert_allclose(one.remapped, wanted.remapped, rtol=1e-6)
        np.testing.assert_allclose(one.magnitude, wanted.magnitude, rtol=1e-5, atol=1e-5)
    clusters, table, _ = pp.cluster_by_pairs(NETWORK.pairs, NETWORK.view)
    assert list(found.votes) == [cluster.freq for cluster in clusters]
    for one, cluster in zip(found.portraits, clusters, strict=True):
        assert one.neuron == table.loc[cluster.neurons].strength.idxmax()
        vote = mean_vote(NETWORK.pairs.contribution(cluster.neurons))
        np.testing.assert_allclose(found.votes[cluster.freq], vote, rtol=1e-5, atol=1e-6)


def test_a_network_without_clusters_has_nothing_to_be_written(monkeypatch, tmp_path):
    still = from_arrays(VIEW.preact_a * 0, VIEW.preact_b * 0, VIEW.w_out, VIEW.b_in, VIEW.b_out)
    monkeypatch.setattr(pp, "load_checkpoint", lambda name: still)
    with pytest.raises(StoreError, match="no cluster"):
        pp.export_published_pizza(tmp_path)


def test_the_manifest_names_source_licence_and_citation(written):
    manifest = json.loads((written / pp.FOLDER / "MANIFEST.json").read_text())
    assert manifest["source"]["sha256"] == PUBLISHED[pp.SOURCE].sha256
    assert manifest["source"]["url"].startswith("https://")
    assert {name: manifest[name] for name in pp.TERMS} == pp.TERMS


def test_tables_of_another_file_are_refused(written, monkeypatch):
    other = replace(PUBLISHED[pp.SOURCE], sha256="6" * 64)
    monkeypatch.setattr(pp, "PUBLISHED", {pp.SOURCE: other})
    with pytest.raises(StoreError, match="made with another configuration; export it again"):
        pp.read_published_pizza(written)


def test_what_is_not_there_is_nothing(tmp_path):
    assert pp.read_published_pizza(tmp_path) is None
    assert published_pizza(tmp_path) == ([], {})


def test_the_committed_pizza_is_that_of_paper_as_figures():
    """Clusters at 3, 15 and 17; the neuron at 15 that is strong at a is strong at a +- 4."""
    found = published_pizza()
    assert sorted(found.votes) == [3, 15, 17]
    (one,) = [one for one in found.portraits if one.freq == 15]
    assert one.unit in (4, 55)
    for signal in one.preact:
        strong = np.argsort(-signal)[:6]
        assert (signal[(strong[:, None] + [4, -4]) % 59] > signal.mean()).all()
