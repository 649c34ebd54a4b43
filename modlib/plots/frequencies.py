"""Figures of chapter 08: distributions over many networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from modlib.plots.base import (
    MARK,
    NEUTRAL,
    NOTHING,
    PALETTE,
    STYLES,
    empty_figure,
    empty_panel,
    figure,
    intervals,
)
from modlib.plots.panels import clear_rest, legend_outside, panel_grid


def _whole_numbers(ax: Axes) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


@figure
def weight_histograms(
    panels: Mapping[str, pd.DataFrame], control: pd.DataFrame | None = None
) -> Figure:
    """Share of the embedding weights in each bin of their value, a panel a set-up (figure A3).

    Tables: ``centre``, ``share``, ``low``, ``high``. The scale is logarithmic, so that no bin
    has to be left out. ``control``: drawn in grey in every panel.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7, 2.3), (0, 0.6), sharex=True, sharey=True)
    for i, (ax, (title, table)) in enumerate(zip(axes[:, 0], panels.items(), strict=True)):
        if control is not None:
            ax.step(
                control.centre,
                control.share,
                where="mid",
                color=NEUTRAL,
                lw=1,
                ls="--",
                label="untrained",
            )
        ax.fill_between(
            table.centre,
            table.low,
            table.high,
            step="mid",
            color=PALETTE[i],
            alpha=0.35,
            lw=0,
            label="95 %",
        )
        ax.step(table.centre, table.share, where="mid", color=PALETTE[i], lw=1.2, label="trained")
        for edge in (-1, 1):
            ax.axvline(edge, color="black", lw=0.7, ls=":")
        ax.set(title=title, ylabel="share of weights")
        ax.set_yscale("log")
        ax.set_ylim(1e-7, 1)
        ax.legend(loc="upper right")
    axes[-1, 0].set_xlabel("embedding weight (bins of .025)")
    return fig


@figure
def frequency_rates(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Share of networks with a cluster at each frequency, a panel a modulus (figure A4a).

    Tables: ``rates_by_freq``. A marker a gcd class, the dashed line the mean of all.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.4, 2.5), (0, 0.4), sharey=True)
    for ax, (title, table) in zip(axes[:, 0], panels.items(), strict=True):
        for i, (common, rows) in enumerate(table.groupby("gcd")):
            intervals(ax, rows.freq, rows.rate, rows.low, rows.high, place=i, label=f"gcd {common}")
        ax.axhline(table.rate.mean(), color="black", lw=0.9, ls="--", label="mean")
        ax.set(title=title, ylabel="networks with it")
        ax.legend(loc="lower right", ncols=4)
        _whole_numbers(ax)
    axes[-1, 0].set(xlabel="frequency (cycles per n)", ylim=(0, None))
    return fig


@figure
def companion_rates(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Frequencies of the networks that have a given one, a panel each (figure A4b).

    Tables: ``companions``. Open points are the given frequency alone, filled ones pool all that
    units carry to it; the line is what draws without preference would give. Twice and half the
    given frequency are marked.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.4, 2.7), (0, 0.4), sharey=True)
    for ax, (title, table) in zip(axes[:, 0], panels.items(), strict=True):
        ax.set_title(title)
        if table.pooled.isna().all():
            empty_panel(ax, "fewer than two networks have such a frequency")
            continue
        ax.step(
            table.freq, table.expected, where="mid", color="black", lw=0.9, label="no preference"
        )
        intervals(
            ax,
            table.freq - 0.2,
            table.rate,
            table.low,
            table.high,
            color="#a0a0a0",
            mfc="white",
            elinewidth=0.7,
            label="this frequency alone",
        )
        plain, related = table[table.relation == ""], table[table.relation != ""]
        for rows, color, marker, size, name in (
            (plain, PALETTE[0], "o", 4, "pooled by symmetry"),
            (related, MARK, "D", 6, "pooled: twice, half of it"),
        ):
            intervals(
                ax,
                rows.freq + 0.2,
                rows.pooled,
                rows.pooled_low,
                rows.pooled_high,
                color=color,
                fmt=marker,
                ms=size,
                label=name,
            )
        for row in related.itertuples():
            ax.annotate(
                f"{row.freq}",
                (row.freq, row.pooled_low),
                xytext=(0, -11),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                color=MARK,
                weight="bold",
            )
        ax.set(ylabel="networks with it")
        _whole_numbers(ax)
    axes[-1, 0].set(xlabel="other frequency (cycles per n)", ylim=(0, None))
    legend_outside(fig, axes[0, 0], 2)
    return fig


