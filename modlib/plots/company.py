"""Figures of chapter 08: frequencies that go together in a network."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from modlib.plots.base import (
    MARK,
    NOTHING,
    PALETTE,
    empty_figure,
    empty_panel,
    figure,
    intervals,
)
from modlib.plots.frequencies import whole_numbers
from modlib.plots.panels import legend_outside, panel_grid


@figure
def companion_rates(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """Frequencies of the networks that have a given one, a panel each (figure A4b).

    Tables: ``companions``. Open points are the given frequency alone, filled ones pool all that
    units carry to it; the line is what draws without preference would give. Twice and half the
    given frequency are marked.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.1, 2.7), (0, 0.4), sharey=True)
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
        whole_numbers(ax)
    axes[-1, 0].set(xlabel="other frequency (cycles per n)", ylim=(0, None))
    named = [ax for ax in axes[:, 0] if ax.get_legend_handles_labels()[0]]
    for ax in named[:1]:
        legend_outside(fig, ax, 2)
    return fig


@figure
def ratio_profile(panels: Mapping[str, pd.DataFrame], marked: int = 2) -> Figure:
    """How often two frequencies f and r f are learned together, by r, over all f.

    Tables: ``ratio_lifts``. 1 is what draws without preference give.
    """
    if not panels:
        return empty_figure(NOTHING)
    fig, axes = panel_grid(len(panels), 1, (7.1, 2.3), (0, 0.4), sharey=True)
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
        whole_numbers(ax)
    axes[-1, 0].set_xlabel("ratio r of the two frequencies (or 1/r, modulo n, up to sign)")
    return fig
