"""Three neurons and the votes of Zhong et al.'s pizza in ``results/published_pizza``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from modlib.analysis.meso.clusters import mean_vote
from modlib.analysis.meso.pair_clusters import cluster_by_pairs
from modlib.analysis.micro.harmonics import Portrait, portrait
from modlib.errors import StoreError
from modlib.machine import RESULTS
from modlib.models.foreign.load import load_checkpoint
from modlib.models.foreign.network import ForeignNetwork
from modlib.models.foreign.published import PUBLISHED
from modlib.results.folder import open_folder, require_writable, write_folder
from modlib.results.portraits import as_table, from_table
from modlib.results.schemas import portrait_table, votes_table
from modlib.store.folder import provenance

FOLDER = "published_pizza"
SOURCE = "clock-and-pizza/A"
"""The network of paper A's figures 17 and 18."""
PIZZA_N = 59
"""Its modulus."""
TABLES = ("neurons", "votes")
TERMS = {
    "licence": "MIT License, Copyright (c) 2023 Ziqian Zhong",
    "citation": "Zhong, Liu, Tegmark and Andreas, The Clock and the Pizza, NeurIPS 2023",
}


class PublishedPizza(NamedTuple):
    """The strongest neuron of each cluster, largest cluster first; mean votes by frequency.

    A vote is an array (n,) against c - a - b: ``clusters.mean_vote``.
    """

    portraits: list[Portrait]
    votes: dict[int, Float[np.ndarray, " n"]]


def neurons_and_votes(network: ForeignNetwork) -> dict[str, pd.DataFrame]:
    """The strongest neuron of each cluster, and what the cluster votes for.

    ``neurons``: ``portraits.as_table``; ``votes``: ``freq``, ``distance`` (c - a - b modulo n),
    ``vote``.
    """
    found, table, _ = cluster_by_pairs(network.pairs, network.view)
    if not found:
        raise StoreError(f"{network.name} has no cluster, so there is nothing to be written")
    k, neurons, votes = np.arange(network.n), [], []
    for cluster in found:
        neuron = int(table.loc[cluster.neurons].strength.idxmax())
        neurons.append(portrait(network.view, neuron, cluster.freq))
        vote = mean_vote(network.pairs.contribution(cluster.neurons))
        votes.append(pd.DataFrame({"freq": cluster.freq, "distance": k, "vote": vote}))
    return {"neurons": as_table(neurons), "votes": pd.concat(votes)}


def export_published_pizza(results: Path = RESULTS) -> Path:
    """Write the tables of the published weights, which are fetched where they must be.

    Returns the folder. Raises ``StoreError`` without the weights.
    """
    folder, source = results / FOLDER, PUBLISHED[SOURCE]
    require_writable(folder)
    content = {
        "kind": FOLDER,
        "source": {"name": SOURCE, "file": source.file, "sha256": source.sha256, "url": source.url},
        **TERMS,
        **provenance("cpu"),
    }
    write_folder(folder, neurons_and_votes(load_checkpoint(SOURCE)), content)
    return folder


def read_published_pizza(results: Path = RESULTS) -> PublishedPizza | None:
    """What is committed of the published pizza; None where absent.

    Raises ``StoreError`` for a damaged folder and one made of another file.
    """
    folder = open_folder(results / FOLDER, _fits)
    if folder is None:
        return None
    folder.require_files(TABLES)
    tables = folder.tables({"neurons": portrait_table(PIZZA_N), "votes": votes_table(PIZZA_N)})
    freqs = [table.freq.unique().tolist() for table in tables.values()]
    folder.require(None if freqs[0] == freqs[1] else "neurons and votes have other frequencies")
    votes = {
        int(freq): rows.vote.to_numpy(dtype=float)
        for freq, rows in tables["votes"].groupby("freq", sort=False)
    }
    return PublishedPizza(from_table(tables["neurons"]), votes)


def _fits(manifest: Mapping[str, Any]) -> bool:
    """Whether its file is the one that this version knows."""
    source = manifest.get("source")
    return isinstance(source, dict) and source.get("sha256") == PUBLISHED[SOURCE].sha256
