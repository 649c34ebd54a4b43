"""What the battery found in a network, as a page: for the command line and chapter 15."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from modlib.analysis.any_network import Told
from modlib.analysis.battery_numbers import Battery, share_name
from modlib.analysis.meso.keep_only import Kept
from modlib.analysis.micro.neurons import KINDS
from modlib.chapters.words import TINY, percent

WIDTH = 88
"""Columns of the printed page."""
MAX_LISTED = 12
"""Frequencies that it names in one line."""
COLUMNS = (
    *("f", "neurons", "kind", "coset", "step", "period"),
    *("A", "fit", "of sum", "first", "rank"),
)
"""What it says of a cluster."""


def headline(found: Battery | Told) -> str:
    """Whether it solves its task, in one line."""
    task = found.task
    named, total = task.name, found.n**2
    if found.solves:
        right = round(found.accuracy * total)
        return f"solves {named} on {'all ' if right == total else f'{right} of '}{total} pairs"
    if task.holds:
        return f"has begun {named}: right on {_share(found.accuracy)} of pairs; does NOT solve it"
    return (
        f"does NOT solve {named}: right on {_share(found.accuracy)} of pairs "
        f"(chance {_share(1 / found.n)}); analysed all the same"
    )


def about_task(found: Battery | Told) -> str:
    """How the task was decided, and by how much."""
    task = found.task
    others = [name for name in task.tried if name != task.name and "permuted" not in name][:2]
    tried = ", ".join(f"{name}: {_share(task.tried[name])}" for name in others)
    if not task.holds:
        return (
            f"Task not decided: of {len(task.tried)} tasks tried none is beyond chance (best: "
            f"{tried}). Told as a + b."
        )
    beyond = "" if task.deviations is None else f", {task.deviations:.0f} deviations above chance"
    text = (
        f"Task decided by its answers: {task.name} is right on {_share(task.tried[task.name])}"
        f"{beyond}; of {len(task.tried)} tried the next are {tried}."
    )
    if task.name == f"a + b mod {found.n}":
        return text
    return text + (
        f" All below is in coordinates in which it is addition modulo {found.n}."
        if found.as_addition
        else " It is no addition: what is below is told of a + b."
    )


def kept_line(kept: Kept) -> str:
    """The fewest clusters that keep what the network knows."""
    freqs = ", ".join(map(str, kept.freqs)) or "none"
    return _wrapped(
        f"KEEP ONLY: f = {freqs}: right on {_share(kept.accuracy)} of pairs without any other "
        f"neuron ({_share(kept.accuracy_all)} with all)."
    )


def as_page(found: Battery) -> str:
    """All of it as a page of ``WIDTH`` columns, the verdict on top."""
    rate = "" if found.attention_rate is None else f", attention rate {found.attention_rate:g}"
    blocks = [
        f"{found.name}\n{headline(found)}",
        _rows(
            {
                "layout": f"{found.layout}{rate}",
                "accuracy": f"{_share(found.accuracy)} of {found.n**2} pairs",
                "logits are of": ", ".join(
                    f"{key} {_share(share)}" for key, share in found.task.function_of.items()
                )
                + " of their variance",
                "loss": f"{found.loss:.3g} nats",
                "smallest margin": f"{found.margin:.3g} logits",
                "parameter norm": _plain(found.norm, ".3f"),
                "direct path": (
                    "-"
                    if found.share_direct is None
                    else f"{_share(found.share_direct)} of the logits' variance"
                ),
                "distance irrelevance": _plain(found.distance_irrelevance, ".4f"),
                "gradient symmetricity": _plain(found.gradient_symmetricity, ".4f")
                if found.gradient_symmetricity is not None
                else "- (--gradients, where both inputs share an embedding)",
                "circularity": _plain(found.circularity, ".4f"),
            }
        ),
        *(_wrapped(note) for note in [about_task(found), *found.notes, *_about_view(found)]),
        f"NEURONS: {found.num_live} of {found.num_neurons} live, {found.num_loose} of these in no "
        "cluster",
        _rows(
            {
                "kinds of live": _kinds(found),
                "all by frequency": _counted(found.neurons_by_freq),
                **_of_pairs(found),
                "output led by it": _share(found.share_same_freq),
                "phase error": _plain(
                    found.median_phase_error, ".4f", " turns in the median (chance .25)"
                ),
                "|ln r_a / r_b|": _plain(found.median_log_ratio, ".4f", " in the median"),
            }
        ),
        f"CLUSTERS: {len(found.clusters) or 'none'}",
    ]
    if found.clusters:
        explained = _share(found.votes_explained)
        best_wrong = len(found.clusters) * (1 - (found.separation or 0.0))
        blocks += [
            _cluster_lines(found),
            _wrapped(
                f"One cosine a cluster explains {explained} of the variance of the summed votes. "
                f"With equal amplitudes the best wrong answer would get {best_wrong:.2f} votes "
                f"where the right one gets {len(found.clusters)}."
            ),
            _wrapped(
                f"These cosines explain {_share(found.logits_explained)} of the logits' "
                "variance over answers; where each neuron says what another says, "
                f"{_share(found.logits_explained_shuffled)}."
            ),
            _wrapped(
                "A: amplitude of A cos(2 pi f (c - a - b) / n) in logits; fit: what it explains of "
                "the cluster's own votes; of sum: of all votes; first, rank: how often the cluster "
                "alone puts the right answer first, and how many answers it puts before it."
            ),
        ]
    return "\n\n".join(blocks)


def told_page(name: str, read_as: str, found: Told, notes: Sequence[str]) -> str:
    """The page of a network that was asked as a function, its neurons heard over pairs."""
    shares = found.task.function_of.items()
    blocks = [
        f"{name}\n{headline(found)}",
        _rows(
            {
                "read as": read_as,
                "accuracy": f"{_share(found.accuracy)} of {found.n**2} pairs",
                "logits are of": ", ".join(f"{key} {_share(share)}" for key, share in shares)
                + " of their variance",
                "smallest margin": f"{found.margin:.3g} logits",
                "logits by frequency": ", ".join(
                    f"({f}, {g}) {_share(share)}" for f, g, share in strongest_cells(found)
                )
                + " of their variance at (f of a, f of b)",
            }
        ),
        *(_wrapped(note) for note in [about_task(found), *notes]),
    ]
    clusters = found.clusters or []
    rows = [
        (
            str(cluster.freq),
            str(len(cluster.neurons)),
            f"exact, {cluster.coset.size}" if cluster.coset.exact else "approximate",
            str(cluster.coset.step),
            f"{cluster.coset.period:.2f}",
            _share(cluster.accuracy_without),
        )
        for cluster in clusters
    ]
    blocks.append(f"CLUSTERS: {len(clusters) or 'none'}, by what neurons say over pairs")
    if rows:
        blocks += [
            _lines(("f", "neurons", "coset", "step", "period", "right without"), rows),
            _wrapped("right without: share of pairs that are right with the cluster silenced."),
        ]
    return "\n\n".join(blocks)


def strongest_cells(found: Told, most: int = 4) -> list[tuple[int, int, float]]:
    """The frequencies of a and of b, up to sign, at which most of the logits' variance lies."""
    n = found.n
    power: dict[tuple[int, int], float] = {}
    for f, g in np.ndindex(n, n):
        cell = min((f, g), (-f % n, -g % n))
        power[cell] = power.get(cell, 0.0) + float(found.spectrum[f, g])
    strongest = sorted(power.items(), key=lambda item: -item[1])[:most]
    return [(f, g if 2 * g <= n else g - n, share) for (f, g), share in strongest]


