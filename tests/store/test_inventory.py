"""What a store holds, listed and pruned."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner, Result

from modlib.analysis.many_seeds.census import SCHEMA
from modlib.cli.main import main
from modlib.config.addition import AdditionConfig
from modlib.config.presets import preset
from modlib.runs.get_or_train import get_or_train
from modlib.runs.sweep import sweep
from modlib.store.folder import MANIFEST
from modlib.store.inventory import holdings, prune, to_prune
from modlib.store.runs import Store

TINY = AdditionConfig(n=7, num_neurons=8, embed_dim=4, epochs=3)


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    store = Store()
    sweep(TINY, range(1000, 1005), store=store, shard_size=4, device="cpu", progress=False)
    get_or_train(TINY, seed=3, device="cpu", store=store, progress=False)
    return store


def modlib(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(main, ["store", *words])
    assert done.exit_code == status, done.output
    return done


def leave_unfinished(store: Store) -> set[str]:
    """What killed processes leave; returns the names."""
    home = store.of(TINY).home
    store.of(TINY).checkpoint(9).save({"x": np.ones(3)})
    store.of(TINY).finished(1010).save({"x": np.ones(3)})
    (home / ".seeds-001008-001011-abc_d3fg").mkdir()
    (home / ".seeds-001008-001011-abc_d3fg" / "x").write_bytes(b"x")
    return {".seed-000009.partial", ".finished", ".seeds-001008-001011-abc_d3fg"}


def test_the_list_says_what_there_is(store):
    leave_unfinished(store)
    (holding,) = holdings(store)
    assert (holding.kind, holding.key) == (TINY.KIND, TINY.key())
    assert (holding.num_runs, holding.shards) == (1, [range(1000, 1004), range(1004, 1005)])
    assert (holding.num_networks, len(holding.unfinished)) == (6, 3)
    said = modlib().stdout.splitlines()
    assert said[0] == str(store.root)
    assert said[1].startswith(
        f"{TINY.KIND}/{TINY.key()}  n=7 embed_dim=4 num_neurons=8 epochs=3  1 single runs  "
        f"2 shards of seeds 1000 to 1004  tables v{SCHEMA}  6 networks  3 unfinished  "
    )


def test_presets_are_named_and_what_cannot_be_read_is_said(store):
    config = preset("A91-untrained")
    sweep(config, range(2), store=store, device="cpu", progress=False)
    assert f"{TINY.KIND}/{config.key()}  A91-untrained  " in modlib().stdout
    sweep(TINY, range(2), store=store, device="cpu", progress=False)
    for path in (store.root / TINY.KIND).glob(f"*/*/{MANIFEST}"):
        path.write_text("{")
    said = modlib().stdout
    assert f"{TINY.KIND}/{config.key()}  A91-untrained  " in said, "a preset's key says as much"
    assert f"{TINY.KIND}/{TINY.key()}  unknown configuration  " in said


def test_an_empty_store_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "empty"))
    assert modlib().stdout == f"{tmp_path / 'empty'}\n"
    assert modlib("--prune", "partial", "--yes").stdout == ""


def test_pruning_asks_first_and_removes_only_what_is_unfinished(store):
    names = leave_unfinished(store)
    finished = {str(p) for p in store.root.rglob("seed*/*") if ".finished" not in p.parts}
    finished -= {path for path in finished if ".seed" in path}
    asked = modlib("--prune", "partial").stdout
    assert asked.count("would remove") == 3
    assert asked.endswith("add --yes to remove\n")
    home = store.of(TINY).home
    assert names <= {path.name for path in home.iterdir()}
    assert modlib("--prune", "partial", "--yes").stdout.count("removed ") == 3
    assert not names & {path.name for path in home.iterdir()}
    assert finished == {str(path) for path in store.root.rglob("seed*/*")}


def test_a_key_is_pruned_whole_and_others_stay(store):
    other = AdditionConfig(n=5, num_neurons=8, embed_dim=4, epochs=1)
    get_or_train(other, seed=0, device="cpu", store=store, progress=False)
    modlib("--prune", TINY.key(), "--yes")
    (left,) = holdings(store)
    assert left.key == other.key()
    assert not (store.of(TINY).home).exists()


def test_what_a_process_uses_is_left_alone(store):
    leave_unfinished(store)
    with store.of(TINY).lock(range(1008, 1012)):
        said = modlib("--prune", "partial", "--yes").stdout
        assert said.count("left alone, in use: ") == 3
        assert prune(to_prune(store, TINY.key())) == [store.of(TINY).home]
    with store.of(TINY).in_use():
        assert prune(to_prune(store, TINY.key())) == [store.of(TINY).home]
    (holding,) = holdings(store)
    assert (holding.num_networks, len(holding.unfinished)) == (6, 3)
    assert not list(store.of(TINY).home.glob(".in-use-*"))


def test_a_pruning_that_was_killed_is_ended_by_the_next(store):
    home = store.of(TINY).home
    (store.root / TINY.KIND / ".pruned-abc").mkdir()
    home.rename(store.root / TINY.KIND / ".pruned-abc" / TINY.key())
    assert modlib("--prune", "partial", "--yes").stdout.startswith("removed ")
    assert list((store.root / TINY.KIND).iterdir()) == []


@pytest.mark.parametrize("what", ["x", "", "../..", ".finished", "0" * 16])
def test_only_keys_of_the_store_are_pruned(store, what):
    said = modlib("--prune", what, "--yes", status=2).stderr
    assert said == f"modlib: prune must be one of partial, {TINY.key()}, got {what!r}\n"
    (holding,) = holdings(store)
    assert holding.num_networks == 6
