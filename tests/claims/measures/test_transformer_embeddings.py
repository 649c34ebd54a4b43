"""Each claim on embeddings agrees on a planted case, differs on another, and can stay open."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from made_up.claims import place_tables
from modlib.claims import committed
from modlib.claims.measure import registered
from modlib.claims.measures import remainders
from modlib.claims.measures import transformer_embeddings as me
from modlib.claims.verdict import MissingExport
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.maths.intervals import mean_of_few

USUAL = {
    "nanda": {"position_correlation": 0.95, "components_50": 3, "components_90": 6}
    | {"basis_90": 6, "basis_top": 0.85, "effective_frequencies": 3.0},
    "miiii": {"position_correlation": -0.9, "components_50": 12, "components_90": 26}
    | {"basis_90": 26, "basis_top": 0.2, "effective_frequencies": 15.0},
    "shuffled": {"position_correlation": -0.3, "components_50": 17, "components_90": 32}
    | {"basis_90": 33, "basis_top": 0.15, "effective_frequencies": 17.9},
    "untrained": {"position_correlation": 0.0, "components_50": 12, "components_90": 28}
    | {"basis_90": 32, "basis_top": 0.15, "effective_frequencies": 17.8},
}


@pytest.fixture
def put(monkeypatch):
    """Sets the committed numbers by kind; every seed has them with a little noise."""

    def place(
        num_seeds: int = 5, noise: float = 0.01, paper: bool = False, **changes: dict
    ) -> None:
        generator = np.random.default_rng(0)
        exports = {}
        for kind, usual in USUAL.items():
            rows = pd.DataFrame([usual | changes.get(kind, {})] * num_seeds, dtype=float)
            rows += noise * generator.normal(size=rows.shape)
            rows.insert(0, "seed", 1000 + np.arange(num_seeds))
            names = [me.SMALL[kind], *(me.PAPER_SIZE[kind] if paper else ())]
            for name in names:
                config = REMAINDERS_PRESETS[name]
                exports[name] = SimpleNamespace(networks=rows, config=config, steps=20000)
        place_tables(monkeypatch, remainders=exports.get)

    return place


DIFFERS = {
    "B.fig7.positions": {"nanda": {"position_correlation": -0.9}},
    "B.fig8.diffuse": {"nanda": {"components_90": 30}},
    "B.fig11.five": {"nanda": {"basis_90": 20}},
    "B.fig13.basis": {"shuffled": {"effective_frequencies": 12.0}},
}
UNSURE = {
    "B.fig7.positions": {"nanda": {"position_correlation": 0.8}},
    "B.fig11.five": {"nanda": {"basis_90": 12.0}},
    "B.fig13.basis": {"shuffled": {"effective_frequencies": 0.9 * 17.8}},
}


@pytest.mark.parametrize("claim_id", DIFFERS)
def test_the_planted_good_case_agrees_and_the_bad_one_differs(put, claim_id):
    measure = registered()[claim_id]
    put()
    found = measure()
    assert found.verdict == "agrees", found.note
    assert found.num_seeds == 5
    put(**DIFFERS[claim_id])
    assert measure().verdict == "differs"


@pytest.mark.parametrize("claim_id", UNSURE)
def test_few_seeds_near_the_bound_leave_it_open_and_say_how_many_would_do(put, claim_id):
    put(noise=0.5, **UNSURE[claim_id])
    found = registered()[claim_id]()
    assert found.verdict == "not testable at this size"
    assert "seeds are needed" in found.note
    put(num_seeds=1)
    single = registered()[claim_id]()
    assert single.verdict == "not testable at this size"
    assert single.low is None
    assert "2 seeds or more are needed" in single.note


def test_one_seed_does_not_decide_about_all(put):
    put(num_seeds=1)
    assert me.diffuse().verdict == "not testable at this size"


def test_miiii_above_one_of_its_controls_differs(put):
    for control in ("shuffled", "untrained"):
        put(**{control: {"position_correlation": -0.99}})
        assert me.positions().verdict == "differs"


def test_the_papers_size_stands_in_the_note_with_its_steps(put):
    put()
    assert "p = 113 is not committed" in me.positions().note
    put(paper=True)
    note = me.positions().note
    assert "after 20,000 of 65,536 steps (B113-nanda)" in note
    assert "(B113-text)" in note
    assert "(B113-code)" in note


def test_nanda_regularised_otherwise_stands_in_the_note(put, monkeypatch):
    put()
    before, exports = me.positions(), committed._remainders
    bare = SimpleNamespace(networks=pd.DataFrame({"position_correlation": [0.96, -0.5]}))
    name = "B37-nanda-no-dropout-wd-1"
    place_tables(monkeypatch, remainders=lambda n: bare if n == name else exports(n, None))
    found = me.positions()
    assert "weight decay 1, seed by seed: 0.96, -0.50" in found.note
    assert (found.value, found.verdict) == (before.value, before.verdict)


def test_seeds_are_paired_by_number(put, monkeypatch):
    put()
    miiii, nanda = (committed.find_remainders(me.SMALL[kind]) for kind in ("miiii", "nanda"))
    shifted = nanda.networks.assign(seed=nanda.networks.seed + 3)
    tables = {"B37": miiii, "B37-nanda": SimpleNamespace(networks=shifted)}
    place_tables(monkeypatch, remainders=tables.get)
    assert me._paired("miiii", "nanda", "components_90").index.tolist() == [1003, 1004]
    tables["B37-nanda"] = SimpleNamespace(networks=shifted.assign(seed=range(5)))
    with pytest.raises(MissingExport):
        me._paired("miiii", "nanda", "components_90")


def test_intervals_are_students():
    mean, low, high = mean_of_few([1.0, 2.0, 3.0])
    assert mean == 2
    assert high - mean == pytest.approx(4.302653 / np.sqrt(3))
    assert mean - low == pytest.approx(high - mean)


def test_primes_are_enumerated():
    found = remainders.only_primes()
    assert found.verdict == "differs"
    assert found.value == 30
    assert "not prime: 1; primes with one: 29" in found.note


def test_without_tables_the_claims_are_pending(monkeypatch):
    place_tables(monkeypatch, remainders=lambda name: None)
    for claim_id in DIFFERS:
        with pytest.raises(MissingExport):
            registered()[claim_id]()
