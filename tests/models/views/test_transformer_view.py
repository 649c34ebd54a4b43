"""What the analyses see of a transformer equals what its module computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from modlib.config.remainders import RemaindersConfig
from modlib.models.transformer import build, initial_weights
from modlib.models.views.transformer_view import TransformerView
from modlib.tasks.remainders import RemaindersTask, digits, moduli

CONFIGS = [
    RemaindersConfig(p=11, embed_dim=16, heads=2, digits=order, task=task)
    for order in ("low_first", "high_first")
    for task in ("miiii", "nanda")
]


@pytest.fixture(params=CONFIGS, ids=lambda c: f"{c.task}-{c.digits}")
def view(request) -> TransformerView:
    return TransformerView(config=request.param, weights=initial_weights(request.param, 2))


def test_logits_equal_the_modules(view):
    x0, x1 = (torch.from_numpy(digit) for digit in digits(view.config))
    with torch.no_grad():
        logits = build(view.config, view.weights)(x0, x1).numpy()
    np.testing.assert_allclose(view.logits, logits, atol=1e-4)


def test_the_grid_is_laid_out_by_digits(view):
    x0, x1 = digits(view.config)
    numbers = view.grid(np.arange(121))
    for x in (0, 5, 60, 120):
        assert numbers[x0[x], x1[x]] == x
    assert view.neuron_images.shape == (64, 11, 11)
    np.testing.assert_array_equal(view.neuron_images[3][x0, x1], view.neurons[:, 3])


def test_attention_is_a_distribution_over_three_positions(view):
    np.testing.assert_allclose(view.attention.sum(-1), 1, rtol=1e-5)
    assert view.attention.shape == (121, 2, 3)


def test_columns_and_accuracy_follow_the_tasks(view):
    qs = moduli(view.config).tolist()
    assert [view.columns(q).stop - view.columns(q).start for q in qs] == qs
    targets = RemaindersTask(view.config, 0).answers
    perfect = np.zeros_like(view.logits)
    for task, q in enumerate(qs):
        perfect[np.arange(121), view.columns(q).start + targets[:, task]] = 1
    assert view.accuracy(perfect, targets).all()
    assert view.accuracy(np.zeros_like(perfect), targets).mean() < 0.6


def test_uniform_attention_is_the_same_for_every_number(view):
    uniform = TransformerView(
        config=view.config, weights=view.weights | {"k": np.zeros_like(view.weights["k"])}
    )
    np.testing.assert_allclose(uniform.attention, 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(uniform.with_uniform_attention(), uniform.logits, atol=1e-4)
    assert np.abs(view.with_uniform_attention() - view.logits).max() > 1e-4