@figure
def ratio_profile(panels: Mapping[str, pd.DataFrame], marked: int = 2) -> Figure:
    """How often two frequencies f and r f are learned together, by r, over all f.

    Tables: ``ratio_lifts``. 1 is what draws without preference give.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.4, 2.3), (0, 0.4), sharey=True)
    for ax, (title, table) in zip(axes[:, 0], panels.items(), strict=True):
        ax.axhline(1, color="black", lw=0.9, ls="--")
        plain, special = table[table.ratio != marked], table[table.ratio == marked]
        intervals(ax, plain.ratio, plain.lift, plain.low, plain.high)
        intervals(
            ax,
            special.ratio,
            special.lift,
            special.low,
            special.high,
            color=MARK,
            fmt="D",
            ms=7,
            label=f"f and {marked} f",
        )
        ax.set(title=title, ylabel="pairs seen / expected")
        ax.legend(loc="lower right")
        _whole_numbers(ax)
    axes[-1, 0].set_xlabel("ratio r of the two frequencies (or 1/r, modulo n, up to sign)")
    return fig


@figure
def rank_histogram(
    ranks: pd.DataFrame | None,
    clusters: Mapping[str, Float[np.ndarray, " cluster"]],
    n: int,
    title: str = "every pair, every cluster",
) -> Figure:
    """Rank of the right answer when one cluster alone decides (figure A5a).

    ``ranks``: ``rank``, ``share`` of pairs, ``low``, ``high``. ``clusters``: by name, the mean
    rank of every cluster. ``title``: what ``ranks`` are over. The dashed line is a guess, 1/n for
    every rank.
    """
    if ranks is None:
        return empty_figure(NOTHING)
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.3), width_ratios=(1.35, 1))
    ax = axes[0]
    ax.bar(ranks["rank"], ranks.share, width=1.0, color=PALETTE[0], alpha=0.85)
    intervals(
        ax,
        ranks["rank"],
        ranks.share,
        ranks.low,
        ranks.high,
        color="black",
        fmt="none",
        label="95 %",
    )
    ax.axhline(1 / n, color="black", lw=0.9, ls="--", label="a guess")
    ax.set(
        xlabel="rank of the right answer (0 is first)",
        ylabel="share of pairs",
        xlim=(-1, n),
        title=title,
    )
    ax.legend(loc="upper right")
    edges = np.linspace(0, n / 2, 46)
    for i, (name, means) in enumerate(clusters.items()):
        heights = np.histogram(means, bins=edges)[0] / max(1, len(means))
        axes[1].stairs(heights, edges, color=PALETTE[i], ls=STYLES[i], lw=1.5, label=name)
    axes[1].axvline((n - 1) / 2, color="black", lw=0.9, ls="--", label="a guess")
    axes[1].set(xlabel="mean rank in one cluster", ylabel="share of clusters", title="by cluster")
    axes[1].legend(loc="center right", bbox_to_anchor=(0.96, 0.7))
    return fig


@figure
def cluster_numbers(
    sets: Mapping[str, pd.DataFrame], logs: Mapping[str, float], failed: Mapping[str, Sequence[int]]
) -> Figure:
    """How many clusters a network has, by set-up (figure A5b), and those that did not learn.

    ``sets``: ``clusters``, ``share`` of the networks that learned, ``low``, ``high``; ``logs``:
    ln n by modulus; ``failed``: numbers of clusters of the networks that did not learn.
    """
    if not sets:
        return empty_figure(NOTHING)
    count = len(sets)
    fig, (ax, lower) = plt.subplots(
        2, 1, figsize=(7, 4.6), sharex=True, height_ratios=(3, 1), squeeze=True
    )
    width = 0.8 / max(1, count)
    for i, (name, table) in enumerate(sets.items()):
        x = table.clusters + (i - (count - 1) / 2) * width
        ax.bar(x, table.share, width=width, color=PALETTE[i], alpha=0.85, label=name)
        intervals(ax, x, table.share, table.low, table.high, color="black", fmt="none")
    for style, (name, value) in zip(STYLES[1:], logs.items(), strict=False):
        ax.axvline(value, color="black", lw=1, ls=style, label=name)
    ax.set_ylabel("share of networks\nthat learned")
    ax.legend(loc="upper right")
    drawn = 0
    for i, (name, numbers) in enumerate(failed.items()):
        if len(numbers):
            values, times = np.unique(np.asarray(numbers), return_counts=True)
            at = values + (i - (len(failed) - 1) / 2) * width
            lower.bar(at, times, width=width, color=PALETTE[i], hatch="//", label=name)
            drawn += len(numbers)
    lower.set(xlabel="clusters in the network", ylabel="networks that\ndid not")
    if not drawn:
        lower.text(
            0.5, 0.5, "every network learned", ha="center", va="center", transform=lower.transAxes
        )
        lower.set_ylim(0, 1)
    _whole_numbers(lower)
    return fig


@figure
def window_counts(
    panels: Mapping[str, Mapping[str, pd.DataFrame]], reported: float = 2200
) -> Figure:
    """Neurons in the window of DFT magnitude by frequency, in 100,000 runs (figure A25).

    Panels by modulus, series by what is counted; tables: ``rates_by_freq``.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.4, 2.7), (0, 0.4), sharey=True)
    for ax, (title, series) in zip(axes[:, 0], panels.items(), strict=True):
        for i, (name, table) in enumerate(series.items()):
            scaled = table.assign(**{c: 1e5 * table[c] for c in ("rate", "low", "high")})
            for common, rows in scaled.groupby("gcd"):
                first = common == scaled.gcd.min()
                mark = {} if first else {"mfc": "white"}
                intervals(
                    ax,
                    rows.freq,
                    rows.rate,
                    rows.low,
                    rows.high,
                    place=i,
                    label=name if first else f"_{name}, gcd {common}",
                    **mark,
                )
        ax.axhline(reported, color="black", lw=0.9, ls="--", label=f"paper, about {reported:,.0f}")
        ax.set(title=title, ylabel="in 100,000 runs")
        ax.set_yscale("log")
        ax.legend(loc="upper center", ncols=2, bbox_to_anchor=(0.5, 1.0))
        low, high = ax.get_ylim()
        ax.set_ylim(low, high * 8)
        _whole_numbers(ax)
    axes[-1, 0].set_xlabel("frequency (cycles per n); open markers: gcd(f, n) above 1")
    return fig


