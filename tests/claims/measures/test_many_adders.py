"""Claims on many adders: planted networks that keep a rule, that break it, that leave it open."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from made_up.claims import place_fresh
from modlib.claims import fresh
from modlib.claims.measure import measure
from modlib.claims.measures import many_adders as ma
from modlib.claims.register import load_claims
from modlib.claims.verdict import Measurement, MissingExport
from modlib.config.presets import REMAINDERS_PRESETS
from modlib.results.remainders import ExportedRemainders
from modlib.tasks.remainders import moduli

GOOD = {
    "not_additive": 2e-10,
    "one_wave": 0.93,
    "one_wave_random": 0.53,
    "phase_error": 0.019,
    "same_output": 1.0,
}
TASKS = {
    "shared": 0.0,
    "removed_own": 0.3,
    "removed_others": 0.99,
    "removed_random": 0.95,
    "whole": 0.99,
    "one_wave": 0.92,
    "own_task": 0.7,
    "direct_mean": 0.7,
    "own_joint": 0.999,
}
QS = moduli(REMAINDERS_PRESETS["B113-code"])
IDS = [claim.id for claim in load_claims().values() if claim.chapter == "16_many_adders"]


def exported(
    preset: str, seeds: range, noise: float = 0.0, slope: float = 1.0, **changes: object
) -> ExportedRemainders:
    """Tables with these numbers; ``changes`` by column, of networks as ``networks_…``.

    The last seed alone has the changes.
    """
    config = REMAINDERS_PRESETS[preset]
    networks = pd.DataFrame([{"seed": seed, "steps": config.steps} | GOOD for seed in seeds])
    of_last = networks.seed == seeds[-1]
    drawn = np.random.default_rng(0).normal(size=len(QS))
    blocks = []
    for seed in seeds:
        rise = slope if seed == seeds[-1] else 1.0
        clusters = np.maximum(1 + rise * np.log(QS) + noise * drawn, 0)
        numbers = dict.fromkeys(("clusters", "clusters_1", "clusters_3"), clusters)
        blocks.append(pd.DataFrame({"seed": seed, "q": QS} | numbers | TASKS))
    tasks = pd.concat(blocks, ignore_index=True)
    last_task = (tasks.seed == seeds[-1]) & (tasks.q == 53)
    for name, value in changes.items():
        if name.startswith("networks_"):
            networks.loc[of_last, name.removeprefix("networks_")] = value
        elif name.startswith("every_"):
            tasks.loc[tasks.seed == seeds[-1], name.removeprefix("every_")] = value
        else:
            tasks.loc[last_task, name] = value
    return ExportedRemainders(
        preset=preset,
        config=config,
        history=pd.DataFrame(),
        norms=pd.DataFrame(),
        spectra=pd.DataFrame(),
        networks=networks,
        tasks=tasks,
        run=SimpleNamespace(),
        manifest={},
    )


def controls(share: float = 0.07) -> dict[str, ExportedRemainders]:
    return {
        name: exported(name, range(1000, 1001), networks_one_wave=share)
        for name in ma.CONTROLS.values()
    }


@pytest.fixture
def found(monkeypatch):
    """Measures a claim on two fresh networks, the second with changes."""

    def of(claim_id: str, plain: dict | None = None, **changes: object) -> Measurement:
        own = exported(fresh.CODE, range(2000, 2002), **changes)
        tables = {fresh.CODE: own, **(controls() if plain is None else plain)}
        place_fresh(monkeypatch, remainders=tables)
        result = measure([claim_id])[claim_id]
        assert isinstance(result, Measurement), result
        return result

    return of


@pytest.mark.parametrize("claim_id", IDS)
def test_networks_that_keep_every_rule_agree(found, claim_id):
    result = found(claim_id)
    assert result.verdict == "agrees"
    assert result.text
    if claim_id != "B2.clusters":
        assert "2 of 2 networks" in result.text


@pytest.mark.parametrize(
    ("claim_id", "changes"),
    [
        ("B2.additive", {"networks_not_additive": 2e-6}),
        ("B2.one_wave", {"networks_one_wave": 0.79}),
        ("B2.phase_sum", {"networks_phase_error": 0.021}),
        ("B2.phase_sum", {"networks_phase_error": np.nan}),
        ("B2.clusters", {"slope": 2.0}),
        ("B2.clusters", {"slope": 0.0}),
        ("B2.disjoint", {"shared": 0.012}),
        ("B2.disjoint", {"removed_own": 0.61}),
        ("B2.disjoint", {"removed_others": 0.975}),
        ("B2.replace", {"every_one_wave": 0.89}),
    ],
)
def test_one_network_or_one_task_that_breaks_a_rule_is_enough(found, claim_id, changes):
    result = found(claim_id, **changes)
    assert result.verdict == "differs"
    assert claim_id == "B2.clusters" or "1 of 2 networks" in result.text


def test_an_interval_that_holds_a_bound_leaves_the_slope_open(found):
    result = found("B2.clusters", slope=1.45, noise=0.8)
    assert result.verdict == "undecided"
    assert "larger p" in result.needs
    assert "seed 2001" in result.text
    assert "1: undecided, 2: undecided, 3: undecided" in result.sensitivity


def test_the_highest_of_several_untrained_networks_is_the_control(found):
    plain = controls()
    several = exported(fresh.UNTRAINED, range(1000, 1003))
    several.networks["one_wave"] = [0.05, 0.3, 0.07]
    result = found("B2.one_wave", plain=plain | {fresh.UNTRAINED: several})
    assert result.verdict == "differs"
    assert result.controls == "untrained 0.300, the highest of 3, on shuffled labels 0.070"


def test_controls_through_which_the_lens_sees_as_much_refute_it(found):
    result = found("B2.one_wave", plain=controls(0.3))
    assert result.verdict == "differs"
    assert "untrained 0.300" in result.controls
    assert "0.7: agrees, 0.8: agrees, 0.9: agrees" in found("B2.one_wave").sensitivity


def test_networks_that_did_not_learn_are_left_out(found):
    result = found("B2.disjoint", every_whole=0.5, removed_own=1.0)
    assert "1 of 1 network" in result.text
    assert result.verdict == "agrees"


@pytest.mark.parametrize("claim_id", IDS)
def test_how_many_learned_is_said_where_some_did_not(found, claim_id):
    assert found(claim_id, every_whole=0.5).note.endswith("1 of 2 networks learned")
    assert "networks learned" not in found(claim_id).note


def pending(monkeypatch, tables: dict, claim_id: str) -> str:
    place_fresh(monkeypatch, remainders=tables)
    result = measure([claim_id])[claim_id]
    assert isinstance(result, MissingExport)
    return str(result)


@pytest.mark.parametrize("claim_id", IDS)
def test_without_networks_a_claim_is_pending(monkeypatch, claim_id):
    assert "networks B113-code" in pending(monkeypatch, {}, claim_id)


def test_what_is_missing_is_named(monkeypatch):
    old = exported(fresh.CODE, range(2000, 2002))
    old.networks.drop(columns="not_additive", inplace=True)
    said = pending(monkeypatch, {fresh.CODE: old}, "B2.additive")
    assert said == "B113-code: networks has no column not_additive; export it again"
    half = exported(fresh.CODE, range(2000, 2002), every_whole=np.nan)
    said = pending(monkeypatch, {fresh.CODE: half}, "B2.disjoint")
    assert said == "B113-code: whole has no number for seed 2001; export it again"
    old.tasks.drop(columns="whole", inplace=True)
    said = pending(monkeypatch, {fresh.CODE: old}, "B2.phase_sum")
    assert "tasks has no column whole" in said
    one = exported(fresh.CODE, range(2000, 2001), every_whole=0.2)
    assert "no network of B113-code" in pending(monkeypatch, {fresh.CODE: one}, "B2.replace")
    good = exported(fresh.CODE, range(2000, 2002))
    plain = controls()
    without = {fresh.CODE: good, fresh.UNTRAINED: plain[fresh.UNTRAINED]}
    said = pending(monkeypatch, without, "B2.one_wave")
    assert said == "0 of 1 network B113-code-shuffled committed"
    plain[fresh.UNTRAINED].networks.drop(columns="one_wave", inplace=True)
    said = pending(monkeypatch, {fresh.CODE: good, **plain}, "B2.one_wave")
    assert said == "B113-untrained: networks has no column one_wave; export it again"
