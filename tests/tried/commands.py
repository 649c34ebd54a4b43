"""Every long command in small. Each may be called again, and gives what it made."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import edits
from made_up import queue_jobs
from modlib import machine
from modlib.chapters import edition, execute
from modlib.config.addition import AdditionConfig
from modlib.config.presets import ADDITION_PRESETS, CLOCK_PIZZA_PRESETS, REMAINDERS_PRESETS
from modlib.config.remainders import RemaindersConfig
from modlib.queue import jobs
from modlib.results import clock_pizza
from modlib.results.clock_pizza import export_clock_pizza, read_clock_pizza
from modlib.results.remainders import export_remainders, read_remainders
from modlib.results.sample import export as export_sample
from modlib.results.sample import read_export
from modlib.results.sweeps import export_sweep, read_sweep_export
from modlib.runs.get_or_train import get_or_train
from modlib.runs.search import search
from modlib.runs.shards import read_sweep, read_weights
from modlib.runs.study import Study
from modlib.runs.sweep import sweep
from modlib.store.runs import Store
from tried.process import contents

Command = Callable[[Path], Any]

SWEPT = AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=20)
SEARCHED = Study(
    base=RemaindersConfig(p=5, embed_dim=8, heads=2, steps=24),
    space={"lr": (1e-3, 3e-3), "lam": (0.0, 0.5)},
)
QUIET: dict[str, Any] = {"progress": False}
PRESETS = (
    (ADDITION_PRESETS, "A7", queue_jobs.ADDITION),
    (REMAINDERS_PRESETS, "B11", queue_jobs.REMAINDERS),
    (CLOCK_PIZZA_PRESETS, "C59-rate-0", queue_jobs.PIZZA),
)
"""Names under which small networks are exported and queued."""


@contextmanager
def in_small() -> Iterator[None]:
    """Presets, jobs, chapters and sources of an edition that take seconds."""
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {"JPY_SESSION_NAME": ""}))
        for known, name, config in PRESETS:
            stack.enter_context(patch.dict(known, {name: config}))
        stack.enter_context(patch.object(clock_pizza, "PUBLISHED", {}))
        stack.enter_context(patch.object(jobs, "JOBS", queue_jobs.JOBS))
        queue_jobs.make_inline(stack.enter_context(pytest.MonkeyPatch.context()))
        yield


@contextmanager
def storing(root: Path) -> Iterator[Path]:
    """``root / store`` is the store; yields the folder for results beside it."""
    with patch.dict(os.environ, {"MODLIB_STORE": str(root / "store")}):
        yield root / "results"


def train(config: Any) -> Command:
    """A network of a family."""
    return lambda root: get_or_train(config, seed=5, store=Store(root), device="cpu", **QUIET)


def swept(root: Path) -> Any:
    """Four networks in two shards."""
    options: dict[str, Any] = {"keep_weights": True, "device": "cpu", "threads": 1, "shard_size": 2}
    sweep(SWEPT, range(4), store=Store(root), **options, **QUIET)
    return read_sweep(Store(root), SWEPT), read_weights(Store(root), SWEPT)


def searched(root: Path) -> Any:
    """Three trials."""
    found = search(SEARCHED, trials=3, store=Store(root), **QUIET)
    return found._replace(trials=found.trials.drop(columns="retries"))


def export_of_networks(root: Path) -> Any:
    """Networks of paper A, described one by one."""
    with storing(root) as results:
        export_sample("A7", first_seed=5, num_seeds=2, device="cpu", results=results)
        return read_export("A7", results)


def export_of_sweep(root: Path) -> Any:
    """A sweep's tables."""
    with storing(root) as results:
        sweep(queue_jobs.ADDITION, range(2), device="cpu", threads=1, **QUIET)
        export_sweep("A7", first_seed=0, results=results)
        return read_sweep_export("A7", results)


