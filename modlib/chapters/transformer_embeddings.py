"""Sentences of chapter 12: positions, directions and frequencies of the embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from modlib.analysis.remainders.token_embeddings import (
    InBasis,
    Periodogram,
    Positions,
    Spread,
    Vectors,
)
from modlib.chapters.words import count, listed, percent

COLUMNS = {
    "position_correlation": ("correlation of positions", 2),
    "components_50": ("components for 50 %", 1),
    "components_90": ("for 90 %", 1),
    "basis_90": ("basis vectors for 90 %", 1),
    "effective_frequencies": ("effective number of frequencies", 1),
    "vector_share": ("a singular vector's share at one frequency", 2),
}
"""Numbers of ``describe_embeddings`` that are tabled, with their decimals."""
SMALLEST = 4
"""Moduli whose power is said one by one."""


def about_positions(found: Mapping[str, Positions]) -> str:
    """Correlation, common part and difference of the two places, a row a network."""
    lines = [
        "| network | correlation | common part | difference |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {r:+.2f} | {common:.3f} | {difference:.3f} |"
        for name, (r, common, difference) in found.items()
    ]
    return "\n".join(lines)


def about_spread(spreads: Mapping[str, Spread]) -> str:
    """Components for half and nine tenths, both ways of counting, beside the untrained network."""
    lines = [
        "| network | 50 % of the variance | 90 % | 50 % of the sum, as coded | 90 % | of |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, found in spreads.items():
        cells = " | ".join(str(mark) for mark in (*found.variance, *found.coded))
        lines.append(f"| {name} | {cells} | {len(found.values)} |")
    bare = {len(s.values): s.variance[0] for n, s in spreads.items() if n.startswith("untrained")}
    parts = [
        f"{name}: {found.variance[0]} against {bare[len(found.values)]}"
        for name, found in spreads.items()
        if len(found.values) in bare and not name.startswith("untrained")
    ]
    if parts:
        lines.append(
            "\n*Seen here*, components for half of the variance against those of an untrained "
            f"network: {'; '.join(parts)}. As many as without training are no sign of a task."
        )
    return "\n".join(lines)


def about_vectors(networks: Mapping[str, Vectors]) -> str:
    """How many vectors make half of the variance and how periodic they are."""
    parts = []
    for name, (vectors, spectra) in networks.items():
        freqs = sorted(set((1 + spectra[:, 1:].argmax(1)).tolist()))
        share = percent(float(spectra[:, 1:].max(1).mean()))
        parts.append(
            f"{name}: {count(len(vectors), 'vector')}, on average {share} of a vector's power at "
            f"its strongest frequency ({_few(freqs)})"
        )
    return f"*Seen here*. {'. '.join(parts)}."


def _few(freqs: Sequence[int], most: int = 8) -> str:
    if len(freqs) <= most:
        return f"f = {listed(freqs)}"
    return f"{len(freqs)} different ones"


def about_basis(found: InBasis, fewest: int, name: str) -> str:
    """How many Fourier basis vectors hold the power, and the cells as coded."""
    total = len(found.power)
    strongest = 1 + np.argsort(found.power)[::-1][:5] // 2
    freqs = sorted(set(strongest.tolist()))
    return (
        f"*{name}*: {fewest} of {total} basis vectors hold 90 % of the power; the five strongest, "
        f"at f = {listed(freqs)}, hold {percent(float(np.sort(found.power)[::-1][:5].sum()))}. As "
        f"coded {percent(float(found.active.mean()))} of the cells are active."
    )


def about_periodograms(found: Mapping[str, Periodogram]) -> str:
    """Where each periodogram is highest."""
    parts = [
        f"{name}: {power.max():.1f} times the mean, at {freq[power.argmax()]:.3f}"
        for name, (freq, power) in found.items()
    ]
    return f"*Seen here*, the highest points. {'; '.join(parts)}."


def about_prime_power(
    panels: Mapping[str, tuple[Int[np.ndarray, " task"], Mapping[str, Float[np.ndarray, " task"]]]],
) -> str:
    """Power at the frequencies of the smallest moduli and the range at the others."""
    parts = []
    for qs, powers in panels.values():
        for name, power in powers.items():
            values = ", ".join(
                f"{power[i]:.2f} (q = {qs[i]})" for i in range(min(SMALLEST, len(qs)))
            )
            rest = power[SMALLEST:]
            beyond = f", beyond them {rest.min():.2f} to {rest.max():.2f}" if len(rest) else ""
            parts.append(f"{name}: {values}{beyond}")
    return f"*Seen here*. {'; '.join(parts)}."


def seeds_table(networks: Mapping[str, pd.DataFrame]) -> str:
    """Mean and range over seeds of the embeddings' numbers, a row a preset."""
    if not networks:
        return "No tables of several seeds are committed."
    heads = [title for title, _ in COLUMNS.values()]
    lines = [
        f"| preset | seeds | {' | '.join(heads)} |",
        "|---|---:|" + "---:|" * len(heads),
    ]
    for name, table in networks.items():
        cells = [_range(table[column], digits) for column, (_, digits) in COLUMNS.items()]
        lines.append(f"| {name} | {len(table)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def positions_by_seed(networks: Mapping[str, pd.DataFrame]) -> str:
    """The correlation of the places, seed by seed."""
    parts = []
    for name, table in networks.items():
        values = ", ".join(f"{value:+.2f}" for value in table.position_correlation)
        parts.append(f"{name} {values}")
    if not parts:
        return ""
    return (
        f"*Seen here*, correlation of the places seed by seed: {'; '.join(parts)}. Where seeds "
        "differ in sign, it tells more about the network than about the task."
    )


def _range(values: pd.Series, digits: int) -> str:
    mean = f"{values.mean():.{digits}f}"
    if len(values) < 2:
        return mean
    return f"{mean} ({values.min():.{digits}f} to {values.max():.{digits}f})"
