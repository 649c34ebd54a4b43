"""The tables of thousands of networks: selected, put together, and what figures take of them.

Which network has which frequency, neurons in the window of figure A25, shares of weights and of
ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from modlib.analysis.many_seeds import distributions, frequencies

PER_SEED = ("networks", "clusters", "fine_tuning", "window", "weights")
"""Tables with a row for each network, or several; the others are sums over networks."""
NO_WEIGHTS = pd.DataFrame({"seed": np.zeros(0, dtype=np.int64)})
"""The table ``weights`` of networks whose weights over training are not known."""


class SweepTables(NamedTuple):
    """What is committed of thousands of networks.

    ``networks``, ``clusters``, ``window``: as in ``many_seeds.census`` (``networks`` with what
    became of the training), without the lists; ``fine_tuning``: the neurons of kind
    ``fine-tuning`` and others that are not told by one frequency, without phases; ``weights``:
    ``addition.loop.WEIGHT_HISTORY``, how large the embeddings' weights are over training, without
    rows where a network of the set lacks them. ``histogram``: a row a bin of the embeddings'
    weights, ``centre`` (the outermost bins are open) and ``count`` over networks; ``ranks``: a
    row a rank of the right answer by one cluster's votes, ``rank`` and ``count`` of pairs, over
    clusters. Both apart for networks that ``learned`` and those that did not, with ``sd``, the
    standard deviation of a network's count.
    """

    networks: pd.DataFrame
    clusters: pd.DataFrame
    fine_tuning: pd.DataFrame
    window: pd.DataFrame
    histogram: pd.DataFrame
    ranks: pd.DataFrame
    weights: pd.DataFrame = NO_WEIGHTS


def select(tables: SweepTables, seeds: list[int]) -> SweepTables:
    """The tables' rows of these seeds; sums over networks stay as they are."""
    chosen = {name: getattr(tables, name) for name in PER_SEED}
    return tables._replace(
        **{
            name: table[table.seed.isin(seeds)].reset_index(drop=True)
            for name, table in chosen.items()
        }
    )


def concat(parts: list[SweepTables], seeds: list[int]) -> SweepTables:
    """Tables of several sets of networks in one, sorted by seed, and of these seeds only.

    Sums over networks are those of all. Columns that one of the sets lacks are left out.
    """
    tables = {
        name: pd.concat(
            [getattr(part, name) for part in parts], ignore_index=True, join="inner"
        ).sort_values("seed", kind="stable", ignore_index=True)
        for name in PER_SEED
    }
    if tables["weights"].columns.equals(NO_WEIGHTS.columns):
        tables["weights"] = NO_WEIGHTS
    for name, place in (("histogram", "centre"), ("ranks", "rank")):
        tables[name] = _added(
            [(getattr(part, name), part.networks.learned) for part in parts], place
        )
    return select(SweepTables(**tables), seeds)


def _added(parts: list[tuple[pd.DataFrame, pd.Series]], place: str) -> pd.DataFrame:
    """Sums over networks added up, with the standard deviation over all of them."""
    blocks = []
    for table, learned in parts:
        number = table.learned.map(learned.value_counts()).fillna(0)
        squares = table.sd**2 * (number - 1).clip(lower=0) + table["count"] ** 2 / number
        # Committed tables hold their floats in single precision: bins are the same all the same.
        at = {place: table[place].astype(np.float32)} if table[place].dtype.kind == "f" else {}
        blocks.append(table.assign(number=number, squares=squares.fillna(0.0), **at))
    total = (
        pd.concat(blocks)
        .groupby(["learned", place], as_index=False)[["count", "number", "squares"]]
        .sum()
        .sort_values(["learned", place], ascending=[False, True], ignore_index=True)
    )
    variance = (total.squares - total["count"] ** 2 / total.number) / (total.number - 1)
    total["sd"] = np.sqrt(variance.clip(lower=0.0)).fillna(0.0)
    return total[["learned", place, "count", "sd"]]


def that_learned(tables: SweepTables) -> SweepTables:
    """The tables' rows of networks that learned."""
    return select(tables, tables.networks.seed[tables.networks.learned].tolist())


def comparable(sets: Mapping[str, SweepTables | None]) -> dict[str, SweepTables]:
    """The networks that learned of those sets that have two of them: one has no interval."""
    learned = {name: that_learned(tables) for name, tables in sets.items() if tables is not None}
    return {name: tables for name, tables in learned.items() if len(tables.networks) > 1}


def modulus(tables: SweepTables) -> int:
    """The n of the networks."""
    return int(tables.networks.n.iloc[0])


def presence(tables: SweepTables) -> Bool[np.ndarray, "seed freq"]:
    """Which network has a cluster at which frequency: ``frequencies.presence``."""
    return frequencies.presence(tables.clusters, tables.networks.seed.tolist(), modulus(tables))


def window(tables: SweepTables, column: str) -> Float[np.ndarray, "seed freq"]:
    """Each network's neurons in the window of figure A25, by frequency.

    ``column``: ``num_neurons`` or ``num_fine_tuning``.
    """
    seeds = tables.networks.seed.tolist()
    return frequencies.counts_by_freq(tables.window, column, seeds, modulus(tables))


def tuned_neurons(tables: SweepTables) -> pd.DataFrame:
    """The fine-tuning neurons, those of the 3f shape left out."""
    return tables.fine_tuning[tables.fine_tuning.kind == "fine-tuning"]


def num_summed(tables: SweepTables, *, learned: bool = True) -> int:
    """How many networks the histogram and the ranks are sums over."""
    size = int(tables.networks.num_weights.iloc[0])
    return distributions.num_summed(tables.histogram, size, learned=learned)


def weight_shares(tables: SweepTables, *, learned: bool = True) -> pd.DataFrame:
    """Share of the embedding weights in each bin: ``centre``, ``share``, ``low``, ``high``."""
    number = num_summed(tables, learned=learned)
    return distributions.summed_shares(tables.histogram, "centre", number, learned=learned)


def rank_shares(tables: SweepTables) -> pd.DataFrame:
    """Share of pairs by the rank of the right answer: ``rank``, ``share``, ``low``, ``high``."""
    learned = tables.networks[tables.networks.learned]
    # Each cluster ranks the answers of all pairs, and networks differ in their clusters.
    ranked = learned.num_clusters * learned.n**2
    total_sd = float(ranked.std(ddof=0)) if len(ranked) else 0.0
    return distributions.summed_shares(tables.ranks, "rank", num_summed(tables), total_sd=total_sd)
