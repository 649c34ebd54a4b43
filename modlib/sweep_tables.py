"""The tables of thousands of networks, and how tables of several sets become one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

PER_SEED = ("networks", "clusters", "fine_tuning", "window", "weights")
"""Tables with a row for each network, or several; the others are sums over networks."""
NO_WEIGHTS = pd.DataFrame({"seed": np.zeros(0, dtype=np.int64)})
"""The table ``weights`` of networks whose weights over training are not known."""


KEPT_BITS = 11
"""Significant bits of the measurements that an export rounds: those of float16, any exponent."""


def rounded(values: Float[np.ndarray, " row"]) -> Float32[np.ndarray, " row"]:
    """Measurements to ``KEPT_BITS`` significant bits, within one part in 2048."""
    mantissa, exponent = np.frexp(values)
    scale = 2.0**KEPT_BITS
    return np.ldexp(np.round(mantissa * scale) / scale, exponent).astype(np.float32)


class SweepTables(NamedTuple):
    """What is committed of thousands of networks.

    ``networks``, ``clusters``, ``window``: as in ``analysis.census`` (``networks`` with what
    became of the training), without the lists; ``fine_tuning``: the neurons of kind
    ``fine-tuning`` and others that are not told by one frequency, without phases; ``weights``:
    ``training.loop.WEIGHT_HISTORY``, how large the embeddings' weights are over training, without
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


def among(tables: SweepTables, seeds: list[int]) -> SweepTables:
    """The tables' rows of these seeds; sums over networks stay as they are."""
    chosen = {name: getattr(tables, name) for name in PER_SEED}
    return tables._replace(
        **{
            name: table[table.seed.isin(seeds)].reset_index(drop=True)
            for name, table in chosen.items()
        }
    )


def together(parts: list[SweepTables], seeds: list[int]) -> SweepTables:
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
    return among(SweepTables(**tables), seeds)


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
