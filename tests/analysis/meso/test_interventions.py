"""Noise and removal against their plain versions, and on networks written down by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from made_up.views import ideal_view, random_view
from modlib.analysis.meso import interventions as iv
from modlib.analysis.meso.clusters import cluster_neurons, fit_cosine
from modlib.errors import InputError
from modlib.models.views import neuron_view as view_module


def generator(seed=0):
    return np.random.default_rng(seed)


SOME = np.array([1, 4, 5])


def test_changed_networks_score_as_they_do_alone(monkeypatch):
    """The readable version: evaluate() of each. In one block of rows and in many."""
    view = random_view(13, 9)
    changed = [view.without(SOME[:2]), iv.add_noise(view, SOME, 0.7, generator()), view]
    for most in (2**24, 600):
        monkeypatch.setattr(view_module, "MAX_ACTIVATIONS", most)
        for fast, network in zip(iv.evaluate_changed(view, SOME, changed), changed, strict=True):
            np.testing.assert_allclose(fast, network.evaluate(), rtol=1e-12)


def test_noise_touches_every_weight_of_its_neurons_and_no_other():
    view = random_view(13, 9)
    noisy = iv.add_noise(view, SOME, 0.5, generator())
    others = np.setdiff1d(np.arange(9), SOME)
    for name in ("w_a", "w_b"):
        before, after = getattr(view.factors, name), getattr(noisy.factors, name)
        assert (after[:, others] == before[:, others]).all()
        assert (after[:, SOME] != before[:, SOME]).all()
        assert (np.sign(after) == np.sign(before)).all()
    for before, after in ((view.b_in, noisy.b_in), (view.w_out, noisy.w_out)):
        assert (after[others] == before[others]).all()
        assert (after[SOME] != before[SOME]).all()
    assert (noisy.factors.embed_a == view.factors.embed_a).all()
    assert (noisy.b_out == view.b_out).all()
    np.testing.assert_allclose(noisy.preact_a, view.factors.embed_a @ noisy.factors.w_a)


def test_the_logarithm_of_the_factors_has_the_given_deviation():
    view = random_view(101, 40)
    noisy = iv.add_noise(view, np.arange(40), 0.3, generator())
    logs = np.log(noisy.w_out / view.w_out).ravel()  # 4040 draws: 5 standard errors are .017
    assert logs.std() == pytest.approx(0.3, abs=0.017)
    assert logs.mean() == pytest.approx(0, abs=0.024)


def test_without_input_weights_the_preactivations_take_the_noise():
    view = replace(random_view(13, 9), factors=None)
    noisy = iv.add_noise(view, SOME, 0.5, generator())
    assert noisy.factors is None
    assert (noisy.preact_a[:, SOME] != view.preact_a[:, SOME]).all()
    assert (noisy.preact_a[:, 0] == view.preact_a[:, 0]).all()


@pytest.mark.parametrize("sigma", [-0.1, float("nan"), float("inf")])
def test_impossible_noise_is_refused(sigma):
    with pytest.raises(InputError, match="sigma must be a finite number at least 0"):
        iv.add_noise(random_view(5, 4), np.array([0]), sigma, generator())
    with pytest.raises(InputError, match="max_sigma must"):
        iv.noise_levels(sigma)


def test_no_noise_and_no_removal_change_nothing():
    view = random_view(13, 9)
    whole = view.evaluate()
    still = iv.noise_curve(view, SOME, sigmas=(0.0,), num_draws=2)
    kept = iv.removal_curve(view, SOME, fractions=(0.0,), num_draws=2)
    for curve in (still, kept):
        np.testing.assert_allclose(curve.loss, whole.loss, rtol=1e-12)
        np.testing.assert_allclose(curve.accuracy, whole.accuracy)


def test_the_noise_curve_is_the_plain_loop():
    view, live = random_view(13, 9), np.arange(9) != 2
    for control in (None, live):
        rows = []
        for draw in range(2):
            rng = np.random.default_rng([3, draw])
            chosen = SOME if control is None else iv.random_neurons(live, len(SOME), rng)
            for sigma in (0.0, 0.4, 1.0):
                scores = iv.add_noise(view, chosen, sigma, rng).evaluate()
                rows.append((sigma, draw, scores.accuracy, scores.loss))
        curve = iv.noise_curve(
            view, SOME, sigmas=(0.0, 0.4, 1.0), num_draws=2, seed=3, control=control
        )
        np.testing.assert_allclose(curve.to_numpy(dtype=float), np.array(rows))


def test_the_removal_curve_is_the_plain_loop():
    view, live = random_view(13, 9), np.arange(9) != 2
    for control in (None, live):
        rows = []
        for draw in range(2):
            rng = np.random.default_rng([3, draw])
            chosen = SOME if control is None else iv.random_neurons(live, len(SOME), rng)
            order = rng.permutation(chosen)
            for fraction in (0.0, 0.4, 1.0):
                scores = view.without(order[: round(fraction * 3)]).evaluate()
                rows.append((fraction, draw, scores.accuracy, scores.loss))
        curve = iv.removal_curve(
            view, SOME, fractions=(0.0, 0.4, 1.0), num_draws=2, seed=3, control=control
        )
        np.testing.assert_allclose(curve.to_numpy(dtype=float), np.array(rows))


def test_the_control_draws_live_neurons_only_and_each_once():
    live = np.arange(12) % 3 == 0
    drawn = [iv.random_neurons(live, 3, generator(seed)) for seed in range(20)]
    assert all(live[chosen].all() and len(set(chosen.tolist())) == 3 for chosen in drawn)
    assert {tuple(chosen) for chosen in drawn} > {tuple(drawn[0])}
    view = ideal_view(11, {2: 6}, num_dead=4)
    alive = np.arange(10) < 6
    every = iv.random_damage(iv.removal_curve, view, alive, 99, fractions=(1.0,), num_draws=1)
    assert every.loss.item() == pytest.approx(np.log(11))


@pytest.fixture(scope="module")
def network():
    view = ideal_view(23, {2: 24, 5: 24, 9: 24}, gain=0.15)
    return view, cluster_neurons(view).clusters, np.ones(72, dtype=bool)


def test_every_cluster_has_a_curve_and_a_control(network):
    view, clusters, live = network
    curves = iv.damage_curves(iv.removal_curve, view, clusters, live, num_draws=2)
    counts = curves.groupby(["cluster", "control"]).size()
    assert counts.index.tolist() == [(c, x) for c in range(3) for x in (False, True)]
    assert (counts == 2 * len(iv.FRACTIONS)).all()
    own = iv.removal_curve(view, clusters[1].neurons, num_draws=2)
    picked = curves[(curves.cluster == 1) & ~curves.control].reset_index(drop=True)
    pd.testing.assert_frame_equal(picked[own.columns], own)
    assert iv.damage_curves(iv.noise_curve, view, [], live).empty


def test_draws_are_summed_up_by_mean_and_range():
    curve = pd.DataFrame({"sigma": [0.1, 0.1, 0.2], "draw": [0, 1, 0], "loss": [1.0, 3.0, 5.0]})
    found = iv.over_draws(curve, "sigma")
    assert found.to_numpy().tolist() == [[0.1, 2.0, 1.0, 3.0], [0.2, 5.0, 5.0, 5.0]]
    assert found.columns.tolist() == ["sigma", "loss", "loss_low", "loss_high"]
    assert iv.over_draws(curve.iloc[:0], "sigma").columns.tolist() == ["sigma"]


def test_half_a_cluster_keeps_half_its_cosine_and_says_something_else_as_well(network):
    """In closed form every neuron adds the same to the cosine; the rest cancels only in full."""
    view, clusters, _ = network
    votes = iv.votes_left(view, clusters, fractions=(0.0, 0.5, 1.0), num_draws=3)
    at = votes.groupby(["cluster", "fraction"])[["amplitude", "rest"]].mean()
    for cluster in clusters:
        whole = fit_cosine(view.contribution(cluster.neurons), cluster.freq)
        full, half, none = (at.loc[(cluster.index, x)] for x in (0.0, 0.5, 1.0))
        assert full.amplitude == pytest.approx(whole.amplitude)
        assert half.amplitude == pytest.approx(whole.amplitude / 2, rel=0.05)
        assert half.rest > 3 * full.rest
        assert none.amplitude == none.rest == 0


def test_the_parts_of_a_vote_add_up_to_its_power(network):
    view, clusters, _ = network
    part = clusters[0].neurons[:5]
    amplitude, rest = iv._vote_parts(view, part, clusters[0].freq)
    said = view.contribution(part)
    power = said.var(axis=-1).mean()
    assert amplitude**2 / 2 + rest**2 == pytest.approx(power)


def test_the_margin_left_is_the_smallest_over_all_rivals():
    n, waves = 23, [(2, 3.0), (5, 1.0), (9, 2.0)]
    expected = []
    for left_out in waves:
        rest = [wave for wave in waves if wave != left_out]
        leads = [sum(a * (1 - np.cos(2 * np.pi * f * d / n)) for f, a in rest) for d in range(1, n)]
        expected.append(min(leads))
    found = iv.remaining_margins(n, [f for f, _ in waves], [a for _, a in waves])
    np.testing.assert_allclose(found, expected)
    assert iv.remaining_margins(n, [4], [2.0]).tolist() == [0.0]
    assert len(iv.remaining_margins(n, [], [])) == 0


def test_the_table_of_damage_holds_what_was_measured(network):
    view, clusters, live = network
    cuts = iv.damage_curves(
        iv.removal_curve, view, clusters, live, fractions=(0.0, 1.0), num_draws=2
    )
    table = iv.damage_table(view, clusters, cuts)
    assert table.freq.tolist() == [c.freq for c in clusters]
    for row, cluster in zip(table.itertuples(), clusters, strict=True):
        gone = view.without(cluster.neurons).evaluate()
        assert row.loss == pytest.approx(gone.loss)
        assert row.accuracy == pytest.approx(gone.accuracy)
        assert row.loss_whole == pytest.approx(view.evaluate().loss)
        control = cuts[(cuts.cluster == cluster.index) & cuts.control & (cuts.fraction == 1.0)]
        assert row.control_loss == pytest.approx(control.loss.mean())
    assert iv.damage_table(view, [], cuts).empty


def test_the_levels_of_noise_hold_the_papers_own():
    assert iv.noise_levels(1.0, 4) == [0.0, 0.225, 0.25, 0.5, 0.75, 1.0]
    assert iv.noise_levels(0.2, 2) == [0.0, 0.1, 0.2]
    assert iv.noise_levels(0.0) == [0.0]


def test_a_rank_correlation_of_few_items_comes_with_its_chance():
    rho, chance = iv.rank_correlation(np.arange(3.0), np.array([1.0, 5.0, 6.0]))
    assert rho == pytest.approx(1)
    assert chance == pytest.approx(2 / 6)
    x, y = generator(1).standard_normal((2, 6))
    assert iv.rank_correlation(x, y)[0] == pytest.approx(stats.spearmanr(x, y)[0])
    x, y = generator(2).standard_normal((2, 12))
    np.testing.assert_allclose(iv.rank_correlation(x, y), stats.spearmanr(x, y))
    for x, y in ((np.arange(2.0), np.arange(2.0)), (np.ones(4), np.arange(4.0))):
        assert np.isnan(iv.rank_correlation(x, y)).all()
