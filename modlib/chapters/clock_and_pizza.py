"""Sentences and the table of chapter 06."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.meso.clock_pizza import KEPT, Formulas, shift_rank
from modlib.analysis.micro.harmonics import Portrait
from modlib.analysis.micro.neurons import SIMPLE_BELOW
from modlib.chapters.words import count, listed, percent
from modlib.maths.groups import signed_freq
from modlib.models.foreign.network import ForeignNetwork

PIZZA_FROM, CLOCK_BELOW = 0.95, 0.6
"""Bounds of the mean gradient symmetricity for which rates are named."""
NOT_HERE = (
    "*Seen here*: nothing yet; `python -m modlib export clock-pizza` trains the networks and "
    "writes the tables."
)
ALIKE, HOLDS = 0.9, 0.5
"""Share explained from which a formula is said to be the logits', and to say anything of them."""
TRACE = 1e-4
"""Share of power from which a second peak is mentioned."""
WHOLE = ("reached_step", "num_clusters")


def about_network(network: ForeignNetwork, clusters: pd.DataFrame) -> str:
    """Which network the chapter looks at, whether it adds, and its clusters."""
    scores = network.pairs.evaluate()
    rate = "" if network.attention_rate is None else f", attention rate {network.attention_rate:g}"
    groups = [f"{row.num_neurons} neurons at f = {row.freq}" for row in clusters.itertuples()]
    text = (
        f"**{network.name}**: n = {network.n}{rate}, right on {percent(scores.accuracy)} of all "
        f"pairs. Clusters: {listed(groups) if groups else 'none'}."
    )
    if scores.accuracy < 1:
        text += " It does not solve the task; what follows is drawn all the same."
    return " ".join([text, *network.notes])


def _next(one: Portrait) -> tuple[float, int, float]:
    """A neuron's share of power at its frequency; its strongest other frequency and that share.

    Inputs pooled, the mean left out; 0 where there is no other frequency.
    """
    power = (one.magnitude**2).sum(0)
    power[0] = 0.0
    share = power / power.sum()
    others = share.copy()
    others[one.freq] = 0.0
    return float(share[one.freq]), int(others.argmax()), float(others.max())


def about_neurons(portraits: Sequence[Portrait]) -> str:
    """How much of each shown neuron is one frequency, and which comes next."""
    if not portraits:
        return "*Seen here*: no neuron belongs to a cluster."
    words = []
    for one in portraits:
        held, second, rest = _next(one)
        text = f"neuron {one.neuron} holds {percent(held)} of its power at f = {one.freq}"
        words.append(text + (f" and {percent(rest)} at {second}" if rest > TRACE else ""))
    return f"*Seen here*: {listed(words)}."


def about_doubles(portraits: Sequence[Portrait], n: int) -> str:
    """Whether the strongest other frequency is twice the first."""
    doubles = 0
    for one in portraits:
        _, second, rest = _next(one)
        doubles += rest > TRACE and second == signed_freq(2 * one.freq, n)
    if not doubles:
        return ""
    return (
        f"In {doubles} of the {len(portraits)} the second peak stands at *twice* the first "
        f"frequency (2f and {n} - 2f are one frequency of a real signal). Keep it in mind."
    )


def about_shifts(network: ForeignNetwork, shifts: pd.DataFrame, clusters: pd.DataFrame) -> str:
    """How the paper's period and step rank among all shifts."""
    if clusters.empty:
        return "*Seen here*: there is no cluster."
    if not network.exact:
        return (
            "*Seen here*: the preactivations of this network are no sums over a and b, so that a "
            "neuron has no strength at a alone."
        )
    words = []
    for row in clusters.itertuples():
        profile = shifts[shifts.freq == row.freq].sort_values("shift").strength.to_numpy()
        near = round(row.period)
        rounded = f"n/f = {row.period:.2f}, rounded"
        ranks = {row.step: f"d = {row.step}" + (f" ({rounded})" if near == row.step else "")}
        if near % network.n and near != row.step:
            ranks[near] = f"{near} ({rounded})"
        told = []
        for shift, name in ranks.items():
            rank = shift_rank(profile, row.freq, shift)
            if np.isfinite(rank):
                told.append(f"{name} is stronger than {percent(rank)} of the others")
        if told:
            words.append(f"at f = {row.freq} a shift of {', one of '.join(told)}")
    return (
        f"*Seen here*: {'; '.join(words)}."
        if words
        else "*Seen here*: there is no other shift to compare with."
    )