def export_of_remainders(root: Path) -> Any:
    """Networks of paper B, the second behind the first."""
    with storing(root) as results:
        options: dict[str, Any] = {"threads": 1, "device": "cpu", "results": results, **QUIET}
        before = read_remainders("B11", results)
        if before is None or len(before.networks) < 2:
            for seed in range(5 if before is None else 6, 7):
                export_remainders("B11", first_seed=seed, num_seeds=1, append=seed > 5, **options)
        return read_remainders("B11", results)


def export_of_pizzas(root: Path) -> Any:
    """Clocks and pizzas."""
    with storing(root) as results:
        options: dict[str, Any] = {"presets": ("C59-rate-0",), "results": results, **QUIET}
        export_clock_pizza(first_seed=2000, num_seeds=1, **options)
        return read_clock_pizza(results)


def queued(root: Path) -> Any:
    """A queue of every family, its trainings in this process."""
    with storing(root) as results:
        lines: list[str] = []
        chosen = [job for job in queue_jobs.JOBS if job.name in ("A7", "A7-more", "pizzas")]
        if queue_jobs.runner(results, lines, threads=1).run(chosen):
            raise RuntimeError("; ".join(lines))
        return contents(results)


def site_of(work: Path) -> Path:
    """In place of a build: a page with the front page's source."""
    site = work / "_build" / "html"
    site.mkdir(parents=True, exist_ok=True)
    (site / "index.html").write_text((work / "book" / "index.md").read_text())
    return site


def edition_made(root: Path) -> Any:
    """An edition of one chapter, without what Jupyter Book does."""
    sources = root / "sources"
    if not sources.is_dir():
        laid = root / "laid"
        shutil.rmtree(laid, ignore_errors=True)
        for name in ("book", "notebooks", *edition.LINKED):
            (laid / name).mkdir(parents=True)
        shutil.copy(machine.NOTEBOOKS / "01_training.ipynb", laid / "notebooks")
        for name in ("_config.yml", "_toc.yml", "CITATION.cff", "requirements.txt"):
            shutil.copy(machine.ROOT / name, laid / name)
        shutil.copy(machine.ROOT / "book" / "index.md", laid / "book")
        laid.rename(sources)
    with patch.object(edition, "build_site", site_of):
        edition.make_edition(edition.Edition(n=97, seed=5), root / "site", sources=sources)
    return contents(root / "site")


CHAPTER = """seed: int = 5  # which network
from modlib import AdditionConfig, get_or_train
config = AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=20)
run = get_or_train(config, seed=seed, device="cpu", progress=False)
print(sorted((name, array.tobytes().hex()) for name, array in run.weights.items()))"""


def chapter_run(root: Path) -> Any:
    """``python -m modlib run``: a chapter of two cells in a kernel of its own."""
    notebooks = root / "notebooks"
    if not (notebooks / "99_small.ipynb").is_file():
        notebooks.mkdir(parents=True, exist_ok=True)
        first, _, rest = CHAPTER.partition("\n")
        (notebooks / "99_small.ipynb.part").write_text(json.dumps(_notebook(first, rest)))
        (notebooks / "99_small.ipynb.part").rename(notebooks / "99_small.ipynb")
    target = root / "out.ipynb"
    with storing(root), patch.object(execute, "NOTEBOOKS", notebooks):
        execute.execute("99_small", {"seed": 6}, target, quiet=True)
    cells = json.loads(target.read_text())["cells"]
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"][-1][0]["text"]


def _notebook(*sources: str) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {} if number else {"tags": ["parameters"]},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


COMMANDS: dict[str, Command] = {
    **{f"train, {name}": train(config) for name, config in edits.SMALL.items()},
    "sweep": swept,
    "search": searched,
    "export of networks": export_of_networks,
    "export of a sweep": export_of_sweep,
    "export of paper B": export_of_remainders,
    "export of pizzas": export_of_pizzas,
    "queue": queued,
    "edition": edition_made,
    "run a chapter": chapter_run,
}
SLOW = ("run a chapter",)
"""Commands that begin a kernel: seconds a try."""
