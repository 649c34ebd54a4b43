"""Attention of planted heads: one digit, both, and now one, now the other."""

from __future__ import annotations

import numpy as np
import pytest

from modlib.analysis.remainders import digit_attention as att
from modlib.config.remainders import RemaindersConfig
from modlib.models.transformer import initial_weights
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import RemaindersTask

CONFIG = RemaindersConfig(p=11, embed_dim=8, heads=2)


def view_with(**weights: np.ndarray) -> TransformerView:
    return TransformerView(config=CONFIG, weights=initial_weights(CONFIG, 1) | weights)


def test_the_answers_own_place_does_not_count():
    attention = np.tile([0.1, 0.0, 0.9], (50, 1, 1))
    assert att.digit_shares(attention).tolist() == [[1.0, 0.0]]
    assert att.smaller_share(attention).tolist() == [0.0]


def test_a_head_that_switches_looks_at_one_digit_number_by_number():
    attention = np.zeros((40, 1, 3))
    attention[:20, 0, 0] = attention[20:, 0, 1] = 1
    assert att.smaller_share(attention).tolist() == [0.5]
    assert att.smaller_share_by_number(attention).tolist() == [0.0]


def test_a_single_wave_is_periodic_and_constant_attention_has_no_periodicity():
    wave = np.cos(2 * np.pi * 3 * np.arange(11) / 11)
    images = np.stack([np.tile(wave, (11, 1)), np.full((11, 11), 0.5)])
    found = att.periodicity(images)
    assert found[0] == pytest.approx(1)
    assert np.isnan(found[1])


def test_attention_images_are_the_attention_to_x0_by_digits():
    view = view_with()
    images = att.attention_images(view)
    assert images.shape == (2, 11, 11)
    assert images[1, 3, 5] == pytest.approx(view.attention[3 + 11 * 5, 1, 0])


def test_without_keys_all_three_kinds_of_attention_are_the_same():
    keys = np.zeros_like(initial_weights(CONFIG, 1)["k"])
    task = RemaindersTask(CONFIG, 0)
    numbers = att.describe_attention(view_with(k=keys), task.answers, task.held_out)
    assert numbers["smaller_share"] == pytest.approx(0.5)
    assert numbers["head_1_x0"] == pytest.approx(1 / 3)
    assert numbers["accuracy"] == numbers["accuracy_constant"] == numbers["accuracy_equal"]
    assert numbers["attention_spread"] == pytest.approx(0, abs=1e-6)
    assert np.isnan(numbers["attention_periodicity"])


def test_attention_is_described_for_every_head():
    view = view_with()
    task = RemaindersTask(CONFIG, 0)
    numbers = att.describe_attention(view, task.answers, task.held_out)
    assert numbers["head_0_x1"] == pytest.approx(view.attention[:, 0, 1].mean())
    means = [numbers["smaller_share_0"], numbers["smaller_share_1"]]
    assert numbers["smaller_share"] == pytest.approx(np.mean(means))
    assert 0 < numbers["smaller_share_by_number"] <= numbers["smaller_share"]
    right = view.accuracy(view.logits, task.answers)
    assert numbers["accuracy"] == pytest.approx(right.mean())
    assert numbers["accuracy_held_out"] == pytest.approx(right[task.held_out].mean())
    held = view.accuracy(view.with_uniform_attention(), task.answers)[task.held_out]
    assert numbers["accuracy_constant_held_out"] == pytest.approx(held.mean())