@figure
def fine_tuning_company(panels: Mapping[str, tuple[pd.DataFrame, Sequence[int]]]) -> Figure:
    """Which frequencies accompany a given one inside fine-tuning neurons (figure A28).

    A panel a frequency: ``fine_tuning_companions`` and the frequencies to mark. Filled points
    pool all frequencies that units carry into the given one; open ones are that one alone.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.4, 2.7), (0, 0.4))
    for ax, (title, (table, marked)) in zip(axes[:, 0], panels.items(), strict=True):
        ax.set_title(title)
        if table.pooled.isna().all():
            empty_panel(ax, "no fine-tuning neuron here has this frequency")
            continue
        ax.axhline(1, color="black", lw=0.9, ls="--", label="no preference")
        ax.plot(
            table.freq,
            table.lift,
            "o",
            mfc="none",
            mec=NEUTRAL,
            ms=5,
            ls="none",
            label="this frequency alone",
        )
        related = table.freq.isin(list(marked))
        for rows, color, marker, name in (
            (table[~related], PALETTE[0], "o", "pooled by symmetry"),
            (table[related], MARK, "D", "pooled, multiples"),
        ):
            intervals(
                ax,
                rows.freq,
                rows.pooled,
                rows.pooled_low,
                rows.pooled_high,
                color=color,
                fmt=marker,
                ms=5,
                label=name,
            )
        for row in table[related | (table.pooled_low > 1)].itertuples():
            ax.annotate(
                f"{row.freq}",
                (row.freq, row.pooled),
                xytext=(5, 3),
                textcoords="offset points",
                fontsize=8.5,
                color=MARK if row.freq in marked else PALETTE[0],
                weight="bold",
            )
        ax.set_yscale("symlog", linthresh=1)
        ax.set_ylim(-0.1, None)
        ax.set(ylabel="seen / expected")
        ax.legend(loc="upper right", ncols=2)
        ax.set_ylim(-0.1, 12 * ax.get_ylim()[1])
        _whole_numbers(ax)
    axes[-1, 0].set_xlabel("other frequency in the same neuron (cycles per n)")
    return fig


@figure
def relation_lifts(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Lift of each simple ratio of a neuron's two strongest frequencies, by modulus.

    Tables: ``relation_lifts`` without the pooled row.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, ax = plt.subplots(figsize=(7.4, 3.2))
    count = len(panels)
    for i, (name, table) in enumerate(panels.items()):
        x = np.arange(len(table)) + 0.25 * (i - (count - 1) / 2)
        intervals(ax, x, table.lift, table.low, table.high, place=i, label=name)
        ax.set_xticks(np.arange(len(table)), table.relation, rotation=45)
    ax.axhline(1, color="black", lw=0.9, ls="--", label="no preference")
    ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(-0.1, None)
    ax.set(xlabel="ratio of strongest to next strongest frequency", ylabel="seen / expected")
    ax.legend(loc="upper right")
    return fig


@figure
def threshold_counts(
    panels: Mapping[str, pd.DataFrame], min_sizes: Sequence[int], defaults: tuple[int, float]
) -> Figure:
    """Mean clusters a network by the fewest neurons of a cluster and the limit of dead neurons.

    A panel a set-up; tables: ``min_size``, ``dead_below``, ``mean``, ``low``, ``high``.
    ``defaults`` are ringed.
    """
    if not panels:
        return empty_figure(NOTHING)
    count = len(panels)
    columns = min(2, count)
    rows = -(-count // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=(7.4, 0.6 + 2.4 * rows), sharex=True, sharey=True, squeeze=False
    )
    for ax, (title, table) in zip(axes.flat, panels.items(), strict=False):
        for i, (limit, part) in enumerate(table.groupby("dead_below")):
            place = np.arange(len(part)) + 0.08 * (i - 1)
            intervals(
                ax,
                place,
                part["mean"],
                part.low,
                part.high,
                place=i,
                ls=STYLES[i],
                lw=1,
                label=f"dead below {limit:.0%}".replace("%", " %"),
            )
        here = table[(table.min_size == defaults[0]) & (table.dead_below == defaults[1])]
        ax.plot(
            [list(min_sizes).index(defaults[0])],
            here["mean"],
            "o",
            ms=12,
            mfc="none",
            mec="black",
            ls="none",
            label="used here",
        )
        ax.set_xticks(np.arange(len(min_sizes)), [str(size) for size in min_sizes])
        ax.set(title=title)
    clear_rest(axes, count)
    fig.supxlabel("fewest neurons of a cluster", fontsize=9.5)
    fig.supylabel("clusters a network", fontsize=9.5)
    legend_outside(fig, axes[0, 0], 4)
    return fig
