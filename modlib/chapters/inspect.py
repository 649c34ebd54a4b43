"""``modlib.inspect``: the battery on anyone's file, as an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from modlib import plots
from modlib.analysis.battery import Understood, clusters_of, measure, understood
from modlib.analysis.battery_numbers import Battery
from modlib.analysis.macro.crt import MAX_CLUSTERS, example_pairs, votes_at
from modlib.analysis.meso.clusters import Clustering
from modlib.analysis.meso.keep_only import Kept, smallest_set
from modlib.analysis.micro.neurons import input_magnitude, is_live, power_shares
from modlib.chapters.battery_page import as_page
from modlib.chapters.execute import execute
from modlib.errors import InputError, require_choice
from modlib.models.foreign.load import load_checkpoint, num_networks

FIGURES = ("clusters", "dfts", "neurons", "votes")


class Inspection:
    """What the battery finds in a network; it prints as the page of ``python -m modlib show``."""

    def __init__(self, source: str, options: Mapping[str, object], known: Understood) -> None:
        self.source, self.options, self.known = source, options, known

    @cached_property
    def battery(self) -> Battery:
        """All numbers."""
        return measure(self.known)

    @cached_property
    def clustering(self) -> Clustering:
        """Clusters and the table of neurons."""
        return clusters_of(self.known.network)

    @property
    def accuracy(self) -> float:
        """Over all pairs of its task."""
        return self.battery.accuracy

    @property
    def task(self) -> str:
        """Its task, told from its answers."""
        return self.battery.task.name

    @property
    def clusters(self) -> pd.DataFrame:
        """A row a cluster."""
        rows = [asdict(cluster) for cluster in self.battery.clusters]
        return pd.json_normalize(rows, sep="_") if rows else pd.DataFrame()

    @property
    def neurons(self) -> pd.DataFrame:
        """A row a neuron (``neuron_table``)."""
        return self.clustering.table

    @property
    def spectra(self) -> pd.DataFrame:
        """A row a neuron, a column a frequency: its share of the power that it hears."""
        shares = power_shares(self.known.network.view)
        return pd.DataFrame(shares, columns=[f"f{freq}" for freq in range(shares.shape[1])])

    def keep_only(self) -> Kept:
        """The smallest set of clusters that keeps 99 % of the accuracy."""
        return smallest_set(self.known.network.whole, self.clustering.clusters)

    def figure(self, name: str) -> Figure:
        """``clusters``: spectra by cluster; ``dfts``; ``neurons``: the test for simple ones;
        ``votes``: at three pairs."""
        require_choice("figure", name, FIGURES)
        network, clustering = self.known.network, self.clustering
        if name == "clusters":
            return plots.spectra_heatmap(power_shares(network.view), clustering)
        if name == "dfts":
            return plots.cluster_dfts(input_magnitude(network.view), clustering.clusters[:9])
        if name == "neurons":
            return plots.simple_test(self.neurons[is_live(self.neurons)], network.n)
        pairs = example_pairs(np.ones((network.n, network.n), dtype=bool), 3, 0)
        shown = clustering.clusters[:MAX_CLUSTERS]
        return plots.cluster_votes(votes_at(network.whole, shown, pairs), shown, pairs)

    def report(self, path: str | Path) -> None:
        """Chapter 15 on this network, executed, as a notebook."""
        execute("15_your_checkpoint", {"checkpoint": self.source, **self.options}, Path(path))

    def write_tables(self, folder: str | Path) -> list[Path]:
        """Neurons, clusters and spectra as files of comma-separated values in a folder."""
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tables = {"neurons": self.neurons, "clusters": self.clusters, "spectra": self.spectra}
            for name, table in tables.items():
                table.to_csv(folder / f"{name}.csv", index=False)
        except OSError as error:
            raise InputError(
                "csv", f"be a folder to write in ({error.strerror})", str(folder)
            ) from None
        return [folder / f"{name}.csv" for name in tables]

    def __repr__(self) -> str:
        return as_page(self.battery)


def inspect(
    source: str | Path,
    *,
    layout: str | None = None,
    attention_rate: float | None = None,
    activation: str | None = None,
    member: int | None = None,
) -> Inspection:
    """The battery on a file, or on published weights by name; ``FILE:INDEX``: one of many.

    Nothing in the file is run. Raises as ``load_checkpoint`` does.
    """
    options = {"layout": layout, "attention_rate": attention_rate, "activation": activation}
    network = load_checkpoint(
        source,
        layout=layout,
        attention_rate=attention_rate,
        activation=activation,
        member=member,
    )
    numbered = str(source) if member is None else f"{source}:{member}"
    return Inspection(numbered, options, understood(network))


ALONG = ("index", "task", "accuracy", "loss", "clusters", "logits explained")


def along_training(source: str, step: int, **options: Any) -> pd.DataFrame:
    """A row a checkpoint, each ``step``-th of a file's: what the battery says of it (``ALONG``).

    ``options``: as for ``inspect``. Raises ``InputError`` for a file with one network.
    """
    rows = []
    count = num_networks(source)
    for index in tqdm(range(0, count, step), desc="checkpoints", disable=None, leave=False):
        found = inspect(source, member=index, **options).battery
        freqs = " ".join(str(cluster.freq) for cluster in found.clusters)
        share = found.logits_explained or 0.0
        rows.append((index, found.task.name, found.accuracy, found.loss, freqs, share))
    return pd.DataFrame(rows, columns=list(ALONG))
