"""Settings of paper B's training compared by Optuna: killed at will, gone on with, exported.

A study lies in the store as an SQLite file. Each trial is a training, which saves its state as
every training does; a trial whose process was killed stops giving signs of life, is queued again
by Optuna, and its training goes on where it was. What trial k tries depends on the study, k and
the finished trials only. Optuna comes with the extra ``search``; what is committed is read without.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from modlib.errors import DivergedError, InputError, StoreError, require_int
from modlib.runs.study import (
    NUM_REPORTS,
    NUM_TRIALS,
    PAPER_BEST,
    STUDY,
    SearchTables,
    Study,
    reports_frame,
    trials_frame,
)
from modlib.store.runs import Store
from modlib.tasks.remainders import RemaindersTask
from modlib.training.remainders.step import FastStep
from modlib.training.remainders.train import train
from modlib.training.resume import Probe

if TYPE_CHECKING:
    import optuna

STARTUP, WARM_UP = 8, 0.5
"""Trials before any is stopped early, and the share of its steps that each is given."""
HEARTBEAT_S = 10
"""Seconds between a running trial's signs of life; it counts as killed after three times that."""
MAX_RETRIES = 20


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
    with opened_study(study, store) as opened:
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
        return tables_of(opened, study)


def study_file(study: Study, store: Store) -> Path:
    return store.of(study).home / STUDY


@contextmanager
def opened_study(study: Study, store: Store) -> Iterator[optuna.Study]:
    """The study in the store, made where there is none, with the starting trials queued."""
    try:
        import optuna
    except ImportError:
        rule = "be left out where Optuna is missing (pip install -e '.[search]')"
        raise InputError("command", rule, "search") from None
    from sqlalchemy.exc import SQLAlchemyError

    path = study_file(study, store)
    path.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    warned = optuna.exceptions.ExperimentalWarning
    try:
        with store.of(study).lock(study.seed), warnings.catch_warnings():
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
                study_name=study.KIND,
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
    task = RemaindersTask(config, study.seed)
    held_out = task.split["validation"]

    def report(step: int, network: FastStep) -> dict[str, np.ndarray]:
        if step not in known:  # a trial that is gone on with has reported some
            _, right = network.evaluate(held_out)
            trial.report(float(right.mean()), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return {}

    probes = [
        Probe(times=[step], measure=partial(report, step)) for step in report_steps(config.steps)
    ]
    try:
        return _accuracy(task, store, threads, probes)
    except optuna.TrialPruned:
        store.of(config, study.KIND).checkpoint(study.seed).clear()
        raise
    except DivergedError:
        store.of(config, study.KIND).checkpoint(study.seed).clear()
        return 0.0
    except BaseException:
        _retry()(trial.study, trial.study.get_trials(deepcopy=False)[trial.number])
        raise


def _accuracy(
    task: RemaindersTask, store: Store, threads: int, probes: Sequence[Probe[FastStep]]
) -> float:
    """What a training ends with; it is read from the store where these settings were tried."""
    config = task.config
    shelf = store.of(config, Study.KIND)
    with shelf.lock(task.seed):
        if task.seed not in shelf:
            checkpoint = shelf.checkpoint(task.seed)
            trained = train(
                task, threads=threads, probes=probes, checkpoint=checkpoint, progress=False
            )
            shelf.save(
                task.seed,
                tensors={"steps": np.array(trained.steps)},
                metrics=trained.history,
                config=asdict(config),
                device="cpu",
                wall_s=trained.wall_s,
            )
            checkpoint.clear()
        history = shelf.load(task.seed).metrics
    last = history[(history.split == "validation") & (history.step == config.steps)]
    return float(last.accuracy.mean())


def tables_of(opened: optuna.Study, study: Study) -> SearchTables:
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
    return SearchTables(trials_frame(trials, study), reports_frame(reports))
