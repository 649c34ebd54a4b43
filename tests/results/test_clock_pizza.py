"""Clocks and pizzas in results/: made from runs, read back, refused when damaged."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from made_up.views import ideal_view
from modlib.analysis.meso.clock_pizza import distance_irrelevance
from modlib.analysis.meso.clock_pizza_lens import describe
from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import CLOCK_PIZZA_PRESETS
from modlib.errors import InputError, StoreError
from modlib.machine import EDITIONS, results_of
from modlib.models.clock_pizza import initial_weights
from modlib.models.foreign.load import from_tensors, load_checkpoint
from modlib.models.foreign.planted import planted_tensors
from modlib.models.foreign.published import Published
from modlib.models.mlp import initial_weights as mlp_weights
from modlib.results import clock_pizza as rc
from modlib.results import shown
from modlib.runs.clock_pizza import as_network
from modlib.runs.get_or_train import get_or_train
from modlib.store.files import save_arrays
from modlib.store.folder import write_manifest
from modlib.store.runs import Store

TINY = ClockPizzaConfig(n=7, embed_dim=8, heads=2, num_neurons=16, steps=400)
PRESETS = {
    "C59-rate-0": TINY,
    "C59-rate-0.5": replace(TINY, attention_rate=0.5),
    "C59-rate-1": replace(TINY, attention_rate=1.0),
}
PIZZA, HALF, CLOCK = PRESETS
NAME = "clock-and-pizza/A"
PUBLISHED = {NAME: Published(file="a.pt", sha256="5" * 64, url="", layout="", attention_rate=0.0)}
SEED = rc.FIRST_CLOCK_PIZZA


def make_small(patch, store):
    """Three rates at n = 7, and a planted network in place of the published."""
    patch.setenv("MODLIB_STORE", str(store))
    for module in (rc, shown):
        patch.setattr(module, "CLOCK_PIZZA_PRESETS", PRESETS)
    patch.setattr(rc, "PUBLISHED", PUBLISHED)
    tensors = planted_tensors("zhong_transformer", 11, [2, 3])
    theirs = from_tensors(tensors, name=NAME, attention_rate=0.0)
    patch.setattr(rc, "load_checkpoint", lambda name: replace(theirs, name=name))


@pytest.fixture
def presets(monkeypatch, tmp_path):
    make_small(monkeypatch, tmp_path / "store")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with an export of two seeds and the store that it filled."""
    root = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch, root / "store")
        rc.export_clock_pizza(first_seed=SEED, num_seeds=2, results=root)
    return root


