"""Settings of paper B's training compared by Optuna: killed at will, gone on with, exported.

A study lies in the store as an SQLite file. Each trial is a training, which saves its state as
every training does; a trial whose process was killed stops giving signs of life, is queued again
by Optuna, and its training goes on where it was. What trial k tries depends on the study, k and
the finished trials only. Optuna comes with ``modlib[search]``; what is committed is read without.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from modlib.config import REMAINDERS_PRESETS, RemaindersConfig, digest, require_seed
from modlib.errors import DivergedError, InputError, StoreError, require_int
from modlib.paths import RESULTS
from modlib.results import require_writable, write_tables
from modlib.results_remainders import FOLDER
from modlib.store import Store, provenance, read_manifest
from modlib.tasks import digits, number_split, remainders
from modlib.training.remainders import Probe, train
from modlib.training.transformer import FastStep

if TYPE_CHECKING:
    import optuna

KIND, STUDY = "search", "study.sqlite3"
"""Of what the store holds of searches, and the name of a study's file there."""
PAPER_SPACE: dict[str, tuple[float, ...]] = {
    "dropout": (0.0, 0.1, 0.2, 0.5),
    "lam": (0.0, 0.5, 2.0),
    "weight_decay": (0.0, 0.1, 0.5, 1.0),
    "embed_dim": (128, 256),
    "lr": (1e-4, 3e-4),
    "heads": (4, 8),
}
"""Table 1 of paper B."""
SPACE = PAPER_SPACE | {"weight_decay": (0.0, 0.1, 1 / 3, 0.5, 1.0), "lr": (1e-4, 3e-4, 3e-3)}
"""What is searched: with the weight decay of table 2, which table 1 lacks, and a learning rate at
which a small network learns in the time it has."""
PAPER_BEST: dict[str, float] = {
    "dropout": 0.1,
    "lam": 0.5,
    "weight_decay": 1 / 3,
    "embed_dim": 256,
    "lr": 3e-4,
    "heads": 4,
}
"""Table 2 of paper B."""
STEPS = 4096
"""Steps of a trial."""
NUM_TRIALS = 40
NUM_REPORTS = 8
"""Times at which a trial is compared with the others, the last at its end."""
STARTUP, WARM_UP = 8, 0.5
"""Trials before any is stopped early, and the share of its steps that each is given."""
HEARTBEAT_S = 10
"""Seconds between a running trial's signs of life; it counts as killed after three times that."""
MAX_RETRIES = 20


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is searched: the configuration and the values that are tried in it.

    ``seed`` is that of every network and of the sampler. The trials' objective is the mean
    validation accuracy over tasks after the configuration's steps.
    """

    base: RemaindersConfig = field(
        default_factory=lambda: replace(REMAINDERS_PRESETS["B37"], steps=STEPS)
    )
    space: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: SPACE)
    seed: int = 1000

    def __post_init__(self) -> None:
        require_seed(self.seed)
        require_int("steps", self.base.steps, at_least=NUM_REPORTS)
        for name, values in self.space.items():
            for value in values:
                self.config({name: value})

    @property
    def size(self) -> int:
        """Different settings in the space."""
        return prod(len(values) for values in self.space.values())

    def config(self, settings: Mapping[str, Any]) -> RemaindersConfig:
        """The configuration of a trial."""
        return replace(self.base, **settings)

    def key(self) -> str:
        """Sixteen hexadecimal digits of all that affects the trials but their number."""
        space = {name: list(values) for name, values in self.space.items()}
        return digest({"base": self.base.key(), "space": space, "seed": self.seed})


class SearchTables(NamedTuple):
    """The finished trials of a study, the first of each setting.

    ``trials``: a row a trial with ``trial`` (from 0), its settings, ``accuracy`` (when it ended),
    ``steps`` made, ``pruned`` (stopped early) and ``retries``; ``reports``: a row a trial and
    ``step`` with its ``accuracy``.
    """

    trials: pd.DataFrame
    reports: pd.DataFrame


def search(
    study: Study,
    *,
    trials: int = NUM_TRIALS,
    threads: int = 1,
    store: Store | None = None,
    progress: bool = True,
) -> SearchTables:
    """Go on with a study until ``trials`` different settings are tried.

    Several processes may share a study. Raises ``InputError`` for bad values and where Optuna is
    missing, ``StoreError`` where the study cannot be read or written.
    """
    trials = require_int("trials", trials, at_least=1, at_most=study.size)
    threads = require_int("threads", threads, at_least=1, at_most=1024)
    store = store or Store()
    with _opened(study, store) as opened:
        bar = tqdm(total=trials, disable=not progress, unit="trial", desc="search")
        while True:
            _queue_again_what_was_killed(opened)
            found = opened.get_trials(deepcopy=False)
            finished = _finished(found)
            bar.n = min(len(finished), trials)
            bar.set_postfix(best=max((t.value or 0.0 for t in finished), default=0.0))
            if len(finished) >= trials:
                break
            running = sum(trial.state.name == "RUNNING" for trial in found)
            if len(finished) + running >= trials:
                time.sleep(HEARTBEAT_S)
                continue
            opened.sampler = _sampler(study, found)
            opened.optimize(partial(_objective, study, store, threads), n_trials=1)
        bar.close()
        return _tables(opened, study)


def export_search(
    study: Study | None = None, *, store: Store | None = None, results: Path = RESULTS
) -> Path:
    """Write a study's finished trials to ``results/remainders/search``; returns the folder."""
    study = study or Study()
    store = store or Store()
    folder = results / FOLDER / KIND
    require_writable(folder)
    if not _file(study, store).exists():
        raise StoreError(f"{_file(study, store)} is missing: the store holds no trial of the study")
    with _opened(study, store) as opened:
        tables = _tables(opened, study)
    if tables.trials.empty:
        raise StoreError(f"{_file(study, store)} holds no finished trial")
    content = {
        "kind": KIND,
        "key": study.key(),
        "config": asdict(study.base),
        "space": {name: list(values) for name, values in study.space.items()},
        "seeds": [study.seed, study.seed],
        **provenance("cpu"),
    }
    write_tables(folder, {f"{k}.parquet": v for k, v in tables._asdict().items()}, content)
    return folder