def about_remapped(network: ForeignNetwork, residuals: Sequence[float]) -> str:
    """How far the remapped neurons are from one cosine."""
    values = np.asarray(residuals, dtype=float)
    if not len(values):
        return "*Seen here*: no live neuron."
    simple = float((values < SIMPLE_BELOW).mean())
    nearest = "" if network.exact else " of the nearest sum"
    return (
        f"*Seen here*: over all {len(values)} live neurons{nearest} the median residual of one "
        f"cosine is {np.median(values):.3f}; {percent(simple)} lie below {SIMPLE_BELOW:g}, where "
        "chapter 2 calls a neuron simple."
    )


def _floor(value: float) -> str:
    """Three digits that do not exceed the value."""
    return f"{np.floor(1000 * value) / 1000:.3f}"


def about_votes(clusters: pd.DataFrame) -> str:
    """How cosine-like the clusters' votes are, pair by pair, and whether they single out cosets."""
    if clusters.empty:
        return "*Seen here*: there is no cluster to vote."
    low, high = (
        f"{end:.2f}" for end in (clusters.coset_overlap.min(), clusters.coset_overlap.max())
    )
    overlap = low if low == high else f"{low} to {high}"
    return (
        "*Seen here*, over all pairs and not their average: one cosine explains "
        f"{_floor(clusters.explained.min())} or more of each cluster's votes, and the answers with "
        "half of a pair's highest vote or more overlap with a + b plus the approximate coset by "
        f"{overlap} (1: the same set)."
    )


def about_maps(maps: Mapping[str, Float[np.ndarray, "y x"]]) -> str:
    """The range of the right logits in each map."""
    if not maps:
        return "*Seen here*: there is no cluster."
    words = [f"{name}: {part.min():.2f} to {part.max():.2f}" for name, part in maps.items()]
    return f"*Seen here*, right logits: {'; '.join(words)}."


def about_circles(table: pd.DataFrame, logits: Formulas) -> str:
    """Which formula holds of a circle alone, with its double, and of the whole cluster.

    ``logits``: what the formulas explain of the whole network's.
    """
    if table.empty:
        return "*Seen here*: there is no circle to leave alone."
    parts = {kept: table[table.kept == kept] for kept in KEPT}
    words = [
        f"{kept}: clock {_range(rows.clock)}, pizza {_range(rows.pizza)}"
        for kept, rows in parts.items()
    ]
    alone, double, _ = parts.values()
    text = (
        f"*Seen here*, over the clusters: {'; '.join(words)}. Of the whole network's logits, clock "
        f"{logits.clock:.3f} and pizza {logits.pizza:.3f}. "
    )
    if not (alone[["clock", "pizza"]].max(axis=1) > HOLDS).all():
        return text + (
            f"There is a circle that explains less than {HOLDS:g} of its own logits by either "
            "formula when it is left alone: in this network circles do not work one by one."
        )
    if (alone.pizza > alone.clock).all() and (double.clock > double.pizza).all():
        how = "is" if (alone.pizza > ALIKE).all() else "is nearer to"
        then = "becomes" if (double.clock > ALIKE).all() else "comes nearer to"
        return text + (
            f"Each circle alone {how} a pizza, as Zhong et al. found; with its double frequency it "
            f"{then} a clock. Both papers saw right. One circle is a pizza; but the network does "
            "not use one circle. Beside each stands a fainter one of twice the frequency, which "
            "the neurons of the same cluster hear too, and which speaks where a and b face each "
            "other. (Zhong et al. met it and called it the accompanying pizza.)"
        )
    if (alone.pizza > alone.clock).all():
        return (
            text + "Each circle alone is nearer to a pizza, and with its double not all are clocks."
        )
    if (alone.clock > alone.pizza).all():
        return text + "Each circle alone is nearer to a clock."
    return text + "Some circles alone are nearer to a clock, some to a pizza."


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low:.3f}" if len(values) == 1 else f"{low:.3f} to {high:.3f}"


