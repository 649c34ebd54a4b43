"""The live figure of chapter 8 in Python: what it carries of many networks, and its front end."""

from __future__ import annotations

import numpy as np

from made_up.sweeps import made_up
from modlib.analysis.many_seeds import sweep_tables as st
from modlib.config.thresholds import DEFAULT
from modlib.widgets import company, company_of
from modlib.widgets.live import module_of


def test_it_carries_every_cluster_of_every_network():
    tables = made_up(n=35, num_seeds=20)
    figure = company_of(tables)
    assert (figure.n, figure.freq, figure.least, figure.pooled) == (35, 7, DEFAULT.min_size, 0)
    counts = np.frombuffer(figure.counts, np.uint8)
    freqs = np.split(np.frombuffer(figure.freqs, "<u2"), np.cumsum(counts)[:-1])
    found = st.presence(tables)
    assert [sorted(own.tolist()) for own in freqs] == [
        np.flatnonzero(row).tolist() for row in found
    ]
    assert set(figure.sizes) == {12}


def test_networks_without_clusters_count_and_more_than_a_page_carries_do_not(monkeypatch):
    tables = made_up(n=35, num_seeds=20)
    rest = tables.clusters[tables.clusters.seed != 1003]
    figure = company_of(tables._replace(clusters=rest))
    assert len(figure.counts) == 20
    assert figure.counts[3] == 0
    monkeypatch.setattr(company, "MOST_NETWORKS", 5)
    assert len(company_of(tables).counts) == 5


def test_without_networks_it_says_so():
    figure = company_of(None)
    assert figure.counts == b""
    assert "no two networks that learned" in figure.html()


def test_the_front_end_is_one_module_and_the_page_is_light():
    figure = company_of(made_up(n=91, num_seeds=400))
    assert figure._esm == module_of("company")
    assert figure._esm.count("export default {") == 1
    assert len(figure.html().encode()) < 70_000
