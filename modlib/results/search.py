"""A search's finished trials in ``results/remainders/search``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from modlib.errors import InputError, StoreError
from modlib.machine import RESULTS
from modlib.results.folder import open_folder, require_writable, write_folder
from modlib.results.remainders import FOLDER
from modlib.results.schemas import search_tables, wrong_search
from modlib.runs.search import opened_study, study_file, tables_of
from modlib.runs.study import SearchTables, Study
from modlib.store.folder import provenance
from modlib.store.runs import Store


def export_search(
    study: Study | None = None,
    *,
    store: Store | None = None,
    replace: bool = False,
    results: Path = RESULTS,
) -> Path:
    """Write a study's finished trials to ``results/remainders/search``; returns the folder.

    Refuses (``InputError``) to take the place of more trials, unless ``replace`` says so.
    """
    study = study or Study()
    store = store or Store()
    folder = results / FOLDER / Study.KIND
    require_writable(folder)
    if not study_file(study, store).exists():
        raise StoreError(
            f"{study_file(study, store)} is missing: the store holds no trial of the study"
        )
    with opened_study(study, store) as opened:
        tables = tables_of(opened, study)
    if tables.trials.empty:
        raise StoreError(f"{study_file(study, store)} holds no finished trial")
    before = None if replace else read_search(study, results=results)
    if before is not None and len(before.trials) > len(tables.trials):
        rule = f"be at least {len(before.trials)}, which {folder} holds, or be replaced on purpose"
        raise InputError("finished trials", rule, len(tables.trials))
    content = {
        "kind": Study.KIND,
        "key": study.key(),
        "config": asdict(study.base),
        "space": {name: list(values) for name, values in study.space.items()},
        "seeds": [study.seed, study.seed],
        **provenance("cpu"),
    }
    write_folder(folder, tables._asdict(), content)
    return folder


def read_search(study: Study | None = None, *, results: Path = RESULTS) -> SearchTables | None:
    """The committed trials, checked; None where there are none.

    Raises ``StoreError`` for a damaged folder and for one of another study.
    """
    study = study or Study()
    folder = open_folder(
        results / FOLDER / Study.KIND, lambda manifest: manifest.get("key") == study.key()
    )
    if folder is None:
        return None
    folder.require_files(SearchTables._fields)
    found = folder.tables(search_tables(study.space, study.base.steps))
    folder.require(wrong_search(found))
    trials, reports = found["trials"], found["reports"]
    for name, choices in study.space.items():  # tables hold 32 bits
        nearest = np.abs(trials[name].to_numpy()[:, None] - np.array(choices)).argmin(1)
        trials[name] = np.array(choices)[nearest]
    return SearchTables(trials, reports)
