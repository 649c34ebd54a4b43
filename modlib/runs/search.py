"""Settings of paper B's training compared by Optuna: killed at will, gone on with, exported.

A study lies in the store as an SQLite file. What trial k tries depends on the study, on k and on
the trials that are finished then. Each trial is a training, which saves its state as every training
does. Whoever runs a trial holds its lock; one that nobody holds was killed, and is taken up again
under its own number before another is begun, its training where it was. So one process ends with
the same trials however often it is killed. Several at once share the work: which of them are
finished when the next begins depends on their pace. Optuna comes with the extra ``search``; what is
committed is read without.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from filelock import FileLock, Timeout

from modlib.errors import DivergedError, InputError, StoreError, require_int
from modlib.progress import Bar
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
LOOK_S = 2
"""Seconds between looks at the trials that other processes run."""
TAKEN_UP = "taken_up"
"""How often a trial was taken up again, in what the study says of it."""


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
        bar = Bar(total=trials, disable=not progress, unit="trial", desc="search")
        while True:
            finished = _finished(opened.get_trials(deepcopy=False))
            bar.n = min(len(finished), trials)
            bar.set_postfix(best=max((t.value or 0.0 for t in finished), default=0.0))
            if len(finished) >= trials:
                break
            with _next_trial(opened, study, store, trials) as trial:
                if trial is None:  # others run all that are left
                    time.sleep(LOOK_S)
                else:
                    _run(opened, trial, study, store, threads)
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
                f"sqlite:///{quote(str(path))}",  # a path may hold a ? of its own
                engine_kwargs={"connect_args": {"timeout": 60}},
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
            for start in _starts(study)[len(opened.get_trials(deepcopy=False)) :]:
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


@contextmanager
def _next_trial(
    opened: optuna.Study, study: Study, store: Store, trials: int
) -> Iterator[optuna.Trial | None]:
    """A trial that nobody runs, held: the first that was killed, else a new one.

    None where those that others run are all that is left to do.
    """
    import optuna

    home = store.of(study).home
    with ExitStack() as held:
        with FileLock(home / ".next-trial.lock"):
            found = opened.get_trials(deepcopy=False)
            running = [trial for trial in found if trial.state.name == "RUNNING"]
            trial = None
            for other in running:
                try:
                    held.enter_context(FileLock(home / f".trial-{other.number}.lock", timeout=0))
                except Timeout:
                    continue
                opened.sampler = _sampler(study, found[: other.number])
                trial = optuna.Trial(opened, other._trial_id)
                trial.set_user_attr(TAKEN_UP, other.user_attrs.get(TAKEN_UP, 0) + 1)
                break
            if trial is None and len(_finished(found)) + len(running) < trials:
                opened.sampler = _sampler(study, found)
                trial = opened.ask()
                held.enter_context(FileLock(home / f".trial-{trial.number}.lock"))
        yield trial


def _sampler(
    study: Study, before: Sequence[optuna.trial.FrozenTrial]
) -> optuna.samplers.BaseSampler:
    """The sampler of the trial that comes after these, seeded by its number.

    Trials that an older version queued again are left out of the count.
    """
    import optuna

    number = sum("failed_trial" not in trial.system_attrs for trial in before)
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


def _settings(opened: optuna.Study, trial: optuna.Trial, study: Study) -> dict[str, Any]:
    """What a trial tries; some of it stands in the study where it was killed on the way."""
    import optuna

    frozen = opened.get_trials(deepcopy=False)[trial.number]
    drawn = set(frozen.params) - set(frozen.system_attrs.get("fixed_params", {}))
    chosen = {}
    for name, values in study.space.items():
        if name in drawn:  # the next draws must come behind this one's
            choices = optuna.distributions.CategoricalDistribution(list(values))
            opened.sampler.sample_independent(opened, frozen, name, choices)
        chosen[name] = trial.suggest_categorical(name, list(values))
    return chosen


def _run(
    opened: optuna.Study, trial: optuna.Trial, study: Study, store: Store, threads: int
) -> None:
    """Run a trial to its end and tell the study: mean validation accuracy over tasks.

    0 where the training diverges. What ends otherwise leaves the trial to be taken up again.
    """
    import optuna

    config = study.config(_settings(opened, trial, study))
    known = set(opened.get_trials(deepcopy=False)[trial.number].intermediate_values)
    task = RemaindersTask(config, study.seed)
    held_out = task.split["validation"]

    def stop_early() -> None:
        if trial.should_prune():
            raise optuna.TrialPruned

    def report(step: int, network: FastStep) -> dict[str, np.ndarray]:
        if step not in known:  # a trial that is gone on with has reported some
            _, right = network.evaluate(held_out)
            trial.report(float(right.mean()), step)
            stop_early()
        return {}

    probes = [
        Probe(times=[step], measure=partial(report, step)) for step in report_steps(config.steps)
    ]
    try:
        if known:  # killed, perhaps just before it was stopped
            stop_early()
        value: float | None = _accuracy(task, store, threads, probes)
    except (optuna.TrialPruned, DivergedError) as ended:
        store.of(config, study.KIND).checkpoint(study.seed).clear()
        value = 0.0 if isinstance(ended, DivergedError) else None
    stopped = optuna.trial.TrialState.PRUNED if value is None else None
    opened.tell(trial.number, value, state=stopped)


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
                "retries": trial.user_attrs.get(TAKEN_UP, 0),
            }
        )
        reports += [{"trial": index, "step": k, "accuracy": v} for k, v in sorted(seen.items())]
    return SearchTables(trials_frame(trials, study), reports_frame(reports))
