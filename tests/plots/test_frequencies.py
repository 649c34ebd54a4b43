"""What the figures of chapter 08 draw is what they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drawn import expected_intervals, intervals, points
from made_up.sweeps import made_up
from modlib import plots
from modlib.analysis.many_seeds import company as co
from modlib.analysis.many_seeds import distributions as dist
from modlib.analysis.many_seeds import frequencies as fr
from modlib.analysis.many_seeds import neuron_parts as pa
from modlib.analysis.many_seeds.origin import POPULATIONS, SecondPart
from modlib.maths.intervals import Interval

TABLES = made_up(num_seeds=200, failed=3)
SEEDS = TABLES.networks.seed.tolist()
FOUND = fr.presence(TABLES.clusters, SEEDS, 91)


def test_weights_are_drawn_bin_by_bin_with_their_interval():
    table = pd.DataFrame(
        {"centre": [-0.025, 0.0, 0.025], "share": [0.2, 0.6, 0.2]}
        | {"low": [0.19, 0.58, 0.19], "high": [0.21, 0.62, 0.21]}
    )
    fig = plots.weight_histograms({"batch of n": table, "full batch": table}, table)
    drawn = plots.data(fig)
    line = drawn[(drawn["axes"] == 1) & (drawn.label == "trained")]
    assert line.y.tolist() == table.share.tolist()
    band = drawn[(drawn["axes"] == 0) & (drawn.artist == "area")]
    assert set(band.y.round(2)) == {0.19, 0.21, 0.58, 0.62}
    assert (drawn.label == "untrained").sum() == 6
    assert fig.axes[0].get_yscale() == "log"


def test_weights_through_training_are_three_panels_with_the_paper_s_bands():
    table = pd.DataFrame(
        {
            **{"epoch": [5, 100, 3000], "beyond": [0.05, 0.01, 0.046], "near": [0.04, 0.05, 0.6]},
            **{"largest": [3.0, 1.6, 2.1], "able": [0.0, 0.9, 1.0]},
        }
    )
    fig = plots.weights_over_training({"n": table, "full": table.assign(able=np.nan)})
    drawn = plots.data(fig)
    for axes, values in enumerate((100 * table.beyond, 100 * table.near, table.largest)):
        rows = drawn[(drawn["axes"] == axes) & (drawn.label == "batches of n")]
        np.testing.assert_allclose(rows.x, table.epoch)
        np.testing.assert_allclose(rows.y, values)
    assert fig.axes[0].get_xscale() == "log"
    learned = [line for line in fig.axes[2].lines if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in learned] == [100], "of one regime it is not known"
    assert len(fig.axes[2].patches) == 2


def test_rates_are_drawn_by_class_with_their_mean():
    rates = fr.rates_by_freq(FOUND, 91)
    fig = plots.frequency_rates({"n = 91": rates})
    for common, rows in rates.groupby("gcd"):
        drawn = plots.data(fig)
        x = drawn[(drawn.artist == "line") & (drawn.y.isin(rows.rate))].x
        assert set(rows.freq) <= set(x), common
    assert points(fig)["mean"].y.iloc[0] == pytest.approx(rates.rate.mean())
    wanted = expected_intervals(rates.freq, rates.low, rates.high)
    assert wanted == intervals(fig)
    assert [t.get_text() for t in fig.axes[0].get_legend().get_texts()] == [
        *("mean", "gcd 1", "gcd 7", "gcd 13")
    ]


def test_doubles_and_halves_are_marked():
    table = co.companions(FOUND, 91, 7)
    fig = plots.companion_rates({"given f = 7": table})
    assert {text.get_text() for text in fig.axes[0].texts} == {"14", "42"}
    np.testing.assert_allclose(points(fig)["no preference"].y, table.expected)
    wanted = expected_intervals(table.freq - 0.2, table.low, table.high)
    wanted |= expected_intervals(table.freq + 0.2, table.pooled_low, table.pooled_high)
    assert intervals(fig) == wanted
    nobody = co.companions(np.zeros_like(FOUND), 91, 7)
    empty = plots.companion_rates({"given f = 7": nobody})
    assert "fewer than two networks" in empty.axes[0].texts[0].get_text()
    second = plots.companion_rates({"given f = 7": nobody, "given f = 14": table})
    assert "no preference" in [text.get_text() for text in second.legends[0].get_texts()]


def test_every_ratio_has_its_point():
    table = co.ratio_lifts(FOUND, 91)
    fig = plots.ratio_profile({"n = 91": table})
    assert intervals(fig) == expected_intervals(table.ratio, table.low, table.high)


def test_ranks_are_bars_and_clusters_a_histogram():
    ranks = pd.DataFrame(
        {"rank": range(91), "share": [1 / 91] * 91, "low": [0.01] * 91, "high": [0.012] * 91}
    )
    fig = plots.rank_histogram(ranks, {"n = 91": np.array([3.0, 3.2, 20.0])}, 91, "all")
    assert fig.axes[0].get_title(loc="left") == "all"
    drawn = plots.data(fig)
    bars = drawn[(drawn["axes"] == 0) & (drawn.artist == "bar")]
    assert bars.x.tolist() == list(range(91))
    np.testing.assert_allclose(bars.y, 1 / 91)
    heights = fig.axes[1].patches[0].get_data().values
    assert heights.sum() == pytest.approx(1)
    worse = {"n = 91": np.array([3.0, 50.0]), "n = 401": np.array([180.0])}
    of_two = plots.rank_histogram(ranks, worse, 91).axes[1]
    assert [bars.get_data().values.sum() for bars in of_two.patches] == [1, 1]
    assert "a guess, n = 91" in [text.get_text() for text in of_two.get_legend().get_texts()]


def test_numbers_of_clusters_and_failures_are_drawn_apart():
    numbers = TABLES.networks.num_clusters[TABLES.networks.learned].to_numpy()
    failed = TABLES.networks.num_clusters[~TABLES.networks.learned].tolist()
    table = dist.number_shares(numbers)
    fig = plots.cluster_numbers({"n = 91": table}, {"ln 91": 4.51}, {"n = 91": failed})
    drawn = plots.data(fig)
    bars = drawn[(drawn["axes"] == 0) & (drawn.artist == "bar")]
    assert bars.x.tolist() == table.clusters.tolist()
    np.testing.assert_allclose(bars.y, table.share)
    lower = drawn[(drawn["axes"] == 1) & (drawn.artist == "bar")]
    assert lower.y.sum() == 3
    none = plots.cluster_numbers({"n = 91": table}, {}, {"n = 91": []})
    assert "every network learned" in none.axes[1].texts[0].get_text()


def test_a_set_keeps_its_colour_below_where_only_others_failed_altogether():
    table = dist.number_shares(TABLES.networks.num_clusters.to_numpy())
    fig = plots.cluster_numbers({"n = 89": table}, {}, {"n = 7": [0, 0], "n = 89": [5]})
    drawn = plots.data(fig)
    assert drawn[(drawn["axes"] == 1) & (drawn.artist == "bar")].y.tolist() == [2, 1]
    upper, lower = ({c.get_label(): c for c in ax.containers} for ax in fig.axes)
    color = upper["n = 89"].patches[0].get_facecolor()[:3]
    assert lower["n = 89"].patches[0].get_facecolor()[:3] == color
    assert lower["n = 7"].patches[0].get_facecolor()[:3] != color
    assert [text.get_text() for text in fig.axes[1].get_legend().get_texts()] == ["n = 7"]


def test_the_window_is_scaled_to_100_000_runs():
    counts = fr.counts_by_freq(TABLES.window, "num_neurons", SEEDS, 91)
    table = fr.rates_by_freq(counts, 91)
    fig = plots.window_counts({"n = 91": {"all": table}})
    assert points(fig)["paper, about 2,200"].y.iloc[0] == 2200
    drawn = plots.data(fig)
    seen = drawn[(drawn.artist == "line") & drawn.x.isin(table.freq)].y
    assert set(np.round(1e5 * table.rate, 6)) <= set(np.round(seen, 6))


def test_companions_in_neurons_mark_the_multiples():
    table = pa.fine_tuning_companions(TABLES.fine_tuning, 91, 15)
    fig = plots.fine_tuning_company({"given 15": (table, [5, 10, 30])})
    names = {text.get_text() for text in fig.axes[0].texts}
    assert names == {"5", "10", "30"} | {str(f) for f in table.freq[table.pooled_low > 1]}
    series = points(fig)
    np.testing.assert_allclose(series["this frequency alone"].y, table.lift)
    nothing = table.assign(pooled=np.nan)
    empty = plots.fine_tuning_company({"given 15": (nothing, [5])})
    assert "no fine-tuning neuron" in empty.axes[0].texts[0].get_text()


def test_relations_are_named_on_the_axis():
    table = pa.relation_lifts(TABLES.fine_tuning, 91).iloc[1:]
    fig = plots.relation_lifts({"n = 91": table, "n = 89": table})
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == table.relation.tolist()
    drawn = plots.data(fig)
    first = drawn[(drawn.artist == "line") & (drawn.series == 0)]
    np.testing.assert_allclose(first.y, table.lift)


def test_origins_are_drawn_beside_chance_and_populations_in_rows():
    share = SecondPart(Interval(0.7, 0.6, 0.8), 0.1, Interval(0.05, 0.04, 0.06), 50, 20)
    table = pd.DataFrame({"population": POPULATIONS, "lift": [0.6, 1.3, 0.7]})
    table = table.assign(low=table.lift - 0.1, high=table.lift + 0.1)
    second = {"n = 91": {"3f": share, "fine-tuning": share}, "n = 89": {"3f": share}}
    fig = plots.origin_of_parts(second, {"n = 91": table, "n = 89": table[:1]})
    drawn = plots.data(fig)
    bars = drawn[drawn.artist == "bar"]
    assert bars.y.tolist() == [0.1] * 3
    for shown in (fig, plots.origin_of_parts({"n = 91": {"3f": share}}, {})):
        legend = [text.get_text() for text in shown.axes[0].get_legend().get_texts()]
        assert legend.count("chance") == 1
    left = drawn[(drawn["axes"] == 0) & (drawn.artist == "line")]
    assert left.y.tolist() == [0.7] * 3
    right = drawn[(drawn["axes"] == 1) & (drawn.artist == "line") & (drawn.label != "_child3")]
    assert {0.6, 1.3, 0.7} <= set(right.x)
    names = [text.get_text().replace("\n", " ") for text in fig.axes[1].get_yticklabels()]
    assert names == list(reversed(POPULATIONS))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.weight_histograms({}),
        lambda: plots.weights_over_training({}),
        lambda: plots.frequency_rates({}),
        lambda: plots.companion_rates({}),
        lambda: plots.ratio_profile({}),
        lambda: plots.cluster_numbers({}, {}, {}),
        lambda: plots.window_counts({}),
        lambda: plots.rank_histogram(None, {}, 91),
        lambda: plots.fine_tuning_company({}),
        lambda: plots.relation_lifts({}),
        lambda: plots.origin_of_parts({}, {}),
    ],
)
def test_nothing_to_draw_is_said(draw):
    assert "no two networks that learned" in draw().axes[0].texts[0].get_text()
