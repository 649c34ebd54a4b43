"""What tells clock from pizza, on logits and embeddings whose kind is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from modlib.analysis.meso import clock_pizza as cp
from modlib.errors import InputError

N = 11
K = np.arange(N)
WAVE = np.cos(2 * np.pi * 3 * (K[:, None, None] + K[:, None] - K) / N)
SLICES = np.abs(np.cos(np.pi * 3 * (K[:, None] - K) / N))[..., None] * WAVE


def test_each_formula_explains_its_own_logits():
    clock = cp.explained_by_formulas(WAVE + 5.0, [3])
    pizza = cp.explained_by_formulas(SLICES, [3])
    assert clock.clock == pytest.approx(1)
    assert pizza.pizza == pytest.approx(1)
    assert 0.5 < clock.pizza < 0.95
    assert 0.5 < pizza.clock < 0.95
    assert max(cp.explained_by_formulas(WAVE, [4])) < 1e-12
    both = cp.explained_by_formulas(
        WAVE + 2 * np.cos(2 * np.pi * (K[:, None, None] + K[:, None] - K) / N), [1, 3]
    )
    assert both.clock == pytest.approx(1)


def test_the_distance_decides_in_a_pizza_and_not_in_a_clock():
    noise = np.random.default_rng(0).normal(size=(N, N))
    by_sum = WAVE + noise[(K[:, None] + K) % N, 0][..., None]
    assert cp.distance_irrelevance(SLICES) < 1e-12
    assert cp.distance_irrelevance(by_sum) == pytest.approx(1)
    assert np.isnan(cp.distance_irrelevance(WAVE * 0 + 1))


def test_distances_are_told_apart_at_even_n():
    k = np.arange(8)
    logits = np.zeros((8, 8, 8))
    logits[k[:, None], k, (k[:, None] + k) % 8] = ((k[:, None] - k) % 8) ** 2
    assert cp.distance_irrelevance(logits) < 1e-12


@pytest.mark.parametrize("n", [11, 8])
def test_right_logits_lie_by_distance(n):
    logits = np.random.default_rng(1).normal(size=(n, n, n))
    table = cp.right_logits(logits)
    for a in range(n):
        for b in range(n):
            assert table[(a - b) % n, b] == logits[a, b, (a + b) % n]
    k = 3 * np.arange(n) % n
    np.testing.assert_array_equal(cp.right_logits(logits, 3), table[k[:, None], k])


def test_a_network_that_treats_inputs_alike_is_symmetric():
    rng = np.random.default_rng(0)
    embedding, w = rng.normal(size=(N, 5)), torch.tensor(rng.normal(size=(5, 20)))
    out = torch.tensor(rng.normal(size=(20, N)))

    def alike(at_a, at_b):
        return torch.relu((at_a + at_b) @ w) @ out

    def apart(at_a, at_b):
        return torch.relu(at_a @ w) @ out - torch.relu(at_b @ w.flip(1)) @ out

    assert cp.gradient_symmetricity(alike, embedding, embedding) == pytest.approx(1)
    cosines = cp.gradient_cosines(apart, embedding, embedding)
    assert cosines.shape == (N, N, N)
    assert abs(cosines.mean()) < 0.5
    k, c = 4, 7
    at = [torch.tensor(embedding[[i]], requires_grad=True) for i in (k, 2)]
    grads = torch.autograd.grad(apart(*at)[0, c], at)
    expected = torch.cosine_similarity(*grads, dim=1).item()
    assert cosines[k, 2, c] == pytest.approx(expected)


def test_drawn_triples_scatter_around_all_of_them():
    cosines = np.random.default_rng(2).uniform(-1, 1, (N, N, N))
    drawn = [cp.drawn_symmetricity(cosines, seed=seed) for seed in range(300)]
    assert np.mean(drawn) == pytest.approx(cosines.mean(), abs=0.02)
    assert np.std(drawn) == pytest.approx(cosines.std() / 10, rel=0.15)
    for number in (0, cosines.size + 1):
        with pytest.raises(InputError, match="num_triples"):
            cp.drawn_symmetricity(cosines, num_triples=number)


def test_no_triple_is_drawn_twice():
    cosines = np.random.default_rng(2).uniform(-1, 1, (5, 5, 5))
    drawn = cp.drawn_symmetricity(cosines, num_triples=125, seed=4)
    assert drawn == pytest.approx(cosines.mean(), abs=1e-12)


def test_circles_have_a_circularity_of_one():
    circle = np.stack([np.cos(2 * np.pi * 3 * K / N), np.sin(2 * np.pi * 3 * K / N)], axis=1)
    assert cp.circularity(circle, num_components=2) == pytest.approx(1)
    mixed = circle + 0.8 * np.roll(circle[2 * K % N], 1, axis=1)
    noise = np.random.default_rng(0).normal(size=(N, 6))
    assert cp.circularity(noise) < 0.8
    assert cp.circularity(mixed, num_components=2) <= 1
    with pytest.raises(InputError, match="num_components"):
        cp.circularity(circle, num_components=3)


def test_logits_by_distance_are_means_over_pairs_and_both_signs():
    n, unit = 7, 3
    logits = np.random.default_rng(0).normal(size=(n, n, n))
    found = cp.by_distance(logits, unit)
    assert found.shape == (n // 2 + 1, n // 2 + 1)
    centred = logits - logits.mean(-1, keepdims=True)
    for y, e in ((0, 0), (2, 0), (1, 3)):
        values = [
            centred[(b + s * unit * y) % n, b, (2 * b + s * unit * y + t * unit * e) % n]
            for b in range(n)
            for s in (1, -1)
            for t in (1, -1)
        ]
        np.testing.assert_allclose(found[y, e], np.mean(values))