def read_search(study: Study | None = None, *, results: Path = RESULTS) -> SearchTables | None:
    """The committed trials, checked; None where there are none.

    Raises ``StoreError`` for a damaged folder and for one of another study.
    """
    study = study or Study()
    folder = results / FOLDER / KIND
    if not folder.is_dir():
        return None
    manifest = read_manifest(folder, [f"{name}.parquet" for name in SearchTables._fields])
    if manifest.get("key") != study.key():
        raise StoreError(f"{folder} holds trials of another study; export it again")
    trials, reports = (pd.read_parquet(folder / f"{name}.parquet") for name in SearchTables._fields)
    for name, choices in study.space.items():  # tables hold 32 bits
        nearest = np.abs(trials[name].to_numpy()[:, None] - np.array(choices)).argmin(1)
        trials[name] = np.array(choices)[nearest]
    return SearchTables(trials, reports)


def no_trials(study: Study) -> SearchTables:
    """The tables of a study that has not begun."""
    return SearchTables(_trials_frame([], study), _reports_frame([]))


def _trials_frame(rows: list[dict[str, Any]], study: Study) -> pd.DataFrame:
    columns = ["trial", *study.space, "accuracy", "steps", "pruned", "retries"]
    return pd.DataFrame(rows, columns=columns)


