"""From a configuration and a seed to a run, alike for every family of networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import ClockPizzaConfig
from modlib.config.presets import Config
from modlib.config.remainders import RemaindersConfig
from modlib.errors import DivergedError, InputError, StoreError
from modlib.runs import get_or_train as module
from modlib.runs.addition import AdditionRun
from modlib.runs.clock_pizza import ClockPizzaRun
from modlib.runs.family import Run, family_for
from modlib.runs.get_or_train import get_or_train
from modlib.runs.remainders import RemaindersRun
from modlib.store.folder import MANIFEST
from modlib.store.runs import METRICS, WEIGHTS, Store
from modlib.training.addition import network
from modlib.training.clock_pizza import train as clock_pizza
from modlib.training.remainders import train as remainders

SEED = 2
CONFIGS: dict[str, Any] = {
    "addition": AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=6),
    "remainders": RemaindersConfig(p=5, embed_dim=8, heads=2, steps=12),
    "clock_pizza": ClockPizzaConfig(n=5, embed_dim=8, heads=2, num_neurons=12, steps=60),
}
RUNS = {"addition": AdditionRun, "remainders": RemaindersRun, "clock_pizza": ClockPizzaRun}
DRAWN_IN = {"addition": network, "remainders": remainders, "clock_pizza": clock_pizza}


@pytest.fixture(params=CONFIGS)
def config(request) -> Config:
    return CONFIGS[request.param]


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Store:
    """A store with a run of every family, not to be changed."""
    store = Store(tmp_path_factory.mktemp("whole"))
    for config in CONFIGS.values():
        run_of(config, store)
    return store


def run_of(config: Any, store: Store, seed: int = SEED, **options: Any) -> Any:
    return get_or_train(config, seed=seed, device="cpu", store=store, progress=False, **options)


def same(one: Run, other: Run) -> None:
    for name in ("weights", "logged"):
        left, right = getattr(one, name), getattr(other, name)
        assert left.keys() == right.keys()
        for key, array in left.items():
            assert right[key].dtype == array.dtype
            assert right[key].tobytes() == array.tobytes(), key
    pd.testing.assert_frame_equal(one.history, other.history)


def test_a_family_has_one_name_in_configuration_module_and_store(config, store):
    family = family_for(config)
    assert family.run is RUNS[config.KIND]
    assert store.of(config).kind == config.KIND
    assert not {"KIND", "RECIPE"} & asdict(config).keys()


def test_a_run_is_trained_once_and_read_after(config, store, monkeypatch):
    first = run_of(config, store)
    monkeypatch.setattr(module, "_train", None)
    second = run_of(config, store)
    assert type(first) is type(second) is RUNS[config.KIND]
    assert (first.trained_now, second.trained_now) == (True, False)
    assert (second.config, second.seed) == (config, SEED)
    assert second.manifest == json.loads(json.dumps(first.manifest))
    same(first, second)


def test_parameters_have_the_familys_shapes_and_a_view(config, whole):
    run = run_of(config, whole)
    assert {k: a.shape for k, a in run.weights.items()} == family_for(config).shapes(config)
    assert not run.weights.keys() & run.logged.keys()
    assert run.view is not None
    assert run.steps_per_second > 0
    assert "\n" not in family_for(config).describe(run)


def test_another_seed_has_another_network(config, whole, store):
    one, other = run_of(config, whole), run_of(config, store, seed=SEED + 1)
    name = max(one.weights, key=lambda name: one.weights[name].size)
    assert (one.weights[name] != other.weights[name]).any()


def test_device_and_threads_are_taken_by_every_family(config, whole, store):
    run = run_of(config, store, threads=2)
    same(run, run_of(config, whole))
    assert run.manifest["device"] == "cpu"


@pytest.mark.parametrize(
    ("argument", "value"),
    [("seed", -1), ("seed", 0.5), ("threads", 0), ("threads", None), ("device", "gpu")],
)
def test_bad_arguments_are_refused_before_any_work(config, store, argument, value):
    with pytest.raises(InputError, match=f"^{argument} must "):
        get_or_train(config, store=store, **({"seed": 0} | {argument: value}))
    assert not list(store.root.glob("*"))


@pytest.mark.parametrize("name", [WEIGHTS, METRICS, MANIFEST])
def test_a_damaged_run_is_refused_before_any_work(config, store, monkeypatch, name):
    run_of(config, store)
    file = store.of(config).folder(SEED) / name
    file.write_bytes(file.read_bytes()[:-5])
    with monkeypatch.context() as patch:
        patch.setattr(module, "_train", None)
        refusal = r"seed-000002.*; move .* away to train this seed again"
        with pytest.raises(StoreError, match=refusal):
            run_of(config, store)
    moved = file.parent.rename(file.parent.with_name("damaged"))
    assert run_of(config, store).trained_now
    assert {path.name for path in moved.iterdir()} == {WEIGHTS, METRICS, MANIFEST}


Content = dict[str, Any]


def tensors(change: Callable[[dict[str, np.ndarray], str], Any]) -> Callable[[Content, str], None]:
    """Change the stored arrays; the second argument names a parameter."""
    return lambda content, name: change(content["tensors"], name)


def last_is_nan(arrays: dict[str, np.ndarray], name: str) -> None:
    arrays[name] = arrays[name].copy()
    arrays[name].flat[-1] = np.nan


UNFIT = {
    "another configuration": (
        lambda content, name: content["config"].update(lr=0.5),
        "holds a run of another configuration than its path says",
    ),
    "no configuration": (
        lambda content, name: content.update(config={}),
        "holds a run of another configuration than its path says",
    ),
    "another shape": (
        tensors(lambda arrays, name: arrays.update({name: arrays[name][:-1]})),
        "holds a run of another configuration than its path says",
    ),
    "another name": (
        tensors(lambda arrays, name: arrays.update({f"{name}s": arrays.pop(name)})),
        "holds a run of another configuration than its path says",
    ),
    "a parameter is missing": (
        tensors(lambda arrays, name: arrays.pop(name)),
        "holds a run of another configuration than its path says",
    ),
    "not finite": (tensors(last_is_nan), r"is damaged \(.* has numbers that are not finite\)"),
    "no history": (
        lambda content, name: content.update(metrics=pd.DataFrame()),
        r"is damaged \(the history: column \w+ is missing\)",
    ),
    "a column is missing": (
        lambda content, name: content.update(metrics=content["metrics"].iloc[:, :-1]),
        r"is damaged \(the history: column \w+ is missing\)",
    ),
    "the end is missing": (
        lambda content, name: content.update(
            metrics=content["metrics"][lambda rows: rows.iloc[:, 0] < rows.iloc[:, 0].max()]
        ),
        r"is damaged \(the history: it has not a row after each of the \d+ times expected\)",
    ),
    "no row": (
        lambda content, name: content.update(metrics=content["metrics"].iloc[:0]),
        r"is damaged \(the history: it has not a row after each of the \d+ times expected\)",
    ),
}


@pytest.mark.parametrize(("change", "reason"), UNFIT.values(), ids=UNFIT)
def test_a_stored_run_that_does_not_fit_is_refused(
    config, whole, store, monkeypatch, change, reason
):
    stored, family = whole.of(config).load(SEED), family_for(config)
    content: Content = {
        "tensors": dict(stored.tensors),
        "metrics": stored.metrics,
        "config": dict(stored.manifest["config"]),
    }
    first = next(iter(family.shapes(config)))
    change(content, f"{family.run.PREFIX}{first}")
    store.of(config).save(SEED, device="cpu", wall_s=0.0, **content)
    monkeypatch.setattr(module, "_train", None)
    where = store.of(config).folder(SEED)
    with pytest.raises(StoreError, match=f"^{where} {reason}") as refused:
        run_of(config, store)
    assert str(refused.value).endswith(f"; move {where} away to train this seed again")


def test_a_training_that_diverges_leaves_no_run(config, store, monkeypatch):
    training = DRAWN_IN[config.KIND]
    drawn = training.initial_weights
    monkeypatch.setattr(
        training,
        "initial_weights",
        lambda *what: {name: array * np.float32(np.nan) for name, array in drawn(*what).items()},
    )
    with pytest.raises(DivergedError, match=r"must keep the training's numbers finite"):
        run_of(config, store)
    assert SEED not in store.of(config)


def test_an_untrained_network_has_no_speed(config, store):
    steps = "epochs" if isinstance(config, AdditionConfig) else "steps"
    untrained = replace(config, **{steps: 0})
    run = run_of(untrained, store)
    assert run.steps_per_second is None
    drawn = DRAWN_IN[config.KIND].initial_weights(untrained, SEED)
    for name, expected in drawn.items():
        assert run.weights[name].tobytes() == expected.tobytes()
