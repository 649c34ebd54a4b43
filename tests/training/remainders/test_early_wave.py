"""The wave of q = 2 is taken out of the digits' embeddings in the midst of a training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from modlib.config import remainders as settings
from modlib.config.remainders import CHANGED_AFTER, RemaindersConfig
from modlib.errors import InputError
from modlib.models.transformer import initial_weights
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import RemaindersTask
from modlib.training.remainders import early_wave, train
from modlib.training.remainders.cuda_graph import GraphStep
from modlib.training.remainders.early_wave import change, changed, directions
from modlib.training.remainders.step import FastStep

TINY = RemaindersConfig(p=11, embed_dim=16, heads=2, steps=12)
ABLATED, PERTURBED = (replace(TINY, task=task, steps=200) for task in ("ablated", "perturbed"))


def tokens(p=11, embed=16):
    return np.random.default_rng(0).standard_normal((p + 1, embed)).astype(np.float32)


def test_the_ablated_embeddings_do_not_alternate():
    tok = tokens()
    after = changed(RemaindersTask(ABLATED, 3), tok)
    wave, _ = directions(RemaindersTask(ABLATED, 3))
    np.testing.assert_allclose(wave @ after[:11], 0, atol=1e-6)
    # Nothing else moves: means, the other digits' patterns, the answer's row.
    np.testing.assert_array_equal(after[11], tok[11])
    np.testing.assert_allclose(after[:11].mean(0), tok[:11].mean(0), atol=1e-6)
    other = np.cos(2 * np.pi * 2 * np.arange(11) / 11)
    other -= wave * (wave @ other)
    np.testing.assert_allclose(other @ after[:11], other @ tok[:11], atol=1e-5)
    # Whatever adds a multiple of the wave is undone.
    shaken = tok.copy()
    shaken[:11] += 5 * wave[:, None]
    np.testing.assert_allclose(changed(RemaindersTask(ABLATED, 3), shaken), after, atol=1e-5)


def test_the_control_keeps_the_wave_and_moves_as_far_in_the_same_direction():
    tok = tokens()
    ablated = changed(RemaindersTask(ABLATED, 3), tok) - tok
    perturbed = changed(RemaindersTask(PERTURBED, 3), tok) - tok
    wave, random = directions(RemaindersTask(PERTURBED, 3))
    assert abs(wave @ random) < 1e-12
    assert abs(random.sum()) < 1e-12
    assert np.linalg.norm(perturbed) == pytest.approx(np.linalg.norm(ablated), rel=1e-5)
    np.testing.assert_allclose(wave @ (tok + perturbed)[:11], wave @ tok[:11], atol=1e-5)
    first, second = (np.linalg.svd(one, full_matrices=False)[2][0] for one in (ablated, perturbed))
    assert abs(first @ second) == pytest.approx(1, abs=1e-5)
    other = directions(RemaindersTask(PERTURBED, 4))[1]
    assert not np.allclose(random, other)


def test_without_the_wave_a_network_cannot_tell_even_from_odd():
    """Digits of the same others' coordinates answer alike: here all that differs is the wave."""
    config = ABLATED
    weights = {name: a.copy() for name, a in initial_weights(config, 0).items()}
    wave, _ = directions(RemaindersTask(config, 0))
    weights["tok"][:11] = wave[:, None] * np.ones(16)
    weights["tok"] = changed(RemaindersTask(config, 0), weights["tok"])
    logits = TransformerView(config=config, weights=weights).logits
    np.testing.assert_allclose(logits, np.broadcast_to(logits[0], logits.shape), atol=1e-5)


@pytest.mark.parametrize("task", ["ablated", "perturbed"])
def test_a_training_that_ends_before_its_change_is_refused(task):
    with pytest.raises(InputError, match=f"steps must be above {CHANGED_AFTER}"):
        replace(TINY, task=task, steps=CHANGED_AFTER)
    assert replace(TINY, task=task, steps=0).untrained().steps == 0


def test_the_change_comes_once_after_its_step(monkeypatch):
    monkeypatch.setattr(settings, "CHANGED_AFTER", 4)  # five steps, after which it would come
    monkeypatch.setattr(early_wave, "CHANGED_AFTER", 5)
    monkeypatch.setattr(train, "CHANGED_AFTER", 5)
    ends = {
        (name, steps): train.train(
            RemaindersTask(replace(TINY, task=name, steps=steps), 3), progress=False
        ).weights["tok"]
        for name in ("miiii", "ablated", "perturbed")
        for steps in (5, 6, 12)
    }
    for name in ("ablated", "perturbed"):
        np.testing.assert_array_equal(ends[name, 5], ends["miiii", 5])
        assert not np.allclose(ends[name, 6], ends["miiii", 6])
    wave, _ = directions(RemaindersTask(ABLATED, 3))
    size = np.linalg.norm
    # One step after the change the wave is all but gone; it comes back, as the change is made once.
    assert size(wave @ ends["ablated", 6][:11]) < 0.2 * size(wave @ ends["miiii", 6][:11])
    assert size(wave @ ends["ablated", 12][:11]) > size(wave @ ends["ablated", 6][:11])


def test_networks_in_memory_and_on_a_device_are_changed_alike():
    task = RemaindersTask(ABLATED, 3)
    weights = initial_weights(ABLATED, 3)
    here = FastStep(task, weights)
    there = GraphStep(task, weights, device=torch.device("cpu"))
    for network in (here, there):
        change(task, network)
    np.testing.assert_array_equal(here.weights()["tok"], there.weights()["tok"])
    np.testing.assert_array_equal(here.weights()["tok"], changed(task, weights["tok"]))
    np.testing.assert_array_equal(here.weights()["w_in"], weights["w_in"])
