"""The search over settings: what it tries, what a killed one does, what it leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from modlib.cli import main as cli
from modlib.config.remainders import RemaindersConfig
from modlib.errors import InputError, StoreError
from modlib.results import search as search_results
from modlib.results.search import export_search, read_search
from modlib.runs import search as search_module
from modlib.runs.search import report_steps, search, study_file
from modlib.runs.study import PAPER_BEST, PAPER_SPACE, SPACE, SearchTables, Study
from modlib.store.checkpoint import Checkpoint
from modlib.store.runs import Shelf, Store
from modlib.training import resume

optuna = pytest.importorskip("optuna")

SMALL = RemaindersConfig(p=11, embed_dim=16, steps=64)
CHOICES = {"lr": (1e-4, 3e-3), "lam": (0.0, 0.5), "dropout": (0.0, 0.1, 1 / 3)}
STUDY = Study(base=SMALL, space=CHOICES)


@pytest.fixture(scope="module", autouse=True)
def _early_pruning():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "STARTUP", 2)
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("search"))


@pytest.fixture(scope="module")
def found(store) -> SearchTables:
    return search(STUDY, trials=7, store=store, progress=False)


# What is tried


def test_the_space_is_the_papers_with_two_values_more():
    added = {name: set(SPACE[name]) - set(values) for name, values in PAPER_SPACE.items()}
    assert SPACE.keys() == PAPER_SPACE.keys()
    assert {name: values for name, values in added.items() if values} == {
        "weight_decay": {1 / 3},
        "lr": {3e-3},
    }
    assert all(PAPER_BEST[name] in SPACE[name] for name in SPACE)
    assert Study().size == 4 * 3 * 5 * 2 * 3 * 2


def test_no_setting_is_tried_twice_and_the_bases_own_comes_first(found):
    settings = found.trials[list(CHOICES)]
    assert len(settings.drop_duplicates()) == len(settings) == 7
    assert settings.iloc[0].tolist() == [3e-3, 0.5, 0.1]
    assert found.trials.trial.tolist() == list(range(7))


def test_a_trial_ends_with_the_accuracy_of_the_network_of_its_settings(found, store):
    row = found.trials[~found.trials.pruned].iloc[0]
    config = STUDY.config({name: float(row[name]) for name in CHOICES})
    history = store.of(config, STUDY.KIND).load(STUDY.seed).metrics
    last = history[(history.split == "validation") & (history.step == config.steps)]
    assert row.accuracy == last.accuracy.mean()
    assert row.steps == config.steps


def test_reports_are_the_accuracies_on_the_way(found, store):
    row = found.trials[~found.trials.pruned].iloc[0]
    reports = found.reports[found.reports.trial == row.trial]
    assert reports.step.tolist() == [*report_steps(64), 64]
    config = STUDY.config({name: float(row[name]) for name in CHOICES})
    history = store.of(config, STUDY.KIND).load(STUDY.seed).metrics
    mean = history[history.split == "validation"].groupby("step").accuracy.mean()
    np.testing.assert_allclose(reports.accuracy, mean[reports.step])


def test_a_trial_stopped_early_says_so(found):
    pruned = found.trials[found.trials.pruned]
    assert len(pruned)
    assert (pruned.steps < 64).all()
    assert (pruned.steps >= 32).all()
    for row in pruned.itertuples():
        assert found.reports[found.reports.trial == row.trial].step.max() == row.steps


def test_the_same_search_finds_the_same(found, tmp_path):
    again = search(STUDY, trials=7, store=Store(tmp_path), progress=False)
    for one, two in zip(found, again, strict=True):
        pd.testing.assert_frame_equal(one, two)


def test_a_search_is_extended(found, store):
    more = search(STUDY, trials=9, store=store, progress=False)
    pd.testing.assert_frame_equal(more.trials.iloc[:7], found.trials)
    assert len(more.trials) == 9


# Killed


SCRIPT = """
import sys
from pathlib import Path
from modlib.runs import search as s
from modlib.runs.study import Study
from modlib.config.remainders import RemaindersConfig
from modlib.store.runs import Store
from modlib.training import resume
resume.pause_s = lambda took: 0.2
base = RemaindersConfig(p=11, embed_dim=16, steps=1000)
study = Study(base=base, space={"lr": (1e-3, 3e-3), "lam": (0.0, 0.5)})
found = s.search(study, trials=2, store=Store(Path(sys.argv[1])), progress=False)
for name, table in found._asdict().items():
    table.to_parquet(f"{sys.argv[2]}/{name}.parquet")
