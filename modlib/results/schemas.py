"""What the committed tables must be, column by column; numbers are in single precision.

Columns that came later say ``since``: older tables lack them, and then all of them. Those that
only some networks have, or that another took the place of, have ``since`` 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from modlib.analysis.many_seeds.census import NUM_BINS, SCHEMA
from modlib.analysis.meso.clock_pizza_lens import KEPT
from modlib.config.addition import AdditionConfig
from modlib.config.clock_pizza import MAX_CLOCK_N
from modlib.config.remainders import RemaindersConfig
from modlib.config.thresholds import DEFAULT
from modlib.models.transformer import parameter_shapes
from modlib.runs.remainders import history_table, spectrum_steps
from modlib.runs.shard_tables import (
    CLUSTER_KINDS,
    LIVE_KINDS,
    SEED,
    SHARE,
    WEIGHTS_RULE,
    WINDOW_RULE,
    at_times,
    cluster_columns,
    missing_only,
    network_columns,
    network_rules,
    neuron_columns,
    neurons_missing,
    weight_columns,
    window_columns,
    wrong_together,
)
from modlib.store.schema import Array, Column, Table, columns
from modlib.tasks.remainders import moduli
from modlib.training.addition.loop import weight_epochs
from modlib.training.remainders.neuron_zero import NUM_FOLLOWED, coded_epochs
from modlib.training.remainders.schedule import evaluation_steps

# Paper A: networks described neuron by neuron


def sample_tables(config: AdditionConfig) -> dict[str, Table]:
    """Of ``analysis.macro.tables``, by name."""
    n, size, half = config.n, config.num_neurons, config.n // 2
    kinds = " ".join(f"neurons_{kind}" for kind in LIVE_KINDS)
    summary = {
        **SEED,
        **columns("n", "int64", n, n),
        **columns("num_neurons", "int64", size, size),
        **columns(f"num_live num_loose num_clusters num_fine_tuning {kinds}", "int64", 0, size),
        **columns("num_mixed", "int64", 0, size),
        **columns("num_pairs num_pairs_agree", "int64", 0),
        **columns("num_pairs_apart", "int64", 0, since=2),
        **columns("accuracy test_accuracy", "float32", *SHARE),
        **columns("loss", "float32", 0),
        **columns("margin", "float32"),
        **columns("reached_epoch", "int64", -1, config.num_epochs),
        **columns("learned", "bool"),
    }
    clusters = {
        **SEED,
        **columns("cluster", "int64", 0, half),
        **columns("freq", "int64", 1, half),
        **columns("num_neurons", "int64", 1, size),
        **columns("kind", "str", words=CLUSTER_KINDS),
        **columns("coset_size step", "int64", 1, n),
        **columns("period", "float32", 1, n),
        **columns("amplitude", "float32"),
        **columns("explained resultant", "float32", *SHARE),
        **columns("share_rank_0", "float32", *SHARE),
        **columns("mean_rank", "float32", 0, n),
        **columns("shift_cosine", "float32", -1 - 1e-6, 1 + 1e-6),
        **columns("shift_error", "float32", 0),
        **columns("num_phases", "int64", 0, size),
        **columns("noise_accuracy removed_accuracy", "float32", *SHARE),
        **columns("noise_loss removed_loss control_loss", "float32", 0),
    }
    neurons = {
        **SEED,
        **columns("neuron", "int64", 0, size - 1),
        **columns("strength", "float32", *SHARE),
        **columns("freq freq_out second", "int64", 0, half),
        **columns("r_a r_b r_d spike secondary", "float32", 0),
        **columns("t_a t_b t_d", "float32", -1e-3, n + 1e-3, nan=True),
        **columns("phase_error", "float32", -n, n, nan=True),
        **columns("log_ratio", "float32"),
        **columns("residual top_share", "float32", *SHARE),
        **columns("kind", "str", words=LIVE_KINDS),
        **columns("cluster", "int64", -1, half),
        **columns("freq_1 freq_2 freq_3 remapped_freq", "int64", 0, half),
        **columns("full hump flank", "float32", *SHARE, nan=True),
    }
    places = [missing_only(c, f"2 * freq == {n}") for c in ("t_a", "t_b", "t_d", "phase_error")]
    waves = [missing_only(c, "kind != 'fine-tuning'") for c in ("full", "hump", "flank")]
    return {
        "summary": Table(summary, ("seed",), network_rules(config, losses=False)),
        "clusters": Table(clusters, ("seed", "cluster")),
        "neurons": Table(neurons, ("seed", "neuron"), (*places, *waves)),
    }


def wrong_sample(found: Mapping[str, pd.DataFrame], seeds: Sequence[int]) -> str | None:
    """What does not add up between them."""
    networks, neurons = found["summary"], found["neurons"]
    reason = wrong_together({"networks": networks, "clusters": found["clusters"]}, seeds)
    return reason or neurons_missing(networks, neurons, "num_live")


# Paper A: sweeps


def sweep_tables(config: AdditionConfig, version: int = SCHEMA) -> dict[str, Table]:
    """Of an export of that version, by name."""
    dropped = {"weight_counts", "rank_counts", "nearest", "freq_out", "spike", "secondary"}
    dropped |= {f"{kind}_{axis}" for kind in "rt" for axis in "abd"}

    def kept(every: Mapping[str, Column]) -> dict[str, Column]:
        return {k: c for k, c in every.items() if k not in dropped and c.since <= version}

    shapes = (
        missing_only("nearest_ratio", "num_phases < 2"),
        *(missing_only(f"axes_ratio_{s}", f"2 * freq == {config.n}") for s in "ab"),
    )
    tables = {
        "networks": Table(
            kept(network_columns(config)),
            ("seed",),
            (
                *network_rules(config),
                *([missing_only("gap", "num_clusters == 0")] if version > 1 else []),
            ),
        ),
        "clusters": Table(
            kept(cluster_columns(config)),
            ("seed", "cluster"),
            () if version == 1 else shapes,
        ),
        "fine_tuning": Table(kept(neuron_columns(config)), ("seed", "neuron")),
        "window": Table(window_columns(config), ("seed", "freq"), (WINDOW_RULE,)),
        "weights": Table(
            weight_columns(config),
            ("seed", "epoch"),
            (at_times("epoch", weight_epochs(config)), WEIGHTS_RULE),
        ),
        "histogram": Table(
            {
                **columns("learned", "bool"),
                **columns("centre", "float32"),
                **columns("count", "int64", 0),
                **columns("sd", "float32", 0),
            },
            ("learned", "centre"),
        ),
        "ranks": Table(
            {
                **columns("learned", "bool"),
                **columns("rank", "int64", 0, config.n - 1),
                **columns("count", "int64", 0),
                **columns("sd", "float32", 0),
            },
            ("learned", "rank"),
        ),
    }
    return tables if version > 1 else {k: t for k, t in tables.items() if k != "weights"}


def wrong_sweep(
    found: Mapping[str, pd.DataFrame], seeds: Sequence[int], config: AdditionConfig
) -> str | None:
    """What does not add up between them."""
    networks, clusters, neurons = found["networks"], found["clusters"], found["fine_tuning"]
    tuned = neurons[neurons.kind == "fine-tuning"]
    reason = wrong_together(found, seeds)
    if reason := reason or neurons_missing(networks, tuned, "neurons_fine-tuning"):
        return reason
    for learned in (True, False):
        own = networks[networks.learned == learned]
        ranked = len(clusters[clusters.seed.isin(own.seed)]) * config.n**2
        for name, length, total in (
            ("histogram", NUM_BINS, int(own.num_weights.astype(np.int64).sum())),
            ("ranks", config.n, ranked),
        ):
            rows = found[name][found[name].learned == learned]
            if len(rows) != (length if len(own) else 0) or int(rows["count"].sum()) != total:
                return f"the table {name} is not the sum over its networks"
    return None


# Paper B


def remainders_tables(config: RemaindersConfig) -> dict[str, Table]:
    """Tables of a preset of paper B, by name."""
    qs, alone = moduli(config), config.task == "nanda"
    neurons = 4 * config.embed_dim
    heads = range(config.heads)
    networks = {
        **SEED,
        **columns("position_correlation", "float32", -1 - 1e-6, 1 + 1e-6),
        **columns("components_50 components_90 basis_90", "int64", 0),
        **columns("components_50_coded components_90_coded", "int64", 0),
        **columns("basis_top constant_share vector_share", "float32", *SHARE),
        **columns("effective_frequencies", "float32", 0),
        **columns("active_coded", "float32", 0, since=0),
        **columns("rows_coded", "int64", 0, since=2),
        **columns(" ".join(f"head_{h}_x0 head_{h}_x1" for h in heads), "float32", *SHARE),
        **columns(" ".join(f"smaller_share_{h}" for h in heads), "float32", *SHARE),
        **columns("smaller_share smaller_share_by_number", "float32", *SHARE),
        **columns("attention_periodicity", "float32", *SHARE, nan=True),
        **columns("attention_spread", "float32", 0),
        **columns("accuracy accuracy_constant accuracy_equal", "float32", *SHARE),
        **columns("accuracy_held_out accuracy_constant_held_out", "float32", *SHARE, since=2),
        **columns("accuracy_equal_held_out", "float32", *SHARE, since=2),
        **columns("not_additive", "float32", 0, since=2),
        **columns("one_wave one_wave_random", "float32", *SHARE, nan=True, since=2),
        **columns("one_wave_neurons", "float32", 0, neurons, since=2),
        **columns("phase_error loudness_error same_output", "float32", 0, nan=True, since=2),
        **columns("to_task waste_left", "float32", nan=True, since=2),
        **columns("steps", "int64", 0, config.steps),
        **columns("coded_256 coded_1024 coded_4096 coded_16384", "int64", 0, since=0),
    }
    tasks = {
        **SEED,
        **columns("q", "int64", int(qs.min()), int(qs.max())),
        **columns("accuracy", "float32", *SHARE),
        **columns("explained explained_any explained_labels", "float32", *SHARE, nan=True),
        **columns("explained_held_out", "float32", *SHARE, nan=True, since=2),
        **columns("explained_labels_held_out", "float32", *SHARE, nan=True, since=2),
        **columns("frequencies", "float32", 0, nan=True),
        **columns("residue_share", "float32", -1, SHARE[1], nan=True),
        **columns("num_best num_neurons", "int64", 0, neurons),
        **columns("overlap chance", "float32", *SHARE, nan=True),
        **columns("tables tables_random products products_random", "float32", -1e-3, 1 + 1e-3),
        **columns("base_own own_own random_own", "float32", *SHARE),
        **columns("base_others own_others random_others", "float32", *SHARE, nan=alone),
        **columns("clusters clusters_1 clusters_3 waves", "int64", 0, since=2),
        **columns("shared removed_others removed_random", "float32", *SHARE, nan=alone, since=2),
        **columns("removed_own", "float32", *SHARE, since=2),
        **columns("smallest", "float32", 0, neurons, nan=True, since=2),
        **columns("whole one_wave own_task direct_mean own_joint", "float32", *SHARE, since=2),
    }
    spectra = {
        **SEED,
        **columns("step", "int64", 0, config.steps),
        **columns("live", "int64", 0, neurons),
        **columns("top_share", "float32", *SHARE),
        **columns("effective", "float32", 0),
        **columns("written", "int64", 0),
        **columns("off_axes", "int64", 0, since=2),
        **columns("off_axes_kept", "float32", *SHARE, since=2),
        **columns("characters", "int64", 0, since=0),
        **columns(" ".join(f"explained_{q}" for q in qs), "float32", *SHARE),
    }
    norms = {
        **SEED,
        **columns("step", "int64", 1, max(config.steps, 1)),
        **columns("parameter", "str", words=tuple(parameter_shapes(config))),
        **columns("raw filtered", "float32", 0),
    }
    not_learned = f"accuracy < {DEFAULT.tasks_learned}"
    shares = ("explained", "explained_any", "explained_labels", "frequencies", "residue_share")
    others = "q < 0" if not alone else "q > 0"
    return {
        "history": Table({**SEED, **history_table(config, "float32").columns}),
        "norms": Table(norms, ("seed", "step", "parameter")),
        "spectra": Table(spectra, ("seed", "step")),
        "networks": Table(networks, ("seed",)),
        "tasks": Table(
            tasks,
            ("seed", "q"),
            (
                *(missing_only(name, not_learned) for name in shares),
                *(missing_only(name, others) for name in ("overlap", "chance")),
            ),
        ),
    }


def wrong_remainders(
    found: Mapping[str, pd.DataFrame], steps: Mapping[int, int], config: RemaindersConfig
) -> str | None:
    """What does not add up between them; ``steps``: those that each seed has made."""
    networks = found["networks"]
    if networks.seed.tolist() != list(steps) or networks.steps.tolist() != list(steps.values()):
        return "the table networks has not the seeds and steps that the manifest says"
    qs, times = moduli(config), evaluation_steps(config)
    parameters = np.array(list(parameter_shapes(config)))
    splits = found["history"].split[:: len(qs)].unique().to_numpy(str)
    for name, due, axes in (
        ("history", times, {"split": splits, "q": qs}),
        ("norms", times[1:], {"parameter": parameters}),
        ("spectra", spectrum_steps(config), {}),
        ("tasks", np.zeros(1, dtype=int), {"q": qs}),
    ):
        table = found[name]
        made = [due[due <= steps_made] for steps_made in steps.values()]
        inner = int(np.prod([len(values) for values in axes.values()], dtype=int))
        rows = {"seed": np.repeat(list(steps), [len(times) for times in made])}
        rows |= {} if name == "tasks" else {"step": np.concatenate(made)}
        told = {column: np.repeat(values, inner) for column, values in rows.items()}
        repeats = inner
        for column, values in axes.items():
            repeats //= len(values)
            once = np.repeat(values, repeats)
            told[column] = np.tile(once, len(table) // len(once) if len(once) else 0)
        fits = all(len(values) == len(table) for values in told.values()) and all(
            (table[column].to_numpy(values.dtype) == values).all()
            for column, values in told.items()
        )
        if not fits:
            return f"the table {name} has not a row for each {', '.join(told)}"
    return None


def logged_arrays(config: RemaindersConfig, made: int) -> dict[str, Array]:
    """What is kept of the log of a network that has made so many steps, in single precision."""
    steps, p = spectrum_steps(config), config.p
    times, half, epochs = int((steps <= made).sum()), p // 2 + 1, coded_epochs(config)
    followed = times if made == config.steps else int((steps < made).sum())
    characters = (times, int((moduli(config) // 2).sum()))
    rows = (len(epochs), NUM_FOLLOWED, (p - 1) // 2 + 1)
    arrays = {
        "spectra/magnitude": Array((times, p, half), least=0.0),
        "spectra/attention": Array((times, config.heads, 3), least=0.0, most=1.001),
        "spectra/character": Array(characters, least=-1e-6),
        "spectra/character_power": Array(characters, least=-1e-6, required=False),
        "spectra/power": Array((times, p, half), least=0.0, required=False),
        "neuron_zero/smoothed": Array((followed, 1, half), least=0.0),
        "first_neurons/epochs": Array((len(epochs),), np.int64, epochs.tolist()),
        "first_neurons/smoothed": Array(rows, least=0.0),
    }
    for name in ("first_neurons/epochs", "first_neurons/smoothed"):  # only of some networks
        arrays[name] = arrays[name]._replace(required=False, together=True)
    return arrays


# Clocks and pizzas


def clock_pizza_tables(words: Sequence[str], n: int = MAX_CLOCK_N) -> dict[str, Table]:
    """Tables of clocks and pizzas up to a modulus, by name; ``words``: where they come from."""
    place = {
        **columns("source", "str", words=tuple(words)),
        **columns("rate", "float32", 0, 1),
        **columns("seed", "int64", -1),
    }
    half = n // 2
    shares = (
        "accuracy symmetricity symmetricity_100 distance_irrelevance circularity clock pizza "
        "clock_alone pizza_alone clock_double pizza_double view_accuracy explained coset_overlap "
        "share_simple"
    )
    networks = {
        **place,
        **columns(shares, "float32", *SHARE, nan=True),
        **columns("margin", "float32"),
        **columns("norm preact_error skip_error", "float32", 0),
        **columns("median_residual", "float32", 0, nan=True),
        **columns("num_clusters", "int64", 0, half),
        **columns("reached_step steps", "int64", -1),
    }
    clusters = {
        **place,
        **columns("freq", "int64", 1, half),
        **columns("num_neurons step", "int64", 1),
        **columns("period", "float32", 1, n),
        **columns("amplitude", "float32"),
        **columns("explained coset_overlap", "float32", *SHARE),
    }
    circles = {
        **place,
        **columns("freq", "int64", 1, half),
        **columns("kept", "str", words=KEPT),
        **columns("clock pizza", "float32", *SHARE),
    }
    shifts = {
        **place,
        **columns("freq", "int64", 1, half),
        **columns("shift", "int64", 0, n - 1),
        **columns("strength", "float32"),
    }
    history = {
        **place,
        **columns("step", "int64", 0),
        **columns("train_accuracy test_accuracy", "float32", *SHARE),
        **columns("train_loss test_loss", "float32", 0),
    }
    whose = ("source", "rate", "seed")
    clustered = "num_clusters == 0"
    unseen = [missing_only(name, clustered) for name in shares.split()]
    return {
        "networks": Table(networks, whose, tuple(unseen)),
        "clusters": Table(clusters, (*whose, "freq")),
        "circles": Table(circles, (*whose, "freq", "kept")),
        "shifts": Table(shifts, (*whose, "freq", "shift")),
        "history": Table(history, (*whose, "step")),
    }


def wrong_clock_pizza(found: Mapping[str, pd.DataFrame], seeds: Sequence[int]) -> str | None:
    """What does not add up between them; ``seeds``: of our networks, published ones have -1."""
    networks = found["networks"]
    whose = ["source", "rate", "seed"]
    if set(networks.seed) - {-1} != set(seeds):
        return "the table networks has not the seeds that the manifest says"
    told = networks.set_index(whose).num_clusters
    for name, a_cluster in (("clusters", 1), ("circles", len(KEPT))):
        counted = found[name].value_counts(whose).reindex(told.index, fill_value=0)
        if set(map(tuple, found[name][whose].drop_duplicates().to_numpy())) - set(told.index):
            return f"the table {name} has rows of other networks"
        if (counted != a_cluster * told).any():
            return f"the table {name} has not the clusters that the table networks says"
    for name in ("shifts", "history"):
        if set(map(tuple, found[name][whose].drop_duplicates().to_numpy())) - set(told.index):
            return f"the table {name} has rows of other networks"
    return None


# Single neurons, and a search


def portrait_table(n: int) -> Table:
    """Of ``portraits.as_table``: every input of each neuron."""
    found = {
        **columns("freq", "int64", 1, n // 2),
        **columns("neuron", "int64", 0),
        **columns("input", "int64", 0, n - 1),
        **columns("preact_a preact_b", "float32"),
    }
    return Table(found, ("freq", "neuron", "input"), (at_times("input", range(n)),))


def votes_table(n: int) -> Table:
    """What each cluster of the published pizza votes for."""
    found = {
        **columns("freq", "int64", 1, n // 2),
        **columns("distance", "int64", 0, n - 1),
        **columns("vote", "float32"),
    }
    return Table(found, ("freq", "distance"), (at_times("distance", range(n)),))


def search_tables(space: Mapping[str, Sequence[Any]], steps: int) -> dict[str, Table]:
    """Trials of a search and their reports."""
    settings: dict[str, Column] = {}
    for name, choices in space.items():
        whole = all(isinstance(choice, int) for choice in choices)
        low, high = min(choices), max(choices)
        slack = 0.0 if whole else 1e-6 * max(abs(low), abs(high))
        settings |= columns(name, "int64" if whole else "float32", low - slack, high + slack)
    trials = {
        **columns("trial", "int64", 0),
        **settings,
        **columns("accuracy", "float32", *SHARE),
        **columns("steps", "int64", 0, steps),
        **columns("pruned", "bool"),
        **columns("retries", "int64", 0),
    }
    reports = {
        **columns("trial", "int64", 0),
        **columns("step", "int64", 0, steps),
        **columns("accuracy", "float32", *SHARE),
    }
    numbered = (
        "trials are not numbered from 0",
        lambda found: found.trial.tolist() == list(range(len(found))),
    )
    return {
        "trials": Table(trials, ("trial",), (numbered,)),
        "reports": Table(reports, ("trial", "step")),
    }


def wrong_search(found: Mapping[str, pd.DataFrame]) -> str | None:
    """What does not add up: a trial ends with its last report."""
    trials, last = found["trials"], found["reports"].sort_values("step").groupby("trial").last()
    ended = last.reindex(trials.trial)
    fits = len(last) == len(trials) and (ended.step.to_numpy() == trials.steps.to_numpy()).all()
    if not fits or (ended.accuracy.to_numpy() != trials.accuracy.to_numpy()).any():
        return "a trial does not end with its last report"
    return None
