"""What the tables of a sweep's shards must be: those of ``one_shard``, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.census import DEAD_LIMITS, MIN_SIZES, NUM_BINS
from modlib.analysis.micro.neurons import KINDS
from modlib.config.addition import AdditionConfig
from modlib.models.mlp import parameter_shapes
from modlib.store.schema import LARGEST, Array, Column, Rule, Table, columns, num_rows
from modlib.training.addition.ensemble_member import evaluation_epochs
from modlib.training.addition.loop import HISTORY, WEIGHT_HISTORY, weight_epochs

SEED = columns("seed", "int64", 0)
LIVE_KINDS = tuple(kind for kind in KINDS if kind != "dead")
CLUSTER_KINDS = ("simple", "fine-tuning", "mixed")
SHARE = (-1e-6, 1 + 1e-6)
"""Where a share lies, rounded."""


def missing_only(column: str, where: str) -> Rule:
    """That numbers of a column are missing only ``where`` it says so."""

    def holds(found: pd.DataFrame) -> bool:
        missing = np.isnan(found[column].to_numpy())
        return not missing.any() or bool(found[missing].eval(where).all())

    return f"numbers of {column} are missing without {where}", holds


def missing_to_the_end(column: str) -> Rule:
    """That numbers which are missing are missing to the end of a network's rows: it diverged."""

    def holds(found: pd.DataFrame) -> bool:
        missing = ~np.isfinite(found[column].to_numpy())
        if not missing.any():
            return True
        last = found.drop_duplicates("seed", keep="last")
        ended = last.seed[~np.isfinite(last[column].to_numpy())]
        return bool(found.seed[missing].isin(ended).all())

    return f"numbers of {column} are missing in the midst of a training", holds


def at_times(column: str, times: Sequence[int] | np.ndarray) -> Rule:
    """That each network has a row after each of these epochs or steps, in their order."""

    def holds(found: pd.DataFrame) -> bool:
        values, expected = found[column].to_numpy(), np.asarray(times)
        whole = len(values) % len(expected) == 0 and len(values) > 0
        return whole and bool((values.reshape(-1, len(expected)) == expected).all())

    return f"it has not a row after each of the {len(times)} times expected", holds


def history_columns(config: AdditionConfig, *, diverged: bool = False) -> dict[str, Column]:
    """Columns of a history, without the seed; ``diverged``: losses may be missing."""
    untold, most = config.num_train == config.n**2, np.inf if diverged else LARGEST
    return {
        **columns("epoch", "int32" if diverged else "int64", 0, config.num_epochs),
        **columns("train_loss", "float64", 0, most, nan=diverged),
        **columns("train_accuracy", "float64", *SHARE),
        **columns("test_loss", "float64", 0, most, nan=diverged or untold),
        **columns("test_accuracy", "float64", *SHARE, nan=untold),
    }


def network_columns(config: AdditionConfig) -> dict[str, Column]:
    """Columns of ``networks``; those of ``since`` 2 came with the tables' second version."""
    size, num_weights = config.num_neurons, 2 * config.n * config.embed_dim
    counts = [f"clusters_{s}_{round(100 * d):02d}" for d in DEAD_LIMITS for s in MIN_SIZES]
    kinds = " ".join(f"neurons_{kind}" for kind in LIVE_KINDS)
    parts = f"num_live num_loose num_clusters num_fine_tuning num_mixed {kinds}"
    return {
        **SEED,
        **columns("n", "int32", config.n, config.n),
        **columns("num_neurons", "int32", size, size),
        **columns(parts, "int32", 0, size),
        **columns(" ".join(counts), "int32", 0, size),
        **columns("accuracy strict_accuracy strict_2f_accuracy", "float32", *SHARE, since=2),
        **columns("loss strict_loss strict_2f_loss", "float32", 0, since=2),
        **columns("margin", "float32"),
        **columns("gap", "float32", 0, nan=True, since=2),
        **columns("delta", "float32", 0, since=2),
        **columns("num_weights", "int32", num_weights, num_weights),
        **columns("share_above_1 share_within_025", "float32", *SHARE),
        **columns("abs_max abs_q999", "float32", 0),
        **columns("weight_counts", f"int32[{NUM_BINS}]", 0),
        **columns("reached_epoch", "int32", -1, config.num_epochs),
        **columns("learned diverged", "bool"),
        **columns("train_loss", "float32", 0, np.inf, nan=True),
        **columns("train_accuracy", "float32", *SHARE),
        **columns("test_loss", "float32", 0, np.inf, nan=True),
        **columns("test_accuracy", "float32", *SHARE, nan=True),
    }


