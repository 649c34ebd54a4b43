"""From a configuration and a seed to a run, and from many runs to committed tables."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch

from modlib.config.addition import AdditionConfig
from modlib.errors import StoreError
from modlib.models.mlp import build, initial_weights
from modlib.runs import addition
from modlib.runs.addition import Run, frequency_epochs, get_or_train
from modlib.store.folder import MANIFEST
from modlib.store.runs import METRICS, WEIGHTS, Store, StoredRun
from modlib.tasks.addition import AdditionTask

TINY = AdditionConfig(n=11, num_neurons=12, embed_dim=4, epochs=8)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def run_of(config: AdditionConfig = TINY, seed: int = 0, **options) -> Run:
    return get_or_train(config, seed=seed, device="cpu", progress=False, **options)


@pytest.fixture
def no_training(monkeypatch):
    """From here on a call that trains fails."""

    def refuse(*args, **options):
        raise AssertionError("trained")

    monkeypatch.setattr(addition, "train", refuse)


# One run


def test_a_run_is_trained_once_and_read_after(store, monkeypatch):
    first = run_of(store=store)
    monkeypatch.setattr(addition, "train", None)
    second = run_of(store=store)
    assert (first.trained_now, second.trained_now) == (True, False)
    assert first.stored.tensors.keys() == second.stored.tensors.keys()
    for name, array in first.stored.tensors.items():
        assert second.stored.tensors[name].dtype == array.dtype
        assert second.stored.tensors[name].tobytes() == array.tobytes()
    pd.testing.assert_frame_equal(first.history, second.history)
    assert second.stored.manifest == json.loads(json.dumps(first.stored.manifest))


def test_every_setting_and_the_seed_lead_to_a_run_of_their_own(store):
    folders = {
        store.of(config).folder(seed)
        for config in (TINY, replace(TINY, l2=0.0), TINY.untrained(), TINY.memorising())
        for seed in (0, 1)
    }
    assert len(folders) == 8


def test_the_view_gives_the_logits_of_the_network(store):
    run = run_of(store=store)
    weights = {name[6:]: a for name, a in run.stored.tensors.items() if name.startswith("model/")}
    model = build(TINY, weights)
    a, b = (torch.arange(121) // 11, torch.arange(121) % 11)
    logits = model(a, b).detach().numpy().reshape(11, 11, 11)
    np.testing.assert_allclose(run.view.logits(), logits, atol=1e-5)
    assert run.view.evaluate(~run.train_mask).accuracy == pytest.approx(run.accuracy)


def test_frequency_content_is_shares_from_the_initialisation_to_the_end(store):
    run = run_of(store=store)
    assert run.frequency_epochs.tolist() == list(range(9))
    assert run.frequency_content.shape == (9, 6)
    np.testing.assert_allclose(run.frequency_content.sum(1), 1, atol=1e-6)
    assert (run.frequency_content[:, 0] == 0).all()
    start = run_of(TINY.untrained(), store=store)
    np.testing.assert_array_equal(run.frequency_content[:1], start.frequency_content)


def test_frequency_epochs_are_few_and_hold_both_ends():
    for epochs in (0, 1, 2, 60, 300, 3000):
        chosen = frequency_epochs(AdditionConfig(epochs=epochs))
        assert (chosen[0], chosen[-1]) == (0, epochs)
        assert chosen == sorted(set(chosen))
        assert len(chosen) <= 61


def test_an_untrained_run_has_no_speed_and_the_initial_weights(store):
    run = run_of(TINY.untrained(), store=store)
    for name, expected in initial_weights(TINY, 0).items():
        assert run.stored.tensors[f"model/{name}"].tobytes() == expected.tobytes()
    text = (store.of(TINY.untrained()).folder(0) / MANIFEST).read_text()
    manifest = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert manifest["config"]["steps_per_second"] is None
    assert not run.learned


def judged(accuracies: list[float], config: AdditionConfig = TINY) -> Run:
    """A run with these accuracies at epochs 0, 2, 4 and so on."""
    num_test = config.n**2 - config.num_train
    history = pd.DataFrame(
        {
            "epoch": 2 * np.arange(len(accuracies)),
            "train_accuracy": [0.5] * len(accuracies) if num_test else accuracies,
            "test_accuracy": accuracies if num_test else np.nan,
        }
    )
    stored = StoredRun(tensors={}, metrics=history, manifest={})
    return Run(config=config, seed=0, stored=stored, trained_now=True)


@pytest.mark.parametrize("train_pairs", [60, 121], ids=["held out", "none held out"])
def test_a_run_learned_when_it_reached_100_percent_and_ends_at_999_permille(train_pairs):
    config = replace(TINY, train_pairs=train_pairs)
    cases = {
        (0.1, 0.9, 1.0, 1.0): (4, True),
        (0.1, 1.0, 0.9, 0.9995): (2, True),
        (0.1, 1.0, 1.0, 0.998): (2, False),
        (0.1, 0.5, 0.9995): (None, False),
        (0.1,): (None, False),
    }
    for accuracies, (reached, learned) in cases.items():
        run = judged(list(accuracies), config)
        assert (run.reached_epoch, run.learned) == (reached, learned)
        assert run.accuracy == accuracies[-1]


def test_without_held_out_pairs_the_training_pairs_are_judged(store):
    run = run_of(AdditionConfig(n=5, num_neurons=32, train_pairs=25, epochs=100), store=store)
    assert run.num_test == 0
    assert run.history.test_accuracy.isna().all()
    assert run.accuracy == run.history.train_accuracy.iloc[-1] == 1.0
    assert run.learned
    assert run.train_mask.all()


def test_the_train_mask_is_the_one_it_was_trained_on(store):
    run = run_of(seed=4, store=store)
    np.testing.assert_array_equal(run.train_mask, AdditionTask(TINY, 4).mask)
    assert run.num_test == (~run.train_mask).sum()


# A run that cannot be used


@pytest.mark.parametrize("name", [WEIGHTS, METRICS, MANIFEST])
def test_a_damaged_run_is_refused_before_any_work(store, monkeypatch, name):
    run_of(store=store)
    file = store.of(TINY).folder(0) / name
    file.write_bytes(file.read_bytes()[:-5])
    monkeypatch.setattr(addition, "train", None)
    with pytest.raises(StoreError, match=r"seed-000000.*; move .* away to train this seed again"):
        run_of(store=store)
    run_moved = file.parent.rename(file.parent.with_name("damaged"))
    monkeypatch.undo()
    assert run_of(store=store).trained_now
    assert {path.name for path in run_moved.iterdir()} == {WEIGHTS, METRICS, MANIFEST}


@pytest.mark.parametrize("foreign", ["configuration", "no configuration", "shape", "name"])
def test_a_run_of_another_configuration_is_refused(store, no_training, foreign):
    settings = asdict(TINY)
    tensors = {f"model/{name}": array for name, array in initial_weights(TINY, 0).items()}
    if foreign == "configuration":
        settings["n"] = 13
    elif foreign == "no configuration":
        settings = {}
    elif foreign == "shape":
        tensors["model/hidden.bias"] = np.zeros(13, dtype=np.float32)
    else:
        tensors["model/hidden.biases"] = tensors.pop("model/hidden.bias")
    store.of(TINY).save(
        0, tensors=tensors, metrics=pd.DataFrame(), config=settings, device="cpu", wall_s=0.0
    )
    with pytest.raises(StoreError, match="holds a run of another configuration than its path says"):
        run_of(store=store)


def test_a_failed_save_keeps_the_checkpoint_and_leaves_no_run(store, monkeypatch):
    monkeypatch.setattr("modlib.training.resume.pause_s", lambda took: 0.0)

    def full(*args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_parquet", full)
        with pytest.raises(StoreError, match="No space left on device"):
            run_of(store=store)
    assert 0 not in store.of(TINY)
    assert store.of(TINY).checkpoint(0).load()["progress"][0] == TINY.num_epochs
    resumed = run_of(store=store)
    assert resumed.history.epoch.tolist() == list(range(9))
    assert store.of(TINY).checkpoint(0).load() is None