def _about_view(found: Battery) -> list[str]:
    if found.exact:
        return []
    return [
        "Kinds and phases below are those of that sum, which alone is right on "
        f"{_share(found.accuracy_additive)} of pairs; clusters, amplitudes, fits and ranks are "
        "those of the activations over pairs, the network's own."
    ]


def _of_pairs(found: Battery) -> dict[str, str]:
    if found.neurons_by_pair_freq is None:
        return {}
    return {"by pairs of inputs": _counted(found.neurons_by_pair_freq)}


def _kinds(found: Battery) -> str:
    """The kinds that there are, with their share of the live neurons."""
    shares = {kind: getattr(found, share_name(kind)) for kind in KINDS if kind != "dead"}
    return ", ".join(f"{kind} {_share(share)}" for kind, share in shares.items() if share) or "-"


def _counted(neurons_by_freq: dict[int, int]) -> str:
    """Frequencies and how many neurons each leads, the most common ones first."""
    ordered = sorted(neurons_by_freq.items(), key=lambda item: (-item[1], item[0]))
    text = ", ".join(f"{freq}: {count}" for freq, count in ordered[:MAX_LISTED])
    rest = len(ordered) - MAX_LISTED
    return (text or "-") + (f" and {rest} more" if rest > 0 else "")


def _cluster_lines(found: Battery) -> str:
    rows = [
        (
            str(cluster.freq),
            str(cluster.num_neurons),
            cluster.kind,
            f"exact, {cluster.coset.size}" if cluster.coset.exact else "approximate",
            str(cluster.coset.step),
            f"{cluster.coset.period:.2f}",
            f"{cluster.amplitude:.2f}",
            _share(cluster.explained),
            _share(cluster.share_of_votes),
            _share(cluster.share_rank_0),
            f"{cluster.mean_rank:.1f}",
        )
        for cluster in found.clusters
    ]
    return _lines(COLUMNS, rows)


def _lines(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table, its columns as wide as what they hold."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    left = {"kind", "coset"}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if name in left else cell.rjust(width)
            for name, cell, width in zip(columns, row, widths, strict=True)
        ).rstrip()
        for row in (columns, *rows)
    )


def _rows(named: dict[str, str]) -> str:
    """A line a name; what is too long goes on below its beginning."""
    return "\n".join(
        f"  {name:<22}{_wrapped(text, indent=24).lstrip()}" for name, text in named.items()
    )


def _wrapped(text: str, indent: int = 0) -> str:
    """Lines of at most ``WIDTH`` columns; a number keeps its unit beside it."""
    margin = " " * indent
    kept = text.replace(" %", "\u00a0%")
    lines = textwrap.fill(kept, WIDTH, initial_indent=margin, subsequent_indent=margin)
    return lines.replace("\u00a0", " ")


def _plain(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"


def _share(share: float | None) -> str:
    if share is None:
        return "-"
    return f"<{percent(TINY)}" if 0 < share < TINY else percent(share)
