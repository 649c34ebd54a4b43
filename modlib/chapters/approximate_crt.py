"""Sentences of chapter 07."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import e, log, pi

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from modlib.analysis.macro.crt import MAX_CLUSTERS, Scales, overtones, separation
from modlib.analysis.macro.tables import LARGE
from modlib.analysis.meso.clusters import Cluster, Clustering
from modlib.chapters.words import count, listed, percent
from modlib.maths.groups import coprime_factors

PAPER_DELTA = pi / e**3
"""Separation that paper A asks for as an example, section 5.4."""
TINY = 1e-4
"""Share under which only its order of magnitude is told."""


def _share(share: float) -> str:
    return percent(share) if share >= TINY or share == 0 else f"less than {percent(TINY)}"


def _range(values: pd.Series | Sequence[float], digits: int = 2) -> str:
    low, high = min(values), max(values)
    if f"{low:.{digits}f}" == f"{high:.{digits}f}":
        return f"{low:.{digits}f}"
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _percents(values: pd.Series | Sequence[float]) -> str:
    low, high = min(values), max(values)
    return percent(low) if low == high else f"{percent(low)} to {percent(high)}"


def about_theorem(n: int, shown: int) -> str:
    """Into which congruences the modulus falls apart; which modulus stands in for a prime power."""
    factors = " · ".join(str(q) for q in coprime_factors(n))
    if n == shown:
        return (
            f"Here {n} = {factors}, so a residue modulo {n} is "
            f"{count(len(coprime_factors(n)), 'smaller residue')} in disguise."
        )
    return (
        f"Here n = {n} is a prime or a power of one: it has no two coprime factors, the theorem "
        f"has a single congruence, and there is nothing to intersect. The figure below takes "
        f"{shown} in its place. Whatever a network does to add modulo {n}, it cannot be the exact "
        "theorem."
    )


def about_remark(
    residues: Sequence[int], moduli: Sequence[int], solution: int, printed: Float[np.ndarray, " k"]
) -> str:
    """What the theorem, and the sum with the printed frequency, give for the residues drawn."""
    system = listed([f"k ≡ {m} (mod {q})" for m, q in zip(residues, moduli, strict=True)])
    highest = np.flatnonzero(printed > printed.max() - 1e-9).tolist()
    return (
        f"*Seen here*: the system {system} has the one solution {solution} (`maths.groups.crt`). "
        "Left, the sum is "
        f"largest there, where all cosines are 1; right, it is largest at {listed(highest)}, "
        f"and at {solution} it is {printed[solution]:.2f} of {len(moduli)}."
    )


def remark_table(table: pd.DataFrame) -> str:
    """``remark_1_table`` as Markdown."""
    lines = [
        "| n | factors | solved, frequency n/q | solved, frequency q (as printed) |",
        "| --- | --- | --- | --- |",
    ]
    for row in table.to_dict("records"):
        n, factors = row["n"], "·".join(str(q) for q in row["factors"])
        lines.append(
            f"| {n} | {factors} | {row['num_right']} of {n} | {row['num_printed']} of {n} |"
        )
    return "\n".join(lines)


def about_nothing(clustering: Clustering) -> str:
    """What a network without clusters leaves of this chapter; empty for one with some."""
    if clustering.clusters:
        return ""
    return (
        "> **This network has no cluster.** Nothing votes with one frequency, so there is nothing "
        "to intersect: the figures of clusters below say so and stay empty."
    )


def about_pairs(pairs: Int[np.ndarray, "pair 2"], num_unseen: int, n: int) -> str:
    """Which questions are put to the network, and where they come from."""
    sums = listed([f"{a} + {b} = {(a + b) % n}" for a, b in pairs])
    if num_unseen:
        return f"Drawn by the seed from the {num_unseen:,} pairs that it never saw: {sums}."
    return f"Drawn by the seed from all pairs (none was held out): {sums}."


def about_votes(
    votes: Float[np.ndarray, "cluster pair c"], pairs: Int[np.ndarray, "pair 2"]
) -> str:
    """How high the right answer stands in the panels, with one cluster and with their sum."""
    if not len(votes):
        return ""
    n = votes.shape[-1]
    pair, answer = np.arange(len(pairs)), pairs.sum(1) % n
    right, highest = votes[:, pair, answer], votes.max(-1)
    first = int((right >= highest).sum())
    total = votes.sum(0)
    found = int((total.argmax(-1) == answer).sum())
    lowest = float((right / np.where(highest > 0, highest, 1.0)).min())
    return (
        f"*Seen here*: in {first} of {right.size} panels with a single cluster the right answer "
        f"has the highest vote; at worst it has {lowest:.2f} of the highest. In {found} of "
        f"{len(pairs)} sums it is the highest."
    )


def cluster_table(report: pd.DataFrame) -> str:
    """The part of ``cluster_report`` that the chapter speaks of, as Markdown."""
    if report.empty:
        return ""
    lines = [
        "| cluster | f | gcd(f, n) | neurons | A (logits) | explained | right alone | mean rank |",
        "|" + " --- |" * 8,
    ]
    for row in report.to_dict("records"):
        explained = "-" if np.isnan(row["explained"]) else percent(row["explained"])
        kind = "" if row["kind"] == "simple" else f", {row['kind']}"
        lines.append(
            f"| {row['cluster']} | {row['freq']} | {row['coset_size']} | "
            f"{row['num_neurons']}{kind} | {row['amplitude']:.2f} | {explained} | "
            f"{percent(row['share_rank_0'])} | {row['mean_rank']:.1f} |"
        )
    return "\n".join(lines).replace(" %", "\u00a0%")


def about_fit(report: pd.DataFrame, random_best: Float[np.ndarray, "cluster draw"]) -> str:
    """How well one cosine tells each cluster's votes, by size, against random neurons."""
    if report.empty:
        return ""
    parts = []
    for block, name in _by_size(report):
        if len(block):
            shares = _percents(block.explained.fillna(0.0))
            parts.append(f"{shares} in {count(len(block), 'cluster')} {name}")
    return (
        f"*Seen here*: the cosine explains {' and '.join(parts)}. Of the votes of as many live "
        f"neurons drawn at random, the cosine that suits them best explains "
        f"{_percents(random_best.ravel().tolist())}. "
        f"Alone, a cluster finds the answer on {_percents(report.share_rank_0)} of the pairs."
    )