def _reports_frame(rows: list[dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["trial", "step", "accuracy"])


def _file(study: Study, store: Store) -> Path:
    return store.root / KIND / study.key() / STUDY


@contextmanager
def _opened(study: Study, store: Store) -> Iterator[optuna.Study]:
    """The study in the store, made where there is none, with the starting trials queued."""
    try:
        import optuna
    except ImportError:
        rule = "be left out where Optuna is missing (pip install 'modlib[search]')"
        raise InputError("command", rule, "search") from None
    from sqlalchemy.exc import SQLAlchemyError

    path = _file(study, store)
    path.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    warned = optuna.exceptions.ExperimentalWarning
    try:
        with store.lock(KIND, study.key(), study.seed), warnings.catch_warnings():
            warnings.simplefilter("ignore", warned)
            storage = optuna.storages.RDBStorage(
                f"sqlite:///{path}",
                engine_kwargs={"connect_args": {"timeout": 60}},
                heartbeat_interval=HEARTBEAT_S,
                grace_period=3 * HEARTBEAT_S,
                heartbeat_stale_trial_callback=_retry(),
            )
            opened = optuna.create_study(
                storage=storage,
                study_name=KIND,
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(
                    n_startup_trials=STARTUP, n_warmup_steps=int(WARM_UP * study.base.steps)
                ),
            )
            if not opened.get_trials(deepcopy=False):
                for start in _starts(study):
                    opened.enqueue_trial(start)
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise StoreError(f"{path} cannot be used ({reason}); move it away") from None
    try:
        yield opened
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise StoreError(f"{path} cannot be used ({reason})") from None
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _starts(study: Study) -> list[dict[str, float]]:
    """The paper's best setting and the base's own, where the space has them."""
    own = {name: getattr(study.base, name) for name in study.space}
    paper = {name: PAPER_BEST[name] for name in study.space if name in PAPER_BEST}
    return [
        start
        for start in (paper, own)
        if start.keys() == study.space.keys()
        and all(value in study.space[name] for name, value in start.items())
    ]


def _retry() -> optuna.storages.RetryHeartbeatStaleTrialCallback:
    """Queues a trial again, with what it has reported."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.RetryHeartbeatStaleTrialCallback(
            max_retry=MAX_RETRIES, inherit_intermediate_values=True
        )


def _queue_again_what_was_killed(opened: optuna.Study) -> None:
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(opened)


def _sampler(study: Study, found: list[optuna.trial.FrozenTrial]) -> optuna.samplers.BaseSampler:
    """The sampler of the next trial, whose random numbers do not depend on kills."""
    import optuna

    number = sum("failed_trial" not in trial.system_attrs for trial in found)
    words = np.random.SeedSequence([study.seed, number]).generate_state(1)
    return optuna.samplers.TPESampler(seed=int(words[0]))


def _finished(found: list[optuna.trial.FrozenTrial]) -> list[optuna.trial.FrozenTrial]:
    """Trials that ended or were stopped early, the first of each setting."""
    first: dict[tuple[Any, ...], optuna.trial.FrozenTrial] = {}
    for trial in found:
        if trial.state.name in ("COMPLETE", "PRUNED"):
            first.setdefault(tuple(trial.params.values()), trial)
    return list(first.values())


def report_steps(steps: int) -> list[int]:
    """Steps at which a trial is compared with the others, without the last."""
    return [steps * part // NUM_REPORTS for part in range(1, NUM_REPORTS)]


def _objective(study: Study, store: Store, threads: int, trial: optuna.Trial) -> float:
    """Mean validation accuracy over tasks of the settings that Optuna suggests.

    0 where the training diverges.
    """
    import optuna

    chosen = {
        name: trial.suggest_categorical(name, list(values)) for name, values in study.space.items()
    }
    config = study.config(chosen)
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    known = set(frozen.intermediate_values)
    x0, x1 = digits(config)
    held_out = number_split(config, study.seed)["validation"]
    targets = np.ascontiguousarray(remainders(config, study.seed)[held_out].T)

    def report(step: int, network: FastStep) -> dict[str, np.ndarray]:
        if step not in known:  # a trial that is gone on with has reported some
            _, right = network.evaluate(x0[held_out], x1[held_out], targets)
            trial.report(float(right.mean()), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return {}

    probes = {
        f"after {step}": Probe(steps=[step], measure=partial(report, step))
        for step in report_steps(config.steps)
    }
    try:
        return _accuracy(config, study.seed, store, threads, probes)
    except optuna.TrialPruned:
        store.checkpoint(KIND, config.key(), study.seed).clear()
        raise
    except DivergedError:
        store.checkpoint(KIND, config.key(), study.seed).clear()
        return 0.0
    except BaseException:
        _retry()(trial.study, trial.study.get_trials(deepcopy=False)[trial.number])
        raise


def _accuracy(
    config: RemaindersConfig, seed: int, store: Store, threads: int, probes: Mapping[str, Probe]
) -> float:
    """What a training ends with; it is read from the store where these settings were tried."""
    address = (KIND, config.key(), seed)
    with store.lock(*address):
        if address not in store:
            checkpoint = store.checkpoint(*address)
            trained = train(
                config, seed, threads=threads, probes=probes, checkpoint=checkpoint, progress=False
            )
            store.save(
                *address,
                tensors={"steps": np.array(trained.steps)},
                metrics=trained.history,
                config=asdict(config),
                device="cpu",
                wall_s=trained.wall_s,
            )
            checkpoint.clear()
        history = store.load(*address).metrics
    last = history[(history.split == "validation") & (history.step == config.steps)]
    return float(last.accuracy.mean())


def _tables(opened: optuna.Study, study: Study) -> SearchTables:
    trials: list[dict[str, Any]] = []
    reports: list[dict[str, float]] = []
    for index, trial in enumerate(_finished(opened.get_trials(deepcopy=False))):
        pruned = trial.state.name == "PRUNED"
        seen = dict(trial.intermediate_values)
        if not pruned:
            seen[study.base.steps] = float(trial.value or 0.0)
        trials.append(
            {
                "trial": index,
                **{name: trial.params[name] for name in study.space},
                "accuracy": seen[max(seen)],
                "steps": max(seen),
                "pruned": pruned,
                "retries": len(trial.system_attrs.get("retry_history", [])),
            }
        )
        reports += [{"trial": index, "step": k, "accuracy": v} for k, v in sorted(seen.items())]
    return SearchTables(_trials_frame(trials, study), _reports_frame(reports))
