"""Figures of chapter 08: fine-tuning neurons of many networks."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from modlib.analysis.many_seeds.origin import POPULATIONS, SecondPart
from modlib.plots.base import (
    MARK,
    MARKERS,
    NEUTRAL,
    NOTHING,
    PALETTE,
    WIDTH,
    empty_figure,
    empty_panel,
    figure,
    intervals,
)
from modlib.plots.frequencies import whole_numbers
from modlib.plots.panels import panel_grid


@figure
def window_counts(
    panels: Mapping[str, Mapping[str, pd.DataFrame]], reported: float = 2200
) -> Figure:
    """Neurons in the window of DFT magnitude by frequency, in 100,000 runs (figure A25).

    Panels by modulus, series by what is counted; tables: ``rates_by_freq``.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.1, 2.7), (0, 0.4), sharey=True)
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
        whole_numbers(ax)
    axes[-1, 0].set_xlabel("frequency (cycles per n); open markers: gcd(f, n) above 1")
    return fig


@figure
def fine_tuning_company(panels: Mapping[str, tuple[pd.DataFrame, Collection[int]]]) -> Figure:
    """Which frequencies accompany a given one inside fine-tuning neurons (figure A28).

    A panel a frequency: ``fine_tuning_companions`` and the frequencies to mark. Filled points
    pool all frequencies that units carry into the given one; open ones are that one alone.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.1, 2.7), (0, 0.4))
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
                (row.freq, row.pooled_high),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
                color=MARK if row.freq in marked else PALETTE[0],
                weight="bold",
            )
        ax.set_yscale("symlog", linthresh=1)
        ax.yaxis.set_major_formatter("{x:g}")
        ax.set_ylim(-0.1, None)
        ax.set(ylabel="seen / expected")
        ax.legend(loc="upper right", ncols=2)
        ax.set_ylim(-0.1, 12 * ax.get_ylim()[1])
        whole_numbers(ax)
    axes[-1, 0].set_xlabel("other frequency in the same neuron (cycles per n)")
    return fig


@figure
def relation_lifts(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Lift of each simple ratio of a neuron's two strongest frequencies, by modulus.

    Tables: ``relation_lifts`` without the pooled row.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    count = len(panels)
    for i, (name, table) in enumerate(panels.items()):
        x = np.arange(len(table)) + 0.25 * (i - (count - 1) / 2)
        intervals(ax, x, table.lift, table.low, table.high, place=i, label=name)
        ax.set_xticks(np.arange(len(table)), table.relation, rotation=45)
    ax.axhline(1, color="black", lw=0.9, ls="--", label="no preference")
    ax.set_yscale("symlog", linthresh=1)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set_ylim(-0.1, None)
    ax.set(xlabel="ratio of strongest to next strongest frequency", ylabel="seen / expected")
    ax.legend(loc="upper right")
    return fig


@figure
def origin_of_parts(
    shares: Mapping[str, Mapping[str, SecondPart]], lifts: Mapping[str, pd.DataFrame]
) -> Figure:
    """Where second frequencies come from, and whether f and 2f go together.

    ``shares``: by set and class of neurons; grey bars are chance. ``lifts``: ``doubles_apart`` by
    set; the dashed line is what draws without preference give.
    """
    if not any(shares.values()) and not any(len(table) for table in lifts.values()):
        return empty_figure(NOTHING)
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.3), width_ratios=(1, 1.15))
    ticks: dict[float, str] = {}
    for i, (name, classes) in enumerate(shares.items()):
        for j, (kind, found) in enumerate(classes.items()):
            x = j + 0.3 * (i - (len(shares) - 1) / 2)
            chance = "_chance" if ticks else "chance"
            left.bar(x, found.chance, width=0.24, color="#c8c8c8", label=chance)
            label = name if j == 0 else f"_{name}"
            intervals(left, [x], *([end] for end in found.share), place=i, ms=6, label=label)
            ticks[j] = f"{kind}\nneurons"
    left.set_xticks(list(ticks), list(ticks.values()))
    left.set(ylim=(0, 1), ylabel="share of neurons")
    left.set_title("A. Second frequency is an\nordinary cluster's")
    left.legend(loc="center", bbox_to_anchor=(0.5, 0.38))
    rows = {name: place for place, name in enumerate(reversed(POPULATIONS))}
    for i, table in enumerate(lifts.values()):
        for row in table.itertuples():
            y = rows[row.population] - 0.24 * (i - (len(lifts) - 1) / 2)
            ends = np.array([[row.lift - row.low], [row.high - row.lift]])
            right.errorbar(row.lift, y, xerr=ends, fmt=MARKERS[i], color=PALETTE[i], ms=6)
    right.axvline(1, color="black", lw=0.9, ls="--")
    right.set_yticks(list(rows.values()), [name.replace(", ", ",\n") for name in rows])
    right.set(ylim=(-0.5, 2.5), xlim=(0, None), xlabel="pairs seen / expected")
    right.set_title("B. f and 2f in one network")
    return fig
