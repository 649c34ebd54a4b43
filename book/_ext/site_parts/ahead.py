"""Chapters are executed ahead of their turn, one a core, while other pages are read.

MyST-NB executes a notebook when it reads it, one after another. Here all that are to be read and
are not in its cache are begun at once; a page waits for its own, puts it into the cache, and
MyST-NB finds it there. A chapter that fails is left to MyST-NB, which tells what happened.
"""

from __future__ import annotations

import multiprocessing
import os
import re
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from sphinx.util import logging

from modlib.machine import available_cores, end_with

if TYPE_CHECKING:
    from jupyter_cache.base import JupyterCacheAbstract
    from jupyter_cache.executors.utils import ExecutionResult
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

under_way: dict[str, Future[ExecutionResult]] = {}
"""Chapters that this build executes, by the name of their page."""


def begin(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Execute those of the pages that are notebooks and not in the cache, in their order."""
    under_way.clear()
    config = env.mystnb_config
    if config.execution_mode != "cache":
        return
    missing = {page: path for page in pages if (path := notebook_of(env, page)) is not None}
    if not missing:
        return
    executors = ProcessPoolExecutor(
        min(len(missing), available_cores()),
        mp_context=multiprocessing.get_context("spawn"),  # this process has threads
        initializer=end_with,
        initargs=(os.getpid(),),
    )
    how = {
        "timeout": config.execution_timeout,
        "allow_errors": config.execution_allow_errors,
    }
    for page, path in missing.items():
        under_way[page] = executors.submit(execute, path, config.kernel_rgx_aliases, how)
    executors.shutdown(wait=False)  # it ends with its last chapter


def notebook_of(env: BuildEnvironment, page: str) -> Path | None:
    """The notebook behind a page that has to be executed; None where there is none."""
    path = Path(env.doc2path(page))
    if path.suffix != ".ipynb":
        return None
    try:
        cache_of(env).match_cache_notebook(read(path, env.mystnb_config.kernel_rgx_aliases))
    except KeyError:
        return path
    return None


def cache_of(env: BuildEnvironment) -> JupyterCacheAbstract:
    """MyST-NB's cache of executed notebooks."""
    return get_cache(env.mystnb_config.execution_cache_path)


def read(path: Path, aliases: dict[str, str]) -> nbformat.NotebookNode:
    """A notebook as MyST-NB executes it: the cache knows it by its cells and its kernel."""
    notebook = nbformat.read(path, as_version=4)
    kernel = notebook.metadata.get("kernelspec", {})
    for pattern, alias in aliases.items():
        if "name" in kernel and re.fullmatch(pattern, kernel["name"]):
            kernel["name"] = alias
            break
    return notebook


def execute(path: Path, aliases: dict[str, str], how: dict[str, Any]) -> ExecutionResult:
    """Execute a notebook, in a process of its own; a cell's error is in the result.

    At any other, Ctrl-C or a kernel that died, the process ends and with it the pool: else it
    would begin the next chapter of a build that is over.
    """
    try:
        return single_nb_execution(read(path, aliases), str(path.parent.resolve()), **how)
    except BaseException:
        os._exit(1)


def take(app: Sphinx, page: str, source: list[str]) -> None:
    """Wait for a page's chapter and put it where MyST-NB looks for it."""
    executed = under_way.pop(page, None)
    if executed is None:
        return
    try:
        result = executed.result()
    except Exception as error:  # a kernel that does not start, or a process that was killed
        logger.info("%s is executed again: %s", page, error)
        return
    if result.err is None:
        path, data = app.env.doc2path(page), {"execution_seconds": result.time}
        bundle = CacheBundleIn(result.nb, str(path), data=data)
        cache_of(app.env).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
        logger.info("%s: executed in %.1f s", page, result.time)


def end(app: Sphinx, error: Exception | None) -> None:
    """After a build that failed no chapter is executed any more."""
    if error is None:
        return
    for executed in under_way.values():
        executed.cancel()
    for process in multiprocessing.active_children():
        process.kill()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("env-before-read-docs", begin)
    app.connect("source-read", take, priority=0)
    app.connect("build-finished", end)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
