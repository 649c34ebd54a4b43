"""Sentences of chapter 02, true of any run: no simple neuron, no phase, no fine-tuning one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd

import numpy as np
import pandas as pd
from jaxtyping import Complex, Float

from modlib.analysis.macro.tables import LARGE, NetworkTables
from modlib.analysis.meso.clusters import Clustering
from modlib.analysis.micro.harmonics import (
    Portrait,
    WaveFit,
    chance_of_harmonics,
    harmonic_order,
    triples,
)
from modlib.analysis.micro.neurons import DEAD_BELOW, FINE_TUNING_FROM, KINDS, SIMPLE_BELOW, is_live
from modlib.chapters.words import count, listed, percent
from modlib.maths.groups import harmonic_base

MAX_ORDER = 12
"""Highest order of a harmonic that counts as low, as in claim A.fig2.fine_tuning.order."""

TIED = 0.15
"""Median phase error, in turns, under which outputs count as tied to inputs; chance is .25."""
NO_COMMON_SHAPE = 0.05
"""Mean relative component at 3f, in size, under which crests are neither flat nor sharp."""


def about_choice_of_neuron(simple: Sequence[int], place: int) -> str:
    """Which simple neuron is looked at; what to do where there is none of that place."""
    if not simple:
        return "This network has no simple neuron: the figure on one of them is left out."
    if place >= len(simple):
        return (
            f"There is no simple neuron at place {place}: this network has {len(simple)}, from "
            f"place 0. The figure is left out; choose another with the parameter `neuron`."
        )
    return (
        f"We look at neuron {simple[place]}, {'the strongest' if place == 0 else f'place {place}'} "
        f"of {count(len(simple), 'simple neuron')}."
    )


def about_one(row: pd.Series, n: int) -> str:
    """What the test says of one neuron."""
    if np.isnan(row.t_a):
        return (
            f"frequency {row.freq} is n/2, where the cosine has no phase: only the radii can be "
            f"compared, ln(r_A / r_B) = {row.log_ratio:.3f}. The residual is {row.residual:.3f}."
        )
    return (
        f"f = {row.freq}, and {row.freq_out} leads the output. The phases are "
        f"t_A = {row.t_a:.2f} and t_B = {row.t_b:.2f}; their sum modulo {n} is "
        f"{(row.t_a + row.t_b) % n:.2f}, and t_D = {row.t_d:.2f}. The radii are "
        f"r_A = {row.r_a:.3f} and r_B = {row.r_b:.3f}. The residual is "
        f"{row.residual:.3f}: {percent(row.residual**2)} of the power of what the neuron hears is "
        "off its cosine."
    )


def table_of_test(clustering: Clustering, most: int = 8) -> str:
    """The test's numbers for the strongest neuron of each cluster, as a table."""
    table = clustering.table
    lines = [
        "| neuron | class | f | t_A | t_B | t_D | error | r_A | r_B | residual |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for cluster in clustering.clusters[:most]:
        strongest = int(table.strength.to_numpy()[cluster.neurons].argmax())
        row = table.iloc[cluster.neurons[strongest]]
        phases = [row.t_a, row.t_b, row.t_d, row.phase_error]
        shown = ["none" if np.isnan(t) else f"{t:.1f}" for t in phases]
        numbers = [*shown, f"{row.r_a:.2f}", f"{row.r_b:.2f}", f"{row.residual:.3f}"]
        lines.append(f"| {row.neuron} | {row.kind} | {row.freq} | {' | '.join(numbers)} |")
    return "\n".join(lines) if clustering.clusters else ""


def about_test(table: pd.DataFrame, n: int) -> str:
    """Phases, radii and output frequency over the live neurons, simple ones and all."""
    live = table[is_live(table)]
    if live.empty:
        return "*Seen here*: no neuron is live, so there is nothing to test."
    parts = []
    for name, rows in (("simple", live[live.kind == "simple"]), ("live", live)):
        if rows.empty or (name == "live" and len(rows) == len(live[live.kind == "simple"])):
            continue
        phased = rows.dropna(subset=["phase_error"])
        errors, ratios = phased.phase_error.abs() / n, rows.log_ratio.abs()
        phase = (
            f"|t_A + t_B - t_D| has a median of {errors.median():.2g} and a 95 % quantile of "
            f"{errors.quantile(0.95):.2g} turns; "
            if len(phased)
            else "none has a phase; "
        )
        same = float((rows.freq == rows.freq_out).mean())
        parts.append(
            f"over {count(len(rows), f'{name} neuron')} {phase}|ln(r_A / r_B)| has "
            f"{ratios.median():.2g} and {ratios.quantile(0.95):.2g}; the output is led by the same "
            f"frequency in {percent(same)}"
        )
    return (
        f"*Seen here*: {'. '.join(parts[:1] + [_upper(part) for part in parts[1:]])}. "
        "Phases without any relation would miss by a quarter of a turn in the median."
    )


def about_kinds(table: pd.DataFrame) -> str:
    """How many neurons are of each class, and how many lie next to a threshold."""
    live = table[is_live(table)]
    dead = len(table) - len(live)
    if live.empty:
        return f"*Seen here*: all {len(table)} neurons are dead."
    found = live.kind.value_counts()
    parts = [f"{found[kind]} {kind}" for kind in KINDS if kind in found]
    simple = float((live.kind == "simple").mean())
    both = float(live.kind.isin(["simple", "3f"]).mean())
    text = (
        f"*Seen here*: {len(live)} live neurons: {listed(parts)}; {dead} dead. Simple are "
        f"{percent(simple)} of the live ones"
    )
    text += f", with the 3f shape {percent(both)}. " if both > simple else ". "
    near = [
        int(live.residual.between(value / 1.25, value * 1.25).sum())
        for value in (SIMPLE_BELOW, FINE_TUNING_FROM)
    ]
    return text + (
        f"{_upper(count(near[0], 'residual'))} {_lie(near[0])} within a quarter of the threshold "
        f"{SIMPLE_BELOW}, {count(near[1], 'residual')} within a quarter of {FINE_TUNING_FROM}."
        f"{_about_gaps(near)}"
    )


def _about_gaps(near: Sequence[int]) -> str:
    """Whether the thresholds fall into gaps, as the chapter asks."""
    pairs = zip((SIMPLE_BELOW, FINE_TUNING_FROM), near, strict=True)
    crossed = [value for value, number in pairs if number]
    if not crossed:
        return " Both thresholds fall into gaps."
    which = f"The threshold {crossed[0]} does not fall"
    if len(crossed) > 1:
        which = "Neither threshold falls"
    return f" {which} into a gap here: the class of the neurons next to it is our choice."


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _lie(number: int) -> str:
    return "lies" if number == 1 else "lie"


def about_controls(tables: Mapping[str, pd.DataFrame], n: int) -> str:
    """What of the test survives in networks without the rule."""
    parts = []
    for name, table in tables.items():
        live = table[is_live(table)]
        if live.empty:
            parts.append(f"*{name}*: no live neuron")
            continue
        phase = live.phase_error.abs().median() / n
        ratio = live.log_ratio.abs().median()
        same = float((live.freq == live.freq_out).mean())
        parts.append(
            f"*{name}*: {percent(float((live.kind == 'simple').mean()))} simple, median residual "
            f"{live.residual.median():.2f}, median |ln(r_A / r_B)| {ratio:.2g}, "
            f"median |t_A + t_B - t_D| {phase:.2g} turns, output led by f in {percent(same)}"
        )
    return ". ".join(parts) + "." + _about_memory(tables, n)


def _about_memory(tables: Mapping[str, pd.DataFrame], n: int) -> str:
    """What a memorising network's phases warn of, where they do."""
    live = {name: table[is_live(table)] for name, table in tables.items()}
    memory = live.get("memorised")
    if memory is None or memory.empty:
        return ""
    if not float(memory.phase_error.abs().median()) / n < TIED:
        return ""
    text = (
        " Mind the phases of the memorising network: a quarter of a turn would be chance, so in "
        "learning its pairs by heart it has begun to tie outputs to inputs, without the rule. "
        "Small phase errors alone are no evidence"
    )
    simple = {name: float((rows.kind == "simple").mean()) for name, rows in live.items()}
    if simple.get("trained", 0.0) > 0.5 and simple["memorised"] < 0.1:
        text += "; the residual is what tells the two networks apart"
    return f"{text}."


def about_thresholds(
    shares: Float[np.ndarray, "dead residual"],
    residuals: Sequence[float],
    dead_below: Sequence[float],
    num_live: Sequence[int],
) -> str:
    """How far the share of simple neurons moves when either threshold is turned."""
    at = int(np.argmin(np.abs(np.asarray(residuals) - SIMPLE_BELOW)))
    half, twice = (
        int(np.argmin(np.abs(np.asarray(residuals) - SIMPLE_BELOW * factor))) for factor in (0.5, 2)
    )
    middle = int(np.argmin(np.abs(np.asarray(dead_below) - DEAD_BELOW)))
    lowest, highest = min(num_live), max(num_live)
    live = (
        f"the number of live neurons is {lowest} at every threshold of strength from "
        f"{min(dead_below):g} to {max(dead_below):g}."
        if lowest == highest
        else f"as the threshold of strength goes from {min(dead_below):g} to {max(dead_below):g}, "
        f"the number of live neurons falls from {highest} to {lowest}."
    )
    row = shares[middle]
    return (
        f"*Seen here*: {live} Of those at {dead_below[middle]:g}, {percent(float(row[half]))} have "
        f"a residual under {residuals[half]:.2g}, {percent(float(row[at]))} under "
        f"{residuals[at]:.2g} and {percent(float(row[twice]))} under {residuals[twice]:.2g}."
    )


def about_output(
    inputs: Mapping[str, Float[np.ndarray, "neuron order"]],
    outputs: Mapping[str, Float[np.ndarray, "neuron order"]],
) -> str:
    """How much of inputs and outputs sits at f and at 2 f, for the classes that there are."""
    parts = [
        f"*{kind}* ({count(len(inputs[kind]), 'neuron')}): inputs {_shares(inputs[kind])}, outputs "
        f"{_shares(outputs[kind])}"
        for kind in inputs
        if len(inputs[kind])
    ]
    if not parts:
        return "*Seen here*: there is no live neuron of these classes."
    return f"*Seen here*, mean shares of power at f, 2f and 3f. {'. '.join(parts)}."


def _shares(rows: Float[np.ndarray, "neuron order"]) -> str:
    return ", ".join(percent(float(share)) for share in rows.mean(0)[:3])


def about_third(third: Complex[np.ndarray, " neuron"], source: str) -> str:
    """The mean shape of the 3f neurons of a network, against a square wave and a triangle."""
    third = third[~np.isnan(third)]
    if not len(third):
        return f"{source} has no neuron of the class 3f."
    mean = third.mean()
    kind = "crests are flattened" if mean.real < 0 else "crests are sharpened"
    if abs(mean.real) < NO_COMMON_SHAPE:
        kind = "these neurons have no common shape, or not by their preactivations of a"
    spread = float(np.abs(third).mean())
    whose = f"{source} has {count(len(third), 'neuron')} of the class 3f"
    return (
        f"{whose}. Relative to its cosine the component at 3f is {mean.real:+.2f} on average "
        f"({mean.imag:+.2f} in quadrature, mean size {spread:.2f}): {kind}. A square wave has "
        "-0.33, a triangle +0.11."
    )


def about_partners(clustering: Clustering, n: int) -> str:
    """For each 3f cluster of a network, whether another cluster has three times its frequency."""
    named = [
        {"cluster": c.index, "freq": c.freq, "num_neurons": c.num_neurons}
        for c in clustering.clusters
    ]
    if not named:
        return "it has no cluster."
    table = triples(pd.DataFrame(named), clustering.table, n)
    flat = table[table.is_3f]
    if flat.empty:
        return "it has no cluster whose neurons are mostly 3f."
    parts = [
        f"three times {row.freq} is {row.triple} modulo {n}, up to sign, which is "
        f"{'the' if row.partner else 'not the'} frequency of another cluster"
        for row in flat.itertuples()
    ]
    return f"{listed(parts)}."


def about_partners_of_many(exports: Mapping[str, NetworkTables]) -> str:
    """The same over the networks of the committed tables; empty where there are none."""
    parts = []
    for tables in exports.values():
        n = int(tables.summary.n.iloc[0])
        learned = tables.summary.seed[tables.summary.learned]
        blocks = [
            triples(
                tables.clusters[tables.clusters.seed == seed],
                tables.neurons[tables.neurons.seed == seed],
                n,
            )
            for seed in learned
        ]
        if not blocks:
            continue
        table = pd.concat(blocks)
        large = table[table.num_neurons >= LARGE]
        with_partner, without = large[large.partner], large[~large.partner]
        parts.append(
            f"n = {n}, {count(len(learned), 'network')}: mostly 3f are {with_partner.is_3f.sum()} "
            f"of {len(with_partner)} with such a partner and {without.is_3f.sum()} of "
            f"{len(without)} without"
        )
    if not parts:
        return ""
    return f"Over many networks, clusters of {LARGE} neurons or more: {'; '.join(parts)}."


def harmonic_names(
    freqs: Sequence[int], base: int, n: int, max_order: int = MAX_ORDER
) -> dict[int, str]:
    """``42 = f``, ``7 = 2f`` for each frequency that is a harmonic of ``base``, else its number."""
    names = {}
    for freq in freqs:
        order = harmonic_order(freq, base, n, max_order)
        multiple = "f" if order == 1 else f"{order}f"
        names[freq] = f"{freq}" if order is None else f"{freq} = {multiple}"
    return names


def about_harmonics(leading: Mapping[int, Sequence[int]], base: int, n: int) -> str:
    """Whether a fine-tuning cluster's neurons sit on low harmonics, and what chance would give.

    ``leading``: each neuron's leading frequencies in falling order of power.
    """
    strongest = [list(freqs[:3]) for freqs in leading.values()]
    low = sum(harmonic_base(three, n, MAX_ORDER) is not None for three in strongest)
    usual = next(iter(leading.values()))
    names = listed(list(harmonic_names(usual, base, n).values()))
    text = (
        f"*Seen here*: the first neuron's leading frequencies are {names}. In {low} of "
        f"{len(strongest)} neurons the three strongest are harmonics, up to order {MAX_ORDER}, of "
        "one frequency"
    )
    chance = chance_of_harmonics(n)
    if not np.isnan(chance):
        text += f"; so are {percent(chance)} of triples drawn at random"
    common = gcd(base, n)
    if common > 1:
        text += (
            f". And every frequency here is a multiple of gcd({base}, {n}) = {common}: the waves "
            f"above repeat every {n // common} residues, and there are only {n // common // 2} "
            f"such frequencies, all of them harmonics of {base} of order "
            f"{n // common // 2} or less, so for this cluster order says nothing at all"
            if all(freq % common == 0 for freq in usual)
            else ""
        )
    return text + "."


def about_rebuild(names: Sequence[str], residual: Sequence[float], neuron: int) -> str:
    """How many representations bring the residual under the thresholds."""
    first = residual[1] if len(residual) > 1 else 1.0
    simple = next((i for i, value in enumerate(residual) if value < SIMPLE_BELOW), None)
    needed = (
        f"{count(simple, 'frequency', 'frequencies')} bring it under {SIMPLE_BELOW}, where a "
        "simple neuron stands with one"
        if simple
        else f"all {len(names)} together leave {residual[-1]:.2f}"
    )
    return (
        f"*Seen here*: of neuron {neuron} the first frequency alone leaves a residual of "
        f"{first:.2f} of the preactivation of a; {needed}."
    )


def about_pair(pair: Mapping[str, Portrait | None], seeds: Mapping[str, int]) -> str:
    """How much of each neuron's power sits at its leading frequency, before and after remapping."""
    parts = []
    for name, one in pair.items():
        if one is None:
            continue
        power = (one.magnitude[:, 1:] ** 2).sum(0)
        slow = (one.remapped_magnitude[:, 1:] ** 2).sum(0)
        parts.append(
            f"neuron {one.neuron} of seed {seeds[name]} ({name}) has "
            f"{percent(float(power.max() / power.sum()))} of its power at "
            f"{int(power.argmax()) + 1}, and after remapping by {one.unit} at "
            f"{int(slow.argmax()) + 1}"
        )
    return f"*Seen here*: {'; '.join(parts)}." if parts else ""


def about_waves(fits: Sequence[Mapping[str, WaveFit]], network: str) -> str:
    """Which wave explains the fine-tuning neurons of a cluster best."""
    explained = {name: [fit[name].explained for fit in fits] for name in fits[0]}
    medians = {name: float(np.median(values)) for name, values in explained.items()}
    wins = {
        name: sum(fit[name].explained > fit["full"].explained for fit in fits)
        for name in ("hump", "flank")
    }
    return (
        f"*Seen here*, over {count(len(fits), 'preactivation')} of {network}: the median R² is "
        f"{medians['full']:.3f} for a full period, {medians['hump']:.3f} for the hump and "
        f"{medians['flank']:.3f} for the flank. The hump beats the full period in "
        f"{wins['hump']} of {len(fits)}, the flank in {wins['flank']}."
    )


def about_portraits(portraits: Mapping[str, Portrait]) -> str:
    """Which classes are on show."""
    missing = [kind for kind in ("simple", "3f", "bent", "fine-tuning") if kind not in portraits]
    if not portraits:
        return "there is no live neuron of these classes in this network."
    shown = f"shown {'is' if len(portraits) == 1 else 'are'} {listed(list(portraits))}"
    classes = "class" if len(missing) == 1 else "classes"
    return (
        f"{shown}; this network has no neuron of the {classes} {listed(missing)}."
        if missing
        else (f"{shown}.")
    )