@pytest.fixture
def exported(made, presets, tmp_path):
    """A copy of that export, for a test to read or to damage."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return rc.read_clock_pizza(tmp_path)


def sign_again(exported, tmp_path):
    """Write the manifest of what now lies in the folder."""
    content = {k: v for k, v in exported.manifest.items() if k not in ("schema", "files")}
    write_manifest(tmp_path / rc.FOLDER, [*exported.manifest["files"]], content)


def test_every_rate_and_seed_has_a_row_beside_the_published(exported):
    ours = exported.of("ours")
    assert [*zip(ours.rate, ours.seed, strict=True)] == [
        (rate, seed) for rate in (0.0, 0.5, 1.0) for seed in (SEED, SEED + 1)
    ]
    assert (ours.steps == 400).all()
    untrained = exported.of("untrained")
    assert untrained.rate.tolist() == [0, 0, 1, 1]
    assert (untrained.steps == 0).all()
    published = exported.of("published")
    assert published.source.tolist() == [NAME]
    assert published[["rate", "seed", "reached_step", "steps"]].values.tolist() == [[0, -1, -1, -1]]
    assert len(exported.networks) == 6 + 4 + 1
    assert exported.manifest["seeds"] == [SEED, SEED + 1]
    assert exported.manifest["published"] == {NAME: "5" * 64}
    assert len(exported.manifest["origins"]) == 6 + 4


def test_the_rows_are_what_describe_says_of_the_run(exported):
    for config in PRESETS.values():
        run = get_or_train(config, seed=SEED + 1)
        described = describe(run.network)
        place = {"source": "ours", "rate": config.attention_rate, "seed": SEED + 1}

        def own(table, place=place):
            keep = (table[list(place)] == list(place.values())).all(axis=1)
            return table[keep].drop(columns=list(place)).reset_index(drop=True)

        (row,) = own(exported.networks).to_dict("records")
        reached = -1 if run.reached_step is None else run.reached_step
        assert row.pop("reached_step") == reached
        assert row.pop("steps") == 400
        assert row == pytest.approx(described.measures, rel=1e-6, nan_ok=True)
        for name, table in (("clusters", described.clusters), ("circles", described.circles)):
            pd.testing.assert_frame_equal(
                own(getattr(exported, name)), table, check_dtype=False, rtol=1e-6
            )
        wanted = run.history.iloc[:: rc.EVERY].reset_index(drop=True)
        pd.testing.assert_frame_equal(own(exported.history), wanted, check_dtype=False, rtol=1e-6)


def test_only_sums_over_a_and_b_have_shifts(exported):
    shifts = exported.shifts
    assert set(shifts[shifts.source == "ours"].rate) <= {0.0}  # noise has no cluster to shift
    assert NAME in set(shifts.source)
    network = get_or_train(TINY, seed=SEED).network
    wanted = describe(network).shifts
    own = shifts[(shifts.source == "ours") & (shifts.seed == SEED)].reset_index(drop=True)
    pd.testing.assert_frame_equal(own[list(wanted)], wanted, check_dtype=False, rtol=1e-6)


def test_the_first_pizza_and_the_first_clock_are_kept_whole(exported):
    assert set(exported.shown) == {PIZZA, CLOCK}
    for name, weights in exported.shown.items():
        run = get_or_train(PRESETS[name], seed=SEED)
        for key, value in run.weights.items():
            np.testing.assert_array_equal(weights[key], value)


def test_an_export_again_gives_the_same_files(exported, tmp_path):
    rc.export_clock_pizza(first_seed=SEED, num_seeds=2, results=tmp_path)
    again = rc.read_clock_pizza(tmp_path)
    assert again.manifest["files"] == exported.manifest["files"]


def test_presets_join_those_of_a_folder_whose_rows_stay(exported, presets, monkeypatch, tmp_path):
    monkeypatch.setattr(rc, "WORTH_A_PROCESS", 1)
    options = {"first_seed": SEED, "num_seeds": 2, "results": tmp_path / "apart"}
    names = list(exported.manifest["keys"])
    rc.export_clock_pizza(presets=names[:1], **options)
    rc.export_clock_pizza(presets=names[1:], append=True, threads=2, **options)
    apart = rc.read_clock_pizza(tmp_path / "apart")
    assert list(apart.manifest["keys"]) == names
    assert set(apart.shown) == set(exported.shown)
    for table in rc.TABLES:
        both = [getattr(one, table) for one in (apart, exported)]
        key = [c for c in ("source", "rate", "seed", "freq", "step") if c in both[0]]
        left, right = (one.sort_values(key, kind="stable").reset_index(drop=True) for one in both)
        pd.testing.assert_frame_equal(left, right)
    with pytest.raises(InputError, match=f"presets must be none that .* got .*{names[0]}"):
        rc.export_clock_pizza(presets=names[:1], append=True, **options)
    with pytest.raises(InputError, match=f"seeds must be {SEED} to {SEED + 1}, those of"):
        rc.export_clock_pizza(presets=[], append=True, **options | {"num_seeds": 1})
    nowhere = options | {"results": tmp_path / "nowhere"}
    with pytest.raises(StoreError, match="nothing can be appended"):
        rc.export_clock_pizza(presets=names[:1], append=True, **nowhere)


def test_networks_without_clusters_are_exported_too(exported, monkeypatch, tmp_path):
    def without(network):
        found = describe(network)
        tables = {name: getattr(found, name)[:0] for name in found._fields[1:]}
        return found._replace(measures=found.measures | {"num_clusters": 0}, **tables)

    monkeypatch.setattr(rc, "describe", without)
    rc.export_clock_pizza(first_seed=SEED, num_seeds=1, results=tmp_path)
    again = rc.read_clock_pizza(tmp_path)
    assert len(again.of("ours")) == 3
    for name in ("clusters", "circles", "shifts"):
        assert getattr(again, name).empty
        assert set(getattr(again, name)) == set(getattr(exported, name))


def test_without_the_published_weights_nothing_is_trained(presets, monkeypatch, tmp_path):
    def offline(name):
        raise StoreError(f"{name} cannot be fetched")

    monkeypatch.setattr(rc, "load_checkpoint", offline)
    with pytest.raises(StoreError, match=f"{NAME} cannot be fetched"):
        rc.export_clock_pizza(results=tmp_path)
    assert rc.FIRST_CLOCK_PIZZA not in Store().of(TINY)
    assert rc.read_clock_pizza(tmp_path) is None


def test_what_is_not_there_is_none(tmp_path):
    assert rc.read_clock_pizza(tmp_path) is None


def test_a_chapter_is_given_what_is_committed_or_empty_tables(exported, tmp_path):
    for found, source in zip(
        shown.clock_pizza_rates(tmp_path), ("ours", "published", "untrained"), strict=True
    ):
        pd.testing.assert_frame_equal(found, exported.of(source))
    assert all(found.empty for found in shown.clock_pizza_rates(tmp_path / "elsewhere"))


def test_a_chapter_is_given_the_circles_of_pizzas_and_of_clocks(exported, tmp_path):
    found = shown.clock_pizza_circles(tmp_path)
    for name, rate in (("pizzas", 0.0), ("clocks", 1.0)):
        assert (found[name].rate == rate).all()
        assert (found[name].source == "ours").all()
    assert shown.clock_pizza_circles(tmp_path / "elsewhere") == {}


def test_both_editions_are_shown_and_what_is_published_once():
    ours, published, untrained = shown.clock_pizza_rates()
    first, second = (rc.read_clock_pizza(results_of(edition)) for edition in EDITIONS)
    assert len(ours) == len(first.of("ours")) + len(second.of("ours"))
    assert len(untrained) == len(first.of("untrained")) + len(second.of("untrained"))
    assert len(published) == len(first.of("published")) == 2
    shifts, clusters = shown.clock_pizza_shifts()
    assert shifts.seed.nunique() == clusters.seed.nunique() == 77, "the published one is a seed"


@pytest.mark.parametrize("name", ["networks.parquet", "C59-rate-0.safetensors"])
def test_a_damaged_file_is_refused(exported, tmp_path, name):
    path = tmp_path / rc.FOLDER / name
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=f"{name} does not match the sha256"):
        rc.read_clock_pizza(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match=f"{name} is missing"):
        rc.read_clock_pizza(tmp_path)


def test_a_folder_without_all_tables_is_refused(exported, tmp_path):
    path = tmp_path / rc.FOLDER / "MANIFEST.json"
    manifest = json.loads(path.read_text())
    del manifest["files"]["circles.parquet"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match=r"must list .*circles\.parquet"):
        rc.read_clock_pizza(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match="holds no finished result"):
        rc.read_clock_pizza(tmp_path)


def test_networks_of_another_configuration_are_refused(exported, monkeypatch, tmp_path):
    other = PRESETS | {HALF: replace(TINY, attention_rate=0.5, weight_decay=1.0)}
    monkeypatch.setattr(rc, "CLOCK_PIZZA_PRESETS", other)
    with pytest.raises(StoreError, match="made with another configuration; export it again"):
        rc.read_clock_pizza(tmp_path)


@pytest.mark.parametrize("change", ["another file", "one more", "none said"])
def test_a_table_of_other_published_files_is_refused(exported, monkeypatch, tmp_path, change):
    if change == "none said":
        del exported.manifest["published"]
        sign_again(exported, tmp_path)
    else:
        other = replace(PUBLISHED[NAME], sha256="6" * 64)
        name = NAME if change == "another file" else "clock-and-pizza/B"
        monkeypatch.setattr(rc, "PUBLISHED", PUBLISHED | {name: other})
    with pytest.raises(StoreError, match="made with another configuration; export it again"):
        rc.read_clock_pizza(tmp_path)


@pytest.mark.parametrize("change", ["nan", "shape", "name"])
def test_a_committed_network_must_fit_and_be_finite(exported, tmp_path, change):
    weights = {name: np.array(value) for name, value in exported.shown[CLOCK].items()}
    if change == "nan":
        weights["embed.W_E"][0, 0] = np.nan
    elif change == "shape":
        weights["embed.W_E"] = weights["embed.W_E"][:, :6]
    else:
        weights["embed"] = weights.pop("embed.W_E")
    save_arrays(weights, tmp_path / rc.FOLDER / f"{CLOCK}.safetensors")
    sign_again(exported, tmp_path)
    reason = {"nan": "has numbers that are not finite", "shape": "has shape", "name": "is missing"}
    with pytest.raises(StoreError, match=rf"{CLOCK}\.safetensors: embed.W_E {reason[change]}"):
        rc.read_clock_pizza(tmp_path)


@pytest.mark.parametrize(("rate", "name"), [(0.0, PIZZA), (1, CLOCK)])
def test_a_chapter_is_shown_the_committed_network(exported, monkeypatch, tmp_path, rate, name):
    wanted = get_or_train(PRESETS[name], seed=SEED).network
    monkeypatch.setattr(shown, "get_or_train", None)
    found = shown.clock_pizza_network(n=7, attention_rate=rate, seed=SEED, results=tmp_path)
    assert found.attention_rate == rate
    assert found.exact == (rate == 0)
    assert found.name == wanted.name == f"seed {SEED}"
    np.testing.assert_array_equal(found.pairs.logits(), wanted.pairs.logits())


@pytest.mark.parametrize(
    ("n", "rate", "seed"), [(7, 0.0, SEED + 1), (7, 0.5, SEED), (7, 0.25, SEED), (9, 0.0, SEED)]
)
def test_any_other_network_is_trained(exported, tmp_path, n, rate, seed):
    config = replace(TINY, n=n, attention_rate=rate)
    found = shown.clock_pizza_network(n=n, attention_rate=rate, seed=seed, results=tmp_path)
    assert seed in Store().of(config)
    wanted = get_or_train(config, seed=seed).network
    assert found.n == n
    np.testing.assert_array_equal(found.pairs.logits(), wanted.pairs.logits())


def test_without_an_export_the_network_is_trained_too(presets, tmp_path):
    found = shown.clock_pizza_network(n=7, attention_rate=0.0, seed=SEED, results=tmp_path)
    wanted = get_or_train(TINY, seed=SEED).network
    np.testing.assert_array_equal(found.pairs.logits(), wanted.pairs.logits())


def test_without_an_attention_rate_the_network_is_a_pizza(exported, monkeypatch, tmp_path):
    wanted = get_or_train(TINY, seed=SEED).network
    monkeypatch.setattr(shown, "get_or_train", None)
    found = shown.clock_pizza_network(n=7, results=tmp_path)
    assert found.attention_rate == 0
    np.testing.assert_array_equal(found.pairs.logits(), wanted.pairs.logits())


def test_n_and_seed_default_to_those_of_the_committed_networks(tmp_path, monkeypatch):
    asked = {}

    def get_or_train(config, *, seed):
        asked.update(config=config, seed=seed)
        return SimpleNamespace(network=None)

    monkeypatch.setattr(shown, "get_or_train", get_or_train)
    shown.clock_pizza_network(results=tmp_path)
    assert asked == {"config": CLOCK_PIZZA_PRESETS[rc.SHOWN[0]], "seed": rc.FIRST_CLOCK_PIZZA}


@pytest.fixture
def file(tmp_path):
    """A checkpoint of five residues, in a file."""
    config = replace(TINY, n=5, attention_rate=1.0)
    path = tmp_path / "theirs.safetensors"
    save_file(initial_weights(config, 5), path)
    return path


@pytest.mark.parametrize("rate", [0.0, 0.5, None])
def test_a_checkpoint_is_shown_as_it_is_with_the_rate_that_is_given(file, monkeypatch, rate):
    monkeypatch.setattr(shown, "get_or_train", None)
    found = shown.clock_pizza_network(str(file), n=59, attention_rate=rate, seed=SEED)
    wanted = load_checkpoint(file, attention_rate=rate)
    assert (found.n, found.name) == (5, file.name)
    assert found.attention_rate == wanted.attention_rate
    assert found.attention_rate in ([0, 1] if rate is None else [rate])
    assert found.notes == wanted.notes
    np.testing.assert_array_equal(found.pairs.logits(), wanted.pairs.logits())


def test_a_checkpoint_of_another_layout_is_refused(tmp_path):
    view = ideal_view(5, {1: 6, 2: 6})
    path = tmp_path / "arrays.npz"
    np.savez(path, preact_a=view.preact_a, preact_b=view.preact_b, w_out=view.w_out)
    config = AdditionConfig(n=5, embed_dim=4, num_neurons=4)
    two = tmp_path / "mlp.safetensors"
    save_arrays(mlp_weights(config, 0), two)
    for file, layout in ((path, "arrays"), (two, "two_embedding_mlp")):
        assert load_checkpoint(file).n == 5
        refusal = f"layout of checkpoint must be one of zhong_transformer, got '{layout}'"
        with pytest.raises(InputError, match=refusal):
            shown.clock_pizza_network(str(file))


def test_a_checkpoint_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere\.pt"):
        shown.clock_pizza_network(str(tmp_path / "nowhere.pt"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_seeds", 0), ("num_seeds", 1001), ("num_seeds", "2"), ("first_seed", -1)],
)
def test_bad_arguments_are_refused_before_any_work(presets, tmp_path, name, value):
    with pytest.raises(InputError, match=f"{name} must"):
        rc.export_clock_pizza(results=tmp_path, **{name: value})
    assert not (tmp_path / "store").exists()


def test_the_last_seed_is_checked_before_any_work(presets, tmp_path):
    with pytest.raises(InputError, match="last seed must"):
        rc.export_clock_pizza(first_seed=2**63 - 1, num_seeds=2, results=tmp_path)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(("name", "value"), [("attention_rate", 1.5), ("seed", -1), ("n", 2)])
def test_a_network_that_cannot_be_is_not_shown(presets, tmp_path, name, value):
    asked = {"n": 7, "attention_rate": 0.0, "seed": 0} | {name: value}
    with pytest.raises(InputError, match=f"{name} must"):
        shown.clock_pizza_network(**asked, results=tmp_path)


@pytest.mark.parametrize("seed", [float(SEED), str(SEED), True])
def test_seeds_are_integers_also_where_one_is_committed(exported, tmp_path, seed):
    with pytest.raises(InputError, match="seed must be an integer"):
        shown.clock_pizza_network(n=7, attention_rate=0.0, seed=seed, results=tmp_path)


def test_the_committed_networks_have_the_measures_of_their_rows():
    """The weights that lie in results/ give the numbers that the tables say."""
    exported = rc.read_clock_pizza()
    if exported is None:
        pytest.skip("results/clock_pizza is not there")
    first = exported.manifest["seeds"][0]
    for name, weights in exported.shown.items():
        config = CLOCK_PIZZA_PRESETS[name]
        ours = exported.of("ours")
        (row,) = ours[(ours.rate == config.attention_rate) & (ours.seed == first)].itertuples()
        pairs = as_network(weights, config, name).pairs
        assert pairs.evaluate().accuracy == pytest.approx(row.accuracy, abs=1e-6)
        found = distance_irrelevance(pairs.logits())
        assert found == pytest.approx(row.distance_irrelevance, abs=1e-4)
