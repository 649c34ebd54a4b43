"""``modlib.inspect``: the battery on anyone's file, as an object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from modlib.analysis import any_network
from modlib.analysis.any_network import Told
from modlib.analysis.battery import Understood, clusters_of, measure, understood
from modlib.analysis.battery_numbers import Battery
from modlib.analysis.macro.crt import MAX_CLUSTERS, example_pairs, votes_at
from modlib.analysis.meso.clusters import Clustering
from modlib.analysis.meso.keep_only import Kept, smallest_set
from modlib.analysis.micro.neurons import input_magnitude, is_live, power_shares
from modlib.chapters.battery_page import as_page, told_page
from modlib.chapters.execute import execute
from modlib.edge import public
from modlib.errors import InputError, require_choice
from modlib.models.foreign.blocks import LAYOUT, Blocks
from modlib.models.foreign.load import load_blocks, load_checkpoint, num_networks
from modlib.models.foreign.network import ForeignNetwork
from modlib.progress import Bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
        from modlib import plots  # not at the top: the page is told without

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
        tables = {"neurons": self.neurons, "clusters": self.clusters, "spectra": self.spectra}
        with _writing(folder) as made:
            for name, table in tables.items():
                table.to_csv(made / f"{name}.csv", index=False)
        return [made / f"{name}.csv" for name in tables]

    def __repr__(self) -> str:
        return as_page(self.battery)


class Asked:
    """What a network of several blocks, or with LayerNorm, tells when it is asked as a function.

    It prints as the page of ``python -m modlib show``.
    """

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks

    @cached_property
    def told(self) -> Told:
        """All numbers; each cluster is silenced once."""
        of = self.blocks
        return any_network.battery(of.answers, of.activations, n=of.n, without=of.without)

    @property
    def accuracy(self) -> float:
        """Over all pairs of its task."""
        return self.told.accuracy

    @property
    def task(self) -> str:
        """Its task, told from its answers."""
        return self.told.task.name

    @property
    def clusters(self) -> pd.DataFrame:
        """A row a cluster."""
        rows = [asdict(cluster) for cluster in self.told.clusters or []]
        return pd.json_normalize(rows, sep="_") if rows else pd.DataFrame()

    def as_dict(self) -> dict[str, Any]:
        """All of it as dictionaries and lists, fit for JSON."""
        arrays = {"spectrum": self.told.spectrum.tolist()}
        clusters = [
            asdict(one) | {"neurons": one.neurons.tolist()} for one in self.told.clusters or []
        ]
        plain = {"name": self.blocks.name, "layout": LAYOUT, "notes": [*self.blocks.notes]}
        return plain | asdict(self.told) | arrays | {"clusters": clusters}

    def __repr__(self) -> str:
        of = self.blocks
        norm = {"none": "", "layer": ", LayerNorm", "rms": ", RMS norm"}[of.reading.norm]
        read_as = (
            f"{of.num_blocks} block{'s' * (of.num_blocks > 1)}{norm}, {of.reading.activation}, "
            f"{of.num_neurons} neurons"
        )
        how = "It was asked as a function: neurons are heard at the last token, those of all blocks"
        return told_page(of.name, read_as, self.told, [f"{how} together.", *of.notes])


@public
def inspect(
    source: str | Path,
    *,
    layout: str | None = None,
    attention_rate: float | None = None,
    activation: str | None = None,
    member: int | None = None,
) -> Inspection | Asked:
    """The battery on a file, or on published weights by name; ``FILE:INDEX``: one of many.

    A transformer of several blocks, or with LayerNorm, is asked as a function. Nothing in the file
    is run. Raises as ``load_checkpoint`` does.
    """
    if layout is None and attention_rate is None:
        blocks = load_blocks(source, activation=activation, member=member)
        if blocks is not None:
            return Asked(blocks)
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
UNDECIDED = "not decided"


def along(networks: Iterable[tuple[int, ForeignNetwork]]) -> pd.DataFrame:
    """A row a network, with its index: what the battery says of it (``ALONG``)."""
    rows = []
    for index, network in networks:
        found = measure(understood(network))
        task = found.task.name if found.task.holds else UNDECIDED
        freqs = " ".join(str(cluster.freq) for cluster in found.clusters)
        share = found.logits_explained or 0.0
        rows.append((index, task, found.accuracy, found.loss, freqs, share))
    return pd.DataFrame(rows, columns=list(ALONG))


def along_training(source: str, step: int, **options: Any) -> pd.DataFrame:
    """``along`` of each ``step``-th of a file's checkpoints.

    ``options``: as for ``inspect``. Raises ``InputError`` for a file with one network.
    """
    indices = range(0, num_networks(source), step)
    shown = Bar(indices, desc="checkpoints", disable=None, leave=False)
    return along((index, load_checkpoint(source, member=index, **options)) for index in shown)


def training_figure(table: pd.DataFrame, unit: str = "checkpoint") -> Figure:
    """The figure of ``along``; ``unit``: of its index."""
    from modlib import plots  # not at the top: the page is told without

    freqs = [[int(freq) for freq in row.split()] for row in table.clusters]
    curves = {
        "right on all pairs": table.accuracy.to_numpy(dtype=float),
        "logits explained by a cosine a cluster": table["logits explained"].to_numpy(dtype=float),
    }
    return plots.along_training(table["index"].to_numpy(dtype=float), curves, freqs, unit)


def write_training(table: pd.DataFrame, folder: str | Path) -> list[Path]:
    """The table of ``along`` and its figure, ``training.csv`` and ``training.png``, in a folder."""
    with _writing(folder) as made:
        paths = [made / "training.csv", made / "training.png"]
        table.to_csv(paths[0], index=False)
        training_figure(table).savefig(paths[1], dpi=150, bbox_inches="tight")
    return paths


@contextmanager
def _writing(folder: str | Path) -> Iterator[Path]:
    """The folder, made; what goes wrong in it is refused in one line."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        yield Path(folder)
    except OSError as error:
        reason = error.strerror
        raise InputError("csv", f"be a folder to write in ({reason})", str(folder)) from None