"""


def start(store: Path, out: Path) -> subprocess.Popen[bytes]:
    out.mkdir(exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(store), str(out)], env=environment)


def read(out: Path) -> SearchTables:
    return SearchTables(*(pd.read_parquet(out / f"{k}.parquet") for k in SearchTables._fields))


def test_a_killed_trial_is_tried_again_from_its_checkpoint_with_the_same_end(tmp_path):
    killed_store = tmp_path / "killed"
    process = start(killed_store, tmp_path / "out")
    limit = time.monotonic() + 120
    while not (saved := list(killed_store.glob(f"{STUDY.KIND}/*/.seed-*.partial/MANIFEST.json"))):
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    partial = [path.parent for path in saved if path.exists()]
    assert partial, "it was through before it was killed"
    assert start(killed_store, tmp_path / "out").wait(180) == 0
    assert start(tmp_path / "whole", tmp_path / "whole_out").wait(180) == 0
    killed, whole = read(tmp_path / "out"), read(tmp_path / "whole_out")
    assert killed.trials.retries.sum() == 1
    assert whole.trials.retries.sum() == 0
    pd.testing.assert_frame_equal(
        killed.trials.drop(columns="retries"), whole.trials.drop(columns="retries")
    )
    pd.testing.assert_frame_equal(killed.reports, whole.reports)
    assert not any(path.exists() for path in partial)


class Killed(BaseException):
    """Stands for a kill: nothing on the way catches it, locks fall with it."""


KILLED_AT = [
    *((optuna.Study, "ask"), (optuna.Study, "tell"), (optuna.Study, "enqueue_trial")),
    *((optuna.Trial, "suggest_categorical"), (optuna.Trial, "report")),
    *((optuna.Trial, "should_prune"), (Shelf, "save"), (Checkpoint, "save")),
    (Checkpoint, "clear"),
]
"""What is killed just before it is done, or just after."""


@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in (1, 2))])
def test_a_search_killed_everywhere_ends_with_the_same_trials(found, tmp_path, monkeypatch, seed):
    generator, kills = np.random.default_rng(seed), 0

    def mortal(method):
        def call(*args, **options):
            nonlocal kills
            before, after = generator.random(2) < 0.02
            kills += before or after
            if before:
                raise Killed
            result = method(*args, **options)
            if after:
                raise Killed
            return result

        return call

    monkeypatch.setattr(resume, "pause_s", lambda took: 0.0)
    again = None
    with monkeypatch.context() as patch:
        for owner, name in KILLED_AT:
            patch.setattr(owner, name, mortal(getattr(owner, name)))
        while again is None:
            with contextlib.suppress(Killed):
                again = search(STUDY, trials=7, store=Store(tmp_path), progress=False)
    assert kills > 5
    pd.testing.assert_frame_equal(
        again.trials.drop(columns="retries"), found.trials.drop(columns="retries")
    )
    pd.testing.assert_frame_equal(again.reports, found.reports)


def test_a_trial_that_another_process_runs_is_left_to_it(tmp_path, monkeypatch):
    store = Store(tmp_path)
    with search_module.opened_study(STUDY, store) as opened:
        take = partial(search_module._next_trial, opened, STUDY, store, 2)
        with take() as first, take() as second, take() as third:
            assert (first.number, second.number, third) == (0, 1, None)
        with take() as again:
            assert again.number == 0


def test_an_interrupted_trial_is_queued_again(tmp_path, monkeypatch):
    store = Store(tmp_path)

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(search_module, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search(STUDY, trials=1, store=store, progress=False)
    found = search(STUDY, trials=1, store=store, progress=False)
    assert found.trials.retries.tolist() == [1]


def test_a_stopped_trial_leaves_no_checkpoint(found, store):
    assert not list(store.root.glob(f"{STUDY.KIND}/*/.seed-*.partial"))


# What it leaves


def test_the_list_of_a_store_names_a_study_and_its_trials(found, store, monkeypatch):
    monkeypatch.setenv("MODLIB_STORE", str(store.root))
    listed = CliRunner().invoke(cli.main, ["store"]).stdout.splitlines()
    assert sum(line.startswith(f"{STUDY.KIND}/{STUDY.key()}  study  ") for line in listed) == 1
    tried = found.trials[~found.trials.pruned].iloc[0]
    config = STUDY.config({name: tried[name] for name in CHOICES})
    (line,) = (line for line in listed if line.startswith(f"{STUDY.KIND}/{config.key()}  "))
    assert "  p=11 embed_dim=16 " in line
    assert "1 networks" in line


def test_exported_trials_are_read_back_with_the_exact_settings(found, store, tmp_path):
    folder = export_search(STUDY, store=store, results=tmp_path)
    assert folder == tmp_path / "remainders" / "search"
    again = read_search(STUDY, results=tmp_path)
    for name, choices in CHOICES.items():
        assert set(again.trials[name]) <= set(choices)
    np.testing.assert_allclose(again.trials.accuracy[:7], found.trials.accuracy, rtol=1e-6)
    with pytest.raises(StoreError, match="another configuration"):
        read_search(results=tmp_path)
    (folder / "trials.parquet").write_bytes(b"")
    with pytest.raises(StoreError, match=r"trials\.parquet has 0 bytes"):
        read_search(STUDY, results=tmp_path)


def test_nothing_committed_is_none(tmp_path):
    assert read_search(STUDY, results=tmp_path) is None


# Refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": {"dropout": (0.1, 1.0)}}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"space": {"heads": (4, 5)}}, "heads must divide embed_dim"),
        ({"seed": -1}, "seed must be an integer at least 0"),
        ({"base": RemaindersConfig(p=11, steps=7)}, "steps must be an integer at least 8"),
    ],
)
def test_a_study_that_cannot_run_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        Study(**change)


@pytest.mark.parametrize("trials", [0, 13, True, 2.5, "3"])
def test_a_number_of_trials_that_there_is_not_is_refused(trials, tmp_path):
    with pytest.raises(InputError, match="trials must be an integer at least 1 and at most 12"):
        search(STUDY, trials=trials, store=Store(tmp_path), progress=False)


def test_a_damaged_study_is_refused_in_one_line(tmp_path):
    store = Store(tmp_path)
    path = tmp_path / STUDY.KIND / STUDY.key() / "study.sqlite3"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database " * 100)
    with pytest.raises(StoreError, match=r"study\.sqlite3 cannot be used \(.*not a database"):
        search(STUDY, trials=1, store=store, progress=False)


def test_an_export_without_trials_is_refused(tmp_path):
    with pytest.raises(StoreError, match="holds no trial of the study"):
        export_search(STUDY, store=Store(tmp_path), results=tmp_path)


def test_without_optuna_the_command_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install -e '.\[search\]'"):
        search(STUDY, trials=1, store=Store(tmp_path), progress=False)


# The command


def run(command: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path))
    return CliRunner().invoke(cli.main, ["search", *command.split()], prog_name="python -m modlib")


def test_the_command_says_the_best_setting(tmp_path, monkeypatch):
    done = run("--p 5 --steps 8 --trials 2", tmp_path, monkeypatch)
    assert done.exit_code == 0, done.output
    assert "2 settings tried, best 0." in done.output
    assert "weight_decay 0.333" in done.output


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("--p 12", "p must be a prime number, got 12"),
        ("--steps 0", "steps must be an integer at least 8, got 0"),
        ("--trials 1000", "trials must be an integer at least 1 and at most 720, got 1000"),
        ("--seed abc", "seed must be an integer"),
        ("--threads 0", "threads must be an integer at least 1"),
        ("--export", "holds no trial of the study"),
    ],
)
def test_the_command_refuses_in_one_line(command, message, tmp_path, monkeypatch):
    done = run(command, tmp_path, monkeypatch)
    assert done.exit_code == 2
    assert message in done.output
    assert done.output.count("\n") == 1


def test_a_training_that_diverges_counts_as_nothing(tmp_path):
    study = Study(base=SMALL, space={"lr": (10.0,), "weight_decay": (1000.0,)})
    trials = search(study, trials=1, store=Store(tmp_path), progress=False).trials
    assert trials.accuracy.tolist() == [0.0]


def test_fewer_trials_take_the_place_of_more_on_purpose_only(found, store, tmp_path, monkeypatch):
    export_search(STUDY, store=store, results=tmp_path)
    few = search_results.tables_of
    monkeypatch.setattr(
        search_results,
        "tables_of",
        lambda opened, study: few(opened, study)._replace(trials=few(opened, study).trials[:2]),
    )
    with pytest.raises(InputError, match="finished trials must be at least"):
        export_search(STUDY, store=store, results=tmp_path)
    assert len(read_search(STUDY, results=tmp_path).trials) > 2


def test_a_store_whose_path_has_a_question_mark_has_its_studies_inside(tmp_path):
    store = Store(tmp_path / "a?b")
    search(STUDY, trials=1, store=store, progress=False)
    assert study_file(STUDY, store).is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["a?b"]
