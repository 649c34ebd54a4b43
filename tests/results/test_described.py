"""Which of the described networks is shown: the one that has it when it is trained here."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from modlib.analysis.macro.tables import NetworkTables
from modlib.config.addition import AdditionConfig
from modlib.results import described
from modlib.results.described import TRIED, small_cluster_example


def run_of(seed: int, sizes: list[int], n: int = 91):
    clusters = [SimpleNamespace(num_neurons=size) for size in sizes]
    clustering = SimpleNamespace(clusters=clusters)
    return SimpleNamespace(config=AdditionConfig(n=n), seed=seed, clustering=clustering)


@pytest.fixture
def asked(monkeypatch) -> list[int]:
    """Networks of seeds 1 to 9 are told to have clusters of 3 and of 20; 4 has one here."""
    seeds = [seed for seed in range(1, 10) for _ in range(2)]
    clusters = pd.DataFrame({"seed": seeds, "num_neurons": [3, 20] * 9})
    summary = pd.DataFrame({"seed": range(1, 10), "learned": True})
    empty = pd.DataFrame({"seed": []})
    tables = NetworkTables(summary=summary, clusters=clusters, neurons=empty)
    monkeypatch.setattr(described, "read_export", lambda name: tables)
    calls: list[int] = []

    def trained(config, seed, device):
        calls.append(seed)
        return run_of(seed, [20, 3] if seed == 4 else [20, 12], config.n)

    monkeypatch.setattr(described, "get_or_train", trained)
    return calls


def test_a_run_that_has_a_small_cluster_is_shown_itself(asked):
    own = run_of(0, [17, 4])
    assert small_cluster_example(own) is own
    assert asked == []


def test_else_the_first_described_one_that_has_it_when_it_is_trained_here(asked):
    assert small_cluster_example(run_of(0, [17, 5])).seed == 4
    assert asked == [1, 2, 3, 4]


def test_else_the_run_itself(asked, monkeypatch):
    own = run_of(0, [17, 5])
    monkeypatch.setattr(described, "SMALL", 2)
    assert small_cluster_example(own) is own
    assert asked == [], "none is told to have one"
    monkeypatch.setattr(described, "SMALL", 4)
    monkeypatch.setattr(described, "_has_small", lambda run: False)
    assert small_cluster_example(own) is own
    assert asked == [*range(1, TRIED + 1)]
    other = run_of(0, [17, 5], n=97)
    assert small_cluster_example(other) is other, "what is described is of n = 91"