def _by_size(report: pd.DataFrame) -> list[tuple[pd.DataFrame, str]]:
    """Large clusters and small ones, with what to call them."""
    large = report.num_neurons >= LARGE
    return [
        (report[large], f"of {LARGE} neurons or more"),
        (report[~large], f"of fewer than {LARGE}"),
    ]


def about_amplitudes(report: pd.DataFrame) -> str:
    """How unequal the amplitudes are: their coefficient of variation."""
    if len(report) < 2:
        return ""
    variation = float(report.amplitude.std(ddof=1) / report.amplitude.mean())
    text = (
        f"Section 5.4 gives all clusters the same amplitude. Here A runs from "
        f"{report.amplitude.min():.2f} to {report.amplitude.max():.2f}: a coefficient of "
        f"variation of {variation:.2f}"
    )
    large = report[report.num_neurons >= LARGE]
    if 2 <= len(large) < len(report):
        among = float(large.amplitude.std(ddof=1) / large.amplitude.mean())
        text += f" ({among:.2f} among clusters of {LARGE} neurons or more)"
    return text + "."


def about_sieve(left: Bool[np.ndarray, "cluster c"], answer: int) -> str:
    """What the clusters, one after another, leave of the answers at one pair."""
    if not len(left):
        return ""
    n = left.shape[1]
    counts = [int(row.sum()) for row in left]
    text = f"*Seen here*: of {n} answers the clusters leave, one after another, {listed(counts)}. "
    lost = np.flatnonzero(~left[:, answer])
    if len(lost):
        return text + (
            f"The right answer, {answer}, is not among them from cluster {lost[0]} on: that "
            "cluster gives it less than half of its highest vote."
        )
    others = [int(c) for c in np.flatnonzero(left[-1]) if c != answer]
    if others:
        return text + f"The right answer, {answer}, is among them; so is {listed(others)}."
    return text + f"The last one is {answer}, the right answer."


