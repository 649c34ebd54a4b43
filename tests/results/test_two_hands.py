"""Two hands at every attention rate: committed from networks, read whole or refused."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from modlib.analysis.meso.clock_pizza_hands import hands_of
from modlib.config.presets import CLOCK_PIZZA_PRESETS
from modlib.errors import StoreError
from modlib.machine import RESULTS
from modlib.results import two_hands as th
from modlib.results.clock_pizza import SHOWN
from modlib.results.shown import clock_pizza_network


@pytest.fixture
def kept():
    found = th.read_two_hands()
    if not found:
        pytest.skip("no hands are committed")
    return found


def test_a_network_of_each_rate_is_committed(kept):
    rates = [config.attention_rate for config in CLOCK_PIZZA_PRESETS.values()]
    assert [one.rate for one in kept] == rates
    for one in kept:
        assert one.n == th.N
        assert one.freq * one.unit % one.n in (1, one.n - 1)
        assert one.right[2].min() > 0, "the cluster raises every right answer"


@pytest.mark.parametrize("name", SHOWN)
def test_they_are_those_of_the_committed_networks(kept, name):
    rate = CLOCK_PIZZA_PRESETS[name].attention_rate
    (told,) = (one for one in kept if one.rate == rate)
    own = hands_of(clock_pizza_network(attention_rate=rate))
    assert (told.title, told.freq, told.unit) == (own.title, own.freq, own.unit)
    for key in th.SHAPES:
        values = getattr(own, key)
        np.testing.assert_allclose(getattr(told, key), values, atol=1e-3 * np.ptp(values))


def test_what_is_not_there_damaged_or_of_others_is_told(kept, tmp_path):
    assert th.read_two_hands(tmp_path) == []
    folder = tmp_path / th.FOLDER
    shutil.copytree(RESULTS / th.FOLDER, folder)
    assert len(th.read_two_hands(tmp_path)) == len(kept)
    manifest = folder / "MANIFEST.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"seed": 1001', '"seed": 1002'), encoding="utf-8")
    with pytest.raises(StoreError):
        th.read_two_hands(tmp_path)


def test_they_come_out_of_an_export(tmp_path, monkeypatch):
    """Of one committed network at all rates, so that none is trained."""
    own = hands_of(clock_pizza_network(attention_rate=0.0))
    monkeypatch.setattr(th, "clock_pizza_network", lambda attention_rate: attention_rate)
    monkeypatch.setattr(th, "hands_of", lambda rate: own._replace(rate=rate))
    th.export_two_hands(tmp_path)
    found = th.read_two_hands(tmp_path)
    assert [one.freq for one in found] == [own.freq] * len(CLOCK_PIZZA_PRESETS)
    np.testing.assert_allclose(found[3].right, own.right, atol=1e-3 * np.ptp(own.right))
    monkeypatch.setattr(th, "hands_of", lambda rate: None)
    with pytest.raises(StoreError, match="has no cluster"):
        th.export_two_hands(tmp_path)
