"""Chapter 14: what is compared between networks with and without a part of their training."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from drawn import expected_intervals, intervals, points
from made_up.ablations import QS, history, made_up_arms, made_up_trials
from modlib import plots
from modlib.analysis.remainders import ablations as ab
from modlib.analysis.remainders.ablations import arms_of, of_seed
from modlib.claims.measures import ablations
from modlib.claims.measures.ablations import masked, without_dropout, without_filter
from modlib.claims.verdict import MissingExport
from modlib.config.presets import ABLATIONS, ARMS, PLAIN, REMAINDERS_PRESETS
from modlib.errors import InputError
from modlib.machine import EDITIONS, results_of
from modlib.plots import data
from modlib.results import shown
from modlib.results.remainders import read_remainders
from modlib.results.shown import ablated_networks
from modlib.runs.study import PAPER_SPACE, SPACE, Study, no_trials

NAMES = [PLAIN, *ABLATIONS.values(), *ARMS.values()]


# Accuracies and times


def test_the_accuracy_at_the_end_is_the_mean_over_tasks_and_the_last_part_of_the_steps():
    table = history()
    table.loc[(table.step == 1000) & (table.split == "validation"), "accuracy"] = 0.0
    np.testing.assert_allclose(ab.at_end(table), 5 / 6)  # 950, 960, ..., 1000
    np.testing.assert_allclose(ab.at_end(table, "train"), 1.0)
    np.testing.assert_allclose(ab.at_step(table, 999), 1.0)


def test_tasks_are_together_when_the_last_of_them_is_there():
    table = history(seeds=(1,))
    slow = (table.q == 31) & (table.split == "validation")
    table.loc[slow, "accuracy"] = (table.step[slow] >= 700) * 0.95
    assert ab.steps_together(table, 0.9).tolist() == [700.0]
    assert np.isnan(ab.steps_together(table, 0.97)).all()


def test_a_slower_network_stays_below_for_a_part_of_the_steps_only():
    fast, slow, never = history(400), history(700), history(top=0.5)
    share = ab.share_below(slow, fast)
    np.testing.assert_allclose(share, [30 / 61, 30 / 60, 30 / 59])
    assert ab.share_below(never, fast).tolist() == [1.0, 1.0, 1.0]
    assert ab.share_below(fast, fast).tolist() == [0.0, 0.0, 0.0]
    assert len(ab.share_below(fast, never)) == 0


def test_delays_are_ratios_within_seed_and_task_without_the_masked_ones():
    found = ab.delays(history(800, shift=0), history(400, shift=0))
    assert set(found.table.q) == set(QS[4:])
    np.testing.assert_allclose(found.table.ratio, 2.0)
    np.testing.assert_allclose(found.ratio, [2.0, 2.0, 2.0])
    assert (found.never, found.left_out) == (0, 0)


def test_tasks_not_reached_are_counted():
    never = ab.delays(history(top=0.9), history(500, shift=0))
    np.testing.assert_allclose(never.table.ratio, 2.0)
    assert never.never == 3 * 7
    left = ab.delays(history(400), history(top=0.9))
    assert left.left_out == 3 * 7
    assert np.isnan(left.ratio.value)


def test_the_easiest_tasks_left_come_first_or_they_do_not():
    early, late = history(200, qs=(2, *ab.EASIEST_LEFT)), history(600, qs=(23, 29))
    assert ab.learned_first(pd.concat([early, late])).tolist() == [True, True, True]
    tied = pd.concat([early, history(200, qs=(23,))])
    assert not ab.learned_first(tied).any()
    lacking = pd.concat([early[early.q != 19], history(top=0.9, qs=(19,)), late])
    assert not ab.learned_first(lacking).any()
    never = pd.concat([early, history(top=0.9, qs=(23, 29))])
    assert ab.learned_first(never).all()
    for qs in ((2, 3, 5, 7), (2, *ab.EASIEST_LEFT), (2, 11, 13)):
        assert ab.learned_first(history(qs=qs)).empty
    assert ab.learned_first(history(qs=(2, 23, 29))).empty


def test_the_pace_is_a_ratio_of_first_steps_at_each_level():
    def rising(rate, seeds=(1,)):
        table = history(seeds=seeds)
        return table.assign(accuracy=(table.step * rate / 1000).clip(upper=1.0))

    table = ab.pace(rising(0.6), rising(0.9))
    assert table.index.tolist() == [1]
    np.testing.assert_allclose(table.columns, np.arange(0.3, 0.61, 0.05))  # a guess has .14
    np.testing.assert_allclose(table, 1.5, rtol=0.02)
    assert ab.mean_pace(table).value == pytest.approx(1.5, rel=0.02)
    both = ab.pace(rising(0.9, (1, 2)), rising(0.9, (2, 3)))
    assert both.index.tolist() == [2]
    assert (both == 1).all(axis=None)
    assert ab.pace(history(top=0.1), history()).empty
    assert ab.pace(history(qs=(2,)), history(qs=(2,))).empty
    assert np.isnan(ab.mean_pace(ab.pace(history(top=0.1), history())).value)


# Arms


def test_arms_are_compared_within_seeds():
    found = ab.arm_ratios(made_up_arms())
    table = {(row.arm, row.other): row.value for row in found.itertuples()}
    plain, filtered, faster = ("lambda", 1.0), ("lambda", 2.0), ("learning rate", 2.0)
    assert table[filtered, plain] == pytest.approx(0.5)
    assert table[faster, plain] == pytest.approx(2 / 3)
    assert table[filtered, faster] == pytest.approx(0.75)
    assert len(table) == 3


def test_an_arm_that_does_not_get_there_counts_with_all_its_steps():
    arms = made_up_arms() | {("lambda", 2.0): history(top=0.5)}
    rows = ab.compare_arms(arms).set_index(["factor", "measure"])
    row = rows.loc[(2.0, "steps to all at .9")].iloc[0]
    assert (row.value, row.reached, row.num_seeds) == (pytest.approx(1000), 0, 3)
    ratios = ab.arm_ratios(arms)
    assert ratios.never.max() == 3


def test_one_seed_has_no_interval():
    assert ab.share_over_seeds([0.9, 1.0]).high == 1
    assert ab.share_over_seeds([0.0, 0.1]).low == 0
    assert np.isnan(ab.share_over_seeds([0.5])[1:]).all()
    assert ab.share_over_seeds([0.5]).value == 0.5
    assert np.isnan(ab.share_over_seeds([]).value)


# The search


@pytest.mark.parametrize("setting", ["lr", "dropout", "weight_decay"])
def test_importance_finds_the_setting_that_accuracy_depends_on(setting):
    trials, _ = made_up_trials(120, setting=setting)
    table = ab.importance(trials, SPACE, num_resamples=50).set_index("setting")
    assert table.importance.sum() == pytest.approx(1.0)
    assert table.importance.idxmax() == setting
    assert table.low[setting] > table.importance.drop(setting).max()
    assert ((table.low <= table.importance) & (table.importance <= table.high)).any()


def test_importance_is_pearsons_divergence_of_smoothed_shares():
    trials = pd.DataFrame({"lr": [1.0, 1.0, 2.0, 2.0], "accuracy": [0.9, 0.1, 0.2, 0.3]})
    space = {"lr": (1.0, 2.0)}
    everywhere, best = np.array([2.5, 2.5]) / 5, np.array([1.5, 0.5]) / 2
    found = ab._divergences(np.array([[0], [0], [1], [1]]), np.array([0]), [2])
    np.testing.assert_allclose(found, (everywhere * (best / everywhere - 1) ** 2).sum())
    assert ab.importance(trials, space, num_resamples=10).importance.tolist() == [1.0]


def test_importance_of_no_trials_is_empty():
    assert ab.importance(no_trials(Study()).trials, SPACE).empty


def test_values_are_counted():
    trials, _ = made_up_trials()
    table = ab.by_value(trials, SPACE)
    for name, values in SPACE.items():
        rows = table[table.setting == name]
        assert rows.value.tolist() == list(values)
        assert rows.trials.sum() == len(trials)
        assert rows.pruned.sum() == trials.pruned.sum()
    assert table[table.setting == "lr"].best.iloc[-1] == trials.accuracy.max()
    assert ab.by_value(no_trials(Study()).trials, SPACE).trials.sum() == 0


# Networks


def test_arms_hold_learning_rate_times_weight_decay_and_have_the_factor_they_say():
    plain = REMAINDERS_PRESETS[PLAIN]
    for (kind, factor), name in ARMS.items():
        config = REMAINDERS_PRESETS[name]
        assert config.lr * config.weight_decay == pytest.approx(plain.lr * plain.weight_decay)
        if kind == "lambda":
            assert (config.lam, config.lr) == (pytest.approx(factor - 1), plain.lr)
        else:
            assert (config.lam, config.lr) == (0.0, pytest.approx(factor * plain.lr))


def test_ablations_differ_from_the_plain_network_in_one_thing():
    plain = vars(REMAINDERS_PRESETS[PLAIN])
    for name in ABLATIONS.values():
        config = vars(REMAINDERS_PRESETS[name])
        assert len([key for key in plain if config[key] != plain[key]]) == 1


def test_networks_that_are_not_committed_are_left_out_and_others_trained(tmp_path, monkeypatch):
    assert ablated_networks(NAMES, p=37, results=tmp_path) == {}
    trained = []

    class Run:
        history = history(seeds=(1,)).drop(columns="seed")

    def pretend(config, *, seed):
        trained.append((config.p, config.steps, seed))
        return Run

    monkeypatch.setattr(shown, "get_or_train", pretend)
    found = ablated_networks(NAMES, p=11, seed=5, steps=3)
    assert set(found) == set(shown.TRAINED_NOW) - {"B37-masked"}
    assert set(trained) == {(11, 3, 5)}
    assert (found[PLAIN].history.seed == 5).all()
    assert found[PLAIN].run is Run
    histories = {name: one.history for name, one in found.items()}
    assert set(arms_of(histories)) == {("lambda", 1.0), ("lambda", 1.5), ("learning rate", 1.5)}
    assert "B37-masked" in ablated_networks(NAMES, p=13, steps=3)


def test_networks_of_both_editions_are_shown_and_one_of_the_first_is_drawn():
    plain = ablated_networks([PLAIN], p=37)[PLAIN]
    committed = [read_remainders(PLAIN, results_of(edition)) for edition in EDITIONS]
    assert plain.run.seed == committed[0].run.seed
    seeds = [set(one.seeds) for one in committed]
    assert not seeds[0] & seeds[1]
    assert set(plain.history.seed) == seeds[0] | seeds[1]


def test_bad_values_are_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(shown, "get_or_train", None)
    for bad, message in (({"p": 12}, "p must be a prime"), ({"p": 11, "steps": -1}, "steps must")):
        with pytest.raises(InputError, match=message):
            ablated_networks(NAMES, **bad)


def test_one_seed_of_several_is_chosen():
    table = history(seeds=(1000, 1001))
    one = of_seed(table, 1001)
    assert len(one) == len(table) / 2
    assert "seed" not in one
    assert len(of_seed(table, 7)) == len(table) / 2


# Measures


@pytest.fixture
def committed(monkeypatch):
    """Histories in place of the committed ones."""
    tables: dict[str, pd.DataFrame] = {}

    def read(name):
        if name not in tables:
            raise MissingExport(name)
        return tables[name]

    monkeypatch.setattr(ablations, "_history", read)
    monkeypatch.setattr(ablations, "_at_paper_size", dict)
    return tables


def test_every_measure_is_pending_without_its_networks(committed):
    for measure in (without_filter, masked, without_dropout):
        with pytest.raises(MissingExport):
            measure()


@pytest.mark.parametrize(
    ("without", "plain", "verdict", "value"),
    [
        (history(top=0.6), history(), "agrees", 100.0),
        (history(500), history(400), "differs", None),
        (history(), history(), "differs", 0.0),
        (history(), history(top=0.9), "not testable at this size", 90.0),
    ],
)
def test_lambda_0_agrees_only_where_it_stays_below(committed, without, plain, verdict, value):
    committed |= {PLAIN: plain, ABLATIONS["no filter"]: without}
    found = without_filter()
    assert found.verdict == verdict
    if value is not None:
        assert found.value == pytest.approx(value)


def test_the_pair_of_the_papers_size_stands_in_the_note(committed, monkeypatch):
    committed |= {PLAIN: history(), ABLATIONS["no filter"]: history(600, shift=0)}
    pair = {"λ = .5": history(seeds=(1000,)), "λ = 0": history(2000, seeds=(1000,))}
    monkeypatch.setattr(ablations, "_at_paper_size", lambda: pair)
    said = "p = 113, one network each, at step 1,000: λ = .5 100.0 %, λ = 0 0.0 %"
    assert said in without_filter().note


def test_the_pair_of_the_papers_size_is_shown_where_both_are_there(monkeypatch):
    exports = {
        name: SimpleNamespace(history=history()) for name in ("B113-code", "B113-code-lambda-0")
    }
    monkeypatch.setattr(shown, "read_remainders", lambda name, results: exports.get(name))
    assert list(shown.gradient_filter_pair()) == ["λ = .5", "λ = 0"]
    del exports["B113-code"]
    assert shown.gradient_filter_pair() == {}


def test_the_scaled_learning_rates_stand_in_the_note(committed):
    committed |= {ARMS[arm]: table for arm, table in made_up_arms().items()}
    committed |= {PLAIN: history(), ABLATIONS["no filter"]: history(600, shift=0)}
    assert "lambda 1 over learning rate x 2 0.75" in without_filter().note


@pytest.mark.parametrize(
    ("late", "top", "verdict"),
    [
        (440, 1.0, "agrees"),
        (800, 1.0, "differs"),
        (440, 0.9, "differs"),
    ],
)
def test_masking_agrees_below_the_bound(committed, late, top, verdict):
    committed |= {PLAIN: history(400, shift=0), "B37-masked": history(late, top=top, shift=0)}
    assert masked().verdict == verdict


def test_masked_tasks_that_are_never_learned_keep_the_claim_from_agreeing(committed):
    table = history(400, shift=0)
    slow = (table.q == 11) & (table.split == "validation")
    committed |= {PLAIN: table.copy()}
    committed[PLAIN].loc[slow, "accuracy"] = (table.step[slow] >= 990) * 1.0
    table.loc[slow, "accuracy"] = 0.5
    committed["B37-masked"] = table
    found = masked()
    assert found.verdict == "not testable at this size"
    assert "3 that only the masked networks do not reach" in found.note


def test_seeds_that_disagree_cannot_tell_and_the_number_needed_is_said(committed):
    slow, fast = history(420, seeds=(1, 2), shift=0), history(900, seeds=(3,), shift=0)
    committed |= {PLAIN: history(400, seeds=(1, 2, 3), shift=0)}
    committed["B37-masked"] = pd.concat([slow, fast])
    found = masked()
    assert found.verdict == "not testable at this size"
    assert "seeds would tell on which side of 1.25" in found.note


@pytest.mark.parametrize(("top", "verdict"), [(0.3, "agrees"), (0.5, "differs"), (1.0, "differs")])
def test_dropout_is_needed_below_one_half(committed, top, verdict):
    committed |= {PLAIN: history(), "B37-no-dropout": history(top=top)}
    assert without_dropout().verdict == verdict


# Figures


def test_ends_are_drawn_by_kind_with_those_that_fail_marked():
    kinds = {"all": np.array([0.95, 0.98]), "none": np.array([0.3])}
    fig = plots.ends_by_kind(kinds, 0.9)
    drawn = data(fig)
    points = drawn[drawn.artist == "line"]
    assert points[points.series == 0].x.tolist() == [0.95, 0.98]
    colors = [line.get_color() for line in fig.axes[0].lines[:2]]
    assert colors[0] != colors[1]
    assert [tick.get_text() for tick in fig.axes[0].get_yticklabels()] == ["all", "none"]


def test_paces_have_a_panel_a_size_and_a_mean_over_seeds():
    ratios = ab.pace(history(800, shift=0), history(400, shift=0))
    fig = plots.paces({"small": {"no filter": ratios}, "large": {}}, 1.5)
    assert len(fig.axes) == 1
    drawn = data(fig)
    mean = drawn[drawn.label == "no filter"]
    np.testing.assert_allclose(mean.y, 2.0)
    assert mean.x.tolist() == ratios.columns.tolist()
    assert "no two networks" in plots.paces({"small": {}}, 1.5).axes[0].texts[0].get_text()


def test_curves_have_a_line_a_seed_and_a_panel_a_split():
    tables = {"dropout .1": history(), "no dropout": history(top=0.4)}
    panels = {
        split: {name: ab.over_tasks(table, split) for name, table in tables.items()}
        for split in ("train", "validation")
    }
    fig = plots.mean_curves(panels)
    drawn = data(fig)
    assert len(drawn[["axes", "series"]].drop_duplicates()) == 2 * 2 * 3
    np.testing.assert_allclose(points(fig, 1)["no dropout"].y.max(), 0.4)
    assert drawn.x.min() == 10
    empty = plots.mean_curves({"train": {"a": panels["train"]["dropout .1"].iloc[:1]}})
    assert "no network" in empty.axes[0].texts[0].get_text()


def test_counts_are_drawn_from_the_first_step_on_with_the_steps_of_learned_tasks():
    table = pd.DataFrame({"step": [0, 10, 100, 1000], "count": [7, 0, 18, 2]})
    learned = {"all": pd.Series({11: 40.0, 13: np.nan})}
    fig = plots.active_counts({"all": table, "bare": table, "none": table[:1]}, learned)
    assert len(fig.axes) == 2
    own = points(fig)["active frequencies"]
    assert own.x.tolist() == [10, 100, 1000]
    assert own.y.tolist() == [0, 18, 2]
    assert [line.get_label() for line in fig.axes[0].lines[1:]] == ["q = 11 learned"]
    assert fig.axes[0].lines[1].get_xdata()[0] == 40
    assert len(fig.axes[1].lines) == 1
    assert "no network" in plots.active_counts({}, {}).axes[0].texts[0].get_text()


def test_networks_that_are_missing_are_left_out_of_both_splits():
    found = ab.over_tasks_by_split({"own": history(train=0.5), "gone": None})
    assert list(found) == ["numbers trained on", "validation numbers"]
    assert all(list(tables) == ["own"] for tables in found.values())
    assert set(found["numbers trained on"]["own"]["mean"]) == {0.5}


def test_learning_by_heart_has_delays_of_its_own():
    own, other = history(800, train=1.0), history(400, train=1.0)
    assert ab.delays(own, other, split="train").ratio.value == pytest.approx(1.0)
    assert ab.delays(own, other).ratio.value > 1.5


def test_a_task_is_back_at_the_first_step_after_a_change():
    rows = history(300, seeds=(1, 2), shift=100)
    assert ab.back_at(rows, 2, 0).to_dict() == {1: 300, 2: 400}
    assert ab.back_at(rows, 2, 500).to_dict() == {1: 510, 2: 510}
    assert ab.back_at(history(top=0.9), 2, 0).empty


def test_what_a_wave_explains_at_most_and_last():
    spectra = pd.DataFrame(
        {"seed": [1, 1, 1, 2], "step": [9, 0, 4, 0], "explained_2": [0.1, 0.0, 0.3, 0.2]}
    )
    assert ab.explained_ends(spectra, 2).to_dict("list") == {"most": [0.3, 0.2], "last": [0.1, 0.2]}


def test_a_wave_is_drawn_through_training():
    spectra = pd.DataFrame(
        {"seed": [1, 1, 2, 2], "step": [0, 8, 0, 8], "explained_2": [0.0, 0.1, 0.0, 0.3]}
    )
    fig = plots.wave_through_training({"plain": spectra, "without": spectra}, 2, 4)
    lines = {line.get_label(): line for line in fig.axes[0].lines}
    assert lines["plain"].get_ydata().tolist() == pytest.approx([0.2])
    assert "step 4" in lines
    assert plots.wave_through_training({}, 2, 4).axes[0].texts


def test_delays_are_drawn_at_their_tasks():
    table = ab.delays(history(800, shift=0), history(400, shift=0)).table
    fig = plots.delay_by_task(table, 1.25)
    drawn = data(fig)
    np.testing.assert_allclose(drawn[drawn.artist == "points"].y, 2.0)
    np.testing.assert_allclose(points(fig)["geometric mean"].y, 2.0)
    labels = [tick.get_text() for tick in fig.axes[0].get_xticklabels()]
    assert labels == [str(q) for q in QS[4:]]
    never = ab.delays(history(top=0.9), history(500)).table
    assert "never reached, masked" in data(plots.delay_by_task(never, 1.25)).label.tolist()
    empty = plots.delay_by_task(ab.NO_DELAYS.table, 1.25)
    assert "no task beyond 7" in empty.axes[0].texts[0].get_text()


def test_matched_networks_have_a_panel_a_measure_with_intervals():
    summary = ab.compare_arms(made_up_arms())
    fig = plots.matched_compute(summary)
    assert [ax.get_title(loc="left")[4:] for ax in fig.axes] == list(dict.fromkeys(summary.measure))
    rows = summary[summary.measure == "accuracy at the end"]
    pair = rows[rows.kind == "learning rate"]
    x = pair.factor * 1.015
    filled = len(fig.axes[0].lines)
    short = summary.assign(reached=summary.reached.where(summary.factor < 1.9, 0))
    opened = plots.matched_compute(short).axes[0].lines
    assert len(opened) - filled == 2  # lambda 1 and twice the learning rate
    assert {line.get_markerfacecolor() for line in opened[filled:]} == {"white"}
    assert expected_intervals(x, pair.low, pair.high) <= intervals(fig, 3)
    assert "not committed" in plots.matched_compute(ab.compare_arms({})).axes[0].texts[0].get_text()
    single = {arm: of_seed(table, 1000).assign(seed=1000) for arm, table in made_up_arms().items()}
    assert len(plots.matched_compute(ab.compare_arms(single)).axes) == 4


def test_the_search_is_drawn_trial_by_trial():
    trials, reports = made_up_trials()
    fig = plots.search_space(ab.by_value(trials, SPACE), PAPER_SPACE)
    drawn = data(fig)
    assert drawn[drawn["axes"] == 0].y.sum() == len(trials)
    ticks = [tick.get_text() for tick in fig.axes[2].get_xticklabels()]
    assert ticks == ["0", "0.1", "1/3\nadded", "0.5", "1"]
    drawn = data(plots.search_values(trials, SPACE))
    for panel in range(6):
        own = drawn[(drawn["axes"] == panel) & (drawn.label != "best trial")]
        assert sorted(own.y) == sorted(trials.accuracy)
    lines = data(plots.trial_curves(trials, reports))
    named = (lines.label == "learning rate 0.003").sum()
    assert named == reports.trial.isin(trials[trials.lr == 0.003].trial).sum()
    assert (lines.label == "stopped early").sum() == trials.pruned.sum()
    table = ab.importance(trials, SPACE, num_resamples=20)
    bars = data(plots.search_importance(table))
    assert len(bars[bars.artist == "bar"]) == 6
    nothing = no_trials(Study())
    for empty in (
        plots.search_space(ab.by_value(nothing.trials, SPACE), PAPER_SPACE),
        plots.search_values(nothing.trials, SPACE),
        plots.trial_curves(*nothing),
        plots.search_importance(ab.importance(nothing.trials, SPACE)),
    ):
        assert "no study" in empty.axes[0].texts[0].get_text()