def about_growth(table: pd.DataFrame, n: int, num_clusters: int) -> str:
    """How fast sets of clusters narrow down the answer, by agreement and by adding votes."""
    if table.empty:
        return ""
    by_size = table.groupby("size")
    left = by_size.left.mean()
    steps = listed([f"{value:.1f}" for value in left])
    kept_share = float(left.iloc[0]) / n
    text = "*Seen here*: "
    if num_clusters > MAX_CLUSTERS:
        text += f"with the {MAX_CLUSTERS} largest of {num_clusters} clusters, "
    text += (
        f"sets of {listed(list(left.index))} leave {steps} of {n} answers on average. One cluster "
        f"keeps a share of {kept_share:.2f}"
    )
    if 0 < kept_share < 1:
        needed = log(n) / -log(kept_share)
        text += (
            f", and if each kept as much of whatever is left, ln n / ln(1/{kept_share:.2f}) = "
            f"{needed:.1f} of them would leave one answer"
        )
    return text + f".\n\n{_intersection_and_sum(table)}"


def _intersection_and_sum(table: pd.DataFrame) -> str:
    whole = table.iloc[-1]
    size = int(whole["size"])
    name = {1: "the one cluster", 2: "both clusters"}.get(size, f"all {count(size, 'cluster')}")
    text = (
        f"With {name}, agreement leaves the right answer alone on {percent(whole.alone)} of all "
        f"pairs and loses it on {percent(1 - whole.kept)}; adding the votes puts it first on "
        f"{percent(whole['first'])}. "
    )
    if whole["first"] > 0.9 and whole["first"] - whole.kept > 0.01:
        text += (
            "A low vote excludes an answer from an intersection, but only costs it a little in a "
            "sum: what the network does is the sum. "
        )
    if whole["first"] < 1:
        return text
    enough = table[table["first"] == whole["first"]].iloc[0]
    if enough["size"] == size:
        return text if size == 1 else text + "No smaller set decides every pair."
    chosen = listed(enough.clusters)
    return text + (
        f"Fewer can do it: {count(enough['size'], 'cluster')} ({chosen}) decide every pair "
        "without the others."
    )


def about_sum(
    measured: Float[np.ndarray, " d"],
    ideal: Float[np.ndarray, " d"],
    spectrum: Float[np.ndarray, " freq"],
    clusters: Sequence[Cluster],
) -> str:
    """How close the sum comes to cosines, and how much of the logits these explain."""
    if not clusters:
        return ""
    freqs = [cluster.freq for cluster in clusters]
    missed = float(((measured - ideal) ** 2).sum() / (measured**2).sum())
    share = float(spectrum[freqs].sum())
    d = int(measured[1:].argmax()) + 1
    n = len(measured)
    return (
        f"*Seen here*: averaged over pairs, {count(len(clusters), 'cosine')} with one amplitude "
        f"each miss {_share(missed)} of the sum's power. Of the whole network's logits, pair by "
        f"pair, they explain {percent(share)}. The runner-up lies {min(d, n - d)} away from the "
        f"answer and {measured[0] - measured[d]:.2f} logits below it; the cosines say "
        f"{ideal[0] - ideal[1:].max():.2f}.\n\n{_about_overtones(measured, ideal, freqs)}"
    )


def _about_overtones(
    measured: Float[np.ndarray, " d"], ideal: Float[np.ndarray, " d"], freqs: Sequence[int]
) -> str:
    share, sharpened = overtones(measured, ideal, freqs)
    if not share > 0.5:
        return ""
    gap = float(sharpened[0] - sharpened[1:].max())
    change = gap - float(ideal[0] - ideal[1:].max())
    effect = (
        f"With them the distance to the runner-up is {gap:.2f}: crests sharper than a cosine's, "
        "which the paper's model leaves out, make the answer stand out more."
        if change > 0
        else f"With them the distance to the runner-up is {gap:.2f}."
    )
    return (
        f"Of the power that the cosines miss, {percent(share)} lies at twice the clusters' "
        f"frequencies. {effect}"
    )