def network_rules(config: AdditionConfig, *, losses: bool = True) -> tuple[Rule, ...]:
    """What adds up in a row of ``networks``; ``losses``: where the table has those of training."""
    kinds = [f"neurons_{kind}" for kind in LIVE_KINDS]
    untold = config.num_train == config.n**2
    finite: Rule = (
        "losses are missing without diverged",
        lambda found: bool(
            (np.isfinite(found.train_loss) | found.diverged).all()
            and (np.isfinite(found.test_loss) | found.diverged | untold).all()
            and (found.test_accuracy.notna() | untold).all()
        ),
    )
    return (
        *([finite] if losses else []),
        (
            "a network's neurons by kind are not its live ones",
            lambda found: bool((found[kinds].sum(axis=1) == found.num_live).all()),
        ),
        (
            "a network that learned reached 100 % at no epoch",
            lambda found: bool((found.reached_epoch >= 0)[found.learned].all()),
        ),
    )


def cluster_columns(config: AdditionConfig) -> dict[str, Column]:
    """Columns of ``clusters``."""
    n, size = config.n, config.num_neurons
    return {
        **SEED,
        **columns("cluster", "int16", 0, n // 2),
        **columns("freq", "int16", 1, n // 2),
        **columns("gcd", "int16", 1, n),
        **columns("num_neurons", "int32", 1, size),
        **columns("kind", "str", words=CLUSTER_KINDS),
        **columns("amplitude", "float32"),
        **columns("explained", "float32", *SHARE, nan=True),
        **columns("rank_mean", "float32", 0, n),
        **columns("rank_0 rank_5", "float32", *SHARE),
        **columns("rank_counts", f"int32[{n}]", 0),
        **columns("removed_accuracy control_accuracy", "float32", *SHARE, since=2),
        **columns("removed_loss control_loss", "float32", 0, since=2),
        **columns("num_phases", "int32", 0, size, since=2),
        **columns("nearest nearest_ratio", "float32", 0, nan=True, since=2),
        **columns("axes_ratio_a axes_ratio_b", "float32", *SHARE, nan=True, since=2),
    }


def neuron_columns(config: AdditionConfig) -> dict[str, Column]:
    """Columns of ``neurons``."""
    n = config.n
    return {
        **SEED,
        **columns("neuron", "int32", 0, config.num_neurons - 1),
        **columns("strength", "float32", *SHARE),
        **columns("freq freq_out", "int16", 0, n // 2),
        **columns("r_a r_b r_d", "float32", 0),
        **columns("t_a t_b t_d", "float32", -1e-3, n + 1e-3, nan=True),
        **columns("residual", "float32", *SHARE),
        **columns("kind", "str", words=LIVE_KINDS),
        **columns("cluster", "int16", -1, n // 2),
        **columns("spike secondary", "float32", 0),
        **columns("freq_1 freq_2 freq_3", "int16", 0, n // 2),
        **columns("share_1 share_2 share_3", "float32", *SHARE),
        **columns("clustered_1 clustered_2", "bool", since=2),
    }


def window_columns(config: AdditionConfig) -> dict[str, Column]:
    """Columns of ``window``."""
    return {
        **SEED,
        **columns("freq", "int16", 1, config.n // 2),
        **columns("num_neurons", "int32", 1, config.num_neurons),
        **columns("num_fine_tuning", "int32", 0, config.num_neurons),
    }


WINDOW_RULE: Rule = (
    "more neurons are fine-tuning than there are",
    lambda found: bool((found.num_fine_tuning <= found.num_neurons).all()),
)


def weight_columns(config: AdditionConfig) -> dict[str, Column]:
    """Columns of ``weights``: NaN where an older version did not count them, or in training that
    diverged."""
    return {
        **SEED,
        **columns("epoch", "int32", 0, config.num_epochs),
        **columns("share_above_1 share_within_025", "float32", *SHARE, nan=True),
        **columns("abs_max", "float32", 0, np.inf, nan=True),
    }


WEIGHTS_RULE: Rule = (
    "one share of weights is missing and not the other",
    lambda found: bool(
        (found.share_above_1.isna() == found.share_within_025.isna()).all()
        and (found.abs_max.isna() | found.share_above_1.notna()).all()
    ),
)


def shard_tables(config: AdditionConfig) -> dict[str, Table]:
    """The tables of a shard, by name."""
    half, untold = config.n / 2, config.num_train == config.n**2
    diverged = [missing_to_the_end("train_loss")]
    diverged += [] if untold else [missing_to_the_end("test_loss")]
    phases = [missing_only(name, f"2 * freq == {config.n}") for name in ("t_a", "t_b", "t_d")]
    shapes = [
        *(missing_only(f"axes_ratio_{side}", f"freq == {half}") for side in "ab"),
        *(missing_only(name, "num_phases < 2") for name in ("nearest", "nearest_ratio")),
    ]
    return {
        "history": Table(
            {**SEED, **history_columns(config, diverged=True)},
            ("seed", "epoch"),
            (at_times("epoch", evaluation_epochs(config)), *diverged),
        ),
        "weights": Table(
            weight_columns(config),
            ("seed", "epoch"),
            (at_times("epoch", weight_epochs(config)), WEIGHTS_RULE),
        ),
        "networks": Table(
            network_columns(config),
            ("seed",),
            (*network_rules(config), missing_only("gap", "num_clusters == 0")),
        ),
        "clusters": Table(cluster_columns(config), ("seed", "cluster"), tuple(shapes)),
        "neurons": Table(neuron_columns(config), ("seed", "neuron"), tuple(phases)),
        "window": Table(window_columns(config), ("seed", "freq"), (WINDOW_RULE,)),
    }


def wrong_together(found: Mapping[str, pd.DataFrame], seeds: Sequence[int]) -> str | None:
    """What does not add up between ``networks``, ``clusters`` and the neurons of all kinds.

    ``networks`` must have a row for each of ``seeds``. None where everything fits.
    """
    networks, clusters = found["networks"], found["clusters"]
    if networks.seed.tolist() != list(seeds):
        return "the table networks has not a row for each seed, in their order"
    members = clusters.groupby("seed").num_neurons.sum().reindex(networks.seed, fill_value=0)
    counted = {
        "num_clusters": num_rows(clusters, networks.seed),
        "num_live": members.to_numpy() + networks.num_loose.to_numpy(),
    }
    for name in ("fine-tuning", "mixed"):
        column = f"num_{name.replace('-', '_')}"
        counted[column] = num_rows(clusters[clusters.kind == name], networks.seed)
    for name, counts in counted.items():
        if (networks[name].to_numpy() != counts).any():
            return f"the clusters are not the {name} that the table networks says"
    return None


def neurons_missing(networks: pd.DataFrame, neurons: pd.DataFrame, column: str) -> str | None:
    """Whether the networks have other numbers of neurons than ``column`` says."""
    fits = networks[column].to_numpy() == num_rows(neurons, networks.seed)
    return None if fits.all() else f"the neurons are not the {column} that the table networks says"


def shard_arrays(config: AdditionConfig, num_seeds: int) -> dict[str, Array]:
    """The weights of a shard, (seed, ...); those of networks that diverged are not finite."""
    shapes = parameter_shapes(config)
    return {name: Array((num_seeds, *shape), nan=True) for name, shape in shapes.items()}


def finished_arrays(config: AdditionConfig) -> dict[str, Array]:
    """A finished network that waits until its shard is whole: weights and tables over training."""
    tables = (("history", HISTORY, evaluation_epochs), ("weights", WEIGHT_HISTORY, weight_epochs))
    arrays = {name: Array(shape, nan=True) for name, shape in parameter_shapes(config).items()}
    for name, named, epochs in tables:
        at = epochs(config)
        arrays[name] = Array((len(at), len(named)), np.float64, at, nan=True, required=False)
    return arrays
