"""Committed networks are read, others trained, and both added up as if they were one set."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from made_up.sweeps import made_up
from modlib.analysis.many_seeds import sweep_tables as st
from modlib.analysis.many_seeds.sweep_tables import PER_SEED, SweepTables, concat
from modlib.config.addition import AdditionConfig
from modlib.config.presets import ADDITION_PRESETS
from modlib.errors import InputError
from modlib.machine import RESULTS
from modlib.results import shown


@pytest.fixture
def world(monkeypatch):
    """40 committed networks of A91; a trainer that makes up what it is asked for."""
    asked: list[range] = []

    def sweep(config, seeds, **options):
        asked.append(seeds)

    def collect(store, config, seeds):
        tables = made_up(config.n, len(seeds), seed=seeds.start)
        shift = {
            name: table.assign(seed=table.seed - 1000 + seeds.start)
            for name, table in tables._asdict().items()
            if name in PER_SEED
        }
        return tables._replace(**shift)

    committed = {"A91": made_up(num_seeds=40)}
    monkeypatch.setattr(
        shown,
        "read_sweep_export",
        lambda name, root=RESULTS: committed.get(name) if root == RESULTS else None,
    )
    monkeypatch.setattr(shown, "collect_sweep", collect)
    monkeypatch.setattr("modlib.runs.sweep.sweep", sweep)
    return asked


def test_all_that_is_committed_is_read_and_nothing_trained(world):
    tables = shown.sweep_networks(ADDITION_PRESETS["A91"])
    assert tables.networks.seed.tolist() == list(range(1000, 1040))
    some = shown.sweep_networks(ADDITION_PRESETS["A91"], seed=1010, num_seeds=5)
    assert some.networks.seed.tolist() == list(range(1010, 1015))
    assert set(some.clusters.seed) <= set(range(1010, 1015))
    assert world == []


def test_more_than_is_committed_is_trained(world):
    tables = shown.sweep_networks(ADDITION_PRESETS["A91"], num_seeds=50, progress=False)
    assert world == [range(1040, 1050)]
    assert tables.networks.seed.tolist() == list(range(1000, 1050))
    whole = tables.histogram["count"].sum() / tables.networks.num_weights.iloc[0]
    assert whole == 50


def test_seeds_of_ones_own_and_other_moduli_are_trained(world):
    own = shown.sweep_networks(ADDITION_PRESETS["A91"], seed=7, num_seeds=3)
    assert own.networks.seed.tolist() == [7, 8, 9]
    other = shown.sweep_networks(AdditionConfig(n=60))
    assert len(other.networks) == shown.NUM_NEW
    assert world == [range(7, 10), range(1000, 1000 + shown.NUM_NEW)]


def test_a_seed_before_the_committed_ones_means_all_of_them(world):
    assert len(shown.sweep_networks(ADDITION_PRESETS["A91"], seed=133).networks) == 40
    assert world == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be"),
        ({"num_seeds": 0}, "num_seeds must be"),
        ({"device": "tpu"}, "device must be"),
        ({"seed": 2**63 - 1, "num_seeds": 2}, "last seed must be"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(world, options, message):
    with pytest.raises(InputError, match=message):
        shown.sweep_networks(ADDITION_PRESETS["A91"], **options)
    assert world == []


def test_what_chapters_take_of_the_tables(world):
    sets = shown.committed_sweeps({"n = 91": "A91", "flax": "A91-flax"})
    assert sets["flax"] is None
    assert shown.committed_sweeps({"n = 59": "A59-full"}) == {"n = 59": None}
    assert shown.committed_sweeps({"n = 91": "A91"}, edition="2") == {"n = 91": None}
    assert list(st.comparable(sets)) == ["n = 91"]
    assert st.comparable({"one": made_up(num_seeds=5, failed=4)}) == {}
    tables = made_up(num_seeds=30, failed=4)
    assert st.modulus(tables) == 91
    assert st.presence(tables).sum() == len(tables.clusters)
    assert st.window(tables, "num_fine_tuning").sum() == 30
    assert st.num_summed(tables) == 26
    assert st.weight_shares(tables).share.sum() == pytest.approx(1)
    assert st.rank_shares(tables)["rank"].tolist() == list(range(91))
    assert set(st.tuned_neurons(tables).kind) == {"fine-tuning"}


def test_sums_of_two_sets_are_those_of_one():
    generator = np.random.default_rng(0)
    counts = generator.poisson(5, (30, 4)).astype(float)

    def summed(rows: np.ndarray) -> SweepTables:
        table = pd.DataFrame({"learned": True, "count": rows.sum(0).astype(int)})
        table["sd"] = rows.std(0, ddof=1)
        networks = pd.DataFrame({"seed": np.arange(len(rows)), "learned": True})
        empty = networks.iloc[:0]
        return SweepTables(
            networks,
            empty,
            empty,
            empty,
            table.assign(centre=range(4)),
            table.assign(rank=range(4)),
        )

    whole = summed(counts)
    joined = concat([summed(counts[:10]), summed(counts[10:])], list(range(20)))
    for name in ("histogram", "ranks"):
        one, other = getattr(whole, name), getattr(joined, name)
        np.testing.assert_array_equal(one["count"], other["count"])
        np.testing.assert_allclose(one.sd, other.sd)


def test_ascending_seeds_are_cut_where_one_is_missing():
    assert shown._runs([3, 4, 5, 9, 10, 20]) == [range(3, 6), range(9, 11), range(20, 21)]
    assert shown._runs([]) == []


def test_the_network_of_the_papers_own_size_is_read_from_either_edition_else_trained(monkeypatch):
    roots = {shown.results_of("1"): 1000, shown.results_of("2"): 2000}

    def read(name, root):
        run = SimpleNamespace(seed=roots[root], weights={"tok": 1})
        return SimpleNamespace(run=run) if name == shown.PAPER_OWN else None

    monkeypatch.setattr(shown, "read_remainders", read)
    trained = []
    monkeypatch.setattr(shown, "get_or_train", lambda config, **given: trained.append(config))
    for seed in (1000, 2000):
        assert shown.own_size_network(p=113, seed=seed).seed == seed
    assert trained == []
    shown.own_size_network(p=113, seed=1001)
    shown.own_size_network(p=113, seed=1000, steps=5)
    shown.own_size_network(p=23, seed=1000)
    assert [(c.p, c.steps, c.embed_dim) for c in trained] == [
        (113, 65536, 256),
        (113, 5, 256),
        (23, 16384, 128),
    ]
