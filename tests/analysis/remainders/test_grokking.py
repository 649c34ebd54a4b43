"""Orders and last half-peaks of planted histories; the gain of the filter as it is trained with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from made_up.runs import made_up_history, made_up_norms
from modlib.analysis.remainders import grokking as gr
from modlib.training.kernels.adamw import GradientFilter


def test_the_first_step_at_a_level_and_the_one_from_which_it_lasts():
    table = gr.milestones(made_up_history({2: 4, 3: 8, 5: None}, dips={2: 16})).set_index(
        ["level", "q"]
    )
    assert table.loc[(0.99, 2)].tolist() == [4, 32]
    assert table.loc[(0.97, 2)].tolist() == [4, 4]
    assert table.loc[(0.999, 3)].tolist() == [8, 8]
    assert table.loc[(0.99, 5)].isna().all()
    assert gr.first_steps(made_up_history({2: 0}))[2] == 0


@pytest.mark.parametrize(
    ("first", "kept"),
    [
        ({2: 1, 3: 2, 5: 4, 7: 8, 11: 16, 13: 16}, True),
        ({2: 1, 3: 2, 5: 4, 7: 8, 11: None}, True),
        ({2: 1, 3: 2, 5: 4, 7: 4, 11: 16}, False),
        ({2: 1, 3: 2, 5: 4, 7: 8, 11: 8}, False),
        ({2: 2, 3: 1, 5: 4, 7: 8, 11: 16}, False),
        ({2: 1, 3: 2, 5: 4, 7: None, 11: None}, False),
        ({2: 1, 3: 2}, True),
    ],
)
def test_an_order_is_strict_and_a_tie_is_none(first, kept):
    assert gr.in_succession(gr.first_steps(made_up_history(first))) is kept


@pytest.mark.parametrize(
    ("first", "kept"),
    [
        ({2: 1, 3: 2, 5: 4, 7: 8, 11: None}, True),
        ({2: 1, 3: 2, 5: 4, 7: None, 11: None}, None),
        ({2: 1, 3: None, 5: None, 7: None, 11: None}, None),
        ({2: 1, 3: None, 5: 4, 7: None, 11: None}, False),
        ({2: 1, 3: 2, 5: 4, 7: None, 11: 8}, False),
        ({2: 2, 3: 2, 5: None, 7: None, 11: None}, False),
        ({2: None, 3: None}, None),
    ],
)
def test_what_a_run_has_not_learned_yet_is_no_tie(first, kept):
    assert gr.in_succession(gr.first_steps(made_up_history(first)), finished=False) is kept


def test_the_authors_figure_begins_at_step_1000_of_its_run():
    assert gr.first_shown(65536) == 1000
    assert gr.first_shown(16384) == 250
    assert gr.first_shown(0) == 0


def test_rank_correlation_counts_pairs_of_large_tasks():
    def tau(**steps: float) -> float:
        return gr.rank_correlation(pd.Series({int(q[1:]): at for q, at in steps.items()}))

    assert tau(q2=99, q11=1, q13=2, q17=4) == pytest.approx(1)
    assert tau(q11=4, q13=2, q17=1) == pytest.approx(-1)
    assert tau(q11=1, q13=np.nan, q17=4) == pytest.approx(1 / 3)
    assert np.isnan(tau(q11=np.nan, q13=np.nan, q17=np.nan))
    assert np.isnan(tau(q2=1, q11=1, q13=4))


@pytest.mark.slow
def test_the_spread_of_tau_is_that_of_random_orders():
    generator = np.random.default_rng(0)
    qs = [11, 13, 17, 19, 23, 29, 31]
    taus = [gr.rank_correlation(pd.Series(generator.permutation(7), index=qs)) for _ in range(2000)]
    assert np.std(taus) == pytest.approx(gr.chance_deviation(7), rel=0.05)


def test_last_half_peaks_by_matrix_and_layer():
    planted = dict.fromkeys(gr.DEPTH, 8) | {"q": 2, "o": 4, "k": 1, "v": 1, "w_in": 32}
    table = made_up_norms(planted)
    for kind in ("raw", "filtered"):
        assert gr.last_half_peak(table, kind).to_dict() == planted
        assert gr.settled(table, kind) == {"attention": 4, "FFN": 32}
    assert gr.settled(table, since=16) == {"attention": 1024, "FFN": 1024}
    assert gr.relative_norms(table, "raw", since=16).columns.min() == 16
    assert gr.relative_norms(table, "raw").to_numpy().max(1).tolist() == [1.0] * len(gr.DEPTH)
    np.testing.assert_allclose(gr.filter_ratios(table), 1.2)


def filtered(signal: np.ndarray, lam: float, alpha: float) -> np.ndarray:
    """What the training's own filter makes of a gradient, step by step."""
    parameter = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    through, out = GradientFilter([parameter], lam, alpha), []
    for value in signal:
        parameter.grad = torch.full((1,), float(value), dtype=torch.float64)
        through.apply()
        out.append(float(parameter.grad))
    return np.array(out)


@pytest.mark.parametrize("period", [2, 10, 50, 400])
def test_gain_is_that_of_the_filter_on_a_wave(period):
    steps = np.arange(4000)
    out = filtered(np.cos(2 * np.pi * steps / period), 2.0, 0.9)[2000:]
    wave = np.exp(-2j * np.pi * steps[2000:] / period)
    size = np.abs((out * wave).mean()) * (1 if period == 2 else 2)
    assert size == pytest.approx(gr.filter_gain(np.array([float(period)]), 2.0, 0.9)[0], rel=1e-6)


def test_gain_runs_from_almost_one_to_one_plus_lambda():
    fast, slow = gr.filter_gain(np.array([2.0, 1e9]), 0.5, 0.98)
    assert fast == pytest.approx(1 + 0.5 * 0.02 / 1.98)
    assert slow == pytest.approx(1.5)
    assert (gr.filter_gain(np.array([2.0, 50.0]), 0.0, 0.98) == 1).all()


def test_noise_gain_and_slow_share_are_those_of_a_planted_mixture():
    noise = np.random.default_rng(0).normal(size=40_000)
    out = filtered(noise, 3.0, 0.8)[100:]
    assert np.sqrt((out**2).mean()) == pytest.approx(gr.noise_gain(3.0, 0.8), rel=0.02)
    share = 0.3
    ratio = np.sqrt(share * 4.0**2 + (1 - share) * gr.noise_gain(3.0, 0.8) ** 2)
    assert gr.slow_share(np.array([ratio]), 3.0, 0.8)[0] == pytest.approx(share)
    assert np.isnan(gr.slow_share(np.array([1.0]), 0.0, 0.8)[0])