COLUMNS = {
    "reached_step": "100 % at step",
    "symmetricity": "symmetricity",
    "distance_irrelevance": "distance irrelevance",
    "circularity": "circularity",
    "pizza_alone": "circle: pizza",
    "clock_alone": "circle: clock",
    "explained": "votes: cosine",
    "coset_overlap": "coset overlap",
    "clock": "logits: cosines",
    "num_clusters": "clusters",
    "preact_error": "not additive",
}


def rate_table(ours: pd.DataFrame, published: pd.DataFrame) -> str:
    """The table over attention rates: mean and range over seeds; the published networks last."""
    if ours.empty:
        return ""
    head = ["rate", *COLUMNS.values()]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for rate, rows in ours.groupby("rate"):
        cells = [_cell(rows[column].to_numpy(dtype=float), column) for column in COLUMNS]
        lines.append(f"| {rate:g} | {' | '.join(cells)} |")
    for row in published.itertuples():
        cells = [
            "" if column == "reached_step" else _cell(np.array([getattr(row, column)]), column)
            for column in COLUMNS
        ]
        lines.append(f"| {row.rate:g}, published {row.source[-1]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: np.ndarray, column: str) -> str:
    """Mean and range of what is a number; steps of networks that never got there are none."""
    known = values[np.isfinite(values)]
    if column == "reached_step":
        known = known[known >= 0]
    if not len(known):
        return "-"
    if len(known) < len(values):
        return f"{len(known)} of {len(values)}: {_cell(known, column)}"
    digits = 0 if column in WHOLE else 3
    low, high = known.min(), known.max()
    if low == high:
        return f"{low:.{digits}f}"
    mean = f"{known.mean():.{1 if column == 'num_clusters' else digits}f}"
    return f"{mean} ({low:.{digits}f} to {high:.{digits}f})"


def about_rates(ours: pd.DataFrame) -> str:
    """At which rates the mean symmetricity is a pizza's, and at which a clock's."""
    if ours.empty:
        return NOT_HERE
    means = ours.groupby("rate").symmetricity.mean()
    reached = ours[ours.reached_step >= 0]
    right = int((ours.accuracy == 1).sum())
    seeds = count(ours.seed.nunique(), "seed")
    text = (
        f"*Seen here*: {count(len(ours), 'network')}, {seeds} a rate. Right on every pair at the "
        f"end: {right} of {len(ours)}; on all held-out pairs at some time: {len(reached)}"
    )
    if len(reached):
        beyond = int((reached.steps - reached.reached_step).min())
        text += f", with {beyond:,} steps or more from there"
    text += ". "
    for rates, name in (
        (means.index[means > PIZZA_FROM], f"above {PIZZA_FROM:g}"),
        (means.index[means < CLOCK_BELOW], f"below {CLOCK_BELOW:g}"),
    ):
        noun = "rates" if len(rates) > 1 else "a rate of"
        where = f"at {noun} {listed([f'{rate:g}' for rate in rates])}" if len(rates) else "nowhere"
        text += f"The mean symmetricity is {name} {where}. "
    return text + "(Bounds of ours: no single number names an algorithm.)"


def about_lens(ours: pd.DataFrame, untrained: pd.DataFrame) -> str:
    """What does not change with the rate, and what an untrained network shows."""
    if ours.empty:
        return NOT_HERE
    names = {
        "explained": "of a cluster's votes is one cosine",
        "coset_overlap": "is their overlap with approximate cosets",
        "clock": "of the logits is one cosine a cluster",
        "preact_error": "of the preactivations' variance is no sum over a and b",
    }
    words = []
    for column, name in names.items():
        means = ours.groupby("rate")[column].mean().dropna()
        if len(means):
            control = untrained[column].mean() if column in untrained else np.nan
            known = f"; untrained {control:.3f}" if np.isfinite(control) else ""
            words.append(
                f"{means.iloc[0]:.3f} at a rate of {means.index[0]:g}, {means.iloc[-1]:.3f} at "
                f"{means.index[-1]:g} (over all rates {means.min():.3f} to {means.max():.3f}) "
                f"{name}{known}"
            )
    return f"*Seen here* (means over seeds): {'. '.join(words)}."
