"""Many networks for a chapter: the committed tables, and as many trained now as are asked for.

And what chapters and measures take of such tables: which network has which frequency, neurons
in the window of figure A25, shares of weights and of ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from modlib.analysis.many_seeds import distributions, frequencies
from modlib.config.addition import AdditionConfig
from modlib.config.presets import preset_of
from modlib.config.rules import require_seed
from modlib.errors import require_int
from modlib.machine import resolve_device
from modlib.results.sweeps import SweepTables, among, collect_sweep, read_sweep_export, together
from modlib.store.runs import Store

FIRST_SEED = 1000
"""First seed of all committed sweeps."""
NUM_NEW = 16
"""Networks that are trained where nothing is committed and no number is asked for."""


def many_networks(
    config: AdditionConfig,
    *,
    seed: int = FIRST_SEED,
    num_seeds: int | None = None,
    device: str = "auto",
    progress: bool = True,
) -> SweepTables:
    """Tables of the networks with seeds from ``seed`` on.

    ``num_seeds`` None: all that are committed, and ``NUM_NEW`` where none are. Networks that
    are not committed are taken from the store, or trained now with a progress bar. Histogram
    and ranks, which are committed as sums, stay those of all committed networks.
    """
    seed = require_seed(seed)
    resolve_device(device)
    name = preset_of(config)
    committed = None if name is None else read_sweep_export(name)
    known = set() if committed is None else set(committed.networks.seed.tolist())
    if num_seeds is None and any(other >= seed for other in known):
        wanted = sorted(other for other in known if other >= seed)
    else:
        count = NUM_NEW if num_seeds is None else require_int("num_seeds", num_seeds, at_least=1)
        require_seed(seed + count - 1, "last seed")
        wanted = list(range(seed, seed + count))
    there = [other for other in wanted if other in known]
    missing = [other for other in wanted if other not in known]
    if committed is not None and not missing:
        return among(committed, there)
    # Not at the top: to read what is committed, no trainer is needed.
    from modlib.runs.sweep import sweep

    store = Store()
    new = []
    for block in _runs(missing):
        sweep(config, block, store=store, device=device, progress=progress)
        new.append(collect_sweep(store, config, block))
    return together(new if committed is None or not there else [committed, *new], wanted)


def that_learned(tables: SweepTables) -> SweepTables:
    """The tables' rows of networks that learned."""
    return among(tables, tables.networks.seed[tables.networks.learned].tolist())


def committed(presets: Mapping[str, str]) -> dict[str, SweepTables | None]:
    """Committed tables by the names given to presets; None where a preset has none."""
    return {name: read_sweep_export(preset) for name, preset in presets.items()}


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
    return distributions.summed_shares(tables.ranks, "rank", num_summed(tables))


def _runs(seeds: list[int]) -> list[range]:
    """Ascending seeds as ranges without gaps."""
    cuts = [0, *(np.flatnonzero(np.diff(seeds) != 1) + 1).tolist(), len(seeds)]
    return [
        range(seeds[start], seeds[stop - 1] + 1) for start, stop in pairwise(cuts) if stop > start
    ]
