"""Sentences of chapter 03."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Complex, Float

from modlib.analysis.meso.clusters import Clustering
from modlib.analysis.micro.embeddings import (
    CIRCULAR_BELOW,
    Components,
    axes_ratio,
    frequencies_needed,
    half_turn,
    pooled_shares,
    projections,
)
from modlib.chapters.words import count, listed, percent


def room_for(freqs: Sequence[int], n: int) -> int:
    """Dimensions that these frequencies can fill: two each, one for n / 2."""
    return sum(1 if 2 * freq == n else 2 for freq in set(freqs))


def about_dimensions(
    shares: Mapping[str, Float[np.ndarray, " component"]], clustering: Clustering, n: int
) -> str:
    """How much of each network's variance fits into the room that the clusters' frequencies have.

    ``shares``: variance by component, all components, by network; the first is the run itself.
    """
    needed = [
        f"{name} {int((np.cumsum(share) < 0.95 - 1e-9).sum()) + 1}"
        for name, share in shares.items()
    ]
    text = f"*Seen here*: components needed for 95 % of the variance: {listed(needed)}."
    freqs = [cluster.freq for cluster in clustering.clusters]
    if not freqs:
        return f"{text} This network has no cluster, so nothing says how many to expect."
    room = room_for(freqs, n)
    held = [f"{percent(float(share[:room].sum()))} ({name})" for name, share in shares.items()]
    return (
        f"{text} A circle takes two dimensions; the clusters of this network listen to "
        f"{count(len(freqs), 'frequency', 'frequencies')} (f = {listed(freqs)}), which can fill "
        f"{room}. The first {room} components hold {listed(held)}."
    )


def _named(table: pd.DataFrame) -> str:
    pairs = zip(table["first"] + 1, table["second"] + 1, strict=True)
    return listed([f"({i}, {j})" for i, j in pairs])


def about_pairs(components: Components, table: pd.DataFrame, drawn: Sequence[tuple]) -> str:
    """Which of the drawn pairs share a frequency, and how pure their components are.

    ``table``: rows of ``component_pairs``; ``drawn``: the pairs in the figure.
    """
    pairs = set(drawn)
    chosen = [(i, j) in pairs for i, j in zip(table["first"], table["second"], strict=True)]
    shown = table[chosen]
    same, circular = shown[shown.same_freq], shown[shown.circular]
    text = f"*Seen here*: of the {count(len(shown), 'pair')} drawn, "
    if same.empty:
        text += "none has two components of one and the same frequency"
    else:
        verb = "has" if len(same) == 1 else "have"
        text += f"{_named(same)} {verb} one frequency by the spectra"
    if set(same.index) == set(circular.index):
        also = "it is circular as well" if len(same) == 1 else "the same are circular"
        text += f"; {also}." if len(same) else ", and none is circular."
    else:
        text += f"; circular by position: {_named(circular)}."
    used = sorted({i for pair in drawn for i in pair})
    leading = components.spectra[used].max(1)
    least = used[int(leading.argmin())]
    return (
        f"{text} One cosine holds {percent(float(leading.mean()))} of a component's power on "
        f"average; the least pure of them is PC{least + 1} with {percent(float(leading.min()))}."
    )


def about_agreement(
    components: Mapping[str, Components], tables: Mapping[str, pd.DataFrame]
) -> str:
    """Spectra against ellipses, pair by pair, for each network; what empty agreement is worth.

    ``tables``: ``component_pairs`` of the components.
    """
    lines = [
        "| network | pairs | both | neither | spectra only | ellipse only |",
        "|---|---|---|---|---|---|",
    ]
    notes = []
    for name, table in tables.items():
        same, circular = table.same_freq, table.circular
        counts = (
            len(table),
            (same & circular).sum(),
            (~same & ~circular).sum(),
            (same & ~circular).sum(),
            (~same & circular).sum(),
        )
        lines.append(f"| {name} | " + " | ".join(str(int(number)) for number in counts) + " |")
        notes += [_disagreement(name, components[name], table)]
    empty = [name for name, t in tables.items() if not (t.same_freq | t.circular).any()]
    if empty:
        notes.append(
            f"Where nothing is circular ({listed(empty)}) the two agree on every pair and it means "
            "nothing: read the column *both*, not the share of agreement."
        )
    return "\n".join(lines) + "\n\n" + " ".join(note for note in notes if note)


def _disagreement(name: str, components: Components, table: pd.DataFrame) -> str:
    odd = table[table.same_freq != table.circular]
    if odd.empty:
        return ""
    leading = components.spectra.max(1)
    least = [float(leading[[i, j]].min()) for i, j in zip(odd["first"], odd["second"], strict=True)]
    return (
        f"In the {name} network the two disagree on {_named(odd)}: spread "
        f"{listed([f'{spread:.2f}' for spread in odd.radius_spread])} (the line is at "
        f"{CIRCULAR_BELOW}), where the less pure component holds "
        f"{listed([percent(share) for share in least])} of its power at its own frequency."
    )


def about_cosets(table: pd.DataFrame, n: int) -> str:
    """Which leading frequencies have exact cosets, and how exact they are.

    ``table``: see ``analysis.micro.embeddings.coset_table``.
    """
    exact = table[table.coset_size > 1]
    if table.empty:
        return (
            "*Seen here*: no component is told by one frequency, so there are no positions that "
            "cosets could share."
        )
    if exact.empty:
        why = f"{n} is prime" if _is_prime(n) else f"gcd(f, {n}) = 1"
        told = count(len(table), "frequency", "frequencies")
        return (
            f"*Seen here*: none. The leading components are told by {told} "
            f"(f = {listed(list(table.freq))}), and {why}: no two inputs share a position, and all "
            "cosets of this figure are approximate."
        )
    parts = []
    for row in exact.itertuples():
        names = listed([f"PC{component + 1}" for component in row.components])
        parts.append(
            f"gcd({row.freq}, {n}) = {row.coset_size}, so {names} can have {row.positions} "
            f"positions of {row.coset_size} points each; a point's distance from the middle of its "
            f"coset is {percent(row.spread)} of its distance from the centre of all, where points "
            f"placed independently would have {percent(row.by_chance)}"
        )
    return f"*Seen here*: {'; '.join(parts)}."


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def about_half_turn(components: Components) -> str:
    """For even n: where the two pairs of one answer stand; empty for odd n."""
    n = components.scores.shape[0]
    if n % 2:
        return ""
    turned = half_turn(components.scores)
    even = [i for i, freq in enumerate(components.freqs) if freq % 2 == 0]
    odd = [i for i, freq in enumerate(components.freqs) if freq % 2]
    parts = []
    for name, chosen, place in (("even", even, "together"), ("odd", odd, "opposite each other")):
        if chosen:
            parts.append(
                f"{place} in components of {name} frequency (correlation "
                f"{float(turned[chosen].mean()):.2f})"
            )
    return (
        f"*n is even*: (k, k) and (k + {n // 2}, k + {n // 2}) have the same answer, 2 k. They "
        f"stand {listed(parts)}. Points here are inputs, not answers, and the embedding has not "
        "put equal answers in one place."
    )


def about_coordinates(
    coordinates: Complex[np.ndarray, " signal"],
    embedding: Float[np.ndarray, "n embed"],
    preacts: Float[np.ndarray, "member n"],
) -> str:
    """What one coordinate and one neuron hold: number of frequencies, size, direction.

    ``coordinates``: ``projections`` of the coordinates at the frequency drawn; ``preacts``: of
    the neurons beside them.
    """
    size = np.abs(coordinates)
    low, high = np.quantile(size, [0.05, 0.95])
    angle = np.degrees(np.angle(coordinates)) % 90
    from_axis = float(np.average(np.minimum(angle, 90 - angle), weights=size))
    where = (
        "all on one axis, because the frequency n/2 has no sine"
        if not np.abs(coordinates.imag).max() > 1e-9 * size.max()
        else f"in directions that are on average {from_axis:.0f} degrees from the nearest axis, "
        "weighted by amplitude (22.5 if all directions are alike, 0 if they held cosine and sine "
        "themselves)"
    )
    heard = count(int(np.median(frequencies_needed(embedding.T))), "frequency", "frequencies")
    text = (
        f"*Seen here*: the {len(size)} coordinates hold this frequency with amplitudes between "
        f"{low:.2f} and {high:.2f} (5 to 95 %), {where}. A coordinate needs {heard} for 90 % of "
        "its power"
    )
    if not len(preacts):
        return f"{text}."
    single = count(int(np.median(frequencies_needed(preacts))), "frequency", "frequencies")
    return f"{text}, a neuron of the cluster {single} (medians)."


def about_axes(
    embeddings: Mapping[str, Float[np.ndarray, "n embed"]], clustering: Clustering
) -> str:
    """Each cluster's share of the embedding and the shape of its orbit, beside the controls.

    ``embeddings``: by network, the first is the run itself.
    """
    names = list(embeddings)
    own, n = embeddings[names[0]], embeddings[names[0]].shape[0]
    if not clustering.clusters:
        return "*Seen here*: there is no cluster whose frequency we could look up in the embedding."
    share = {name: pooled_shares(embedding) for name, embedding in embeddings.items()}
    lines = [
        "| f | neurons | share of the embedding's variance | shorter axis / longer axis |",
        "|---|---|---|---|",
    ]
    for cluster in clustering.clusters:
        ratio = axes_ratio(projections(own.T, cluster.freq))
        shown = "one axis only (n/2)" if 2 * cluster.freq == n else f"{ratio:.2f}"
        lines.append(
            f"| {cluster.freq} | {cluster.num_neurons} | "
            f"{percent(float(share[names[0]][cluster.freq]))} | {shown} |"
        )
    freqs = sorted({cluster.freq for cluster in clustering.clusters})
    held, parts = {name: float(share[name][freqs].sum()) for name in names}, []
    for name in names[1:]:
        ratios = [axes_ratio(projections(embeddings[name].T, f)) for f in freqs if 2 * f != n]
        shape = f", axes {_between(ratios)}" if ratios else ""
        parts.append(f"{name} {percent(held[name])}{shape}")
    text = "\n".join(lines) + (
        f"\n\nTogether {percent(held[names[0]])} of the variance. The same frequencies in the "
        f"controls: {'; '.join(parts)}. Two random directions among {own.shape[1]} coordinates are "
        "almost perpendicular and equally long too, so a round orbit alone is no evidence"
    )
    most = max((held[name] for name in names[1:]), default=0.0)
    if held[names[0]] >= max(0.5, 1.5 * most):
        return f"{text}; that little else is left is."
    return f"{text}, and here the share of these frequencies is none either."


def _between(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"
