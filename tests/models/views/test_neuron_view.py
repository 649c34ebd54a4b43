from dataclasses import replace

import jaxtyping
import numpy as np
import pytest
import torch
from torch.nn import functional

from made_up.views import ideal_view, random_view
from modlib.config.addition import AdditionConfig
from modlib.errors import InputError
from modlib.models.mlp import build, initial_weights
from modlib.models.views.neuron_view import NeuronView, score_logits
from modlib.runs.addition import view_of
from modlib.tasks.addition import addition_pairs


def test_the_view_of_a_network_gives_its_logits():
    config = AdditionConfig(n=11, num_neurons=16)
    weights = initial_weights(config, seed=3)
    a, b, _ = addition_pairs(11)
    direct = build(config, weights)(torch.tensor(a), torch.tensor(b)).detach().numpy()
    np.testing.assert_allclose(view_of(weights).logits().reshape(-1, 11), direct, atol=1e-5)


def test_contributions_of_all_neurons_and_the_bias_make_the_logits():
    view = random_view(9, 12)
    halves = view.contribution(np.arange(5)) + view.contribution(np.arange(5, 12))
    np.testing.assert_allclose(halves + view.b_out, view.logits())


def test_skip_paths_reach_the_logits():
    view = random_view(5, 4)
    skip = np.arange(25.0).reshape(5, 5)
    changed = replace(view, skip_a=skip, skip_b=2 * skip).logits() - view.logits()
    np.testing.assert_allclose(changed[1, 3], skip[1] + 2 * skip[3])


def test_removed_neurons_no_longer_contribute():
    view = random_view(7, 6)
    rest = view.without(np.array([1, 4])).logits()
    expected = view.contribution(np.array([0, 2, 3, 5])) + view.b_out
    np.testing.assert_allclose(rest, expected)


def test_scores_equal_those_of_torch():
    view = random_view(8, 10)
    logits = torch.tensor(view.logits()).reshape(-1, 8)
    _, _, c = addition_pairs(8)
    answer = torch.tensor(c)
    scores = view.evaluate()
    assert scores.loss == pytest.approx(functional.cross_entropy(logits, answer).item())
    assert scores.accuracy == (logits.argmax(1) == answer).double().mean()


def test_scores_of_a_mask_are_those_of_its_pairs():
    view = random_view(6, 5)
    mask = np.zeros((6, 6), dtype=bool)
    mask[2, 3] = True
    pair = score_logits(view.logits())
    scores = view.evaluate(mask)
    assert scores.loss == pytest.approx(pair.loss[2, 3])
    assert scores.margin == pytest.approx(pair.margin[2, 3])
    assert np.isnan(view.evaluate(np.zeros((6, 6), dtype=bool)).accuracy)


def test_a_tie_is_no_right_answer():
    pair = score_logits(np.zeros((3, 3, 3)))
    assert not pair.right.any()
    assert (pair.margin == 0).all()


def test_memory_is_bounded_whatever_the_block(monkeypatch):
    view = ideal_view(13, {1: 8, 3: 8})
    whole = view.evaluate()
    monkeypatch.setattr("modlib.models.views.neuron_view.MAX_ACTIVATIONS", 400)
    np.testing.assert_allclose(view.evaluate(), whole)
    np.testing.assert_allclose(view.contribution(np.arange(4)).shape, (13, 13, 13))


@pytest.mark.parametrize("name", ["preact_a", "b_in", "w_out", "b_out", "skip_b"])
def test_arrays_that_do_not_fit_are_refused(name, monkeypatch):
    # The tests' own check of axes would come first; a user has only the class's.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    view = random_view(5, 4)
    with pytest.raises(InputError, match=f"{name} must hold finite numbers"):
        replace(view, **{name: np.full_like(getattr(view, name), np.nan)})
    if name != "b_in":
        with pytest.raises(InputError, match=f"{name} must have shape"):
            replace(view, **{name: getattr(view, name)[:-1]})


def test_views_without_embeddings_are_views():
    view = random_view(5, 4)
    bare = replace(view, factors=None)
    assert isinstance(bare, NeuronView)
    np.testing.assert_allclose(bare.logits(), view.logits())
