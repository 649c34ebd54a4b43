"""Captions below figures where no site is built: JupyterLab, papermill.

The site takes captions from the metadata of cells; notebooks show them as output. JupyterLab sends
a cell's metadata along with its code, so that a caption stands below its figure whether the run
fills it before or after.
"""

from __future__ import annotations

import os
import re
from typing import Any

from IPython.display import Markdown, display

from modlib.progress import cell_metadata, is_watched, shell

SITE = "MODLIB_SITE"
"""Set in the environment of kernels that execute chapters for the site."""

QUOTED = re.compile(r"\{glue:md\}`([^`:]+)(?::\w+)?`")

_filled: dict[str, str] = {}
"""Texts by name whose figure is still to come."""
_drawn: dict[str, str] = {}
"""Captions of figures whose text, by its name, is still to come."""


def show_filled(name: str, text: str) -> None:
    """Show what the run says below a figure: here, or where the figure is drawn later on."""
    if name in _drawn:
        _show(QUOTED.sub(lambda quoted: text, _drawn.pop(name)))
    elif is_watched(cell_metadata()):
        _filled[name] = text
    else:
        _show(text)


def show_captions_below_figures() -> None:
    """From now on, show the captions of JupyterLab's cells below what they have drawn."""
    running = shell()
    if running is not None and _below_figure not in running.events.callbacks["post_run_cell"]:
        running.events.register("post_run_cell", _below_figure)


def _below_figure(result: Any) -> None:
    text = (cell_metadata() or {}).get("mystnb", {}).get("figure", {}).get("caption", "")
    quoted = QUOTED.search(text)
    if not result.success:
        return
    if quoted is None or quoted[1] in _filled:
        _show(QUOTED.sub(lambda name: _filled.pop(name[1]), text))
    else:
        _drawn[quoted[1]] = text


def _show(text: str) -> None:
    if text and SITE not in os.environ:
        display(Markdown(text))