def about_separation(
    n: int, freqs: Sequence[int], random: Float[np.ndarray, " draw"], exact_n: int
) -> str:
    """The separation of section 5.4, beside random frequencies and the exact theorem."""
    if not freqs:
        return ""
    own = separation(n, freqs)
    beats = float((random < own - 1e-9).mean())
    reached = "more" if own > PAPER_DELTA else "no more"
    exact_freqs = [exact_n // q for q in coprime_factors(exact_n)]
    exact = separation(exact_n, exact_freqs)
    text = (
        f"With equal amplitudes the runner-up stays {own:.2f} m below m = {len(freqs)}: {reached} "
        f"than the {PAPER_DELTA:.2f} m of the paper's example. Random sets of as many frequencies "
        f"have {np.median(random):.2f} m in the median, and this network's set is better than "
        f"{percent(beats)} of them. "
    )
    if exact_n == n:
        text += (
            f"The exact theorem does it with the frequencies {listed(exact_freqs)}, and its "
            f"runner-up stays {exact:.3f} m below m = {len(exact_freqs)}. "
        )
    if exact_n == n and exact < own:
        text += (
            "So it is not exactness that makes an answer stand out: the theorem's own frequencies "
            "are separated less. "
        )
    if own < 1e-9:
        text += "A separation of 0 means that some answers cannot be told apart at all. "
    return text.strip()


def about_margins(
    margins: Float[np.ndarray, "a b"], ideal: Float[np.ndarray, " d"], table: pd.DataFrame
) -> str:
    """The margin over all pairs, beside that of the ideal sum and of the clusters alone."""
    wrong = int((margins <= 0).sum())
    verdict = (
        f"positive on all {margins.size:,} pairs"
        if not wrong
        else f"positive on all but {wrong:,} of {margins.size:,} pairs"
    )
    text = (
        f"*Seen here*: the margin is {verdict}; its smallest value is {margins.min():.2f} logits, "
        f"its mean {margins.mean():.2f}."
    )
    if table.empty:
        return text
    return text + (
        f" Cosines with the fitted amplitudes would have {ideal[0] - ideal[1:].max():.2f} at "
        "every pair: the difference and the spread are what they leave unexplained. Without output "
        "biases and loose neurons the clusters are right on "
        f"{percent(table['first'].iloc[-1])} of all pairs."
    )


def about_shift(report: pd.DataFrame, shift: int, n: int) -> str:
    """How well votes move with the inputs, by size of cluster."""
    if report.empty:
        return ""
    if shift % n == 0:
        return f"The shift is a multiple of {n}: nothing has moved, and all agree by construction."
    parts = [
        f"{_range(block.shift_cosine.fillna(0.0))} with a relative error of "
        f"{_range(block.shift_error.fillna(0.0))} in {count(len(block), 'cluster')} {name}"
        for block, name in _by_size(report)
        if len(block)
    ]
    text = (
        f"*Seen here*: over all pairs, the cosine between votes and moved votes is "
        f"{'; '.join(parts)}."
    )
    fixed = report[(report.coset_size > 1) & (shift * report.coset_size % n == 0)]
    if len(fixed):
        text += (
            f" To frequency {listed(fixed.freq.tolist())} a step of {shift} is none at all, since "
            "it stays within a coset: there the error measures how exact the learned coset is."
        )
    return text


def about_controls(
    spectra: Mapping[str, Float[np.ndarray, " freq"]], clusterings: Mapping[str, Clustering]
) -> str:
    """What cosines of c - a - b explain of the logits of each network."""
    lines = []
    for name, explained in spectra.items():
        best = int(explained.argmax())
        clusters = count(len(clusterings[name].clusters), "cluster")
        lines.append(
            f"- *{name}*: {clusters}; the strongest cosine (f = {best}) explains "
            f"{_share(float(explained[best]))} of the logits, all of them together "
            f"{_share(float(explained.sum()))}."
        )
    return "\n".join(lines)


def about_scales(rows: Sequence[Scales], pair: Int[np.ndarray, " 2"]) -> str:
    """What figure A1 shows of this network."""
    if not rows:
        return "This network has no clusters, so there are no three scales to draw."
    n = len(rows[0].vote)
    a, b = (int(value) for value in pair)
    answer = (a + b) % n
    neurons = listed([row.neuron for row in rows[:3]])
    total = np.sum([row.vote for row in rows], axis=0)
    helping = sum(bool(row.vote[answer] > 0) for row in rows)
    voters = f"{helping} of {len(rows)} clusters vote"
    place = "highest" if total.argmax() == answer else "not highest"
    return (
        f"*Seen here*: {a} + {b} = {answer}. Left, the neuron of median residual of each cluster "
        f"({neurons}). Right, {voters} for {answer}, and "
        f"the sum is {place} there."
    )
