"""What this book asks of Sphinx beyond Jupyter Book's own options.

1. The pages lie in two folders, book/ and notebooks/, so the source folder is the
   repository's root, and the table of contents is the one at the root.
2. Jupyter Book executes a notebook again when its cells change, but does not see a change
   in modlib. A fingerprint of what the chapters compute with is kept beside the execution
   cache, which is emptied when the fingerprint differs.
3. A page that was not read since, or whose last build gave a warning, is read again.
4. Docstrings are prose: |x| or h_A in one is a formula, not reStructuredText.
5. The settings of a configuration are described by their own line of help.

What readers see is made in ``site_parts``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

if TYPE_CHECKING:
    from collections.abc import Set

    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).resolve().parents[2]
INPUTS = (
    "requirements.txt",
    "modlib/**/*.py",
    "modlib/**/*.toml",
    "modlib/**/*.md",  # templates of sentences
    "modlib/**/*.js",
    "modlib/**/*.css",
    "modlib/**/*.mplstyle",
    "results/**/*.json",  # manifests, which name every committed table with its checksum
    "results/*.csv",
)
STAMP = "modlib.sha256"
PARTS = (
    "ahead",
    "figures",
    "folding",
    "numbering",
    "mentions",
    "ledger",
    "words",
    "places",
    "frame",
)
# ``literal`` and :role:`target` keep their meaning; `name` is read as ``name``.
IN_DOCSTRING = re.compile(
    r"(?P<markup>``.+?``|:[\w:]+:`[^`]+`)|`(?P<name>[^`]+)`|(?P<mark>[|*]|(?<=\w)_(?!\w))"
)

logger = logging.getLogger(__name__)


def fingerprint() -> str:
    """Return one hash of every file that the chapters' numbers and figures depend on."""
    digest = hashlib.sha256()
    for pattern in INPUTS:
        for path in sorted(ROOT.glob(pattern)):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(ROOT).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def read_stamp(folder: str | Path) -> str | None:
    path = Path(folder) / STAMP
    return path.read_text() if path.exists() else None


def write_stamp(folder: str | Path, value: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / STAMP).write_text(value)


def move_source_to_root(app: Sphinx, config: Config) -> None:
    if "sphinx_external_toc" in app.extensions:  # not so when one page is built alone
        app.srcdir = type(app.srcdir)(ROOT)
        config["external_toc_path"] = (ROOT / "_toc.yml").as_posix()
    app.confdir = type(app.confdir)(ROOT / "book")  # where assets/ and references.bib lie


def empty_outdated_cache(app: Sphinx) -> None:
    """Empty the execution cache unless this very modlib filled it.

    The cache keeps its stamp from the start: if the build breaks off, the chapters already
    executed remain good for this fingerprint.
    """
    app.modlib_fingerprint = fingerprint()
    cache = Path(app.outdir).parent / ".jupyter_cache"
    if read_stamp(cache) != app.modlib_fingerprint:
        if cache.exists():
            logger.info("modlib, results/ or requirements.txt changed: executing all chapters")
            shutil.rmtree(cache)
        write_stamp(cache, app.modlib_fingerprint)


def pages_to_read(
    app: Sphinx, env: BuildEnvironment, added: Set[str], changed: Set[str], removed: Set[str]
) -> Set[str]:
    """Return every page if modlib or any chapter changed: pages show each other's figures."""
    if read_stamp(app.doctreedir) != app.modlib_fingerprint:
        return env.found_docs
    touched = added | changed | removed
    return env.found_docs if any(page.startswith("notebooks/") for page in touched) else set()


def describe_settings(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Add the settings of a configuration's class with their defaults and lines of help."""
    if what != "class" or not is_dataclass(obj):
        return
    for field in fields(obj):
        if "help" in field.metadata:
            lines += [f".. py:attribute:: {field.name}", f"   :value: {field.default!r}"]
            lines += ["", f"   {field.metadata['help']}", ""]


def escape_prose(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep a docstring's bars, stars and underscores from being read as markup."""

    def escaped(match: re.Match[str]) -> str:
        if match["name"]:
            return f"``{match['name']}``"
        return match["markup"] or "\\" + match["mark"]

    lines[:] = [IN_DOCSTRING.sub(escaped, line) for line in lines]


def finish(app: Sphinx, error: Exception | None) -> None:
    """Record a build without a warning."""
    stamp = Path(app.doctreedir) / STAMP
    stamp.unlink(missing_ok=True)
    if error is None and app._warncount == 0:
        write_stamp(app.doctreedir, app.modlib_fingerprint)


def setup(app: Sphinx) -> dict[str, bool]:
    # A chapter's numbers should not depend on how the build was started.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["MODLIB_SITE"] = "1"  # captions stand with their figures, not in outputs as well
    app.connect("config-inited", move_source_to_root, priority=0)
    app.connect("builder-inited", empty_outdated_cache, priority=0)
    app.connect("env-get-outdated", pages_to_read)
    app.connect("autodoc-process-docstring", describe_settings)
    app.connect("autodoc-process-docstring", escape_prose)
    app.connect("build-finished", finish)
    for part in PARTS:
        app.setup_extension(f"site_parts.{part}")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
