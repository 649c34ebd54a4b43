"""Claims, keys, tables and saved states read as they did when ``tests/data`` was written."""

from __future__ import annotations

import json

import numpy as np
import pytest

import reference
from modlib.store.runs import Store
from reference import CONFIGS, FILE, STATE_AT

BEFORE = json.loads(FILE.read_text(encoding="utf-8"))
LONG = {
    *("A.sec4.most_simple", "A.secA1.phase_sum", "A.secA1.radius", "A.fig26.sigma225"),
    *("A.fig27.unequal", "A.fig31.equivariant", "A.fig4a.classes.n91", "A.fig4a.within.n91"),
    *("A.fig4a.within.n89", "A.fig28.additive", "A.fig30.growth", "A.sec54.gamma"),
    *("A.sec54.half_at_log", "A.sec54.log_growth", "B.tab2.lambda0"),
}
"""Claims that take from one to ten seconds each."""


def close(found, expected):
    """Equal, but for rounding: the last digits are a machine's."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            close(found[name], expected[name])
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
    else:
        assert found == expected


def test_every_preset_has_its_key():
    for found, before in (
        (reference.keys(), BEFORE["keys"]),
        (reference.settings(), BEFORE["settings"]),
    ):
        assert {name: found.get(name) for name in before} == before


def test_every_committed_table_reads_as_before():
    """Arrays beside them have been rounded since (``results.networks``); tables have not."""
    found = reference.committed()
    before = {name: one for name, one in BEFORE["results"].items() if name.endswith(".parquet")}
    assert len(before) > 200
    assert [name for name in before if found.get(name) != before[name]] == []


def test_most_claims_read_as_before():
    expected = [row for row in BEFORE["claims"] if row["id"] not in LONG]
    assert len(expected) > 40
    for row, before in zip(
        reference.claims([row["id"] for row in expected]), expected, strict=True
    ):
        close(row, before)


@pytest.mark.slow
def test_every_claim_reads_as_before():
    for row, before in zip(reference.claims(), BEFORE["claims"], strict=True):
        close(row, before)


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_state_saved_before_resumes(kind, tmp_path):
    state, end = reference.read_state(kind)
    store = Store(tmp_path)
    reference.checkpoint_of(kind, store).save(state)
    found = reference.resumed(kind, store)
    assert found.keys() == end.keys()
    for name in end:
        assert found[name].dtype == end[name].dtype
        np.testing.assert_allclose(found[name], end[name], rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_state_holds_the_arrays_that_it_held(kind, tmp_path):
    before = reference.read_state(kind)[0]
    found = reference.interrupted(kind, Store(tmp_path))
    assert {name: (found[name].shape, found[name].dtype) for name in before} == {
        name: (array.shape, array.dtype) for name, array in before.items()
    }
    assert found["progress"][0] == STATE_AT
