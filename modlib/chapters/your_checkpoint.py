"""Sentences of chapter 15: about a network of anyone's, whether it adds or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from modlib.analysis.battery_numbers import Battery, headline
from modlib.chapters.words import count, percent
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.views.pair_view import Additive
from modlib.runs.addition import AdditionRun

TINY = 1e-4
"""Share under which only its order of magnitude is told."""


def about_source(network: ForeignNetwork, run: AdditionRun | None) -> str:
    """Where the network of the chapter comes from; ``run``: the one trained here, if it is ours."""
    size = (
        f"n = {network.n}, {count(network.view.num_neurons, 'hidden neuron')}, recognised as "
        f"`{network.layout}`"
    )
    if run is None:
        return f"**{network.name}**: {size}."
    return (
        f"No checkpoint was given, so the chapter makes one: the network of seed {run.seed} for "
        f"n = {run.config.n}, saved by `torch.save` as anyone would save theirs. From here on the "
        f"chapter knows nothing of how it was trained. **{network.name}**: {size}."
    )


def about_verdict(found: Battery) -> str:
    """Whether the network solves the task, and what it means for the figures if not."""
    if found.solves:
        return (
            f"*Seen here*: it {headline(found)}, and the right answer leads by "
            f"{found.margin:.2f} logits where it leads least."
            if found.margin > 0
            else f"*Seen here*: it {headline(found)}."
        )
    return (
        f"> **This network does not solve a + b mod {found.n}.** It is right on "
        f"{percent(found.accuracy)} of the pairs; a guess is right on {percent(1 / found.n)}. "
        "Everything below is drawn and counted all the same: read it as the picture of a network "
        "that lacks the algorithm, or has the beginnings of it only. If you know it to be good at "
        "its task, then the task, the order of the answers, the layout or an attention rate is "
        "another one than assumed: compare the logits of one pair with those of your own code "
        "first."
    )


def about_additivity(found: Battery) -> str:
    """Whether the preactivations are a part of a plus a part of b, and what follows."""
    if found.exact:
        return (
            "*Seen here*: the preactivations are a part of $a$ plus a part of $b$, but for "
            "rounding. All figures below are of the network itself."
        )
    return (
        "> **The preactivations depend on the pair.** The nearest sum of a part of $a$ and a part "
        f"of $b$ misses {percent(found.preact_error)} of their variance, and "
        f"{percent(found.skip_error)} of that of the direct path. Alone it is right on "
        f"{percent(found.accuracy_additive or 0.0)} of the pairs. What neurons hear and their "
        "phases are of this sum; clusters (by activations over pairs), votes, fits, ranks and "
        "margins are of the network."
    )


def about_cosets(found: Battery) -> str:
    """Which coset each cluster's frequency knows, exact or approximate, as a table."""
    if not found.clusters:
        return "> **This network has no cluster**: figures of clusters say so and stay empty."
    lines = [
        "| f | neurons | coset | step | period | explained by one cosine | right alone |",
        "|---:|---:|---|---:|---:|---:|---:|",
    ]
    for cluster in found.clusters:
        coset = cluster.coset
        kind = f"exact, {coset.size} answers" if coset.exact else "approximate"
        lines.append(
            f"| {cluster.freq} | {cluster.num_neurons} | {kind} | {coset.step} | "
            f"{coset.period:.2f} | {_share(cluster.explained)} | {_share(cluster.share_rank_0)} |"
        )
    return "\n".join(lines).replace(" %", "\u00a0%")


def _share(share: float | None) -> str:
    """A percentage, with less than a hundredth of a percent as just that."""
    if share is None:
        return "-"
    return percent(share) if share >= TINY or share == 0 else f"less than {percent(TINY)}"


def about_sum(found: Battery) -> str:
    """How much of all votes the cosines of the clusters explain."""
    if not found.clusters or found.votes_explained is None:
        return ""
    return (
        f"*Seen here*: one cosine a cluster ({len(found.clusters)} in all) explains "
        f"{percent(found.votes_explained)} of the variance of the summed votes over all "
        f"{found.n**2:,} pairs."
    )


def about_additive(additive: Mapping[str, Additive]) -> str:
    """What ``PairView.additive`` says of each table of preactivations."""
    parts = [
        f"{name}: {_share_left(tables.preact_error)}, so it "
        f"{'is' if tables.exact else 'is not'} a sum of two tables"
        for name, tables in additive.items()
    ]
    return f"*Seen here*, variance that the nearest sum leaves. {_sentences(parts)}"


def _share_left(error: float) -> str:
    return "nothing but rounding" if error < 1e-10 else percent(error)


def _sentences(parts: Sequence[str]) -> str:
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts)


def about_rebuilt(rebuilt: Float[np.ndarray, "a b c"], logits: Float[np.ndarray, "a b c"]) -> str:
    """How far the logits of the tables are from the module's own."""
    gap = float(np.abs(rebuilt - logits).max())
    spread = float(logits.std())
    same = "the tables are the network" if gap < 1e-3 * spread else "the tables lack something"
    return (
        f"*Seen here*: over all {logits.shape[0] ** 2:,} pairs the largest difference between a "
        f"logit of the tables and one of the module is {gap:.1g}, where logits have a standard "
        f"deviation of {spread:.3g}: {same}."
    )


COMPARED = {
    "right on all pairs": "accuracy",
    "simple, of live neurons": "share_simple",
    "output led by the input's frequency": "share_same_freq",
    "explained by a cosine a cluster": "votes_explained",
}


def comparison(found: Mapping[str, Battery]) -> str:
    """A few numbers of several networks side by side, a column a network."""
    rows = {"n": [f"{one.n}" for one in found.values()]}
    rows["clusters"] = [f"{len(one.clusters)}" for one in found.values()]
    for label, name in COMPARED.items():
        values = [getattr(one, name) for one in found.values()]
        rows[label] = [_share(value) for value in values]
    errors = [one.median_phase_error for one in found.values()]
    rows["median phase error (turns)"] = ["-" if e is None else f"{e:.3g}" for e in errors]
    lines = [f"| | {' | '.join(found)} |", "|---|" + "---:|" * len(found)]
    lines += [f"| {label} | {' | '.join(values)} |" for label, values in rows.items()]
    return "\n".join(lines).replace(" %", "\u00a0%")
